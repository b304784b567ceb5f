"""What a boot and a null call cost, in guest instructions, and how large the kernel is.

With -icount shift=0 a virtual nanosecond is one instruction and the clock ticks every 100; the first
program reads the clock itself, so nothing between it and the kernel is counted twice.
"""

from __future__ import annotations

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
    argv = what.argv(image, machine.WORDS, [
        "-display", "none", "-monitor", "none", "-serial", f"file:{serial}", "-no-reboot", "-seed", "1",
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
@pytest.mark.scarlet
def test_measure_kernel_memory(guest: machine.Machine) -> None:
    """At most 4 MiB of memory are the kernel's when the first program starts, with 512 MiB to look after.

    All that is not free, without what the firmware keeps, the boot image and the kernel's own image.
    """
    _, _, log = boot(guest, "true")
    found = re.search(r"(\d+) KiB of (\d+) KiB free", log)
    assert found, log[-2000:]
    free, total = int(found[1]), int(found[2])
    assert total == 512 << 10
    given = FIRMWARE_KIB + machine.ROOT_IMAGE.stat().st_size // 1024 + machine.scarlet_kernel().stat().st_size // 1024
    print(f"{total - free - given} KiB are the kernel's, {free} KiB of {total} KiB free")
    assert total - free - given <= 4 << 10


@pytest.mark.boot
@pytest.mark.scarlet
def test_measure_kernel_size() -> None:
    """The kernel image is under 2 MiB."""
    assert machine.scarlet_kernel().stat().st_size < 2 << 20
