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
def test_random_calls(guest: machine.Machine, smp: int, who: str, tmp_path: Path) -> None:
    """Some hundred calls from each of many processes. A panic, a hang or a kernel's complaint in the log fails.

    Again by hand: harness/boot --overlay DIR -- '/fuzz SEED COUNT user|root FIRST', with the program of build/guest in DIR.
    """
    fuzzcalls.write()
    shutil.copy(guestprog.build("fuzz"), tmp_path)
    count = 3000 if SOAK else 40
    output, _, _ = boot(dataclasses.replace(guest, smp=smp, overlay=tmp_path), f"""
        mkdir /tmp/f; mount -t tmpfs -o size=16m,mode=777 x /tmp/f; cd /tmp/f; exec /fuzz {SEED + smp} {count} {who}""", timeout=120 + count)
    assert output.startswith(f"{count} processes, "), output
