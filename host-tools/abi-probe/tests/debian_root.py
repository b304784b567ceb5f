#!/usr/bin/python3
"""A Debian riscv64 root under build/: packages with what they depend on, unpacked, never run on this machine.

    debian_root.py DIR PACKAGE...       make DIR hold these packages (nothing to do if it does already)

Packages come through ci/debian/apt, with its cache; apt-get resolves dependencies with the same private settings.
"""

from __future__ import annotations

import getpass
import re
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
APT = TREE / "ci/debian/apt"
STATE = TREE / "build/apt"


def resolve(packages: list[str]) -> list[str]:
    """Names of the packages and of everything they depend on."""
    subprocess.run([APT, "get", packages[0]], check=True, stdout=subprocess.DEVNULL)  # the lists exist afterwards
    nothing = STATE / "nothing"
    (nothing / "partial").mkdir(parents=True, exist_ok=True)
    if not (STATE / "sources.list").is_file():
        raise SystemExit(f"debian_root: {STATE}/sources.list: no package lists; remove build/cache/debs/{packages[0]} and try again")
    options = {"Dir::Etc::sourcelist": STATE / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
               "Dir::Etc::preferencesparts": "/dev/null", "Dir::State::Lists": STATE / "lists",
               "Dir::State::status": "/dev/null", "Dir::Cache": STATE / "cache", "Dir::Cache::archives": nothing,
               "APT::Architecture": "riscv64", "APT::Architectures": "riscv64",
               "APT::Sandbox::User": getpass.getuser(), "Acquire::Languages": "none", "Debug::NoLocking": "1"}
    words = ["apt-get", *(f"-o{key}={value}" for key, value in options.items())]
    words += ["-qq", "-y", "--no-install-recommends", "--print-uris", "install", *packages]
    out = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted(set(re.findall(r"^'[^']*' ([^_ ]+)_", out, re.M)))


def make(root: Path, packages: list[str]) -> None:
    """Unpack the packages below root."""
    mark = root.with_name(root.name + ".packages")
    wanted = " ".join(sorted(packages))
    if mark.is_file() and mark.read_text().split("\n", 1)[0] == wanted:
        return
    names = resolve(packages)
    lines = subprocess.run([APT, "get", *names], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
    for folder in ("bin", "sbin", "lib"):
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        if not (root / folder).is_symlink():
            (root / folder).symlink_to(f"usr/{folder}")
    for line in filter(None, lines):
        deb = line.split(" ", 1)[1]
        tar = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-C", root, "-xf", "-", "--keep-directory-symlink", "--no-same-owner"], stdin=tar.stdout,
                       check=True)
        if tar.wait():
            raise SystemExit(f"debian_root: {deb}: cannot be unpacked")
    mark.write_text(wanted + "\n" + "\n".join(filter(None, lines)) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    make(Path(sys.argv[1]), sys.argv[2:])
