"""Beam pipelines of a stage, on the engine that the run's Beam arguments name."""

import threading
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.job_server import ExternalJobServer
from apache_beam.runners.runner import create_runner

from components.engine import arguments, endpoints, engine_failures
from components.engine.job_servers import WATCH, Job
from components.engine.worker_pool import PoolWatch
from errors import PipelineError, ResourceError

CANCEL_SECONDS = 5.0
"""How long an engine without a job service may take to cancel a job."""
CONNECT_SECONDS = 10.0
"""How long a job service may take to answer between two stages of a run."""


class OnEngine:
    """For an executor of TFX: its Beam pipelines run on the engine that the Beam arguments name."""

    _beam_pipeline_args: list[str]
    _make_beam_pipeline_fn: Any

    def _make_beam_pipeline(self) -> Any:
        if self._make_beam_pipeline_fn is not None:
            return self._make_beam_pipeline_fn()
        return make(self._beam_pipeline_args)


def make(texts: Sequence[str]) -> Any:
    """Make a Beam pipeline.

    Args:
        texts: Beam arguments.

    Raises:
        UserError: the engine is unknown or gives wrong results.
        ResourceError: the engine does not answer, or its job server does not start.
    """
    given = arguments.parse(arguments.normal(texts))
    if given.in_process:
        return beam.Pipeline(argv=list(given.texts))
    endpoint = given.job_endpoint if given.job_endpoint != "embed" else None
    if given.starts_server:
        endpoint = WATCH.server(given.runner, lambda: _server(given), given.texts)
    if endpoint is not None:
        endpoints.job_service("--job_endpoint", endpoint, CONNECT_SECONDS)
    more = [f"--job_endpoint={endpoint}"] if given.starts_server else []
    return Pipeline(given, PipelineOptions([*given.texts, *more]), endpoint)


class Pipeline(beam.Pipeline):  # type: ignore[misc]
    """A pipeline whose job does not outlive it.

    Args:
        given: Beam arguments.
        options: The same for Beam.
        endpoint: HOST:PORT of the job service; None for an engine without one.
    """

    def __init__(self, given: arguments.Arguments, options: Any, endpoint: str | None) -> None:
        runner = create_runner(given.runner)
        super().__init__(runner=runner, options=options)
        self._given, self._endpoint, self._runner = given, endpoint, runner

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Run it and wait until it has ended.

        Raises:
            RunError: the engine says that the job failed, or does not answer any more.
        """
        if kind is not None:
            super().__exit__(kind, error, trace)
            return
        with WATCH.job() as job, PoolWatch(self._given.worker_pool, job.cancel) as pool:
            if self._endpoint is not None:
                self._watched(job)
            try:
                super().__exit__(None, None, None)
            except PipelineError:
                raise
            except BaseException as found:
                if self._endpoint is None:
                    _cancel(getattr(self, "result", None))
                raised = engine_failures.explain(found, self._given, self._endpoint, pool_gone=pool.gone)
                if raised is None:
                    raise
                raise raised from found

    def _watched(self, job: Job) -> None:
        """Have the guard know the job from before it runs."""

        def connect(options: Any) -> Any:
            # Beam itself would wait for job_server_timeout, which is five minutes.
            service = ExternalJobServer(self._endpoint, CONNECT_SECONDS).start()
            return self._runner.create_job_service_handle(_Service(service, job, str(self._endpoint)), options)

        self._runner.create_job_service = connect


class _Service:
    """A job service whose jobs the guard knows, and may take as long as they do."""

    def __init__(self, service: Any, job: Job, endpoint: str) -> None:
        self._service, self._job, self._endpoint = service, job, endpoint

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    def Prepare(self, request: Any, **options: Any) -> Any:  # noqa: N802  Beam's name
        """Give the job a name of its own, by which its service lists it."""
        request.job_name = self._job.name
        return self._service.Prepare(request, **options)

    def Run(self, request: Any, **options: Any) -> Any:  # noqa: N802  Beam's name
        """Note the job before it runs, and once more under the id that it then has."""
        self._job.note(self._endpoint, request.preparation_id)
        response = self._service.Run(request, **options)
        self._job.note(self._endpoint, response.job_id)
        return response

    # Beam gives these two a deadline of job_server_timeout where a job has the id of its preparation, as on Prism:
    # there a job of more than five minutes would fail.

    def GetStateStream(self, request: Any, **_: Any) -> Any:  # noqa: N802  Beam's name
        """Follow the job's state until it ends."""
        return self._service.GetStateStream(request)

    def GetMessageStream(self, request: Any, **_: Any) -> Any:  # noqa: N802  Beam's name
        """Follow the job's messages until it ends."""
        return self._service.GetMessageStream(request)


def _cancel(result: Any) -> None:
    """Cancel a job by way of its result, in a thread that no signal interrupts."""
    if result is None:
        return
    thread = threading.Thread(target=result.cancel, daemon=True)
    thread.start()
    thread.join(CANCEL_SECONDS)


def _server(given: arguments.Arguments) -> tuple[list[Any], str]:
    """Command and HOST:PORT of an engine's own job server, which Beam may download."""
    from apache_beam.runners.portability import flink_runner, prism_runner, spark_runner

    options = PipelineOptions(list(given.texts))
    made = {
        "PrismRunner": prism_runner.PrismJobServer,
        "FlinkRunner": flink_runner.FlinkJarJobServer,
        "SparkRunner": spark_runner.SparkJarJobServer,
    }[given.runner](options)
    try:
        command, endpoint = made.subprocess_cmd_and_endpoint()
    except Exception as error:
        raise ResourceError(
            f"{given.runner}: its job server cannot be had: {error}: name a file of this machine by "
            f"--{arguments.SERVER_FILES[given.runner]}=PATH, or give --job_endpoint=HOST:PORT of one that runs"
        ) from error
    return command, endpoint
