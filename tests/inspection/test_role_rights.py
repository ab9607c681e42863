import psycopg
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError
from inspection.store.metadata_store import NoStoreError, open_store
from orchestration.preflight import disk, earlier_runs

from ..postgresql_server import PASSWORD

SECRET = "canary-r3ader"


@pytest.fixture
def store(postgresql):
    """URL of a store, its owner's connection, and the URL of a role that may only read it."""
    url = postgresql.new_database()
    open_store("", url, readonly=False)
    role = f"reader_{url.rpartition('/')[2]}"
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        yield url, owner, url.replace(f"owner:{PASSWORD}", f"{role}:{SECRET}"), role
        owner.execute(f"DROP OWNED BY {role}")
        owner.execute(f"DROP ROLE {role}")


def test_a_role_that_may_only_read_a_store_inspects_it_and_runs_name_the_missing_right(store, tmp_path):
    url, owner, reader, role = store
    assert open_store("", reader).contexts("pipeline") == []
    for use in (
        lambda: open_store("", reader, readonly=False),
        lambda: disk.check_store(str(tmp_path), reader),
    ):
        with pytest.raises(ResourceError) as raised:
            use()
        message = str(raised.value)
        assert (
            f"permission denied: role {role} has no DELETE on artifact, which belongs to role owner. Ask owner"
            in message
        )
        assert SECRET not in message
    assert "***@127.0.0.1" in message
    assert disk.check_store(str(tmp_path), url) == url.replace(PASSWORD, "***")

    # What the message asks for is enough.
    commands = message.partition("Ask owner for it: ")[2]
    tables, sequences = commands.split("; ")
    owner.execute(tables)
    with pytest.raises(ResourceError, match=f"role {role} has no USAGE on artifact_id_seq"):
        open_store("", reader, readonly=False)
    owner.execute(sequences)
    mlmd = open_store("", reader, readonly=False).mlmd
    kind = mlmd.put_artifact_type(pb.ArtifactType(name="Model"))
    [number] = mlmd.put_artifacts([pb.Artifact(type_id=kind, uri="/model")])
    assert [artifact.id for artifact in open_store("", reader).newest_artifacts(None)] == [number]


def test_a_role_without_any_rights_is_told_which_one_it_needs(store):
    _url, owner, reader, role = store
    owner.execute(f"REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM {role}")
    with pytest.raises(ResourceError) as raised:
        open_store("", reader)
    message, fix = str(raised.value).split(" Ask owner for it: ")
    assert message.endswith(f"permission denied: role {role} has no SELECT on artifact, which belongs to role owner.")
    assert SECRET not in message
    owner.execute(fix)
    assert open_store("", reader).contexts("pipeline") == []


def test_the_store_of_the_own_role_and_one_that_does_not_exist_yet_are_usable(postgresql, tmp_path):
    url = postgresql.new_database()
    assert disk.check_store(str(tmp_path), url).endswith(", to be created")
    compared = earlier_runs.read(str(tmp_path), "houses", url, statistics={}, span=0, unit="span", runs=3)
    assert compared == []  # the gates of a first run have nothing to compare with
    with pytest.raises(NoStoreError) as raised:
        open_store("", url)
    assert str(raised.value) == (
        f"no runs yet in {url.replace(PASSWORD, '***')}: the server has no database of this name. Correct the name, or "
        "start a run with python runner.py --local, which creates it"
    )
    open_store("", url, readonly=False)
    assert disk.check_store(str(tmp_path), url) == url.replace(PASSWORD, "***")
