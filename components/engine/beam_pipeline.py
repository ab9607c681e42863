"""Beam pipelines of a stage, on the engine that the run's Beam arguments select."""

import threading
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.job_server import ExternalJobServer
from apache_beam.runners.runner import create_runner

from components.engine import arguments, endpoints, engine_failures
from components.engine.job_servers import JOB_SERVERS, Job
from components.engine.worker_pool import PoolMonitor
from errors import PipelineError, ResourceError

CANCEL_SECONDS = 5.0
"""Timeout for the cancellation of a job by an engine without a job service."""
CONNECT_SECONDS = 10.0
"""Timeout of a job service between two stages of a run."""


class EngineMixin:
    """Mixin for a TFX executor: its Beam pipelines run on the engine that the Beam arguments select."""

    _beam_pipeline_args: list[str]
    _make_beam_pipeline_fn: Any

    def _make_beam_pipeline(self) -> Any:
        if self._make_beam_pipeline_fn is not None:
            return self._make_beam_pipeline_fn()
        return make(self._beam_pipeline_args)


def make(argv: Sequence[str]) -> Any:
    """Make a Beam pipeline.

    Args:
        argv: Beam arguments.

    Raises:
        UserError: the runner is unknown or gives wrong results.
        ResourceError: the engine does not answer, or its job server does not start.
    """
    beam_args = arguments.parse(arguments.normalize(argv))
    if beam_args.in_process:
        return beam.Pipeline(argv=list(beam_args.argv))
    endpoint = beam_args.job_endpoint if beam_args.job_endpoint != "embed" else None
    if beam_args.starts_server:
        endpoint = JOB_SERVERS.start(beam_args.runner, lambda: _server_command(beam_args), beam_args.argv)
    if endpoint is not None:
        endpoints.check_job_service("--job_endpoint", endpoint, CONNECT_SECONDS)
    server_argv = [f"--job_endpoint={endpoint}"] if beam_args.starts_server else []
    return Pipeline(beam_args, PipelineOptions([*beam_args.argv, *server_argv]), endpoint)


class Pipeline(beam.Pipeline):  # type: ignore[misc]
    """A pipeline whose job is cancelled if the process ends before the job.

    Args:
        beam_args: Beam arguments.
        options: The same as Beam's PipelineOptions.
        endpoint: HOST:PORT of the job service; None for an engine without one.
    """

    def __init__(self, beam_args: arguments.Arguments, options: Any, endpoint: str | None) -> None:
        runner = create_runner(beam_args.runner)
        super().__init__(runner=runner, options=options)
        self._beam_args, self._endpoint, self._runner = beam_args, endpoint, runner

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Run the job and wait until it has finished.

        Raises:
            RunError: the engine reports that the job failed, or no longer answers.
        """
        if kind is not None:
            super().__exit__(kind, error, trace)
            return
        with JOB_SERVERS.job() as job, PoolMonitor(self._beam_args.worker_pool, job.cancel) as pool:
            if self._endpoint is not None:
                self._track(job)
            try:
                super().__exit__(None, None, None)
            except PipelineError:
                raise
            except BaseException as error:
                if self._endpoint is None:
                    _cancel(getattr(self, "result", None))
                explained = engine_failures.explain(error, self._beam_args, self._endpoint, pool_lost=pool.lost)
                if explained is None:
                    raise
                raise explained from error

    def _track(self, job: Job) -> None:
        """Register the job with the guard process before it runs."""

        def connect(options: Any) -> Any:
            # Beam would wait for job_server_timeout, which is five minutes.
            service = ExternalJobServer(self._endpoint, CONNECT_SECONDS).start()
            return self._runner.create_job_service_handle(_Service(service, job, str(self._endpoint)), options)

        self._runner.create_job_service = connect


class _Service:
    """A job service client that registers jobs with the guard process and sets no deadline on their streams."""

    def __init__(self, service: Any, job: Job, endpoint: str) -> None:
        self._service, self._job, self._endpoint = service, job, endpoint

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    def Prepare(self, request: Any, **options: Any) -> Any:  # noqa: N802  Beam's name
        """Give the job a unique name, by which its service lists it."""
        request.job_name = self._job.name
        return self._service.Prepare(request, **options)

    def Run(self, request: Any, **options: Any) -> Any:  # noqa: N802  Beam's name
        """Register the job before it runs, and again with the id that the service returns."""
        self._job.register(self._endpoint, request.preparation_id)
        response = self._service.Run(request, **options)
        self._job.register(self._endpoint, response.job_id)
        return response

    # Beam sets a deadline of job_server_timeout on these two if a job has the id of its preparation, as on Prism: a
    # job of more than five minutes would fail there.

    def GetStateStream(self, request: Any, **_: Any) -> Any:  # noqa: N802  Beam's name
        """Follow the job's state until it ends."""
        return self._service.GetStateStream(request)

    def GetMessageStream(self, request: Any, **_: Any) -> Any:  # noqa: N802  Beam's name
        """Follow the job's messages until it ends."""
        return self._service.GetMessageStream(request)


def _cancel(result: Any) -> None:
    """Cancel a job through its result, in a thread, which no signal interrupts."""
    if result is None:
        return
    thread = threading.Thread(target=result.cancel, daemon=True)
    thread.start()
    thread.join(CANCEL_SECONDS)


def _server_command(beam_args: arguments.Arguments) -> tuple[list[Any], str]:
    """Return command and HOST:PORT of an engine's job server, which Beam may have to download."""
    from apache_beam.runners.portability import flink_runner, prism_runner, spark_runner

    options = PipelineOptions(list(beam_args.argv))
    server = {
        "PrismRunner": prism_runner.PrismJobServer,
        "FlinkRunner": flink_runner.FlinkJarJobServer,
        "SparkRunner": spark_runner.SparkJarJobServer,
    }[beam_args.runner](options)
    try:
        command, endpoint = server.subprocess_cmd_and_endpoint()
    except Exception as error:
        raise ResourceError(
            f"{beam_args.runner}: its job server is not available: {error}: give the path of a local one with "
            f"--{arguments.SERVER_FILES[beam_args.runner]}=PATH, or the address of a running one with "
            "--job_endpoint=HOST:PORT"
        ) from error
    return command, endpoint
