"""NS_handlers.h: what the handlers of an ABI look like in C. A handler with another signature does not compile."""
from __future__ import annotations

from ..model import INTS, Arg, Call, Struct, TypeRef
from .unit import Unit, local


def element(unit: Unit, ref: TypeRef) -> str:
    return unit.c_type(ref)


def fixed_seq(unit: Unit, call: Call, arg: Arg) -> int:
    """Number of elements of a seq of constant length that is an array on the stub's stack; 0 if it is none."""
    if arg.form != "seq" or not unit.is_const(arg.length, call):
        return 0
    count = unit.number(arg.length)
    return count if 0 < count * arg.type.size <= 256 else 0


def is_span(unit: Unit, call: Call, arg: Arg) -> bool:
    """Arrives as an iobuf."""
    if arg.form in ("bytes", "vec"):
        return True
    if arg.form != "seq" or arg.dir != "out" or fixed_seq(unit, call, arg):
        return False
    return arg.filled is not None or (isinstance(arg.type.decl, Struct) and arg.type.decl.variable)


def passed(arg: Arg) -> bool:
    return not (arg.form == "skip" or (arg.form == "const" and len(arg.consts) == 1))


def c_param_type(unit: Unit, call: Call, arg: Arg) -> str:
    """C type of a handler's parameter, ending so that the name can follow."""
    if arg.form == "value":
        return INTS[arg.type.base][2] + " "
    if arg.form == "const":
        return "u64 "
    if arg.form in ("fd", "handle", "cap"):
        return "struct href *"
    if arg.form in ("uaddr", "strv"):
        return "uaddr_t "
    if arg.form == "cstr":
        return "const struct sys_name *"
    if is_span(unit, call, arg):
        return "struct iobuf *"
    const = "const " if arg.dir == "in" else ""
    return f"{const}{element(unit, arg.type)} *"


def visible_args(call: Call) -> list[Arg]:
    """Arguments of the handler. An inline variant's selector is passed only when modifiers may be in it."""
    out = []
    for arg in call.args:
        if not passed(arg):
            continue
        if call.kind == "variant" and call.parent and arg is call.parent.selector and not call.parent.modifiers:
            continue
        out.append(arg)
    return out


def params(unit: Unit, call: Call) -> str:
    out = [c_param_type(unit, call, arg) + local(arg.name) for arg in visible_args(call)]
    if call.frame or (call.parent and call.parent.frame):
        out.append("struct trapframe *tf")
    return ", ".join(out) or "void"


def prototypes(unit: Unit) -> list[Call]:
    out = []
    for call in unit.live():
        if unit.has_handler(call):
            out.append(call)
        if not unit.refused_whole(call):
            out += [v for v in unit.live_variants(call) if unit.has_handler(v)]
    return out


def doc_of(unit: Unit, call: Call) -> str:
    bits = [call.doc] if call.doc else []
    errors = call.errors or (call.parent.errors if call.parent else [])
    if errors:
        seen = list(dict.fromkeys(str(c) for c, _ in errors))
        bits.append("errors: " + " ".join(seen))
    if unit.blocks(call) != "no":
        bits.append(f"blocks: {unit.blocks(call)}")
    return "// " + "; ".join(bits) + "\n" if bits else ""


def emit(unit: Unit) -> dict[str, str]:
    protos = "\n".join(f"{doc_of(unit, c)}[[nodiscard]] i64 {unit.handler(c)}({params(unit, c)});" for c in prototypes(unit))
    undo = "\n".join(f"void {unit.handler(c)}_undo({params(unit, c)});" for c in prototypes(unit) if c.undo)
    return {f"{unit.ns}_handlers.h": f"""{unit.banner("handler prototypes")}#pragma once

#include <{unit.ns}_types.h>
#include <lib/types.h>

struct href;
struct iobuf;
struct sys_name;
struct trapframe;

// A handler answers a value >= 0 or a negative kernel error. Pointers are kernel memory, valid during the call; NULL where
// an optional argument is absent. Nothing here may be kept. Handlers run in the calling thread, no locks held.
{protos}
{undo + chr(10) if undo else ""}
// The restart model (SYS_RESTART_*) of one call with these raw arguments, for a handler that answered -E_RESTART.
u32 {unit.ns}_restart_model(u64 nr, const u64 *a);
"""}


