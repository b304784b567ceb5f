#!/usr/bin/python3
"""An empty object file that carries the native mark in its ELF header: mark.py NUMBER MACHINE OUT.

The linker gives its output the OS/ABI byte of its last input file, so linking this object in last marks a program at link time.
"""

import struct
import sys
from pathlib import Path


MACHINES = {"riscv64": (243, 5), "x86_64": (62, 0)}  # number, flags of its programs' floating point


def main() -> None:
    """Write the object."""
    number, (machine, flags), out = int(sys.argv[1]), MACHINES[sys.argv[2]], Path(sys.argv[3])
    names = b"\0.strtab\0"
    ident = b"\x7fELF" + bytes([2, 1, 1, number]) + bytes(8)
    header = struct.pack("<16sHHIQQQIHHHHHH", ident, 1, machine, 1, 0, 0, 80, flags, 64, 0, 0, 64, 2, 1)
    strtab = struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    out.write_bytes(header + names.ljust(16, b"\0") + bytes(64) + strtab)


main()
