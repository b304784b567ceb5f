"""A console that can be left: scarlet-host --console and --attach."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pexpect
import pytest

from harness import hosted
from harness.conftest import show

pytestmark = pytest.mark.skipif(bool(hosted.permitted()), reason=hosted.permitted() or "-")


def _arguments(pid: str) -> bytes:
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""


def holders(socket: Path) -> list[int]:
    """Processes whose console it is."""
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and {b"--console", str(socket).encode()} <= set(_arguments(p).split(b"\0"))]


@pytest.fixture(name="socket")
def _socket(tmp_path: Path) -> Iterator[Path]:
    """A place for one; nothing stays behind there, whatever a test did."""
    yield tmp_path / "socket"
    for pid in holders(tmp_path / "socket"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


def start(socket: Path, program: Sequence[str], *options: str) -> subprocess.CompletedProcess[bytes]:
    """In the background; it must let go of the caller's pipes."""
    return subprocess.run([str(hosted.build()), "--console", str(socket), *options, "--", *program], stdin=subprocess.DEVNULL, capture_output=True,
                          env={**os.environ, "PS1": "guest> ", "HISTFILE": ""}, timeout=hosted.LIMIT, check=False)


def attach(socket: Path, **kwargs: object) -> pexpect.spawn:
    """A terminal that shows it."""
    return pexpect.spawn(str(hosted.build()), ["--attach", str(socket)], timeout=hosted.LIMIT, encoding="utf-8", **kwargs)  # type: ignore[arg-type]


def ended(one: pexpect.spawn) -> int | None:
    """Its status, negative: the signal."""
    one.expect(pexpect.EOF)
    one.close()
    return -one.signalstatus if one.signalstatus else one.exitstatus


def gone(socket: Path) -> bool:
    """The socket is removed at the end."""
    for _ in range(300):
        if not socket.exists():
            return True
        time.sleep(0.1)
    return False


def test_leave_and_come_back(socket: Path) -> None:
    """Start, attach, type, detach, attach again, the window's size, a second terminal, the end with a status."""
    done = start(socket, ["bash", "--norc", "--noediting", "--noprofile"])
    assert (show(done.stdout), show(done.stderr), done.returncode) == ("", "", 0)
    assert stat.S_ISSOCK(socket.stat().st_mode) and socket.stat().st_mode & 0o777 == 0o600
    one = attach(socket, dimensions=(31, 71))
    one.expect_exact("guest> ")
    one.sendline("trap 'echo new size' WINCH; tty; stty size; echo $((6*7))")
    one.expect_exact("/dev/console\r\n31 71\r\n42\r\n")
    one.expect_exact("guest> ")
    one.setwinsize(22, 66)
    one.sendline("while [ \"$(stty size)\" != '22 66' ]; do :; done; echo changed")
    one.expect_exact("\r\nchanged\r\n")
    one.sendline("seq 1 30000; echo all")  # more than the backlog: nothing is lost while somebody looks
    one.expect_exact("\r\nall\r\n")
    assert one.before is not None and one.before.split("\r\n")[1:] == [str(n) for n in range(1, 30001)]
    one.sendline("seq 100 119; cat -v")
    one.expect_exact("118\r\n119\r\n")
    one.send("keys: \x01a and\x01\x01.\r")
    one.expect_exact("keys: ^A and^A.\r\n")  # the terminal's echo
    one.expect_exact("keys: ^A and^A.\r\n")
    one.send("typed, then left\r\x01d")
    one.expect_exact(f"[detached from {socket}]")
    assert ended(one) == 0
    time.sleep(0.3)  # it prints while nobody looks
    two = attach(socket, dimensions=(24, 80))
    two.expect_exact("typed, then left")
    two.sendintr()
    two.expect_exact("guest> ")
    second = start(socket, ["true"])
    assert second.returncode == 210 and b"has its console there already" in second.stderr
    two.sendline("stty size")
    two.expect_exact("24 80\r\n")
    three = attach(socket)
    two.expect_exact(f"[detached from {socket}: another terminal is attached]")
    assert ended(two) == 0
    three.sendline("echo I am $((2+1)); sleep 0.1; exit 7")
    three.expect_exact("I am 3\r\n")
    assert ended(three) == 7
    assert not socket.exists()


def test_hangup_detaches(socket: Path, tmp_path: Path) -> None:
    """A terminal that goes away leaves it running, what it prints meanwhile is kept up to a bound; control-A x ends it."""
    assert start(socket, ["bash", "--norc", "--noediting", "--noprofile"], "--bind", f"{tmp_path}:/mnt").returncode == 0
    one = attach(socket)
    one.expect_exact("guest> ")
    one.sendline("until test -e /mnt/go; do sleep 0.1; done; for i in {1..20000}; do echo line $i; done; echo the end; touch /mnt/done")
    one.expect_exact("/mnt/done\r\n")
    one.close()  # hangs up
    (tmp_path / "go").touch()
    for _ in range(300):
        time.sleep(0.1)
        if (tmp_path / "done").exists():
            break
    two = attach(socket)
    two.expect(r"\[[0-9]+ bytes lost\]\r\n")
    two.expect_exact("line 20000\r\nthe end\r\n")
    two.expect_exact("guest> ")
    two.sendline("echo still here")
    two.expect_exact("\r\nstill here\r\n")
    two.send("\x01x")
    assert ended(two) == 204
    assert gone(socket)


def test_start_fails(socket: Path, tmp_path: Path) -> None:
    """Errors at start are the caller's; a stale socket is none; what is no socket is left alone."""
    done = start(socket, ["/no/such/program"])
    assert done.returncode == 127 and b"cannot run /no/such/program" in done.stderr and not socket.exists()
    (tmp_path / "file").write_text("kept", encoding="ascii")
    done = start(tmp_path / "file", ["true"])
    assert done.returncode == 210 and b"is no socket" in done.stderr and (tmp_path / "file").read_text(encoding="ascii") == "kept"
    assert start(tmp_path / ("x" * 120), ["true"]).returncode == 210
    assert start(socket, ["sleep", "1000"]).returncode == 0
    one = attach(socket)
    one.send("\r")
    one.expect_exact("\r\n")
    (holder,) = [pid for pid in holders(socket) if hosted.children_of(pid)]
    os.kill(holder, 9)
    one.expect_exact("the program is gone")
    assert ended(one) == 1 and socket.exists()
    one = attach(socket)
    one.expect_exact("its program is gone")
    assert ended(one) == 210
    assert start(socket, ["sh", "-c", "kill -TERM $$; sleep 9"]).returncode == 0  # takes its place
    assert gone(socket)
    assert start(socket, ["sh", "-c", "read x; kill -USR2 $$"]).returncode == 0
    one = attach(socket)
    one.send("\r")
    assert ended(one) == -12
