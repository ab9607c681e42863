import pytest

from errors import UserError
from orchestration.cloud import compiler, kubeflow, vertex
from pipeline.variants import Name

REQUEST = compiler.Request(target="kubeflow", name=Name("houses"), root="gs://bucket", image="registry/image:1")


def test_data_that_is_only_on_this_machine_is_noted():
    paths = {"train": ["data/a.csv", "/home/me/b.csv"], "test": "gs://bucket/c.csv"}
    assert compiler._notes(REQUEST, "gs://bucket", paths) == [
        "to do: /home/me/b.csv is on this machine alone; copy it to data/ of the project and name it so in data.path"
    ]
    assert compiler._notes(REQUEST, "gs://bucket", "data/a.csv") == []


@pytest.mark.parametrize("target", [kubeflow, vertex])
def test_only_a_compiled_job_is_overwritten(target, tmp_path):
    path = tmp_path / f"houses{target.SUFFIXES[0]}"
    path.write_text("mine: 1")
    request = compiler.Request(target=target.__name__.rpartition(".")[2], name=Name("houses"), output=str(path))
    with pytest.raises(
        UserError, match=rf"{path.name} exists and is not a compiled pipeline: name another file with --out"
    ):
        compiler.run(request)
    assert path.read_text() == "mine: 1"
    spec = {"pipelineInfo": {"name": "houses"}}
    for text in ("", target.render({"pipelineSpec": spec, "runtimeConfig": {"gcsOutputDirectory": "gs://bucket"}})):
        path.write_text(text)
        assert compiler._output(request, target) == str(path)
