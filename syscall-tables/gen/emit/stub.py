"""The body of one call's stub: decode registers, then the steps in order, the handler, the copies out, unwinding."""
from __future__ import annotations

from typing import Optional

from ..diag import Id
from ..expr import Deref, Expr, Field, Ref, c_expr, c_number, names
from ..model import INTS, KIND_ERRORS, Arg, Call, Check, Struct, ValueSet
from .guard import guards, struct_guards, subject_of
from .handlers import c_param_type, fixed_seq, is_span, visible_args
from .unit import Unit, local


class Stub:
    def __init__(self, unit: Unit, call: Call, handler: Optional[str]) -> None:
        self.unit, self.call, self.handler = unit, call, handler
        self.want_rc = False
        self.decls: list[str] = []
        self.code: list[str] = []
        self.undo: list[tuple[str, str]] = []  # label, statement; in order of taking
        self.used: set[str] = set()
        self.done: set[str] = set()
        self.ranged: set[str] = set()
        self.needs_extend = False

    # ---- text ----
    def reg(self, arg: Arg) -> str:
        return f"a[{arg.reg}]"

    def user(self, arg: Arg) -> str:
        return f"(uaddr_t){{{self.reg(arg)}}}"

    def atom(self, e: Expr) -> str:
        if isinstance(e, Ref):
            arg = self.call.arg(e.name)
            if arg is None:
                return "message_length(tf)" if e.name == "length" and self.call.kind == "invoke" else self.unit.const(e.name)
            if arg.form == "value":
                return local(arg.name)
            if arg.form == "const":
                return self.unit_const(arg) if len(arg.consts) == 1 else local(arg.name)
            return f"({self.reg(arg)} != 0)" if arg.form not in ("fd", "uaddr") else \
                (f"(i32){self.reg(arg)}" if arg.form == "fd" else self.reg(arg))
        if isinstance(e, Field):
            arg = self.call.arg(e.base)
            name = local(e.base)
            value = f"{name}->{e.field}"
            if arg and isinstance(arg.type and arg.type.decl, Struct):
                value += ".v" if arg.type.decl.member(e.field).type.kind == "uaddr" else ""
            return f"({name} != NULL ? {value} : 0)" if arg and self.nullable(arg) else value
        assert isinstance(e, Deref)
        arg = self.call.arg(e.name)
        name = local(e.name)
        return f"({name} != NULL ? *{name} : 0)" if arg and self.nullable(arg) else f"*{name}"

    def unit_const(self, arg: Arg) -> str:
        e = arg.consts[0]
        return self.unit.const(e.name) if isinstance(e, Ref) else c_number(self.unit.number(e))

    def expr(self, e: Expr) -> str:
        return c_expr(e, self.atom)

    def length(self, e: Expr) -> str:
        """A length as u64, so that arithmetic on it cannot overflow."""
        def atom(x: Expr) -> str:
            text = self.atom(x)
            return f"(u64){text}" if not self.unit.is_const(x, self.call) else text
        if isinstance(e, Ref):
            arg = self.call.arg(e.name)
            signed = arg is not None and arg.type is not None and arg.form == "value" and INTS[arg.type.base][1]
            return f"(usize){self.atom(e)}" if signed else self.atom(e)
        return c_expr(e, atom)

    def nullable(self, arg: Arg) -> bool:
        return arg.opt or arg.when is not None or arg.or_none

    def line(self, text: str, depth: int = 1) -> None:
        self.code.append("    " * depth + text)

    # ---- failing ----
    def leave(self) -> str:
        if not self.undo:
            return "return rc;"
        self.used.add(self.undo[-1][0])
        return f"goto {self.undo[-1][0]};"

    def fail(self, cond: str, kerr: str, depth: int = 1) -> None:
        self.line(f"if ({cond})" + (" {" if self.undo else ""), depth)
        if self.undo:
            self.line(f"rc = -{kerr};", depth + 1)
            self.line(self.leave(), depth + 1)
            self.line("}", depth)
        else:
            self.line(f"return -{kerr};", depth + 1)

    def attempt(self, call: str, depth: int = 1) -> None:
        self.want_rc = True
        self.line(f"rc = {call};", depth)
        self.line("if (rc != 0)", depth)
        self.line(self.leave(), depth + 1)

    def acquire(self, arg: Arg, attempt: str, put: str, depth: int) -> None:
        self.attempt(attempt, depth)
        name = local(arg.name)
        if self.nullable(arg):
            put = f"if ({name} != NULL)\n        {put}"
        self.undo.append((f"put_{arg.name}", put))

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
            value = self.reg(arg) if ctype in ("u64", "usize") else f"({ctype}){self.reg(arg)}"
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
        from ..expr import walk
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

    def values(self, arg: Arg, text: str, depth: int) -> None:
        unit = self.unit
        if arg.align is not None:
            n = unit.number(arg.align)
            self.fail(f"({text} & {c_number(n - 1)}) != 0", unit.kerr(arg.align_else) if arg.align_else else
                      unit.default_code("EINVAL"), depth)
        if arg.max is not None and arg.form == "value":
            self.fail(f"{text} > {c_number(unit.number(arg.max))}", unit.kerr(arg.max_else) if arg.max_else else
                      unit.default_code("EINVAL"), depth)
        decl = arg.type.decl if arg.type else None
        if isinstance(decl, ValueSet) and not arg.select and arg.form == "value":
            for cond, kerr in guards(unit, decl, subject_of(unit, arg, text)):
                self.fail(cond, kerr, depth)
        self.arg_checks(arg, depth)

    def arg_checks(self, arg: Arg, depth: int) -> None:
        for c in arg.checks:
            self.fail(f"!({self.expr(c.expr)})", self.unit.kerr(c.code), depth)

    def step_skip(self, arg: Arg, depth: int) -> None:
        pass

    def step_value(self, arg: Arg, depth: int) -> None:
        self.values(arg, local(arg.name), depth)

    def step_uaddr(self, arg: Arg, depth: int) -> None:
        if arg.when is None:
            self.decls.append(f"const uaddr_t {local(arg.name)} = {{{self.reg(arg)}}};")
        else:
            self.line(f"{local(arg.name)}.v = {self.reg(arg)};", depth)
        self.values(arg, self.reg(arg), depth)

    def step_strv(self, arg: Arg, depth: int) -> None:
        self.step_uaddr(arg, depth)

    def step_const(self, arg: Arg, depth: int) -> None:
        if self.call.parent and self.call.parent.selector and \
                arg.reg == self.call.parent.selector.reg:
            return
        tests = []
        for e in arg.consts:
            value = self.unit.number(e)
            text = self.unit.const(e.name) if isinstance(e, Ref) else c_number(value)
            tests.append(f"(i32){self.reg(arg)} != {text}" if value < 0 else f"{self.reg(arg)} != {text}")
        self.fail(" && ".join(tests), self.unit.kerr(arg.const_else) if arg.const_else else self.unit.default_code("EINVAL"), depth)

    def rights(self, arg: Arg) -> str:
        parts = [f"RIGHT_{r.upper()}" for r in arg.needs] if not arg.needs_else else []
        for rule in self.call.needs:
            if rule.arg == arg.name and not rule.otherwise:
                bits = " | ".join(f"RIGHT_{r.upper()}" for r in rule.rights)
                parts.append(f"(({self.expr(rule.when)}) ? {bits} : 0)" if rule.when is not None else bits)
        return " | ".join(parts) or "0"

    def step_fd(self, arg: Arg, depth: int) -> None:
        name, unit = local(arg.name), self.unit
        value = f"(i32){self.reg(arg)}"
        self.decls.append(f"struct href {name}_h;")
        if arg.or_none:
            decl = arg.type.decl if arg.type else None
            none = next((v.num for v in decl.values() if v.name == "none"), -1) if isinstance(decl, ValueSet) else -1
            self.pointer_decl(arg)
            self.line(f"if ({value} != {none}) {{", depth)
            depth += 1
        elif arg.when is None:
            self.decls.append(f"struct href *const {name} = &{name}_h;")
        if arg.kind is not None and arg.kind != "any":
            code = arg.kind_else or KIND_ERRORS.get(arg.kind, "EINVAL")
            kerr = unit.kerr(code) if code in unit.abi.errors else unit.default_code(code)
            get = f"href_get_kind(&{name}_h, {value}, {self.rights(arg)}, OBJ_KIND_{arg.kind.upper()}, {kerr})"
        else:
            get = f"href_get(&{name}_h, {value}, {self.rights(arg)})"
        self.acquire(arg, get, f"href_put(&{name}_h);", depth)
        if self.nullable(arg):
            self.line(f"{name} = &{name}_h;", depth)
        self.late_rights(arg, depth)
        self.arg_checks(arg, depth)
        if arg.or_none:
            self.line("}", depth - 1)

    step_handle = step_fd
    step_cap = step_fd

    def late_rights(self, arg: Arg, depth: int) -> None:
        """Rights whose absence has an error of its own."""
        name = local(arg.name)
        if arg.needs_else:
            bits = " | ".join(f"RIGHT_{r.upper()}" for r in arg.needs)
            self.fail(f"({name}_h.rights & ({bits})) != ({bits})", self.unit.kerr(arg.needs_else), depth)
        for rule in self.call.needs:
            if rule.arg == arg.name and rule.otherwise:
                bits = " | ".join(f"RIGHT_{r.upper()}" for r in rule.rights)
                cond = f"({self.expr(rule.when)}) && " if rule.when is not None else ""
                self.fail(f"{cond}({name}_h.rights & ({bits})) != ({bits})", self.unit.kerr(rule.otherwise), depth)

    def pointer_decl(self, arg: Arg) -> None:
        """A parameter that may stay NULL is a pointer variable of its own."""
        name = local(arg.name)
        ctype = c_param_type(self.unit, self.call, arg)
        if arg.form in ("value", "const") or any(d.startswith((f"{ctype}{name} =", f"{ctype}{name};")) for d in self.decls):
            return
        self.decls.append(f"uaddr_t {name} = {{0}};" if arg.form in ("uaddr", "strv") else f"{ctype}{name} = NULL;")

    def open_opt(self, arg: Arg, depth: int) -> int:
        if arg.opt:
            self.pointer_decl(arg)
            self.line(f"if ({self.reg(arg)} != 0) {{", depth)
            return depth + 1
        return depth

    def close_opt(self, arg: Arg, depth: int) -> None:
        if arg.opt:
            self.line("}", depth - 1)

    def set_pointer(self, arg: Arg, target: str, depth: int) -> None:
        name = local(arg.name)
        if self.nullable(arg):
            self.line(f"{name} = {target};", depth)
        else:
            ctype = c_param_type(self.unit, self.call, arg)
            self.decls.append(f"{ctype}const {name} = {target};")

    def step_cstr(self, arg: Arg, depth: int) -> None:
        name = local(arg.name)
        self.decls.append(f"struct sys_name {name}_s;")
        depth = self.open_opt(arg, depth)
        self.acquire(arg, f"sys_name_get(&{name}_s, {self.user(arg)}, {self.expr(arg.length)})", f"sys_name_put(&{name}_s);", depth)
        self.set_pointer(arg, f"&{name}_s", depth)
        self.arg_checks(arg, depth)
        self.close_opt(arg, depth)

    def direction(self, arg: Arg) -> str:
        return "IOBUF_TO_USER" if arg.dir == "out" else "IOBUF_FROM_USER"

    def need(self, e: Expr) -> None:
        """Checks the length first and fetches what it reads through a pointer."""
        for n in names(e):
            other = self.call.arg(n)
            if other is not None and other.form in ("ptr", "value"):
                self.arg(other)

    def step_bytes(self, arg: Arg, depth: int) -> None:
        name, length = local(arg.name), self.length(arg.length)
        self.decls.append(f"struct iobuf {name}_b;")
        depth = self.open_opt(arg, depth)
        counted = self.call.arg(arg.length.name) if isinstance(arg.length, Ref) else None
        if counted is not None and counted.clamp is not None:
            self.line(f"if ({self.reg(counted)} > {c_number(self.unit.number(counted.clamp))}) {{", depth)
            self.attempt(f"iobuf_user(&{name}_b, {self.user(arg)}, {self.reg(counted)}, {self.direction(arg)})", depth + 1)
            self.line("}", depth)
        if arg.form == "seq" and not (isinstance(arg.type.decl, Struct) and arg.type.decl.variable):
            size = arg.type.size
            self.fail(f"{length} > {c_number((1 << 62) // max(size, 1))}", self.unit.default_code("EINVAL"), depth)
            length = f"(usize)({length}) * {size}"
        self.attempt(f"iobuf_user(&{name}_b, {self.user(arg)}, {length}, {self.direction(arg)})", depth)
        self.set_pointer(arg, f"&{name}_b", depth)
        self.arg_checks(arg, depth)
        self.close_opt(arg, depth)

    def step_vec(self, arg: Arg, depth: int) -> None:
        name = local(arg.name)
        self.decls.append(f"struct iobuf {name}_b;")
        depth = self.open_opt(arg, depth)
        self.acquire(arg, f"iobuf_user_vec(&{name}_b, {self.user(arg)}, {self.length(arg.length)}, {self.direction(arg)})",
                     f"iobuf_done(&{name}_b);", depth)
        self.set_pointer(arg, f"&{name}_b", depth)
        self.close_opt(arg, depth)

    def step_seq(self, arg: Arg, depth: int) -> None:
        if is_span(self.unit, self.call, arg):
            self.step_bytes(arg, depth)
            return
        name, count = local(arg.name), fixed_seq(self.unit, self.call, arg)
        ctype = self.unit.c_type(arg.type)
        if count:
            self.decls.append(f"{ctype} {name}_v[{count}];")
            self.fill(arg, f"{name}_v", f"{name}_v", depth)
            return
        self.decls.append(f"struct sys_seq {name}_q;")
        depth = self.open_opt(arg, depth)
        limit = c_number(self.unit.number(arg.max)) if arg.max is not None else "0"
        get = f"sys_seq_new(&{name}_q, " if arg.dir == "out" else f"sys_seq_get(&{name}_q, {self.user(arg)}, "
        self.acquire(arg, f"{get}{self.length(arg.length)}, sizeof({ctype}), {limit})",
                     f"sys_seq_put(&{name}_q);", depth)
        if self.nullable(arg):
            self.line(f"{name} = {name}_q.ptr;", depth)
        else:
            self.decls.append(f"{c_param_type(self.unit, self.call, arg)}{name};")
            self.line(f"{name} = {name}_q.ptr;", depth)
        self.arg_checks(arg, depth)
        self.close_opt(arg, depth)

    def step_ptr(self, arg: Arg, depth: int) -> None:
        name = local(arg.name)
        if arg.type.length:
            self.decls.append(f"{self.unit.c_type(arg.type)} {name}_v[{arg.type.length}];")
            self.fill(arg, f"{name}_v", f"{name}_v", depth)
            return
        self.decls.append(f"{self.unit.c_type(arg.type)} {name}_v;")
        self.fill(arg, f"{name}_v", f"&{name}_v", depth)

    def fill(self, arg: Arg, value: str, target: str, depth: int) -> None:
        """A struct, integer or short array on the stub's stack."""
        depth = self.open_opt(arg, depth)
        address = value if target == value else target
        if arg.dir == "out":
            self.line(f"memset({address}, 0, sizeof({value}));", depth)
        elif arg.extends is not None:
            self.needs_extend = True
            low = c_number(self.unit.number(arg.extends_min))
            self.attempt(f"fetch_extended({address}, sizeof({value}), {self.user(arg)}, {local(arg.extends)}, {low})", depth)
        else:
            self.attempt(f"sys_fetch({address}, {self.user(arg)}, sizeof({value}))", depth)
        self.set_pointer(arg, target, depth)
        decl = arg.type.decl
        if arg.dir != "out" and isinstance(decl, Struct) and decl.kind == "struct" and arg.form == "ptr" and not arg.type.length:
            for cond, kerr in struct_guards(self.unit, decl, value):
                self.fail(cond, kerr, depth)
        elif arg.dir != "out" and isinstance(decl, ValueSet) and arg.form == "ptr" and not arg.type.length:
            for cond, kerr in guards(self.unit, decl, subject_of(self.unit, arg, value)):
                self.fail(cond, kerr, depth)
        self.arg_checks(arg, depth)
        self.close_opt(arg, depth)

    def range(self, arg: Optional[Arg]) -> None:
        if arg is None:
            return
        if arg.form in ("bytes", "vec", "seq"):
            self.arg(arg)
            return
        if "struct iobuf range_b;" not in self.decls:
            self.decls.append("struct iobuf range_b;")
        if arg.opt:
            self.line(f"if ({self.reg(arg)} != 0) {{")
        self.attempt(f"iobuf_user(&range_b, {self.user(arg)}, {arg.type.size}, {self.direction(arg)})", 2 if arg.opt else 1)
        if arg.opt:
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
            when = {"ok": "rc >= 0", "always": ""}.get(arg.stored)
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
            cond = " && ".join(x for x in (when, null, store, "rc >= 0" if arg.stored == "always" else "") if x)
            out.append((cond, self.unit.default_code("EFAULT")))
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
