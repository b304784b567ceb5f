"""harness/boot: output, statuses and options, on the machine that the tests run on."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from harness import machine, trouble
from harness.image import cpio
from harness.machine import ROOT

pytestmark = pytest.mark.boot
BOOT = str(ROOT / "harness/boot")


@pytest.fixture
def boot():
    """Run harness/boot with arguments; returns the finished process."""

    def run(*args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([BOOT, "--on", machine.chosen().name, *args], capture_output=True, check=False, env={**os.environ, **env})

    return run


def test_must_show_line(boot, smp: int) -> None:
    """The line of the front page."""
    line = "uname -srm; busybox ls -l /; busybox ps; echo $((6*7)) | busybox tee /tmp/x; busybox cat /tmp/x"
    done = boot("--smp", str(smp), "--", line)
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    first, *_, last, end = text.split("\n")
    assert first.split()[2] == machine.chosen().isa and (last, end) == ("42", "")
    assert "/usr/bin" not in first and " init" in text and "-> usr/bin" in text and "PID   USER" in text


def test_exit_status(boot) -> None:
    """The guest's status becomes ours."""
    assert boot("--", "exit 7").returncode == 7


def test_killed(boot) -> None:
    """Death by signal is 128 + its number, and says nothing on its own."""
    done = boot("--", "kill -SEGV $$")
    assert (done.returncode, done.stdout) == (139, b"")


def test_bytes_pass_unharmed(boot) -> None:
    """Any byte, and no newline at the end; both streams arrive."""
    done = boot("--", r"""i=0; while [ $i -lt 256 ]; do printf "\\$(printf %o $i)"; i=$((i+1)); done; echo "a 'b' \"c\" \$" >&2; printf end""")
    assert done.stdout == bytes(range(256)) + b"a 'b' \"c\" $\nend"


def test_multi_line_command(boot) -> None:
    """Newlines and quotes reach the guest's shell as they are."""
    assert boot("--", "for i in 1 2\ndo echo \"n  $i\"\ndone # it's over").stdout == b"n  1\nn  2\n"


def test_stdin(boot, tmp_path: Path) -> None:
    """--stdin gives the command a file; without it there is nothing to read."""
    file = tmp_path / "in"
    file.write_bytes(b"one\0two\nthree")
    assert boot("--stdin", str(file), "--", "cat").stdout == b"one\0two\nthree"
    assert boot("--", "cat; readlink /proc/self/fd/0").stdout == b"/dev/null\n"


def test_tty(boot) -> None:
    """--tty gives the command the console, as its controlling terminal."""
    done = boot("--tty", "--", "tty; test -t 1 && echo terminal; echo direct > /dev/tty; exit 5")
    assert (done.returncode, done.stdout) == (5, b"/dev/ttyS0\nterminal\ndirect\n")


def test_overlay(boot, tmp_path: Path) -> None:
    """The overlay's tree lies over the root: new files, changed files, links, modes."""
    (tmp_path / "opt/deep").mkdir(parents=True)
    (tmp_path / "opt/deep/file").write_text("from overlay\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("other\n")
    (tmp_path / "opt/run").write_text("#!/bin/sh\necho ran $1\n")
    (tmp_path / "opt/run").chmod(0o755)
    (tmp_path / "opt/sym").symlink_to("deep/file")
    os.link(tmp_path / "opt/deep/file", tmp_path / "opt/hard")
    command = "cat /opt/sym /etc/hostname; /opt/run x; [ /opt/hard -ef /opt/deep/file ] && echo linked; stat -c %a /opt/run; ls /etc/passwd"
    done = boot("--overlay", str(tmp_path), "--", command)
    assert done.stdout.decode() == "from overlay\nother\nran x\nlinked\n755\n/etc/passwd\n"


def test_append_and_memory(boot) -> None:
    """Kernel words and the size of memory arrive."""
    done = boot("--append", "some.word=1 quiet", "--mem", "256M", "--", "cat /proc/cmdline; awk '/MemTotal/ {print $2}' /proc/meminfo")
    words, total = done.stdout.decode().splitlines()
    assert words.endswith("some.word=1 quiet") and 150_000 < int(total) <= 262_144


def test_many_harts(boot) -> None:
    """All harts come up."""
    assert boot("--smp", "8", "--", "nproc; grep -c ^processor /proc/cpuinfo").stdout == b"8\n8\n"


def test_hang(boot) -> None:
    """A command that does not end in time is a hang; registers are in the log."""
    done = boot("--timeout", "8", "--", "echo started; sleep 1000")
    assert (done.returncode, done.stdout) == (trouble.HANG, b"started\n")
    log = done.stderr.decode().rsplit("log: ", 1)[1].strip()
    assert ("no end within" if machine.chosen().hosted else "x1/ra") in Path(log).read_text(errors="replace")


def test_leaves_early(boot) -> None:
    """Power-off and restart before the command's end are told from an end."""
    for command in ("poweroff -f", "reboot -f"):
        assert boot("--", f"echo x; sleep 0.2; {command}; sleep 10").returncode == trouble.RESTART


def test_panic(boot) -> None:
    """A panic is a status of its own."""
    done = boot("--", "echo before; sleep 0.2; echo c > /proc/sysrq-trigger; sleep 10")
    assert done.returncode == trouble.PANIC and done.stdout.startswith(b"before\n"), done.stderr.decode()
    assert b"panic" in done.stderr


def test_first_program_ends(boot, on_linux: bool, tmp_path: Path) -> None:
    """When the first program ends there is nothing left to run: said in words, and no panic of ours."""
    image = tmp_path / "image.cpio"
    root = machine.root_image().read_bytes()
    image.write_bytes(root + cpio.archive([cpio.Entry("/init", 0o100755, b"#!/bin/sh\nexit 3\n")]))
    done = boot("--initrd", str(image), "--", "true")
    if on_linux:
        assert done.returncode == trouble.PANIC, done.stderr.decode()
    else:
        assert done.returncode == trouble.RESTART, done.stderr.decode()
        assert b"stopped: init (pid 1) ended: exit code 3" in done.stderr


@pytest.mark.qemu
def test_firmware_error(tmp_path: Path) -> None:
    """A kernel that is no kernel: QEMU or the firmware gives up, and that is not the guest's status."""
    bad = tmp_path / "kernel"
    bad.write_bytes(b"")
    done = subprocess.run([BOOT, "--kernel", str(bad), "--timeout", "8", "--", "true"], capture_output=True, check=False)
    assert done.returncode in (trouble.FIRMWARE, trouble.HANG)


@pytest.mark.parametrize("args", [["--kernel", "/nonexistent", "--", "true"], ["--smp", "many"], ["--nonsense"],
                                  ["--overlay", "/nonexistent", "--", "true"]])
def test_usage_errors(boot, args: list[str]) -> None:
    """What the host lacks or got wrong is status 210 and one clear line."""
    done = boot(*args)
    assert done.returncode == trouble.HOST and b"boot: " in done.stderr and done.stdout == b""


@pytest.mark.qemu
def test_make_run(on_linux: bool) -> None:
    """make prints the command's output and nothing else on standard output."""
    target = "linux" if on_linux else "run"
    # As typed by a person, not as a part of `make test`, of which make would tell on standard output.
    env = {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")}
    done = subprocess.run(["make", target, "CMD=echo $((6*7)) \"a  b\" '$x' $(echo sub)"], cwd=ROOT, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"42 a  b $x sub\n"), done.stderr.decode()
    done = subprocess.run(["make", "-s", target, "CMD=exit 3"], cwd=ROOT, env=env, capture_output=True, check=False)
    assert done.returncode == 2


def test_reader_that_lags() -> None:
    """A console that takes nothing for a while: the writer waits, and goes on when there is room again."""
    words = [BOOT, "--on", machine.chosen().name, "--", "seq 1 60000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as boot:
        assert boot.stdout is not None and boot.stdout.read(1) == b"1"
        time.sleep(2)  # longer than it takes to fill every buffer on the way
        rest = boot.stdout.read()
    assert (boot.returncode, rest) == (0, b"\n" + b"".join(b"%d\n" % n for n in range(2, 60001)))
