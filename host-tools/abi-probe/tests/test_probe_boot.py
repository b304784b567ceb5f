"""The kernel's verdicts against abi-probe's: the same files, on a running kernel and on the host, byte for byte."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from samples import EXIT, SAMPLES, elf, elf_of, li, nasty, riscv, ECALL  # noqa: E402

TREE = Path(__file__).resolve().parents[3]
PROBE = TREE / "build/host/abi-probe"
KERNEL = TREE / "build" / os.environ.get("SCARLET_VARIANT", "release") / "scarlet"
ROOT_IMAGE = TREE / "build/image/root.cpio"
SEED = int(os.environ.get("SCARLET_SEED", "1"))


def made() -> dict[str, bytes]:
    """What tells the ABIs apart: marks, addresses, notes, calls near and far, each in several forms."""
    far = bytes(9000)  # the calls lie behind the first page
    out: dict[str, bytes] = {}
    for base in (0, 0x1000, 0x10000, 1 << 46, 1 << 47):
        for kind in (0, 1, 2, 3, 4, 77):
            for osabi in (0, 3, 83, 9):
                out[f"elf-{base:x}-{kind}-{osabi}"] = elf(kind=kind, base=base, osabi=osabi, code=EXIT)
    for number in (-1, 0, 1, 2, 21, 22, 31, 64, 2047):
        for compressed in (False, True):
            if compressed and not -32 <= number < 32:
                continue
            load = struct.pack("<H", 0x4881 | (number & 31) << 2 | (0x1000 if number < 0 else 0)) if compressed else riscv(li(17, number))
            for pad in (b"", far):
                out[f"call{number}-{compressed:d}-{len(pad)}"] = elf(base=0, code=pad + load + riscv(ECALL))
    for where in (4090, 4092, 4094, 4096, 250, 252, 254, 256, 258):  # across the pieces that are looked at
        out[f"across{where}"] = elf(base=0, code=bytes(where - 120) + riscv(li(17, 5), ECALL, li(17, 99), ECALL))
    for kind, flags in ((1, 4), (1, 6), (1, 1), (2, 4), (3, 4), (4, 4), (7, 4), (0x6474E551, 6), (0x70000003, 4), (0, 0)):
        out[f"segment{kind:x}-{flags}"] = elf_of([(1, 5, 0, 0, None, None), (kind, flags, 0x1000, 0x1000, 32, 64)], riscv(li(17, 2), ECALL) + bytes(5000))
    for n in (2, 40, 71, 72, 73, 200, 1170, 1171):  # more program headers than the first page holds
        out[f"headers{n}"] = elf_of([(1, 5, 0, 0, None, None)] + [(0, 0, 0, 0, 0, 0)] * (n - 1), EXIT)
    return out


def damage(random_: random.Random, good: bytes) -> bytes:
    """A few bytes of the headers changed, or the end cut off."""
    bad = bytearray(good)
    for _ in range(random_.randint(1, 4)):
        bad[random_.randrange(4, min(len(bad), 200))] = random_.choice([0, 1, 2, 3, 127, 128, 255, random_.randrange(256)])
    return bytes(bad[: random_.randrange(1, len(bad))] if random_.random() < 0.15 else bad)


def corpus() -> dict[str, bytes]:
    """Name -> content, some hundreds: every format, what is near a border, damaged files."""
    out = {name: sample[0] for name, sample in SAMPLES.items()} | nasty() | made()
    random_ = random.Random(SEED)
    whole = [out[n] for n in ("riscv64", "riscv64-gnu", "riscv64-dynamic", "elf-0-2-0", "elf-0-3-83", "call2-1-0", "segment7-4")]
    for i in range(150):
        out[f"damaged{i}"] = damage(random_, random_.choice(whole))
    for i, text in enumerate((b"#!", b"#!\n", b"#! /bin/sh", b"#!/bin/sh\0", b"#!/" + b"x" * 300 + b"\n", b"#", b"#! \t\n", b"#!/bin/sh a b \n")):
        out[f"script{i}"] = text
    programs = [*sorted((TREE / "build/userland/overlay/system/scarlet/bin").iterdir()), *sorted((TREE / "build/userland/xv6").iterdir())]
    for path in programs:
        if path.is_file() and not path.suffix and path.stat().st_size < 1 << 20:
            out[f"program-{path.parent.name}-{path.name}"] = path.read_bytes()
    return out


@pytest.mark.skipif(not (KERNEL.is_file() and ROOT_IMAGE.is_file()), reason="no kernel or image is built")
def test_kernel_and_probe_agree(tmp_path: Path) -> None:
    """Scores, reasons and choice of every ABI for every file of the corpus."""
    subprocess.run(["make", "-s", PROBE.relative_to(TREE)], cwd=TREE, check=True)
    files = corpus()
    folder = tmp_path / "over/probe"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o755)
    command = "cd /probe && ls | xargs -n 60 /system/scarlet/bin/abi probe -t | sort"
    done = subprocess.run([TREE / "harness/boot", "--timeout", "120", "--overlay", tmp_path / "over", "--", command], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    here = subprocess.run([PROBE, "--no-cache", "--identify", "--json", *sorted(files)], cwd=folder, capture_output=True, check=False)
    lines = []
    for entry in json.loads(here.stdout)["files"]:
        takes = [s for s in entry["scores"] if s["abi"] == entry["abi"]] if entry["format"] == "ELF" else []
        for s in entry["scores"]:
            lines.append(f"{entry['file']}\t{s['module']}\t{s['score']}\t{'chosen' if s in takes else '-'}\t{s['why']}\n")
    assert len(files) > 500 and len(lines) == 3 * len(files)
    kernel = done.stdout.decode().splitlines(keepends=True)
    differ = sorted(set(kernel) ^ set(lines))
    assert not differ, f"seed {SEED}, kernel and abi-probe (either alone): " + "".join(differ[:20])
    assert len(kernel) == len(lines)
    chosen = {line.split("\t")[1] for line in lines if "\tchosen\t" in line}
    assert chosen == {"linux-riscv64", "scarlet", "xv6-riscv64"}
