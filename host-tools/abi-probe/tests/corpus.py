#!/usr/bin/python3
"""Seeds for the fuzzer: corpus.py DIR. The first byte of a seed says which reader gets the rest (fuzz.c)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from samples import SAMPLES, TRACE, nasty  # noqa: E402


def main() -> int:
    """Command line entry."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, (data, *_rest) in SAMPLES.items():
        (out / name).write_bytes(b"\0" + data)
    for name, data in nasty().items():
        (out / name).write_bytes(b"\0" + data)
    (out / "trace").write_bytes(b"\1" + TRACE)
    for number, line in enumerate(TRACE.split(b"\n")):
        (out / f"trace{number}").write_bytes(b"\1" + line)
    (out / "json").write_bytes(b'\2{"a": [1, -2, "x\\u00e9\\n", null, true], "b": {}}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
