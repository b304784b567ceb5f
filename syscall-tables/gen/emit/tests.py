"""NS_tests.json: negative cases from the `test` templates. Expected errors come from running them on real Linux, not from here."""
from __future__ import annotations

import json
from typing import Any, Iterator

from ..model import Arg, Call, Struct, ValueSet
from .consts import exists
from .unit import Unit

BAD_POINTERS = [1, 0xFFFFFFFFFFFFF000, 0x8000000000000000, 0x7FFFFFFFFFFFFFFF]


def cases(unit: Unit, call: Call, template: str, arg: Arg) -> Iterator[dict[str, Any]]:
    decl = arg.type.decl if arg.type else None
    if template == "bad-pointer":
        yield from ({"value": v} for v in ([] if arg.opt else [0]) + BAD_POINTERS)
    elif template == "bad-handle":
        yield from ({"value": v} for v in (-1, 9999, 0x7FFFFFFF, -2147483648))
    elif template == "missing-right":
        yield from ({"without": str(r)} for r in arg.needs)
    elif template == "length":
        yield from ({"value": v} for v in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF))
    elif template == "range":
        yield from ({"value": v} for v in (-1, 0, 1, 64, 65, 0x7FFFFFFF, -2147483648))
    elif isinstance(decl, ValueSet):
        values = {v.num: v for v in decl.values() if exists(unit, v)}
        for num, v in values.items():
            yield {"value": num, "name": str(v.name), **({"refused": str(v.unsupported.code)} if v.unsupported else {})}
        size = (arg.type.size or 4) * 8
        if template == "each-flag":
            known = 0
            for v in values.values():
                known |= v.num
            yield from ({"value": 1 << bit, "unknown": True} for bit in range(size) if not known >> bit & 1)
        else:
            yield {"value": (max(values) if values else 0) + 1, "unknown": True}


def emit(unit: Unit) -> dict[str, str]:
    out = []
    for base in unit.live():
        for call in [base, *(unit.live_variants(base) if base.selector else [])]:
            for test in call.tests:
                if test.template == "seq":
                    out.append({"call": str(call.name), "number": call.nr, "seq": str(test.args[0])})
                    continue
                for name in test.args:
                    arg = call.arg(name)
                    out.append({"call": str(call.name), "number": call.nr, "template": str(test.template), "argument": str(name),
                                "register": arg.reg, "cases": list(cases(unit, call, str(test.template), arg)),
                                "struct": str(arg.type.decl.name) if arg.type and isinstance(arg.type.decl, Struct) else ""})
    return {f"{unit.ns}_tests.json": json.dumps({"abi": unit.ns, "arch": unit.arch, "tests": out}, indent=1) + "\n"}
