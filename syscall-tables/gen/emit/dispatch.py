"""NS_dispatch.c: one static stub per call and variant, the switch of calls that select, the table by number."""
from __future__ import annotations

from typing import Optional

from ..expr import Expr, Ref, c_expr
from ..model import Call, Restart
from .stub import Stub
from .unit import Unit

EXTENDED = """
// An `in` struct with a size of its own: shorter than the smallest version is refused, a missing tail is zero, and bytes
// beyond what we know must be zero.
[[nodiscard]] static int fetch_extended(void *dst, usize size, uaddr_t src, u64 given, usize smallest)
{
    if (given < smallest)
        return -E_INVAL;
    if (given > 4096)
        return -E_2BIG;
    memset(dst, 0, size);
    for (u64 at = size; at < given;) {
        u8 rest[64];
        const usize n = given - at < sizeof(rest) ? given - at : sizeof(rest);
        const int rc = sys_fetch(rest, (uaddr_t){src.v + at}, n);
        if (rc != 0)
            return rc;
        for (usize i = 0; i < n; i++)
            if (rest[i] != 0)
                return -E_2BIG;
        at += n;
    }
    return sys_fetch(dst, src, given < size ? given : size);
}
"""


def model_name(name: str) -> str:
    return f"SYS_RESTART_{name.upper()}"


def restart_of(call: Call) -> Restart | None:
    return call.restart or (call.parent.restart if call.parent else None)


class Dispatch:
    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.extended = False
        self.parts: list[str] = []

    def function(self, name: str, body: list[str], extra: str = "", frame: bool = False) -> None:
        text = "\n".join(body)
        used_a = "a[" in text or "(a, tf" in text
        used_tf = "tf)" in text or ", tf" in text
        head = f"static i64 {name}({'' if used_a else '[[maybe_unused]] '}const u64 *a, " \
               f"{'' if used_tf else '[[maybe_unused]] '}struct trapframe *tf{extra})"
        self.parts.append(f"{head}\n{{\n{text}\n}}\n")

    def stub(self, name: str, call: Call, handler: Optional[str], extra: str = "") -> None:
        stub = Stub(self.unit, call, handler)
        body = stub.build()
        self.extended |= stub.needs_extend
        self.function(name, body, extra)

    def call(self, call: Call) -> None:
        unit = self.unit
        name = f"sc_{call.cname}"
        if unit.refused_whole(call) and unit.support(call) == "none":
            return
        if unit.refused_whole(call):
            self.function(name, [f"    return -{unit.refused_whole(call)};"])
            return
        if not call.selector:
            self.stub(name, call, unit.handler(call))
            return
        variants = unit.live_variants(call)
        for v in variants:
            if not unit.refused_whole(v):
                self.stub(f"sc_{v.cname}", v, unit.handler(v))
        self.stub(f"{name}_other", call, unit.handler(call) if call.default == "impl" else None,
                  "" if call.default == "impl" else ", i64 fallback")
        self.switch(call, name, variants)

    def switch(self, call: Call, name: str, variants: list[Call]) -> None:
        unit, sel = self.unit, call.selector
        bits = " | ".join(unit.const(m) for m in call.modifiers)
        ctype = "u64" if sel.type.size == 8 else "u32"
        value = f"({ctype})a[{sel.reg}]"
        if bits:
            value = f"{value} & ~({ctype})({bits})"
        body = [f"    switch ({value}) {{"]
        for v in variants:
            body += [f"    case ({ctype}){s}:" for s in self.selector_names(v, sel)]
            refused = unit.refused_whole(v)
            if refused and call.default == "impl":
                body.append(f"        return -{refused};")
            elif refused:
                body.append(f"        return {name}_other(a, tf, -{refused});")
            else:
                body.append(f"        return sc_{v.cname}(a, tf);")
        body.append("    default:")
        if call.default == "impl":
            body.append(f"        return {name}_other(a, tf);")
        else:
            body.append(f"        return {name}_other(a, tf, -{unit.kerr(call.default)});")
        self.function(name, [*body, "    }"])

    def selector_names(self, v: Call, sel) -> list[str]:
        if v.kind == "variant":
            return [self.unit.const(v.name.partition("$")[2])]
        const = next(a for a in v.args if a.form == "const" and a.reg == sel.reg)
        return [self.unit.const(e.name) if isinstance(e, Ref) else f"{n:#x}"
                for e, n in zip(const.consts, v.selectors)]

    # ---- restart models ----
    def raw(self, call: Call, e: Expr) -> str:
        def atom(x: Expr) -> str:
            if isinstance(x, Ref) and (arg := call.arg(x.name)) is not None:
                return f"a[{arg.reg}]"
            return self.unit.const(x.name) if isinstance(x, Ref) else "0"
        return c_expr(e, atom)

    def restart_value(self, call: Call) -> str:
        r = restart_of(call)
        if r is None:
            return model_name("never")
        if r.when is None:
            return model_name(r.model)
        return f"({self.raw(call, r.when)}) ? {model_name(r.model)} : {model_name(r.otherwise)}"

    def restart_function(self, calls: list[Call]) -> str:
        cases = []
        for call in calls:
            variants = [v for v in self.unit.live_variants(call) if v.restart]
            plain = call.restart is None or call.restart.when is None
            if plain and not variants:
                continue
            cases.append(f"    case {self.unit.const('SYS_' + call.cname)}:")
            if variants and call.selector:
                ctype = "u64" if call.selector.type.size == 8 else "u32"
                bits = " | ".join(self.unit.const(m) for m in call.modifiers)
                mask = f" & ~({ctype})({bits})" if bits else ""
                cases.append(f"        switch (({ctype})a[{call.selector.reg}]{mask}) {{")
                for v in variants:
                    cases += [f"        case ({ctype}){s}:" for s in self.selector_names(v, call.selector)]
                    cases.append(f"            return {self.restart_value(v)};")
                cases += ["        default:", f"            return {self.restart_value(call)};", "        }"]
            else:
                cases.append(f"        return {self.restart_value(call)};")
        ns, top = self.unit.ns, self.unit.const("SYS_MAX")
        default = f"nr <= {top} ? {ns}_syscalls[nr].flags & SYS_RESTART_MASK : SYS_RESTART_NEVER"
        if not cases:
            return (f"u32 {ns}_restart_model(u64 nr, [[maybe_unused]] const u64 *a)\n{{\n    return {default};\n}}\n")
        return (f"u32 {ns}_restart_model(u64 nr, const u64 *a)\n{{\n    switch (nr) {{\n" + "\n".join(cases) +
                f"\n    default:\n        return {default};\n    }}\n}}\n")

    # ---- the file ----
    def text(self) -> str:
        unit, ns = self.unit, self.unit.ns
        calls = unit.live()
        for call in calls:
            self.call(call)
        rows = []
        for call in calls:
            fn = "" if unit.support(call) == "none" else f".fn = sc_{call.cname}, "
            flags = restart_of(call)
            model = model_name(flags.model if flags.when is None else flags.otherwise) if flags else model_name("never")
            rows.append(f"    [{unit.const('SYS_' + call.cname)}] = {{{fn}.desc = &{ns}_desc_{call.cname}, .flags = {model}{' | SYS_FRAME' if call.frame else ''}}},")
        helper = EXTENDED if self.extended else ""
        return f"""{unit.banner("dispatch")}#include <{ns}_consts.h>
#include <{ns}_dispatch.h>
#include <{ns}_handlers.h>
#include <{ns}_trace.h>
#include <{ns}_types.h>
#include <lib/string.h>
#include <syscall/dispatch.h>
{helper}
{chr(10).join(self.parts)}
const struct syscall_entry {ns}_syscalls[{unit.const("SYS_MAX")} + 1] = {{
{chr(10).join(rows)}
}};

{self.restart_function(calls)}"""


def emit(unit: Unit) -> dict[str, str]:
    ns = unit.ns
    names = {r.by_arch[unit.arch]: str(r.name) for r in unit.abi.numbers.values() if r.by_arch.get(unit.arch) is not None}
    header = f"""{unit.banner("dispatch table")}#pragma once

#include <{ns}_consts.h>
#include <syscall/dispatch.h>

// By number. An entry without fn is a call that is not there: ENOSYS. An entry without desc has no table entry either.
// fn answers a value >= 0 or a negative kernel error; {ns}_errno maps it.
extern const struct syscall_entry {ns}_syscalls[{unit.const("SYS_MAX")} + 1];
// Name of a call by number, also of those without an entry; NULL: no such number.
extern const char *const {ns}_call_names[{unit.const("SYS_MAX")} + 1];
"""
    for c in unit.live():
        names[c.nr] = c.cname
    table = "\n".join(f'    [{nr}] = "{name}",' for nr, name in sorted(names.items()))
    body = Dispatch(unit).text()
    body += f"\nconst char *const {ns}_call_names[{unit.const('SYS_MAX')} + 1] = {{\n{table}\n}};\n"
    return {f"{ns}_dispatch.h": header, f"{ns}_dispatch.c": body}
