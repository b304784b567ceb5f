"""Gates: what the tables may not say. Runs after resolve and layout; each complaint names the place to mend."""
from __future__ import annotations

from collections import Counter
from typing import Iterable

from .diag import Diagnostics, Id, TableError
from .expr import Deref, Expr, Field, Ref, evaluate, names, walk
from .model import COMPARE, INTS, Abi, Arg, Call, Program, Struct, ValueSet

BUFFERS = ("bytes", "vec", "seq")


def check(program: Program, abi: Abi, diag: Diagnostics) -> None:
    for call in abi.every_call():
        CallCheck(abi, call, diag).run()
    for st in abi.structs:
        check_struct(abi, st, diag)
    for s in abi.sets:
        for name, count in Counter(str(v.name) for v in s.values()).items():
            if count > 1:
                again = [v for v in s.values() if v.name == name][1]
                diag.error(again.name.pos, f"'{name}' is already declared in '{s.name}'")
        check_fields(s, diag)


def check_fields(s: ValueSet, diag: Diagnostics) -> None:
    for f in s.fields():
        for v in f.values:
            if v.num & ~f.num:
                diag.error(v.name.pos, f"value {v.num:#x} of '{v.name}' does not fit in the mask {f.num:#x} of '{f.name}'")
    for v in s.values():
        size, signed, _ = INTS[s.base]
        if v.num >= 1 << (size * 8) or v.num < -(1 << (size * 8 - 1)):
            diag.error(v.name.pos, f"value {v.num:#x} of '{v.name}' does not fit in {s.base}")


def check_struct(abi: Abi, st: Struct, diag: Diagnostics) -> None:
    if not st.fields:
        diag.error(st.name.pos, f"{st.kind} '{st.name}' has no fields")
    for f in st.fields:
        if f.unsupported and isinstance(f.type.decl, Struct):
            diag.error(f.name.pos, f"'unsupported' needs a plain field; '{f.name}' is a struct")


def check_impls(program: Program, diag: Diagnostics) -> None:
    """One kernel function must mean the same to every ABI that names it."""
    first: dict[str, tuple[str, Call]] = {}
    for abi in program.abis.values():
        for call in abi.every_call():
            if not call.impl:
                continue
            where, other = first.setdefault(call.impl, (str(abi.name), call))
            if other is call:
                continue
            if call.blocks and other.blocks and call.blocks != other.blocks:
                diag.error(call.impl.pos, f"impl '{call.impl}' blocks '{call.blocks}' here and '{other.blocks}' in {where} "
                                          f"call '{other.name}'")
            mine, theirs = directions(call), directions(other)
            if where != abi.name and mine and theirs and mine != theirs:
                diag.error(call.impl.pos, f"impl '{call.impl}' moves data {'/'.join(sorted(mine))} here and "
                                          f"{'/'.join(sorted(theirs))} in {where} call '{other.name}'")


def directions(call: Call) -> set[str]:
    return {a.dir for a in call.args if a.form in ("bytes", "vec")}


class CallCheck:
    def __init__(self, abi: Abi, call: Call, diag: Diagnostics) -> None:
        self.abi, self.call, self.diag = abi, call, diag
        self.args = {str(a.name): a for a in call.args}

    def run(self) -> None:
        call = self.call
        self.support()
        for arg in call.args:
            self.arg(arg)
        self.lists()
        self.select()
        for c in [*call.checks, *(s.check for s in call.steps or [] if s.check)]:
            self.expr(c.expr)
        for r in call.refused:
            if r.when is not None:
                self.expr(r.when)
        if call.restart and call.restart.when is not None:
            self.expr(call.restart.when)
        if call.compare and call.compare not in COMPARE and "-" in call.compare:
            self.diag.error(call.compare.pos, f"unknown comparison '{call.compare}'")

    # ---- support ----
    def support(self) -> None:
        call, base = self.call, self.call.parent
        level = call.support or (base.support if base else None)
        if level is None:
            self.diag.error(call.pos, f"call '{call.name}' has no support level")
            return
        if level in ("partial", "stub") and call.support and not call.support_note:
            self.diag.error(level.pos, f"'support {level}' of '{call.name}' must say what is missing")
        if level != "full":
            return
        if not call.tests and not (base and base.tests):
            self.diag.error(level.pos, f"call '{call.name}' is full but has no test")
        for what, pos in self.refusals():
            self.diag.error(level.pos, f"call '{call.name}' is full but refuses {what}")
        if call.selector and not call.modifiers:
            for sub in call.variants:
                if sub.support and sub.support in ("none", "stub", "partial"):
                    self.diag.error(level.pos, f"call '{call.name}' is full but its variant '{sub.name}' is {sub.support}")

    def refusals(self) -> Iterable[tuple[str, object]]:
        for arg in self.call.args:
            decl = arg.type.decl if arg.type else None
            if isinstance(decl, ValueSet) and not arg.select and decl.kind != "resource":
                for v in decl.values():
                    if v.unsupported:
                        yield str(v.name), v.name.pos
            elif isinstance(decl, Struct) and arg.dir != "out":
                for f in decl.live:
                    if f.unsupported:
                        yield f"{decl.name}.{f.name}", f.name.pos
        for r in self.call.refused:
            yield "what its rule marks", r.code.pos

    # ---- names ----
    def known(self, name: Id, what: str) -> bool:
        if name in self.args:
            return True
        self.diag.error(name.pos, f"{what} names '{name}', which is not an argument of '{self.call.name}'")
        return False

    def expr(self, e: Expr) -> None:
        for part in walk(e):
            if isinstance(part, Ref) and part.name == "length" and self.call.kind == "invoke":
                continue
            if isinstance(part, Ref) and part.name not in self.args and part.name not in self.abi.values:
                self.diag.error(part.name.pos, f"'{part.name}' is neither an argument of '{self.call.name}' nor a constant")
            elif isinstance(part, Deref) and self.known(part.name, "the expression"):
                a = self.args[part.name]
                if a.form != "ptr" or a.dir == "out" or not a.type or isinstance(a.type.decl, Struct):
                    self.diag.error(part.name.pos, f"'*{part.name}' needs an 'in' or 'inout' integer")
            elif isinstance(part, Field) and self.known(part.base, "the expression"):
                a = self.args[part.base]
                st = a.type.decl if a.type else None
                if a.form in ("fd", "handle", "cap"):
                    continue
                if a.form != "ptr" or not isinstance(st, Struct) or a.dir == "out":
                    self.diag.error(part.base.pos, f"'{part.base}' is not an 'in' or 'inout' struct")
                elif st.member(part.field) is None:
                    self.diag.error(part.field.pos, f"'{part.field}' is not a field of '{st.name}'")

    def lists(self) -> None:
        call = self.call
        for code, args in call.errors:
            for name in args:
                if name != "self" and not any(v.arg(name) for v in call.variants):
                    self.known(name, f"error {code}")
        for test in call.tests:
            if test.template == "seq":
                if len(test.args) != 1:
                    self.diag.error(test.template.pos, "'seq' takes the name of one sequence")
                continue
            if not test.args:
                self.diag.error(test.template.pos, f"test '{test.template}' needs an argument")
            for name in test.args:
                if self.known(name, f"test {test.template}"):
                    self.template(str(test.template), self.args[name], name)
        for _, name in call.shown:
            self.known(name, "print")
        for rule in call.needs:
            if self.known(rule.arg, "needs") and self.args[rule.arg].form not in ("fd", "handle", "cap"):
                self.diag.error(rule.arg.pos, f"'needs' on '{rule.arg}', which is no handle")
            if rule.when is not None:
                self.expr(rule.when)
        for arch, order in call.order.items():
            bad = [n for n in order if not self.known(n, f"order {arch}")]
            if not bad and (len(order) != len(call.args) or len(set(order)) != len(order)):
                self.diag.error(order[0].pos, f"order for {arch} must name each argument once")
        seen: set[str] = set()
        for step in call.steps or []:
            if step.kind in ("arg", "range") and step.name and self.known(step.name, "steps"):
                if step.kind == "range" and self.args[step.name].form not in (*BUFFERS, "ptr"):
                    self.diag.error(step.name.pos, f"'range' needs a buffer; '{step.name}' is none")
                if step.name in seen and self.args[step.name].dir != "inout":
                    self.diag.error(step.name.pos, f"'{step.name}' has two steps")
                seen.add(step.name)
        if call.steps and sum(s.kind == "impl" for s in call.steps) > 1:
            self.diag.error([s for s in call.steps if s.kind == "impl"][1].pos, "'impl' has two steps")

    def template(self, template: str, arg: Arg, at: Id) -> None:
        needs = {
            "bad-pointer": arg.form in (*BUFFERS, "ptr", "cstr", "strv", "uaddr"),
            "bad-handle": arg.form in ("fd", "handle", "cap") or (arg.type is not None and arg.type.name in ("fdnum", "dirfd")),
            "missing-right": arg.form in ("fd", "handle", "cap"),
            "each-flag": arg.type is not None and isinstance(arg.type.decl, ValueSet) and arg.type.decl.kind == "flags",
            "each-value": arg.type is not None and isinstance(arg.type.decl, ValueSet),
            "length": arg.form == "value" or arg.form in BUFFERS,
        }
        if not needs.get(template, True):
            self.diag.error(at.pos, f"test {template} does not fit argument '{arg.name}'")

    # ---- arguments ----
    def arg(self, arg: Arg) -> None:
        err = self.diag.error
        integer = arg.form == "value" or arg.form == "skip"
        if arg.form in BUFFERS and arg.length is not None:
            for part in walk(arg.length):
                if isinstance(part, Ref) and part.name not in self.args and part.name not in self.abi.values:
                    err(part.name.pos, f"the length of '{arg.name}' names '{part.name}', which is neither an argument nor a constant")
                elif isinstance(part, Ref) and part.name in self.args and self.args[part.name].form not in ("value", "const"):
                    err(part.name.pos, f"the length of '{arg.name}' is '{part.name}', which is no integer")
                elif isinstance(part, (Deref, Field)):
                    self.expr(part)
        if arg.form == "cstr" and arg.length is not None:
            self.constant(arg.length)
        for e in (arg.clamp, arg.align, arg.max, arg.extends_min):
            if e is not None:
                self.constant(e)
        for e in arg.consts:
            self.constant(e)
        if arg.when is not None:
            self.expr(arg.when)
            if arg.name in set(names(arg.when)):
                err(arg.name.pos, f"'{arg.name}' depends on itself")
        for c in arg.checks:
            self.expr(c.expr)
        if arg.needs and arg.form not in ("fd", "handle", "cap"):
            err(arg.needs[0].pos, f"'needs' on '{arg.name}', which is no handle")
        if arg.kind is not None and arg.form not in ("fd", "handle", "cap"):
            err(arg.kind.pos, f"'kind' on '{arg.name}', which is no handle")
        if arg.clamp is not None and not integer:
            err(arg.pos, f"'clamp' on '{arg.name}', which is no integer")
        if arg.max is not None and not integer and arg.form != "seq":
            err(arg.pos, f"'max' on '{arg.name}', which is neither integer nor seq")
        if arg.align is not None and arg.form != "uaddr" and not integer:
            err(arg.pos, f"'align' on '{arg.name}', which is neither address nor integer")
        if arg.low_signal and not (arg.type and isinstance(arg.type.decl, ValueSet) and arg.type.decl.kind == "flags"):
            err(arg.pos, f"'low signal' on '{arg.name}', which is no flags")
        if arg.opt and arg.form in ("value", "const", "fd"):
            err(arg.pos, f"'opt' on '{arg.name}', which is no pointer")
        if arg.filled is not None:
            if arg.dir == "in" or arg.form not in (*BUFFERS, "ptr"):
                err(arg.filled.pos, f"'filled' on '{arg.name}', which is no out buffer")
            elif arg.filled != "ret":
                self.known(arg.filled, "filled")
        if arg.stored != "ok" and (arg.form not in ("ptr", "seq") or arg.dir == "in"):
            err(arg.pos, f"'stored' on '{arg.name}', which is not copied out")
        if arg.extends is not None:
            if self.known(arg.extends, "extends") and self.args[arg.extends].form != "value":
                err(arg.extends.pos, f"'{arg.extends}' is no integer")
            if arg.form != "ptr" or arg.dir != "in" or not arg.type or not isinstance(arg.type.decl, Struct):
                err(arg.pos, f"'extends' on '{arg.name}', which is no 'in' struct")
        if arg.form == "seq" and arg.dir == "in" and arg.type and isinstance(arg.type.decl, Struct) and arg.type.decl.variable:
            err(arg.pos, "a seq of records of variable size can only be 'out'")

    def constant(self, e: Expr) -> None:
        def lookup(name: Id) -> int:
            if name not in self.abi.values:
                raise TableError(name.pos, f"unknown constant '{name}'")
            return self.abi.values[name]
        try:
            evaluate(e, lookup)
        except TableError as error:
            self.diag.add(error)

    # ---- selectors ----
    def select(self) -> None:
        call = self.call
        selectors = [a for a in call.args if a.select]
        if call.kind == "variant" or "$" in call.name:
            if call.variants:
                self.diag.error(call.pos, "a variant cannot have variants")
            return
        if len(selectors) > 1:
            self.diag.error(selectors[1].pos, f"call '{call.name}' has two selectors")
        if selectors and call.default is None:
            self.diag.error(call.pos, f"call '{call.name}' selects but has no 'default'")
        if not selectors:
            if call.default is not None:
                self.diag.error(call.default.pos, f"'default' of '{call.name}', which has no 'select' argument")
            if call.modifiers:
                self.diag.error(call.modifiers[0].pos, f"'modifier' of '{call.name}', which has no 'select' argument")
        for name in call.modifiers:
            if name not in self.abi.values:
                self.diag.error(name.pos, f"unknown constant '{name}'")
