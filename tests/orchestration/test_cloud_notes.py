from orchestration import cloud
from pipeline.variants import Name

REQUEST = cloud.Request(target="kubeflow", name=Name("houses"), root="gs://bucket", image="registry/image:1")


def test_data_that_is_on_this_machine_alone_is_said():
    paths = {"train": ["data/a.csv", "/home/me/b.csv"], "test": "gs://bucket/c.csv"}
    assert cloud._notes(REQUEST, "gs://bucket", paths) == [
        "to do: /home/me/b.csv is on this machine alone; copy it to data/ of the repository and name it so in data.path"
    ]
    assert cloud._notes(REQUEST, "gs://bucket", "data/a.csv") == []
