"""NS_layout_check.c and NS_number_check.c: our sizes, offsets, numbers and constants against the system's own headers."""
from __future__ import annotations

from ..expr import c_number
from ..model import FlagField, Struct, Value
from .consts import exists
from .unit import Unit

HOW = """// Compile once for each CHECK_GROUP from 0 to {last}, for the same architecture, against the headers of the system.
// Headers that do not tolerate each other stand in different groups. A name or header\n// that the system does not have yet is skipped.
#ifndef CHECK_GROUP
#define CHECK_GROUP 0
#endif
#define _GNU_SOURCE
#include <stddef.h>
"""


def include_lines(headers: tuple[str, ...]) -> str:
    return "\n".join(f"#include <{h}>" for h in headers)


def grouped(unit: Unit, what: str, groups: dict[tuple[str, ...], list[str]]) -> str:
    out = [unit.banner(what), HOW.format(last=max(len(groups) - 1, 0))]
    for i, (headers, lines) in enumerate(sorted(groups.items())):
        body = "\n".join(lines)
        there = "".join(f" && __has_include(<{h}>)" for h in headers)
        out.append(f"\n#if CHECK_GROUP == {i}{there}\n{include_lines(headers)}\n\n{body}\n#endif\n")
    return "".join(out) + "\n_Static_assert(1, \"every group may be empty\");\n"


def struct_lines(st: Struct) -> list[str]:
    lines = [f'_Static_assert(sizeof({st.ctype}) == {st.size}, "size of {st.name}");']
    for f in st.live:
        cname = f.cname if f.cname is not None else str(f.name)
        if f.name and cname not in ("", "-"):
            lines.append(f'_Static_assert(offsetof({st.ctype}, {cname}) == {f.offset}, "offset of {st.name}.{f.name}");')
    return lines


def value_line(name: str, value: int) -> list[str]:
    return [f"#ifdef {name}", f'_Static_assert({name} == {c_number(value)}, "{name}");', "#endif"]


def emit(unit: Unit) -> dict[str, str]:
    layouts: dict[tuple[str, ...], list[str]] = {}
    for st in unit.abi.structs:
        if st.ctype:
            layouts.setdefault(tuple(st.includes), []).extend(struct_lines(st))
    consts: dict[tuple[str, ...], list[str]] = {}
    done: set[tuple[tuple[str, ...], str]] = set()

    def constant(headers: tuple[str, ...], v: Value | FlagField) -> None:
        if headers and (headers, str(v.name)) not in done:
            done.add((headers, str(v.name)))
            consts.setdefault(headers, []).extend(value_line(str(v.name), v.num))

    for s in unit.abi.sets:
        for f in s.fields():
            constant(tuple(s.includes), f)
        for v in s.values():
            if exists(unit, v):
                constant(tuple(v.includes or s.includes), v)
    for v in unit.abi.consts.values():
        if exists(unit, v):
            constant(tuple(v.includes), v)
    if unit.abi.result == "errno":
        numbers = {f"__NR_{row.name}": row.by_arch[unit.arch] for row in unit.abi.numbers.values()
                   if row.by_arch.get(unit.arch) is not None}
        numbers.update({f"__NR_{c.cname}": c.nr for c in unit.live()})
        lines = [line for name, nr in sorted(numbers.items(), key=lambda kv: kv[1]) for line in value_line(name, nr)]
        if lines:
            consts.setdefault(("asm/unistd.h",), []).extend(lines)
        errors = {c.by_abi[unit.ns][0]: c.by_abi[unit.ns][1] for c in unit.program.codes.values() if unit.ns in c.by_abi}
        lines = [line for name, nr in sorted(errors.items(), key=lambda kv: kv[1]) for line in value_line(name, nr)]
        consts.setdefault(("asm/errno.h",), []).extend(lines)
    return {f"{unit.ns}_layout_check.c": grouped(unit, "layouts against the system's headers", layouts),
            f"{unit.ns}_number_check.c": grouped(unit, "numbers and constants against the system's headers", consts)}
