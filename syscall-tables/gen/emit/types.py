"""NS_types.h: structs as C, each with its size and offsets asserted."""
from __future__ import annotations

from ..model import Struct
from .unit import Unit


def ordered(structs: list[Struct]) -> list[Struct]:
    """A struct after those it contains."""
    out: list[Struct] = []

    def visit(st: Struct) -> None:
        if any(s is st for s in out):
            return
        for f in st.live:
            if isinstance(f.type.decl, Struct):
                visit(f.type.decl)
        out.append(st)

    for st in structs:
        visit(st)
    return out


def emit_struct(unit: Unit, st: Struct) -> str:
    lines, pads = [], 0
    for f in st.live:
        name = str(f.name)
        if not name:
            name, pads = f"pad_{pads}", pads + 1
        base = unit.c_type(f.type)
        if f.type.length:
            lines.append(f"    {base} {name}[{f.type.length}];")
        else:
            lines.append(f"    {base} {name};")
    attrs = []
    if st.is_packed:
        attrs.append("packed")
    if st.align is not None:
        attrs.append(f"aligned({st.alignment})")
    tail = f" __attribute__(({', '.join(attrs)}))" if attrs else ""
    name = unit.struct(st)
    asserts = [f'_Static_assert(sizeof({name}) == {st.size}, "size of {st.name}");']
    asserts += [f'_Static_assert(__builtin_offsetof({name}, {f.name}) == {f.offset}, "offset of {st.name}.{f.name}");'
                for f in st.live if f.name]
    return f"{name} {{\n" + "\n".join(lines) + f"\n}}{tail};\n" + "\n".join(asserts) + "\n"


def emit(unit: Unit) -> dict[str, str]:
    text = "\n".join(emit_struct(unit, st) for st in ordered(unit.abi.structs))
    return {f"{unit.ns}_types.h": f"{unit.banner('structs')}#pragma once\n\n#include <lib/types.h>\n\n{text}"}
