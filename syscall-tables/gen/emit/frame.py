"""What every stub is written with: lines, C text of expressions, failing with unwinding."""
from __future__ import annotations

from typing import Optional

from ..expr import Deref, Expr, Field, Ref, c_expr, c_number
from ..model import INTS, Arg, Call, Struct
from .unit import Unit, local


class Frame:
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

    def given(self, arg: Arg) -> str:
        """A plain value as the program gave it, cut to its type, before any clamp."""
        ctype = INTS[arg.type.base][2]
        return self.reg(arg) if ctype in ("u64", "usize") else f"({ctype}){self.reg(arg)}"

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
