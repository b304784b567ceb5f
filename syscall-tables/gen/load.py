"""From file names to a checked program: the one way every command reads tables."""
from __future__ import annotations

from pathlib import Path

from .check import check, check_impls
from .diag import Diagnostics, Pos
from .layout import layout
from .model import Abi, Program
from .numbers import read_numbers
from .parse import read_file
from .resolve import resolve


def load(files: list[Path], diag: Diagnostics) -> Program:
    """Parses the .sct files, errors.sct and the numbers files, named or standing beside the first."""
    program = Program()
    tables = [f for f in files if f.suffix != ".numbers"]
    numbers = {f.stem: f for f in files if f.suffix == ".numbers"}
    beside = files[0].parent if files else Path(".")
    if not any(f.name == "errors.sct" for f in tables) and (beside / "errors.sct").is_file():
        tables.insert(0, beside / "errors.sct")
    for path in [*tables, *numbers.values()]:
        if not path.is_file():
            diag.error(Pos(str(path), 1, 1), "cannot read this file")
    if diag:
        return program
    for path in tables:
        read_file(path, program, diag, program.shared)
    for abi in program.abis.values():
        path = numbers.get(abi.name, beside / f"{abi.name}.numbers")
        if path.is_file():
            read_numbers(path, abi, diag)
    for call in program.shared.calls:
        diag.error(call.pos, f"call '{call.name}' stands before any 'abi' line")
    return program


def specialise(program: Program, abi: Abi, arch: str, diag: Diagnostics) -> None:
    """Links, lays out and checks one ABI for one architecture. Nothing is linked after a syntax error."""
    if diag:
        return
    resolver = resolve(program, abi, arch, diag)
    layout(abi, resolver, diag)
    if not diag:
        check(program, abi, diag)
        check_impls(program, diag)
