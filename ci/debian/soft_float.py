#!/usr/bin/python3
"""Clear the float-ABI mark of riscv64 object files after proving that they use no such register.

`soft_float.py FILE.o...`: disassembles every file; any floating-point or vector instruction is an
error that names file and instruction, and nothing is changed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

E_FLAGS_OFFSET = 48  # in an ELF64 header
EF_RISCV_FLOAT_ABI = 0x6
EM_RISCV = 243
# Mnemonics that begin with f or v are floating-point or vector, apart from the fences.
FORBIDDEN = re.compile(r"^\s+[0-9a-f]+:\s+(?:c\.)?((?:f(?!ence)|v)[a-z0-9.]+)\s", re.MULTILINE)


def check(path: Path) -> str | None:
    """What forbids clearing the mark of this file, or None."""
    head = path.read_bytes()[:64]
    if head[:6] != b"\x7fELF\x02\x01" or int.from_bytes(head[18:20], "little") != EM_RISCV:
        return "is not a little-endian riscv64 ELF file"
    done = subprocess.run(
        ["llvm-objdump-19", "-d", "--no-show-raw-insn", "--mattr=+f,+d,+v", str(path)],
        check=True, capture_output=True, text=True,
    )
    found = FORBIDDEN.search(done.stdout)
    return f"uses the instruction {found.group(1)}" if found else None


def main(argv: list[str]) -> int:
    """Command line entry."""
    paths = [Path(a) for a in argv]
    for path in paths:
        reason = check(path)
        if reason:
            print(f"soft_float: {path} {reason}", file=sys.stderr)
            return 1
    for path in paths:
        data = bytearray(path.read_bytes())
        flags = int.from_bytes(data[E_FLAGS_OFFSET : E_FLAGS_OFFSET + 4], "little")
        data[E_FLAGS_OFFSET : E_FLAGS_OFFSET + 4] = (flags & ~EF_RISCV_FLOAT_ABI).to_bytes(4, "little")
        path.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
