#!/usr/bin/python3
"""Make the fuzzer's first inputs: corpus.py SCARLET-PACK FOLDER."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import newc  # noqa: E402

MANIFEST = """dir /d 0755
text /d/a 0644 "hello\\n"
hard /d/b /d/a
link /l d/a
char /c 0600 5 1
fifo /p 0622
abi linux /d/*
mode 0600 /d/a
owner 1:2 /d/*
remove /p
"""


def main() -> int:
    """Command line entry."""
    tool, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (data, _) in newc.DAMAGED.items():
        (folder / f"damaged-{name.replace(' ', '-')}").write_bytes(data)
    (folder / "manifest").write_text("M" + MANIFEST)
    sound = newc.archive(newc.Entry(b"d", 0o040755), newc.Entry(b"d/f", data=b"x" * 50), newc.Entry(b"l", 0o120777, b"d/f"))
    (folder / "plain").write_bytes(sound)
    (folder / "gzip").write_bytes(gzip.compress(sound, mtime=0))
    with tempfile.TemporaryDirectory() as temporary:
        manifest = Path(temporary) / "m"
        manifest.write_text(MANIFEST)
        for how, align in (("none", 4), ("none", 64), ("zstd", 4), ("gzip", 4)):
            subprocess.run([tool, "build", "-q", manifest, "--compress", how, "--align", str(align), "--ignore", "all",
                            "-o", folder / f"built-{how}-{align}"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
