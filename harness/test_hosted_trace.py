"""scarlet-host --trace, --trace-file and --abi, and what a panic says."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from harness import hosted
from harness.conftest import show

pytestmark = pytest.mark.skipif(bool(hosted.permitted()), reason=hosted.permitted() or "-")


def test_json_lines(tmp_path: Path) -> None:
    """One object a line for every call of every process, with what it was given, what came of it and when."""
    out = tmp_path / "a trace"
    before = time.time_ns()
    done = hosted.run(["sh", "-c", 'cat "/no\tsuch" "quo\\"te"; exit 3'], options=["--trace=json", "--trace-file", str(out), "--cpus", "2"])
    assert done.returncode == 3 and done.stderr.count(b"\n") == 2, done
    calls = [json.loads(line) for line in out.read_text(encoding="ascii").splitlines()]
    assert {c["abi"] for c in calls} == {"linux-x86_64"} and {c["pid"] for c in calls} == {1, 2}
    assert all(before - 10**9 < c["time"] < time.time_ns() + 10**9 and c["tid"] == c["pid"] for c in calls)
    opened = [c for c in calls if c["call"] == "openat" and c["pid"] == 2 and c["error"] == "ENOENT"]
    first, second = [c for c in opened if c["args"][1].startswith(('"/no', '"quo'))]
    assert first["args"] == ["AT_FDCWD", '"/no\\tsuch"', "O_RDONLY"] and first["result"] == -1
    assert second["args"][1] == '"quo\\"te"' and second["text"] == "-1 ENOENT (No such file or directory)" and second["ns"] > 0
    [end] = [c for c in calls if c["call"] == "exit_group" and c["pid"] == 1]
    assert (end["args"], end["result"], "ns" in end) == (["3"], None, False)
    [fork] = [c for c in calls if c["call"] in ("clone", "vfork", "clone3") and c["pid"] == 1]
    assert fork["result"] == 2 and fork["error"] is None
    [wait] = [c for c in calls if c["call"] == "wait4" and c["result"] == 2]
    assert "[{WIFEXITED(s) && WEXITSTATUS(s) == 1}]" in wait["args"]


def test_trace_goes_to_standard_error_or_a_file(tmp_path: Path) -> None:
    """JSON to standard error by default; the text to a file is what strace prints."""
    done = hosted.run(["true"], options=["--trace=json"])
    assert json.loads(done.stderr.splitlines()[-1])["call"] == "exit_group" and not done.stdout
    out = tmp_path / "text"
    out.write_text("old\n", encoding="ascii")
    done = hosted.run(["/bin/sh", "-c", "exec 5</nosuch/x"], options=["--trace", "--trace-file", str(out)])
    lines = out.read_text(encoding="ascii").splitlines()
    assert '[pid 1] openat(AT_FDCWD, "/nosuch/x", O_RDONLY) = -1 ENOENT (No such file or directory)' in lines and "old" not in lines
    for words, what in ((["--trace=xml"], b"xml"), (["--trace-file", "/x"], b"--trace"), (["--trace", "--trace-file", "/nosuch/x"], b"/nosuch/x")):
        done = subprocess.run([hosted.build(), *words, "--", "true"], capture_output=True, check=False)
        assert done.returncode == 210 and what in done.stderr and done.stderr.count(b"\n") == 1, done


def test_abi_is_chosen(tmp_path: Path) -> None:
    """The ABI that is asked for takes the program or nobody does; one that is not there is answered with a list."""
    assert hosted.run(["echo", "yes"], options=["--abi", "linux"]).stdout == b"yes\n"
    done = hosted.run(["true"], options=["--abi", "plan9"])
    assert done.returncode == 210 and "no ABI plan9; there are: " in show(done.stderr) and "linux-x86_64" in show(done.stderr)
    nobodys = tmp_path / "text"
    nobodys.write_bytes(b"\x7fNOT a program")
    nobodys.chmod(0o755)
    done = hosted.run([str(nobodys)], options=["--abi", "linux-x86_64"])
    assert done.returncode == 126 and "as a program of linux-x86_64: NOEXEC" in show(done.stderr), done


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may crash the kernel")
def test_panic_names_functions() -> None:
    """A panic of the hosted kernel has a status of its own, and its backtrace the names of functions."""
    done = hosted.run(["sh", "-c", "echo c >/proc/sysrq-trigger"])
    said = show(done.stderr)
    assert done.returncode == 201 and "panic: sysrq" in said and " panic+0x" in said and " linux_write+0x" in said, said
