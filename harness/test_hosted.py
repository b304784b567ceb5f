"""The hosted kernel: its command, and the same programs on it and on this machine's own Linux, live.

`make test` runs a few of them, `make test-hosted` all.
"""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pexpect
import pytest

from harness import cases, hosted, hosted_fuzz, hosted_trace
from harness.conftest import check, show
from harness.hosted_programs import PROGRAMS

pytestmark = pytest.mark.skipif(bool(hosted.permitted()), reason=hosted.permitted() or "-")
IS_ROOT = os.geteuid() == 0
CORPUS = cases.load_all()
QUICK = {"shell.quoting", "shell.here-documents", "text.sed", "files.links", "system.signals-default"}
TRANSPORTS = ["ptrace", "trap"]
# What these print is about this machine and not about the program.
OTHERWISE = {
    "system.proc-global": "the machine's kernel command line",
    "system.run-parts-start-stop": "whether a zombie was met",
}


def same(argv: list[str], **kwargs: object) -> None:
    """Output, errors and status are what they are natively."""
    native = hosted.run(argv, hosted=False, **kwargs)  # type: ignore[arg-type]
    got = hosted.run(argv, **kwargs)  # type: ignore[arg-type]
    assert (show(got.stdout), show(got.stderr), got.returncode) == (
        show(native.stdout), show(native.stderr), native.returncode)


def test_program_in_path_and_working_directory(tmp_path: Path) -> None:
    """PATH, working directory, umask, user and arguments are the caller's."""
    same(["sh", "-c", 'pwd; umask; id; echo "$0" "$@"; cat name', "a b", "", "c"], cwd=_with(tmp_path, "name", "text\n"))


def _with(place: Path, name: str, text: str) -> Path:
    (place / name).write_text(text, encoding="ascii")
    return place


def test_streams_carry_everything() -> None:
    """More than any buffer goes through standard input and output, byte for byte, to its end."""
    data = bytes(range(256)) * 8192
    done = hosted.run(["sh", "-c", "sleep 0.2; cat"], data=data)
    assert done.returncode == 0 and done.stdout == data


def test_standard_error_is_its_own() -> None:
    """Standard error is apart, and reopening a stream by name works."""
    done = hosted.run(["sh", "-c", "echo out; echo err >&2; echo more >/dev/stderr"])
    assert (done.stdout, done.stderr) == (b"out\n", b"err\nmore\n")


def test_input_is_read_no_further_than_asked(tmp_path: Path) -> None:
    """What the program leaves of a file is there for the next one."""
    name = _with(tmp_path, "in", "".join(f"{i}\n" for i in range(5000))) / "in"
    with name.open("rb") as file:
        one = subprocess.run([hosted.build(), "--", "sh", "-c", "read a; echo $a"], stdin=file, capture_output=True, check=True)
        rest = file.read()
    assert one.stdout == b"0\n" and rest.startswith(b"1\n2\n")


def test_nobody_reads() -> None:
    """Writing to a pipe that nobody reads ends the program with SIGPIPE."""
    with hosted.start(["yes"], stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.read(4) == b"y\ny\n"
        one.stdout.close()
        assert one.wait(hosted.LIMIT) == -signal.SIGPIPE


def test_terminal_has_a_name() -> None:
    """A pair of terminals made inside: the slave is found by its name, and is what stands there."""
    script = """import os; m, s = os.openpty(); n = os.ttyname(s); a, b = os.stat(n), os.fstat(s)
print(n.startswith("/dev/pts/"), a.st_dev == b.st_dev, a.st_ino == b.st_ino, a.st_rdev == b.st_rdev, oct(a.st_mode)[:4], a.st_gid == b.st_gid)"""
    got, native = hosted.run(["python3", "-c", script]), hosted.run(["python3", "-c", script], hosted=False)
    assert (show(got.stdout), got.returncode) == (show(native.stdout), native.returncode), show(got.stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="changes users")
def test_capabilities_when_users_change() -> None:
    """What is kept, dropped and had back over a change of ids, and over exec behind it."""
    script = """for o in "--reuid 1000" "--reuid 1000 --regid 1000 --clear-groups" "--reuid 1000 --inh-caps +kill --ambient-caps +kill" \
            "--reuid 1000 --securebits +no_setuid_fixup" "--no-new-privs --reuid 1000"; do
            setpriv $o sh -c 'id -u; grep "^Cap[IPEA]" /proc/self/status' || echo $?
        done"""
    got, native = hosted.run(["sh", "-c", script]), hosted.run(["sh", "-c", script], hosted=False)
    assert (show(got.stdout), got.returncode) == (show(native.stdout), native.returncode), show(got.stderr)


@pytest.mark.parametrize("script", ["exit 7", "kill -SEGV $$", "kill -TERM $$", "exec nosuch", "exec /etc/passwd"])
def test_status(script: str) -> None:
    """The process ends as the program does."""
    got, native = hosted.run(["sh", "-c", script]), hosted.run(["sh", "-c", script], hosted=False)
    assert got.returncode == native.returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_program(number: signal.Signals) -> None:
    """A signal to the process is one to the program; nothing stays behind."""
    script = f"trap 'echo caught; exit 9' {number.name[3:]}; echo ready; while :; do sleep 0.05; done"
    with hosted.start(["sh", "-c", script], stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"
        one.send_signal(number)
        assert one.stdout.read() == b"caught\n" and one.wait(hosted.LIMIT) == 9


def test_killed_leaves_nothing() -> None:
    """No guest process outlives its kernel."""
    with hosted.start(["sh", "-c", "echo ready; sleep 1000"], stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"
        guests = hosted.children_of(one.pid)
        assert guests
        one.kill()
    end = time.monotonic() + hosted.LIMIT
    while any(Path(f"/proc/{pid}").exists() for pid in guests) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{pid}").exists() for pid in guests)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_time_without_calls(transport: str) -> None:
    """The vDSO is there and tells what the call tells, never backwards; a second is a second."""
    before = time.time()
    done = hosted.run([str(hosted.program("clock"))], options=["--transport", transport])
    assert done.returncode == 0, show(done.stdout)
    assert before - 1 <= int(done.stdout) <= time.time() + 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_registers_of_a_handler(transport: str) -> None:
    """A signal's frame holds the extended state, and what a handler changes there, or takes away, counts as natively."""
    frame = str(hosted.program("frame"))
    native, got = hosted.run([frame], hosted=False), hosted.run([frame], options=["--transport", transport])
    assert (show(got.stdout), got.returncode) == (show(native.stdout), native.returncode)


def test_older_calls() -> None:
    """Calls of old programs, which no C library makes any more."""
    same([str(hosted.program("older"))])


@pytest.mark.parametrize("transport", ["ptrace", "trap"])
def test_exceptions(transport: str) -> None:
    """Arithmetic exceptions and protection faults are told apart, as natively."""
    program = str(hosted.program("exceptions"))
    native, got = hosted.run([program], hosted=False), hosted.run([program], options=["--transport", transport])
    assert (show(got.stdout), got.returncode) == (show(native.stdout), native.returncode)
    assert "nothing" not in show(got.stdout)


def test_wrong_usage() -> None:
    """One line that names the mistake, status 210."""
    build = hosted.build()
    for words, what in ((["--cpus", "0", "--", "true"], b"--cpus"), (["--root", "/etc/passwdx", "--", "true"], b"/etc/passwdx"),
                        (["--transport", "pigeon", "--", "true"], b"pigeon")):
        done = subprocess.run([build, *words], capture_output=True, check=False)
        assert done.returncode == 210 and what in done.stderr, done


def test_terminal(tmp_path: Path) -> None:
    """On a terminal: editing, window size and its change, job control, the end."""
    env = {**os.environ, "PS1": "$ ", "HISTFILE": str(tmp_path / "none")}
    one = pexpect.spawn(str(hosted.build()), ["--", "bash", "--norc", "--noediting"], dimensions=(33, 77), env=env,
                        timeout=hosted.LIMIT, encoding="ascii")
    one.expect_exact("$ ")
    one.sendline("stty size; tty -s && echo yes$((1+1))")
    one.expect_exact("33 77")
    one.expect_exact("yes2")
    one.setwinsize(40, 100)
    one.sendline("until [ \"$(stty size)\" = '40 100' ]; do sleep 0.05; done; echo grown$((1+1))")
    one.expect_exact("grown2")
    one.sendline("sh -c 'echo run$((1+1)); exec sleep 1000'")
    one.expect_exact("run2")
    one.sendcontrol("z")
    one.expect_exact("Stopped")
    one.expect_exact("$ ")
    one.sendline("jobs; fg")
    one.expect_exact("Stopped")
    one.expect_exact("exec sleep 1000'")
    time.sleep(0.2)
    one.sendcontrol("c")
    one.expect_exact("$ ")
    one.sendline("echo status=$?")
    one.expect_exact("status=130")
    one.sendline("IFS= read -rsn1 k; [ \"$k\" = $'\\001' ] && echo key$((1+1))")  # every key is the program's
    time.sleep(0.5)
    one.sendcontrol("a")
    one.expect_exact("key2")
    one.sendline("exit 5")
    one.expect(pexpect.EOF)
    one.close()
    assert one.exitstatus == 5


def test_processor() -> None:
    """The processor is the host's, with as many of it as CPUs were asked for."""
    numbers = "^(processor|siblings|cpu cores|core id|apicid|initial apicid|cpu MHz|bogomips)"
    same(["sh", "-c", f"sed '/^$/q' /proc/cpuinfo | grep -vE '{numbers}'"])
    done = hosted.run(["grep", "-E", "^(processor|siblings|core id)", "/proc/cpuinfo"], options=["--cpus", "3"])
    words = dict.fromkeys(line.split("\t")[0] for line in done.stdout.decode().splitlines())
    assert done.stdout.decode().count("\n") == 3 * len(words) and b": 2\n" in done.stdout, done


def test_image_ends_with_its_terminal() -> None:
    """A booted image has no program to pass signals to: a hangup or SIGTERM ends the machine, and nothing is left."""
    words = [str(hosted.build()), "--root", str(hosted.TREE.with_name("root.cpio"))]
    for number in (signal.SIGHUP, signal.SIGTERM):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(words[0], words)
        seen = b""
        while b"# " not in seen:
            seen += os.read(terminal, 4096)
        guests = hosted.children_of(pid)
        if number == signal.SIGTERM:
            os.kill(pid, number)
        else:
            os.close(terminal)
        assert os.waitpid(pid, 0)[1] == number
        if number == signal.SIGTERM:
            os.close(terminal)
        assert guests and not any(Path(f"/proc/{guest}").exists() for guest in guests)


def test_escape_key() -> None:
    """--escape gives this process a key: it ends the program; twice it is a key like others. Wrong ones are refused."""
    one = pexpect.spawn(str(hosted.build()), ["--escape", "^B", "--", "sh", "-c", "stty raw; echo go; head -c 2 | od -An -tx1; sleep 1000"], timeout=hosted.LIMIT)
    one.expect_exact("go")
    one.send("\x01\x02\x02")
    one.expect_exact("01 02")
    one.send("\x02x")
    one.expect(pexpect.EOF)
    one.close()
    assert one.exitstatus == 204
    for wrong in ("a", "^1", "^AB", ""):
        done = hosted.run(["true"], options=["--escape", wrong])
        assert done.returncode == 210 and f"--escape {wrong}: ".encode() in done.stderr, done


@pytest.mark.skipif(not IS_ROOT, reason="the native side needs namespaces")
@pytest.mark.parametrize("case", [c for c in CORPUS if c.name not in OTHERWISE and not c.program], ids=lambda c: c.name)
def test_same_as_this_linux(case: cases.Case) -> None:
    """A conformance script prints on the hosted kernel what it prints on this machine's Linux."""
    if case.name not in QUICK and not os.environ.get("SCARLET_HOSTED"):
        pytest.skip("more of the same: make test-hosted")
    check(hosted.case_on_hosted(case), hosted.case_on_linux(case), case.name, None)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, transport: str) -> None:
    """This machine's own programs do on the hosted kernel what they do natively."""
    if name not in ("bash", "python3") and not os.environ.get("SCARLET_HOSTED"):
        pytest.skip("more of the same: make test-hosted")
    same(PROGRAMS[name], options=["--transport", transport, "--cpus", "2"])


TRACED = {
    "ls": ["ls", "-l", "/etc/hostname"],
    "coreutils": ["sh", "-c", "wc -c </etc/passwd; sort /etc/passwd | head -1; cp /etc/passwd a; cmp /etc/passwd a; mv a b; ln b c; ln -s b l; "
                  "readlink l; chmod 600 b; stat -c '%a %h' b; touch -d @0 b; date -r b; mkdir -p d/e; rmdir d/e d; rm b; cat c | tr a-z A-Z | md5sum; id -u"],
    "bash": ["bash", "-c", "for i in 1 2 3; do echo $i; done; (exit 3); echo $?; x=$(echo sub); echo $x | cat; trap 'echo t' EXIT; [ -d /tmp ] && cd /tmp && pwd"],
    "python3": ["/usr/bin/python3", "-c", "import json, os, subprocess, tempfile\nopen('f', 'w').write('text' * 5000); os.rename('f', 'g')\n"
                "print(json.dumps(os.listdir('.')), subprocess.check_output(['echo', 'x']), len(open('g').read()))"],
    "perl": ["perl", "-e", "pipe(A, B); if (!fork) { syswrite B, 'hello'; exit 3 } wait; sysread A, $x, 5; print $x, $? >> 8, qq(\n); "
             "open F, '>', 'f'; print F 'x' x 10000; close F; print -s 'f', unlink('f'), qq(\n)"],
    "git": ["sh", "-c", "export GIT_CONFIG_GLOBAL=/dev/null; git init -q -b main .; echo text >file; touch -d @86400 file; git add .; git status --short; git diff --cached --stat"],
    "gcc": ["sh", "-c", "echo 'int main(void){return 3;}' >a.c; gcc -O1 -o a a.c; ./a; echo $?"],
}


@pytest.mark.parametrize("name", TRACED)
def test_same_calls(name: str) -> None:
    """Call by call, what the kernel's tracer tells is what strace tells natively (what may differ: hosted_trace.RULES)."""
    if name != "ls" and not os.environ.get("SCARLET_HOSTED"):
        pytest.skip("more of the same: make test-hosted")
    found = hosted_trace.differences(TRACED[name])
    assert not found, "\n".join(found[:60])


def test_other_calls_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison tells different programs apart, down to one argument."""
    seen = hosted_trace.traced(["cat", "/etc/hostname"])
    assert seen[0] == seen[1] and len(seen[0][""]) > 20
    assert any('openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = 3' == call for call in seen[1][""])
    monkeypatch.setattr(hosted_trace, "RULES", [rule for rule in hosted_trace.RULES if rule[2] != "addresses"])
    assert hosted_trace.differences(["cat", "/etc/hostname"])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_escape(transport: str, tmp_path: Path) -> None:
    """A hostile program finds no way to the host: not through the code in its process, not by other doors."""
    marks = tmp_path / "marks"
    marks.mkdir()
    marks.chmod(0o777)
    slow = ["slow"] if os.environ.get("SCARLET_HOSTED") and transport == "trap" else []
    done = hosted.run([str(hosted.program("escape")), str(marks / "mark"), *slow], options=["--transport", transport, "--cpus", "2"])
    assert done.returncode == 0 and done.stdout.startswith(b"tried "), show(done.stdout + done.stderr)
    assert int(done.stdout.split()[1]) > 40
    assert not list(marks.iterdir())


def test_only_the_cage_holds(tmp_path: Path) -> None:
    """The stub's own calls reach the host without the filters, and with either they do not."""
    done = subprocess.run([hosted.program("cage", "stub.c"), str(tmp_path)], capture_output=True, check=True, timeout=hosted.LIMIT)
    results = [tuple(map(int, re.findall(r"\d+", line))) for line in done.stdout.decode().splitlines()]
    assert [filters for filters, _, _ in results] == [0, 1, 2]
    assert all(out == (0 if filters else tried) for filters, tried, out in results) and results[0][1] >= 16, results


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_guests_are_caged(transport: str) -> None:
    """Every guest process has the filters, no new privileges, and a session of its own."""
    with hosted.start(["sh", "-c", "echo ready; sleep 1000"], ["--transport", transport], stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"
        guests = hosted.children_of(one.pid)
        status = [Path(f"/proc/{pid}/status").read_text(encoding="ascii") for pid in guests]
        sessions = [os.getsid(pid) for pid in guests]
        one.kill()
    assert len(guests) >= 2
    for text in status:
        assert "NoNewPrivs:\t1" in text and "Seccomp:\t2" in text, text
    if transport == "trap":  # those without a tracer run user code: both filters
        free = [text for text in status if "TracerPid:\t0" in text]
        assert free and all("Seccomp_filters:\t2" in text for text in free)
    assert os.getsid(0) not in sessions


def test_attributes_without_an_address() -> None:
    """A size without an address is a fault of the caller's and not of the kernel's."""
    same(["/usr/bin/python3", "-c", "import ctypes\nl = ctypes.CDLL(None, use_errno=True)\nopen('/tmp/scarlet-attr', 'w')\n"
          "def call(name, *args):\n r = getattr(l, name)(b'/tmp/scarlet-attr', *args); print(name, r, r < 0 and ctypes.get_errno())\n"
          "call('setxattr', b'user.a', None, 5, 0); call('setxattr', b'user.a', b'value', 5, 0)\n"
          "call('getxattr', b'user.a', None, 5); call('listxattr', None, 0); call('setxattr', b'user.b', None, 0, 0)\n"
          "import os; os.getuid() or os.setgroups([4, 5]); print(l.getgroups(70, None), ctypes.get_errno())\n"
          "os.remove('/tmp/scarlet-attr')"])


@pytest.mark.parametrize("sanitizers", ["", pytest.param("address,undefined", marks=pytest.mark.hosted)])
def test_random_calls(sanitizers: str) -> None:
    """Some of make fuzz-hosted's sequences: the kernel stays whole and has nothing to report."""
    hosted_fuzz.program(sanitizers)
    for seed in (1, 26) if sanitizers else (26,):
        found = hosted_fuzz.run(seed, 25 if sanitizers else 8, sanitizers, "trap")
        assert not found, found


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("sanitizers", ["", pytest.param("thread", marks=pytest.mark.hosted)])
def test_stress(sanitizers: str, transport: str) -> None:
    """Processes, threads, pipes, futexes, mappings, files and signals on four CPUs: all right, and no data race."""
    done = hosted.run([str(hosted.program("stress")), "12"], options=["--transport", transport, "--cpus", "4"], sanitizers=sanitizers)
    assert (done.returncode, done.stdout) == (0, b"stress: done\n"), show(done.stderr)


@pytest.mark.hosted
@pytest.mark.parametrize("name", ["bash", "python3", "git"])
def test_programs_without_races(name: str) -> None:
    """The thread sanitizer has nothing to report."""
    done = hosted.run(PROGRAMS[name], options=["--cpus", "4"], sanitizers="thread")
    assert done.returncode == 0, show(done.stderr)


@pytest.mark.hosted
@pytest.mark.skipif(not IS_ROOT, reason="becomes an ordinary user")
def test_ordinary_user() -> None:
    """An ordinary user needs nothing else, and is one inside."""
    same(["sh", "-c", "id; cat /etc/shadow; echo $?; echo text >/tmp/scarlet-own; stat -c '%U %a' /tmp/scarlet-own; rm /tmp/scarlet-own"],
         user=65534)


@pytest.mark.hosted
@pytest.mark.parametrize("name", ["bash", "python3", "gcc"])
def test_programs_under_sanitizers(name: str) -> None:
    """Address and undefined-behaviour sanitizers have nothing to report."""
    done = hosted.run(PROGRAMS[name], options=["--cpus", "2"], sanitizers="address,undefined")
    assert done.returncode == 0, show(done.stderr)
