"""Changed code, libraries and environments: the process that stays is what a new one would be, or is not used."""

import ctypes
import os
import shutil
import subprocess
import sys
import time

import pytest

import project
from orchestration.local.warm import loaded_files, messages, warm_process

from .warm_commands import command, is_gone, made_project, once  # noqa: F401  fixture

pytestmark = pytest.mark.usefixtures("user_project")


def test_edited_code_is_loaded_again_even_at_equal_size_and_time(user_project):
    _, first_server, _ = once()
    path = user_project / "helper.py"
    stat = path.stat()
    path.write_text("VALUE = 2\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    # Python itself would take the compiled file of the code before.
    shutil.rmtree(user_project / "__pycache__", ignore_errors=True)
    with command() as second_command:
        second_command.workers.begin()
        assert second_command.workers.refused == "helper.py has changed"
        _, second_server, values = second_command.run("tell(value=helper.VALUE)")
    assert second_server != first_server
    assert values == [{"value": 2}]
    assert is_gone(first_server)


def test_code_that_is_edited_between_two_runs_of_a_command_is_loaded_again(user_project):
    once()
    with command() as second_command:
        _, first_server, _ = second_command.run()
        (user_project / "helper.py").write_text("VALUE = 33\n")
        _, second_server, values = second_command.run("tell(value=helper.VALUE)")
    assert second_server != first_server
    assert values == [{"value": 33}]


def test_a_process_does_not_stay_if_a_file_changed_while_it_was_imported(user_project):
    (user_project / "helper.py").write_text("import os\nos.utime(__file__)\nVALUE = 1\n")
    _, server, _ = once()
    assert is_gone(server)


def test_a_changed_or_added_library_is_detected(tmp_path, monkeypatch):
    folder = tmp_path / "libraries"
    folder.mkdir()
    (folder / "some_library.py").write_text("VERSION = 1\n")
    time.sleep(0.1)
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from orchestration.local.warm.loaded_files import LoadedFiles\n"
        "loaded = LoadedFiles(); import some_library; loaded.settle()\n"
        "for line in sys.stdin: print(loaded.changed(), flush=True)"
    )
    line = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(
        line, cwd=project.REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:

        def changed():
            process.stdin.write("\n")
            return process.stdout.readline().strip()

        assert changed() == ""
        (folder / "some_library-2.0.dist-info").mkdir()
        assert changed() == str(folder)
        (folder / "some_library-2.0.dist-info").rmdir()
        assert changed() == ""
        (folder / "some_library.py").write_text("VERSION = 2\n")
        assert changed() == str(folder / "some_library.py")
        process.stdin.close()


def test_another_environment_gets_a_process_of_its_own_which_replaces_the_other(monkeypatch):
    _, first_server, _ = once()
    monkeypatch.setenv("TF_DETERMINISTIC_OPS", "1")
    with command() as second_command:
        second_command.workers.begin()
        assert second_command.workers.refused == "the environment variable TF_DETERMINISTIC_OPS differs"
        _, second_server, values = second_command.run("import os; tell(value=os.environ.get('TF_DETERMINISTIC_OPS'))")
        assert values == [{"value": "1"}]
    assert is_gone(first_server)
    assert [facts["pid"] for facts in warm_process.found()] == [second_server]


def test_another_umask_or_limit_of_the_system_is_another_environment():
    once()
    previous = os.umask(0o027)
    try:
        with command() as second_command:
            second_command.workers.begin()
            assert second_command.workers.refused == "the umask differs"
    finally:
        os.umask(previous)


def test_the_start_of_a_process_is_not_after_its_first_file(tmp_path):
    began = time.time_ns()
    code = "from orchestration.local.warm import loaded_files; print(loaded_files._began())"
    process = subprocess.run([sys.executable, "-c", code], cwd=project.REPOSITORY, capture_output=True, text=True)
    assert began - 5 * 10**7 < int(process.stdout) < time.time_ns()
    assert ctypes.sizeof(ctypes.c_int) * 3 == messages._CREDENTIALS.size
    assert loaded_files._identity(str(tmp_path / "absent")) is None


def test_a_pause_while_the_clocks_are_read_makes_the_start_no_later(monkeypatch):
    start, read = loaded_files._began(), time.clock_gettime_ns

    def slowly(clock):
        nanoseconds = read(clock)
        time.sleep(0.2)
        return nanoseconds

    monkeypatch.setattr(loaded_files.time, "clock_gettime_ns", slowly)
    assert loaded_files._began() < start + 10**8
