"""Images on the two kernels: both boot them, and Scarlet runs programs where they lie in the image."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Run

BOOT = ROOT / "harness/boot"
ROOT_IMAGE = ROOT / "build/image/root.cpio"
KERNEL = ROOT / "build" / os.environ.get("SCARLET_VARIANT", "release") / "scarlet"
LINUX = ROOT / "build/linux/Image"
FLAGS = ["--target=riscv64-linux-gnu", "-march=rv64gc", "-mabi=lp64d", "-std=c23", "-O2", "-ffreestanding", "-fno-pic", "-fno-stack-protector",
         "-nostdlib", "-static", "-fuse-ld=lld-19", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096", "-mno-relax"]


def boot(image: Path, command: str, *words: str) -> str:
    """The output of one command."""
    done = subprocess.run([str(BOOT), "--timeout", "120", "--initrd", str(image), *words, "--", command], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.decode()


needs_kernel = pytest.mark.skipif(not (KERNEL.is_file() and ROOT_IMAGE.is_file()), reason="no kernel or image is built")


@pytest.mark.parametrize("compress", ["none", "gzip", "zstd:3"])
@pytest.mark.parametrize("kernel", ["scarlet", pytest.param("linux", marks=pytest.mark.skipif(not LINUX.is_file(), reason="make linux-kernel"))])
@needs_kernel
def test_kernels_take_it(pack: Run, tmp_path: Path, kernel: str, compress: str) -> None:
    """Links, hard links, modes and devices of an image made here arrive in both kernels, compressed or not."""
    (tmp_path / "m").write_text('text /x/a 0640 "hello\\n" owner=3:4\nhard /x/b /x/a\nlink /x/l a\nchar /x/null 0666 1 3\nfifo /x/p 0600\n')
    (tmp_path / "root").write_bytes(ROOT_IMAGE.read_bytes())
    pack("add", "--merge", "root", "m", "-o", "i", "--compress", compress)
    data = (tmp_path / "i").read_bytes()
    (tmp_path / "i").write_bytes(data + bytes(-len(data) % 4096))  # the harness puts its own archive behind
    out = boot(tmp_path / "i", "cd /x; cat a b l; stat -c '%n %a %u %g %h %F' *; echo gone >null; cat null", *(["--linux"] if kernel == "linux" else []))
    assert out == ("hello\n" * 3 + "a 640 3 4 2 regular file\nb 640 3 4 2 regular file\nl 777 0 0 1 symbolic link\n"
                   "null 666 0 0 1 character special file\np 600 0 0 1 fifo\n")


@needs_kernel
def test_text_stays_in_the_image(pack: Run, tmp_path: Path) -> None:
    """A program that executes 20 MiB of its text adds no page cache and takes no memory for it."""
    source = Path(__file__).with_name("big.c")
    subprocess.run(["clang-19", *FLAGS, "-o", tmp_path / "big", source], check=True)
    assert (tmp_path / "big").stat().st_size > 20 << 20
    (tmp_path / "m").write_text("file /big 0755 big\n")
    pack("add", ROOT_IMAGE, "m", "-o", "i")
    out = boot(tmp_path / "i", "cat /proc/meminfo; echo ====; /big")
    before, during = ({k: int(v) for k, v in re.findall(r"^(\S+): +(\d+) kB", half, re.M)} for half in out.split("====\n"))
    assert during["Cached"] - before["Cached"] < 64, (before, during)
    assert before["MemFree"] - during["MemFree"] < 1024, (before, during)


@needs_kernel
def test_assigned_files_run_under_their_abi(pack: Run, tmp_path: Path) -> None:
    """The assignments of all parts of an image reach the kernel: the same program is xv6's, and Linux's where it was assigned."""
    program = ROOT / "build/userland/xv6/echo"
    (tmp_path / "m").write_text(f"file /a/one 0755 {program}\nfile /a/two 0755 {program}\nabi linux /a/two\n")
    (tmp_path / "n").write_text(f"file /b/three 0755 {program} abi=scarlet\n")
    pack("add", ROOT_IMAGE, "m", "-o", "i")
    pack("add", "i", "n", "-o", "i")
    out = boot(tmp_path / "i", "cat /etc/scarlet/abi; /a/one hi; /a/two hi >/dev/null 2>&1 || echo failed; /b/three hi >/dev/null 2>&1 || echo refused\n"
               "cd /a; /system/scarlet/bin/abi probe -t one two | grep chosen")
    assert out.splitlines()[:5] == ["linux\t/a/two", "scarlet\t/b/three", "hi", "failed", "refused"]
    assert [line.split("\t")[:2] for line in out.splitlines()[5:]] == [["one", "xv6-riscv64"], ["two", "linux-riscv64"]]
