"""Beam arguments: which engine they name, what must answer before a run, and what is refused. Imports no Beam."""

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
"""Runners that work in the process that calls them."""
DIRECT = ("DirectRunner", "SwitchingDirectRunner")
"""Beam tries Prism for these, which it downloads and leaves running; they are replaced by the runner in process."""
JOB_SERVERS = ("PrismRunner", "FlinkRunner", "SparkRunner")
"""Runners with a job server of their own, which is started here where no job endpoint is given."""
SERVER_FILES = {
    "PrismRunner": "prism_location",
    "FlinkRunner": "flink_job_server_jar",
    "SparkRunner": "spark_job_server_jar",
}
"""Option that names the file of a runner's own job server."""
KNOWN = (*IN_PROCESS, *DIRECT, *JOB_SERVERS, "PortableRunner", "DataflowRunner")
LOOPBACK = "LOOPBACK"
NO_IMAGE = "--sdk_container_image=unused"
"""Without a container image TFX packs its whole source for each stage; workers in this process do not need it."""

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
    """Beam arguments, parsed.

    Attributes:
        texts: As Beam takes them.
        runner: The runner's name as Beam spells it, or a dotted path.
        values: Option -> value of those that this package reads; None where it is not given.
        packaged: Whether they say what a worker's packages are.
    """

    texts: tuple[str, ...]
    runner: str
    values: dict[str, Any]
    packaged: bool

    @property
    def in_process(self) -> bool:
        """Whether stages run in the calling process."""
        return self.runner in (*IN_PROCESS, *DIRECT)

    @property
    def job_endpoint(self) -> str | None:
        """HOST:PORT of a job service that runs already."""
        found: str | None = self.values["job_endpoint"]
        return found

    @property
    def uber_jar(self) -> bool:
        """Whether the job goes to a Flink or Spark cluster as one jar, without a job server."""
        return bool(
            (self.runner == "FlinkRunner" and self.values["flink_submit_uber_jar"] and not self.is_local_cluster)
            or (self.runner == "SparkRunner" and self.values["spark_submit_uber_jar"])
        )

    @property
    def starts_server(self) -> bool:
        """Whether a job server has to be started for it."""
        return self.runner in JOB_SERVERS and not self.job_endpoint and not self.uber_jar

    @property
    def is_local_cluster(self) -> bool:
        """Whether the engine works inside its own job server."""
        if self.runner == "FlinkRunner":
            return (self.values["flink_master"] or "[auto]") in ("[auto]", "[local]")
        if self.runner == "SparkRunner":
            return str(self.values["spark_master_url"] or "local").startswith("local")
        return self.runner == "PrismRunner"

    @property
    def environment(self) -> str:
        """Where the engine runs Python: LOOPBACK, PROCESS, EXTERNAL or DOCKER."""
        if self.values["environment_type"]:
            return str(self.values["environment_type"])
        return LOOPBACK if self.runner in JOB_SERVERS and self.is_local_cluster else "DOCKER"

    @property
    def worker_pool(self) -> str | None:
        """HOST:PORT of the external worker pool."""
        if self.environment != "EXTERNAL":
            return None
        options = dict(text.partition("=")[::2] for text in self.values["environment_options"] or ())
        found: str = self.values["environment_config"] or options.get("external_service_address") or ""
        if found.startswith("{"):
            with contextlib.suppress(ValueError):
                found = str(json.loads(found).get("url", ""))
        return found or None

    @property
    def shown(self) -> str:
        """The engine in a few words."""
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


def parse(texts: Sequence[str]) -> Arguments:
    """Parse Beam arguments.

    Args:
        texts: As on a command line.

    Raises:
        UserError: no pipeline can run with them.
    """
    values = vars(_parser().parse_known_args(list(texts))[0])
    packaged = any(values[name] for name in (*_PACKAGED, "extra_packages"))
    return Arguments(tuple(texts), _runner(values["runner"]), values, packaged)


def normal(texts: Sequence[str]) -> list[str]:
    """Check Beam arguments, and complete them.

    Args:
        texts: As a user gives them.

    Returns:
        Arguments with the same meaning, for every stage.

    Raises:
        UserError: the engine is unknown or gives wrong results, or a stage would end before its job does.
    """
    given = parse(texts)
    _refuse(given)
    made = [f"--runner={IN_PROCESS[0] if given.runner in DIRECT else given.runner}", *_without(texts, "runner")]
    if not given.packaged and (given.in_process or given.environment == LOOPBACK):
        made.append(NO_IMAGE)
    return made


def _without(texts: Sequence[str], option: str) -> list[str]:
    """The arguments without one option, which has a value."""
    made, skip = [], False
    for text in texts:
        if skip:
            skip = False
        elif text == f"--{option}":
            skip = True
        elif not text.startswith(f"--{option}="):
            made.append(text)
    return made


def _runner(name: str | None) -> str:
    """A runner's name as Beam spells it: it takes any case, and names without "Runner"."""
    if name is None:
        return DIRECT[0]
    known = {each.lower(): each for each in KNOWN}
    found = known.get(name.lower()) or known.get(f"{name.lower()}runner")
    stem = name.lower().rpartition(".")[2].removesuffix("runner").replace("py", "")
    if found is None and stem in _REFUSED:
        raise UserError(f"--runner={name}: this engine {_REFUSED[stem]}: {_USE}")
    if found is None and "." in name:
        return known.get(name.lower().rpartition(".")[2], name)
    if found is None:
        near = difflib.get_close_matches(name, KNOWN, n=1)
        hint = f": did you mean {near[0]}?" if near else f": {_USE}"
        raise UserError(f"--runner={name}: Beam has no such runner{hint}")
    return found


def _refuse(given: Arguments) -> None:
    values = given.values
    if values["direct_running_mode"] == "multi_threading":
        raise UserError(
            "--direct_running_mode=multi_threading gives partial results with the stages of this pipeline: leave it "
            "out, or use --direct_running_mode=multi_processing"
        )
    for option in ("no_wait_until_finish", "streaming", "output_executable_path"):
        if values[option]:
            raise UserError(
                f"--{option}: a stage needs the results of its Beam job, and with this option it would not wait for "
                "them: leave it out"
            )
    if given.runner == "PortableRunner" and not given.job_endpoint:
        raise UserError("--runner=PortableRunner needs --job_endpoint=HOST:PORT, the address of its job service")
    if given.environment == "EXTERNAL" and not given.worker_pool:
        raise UserError(
            "--environment_type=EXTERNAL needs --environment_config=HOST:PORT, the address of a worker pool"
        )
    for option in SERVER_FILES.values():
        path = values[option]
        if path and "://" not in path and not os.path.isfile(path):
            raise UserError(f"--{option}={path}: there is no such file: name it by its path on this machine, or a URL")
