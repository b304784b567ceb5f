"""The native ABI: its test program, the native programs and shell, cross-ABI pipelines, init and login on the console."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from harness import frames, guestprog, machine, once, run

pytestmark = [pytest.mark.boot, pytest.mark.scarlet]
OVERLAY = machine.chosen().userland / "overlay"
BIN = "/system/scarlet/bin"

SCRIPT = r"""
cd /tmp
echo hello "wor ld" 'a  b' \$x
x=5; echo $x ${x} "${x}y" ${y:-def} $((x*3+1)) `echo back` $(echo sub; echo two)
for i in 1 2 3; do echo i=$i; done | cat -n
if [ $x -eq 5 ]; then echo yes; else echo no; fi
case abc in x*) echo x;; a?c|z) echo abc;; esac
f() { local v=$1; echo "f: $v $# $*"; return 3; }
f a b c; echo st $?
i=0; while [ $i -lt 5 ]; do i=$((i+1)); [ $i = 2 ] && continue; [ $i = 4 ] && break; echo w$i; done
mkdir -p d; echo 1 > d/one; echo 2 > d/two; echo d/* 'd/*'
cat <<END
here $x $((1+2))
END
cat <<'END'
raw $x
END
(cd /; pwd); pwd
{ echo grp; echo grp2; } | sort -r
false || echo or; true && echo and; ! true; echo $?
FOO=bar env | grep FOO; echo "[$FOO]"
loop() { while :; do echo y || return; done; }
loop | head -n 2
echo a b c | { read p q; echo "$p/$q"; }
set -- x 'y z' w; echo $#; for a in "$@"; do echo "<$a>"; done; shift; echo $1
v=file.tar.gz; echo ${v%.*} ${v%%.*} ${v#*.} ${v##*.} ${#v}
exec 3>d/fd3; echo to3 >&3; exec 3>&-; cat d/fd3
nocmd; echo $?
(exit 7); echo $?
rm -r d; ls d; echo $?
"""
EXPECTED = """\
hello wor ld a  b $x
5 5 5y def 16 back sub two
     1	i=1
     2	i=2
     3	i=3
yes
abc
f: a 3 a b c
st 3
w1
w3
d/one d/two d/*
here 5 3
raw $x
/
/tmp
grp2
grp
or
and
1
FOO=bar
[]
y
y
a/b c
3
<x>
<y z>
<w>
y z
file.tar file tar.gz gz 11
to3
sh: nocmd: no such command
127
7
ls: d: not found
1
"""


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    """The native programs, built."""
    if not machine.chosen().hosted:  # whose programs are built with it
        subprocess.run(["make", "-s", "userland"], cwd=machine.ROOT, check=True)


def boot(smp: int, command: str, stdin: bytes | None = None, timeout: float = 120, overlay: Path = OVERLAY) -> tuple[str, int]:
    """Output and status of one command line of a machine with the native programs."""
    what = machine.Machine(smp=smp, overlay=overlay)
    done = once.boot_all(what, [machine.Job(command.encode(), stdin)], timeout)[0]
    return done.output, done.status


def test_calls(smp: int) -> None:
    """The test program of the ABI: handles and rights, IPC, threads, tasks, events, views, zones, files, memory."""
    output, status = boot(smp, f"{BIN}/native-test")
    assert (output.split("\n"), status) == (["ok rights", "ok ipc", "ok task", "ok file", "ok world", "ok socket", "ok many", "ok watch", "ok fuzz", ""], 0)


WALKS = 20


def test_rights_across_abis(smp: int, tmp_path: Path) -> None:
    """A handle that lost rights wanders by chance through programs of three ABIs; none gets anything back (harness/guest/walk.c)."""
    for abi in ("linux", "xv6", "native"):
        shutil.copy(guestprog.build_for("walk", abi), tmp_path / f"walk-{abi}")
    first = int(os.environ.get("SCARLET_SEED", "1"))
    output, _ = boot(smp, f"""cp /walk-* /tmp; i={first}
        while [ $i -lt {first + WALKS} ]; do
            echo seed $i; /tmp/walk-native open $i 16; /tmp/walk-linux open $i 8; /tmp/walk-xv6 open $i 8; i=$((i+1))
        done; ls /tmp/walk-back /tmp/walk-file 2>&1 | grep -c such""", overlay=tmp_path)
    want = [line for i in range(first, first + WALKS) for line in (f"seed {i}", "end", "end", "end")]
    assert output.splitlines() == [*want, "2"]


def test_shell(smp: int) -> None:
    """The native shell runs a script that uses most of its language."""
    output, status = boot(smp, f"cat > /tmp/t.sh; {BIN}/sh /tmp/t.sh", SCRIPT.encode())
    assert (output, status) == (EXPECTED, 0)


def test_shell_like_another() -> None:
    """The native shell and busybox's say the same of two scripts that use what POSIX has (harness/guest/shell)."""
    scripts = {path.stem: path for path in (guestprog.SOURCES / "shell").glob("*.sh")}
    output, _ = boot(1, "cat > /tmp/all; cd /home; mkdir bin; ln -s " + BIN + r"""/sh bin/sh; awk '/^=FILE /{f=$2;next}{print > f}' /tmp/all
        for s in *.sh; do
            sh $s > /run/$s.one 2>/dev/null; rm -rf /tmp/*; PATH=/home/bin:$PATH bin/sh $s > /run/$s.two 2>/run/err; rm -rf /tmp/*
            diff /run/$s.one /run/$s.two && echo $s $(wc -l < /run/$s.one) || cat /run/err
        done""", b"".join(f"=FILE {name}.sh\n".encode() + path.read_bytes() for name, path in sorted(scripts.items())))
    lines = {line.split()[0]: line.split()[1] for line in output.splitlines() if line.split()[0].endswith(".sh")}
    assert set(lines) == {f"{name}.sh" for name in scripts} and all(int(n) > 80 for n in lines.values()), output


def test_mixed_pipelines(smp: int) -> None:
    """Native and Linux programs in one pipeline, from both shells; statuses and broken pipes cross the border."""
    output, status = boot(smp, f"""
        cat /etc/passwd | {BIN}/grep root | wc -l
        {BIN}/cat /etc/passwd | grep root | {BIN}/wc -l
        {BIN}/sh -c 'cat /etc/passwd | grep -c root; yes | /bin/head -n 1; exit 5'; echo $?
        yes | {BIN}/head -n 1
        timeout 1 {BIN}/native-test sleep; echo $?
        {BIN}/native-test sleep & sleep 0.2; kill $!; wait $!; echo $?""")
    words = [w for w in output.split() if w != "Terminated"]  # busybox says that now and then
    assert (words, status) == (["1", "1", "1", "y", "5", "y", "143", "143"], 0)


def test_tools() -> None:
    """The small programs, one line each."""
    output, _ = boot(1, f"""{BIN}/sh <<'EOF'
        cd /tmp; mkdir -p a/b; echo one > a/f; cp -r a z; mv z/f z/h; ls z; rm z/h; ln -s a/f l; cat l; wc -c l
        echo 'b 10' > s; echo 'a 9' >> s; sort -n s; sort -r s; head -n 1 s; tail -n 1 s; grep -v 'b.*0$' s
        echo hello | hexdump; stat a/f | grep size; ls -l a/f | grep -c rw-r--r--; abi | grep -c scarlet
        abi probe /bin/sh | grep -c '[*] scarlet'; env -i A=1 /bin/env; ps | grep -c 'scarlet *ps'
        uptime | wc -l; free | wc -l; date | wc -l; dmesg | grep -c Scarlet; mount | grep -c ' /proc '
        mkdir m; echo > m/x; view mount tmpfs /tmp/m -- /bin/ls /tmp/m; ls m; kill -l | head -n 1; pwd""" + "\nEOF")
    assert output.split("\n") == ["b", "h", "one", "      4 l", "a 9", "b 10", "b 10", "a 9", "b 10", "a 9", "a 9",
                                  "00000000  68 65 6c 6c 6f 0a                                 |hello.|", "00000006",
                                  "      size 4 (4096 allocated)", "1", "1", "1", "A=1", "1", "1", "2", "1", "1", "1", "x", "15 TERMINATE",
                                  "/tmp", ""]


def test_tools_like_others() -> None:
    """The native programs say what busybox's say of a script that uses their options (harness/guest/tools.sh)."""
    output, _ = boot(1, f"""cat > /tmp/tools.sh; mkdir /tmp/a /tmp/b; (cd /tmp/a; ash ../tools.sh > /tmp/one 2>&1)
        (cd /tmp/b; PATH={BIN} {BIN}/sh ../tools.sh > /tmp/two 2>&1); diff /tmp/one /tmp/two && wc -l < /tmp/two""",
        (guestprog.SOURCES / "tools.sh").read_bytes())
    assert output.strip().isdigit() and int(output) > 100, output


def test_tail_follows(smp: int) -> None:
    """tail -f is told of what is added, by programs of any system, and of a file that is cut."""
    output, _ = boot(smp, f"""cd /tmp; echo one > f; {BIN}/tail -f f > out & p=$!
        more() {{ i=0; while [ $(grep -c . out) -lt $1 ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; }}
        more 1; echo two >> f; more 2; xv6_sh -c 'echo x > /tmp/f'; more 3; {BIN}/sh -c 'echo four >> f'; more 4
        kill $p; wait $p 2>/dev/null; cat out""")
    assert [line for line in output.split() if line != "Terminated"][-4:] == ["one", "two", "x", "four"], output


ERRORS = {  # command -> status and what it says
    "cat /no": (1, "cat: /no: not found"),
    "cat /etc": (1, "cat: /etc: is directory"),
    "cat -z": (2, "cat: usage: cat [-n] [files]"),
    "cp a": (1, "cp: needs a source and a target"),
    "cp /etc /tmp/y": (1, "cp: /etc: is directory"),
    "mv /no /tmp/x": (1, "mv: /no: not found"),
    "rm /tmp": (1, "rm: /tmp: is directory"),
    "mkdir /tmp": (1, "mkdir: /tmp: exists"),
    "ls /no": (1, "ls: /no: not found"),
    "stat /no": (1, "stat: /no: not found"),
    "grep": (2, "grep: no pattern"),
    "grep nomatch /etc/passwd": (1, ""),
    "sort /no": (2, "sort: /no: not found"),
    "head -n x /etc/passwd": (1, "head: not a number: x"),
    "kill": (2, "kill: usage: kill [-l | [-EVENT | -s EVENT] tasks]"),
    "kill 99999": (1, "kill: 99999: no task"),
    "kill -NONE 1": (1, "kill: no such event: NONE"),
    "mount -t nofs x /tmp": (1, "mount: /tmp: no device"),
    "umount /etc": (1, "umount: /etc: bad argument"),
    "env nocmd": (127, "env: nocmd: not found"),
    "stat": (1, "stat: no name"),
    "rm -r /tmp/..": (1, "rm: /tmp/..: bad argument"),
    "head -n -1 /etc/passwd": (1, "head: not a number: -1"),
    "mkdir -p /etc/passwd": (1, "mkdir: /etc/passwd: exists"),
    "cp /etc/passwd /no/x": (1, "cp: /no/x: not found"),
    "sort -k x": (1, "sort: not a field: x"),
    "grep -E 'a{3,1}' /etc/passwd": (1, "grep: a number of times in the pattern is wrong"),
    "date +%Q": (1, "date: %Q: no such part of a date"),
    "sh -c 'nosuch 2>/dev/null; cd /no 2>/dev/null'": (1, ""),
    "pwd x": (2, "pwd: takes no words"),
    "abi probe /no": (2, "abi: /no: not found"),
    "zone": (2, "zone: usage: zone run ABI CALL [a0 a1 a2]"),
    "zone run xv6 11": (1, "zone: zone of xv6: not supported"),
    "view bogus -- ls": (1, "view: not a word of mine, or not all of its arguments: bogus"),
    "view -- nocmd": (127, "view: nocmd: not found"),
    "init": (1, "init: only the first task can be init"),
    "login -f nouser": (1, "login: no such user: nouser"),
    "sleep": (2, "sleep: usage: sleep seconds"),
    "sleep 1x": (1, "sleep: not a number of seconds: 1x"),
    "sleep .01": (0, ""),
    "sh -q": (2, "sh: -q: no such option"),
    "sh /no": (127, "sh: /no: not found"),
}


def test_tool_usage() -> None:
    """Every program says how it is used when asked to, with 0; mistakes give one line and a status."""
    names = sorted(p.name for p in (OVERLAY / "system/scarlet/bin").iterdir() if p.name not in ("echo", "native-test"))
    script = "\n".join(f"{BIN}/{name} --help; echo $?" for name in names) + "\n"
    script += "\n".join(f"{BIN}/{c} 2>&1 </dev/null; echo $?" for c in ERRORS)
    output, _ = boot(1, "sh", script.encode())
    lines = output.splitlines()
    for name in names:
        assert (lines[0].startswith(f"usage: {name}"), lines[1]) == (True, "0"), lines[:2]
        lines = lines[2:]
    for command, (status, text) in ERRORS.items():
        want = [*([text] if text else []), str(status)]
        assert (command, lines[:len(want)]) == (command, want)
        lines = lines[len(want):]


def test_manual() -> None:
    """`make docs` makes the page of the C library: a section for each part of the header, every function in it."""
    subprocess.run(["make", "-s", "docs"], cwd=machine.ROOT, check=True, capture_output=True)
    page = (machine.ROOT / "build/release/docs/libscarlet.md").read_text()
    header = (machine.ROOT / "userland/libscarlet/include/scarlet/scarlet.h").read_text()
    functions = re.findall(r"^[a-z].*?\*?(\w+)\(.*", header, re.MULTILINE)
    assert len(functions) > 60 and all(f"{name}(" in page for name in functions)
    assert page.count("\n## ") == 1 + len(re.findall(r"^// --- ", header, re.MULTILINE)) and page.count("```") % 2 == 0


@contextlib.contextmanager
def console(log: Path, overlay: Path = OVERLAY) -> Iterator[pexpect.spawn]:
    """A machine whose first task is the native init."""
    what = machine.Machine(overlay=overlay, append=f"init={BIN}/init")
    with machine.initrd_file(what.initrd_bytes([])) as initrd, open(log, "wb") as file:
        argv = what.argv(initrd, machine.WORDS, machine.Console.TYPED)
        child = pexpect.spawn(argv[0], argv[1:], timeout=30, dimensions=(24, 80), echo=False)
        child.logfile_read = file
        child.delaybeforesend = 0.05
        try:
            yield child
        finally:
            child.close(True)


def test_init_login_shell() -> None:
    """init starts login, login the shell; editing, history, completion, job control, orderly shutdown."""
    with console(machine.new_log("native-init")) as t:
        t.expect("scarlet# ")
        t.send("echo fro\x02\x02X\x05m\r")
        t.expect(r"\r+\nfXrom\r+\n")
        t.expect("scarlet# ")
        t.send("\x10\x01\x0becho again\r")
        t.expect(r"\r+\nagain\r+\n")
        t.send("ec\tdone\r")
        t.expect(r"\r+\ndone\r+\n")
        t.expect("scarlet# ")
        t.send("echo one two > '/tmp/ab c'\r")
        t.expect("scarlet# ")
        t.send("cat /tmp/ab\t; cat '/tmp/ab\t\r")  # names are quoted as the word is
        t.expect(r"\r+\none two\r+\none two\r+\n")
        t.expect("scarlet# ")
        t.send("echo ä\x7fü\x02ö\x05; echo half\x10\x0e; echo x y\x1bb\x1bbz\r")  # characters; an unfinished line; words
        t.expect("\r+\nöü\r+\nhalf\r+\nzx y\r+\n".encode())
        t.expect("scarlet# ")
        t.send("\x12fX\r")  # an older line that holds this
        t.expect(r"\r+\nfXrom\r+\n")
        t.expect("scarlet# ")
        # The first tasks live in the base tree; EXEC_REBUILD takes a program to where native ones live.
        t.send("native-test rebuilt; echo in $?; native-test rebuild; echo in $?\r")
        t.expect(r"\nin 1\r+\nin 0\r+\n")
        t.expect("scarlet# ")
        t.send("native-test sleep\r")
        t.expect("\n")
        t.send("\x1a")
        t.expect("stopped")
        t.send("jobs\r")
        t.expect(r"\[1\] stopped")
        t.send("fg\r")
        t.expect(r"native-test\r+\n")
        t.send("\x03")
        t.expect("scarlet# ")
        # Nothing to do for init: it sleeps, and does not look now and then.
        t.send("look() { cat /proc/1/status | grep ctxt; }; a=$(look); sleep 2.2; [ \"$a\" = \"$(look)\" ] && echo init sle''eps\r")
        t.expect(r"\ninit sleeps\r+\n")
        t.expect("scarlet# ")
        t.send("native-test sleep & ps\r")
        t.expect("init")
        t.expect("scarlet# ")
        t.send("kill -KILL %native\r")
        t.expect("scarlet# ")
        t.send("cat\r")
        t.expect("\n")
        t.send("to and fro\r")
        t.expect(r"to and fro\r+\nto and fro\r+\n")
        t.send("\x04")  # the end of input, typed once
        t.expect("scarlet# ")
        t.send("echo 'no end\r")
        t.expect("> ")
        t.send("\x03")  # gives the whole command up
        t.expect("scarlet# ")
        t.send("PS1='<\\w> '; cd /tmp\r")
        t.expect("</tmp> ")
        t.send("unset PS1\r")
        t.expect("scarlet# ")
        t.send("exit\r")
        t.expect("scarlet# ", timeout=20)
        t.send("shutdown\r")
        t.expect(pexpect.EOF, timeout=30)
    assert not re.search(rb"panic", t.before or b"")


# Made with crypt(3): "geheim" with the usual rounds, "zwei worte" with 1,400 and a salt that is cut at 16 characters.
SHADOW = """\
root:$6$saltstring$gUUU7Q1nHUlpW3Td/XNWQNCXldxCtDo4d5k5ezG8jW58.bfdBZvqtBPM1S1LRoM/fG4Mb/ZCXJKbZYUcbur6S0:19000:0:99999:7:::
user:$6$rounds=1400$anotherlongsalts$XUnC2yWhKf3Xg9M9dFBRyE5.E9aRac3daCwhfkDFL23Xr32KXqGxEcnYE1MuCdZu0ua3nx3CT2cRfOOBUANII/:19000:0:99999:7:::
nobody:!:19000:0:99999:7:::
"""


def test_login_and_services(tmp_path: Path) -> None:
    """login checks hashes, tells nothing about users, gives up privileges; init runs once, keep and end lines and says what is wrong."""
    tree = tmp_path / "tree"
    shutil.copytree(OVERLAY, tree)
    (tree / "etc").mkdir()
    (tree / "etc/shadow").write_text(SHADOW)
    (tree / "etc/shadow").chmod(0o600)
    (tree / "system/scarlet/etc/init.conf").write_text("""# a test
once echo first > /tmp/log
nonsense line
once nosuchprogram
keep echo kept >> /tmp/log; sleep 3
end echo the end is near
console login
""")
    with console(machine.new_log("native-login"), tree) as t:
        t.expect(r"init: .*init.conf:3: no such word")
        for name, password in (("root", "falsch"), ("nosuchuser", "geheim"), ("nobody", "!"), ("user", "")):
            t.expect("login: ")
            t.send(f"{name}\r")
            t.expect("password: ")
            t.send(f"{password}\r")
            t.expect("login incorrect")
        t.expect("login: ")
        t.send("user\r")
        t.expect("password: ")
        t.send("zwei worte\r")
        t.expect(r"scarlet\$ ")
        t.send("cat /etc/shadow; kill 1; stat -L /proc/self | grep owner; shutdown; echo over\r")
        t.expect(r"shadow: [^\n]*enied")
        t.expect(r"1: [^\n]*not permitted")
        t.expect("owner 1000")
        t.expect("not permitted")
        t.expect(r"over\r")
        t.send("exit\r")
        t.expect("login: ")
        t.send("root\r")
        t.expect("password: ")
        t.send("geheim\r")
        t.expect("scarlet# ")
        t.send("i=0; while [ $(grep -c kept /tmp/log) -lt 2 ]; do sleep 1; done; head -n 1 /tmp/log; shutdown\r")
        t.expect(r"\nfirst\r")
        t.expect("the end is near", timeout=30)
        t.expect(pexpect.EOF, timeout=30)


@pytest.mark.soak  # builds two more kernels
def test_without_other_abis() -> None:
    """A kernel with the native ABI alone runs it; one without it runs the rest."""
    for abis, words in (("scarlet", f"init={BIN}/init"), ("linux", "")):
        subprocess.run(["make", "-s", "kernel", f"ABIS={abis}", f"OUT=build/abis-{abis}"], cwd=machine.ROOT, check=True,
                       capture_output=True)
        kernel = machine.ROOT / f"build/abis-{abis}/scarlet"
        what = machine.Machine(overlay=OVERLAY, append=words, kernel=kernel)
        if abis == "linux":
            one = run.Run(dataclasses.replace(what), [machine.Job(b"echo fine; /system/scarlet/bin/echo no")], machine.new_log("abis"))
            data = b"".join(e.data for e in one.events(60) if isinstance(e, frames.Output))
            assert data.startswith(b"fine\n") and b"\nno" not in data
            continue
        with machine.initrd_file(what.initrd_bytes([])) as initrd:
            argv = what.argv(initrd, machine.WORDS, machine.Console.TYPED)
            child = pexpect.spawn(argv[0], argv[1:], timeout=30, echo=False)
            try:
                child.expect("scarlet# ")
            finally:
                child.close(True)
