"""The command `tune`: its arguments, what it prints at the end, and the node in a compiled job."""

import csv
import json

import pytest
import yaml

from orchestration.cli.parser import parser
from orchestration.cloud import compiler
from orchestration.display import tuning_summary
from orchestration.local import supervisor
from pipeline.variants import Name

SPACE = 'tuner.space={"training.optimizer.learning_rate" = {low = 1e-4, high = 1e-1, scale = "log"}}'


def test_options_are_accepted_before_and_after_the_command():
    parsed = parser().parse_args(["--root", "a", "--no-cache", "tune", "cars", "--trials", "5", "--set", "a=1"])
    assert (parsed.pipeline, parsed.root, parsed.no_cache, parsed.trials, parsed.overrides) == (
        "cars",
        "a",
        True,
        5,
        ["a=1"],
    )

    parsed = parser().parse_args(["tune", "cars", "--root", "b", "--variant", "x"])
    assert (parsed.root, parsed.no_cache, parsed.trials, parsed.variant) == ("b", False, None, "x")
    assert parser().parse_args(["tune", "cars"]).root is None


def test_the_printed_command_trains_with_the_best_values():
    request = supervisor.Request(
        name=Name("cars", "fast", True), overrides=["tuner.trials=5", "data.sample=90"], root="/tmp/r", to="tuner"
    )

    assert request.again == (
        "python runner.py --local --pipeline cars --variant fast --set tuner.trials=5 --sample 90 --root /tmp/r"
    )
    assert supervisor.Request(name=Name("cars")).again == "python runner.py --local --pipeline cars"


def write(folder, best):
    values = {"network.layers": [64, 64], "network.activation": "relu", "training.optimizer.learning_rate": 0.0123}
    lines = [{"trial": number, "best": number == best, "values": values} for number in (0, 1)]
    (folder / "trials.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with (folder / "trials.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["trial", "eval loss", ""], ["0", "0.5", "the config's own values"], ["1", "1", ""]]
        )
    return tuning_summary.lines(str(folder), config="configs/cars.toml", command="COMMAND")


def test_the_best_values_are_printed_in_the_syntax_of_the_config(tmp_path):
    assert write(tmp_path, best=1) == [
        "trial  eval loss",
        "    0        0.5  the config's own values",
        "    1          1",
        "",
        "Train with it:  COMMAND",
        "To keep the values, add them to configs/cars.toml:",
        "  [network]",
        "  layers = [64, 64]",
        '  activation = "relu"',
        "  [training]",
        "  optimizer.learning_rate = 0.0123",
        f"Table:  {tmp_path}/trials.csv",
        f"Plot:   {tmp_path}/trials.svg",
    ]


def test_a_long_value_is_truncated_in_the_table_but_not_in_the_note():
    assert tuning_summary._aligned([["a", "note"], ["x" * 41, "y" * 90]]) == [
        f"{'a':>40}  note",
        f"{'x' * 39}…  {'y' * 90}",
    ]


def test_no_edit_is_suggested_if_the_config_is_the_best_trial(tmp_path):
    sentence = write(tmp_path, best=0)

    assert sentence[4] == "The values in configs/cars.toml are already the best."
    assert not any(line.startswith("Train with it") for line in sentence)


@pytest.mark.parametrize(("target", "suffix"), [("kubeflow", "yaml"), ("vertex", "json")])
def test_the_trainer_of_a_compiled_job_uses_the_tuner_s_values(tmp_path, target, suffix):
    output = tmp_path / f"cars.{suffix}"
    options = {"root": "gs://bucket/folder", "image": "registry/image:1", "output": str(output)}
    assert compiler.run(compiler.Request(target=target, name=Name("cars"), overrides=[SPACE], **options)) == 0

    job = yaml.safe_load(output.read_text())
    tasks = job.get("pipelineSpec", job)["root"]["dag"]["tasks"]
    source = tasks["trainer"]["inputs"]["artifacts"]["hyperparameters"]["taskOutputArtifact"]
    assert source == {"producerTask": "tuner", "outputArtifactKey": "best_hyperparameters"}
    assert tasks["tuner"]["inputs"]["artifacts"]["examples"]["taskOutputArtifact"]["producerTask"] == "transformation"
    assert tasks["tuner"]["inputs"]["parameters"]["trials"]["runtimeValue"]["constant"] == (
        "gs://bucket/folder/cars/trials"
    )
