"""What a command of the command line imports before it has something to do."""

import subprocess
import sys

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

import project
from orchestration.cli import parser


def imported(*argv):
    """Return the modules that runner.py has imported at its end, and its exit code, in a new process."""
    code = (
        "import sys\nfrom orchestration.cli.parser import main\n"
        "try: code = main(sys.argv[1:])\nexcept SystemExit as end: code = end.code\n"
        "print(code, *sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *argv]
    run = subprocess.run(command, cwd=project.REPOSITORY, capture_output=True, text=True, check=True)
    code, *modules = run.stderr.splitlines()[-1].split()
    return modules, int(code)


def commands_of(modules):
    names = {f"orchestration.cli.{module}" for module in parser.COMMANDS.values()}
    return sorted(names & set(modules))


def test_a_command_imports_no_other_command(tmp_path):
    modules, code = imported("inspect", "runs", "--root", str(tmp_path))
    assert (commands_of(modules), code) == (["orchestration.cli.inspect_command"], 2)


@pytest.mark.parametrize("argv", [["--help"], ["--pipeline", "push", "bogus"]])
def test_help_and_a_wrong_command_know_all_commands(argv):
    modules, code = imported(*argv)
    assert (len(commands_of(modules)), code) == (len(set(parser.COMMANDS.values())), 0 if argv == ["--help"] else 2)


def test_each_command_is_added_by_its_module():
    for command in parser.COMMANDS:
        with pytest.raises(SystemExit) as end:
            parser.parser(command).parse_args([command, "--help"])
        assert end.value.code == 0


def test_the_schedules_are_listed_without_pandas(tmp_path):
    modules, code = imported("schedule", "list", "--root", str(tmp_path))
    assert ({"pandas", "tensorflow", "tfx"} & set(modules), code) == (set(), 0)


def test_runs_of_a_store_are_listed_without_grpc(tmp_path):
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(tmp_path / "metadata.sqlite")
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    MetadataStore(config).put_context_type(pb.ContextType(name="pipeline_run"))
    modules, code = imported("inspect", "runs", "--root", str(tmp_path))
    assert {"ml_metadata.metadata_store", "inspection.store.metadata_store"} <= set(modules)
    assert ({"grpc._cython.cygrpc", "asyncio", "tensorflow"} & set(modules), code) == (set(), 0)


def test_a_run_imports_no_grpc_in_its_supervisor(tmp_path):
    modules, code = imported("--local", "--pipeline", "missing", "--root", str(tmp_path))
    assert {"ml_metadata.metadata_store", "orchestration.local.supervisor"} <= set(modules)
    assert ({"grpc._cython.cygrpc", "tensorflow"} & set(modules), code) == (set(), 2)


def test_grpc_is_loaded_when_a_store_asks_for_it():
    code = """
from orchestration import lazy_packages
lazy_packages.defer(lazy_packages.OF_STORE_READERS)
import sys
from ml_metadata import MetadataStore, errors
from ml_metadata.proto import metadata_store_pb2 as pb
print("grpc._cython.cygrpc" in sys.modules)
try: MetadataStore(pb.MetadataStoreClientConfig(host="127.0.0.1", port=1)).get_artifacts()
except errors.UnavailableError: print("UNAVAILABLE", "grpc._cython.cygrpc" in sys.modules)
"""
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=project.REPOSITORY, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["False", "UNAVAILABLE True"]
