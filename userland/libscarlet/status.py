#!/usr/bin/python3
"""Statuses for programs, from the error table: status.py errors.sct OUTDIR writes scarlet_status.h and status.c."""

import re
import sys
from pathlib import Path

LINE = re.compile(r'^error\s+\S+\s+"([^"]*)".*\bscarlet\s+([A-Z_]+)\s+(\d+)')


def main() -> None:
    """Read the table, keep the first text of each status."""
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    found: dict[int, tuple[str, str]] = {}
    for line in source.read_text(encoding="utf-8").splitlines():
        match = LINE.match(line)
        if match:
            found.setdefault(int(match[3]), (match[2], match[2].lower().replace("_", " ")))
    defines = "".join(f"#define SCARLET_{name} {number}\n" for number, (name, _) in sorted(found.items()))
    (out / "scarlet_status.h").write_text(f"// Generated from {source.name}: statuses.\n#pragma once\n{defines}", encoding="utf-8")
    rows = "".join(f'    [{number}] = {{"{name}", "{text}"}},\n' for number, (name, text) in sorted(found.items()))
    (out / "status.c").write_text(
        f"// Generated from {source.name}: names of statuses.\n#include <scarlet/scarlet.h>\n\n"
        f"static const struct {{\n    const char *name, *text;\n}} table[] = {{\n{rows}}};\n\n"
        "static usize index_of(long s)\n{\n    s = s < 0 ? -s : s;\n"
        "    return (usize)s < ARRAY_LEN(table) && table[s].name ? (usize)s : 0;\n}\n\n"
        "const char *status_name(long s)\n{\n    usize i = index_of(s);\n    return i ? table[i].name : s ? \"UNKNOWN\" : \"OK\";\n}\n\n"
        "const char *status_text(long s)\n{\n    usize i = index_of(s);\n    return i ? table[i].text : s ? \"unknown status\" : \"ok\";\n}\n",
        encoding="utf-8")


main()
