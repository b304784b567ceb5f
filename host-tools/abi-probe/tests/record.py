#!/usr/bin/python3
"""Record programs.txt under strace on the reference machine: one boot of Debian's kernel, logs into a folder.

    record.py DIR [ROOT]        ROOT: a tree made by debian_root.py (default build/probe/root)
"""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[2]
SKIP = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/lib/file", "usr/libexec/gcc/riscv64-linux-gnu/14/cc1plus",
        "usr/libexec/gcc/riscv64-linux-gnu/14/lto1", "usr/bin/riscv64-linux-gnu-lto-dump-14", "usr/share/i18n", "usr/share/zoneinfo")


def subset(root: Path, to: Path) -> None:
    """What the programs need, as hard links: no documentation, no static libraries."""
    shutil.rmtree(to, ignore_errors=True)
    for folder, names, files in os.walk(root):
        rel = os.path.relpath(folder, root)
        names[:] = [n for n in names if os.path.normpath(f"{rel}/{n}") not in SKIP]
        (to / rel).mkdir(parents=True, exist_ok=True)
        for name in files + [n for n in names if os.path.islink(f"{folder}/{n}")]:
            path = os.path.normpath(f"{rel}/{name}")
            if path in SKIP or (name.endswith(".a") and name not in ("libgcc.a", "libc_nonshared.a")):
                continue
            if rel == "dev":
                continue
            if os.path.islink(f"{folder}/{name}"):
                os.symlink(os.readlink(f"{folder}/{name}"), to / path)
            else:
                os.link(f"{folder}/{name}", to / path)


def main() -> int:
    """Command line entry."""
    out = Path(sys.argv[1])
    root = Path(sys.argv[2]) if len(sys.argv) > 2 else TREE / "build/probe/root"
    guest = root.with_name("record-root")
    subset(root, guest)
    (guest / "rec").mkdir()
    for name in ("programs.txt", "record.sh"):
        shutil.copy(HERE / name, guest / "rec" / name)
    done = subprocess.run([TREE / "harness/boot", "--linux", "--mem", "3G", "--timeout", "1500", "--overlay", guest, "--",
                           "sh /rec/record.sh"], stdout=subprocess.PIPE, check=False)
    text = done.stdout.decode("ascii", "replace")
    shutil.rmtree(guest)
    if "RECORDS\n" not in text or "\nEND" not in text:
        sys.stderr.write(text[-2000:])
        print(f"record: no records came back (status {done.returncode})", file=sys.stderr)
        return 1
    data = base64.b64decode(text.split("RECORDS\n", 1)[1].split("\nEND", 1)[0])
    out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as files:
        for member in files:
            data = files.extractfile(member) if member.isfile() else None
            if data:
                (out / Path(member.name).name).write_bytes(data.read())
    print(f"{len(list(out.glob('*.strace')))} records in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
