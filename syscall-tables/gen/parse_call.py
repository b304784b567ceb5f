"""Parser of calls: arguments with their clauses, properties, variants."""
from __future__ import annotations

from .diag import Id, TableError
from .expr import parse_expr
from .model import Arg, Call, Check, NeedsRule, RESTART, Restart, Result, Step, SUPPORT, Test, TypeRef
from .parse import Parser

PROPERTIES = ("doc steps errors blocks restart impl support test compare needs order print default modifier variant frame "
              "undo number label check unsupported only").split()
TEMPLATES = "bad-pointer bad-handle missing-right length range each-flag each-value seq".split()
ARG_CLAUSES = ("opt when filled needs kind or clamp align check max low select extends print hidden ignore-unknown error "
               "stored else extra").split()


def parse_call(p: Parser) -> None:
    kind = p.next().text
    name = p.id("the call's name")
    while p.accept("."):
        name = Id(f"{name}.{p.id('a method name')}", name.pos)
    call = signature(p, Call(name, [], Result("zero"), kind))
    if not p.has("{"):
        raise p.fail("'{' and the call's properties")
    body(p, call)
    if any(c.name == call.name for c in p.abi.calls):
        raise TableError(name.pos, f"call '{name}' is already declared")
    p.abi.calls.append(call)


def signature(p: Parser, call: Call, result: bool = True) -> Call:
    p.expect("(")
    if not p.accept(")"):
        while True:
            arg = argument(p, len(call.args))
            if call.arg(arg.name):
                raise TableError(arg.name.pos, f"argument '{arg.name}' is already declared")
            call.args.append(arg)
            if p.accept(")"):
                break
            if not p.has(","):
                raise p.fail("',' or ')' or a clause of the argument")
            p.next()
    if len(call.args) > 6 and call.kind == "call":
        raise TableError(call.args[6].name.pos, "a call has at most 6 arguments")
    if p.has("->"):
        p.next()
        call.result = parse_result(p)
    elif result:
        raise p.fail("'->' and the result")
    return call


def parse_result(p: Parser) -> Result:
    pos = p.peek().pos
    if p.peek().text in ("zero", "noreturn", "label"):
        res = Result(p.next().text, pos=pos)
    elif p.peek().text == "handle":
        p.next()
        res = Result("value", TypeRef("int", Id("i64", pos), pos=pos), pos=pos)
    else:
        ref = p.type_ref()
        res = Result(ref.kind if ref.kind in ("flags", "enum") else "value", ref, pos=pos)
    while p.peek().kind == "id":
        if p.accept("new"):
            res.new = True
        elif p.has("print"):
            p.next()
            res.print, res.custom = p.print_kind()
        else:
            break
    return res


def argument(p: Parser, index: int) -> Arg:
    name = p.id("an argument")
    if name == "_" and not p.has(":"):
        return Arg(Id(f"_{index}", name.pos), "skip")
    p.expect(":")
    arg = argument_type(p, name)
    while p.peek().kind == "id":
        clause(p, arg)
    return arg


def argument_type(p: Parser, name: Id) -> Arg:
    tok = p.peek()
    word = tok.text if tok.kind == "id" else ""
    if word in ("in", "out", "inout"):
        p.next()
        return pointer(p, Arg(name, "ptr", word))
    if word == "cstr":
        return pointer(p, Arg(name, "ptr", "in"))
    if word in ("bytes", "vec", "seq", "strv"):
        raise TableError(tok.pos, f"'{word}' needs a direction: in, out or inout")
    if word == "fd":
        p.next()
        return Arg(name, "fd", type=TypeRef("name", Id("fd", tok.pos), pos=tok.pos))
    if word in ("handle", "cap"):
        p.next()
        return Arg(name, word, kind=p.id("an object kind or 'any'"))
    if word == "uaddr":
        p.next()
        return Arg(name, "uaddr")
    if word == "const":
        p.next()
        arg = Arg(name, "const", consts=[parse_expr(p)])
        while p.accept("or"):
            arg.consts.append(parse_expr(p))
        return arg
    ref = p.type_ref()
    if ref.count is not None or ref.kind in ("pad", "char"):
        raise TableError(ref.pos, "an argument in a register is one value, not an array")
    return Arg(name, "value", type=ref)


def pointer(p: Parser, arg: Arg) -> Arg:
    tok = p.peek()
    if tok.kind == "id" and tok.text in ("cstr", "bytes", "vec", "seq"):
        p.next()
        arg.form = tok.text
        p.expect("[")
        if tok.text == "seq":
            arg.type = p.type_ref()
            p.expect(",")
        arg.length = parse_expr(p)
        p.expect("]")
        if tok.text == "cstr" and arg.dir != "in":
            raise TableError(tok.pos, "a cstr is always 'in'")
    elif p.accept("strv"):
        arg.form = "strv"
        if arg.dir != "in":
            raise TableError(tok.pos, "a strv is always 'in'")
    else:
        arg.type = p.type_ref()
    return arg


def clause(p: Parser, arg: Arg) -> None:
    word = p.hyphenated("a clause")
    if word == "opt":
        arg.opt = True
    elif word == "when":
        arg.when = parse_expr(p)
        arg.shown = p.accept("shown")
    elif word == "filled":
        arg.filled = p.id("'ret' or an argument")
    elif word == "needs":
        arg.needs = rights(p)
        arg.needs_else = p.id("an error code") if p.accept("else") else None
    elif word == "kind":
        arg.kind = p.id("an object kind")
        arg.kind_else = p.id("an error code") if p.accept("else") else None
    elif word == "or":
        if arg.form != "fd":
            raise TableError(word.pos, "'or none' is for an fd")
        p.expect("none")
        arg.or_none = True
    elif word == "clamp":
        arg.clamp = parse_expr(p)
    elif word == "align":
        arg.align = parse_expr(p)
        arg.align_else = p.id("an error code") if p.accept("else") else None
    elif word == "check":
        arg.checks.append(check(p))
    elif word == "max":
        arg.max = parse_expr(p)
        arg.max_else = p.id("an error code") if p.accept("else") else None
    elif word == "low":
        p.expect("signal")
        arg.low_signal = True
    elif word == "select":
        arg.select = p.id("the name of an enum")
    elif word == "extends":
        arg.extends = p.id("the argument that holds the size")
        p.expect("min")
        arg.extends_min = parse_expr(p)
    elif word == "stored":
        arg.stored = str(p.id("'always', 'quietly', 'positive' or an error code"))
    elif word == "print":
        arg.print, arg.custom = p.print_kind()
    elif word == "hidden":
        arg.hidden = True
    elif word == "ignore-unknown":
        arg.ignore_unknown = True
    elif word == "error":
        arg.error = p.id("an error code")
    elif word == "else" and arg.form == "const":
        arg.const_else = p.id("an error code")
    elif word == "extra" and arg.form == "cap":
        parse_expr(p)
    else:
        raise TableError(word.pos, f"unknown clause '{word}' of an argument ({', '.join(ARG_CLAUSES)})")


def rights(p: Parser) -> list[Id]:
    out = [p.id("a right")]
    while p.peek().kind == "id" and p.peek().text not in (*ARG_CLAUSES, "when"):
        out.append(p.id())
    return out


def check(p: Parser) -> Check:
    expr = parse_expr(p)
    p.expect("else")
    return Check(expr, p.id("an error code"))


def body(p: Parser, call: Call) -> None:
    seen: dict[str, object] = {}

    def one() -> None:
        word = p.id("a property")
        if word not in PROPERTIES:
            raise TableError(word.pos, f"unknown property '{word}' of a call")
        if word in seen and word in ("steps", "errors", "blocks", "restart", "impl", "support", "default", "number", "print"):
            raise TableError(word.pos, f"'{word}' is given twice")
        seen[word] = True
        prop(p, call, word)

    p.items(one)


def more(p: Parser) -> bool:
    """After `;`: another item of the same property?"""
    if p.has(";") and not (p.peek(1).kind == "id" and p.peek(1).text in PROPERTIES) and p.peek(1).kind != "nl" \
            and p.peek(1).text != "}":
        p.next()
        return True
    return False


def prop(p: Parser, call: Call, word: Id) -> None:
    if word == "doc":
        call.doc = p.string()
    elif word == "support":
        call.support = p.one_of(SUPPORT, "support level")
        if p.peek().kind == "str":
            call.support_note = p.string()
    elif word == "steps":
        call.steps = [step(p)]
        while p.accept(","):
            call.steps.append(step(p))
    elif word == "check":
        call.checks.append(check(p))
    elif word == "unsupported":
        call.refused.append(p.unsupported(when=True))
    elif word == "needs":
        arg = p.id("an argument")
        names = rights(p)
        when = parse_expr(p) if p.accept("when") else None
        call.needs.append(NeedsRule(arg, names, when, p.id("an error code") if p.accept("else") else None))
    elif word == "errors":
        call.errors.append(error_item(p))
        while more(p):
            call.errors.append(error_item(p))
    elif word == "blocks":
        call.blocks = p.one_of(("no", "may", "yes"), "blocking class")
    elif word == "restart":
        call.restart = parse_restart(p)
    elif word == "impl":
        call.impl = p.id("the kernel function's name")
    elif word == "frame":
        call.frame = True
    elif word == "undo":
        call.undo = True
    elif word == "order":
        arches = p.arch_list()
        p.expect(":")
        names = [p.id("an argument")]
        while p.peek().kind == "id" and p.peek().text not in PROPERTIES:
            names.append(p.id())
        for arch in arches:
            call.order[arch] = names
    elif word == "print":
        while p.peek().kind == "id":
            name = p.id()
            call.shown.append((str(name), p.id("an argument")) if p.accept("=") else ("", name))
    elif word == "default":
        call.default = p.id("an error code or 'impl'")
    elif word == "modifier":
        call.modifiers.append(p.id("a flag"))
        while more(p):
            call.modifiers.append(p.id("a flag"))
    elif word == "variant":
        variant(p, call)
    elif word == "test":
        call.tests.append(test_item(p))
        while more(p):
            call.tests.append(test_item(p))
    elif word == "compare":
        call.compare = p.hyphenated("a comparison")
    elif word in ("number", "label"):
        call.number = parse_expr(p)
    elif word == "only":
        call.only = p.arch_list()


def step(p: Parser) -> Step:
    pos = p.peek().pos
    if p.accept("check"):
        return Step("check", check=check(p), pos=pos)
    if p.accept("range"):
        return Step("range", p.id("a buffer argument"), pos=pos)
    name = p.id("an argument, 'check', 'range' or 'impl'")
    return Step("impl" if name == "impl" else "arg", name, pos=pos)


def error_item(p: Parser) -> tuple[Id, list[Id]]:
    code = p.id("an error code")
    args = []
    while p.peek().kind == "id":
        args.append(p.id())
    return code, args


def test_item(p: Parser) -> Test:
    template = p.one_of(TEMPLATES, "test template")
    args = []
    while p.peek().kind == "id":
        args.append(p.id())
    return Test(template, args)


def parse_restart(p: Parser) -> Restart:
    out = Restart(p.one_of(RESTART, "restart model"))
    if p.accept("when"):
        out.when = parse_expr(p)
        p.expect("else")
        out.otherwise = p.one_of(RESTART, "restart model")
    return out


def variant(p: Parser, base: Call) -> None:
    value = p.id("a value of the selector")
    sub = Call(Id(f"{base.name}${value}", value.pos), [], base.result, "variant")
    sub.parent = base
    signature(p, sub, result=False)
    if p.has("{"):
        body(p, sub)
    else:
        while p.peek().kind == "id":
            word = p.id("a property")
            if word not in ("blocks", "restart", "impl", "support", "doc", "errors", "test", "unsupported", "frame", "undo",
                            "check"):
                raise TableError(word.pos, f"'{word}' cannot stand on a variant's line; use {{ }}")
            if word in ("errors", "test"):
                raise TableError(word.pos, f"'{word}' of a variant needs {{ }}")
            prop(p, sub, word)
    if any(v.name == sub.name for v in base.variants):
        raise TableError(value.pos, f"variant '{value}' is already declared")
    base.variants.append(sub)
