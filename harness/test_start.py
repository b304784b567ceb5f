"""How the harts come up."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness import firmware
from harness.machine import QEMU, ROOT

pytestmark = [pytest.mark.boot, pytest.mark.qemu]


def test_hart_let_out_early(tmp_path: Path) -> None:
    """A hart that the firmware lets out before it knows where to goes its way nevertheless, and does not boot a second time."""
    try:
        unkind = firmware.hasty(firmware.bundled().read_bytes())
    except (OSError, firmware.FirmwareError) as why:
        pytest.skip(f"needs OpenSBI 1.1 with QEMU: {why}")
    (tmp_path / "firmware.bin").write_bytes(unkind)
    qemu = tmp_path / "qemu"
    qemu.write_text(f'#!/bin/sh\nexec {QEMU} -bios {tmp_path}/firmware.bin "$@"\n')
    qemu.chmod(0o755)
    done = subprocess.run([ROOT / "harness/boot", "--smp", "4", "--", "nproc; taskset -c 3 echo there"],
                          capture_output=True, check=False, env={**os.environ, "SCARLET_QEMU": str(qemu)})
    assert (done.stdout, done.returncode) == (b"4\nthere\n", 0), done.stderr.decode()
