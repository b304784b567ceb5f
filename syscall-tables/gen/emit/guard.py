"""C conditions that refuse bad flags and enum values. Each guard is (condition, kernel error)."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..expr import c_number
from ..model import INTS, Arg, FlagField, Struct, StructField, Value, ValueSet
from .consts import all_bits, exists
from .unit import Unit

Guard = tuple[str, str]


@dataclass
class Subject:
    """What is looked at: C text, its type and how the table wants it treated."""

    text: str
    c_type: str
    size: int
    error: str
    ignore_unknown: bool
    low_signal: bool = False


def subject_of(unit: Unit, arg: Arg, text: str) -> Subject:
    decl = arg.type.decl
    error = unit.kerr(arg.error or decl.error) if (arg.error or decl.error) else unit.default_code("EINVAL")
    return Subject(text, INTS[arg.type.base][2], INTS[arg.type.base][0], error, arg.ignore_unknown or decl.ignore_unknown,
                   arg.low_signal)


def flag_guards(unit: Unit, s: ValueSet, sub: Subject) -> list[Guard]:
    """Unknown bits first, then what is marked unsupported in the table's order."""
    out: list[Guard] = []
    wide = "u64" if sub.size == 8 else "u32"
    value = f"({wide}){sub.text}" if sub.c_type != wide else sub.text
    if not sub.ignore_unknown:
        mask = unit.mask(s, "ALL")
        known = f"({wide}){mask}" if not sub.low_signal else f"(({wide}){mask} | 0xff)"
        full = all_bits(s) | (0xff if sub.low_signal else 0)
        if full & ((1 << sub.size * 8) - 1) != (1 << sub.size * 8) - 1:
            out.append((f"({value} & ~{known}) != 0", sub.error))
        out += [(f"!({field_known(unit, f, value)})", sub.error) for f in s.fields() if not covers(unit, f)]
    pending: list[Value] = []

    def flush() -> None:
        if pending:
            names = " | ".join(unit.const(v.name) for v in pending)
            names = f"({names})" if len(pending) > 1 else names
            out.append((f"({value} & {names}) != 0", unit.kerr(pending[0].unsupported.code)))
            pending.clear()

    for item in s.items:
        if isinstance(item, FlagField):
            flush()
            for v in item.values:
                if v.unsupported and exists(unit, v):
                    out.append((f"({value} & {unit.const(item.name)}) == {unit.const(v.name)}", unit.kerr(v.unsupported.code)))
        elif item.unsupported and exists(unit, item) and item.num:
            single = not item.num & (item.num - 1)
            if not single or (pending and pending[0].unsupported.code != item.unsupported.code):
                flush()
            if single:
                pending.append(item)
            else:
                name = unit.const(item.name)
                out.append((f"({value} & {name}) == {name}", unit.kerr(item.unsupported.code)))
    flush()
    return out


def covers(unit: Unit, f: FlagField) -> bool:
    """Every value the mask can hold has a name."""
    bits = bin(f.num).count("1")
    return len({v.num for v in f.values if exists(unit, v)}) == 1 << bits if bits < 16 else False


def field_known(unit: Unit, f: FlagField, value: str) -> str:
    masked = f"({value} & {unit.const(f.name)})"
    seen: dict[int, str] = {}
    for v in f.values:
        if exists(unit, v):
            seen.setdefault(v.num, unit.const(v.name))
    return " || ".join(f"{masked} == {name}" for name in seen.values())


def enum_guards(unit: Unit, s: ValueSet, sub: Subject) -> list[Guard]:
    known: dict[int, Value] = {}
    for v in s.values():
        if exists(unit, v):
            known.setdefault(v.num, v)
    out = [(f"{sub.text} == ({sub.c_type}){unit.const(v.name)}", unit.kerr(v.unsupported.code))
           for v in known.values() if v.unsupported]
    if sub.ignore_unknown:
        return out
    nums = sorted(known)
    if nums and nums[-1] == len(nums) - 1 and nums == list(range(len(nums))):
        unsigned = "u64" if sub.size == 8 else "u32"
        return [*out, (f"({unsigned}){sub.text} > {c_number(nums[-1])}", sub.error)]
    parts = [f"{sub.text} != ({sub.c_type}){unit.const(known[n].name)}" for n in nums]
    return [*out, (" && ".join(parts) or "true", sub.error)]


def guards(unit: Unit, s: ValueSet, sub: Subject) -> list[Guard]:
    if s.kind == "resource":
        return [(f"{sub.text} == ({sub.c_type}){unit.const(v.name)}", unit.kerr(v.unsupported.code))
                for v in s.values() if v.unsupported and exists(unit, v)]
    return flag_guards(unit, s, sub) if s.kind == "flags" else enum_guards(unit, s, sub)


def struct_guards(unit: Unit, st: Struct, text: str) -> list[Guard]:
    """What an `in` struct may not contain: marked fields that are not zero, marked flags and values inside it."""
    out: list[Guard] = []
    for f in st.live:
        out += field_guards(unit, f, f"{text}.{f.name}")
    return out


def field_guards(unit: Unit, f: StructField, text: str) -> list[Guard]:
    if f.unsupported:
        code = unit.kerr(f.unsupported.code)
        if f.type.length:
            return [(f"{text}[{i}] != 0", code) for i in range(f.type.length)]
        return [(f"{text}{'.v' if f.type.kind == 'uaddr' else ''} != 0", code)]
    decl: Optional[object] = f.type.decl
    if isinstance(decl, Struct):
        return struct_guards(unit, decl, text) if not f.type.length and decl.kind == "struct" else []
    if isinstance(decl, ValueSet) and not f.type.length:
        error = unit.kerr(decl.error) if decl.error else unit.default_code("EINVAL")
        sub = Subject(text, INTS[f.type.base][2], INTS[f.type.base][0], error, not f.checked)
        return guards(unit, decl, sub)
    return []
