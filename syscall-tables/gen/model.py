"""The model: what the tables say, as data. Knows neither the text nor any output."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator, Optional

from .diag import NOWHERE, Id, Pos
from .expr import Expr

ARCHES = ("riscv64", "aarch64", "x86_64")
# name -> (size in bytes, signed, C type)
INTS: dict[str, tuple[int, bool, str]] = {
    "i8": (1, True, "i8"), "u8": (1, False, "u8"), "i16": (2, True, "i16"), "u16": (2, False, "u16"),
    "i32": (4, True, "i32"), "u32": (4, False, "u32"), "i64": (8, True, "i64"), "u64": (8, False, "u64"),
    "usize": (8, False, "usize"), "isize": (8, True, "isize"), "word": (8, False, "u64"),
}
# built-in names of integer types: (base, print kind)
BUILTIN_TYPES: dict[str, tuple[str, str]] = {
    "pid": ("i32", "dec"), "uid": ("u32", "id"), "gid": ("u32", "id"), "mode": ("u32", "mode"),
    "signal": ("i32", "signal"), "off": ("i64", "dec"), "sigset": ("u64", "sigset"), "dev": ("u64", "dev"),
    "time": ("i64", "dec"), "fdnum": ("i32", "fd"), "dirfd": ("i32", "dirfd"), "fd": ("i32", "fd"),
    "size": ("isize", "dec"), "char": ("i8", "dec"),
}
PRINTS = ("dec hex oct addr mode signal sigset sighandler path string fd dirfd dev time wstatus rlim summary "
          "count id octmode bytes poll").split()
SUPPORT = ("none", "stub", "partial", "full")
RESTART = ("never", "sa", "always", "nohand", "block")
RESULTS = ("errno", "status", "minus-one", "label")
COMPARE = ("exact", "rename", "ignore")
KIND_ERRORS = {"tty": "ENOTTY", "dir": "ENOTDIR", "socket": "ENOTSOCK"}


@dataclass
class Unsupported:
    code: Id
    reason: str
    when: Optional[Expr] = None


@dataclass
class Value:
    """A named constant: of a flags set, an enum, a resource, or alone."""

    name: Id
    expr: Expr
    by_arch: dict[str, Expr] = field(default_factory=dict)
    only: list[Id] = field(default_factory=list)
    unsupported: Optional[Unsupported] = None
    hidden: bool = False
    doc: str = ""
    includes: list[str] = field(default_factory=list)
    num: int = 0  # on the chosen architecture; set by resolve


@dataclass
class FlagField:
    """Several bits of a flags set that form one value."""

    name: Id
    mask: Expr
    values: list[Value] = field(default_factory=list)
    num: int = 0


@dataclass
class ValueSet:
    """`flags`, `enum` or `resource`."""

    kind: str
    name: Id
    base: Id
    items: list[Value | FlagField] = field(default_factory=list)
    error: Optional[Id] = None
    ignore_unknown: bool = False
    includes: list[str] = field(default_factory=list)
    compare: Optional[Id] = None
    print: Optional[Id] = None
    unknown: str = ""
    doc: str = ""

    def values(self) -> Iterator[Value]:
        for item in self.items:
            if isinstance(item, FlagField):
                yield from item.values
            else:
                yield item

    def fields(self) -> Iterator[FlagField]:
        return (i for i in self.items if isinstance(i, FlagField))


@dataclass
class Alias:
    name: Id
    target: "TypeRef"
    print: Optional[Id] = None


@dataclass
class TypeRef:
    """A value type: integer, named type, flags, enum, or array of one."""

    kind: str  # int name flags enum uaddr pad char
    name: Id
    width: Optional[Id] = None
    count: Optional[Expr] = None  # array
    pos: Pos = NOWHERE
    # set by resolve
    base: str = ""  # integer base, or ""
    decl: "ValueSet | Struct | None" = None
    print: str = ""
    length: int = 0  # array length
    size: int = 0
    align: int = 1


@dataclass
class StructField:
    name: Id
    type: TypeRef
    print: Optional[Id] = None
    custom: bool = False
    only: list[Id] = field(default_factory=list)
    cname: Optional[str] = None
    len_self: bool = False
    hidden: bool = False
    checked: bool = False
    shown: str = ""
    unsupported: Optional[Unsupported] = None
    offset: int = 0


@dataclass
class Struct:
    kind: str  # struct union
    name: Id
    fields: list[StructField] = field(default_factory=list)
    sizes: dict[str, tuple[Expr, Pos]] = field(default_factory=dict)  # "" is every architecture
    packed: Optional[list[Id]] = None  # empty list: everywhere
    align: Optional[Expr] = None
    ctype: str = ""
    includes: list[str] = field(default_factory=list)
    print: list[Id] = field(default_factory=list)
    abbrev: bool = False
    custom: Optional[Id] = None
    doc: str = ""
    # set by layout
    size: int = 0
    alignment: int = 1
    laid_out: str = ""  # "", "busy", "done"
    live: list[StructField] = field(default_factory=list)
    is_packed: bool = False

    def member(self, path: str) -> Optional[StructField]:
        """The field a dotted path names on this architecture."""
        st: Optional[Struct] = self
        found: Optional[StructField] = None
        for name in path.split("."):
            found = next((f for f in st.live if f.name == name), None) if st else None
            st = found.type.decl if found and isinstance(found.type.decl, Struct) else None
        return found

    @property
    def variable(self) -> bool:
        return any(f.len_self for f in self.fields)


@dataclass
class Check:
    expr: Expr
    code: Id


@dataclass
class Step:
    kind: str  # arg range check impl
    name: Optional[Id] = None
    check: Optional[Check] = None
    pos: Pos = NOWHERE


@dataclass
class Arg:
    name: Id
    form: str  # value fd handle uaddr ptr cstr strv bytes vec seq const skip
    dir: str = ""  # in out inout
    type: Optional[TypeRef] = None
    kind: Optional[Id] = None  # object kind of fd, handle, cap
    length: Optional[Expr] = None  # bytes, vec, seq; cstr: the maximum
    consts: list[Expr] = field(default_factory=list)
    opt: bool = False
    when: Optional[Expr] = None
    shown: bool = False
    filled: Optional[Id] = None
    needs: list[Id] = field(default_factory=list)
    needs_else: Optional[Id] = None
    kind_else: Optional[Id] = None
    or_none: bool = False
    clamp: Optional[Expr] = None
    align: Optional[Expr] = None
    align_else: Optional[Id] = None
    checks: list[Check] = field(default_factory=list)
    max: Optional[Expr] = None
    max_else: Optional[Id] = None
    low_signal: bool = False
    select: Optional[Id] = None
    extends: Optional[Id] = None
    extends_min: Optional[Expr] = None
    stored: str = "ok"  # ok, positive, always, quietly, or an error code
    print: Optional[Id] = None
    custom: bool = False
    hidden: bool = False
    ignore_unknown: bool = False
    error: Optional[Id] = None
    const_else: Optional[Id] = None
    reg: int = 0  # set by resolve

    @property
    def pos(self) -> Pos:
        return self.name.pos


@dataclass
class Result:
    kind: str  # zero noreturn value flags enum
    type: Optional[TypeRef] = None
    new: bool = False
    print: Optional[Id] = None
    custom: bool = False
    pos: Pos = NOWHERE


@dataclass
class Restart:
    model: Id
    when: Optional[Expr] = None
    otherwise: Optional[Id] = None


@dataclass
class Test:
    template: Id
    args: list[Id] = field(default_factory=list)


@dataclass
class NeedsRule:
    arg: Id
    rights: list[Id]
    when: Optional[Expr]
    otherwise: Optional[Id]


@dataclass
class Call:
    name: Id  # ioctl$TCGETS or Untyped.Retype as written
    args: list[Arg]
    result: Result
    kind: str = "call"  # call invoke variant
    support: Optional[Id] = None
    support_note: str = ""
    steps: Optional[list[Step]] = None
    checks: list[Check] = field(default_factory=list)
    refused: list[Unsupported] = field(default_factory=list)
    needs: list[NeedsRule] = field(default_factory=list)
    errors: list[tuple[Id, list[Id]]] = field(default_factory=list)
    blocks: Optional[Id] = None
    restart: Optional[Restart] = None
    impl: Optional[Id] = None
    frame: bool = False
    undo: bool = False
    order: dict[str, list[Id]] = field(default_factory=dict)
    shown: list[tuple[str, Id]] = field(default_factory=list)
    default: Optional[Id] = None  # code, or "impl"
    modifiers: list[Id] = field(default_factory=list)
    variants: list["Call"] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    compare: Optional[Id] = None
    number: Optional[Expr] = None
    only: list[Id] = field(default_factory=list)
    doc: str = ""
    # set by resolve
    parent: Optional["Call"] = None
    nr: Optional[int] = None
    selectors: list[int] = field(default_factory=list)

    @property
    def pos(self) -> Pos:
        return self.name.pos

    @property
    def cname(self) -> str:
        return self.name.replace("$", "_").replace(".", "_")

    @property
    def shown_name(self) -> str:
        return str(self.name).split("$")[0]

    def arg(self, name: str) -> Optional[Arg]:
        return next((a for a in self.args if a.name == name), None)

    @property
    def selector(self) -> Optional[Arg]:
        return next((a for a in self.args if a.select), None)


@dataclass
class ErrorCode:
    name: Id  # NOENT
    text: str
    by_abi: dict[str, tuple[str, int, Pos]] = field(default_factory=dict)  # abi -> (name, number)

    @property
    def cname(self) -> str:
        return f"E_{self.name}"


@dataclass
class NumberRow:
    name: Id
    by_arch: dict[str, Optional[int]]


@dataclass
class Abi:
    name: Id
    pin: str = ""
    arches: list[Id] = field(default_factory=list)
    result: str = "errno"
    restart: str = "never"
    types: dict[str, Alias | ValueSet | Struct] = field(default_factory=dict)
    flags: dict[str, ValueSet] = field(default_factory=dict)
    enums: dict[str, ValueSet] = field(default_factory=dict)
    consts: dict[str, Value] = field(default_factory=dict)  # declared alone
    calls: list[Call] = field(default_factory=list)
    numbers: dict[str, NumberRow] = field(default_factory=dict)

    # set by resolve for one architecture
    arch: str = ""
    values: dict[str, int] = field(default_factory=dict)  # every named constant
    errors: dict[str, ErrorCode] = field(default_factory=dict)  # codes as this ABI's tables may write them

    @property
    def sets(self) -> list[ValueSet]:
        return [*self.flags.values(), *self.enums.values(),
                *(t for t in self.types.values() if isinstance(t, ValueSet))]

    @property
    def structs(self) -> list[Struct]:
        return [t for t in self.types.values() if isinstance(t, Struct)]

    def every_call(self) -> Iterator[Call]:
        """Calls and their variants, each variant after its base."""
        for call in self.calls:
            yield call
            yield from call.variants


@dataclass
class Program:
    """Everything read from the files."""

    abis: dict[str, Abi] = field(default_factory=dict)
    shared: Abi = field(default_factory=lambda: Abi(Id("shared")))
    codes: dict[str, ErrorCode] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
