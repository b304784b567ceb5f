"""Trees to put into boot images: from a manifest, or from a folder of the host."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tarfile
import io
from pathlib import Path

from harness.image.cpio import Entry

ROOT = Path(__file__).resolve().parents[2]


class ManifestError(Exception):
    """A mistake in a manifest, with file and line."""


def sort_key(name: str) -> tuple[str, ...]:
    """Parents before children, otherwise by name."""
    return tuple(name.strip("/").split("/"))


def from_folder(folder: Path) -> list[Entry]:
    """Everything below a host folder; hard links stay links, owners become root."""
    if not folder.is_dir():
        raise ManifestError(f"{folder}: not a folder")
    entries: list[Entry] = []
    linked: dict[tuple[int, int], list[str]] = {}
    for path in sorted(folder.rglob("*"), key=lambda p: sort_key(str(p.relative_to(folder)))):
        name = "/" + str(path.relative_to(folder))
        info = path.lstat()
        if stat.S_ISLNK(info.st_mode):
            entries.append(Entry(name, info.st_mode, os.readlink(path).encode()))
        elif stat.S_ISREG(info.st_mode):
            key = (info.st_dev, info.st_ino)
            if info.st_nlink > 1 and key in linked:
                linked[key].append(name)
                continue
            linked[key] = []
            entries.append(Entry(name, info.st_mode, path.read_bytes()))
        elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
            device = (os.major(info.st_rdev), os.minor(info.st_rdev))
            entries.append(Entry(name, info.st_mode, device=device))
        elif stat.S_ISDIR(info.st_mode) or stat.S_ISFIFO(info.st_mode):
            entries.append(Entry(name, info.st_mode))
    extra = {e.name: tuple(n for names in linked.values() for n in names if _same(folder, e.name, n))
             for e in entries if stat.S_ISREG(e.mode)}
    return [Entry(e.name, e.mode, e.data, e.device, extra.get(e.name, ())) for e in entries]


def _same(folder: Path, a: str, b: str) -> bool:
    return a != b and os.path.samefile(folder / a[1:], folder / b[1:])


def package_file(package: str, member: str) -> bytes:
    """One file out of a Debian package, fetched through ci/debian/apt."""
    done = subprocess.run([str(ROOT / "ci/debian/apt"), "get", package], check=True,
                          stdout=subprocess.PIPE, text=True)
    deb = done.stdout.split()[1]
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=io.BytesIO(tar.stdout)) as files:
        for candidate in (f".{member}", member.lstrip("/")):
            try:
                data = files.extractfile(candidate)
            except KeyError:
                continue
            if data is not None:
                return data.read()
    raise ManifestError(f"package {package} has no file {member}")


def applets(busybox: bytes) -> list[str]:
    """The applet names that stand in a busybox binary: a sorted table of NUL-ended strings."""
    start = busybox.find(b"[\0[[\0a")
    if start < 0:
        raise ManifestError("this busybox has no table of applet names")
    names: list[str] = []
    for word in busybox[start : start + 16384].split(b"\0"):
        if not re.fullmatch(rb"[\[a-z0-9_.+-]+", word) or (names and word.decode() <= names[-1]):
            break
        names.append(word.decode())
    if len(names) < 50 or "sh" not in names:
        raise ManifestError(f"the table of applet names looks wrong: {len(names)} names")
    return names


def from_manifest(path: Path) -> list[Entry]:
    """The entries that a manifest names; userland/image/README.md has its words."""
    entries: dict[str, Entry] = {}

    def put(entry: Entry) -> None:
        entries[entry.name] = entry

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        try:
            match words:
                case ["dir", name, mode]:
                    put(Entry(name, stat.S_IFDIR | int(mode, 8)))
                case ["file", name, mode, source]:
                    put(Entry(name, stat.S_IFREG | int(mode, 8), (ROOT / source).read_bytes()))
                case ["package", name, mode, package, member]:
                    put(Entry(name, stat.S_IFREG | int(mode, 8), package_file(package, member)))
                case ["link", name, target]:
                    put(Entry(name, stat.S_IFLNK | 0o777, target.encode()))
                case ["char", name, mode, major, minor]:
                    put(Entry(name, stat.S_IFCHR | int(mode, 8), device=(int(major), int(minor))))
                case ["applets", folder, target]:
                    own = target.rsplit("/", 1)[-1]
                    for applet in applets(entries[f"{folder}/{own}"].data):
                        if f"{folder}/{applet}" not in entries:
                            put(Entry(f"{folder}/{applet}", stat.S_IFLNK | 0o777, target.encode()))
                case _:
                    raise ManifestError(f"not an entry: {' '.join(words)}")
        except (ManifestError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            raise ManifestError(f"{path}:{number}: {error}") from error
    return sorted(entries.values(), key=lambda e: sort_key(e.name))
