"""Seeded damage: truncations, bit flips and absurd sizes, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator


def flips(data: bytes, rng: random.Random, count: int, within: int | None = None) -> bytes:
    """Flip some bits of the first `within` bytes."""
    out = bytearray(data)
    end = min(within or len(out), len(out))
    for _ in range(count):
        out[rng.randrange(end)] ^= 1 << rng.randrange(8)
    return bytes(out)


def cpio_headers(data: bytes) -> list[int]:
    """Where the members of a newc archive begin."""
    found, at = [], 0
    while (at := data.find(b"070701", at)) >= 0:
        found.append(at)
        at += 110
    return found


def cpio_variants(data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """An endless sequence of damaged archives: name of the damage, bytes."""
    rng = random.Random(seed)
    headers = cpio_headers(data)
    absurd = [b"FFFFFFFF", b"7FFFFFFF", b"80000000", b"00000000", b"00001001", b"XXXXXXXX", b"-0000001"]
    while True:
        yield "cut", data[: rng.randrange(len(data))]
        yield "cut in a header", data[: rng.choice(headers) + rng.randrange(111)]
        out = bytearray(data)
        for _ in range(rng.choice((1, 1, 4))):
            at = rng.choice(headers) + 6 + 8 * rng.choice((0, 1, 4, 6, 6, 11, 11))
            out[at : at + 8] = rng.choice(absurd)
        yield "absurd field", bytes(out)
        out = bytearray(data)
        for _ in range(rng.choice((1, 5, 40))):
            at = rng.choice(headers)
            out[at + rng.randrange(130)] ^= 1 << rng.randrange(8)
        yield "header bits", bytes(out)
        yield "bits anywhere", flips(data, rng, rng.choice((10, 1000)))
        yield "noise", rng.randbytes(rng.randrange(1, 20000))


def elf_variants(data: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Damaged ELF files, most of them in the headers, where the loader looks."""
    rng = random.Random(seed)
    edges = [0, 1, 0xFF, 0xFFF, 0x1000, 0x7FFFFFFF, 0xFFFFFFFF, 0x3FFFFFF000, 0x4000000000, 0x7FFFFFFFFFFFFFFF,
             0x8000000000000000, 0xFFFFFFFFFFFFF000, 0xFFFFFFFFFFFFFFFF]
    heads = 64 + 56 * int.from_bytes(data[56:58], "little")
    for _ in range(count):
        kind = rng.randrange(10)
        if kind < 4:
            yield flips(data, rng, rng.choice((1, 2, 8)), heads)
        elif kind < 8:
            out = bytearray(data)
            for _ in range(rng.choice((1, 1, 2, 3))):
                width = rng.choice((2, 4, 8, 8))
                at = rng.randrange(0, heads - 8) // 4 * 4
                value = rng.choice(edges) if rng.random() < 0.8 else rng.getrandbits(64)
                out[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
            yield bytes(out)
        elif kind < 9:
            yield data[: rng.randrange(len(data))]
        else:
            yield flips(data, rng, 20)
