#!/usr/bin/env python3
"""The manual page of libscarlet from its header: manual.py HEADER > PAGE. Every section of the header is one of the page; a comment belongs to
the declarations below it, or to the one that it stands behind."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def sections(text: str) -> list[tuple[str, list[str]]]:
    """Titles and lines of the header's parts ("// --- name.c ---"); what comes before the first is called "General"."""
    parts: list[tuple[str, list[str]]] = [("General", [])]
    for line in text.splitlines():
        found = re.fullmatch(r"// --- (\S+)(?:\.c|\.S)? ---", line)
        if found:
            parts.append((found[1].removesuffix(".c").capitalize(), []))
        elif not line.startswith(("#pragma", "#include")):
            parts[-1][1].append(line)
    return parts


def page(lines: list[str]) -> list[str]:
    """Comments as paragraphs, declarations as code."""
    out: list[str] = []
    code: list[str] = []
    words: list[str] = []
    depth = 0

    def end_code() -> None:
        if code:
            out.extend(["```c", *code, "```", ""])
            code.clear()

    def end_words() -> None:
        if words:
            out.extend([" ".join(words), ""])
            words.clear()

    for line in lines:
        if line.startswith("// ") and depth == 0:
            end_code()
            words.append(line[3:])
            continue
        end_words()
        if line.strip():
            code.append(line)
        elif depth == 0:
            end_code()
        depth += line.count("{") - line.count("}")
    end_words()
    end_code()
    return out


def main() -> int:
    """The page of the header named on the command line."""
    if len(sys.argv) != 2:
        print("usage: manual.py HEADER", file=sys.stderr)
        return 2
    header = Path(sys.argv[1])
    try:
        text = header.read_text(encoding="utf-8")
    except OSError as problem:
        print(f"manual.py: {header}: {problem.strerror}", file=sys.stderr)
        return 1
    print(f"# libscarlet\n\nMade from `{header.name}`. Calls are in `scarlet_calls.md`: each is `scarlet_call_NAME` here.\n")
    for title, lines in sections(text):
        body = page(lines)
        if body:
            print(f"## {title}\n")
            print("\n".join(body))
    return 0


if __name__ == "__main__":
    sys.exit(main())
