"""Support matrix in Markdown and JSON, and the lines of `sctc list`."""
from __future__ import annotations

import json
from collections import Counter
from typing import Any, Iterator, Optional

from ..expr import show
from ..model import SUPPORT, Call, Struct, Unsupported, ValueSet
from .consts import exists
from .reference import call_page
from .unit import Unit


def note(call: Call) -> str:
    return call.support_note or (call.parent.support_note if call.parent and not call.support else "")


def refused(unit: Unit, what: Optional[Unsupported]) -> dict[str, Any]:
    assert what is not None
    return {"error": str(what.code), "reason": what.reason}


def set_refusals(unit: Unit, s: ValueSet) -> Iterator[dict[str, Any]]:
    for v in s.values():
        if v.unsupported and exists(unit, v):
            yield {"set": str(s.name), "value": str(v.name), "number": v.num, **refused(unit, v.unsupported)}


def call_refusals(unit: Unit, call: Call) -> list[dict[str, Any]]:
    """Everything generated code refuses in this call, down to the single flag."""
    out: list[dict[str, Any]] = []
    for arg in call.args:
        decl = arg.type.decl if arg.type else None
        if isinstance(decl, ValueSet) and not arg.select:
            out += [{"argument": str(arg.name), **r} for r in set_refusals(unit, decl)]
        if isinstance(decl, Struct) and arg.dir != "out":
            for f in decl.live:
                if f.unsupported:
                    out.append({"argument": str(arg.name), "field": str(f.name), **refused(unit, f.unsupported)})
                elif isinstance(f.type.decl, ValueSet):
                    out += [{"argument": str(arg.name), "field": str(f.name), **r} for r in set_refusals(unit, f.type.decl)]
    for rule in call.refused:
        entry = {"rule": show(rule.when)} if rule.when is not None else {"whole": True}
        out.append({**entry, **refused(unit, rule)})
    return out


def entry(unit: Unit, call: Call) -> dict[str, Any]:
    item: dict[str, Any] = {"name": str(call.name), "number": call.nr, "support": unit.support(call)}
    if note(call):
        item["note"] = note(call)
    if call.impl:
        item["impl"] = str(call.impl)
    refusals = call_refusals(unit, call)
    if refusals:
        item["unsupported"] = refusals
    if call.variants and not call.parent:
        item["variants"] = [entry(unit, v) for v in unit.live_variants(call)]
        item["default"] = str(call.default)
    return item


def absent(unit: Unit) -> dict[str, int]:
    """Rows of the numbers file without a table entry: these answer ENOSYS."""
    have = {str(c.name) for c in unit.abi.calls}
    return {str(r.name): r.by_arch[unit.arch] for r in sorted(unit.abi.numbers.values(), key=lambda r: r.by_arch.get(unit.arch) or 0)
            if r.by_arch.get(unit.arch) is not None and str(r.name) not in have}


def list_lines(unit: Unit, level: str | None) -> list[str]:
    out = []
    for call in unit.live():
        for c in [call, *(unit.live_variants(call) if call.selector else [])]:
            if level is None or unit.support(c) == level:
                out.append(f"{unit.ns:<8} {c.nr:>4} {c.name!s:<34} {unit.support(c):<8} {note(c)}".rstrip())
    return out


def refusal_text(r: dict[str, Any]) -> str:
    what = r.get("value") or r.get("rule") or r.get("field") or "the whole call"
    where = f"{r['argument']}: " if "argument" in r else ""
    field = f"{r['field']}." if "field" in r and "value" in r else ""
    return f"{where}`{field}{what}` {r['error']}: {r['reason']}"


def markdown(unit: Unit) -> str:
    calls = unit.live()
    every = [v for c in calls for v in [c, *(unit.live_variants(c) if c.selector else [])]]
    count = Counter(unit.support(c) for c in every)
    out = [f"# {unit.ns}: what is supported ({unit.arch})\n",
           f"Pinned to {unit.abi.pin}.\n" if unit.abi.pin else "",
           "| level | calls and variants |\n|---|---|"]
    out += [f"| {level} | {count[level]} |" for level in reversed(SUPPORT)]
    for level in reversed(SUPPORT):
        rows = [c for c in every if unit.support(c) == level]
        if not rows:
            continue
        out.append(f"\n## {level}\n\n| number | call | note | refused |\n|---|---|---|---|")
        for c in rows:
            refusals = "; ".join(refusal_text(r) for r in call_refusals(unit, c)).replace("|", "\\|")
            out.append(f"| {c.nr} | {c.name} | {note(c)} | {refusals} |")
    missing = absent(unit)
    if missing:
        out.append("\n## No table entry (ENOSYS)\n\n" + ", ".join(f"{n} {nr}" for n, nr in missing.items()))
    return "\n".join(x for x in out if x) + "\n"


def emit(unit: Unit) -> dict[str, str]:
    data = {"abi": unit.ns, "arch": unit.arch, "pin": unit.abi.pin, "calls": [entry(unit, c) for c in unit.live()],
            "absent": absent(unit)}
    pages = "\n".join(call_page(unit, v) for c in unit.live() for v in [c, *(unit.live_variants(c) if c.selector else [])])
    return {f"{unit.ns}_support.json": json.dumps(data, indent=1) + "\n", f"{unit.ns}_support.md": markdown(unit),
            f"{unit.ns}_calls.md": f"# {unit.ns}: call reference ({unit.arch})\n\n{pages}"}
