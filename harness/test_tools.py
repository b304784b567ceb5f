"""The harness's own parts: image writer, manifests, frames, trouble, damage, rooms and set-up."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import cases, damage, frames, machine, trouble
from harness.image import cpio, tree
from harness.machine import ROOT


def members(data: bytes) -> list[tuple[str, int, bytes]]:
    """(name, offset of the data, data) of every member, read without our writer's help."""
    out, at = [], 0
    while True:
        head = data[at : at + 110]
        size, name_size = int(head[54:62], 16), int(head[94:102], 16)
        name = data[at + 110 : at + 110 + name_size].split(b"\0")[0].decode()
        start = (at + 110 + name_size + 3) & ~3
        out.append((name, start, data[start : start + size]))
        if name == "TRAILER!!!":
            return out
        at = (start + size + 3) & ~3


def test_cpio_alignment_and_contents(tmp_path: Path) -> None:
    """Data stands on pages for names and sizes of every kind; cpio reads the archive back."""
    entries = [cpio.Entry(f"/f{n}", 0o100644, bytes([n % 256]) * n) for n in (*range(0, 40), 4095, 4096, 4097, 9000)]
    entries += [cpio.Entry("/" + "n" * k, 0o100600, b"x") for k in (100, 200, 255)]
    entries += [cpio.Entry("/d", 0o040755), cpio.Entry("/d/l", 0o120777, b"../f1"),
                cpio.Entry("/d/a", 0o100755, b"linked", links=("/d/b",))]
    data = cpio.archive(entries)
    assert len(data) % 4096 == 0
    for name, start, content in members(data):
        assert not content or start % 4096 == 0 or name == "d/l", name
    archive = tmp_path / "a.cpio"
    archive.write_bytes(data)
    (tmp_path / "x").mkdir()
    subprocess.run(["cpio", "-id", "--quiet"], stdin=archive.open("rb"), cwd=tmp_path / "x", check=True)
    for entry in entries:
        path = tmp_path / "x" / entry.name[1:]
        if entry.mode & 0o170000 == 0o100000:
            assert path.read_bytes() == entry.data
    assert (tmp_path / "x/d/a").samefile(tmp_path / "x/d/b") and (tmp_path / "x/d/l").readlink() == Path("../f1")


def test_cpio_is_reproducible() -> None:
    """The same entries give the same bytes."""
    entries = tree.from_folder(ROOT / "userland/image")
    assert cpio.archive(entries) == cpio.archive(tree.from_folder(ROOT / "userland/image"))


def test_cpio_every_offset() -> None:
    """Whatever stands before, the next file's data is aligned and its name field is one that readers take."""
    for before in range(0, 4300, 61):
        data = cpio.archive([cpio.Entry("/a", 0o100644, b"y" * max(before, 1)), cpio.Entry("/" + "b" * 250, 0o100644, b"z")])
        for name, start, content in members(data):
            assert not content or start % 4096 == 0, (before, name)


def test_frames_in_any_pieces() -> None:
    """However the stream is cut, the events are the same, and look-alike output is output."""
    stream = (b"boot noise T0 \nT00K begin x\nT0K begin one\nhello T0 T0K\nno mark T0K end one 7\n"
              b"T0K begin two\nT0K end two 0\nT0K log\n<6>[ 0.1] line\nT0K off\n").replace(b"T0K", b"feed")

    def events(size: int) -> list[tuple]:
        parser, out = frames.Frames("feed"), []
        for at in range(0, len(stream), size):
            for event in parser.feed(stream[at : at + size]):
                if out and isinstance(event, frames.Output | frames.Log) and out[-1][0] is type(event):
                    out[-1] = (type(event), out[-1][1] + event.data)
                else:
                    out.append((type(event), *vars(event).values()))
        return out

    whole = events(len(stream))
    assert (frames.End, "one", 7) in whole and (frames.Off,) in whole
    assert all(events(n) == whole for n in range(1, 30))


def test_trouble_is_told_apart() -> None:
    """Words of the console become statuses."""
    banner = b"OpenSBI v1.1\r\n"
    assert trouble.classify(banner + b"[    1.0] panic: no memory\n", False, True) == trouble.PANIC
    assert trouble.classify(banner + b"[    1.0] Kernel panic - not syncing\n", True, False) == trouble.PANIC
    assert trouble.classify(banner + b"text about panic: here\n", True, True) == trouble.HANG
    assert trouble.classify(banner, False, True) == trouble.RESTART
    assert trouble.classify(b"", False, False) == trouble.FIRMWARE
    assert trouble.in_log(b"<3>[    1.0] UBSAN: x.c:1\n<4>[    2.0] a BUG: in words\n<1>[ 3.0] hart 2: no progress for 10 s") == [
        "<3>[    1.0] UBSAN: x.c:1", "<1>[ 3.0] hart 2: no progress for 10 s"]


def test_damage_repeats() -> None:
    """The same seed, the same damage."""
    data = cpio.archive([cpio.Entry("/a", 0o100644, b"x" * 5000)])
    first = [next(v) for v in [damage.cpio_variants(data, 3)] for _ in range(20)]
    second = [next(v) for v in [damage.cpio_variants(data, 3)] for _ in range(20)]
    assert first == second and any(bad != data for _, bad in first)


def test_case_files(tmp_path: Path) -> None:
    """Results survive writing and reading, final newline or not."""
    results = {"f.a": cases.Result(b"no newline", 3), "f.b": cases.Result(b"", 0), "f.c": cases.Result(b"## result: fake\n\n", 255)}
    cases.write_results(tmp_path / "r", results)
    assert list(cases.read_results(tmp_path / "r").values()) == list(results.values())


def test_commands_that_cannot_travel() -> None:
    """What the guest could not receive whole is refused in words."""
    for command in (b"a\0b", b"x" * 200_000):
        with pytest.raises(machine.MachineError):
            machine.control_entries([machine.Job(command)], "t", False)


def test_setup_is_quick_and_silent() -> None:
    """With nothing missing, set-up prints nothing."""
    done = subprocess.run([str(ROOT / "ci/setup")], capture_output=True, check=True, timeout=5)
    assert done.stdout == done.stderr == b""


def lint_tree(tmp_path: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the edge check over a little tree with the project's order of rooms."""
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/rooms.txt").write_bytes((ROOT / "ci/rooms.txt").read_bytes())
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([str(ROOT / "ci/lint_edges.py"), "--root", str(tmp_path)], capture_output=True, text=True, check=False)


BASE = {"kernel/lib/include/lib/a.h": "", "kernel/mem/include/mem/b.h": "#include <lib/a.h>\n", "fs/tmpfs/include/tmpfs/t.h": "",
        "fs/cpiofs/x.c": "", "abi/linux/include/linux/l.h": "", "abi/xv6/x.c": ""}


def test_edges_that_are_right(tmp_path: Path) -> None:
    """Downward includes pass and stand in the table."""
    done = lint_tree(tmp_path, BASE | {"kernel/mem/b.c": '#include <mem/b.h>\n#include "own.h"\n', "kernel/mem/own.h": ""})
    assert done.returncode == 0, done.stderr
    assert "mem" in done.stdout and "lib" in done.stdout


@pytest.mark.parametrize(("name", "text", "message"), [
    ("kernel/lib/a.c", "#include <mem/b.h>\n", "kernel/lib/a.c:1: lib may not include <mem/b.h>"),
    ("kernel/lib/a.c", '\n#include "../mem/include/mem/b.h"\n', "kernel/lib/a.c:2: "),
    ("fs/cpiofs/x.c", "#include <tmpfs/t.h>\n", "fs/cpiofs/x.c:1: fs/cpiofs may not include <tmpfs/t.h>"),
    ("abi/xv6/x.c", "#include <linux/l.h>\n", "abi/xv6/x.c:1: abi/xv6 may not include <linux/l.h>"),
    ("userland/p.c", "#include <lib/a.h>\n", "userland/p.c:1: "),
    ("host-tools/p.c", "#include <mem/b.h>\n", "host-tools/p.c:1: ")])
def test_edges_that_are_wrong(tmp_path: Path, name: str, text: str, message: str) -> None:
    """Upward, sideways, around the corner and from outside: each is named with file and line."""
    done = lint_tree(tmp_path, BASE | {name: text})
    assert done.returncode == 1 and message in done.stderr, done.stdout + done.stderr
