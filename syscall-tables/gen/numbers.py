"""Reader of `ABI.numbers`: which number a call has on which architecture."""
from __future__ import annotations

import re
from pathlib import Path

from .diag import Diagnostics, Id, Pos
from .model import ARCHES, Abi, NumberRow

GENERIC = ("riscv64", "aarch64")


def read_numbers(path: Path, abi: Abi, diag: Diagnostics) -> None:
    """Rows are `name generic x86_64`; `@arch name generic x86_64` counts on that architecture alone."""
    used: dict[tuple[str, int], Id] = {}
    for lineno, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        words = [(m.group(), Pos(str(path), lineno, m.start() + 1)) for m in re.finditer(r"\S+", line.split("#")[0])]
        if not words:
            continue
        only = None
        if words[0][0].startswith("@"):
            only = words[0][0][1:]
            if only not in ARCHES:
                diag.error(words[0][1], f"unknown architecture '{only}' (one of: {', '.join(ARCHES)})")
                continue
            words = words[1:]
        if len(words) != 3:
            diag.error(words[0][1] if words else Pos(str(path), lineno, 1), "expected three columns: name generic x86_64")
            continue
        name = Id(words[0][0], words[0][1])
        columns: list[int | None] = []
        for text, pos in words[1:]:
            if text == "-":
                columns.append(None)
            elif text.isdigit():
                columns.append(int(text))
            else:
                diag.error(pos, f"'{text}' is not a call number")
                columns.append(None)
        row = NumberRow(name, {})
        for arch in ARCHES:
            row.by_arch[arch] = (columns[0] if arch in GENERIC else columns[1]) if only in (None, arch) else None
        if name in abi.numbers and only is None:
            diag.error(name.pos, f"call '{name}' already has a row")
            continue
        if name in abi.numbers:
            abi.numbers[name].by_arch[only] = row.by_arch[only]
        else:
            abi.numbers[name] = row
        for arch, nr in row.by_arch.items():
            if nr is None:
                continue
            other = used.setdefault((arch, nr), name)
            if other != name:
                diag.error(name.pos, f"number {nr} on {arch} already belongs to '{other}'")
