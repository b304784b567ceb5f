"""NS_errno: from kernel error to the number the ABI shows its programs."""
from __future__ import annotations

from ..model import ErrorCode
from .unit import Unit


def mapped(unit: Unit, code: ErrorCode) -> int:
    """The ABI's number; a code without a mapping takes that of IO, else of INVAL."""
    for c in (code, unit.program.codes.get("IO"), unit.program.codes.get("INVAL")):
        if c and unit.ns in c.by_abi:
            return abs(c.by_abi[unit.ns][1])
    return 1


def emit(unit: Unit) -> dict[str, str]:
    ns = unit.ns
    rows = "\n".join(f"    [{c.cname}] = {mapped(unit, c)}," for c in unit.program.codes.values())
    names: dict[str, int] = {}
    for c in unit.program.codes.values():
        if ns in c.by_abi and c.by_abi[ns][0]:
            names.setdefault(c.by_abi[ns][0], abs(c.by_abi[ns][1]))
    defines = "\n".join(f"#define {unit.up}_{name} {num}" for name, num in sorted(names.items(), key=lambda kv: (kv[1], kv[0])))
    header = f"""{unit.banner("error map")}#pragma once

#include <kerr.h>
#include <lib/types.h>

{defines}{chr(10) if defines else ""}
// Positive error number of this ABI for every kernel error; 0 for E_OK.
extern const i16 {ns}_errno[E_COUNT];
"""
    source = f"""{unit.banner("error map")}#include <{ns}_errno.h>

const i16 {ns}_errno[E_COUNT] = {{
{rows}
}};
"""
    return {f"{ns}_errno.h": header, f"{ns}_errno.c": source}
