"""NS_consts.h: call numbers, constants and flag masks; NS_numbers_user.h: call numbers for userland."""
from __future__ import annotations

from ..expr import c_number
from ..model import FlagField, ValueSet
from .unit import Unit


def all_bits(flags: ValueSet) -> int:
    bits = 0
    for item in flags.items:
        if isinstance(item, FlagField):
            bits |= item.num
        elif item.num:
            bits |= item.num
    return bits


def unsupported_bits(flags: ValueSet) -> int:
    """Bits that are refused whenever they are set: the single-bit values marked so."""
    bits = 0
    for item in flags.items:
        if not isinstance(item, FlagField) and item.unsupported and item.num and not item.num & (item.num - 1):
            bits |= item.num
    return bits


def exists(unit: Unit, v) -> bool:
    return not v.only or unit.arch in v.only


def emit(unit: Unit) -> dict[str, str]:
    abi, out = unit.abi, []
    done: set[str] = set()

    def define(name: str, value: int, comment: str = "") -> None:
        if name not in done:
            done.add(name)
            out.append(f"#define {name} {c_number(value)}" + (f" // {comment}" if comment else ""))

    calls = unit.live()
    out.append("// ---- call numbers ----")
    for call in calls:
        define(unit.const(f"SYS_{call.cname}"), call.nr, "" if unit.support(call) != "none" else "not supported")
    rows = {r.by_arch[unit.arch]: r.name for r in abi.numbers.values() if r.by_arch.get(unit.arch) is not None}
    for nr, name in sorted(rows.items()):
        define(unit.const(f"SYS_{name}"), nr, "no table entry")
    top = max([c.nr for c in calls] + list(rows) + [0])
    define(unit.const("SYS_MAX"), top, "the highest number")
    if abi.consts:
        out.append("\n// ---- constants ----")
        for c in abi.consts.values():
            if exists(unit, c):
                define(unit.const(c.name), c.num)
    for s in abi.sets:
        out.append(f"\n// ---- {s.kind} {s.name} ----")
        for item in s.items:
            if isinstance(item, FlagField):
                define(unit.const(item.name), item.num, "mask")
                values = item.values
            else:
                values = [item]
            for v in values:
                if exists(unit, v):
                    define(unit.const(v.name), v.num, f"unsupported: {v.unsupported.reason}" if v.unsupported else "")
        if s.kind == "flags":
            define(unit.mask(s, "ALL"), all_bits(s))
            define(unit.mask(s, "UNSUPPORTED"), unsupported_bits(s))
    body = "\n".join(out)
    user = "\n".join(f"#define SYS_{name} {nr}" for nr, name in
                     sorted({**rows, **{c.nr: c.cname for c in calls}}.items()))
    return {
        f"{unit.ns}_consts.h": f"{unit.banner('numbers and constants')}#pragma once\n\n{body}\n",
        f"{unit.ns}_numbers_user.h": f"{unit.banner('call numbers for programs')}#pragma once\n\n{user}\n",
    }
