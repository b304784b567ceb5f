"""What a boot and a null call cost, in guest instructions, and how large the kernel is.

With -icount shift=0 a virtual nanosecond is one instruction and the clock ticks every 100; the first
program reads the clock itself, so nothing between it and the kernel is counted twice.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest

from harness import guestprog, machine
from harness.image import cpio
from harness.test_limits import boot

FIRMWARE_KIB = 512  # of memory that QEMU's OpenSBI keeps to itself
FIRMWARE = 12_050_000  # instructions of QEMU's OpenSBI before the kernel's first one
TICK = 100


def measure(what: machine.Machine, folder: Path) -> dict[str, int]:
    """Boot the measuring program as the first one, deterministically."""
    image = folder / "measure.cpio"
    image.write_bytes(cpio.archive([
        cpio.Entry("/dev", 0o040755), cpio.Entry("/dev/console", 0o020600, device=(5, 1)),
        cpio.Entry("/init", 0o100755, guestprog.build("measure").read_bytes())]))
    serial = folder / "serial"
    argv = what.argv(image, machine.WORDS, machine.Console.NONE, [
        "-monitor", "none", "-serial", f"file:{serial}", "-no-reboot", "-seed", "1",
        "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm"])
    subprocess.run(argv, stdin=subprocess.DEVNULL, check=True, timeout=120)
    found = {}
    for line in serial.read_text(errors="replace").splitlines():
        words = line.split()
        if len(words) == 2 and words[0] in ("start", "calls"):
            found[words[0]] = int(words[1])
    assert set(found) == {"start", "calls"}, serial.read_text(errors="replace")[-2000:]
    return {"boot": found["start"] * TICK - FIRMWARE, "call": found["calls"] * TICK // 1000}


@pytest.mark.boot
@pytest.mark.qemu
def test_measure_boot_and_call(guest: machine.Machine, tmp_path: Path) -> None:
    """At most 60 million instructions to the first program, fewer than 200 for a null call."""
    got = measure(guest, tmp_path)
    print(f"boot {got['boot']} instructions, null call {got['call']} instructions")
    if guest.linux:
        assert got["boot"] > 100_000_000 and got["call"] > 200
    else:
        assert got["boot"] <= 60_000_000, got
        assert got["call"] < 200, got


@pytest.mark.boot
@pytest.mark.qemu
@pytest.mark.scarlet
@pytest.mark.parametrize("harts", [1, 4])
def test_measure_kernel_memory(guest: machine.Machine, harts: int) -> None:
    """At most 4 MiB of 512 are in use when the first shell runs, with one hart and with four.

    All that is not free, the shell's own pages and the kernel's zeroed data included, without what the firmware keeps and the files of
    boot image and kernel.
    """
    output, _, _ = boot(dataclasses.replace(guest, smp=harts), "cat /proc/meminfo")
    found = re.search(r"^MemFree: +(\d+) kB", output, re.MULTILINE)
    assert found, output
    given = FIRMWARE_KIB + machine.root_image().stat().st_size // 1024 + machine.scarlet_kernel().stat().st_size // 1024
    used = (512 << 10) - int(found[1]) - given
    print(f"{harts} harts: {used} KiB in use")
    assert 2 << 10 < used <= 4 << 10


@pytest.mark.boot
@pytest.mark.qemu
@pytest.mark.scarlet
def test_measure_kernel_size() -> None:
    """The kernel image is under 2 MiB."""
    assert machine.scarlet_kernel().stat().st_size < 2 << 20
