"""Many processes, many forks, large files, memory given back, running out of memory, unknown calls."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

from harness import guestprog, machine, once

pytestmark = pytest.mark.boot
SOAK = bool(os.environ.get("SCARLET_SOAK"))


def boot(what: machine.Machine, command: str, timeout: float = 120) -> tuple[str, int, str]:
    """Output, status and kernel log of one command in a boot of its own."""
    done = once.boot(what, command, timeout)
    return done.output, done.status, done.log


def test_stop_and_continue_at_once(guest: machine.Machine, smp: int) -> None:
    """A process that is stopped and continued in one breath, again and again, never stays stopped."""
    output, _, _ = boot(dataclasses.replace(guest, smp=smp), """
        i=0; while [ $i -lt 80 ]; do sleep 600 & sleep 0.02; kill -STOP $!; kill -CONT $!; kill -TERM $!; { wait $!; } 2>/dev/null
        i=$((i+1)); done; echo $i""")
    assert output == "80\n", f"{smp} harts: {output}"


def test_thousand_processes(guest: machine.Machine, smp: int) -> None:
    """1,000 processes alive at once; all can be counted, all go away."""
    command = """
        i=0; while [ $i -lt 1000 ]; do sleep 600 & i=$((i+1)); done
        ls -d /proc/[0-9]* | wc -l > n; [ $(cat n) -ge 1000 ] && echo alive
        pidof sleep | wc -w; killall sleep; wait 2>/dev/null; pidof sleep | wc -w"""
    output, _, _ = boot(dataclasses.replace(guest, smp=smp), f"cd /tmp; {{ {command}\n}} 2>/dev/null")
    assert output.split() == ["alive", "1000", "0"]


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_fork_cycles_give_memory_back(guest: machine.Machine, smp: int, count: int) -> None:
    """Fork and exit, many times over: free memory is what it was, within half a MiB a hart."""
    command = f"""
        cycle() {{ i=0; while [ $i -lt $1 ]; do (exit 3); i=$((i+1)); done; }}
        avail() {{ sync; sleep 0.3; awk '/^MemFree/ {{ print $2 }}' /proc/meminfo; }}
        cycle 300; avail; cycle {count}; avail; echo done"""
    output, _, _ = boot(dataclasses.replace(guest, smp=smp), command, timeout=120 + count / 20)
    before, after, done = output.split()
    assert done == "done"
    allowed = 512 * smp if not guest.linux else 8192
    assert int(before) - int(after) <= allowed, f"MemFree fell from {before} to {after} kB"


def test_large_file_and_memory_back(guest: machine.Machine, smp: int) -> None:
    """A 64 MiB file on tmpfs holds what was written; removing it gives the memory back."""
    lost = 16384 if guest.linux else 2048  # Linux keeps more in its caches
    command = """
        avail() { sync; sleep 0.3; awk '/^MemFree/ { print $2 }' /proc/meminfo; }
        cd /tmp; head -c 1000000 /dev/zero > w; rm w; a=$(avail)
        yes 'sixteen bytes..' | head -c 67108864 > f; wc -c < f; md5sum < f; b=$(avail); cp f g; cmp f g && echo same
        rm f g; c=$(avail); [ $((a - b)) -ge 60000 ] && echo used; [ $((a - c)) -le LOST ] && echo back || echo "lost $((a - c))" """.replace("LOST", str(lost))
    output, _, _ = boot(dataclasses.replace(guest, smp=smp), command)
    sum_ = hashlib.md5((b"sixteen bytes..\n" * (1 << 22))).hexdigest()
    assert output.split() == ["67108864", sum_, "-", "same", "used", "back"], output


def test_file_system_full(guest: machine.Machine) -> None:
    """A tmpfs of limited size is full at its size; removing makes room again."""
    command = """
        mkdir /tmp/m; mount -t tmpfs -o size=1m x /tmp/m; cd /tmp/m; dd if=/dev/zero of=f bs=4k 2>/dev/null; echo $?
        wc -c < f; echo y > g; echo $?; rm f; echo z > g; cat g; cd /; umount /tmp/m; echo $?"""
    output, _, _ = boot(guest, f"{{ {command}\n}} 2>/dev/null")
    assert output.split() == ["1", "1048576", "1", "z", "0"]


def test_out_of_memory_ends_one_process(guest: machine.Machine, smp: int) -> None:
    """A process that eats all memory is ended, with a line in the log; everything else lives on."""
    command = """
        sleep 500 & s=$!
        awk 'BEGIN { x = "0123456789abcdef"; while (1) { x = x x; a[n++] = x } }'; echo "status $?"
        kill -0 $s && echo bystander; echo $((6 * 7)); kill $s; head -c 10000000 /dev/zero | md5sum | cut -c1-8"""
    small = dataclasses.replace(guest, smp=smp, memory="256M")
    output, _, log = boot(small, f"{{ {command}\n}} 2>/dev/null")
    assert output.split("\n")[:3] == ["status 137", "bystander", "42"], output
    assert len(re.findall(r"Out of memory:", log)) == 1, log[-2000:]


THINGS = {"fork": 15, "exec linux": 20, "exec native": 30, "exec xv6": 30, "exec script": 20, "exec runtime": 20, "pipe": 2, "file": 3, "names": 6,
          "listing": 1, "smaps": 5, "mountinfo": 2, "mount": 4, "namespace": 10, "mapping": 2, "descriptors": 3, "devices": 5, "rights": 5, "server": 3, "datagram": 5}


def test_every_allocation_fails(guest: machine.Machine, smp: int, tmp_path: Path) -> None:
    """Each allocation behind fork, exec of each kind, files, mounts, sockets... fails once: the call says so, or does without, and nothing is lost."""
    shutil.copy(guestprog.build("failing"), tmp_path)
    output, status, _ = boot(dataclasses.replace(guest, smp=smp, overlay=tmp_path), r"""
        printf mark > /tmp/mark; printf '#!/bin/sh\nexit 0\n' > /tmp/script; printf x > /tmp/file.demo; chmod +x /tmp/script /tmp/file.demo
        echo 'demo suffix=.demo linux /bin/true' >> /system/etc/runtimes; level() { awk '/^MemFree/ { print $2 }' /proc/meminfo; }
        /failing >/dev/null 2>&1; /failing >/dev/null 2>&1; a=$(level); /failing 2>/dev/null; s=$?; b=$(level)
        [ $((a - b)) -lt 300 ] && echo whole || echo lost $((a - b)); exit $s""")
    found = {name: int(errors) for name, errors in re.findall(r"^(.+): \d+ allocations, (\d+) end it$", output, re.M)}
    assert status == 0 and output.endswith("whole\n"), output
    assert found.keys() == THINGS.keys() and all(found[name] >= least for name, least in THINGS.items()), found


def test_unknown_calls(guest: machine.Machine, tmp_path: Path) -> None:
    """A call without a table entry answers ENOSYS, and the log counts it by number."""
    shutil.copy(guestprog.build("enosys"), tmp_path / "enosys")
    output, status, log = boot(dataclasses.replace(guest, overlay=tmp_path), "/enosys")
    assert (output.split(), status) == (["-38"] * 7, 0)
    if not guest.linux:
        assert re.search(r"call 9999 is not known", log), log[-2000:]


@pytest.mark.parametrize("harts", [2, 16])
def test_other_numbers_of_harts(guest: machine.Machine, harts: int) -> None:
    """Work spreads over all harts, up to 16."""
    command = f"nproc; for i in $(seq {harts * 2}); do (n=0; while [ $n -lt 3000 ]; do n=$((n+1)); done; echo $i) & done | sort -n | wc -l; wait"
    output, _, _ = boot(dataclasses.replace(guest, smp=harts), command)
    assert output.split() == [str(harts), str(harts * 2)]


@pytest.mark.scarlet
def test_small_memory(guest: machine.Machine) -> None:
    """The kernel runs a shell in 32 MiB."""
    output, status, _ = boot(dataclasses.replace(guest, memory="32M"), "ls / | wc -l; seq 1000 | sort -n | tail -n 1")
    assert status == 0 and output.split()[1] == "1000"
