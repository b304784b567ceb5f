"""What a program on the hosted kernel inherits from whoever calls scarlet-host."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from harness import hosted
from harness.conftest import show

pytestmark = pytest.mark.skipif(bool(hosted.permitted()), reason=hosted.permitted() or "-")


def test_descriptors_above_two(tmp_path: Path) -> None:
    """Pipes and files that are not standard ones go through, to the last byte, at their own numbers."""
    out = tmp_path / "out"
    out.write_text("kept\n", encoding="ascii")
    script = ("exec 5<>$0; { echo to seven >&7; cat <&6; echo at $(( $(head -c 3 <&9 | wc -c) )); } | tee /dev/fd/5 >/dev/null; "
              "test -e /dev/fd/8 || echo no eight; cat <&9")
    data = os.urandom(300000)
    (tmp_path / "file").write_bytes(b"abcdef")
    outer = ["bash", "-c", f'exec 6< <(cat "{tmp_path}/data") 7>>"{out}" 9<"{tmp_path}/file" 8<&-; exec "$@"', "outer"]
    (tmp_path / "data").write_bytes(data)
    seen = {}
    for side, command in (("native", []), ("hosted", [str(hosted.build()), "--bind", f"{tmp_path}:{tmp_path}", "--"])):
        out.write_text("kept\n", encoding="ascii")
        got = tmp_path / side
        got.write_bytes(b"")
        done = subprocess.run([*outer, *command, "bash", "-c", script, str(got)], capture_output=True, timeout=hosted.LIMIT, check=False)
        seen[side] = (show(done.stdout), show(done.stderr), done.returncode, out.read_bytes(), got.read_bytes())
    assert seen["hosted"] == seen["native"]
    assert seen["native"][4] == data + b"at 3\n" and seen["native"][:4] == ("no eight\ndef", "", 0, b"kept\nto seven\n")


def test_mapped_input(tmp_path: Path) -> None:
    """A redirected regular file can be mapped to be read, again after it has grown."""
    (tmp_path / "file").write_bytes(b"some" * 5000)
    script = ("import mmap, os, sys\nm = mmap.mmap(0, 0, prot=mmap.PROT_READ)\nprint(len(m), m[19990:])\n"
              "os.write(7, b'more'); n = mmap.mmap(0, 0, flags=mmap.MAP_PRIVATE)\nn[0:1] = b'S'\nprint(len(n), n[0:4], n[19998:])")
    seen = []
    for command in ([], [str(hosted.build()), "--"]):
        (tmp_path / "file").write_bytes(b"some" * 5000)
        done = subprocess.run(["sh", "-c", 'f=$1; shift; exec "$@" <$f 7>>$f', "sh", str(tmp_path / "file"), *command, "/usr/bin/python3", "-c", script],
                              capture_output=True, timeout=hosted.LIMIT, check=False)
        seen.append((show(done.stdout), show(done.stderr), done.returncode))
    assert seen[1] == seen[0], seen
    assert seen[0][0].count("\n") == 2


def test_working_directory_where_it_is_seen(tmp_path: Path) -> None:
    """The caller's working directory by its own name, else where the root or a bind shows it."""
    hosted.build()
    for cwd, options, seen in ((tmp_path, [], str(tmp_path)), (hosted.TREE / "etc", ["--root", str(hosted.TREE)], "/etc"),
                               (tmp_path, ["--root", str(hosted.TREE)], "/"), (tmp_path, ["--root", str(hosted.TREE), "--bind", f"{tmp_path.parent}:/mnt"], f"/mnt/{tmp_path.name}")):
        assert show(hosted.run(["/bin/pwd"], options=options, cwd=cwd).stdout) == f"{seen}\n"


def test_limits() -> None:
    """Limits of resources are the caller's, and hold."""
    script = ["bash", "-c", "ulimit -a; ulimit -n; for i in {1..90}; do exec {f}</dev/null || break; done 2>/dev/null; echo $f"]
    outer = ["sh", "-c", 'ulimit -Sn 70; ulimit -n -H 90 2>/dev/null; ulimit -s 4096; ulimit -c 0; exec "$@"', "outer"]
    native, got = (subprocess.run([*outer, *command, *script], capture_output=True, timeout=hosted.LIMIT, check=False)
                   for command in ([], [str(hosted.build()), "--"]))
    assert (show(got.stdout), got.returncode) == (show(native.stdout), native.returncode)


def test_orphans_are_nobodys() -> None:
    """The first program waits for its own children only, and no orphan stays behind as a zombie."""
    program = str(Path(__file__).parent / "hosted_guest/orphans.py")
    native = hosted.run(["/usr/bin/python3", program], hosted=False)
    script = '/usr/bin/python3 "$0"; n=0; while [ $(ls /proc | grep -c "^[0-9]") -gt 5 ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done; [ $n -lt 300 ] && echo gone'
    got = hosted.run(["sh", "-c", script, program], options=["--cpus", "2"])
    assert (show(got.stdout), show(got.stderr)) == (show(native.stdout) + "gone\n", "") and "no more children" in show(got.stdout)
    orphan = ("import os, time\nr, w = os.pipe()\nif os.fork() == 0:\n  p = os.getpid()\n  if os.fork() == 0:\n    while os.getppid() == p: time.sleep(0.01)\n"
              "    os.write(w, b'%d %s' % (os.getppid(), open('/proc/self/stat', 'rb').read().rsplit(b')')[1].split()[1]))\n  os._exit(0)\n"
              "os.wait(); print(os.read(r, 9), os.getpid())")
    got = hosted.run(["sh", "-c", 'exec "$@"', "sh", "/usr/bin/python3", "-c", orphan])
    assert show(got.stdout) == "b'1 1' 1\n"  # what reaps it


@pytest.mark.parametrize("program", ["cat", "sh -c 'cat; echo left'"])
def test_job_of_a_shell(program: str, tmp_path: Path) -> None:
    """Stopped by control-Z, continued in the foreground, from the background, and the terminal is what it was in between."""
    env = {**os.environ, "PS1": "host> ", "HISTFILE": str(tmp_path / "none")}
    one = pexpect.spawn("bash", ["--norc", "--noediting"], env=env, timeout=hosted.LIMIT, encoding="ascii")
    one.expect_exact("host> ")
    one.sendline(f"{hosted.build()} -- {program}")
    one.sendline("first")
    one.expect_exact("first\r\nfirst\r\n")
    one.sendcontrol("z")
    one.expect_exact("Stopped")
    one.expect_exact("host> ")
    one.sendline("stty -a | grep -o ' icanon'; echo here$((1+1))")
    one.expect_exact(" icanon\r\nhere2\r\n")
    one.sendline("fg")
    one.expect_exact(program)
    one.sendline("second")
    one.expect_exact("second\r\nsecond\r\n")
    one.sendcontrol("z")
    one.expect_exact("host> ")
    one.sendline("bg; sleep 0.3; stty -a | grep -o ' icanon'; fg")
    one.expect_exact(" icanon\r\n")
    one.sendline("third")
    one.expect_exact("third\r\nthird\r\n")
    one.sendcontrol("d")
    one.expect_exact("host> ")
    one.sendline("echo status=$?; exit")
    one.expect_exact("status=0")
    one.expect(pexpect.EOF)
    one.close()


# Run by python3 with what follows it: some signals ignored, others blocked.
WITH_SIGNALS = """import os, signal, sys
for n in (signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGWINCH, signal.SIGUSR1, signal.SIGTSTP, 40):
    signal.signal(n, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR2, signal.SIGINT, signal.SIGPWR, signal.SIGSTKFLT, signal.SIGSEGV, 41])
os.execvp(sys.argv[1], sys.argv[1:])"""


@pytest.mark.parametrize("transport", ["ptrace", "trap"])
def test_signals_ignored_and_blocked(transport: str) -> None:
    """What the caller ignores and blocks, the program and its children do, as natively."""
    script = "grep -E 'Sig(Ign|Blk)' /proc/self/status; sh -c 'grep SigIgn /proc/self/status; kill -HUP $$; echo alive'"
    seen = []
    for command in ([], [str(hosted.build()), "--transport", transport, "--"]):
        done = subprocess.run(["/usr/bin/python3", "-c", WITH_SIGNALS, *command, "sh", "-c", script], capture_output=True, timeout=hosted.LIMIT, check=False)
        seen.append((show(done.stdout), show(done.stderr), done.returncode))
    assert seen[1] == seen[0]
    assert seen[0][0].endswith("alive\n") and seen[0][0].count("Sig") == 3


def test_ignored_signals_do_not_end_it() -> None:
    """As under nohup: a hangup passes by, whichever ABI runs; a program that wants it after all gets it."""
    ignoring = "import os, signal, sys\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\nos.execv(sys.argv[1], sys.argv[1:])"
    wanting = ["/usr/bin/python3", "-c", "import signal, time\nprint('up', flush=True); input(); heard = []\n"
               "signal.signal(signal.SIGHUP, lambda *_: heard.append(1)); print('again', flush=True)\nwhile not heard: time.sleep(0.05)\nprint('heard')"]
    system = f"{hosted.TREE}/system:/system"
    for program in (wanting, ["/names/scarlet_sh", "-c", "echo up; read x; xv6_echo $x; cat"], ["/names/xv6_sh", "-c", "echo up; cat"]):
        one = subprocess.Popen(["/usr/bin/python3", "-c", ignoring, str(hosted.build()), "--bind", system, "--", *program],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert one.stdin and one.stdout
        assert one.stdout.readline() == b"up\n"
        one.send_signal(signal.SIGHUP)
        one.stdin.write(b"again\n")
        one.stdin.flush()
        assert one.stdout.readline() == b"again\n"
        one.send_signal(signal.SIGHUP)
        rest = one.communicate(timeout=hosted.LIMIT)[0]
        assert (rest, one.returncode) == (b"heard\n" if program is wanting else b"", 0)


def test_low_mappings() -> None:
    """MAP_32BIT, as natively."""
    low = str(hosted.program("low"))
    native, got = hosted.run([low], hosted=False), hosted.run([low])
    assert (show(got.stdout), got.returncode) == (show(native.stdout), native.returncode) and "second GiB" in show(got.stdout)


# Stores through mappings of descriptor 5, step by step; at each the caller looks at the file.
STORES = """import ctypes, mmap, os, sys
def step(what):
    print(what, os.lseek(5, 0, os.SEEK_CUR), os.pread(5, 12, 0), flush=True); input()
os.write(5, b"hello, ")
m = mmap.mmap(5, 10000)
step("mapped"); m[0:5] = b"HELLO"; m[8200:8202] = b"ab"
m.flush(); step("flushed")
os.write(5, b"world"); step(m[0:14]); m[0:1] = b"h"
m.flush(); n = mmap.mmap(6, 0, prot=mmap.PROT_READ); step(n[0:3])
m[1:2] = b"3"; m.close(); step("unmapped")
m = mmap.mmap(5, 4096); m[2:3] = b"1"; os.close(5); os.dup2(6, 5); step("closed")
if os.fork() == 0:
    m[4:5] = b"0"; os._exit(0)
os.wait(); m[3:4] = b"L"; n.close(); os.ftruncate(7, 4096); step(os.fstat(7).st_size)
m[0:1] = b"J"
os.kill(os.getpid(), 9)"""


def test_mapped_output(tmp_path: Path) -> None:
    """A redirected regular file mapped shared for writing: when stores reach it, the position, other descriptors, an end by force."""
    os.chmod(tmp_path, 0o755)
    seen: list[list[object]] = []
    for command in ([], [str(hosted.build()), "--"]):
        file = tmp_path / "file"
        file.write_bytes(bytes(10000))
        file.chmod(0o600)  # an ordinary user could not open it
        outer = ["sh", "-c", 'f=$1; shift; exec 5<>$f 6<$f 7<>$f; exec setpriv --reuid 65534 --clear-groups "$@"', "sh", str(file)]
        one = subprocess.Popen([*outer, *command, "/usr/bin/python3", "-c", STORES], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert one.stdin and one.stdout
        steps: list[object] = []
        for line in one.stdout:
            data = file.read_bytes()
            steps.append((show(line), data[:14], data[8200:8202], len(data)))
            one.stdin.write(b"\n")
            one.stdin.flush()
        one.stdin.close()
        steps.append((one.wait(hosted.LIMIT), file.read_bytes()[:14]))
        seen.append(steps)
    assert seen[1] == seen[0]
    assert len(seen[0]) == 8 and seen[0][-1] == (-signal.SIGKILL, b"J31L0, world\0\0")


def test_redirected_file(tmp_path: Path) -> None:
    """All that can be done with an opened file can be done with one that the caller opened; the position stays shared."""
    program = ["/usr/bin/python3", str(Path(__file__).parent / "hosted_guest/redirected.py")]
    seen = []
    for command in ([], [str(hosted.build()), "--"]):
        (tmp_path / "out").unlink(missing_ok=True)
        outer = ["sh", "-c", 'exec 9>"$0" 8</etc/services; flock 9; "$@"; echo more >&9', str(tmp_path / "out")]
        done = subprocess.run([*outer, *command, *program], capture_output=True, timeout=hosted.LIMIT, check=False)
        seen.append((show(done.stdout), show(done.stderr), done.returncode, (tmp_path / "out").read_bytes(), (tmp_path / "out").stat().st_mode))
    assert seen[1] == seen[0] and seen[0][2] == 0 and seen[0][3].endswith(b"!more\n") and seen[0][0].count("error") == 1


def test_directories_passed_on(tmp_path: Path) -> None:
    """A directory's descriptor is opened where the program sees it; one that it cannot see is said in the log."""
    (tmp_path / "place").mkdir()
    (tmp_path / "place/within").write_text("found\n", encoding="ascii")
    program = ("import os, stat\nf = os.open('within', os.O_RDONLY, dir_fd=15)\nprint(os.read(f, 9), os.listdir(15), os.listdir(18), stat.filemode(os.fstat(15).st_mode))\n"
               "print(os.readlink('/proc/self/fd/16'), os.path.basename(os.readlink('/proc/self/fd/17')))\n"
               "os.fchdir(15); print(os.path.exists('within'))\ntry: os.read(17, 1)\nexcept OSError as e: print(e.errno)")
    outer = ["/usr/bin/python3", "-c", "import os, sys\nos.dup2(os.open(sys.argv[1], os.O_RDONLY), 15); os.dup2(15, 18); os.dup2(os.open('/etc', os.O_PATH), 16)\n"
             "os.dup2(os.open(sys.argv[1] + '/within', os.O_PATH), 17); os.execv(sys.argv[2], sys.argv[2:])", str(tmp_path / "place")]
    seen = []
    for command in ([], [str(hosted.build()), "--bind", f"{tmp_path}/place:{tmp_path}/place:ro", "--"], [str(hosted.build()), "--bind", f"{tmp_path}:/mnt/here", "--"],
                    [str(hosted.build()), "--"]):
        done = subprocess.run([*outer, *command, "/usr/bin/python3", "-c", program], capture_output=True, timeout=hosted.LIMIT, check=False)
        seen.append((show(done.stdout), show(done.stderr), done.returncode))
    assert seen[1:] == [seen[0]] * 3 and seen[0][2] == 0 and "found" in seen[0][0]
    other = ["--root", str(hosted.TREE), "--log", "6", "--", "/bin/sh", "-c", "test -e /proc/self/fd/15 || echo none"]
    done = subprocess.run([*outer, str(hosted.build()), *other], capture_output=True, timeout=hosted.LIMIT, check=False)
    assert show(done.stdout) == "none\n" and f"descriptor 15 is not passed on, as {tmp_path}/place is not seen" in show(done.stderr)
