"""The firmware that QEMU brings, made unkind on purpose."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

WFI = struct.pack("<I", 0x10500073)
NOP = struct.pack("<I", 0x00000013)

# In hart_start, once the hart is marked as starting: "ld a5,8(s7)" behind a call, then the three stores that say where it goes.
STORES = struct.pack("<4I", 0x008BB783, 0x01593823, 0x01493C23, 0x03393023)
BANNER = b"   ____                    _____"

# lui a0,0x800; 1: addi a0,a0,-1; bnez a0,1b; ret: some 10 ms in QEMU.
DELAY = struct.pack("<4I", 0x00800537, 0xFFF50513, 0xFE051EE3, 0x00008067)


class FirmwareError(Exception):
    """Not the firmware this is made for."""


def bundled() -> Path:
    """QEMU's own firmware for the virt machine."""
    qemu = shutil.which("qemu-system-riscv64")
    prefix = Path(qemu).resolve().parent.parent if qemu else Path("/usr")
    return prefix / "share/qemu/opensbi-riscv64-generic-fw_dynamic.bin"


def _jal(at: int, target: int) -> bytes:
    """jal ra from one place to another."""
    o = target - at
    if not -(1 << 20) <= o < 1 << 20:
        raise FirmwareError(f"{target:#x} is too far from {at:#x}")
    o &= 0x1FFFFF
    return struct.pack("<I", (o >> 20) << 31 | (o >> 1 & 0x3FF) << 21 | (o >> 11 & 1) << 20 | (o >> 12 & 0xFF) << 12 | 1 << 7 | 0x6F)


def hasty(firmware: bytes) -> bytes:
    """OpenSBI 1.1 whose waiting harts do not sleep (wfi may return at once) and whose hart_start takes its time between marking a hart as
    starting and storing where it goes: such a hart comes to the kernel's first instruction instead. On a real machine that is rare."""
    data = bytearray(firmware)
    for at in range(0, len(data) - 3, 2):
        if data[at:at + 4] == WFI:
            data[at:at + 4] = NOP
    stores, banner = data.find(STORES), data.find(BANNER)
    if stores < 4 or data.find(STORES, stores + 1) >= 0 or banner < 0 or data[stores - 4] & 0xFF != 0xEF:
        raise FirmwareError("not the hart_start of OpenSBI 1.1")
    delay = banner + 3 & ~3
    data[delay:delay + len(DELAY)] = DELAY
    data[stores - 4:stores] = _jal(stores - 4, delay)
    return bytes(data)
