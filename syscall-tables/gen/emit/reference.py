"""One call as a page of text: the call reference and `sctc explain`."""
from __future__ import annotations

from ..expr import show
from ..model import Arg, Call, Step
from .handlers import params
from .unit import Unit


def arg_type(arg: Arg) -> str:
    t = arg.type
    name = f"{t.kind} {t.name}" if t and t.kind in ("flags", "enum") else str(t.name) if t else ""
    if t and t.length:
        name += f"[{t.length}]"
    length = show(arg.length) if arg.length is not None else ""
    text = {"value": name, "ptr": f"{arg.dir} {name}", "cstr": f"in cstr[{length}]", "strv": "in strv",
            "bytes": f"{arg.dir} bytes[{length}]", "vec": f"{arg.dir} vec[{length}]", "seq": f"{arg.dir} seq[{name}, {length}]",
            "fd": "fd", "uaddr": "uaddr", "skip": "_", "handle": f"handle {arg.kind}", "cap": f"cap {arg.kind}",
            "const": "const " + " or ".join(show(e) for e in arg.consts)}[arg.form]
    if arg.form == "fd" and arg.kind:
        text += f" kind {arg.kind}"
    if arg.needs:
        text += " needs " + " ".join(arg.needs)
    for flag, word in ((arg.opt, "opt"), (arg.or_none, "or none"), (arg.low_signal, "low signal")):
        text += f" {word}" if flag else ""
    if arg.filled:
        text += f" filled {arg.filled}"
    if arg.clamp is not None:
        text += f" clamp {show(arg.clamp)}"
    if arg.when is not None:
        text += f" when {show(arg.when)}"
    return text


def step_text(step: Step) -> str:
    if step.check:
        return f"check {show(step.check.expr)} else {step.check.code}"
    return f"range {step.name}" if step.kind == "range" else str(step.name)


def signature(call: Call) -> str:
    args = ", ".join(f"{a.name}: {arg_type(a)}" if a.form != "skip" else "_" for a in call.args)
    res = call.result
    result = res.kind if res.type is None else (f"{res.kind} {res.type.name}" if res.kind in ("flags", "enum") else str(res.type.name))
    return f"{call.name}({args}) -> {result}{' new' if res.new else ''}"


def call_page(unit: Unit, call: Call) -> str:
    from .support import call_refusals, note, refusal_text
    base = call.parent
    out = [f"## {call.name}", "", "```", signature(call), "```"]
    if call.doc:
        out.append(call.doc + ".")
    rows = [("number", "not on this architecture" if call.nr is None else str(call.nr)),
            ("support", unit.support(call) + (f": {note(call)}" if note(call) else ""))]
    if unit.has_handler(call) and call.nr is not None:
        rows.append(("handler", f"`i64 {unit.handler(call)}({params(unit, call)})`"))
    if call.impl:
        rows.append(("kernel function", str(call.impl)))
    if call.steps:
        rows.append(("steps", ", ".join(step_text(s) for s in call.steps)))
    errors = call.errors or (base.errors if base else [])
    if errors:
        rows.append(("errors", "; ".join(" ".join([str(c), *map(str, a)]) for c, a in errors)))
    rows.append(("blocks", unit.blocks(call)))
    restart = call.restart or (base.restart if base else None)
    if restart:
        rows.append(("restart", str(restart.model) + (f" when {show(restart.when)} else {restart.otherwise}"
                                                      if restart.when is not None else "")))
    tests = call.tests or (base.tests if base else [])
    if tests:
        rows.append(("tests", "; ".join(" ".join([str(t.template), *map(str, t.args)]) for t in tests)))
    if call.variants and not base:
        rows.append(("variants", ", ".join(str(v.name).partition("$")[2] for v in unit.live_variants(call))
                     + f"; otherwise {call.default}"))
    out += [f"- {name}: {value}" for name, value in rows]
    out += [f"- refused: {refusal_text(r)}" for r in call_refusals(unit, call)]
    return "\n".join(out) + "\n"
