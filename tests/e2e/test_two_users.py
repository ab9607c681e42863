"""Two users run, inspect, restore and clean up one root: with a shared group, and without."""

import os
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path

import pytest

from ..trees import READS_ALL
from ..warm import Warm
from .test_month import Month

USERS, TEAM = {"ada": 54321, "bob": 54322}, 54330
"""Numbers of users and of the group, which own nothing else here. What they may read is checked by modes."""
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be two other users"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is missing, which runs a command as a user"),
]


class Team:
    """A pipeline with a file a week, and its users, each in a process of their own.

    Args:
        folder: Folder of code, data and root.
        umask: The umask of both users.
        metadata: URL of the store; None for SQLite in the root.
    """

    def __init__(self, folder: Path, umask: str, metadata: str | None) -> None:
        self.month = Month(folder, metadata)
        self.folder, self.root = folder, folder / "runs"
        self.root.mkdir()
        os.chown(self.root, USERS["ada"], TEAM)
        self.root.chmod(0o2775)
        self.month.week(1)
        self.month.accept()
        self.servers = {user: self._server(user, number, umask) for user, number in USERS.items()}

    def _server(self, user: str, number: int, umask: str) -> Warm:
        home = self.folder / user
        home.mkdir()
        os.chown(home, number, number)
        start = ["setpriv", f"--reuid={number}", f"--regid={number}", f"--groups={TEAM}", *READS_ALL]
        return Warm(self.folder / "out" / user, (*start, "sh", "-c", f'umask {umask}; exec "$@"', "sh"))

    def start(self, user: str, *arguments: object):
        """Start a command as a user."""
        environment = {"HOME": str(self.folder / user), "USER": user, "LOGNAME": user, **self.month.environment}
        return self.servers[user].start(*arguments, "--root", self.root, tree=self.month.tree, **environment)

    def ask(self, user: str, code: int, *arguments: object) -> str:
        """Run a command as a user; return its output."""
        result = self.start(user, *arguments).wait(600).result()
        assert result.code == code, result.out + result.err
        assert "Traceback" not in result.out + result.err
        return result.out + result.err

    def run(self, user: str, code: int = 0, *more: object) -> str:
        return self.ask(user, code, "--local", "--pipeline", "month", *more)


@pytest.fixture
def make_team():
    """Return a function that makes a team and starts the processes of its users.

    Their folder is one that all may enter: TensorFlow asks access(), for which the capability does not count.
    """
    teams, folder = [], Path(tempfile.mkdtemp(prefix="team-", dir="/tmp"))
    folder.chmod(0o755)

    def make(umask, metadata=None):
        team = Team(folder, umask, metadata)
        teams.append(team)
        for server in team.servers.values():
            server.__enter__()
        return team

    yield make
    for team in teams:
        for server in team.servers.values():
            server.__exit__()
    shutil.rmtree(folder)


def not_shared(root):
    """Return the paths that are not the group's, or that it may not use as their owner does."""
    modes = [(path, path.lstat()) for path in (root, *root.rglob("*")) if not path.is_symlink()]
    return [
        f"{path} {stat.filemode(status.st_mode)} group {status.st_gid}"
        for path, status in modes
        if status.st_gid != TEAM or (status.st_mode & 0o700) >> 3 & ~status.st_mode
    ]


@pytest.mark.parametrize("kind", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.slow)])
def test_two_users_of_a_group_use_one_root_by_turns(make_team, request, kind):
    url = request.getfixturevalue("postgresql").new_database() if kind == "PostgreSQL" else None
    team = make_team("002", url)
    assert "Blessed: no baseline yet: no model is served" in team.run("ada")
    assert not_shared(team.root) == []

    team.month.week(2)
    output = team.run("bob")
    assert "compared with the served model" in output
    assert "1 earlier run with other data" in output
    assert not_shared(team.root) == []
    owners = {path.stat().st_uid for path in (team.root / "month/runs").iterdir()}
    assert owners == set(USERS.values())

    assert "data/week-2.csv, span 2, 300 rows" in team.ask("ada", 0, "inspect", "show", "latest")
    assert len(re.findall(r"^\S+ +month +COMPLETE", team.ask("ada", 0, "inspect", "runs"), re.MULTILINE)) == 2
    assert "serves now, a copy of" in team.ask("bob", 0, "push", "--rollback", "month")
    assert "taken back" in team.ask("ada", 0, "push", "month")

    # What one user leaves unfinished, another one resumes; and cleans up what the first one made and no model needs.
    team.ask("ada", 0, "--local", "--pipeline", "month", "--to", "ingestion", "--set", "data.split.salt=other")
    team.month.week(3)
    killed(team, "ada", "trainer")
    output = team.run("bob")
    assert re.search(r"resuming run \S+, attempt 2: its process was killed", output)
    assert "ingestion       kept" in output
    assert "The trash uses" in team.ask("bob", 0, "inspect", "clean", "--keep", "1", "--yes")
    assert not_shared(team.root) == []
    team.month.week(4)
    assert "compared with the served model" in team.run("ada")


def killed(team, user, stage):
    """Kill a run with all its processes when it is in a stage."""
    folder = team.root / "month/runs"
    runs_before = set(folder.iterdir())
    running, end = team.start(user, "--local", "--pipeline", "month"), time.monotonic() + 300
    while f'"node": "{stage}", "state": "RUNNING"' not in _events(folder, runs_before):
        assert time.monotonic() < end
        assert running.going, running.out + running.err
        time.sleep(0.02)
    running.kill()


def _events(folder, runs_before):
    """Return the events of a run that was not there before."""
    paths = [run / "events.jsonl" for run in set(folder.iterdir()) - runs_before]
    return "".join(path.read_text() for path in paths if path.exists())


def test_a_user_without_the_rights_of_the_group_is_refused_and_changes_nothing(make_team):
    team = make_team("022")
    team.run("ada")
    team.month.week(2)
    before = {path: path.lstat().st_mtime_ns for path in team.root.rglob("*")}
    for arguments in (("--local", "--pipeline", "month"), ("doctor", "month")):
        output = team.ask("bob", 5, *arguments)
        refusal = r"(\S+): permission denied: user 54322 may not write to \S+, which belongs to user 54321 and group "
        match = re.search(refusal + r"54330 with mode 0\d+\. Ask user 54321 for the permission", output)
        assert match, output
        assert match[1].startswith(f"{team.root}/")
    assert {path: path.lstat().st_mtime_ns for path in team.root.rglob("*")} == before
    assert "COMPLETE" in team.ask("bob", 0, "inspect", "runs")
    assert "serves" in team.ask("bob", 0, "push", "month")
