"""Error messages for failures of an engine: the engine, the worker and how to resume, instead of a stack trace."""

import re
from typing import Any

from components.engine.arguments import Arguments
from errors import RunError

_LOST = re.compile(
    r"SDK worker disconnected|[Ww]orker (?:disconnected|was lost)"
    r"|[Ss]dk[ -]?[Hh]arness.{0,80}(?:disconnect|closed|exited|failed)"
    r"|didn't get control connection|Socket closed|[Cc]onnection refused|failed to connect to all addresses"
    r"|TaskManager.{0,120}(?:lost|no longer reachable|unregistered|disconnected)|Lost executor|ExecutorLost",
)
"""Messages of engines that lost a worker."""
_FRAME = re.compile(r'^\s+(?:File "|at |\.\.\. )|^Traceback |^\s|^During handling|^The above exception')
_NOISE = re.compile(
    r"^Pipeline \S+ failed in state \w+: |bundle \S+ stage-\S+ failed: ?|:? ?(?:prism )?worker\[[^\s,]*"
)
"""Internal names of the engine in its messages."""
RESUME = "Run the same command again to resume."


def explain(
    error: BaseException, beam_args: Arguments, endpoint: str | None, *, pool_lost: bool = False
) -> RunError | None:
    """Explain why a job failed.

    Args:
        error: Exception raised by Beam.
        beam_args: Beam arguments.
        endpoint: HOST:PORT of the job service, or None.
        pool_lost: Whether the job was cancelled because the external worker pool no longer listens.

    Returns:
        An error with a message for the user; None if the engine did not cause it.
    """
    engine = f"{beam_args.runner} at {endpoint}" if endpoint else beam_args.runner
    code = _code(error)
    if code is not None and beam_args.starts_server:
        return RunError(f"the job server of {beam_args.runner} no longer answers ({code}). {RESUME}")
    if code is not None:
        return RunError(f"the job service of {engine} no longer answers ({code}): start it again. {RESUME}")
    if type(error) is not RuntimeError:
        return None
    text = str(error)
    if beam_args.worker_pool and (pool_lost or _LOST.search(text)):
        reason = "nothing listens on its port" if pool_lost else _reason(text)
        return RunError(
            f"{engine} lost its workers in the worker pool at {beam_args.worker_pool}: {reason}. Start the pool again. "
            f"{RESUME}"
        )
    if _LOST.search(text):
        return RunError(f"{engine} lost a worker ({beam_args.environment}): {_reason(text)}. {RESUME}")
    return RunError(f"{engine} reports that the job failed: {_reason(text)}")


def _code(error: Any) -> str | None:
    """Return the gRPC status of a failed call; None for another error."""
    import grpc

    if isinstance(error, grpc.FutureTimeoutError):
        return "no connection"
    return str(error.code().name) if isinstance(error, grpc.RpcError) and hasattr(error, "code") else None


def _reason(text: str) -> str:
    """Return the last line of an error that is not part of a stack trace."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _FRAME.match(line)]
    lines = [line for line in lines if any(map(str.isalpha, line))]
    return _NOISE.sub("", lines[-1] if lines else "the engine gives no reason").rstrip(".")[:300]
