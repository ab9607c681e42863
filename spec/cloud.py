"""[cloud]: machines, retries and labels of the stages on Kubeflow Pipelines and Vertex AI."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from spec.base import Strict
from spec.suggestions import nearest
from spec.timing.schedule import Duration

_UNITS = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_LABEL = re.compile(r"[a-z]([a-z0-9_-]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?|")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"secret|token|passw|credential|(^|_)key($|_)", re.IGNORECASE)


def _quantity(text: str) -> str:
    if not re.fullmatch(rf"\d+(\.\d+)?({'|'.join(_UNITS)})", text):
        raise ValueError('write memory as "16G" or "16Gi"')
    return text


def _labels(labels: dict[str, str]) -> dict[str, str]:
    for name, value in labels.items():
        if not _LABEL.fullmatch(name) or not _LABEL_VALUE.fullmatch(value):
            raise ValueError(
                f"{name} = {value!r}: a label and its value consist of at most 63 of a-z, 0-9, - and _, and the label "
                "begins with a letter"
            )
    return labels


def _variables(variables: dict[str, str]) -> dict[str, str]:
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of an environment variable: use letters, digits and _")
        if _SECRET.search(name):
            raise ValueError(
                f"{name}: everyone who sees the run reads the variables of its job: leave secrets out of it, and use "
                "the role of the service account, or bucket_secret"
            )
    return variables


class Machine(Strict):
    """Machine and retries of a stage; without a key the platform decides."""

    cpu: float | None = Field(default=None, gt=0)
    """Processor cores."""
    memory: Annotated[str, AfterValidator(_quantity)] | None = None
    """Memory, such as "16G"."""
    accelerator: str | None = Field(default=None, min_length=1)
    """Type of accelerator: on Vertex AI such as "NVIDIA_L4"; on Kubeflow the resource of the nodes, such as
    "nvidia.com/gpu", which also stands for every name without a slash."""
    accelerators: int | None = Field(default=None, ge=1)
    """Number of accelerators; 1 without this key."""
    retries: int | None = Field(default=None, ge=0, le=10)
    """Number of retries after a failure. A retried stage starts again from its inputs."""
    timeout: Duration | None = Field(default=None, gt=0)
    """Time limit of an attempt, in seconds or as "90m" or "4h"; a stage that exceeds it has failed."""

    @property
    def gigabytes(self) -> float | None:
        """Memory in 10⁹ bytes."""
        if self.memory is None:
            return None
        number = re.match(r"[\d.]+", self.memory)
        assert number is not None
        return float(number[0]) * _UNITS[self.memory[number.end() :]] / 1e9


class Cloud(Machine):
    """Machines of the stages on Kubeflow Pipelines and Vertex AI: the keys are those of all stages."""

    stages: dict[str, Machine] = Field(default_factory=dict)
    """Stage -> its own keys, such as {trainer = {cpu = 8, memory = "32G"}}; they take precedence."""
    labels: Annotated[dict[str, str], AfterValidator(_labels)] = Field(default_factory=dict)
    """Labels of the run on Vertex AI, and of its pods on Kubeflow, such as {team = "prices"}."""
    environment: Annotated[dict[str, str], AfterValidator(_variables)] = Field(default_factory=dict)
    """Environment variables of all stages, such as {AWS_ENDPOINT_URL = "http://minio:9000"}. No secrets."""
    bucket_secret: str | None = Field(default=None, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    """Kubeflow only: secret of the cluster whose `accesskey` and `secretkey` all stages get as AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY, for s3:// and minio://; Kubeflow's own is "mlpipeline-minio-artifact"."""

    @model_validator(mode="after")
    def _accelerators_have_a_type(self) -> "Cloud":
        for location, machine, merged in [
            ("", self, self),
            *((f"stages.{stage}.", overrides, self.of(stage)) for stage, overrides in self.stages.items()),
        ]:
            if machine.accelerators is not None and merged.accelerator is None:
                raise ValueError(
                    f"{location}accelerators has no effect without accelerator: name its type, or remove it"
                )
        return self

    def of(self, stage: str) -> Machine:
        """Return the machine of a stage: its own keys, and else those of all stages."""
        machine = self.stages.get(stage, Machine())
        keys = {key: getattr(machine, key) for key in Machine.model_fields}
        return Machine(**{key: getattr(self, key) if value is None else value for key, value in keys.items()})

    def check(self, stages: Iterable[str]) -> None:
        """Check that each of `stages` is a stage of the pipeline.

        Raises:
            ValueError: One is not.
        """
        names = list(stages)
        for stage in self.stages:
            if stage not in names:
                raise ValueError(
                    f"cloud.stages.{stage}: this pipeline has no such stage.{nearest(stage, names, 'stages')}"
                )
