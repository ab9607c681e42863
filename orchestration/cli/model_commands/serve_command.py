"""`serve`: predictions of pushed models over HTTP and gRPC."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import project
from errors import UserError
from orchestration.cli import options
from spec.rows.data_paths import is_remote

if TYPE_CHECKING:
    from serving.server.engines.session import Engine
    from serving.server.server_settings import ModelSource, RowLogSettings

TOKEN_VARIABLE = "PIPELINE_SERVE_TOKEN"
ENGINES = ("tensorflow", "onnx")
PORT = 8501
"""TensorFlow Serving's port of the REST API."""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    serve = commands.add_parser(
        "serve", help="answer predictions of pushed models over TensorFlow Serving's REST and gRPC APIs"
    )
    serve.add_argument("names", nargs="+", metavar="NAME", help="a pipeline, PIPELINE-VARIANT or PIPELINE-sample")
    serve.add_argument(
        "--engine",
        choices=ENGINES,
        default="tensorflow",
        help="engine that runs the models: onnx starts without TensorFlow, and uses the ONNX export of a version, or "
        "makes it if there is none (default: tensorflow)",
    )
    serve.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)"
    )
    serve.add_argument(
        "--port", type=int, default=PORT, metavar="N", help=f"port of HTTP; 0 for any free one (default: {PORT})"
    )
    serve.add_argument(
        "--grpc-port",
        type=int,
        metavar="N",
        help="port of gRPC, 8500 in TensorFlow Serving; 0 for any free one (default: no gRPC)",
    )
    serve.add_argument(
        "--expose", action="store_true", help="confirm that anyone who reaches --host may send requests without a token"
    )
    serve.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="host name that requests to this machine's own address may use; can be repeated",
    )
    serve.add_argument("--versions", default="1", metavar="N", help="serve the newest N versions, or all (default: 1)")
    serve.add_argument(
        "--version",
        action="append",
        default=[],
        metavar="NAME:V",
        help="serve version V of NAME instead of the newest; can be repeated",
    )
    serve.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME:LABEL=V",
        help="also serve version V of NAME, under /labels/LABEL; can be repeated",
    )
    serve.add_argument(
        "--cores", type=_positive(int), metavar="N", help="cores that the engine may use (default: all of this process)"
    )
    serve.add_argument(
        "--batch-rows",
        type=_positive(int),
        default=1024,
        metavar="N",
        help="most rows that are predicted as one batch (default: 1024)",
    )
    serve.add_argument(
        "--batch-ms",
        type=_positive(float),
        default=1.0,
        metavar="MS",
        help="longest wait of a request for others to join its batch (default: 1)",
    )
    serve.add_argument(
        "--max-body-mb",
        type=_positive(float),
        default=32.0,
        metavar="MB",
        help="largest body of a request (default: 32)",
    )
    serve.add_argument(
        "--max-rows", type=_positive(int), default=100_000, metavar="N", help="most rows of a request (default: 100000)"
    )
    serve.add_argument(
        "--max-queue",
        type=_positive(int),
        default=100_000,
        metavar="N",
        help="most rows that wait; more are answered with 503 (default: 100000)",
    )
    serve.add_argument(
        "--timeout",
        type=_positive(float),
        default=30.0,
        metavar="S",
        help="longest time of a request, in seconds; then it is answered with 504 (default: 30)",
    )
    serve.add_argument(
        "--poll",
        type=_positive(float),
        default=1.0,
        metavar="S",
        help="seconds between looks for new versions (default: 1)",
    )
    serve.add_argument(
        "--cors",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="origin of web pages that may send requests, or * (default: none); can be repeated",
    )
    serve.add_argument(
        "--metrics-path", default="/metrics", metavar="PATH", help="path of the Prometheus metrics (default: /metrics)"
    )
    serve.add_argument("--certificate", metavar="FILE", help="PEM file of the TLS certificate chain; needs --key")
    serve.add_argument("--key", metavar="FILE", help="PEM file of the certificate's private key")
    serve.add_argument(
        "--log",
        metavar="DIR",
        help="write a sample of the rows and their predictions to Parquet files in DIR/NAME (default: no log)",
    )
    serve.add_argument(
        "--log-sample", type=_share, metavar="SHARE", help="share of the rows that --log writes, 0 to 1 (default: 1)"
    )
    serve.add_argument(
        "--log-mask",
        action="append",
        default=[],
        metavar="COLUMN",
        help="column that --log leaves out; can be repeated",
    )
    serve.add_argument(
        "--log-mb",
        type=_positive(float),
        metavar="MB",
        help="largest size of the files of a model; the oldest are removed (default: 1024)",
    )
    serve.add_argument("--no-playground", action="store_true", help="do not serve the page at / to try the models")
    options.add_project(serve, options.absent)
    serve.add_argument("--root", default=options.absent(None), metavar="DIR", help=project.ROOT_HELP)
    serve.set_defaults(do=run)


def _positive(kind: type[Any]) -> Any:
    """Return a parser of numbers above zero."""

    def parse(text: str) -> Any:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
        return value

    return parse


def _share(text: str) -> float:
    """Parse a share above zero."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"expected a share above 0 and at most 1, got {text}")
    return value


def _row_log(arguments: argparse.Namespace, sources: "Sequence[ModelSource]") -> "RowLogSettings | None":
    """Return the settings of the log of rows; None without one.

    Raises:
        UserError: an option of the log has no effect, or a masked column does not exist.
    """
    if arguments.log is None:
        log_options = [name for name in ("sample", "mask", "mb") if getattr(arguments, f"log_{name}") not in (None, [])]
        if log_options:
            raise UserError(f"--log-{log_options[0]} has no effect without --log DIR")
        return None
    from orchestration import serving_log

    return serving_log.settings(
        arguments.log,
        sources,
        sample=arguments.log_sample or 1.0,
        masked=arguments.log_mask,
        megabytes=arguments.log_mb or 1024.0,
    )


def _engine(arguments: argparse.Namespace, log: "Callable[[str], object]") -> "Engine":
    """Return the engine.

    Raises:
        UserError: ONNX Runtime is not installed.
    """
    if arguments.engine == "onnx":
        from orchestration.export.onnx_versions import OnnxVersions
        from serving import onnx_model
        from serving.server.engines.onnx_session import OnnxEngine

        if not onnx_model.installed():
            raise UserError(f"--engine onnx needs the package onnxruntime: {onnx_model.INSTALL}")
        versions = OnnxVersions(os.path.abspath(arguments.root), log)
        return OnnxEngine(versions.find, versions.stop)
    from orchestration import lazy_packages

    lazy_packages.load("serving.server.engines.tensorflow_session")
    from serving.server.engines.tensorflow_session import TensorflowEngine

    return TensorflowEngine()


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    import printing
    from inspection.web.request_guard import host_check, loopback
    from inspection.web.server import listen
    from orchestration import lazy_packages, serving_sources
    from orchestration.paths import Root
    from serving.server.server_settings import Limits, ServerSettings

    token = os.environ.get(TOKEN_VARIABLE) or None
    local = loopback(arguments.host)
    if not local and token is None and not arguments.expose:
        raise UserError(
            f"--host {arguments.host}: anyone who can reach this address could query the models. Set the environment "
            f"variable {TOKEN_VARIABLE}, which requests must then send as a bearer token, or add --expose"
        )
    if (arguments.certificate is None) != (arguments.key is None):
        raise UserError("TLS needs both --certificate FILE and --key FILE")
    sources = serving_sources.sources(
        Root(arguments.root if is_remote(arguments.root) else os.path.abspath(arguments.root)),
        arguments.names,
        versions=arguments.versions,
        pinned=arguments.version,
        labels=arguments.label,
    )
    row_log = _row_log(arguments, sources)
    listening = listen(arguments.host, arguments.port)
    with lazy_packages.quiet():
        engine = _engine(arguments, printing.line)
        from serving.server import model_server

    settings = ServerSettings(
        models=sources,
        engine=engine,
        host=arguments.host,
        grpc_port=arguments.grpc_port,
        cores=arguments.cores or len(os.sched_getaffinity(0)),
        batch_rows=arguments.batch_rows,
        batch_seconds=arguments.batch_ms / 1000,
        poll_seconds=arguments.poll,
        limits=Limits(
            body_bytes=int(arguments.max_body_mb * 2**20),
            rows=arguments.max_rows,
            queue_rows=arguments.max_queue,
            seconds=arguments.timeout,
        ),
        token=token,
        origins=tuple(arguments.cors),
        metrics_path=arguments.metrics_path,
        certificate=arguments.certificate,
        key=arguments.key,
        playground=not arguments.no_playground,
        row_log=row_log,
        accepts_host=host_check(arguments.allow) if local else None,
    )
    scheme = "https" if arguments.certificate else "http"
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    printing.line(f"{scheme}://{host}:{listening.getsockname()[1]}/  (Ctrl-C stops it)")
    model_server.run(listening, settings, printing.line)
    printing.line("stopped: all requests are answered")
    return 0
