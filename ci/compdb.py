#!/usr/bin/python3
"""Join the compilers' fragments (clang -MJ) of one variant into a compilation database: ci/compdb.py build/release."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """Command line entry."""
    if len(argv) != 1:
        print("usage: compdb.py OUTPUT-FOLDER", file=sys.stderr)
        return 2
    entries = []
    for fragment in sorted(Path(argv[0], "obj").rglob("*.json")):
        if fragment.with_suffix(".o").exists():
            entries += json.loads("[" + fragment.read_text(encoding="utf-8").rstrip().rstrip(",") + "]")
    json.dump(entries, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
