"""Damaged boot images and damaged programs never panic the kernel; whole ones of every kind boot."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import os
import subprocess
from pathlib import Path

import pytest

from harness import damage, frames, guestprog, machine, run, trouble
from harness.image import cpio
from harness.test_limits import boot

pytestmark = pytest.mark.boot
SOAK = bool(os.environ.get("SCARLET_SOAK"))
SEED = int(os.environ.get("SCARLET_SEED", "1"))


def pack(data: bytes, how: str) -> bytes:
    """The image, compressed."""
    if how == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if how.startswith("zstd"):
        return subprocess.run(["zstd", "-q", how.removeprefix("zstd") or "-3", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd", "zstd-19"])
def test_compressed_images(guest: machine.Machine, tmp_path: Path, how: str) -> None:
    """A compressed root boots; the plain archive behind it, with the command, is still found."""
    image = tmp_path / "image"
    data = pack(machine.root_image().read_bytes(), how)
    image.write_bytes(data + bytes(-len(data) % 4096))
    output, status, _ = boot(dataclasses.replace(guest, image=image), "md5sum < /bin/busybox; cat /etc/hostname")
    package = machine.root_image().read_bytes()
    assert status == 0 and output.endswith("scarlet\n") and len(package) > 0
    plain, _, _ = boot(guest, "md5sum < /bin/busybox; cat /etc/hostname")
    assert output == plain


@pytest.mark.qemu
def test_unaligned_image(guest: machine.Machine, tmp_path: Path) -> None:
    """An archive whose file data stands anywhere boots as well: mapped where it can be, copied where not."""
    image = tmp_path / "image"
    subprocess.run([machine.ROOT / "build/host/scarlet-pack", "build", "-q", "--cache", "build", "--align", "4", "-D", "USERLAND=build/userland", "-D", "MACHINE=riscv64", "-o", image,
                    "userland/image/root.manifest"], cwd=machine.ROOT, check=True)
    data = image.read_bytes()
    image.write_bytes(data + bytes(-len(data) % 4096))
    output, status, _ = boot(dataclasses.replace(guest, image=image), "busybox sha256sum /bin/busybox | cut -c1-8; cat /etc/hostname")
    assert status == 0 and output.endswith("scarlet\n")


def test_archives_in_a_row(guest: machine.Machine, tmp_path: Path) -> None:
    """Later archives replace earlier entries; zeros between them do not matter; hard links join."""
    more = cpio.archive([cpio.Entry("/etc/hostname", 0o100600, b"second\n"), cpio.Entry("/new", 0o040711),
                         cpio.Entry("/new/a", 0o100644, b"shared\n", links=("/new/b", "/new/c")), cpio.Entry("/new/fifo", 0o010622),
                         cpio.Entry("/new/empty", 0o100000)])
    image = tmp_path / "image"
    image.write_bytes(machine.root_image().read_bytes() + bytes(8192) + more + bytes(4096))
    output, _, _ = boot(dataclasses.replace(guest, image=image),
                        "cd /new; cat /etc/hostname b; stat -c '%a %h %F' /new a fifo empty; [ a -ef c ] && echo same")
    assert output == "second\nshared\n711 2 directory\n644 3 regular file\n622 1 fifo\n0 1 regular empty file\nsame\n"


@pytest.mark.scarlet
@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_damaged_images(guest: machine.Machine, tmp_path: Path, how: str) -> None:
    """Whatever is wrong with the image, the kernel says so or goes on; it does not panic."""
    root = machine.root_image().read_bytes()
    count = 60 if SOAK else 8
    variants = damage.cpio_variants(root, SEED)
    for number, (what, bad) in enumerate(itertools.islice(variants, count)):
        if how == "plain":
            data = bad
        else:
            data = damage.flips(pack(root, how), damage.random.Random(SEED + number), 1 + number % 5)
        image = tmp_path / "image"
        image.write_bytes(data)
        one = run.Run(dataclasses.replace(guest, image=image), [machine.Job(b"echo up")], machine.new_log("damage"))
        try:
            for event in one.events(8):
                if isinstance(event, frames.End):
                    break
        except run.Failure as failure:
            keep = machine.ROOT / f"build/log/damaged-{how}-{SEED}-{number}.cpio"
            if failure.status in (trouble.PANIC, trouble.FIRMWARE):
                keep.write_bytes(data)
                pytest.fail(f"image {number} (seed {SEED}, {what}, {how}) kept as {keep}: {failure}\n{failure.tail}", pytrace=False)


def test_damaged_programs(guest: machine.Machine, smp: int, tmp_path: Path) -> None:
    """Thousands of damaged ELF files: each is refused or runs or dies; the kernel and its memory stay whole.

    A program that runs leaves the last page of its file in the page cache, so that counts as free. The first few
    hundred fill the allocator's caches of every processor; what is lost after that is lost for good.
    """
    whole = guestprog.build("victim").read_bytes()
    count = 4000 if SOAK else 600 if machine.chosen().sanitizers else 1500
    (tmp_path / "elf").mkdir()
    for number, data in enumerate(damage.elf_variants(whole, SEED + smp, count)):
        file = tmp_path / f"elf/{number:05d}"
        file.write_bytes(data)
        file.chmod(0o755)
    (tmp_path / "whole").write_bytes(whole)
    (tmp_path / "whole").chmod(0o755)
    command = """
        avail() { sync; sleep 3; awk '/^(MemFree|Cached)/ { n += $2 } END { print n }' /proc/meminfo; }
        each() { for f in "$@"; do timeout -s KILL 2 $f > /dev/null 2>&1 < /dev/null; n=$((n + 1)); done; }
        /whole; each /elf/00[0-3]*; a=$(avail); n=0; each /elf/*
        echo $n; /whole; b=$(avail); [ $((a - b)) -le 1024 ] && echo level || echo "lost $((a - b)) kB" """
    output, status, _ = boot(dataclasses.replace(guest, smp=smp, overlay=tmp_path), f"{{ {command}\n}} 2>/dev/null", timeout=400)
    lines = output.splitlines()
    assert status == 0 and lines[:3] == ["victim ran", str(count), "victim ran"], output
    if not guest.linux:
        assert lines[3] == "level", output
