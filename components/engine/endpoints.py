"""Whether what an engine needs answers. Imports grpc where it asks a job service, and no Beam."""

import os
import shutil
import socket
import time
import urllib.parse

from components.engine.arguments import Arguments
from errors import ResourceError, UserError

SECONDS = 2.0
"""How long a service may take to answer."""
_DESCRIBE = "/org.apache.beam.model.job_management.v1.JobService/DescribePipelineOptions"


def check(given: Arguments) -> str:
    """See that an engine can be reached, or started.

    Args:
        given: Beam arguments.

    Returns:
        The engine in a few words, with a note about what cannot be known from here.

    Raises:
        UserError: an address is no address.
        ResourceError: a service does not answer, or a program is missing.
    """
    if given.in_process:
        return f"{given.runner}, in this process"
    if given.job_endpoint and given.job_endpoint != "embed":
        job_service("--job_endpoint", given.job_endpoint)
    elif given.runner in ("FlinkRunner", "SparkRunner"):
        _cluster(given)
    line = warning(given)
    if line and not given.job_endpoint and given.is_local_cluster:
        raise ResourceError(
            f"{line}: start it, as docs/explanation/engines.md shows, or use --environment_type=LOOPBACK"
        )
    return f"{given.shown}; {line}" if line else given.shown


def warning(given: Arguments) -> str:
    """What may keep an engine waiting: it is wrong where the engine's workers are on this machine, and right elsewhere.

    Raises:
        UserError: the worker pool's address is no address.
    """
    if not given.worker_pool:
        return ""
    host, port = address("--environment_config", given.worker_pool)
    if not _is_here(host) or listens(host, port):
        return ""
    return f"no worker pool listens on {host}:{port} of this machine (--environment_config)"


def job_service(option: str, text: str, seconds: float = SECONDS) -> None:
    """See that a Beam job service answers.

    Args:
        option: Where the address comes from.
        text: HOST:PORT.
        seconds: How long it may take.

    Raises:
        UserError: the address is no address.
        ResourceError: it does not answer, or is something else.
    """
    import grpc

    host, port = address(option, text)
    advice = "start the engine's job server, or correct the address"
    if not listens(host, port):
        raise ResourceError(f"{option}={host}:{port}: nothing listens there: {advice}")
    due = time.monotonic() + seconds
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=seconds)
            channel.unary_unary(_DESCRIBE)(b"", timeout=max(0.2, due - time.monotonic()))
        except grpc.FutureTimeoutError as error:
            raise ResourceError(
                f"{option}={host}:{port}: no answer within {seconds:g} s, so what listens there is no Beam job "
                f"service: {advice}"
            ) from error
        except grpc.RpcError as error:
            raise ResourceError(
                f"{option}={host}:{port}: what listens there is no Beam job service ({error.code().name}): {advice}"
            ) from error


def address(option: str, text: str) -> tuple[str, int]:
    """Host and port of an address, without a scheme, a path or a password.

    Args:
        option: Where it comes from.
        text: HOST:PORT, or a URL.

    Raises:
        UserError: it has no host or no port.
    """
    try:
        parts = urllib.parse.urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        host = port = None
    if not host or not port:
        raise UserError(f"{option} is no address: write it as HOST:PORT, as in {option}=localhost:8099")
    return (f"[{host}]" if ":" in host else host), port


def _cluster(given: Arguments) -> None:
    """The cluster that a job server of this machine hands jobs to, and what that job server needs."""
    option, text = {
        "FlinkRunner": ("--flink_master", given.values["flink_master"]),
        "SparkRunner": ("--spark_master_url", given.values["spark_master_url"]),
    }[given.runner]
    if not given.is_local_cluster:
        host, port = address(option, text)
        if not listens(host, port):
            raise ResourceError(
                f"{option}={host}:{port}: nothing listens there: start the cluster, or correct the address"
            )
    launcher = given.values["job_server_java_launcher"] or "java"
    if given.starts_server and shutil.which(launcher) is None:
        raise ResourceError(
            f"{given.runner} starts a job server with Java, and there is no {launcher}: install a Java runtime, name "
            "it by --job_server_java_launcher, or give --job_endpoint=HOST:PORT of a job server that runs"
        )


def listens(host: str, port: int) -> bool:
    """Whether something takes connections there."""
    try:
        with socket.create_connection((host.strip("[]"), port), SECONDS):
            return True
    except OSError:
        return False


def _is_here(host: str) -> bool:
    return host.strip("[]") in ("localhost", "::1", os.uname().nodename) or host.startswith("127.")
