"""NS_trace.c: the tables as data for the in-kernel tracer (<syscall/trace_desc.h>)."""
from __future__ import annotations

from typing import Optional

from ..expr import Deref, Expr, Ref, c_expr, c_number
from ..model import INTS, Arg, Call, FlagField, Struct, TypeRef, ValueSet
from .consts import exists
from .kerr import c_string
from .unit import Unit

SIMPLE = {"dec": "DEC", "hex": "HEX", "oct": "OCT", "octmode": "OCT", "addr": "ADDR", "mode": "MODE", "signal": "SIGNAL",
          "sigset": "SIGSET", "sighandler": "SIGHANDLER", "fd": "FD", "dirfd": "DIRFD", "id": "ID", "dev": "DEV", "time": "TIME",
          "rlim": "RLIM", "wstatus": "WSTATUS"}


def unknown_text(s: ValueSet) -> str:
    """`O_???` from the names' common beginning."""
    if s.unknown:
        return s.unknown
    names = [str(v.name).lstrip("_") for v in s.values()]
    return (names[0].split("_")[0] if names else s.name.upper()) + "_???"


class Trace:
    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.out: list[str] = []
        self.known: set[str] = set()
        self.customs: list[str] = []  # printers by name, for the report

    def once(self, name: str, text: str) -> str:
        if name not in self.known:
            self.known.add(name)
            self.out.append(text)
        return name

    # ---- value sets ----
    def value_set(self, s: ValueSet, low_signal: bool = False, modifiers: Optional[Call] = None) -> str:
        suffix = "_sig" if low_signal else f"_{modifiers.cname}" if modifiers and modifiers.modifiers else ""
        name = f"set_{s.kind}_{s.name}{suffix}"
        if name in self.known:
            return name
        rows = []
        for item in s.items:
            values = item.values if isinstance(item, FlagField) else [item]
            mask = self.unit.const(item.name) if isinstance(item, FlagField) else "0"
            rows += [f"    {{{mask}, (u64){self.unit.const(v.name)}, {c_string(str(v.name))}}}," for v in values
                     if not v.hidden and exists(self.unit, v) and not (s.kind == "resource" and v.name == "none")]
        bits = "0"
        if modifiers and modifiers.modifiers:
            bits = " | ".join(self.unit.const(m) for m in modifiers.modifiers)
            have = {str(v.name) for v in s.values()}
            rows += [f"    {{1, (u64){self.unit.const(m)}, {c_string(str(m))}}}," for m in modifiers.modifiers if m not in have]
        body = "\n".join(rows)
        values = f"static const struct trace_value {name}_values[] = {{\n{body}\n}};\n" if rows else ""
        ref = f".values = {name}_values, .count = ARRAY_LEN({name}_values), " if rows else ""
        low = ", .low_signal = true" if low_signal else ""
        unknown = f".unknown = {c_string(unknown_text(s))}, " if s.kind != "resource" else ""
        return self.once(name, f"{values}static const struct trace_set {name} = {{{ref}{unknown}"
                               f".modifiers = {bits}{low}}};\n")

    # ---- types ----
    def type(self, ref: TypeRef, print_kind: str = "", custom: bool = False, low_signal: bool = False,
             call: Optional[Call] = None, fallback: str = "dec") -> str:
        """Initialiser of a trace_type."""
        decl = ref.decl
        count = f", .count = {ref.length}" if ref.length else ""
        if custom:
            print_kind = ""
        if isinstance(decl, Struct):
            kind = "UNION" if decl.kind == "union" else "STRUCT"
            return f"{{.kind = TRACE_{kind}, .ref = &{self.struct(decl)}{count}}}"
        size, signed, _ = INTS[ref.base]
        base = f".size = {size}, .sign = {'true' if signed else 'false'}{count}"
        if ref.kind == "char":
            return f"{{.kind = TRACE_CHARS, {base}}}" if print_kind != "bytes" else f"{{.kind = TRACE_RAW, {base}}}"
        if print_kind == "bytes":
            return f"{{.kind = TRACE_RAW, {base}}}"
        if isinstance(decl, ValueSet) and print_kind in ("", *(() if decl.kind != "resource" else (ref.print,))):
            if decl.kind == "resource" and not any(not v.hidden and v.name != "none" for v in decl.values()):
                return f"{{.kind = TRACE_{SIMPLE.get(ref.print or fallback, 'DEC')}, {base}}}"
            if decl.kind != "resource" or ref.print in ("", "dec"):
                kind = "FLAGS" if decl.kind == "flags" else "ENUM"
                target = self.value_set(decl, low_signal, call)
                return f"{{.kind = TRACE_{kind}, {base}, .ref = &{target}}}"
        kind = print_kind or ref.print or ("hex" if ref.base == "word" else fallback)
        return f"{{.kind = TRACE_{SIMPLE.get(kind, 'DEC')}, {base}}}"

    def struct(self, st: Struct) -> str:
        name = f"struct_{st.name}"
        if name in self.known:
            return name
        by_name = {str(f.name): f for f in st.live}
        order = [by_name[n] for n in st.print if n in by_name] or [f for f in st.live if f.name]
        rows = []
        for f in order:
            if f.hidden or f.type.kind == "pad":
                continue
            flags = ", .flags = TRACE_FIELD_LEN_SELF" if f.len_self else ""
            kind = self.type(f.type, str(f.print or ""), f.custom)
            custom = f", .custom = {self.custom(f.print)}" if f.custom else ""
            rows.append(f"    {{.name = {c_string(str(f.shown or f.name))}, .offset = {f.offset}{flags}, .type = {kind}{custom}}},")
        length = next((f.offset for f in st.live if f.len_self), 0xFFFF)
        body = "\n".join(rows)
        fields = f"static const struct trace_field fields_of_{st.name}[] = {{\n{body}\n}};\n" if rows else ""
        ref = f".fields = fields_of_{st.name}, .count = ARRAY_LEN(fields_of_{st.name}), " if rows else ""
        custom = f", .custom = {self.custom(st.custom)}" if st.custom else ""
        return self.once(name, f"{fields}static const struct trace_struct {name} = {{.name = {c_string(str(st.name))}, {ref}"
                               f".size = {st.size}, .abbrev = {'true' if st.abbrev else 'false'}, "
                               f".len_offset = {length:#x}{custom}}};\n")

    def element(self, ref: TypeRef, arg: Arg) -> str:
        text = self.type(ref, "" if arg.custom or arg.print == "summary" else str(arg.print or ""))
        name = f"elem_{len(self.known)}"
        for known in self.known:
            if known.startswith("elem:") and known[5:].split("=", 1)[1] == text:
                return known[5:].split("=", 1)[0]
        self.known.add(f"elem:{name}={text}")
        self.out.append(f"static const struct trace_type {name} = {text};\n")
        return name

    # ---- arguments ----
    def custom(self, name: object) -> str:
        self.customs.append(str(name))
        return c_string(str(name))

    def raw(self, call: Call, e: Expr) -> str:
        """An argument or constant in terms of the raw registers."""
        if isinstance(e, Ref) and (other := call.arg(e.name)) is not None:
            ctype = INTS[other.type.base][2] if other.form == "value" and other.type.base else "u64"
            return f"a[{other.reg}]" if ctype == "u64" else f"({ctype})a[{other.reg}]"
        return self.unit.const(e.name) if isinstance(e, Ref) else "1"

    def length(self, call: Call, arg: Arg) -> str:
        e = arg.length
        if self.unit.is_const(e, call):
            return f".len_kind = TRACE_LEN_CONST, .len = {c_number(self.unit.number(e))}"
        if isinstance(e, Ref):
            return f".len_kind = TRACE_LEN_REG, .len = {call.arg(e.name).reg}"
        if isinstance(e, Deref):
            return f".len_kind = TRACE_LEN_DEREF, .len = {call.arg(e.name).reg}"
        name = f"length_{call.cname}_{arg.name}"
        text = c_expr(e, lambda x: self.raw(call, x))
        self.once(name, f"static u64 {name}([[maybe_unused]] const u64 *a)\n{{\n    return {text};\n}}\n")
        return f".len_kind = TRACE_LEN_EXPR, .length = {name}"

    def kind(self, call: Call, arg: Arg) -> str:
        """Initialiser of the argument's type."""
        kind = str(arg.print or "")
        base = call if call.kind == "variant" or not call.parent else call.parent
        if arg.custom:
            kind = ""
        if arg.form == "value" and not arg.select:
            return self.type(arg.type, kind, low_signal=arg.low_signal)
        if arg.select:
            owner = base.parent or base
            enum = self.unit.abi.enums[arg.select]
            return (f"{{.kind = TRACE_ENUM, .size = {arg.type.size}, "
                    f".ref = &{self.value_set(enum, modifiers=owner)}}}")
        if arg.form == "const":
            sel = call.parent.selector if call.parent else None
            if sel is not None and sel.reg == arg.reg:
                return self.kind(call.parent, sel)
            return f"{{.kind = TRACE_{SIMPLE.get(kind, 'DEC')}, .size = 8, .sign = true}}"
        if arg.form in ("fd", "handle", "cap"):
            return "{.kind = TRACE_FD, .size = 4, .sign = true}"
        if arg.form == "uaddr":
            return f"{{.kind = TRACE_{SIMPLE.get(kind or 'addr', 'ADDR')}, .size = 8}}"
        if arg.form == "strv":
            return "{.kind = TRACE_STRV_COUNT}" if kind == "count" else "{.kind = TRACE_STRV}"
        if arg.form == "cstr":
            return "{.kind = TRACE_STRING}" if kind == "string" else "{.kind = TRACE_PATH}"
        if arg.form == "bytes" and kind in ("path", "string"):
            return f"{{.kind = TRACE_{kind.upper()}}}"
        if arg.form == "bytes":
            return f"{{.kind = {'TRACE_BUFFER_HEX' if kind == 'hex' else 'TRACE_ADDR' if kind == 'addr' else 'TRACE_BUFFER'}, .size = 8}}"
        if arg.form == "vec":
            return "{.kind = TRACE_IOVEC}"
        if arg.form == "seq" and kind == "summary" and isinstance(arg.type.decl, Struct):
            return f"{{.kind = TRACE_SUMMARY, .ref = &{self.struct(arg.type.decl)}}}"
        return f"{{.kind = TRACE_{'SEQ' if arg.form == 'seq' else 'PTR'}, .ref = &{self.element(arg.type, arg)}}}"

    def when(self, call: Call, arg: Arg) -> str:
        if arg.when is None or arg.shown:
            return ""
        name = f"when_{call.cname}_{arg.name}"
        self.once(name, f"static bool {name}([[maybe_unused]] const u64 *a)\n{{\n    return ({c_expr(arg.when, lambda x: self.raw(call, x))}) != 0;\n}}\n")
        return f", .when = {name}"

    def arg(self, call: Call, arg: Arg, shown: str) -> str:
        bits, parts = [], []
        if arg.filled == "ret":
            bits.append("TRACE_FILLED_RET")
        elif arg.filled:
            bits.append("TRACE_FILLED_REG")
            parts.append(f".filled = {call.arg(arg.filled).reg}")
        if arg.stored != "ok":
            bits.append("TRACE_STORED_ERROR")
        if arg.length is not None and arg.form != "cstr":
            parts.append(self.length(call, arg))
            if arg.form == "bytes" or (arg.type and isinstance(arg.type.decl, Struct) and arg.type.decl.variable):
                bits.append("TRACE_LEN_BYTES")
        name = f".name = {c_string(shown)}, " if shown else ""
        direction = {"": "VALUE", "in": "IN", "out": "OUT", "inout": "INOUT"}[arg.dir]
        rest = "".join(f", {p}" for p in parts)
        flags = f", .flags = {' | '.join(bits)}" if bits else ""
        custom = f", .custom = {self.custom(arg.print)}" if arg.custom else ""
        return (f"    {{{name}.reg = {arg.reg}, .dir = TRACE_{direction}{flags}{rest}, .type = {self.kind(call, arg)}"
                f"{self.when(call, arg)}{custom}}},")

    # ---- calls ----
    def result(self, call: Call) -> str:
        res = call.result
        kind = str(res.print or (res.type.print if res.type else ""))
        if res.kind == "noreturn":
            return ".result = TRACE_RET_NONE"
        if res.kind in ("flags", "enum"):
            return f".result = TRACE_RET_{res.kind.upper()}, .result_set = &{self.value_set(res.type.decl)}"
        if res.custom:
            return f".result = TRACE_RET_CUSTOM, .custom_result = {self.custom(res.print)}"
        if kind == "poll":
            return ".result = TRACE_RET_POLL"
        word = {"addr": "HEX", "hex": "HEX", "oct": "OCT", "mode": "OCT", "octmode": "OCT"}.get(kind, "DEC")
        return f".result = TRACE_RET_{word}"

    def desc(self, call: Call) -> None:
        unit = self.unit
        shown = call.shown or [("", a.name) for a in call.args if not a.hidden and a.form != "skip"]
        rows = [self.arg(call, call.arg(name), label) for label, name in shown]
        name = f"{unit.ns}_desc_{call.cname}"
        fields = [f".name = {c_string(call.shown_name)}"]
        if rows:
            body = "\n".join(rows)
            self.out.append(f"static const struct trace_arg args_{call.cname}[] = {{\n{body}\n}};\n")
            fields.append(f".args = args_{call.cname}, .count = ARRAY_LEN(args_{call.cname})")
        fields.append(self.result(call))
        variants = unit.live_variants(call) if call.selector and not call.parent else []
        if variants:
            for v in variants:
                self.desc(v)
            table = "\n".join(f"    {{{c_number(n)}, &{unit.ns}_desc_{v.cname}}}," for v in variants for n in v.selectors)
            self.out.append(f"static const struct trace_variant variants_{call.cname}[] = {{\n{table}\n}};\n")
            bits = " | ".join(unit.const(m) for m in call.modifiers) or "0"
            fields.append(f".selector = {call.selector.reg}, .selector_size = {call.selector.type.size}, .modifiers = {bits}, "
                          f".variants = variants_{call.cname}, .variant_count = ARRAY_LEN(variants_{call.cname})")
        static = "static " if call.parent else ""
        self.out.append(f"{static}const struct syscall_desc {name} = {{{', '.join(fields)}}};\n")


def errors(unit: Unit) -> str:
    """Names and texts by the ABI's number."""
    seen: dict[int, str] = {}
    for code in unit.program.codes.values():
        if unit.ns in code.by_abi and code.by_abi[unit.ns][0] and code.by_abi[unit.ns][1] > 0:
            name, num, _ = code.by_abi[unit.ns]
            seen.setdefault(num, f"    [{num}] = {{{c_string(name)}, {c_string(code.text)}}},")
    ns = unit.ns
    if not seen:
        return f"const struct trace_errors {ns}_trace_errors = {{0}};\n"
    rows = "\n".join(seen[n] for n in sorted(seen))
    return (f"static const struct trace_error errors[] = {{\n{rows}\n}};\n"
            f"const struct trace_errors {ns}_trace_errors = {{.errors = errors, .count = ARRAY_LEN(errors)}};\n")


def emit(unit: Unit) -> dict[str, str]:
    ns, trace = unit.ns, Trace(unit)
    for call in unit.live():
        trace.desc(call)
    trace.out.append(errors(unit))
    decls = f"extern const struct trace_errors {ns}_trace_errors;\n" + "\n".join(f"extern const struct syscall_desc {ns}_desc_{c.cname};" for c in unit.live())
    text = "\n".join(trace.out)
    return {
        f"{ns}_trace.h": f"{unit.banner('tracer descriptors')}#pragma once\n\n#include <syscall/trace_desc.h>\n\n{decls}\n",
        f"{ns}_trace.c": f"{unit.banner('tracer descriptors')}#include <{ns}_consts.h>\n#include <{ns}_trace.h>\n\n{text}",
    }
