"""scarlet-pack build: bytes, alignment, links, manifests, checks, packages."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path

import newc
import pytest
from conftest import ROOT, Run

MANIFEST = """# a little of everything
dir / 0711
dir /d 0750 owner=10:20
file /d/prog 0755 prog
text /d/text 0644 "line one\\n\\ttab \\"quoted\\" \\x41\\n"
hard /d/hard /d/text
link /l d/text
char /dev/console 0600 5 1
block /dev/disk 0660 254 0
fifo /p 0622
tree /t folder exclude=*.o exclude=sub/skip
text "/name with blank" 0600 'single $quoted'
text /v 0644 ${WHAT}\\ more
"""


def members(data: bytes) -> list[tuple[str, int, int, int, bytes]]:
    """(name, offset of the header, offset of the data, mode, data) of every member, read without the tool's help."""
    out, at = [], 0
    while True:
        head = data[at : at + 110]
        assert head[:6] == b"070701", at
        mode, size, name_size = int(head[14:22], 16), int(head[54:62], 16), int(head[94:102], 16)
        assert 0 < name_size <= 4096
        name = data[at + 110 : at + 110 + name_size].split(b"\0")[0].decode()
        start = (at + 110 + name_size + 3) & ~3
        out.append((name, at, start, mode, data[start : start + size]))
        if name == "TRAILER!!!":
            return out
        at = (start + size + 3) & ~3


@pytest.fixture()
def sample(tmp_path: Path) -> Path:
    """A manifest that uses every kind of line that needs no network."""
    (tmp_path / "prog").write_bytes(b"#!/d/text\n")
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_bytes(b"a" * 5000)
    os.link(folder / "a", folder / "sub/b")
    (folder / "x.o").write_bytes(b"object")
    (folder / "sub/skip").write_bytes(b"skipped")
    (folder / "sub/link").symlink_to("../a")
    (tmp_path / "m").write_text(MANIFEST)
    return tmp_path / "m"


def build(pack: Run, *words: object, **more: object) -> None:
    """Build with the variable that the sample wants."""
    pack("build", "-D", "WHAT=value", "-q", *words, **more)


def test_same_bytes_and_other_readers(pack: Run, sample: Path, tmp_path: Path) -> None:
    """Two builds are equal; GNU cpio, bsdcpio and the tool itself agree on what is in it; data stand on pages."""
    build(pack, sample, "-o", "one")
    build(pack, sample, "-o", "two")
    data = (tmp_path / "one").read_bytes()
    assert data == (tmp_path / "two").read_bytes()
    assert len(data) % 4096 == 0
    for name, _, start, mode, content in members(data):
        assert not content or start % 4096 == 0 or mode & 0o170000 == 0o120000, name
    ours = sorted(line.decode().lstrip("/") or "." for line in pack("list", "one").stdout.splitlines())
    for reader in (["cpio", "-t", "--quiet"], ["bsdcpio", "-it", "--quiet"]):
        done = subprocess.run(reader, input=data, capture_output=True, check=True)
        theirs = sorted(set(done.stdout.decode().splitlines()) - {".scarlet-index"})
        assert theirs == ours, reader
    for reader in (["cpio", "-id", "--quiet"], ["bsdcpio", "-id", "--quiet"]):
        where = tmp_path / reader[0]
        where.mkdir()
        words = [*reader, "--no-preserve-owner"] if reader[0] == "cpio" else reader
        subprocess.run([*words, "d/*", "t/*", "l"], input=data, cwd=where, capture_output=True, check=True)
        assert (where / "d/text").read_bytes() == b'line one\n\ttab "quoted" A\n'
        assert (where / "d/hard").samefile(where / "d/text")
        assert (where / "t/sub/b").samefile(where / "t/a") and not (where / "t/x.o").exists() and not (where / "t/sub/skip").exists()


def test_content(pack: Run, sample: Path) -> None:
    """Modes, owners, devices and variables arrive."""
    build(pack, sample, "-o", "i")
    rows = {r["name"]: r for r in json.loads(pack("list", "--json", "i").stdout)}
    assert rows["/"]["mode"] == "0711" and rows["/d"]["uid"] == 10 and rows["/d"]["gid"] == 20
    assert (rows["/dev/disk"]["type"], rows["/dev/disk"]["major"]) == ("block", 254)
    assert rows["/d/text"]["links"] == 2 and rows["/p"]["type"] == "fifo" and rows["/t/sub/link"]["target"] == "../a"
    assert pack("extract", "-O", "i", "/v").stdout == b"value more"
    assert pack("extract", "-O", "i", "name with blank").stdout == b"single $quoted"
    for name, row in rows.items():
        one = json.loads(pack("list", "--json", "i", name).stdout)[0] if not set(name) & set("*?[") else row
        assert {k: one[k] for k in ("type", "mode", "uid", "size", "header_offset")} == {
            k: row[k] for k in ("type", "mode", "uid", "size", "header_offset")}, name


def test_times(pack: Run, sample: Path) -> None:
    """Times are fixed; SOURCE_DATE_EPOCH moves them; --keep-times caps them."""
    os.utime(sample.parent / "folder/sub/link", (5, 5), follow_symlinks=False)
    for env, words, want in (({}, [], {0}), ({"SOURCE_DATE_EPOCH": "77"}, [], {77})):
        build(pack, sample, "-o", "i", *words, env=env)
        assert {r["mtime"] for r in json.loads(pack("list", "--json", "i").stdout)} == want
    build(pack, sample, "-o", "i", "--keep-times", env={"SOURCE_DATE_EPOCH": "100"})
    rows = {r["name"]: r["mtime"] for r in json.loads(pack("list", "--json", "i").stdout)}
    assert rows["/t/sub/link"] == 5 and rows["/t/a"] == 100
    pack("build", sample, "-o", "i", env={"SOURCE_DATE_EPOCH": "soon"}, status=2)


@pytest.mark.parametrize("align", [4, 512, 4096])
def test_every_name_length_aligns(pack: Run, tmp_path: Path, align: int) -> None:
    """Whatever the name's length and what stands before, data are aligned and name fields are ones that readers take."""
    folder = tmp_path / "f"
    folder.mkdir(mode=0o700)
    for n in range(1, 250, 7):
        (folder / ("n" * n)).write_bytes(b"x" * (n * 53 % 4200 + 1))
    deep = folder
    for _ in range(8):
        deep = deep / ("d" * 200)
        deep.mkdir(mode=0o711)
        (deep / ("e" * 200)).write_bytes(b"y" * 3900)
    pack("build", folder, "-o", "i", "--align", align)
    data = (tmp_path / "i").read_bytes()
    seen = 0
    for name, _, start, mode, content in members(data):
        if mode & 0o170000 == 0o100000 and content:
            assert start % align == 0, name
            seen += 1
    assert seen == 36 + 8 + 1
    pack("verify", "--werror", "i")
    modes = {r["name"]: r["mode"] for r in json.loads(pack("list", "--json", "i").stdout)}
    assert all(modes["/" + str(p.relative_to(folder))] == f"{p.stat().st_mode & 0o7777:04o}" for p in folder.rglob("*"))


def test_compression(pack: Run, sample: Path, tmp_path: Path) -> None:
    """gzip and zstd: reproducible, readable by the programs of that name, the same content."""
    build(pack, sample, "-o", "plain", "--no-index")
    for how, tool in (("gzip", "gzip"), ("zstd", "zstd"), ("zstd:3", "zstd"), ("gzip:1", "gzip")):
        build(pack, sample, "-o", "c1", "--compress", how, "--no-index")
        build(pack, sample, "-o", "c2", "--compress", how, "--no-index")
        assert (tmp_path / "c1").read_bytes() == (tmp_path / "c2").read_bytes()
        done = subprocess.run([tool, "-dc"], input=(tmp_path / "c1").read_bytes(), capture_output=True, check=True)
        assert done.stdout == (tmp_path / "plain").read_bytes()
        build(pack, sample, "-o", "c3", "--compress", how)
        pack("diff", "c3", "plain")
        pack("verify", "--werror", "c3")
    assert build_pipe(pack, sample) == (tmp_path / "plain").read_bytes()


def build_pipe(pack: Run, sample: Path) -> bytes:
    """The image through standard output."""
    return pack("build", "-q", "-D", "WHAT=value", "--no-index", sample, "-o", "-").stdout


def test_pipe_with_index(pack: Run, sample: Path, tmp_path: Path) -> None:
    """A pipe cannot be mended afterwards, and still gets a whole index."""
    build(pack, sample, "-o", "file")
    assert pack("build", "-q", "-D", "WHAT=value", sample, "-o", "-").stdout == (tmp_path / "file").read_bytes()


def test_share(pack: Run, tmp_path: Path) -> None:
    """Equal files become one; what differs in attributes or a byte does not."""
    (tmp_path / "m").write_text("".join(f'text /f{n} 0644 "same content"\n' for n in range(5))
                                + 'text /g 0600 "same content"\ntext /h 0644 "same-content"\n')
    pack("build", "m", "-o", "i", "--share")
    rows = {r["name"]: r for r in json.loads(pack("list", "--json", "i").stdout)}
    assert rows["/f3"]["links"] == 5 and rows["/g"]["links"] == 1 and rows["/h"]["links"] == 1
    report = json.loads(pack("build", "m", "-o", "j", "--json").stdout)
    assert report["duplicate_bytes"] == 12 * 5 and not report["shared"]
    pack("verify", "--werror", "i")


@pytest.mark.parametrize(("text", "message"), [
    ("dir /x", ":1: this line reads: dir NAME MODE"),
    ("\nfile /x 0644 no/such", ":2: .*no/such: No such file"),
    ("dir /x 9z", ":1: not a mode"),
    ("dir /x 17777", ":1: not a mode"),
    ("applets /b busybox", ":1: /b/busybox: no file"),
    ("frobnicate", ":1: unknown word: frobnicate"),
    ('text /a 0644 "open', ":1: this quotation has no end"),
    ("text /a 0644 ${NO}", r":1: \$\{NO\} is not defined"),
    ("text /a 0644 a\\q", ":1: unknown escape"),
    ("dir /a/../b 0755", ":1: .*must not lead upward"),
    ("text /a 0644 x\ndir /a/b 0755", ":2: /a/b: /a is no directory"),
    ("text / 0644 x", ":1: the root must be a directory"),
    ("hard /a /b", ":1: /b: no file of that name"),
    ("dir /x 0755 owner=root", ":1: an owner is UID:GID"),
    ("text /TRAILER!!! 0644 x", ":1: /TRAILER!!!: the name that ends"),
    ("char /c 0600 5", ":1: this line reads: char"),
    ("dir /" + "x" * 300 + " 0755", ":1: .*too long"),
    ("include m", "include each other"),
    ("generate /x 0644 false", ":1: false: ended with status 1"),
    ("generate /x 0644 no-such-program", ":1: no-such-program: there is no such program"),
    ("deb Bad_Name", ":1: not the name of a package"),
    ("link /a /a\nlink /b a\ntext /a/x 0644 y", "too many links")])
def test_manifest_mistakes(pack: Run, tmp_path: Path, text: str, message: str) -> None:
    """One clear error with file and line, and no output."""
    (tmp_path / "m").write_text(text + "\n")
    done = pack("build", "m", "-o", "i", status=4 if "No such" in message or "program" in message or "status 1" in message else 3)
    assert re.search(message, done.stderr.decode()), done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "i").exists()


def test_names_go_through_links(pack: Run, tmp_path: Path) -> None:
    """What is put below a link stands where the link leads, as package managers do it."""
    (tmp_path / "m").write_text("text /lib/x/lib.so 0644 a\nlink /lib usr/lib\nlink /usr/lib/x /opt\n")
    pack("build", "m", "-o", "i")
    assert [r["name"] for r in json.loads(pack("list", "--json", "i").stdout)] == ["/lib", "/opt", "/opt/lib.so", "/usr", "/usr/lib", "/usr/lib/x"]


def test_changes_and_includes(pack: Run, tmp_path: Path) -> None:
    """mode, owner, remove, include and generate."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/inner").write_text("file /inner 0644 here\ngenerate /made 0644 sh -c 'echo $SOURCE_DATE_EPOCH; pwd'\n")
    (tmp_path / "sub/here").write_text("beside\n")
    (tmp_path / "m").write_text("include sub/inner\ntext /a/1 0644 x\ntext /a/2 0644 x\nmode 0600 /a/*\nowner 7:8 /a/1\nremove /a/2\n")
    pack("build", "m", "-o", "i", "--depfile", "d")
    rows = {r["name"]: r for r in json.loads(pack("list", "--json", "i").stdout)}
    assert rows["/a/1"]["mode"] == "0600" and rows["/a/1"]["uid"] == 7 and "/a/2" not in rows
    assert pack("extract", "-O", "i", "inner").stdout == b"beside\n"
    assert pack("extract", "-O", "i", "made").stdout == f"0\n{tmp_path}/sub\n".encode()
    deps = (tmp_path / "d").read_text()
    assert "sub/inner" in deps and "sub/here" in deps and deps.startswith("i:")
    (tmp_path / "m2").write_text("text /a 0644 x\nremove /b*\n")
    assert b"[no-match]" in pack("build", "m2", "-o", "i2", status=1).stderr
    pack("build", "m2", "-o", "i2", "--ignore", "no-match")


def elf(machine: int = 243, kind: int = 2, interp: bytes = b"", needed: tuple[bytes, ...] = (), osabi: int = 0, cut: int | None = None) -> bytes:
    """A small ELF file that does nothing."""
    strings = b"\0" + b"".join(n + b"\0" for n in needed)
    at, dynamic = 1, b""
    for name in needed:
        dynamic += (1).to_bytes(8, "little") + at.to_bytes(8, "little")
        at += len(name) + 1
    base = 0x10000
    count = 1 + bool(interp) + bool(needed)
    body_at = 64 + 56 * count
    interp_at, strings_at = body_at, body_at + len(interp) + 1
    dynamic_at = (strings_at + len(strings) + 7) & ~7
    dynamic += b"".join(v.to_bytes(8, "little") for v in (5, base + strings_at, 10, len(strings), 0, 0))
    size = dynamic_at + len(dynamic)
    u = lambda v, n: v.to_bytes(n, "little")  # noqa: E731
    head = b"\x7fELF\x02\x01\x01" + bytes([osabi]) + bytes(8) + u(kind, 2) + u(machine, 2) + u(1, 4) + u(base + 64, 8) + u(64, 8) + u(0, 8)
    head += u(0, 4) + u(64, 2) + u(56, 2) + u(count, 2) + u(0, 6)
    ph = u(1, 4) + u(5, 4) + u(0, 8) + u(base, 8) * 2 + u(size, 8) * 2 + u(4096, 8)
    if interp:
        ph += u(3, 4) + u(4, 4) + u(interp_at, 8) + u(base + interp_at, 8) * 2 + u(len(interp) + 1, 8) * 2 + u(1, 8)
    if needed:
        ph += u(2, 4) + u(6, 4) + u(dynamic_at, 8) + u(base + dynamic_at, 8) * 2 + u(len(dynamic), 8) * 2 + u(8, 8)
    data = (head + ph + interp + b"\0" + strings).ljust(dynamic_at, b"\0") + dynamic
    return data[:cut]


@pytest.mark.parametrize(("name", "data", "check"), [
    ("other machine", elf(machine=62), "wrong-machine"),
    ("damaged", elf(cut=100), "damaged-binary"),
    ("no interpreter", elf(interp=b"/lib/ld.so"), "missing-interpreter"),
    ("no library", elf(kind=3, interp=b"/i", needed=(b"libgone.so.1",)), "missing-library"),
    ("unknown", b"\xcaBAD\0\1\2\3" * 20, "unknown-binary"),
    ("script", b"#!/no/such/shell -x\necho\n", "missing-interpreter")])
def test_checks_of_binaries(pack: Run, tmp_path: Path, name: str, data: bytes, check: str) -> None:
    """Each kind of trouble has its class, is a warning or an error as asked, and stops the build if an error."""
    (tmp_path / "f").write_bytes(data)
    (tmp_path / "m").write_text("file /bin/f 0755 f\ntext /i 0755 x\n")
    assert f"[{check}]" in pack("build", "m", "-o", "i").stderr.decode(), name
    (tmp_path / "i").unlink()
    pack("build", "m", "-o", "i", "--error", check, status=1)
    assert not (tmp_path / "i").exists()
    assert pack("build", "m", "-o", "i", "--ignore", "all").stderr == b""
    report = json.loads(pack("probe", "--json", "i").stdout)
    assert check in [f["check"] for f in report["findings"]]


def test_checks_that_pass(pack: Run, tmp_path: Path) -> None:
    """Interpreter and libraries that are there are found, through links, RUNPATH-less folders and ld.so.conf."""
    (tmp_path / "f").write_bytes(elf(kind=3, interp=b"/lib/ld.so", needed=(b"liba.so", b"libb.so")))
    (tmp_path / "so").write_bytes(elf(kind=3))
    (tmp_path / "m").write_text("link /lib usr/lib\nfile /usr/lib/ld.so 0755 so\nfile /usr/lib/liba.so 0644 so\nfile /opt/libb.so 0644 so\n"
                                "text /etc/ld.so.conf.d/x.conf 0644 \"/opt\\n\"\nfile /f 0755 f\nlink /ok f\nlink /later /proc/self\nabi linux /f\n")
    pack("build", "m", "-o", "i", "--werror")
    assert pack("extract", "-O", "i", "etc/scarlet/abi").stdout == b"linux\t/f\n"
    (tmp_path / "m2").write_text("link /l nowhere\ntext /t 0644 x\nabi nosuch /t\n")
    text = pack("build", "m2", "-o", "j", status=1).stderr.decode()
    assert "[dangling-link]" in text and "[abi-mismatch]" in text
    pack("build", "m", "-o", "i", "--error", "nonsense", status=2)


def test_ext2(pack: Run, sample: Path, tmp_path: Path) -> None:
    """A disk image that e2fsck accepts, with owners and devices, twice the same."""
    build(pack, sample, "-o", "a", "--ext2")
    build(pack, sample, "-o", "b", "--ext2")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    subprocess.run(["/usr/sbin/e2fsck", "-fn", tmp_path / "a"], check=True, capture_output=True)
    ask = lambda what: subprocess.run(["/usr/sbin/debugfs", "-R", what, tmp_path / "a"], capture_output=True, check=True).stdout.decode()  # noqa: E731
    assert re.search(r"Type: directory\s+Mode:\s+0750", ask("stat /d")) and re.search(r"User:\s+10\s+Group:\s+20", ask("stat /d"))
    assert "character special" in ask("stat /dev/console") and "Links: 2" in ask("stat /d/text")
    assert ask("cat /t/a") == "a" * 5000 and "FIFO" in ask("stat /p")


def test_packages_from_the_cache(pack: Run, tmp_path: Path) -> None:
    """Packages unpack with owners and links, only= and exclude= choose, the lock listing is followed without any apt."""
    deb, cache = tmp_path / "deb", tmp_path / "cache"
    (deb / "DEBIAN").mkdir(parents=True)
    (deb / "DEBIAN/control").write_text("Package: thing\nVersion: 1:2.0-1\nArchitecture: riscv64\nMaintainer: N <n@example.org>\nDescription: x\n")
    (deb / "usr/bin").mkdir(parents=True)
    (deb / ("usr/share/doc/" + "long" * 30)).mkdir(parents=True)
    (deb / "usr/bin/thing").write_text("#!/bin/sh\n")
    (deb / ("usr/share/doc/" + "long" * 30 + "/readme")).write_text("text")
    os.link(deb / "usr/bin/thing", deb / "usr/bin/other")
    (deb / "usr/bin/l").symlink_to("thing")
    (cache / "cache/debs").mkdir(parents=True)
    file = cache / "cache/debs/thing_1%3a2.0-1_riscv64.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", deb, file], check=True, capture_output=True)
    (cache / "cache/debs/thing").symlink_to(file.name)
    (tmp_path / "m").write_text("deb thing depends=no\npackage /alone 0700 thing /usr/bin/thing\n")
    words = ["--cache", cache, "--offline", "--lock", "lock", "--ignore", "all"]
    pack("build", "m", "-o", "i", *words)
    rows = {r["name"]: r for r in json.loads(pack("list", "--json", "i").stdout)}
    assert rows["/usr/bin/thing"]["links"] == 2 and rows["/usr/bin/thing"]["uid"] == 0 and rows["/alone"]["mode"] == "0700"
    assert "/usr/share/doc/" + "long" * 30 + "/readme" in rows
    lock = (tmp_path / "lock").read_text()
    assert "package thing 1:2.0-1 riscv64 " in lock
    report = json.loads(pack("build", "m", "-o", "i2", "--json", "--locked", *words).stdout)
    assert any(o["package"] and o["name"] == "thing 1:2.0-1" and o["files"] >= 3 for o in report["from"])
    assert (tmp_path / "i").read_bytes() == (tmp_path / "i2").read_bytes()
    (tmp_path / "m").write_text("deb thing depends=no recommends=yes exclude=/usr/share/*\n")
    pack("build", "m", "-o", "i3", "--locked", *words, status=1)
    assert not (tmp_path / "i3").exists()
    (tmp_path / "m").write_text("deb thing depends=no exclude=/usr/share/*\npackage /alone 0700 thing /usr/bin/nothing\n")
    assert b"has no file /usr/bin/nothing" in pack("build", "m", "-o", "i3", *words, status=3).stderr
    (tmp_path / "m").write_text("deb absent depends=no\n")
    pack("build", "m", "-o", "i3", *words, status=4)
    file.write_bytes(file.read_bytes() + b"!")
    (tmp_path / "m").write_text("deb thing depends=no\n")
    assert b"not the package that the lock listing means" in pack("build", "m", "-o", "i3", *words, status=3).stderr


def test_add_and_merge(pack: Run, sample: Path, tmp_path: Path) -> None:
    """Appended images replace names; the index still finds the last word; --merge leaves no trace."""
    build(pack, sample, "-o", "i")
    (tmp_path / "more").write_text("text /d/text 0600 new\ntext /added 0644 here\n")
    pack("add", "i", "more", "-o", "j")
    assert pack("extract", "-O", "j", "d/text").stdout == b"new" and pack("extract", "-O", "j", "added").stdout == b"here"
    assert pack("extract", "-O", "j", "d/hard").stdout.startswith(b"line one")
    pack("verify", "j")
    pack("add", "--merge", "i", "more", "-o", "k")
    assert (tmp_path / "k").stat().st_size <= (tmp_path / "j").stat().st_size
    assert {r["name"] for r in json.loads(pack("list", "--json", "k").stdout)} == {r["name"] for r in json.loads(pack("list", "--json", "j").stdout)}
    pack("add", "i", "more")
    assert (tmp_path / "i").read_bytes() == (tmp_path / "j").read_bytes()
    (tmp_path / "z").write_bytes(gzip.compress((tmp_path / "k").read_bytes()))
    pack("add", "z", "more", "-o", "zz")
    assert pack("extract", "-O", "zz", "added").stdout == b"here"
    pack("add", "more", "i", status=3)


def test_diff(pack: Run, sample: Path, tmp_path: Path) -> None:
    """Every kind of difference is told; equal images give 0."""
    build(pack, sample, "-o", "i")
    pack("diff", "i", "i")
    (tmp_path / "o").write_text("dir /d 0755\ntext /d/text 0644 \"line two\"\nlink /l elsewhere\nchar /dev/console 0600 5 2\ntext /new 0644 x\n")
    pack("build", "o", "-o", "j", "--ignore", "all")
    changes = {c["name"]: c for c in json.loads(pack("diff", "--json", "i", "j", status=1).stdout)}
    assert changes["/new"]["change"] == "added" and changes["/p"]["change"] == "removed"
    assert "mode 0750 -> 0755" in changes["/d"]["what"] and "target" in changes["/l"]["what"] and "device" in changes["/dev/console"]["what"]
    assert pack("diff", "-q", "i", "j", status=1).stdout == b""


def test_usage(pack: Run) -> None:
    """Help, version and wrong words."""
    assert b"build" in pack("--help").stdout and pack("--version").stdout.startswith(b"scarlet-pack ")
    for command in ("build", "list", "extract", "verify", "diff", "add", "probe"):
        assert b"usage: scarlet-pack " + command.encode() in pack(command, "--help").stdout
        pack(command, "--no-such-option", status=2)
        pack(command, status=2)
    pack(status=2)
    pack("nonsense", status=2)
    pack("list", "/no/such/image", status=4)


def test_memory_does_not_grow(tmp_path: Path) -> None:
    """A 300 MiB tree needs no more memory than a small one."""
    tool = ROOT / "build/host/scarlet-pack"
    folder = tmp_path / "big"
    folder.mkdir()
    for n in range(3):
        with (folder / f"f{n}").open("wb") as file:
            file.truncate(100 << 20)
            file.write(bytes([n]))
    done = subprocess.run(["/usr/bin/python3", "-c",
                           "import resource, subprocess, sys\n"
                           "subprocess.run(sys.argv[1:], check=True)\nprint(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                           str(tool), "build", "-q", str(folder), "-o", str(tmp_path / "i")], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 40_000


def test_our_own_image(pack: Run, tmp_path: Path) -> None:
    """The project's image, if it is built: sound, aligned, listed by other readers, and the same when built again."""
    image = ROOT / "build/image/root.cpio"
    if not image.is_file():
        pytest.skip("build/image/root.cpio is not built")
    pack("verify", "--aligned", "--werror", image)
    subprocess.run(["bsdcpio", "-it"], stdin=image.open("rb"), check=True, capture_output=True)
    pack("build", "-q", "--cache", ROOT / "build", "--offline", "-D", "USERLAND=build/userland", "-D", "MACHINE=riscv64", ROOT / "userland/image/root.manifest", "-o", tmp_path / "again", "--werror")
    assert image.read_bytes() == (tmp_path / "again").read_bytes()


def test_corpus_of_old_formats(pack: Run, tmp_path: Path) -> None:
    """Archives of GNU cpio and bsdcpio, checksummed ones too, are read."""
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_bytes(b"content" * 1000)
    os.link(folder / "a", folder / "b")
    (folder / "l").symlink_to("a")
    for number, reader in enumerate((["cpio", "-o", "-H", "newc", "--quiet"], ["cpio", "-o", "-H", "crc", "--quiet"],
                                     ["bsdcpio", "-o", "-H", "newc", "--quiet"])):
        done = subprocess.run(reader, input=b".\na\nb\nl\n", cwd=folder, capture_output=True, check=True)
        (tmp_path / f"i{number}").write_bytes(done.stdout)
        pack("verify", f"i{number}")
        pack("extract", "-q", f"i{number}", "-C", f"x{number}")
        assert (tmp_path / f"x{number}/b").read_bytes() == b"content" * 1000
        assert (tmp_path / f"x{number}/a").samefile(tmp_path / f"x{number}/b")
    bad = bytearray((tmp_path / "i1").read_bytes())
    bad[bad.index(b"contentcontent")] ^= 1
    (tmp_path / "bad").write_bytes(bad)
    assert b"checksum" in pack("verify", "bad", status=1).stderr


def test_hard_links_of_links(pack: Run, tmp_path: Path) -> None:
    """A second name of a symbolic link is a link of its own: readers of this format do not join them."""
    (tmp_path / "m").write_text("text /a 0644 x\nlink /l1 a\nhard /l2 /l1\n")
    pack("build", "m", "-o", "i")
    pack("verify", "--werror", "i")
    pack("extract", "i", "-C", "x")
    assert (tmp_path / "x/l1").readlink() == (tmp_path / "x/l2").readlink() == Path("a")
    done = subprocess.run(["cpio", "-id", "--quiet"], stdin=(tmp_path / "i").open("rb"), cwd=tmp_path / "x", capture_output=True, check=False)
    assert done.returncode == 0 or b"newer" in done.stderr


def test_newc_helper() -> None:
    """The hand-made archives are what GNU cpio takes."""
    done = subprocess.run(["cpio", "-t", "--quiet"], input=newc.archive(newc.Entry(b"a", data=b"x"), newc.Entry(b"b")), capture_output=True, check=True)
    assert done.stdout == b"a\nb\n"
