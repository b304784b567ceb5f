"""Types, structs and sets of values as the tracer's records."""
from __future__ import annotations

from typing import Optional

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


class TraceTypes:
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
        unknown = f".unknown = {c_string(unknown_text(s))}, "
        if s.kind == "resource":
            unknown = '.unknown = "", ' if s.print == "hex" else ""
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
            if decl.kind != "resource" or ref.print in ("", "dec", "hex"):
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

    def custom(self, name: object) -> str:
        self.customs.append(str(name))
        return c_string(str(name))
