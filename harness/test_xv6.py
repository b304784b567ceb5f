"""The xv6 ABI: its own tests under each way of linking, and what programs of other systems see of its programs."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from harness import machine, once
from harness.console import PROMPT, Console, first_prompt

pytestmark = [pytest.mark.boot, pytest.mark.scarlet]
PROGRAMS = machine.chosen().userland / "xv6"


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder of our xv6 programs, built."""
    if not machine.chosen().hosted:  # whose programs are built with it
        subprocess.run(["make", "-s", "-C", str(machine.ROOT), "xv6-programs"], check=True)
    return PROGRAMS


@pytest.fixture
def overlay(programs: Path, tmp_path: Path) -> Path:
    """An overlay with the programs in /xv6."""
    folder = tmp_path / "xv6"
    folder.mkdir()
    for file in programs.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    return tmp_path


def boot(smp: int, overlay: Path, command: str, timeout: float = 120) -> tuple[str, int]:
    """Output and status of one command line, run in /xv6."""
    done = once.boot(machine.Machine(smp=smp, overlay=overlay), f"cd /xv6; {command}", timeout)
    return done.output, done.status


@pytest.mark.parametrize("how", ["", *(pytest.param(how, marks=pytest.mark.again) for how in ("-main", "-rwx"))])
def test_statements(overlay: Path, smp: int, how: str) -> None:
    """Every statement of docs/xv6.md, for programs with an entry wrapper, without, and in one writable segment."""
    output, status = boot(smp, overlay, f"./xv6test{how}")
    assert status == 0, "\n".join(line for line in output.splitlines() if not line.startswith("ok "))
    assert re.search(r"^\d+ tests, 0 failed$", output, re.MULTILINE)


@pytest.mark.again
def test_statements_from_other_shells(overlay: Path) -> None:
    """The same started by the native shell and by xv6's own."""
    output, status = boot(4, overlay, "scarlet_sh -c ./xv6test && ./sh -c ./xv6test")
    assert status == 0 and len(re.findall(r"^\d+ tests, 0 failed$", output, re.MULTILINE)) == 2, \
        "\n".join(line for line in output.splitlines() if not line.startswith("ok "))


def test_statements_in_a_view_of_its_own(overlay: Path) -> None:
    """The same with the programs' folder as root directory, twice: nothing is used up by the first run."""
    (overlay / "xv6/proc").mkdir()
    output, status = boot(1, overlay, "mount -t proc proc /xv6/proc; for i in 1 2; do chroot /xv6 /xv6test || exit; done")
    assert status == 0, "\n".join(line for line in output.splitlines() if not line.startswith("ok "))


def test_in_a_pipeline(overlay: Path, smp: int) -> None:
    """Programs of both systems in one pipe, in every order, two hundred times; nothing is left behind."""
    output, _ = boot(smp, overlay, """
        cat /etc/passwd | ./grep root | ./wc; ./cat < /etc/passwd | grep root | wc -l; ./cat /scarlet/etc/passwd | ./grep root | wc -l
        avail() { sync; sleep 0.3; awk '/^MemFree/ { print $2 }' /proc/meminfo; }
        many() { i=0; while [ $i -lt $1 ]; do ./echo a b c | cat | ./cat | wc -w; i=$((i+1)); done | ./grep '^3$' | wc -l; }
        many 20; a=$(avail); many 200; i=0; b=$(avail); while [ $((a - b)) -ge 1024 ] && [ $i -lt 20 ]; do b=$(avail); i=$((i+1)); done
        [ $((a - b)) -lt 1024 ] && echo kept || echo "lost $((a - b))"
        tasks() { ls /proc > /tmp/l; grep -c '^[0-9]' /tmp/l; }; n=$(tasks); ./sh -c 'zombie; echo x | cat | wc; (echo a & echo b &)'
        i=0; while [ $(tasks) != $n ] && [ $i -lt 50 ]; do sleep 0.2; i=$((i+1)); done; [ $(tasks) = $n ] && echo same""")
    lines = output.split("\n")
    assert lines[0].startswith("1 1 ") and lines[1:3] == ["1", "1"], output
    assert lines[3:6] == ["20", "200", "kept"] and "same" in lines, output


STATUSES = [("./act exit 7", 7), ("./act exit 300", 44), ("./act exit -1", 255), ("./act read 0x80000000", 139), ("./act write 0x0", 139),
            ("./act read 0xffffffffffffffff", 139), ("./sh -c 'act read 0x80000000'", 255), ("./sh -c '/names/linux_false'", 1),
            ("./sh -c '/names/linux_sh -c \"exit 9\"'", 9), ("timeout 1 ./act sleep 100", 143), ("timeout -s KILL 1 ./act spin", 137),
            ("timeout -s INT 1 ./act spin", 130), ("sleep 9 | timeout 1 ./cat", 143), ("timeout -s USR1 1 ./act spin", 138)]


def test_statuses(overlay: Path) -> None:
    """What a Linux parent is told of an xv6 child's end, and an xv6 shell of a Linux child's."""
    output, _ = boot(1, overlay, "{ " + "; ".join(f"{command} 2>/dev/null; echo $?" for command, _ in STATUSES) + "; } 2>/dev/null")
    got = [int(word) for word in output.split()]
    assert got == [status for _, status in STATUSES]


def test_killing_both_ways(overlay: Path, smp: int) -> None:
    """Signals end xv6 programs, except those that a terminal or shell needs; xv6's kill ends Linux programs."""
    output, _ = boot(smp, overlay, """{
        ./act spin & p=$!; kill -CHLD $p; kill -WINCH $p; kill -CONT $p; sleep 0.2; kill -0 $p && echo alive
        kill -STOP $p; sleep 0.2; awk '{ print $3 }' /proc/$p/stat; kill -CONT $p; sleep 0.2; awk '{ print $3 }' /proc/$p/stat
        ./kill $p; wait $p; echo $?
        sleep 100 & p=$!; ./kill $p; wait $p; echo $?
        ./kill 99999; echo $?; ./kill 1; echo $?; kill -0 1 && echo init
        ./act sleep 3 & p=$!; kill -STOP $p; sleep 1; kill -CONT $p; wait $p; echo $?
        yes | ./cat | head -n 1; ./cat /dev/zero | head -c 3 | wc -c; } 2>/dev/null""")
    assert output.split() == ["alive", "T", "R", "137", "137", "1", "0", "init", "slept", "0", "0", "y", "3"], output


def test_orphans_go_to_init(overlay: Path) -> None:
    """Children of an xv6 program that ended are reaped; those that init has not come to yet take no place in its machine."""
    output, _ = boot(1, overlay, """./act orphan 3 orphan 0 orphan 3; sleep 0.1; pidof act | wc -w; sleep 1; pidof act | wc -w
        cp act init; ./init zombies 100; ./act zombies 100""")
    assert output.split("\n")[:4] == ["2", "0", "left 100", "left 63"], output


def test_limits_of_a_view(overlay: Path) -> None:
    """A view's own limits, counted for it alone; mistakes in them are named."""
    (overlay / "a/etc").mkdir(parents=True)
    (overlay / "b").mkdir()
    for view in ("a", "b"):
        shutil.copy(overlay / "xv6/act", overlay / view)
    (overlay / "a/etc/xv6").write_text("# small\nprocesses 5\nhandles 8\nmemory 1M\nfile_size 2K # two\nwhat 7\nfiles\n")
    output, _ = boot(1, overlay, """
        chroot /a /act fork 1000; chroot /a /act files /act; chroot /a /act memory
        chroot /a /act fork 1000 sleep 10 & sleep 0.5; chroot /b /act fork 1000 files /act; wait
        for i in 1 2 3 4 5 6 7; do chroot /a /act sleep 5 & done; chroot /a /act say entered; wait
        dmesg | grep 'xv6: /etc/xv6' | sed 's/.*xv6, //; s/:.*//' | sort -u""")
    lines = [line for line in output.split("\n") if not line.startswith("slept")]
    assert lines[:2] == ["forked 4", "opened 5"], output
    assert re.fullmatch(r"pages 2\d\d", lines[2]), output
    assert lines[3:7] == ["forked 4", "forked 63", "opened 12", "entered"], output
    assert lines[7:9] == ["line 6", "line 7"], output


def test_names_of_other_systems(overlay: Path) -> None:
    """Long names are cut in listings and found by their first 14 characters."""
    output, _ = boot(1, overlay, """
        mkdir /tmp/n; cd /tmp/n; echo one > a-long-name-of-linux; echo two > 12345678901234; echo three > 12345678901234-more; ln -s nowhere dangling
        /xv6/ls . 2>/dev/null | sed 's/ .*//'; /xv6/cat a-long-name-of; /xv6/cat a-long-name-of-whatever; /xv6/cat a-long-name-of-linux
        /xv6/cat 12345678901234-more; /xv6/ln a-long-name-of-linux z; cat z; /xv6/rm a-long-name-of; ls; /xv6/mkdir a-long-name-of-xv6; ls""")
    words = output.split()
    assert words[:2] == [".", ".."] and set(words[2:5]) == {"a-long-name-of", "12345678901234"}, output
    after = output[output.index("one"):].split()
    assert after == ["one", "one", "one", "two", "one", "12345678901234", "12345678901234-more", "dangling", "z",
                     "12345678901234", "12345678901234-more", "a-long-name-of", "dangling", "z"], output


def test_shared_files(overlay: Path) -> None:
    """A file written by one system, appended by the second, renamed by the first; the largest xv6 file does not bind Linux."""
    output, _ = boot(1, overlay, """
        cd /tmp; /xv6/sh -c 'echo one > f'; echo two >> f; mv f g; /xv6/cat g; /xv6/sh -c 'echo three >> g'; cat g | wc -l
        head -c 1000000 /dev/zero > big; /xv6/wc big; /xv6/cat big > copy; ls -l copy | awk '{ print $5 }'
        /xv6/cat /scarlet/xv6/wc > w2; chmod 755 w2; ./w2 g; /xv6/sh -c 'cat /echo > /tmp/e2'; /tmp/e2 made by xv6""")
    assert output.split("\n")[:3] == ["one", "two", "3"], output
    assert "0 1 1000000 big" in output and "made by xv6" in output, output


def test_environment_passes_through(overlay: Path) -> None:
    """xv6 has no environment, and still hands it on; the working directory and descriptors go through as well."""
    output, status = boot(1, overlay, """cd /tmp; export MARK='a b'; echo in > in
        /xv6/sh -c '/names/linux_sh -c "echo $MARK $(pwd); cat; exit 3"' < in""")
    assert (output, status) == ("a b /tmp\nin\n", 3)


def test_memory_and_processes_survive_a_crowd(overlay: Path, smp: int) -> None:
    """Forking and growing until it fails, in four shells at once, again and again."""
    output, _ = boot(smp, overlay, """
        for i in 1 2 3 4; do (for k in 1 2 3; do ./act fork 1000 memory; done) & done > out; wait; ./grep -c x x 2>/dev/null
        ./act fork 1000; pidof act | wc -w; awk '/^forked/ { n++ } END { print n }' out""")
    assert output.split()[-4:] == ["forked", "63", "0", "12"], output


def test_terminal(overlay: Path) -> None:
    """^C and ^Z at a mixed pipeline, ^D and ^U at a prompt, ^P, init and its orphans."""
    with Console(dataclasses.replace(machine.Machine(), overlay=overlay)) as t:
        t.run("cd /xv6")
        for line in ("./act spin", "cat | ./cat", "./cat | cat", "sleep 100 | ./act sleep 1000 | ./wc"):
            t.line(line)
            t.child.expect(r"\n", timeout=10)
            time.sleep(0.5)
            t.send("\x03")
            t.expect(re.escape(PROMPT), 10)
        t.line("./act sleep 20 | cat")
        t.child.expect(r"\n", timeout=10)
        time.sleep(0.4)
        t.send("\x1a")
        assert "Stopped" in t.expect(re.escape(PROMPT), 10).decode()
        t.line("fg")
        t.expect("slept 0", 20)
        t.expect(re.escape(PROMPT), 10)
        assert "Stopped" in t.run("./cat & sleep 0.4; jobs")  # reads from the background
        t.run("kill %1")
        t.line("./wc")
        t.child.expect(r"\n", timeout=10)
        time.sleep(0.3)
        t.send("\x10")
        t.expect(r"\d+ \w+ wc", 10)
        t.send("\x03")
        t.expect(re.escape(PROMPT), 10)
        assert "quit = ^\\" in t.run("stty -a") and "-noflsh" in t.run("stty -a")  # as they were
        t.line("./wc")
        t.child.expect(r"\n", timeout=10)
        time.sleep(0.4)
        t.send("gone\x15two words\n\x04")
        t.expect("1 2 10", 10)
        t.expect(re.escape(PROMPT), 10)
        t.line("chroot /xv6 /init")
        t.expect(r"\$ ", 10)
        t.line("zombie")
        t.expect(r"\$ ", 10)
        t.line("act orphan 1 orphan 1")
        t.expect(r"\$ ", 10)
        t.line("echo a b | cat | wc")
        t.expect(r"1 2 4", 10)
        t.expect(r"\$ ", 10)
        t.send("echo ke\x10")  # the list leaves the line alone
        t.expect(r"\d+ sleep init\r*\n\d+ \w+ sh\r*\n", 10)
        t.send("pt\n")
        t.expect(r"kept", 10)
        t.expect(r"\$ ", 10)
        time.sleep(0.5)
        t.send("\x04")  # ends the shell; init starts another
        t.expect(r"starting sh", 10)
        t.expect(r"\$ ", 10)
        t.line("ls console")
        t.expect(r"console +3 ", 10)


def test_init_is_the_first_program(programs: Path, tmp_path: Path) -> None:
    """Laid over the root, xv6's programs are the system. The console is theirs: ^P lists the processes, ^D ends the shell and init starts
    another, ^C and ^Z are characters."""
    for name in ("init", "sh", "cat", "ls", "wc", "echo"):
        shutil.copy(programs / name, tmp_path)
    first_prompt(machine.Machine(overlay=tmp_path), r"starting sh\s+\$ ", ("ls wc\r", r"wc +2 \d+ \d+\s+\$ "), ("cat\r", "cat\r*\n"),
                 ("a\x03b\x1ac\r", "\r*\na\x03b\x1ac\r*\n"), ("\x10", r"1 sleep init\r*\n\d+ \w+ sh\r*\n\d+ \w+ cat\r*\n"),
                 ("\x04", r"\$ "), ("\x04", r"starting sh\s+\$ "), ("echo a b | cat | wc\r", r"1 2 4"))
