import json
import re
import shutil

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

import buckets
from components.baseline import reference
from errors import ResourceError, UserError
from inspection.store.artifact_lookup import find_model
from inspection.store.metadata_store import open_store
from orchestration import rollback
from orchestration.cli import parser
from serving import versions


@pytest.fixture
def model(tmp_path):
    def make(text):
        folder = tmp_path / f"model {text}"
        folder.mkdir(exist_ok=True)
        (folder / "saved_model.pb").write_text(text)
        return str(folder)

    return make


@pytest.fixture
def serving(tmp_path, model):
    """Three versions, the newest of which is bad."""
    folder = tmp_path / "runs" / "houses" / "serving"
    for text in ("one", "two", "bad"):
        versions.place(model(text), str(folder), check=lambda _: None)
    return folder


def back(serving, name="houses", **options):
    return rollback.bring_back(str(serving.parents[1]), name, metadata=None, **options)


def serves(serving):
    return (serving / str(versions.pushed(str(serving))[-1]) / "saved_model.pb").read_text()


def test_two_rollbacks_go_back_two_versions(serving, capsys):
    first, second, bad = versions.pushed(str(serving))
    sentence = back(serving)

    assert serves(serving) == "two"
    assert sentence == f"houses: version {bad + 1} serves now, a copy of {second}; previously {bad}"
    assert "could not be recorded in ML Metadata: no runs yet" in capsys.readouterr().err
    back(serving)
    assert serves(serving) == "one"
    with pytest.raises(UserError, match=rf"no version before {bad + 2} that it pushed itself, so it cannot roll back"):
        back(serving)
    back(serving, number=bad)
    assert serves(serving) == "bad"
    back(serving)
    assert serves(serving) == "two"
    assert first in versions.pushed(str(serving))


def test_a_pipeline_of_a_bucket_is_listed_and_rolled_back(model, s3, capsys):
    root = "s3://bucket/rolled"
    for text in ("good", "bad"):
        versions.place(model(text), f"{root}/houses/serving", check=lambda _: None)
    good, bad = versions.pushed(f"{root}/houses/serving")

    assert parser.main(["push", "houses", "--root", f"{root}/"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [str(bad), str(good)]
    assert parser.main(["push", "--rollback", "houses", "--root", root]) == 0
    captured = capsys.readouterr()
    copy = versions.pushed(f"{root}/houses/serving")[-1]
    assert captured.out == f"houses: version {copy} serves now, a copy of {good}; previously {bad}\n"
    assert captured.err == ""
    assert buckets.read(f"{root}/houses/serving/{copy}/saved_model.pb") == b"good"
    assert parser.main(["push", "house", "--root", root]) == 2
    assert "s3://bucket/rolled/house/serving holds no version yet. Did you mean" in capsys.readouterr().err
    assert parser.main(["push", "houses", "--root", "s3://none/x"]) == 5
    assert "s3://none: this bucket does not exist" in capsys.readouterr().err


def test_a_rollback_from_a_copy_of_a_copy_starts_from_the_original(serving):
    first, second, bad = versions.pushed(str(serving))
    for number in (second, first, bad + 1):
        back(serving, number=number)
    copies = versions.pushed(str(serving))[-3:]

    assert [versions.read(str(serving), number).copy_of for number in copies] == [second, first, second]
    back(serving)
    assert serves(serving) == "one"


def test_the_error_of_a_missing_version_names_it(serving):
    message = r"houses has no version 7. Known versions: \d+, \d+, \d+. Older ones were removed"
    with pytest.raises(UserError, match=message):
        back(serving, number=7)
    with pytest.raises(UserError, match=r"holds no version yet: .* trains and pushes one. Did you mean 'houses'\?"):
        back(serving, "house")
    newest = versions.pushed(str(serving))[-1]
    assert back(serving, number=newest) == f"houses: version {newest} serves already"


def test_versions_that_the_pipeline_did_not_push_are_listed_and_restored_only_by_number(serving, model):
    first, second, bad = versions.pushed(str(serving))
    shutil.copytree(serving / str(first), serving / str(second + 10))  # a copy with our record, under another number
    shutil.copytree(model("foreign"), serving / "2019")
    (serving / "7").mkdir()
    lines = rollback.version_lines(str(serving.parents[1]), "houses")
    assert [line.split()[0] for line in lines if "not pushed by this pipeline" in line] == [
        str(second + 10),
        "2019",
        "7",
    ]

    # The copy serves, as its number is the highest: from there the way back leads to the newest of our own.
    back(serving)
    assert serves(serving) == "bad"
    back(serving)
    assert serves(serving) == "two"
    sentence = back(serving, number=2019)
    assert "a copy of 2019, which this pipeline did not push: its predictions were not checked; previously" in sentence
    assert serves(serving) == "foreign"
    with pytest.raises(ResourceError, match=r"version 7 is not a SavedModel: .*/7 has no saved_model.pb. Version"):
        back(serving, number=7)
    back(serving)
    assert serves(serving) == "two"
    back(serving)
    assert serves(serving) == "one"
    with pytest.raises(UserError, match="that it pushed itself"):
        back(serving)
    assert {first, second, bad, second + 10, 2019, 7} < set(versions.pushed(str(serving)))


def test_a_version_with_a_link_to_a_folder_is_not_restored(serving, model, tmp_path):
    variables = tmp_path / "variables"
    variables.mkdir()
    (variables / "variables.index").write_text("weights")
    shutil.copytree(model("linked"), serving / "2019")
    (serving / "2019" / "variables").symlink_to(variables)
    numbers = versions.pushed(str(serving))
    with pytest.raises(ResourceError, match=r"2019/variables is a link to a folder: replace it with the folder"):
        back(serving, number=2019)

    assert versions.pushed(str(serving)) == numbers


def test_a_damaged_version_is_not_restored(serving):
    _, good, bad = versions.pushed(str(serving))
    (serving / str(good) / "saved_model.pb").write_text("twO")
    with pytest.raises(
        ResourceError, match=rf"version {good} is damaged: .* Version {bad} still serves; choose another"
    ):
        back(serving)

    assert serves(serving) == "bad"


def test_the_serving_version_is_listed_first(serving):
    back(serving)
    lines = rollback.version_lines(str(serving.parents[1]), "houses")

    assert len(lines) == 4
    assert lines[0].endswith("serves")
    assert f"copy of {versions.pushed(str(serving))[1]}" in lines[0]


def test_ml_metadata_has_the_model_of_a_restored_version(serving):
    root = str(serving.parents[1])
    store = open_store(root, None, readonly=False).mlmd
    kinds = {name: store.put_artifact_type(pb.ArtifactType(name=name)) for name in ("Model", "PushedModel")}
    contexts = [
        pb.Context(type_id=store.put_context_type(pb.ContextType(name=kind)), name=name)
        for kind, name in (("pipeline", "houses"), ("node", "houses.pusher"), ("pipeline_run", "run-1"))
    ]
    pusher = store.put_execution_type(pb.ExecutionType(name="pusher"))
    numbers = versions.pushed(str(serving))
    for number in numbers:
        model = pb.Artifact(type_id=kinds["Model"], uri=f"/models/{number}")
        pushed = pb.Artifact(type_id=kinds["PushedModel"])
        pushed.custom_properties["pushed_version"].string_value = str(number)
        events = (rollback._event(pb.Event.INPUT, "model"), rollback._event(pb.Event.OUTPUT, "pushed_model"))
        execution = pb.Execution(type_id=pusher, last_known_state=pb.Execution.COMPLETE)
        store.put_execution(execution, [(model, events[0]), (pushed, events[1])], contexts, True)
    back(serving)

    restored = versions.pushed(str(serving))[-1]
    assert find_model(open_store(root, None), str(restored)).uri == f"/models/{numbers[1]}"


def test_a_cached_push_is_valid_only_while_its_version_serves(serving):
    first, second, bad = versions.pushed(str(serving))

    def damage(number):
        return reference.not_serving(str(serving / str(number)) if number else "")

    assert damage(bad) is damage(None) is None
    assert damage(first) == f"no longer served: version {bad} is newer"
    back(serving)
    # Whoever went back by hand does not want the bad one again.
    assert damage(bad) is None
    shutil.rmtree(serving)
    assert damage(second) == "no longer served"


def test_versions_as_json_have_utc_times_and_rolled_back_versions(serving, capsys):
    first, second, bad = versions.pushed(str(serving))
    root = str(serving.parent.parent)
    assert parser.main(["push", "houses", "--root", root, "--version", str(first), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)

    assert listed["said"][0].startswith(f"houses: version {bad + 1} serves now, a copy of {first}")
    rows = listed["versions"]
    assert [(row["version"], row["serves"], row["taken_back"]) for row in rows] == [
        (bad + 1, True, False),
        (bad, False, True),
        (second, False, True),
        (first, False, False),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["pushed"]) for row in rows)
    assert parser.main(["push", "houses", "--root", root]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [("taken back" in line, line.endswith("serves")) for line in lines] == [
        (False, True),
        (True, False),
        (True, False),
        (False, False),
    ]
