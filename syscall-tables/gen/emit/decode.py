"""NS_decode.json: the same tables as data for the harness, which parses and compares traces by class of value."""
from __future__ import annotations

import json
from typing import Any

from ..expr import show
from ..model import Call, FlagField, Struct, TypeRef, ValueSet
from .consts import exists
from .errno import mapped
from .trace_types import unknown_text
from .unit import Unit


def type_data(ref: TypeRef) -> dict[str, Any]:
    out: dict[str, Any] = {"size": ref.size}
    if isinstance(ref.decl, Struct):
        out["struct"] = str(ref.decl.name)
    elif isinstance(ref.decl, ValueSet):
        out[ref.decl.kind] = str(ref.decl.name)
        out["base"] = ref.base
    else:
        out["base"] = ref.base
    if ref.kind == "name":
        out["name"] = str(ref.name)
    if ref.print:
        out["print"] = ref.print
    if ref.length:
        out["count"] = ref.length
    return out


def call_data(unit: Unit, call: Call) -> dict[str, Any]:
    args = []
    for a in call.args:
        item: dict[str, Any] = {"name": str(a.name), "form": a.form, "reg": a.reg}
        for key, value in (("dir", a.dir), ("print", str(a.print or "")), ("filled", str(a.filled or "")),
                           ("length", show(a.length) if a.length is not None else ""),
                           ("when", show(a.when) if a.when is not None else ""), ("opt", a.opt), ("hidden", a.hidden),
                           ("select", str(a.select or "")), ("consts", [unit.number(e) for e in a.consts])):
            if value:
                item[key] = value
        if a.type:
            item["type"] = type_data(a.type)
        args.append(item)
    res = call.result
    out: dict[str, Any] = {"name": str(call.name), "number": call.nr, "args": args, "support": unit.support(call),
                           "result": {"kind": res.kind, "new": res.new, **({"type": type_data(res.type)} if res.type else {})},
                           "compare": str(call.compare or "exact"), "blocks": unit.blocks(call)}
    if call.shown:
        out["shown"] = [[label, str(name)] for label, name in call.shown]
    errors = call.errors or (call.parent.errors if call.parent else [])
    out["errors"] = [[str(code), [str(n) for n in names]] for code, names in errors]
    if call.selector and not call.parent:
        out["variants"] = [{"values": v.selectors, **call_data(unit, v)} for v in unit.live_variants(call)]
        out["modifiers"] = [str(m) for m in call.modifiers]
    return out


def set_data(unit: Unit, s: ValueSet) -> dict[str, Any]:
    values = []
    for item in s.items:
        for v in item.values if isinstance(item, FlagField) else [item]:
            if exists(unit, v):
                values.append({"name": str(v.name), "value": v.num, **({"mask": item.num} if isinstance(item, FlagField) else {}),
                               **({"unsupported": str(v.unsupported.code)} if v.unsupported else {})})
    return {"kind": s.kind, "base": str(s.base), "unknown": unknown_text(s), "compare": str(s.compare or ""), "values": values}


def emit(unit: Unit) -> dict[str, str]:
    structs = {str(st.name): {"kind": st.kind, "size": st.size, "print": [str(n) for n in st.print], "abbrev": st.abbrev,
                              "fields": [{"name": str(f.name), "offset": f.offset, "type": type_data(f.type)} for f in st.live]}
               for st in unit.abi.structs}
    numbers = {str(r.name): r.by_arch[unit.arch] for r in unit.abi.numbers.values() if r.by_arch.get(unit.arch) is not None}
    errors = {}
    for code in unit.program.codes.values():
        if unit.ns in code.by_abi:
            errors.setdefault(code.by_abi[unit.ns][0] or str(code.name), [mapped(unit, code), code.text])
    data = {"abi": unit.ns, "arch": unit.arch, "errors": errors, "numbers": numbers,
            "sets": {f"{s.kind} {s.name}": set_data(unit, s) for s in unit.abi.sets}, "structs": structs,
            "calls": [call_data(unit, c) for c in unit.live()]}
    return {f"{unit.ns}_decode.json": json.dumps(data, separators=(",", ":"), sort_keys=True) + "\n"}
