"""Beam arguments: parsed, normalized and validated without an import of Beam."""

import argparse
import contextlib
import difflib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from errors import UserError

IN_PROCESS = ("FnApiRunner", "BundleBasedDirectRunner")
"""Runners that execute in the calling process."""
DIRECT = ("DirectRunner", "SwitchingDirectRunner")
"""Beam would try Prism for these, download it and leave it running; they are replaced by the in-process runner."""
JOB_SERVERS = ("PrismRunner", "FlinkRunner", "SparkRunner")
"""Runners that bring their own job server, which is started here if no job endpoint is given."""
SERVER_FILES = {
    "PrismRunner": "prism_location",
    "FlinkRunner": "flink_job_server_jar",
    "SparkRunner": "spark_job_server_jar",
}
"""Runner -> option with the path of its job server."""
KNOWN = (*IN_PROCESS, *DIRECT, *JOB_SERVERS, "PortableRunner", "DataflowRunner")
LOOPBACK = "LOOPBACK"
NO_IMAGE = "--sdk_container_image=unused"
"""Without a container image TFX packages its whole source for each stage, which local workers do not need."""

_REFUSED = {
    "dask": "gives partial results with the stages of this pipeline",
    "ray": "gives partial results with the stages of this pipeline",
}
_VALUES = (
    *("runner", "job_endpoint", "environment_type", "environment_config", "direct_running_mode"),
    *("flink_master", "flink_job_server_jar", "spark_master_url", "spark_job_server_jar", "spark_rest_url"),
    *("prism_location", "job_server_java_launcher", "output_executable_path"),
)
_FLAGS = ("flink_submit_uber_jar", "spark_submit_uber_jar", "no_wait_until_finish", "streaming")
_PACKAGED = ("sdk_container_image", "worker_harness_container_image", "setup_file", "requirements_file")
_USE = "use one of " + ", ".join((*IN_PROCESS[:1], *JOB_SERVERS, "PortableRunner", "DataflowRunner"))


@dataclass(frozen=True)
class Arguments:
    """Parsed Beam arguments.

    Attributes:
        argv: The arguments in the form that Beam parses.
        runner: The runner's name as Beam spells it, or a dotted path.
        values: Option -> value, of the options that this package reads; None if an option is not given.
        packaged: Whether they define the packages of the workers.
    """

    argv: tuple[str, ...]
    runner: str
    values: dict[str, Any]
    packaged: bool

    @property
    def in_process(self) -> bool:
        """Whether stages run in the calling process."""
        return self.runner in (*IN_PROCESS, *DIRECT)

    @property
    def job_endpoint(self) -> str | None:
        """HOST:PORT of a running job service; None if none is given."""
        endpoint: str | None = self.values["job_endpoint"]
        return endpoint

    @property
    def uber_jar(self) -> bool:
        """Whether the job is submitted to a Flink or Spark cluster as one jar, without a job server."""
        return bool(
            (self.runner == "FlinkRunner" and self.values["flink_submit_uber_jar"] and not self.is_local_cluster)
            or (self.runner == "SparkRunner" and self.values["spark_submit_uber_jar"])
        )

    @property
    def starts_server(self) -> bool:
        """Whether a job server has to be started."""
        return self.runner in JOB_SERVERS and not self.job_endpoint and not self.uber_jar

    @property
    def is_local_cluster(self) -> bool:
        """Whether the engine runs inside its own job server."""
        if self.runner == "FlinkRunner":
            return (self.values["flink_master"] or "[auto]") in ("[auto]", "[local]")
        if self.runner == "SparkRunner":
            return str(self.values["spark_master_url"] or "local").startswith("local")
        return self.runner == "PrismRunner"

    @property
    def environment(self) -> str:
        """Environment of the Python workers: LOOPBACK, PROCESS, EXTERNAL or DOCKER."""
        if self.values["environment_type"]:
            return str(self.values["environment_type"])
        return LOOPBACK if self.runner in JOB_SERVERS and self.is_local_cluster else "DOCKER"

    @property
    def worker_pool(self) -> str | None:
        """HOST:PORT of the external worker pool; None if there is none."""
        if self.environment != "EXTERNAL":
            return None
        options = dict(option.partition("=")[::2] for option in self.values["environment_options"] or ())
        address: str = self.values["environment_config"] or options.get("external_service_address") or ""
        if address.startswith("{"):
            with contextlib.suppress(ValueError):
                address = str(json.loads(address).get("url", ""))
        return address or None

    @property
    def description(self) -> str:
        """Runner and job endpoint, for messages."""
        return f"{self.runner} at {self.job_endpoint}" if self.job_endpoint else self.runner


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"--beam: {message}")


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for name in (*_VALUES, *_PACKAGED):
        parser.add_argument(f"--{name}")
    parser.add_argument("--environment_option", "--environment_options", dest="environment_options", action="append")
    parser.add_argument("--extra_package", "--extra_packages", dest="extra_packages", action="append")
    for name in _FLAGS:
        parser.add_argument(f"--{name}", action="store_true")
    return parser


def parse(argv: Sequence[str]) -> Arguments:
    """Parse Beam arguments.

    Args:
        argv: Arguments as on a command line.

    Raises:
        UserError: an option lacks its value, or the runner is unknown or not supported.
    """
    values = vars(_parser().parse_known_args(list(argv))[0])
    packaged = any(values[name] for name in (*_PACKAGED, "extra_packages"))
    return Arguments(tuple(argv), _runner(values["runner"]), values, packaged)


def normalize(argv: Sequence[str]) -> list[str]:
    """Validate Beam arguments and complete them.

    Args:
        argv: Arguments of the user.

    Returns:
        Equivalent arguments with an explicit runner, for every stage.

    Raises:
        UserError: the runner is unknown or gives wrong results, a stage would end before its job, or an option that
            the runner needs is missing.
    """
    beam_args = parse(argv)
    _validate(beam_args)
    runner = IN_PROCESS[0] if beam_args.runner in DIRECT else beam_args.runner
    normalized = [f"--runner={runner}", *_without(argv, "runner")]
    if not beam_args.packaged and (beam_args.in_process or beam_args.environment == LOOPBACK):
        normalized.append(NO_IMAGE)
    return normalized


def _without(argv: Sequence[str], option: str) -> list[str]:
    """Remove one option and its value from arguments."""
    remaining, skip = [], False
    for argument in argv:
        if skip:
            skip = False
        elif argument == f"--{option}":
            skip = True
        elif not argument.startswith(f"--{option}="):
            remaining.append(argument)
    return remaining


def _runner(name: str | None) -> str:
    """Return a runner's name as Beam spells it; Beam accepts any case, and names without "Runner"."""
    if name is None:
        return DIRECT[0]
    by_name = {runner.lower(): runner for runner in KNOWN}
    match = by_name.get(name.lower()) or by_name.get(f"{name.lower()}runner")
    stem = name.lower().rpartition(".")[2].removesuffix("runner").replace("py", "")
    if match is None and stem in _REFUSED:
        raise UserError(f"--runner={name}: this engine {_REFUSED[stem]}: {_USE}")
    if match is None and "." in name:
        return by_name.get(name.lower().rpartition(".")[2], name)
    if match is None:
        similar = difflib.get_close_matches(name, KNOWN, n=1)
        hint = f": did you mean {similar[0]}?" if similar else f": {_USE}"
        raise UserError(f"--runner={name} is not a runner of Beam{hint}")
    return match


def _validate(beam_args: Arguments) -> None:
    values = beam_args.values
    if values["direct_running_mode"] == "multi_threading":
        raise UserError(
            "--direct_running_mode=multi_threading gives partial results with the stages of this pipeline: remove "
            "it, or use --direct_running_mode=multi_processing"
        )
    for option in ("no_wait_until_finish", "streaming", "output_executable_path"):
        if values[option]:
            raise UserError(
                f"--{option}: a stage needs the results of its Beam job, and with this option it would not wait for "
                "them: remove the option"
            )
    if beam_args.runner == "PortableRunner" and not beam_args.job_endpoint:
        raise UserError("--runner=PortableRunner needs --job_endpoint=HOST:PORT, the address of its job service")
    if beam_args.environment == "EXTERNAL" and not beam_args.worker_pool:
        raise UserError(
            "--environment_type=EXTERNAL needs --environment_config=HOST:PORT, the address of a worker pool"
        )
    for option in SERVER_FILES.values():
        path = values[option]
        if path and "://" not in path and not os.path.isfile(path):
            raise UserError(f"--{option}={path} does not exist: give the path of a file on this machine, or a URL")
