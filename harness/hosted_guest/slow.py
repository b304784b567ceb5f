"""One process asks for what takes long in the directory argv[1]/slow, another goes on meanwhile and lets it happen (slow.c)."""

import ctypes
import mmap
import os
import sys
import time

os.chdir(sys.argv[1])
CALLS = ["read", "write", "fsync", "fdatasync", "syncfs"]


def ask() -> None:
    fd = os.open("slow/in", os.O_RDONLY)
    print("read", len(os.pread(fd, 200000, 0)), flush=True)
    fd = os.open("slow/out", os.O_RDWR | os.O_CREAT)
    print("write", os.write(fd, b"y" * 65536), flush=True)
    print("fsync", os.fsync(0), os.fsync(fd), flush=True)
    with mmap.mmap(fd, 65536) as m:
        m[5:9] = b"mine"
        print("msync", m.flush(), flush=True)
    print("fdatasync", os.fdatasync(fd), flush=True)
    print("syncfs", ctypes.CDLL(None).syncfs(fd), flush=True)


child = os.fork()
if not child:
    try:
        ask()
    except OSError as error:
        print(error, flush=True)
        os._exit(1)
    os._exit(0)
for name in CALLS:
    end = time.monotonic() + 60
    while not os.path.exists(name + ".waits") and time.monotonic() < end:
        time.sleep(0.01)
    print("while it waits:", name, flush=True)
    open(name, "w", encoding="ascii").close()
print("status", os.waitpid(child, 0)[1])
