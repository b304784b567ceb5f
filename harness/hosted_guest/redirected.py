"""What can be done with a redirected file: descriptor 9, written, and 8, read. Prints a line for each; the same natively."""

import fcntl
import os
from collections.abc import Callable


def what(name: str, of: Callable[[], object]) -> None:
    """A result or the error."""
    try:
        print(name, of())
    except OSError as error:
        print(name, "error", error.errno)


os.write(9, b"hello ")
what("lockf", lambda: fcntl.lockf(9, fcntl.LOCK_EX))
what("flock", lambda: fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB))
what("allocate", lambda: os.posix_fallocate(9, 0, 4096))
what("mode", lambda: os.fchmod(9, 0o640))
what("owner", lambda: os.fchown(9, os.getuid(), os.getgid()))
what("times", lambda: os.utime(9, (5, 6)))
what("attributes", lambda: (oct(os.fstat(9).st_mode), os.fstat(9).st_mtime, os.fstat(9).st_nlink))
what("send", lambda: os.sendfile(9, 8, 0, 10))
what("copy", lambda: os.copy_file_range(8, 9, 10))
what("positions", lambda: (os.lseek(9, 0, os.SEEK_CUR), os.lseek(8, 0, os.SEEK_CUR)))
what("sync", lambda: os.fdatasync(9))
what("cut", lambda: os.ftruncate(9, 100))
what("size", lambda: os.fstat(9).st_size)
what("name", lambda: os.readlink("/proc/self/fd/9"))
what("again", lambda: os.read(os.open("/proc/self/fd/9", os.O_RDONLY), 6))
what("append", lambda: (fcntl.fcntl(9, fcntl.F_SETFL, os.O_APPEND), os.write(9, b"!"), os.lseek(9, 0, os.SEEK_CUR)))
what("flags", lambda: fcntl.fcntl(9, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND))
what("hole", lambda: os.lseek(9, 0, os.SEEK_HOLE))
what("not readable", lambda: os.read(9, 1))
