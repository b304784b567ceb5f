"""Random calls with valid and hostile values, drawn from the call tables: the kernel stays whole."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from harness import fuzzcalls, guestprog, machine
from harness.test_limits import boot

pytestmark = [pytest.mark.boot, pytest.mark.scarlet]
SOAK = bool(os.environ.get("SCARLET_SOAK"))
SEED = int(os.environ.get("SCARLET_SEED", "1"))


@pytest.mark.parametrize("who", ["user", "root"])
@pytest.mark.parametrize("abi", ["linux", "scarlet"])
def test_random_calls(guest: machine.Machine, smp: int, abi: str, who: str, tmp_path: Path) -> None:
    """Some hundred calls from each of many processes, then with allocations failing now and then. A panic, a hang or a kernel's complaint in the log fails.

    Again by hand: harness/boot --overlay DIR -- '[FAILING=1] /fuzz SEED COUNT user|root FIRST', with the program of build/guest in DIR
    (and ' /fuzz_native' behind it for the native ABI).
    """
    fuzzcalls.write()
    shutil.copy(guestprog.build("fuzz"), tmp_path)
    if abi == "scarlet":
        fuzzcalls.write(abi, "fuzz_native")
        guestprog.mark_native(guestprog.build("fuzz_native"), tmp_path / "fuzz_native")
    count = 3000 if SOAK else 30
    other = "/fuzz_native" if abi == "scarlet" else "-"
    output, _, _ = boot(dataclasses.replace(guest, smp=smp, overlay=tmp_path), f"""
        mkdir /tmp/f; mount -t tmpfs -o size=16m,mode=777 x /tmp/f; cd /tmp/f
        /fuzz {SEED + smp} {count} {who} 0 {other}; chmod 755 /fuzz*; FAILING=1 exec /fuzz {SEED + smp} {count} {who} {count} {other}""", timeout=120 + 2 * count)
    assert output.count(f"{count} processes, ") == 2, output  # root writes to the console, too
