"""From code addresses to the functions they belong to, inlined ones included."""

from __future__ import annotations

import bisect
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

NM, SYMBOLIZER, OBJDUMP = "llvm-nm-19", "llvm-symbolizer-19", "llvm-objdump-19"


def addresses(elf: Path, *names: str) -> list[int]:
    """The addresses of some symbols."""
    text = subprocess.run([NM, str(elf)], check=True, capture_output=True, text=True).stdout
    table = {f[2]: int(f[0], 16) for f in (line.split() for line in text.splitlines()) if len(f) == 3}
    return [table[name] for name in names]


def _functions(elf: Path) -> tuple[list[int], list[str]]:
    """Addresses and names of all functions, sorted; without the labels that assemblers leave."""
    text = subprocess.run([NM, "-n", str(elf)], check=True, capture_output=True, text=True).stdout
    found = [(int(f[0], 16), f[2]) for f in (line.split() for line in text.splitlines())
             if len(f) == 3 and f[1] in "tT" and not f[2].startswith((".L", "$"))]
    return [a for a, _ in found], [n for _, n in found]


def chains(elf: Path, pcs: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """For each address the functions it lies in, outermost first; more than one where code was inlined."""
    wanted = sorted(set(pcs))
    done = subprocess.run([SYMBOLIZER, "-e", str(elf), "--output-style=JSON", "--inlines"], check=True, capture_output=True,
                          text=True, input="".join(f"{pc:#x}\n" for pc in wanted))
    starts, functions = _functions(elf)
    found: dict[int, tuple[str, ...]] = {}
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        names = [frame.get("FunctionName") or "?" for frame in entry.get("Symbol", [])] or ["?"]
        pc = int(entry["Address"], 16)
        if names[-1].startswith(".L"):
            names[-1] = functions[bisect.bisect_right(starts, pc) - 1]
        found[pc] = tuple(name.split(".llvm.")[0] for name in reversed(names))
    return found


def disassembly(elf: Path, function: str) -> list[str]:
    """The lines of one function, with source lines between."""
    text = subprocess.run([NM, str(elf)], check=True, capture_output=True, text=True).stdout
    names = [f[2] for f in (line.split() for line in text.splitlines()) if len(f) == 3 and f[2].split(".llvm.")[0] == function]
    done = subprocess.run([OBJDUMP, "-d", "--no-show-raw-insn", "-l", "--disassemble-symbols=" + ",".join(names), str(elf)],
                          check=True, capture_output=True, text=True)
    return [line.replace("\t", " ") for line in done.stdout.splitlines() if line and not line.startswith("Disassembly")]


class Code:
    """The kernel's instructions, to find where each one of a block starts."""

    def __init__(self, image: Path, base: int) -> None:
        self._bytes = image.read_bytes()
        self._base = base

    def split(self, start: int, end: int) -> list[int]:
        """The addresses of the instructions in [start, end)."""
        out = []
        while start < end:
            out.append(start)
            first = self._bytes[start - self._base]
            start += 4 if first & 3 == 3 else 2
        return out
