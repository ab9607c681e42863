"""The process of a step, which executes the command of the job: a new process, or a fork of this one."""

import contextlib
import io
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence

import project
from errors import KINDS, PipelineError, RunError
from orchestration.cloud import step

MAX_ARGUMENT = 128 << 10
"""Maximum length of a program's argument on Linux, in bytes, with its final NUL."""


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a step: the variables of the image, without other variables of this machine.

    Args:
        variables: Further variables.
    """
    path = os.pathsep.join([os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"])
    inherited = {key: os.environ[key] for key in ("HOME", "TMPDIR", "LD_LIBRARY_PATH") if key in os.environ}
    return {
        **inherited,
        **project.environment(),
        "PATH": path,
        "LANG": "C.UTF-8",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **variables,
    }


def run(words: Sequence[str], variables: Mapping[str, str], *, log: str, mode: str) -> None:
    """Run a step.

    Args:
        words: The command with its arguments.
        variables: Environment variables of the emulated platform.
        log: File for its output.
        mode: One of orchestration.paths.DRY_RUN_MODES.

    Raises:
        PipelineError: the step failed, with its message; the class is that of its exit code.
    """
    longest = max(len(word.encode()) for word in words)
    if longest >= MAX_ARGUMENT:
        raise RunError(f"an argument has {longest:,} bytes, over Linux's limit of {MAX_ARGUMENT:,}")
    call = _fork if mode == "fork" else _subprocess
    code = call(words, environment(variables), log)
    if code:
        kinds = {kind.exit_code: kind for kind in KINDS.values()}
        raise kinds.get(code, RunError)(f"{_reason(log, code)}. Log: {log}")


def _subprocess(words: Sequence[str], variables: Mapping[str, str], log: str) -> int:
    with open(log, "wb") as file:
        return subprocess.run(
            words, cwd=project.folder(), env=dict(variables), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        ).returncode


def _fork(words: Sequence[str], variables: Mapping[str, str], log: str) -> int:
    """Run the entry point of a step in a fork, which saves the time for imports; other commands in a new process."""
    if list(words[:3]) != ["python", "-m", step.MODULE]:
        return _subprocess(words, variables, log)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = PipelineError.exit_code
    try:
        _redirect(log)
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(project.folder())
        step.main(list(words[3:]))
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _redirect(log: str) -> None:
    """Redirect the standard streams to the log; Python's are replaced, because another thread may hold their locks."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(source, target)
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
        for number in (1, 2)
    )


def _reason(log: str, code: int) -> str:
    """Return the last error that a step printed; of another program, its last line."""
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.rstrip() for line in file if line.strip()]
    start = max((number for number, line in enumerate(lines) if line.startswith("error: ")), default=None)
    if start is None:
        return f"exit code {code}: {lines[-1] if lines else 'no output'}"
    message = [lines[start].removeprefix("error: ")]
    for line in lines[start + 1 :]:
        if not line.startswith("       "):
            break
        message.append(line.strip())
    return "\n".join(message).removesuffix(".")
