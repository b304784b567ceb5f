"""Expressions of the table language: tree, parser, constant evaluation, C text."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, Union

from .diag import Id, Pos, TableError
from .lex import Token


@dataclass(frozen=True)
class Num:
    value: int
    pos: Pos


@dataclass(frozen=True)
class Ref:
    name: Id

    @property
    def pos(self) -> Pos:
        return self.name.pos


@dataclass(frozen=True)
class Field:
    base: Id
    field: Id

    @property
    def pos(self) -> Pos:
        return self.base.pos


@dataclass(frozen=True)
class Deref:
    name: Id

    @property
    def pos(self) -> Pos:
        return self.name.pos


@dataclass(frozen=True)
class Unary:
    op: str
    arg: "Expr"
    pos: Pos


@dataclass(frozen=True)
class Binary:
    op: str
    left: "Expr"
    right: "Expr"
    pos: Pos


Expr = Union[Num, Ref, Field, Deref, Unary, Binary]

LEVELS = [["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!=", "subset"], ["<", "<=", ">", ">="], ["<<", ">>"],
          ["+", "-"], ["*", "/", "%"]]


class Cursor:
    """What the expression parser needs of a token stream."""

    def peek(self) -> Token:
        raise NotImplementedError

    def next(self) -> Token:
        raise NotImplementedError


def parse_expr(cur: Cursor, level: int = 0) -> Expr:
    if level == len(LEVELS):
        return parse_unary(cur)
    left = parse_expr(cur, level + 1)
    while (tok := cur.peek()).text in LEVELS[level] and tok.kind in ("op", "id"):
        cur.next()
        left = Binary(tok.text, left, parse_expr(cur, level + 1), tok.pos)
    return left


def parse_unary(cur: Cursor) -> Expr:
    tok = cur.next()
    if tok.kind == "op" and tok.text in ("!", "~", "-"):
        return Unary(tok.text, parse_unary(cur), tok.pos)
    if tok.kind == "op" and tok.text == "*":
        name = cur.next()
        if name.kind != "id":
            raise TableError(name.pos, f"expected an argument name after '*', found {name}")
        return Deref(Id(name.text, name.pos))
    if tok.kind == "op" and tok.text == "(":
        inner = parse_expr(cur)
        close = cur.next()
        if close.text != ")":
            raise TableError(close.pos, f"expected ')', found {close}")
        return inner
    if tok.kind == "int":
        return Num(tok.value, tok.pos)
    if tok.kind == "id":
        name = Id(tok.text, tok.pos)
        if cur.peek().text == "." and cur.peek().kind == "op":
            path, where = [], None
            while cur.peek().text == "." and cur.peek().kind == "op":
                cur.next()
                member = cur.next()
                if member.kind != "id":
                    raise TableError(member.pos, f"expected a field name, found {member}")
                path.append(member.text)
                where = where or member.pos
            return Field(name, Id(".".join(path), where))
        return Ref(name)
    raise TableError(tok.pos, f"expected an expression, found {tok}")


def walk(e: Expr) -> Iterator[Expr]:
    yield e
    if isinstance(e, Unary):
        yield from walk(e.arg)
    elif isinstance(e, Binary):
        yield from walk(e.left)
        yield from walk(e.right)


def names(e: Expr) -> Iterator[Id]:
    """Every argument or constant an expression mentions."""
    for part in walk(e):
        if isinstance(part, (Ref, Deref)):
            yield part.name
        elif isinstance(part, Field):
            yield part.base


def evaluate(e: Expr, lookup: Callable[[Id], int]) -> int:
    """Value of a constant expression; lookup raises TableError for an unknown name."""
    if isinstance(e, Num):
        return e.value
    if isinstance(e, Ref):
        return lookup(e.name)
    if isinstance(e, Unary):
        v = evaluate(e.arg, lookup)
        return {"!": int(not v), "~": ~v, "-": -v}[e.op]
    if isinstance(e, Binary):
        a, b = evaluate(e.left, lookup), evaluate(e.right, lookup)
        if e.op in ("/", "%") and b == 0:
            raise TableError(e.pos, "division by zero")
        if e.op in ("<<", ">>") and not 0 <= b < 64:
            raise TableError(e.pos, f"shift by {b}")
        return {
            "||": lambda: int(bool(a or b)), "&&": lambda: int(bool(a and b)), "|": lambda: a | b, "^": lambda: a ^ b,
            "&": lambda: a & b, "==": lambda: int(a == b), "!=": lambda: int(a != b), "subset": lambda: int(not a & ~b),
            "<": lambda: int(a < b), "<=": lambda: int(a <= b), ">": lambda: int(a > b), ">=": lambda: int(a >= b),
            "<<": lambda: a << b, ">>": lambda: a >> b, "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b,
            "/": lambda: a // b, "%": lambda: a % b}[e.op]()
    raise TableError(e.pos, "this must be a constant")


def c_number(value: int) -> str:
    """A C integer constant that has the value whatever its size."""
    if value < 0:
        return f"(-{-value})" if value >= -(1 << 31) else f"(-{-value - 1}LL - 1)"
    if value >= 1 << 63:
        return f"{value:#x}ull"
    if value >= 1 << 31:
        return f"{value:#x}u" if value < 1 << 32 else f"{value:#x}ll"
    return str(value) if value < 10 else f"{value:#x}"


def c_expr(e: Expr, atom: Callable[[Expr], str]) -> str:
    """C text; atom turns Ref, Field and Deref into C."""
    if isinstance(e, Num):
        return c_number(e.value)
    if isinstance(e, Unary):
        return f"{e.op}{c_expr(e.arg, atom)}" if not isinstance(e.arg, Binary) else f"{e.op}({c_expr(e.arg, atom)})"
    if isinstance(e, Binary):
        left, right = (f"({c_expr(x, atom)})" if isinstance(x, Binary) else c_expr(x, atom) for x in (e.left, e.right))
        return f"({left} & ~({right})) == 0" if e.op == "subset" else f"{left} {e.op} {right}"
    return atom(e)


def show(e: Expr) -> str:
    """The expression as the table writes it."""
    if isinstance(e, Num):
        return str(e.value) if abs(e.value) < 1024 else hex(e.value)
    if isinstance(e, Ref):
        return str(e.name)
    if isinstance(e, Field):
        return f"{e.base}.{e.field}"
    if isinstance(e, Deref):
        return f"*{e.name}"
    if isinstance(e, Unary):
        return f"{e.op}({show(e.arg)})" if isinstance(e.arg, Binary) else f"{e.op}{show(e.arg)}"
    left, right = (f"({show(x)})" if isinstance(x, Binary) else show(x) for x in (e.left, e.right))
    return f"{left} {e.op} {right}"
