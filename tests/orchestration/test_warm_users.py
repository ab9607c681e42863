"""The process that stays after a command serves only its own user."""

import os
import signal
import socket

import pytest

from orchestration.local.warm import messages, place, warm_process

from .warm_commands import command, is_gone, made_project, once  # noqa: F401  fixture

pytestmark = pytest.mark.usefixtures("user_project")


def as_another_user(do):
    """Call a function in a process of another user; return whether it returned something true."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os._exit(0 if do() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_not_served_even_if_the_folder_is_opened():
    _, server, _ = once()
    path = place.stem() + place.SOCKET

    def served():
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(60)
            channel.connect(path)
            messages.send(channel, {"ask": "facts"})
            return messages.receive(channel)[0]

    folders = [os.path.dirname(path), os.environ["XDG_RUNTIME_DIR"]]
    assert as_another_user(served) == 2, "cannot enter"
    for folder in folders:
        os.chmod(folder, 0o711)
    os.chmod(path, 0o666)
    assert as_another_user(served) in (1, 2), "no answer"
    for folder in folders:
        os.chmod(folder, 0o700)
    assert served()["pid"] == server


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder another user's")
@pytest.mark.parametrize("wrong", ["another user's", "open", "a link"])
def test_a_folder_that_others_can_reach_into_is_not_used(wrong):
    _, first_server, _ = once()
    folder = place.folder()
    if wrong == "another user's":
        os.chown(folder, 65534, 65534)
    elif wrong == "open":
        os.chmod(folder, 0o770)
    else:
        os.rename(folder, f"{folder}-elsewhere")
        os.symlink(f"{folder}-elsewhere", folder)
    with pytest.raises(PermissionError, match="mode 0700"):
        place.folder()
    code, second_server, _ = once()
    assert code == 0
    assert second_server != first_server
    assert is_gone(second_server)
    os.kill(first_server, signal.SIGKILL)


def test_a_listener_of_another_user_is_not_trusted(monkeypatch):
    once()
    # The fixture, which ends the process, must trust it again.
    with monkeypatch.context() as patch:
        patch.setattr(messages, "peer", lambda channel: (1, os.getuid() + 1))
        assert warm_process.take(dict(os.environ)) == (None, "")
