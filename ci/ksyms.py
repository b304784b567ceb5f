#!/usr/bin/python3
"""Make the kernel's own symbol table, for backtraces, from the output of llvm-nm.

`ci/ksyms.py kernel.elf > ksyms.S`: functions sorted by address, as three symbols:
  ksyms_count (u32), ksyms_addrs (u32 offsets from _text), ksyms_names (NUL-ended, same order).
The table stands at the end of read-only data, behind all text, so that adding it moves no function;
`ci/ksyms.py --same first.elf final.elf` checks just that after the second link.
"""

from __future__ import annotations

import subprocess
import sys

NM = "llvm-nm-19"


def functions(elf: str) -> list[tuple[int, str]]:
    """(offset from _text, name) of every function, one name for each address, sorted."""
    text = subprocess.run([NM, "-n", elf], check=True, capture_output=True, text=True).stdout
    base: int | None = None
    found: dict[int, str] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 3:
            continue
        # Static functions that link-time optimisation shared between files have a suffix of its own.
        address, kind, name = int(fields[0], 16), fields[1], fields[2].split(".llvm.")[0]
        if name == "_text":
            base = address
        if kind not in "tT" or name.startswith((".L", "$")):
            continue
        if address not in found or found[address].startswith("_"):
            found[address] = name
    if base is None:
        raise SystemExit(f"ksyms: {elf}: no symbol _text")
    return [(a - base, n) for a, n in sorted(found.items()) if 0 <= a - base < 1 << 32]


def assembly(table: list[tuple[int, str]]) -> str:
    """The table as an assembler file."""
    lines = [
        '.section .ksyms, "a", @progbits',
        ".balign 8",
        ".globl ksyms_count, ksyms_addrs, ksyms_names",
        f"ksyms_count: .4byte {len(table)}",
        "ksyms_addrs:",
    ]
    lines += [f".4byte {offset:#x}" for offset, _ in table]
    lines.append("ksyms_names:")
    lines += [f'.asciz "{name}"' for _, name in table]
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> int:
    """Command line entry."""
    if len(argv) == 3 and argv[0] == "--same":
        first, final = functions(argv[1]), functions(argv[2])
        if first != final:
            moved = next((a for a, b in zip(first, final) if a != b), ("?", "?"))
            print(f"ksyms: {argv[2]}: adding the table moved {moved[1]}", file=sys.stderr)
            return 1
        return 0
    if argv == ["--empty"]:
        sys.stdout.write(assembly([]))
        return 0
    if len(argv) != 1:
        print("usage: ksyms.py ELF | --empty | --same FIRST FINAL", file=sys.stderr)
        return 2
    sys.stdout.write(assembly(functions(argv[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
