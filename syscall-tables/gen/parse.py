"""Parser of declarations. Calls are in parse_call; both fill the model and know no output."""
from __future__ import annotations

from pathlib import Path

from .diag import Diagnostics, Id, Pos, TableError
from .expr import Cursor, Expr, parse_expr
from .lex import Token, tokenize
from .model import (ARCHES, INTS, RESULTS, Abi, Alias, ErrorCode, FlagField, Program, Struct, StructField, TypeRef,
                    Unsupported, Value, ValueSet)

TOP = ("include abi const type resource flags enum struct union error call invoke").split()


class Parser(Cursor):
    def __init__(self, tokens: list[Token], program: Program, diag: Diagnostics, abi: Abi) -> None:
        self.tokens, self.at = tokens, 0
        self.program, self.diag, self.abi = program, diag, abi

    # ---- tokens ----
    def peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def next(self) -> Token:
        tok = self.peek()
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return tok

    def fail(self, expected: str) -> TableError:
        return TableError(self.peek().pos, f"expected {expected}, found {self.peek()}")

    def has(self, text: str) -> bool:
        tok = self.peek()
        return tok.text == text and tok.kind in ("op", "id")

    def accept(self, text: str) -> bool:
        if self.has(text):
            self.next()
            return True
        return False

    def expect(self, text: str) -> Token:
        if not self.has(text):
            raise self.fail(f"'{text}'")
        return self.next()

    def id(self, what: str = "a name") -> Id:
        if self.peek().kind != "id":
            raise self.fail(what)
        tok = self.next()
        return Id(tok.text, tok.pos)

    def string(self, what: str = "a string") -> str:
        if self.peek().kind != "str":
            raise self.fail(what)
        return self.next().text

    def hyphenated(self, what: str) -> Id:
        """A word that may contain hyphens: bad-pointer."""
        first = self.id(what)
        text = str(first)
        while self.peek().text == "-" and self.peek().glued and self.peek(1).kind == "id" and self.peek(1).glued:
            self.next()
            text += "-" + self.next().text
        return Id(text, first.pos)

    def one_of(self, allowed: tuple[str, ...] | list[str], what: str) -> Id:
        word = self.hyphenated(what)
        if word not in allowed:
            raise TableError(word.pos, f"unknown {what} '{word}' (one of: {', '.join(allowed)})")
        return word

    def arch(self) -> Id:
        return self.one_of(ARCHES, "architecture")

    def arch_list(self) -> list[Id]:
        out = [self.arch()]
        while self.peek().kind == "id" and self.peek().text in ARCHES:
            out.append(self.arch())
        return out

    def separators(self) -> None:
        while self.peek().kind == "nl" or self.has(";"):
            self.next()

    def end_of_item(self) -> None:
        if self.peek().kind == "nl" or self.has(";"):
            self.next()
        elif not self.has("}") and self.peek().kind != "eof":
            raise self.fail("end of line or ';'")

    def items(self, one) -> None:
        """`{ item; item <newline> item }`"""
        self.expect("{")
        self.separators()
        while not self.accept("}"):
            if self.peek().kind == "eof":
                raise self.fail("'}'")
            one()
            self.end_of_item()
            self.separators()

    # ---- shared pieces ----
    def unsupported(self, when: bool = False) -> Unsupported:
        """After the word `unsupported`: CODE [when EXPR] "reason"."""
        code = self.id("an error code")
        cond = parse_expr(self) if when and self.accept("when") else None
        return Unsupported(code, self.string("the reason as a string"), cond)

    def includes(self) -> str:
        if self.peek().kind not in ("hdr", "str"):
            raise self.fail("a header such as <time.h>")
        return self.next().text

    def value(self) -> Value:
        name = self.id("a value's name")
        val = Value(name, self.const_expr())
        while True:
            if self.accept("@"):
                arch = self.arch()
                if arch in val.by_arch:
                    raise TableError(arch.pos, f"'{name}' has two values for {arch}")
                val.by_arch[arch] = self.const_expr()
            elif self.accept("only"):
                val.only = self.arch_list()
            elif self.has("unsupported"):
                self.next()
                val.unsupported = self.unsupported()
            elif self.accept("hidden"):
                val.hidden = True
            elif self.accept("include"):
                val.includes.append(self.includes())
            elif self.peek().kind == "str":
                val.doc = self.next().text
            else:
                return val

    def const_expr(self) -> Expr:
        return parse_expr(self)

    def type_ref(self) -> TypeRef:
        pos = self.peek().pos
        word = self.id("a type")
        if word in ("flags", "enum"):
            ref = TypeRef(str(word), self.id(f"the name of the {word}"), pos=pos)
            if self.accept(":"):
                ref.width = self.int_name()
        elif word in INTS:
            ref = TypeRef("int", word, pos=pos)
        elif word in ("uaddr", "pad", "char"):
            ref = TypeRef(str(word), word, pos=pos)
        else:
            ref = TypeRef("name", word, pos=pos)
        if self.accept("["):
            ref.count = parse_expr(self)
            self.expect("]")
        elif word == "pad":
            raise self.fail("'[' and the number of padding bytes")
        return ref

    def int_name(self) -> Id:
        name = self.id("an integer type")
        if name not in INTS:
            raise TableError(name.pos, f"'{name}' is not an integer type")
        return name

    def print_kind(self) -> tuple[Id, bool]:
        if self.accept("custom"):
            return self.id("the printer's name"), True
        return self.id("a print kind"), False

    # ---- declarations ----
    def file(self) -> list[tuple[str, Pos]]:
        """Parses to the end; an `include` is read where it stands through the reader."""
        from .parse_call import parse_call
        while True:
            self.separators()
            tok = self.peek()
            if tok.kind == "eof":
                return []
            try:
                if tok.kind != "id" or tok.text not in TOP:
                    raise self.fail(f"a declaration ({', '.join(TOP)})")
                if tok.text in ("call", "invoke"):
                    parse_call(self)
                else:
                    getattr(self, "decl_" + tok.text)()
                self.end_of_item()
            except TableError as err:
                self.diag.add(err)
                self.resync()

    def resync(self) -> None:
        """Goes on at the next declaration that starts a line in the first column."""
        while (tok := self.next()).kind != "eof":
            if tok.kind == "nl" and self.peek().kind == "id" and self.peek().pos.col == 1 and self.peek().text in TOP:
                return

    def decl_include(self) -> None:
        where = self.next().pos
        name = self.string("a file name")
        path = Path(where.file).parent / name
        if not path.is_file():
            raise TableError(where, f"cannot read '{name}'")
        self.abi = read_file(path, self.program, self.diag, self.abi)

    def decl_abi(self) -> None:
        self.next()
        name = self.id("the ABI's name")
        known = self.program.abis.get(name)
        abi = known or Abi(name)
        while self.peek().kind == "id":
            word = self.id()
            if word == "pin":
                abi.pin = self.string("the pinned version")
            elif word == "arch":
                abi.arches = self.arch_list()
            elif word == "result":
                abi.result = self.one_of(RESULTS, "result style")
            elif word == "restart":
                abi.restart = self.id("a restart model")
            else:
                raise TableError(word.pos, f"unknown clause '{word}' of an abi (pin, arch, result, restart)")
        self.program.abis[name] = abi
        self.abi = abi

    def declare(self, table: dict, name: Id, what: object, kind: str) -> None:
        if name in table:
            raise TableError(name.pos, f"{kind} '{name}' is already declared")
        table[name] = what

    def decl_const(self) -> None:
        self.next()
        name = self.id("the constant's name")
        self.expect("=")
        self.at -= 1
        self.tokens[self.at] = Token("id", str(name), name.pos, False)
        val = self.value()
        self.declare(self.abi.consts, name, val, "constant")

    def decl_type(self) -> None:
        self.next()
        name = self.id("the type's name")
        self.expect("=")
        alias = Alias(name, self.type_ref())
        while self.peek().kind == "id":
            if self.accept("print"):
                alias.print, _ = self.print_kind()
            else:
                raise TableError(self.peek().pos, f"unknown clause '{self.peek().text}' of a type (print)")
        self.declare(self.abi.types, name, alias, "type")

    def value_set(self, table: dict) -> None:
        kind = self.next().text
        name = self.id(f"the name of the {kind}")
        vs = ValueSet(kind, name, Id("u32" if kind == "flags" else "i32", name.pos))
        if self.accept(":"):
            vs.base = self.int_name()
        while not self.has("{") and self.peek().kind == "id":
            word = self.hyphenated("a clause")
            if word == "error" and kind != "resource":
                vs.error = self.id("an error code")
            elif word == "ignore-unknown" and kind != "resource":
                vs.ignore_unknown = True
            elif word == "include":
                vs.includes.append(self.includes())
            elif word == "compare":
                vs.compare = self.id("a comparison")
            elif word == "print":
                vs.print, _ = self.print_kind()
            elif word == "unknown":
                vs.unknown = self.string("the text for unknown values")
            else:
                raise TableError(word.pos, f"unknown clause '{word}' of {'an enum' if kind == 'enum' else kind}")
        if self.has("{"):
            self.items(lambda: vs.items.append(self.flag_field() if kind == "flags" and self.has("field")
                                               else self.value()))
        elif kind != "resource":
            raise self.fail("'{'")
        self.declare(table, name, vs, kind)

    def flag_field(self) -> FlagField:
        self.next()
        item = FlagField(self.id("the field's name"), parse_expr(self))
        self.items(lambda: item.values.append(self.value()))
        return item

    def decl_flags(self) -> None:
        self.value_set(self.abi.flags)

    def decl_enum(self) -> None:
        self.value_set(self.abi.enums)

    def decl_resource(self) -> None:
        self.value_set(self.abi.types)

    def decl_union(self) -> None:
        self.decl_struct()

    def decl_struct(self) -> None:
        kind = self.next().text
        name = self.id(f"the name of the {kind}")
        st = Struct(kind, name)
        self.items(lambda: self.struct_field(st))
        while self.peek().kind == "id" or self.has(";"):
            if self.accept(";"):
                while self.peek().kind == "nl":
                    self.next()
                continue
            if self.peek().text in TOP and self.peek().pos.col == 1:
                break
            word = self.id("a clause")
            if word == "size":
                self.struct_size(st)
            elif word == "packed":
                st.packed = self.arch_list() if self.peek().text in ARCHES else []
            elif word == "align":
                st.align = parse_expr(self)
            elif word == "ctype":
                st.ctype = self.string("the C type")
            elif word == "include":
                st.includes.append(self.includes())
            elif word == "doc":
                st.doc = self.string()
            elif word == "print":
                if self.accept("custom"):
                    st.custom = self.id("the printer's name")
                    continue
                while self.peek().kind == "id":
                    field = self.id()
                    if field == "abbrev":
                        st.abbrev = True
                    else:
                        st.print.append(field)
            else:
                raise TableError(word.pos, f"unknown clause '{word}' of a struct "
                                 "(size, packed, align, ctype, include, print, doc)")
        self.declare(self.abi.types, name, st, kind)
        if self.peek().kind != "nl" and not (self.peek().kind == "id" and self.peek().pos.col == 1):
            raise self.fail("';' or end of line")
        if self.peek().kind == "id":
            self.at -= 1
            self.tokens[self.at] = Token("nl", "", self.peek().pos, False)

    def struct_size(self, st: Struct) -> None:
        while True:
            arches = self.arch_list() if self.peek().text in ARCHES else [Id("", self.peek().pos)]
            pos = self.peek().pos
            size = parse_expr(self)
            for arch in arches:
                if arch in st.sizes:
                    raise TableError(arch.pos, f"the size is given twice{' for ' + arch if arch else ''}")
                st.sizes[arch] = (size, pos)
            if not self.accept(","):
                return

    def struct_field(self, st: Struct) -> None:
        if self.has("pad") and self.peek(1).text == "[":
            name = Id("", self.peek().pos)
        else:
            name = self.id("a field's name")
        f = StructField(name, self.type_ref())
        while self.peek().kind == "id":
            word = self.id()
            if word == "print":
                f.print, f.custom = self.print_kind()
            elif word == "only":
                f.only = self.arch_list()
            elif word == "cname":
                f.cname = self.string("the C name")
            elif word == "len":
                self.expect("self")
                f.len_self = True
            elif word == "hidden":
                f.hidden = True
            elif word == "checked":
                f.checked = True
            elif word == "as":
                f.shown = self.id("the printed name")
            elif word == "unsupported":
                f.unsupported = self.unsupported()
            else:
                raise TableError(word.pos, f"unknown clause '{word}' of a field "
                                 "(print, only, cname, len self, hidden, checked, as, unsupported)")
        if name and any(o.name == name for o in st.fields):
            raise TableError(name.pos, f"field '{name}' is already declared")
        st.fields.append(f)

    def decl_error(self) -> None:
        self.next()
        code = ErrorCode(self.id("the error's name"), self.string("the error's text"))
        while self.peek().kind == "id":
            abi = self.id("an ABI's name")
            tok = self.peek()
            name, sign = "", 1
            if tok.kind == "id":
                name = str(self.id())
            if self.accept("-"):
                sign = -1
            if self.peek().kind != "int":
                raise self.fail("the number of the error")
            num = self.next()
            if abi in code.by_abi:
                raise TableError(abi.pos, f"'{code.name}' is mapped twice for {abi}")
            code.by_abi[abi] = (name, sign * num.value, abi.pos)
            self.accept(",")
        self.declare(self.program.codes, code.name, code, "error")


def read_file(path: Path, program: Program, diag: Diagnostics, abi: Abi) -> Abi:
    """Parses one file into the program; answers the ABI that is current at its end."""
    name = str(path)
    if name in program.files:
        return abi
    program.files.append(name)
    try:
        tokens = tokenize(path.read_text(encoding="utf-8"), name)
    except TableError as err:
        diag.add(err)
        return abi
    except UnicodeDecodeError as err:
        diag.error(Pos(name, 1, 1), f"not UTF-8 text: {err.reason}")
        return abi
    parser = Parser(tokens, program, diag, abi)
    parser.file()
    return parser.abi
