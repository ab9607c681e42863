"""Commands of a PostgreSQL role that may only read the store: exit code 5, the missing right and who grants it."""

import psycopg
import pytest

from ..postgresql_server import PASSWORD
from .conftest import runner
from .test_project_folder import make

SECRET = "canary-r3ader"
WRITING = (
    "--local --pipeline flats",
    "--local --pipeline flats --only trainer",
    "doctor flats",
    "schedule run-now daily",
    "tune flats",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make(tmp_path_factory.mktemp("reading") / "project", rows=60)


@pytest.fixture
def reader(postgresql, project):
    """URL of a store with a run, with a role that has the right to read it; and the connection of its owner."""
    url = postgresql.new_database()
    result = runner("--local", "--pipeline", "flats", "--to", "ingestion", "--project", project, PIPELINE_METADATA=url)
    assert result.code == 0, result.err
    role = f"reader_{url.rpartition('/')[2]}"
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        yield url.replace(f"owner:{PASSWORD}", f"{role}:{SECRET}"), owner
        owner.execute(f"DROP OWNED BY {role}")
        owner.execute(f"DROP ROLE {role}")


def test_a_role_that_may_only_read_inspects_runs_and_is_told_what_a_run_needs(reader, project):
    url, owner = reader

    def ask(command):
        result = runner(*command.split(), "--project", project, PIPELINE_METADATA=url)
        assert SECRET not in result.out + result.err
        assert "Traceback" not in result.out + result.err
        return result

    assert "COMPLETE" in ask("inspect runs").out
    assert "60 rows" in ask("inspect show latest").out
    for command in WRITING:
        result = ask(command)
        assert result.code == 5, (command, result.out, result.err)
        assert "has no DELETE on artifact, which belongs to role owner. Ask owner for it: GRANT SELECT, INSERT" in (
            result.out + result.err
        ), command

    owner.execute(f"REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM {url.split('//')[1].split(':')[0]}")
    result = ask("inspect runs")
    assert result.code == 5
    assert "has no SELECT on artifact, which belongs to role owner. Ask owner for it: GRANT SELECT ON" in result.err
    assert "omit" not in result.err, "no advice that begins a new history"
