"""What an engine's failures say: which engine, which worker, and how to go on, in place of a stack trace."""

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
"""How engines say that a worker has gone."""
_FRAME = re.compile(r'^\s+(?:File "|at |\.\.\. )|^Traceback |^\s|^During handling|^The above exception')
_NOISE = re.compile(
    r"^Pipeline \S+ failed in state \w+: |bundle \S+ stage-\S+ failed: ?|:? ?(?:prism )?worker\[[^\s,]*"
)
"""Names that the engine has for its own parts."""
ON = "The same command goes on from there."


def explain(
    error: BaseException, given: Arguments, endpoint: str | None, *, pool_gone: bool = False
) -> RunError | None:
    """Say what became of a job.

    Args:
        error: What Beam raised.
        given: Beam arguments.
        endpoint: HOST:PORT of the job service, or None.
        pool_gone: Whether the external worker pool has gone, so that the job was cancelled.

    Returns:
        The error for the user's eyes; None where it is not the engine's.
    """
    engine = f"{given.runner} at {endpoint}" if endpoint else given.runner
    code = _code(error)
    if code is not None and given.starts_server:
        return RunError(f"the job server of {given.runner} does not answer any more ({code}). {ON}")
    if code is not None:
        return RunError(f"the job service of {engine} does not answer any more ({code}): start it again. {ON}")
    if type(error) is not RuntimeError:
        return None
    text = str(error)
    if given.worker_pool and (pool_gone or _LOST.search(text)):
        reason = "nothing listens there any more" if pool_gone else _reason(text)
        return RunError(
            f"{engine} lost its workers, of the worker pool at {given.worker_pool}: {reason}. Start the pool again. "
            f"{ON}"
        )
    if _LOST.search(text):
        return RunError(f"{engine} lost a worker ({given.environment}): {_reason(text)}. {ON}")
    return RunError(f"{engine} reports that the job failed: {_reason(text)}")


def _code(error: Any) -> str | None:
    """The gRPC status of a call that failed; None for another error."""
    import grpc

    if isinstance(error, grpc.FutureTimeoutError):
        return "no connection"
    return str(error.code().name) if isinstance(error, grpc.RpcError) and hasattr(error, "code") else None


def _reason(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _FRAME.match(line)]
    lines = [line for line in lines if any(map(str.isalpha, line))]
    return _NOISE.sub("", lines[-1] if lines else "no reason is given").rstrip(".")[:300]
