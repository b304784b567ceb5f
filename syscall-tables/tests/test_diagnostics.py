"""Seeded mistakes: each must be reported at the line and column of the mark (§) with a message that names it."""
from __future__ import annotations

import pytest

HEAD = "abi linux arch riscv64 x86_64 result errno\n"
GOOD = "support stub \"x\"; number 1"

CASES: dict[str, tuple[str, str]] = {
    # lexer
    "string-open": ('const A = §"abc\n', "string is not closed"),
    "bad-character": ("const A = §`1\n", "unexpected character '`'"),
    "bad-number": ("const A = §0x1G\n", "malformed number"),
    "bad-octal": ("const A = §089\n", "malformed number"),
    "bad-escape": ('struct s { a u8 } size 1; doc §"a\\q"\n', "unknown escape"),
    "brace-open": ("flags f : u32 §{ A 1\n", "'{' is never closed"),
    "paren-open": (f"call f§(a: i32 -> zero {{ {GOOD} }}\n", "'(' is never closed"),
    "bracket-open": (f"call f(a: out bytes§[4) -> zero {{ {GOOD} }}\n", "'[' is never closed"),
    "closes-nothing": ("const A = 1 §)\n", "')' closes nothing"),
    # syntax
    "unknown-declaration": ("§cal f() -> zero { }\n", "expected a declaration"),
    "missing-result": (f"call f() §{{ {GOOD} }}\n", "expected '->'"),
    "missing-body": ("call f() -> zero§\n", "expected '{'"),
    "unknown-property": (f"call f() -> zero {{ §suport full; {GOOD} }}\n", "unknown property 'suport'"),
    "unknown-clause": (f"call f(a: i32 §optt) -> zero {{ {GOOD} }}\n", "unknown clause 'optt'"),
    "no-direction": (f"call f(a: §bytes[4]) -> zero {{ {GOOD} }}\n", "needs a direction"),
    "bad-level": ("call f() -> zero { support §ful }\n", "unknown support level 'ful'"),
    "bad-template": (f"call f(a: i32) -> zero {{ {GOOD}; test §bad-pinter a }}\n", "unknown test template 'bad-pinter'"),
    "bad-arch": ("const A = 1 @§mips 2\n", "unknown architecture 'mips'"),
    "twice-arch": ("const A = 1 @riscv64 2 @§riscv64 3\n", "two values for riscv64"),
    "bad-restart": (f"call f() -> zero {{ {GOOD}; restart §often }}\n", "unknown restart model 'often'"),
    "no-reason": ("enum e { A 0 unsupported EINVAL§\n }\n", "expected the reason as a string"),
    "seven-arguments": (f"call f(a: i32, b: i32, c: i32, d: i32, e: i32, g: i32, §h: i32) -> zero {{ {GOOD} }}\n",
                        "at most 6 arguments"),
    "missing-include": ('§include "nothing.sct"\n', "cannot read 'nothing.sct'"),
    "expression": ("const A = 1 + §}\n".replace("}", ","), "expected an expression"),
    # names
    "unknown-type": (f"call f(a: §i23) -> zero {{ {GOOD} }}\n", "unknown type 'i23'"),
    "unknown-struct": (f"call f(a: in §timespce) -> zero {{ {GOOD} }}\n", "unknown type 'timespce'"),
    "unknown-flags": (f"call f(a: flags §opn) -> zero {{ {GOOD} }}\n", "unknown flags 'opn'"),
    "unknown-constant": ("const A = §B + 1\n", "unknown constant 'B'"),
    "self-constant": ("const §A = A + 1\n", "'A' is defined by itself"),
    "unknown-error": (f"call f() -> zero {{ {GOOD}; errors §EINVALID }}\n", "unknown error code 'EINVALID'"),
    "error-argument": (f"call f(a: i32) -> zero {{ {GOOD}; errors EINVAL §b }}\n", "names 'b', which is not an argument"),
    "length-argument": (f"call f(a: out bytes[§cnt], count: usize) -> zero {{ {GOOD} }}\n", "the length of 'a' names 'cnt'"),
    "length-pointer": (f"call f(a: out bytes[§b], b: uaddr) -> zero {{ {GOOD} }}\n", "which is no integer"),
    "when-name": (f"call f(a: i32 when §flag & 1, flags: i32) -> zero {{ {GOOD} }}\n", "'flag' is neither an argument"),
    "when-self": (f"call f(§a: i32 when a & 1) -> zero {{ {GOOD} }}\n", "depends on itself"),
    "steps-name": (f"call f(a: i32) -> zero {{ {GOOD}; steps §b, impl }}\n", "steps names 'b'"),
    "steps-twice": (f"call f(a: i32) -> zero {{ {GOOD}; steps a, §a, impl }}\n", "'a' has two steps"),
    "needs-name": (f"call f(a: fd) -> zero {{ {GOOD}; needs §b read }}\n", "needs names 'b'"),
    "order-name": (f"call f(a: i32, b: i32) -> zero {{ {GOOD}; order riscv64: §c a }}\n", "order riscv64 names 'c'"),
    "order-short": (f"call f(a: i32, b: i32) -> zero {{ {GOOD}; order riscv64: §a a }}\n", "must name each argument once"),
    "test-argument": (f"call f(a: i32) -> zero {{ {GOOD}; test range §b }}\n", "test range names 'b'"),
    "test-misfit": (f"call f(a: i32) -> zero {{ {GOOD}; test bad-pointer §a }}\n", "does not fit argument 'a'"),
    "print-name": (f"call f(a: i32) -> zero {{ {GOOD}; print x=§b }}\n", "print names 'b'"),
    "print-kind": (f"call f(a: i32 print §octal) -> zero {{ {GOOD} }}\n", "unknown print kind 'octal'"),
    "field-name": (f"struct s {{ a u32 }} size 4\ncall f(x: in s check x.§b == 0 else EINVAL) -> zero {{ {GOOD} }}\n",
                   "'b' is not a field of 's'"),
    "struct-print": ("struct s { a u32 } size 4; print §b\n", "'b' is not a field"),
    # declared twice
    "duplicate-call": (f"call f() -> zero {{ {GOOD} }}\ncall §f() -> zero {{ support stub \"x\"; number 2 }}\n", "already declared"),
    "duplicate-argument": (f"call f(a: i32, §a: i32) -> zero {{ {GOOD} }}\n", "'a' is already declared"),
    "duplicate-number": (f"call f() -> zero {{ {GOOD} }}\ncall §g() -> zero {{ {GOOD} }}\n", "number 1 already belongs to 'f'"),
    "duplicate-field": ("struct s { a u32; §a u32 } size 8\n", "field 'a' is already declared"),
    "duplicate-value": ("flags f { A 1; §A 1 }\n", "'A' is already declared"),
    "other-value": ("flags f { A 1 }\nenum e { §A 2 }\n", "already has another value"),
    # gates
    "no-support": ("call §f() -> zero { number 1 }\n", "has no support level"),
    "full-untested": ("call f() -> zero { support §full; number 1 }\n", "is full but has no test"),
    "full-refuses": ('flags o { A 1 unsupported EINVAL "no" }\n'
                     "call f(o: flags o) -> zero { support §full; number 1; test each-flag o }\n", "is full but refuses A"),
    "partial-silent": ("call f() -> zero { support §partial; number 1 }\n", "must say what is missing"),
    "no-number": ('call §f() -> zero { support stub "x" }\n', "has no number"),
    "struct-size": ("struct s { a u32; b u64 } size §12\n", "struct 's' is 16 bytes on riscv64, not 12"),
    "struct-self": ("struct s { a §s } size 8\n", "contains itself"),
    "array-empty": ("struct s { a §u8[0] } size 1\n", "an array of 0 elements"),
    "too-large": ("flags f : u32 { §A 0x100000000 }\n", "does not fit in u32"),
    "field-mask": ("flags f { field M 3 { §A 4 } }\n", "does not fit in the mask 0x3"),
    "no-default": (f"enum e {{ A 0 }}\ncall §f(c: u32 select e) -> zero {{ {GOOD} }}\n", "selects but has no 'default'"),
    "no-base": (f"call §f$A(c: const 1) -> zero {{ {GOOD} }}\n", "is a variant of 'f', which is not declared"),
    "variant-value": (f"enum e {{ A 0 }}\ncall f(c: u32 select e) -> zero {{ {GOOD}; default EINVAL\n variant §B() }}\n",
                      "'B' is not a value of enum 'e'"),
    "needs-no-handle": (f"call f(a: i32 needs §read) -> zero {{ {GOOD} }}\n", "which is no handle"),
    "struct-in-register": (f"struct s {{ a u32 }} size 4\ncall f(a: §s) -> zero {{ {GOOD} }}\n", "does not fit in a register"),
    "filled-in": (f"call f(a: in bytes[4] filled §ret) -> zero {{ {GOOD} }}\n", "which is no out buffer"),
}


@pytest.mark.parametrize("name", CASES)
def test_seeded_mistake(sct, name: str) -> None:
    marked, message = CASES[name]
    text = HEAD + marked
    at = text.index("§")
    line, col = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    found = sct.errors(text.replace("§", ""))
    assert any(e.startswith(f"t.sct:{line}:{col}: ") and message in e for e in found), \
        f"expected {line}:{col} … {message}, got {found}"


def test_there_are_enough() -> None:
    assert len(CASES) >= 40


NUMBER_CASES = {
    "columns": ("§read 1\n", "expected three columns"),
    "not-a-number": ("read §x 1\n", "'x' is not a call number"),
    "row-twice": ("read 1 1\n§read 2 2\n", "already has a row"),
    "number-twice": ("read 1 1\n§write 1 2\n", "number 1 on riscv64 already belongs to 'read'"),
    "arch": ("§@mips read 1 1\n", "unknown architecture 'mips'"),
}


@pytest.mark.parametrize("name", NUMBER_CASES)
def test_numbers_file(sct, name: str) -> None:
    marked, message = NUMBER_CASES[name]
    at = marked.index("§")
    line, col = marked.count("\n", 0, at) + 1, at - marked.rfind("\n", 0, at)
    found = sct.errors(HEAD, marked.replace("§", ""))
    assert any(e.startswith(f"linux.numbers:{line}:{col}: ") and message in e for e in found), found


def test_abis_must_agree_on_impl(sct) -> None:
    text = (HEAD + f"call f(n: usize, b: out bytes[n]) -> size {{ {GOOD}; impl file_read; blocks may }}\n"
            "abi xv6 result minus-one\n"
            'call g(n: usize, b: in bytes[n]) -> size { support stub "x"; number 1; impl file_read; blocks no }\n')
    found = sct.errors(text)
    assert any("t.sct:4:" in e and "moves data in here and out in linux" in e for e in found), found
    assert any("blocks 'no' here and 'may' in linux" in e for e in found), found


def test_all_mistakes_of_a_file_are_reported(sct) -> None:
    found = sct.errors(HEAD + "const A = B\ncall f(a: i23) -> zero { number 1 }\nstruct s { a nothing } size 4\n")
    assert [int(e.split(":")[1]) for e in found] == [2, 3, 4]


def test_syntax_error_does_not_hide_the_next_declaration(sct) -> None:
    found = sct.errors(HEAD + "call f( -> zero )\ncall g() zero { }\nconst A = \n")
    assert len(found) >= 3, found


def test_a_good_table_is_silent(sct) -> None:
    assert sct.errors(HEAD + f"call f(a: i32) -> zero {{ {GOOD} }}\n") == []
