"""Small files of every kind that abi-probe knows, made byte by byte: name -> (bytes, expected format, machine, abi)."""

from __future__ import annotations

import struct


def elf(machine: int = 243, kind: int = 2, bits: int = 64, big: bool = False, osabi: int = 0, code: bytes = b"", interp: bytes = b"",
        base: int = 0x10000) -> bytes:
    """An ELF file with one executable segment that holds code, and an interpreter if one is given."""
    e = ">" if big else "<"
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 2 if big else 1, 1, osabi]) + bytes(8)
    if bits == 32:
        head = ident + struct.pack(e + "HHIIIIIHHHHHH", kind, machine, 1, base + 84, 52, 0, 0, 52, 32, 1, 40, 0, 0)
        size = 84 + len(code)
        return head + struct.pack(e + "IIIIIIII", 1, 0, base, base, size, size, 5, 4096) + code
    segments = 2 if interp else 1
    start = 64 + 56 * segments
    size = start + len(code) + len(interp)
    head = ident + struct.pack(e + "HHIQQQIHHHHHH", kind, machine, 1, base + start, 64, 0, 0, 64, 56, segments, 64, 0, 0)
    table = struct.pack(e + "IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096)
    if interp:
        table = struct.pack(e + "IIQQQQQQ", 3, 4, start + len(code), base, base, len(interp), len(interp), 1) + table
    return head + table + code + interp


def elf_of(segments: list[tuple[int, int, int, int, int | None, int | None]], code: bytes, entry: int = 0) -> bytes:
    """A riscv64 program: segments as (type, flags, offset, address, file size, memory size), None: the whole file; code behind the table."""
    start = 64 + 56 * len(segments)
    size = start + len(code)
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, entry, 64, 0, 0, 64, 56, len(segments), 64, 0, 0)
    for kind, flags, at, addr, filesz, memsz in segments:
        head += struct.pack("<IIQQQQQQ", kind, flags, at, addr, addr, size if filesz is None else filesz, size if memsz is None else memsz, 4096)
    return head + code


def riscv(*words: int) -> bytes:
    """Instruction words."""
    return b"".join(struct.pack("<I", w) for w in words)


def li(register: int, value: int) -> int:
    """addi register, zero, value"""
    return (value & 0xFFF) << 20 | register << 7 | 0x13


ECALL = 0x73
RET = 0x00008067
EXIT = riscv(li(17, 64), ECALL, li(17, 93), ECALL)  # write, exit


def pe(machine: int, magic: int, subsystem: int = 3, dotnet: bool = False) -> bytes:
    """DOS stub, PE header, optional header with 16 directories."""
    optional = struct.pack("<H", magic) + bytes(66) + struct.pack("<H", subsystem)
    optional += bytes((112 if magic == 0x20B else 96) - len(optional))
    optional += b"".join(struct.pack("<II", 0x2000 if i == 14 and dotnet else 0, 72 if i == 14 and dotnet else 0) for i in range(16))
    dos = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64)
    return dos + b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 2) + optional + bytes(64)


def ar(*members: tuple[bytes, bytes]) -> bytes:
    """An archive."""
    out = b"!<arch>\n"
    for name, data in members:
        out += name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"644".ljust(8) + str(len(data)).encode().ljust(10) + b"`\n" + data + b"\n" * (len(data) & 1)
    return out


SAMPLES: dict[str, tuple[bytes, str, str, str | None]] = {
    "riscv64": (elf(code=EXIT), "ELF", "riscv64", "linux"),
    "riscv64-gnu": (elf(code=EXIT, osabi=3), "ELF", "riscv64", "linux"),
    "riscv64-dynamic": (elf(kind=3, code=EXIT, interp=b"/lib/ld-linux-riscv64-lp64d.so.1\0", base=0), "ELF", "riscv64", "linux"),
    "riscv32": (elf(bits=32), "ELF", "riscv32", None),
    "x86-64": (elf(machine=62, code=b"\xb8\x3c\0\0\0\x0f\x05"), "ELF", "x86-64", None),
    "aarch64": (elf(machine=183, code=struct.pack("<II", 0xD2800BA8, 0xD4000001)), "ELF", "aarch64", None),
    "i386": (elf(machine=3, bits=32), "ELF", "i386", None),
    "s390x": (elf(machine=22, big=True), "ELF", "s390", None),
    "ppc64": (elf(machine=21, big=True), "ELF", "ppc64", None),
    "mips": (elf(machine=8, bits=32, big=True), "ELF", "mips", None),
    "freebsd": (elf(osabi=9, code=EXIT), "ELF", "riscv64", None),
    "object": (elf(kind=1), "ELF", "riscv64", None),
    "script": (b"#!/bin/sh -e\necho hi\n", "script", "any", None),
    "pe32": (pe(0x14C, 0x10B), "PE", "i386", "windows"),
    "pe64": (pe(0x8664, 0x20B), "PE", "x86-64", "windows"),
    "dotnet": (pe(0x14C, 0x10B, dotnet=True), "PE", "i386", "dotnet"),
    "efi": (pe(0x5064, 0x20B, 10), "PE", "riscv64", "efi"),
    "ne": (b"MZ" + bytes(22) + struct.pack("<H", 64) + bytes(34) + struct.pack("<I", 64) + b"NE" + bytes(62), "NE", "i8086", "win16"),
    "mz": (b"MZ" + struct.pack("<HHHHHHHHHHHHH", 64, 1, 0, 2, 0, 65535, 0, 0, 0, 0, 0, 28, 0) + bytes(36), "DOS MZ", "i8086", "dos"),
    "hello.com": (b"\xba\x0c\x01\xb4\x09\xcd\x21\xb4\x4c\xcd\x21Hi$", "DOS COM", "i8086", "dos"),
    "macho64": (struct.pack("<IIIIIIII", 0xFEEDFACF, 0x100000C, 0, 2, 0, 0, 0, 0), "Mach-O", "aarch64", "darwin"),
    "macho32": (struct.pack(">IIIIIIII", 0xFEEDFACE, 18, 0, 2, 0, 0, 0, 0), "Mach-O", "ppc", "darwin"),
    "universal": (struct.pack(">II", 0xCAFEBABE, 2) + bytes(40), "Mach-O", "several", "darwin"),
    "java": (struct.pack(">IHH", 0xCAFEBABE, 0, 61) + bytes(30), "Java class", "any", "java"),
    "wasm": (b"\0asm\x01\0\0\0" + b"\x01\x04\x01\x60\0\0", "WebAssembly", "any", "wasm"),
    "aout": (struct.pack("<IIIIIIII", 0x64 << 16 | 0o413, 64, 32, 0, 0, 0x1020, 0, 0) + bytes(96), "a.out", "i386", "aout"),
    "archive": (ar((b"a.o/", b"xyz"), (b"b.o/", b"12")), "archive", "any", None),
    "package.deb": (ar((b"debian-binary", b"2.0\n")), "archive", "any", None),
    "empty": (b"", "empty", "any", None),
    "text": (b"hello\n", "text", "any", None),
    "data": (bytes(range(256)), "data", "any", None),
}

TRACE = b"""\
100   execve("/bin/x", ["x"], 0x7ffd /* 3 vars */) = 0
100   openat(AT_FDCWD, "/tmp/x", O_RDWR|O_CREAT|O_DIRECT, 0644) = 3
100   clone3({flags=CLONE_VM|CLONE_NEWUTS, stack=0x7f} => {parent_tid=[101]}, 88) = 101
100   futex(0x7f00, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>
101   read(3,  <unfinished ...>
100   <... futex resumed>)                    = -1 EAGAIN (Resource temporarily unavailable)
101   <... read resumed>"a, b) = 5\\"", 5)     = 5
[pid   101] 12:30:01.5 futex(0x7f00, FUTEX_LOCK_PI_PRIVATE, NULL) = 0
101   1700000000.123456 io_setup(8, [0x7f]) = 0
101   nosuchcall(1, 2)                        = 0
101   ioctl(1, TCGETS, {B38400 opost}) = 0
101   write(1</dev/pts/0, x>, "o\\"(", 3)      = 3
101   mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE|MAP_SYNC, 3, 0) = 0x7f
101   exit_group(0 <unfinished ...>
101   +++ exited with 0 +++
--- SIGCHLD {si_signo=SIGCHLD} ---
"""


def nasty() -> dict[str, bytes]:
    """Damaged and hostile files: every sample cut short, fields at their limits."""
    out: dict[str, bytes] = {}
    for name, (data, *_rest) in SAMPLES.items():
        for cut in sorted({1, 3, 8, 20, 27, 40, len(data) // 2, len(data) - 1}):
            if 0 < cut < len(data):
                out[f"cut{cut}-{name}"] = data[:cut]
    good = bytearray(SAMPLES["riscv64-dynamic"][0])
    for at, size in ((24, 8), (32, 8), (40, 8), (54, 2), (56, 2), (58, 2), (60, 2), *((64 + 56 * s + f, 8) for s in (0, 1) for f in range(8, 56, 8))):
        for fill in (b"\xff", b"\x7f", b"\0", b"\x80"):
            bad = bytearray(good)
            bad[at : at + size] = fill * size
            out[f"field{at}-{fill.hex()}"] = bytes(bad)
    dynamic = elf(kind=3, code=EXIT + bytes(64), base=0)
    for tag in (4, 5, 6, 7, 17, 23, 25, 36, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE):
        for value in (0, 64, 0xFFFFFFFFFFFFFFF8, 0x7FFFFFFFFFFFFFFF):
            entries = struct.pack("<16Q", 5, 64, 10, 1 << 60, 6, 64, 8, 1 << 62, 2, 1 << 62, 27, 1 << 62, tag, value, 0, 0)
            head = bytearray(dynamic[:64])
            head[56:58] = struct.pack("<H", 2)
            size = 64 + 112 + len(entries) + len(EXIT)
            table = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)
            table += struct.pack("<IIQQQQQQ", 2, 6, 176, 176, 176, len(entries), len(entries), 8)
            out[f"dynamic{tag:x}-{value:x}"] = bytes(head) + table + entries + EXIT
    out["wasm-huge"] = b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f"
    out["ar-size"] = b"!<arch>\n" + b"x".ljust(48) + b"9999999999`\n"
    out["script-long"] = b"#!/" + b"a" * 5000
    out["jumps"] = elf(code=riscv(*([0x0000006F] * 400)))  # every instruction jumps to itself
    out["chain"] = elf(code=b"".join(riscv(li(17, i % 500), 0x004000EF) for i in range(2000)) + riscv(ECALL))
    return out
