"""Lexer: text to tokens. Knows brackets and where a newline ends an item, nothing else of the grammar."""
from __future__ import annotations

import re
from dataclasses import dataclass

from .diag import Pos, TableError

TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\\[ \t]*\n)
      | (?P<comment>\#[^\n]*)
      | (?P<nl>\n)
      | (?P<int>0[xX][0-9a-fA-F]+|0[oO][0-7]+|[0-9]+)(?![A-Za-z0-9_])
      | (?P<id>[A-Za-z_][A-Za-z0-9_]*(?:\$[A-Za-z0-9_]+)?|[0-9]+[A-Z][A-Z0-9_]*)
      | (?P<str>"(?:[^"\\\n]|\\.)*")
      | (?P<hdr><[a-z][A-Za-z0-9_/.-]*\.h>)
      | (?P<op>->|\.\.|\|\||&&|==|!=|<=|>=|<<|>>|[{}()\[\],;:=|^&<>+\-*/%!~.@?])
    """,
    re.VERBOSE,
)
CLOSERS = {")": "(", "]": "[", "}": "{"}
CONTINUES = set(", ; : = | ^ & || && == != <= >= < > << >> + * / % -> ( [ {".split())
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Token:
    kind: str  # id int str hdr op nl eof
    text: str
    pos: Pos
    glued: bool  # no white space before it
    value: int = 0

    def __str__(self) -> str:
        return {"nl": "end of line", "eof": "end of file"}.get(self.kind, f"'{self.text}'")


def parse_int(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    if text[:2] in ("0o", "0O"):
        return int(text[2:], 8)
    if len(text) > 1 and text[0] == "0":
        return int(text, 8)
    return int(text)


def unescape(text: str, pos: Pos) -> str:
    out, i = [], 0
    while i < len(text):
        if text[i] == "\\":
            i += 1
            if text[i] not in ESCAPES:
                raise TableError(pos, f"unknown escape '\\{text[i]}' in a string")
            out.append(ESCAPES[text[i]])
        else:
            out.append(text[i])
        i += 1
    return "".join(out)


def tokenize(text: str, file: str) -> list[Token]:
    tokens: list[Token] = []
    stack: list[tuple[str, Pos]] = []
    line, start, at, glued = 1, 0, 0, False
    while at < len(text):
        pos = Pos(file, line, at - start + 1)
        m = TOKEN.match(text, at)
        if m is None:
            if text[at] == '"':
                raise TableError(pos, "string is not closed on its line")
            if text[at].isdigit():
                raise TableError(pos, "malformed number")
            raise TableError(pos, f"unexpected character {text[at]!r}")
        kind, word = str(m.lastgroup), m.group()
        at = m.end()
        if kind in ("space", "comment"):
            if "\n" in word:
                line, start = line + 1, at
            glued = False
            continue
        if kind == "nl":
            line, start, glued = line + 1, at, False
            open_curly = not stack or stack[-1][0] == "{"
            last = tokens[-1] if tokens else None
            if open_curly and last and last.kind != "nl" and not (last.kind == "op" and last.text in CONTINUES):
                tokens.append(Token("nl", "", pos, False))
            continue
        value = 0
        if kind == "int":
            try:
                value = parse_int(word)
            except ValueError:
                raise TableError(pos, "malformed number") from None
        elif kind == "str":
            word = unescape(word[1:-1], pos)
        elif kind == "hdr":
            word = word[1:-1]
        elif word in ("(", "[", "{"):
            stack.append((word, pos))
        elif word in CLOSERS:
            if not stack:
                raise TableError(pos, f"'{word}' closes nothing")
            opener, where = stack.pop()
            if opener != CLOSERS[word]:
                raise TableError(where, f"'{opener}' is never closed")
        tokens.append(Token(kind, word, pos, glued, value))
        glued = True
    if stack:
        raise TableError(stack[0][1] if stack[0][0] != "{" else stack[-1][1], f"'{stack[-1][0]}' is never closed"
                         if stack[0][0] == "{" else f"'{stack[0][0]}' is never closed")
    end = Pos(file, line, at - start + 1)
    tokens.append(Token("nl", "", end, False))
    tokens.append(Token("eof", "", end, False))
    return tokens
