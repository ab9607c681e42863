"""PostgreSQL server for tests, which may be killed."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import ports

PASSWORD = "canary-p4ssw0rd"
BINARIES = sorted(glob.glob("/usr/lib/postgresql/*/bin"))


class Server:
    """Use it as a context."""

    def __init__(self) -> None:
        # PostgreSQL wants its socket's path short, and its folder its own.
        self._folder = Path(tempfile.mkdtemp(prefix="faults-postgresql-", dir="/tmp"))
        self._databases = 0
        self._port = ports.unused()
        self.url = f"postgresql://owner:{PASSWORD}@127.0.0.1:{self._port}/runs"

    def _do(self, binary: str, *arguments: object) -> str:
        """Run one of its programs; it refuses root, so there it is the user of Debian's package."""
        prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*prefix, str(Path(BINARIES[-1]) / binary), *map(str, arguments)]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env={**os.environ, "PGPASSWORD": PASSWORD}
        ).stdout

    @property
    def _where(self) -> tuple[object, ...]:
        return ("-h", "127.0.0.1", "-p", self._port, "-U", "owner")

    def __enter__(self) -> "Server":
        (self._folder / "password").write_text(PASSWORD)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (self._folder, self._folder / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)
        password = f"--pwfile={self._folder}/password"
        self._do("initdb", "-D", self._folder / "data", "-U", "owner", "--auth=scram-sha-256", password)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} -c fsync=off"
        )
        self._do("pg_ctl", "-D", self._folder / "data", "-l", self._folder / "log", "-w", "-o", options, "start")

    def new_database(self) -> str:
        """Return the URL of a database that does not exist yet; ML Metadata makes it when it first connects."""
        self._databases += 1
        return f"{self.url}{self._databases}"

    def copy(self, url: str) -> str:
        """Copy a database that nobody uses; return the URL of the copy."""
        copied = self.new_database()
        self._do("createdb", *self._where, "--template", _name(url), _name(copied))
        return copied

    def put_back(self, url: str, saved: str) -> None:
        """Replace a database with a copy of another, as a restore of a dump would."""
        self._do("dropdb", *self._where, "--force", _name(url))
        self._do("createdb", *self._where, "--template", _name(saved), _name(url))

    def kill(self) -> None:
        """Have it die without closing anything."""
        self._do("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "stop")

    def dump(self) -> str:
        """All that the database holds, as text."""
        return self._do("pg_dump", *self._where, "runs")


def _name(url: str) -> str:
    return url.rpartition("/")[2]
