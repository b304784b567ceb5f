"""NS_trace.c: the tables as data for the in-kernel tracer (<syscall/trace_desc.h>)."""
from __future__ import annotations

from ..expr import Deref, Expr, Ref, c_expr, c_number
from ..model import INTS, Arg, Call, Struct
from .kerr import c_string
from .trace_types import SIMPLE, TraceTypes
from .unit import Unit


class Trace(TraceTypes):
    # ---- arguments ----
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
        if arg.stored not in ("ok", "positive"):
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


def report(trace: Trace) -> str:
    """How much does not follow the general rules."""
    names = sorted(set(trace.customs))
    return f"// Printers of their own: {', '.join(names)} ({len(trace.customs)} uses).\n" if names else ""


def emit(unit: Unit) -> dict[str, str]:
    ns, trace = unit.ns, Trace(unit)
    for call in unit.live():
        trace.desc(call)
    trace.out.append(errors(unit))
    decls = f"extern const struct trace_errors {ns}_trace_errors;\n" + "\n".join(f"extern const struct syscall_desc {ns}_desc_{c.cname};" for c in unit.live())
    text = "\n".join(trace.out)
    return {
        f"{ns}_trace.h": f"{unit.banner('tracer descriptors')}#pragma once\n\n#include <syscall/trace_desc.h>\n\n{decls}\n",
        f"{ns}_trace.c": f"{unit.banner('tracer descriptors')}{report(trace)}#include <{ns}_consts.h>\n#include <{ns}_trace.h>\n\n{text}",
    }
