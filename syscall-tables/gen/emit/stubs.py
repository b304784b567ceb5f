"""NS_stubs.S and NS_stubs.h: the calls as functions for programs of this ABI."""
from __future__ import annotations

from ..model import INTS, Arg, Call, Struct
from .unit import Unit, local

TRAP = {"riscv64": ("li a7, {nr}", "ecall", "ret"), "aarch64": ("mov x8, #{nr}", "svc #0", "ret"),
        "x86_64": ("movq %rcx, %r10\n    movl ${nr}, %eax", "syscall", "ret")}
C_INTS = {1: "char", 2: "short", 4: "int", 8: "long"}


def param(unit: Unit, arg: Arg) -> str:
    name = local(arg.name)
    if arg.form in ("value", "const"):
        size, signed, _ = INTS[arg.type.base] if arg.type else (8, True, "")
        return f"{'' if signed else 'unsigned '}{C_INTS[size]} {name}"
    if arg.form in ("fd", "handle", "cap"):
        return f"int {name}"
    const = "const " if arg.dir == "in" else ""
    if arg.form == "ptr" and isinstance(arg.type.decl, Struct):
        return f"{const}{unit.struct(arg.type.decl)} *{name}"
    return f"{'const char' if arg.form == 'cstr' else const + 'void'} *{name}"


def order(call: Call) -> list[Arg]:
    return sorted(call.args, key=lambda a: a.reg)


def emit(unit: Unit) -> dict[str, str]:
    protos, code, structs = [], [], set()
    for call in unit.live():
        if unit.support(call) == "none" or call.kind != "call":
            continue
        for a in call.args:
            if a.form == "ptr" and isinstance(a.type.decl, Struct):
                structs.add(unit.struct(a.type.decl))
        args = ", ".join(param(unit, a) if a.form != "skip" else f"long unused{a.reg}" for a in order(call)) or "void"
        name = f"{unit.ns}_call_{call.cname}"
        protos.append(f"long {name}({args});")
        load, trap, ret = TRAP[unit.arch]
        code.append(f".globl {name}\n.type {name}, @function\n{name}:\n    {load.format(nr=call.nr)}\n    {trap}\n    {ret}\n"
                    f".size {name}, . - {name}\n")
    head = unit.banner("call stubs for programs")
    forward = "\n".join(f"{s};" for s in sorted(structs))
    return {f"{unit.ns}_stubs.h": f"{head}// Each answers the raw result: >= 0, or the ABI's failure value.\n#pragma once\n\n{forward}\n\n"
                                  + "\n".join(protos) + "\n",
            f"{unit.ns}_stubs.S": head + ".text\n" + "\n".join(code)}
