"""Three systems at once, with the image as it is: pipelines, shells, chains of exec, shared files, runtimes, and who may end whom."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pexpect
import pytest

from harness import guestprog, machine, once
from harness.console import PROMPT, Console, first_prompt

pytestmark = [pytest.mark.boot, pytest.mark.scarlet]
ABIS = machine.SHELLS
ISA = machine.chosen().isa
BOOT = str(machine.ROOT / "harness/boot")
# xv6's root shows no /etc but its own; the base tree is at /scarlet in every view.
PASSWD = {"linux": "/etc/passwd", "scarlet": "/etc/passwd", "xv6": "/scarlet/etc/passwd"}


def test_six_orders_from_three_shells(smp: int) -> None:
    """A line through three systems, whatever the order and whoever's shell typed it."""
    orders = [f"{a}_cat {PASSWD[a]} | {b}_grep root | {c}_wc" for a, b, c in permutations(ABIS)]
    jobs = [machine.Job("; ".join(orders).encode(), shell=machine.shell_of(abi, machine.chosen())) for abi in ABIS]
    for abi, done in zip(ABIS, once.boot_all(machine.Machine(smp=smp), jobs)):
        assert [line.split() for line in done.lines] == [["1", "1", "30"]] * 6, f"{abi}'s shell printed {done.output}"


def test_two_hundred_pipelines_leave_nothing(smp: int) -> None:
    """After a warm-up, two hundred mixed pipelines take no memory, no process, no open file."""
    orders = "; ".join(f"{a}_echo a b c | {b}_cat | {c}_wc" for a, b, c in permutations(ABIS))
    done = once.boot(machine.Machine(smp=smp), """
        level() { sleep 0.5; awk '/^MemFree/ { print $2 }' /proc/meminfo; }
        many() { i=0; while [ $i -lt $1 ]; do """ + orders + """; i=$((i+6)); done | linux_grep -c '1 *3 *6'; }
        files() { cut -f 1 /proc/sys/fs/file-nr; }
        tasks() { ls /proc > /tmp/l; grep -c '^[0-9]' /tmp/l; }
        many 60; a=$(level) t=$(tasks) f=$(files); many 204; b=$(level); i=0
        while [ $i -lt 20 ] && { [ $((a - b)) -ge 1024 ] || [ $(tasks) != $t ]; }; do b=$(level); i=$((i+1)); done
        [ $((a - b)) -lt 1024 ] && echo level || echo "lost $((a - b)) kB"
        [ $(tasks) = $t ] && echo same tasks || ps; g=$(files); [ $g -le $((f + 9)) ] && echo same files || echo $((g - f)) files""", 300)
    assert done.lines == ["60", "204", "level", "same tasks", "same files"]


@pytest.fixture(name="session")
def interactive() -> Iterator[pexpect.spawn]:
    """harness/boot without a command, as `make run` calls it."""
    child = pexpect.spawn(BOOT, ["--on", machine.chosen().name], timeout=60, dimensions=(24, 100), env={**os.environ, "TERM": "vt100"})
    child.delaybeforesend = 0.05
    yield child
    child.close(True)


SHELL_PROMPTS = {"linux": r"# (?:\x1b\[6n)?$", "scarlet": r"scarlet# [^\n]*$", "xv6": r"(?:^|\n)\$ $"}


def test_shells_by_name(session: pexpect.spawn) -> None:
    """A greeting with a guide; each system's shell opens from each by its name, and leaving returns."""
    session.expect("Scarlet: programs of several systems")
    session.expect("linux, scarlet, xv6 +open that system's shell")
    session.expect(SHELL_PROMPTS["linux"])

    def line(text: str, prompt: str) -> str:
        session.send(text + "\r")
        session.expect(r"\r+\n")  # the echo
        session.expect(SHELL_PROMPTS[prompt])
        return session.before.decode(errors="replace")

    for outer in ABIS:
        line(outer, outer)
        for inner in ABIS:
            line(inner, inner)
            assert "inside" in line("linux_echo in''side", inner)
            line("exit", outer)
        line("exit", "linux")
    assert "outside" in line("echo out''side", "linux")


@pytest.mark.qemu
def test_make_run_takes_a_shell() -> None:
    """SHELL_ABI= of make and --shell choose who reads the command line; a wrong one is named."""
    env = {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")}
    # Each shell's view has its own name for the home directory; xv6's shell knows no variables.
    printed = {"linux": b"/root 143\n", "scarlet": b"/scarlet/root 143\n", "xv6": b"$HOME $?\n"}
    for abi, want in printed.items():
        done = subprocess.run(["make", "-s", "run", f"SHELL_ABI={abi}", "CMD=linux_timeout 1 xv6_act spin; linux_echo $HOME $?"],
                              cwd=machine.ROOT, env=env, capture_output=True, check=False)
        assert done.stdout.endswith(want), (abi, done)
    for words in (["--shell", "vms"], ["--linux", "--shell", "xv6"]):
        wrong = subprocess.run([BOOT, *words, "--", "true"], capture_output=True, check=False)
        assert wrong.returncode == 210 and b"--shell" in wrong.stderr and wrong.stdout == b"", wrong


@pytest.fixture(name="guests")
def machine_with_guests(tmp_path: Path) -> machine.Machine:
    """The image with relay and tally as programs of all three ABIs."""
    for name in ("relay", "tally"):
        guestprog.install(name, tmp_path)
    return machine.Machine(overlay=tmp_path)


def test_chain_of_exec(guests: machine.Machine, smp: int) -> None:
    """Native, Linux, xv6, native, Linux by exec in one process: environment, directory, handles, group, session and terminal stay;
    what is to be closed is closed."""
    done = once.boot(dataclasses.replace(guests, smp=smp), """
        mkdir -p /home/u; cd /home/u; echo 12345 > letters; echo here > here; export RELAY='a b'
        scarlet_relay /names/linux_relay /names/xv6_relay /names/scarlet_relay /names/linux_relay 5< letters
        xv6_relay /names/scarlet_relay /names/xv6_relay /names/linux_relay 5< letters""", tty=True)
    lines = [re.sub("task=.*", "", line).split(" ", 1) for line in done.output.replace("\r", "").splitlines()]
    told = "fd5={} fd3=gone cwd=h env={} "
    assert lines == [[abi, told.format(1 + i, "-" if abi == "xv6" else "a b")] for order in
                     (["native", "linux", "xv6", "native", "linux"], ["xv6", "native", "xv6", "linux"]) for i, abi in enumerate(order)], done.output
    tasks = [line.split("task=")[1] for line in done.output.replace("\r", "").splitlines()]
    assert len(set(tasks[:5])) == 1 and len(set(tasks[5:])) == 1, done.output  # group, session, terminal, number
    group, session, terminal, number = tasks[0].split(",")
    assert int(terminal) > 0 and int(session) > 0 and int(group) > 0 and int(number) > 1


SCRIPT_LINES = {"linux": "#!/names/linux_sh", "scarlet": "#!/bin/scarlet_sh", "xv6": "#!/bin/xv6_sh"}


def test_scripts_of_each_system(smp: int) -> None:
    """A script names another system's shell, from each shell; generated names count as programs of /bin."""
    make = "".join(f"printf '{first}\\necho {abi} script | linux_cat\\n' > {abi}.s;" for abi, first in SCRIPT_LINES.items())
    run = "; ".join(f"./{abi}.s" for abi in ABIS)
    jobs = [machine.Job(f"cd /tmp; {make} chmod +x *.s; {run}; linux_sh -c '{run}'; scarlet_sh -c '{run}'; xv6_sh -c '{run}'".encode())]
    done = once.boot_all(machine.Machine(smp=smp), jobs)[0]
    assert done.lines == [f"{abi} script" for abi in ABIS] * 4, done.output


MOVE = {"linux": "linux_mv f g", "scarlet": "scarlet_mv f g", "xv6": "xv6_ln f g; xv6_rm f"}


def test_one_writes_one_appends_one_renames() -> None:
    """Shared places hold one file for all three, in every division of the work."""
    work = "".join(f"""
        {a}_sh -c 'echo {a} > f'; {b}_sh -c 'echo {b} >> f'; {MOVE[c]}; [ -e f ] && echo still there; xv6_cat g | tr '\\n' ' '; scarlet_cat g | cmp - g; rm g"""
                   for a, b, c in permutations(ABIS))
    done = once.boot(machine.Machine(smp=4), f"for d in /home/t /tmp/t /data/shared/t; do mkdir $d; cd $d; {work}; echo; done")
    assert [line.split() for line in done.lines] == [[word for a, b, _ in permutations(ABIS) for word in (a, b)]] * 3, done.output


# 128 + 15 for a Linux or native parent, -1 for an xv6 one. A Linux writer dies of a signal; native and xv6 ones are told by the call and end by
# themselves.
TRUTH = f"""143 143 143 143 255 9 8 7 6 5 linux_cat 141 scarlet_cat 1 xv6_cat 1
    linux-{ISA} sleep linux-{ISA} sleep scarlet sort xv6-{ISA} act 3 0"""


def test_changes_stay_in_the_configuration() -> None:
    """What a program changes outside shared places lands in its ABI's configuration and nowhere else, from whichever shell."""
    done = once.boot(machine.Machine(smp=2), r"""
        everything() { find / -xdev -type f | sort > /tmp/$1; }
        everything before
        linux_sh -c 'echo 1 > /etc/one; echo more >> /etc/hosts; rm /etc/guide; mkdir /opt; echo 2 > /opt/two'
        scarlet_sh -c "linux_sh -c 'echo 3 > /etc/three'; echo 4 > /etc/four"
        xv6_sh -c 'echo 5 > /five'
        everything after; diff /tmp/before /tmp/after | grep '^[+-]/'
        grep -c more /etc/hosts; scarlet_sh -c 'linux_tail -n 1 /etc/hosts; linux_ls /etc/guide'; cat /data/config/xv6-$(uname -m)/five""")
    config = "+/data/config/"
    assert done.lines == [config + name for name in (
        *(f"linux-{ISA}/{name}" for name in ("etc/hosts", "etc/one", "etc/three", "opt/two")), "scarlet/etc/four", f"xv6-{ISA}/five")] + ["0", "more", "ls: /etc/guide: No such file or directory", "5"]


def test_where_xv6_programs_start() -> None:
    """Where the caller is; in their own root from a root, and their shell from a place that has another name there. Files that are no programs
    have no generated names."""
    done = once.boot(machine.Machine(smp=2), r"""
        cd /root; echo here > f; xv6_cat f; echo cat f > s; xv6_sh s; xv6_sh -c scarlet_pwd; cd /tmp; xv6_sh -c scarlet_pwd
        cd /home; echo scarlet_pwd | xv6_sh 2> /dev/null; cd /; xv6_ls wc; scarlet_sh -c 'cd /; xv6_ls wc'
        echo text > /system/xv6-$(uname -m)/README; ls /names | grep -c xv6_README; ls /names | grep -c xv6_wc""")
    assert [line.split(" ")[0] for line in done.lines] == ["here", "here", "/", "/tmp", "/home", "wc", "wc", "0", "1"], done.output


def test_base_changes_under_a_view() -> None:
    """Linux programs' view shows the base tree as it is now: new, changed, renamed and removed files, also where it looked before."""
    done = once.boot(machine.Machine(smp=2), r"""
        mkdir -p /opt/d; echo old > /opt/a; echo kept > /opt/k; mkfifo /tmp/go /tmp/at
        linux_sh -c 'cd /opt
            cat a b d/e k; echo > /tmp/at; read -r x < /tmp/go
            cat a b d/e; stat -c %a a; ls; echo mine > k; echo > /tmp/at; read -r x < /tmp/go
            ls; cat k; ls d; mv b a2; cat a2; rm d/f; ls d' > /tmp/seen 2>&1 &
        read -r x < /tmp/at; echo new > /opt/b; echo changed > /opt/a; chmod 600 /opt/a; echo e > /opt/d/e; echo > /tmp/go
        read -r x < /tmp/at; mv /opt/a /opt/c; mv /opt/d /opt/x; mkdir /opt/d; echo f > /opt/d/f; echo base > /opt/k; echo > /tmp/go
        wait; cat /tmp/seen; echo; ls /opt /opt/d; cat /opt/k""")
    assert done.lines == [
        "old", "cat: can't open 'b': No such file or directory", "cat: can't open 'd/e': No such file or directory", "kept",
        "changed", "new", "e", "600", "a", "b", "d", "k",
        "b", "c", "d", "k", "x", "mine", "f", "new", "", "/opt:", "b", "c", "d", "k", "x", "", "/opt/d:", "f", "base"], done.output


def test_cross_truth(smp: int) -> None:
    """Linux's timeout ends xv6's and native programs, everybody reaps everybody's children, a broken pipe tells each its own way,
    ps knows whose each is, and xv6's kill ends them all."""
    done = once.boot(machine.Machine(smp=smp), r"""{
        linux_timeout 1 xv6_act sleep 1000; echo $?; linux_timeout 1 xv6_act spin; echo $?; linux_timeout 1 scarlet_cat /dev/zero >/dev/null; echo $?
        scarlet_sh -c 'linux_timeout 1 xv6_act spin; echo $?'; xv6_sh -c 'linux_timeout 1 xv6_act sleep 1000'; echo $?
        xv6_sh -c 'linux_sh -c "exit 9"'; echo $?; xv6_sh -c 'scarlet_sh -c "exit 8"'; echo $?; scarlet_sh -c 'xv6_act exit 7'; echo $?
        scarlet_sh -c 'linux_sh -c "exit 6"'; echo $?; linux_sh -c 'scarlet_sh -c "xv6_act exit 5"'; echo $?
        for p in linux_cat scarlet_cat xv6_cat; do { $p /dev/zero; echo "$p $?" > /tmp/$p; } | linux_true; i=0
            while [ ! -s /tmp/$p ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; cat /tmp/$p; done
        xv6_act sleep 5000 & linux_sleep 500 & scarlet_sh -c 'linux_sleep 500; linux_true' & mkfifo /tmp/f; scarlet_sort /tmp/f & sleep 2
        scarlet_ps > /tmp/ps; awk '$NF ~ /^(act|sleep|sort)$/ { print $(NF-1), $NF }' /tmp/ps | sort
        pidof act sleep | wc -w; xv6_kill $(pidof act sleep sort); wait; pidof act sleep sort | wc -w; } 2>/dev/null""")
    assert done.output.split() == TRUTH.split(), done.output


def pipelines_of_all() -> list[str]:
    """Pipelines that run until they are interrupted, one for each order of the systems."""
    return [f"{a}_cat | {b}_cat | {c}_cat" for a, b, c in permutations(ABIS)]


def test_killed_on_the_way_into_another_system(smp: int) -> None:
    """A signal finds its program whenever it is sent: before it becomes one of another system, while it does, after."""
    done = once.boot(machine.Machine(smp=smp), r"""{ i=0; while [ $i -lt 400 ]; do
            case $((i % 3)) in 0) scarlet_sleep 30 & ;; 1) xv6_act sleep 3000 & ;; *) linux_sleep 30 & ;; esac
            p=$!; j=0; while [ $j -lt $((i % 67)) ]; do j=$((j+1)); done
            kill $p; wait $p; r=$?; [ $r = 143 ] || echo "$i: $r" >&3; i=$((i+1))
        done; } 3>&1 2>/dev/null; echo done""")
    assert done.output == "done\n", done.output


def test_interrupt_stops_all() -> None:
    """^C at a mixed pipeline ends every program of it, from the Linux and the native shell; xv6's shell ends with its pipeline."""
    with Console(machine.Machine(smp=4)) as t:
        def interrupted(pipeline: str, prompt: str) -> None:
            t.send(pipeline + "\r")
            t.child.expect("\n")
            time.sleep(0.5)  # the shell gives the terminal to the job
            t.send("through\r")  # all three are at work
            t.expect(r"\n.*through\r+\n")
            t.send("\x03")
            t.expect(prompt)

        t.run("left() { i=0; while pidof cat > /dev/null && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done; pidof cat | wc -w; }")
        for pipeline in pipelines_of_all()[::2]:
            interrupted(pipeline, re.escape(PROMPT))
        assert t.run("left").strip() == "0"
        t.line("scarlet")
        t.expect("scarlet# ")
        for pipeline in pipelines_of_all()[1::2]:
            interrupted(pipeline, "scarlet# ")
        t.send("exit\r")
        t.expect(re.escape(PROMPT))
        assert t.run("left").strip() == "0"
        t.line("xv6")
        t.expect(r"\$ ")
        interrupted(pipelines_of_all()[0], re.escape(PROMPT))
        assert t.run("left").strip() == "0"


def kernel_of(abis: str) -> Path:
    """A kernel of these ABIs, linked out of the objects that are there."""
    out = machine.ROOT / "build/abis"
    if not out.is_dir():
        subprocess.run(["cp", "-a", str(machine.scarlet_kernel().parent), str(out)], check=True)
    subprocess.run(["make", "-s", "kernel", f"OUT={out.relative_to(machine.ROOT)}", f"ABIS={abis}"], cwd=machine.ROOT, check=True, capture_output=True)
    return out / "scarlet"


@pytest.fixture(name="fresh_objects")
def no_old_objects() -> Iterator[None]:
    """Kernels of other ABIs begin with the objects of this one, and leave nothing."""
    shutil.rmtree(machine.ROOT / "build/abis", ignore_errors=True)
    yield
    shutil.rmtree(machine.ROOT / "build/abis", ignore_errors=True)


@pytest.mark.qemu
def test_any_abi_can_be_left_out(fresh_objects: None) -> None:
    """A kernel without one of the ABIs runs what is left; changing ABIS= is all it takes."""
    for abis, missing in (("linux xv6", "scarlet"), ("linux scarlet", "xv6")):
        left = abis.split()[1]
        done = once.boot(machine.Machine(kernel=kernel_of(abis)), f"linux_echo a b | {left}_cat | {left}_wc; {missing}_cat < /dev/null 2>&1; ls /names | grep -v _")
        assert done.lines[0].split() == ["1", "2", "4"] and done.lines[1:] == [f"sh: {missing}_cat: not found", *abis.split()], done.output
    native = machine.Machine(kernel=kernel_of("scarlet xv6"), append="init=/system/scarlet/bin/init")
    first_prompt(native, "scarlet# ", ("scarlet_echo a b | xv6_cat | xv6_wc; linux_cat\r", r"1 2 4[^\n]*\n.*linux_cat: no such command"))
