"""Where a job is sent and as whom it runs: each part has a flag, and an environment variable or a reason for none."""

import dataclasses

import pytest

from orchestration.cli import cloud_command, parser
from orchestration.cloud.remote import Access

FLAGS = {
    "project": ("--gcp-project", "GOOGLE_CLOUD_PROJECT"),
    "region": ("--region", "GOOGLE_CLOUD_REGION"),
    "endpoint": ("--endpoint", "KF_PIPELINES_ENDPOINT"),
    "namespace": ("--namespace", None),
    "token": (None, "KF_PIPELINES_TOKEN"),  # a secret is no argument, which every process of the machine sees
    "service_account": ("--service-account", "PIPELINE_SERVICE_ACCOUNT"),
    "network": ("--network", "PIPELINE_NETWORK"),
    "encryption_key": ("--encryption-key", "PIPELINE_ENCRYPTION_KEY"),
}
ONLY = {"endpoint": "kubeflow", "token": "kubeflow", "network": "vertex", "encryption_key": "vertex"}


def access(target, *arguments):
    return cloud_command.access(parser.parser().parse_args([f"--{target}", *arguments]), target)


def test_every_part_has_a_flag_or_a_variable():
    assert set(FLAGS) == {field.name for field in dataclasses.fields(Access)}


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
@pytest.mark.parametrize("name", FLAGS)
def test_each_part_comes_from_its_flag_and_else_from_its_variable(name, target, monkeypatch):
    flag, variable = FLAGS[name]
    for _, other in FLAGS.values():
        if other:
            monkeypatch.delenv(other, raising=False)
    assert getattr(access(target), name) is None
    if variable:
        monkeypatch.setenv(variable, "inherited")
        expected = "inherited" if ONLY.get(name, target) == target else None
        assert getattr(access(target), name) == expected, "a variable of the other platform is not read"
    if flag:
        assert getattr(access(target, flag, "given"), name) == "given"
