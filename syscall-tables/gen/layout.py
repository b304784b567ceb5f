"""Sizes, offsets and alignment of structs for one architecture, as the C compilers lay them out."""
from __future__ import annotations

from .diag import Diagnostics, Pos
from .expr import Expr
from .model import INTS, Abi, Struct, TypeRef
from .resolve import Resolver


def layout(abi: Abi, resolver: Resolver, diag: Diagnostics) -> None:
    for st in abi.structs:
        st.laid_out = ""
    for st in abi.structs:
        lay_out(st, abi, resolver, diag)
    for call in abi.every_call():
        for arg in call.args:
            if arg.type:
                measure(arg.type, abi, resolver, diag)


def measure(ref: TypeRef, abi: Abi, resolver: Resolver, diag: Diagnostics) -> None:
    if isinstance(ref.decl, Struct):
        if ref.decl.laid_out == "busy":
            diag.error(ref.pos, f"'{ref.decl.name}' contains itself")
            ref.size, ref.align = 1, 1
            return
        lay_out(ref.decl, abi, resolver, diag)
        ref.size, ref.align = ref.decl.size, ref.decl.alignment
    else:
        ref.size = ref.align = INTS[ref.base or "u32"][0]
    if ref.length:
        ref.size *= ref.length


def lay_out(st: Struct, abi: Abi, resolver: Resolver, diag: Diagnostics) -> None:
    if st.laid_out:
        return
    st.laid_out = "busy"
    st.is_packed = st.packed is not None and (not st.packed or abi.arch in st.packed)
    st.live = [f for f in st.fields if not f.only or abi.arch in f.only]
    offset = size = 0
    alignment = resolver.const(st.align) if st.align is not None else 1
    for f in st.live:
        measure(f.type, abi, resolver, diag)
        align = 1 if st.is_packed else f.type.align
        alignment = max(alignment, align)
        offset = 0 if st.kind == "union" else -(-offset // align) * align
        f.offset = offset
        offset += f.type.size
        size = max(size, offset)
    st.size, st.alignment = -(-size // alignment) * alignment, alignment
    st.laid_out = "done"
    told: tuple[Expr, Pos] | None = st.sizes.get(abi.arch) or st.sizes.get("")
    if told is not None and (want := resolver.const(told[0])) != st.size:
        diag.error(told[1], f"struct '{st.name}' is {st.size} bytes on {abi.arch}, not {want}")
