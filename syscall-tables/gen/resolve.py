"""Links names to what they name, for one ABI on one architecture. Every unknown name is reported here."""
from __future__ import annotations

from .diag import Diagnostics, Id, TableError
from .expr import Expr, evaluate
from .model import BUILTIN_TYPES, PRINTS, Abi, Alias, Arg, Call, Program, Struct, TypeRef, Value, ValueSet


class Resolver:
    def __init__(self, program: Program, abi: Abi, arch: str, diag: Diagnostics) -> None:
        self.program, self.abi, self.arch, self.diag = program, abi, arch, diag
        self.where: dict[str, Value] = {}
        self.busy: set[str] = set()

    # ---- constants ----
    def collect(self) -> None:
        abi = self.abi
        abi.arch = self.arch
        abi.values = {}
        for table in ("types", "flags", "enums", "consts"):
            for name, what in getattr(self.program.shared, table).items():
                getattr(abi, table).setdefault(name, what)
        everything = [v for s in abi.sets for v in s.values()] + list(abi.consts.values())
        for val in everything:
            if val.only and self.arch not in val.only:
                continue
            first = self.where.setdefault(val.name, val)
            if first is not val and self.number(val) != self.number(first):
                self.diag.error(val.name.pos, f"'{val.name}' already has another value ({self.number(first)} at {first.name.pos})")
        for val in everything:
            if not val.only or self.arch in val.only:
                val.num = self.number(val)
                abi.values[val.name] = val.num
        for s in abi.flags.values():
            for item in s.fields():
                item.num = self.const(item.mask)

    def number(self, val: Value) -> int:
        key = f"{val.name}@{id(val)}"
        if key in self.busy:
            self.diag.error(val.name.pos, f"'{val.name}' is defined by itself")
            return 0
        self.busy.add(key)
        try:
            return evaluate(val.by_arch.get(self.arch, val.expr), self.lookup)
        except TableError as err:
            self.diag.add(err)
            return 0
        finally:
            self.busy.discard(key)

    def lookup(self, name: Id) -> int:
        if name in self.where:
            return self.number(self.where[name])
        raise TableError(name.pos, f"unknown constant '{name}'")

    def const(self, e: Expr) -> int:
        try:
            return evaluate(e, self.lookup)
        except TableError as err:
            self.diag.add(err)
            return 1

    # ---- types ----
    def type(self, ref: TypeRef, depth: int = 0) -> None:
        """Fills base or decl, the print kind and the array length; struct sizes come with layout."""
        ref.length = self.const(ref.count) if ref.count is not None else 0
        if ref.count is not None and ref.length <= 0:
            self.diag.error(ref.pos, f"an array of {ref.length} elements")
            ref.length = 1
        if ref.kind == "int":
            ref.base = str(ref.name)
        elif ref.kind in ("flags", "enum"):
            table = self.abi.flags if ref.kind == "flags" else self.abi.enums
            if ref.name not in table:
                self.diag.error(ref.name.pos, f"unknown {ref.kind} '{ref.name}'")
                ref.base = "u32"
                return
            ref.decl = table[ref.name]
            ref.base = str(ref.width or ref.decl.base)
        elif ref.kind in ("char", "pad"):
            ref.base = "u8"
            ref.print = "string" if ref.kind == "char" else ""
        elif ref.kind == "uaddr":
            ref.base, ref.print = "u64", "addr"
        else:
            self.named(ref, depth)

    def named(self, ref: TypeRef, depth: int) -> None:
        decl = self.abi.types.get(ref.name)
        if decl is None and ref.name in BUILTIN_TYPES and ref.name not in ("char",):
            ref.base, ref.print = BUILTIN_TYPES[ref.name]
        elif isinstance(decl, Alias):
            if depth > 8:
                self.diag.error(decl.name.pos, f"type '{decl.name}' is defined by itself")
                ref.base = "u32"
                return
            self.type(decl.target, depth + 1)
            if decl.target.length:
                self.diag.error(decl.name.pos, "a type alias cannot be an array")
            ref.base, ref.decl = decl.target.base, decl.target.decl
            ref.print = str(decl.print) if decl.print else decl.target.print
        elif isinstance(decl, ValueSet):
            ref.decl, ref.base = decl, str(decl.base)
            ref.print = str(decl.print) if decl.print else BUILTIN_TYPES.get(ref.name, ("", ""))[1]
        elif isinstance(decl, Struct):
            ref.decl = decl
        else:
            kind = "flags" if ref.name in self.abi.flags else "enum" if ref.name in self.abi.enums else ""
            hint = f" (write '{kind} {ref.name}')" if kind else ""
            self.diag.error(ref.pos, f"unknown type '{ref.name}'{hint}")
            ref.base = "u32"

    def print_kind(self, kind: Id | None, custom: bool) -> None:
        if kind is not None and not custom and kind not in PRINTS:
            self.diag.error(kind.pos, f"unknown print kind '{kind}'")

    def structs(self) -> None:
        for st in self.abi.structs:
            for f in st.fields:
                self.type(f.type)
                self.print_kind(f.print, f.custom)
            names = {str(f.name) for f in st.fields}
            for name in st.print:
                if name not in names:
                    self.diag.error(name.pos, f"'{name}' is not a field of '{st.name}'")
        for decl in self.abi.types.values():
            if isinstance(decl, Alias):
                self.type(decl.target)
                self.print_kind(decl.print, False)

    # ---- errors ----
    def codes(self) -> None:
        abi = self.abi
        abi.errors = {}
        for code in self.program.codes.values():
            own = code.by_abi.get(abi.name)
            for name in ((own[0], f"E_{own[0]}") if own and own[0] else ()):
                abi.errors.setdefault(name, code)
        for code in self.program.codes.values():
            abi.errors.setdefault(code.cname, code)
            if "linux" in code.by_abi and "linux" != abi.name:
                abi.errors.setdefault(code.by_abi["linux"][0], code)

    def code(self, name: Id | None) -> None:
        if name is not None and name not in self.abi.errors:
            self.diag.error(name.pos, f"unknown error code '{name}'")

    # ---- calls ----
    def calls(self) -> None:
        by_name = {str(c.name): c for c in self.abi.calls}
        live: list[Call] = []
        for call in self.abi.calls:
            base, dollar, value = call.name.partition("$")
            if not dollar:
                live.append(call)
                continue
            parent = by_name.get(base)
            if parent is None:
                self.diag.error(call.name.pos, f"'{call.name}' is a variant of '{base}', which is not declared")
            elif parent.selector is None:
                self.diag.error(call.name.pos, f"'{base}' has no 'select' argument, so it cannot have the variant '{value}'")
            elif call not in parent.variants:
                call.parent = parent
                parent.variants.append(call)
        self.abi.calls = live
        for call in self.abi.every_call():
            if call.kind == "variant" and call.parent:
                self.inline_args(call)
            self.call(call)
        for call in self.abi.calls:
            self.selectors(call)
        self.call_numbers()

    def inline_args(self, sub: Call) -> None:
        """An inline variant's arguments follow the selector; what stands before it is the base's."""
        base = sub.parent
        if not base or not base.selector:
            if base:
                self.diag.error(sub.name.pos, f"'{base.name}' has no 'select' argument, so it cannot have variants")
            return
        if any(a is base.selector for a in sub.args):
            return
        at = base.args.index(base.selector)
        own = {str(a.name) for a in sub.args}
        for arg in base.args[: at + 1]:
            if arg.name in own:
                self.diag.error(next(a for a in sub.args if a.name == arg.name).name.pos,
                                f"argument '{arg.name}' is already declared by '{base.name}'")
        sub.args = base.args[: at + 1] + sub.args
        if len(sub.args) > 6:
            self.diag.error(sub.args[6].name.pos, "a call has at most 6 arguments")
            del sub.args[6:]

    def call(self, call: Call) -> None:
        for arg in call.args:
            self.arg(call, arg)
        if call.result.type:
            self.type(call.result.type)
        self.print_kind(call.result.print, call.result.custom)
        order = call.order.get(self.arch) or (call.parent.order.get(self.arch) if call.parent else None)
        for i, arg in enumerate(call.args):
            arg.reg = i
        if order and {str(n) for n in order} == {str(a.name) for a in call.args} and len(order) == len(call.args):
            for i, name in enumerate(order):
                call.arg(name).reg = i
        for code in self.codes_of(call):
            self.code(code)

    def codes_of(self, call: Call) -> list[Id | None]:
        out: list[Id | None] = [c for c, _ in call.errors] + [r.code for r in call.refused]
        out += [c.code for c in call.checks] + [s.check.code for s in call.steps or [] if s.check]
        out += [n.otherwise for n in call.needs]
        if call.default != "impl":
            out.append(call.default)
        for a in call.args:
            out += [c.code for c in a.checks] + [a.needs_else, a.kind_else, a.align_else, a.max_else, a.error, a.const_else]
            if a.stored not in ("ok", "positive", "always", "quietly"):
                out.append(Id(a.stored, a.name.pos))
        return out

    def arg(self, call: Call, arg: Arg) -> None:
        if arg.type:
            self.type(arg.type)
            if arg.form == "value" and isinstance(arg.type.decl, Struct):
                self.diag.error(arg.type.pos, f"struct '{arg.type.name}' does not fit in a register; write 'in {arg.type.name}'")
                arg.type.decl, arg.type.base = None, "u64"
        self.print_kind(arg.print, arg.custom)
        if arg.select and arg.select not in self.abi.enums:
            self.diag.error(arg.select.pos, f"unknown enum '{arg.select}'")

    def selectors(self, call: Call) -> None:
        sel = call.selector
        if sel is None:
            return
        at = call.args.index(sel)
        seen: dict[int, Call] = {}
        for sub in call.variants:
            value = Id(sub.name.partition("$")[2], sub.name.pos)
            if sub.kind == "variant":
                sub.selectors = [self.const_named(value, call)]
            else:
                if len(sub.args) <= at or sub.args[at].form != "const":
                    self.diag.error(sub.name.pos, f"'{sub.name}' must fix argument {at + 1} with 'const', as '{call.name}' selects by it")
                    continue
                sub.selectors = [self.const(e) for e in sub.args[at].consts]
            for nr in sub.selectors:
                other = seen.setdefault(nr, sub)
                if other is not sub:
                    self.diag.error(sub.name.pos, f"selector value {nr} already belongs to '{other.name}'")

    def const_named(self, name: Id, call: Call) -> int:
        enum = self.abi.enums.get(call.selector.select) if call.selector else None
        if enum and name not in {str(v.name) for v in enum.values()}:
            self.diag.error(name.pos, f"'{name}' is not a value of enum '{enum.name}'")
        return self.const_quiet(name)

    def const_quiet(self, name: Id) -> int:
        return self.number(self.where[name]) if name in self.where else 0

    def call_numbers(self) -> None:
        used: dict[int, Call] = {}
        for call in self.abi.calls:
            row = self.abi.numbers.get(call.name)
            call.nr = None
            if call.only and self.arch not in call.only:
                continue
            if call.number is not None:
                call.nr = self.const(call.number)
            elif row is not None:
                call.nr = row.by_arch.get(self.arch)
            elif call.kind == "call":
                self.diag.error(call.name.pos, f"call '{call.name}' has no number: no row in {self.abi.name}.numbers and no 'number'")
            if call.nr is not None and call.kind == "call":
                other = used.setdefault(call.nr, call)
                if other is not call:
                    self.diag.error(call.name.pos, f"number {call.nr} already belongs to '{other.name}'")
        for call in self.abi.calls:
            for sub in call.variants:
                sub.nr = call.nr if not sub.only or self.arch in sub.only else None

    def sets(self) -> None:
        for s in self.abi.sets:
            self.code(s.error)
            for v in s.values():
                if v.unsupported:
                    self.code(v.unsupported.code)
            self.print_kind(s.print, False)
        for st in self.abi.structs:
            for f in st.fields:
                if f.unsupported:
                    self.code(f.unsupported.code)


def resolve(program: Program, abi: Abi, arch: str, diag: Diagnostics) -> Resolver:
    r = Resolver(program, abi, arch, diag)
    r.codes()
    r.collect()
    r.structs()
    r.sets()
    r.calls()
    return r

