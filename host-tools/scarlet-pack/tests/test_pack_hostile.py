"""Damaged and hostile images: refused with the offset, and nothing leaves the folder."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import newc
import pytest
from conftest import TOOL, Run
from newc import Entry, archive


@pytest.mark.parametrize("name", sorted(newc.DAMAGED))
def test_damaged(pack: Run, tmp_path: Path, name: str) -> None:
    """Every reading command says what is wrong and where, and ends with 3."""
    data, message = newc.DAMAGED[name]
    (tmp_path / "i").write_bytes(data)
    for words in (["list", "i"], ["list", "--headers", "i"], ["verify", "i"], ["extract", "i", "-C", "x"], ["diff", "i", "i"]):
        done = pack(*words, status=3)
        assert message in done.stderr.decode() and "i: offset" in done.stderr.decode(), (words, done.stderr)
    if data:
        assert message in pack("list", "-", stdin=data, status=3).stderr.decode()


def outside(tmp_path: Path) -> Path:
    """A folder beside the target, with a file that must stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "victim").write_text("untouched")
    return folder


def link(name: bytes, target: bytes) -> Entry:
    """A symbolic link."""
    return Entry(name, 0o120777, target)


ESCAPES = {
    "absolute link": lambda out: [link(b"l", out), Entry(b"l/victim", data=b"gone"), Entry(b"l/new", data=b"new")],
    "upward link": lambda out: [link(b"l", b"../outside"), Entry(b"l/victim", data=b"gone"), Entry(b"l/new", data=b"new")],
    "link to a file": lambda out: [link(b"v", out + b"/victim"), Entry(b"v", data=b"gone")],
    "hard link": lambda out: [link(b"l", out), Entry(b"l/victim", ino=9, nlink=2), Entry(b"copy", data=b"gone", ino=9, nlink=2)],
    "hard link over a link": lambda out: [Entry(b"a", ino=9, nlink=2), link(b"a", out + b"/victim"), Entry(b"b", data=b"gone", ino=9, nlink=2)],
    "links in a row": lambda out: [link(b"a", b"b"), link(b"b", b"../../../../../../" + out), Entry(b"a/victim", data=b"gone")],
    "directory over a link": lambda out: [link(b"l", out), Entry(b"l", 0o040777), Entry(b"l/victim", data=b"gone")],
    "absolute name": lambda out: [Entry(out + b"/victim", data=b"gone")],
    "mode of a link's target": lambda out: [link(b"v", out + b"/victim"), Entry(b"v/", 0o040000)],
    "proc": lambda out: [link(b"l", b"/proc/self/cwd/outside"), Entry(b"l/victim", data=b"gone")],
}


@pytest.mark.parametrize("name", sorted(ESCAPES))
def test_extraction_stays_inside(pack: Run, tmp_path: Path, name: str) -> None:
    """Links, hard links and names of every kind write below the target folder or nowhere."""
    folder = outside(tmp_path)
    before = (folder / "victim").stat()
    (tmp_path / "i").write_bytes(archive(*ESCAPES[name](str(folder).encode())))
    subprocess.run([str(TOOL), "extract", "-q", "-k", "i", "-C", "x/y"], cwd=tmp_path, capture_output=True, check=False)
    assert sorted(os.listdir(folder)) == ["victim"] and (folder / "victim").read_text() == "untouched"
    after = (folder / "victim").stat()
    assert (before.st_mode, before.st_nlink, before.st_mtime_ns) == (after.st_mode, after.st_nlink, after.st_mtime_ns)
    assert sorted(os.listdir(tmp_path)) == ["i", "outside", "x"] and os.listdir(tmp_path / "x") == ["y"]


def test_extraction_over_a_prepared_folder(pack: Run, tmp_path: Path) -> None:
    """A link that somebody left in the target folder leads nowhere either."""
    folder = outside(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x/etc").symlink_to(folder)
    (tmp_path / "x/file").symlink_to(folder / "victim")
    (tmp_path / "i").write_bytes(archive(Entry(b"etc/victim", data=b"gone"), Entry(b"file", data=b"mine")))
    subprocess.run([str(TOOL), "extract", "-q", "-k", "i", "-C", "x"], cwd=tmp_path, capture_output=True, check=False)
    assert (folder / "victim").read_text() == "untouched" and os.listdir(folder) == ["victim"]
    assert (tmp_path / "x/file").read_text() == "mine" and not (tmp_path / "x/file").is_symlink()


def test_links_inside_work(pack: Run, tmp_path: Path) -> None:
    """Names through links that stay inside arrive where the links lead, absolute ones from the target folder."""
    (tmp_path / "i").write_bytes(archive(Entry(b"usr/bin", 0o040755), link(b"bin", b"/usr/bin"), Entry(b"bin/sh", 0o100755, b"shell"),
                                         Entry(b"ro", 0o040555), Entry(b"ro/f", data=b"in a read-only folder")))
    pack("extract", "i", "-C", "x")
    assert (tmp_path / "x/usr/bin/sh").read_bytes() == b"shell" and (tmp_path / "x/ro/f").exists()
    assert (tmp_path / "x/ro").stat().st_mode & 0o777 == 0o555


def test_extract_some(pack: Run, tmp_path: Path) -> None:
    """Names and patterns choose; what fits nothing is told."""
    (tmp_path / "i").write_bytes(archive(Entry(b"a", 0o040755), Entry(b"a/one", data=b"1"), Entry(b"b.txt", data=b"2")))
    pack("extract", "i", "-C", "x", "a")
    assert (tmp_path / "x/a/one").exists() and not (tmp_path / "x/b.txt").exists()
    pack("extract", "i", "-C", "x", "*.txt")
    assert (tmp_path / "x/b.txt").exists()
    pack("extract", "i", "-C", "x", "nothing*", status=1)


def test_random_damage(pack: Run, tmp_path: Path) -> None:
    """Bit flips and cuts in an indexed image: an answer every time, never a crash, and never good when content changed."""
    (tmp_path / "m").write_text("".join(f'text /f{n} 0644 "{"content" * n}"\n' for n in range(1, 9)) + "hard /h /f1\nlink /l f2\n")
    pack("build", "m", "-o", "i")
    whole = (tmp_path / "i").read_bytes()
    random.seed(int(os.environ.get("SCARLET_SEED", "1")))
    used = [i for i, b in enumerate(whole) if b]
    for number in range(60):
        bad = bytearray(whole)
        at = random.choice(used)
        if number % 4:
            bad[at] ^= 1 << random.randrange(8)
        else:
            bad = bad[:at]
        (tmp_path / "bad").write_bytes(bad)
        done = subprocess.run([str(TOOL), "verify", "-q", "--werror", "bad"], cwd=tmp_path, capture_output=True, check=False, timeout=60)
        assert done.returncode in (0, 1, 3) and b"Sanitizer" not in done.stderr, (number, at, done.stderr)
        for words in (["list", "bad", "f3"], ["extract", "-O", "bad", "f3"], ["probe", "-q", "bad"]):
            done = subprocess.run([str(TOOL), *words], cwd=tmp_path, capture_output=True, check=False, timeout=60)
            assert done.returncode in (0, 1, 2, 3, 4) and b"Sanitizer" not in done.stderr, (number, words, done.stderr)
    start = whole.index(b"contentcontent")
    bad = bytearray(whole)
    bad[start] ^= 1
    (tmp_path / "bad").write_bytes(bad)
    assert b"is not what the index says" in pack("verify", "bad", status=1).stderr


def test_a_bomb_stays_small_in_memory(pack: Run, tmp_path: Path) -> None:
    """A gigabyte of zeroes in a small file is listed without holding it."""
    make = ("import sys, zlib\nc = zlib.compressobj(9, wbits=31)\nout = sys.stdout.buffer\n"
            "import newc\nhead = newc.archive(newc.Entry(b'big', size=1 << 28), trailer=False)\n"
            "out.write(c.compress(head))\nfor _ in range(256): out.write(c.compress(bytes(1 << 20)))\n"
            "out.write(c.compress(newc.archive()) + c.flush())\n")
    data = subprocess.run(["/usr/bin/python3", "-c", make], cwd=Path(__file__).parent, capture_output=True, check=True).stdout
    (tmp_path / "i").write_bytes(data)
    assert b"/big" in pack("list", "i").stdout
