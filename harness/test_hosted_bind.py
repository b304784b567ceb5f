"""scarlet-host --bind: the host's files, changed through the hosted kernel."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import shutil
import sqlite3
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness import hosted, hosted_fuzz
from harness.conftest import show

pytestmark = pytest.mark.skipif(bool(hosted.permitted()), reason=hosted.permitted() or "-")
IS_ROOT = os.geteuid() == 0
PYTHON = "/usr/bin/python3"
GUESTS = Path(__file__).parent / "hosted_guest"
CHANGES, ATTRIBUTES = GUESTS / "changes.py", GUESTS / "attributes.py"


def tree_of(place: Path) -> dict[str, object]:
    """What lies below a directory: modes, links, contents, the times that were set."""
    found: dict[str, object] = {}
    for at, names, files in os.walk(place):
        for name in names + files:
            path = Path(at, name)
            s = path.lstat()
            what: object = path.readlink() if path.is_symlink() else path.read_bytes() if stat.S_ISREG(s.st_mode) else None
            found[str(path.relative_to(place))] = (stat.filemode(s.st_mode), 0 if path.is_dir() else s.st_nlink, what)
    return found


def test_changes_are_the_hosts(tmp_path: Path) -> None:
    """Every kind of change says natively and through a bind the same, and leaves the same files."""
    for name in ("native", "bound"):
        (tmp_path / name).mkdir()
    native = hosted.run([PYTHON, str(CHANGES)], hosted=False, cwd=tmp_path / "native")
    got = hosted.run([PYTHON, str(CHANGES)], options=["--cpus", "2", "--bind", f"{tmp_path}/bound:{tmp_path}/bound"], cwd=tmp_path / "bound")
    assert (show(got.stdout), show(got.stderr), got.returncode) == (show(native.stdout), show(native.stderr), 0)
    assert tree_of(tmp_path / "bound") == tree_of(tmp_path / "native")
    assert (tmp_path / "bound/mapped").read_bytes()[100:104] == b"last"


# The guest's half of a conversation: each line is evaluated, its value printed.
EVALUATE = """
import os, mmap, signal, sys, errno, time
def tried(f, *a):
    try: return f(*a)
    except OSError as e: return errno.errorcode[e.errno]
for line in sys.stdin:
    try: value = eval(line)
    except SyntaxError: value = exec(line)
    print(repr(value), flush=True)
"""


class Guest:
    """A Python inside, or a native one, that evaluates what it is told."""

    def __init__(self, *options: str, inside: bool = True) -> None:
        words = [PYTHON, "-c", EVALUATE]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = hosted.start(words, options, **pipes) if inside else subprocess.Popen(words, **pipes)  # type: ignore[call-overload]

    def say(self, line: str) -> object:
        """The value of an expression, or None after a statement."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], hosted.LIMIT)
        assert ready, f"no answer to: {line}"
        return eval(self.process.stdout.readline())  # noqa: S307 its own words

    def end(self) -> None:
        """Its input ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(hosted.LIMIT) == 0


def test_what_the_host_changes_is_seen(tmp_path: Path) -> None:
    """Both sides work on the same files at once: sizes, contents, names that come, go and change hands."""
    (tmp_path / "file").write_bytes(b"first")
    (tmp_path / "kept").write_bytes(b"k" * 8192)
    (tmp_path / "d").mkdir()
    guest = Guest("--bind", f"{tmp_path}:/shared/place")
    guest.say("os.chdir('/shared/place')")
    assert guest.say("tried(os.stat, 'new')") == "ENOENT"
    (tmp_path / "new").write_bytes(b"")
    assert guest.say("os.stat('new').st_size") == 0
    guest.say("f = open('file', 'r+b', 0)")
    assert guest.say("f.read(100)") == b"first"
    with (tmp_path / "file").open("ab") as f:
        f.write(b" and more")
    assert guest.say("os.fstat(f.fileno()).st_size, f.read(100)") == (14, b" and more")
    os.truncate(tmp_path / "file", 3)
    assert guest.say("os.stat('file').st_size, os.pread(f.fileno(), 10, 0)") == (3, b"fir")
    os.utime(tmp_path / "file", (7, 8))
    os.link(tmp_path / "file", tmp_path / "file2")
    (tmp_path / "file").chmod(0o640)
    assert guest.say("s = os.stat('file')") is None
    assert guest.say("s.st_mtime, s.st_nlink, oct(s.st_mode)") == (8.0, 2, "0o100640")
    os.rename(tmp_path / "kept", tmp_path / "file")  # the name stands for another file now
    assert guest.say("os.stat('file').st_size, os.fstat(f.fileno()).st_size") == (8192, 3)
    assert guest.say("tried(os.stat, 'kept')") == "ENOENT"
    guest.say("g = open('file', 'r+b', 0)")
    guest.say("m = mmap.mmap(g.fileno(), 8192)")
    assert guest.say("m[0:3]") == b"kkk"
    with (tmp_path / "file").open("r+b") as f:  # under a mapping: from the next read or open on
        f.write(b"HOST")
    assert guest.say("os.pread(g.fileno(), 5, 0), m[0:5]") == (b"HOSTk", b"HOSTk")
    guest.say("m[4096:4100] = b'GUES'")
    guest.say("m.flush()")
    assert (tmp_path / "file").read_bytes()[4094:4102] == b"kkGUESkk"
    guest.say("m[4100:4101] = b'T'")
    guest.say("m.close()")
    assert (tmp_path / "file").read_bytes()[4094:4102] == b"kkGUESTk"
    guest.say("os.pwrite(g.fileno(), b'written', 100)")
    assert (tmp_path / "file").read_bytes()[100:107] == b"written"
    os.rename(tmp_path / "d", tmp_path / "e")
    assert guest.say("tried(os.listdir, 'd')") == "ENOENT"
    (tmp_path / "e/x").write_bytes(b"")
    assert guest.say("os.listdir('e')") == ["x"]
    (tmp_path / "e/x").unlink()
    assert guest.say("tried(os.unlink, 'e/x')") == "ENOENT"
    guest.say("a = os.open('log', os.O_WRONLY | os.O_CREAT | os.O_APPEND)")
    guest.say("os.write(a, b'guest ')")
    with (tmp_path / "log").open("ab") as f:
        f.write(b"host ")
    guest.say("os.write(a, b'guest')")
    assert (tmp_path / "log").read_bytes() == b"guest host guest"
    guest.say("n = mmap.mmap(g.fileno(), 8192)")
    guest.say("n[0:4] = b'exit'")
    guest.end()
    assert (tmp_path / "file").read_bytes()[:4] == b"exit"


def test_extended_attributes(tmp_path: Path) -> None:
    """Attributes of the host's files, set and read as natively; under a read-only bind and root they are read only."""
    native, bound = tmp_path / "native", tmp_path / "bound"
    for place in (native, bound):
        place.mkdir()
    try:
        os.setxattr(native, "user.x", b"")
    except OSError:
        pytest.skip("the file system under the temporary directory has no attributes")
    script, guest = str(ATTRIBUTES), ["--bind", f"{bound}:/bound"]
    expected = hosted.run([PYTHON, script, str(native)], hosted=False)
    got = hosted.run([PYTHON, script, "/bound"], options=guest)
    assert (show(got.stdout), show(got.stderr), got.returncode) == (show(expected.stdout), show(expected.stderr), 0)
    assert {n: os.getxattr(bound / n, "user.kept") for n in ("kept", "d")} == {"kept": b"kept", "d": b"d"}
    expected = hosted.run([PYTHON, script, str(native), "look"], hosted=False)
    got = hosted.run([PYTHON, script, "/bound", "look"], options=[guest[0], guest[1] + ":ro"])
    assert show(got.stdout).splitlines() == show(expected.stdout).splitlines()[:3] + ["EROFS EROFS EROFS"] * 3
    got = hosted.run([PYTHON, script, str(bound), "look"])  # the root: changes stay in the layer in memory
    assert show(got.stdout) == show(expected.stdout)
    assert [sorted(os.listxattr(bound / n)) for n in ("kept", "d")] == [["user.kept"], ["user.a", "user.empty", "user.kept"]]


# Both sides' helpers for locks: ranges are (start, length), kinds fcntl's; "of" is an opened file's own lock, as the host's are.
LOCKS = """
import fcntl, struct, threading
OF_FILE, OF_TASK, OF_FILE_WAITS = 37, 6, 38
def ranged(fd, how, kind, start, length):
    return fcntl.fcntl(fd, how, struct.pack('hhqqi4x', kind, 0, start, length, 0)) and None
def asked(fd, kind, start, length):
    kind, _, start, length, pid = struct.unpack('hhqqi4x', fcntl.fcntl(fd, 36, struct.pack('hhqqi4x', kind, 0, start, length, 0)))
    return (kind, start, length, pid) if kind != 2 else None
READ, WRITE, NONE = 0, 1, 2
"""


@pytest.mark.parametrize("where", ["native", "bound", "bound twice", "read-only"])
def test_locks_across_the_border(where: str, tmp_path: Path) -> None:
    """What one side locks is refused to the other, by file, by range and by process; who waits gets it when it is given back."""
    space: dict[str, Any] = {}
    exec(LOCKS, space)  # noqa: S102 the same text as inside
    ranged, asked, of_file = space["ranged"], space["asked"], space["OF_FILE"]
    none, refused = None, "EAGAIN"
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100)
    fd = os.open(file, os.O_RDWR)
    binds = ["--cpus", "1", "--bind", f"{tmp_path}:{tmp_path}" + (":ro" if where == "read-only" else "")]
    if where == "bound twice":
        (tmp_path / "d").mkdir()
        binds += ["--bind", f"{tmp_path}:{tmp_path}/d"]
    guest = Guest(*binds, inside=where != "native")
    write = "READ" if where == "read-only" else "WRITE"

    def tried(*what: Any) -> object:
        try:
            return ranged(*what)
        except OSError as e:
            return errno.errorcode[e.errno]

    def whole(kind: int) -> bool:
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    guest.say(f"exec({LOCKS!r})")
    mode = "os.O_RDONLY" if where == "read-only" else "os.O_RDWR"
    other = f"{tmp_path}/d/file" if where == "bound twice" else str(file)
    guest.say(f"a, b, c = os.open('{file}', {mode}), os.open('{other}', {mode}), os.open('{file}', {mode})")
    # whole files
    assert whole(fcntl.LOCK_EX)
    assert guest.say("tried(fcntl.flock, a, fcntl.LOCK_SH | fcntl.LOCK_NB)") == refused
    assert whole(fcntl.LOCK_SH)
    assert guest.say("tried(fcntl.flock, a, fcntl.LOCK_SH | fcntl.LOCK_NB), tried(fcntl.flock, b, fcntl.LOCK_SH | fcntl.LOCK_NB)") == (none, none)
    assert guest.say("tried(fcntl.flock, c, fcntl.LOCK_EX | fcntl.LOCK_NB)") == refused
    assert not whole(fcntl.LOCK_EX)
    assert guest.say("tried(fcntl.flock, a, fcntl.LOCK_UN)") == none
    assert not whole(fcntl.LOCK_EX)  # b still holds it
    assert guest.say("os.close(b)") == none
    assert whole(fcntl.LOCK_EX) and whole(fcntl.LOCK_UN)
    assert guest.say("tried(fcntl.flock, c, fcntl.LOCK_EX | fcntl.LOCK_NB)") == none
    assert not whole(fcntl.LOCK_SH)
    guest.say(f"b = os.open('{other}', {mode})")
    # ranges: the host's seen and refused inside
    assert tried(fd, of_file, 1, 10, 10) == none
    for how in ("OF_FILE", "OF_TASK"):
        assert guest.say(f"tried(ranged, a, {how}, {write}, 5, 6), tried(ranged, a, {how}, READ, 20, 5), tried(ranged, a, {how}, NONE, 0, 0)") == (refused, none, none)
    assert guest.say("asked(a, READ, 0, 0), asked(a, READ, 20, 0)") == ((1, 10, 10, -1), none)
    # waiting does not stop the processor, and ends
    guest.say(f"t = threading.Thread(target=ranged, args=(a, OF_FILE_WAITS, {write}, 0, 15))")
    assert guest.say("t.start()") is None and guest.say("t.join(0.3), t.is_alive()") == (none, True)
    assert tried(fd, of_file, 2, 0, 0) == none
    assert guest.say(f"t.join({hosted.LIMIT}), t.is_alive()") == (none, False)
    assert tried(fd, of_file, 1, 14, 5) == refused and tried(fd, of_file, 1, 15, 5) == none
    assert guest.say("p = os.fork() or ranged(c, OF_FILE_WAITS, READ, 15, 1)") is None
    assert guest.say("time.sleep(0.1), os.kill(p, 9), os.waitpid(p, 0)[1]") == (none, none, 9)  # who waits can be killed
    assert tried(fd, of_file, 2, 0, 0) == none
    # what several of ours hold together
    assert guest.say("tried(ranged, a, OF_FILE, READ, 0, 0), tried(ranged, b, OF_FILE, READ, 50, 10), tried(ranged, c, OF_TASK, READ, 55, 20)") == (none,) * 3
    assert asked(fd, 1, 0, 0)[:3] == (0, 0, 0) and asked(fd, 0, 0, 0) is None
    assert guest.say("tried(ranged, a, OF_FILE, NONE, 0, 0)") == none
    assert [tried(fd, of_file, 1, at, n) for at, n in ((0, 50), (75, 0), (49, 2), (58, 1), (74, 1))] == [none, none, refused, refused, refused]
    assert guest.say("tried(ranged, b, OF_FILE, NONE, 0, 55)") == none
    assert [tried(fd, of_file, 1, at, n) for at, n in ((50, 5), (55, 1))] == [none, refused]
    assert guest.say("os.close(b), os.close(a)") == (none, none)  # one task's close gives back its locks of the file
    assert tried(fd, of_file, 1, 0, 0) == none and tried(fd, of_file, 2, 0, 0) == none
    # the end of a process gives back what it held
    guest.say(f"p = os.fork() or (ranged(c, OF_TASK, {write}, 0, 0), signal.pause())")
    end = time.monotonic() + hosted.LIMIT
    while asked(fd, 1, 0, 0) is None and time.monotonic() < end:
        time.sleep(0.01)
    assert tried(fd, of_file, 1, 90, 1) == refused
    assert guest.say("os.kill(p, 9), os.waitpid(p, 0)[1]") == (none, 9)
    assert tried(fd, of_file, 1, 0, 0) == none
    assert guest.say("tried(ranged, c, OF_TASK, READ, 0, 0)") == refused
    guest.end()
    assert whole(fcntl.LOCK_EX)
    os.close(fd)


COUNTING = """
import sqlite3, sys
d = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
for _ in range(10):
    d.execute('begin immediate')
    d.execute('update t set n = ?', (d.execute('select n from t').fetchone()[0] + 1,))
    d.execute('commit')
"""


def test_one_database_from_both_sides(tmp_path: Path) -> None:
    """SQLite, which stands on range locks, counts right when two kernels and this one write to one file."""
    words = [PYTHON, "-c", COUNTING]
    with sqlite3.connect(tmp_path / "db") as d:
        d.execute("create table t(n)")
        d.execute("insert into t values (0)")
    runs = [hosted.start([*words, "/b/db"], ["--cpus", "2", "--bind", f"{tmp_path}:/b"]) for _ in range(2)]
    runs.append(subprocess.Popen([*words, str(tmp_path / "db")]))
    assert [one.wait(hosted.LIMIT) for one in runs] == [0, 0, 0]
    assert sqlite3.connect(tmp_path / "db").execute("select n from t").fetchone() == (30,)


def test_a_slow_host_does_not_stop_a_processor(tmp_path: Path) -> None:
    """While the host reads, writes and syncs files, the only processor goes on; fsync, msync and syncfs reach the host's disk."""
    hosted.build()
    library = hosted.ROOT / "build/hosted/guest/slow.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["clang-19", "-std=gnu23", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-o", str(library), str(GUESTS / "slow.c")], check=True)
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow/in").write_bytes(b"x" * 70000)
    with (tmp_path / "slow/in").open("rb") as passed_on:
        done = subprocess.run([hosted.build(), "--cpus", "1", "--bind", f"{tmp_path}:/bound", "--", PYTHON, str(GUESTS / "slow.py"), "/bound"],
                              stdin=passed_on, env={**os.environ, "LD_PRELOAD": str(library), "SLOW": str(tmp_path)}, capture_output=True,
                              timeout=2 * hosted.LIMIT, check=False)
    said = show(done.stdout).splitlines()
    assert done.returncode == 0 and said[-1] == "status 0", (said, done.stderr)
    for call, answer in (("read", "read 70000"), ("write", "write 65536"), ("fsync", "fsync None None"), ("fdatasync", "msync None"), ("syncfs", "syncfs 0")):
        assert said.index(f"while it waits: {call}") < said.index(answer), said
    log = (tmp_path / "log").read_text(encoding="ascii").splitlines()
    assert [k for k in log if "sync" in k or k == "write"][:7] == ["write", "fsync", "fsync", "write", "fdatasync", "fdatasync", "syncfs"], log
    assert (tmp_path / "slow/out").read_bytes()[:10] == b"yyyyyminey"


def test_stores_are_written_back_by_themselves(tmp_path: Path) -> None:
    """What a program stored in a mapping is in the host's file some seconds later, and survives the kernel being killed."""
    (tmp_path / "file").write_bytes(b"-" * 12288)
    guest = Guest("--bind", f"{tmp_path}:/bound")
    guest.say("f = os.open('/bound/file', os.O_RDWR)")
    guest.say("m = mmap.mmap(f, 12288)")
    for text in (b"once", b"more"):  # dirty again after it was written
        guest.say(f"m[5000:5004] = {text!r}")
        end = time.monotonic() + hosted.LIMIT
        while (tmp_path / "file").read_bytes()[5000:5004] != text and time.monotonic() < end:
            time.sleep(0.05)
        assert (tmp_path / "file").read_bytes()[5000:5004] == text
        with (tmp_path / "file").open("r+b") as f:  # another page, changed between
            f.seek(9000)
            f.write(text)
        assert guest.say("os.pread(f, 4, 9000), m[9000:9004], m[5000:5004]") == (text, text, text)
    guest.process.kill()
    guest.process.wait()
    assert (tmp_path / "file").read_bytes().replace(b"-", b"") == b"moremore"


def test_no_store_is_lost(tmp_path: Path) -> None:
    """What is stored in mappings, written back and read by several threads stays while the host changes the file's other pages."""
    file, stop = tmp_path / "file", threading.Event()
    file.write_bytes(bytes(40960))

    def disturb() -> None:
        with file.open("r+b", buffering=0) as f:
            while not stop.wait(0.002):
                os.pwrite(f.fileno(), os.urandom(8), 36000)

    host = threading.Thread(target=disturb)
    host.start()
    try:
        program = str(hosted.program("stores"))
        done = hosted.run([program, "/b/file", "2"], options=["--cpus", "4", "--bind", f"{tmp_path}:/b"])
    finally:
        stop.set()
        host.join()
    assert (show(done.stdout), done.returncode) == ("wrong: 0\n", 0), show(done.stderr)


def test_places_and_read_only_binds(tmp_path: Path) -> None:
    """Files and directories, names with colons and blanks, places that are made; what is read-only stays as it is."""
    (tmp_path / "a: b").mkdir()
    (tmp_path / "a: b/in").write_text("inside\n", encoding="ascii")
    (tmp_path / "one").write_text("one\n", encoding="ascii")
    escaped = f"{tmp_path}/a: b".replace(":", "\\:")
    before = tree_of(tmp_path)
    script = (f"cat '/far/away/in' /single; cat '{tmp_path}/one'; for f in /far/away/in /single /far/away/new; do (echo x >$f) 2>/dev/null || echo no $f; done; "
              "mv /far/away/in /far/away/x 2>/dev/null || echo no mv; chmod 777 /single 2>/dev/null || echo no chmod; "
              "mount -o remount,rw /far/away; (echo x >/far/away/in) 2>/dev/null || echo still no; mount -t hostfs / /tmp 2>/dev/null || echo no mount; "
              f"echo two >>'/q: w'; rm '/q: w' 2>/dev/null || echo busy")
    done = hosted.run(["sh", "-c", script], options=["--bind", f"{escaped}:/far/away:ro", "--bind", f"{tmp_path}/one:/single:ro",
                                                     "--bind", f"{tmp_path}/one:/q\\: w:rw"])
    expected = "inside\none\none\nno /far/away/in\nno /single\nno /far/away/new\nno mv\nno chmod\nstill no\nno mount\nbusy\n"
    assert (show(done.stdout), done.returncode) == (expected, 0), show(done.stderr)
    assert (tmp_path / "one").read_text(encoding="ascii") == "one\ntwo\n"
    (tmp_path / "one").write_text("one\n", encoding="ascii")
    assert tree_of(tmp_path) == before
    assert not Path("/far").exists() and not Path("/single").exists()


def test_root_with_blanks(tmp_path: Path) -> None:
    """A root directory may have any name."""
    place = tmp_path / 'a "root"'
    (place / "bin").mkdir(parents=True)
    (place / "bin/busybox").write_bytes((hosted.build().parent / "tree/bin/busybox").read_bytes())
    (place / "bin/busybox").chmod(0o755)
    done = hosted.run(["/bin/busybox", "ls", "/"], options=["--root", str(place)])
    assert (show(done.stdout), done.returncode) == ("bin\n", 0), show(done.stderr)


def test_wrong_binds(tmp_path: Path) -> None:
    """One line that names the argument and what is wrong with it, status 210."""
    (tmp_path / "file").write_bytes(b"")
    for words, said in (("/etc", "not HOST:GUEST"), ("/etc:/x:ro:", "not HOST:GUEST"), ("/etc:/x:maybe", "maybe"), ("/etc:x", "slash"),
                        (f"{tmp_path}/none:/x", "none: No such file"), ("/dev/null:/x", "neither a directory"),
                        ("/etc:/proc/x/y", "cannot bind /etc at /proc/x/y"), (f"{tmp_path}/file:/tmp", "cannot bind"),
                        (f"/etc:{tmp_path}/file/x", "cannot bind")):
        done = hosted.run(["true"], options=["--bind", words])
        assert done.returncode == 210 and said in show(done.stderr) and len(done.stderr.splitlines()) == 1, (words, done)


def test_more_files_than_descriptors(tmp_path: Path) -> None:
    """A small limit of descriptors limits what is open at once, not how many files there are."""
    for i in range(300):
        (tmp_path / f"d{i}").mkdir()
        (tmp_path / f"d{i}/f").write_text(f"{i}\n", encoding="ascii")
    script = f'for p in /b "{tmp_path}"; do find $p | wc -l; cat $p/d*/f | md5sum; done; for i in $(seq 300); do echo $i >/b/d0/$i; done; ls /b/d0 | wc -l'
    limited = ["sh", "-c", 'ulimit -n 100; exec "$@"', "limited"]
    done = subprocess.run([*limited, hosted.build(), "--bind", f"{tmp_path}:/b", "--", "sh", "-c", script], capture_output=True,
                          timeout=hosted.LIMIT, check=False)
    lines = done.stdout.split(b"\n")
    assert (lines[0], lines[0:2], lines[4], done.stderr) == (b"601", lines[2:4], b"301", b""), done


def exchange(a: Path, b: Path) -> None:
    """Two names change places in one step."""
    at_cwd, flag = -100, 2
    assert ctypes.CDLL(None).renameat2(at_cwd, os.fsencode(a), at_cwd, os.fsencode(b), flag) == 0


@pytest.mark.parametrize("how", ["absolute", "relative"])
def test_no_way_out_of_a_bind(how: str, tmp_path: Path) -> None:
    """Neither "..", nor links, nor a directory that becomes a link at the wrong moment lead to the host's other files."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    (outside / "empty").mkdir(parents=True)
    (inside / "d").mkdir(parents=True)
    (outside / "f").write_text("secret\n", encoding="ascii")
    (inside / "d/f").write_text("allowed\n", encoding="ascii")
    (inside / "link").symlink_to(outside if how == "absolute" else "../outside")
    script = (f"cd /b; for p in ../outside/f ../../../../../..{outside}/f {outside}/f link/f d/../../outside/f; do cat $p 2>/dev/null && echo out; done; "
              "(echo x >link/new) 2>/dev/null && echo out; rm link/f 2>/dev/null; echo racing; "
              "n=0; while [ ! -e stop ]; do cat d/f 2>/dev/null; echo x 2>/dev/null >d/new; mkdir d/sub 2>/dev/null; rmdir d/empty 2>/dev/null; "
              "mv d/f d/g 2>/dev/null; mv d/g d/f 2>/dev/null; done; echo end")
    with hosted.start(["/bin/sh", "-c", script], ["--root", str(hosted.TREE), "--bind", f"{inside}:/b"], stdout=subprocess.PIPE,
                      stderr=subprocess.DEVNULL, env={"PATH": "/bin"}) as one:
        assert one.stdout is not None
        first = [one.stdout.readline()]
        assert first == [b"racing\n"], first
        said: list[bytes] = []
        reader = threading.Thread(target=lambda out: said.extend(out), args=(one.stdout,))
        reader.start()
        swaps, end = 0, time.monotonic() + hosted.LIMIT
        while (swaps < 1000 or said.count(b"allowed\n") < 10) and time.monotonic() < end:
            exchange(inside / "d", inside / "link")
            swaps += 1
        if (inside / "d").is_symlink():
            exchange(inside / "d", inside / "link")
        (inside / "stop").touch()
        assert one.wait(hosted.LIMIT) == 0
        reader.join()
    assert said[-1] == b"end\n" and said.count(b"allowed\n") >= 10 and b"secret\n" not in said, set(said)
    assert tree_of(outside) == {"f": ("-rw-r--r--", 1, b"secret\n"), "empty": (stat.filemode((outside / "empty").stat().st_mode), 0, None)}


@pytest.mark.skipif(not IS_ROOT, reason="becomes an ordinary user, mounts")
def test_what_the_host_refuses(tmp_path: Path) -> None:
    """The host decides what an ordinary user may do; when its disk is full, what was written stays written."""
    full, closed = tmp_path / "full", tmp_path / "closed"
    for place in (full, closed):
        place.mkdir()
        place.chmod(0o777)
    (closed / "shadow").write_bytes(b"root's")
    (closed / "shadow").chmod(0o600)
    for up in (tmp_path, *tmp_path.parents):
        if up.stat().st_mode & 0o005 != 0o005 and up != Path("/"):
            up.chmod(up.stat().st_mode | 0o055)
    script = ("import os, errno\n"
              "def tried(f, *a):\n try: return f(*a)\n except OSError as e: return errno.errorcode[e.errno]\n"
              "print(tried(open, '/c/shadow'), tried(os.chown, '/c/shadow', 1, 1), tried(os.chmod, '/c/shadow', 0o666))\n"
              "open('/c/own', 'w').close(); s = os.stat('/c/own'); print(s.st_uid, s.st_gid, tried(os.chown, '/c/own', 0, 0))\n"
              "f = os.open('/f/big', os.O_RDWR | os.O_CREAT)\n"
              "print(os.write(f, b'x' * 200000), tried(os.write, f, b'y'), os.fstat(f).st_size, os.pread(f, 1, 65535))\n")
    # scarlet-host as the ordinary user, in a mount namespace with a small file system
    outer = f'mount -t tmpfs -o size=64k,mode=777 t "{full}" && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"'
    done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", outer, "sh", str(hosted.build()), "--bind", f"{closed}:/c",
                           "--bind", f"{full}:/f", "--", PYTHON, "-c", script], capture_output=True, timeout=hosted.LIMIT, check=False)
    assert (show(done.stdout), done.returncode) == ("EACCES EPERM EPERM\n65534 65534 EPERM\n65536 ENOSPC 65536 b'x'\n", 0), show(done.stderr)
    assert (closed / "shadow").read_bytes() == b"root's" and (closed / "own").stat().st_uid == 65534


@pytest.mark.hosted
def test_under_sanitizers(tmp_path: Path) -> None:
    """Changes, and calls by chance in a bound directory: nothing reported, no lock out of order."""
    place = tmp_path / "place"
    place.mkdir()
    done = hosted.run([PYTHON, str(CHANGES)], options=["--cpus", "2", "--bind", f"{place}:{place}"], cwd=place, sanitizers="address,undefined")
    assert (done.returncode, done.stderr) == (0, b"")
    guests = hosted_fuzz.program("address,undefined").parent
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch").chmod(0o1777)
    binds = ["--bind", f"{tmp_path}/scratch:/tmp", "--bind", f"{guests}:{guests}:ro"]
    found = hosted_fuzz.run(40, 10, "address,undefined", "trap", binds)
    assert not found and list((tmp_path / "scratch").glob("fuzz-*")), found


@pytest.mark.hosted
def test_without_races(tmp_path: Path) -> None:
    """The thread sanitizer has nothing to say of changes, nor of stores beside reads and syncs."""
    place = tmp_path / "place"
    for _ in range(3):
        place.mkdir()
        done = hosted.run([PYTHON, str(CHANGES)], options=["--cpus", "4", "--bind", f"{place}:{place}"], cwd=place, sanitizers="thread")
        assert (done.returncode, done.stderr) == (0, b"")
        shutil.rmtree(place)
    (tmp_path / "file").write_bytes(bytes(40960))
    done = hosted.run([str(hosted.program("stores")), "/b/file", "1"], options=["--cpus", "4", "--bind", f"{tmp_path}:/b"], sanitizers="thread")
    assert (show(done.stdout), done.stderr) == ("wrong: 0\n", b"")
