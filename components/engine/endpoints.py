"""Checks that the services and programs that an engine needs are available, without an import of Beam."""

import os
import shutil
import socket
import time
import urllib.parse

from components.engine.arguments import Arguments
from errors import ResourceError, UserError

SECONDS = 2.0
"""Timeout of a service."""
_DESCRIBE = "/org.apache.beam.model.job_management.v1.JobService/DescribePipelineOptions"


def check(beam_args: Arguments) -> str:
    """Check that an engine can be reached or started.

    Args:
        beam_args: Beam arguments.

    Returns:
        The engine, with a note if its worker pool cannot be checked from this machine.

    Raises:
        UserError: an address is invalid.
        ResourceError: a service does not answer, or a program is missing.
    """
    if beam_args.in_process:
        return f"{beam_args.runner}, in this process"
    if beam_args.job_endpoint and beam_args.job_endpoint != "embed":
        check_job_service("--job_endpoint", beam_args.job_endpoint)
    elif beam_args.runner in ("FlinkRunner", "SparkRunner"):
        _check_cluster(beam_args)
    note = warning(beam_args)
    if note and not beam_args.job_endpoint and beam_args.is_local_cluster:
        raise ResourceError(
            f"{note}: start it as described in docs/explanation/engines.md, or use --environment_type=LOOPBACK"
        )
    return f"{beam_args.description}; {note}" if note else beam_args.description


def warning(beam_args: Arguments) -> str:
    """Return a warning if no worker pool listens at its local address; an engine on another machine may have one.

    Raises:
        UserError: the worker pool's address is invalid.
    """
    if not beam_args.worker_pool:
        return ""
    host, port = address("--environment_config", beam_args.worker_pool)
    if not _is_local(host) or listens(host, port):
        return ""
    return f"no worker pool listens on {host}:{port} of this machine (--environment_config)"


def check_job_service(option: str, text: str, seconds: float = SECONDS) -> None:
    """Check that a Beam job service answers.

    Args:
        option: The option that sets the address, for messages.
        text: HOST:PORT.
        seconds: Timeout.

    Raises:
        UserError: the address is invalid.
        ResourceError: nothing answers, or it is not a Beam job service.
    """
    import grpc

    host, port = address(option, text)
    advice = "start the engine's job server, or fix the address"
    if not listens(host, port):
        raise ResourceError(f"{option}={host}:{port}: nothing listens on this port: {advice}")
    due = time.monotonic() + seconds
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=seconds)
            channel.unary_unary(_DESCRIBE)(b"", timeout=max(0.2, due - time.monotonic()))
        except grpc.FutureTimeoutError as error:
            raise ResourceError(
                f"{option}={host}:{port} is not a Beam job service (no answer within {seconds:g} s): {advice}"
            ) from error
        except grpc.RpcError as error:
            raise ResourceError(
                f"{option}={host}:{port} is not a Beam job service ({error.code().name}): {advice}"
            ) from error


def address(option: str, text: str) -> tuple[str, int]:
    """Parse host and port of an address; scheme, path and password are dropped.

    Args:
        option: The option that sets the address, for messages.
        text: HOST:PORT, or a URL.

    Raises:
        UserError: the address has no host or no port.
    """
    try:
        parts = urllib.parse.urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        host = port = None
    if not host or not port:
        raise UserError(f"{option} is not an address: write it as HOST:PORT, as in {option}=localhost:8099")
    return (f"[{host}]" if ":" in host else host), port


def _check_cluster(beam_args: Arguments) -> None:
    """Check the cluster that a local job server submits jobs to, and the programs that this job server needs."""
    option, text = {
        "FlinkRunner": ("--flink_master", beam_args.values["flink_master"]),
        "SparkRunner": ("--spark_master_url", beam_args.values["spark_master_url"]),
    }[beam_args.runner]
    if not beam_args.is_local_cluster:
        host, port = address(option, text)
        if not listens(host, port):
            raise ResourceError(
                f"{option}={host}:{port}: nothing listens on this port: start the cluster, or fix the address"
            )
    launcher = beam_args.values["job_server_java_launcher"] or "java"
    if beam_args.starts_server and shutil.which(launcher) is None:
        raise ResourceError(
            f"{beam_args.runner} starts a job server with Java, but {launcher} is not installed: install a Java "
            "runtime, set its path with --job_server_java_launcher, or give the address of a running job server with "
            "--job_endpoint=HOST:PORT"
        )


def listens(host: str, port: int) -> bool:
    """Whether something accepts connections on a port."""
    try:
        with socket.create_connection((host.strip("[]"), port), SECONDS):
            return True
    except OSError:
        return False


def _is_local(host: str) -> bool:
    return host.strip("[]") in ("localhost", "::1", os.uname().nodename) or host.startswith("127.")
