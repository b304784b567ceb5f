"""harness/gdb/scarlet.py: gdb's commands that know the kernel, on a hosted kernel and on riscv64 under QEMU."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from harness import frames, hosted, machine, run

SCRIPT = machine.ROOT / "harness/gdb/scarlet.py"
COMMANDS = ["tasks", "threads", "handles {pid}", "areas {pid}", "bt {pid}", "switch {pid}"]


def ask(gdb: str, first: list[str], commands: list[str]) -> str:
    """What gdb prints for some commands of ours, and for bt where a switch came last."""
    argv = [gdb, "-q", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", str(SCRIPT), *first]
    for command in commands:
        argv += ["-ex", f"scarlet {command}"]
    done = subprocess.run([*argv, "-ex", "bt", "-ex", "scarlet back", "-ex", "detach"], capture_output=True, text=True, check=False, timeout=hosted.LIMIT)
    return done.stdout + done.stderr


def number(out: str, name: str) -> str:
    """The process with this name, in the list of tasks."""
    found = re.search(rf"^ +(\d+) .* alive +(?:{name})$", out, re.MULTILINE)
    assert found, out
    return found[1]


def check_sleeper(out: str, console: str) -> None:
    """What `sleep` is seen to do."""
    assert re.search(rf"^ +1 {console}", out, re.MULTILINE) and re.search(r"r-xp? .*object", out), out
    assert re.search(r"\[stack\]", out), out
    assert re.search(r"sleeping (sleep|busybox) +\w+ at .*clockcalls.c:\d+", out), out
    assert re.search(r"^#\d+ +0x\w+ \w*nanosleep at .*:\d+", out, re.MULTILINE), out
    assert re.search(r"^#[1-9]\d* .*(thread_sleep_until|sleep_relative) \(", out, re.MULTILINE), out  # gdb's own unwinding


@pytest.mark.skipif(not shutil.which("gdb") or bool(hosted.permitted()), reason=hosted.permitted() or "needs gdb")
def test_hosted() -> None:
    """Tasks, threads, handles, areas and the stack of a sleeping thread of a hosted kernel, which then runs on."""
    with hosted.start(["sh", "-c", "sleep 1000 & echo ready; read line; kill $!; exit 7"], ["--cpus", "2"], stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE) as one:
        assert one.stdin and one.stdout
        assert one.stdout.readline() == b"ready\n"
        attach = ["-p", str(one.pid)]
        pid = number(ask("gdb", attach, ["tasks"]), "sleep")
        out = ask("gdb", attach, [c.format(pid=pid) for c in COMMANDS])
        wrong = ask("gdb", attach, ["bt 12345", "nonsense"])
        one.stdin.write(b"\n")
        one.stdin.close()
        assert one.wait(hosted.LIMIT) == 7
    check_sleeper(out, "stream")
    assert "no thread 12345" in wrong and "tasks | threads" in wrong


@pytest.mark.skipif(not shutil.which("gdb-multiarch"), reason="needs gdb-multiarch")
def test_riscv64(tmp_path: Path) -> None:
    """The same commands through QEMU's gdb server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kernel = machine.Machine(smp=2)
    boot = run.Run(kernel, [machine.Job(b"busybox sleep 1000 & echo ready; wait")], tmp_path / "log",
                   extra=["-gdb", f"tcp:127.0.0.1:{port}"])
    attach = [str(kernel.kernel_file.with_suffix(".elf")), "-ex", f"target remote 127.0.0.1:{port}"]
    events = boot.events(hosted.LIMIT)
    try:
        seen = b""  # it comes in pieces
        while b"ready" not in seen:
            event = next(events)
            seen += event.data if isinstance(event, frames.Output) else b""
        pid = number(ask("gdb-multiarch", attach, ["tasks"]), "sleep|busybox")
        out = ask("gdb-multiarch", attach, [c.format(pid=pid) for c in COMMANDS])
    finally:
        events.close()
    check_sleeper(out, r"\w+")
