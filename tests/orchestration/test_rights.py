"""Two users on one root: errors name path, owner and missing permission; written files follow the umask."""

import asyncio
import contextlib
import html
import io
import json
import os
import select
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import pytest

import project
from inspection.commands import artifacts_command, clean_command, restore_command, runs_command
from inspection.store import file_rights
from inspection.store.metadata_store import open_store
from inspection.web import app
from orchestration.cli import parser
from orchestration.local import run_lock
from serving import ownership, versions

from ..inspection import made

OTHER = 54321
"""A user and a group of this number own nothing here."""
ANSWER_SECONDS = 60
COMMANDS = (artifacts_command, clean_command, restore_command, runs_command)
"""Imported here: the other user may not be able to read Python's own files."""
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be another user")


@pytest.fixture
def root():
    """A root of the first user with a pushed version, a store and schedules, in a folder that all may enter."""
    folder = Path(tempfile.mkdtemp(prefix="rights-", dir="/tmp"))
    folder.chmod(0o755)
    path = folder / "runs"
    (folder / "model").mkdir()
    (folder / "model/saved_model.pb").write_text("weights")
    for _ in range(2):
        versions.place(str(folder / "model"), str(path / "houses/serving"), check=lambda _: None)
    (path / "houses/artifacts").mkdir()
    (path / "houses/.lock").write_text("")
    open_store(str(path), None, readonly=False).mlmd.put_context_type(_kind())
    shutil.copy(path / "metadata.sqlite", folder / "backup")
    (folder / "backup").chmod(0o644)
    yield path
    shutil.rmtree(folder)


def _kind():
    from ml_metadata.proto import metadata_store_pb2 as pb

    return pb.ContextType(name="pipeline_run")


def asked(*arguments):
    """Exit code and texts of a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = parser.main([*map(str, arguments)])
    return code, out.getvalue() + err.getvalue()


def as_other(*arguments):
    """The same as another user; this one has it done first on a copy of nothing, so that all is imported."""
    with contextlib.suppress(SystemExit):
        asked(*arguments[:-1], arguments[-1] / "none")
    return in_child(lambda: asked(*arguments))


def in_child(ask):
    """What a function returns as another user: a code and a text.

    A thread of a library may hold a lock while the process is forked, so a child that does not answer is forked again.
    """
    for _ in range(3):
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setgid(OTHER)
            os.setuid(OTHER)
            try:
                answer = ask()
            except BaseException as error:
                answer = (-1, f"Traceback: {type(error).__name__}: {error}")
            os.write(write, json.dumps(answer).encode())
            os._exit(0)
        os.close(write)
        with open(read, encoding="utf-8") as file:
            has_answer = bool(select.select([file], [], [], ANSWER_SECONDS)[0])
            if not has_answer:
                os.kill(pid, signal.SIGKILL)
            text = file.read()
        os.waitpid(pid, 0)
        if has_answer:
            code, output = json.loads(text)
            return code, output
    raise AssertionError(f"three children did not answer within {ANSWER_SECONDS} s each")


@AS_ROOT
@pytest.mark.parametrize("closed", ["metadata.sqlite", "."])
def test_the_error_of_an_unreadable_store_names_its_owner_and_the_store_is_not_moved(root, closed):
    (root / closed).chmod(0o600 if closed != "." else 0o700)
    code, output = as_other("inspect", "runs", "--root", root)

    assert code == 5
    assert output.startswith(f"error: {root}/metadata.sqlite: permission denied: user {OTHER} may not ")
    word, mode = ("read it", "0600") if closed != "." else (f"enter {root}", "0700")
    assert f"{word}, which belongs to root and group root with mode {mode}. Ask root for the permission" in output
    assert "move it away" not in output


@AS_ROOT
@pytest.mark.parametrize(
    ("arguments", "path", "right"),
    [
        (("inspect", "clean", "--yes"), ".trash", "write to ROOT"),
        (("inspect", "restore", "BACKUP"), "houses/.lock", "write to it"),
        (("push", "--rollback", "houses"), "houses/serving/.lock", "write to it"),
        (("doctor", "points"), "", "write to it"),
        (("inspect", "clean", "--empty-trash"), ".trash", "write to ROOT"),
        (("inspect", "backup", "ROOT/copy"), "", "write to it"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_user_with_read_access_gets_an_error_of_one_sentence_for_writes(root, arguments, path, right):
    words = [root.parent / "backup" if word == "BACKUP" else word.replace("ROOT", str(root)) for word in arguments]
    (root / "metadata.sqlite").chmod(0o644)
    code, output = as_other(*words, "--root", root)

    right = right.replace("ROOT", str(root))
    assert code == 5, output
    assert f"{root / path}: permission denied: user {OTHER} may not {right}, which belongs to root" in output
    assert "move it away" not in output
    assert len(versions.pushed(str(root / "houses/serving"))) == 2


@AS_ROOT
@pytest.mark.parametrize("arguments", [("inspect", "runs"), ("push", "houses"), ("inspect", "artifacts")])
def test_a_user_with_read_access_can_inspect_everything(root, arguments):
    (root / "metadata.sqlite").chmod(0o644)
    code, output = as_other(*arguments, "--root", root)

    assert "permission denied" not in output
    assert (code, output) == asked(*arguments, "--root", root)


@AS_ROOT
@pytest.mark.parametrize(
    ("arguments", "closed"),
    [
        ("push houses", "houses"),
        ("push houses", "houses/serving"),
        ("push houses", "record"),
        ("push --rollback houses", "houses"),
        ("push --rollback houses", "record"),
        ("predict houses FILE -o OUT", "houses"),
        ("predict houses FILE -o OUT", "houses/serving"),
    ],
)
def test_versions_that_may_not_be_read_are_not_missing(root, arguments, closed):
    newest = versions.path(str(root / "houses/serving"), versions.pushed(str(root / "houses/serving"))[-1])
    path = Path(newest, ownership.RECORD) if closed == "record" else root / closed
    (root.parent / "rows.csv").write_text("a\n1\n")
    path.chmod(0)
    named = {"FILE": str(root.parent / "rows.csv"), "OUT": str(root.parent / "out.csv")}
    code, output = as_other(*(named.get(word, word) for word in arguments.split()), "--root", root)

    assert code == 5, output
    assert "permission denied" in output
    assert "with mode 0000. Ask root for the permission" in output


@pytest.fixture(scope="module")
def runs_of_made():
    """A root with runs that all may read."""
    folder = Path(tempfile.mkdtemp(prefix="rights-", dir="/tmp"))
    made.make(folder / "runs")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    yield folder / "runs"
    shutil.rmtree(folder)


@AS_ROOT
def test_a_command_that_needs_the_files_of_a_run_names_the_right(runs_of_made):
    folder = runs_of_made / "houses/runs"
    folder.chmod(0)
    try:
        for command in ("show run-1", "compare run-1 run-4", "logs run-1 trainer", "anomalies run-5"):
            code, output = as_other("inspect", *command.split(), "--root", runs_of_made)
            assert code == 5, output
            assert f"may not enter {folder}, which belongs to root" in output
        assert as_other("inspect", "runs", "--root", runs_of_made)[0] == 0
    finally:
        folder.chmod(0o755)


def page(root, address):
    """Status and text of a page of `ui`."""
    status, parts, asks = [], [], iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        return next(asks, None) or await asyncio.Event().wait()

    async def send(message):
        status.extend([message["status"]] if "status" in message else [])
        parts.append(message.get("body", b""))

    path, _, query = address.partition("?")
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode()}
    scope |= {"headers": [(b"host", b"localhost")], "scheme": "http", "server": ("127.0.0.1", 80), "root_path": ""}
    asyncio.run(app.application(str(root))(scope, receive, send))
    return status[0], html.unescape(b"".join(parts).decode(errors="replace"))


PAGES = (
    "/run?id=run-1",
    "/compare?a=run-1&b=run-4",
    "/report?id=run-1",
    "/files/3/Split-train/FeatureStats.pb",
    "/artifact?id=3",
)


@AS_ROOT
def test_the_pages_of_a_user_who_may_not_read_the_files_name_the_right(runs_of_made):
    for address in ("/", "/models", "/artifacts", "/schedules", *PAGES):
        as_root = page(runs_of_made, address)
        assert "permission denied" not in as_root[1]
        assert as_root[0] == 200 or address == "/report?id=run-1"
        assert in_child(lambda address=address: page(runs_of_made, address))[0] == as_root[0]
    (runs_of_made / "houses").chmod(0)
    try:
        for address in ("/", "/artifacts", "/schedules"):
            assert in_child(lambda address=address: page(runs_of_made, address))[0] == 200
        for address in PAGES:
            code, text = in_child(lambda address=address: page(runs_of_made, address))
            assert code in (404, 503) or address == "/artifact?id=3", address
            assert f"user {OTHER} may not enter {runs_of_made}/houses, which belongs to root" in text, address
    finally:
        (runs_of_made / "houses").chmod(0o755)


@pytest.fixture
def umask():
    previous = os.umask(0o002)
    yield
    os.umask(previous)


def test_files_of_libraries_follow_a_umask_with_group_write(umask, tmp_path):
    folder, file = tmp_path / "made", tmp_path / "made/file"
    folder.mkdir(mode=0o755)
    file.write_text("")
    folder.chmod(0o2755)
    file.chmod(0o644)
    file_rights.follow_umask(str(folder))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o2775, 0o664]

    os.umask(0o022)
    file.chmod(0o600)
    file_rights.follow_umask(str(folder))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "a umask that keeps the group out changes nothing"


def test_store_and_lock_follow_the_umask(umask, tmp_path):
    open_store(str(tmp_path), None, readonly=False)
    with run_lock.held(str(tmp_path / "houses"), print):
        pass

    assert stat.S_IMODE((tmp_path / "metadata.sqlite").stat().st_mode) == 0o664
    assert stat.S_IMODE((tmp_path / "houses/.lock").stat().st_mode) == 0o664


@AS_ROOT
def test_what_writes_into_a_project_or_a_folder_of_another_user_names_the_right(root, monkeypatch):
    folder = root.parent / "project"
    answer = asked("init", str(folder))
    assert answer[0] == 0, answer
    (folder / "data.csv").write_text("a,y\n" + "".join(f"{row % 7}.5,{row % 3 % 2}\n" for row in range(300)))
    monkeypatch.setenv(project.VARIABLE, str(folder))
    assert asked("new", "houses", str(folder / "data.csv"), "--label", "y")[0] == 0
    for arguments, path in (
        (("schema", "infer", "houses", "--root", root), folder / "schemas"),
        (("new", "--label", "y", "flats", folder / "data.csv"), folder / "configs"),
        (("init", root.parent / "another"), root.parent / "another"),
    ):
        code, output = as_other(*arguments)
        assert code == 5, output
        assert f"{path}: permission denied: user {OTHER} may not write to it, which belongs to root" in output
