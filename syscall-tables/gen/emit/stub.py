"""The body of one call's stub: decode registers, then the steps in order, the handler, the copies out, unwinding."""
from __future__ import annotations

from typing import Optional

from ..diag import Id
from ..expr import Deref, Expr, Field, c_number, names, walk
from ..model import Arg, Check
from .fetch import Fetch
from .handlers import c_param_type, fixed_seq, is_span, visible_args
from .unit import local


class Stub(Fetch):
    # ---- decoding of plain values ----
    def decode(self) -> None:
        shown = visible_args(self.call)
        pending = [a for a in self.call.args if a.form == "value" or (a.form == "const" and len(a.consts) > 1)]
        ready = {str(a.name) for a in self.call.args if a.form != "value"}
        while pending:
            arg = next((a for a in pending if a.when is None or
                        all(n in ready or self.call.arg(n) is None for n in names(a.when))), pending[0])
            pending.remove(arg)
            ready.add(str(arg.name))
            name = local(arg.name)
            ctype = c_param_type(self.unit, self.call, arg).strip()
            value = self.given(arg) if arg.form == "value" else self.reg(arg)
            if arg.clamp is not None:
                limit = c_number(self.unit.number(arg.clamp))
                value = f"{value} > {limit} ? {limit} : {value}"
            if arg.when is not None:
                value = f"({self.expr(arg.when)}) ? ({value}) : 0"
            unused = "" if arg in shown and self.handler else "[[maybe_unused]] "
            self.decls.append(f"{unused}const {ctype} {name} = {value};")

    # ---- steps ----
    def run_steps(self) -> None:
        call = self.call
        steps = call.steps or []
        impl = next((i for i, s in enumerate(steps) if s.kind == "impl"), len(steps))
        for step in steps[:impl]:
            if step.kind == "check":
                self.check(step.check)
            elif step.kind == "range":
                self.range(call.arg(step.name))
            else:
                self.arg(call.arg(step.name))
        for arg in call.args:
            self.arg(arg)
        for check in call.checks:
            self.check(check)
        for rule in call.refused:
            if rule.when is not None:
                self.fail(self.expr(rule.when), self.unit.kerr(rule.code))

    def check(self, c: Check) -> None:
        for name in names(c.expr):  # what it looks at must be there
            arg = self.call.arg(name)
            if arg is not None and arg.form in ("ptr", "fd", "handle", "cap") and self.reads_memory(c.expr, name):
                self.arg(arg)
        self.fail(f"!({self.expr(c.expr)})", self.unit.kerr(c.code))

    def reads_memory(self, e: Expr, name: Id) -> bool:
        return any(isinstance(p, (Field, Deref)) and (p.base if isinstance(p, Field) else p.name) == name for p in walk(e))

    def arg(self, arg: Optional[Arg]) -> None:
        if arg is None or arg.name in self.done:
            return
        self.done.add(str(arg.name))
        if arg.length is not None:
            self.need(arg.length)
        if arg.when is None:
            getattr(self, "step_" + arg.form)(arg, 1)
            return
        self.pointer_decl(arg)
        before = len(self.code)
        self.line(f"if ({self.expr(arg.when)}) {{")
        getattr(self, "step_" + arg.form)(arg, 2)
        if len(self.code) == before + 1:
            self.code.pop()
        else:
            self.line("}")

    # ---- the end ----
    def stores(self) -> list[str]:
        order = [s.name for s in self.call.steps or [] if s.kind == "arg"]
        args = [a for a in self.call.args if a.form in ("ptr", "seq") and a.dir in ("out", "inout")
                and not is_span(self.unit, self.call, a)]
        args.sort(key=lambda a: max((i for i, n in enumerate(order) if n == a.name), default=-1))
        out = []
        for arg in args:
            name = local(arg.name)
            when = {"ok": "rc >= 0", "positive": "rc > 0", "always": "", "quietly": ""}.get(arg.stored)
            if when is None:
                code = self.unit.kerr(arg.stored)
                when = f"(rc == -{code}{' || rc == -E_RESTART' if code == 'E_INTR' else ''})"
            null = f"{name} != NULL" if self.nullable(arg) else ""
            if arg.form == "seq" and not fixed_seq(self.unit, self.call, arg):
                store = f"sys_seq_store(&{name}_q, {self.user(arg)}) != 0"
            elif arg.form == "seq":
                store = f"sys_store({self.user(arg)}, {name}_v, sizeof({name}_v)) != 0"
            else:
                store = f"sys_store({self.user(arg)}, &{name}_v, sizeof({name}_v)) != 0"
            last = {"always": "rc >= 0", "quietly": "rc == -E_RESTART"}.get(arg.stored, "")
            cond = " && ".join(x for x in (when, null, store, last) if x)
            out.append((cond, "E_INTR" if arg.stored == "quietly" else self.unit.default_code("EFAULT")))
        lines = []
        for cond, kerr in out:
            if self.call.undo:
                args_text = ", ".join(self.arguments())
                lines += [f"    if ({cond}) {{", f"        {self.unit.handler(self.call)}_undo({args_text});",
                          f"        rc = -{kerr};", "    }"]
            else:
                lines += [f"    if ({cond})", f"        rc = -{kerr};"]
        return lines

    def arguments(self) -> list[str]:
        out = [local(a.name) for a in visible_args(self.call)]
        if self.call.frame or (self.call.parent and self.call.parent.frame):
            out.append("tf")
        return out

    def build(self) -> list[str]:
        """Lines of the body. Without a handler the call ends with the error in `rc` (a default case)."""
        self.decode()
        self.run_steps()
        call = f"{self.handler}({', '.join(self.arguments())})" if self.handler else "fallback"
        stores = self.stores() if self.handler else []
        unwind = self.unwind()
        if not stores and not unwind:
            self.line(f"return {call};")
            tail = []
        else:
            self.want_rc = True
            self.line(f"rc = {call};")
            tail = [*stores, *unwind, "    return rc;"]
        own = self.decls if self.handler else [f"[[maybe_unused]] {d.removeprefix('[[maybe_unused]] ')}" for d in self.decls]
        decls = [f"    {d}" for d in ((["i64 rc;"] if self.want_rc else []) + own)]
        return [*decls, *([""] if decls and (self.code or tail) else []), *self.code, *tail]

    def unwind(self) -> list[str]:
        out = []
        for label, put in reversed(self.undo):
            if label in self.used:
                out.append(f"{label}:")
            out.append(f"    {put}")
        return out
