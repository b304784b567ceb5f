"""The step of each form of argument: check the value, resolve the handle, copy in, or make room."""
from __future__ import annotations

from typing import Optional

from ..expr import Expr, Ref, c_number, names
from ..model import KIND_ERRORS, Arg, Struct, ValueSet
from .frame import Frame
from .guard import guards, struct_guards, subject_of
from .handlers import c_param_type, fixed_seq, is_span
from .unit import local


class Fetch(Frame):
    def arg(self, arg: Optional[Arg]) -> None:
        """The step of one argument, once."""
        raise NotImplementedError

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
            given = self.given(counted)
            self.line(f"if ({given} > {c_number(self.unit.number(counted.clamp))}) {{", depth)
            self.attempt(f"iobuf_user(&{name}_b, {self.user(arg)}, {given}, {self.direction(arg)})", depth + 1)
            self.line("}", depth)
        if arg.form == "seq" and not (isinstance(arg.type.decl, Struct) and arg.type.decl.variable):
            size = arg.type.size
            if counted is None or counted.type.size == 8:  # a narrower count cannot overflow the product
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
        if not self.nullable(arg):
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
