"""Changes files in the working directory in every way there is and says what came of each; the same natively and through --bind."""

import errno
import fcntl
import mmap
import os
import stat


def say(what: str, value: object) -> None:
    print(what, value)


def refused(what: str, call: object, *args: object, **kwargs: object) -> None:
    try:
        say(what, call(*args, **kwargs))  # type: ignore[operator]
    except OSError as e:
        say(what, errno.errorcode[e.errno])


def described(name: str) -> tuple[object, ...]:
    s = os.lstat(name)
    return stat.filemode(s.st_mode), s.st_nlink if not stat.S_ISDIR(s.st_mode) else "-", s.st_size if stat.S_ISREG(s.st_mode) else "-"


os.umask(0o027)
with open("plain", "wb") as f:
    f.write(b"x" * 70000)
    f.seek(10)
    f.write(b"0123456789")
    f.flush()
    os.fsync(f.fileno())
    say("size", os.fstat(f.fileno()).st_size)
say("plain", described("plain"))
fd = os.open("plain", os.O_RDWR | os.O_APPEND)
say("append", (os.write(fd, b"end"), os.lseek(fd, 0, os.SEEK_CUR), os.pread(fd, 5, 69998)))
os.ftruncate(fd, 100)
say("cut", (os.fstat(fd).st_size, os.pread(fd, 200, 95)))
os.truncate("plain", 9000)
say("grown", (os.fstat(fd).st_size, os.pread(fd, 4, 8000)))
os.posix_fallocate(fd, 9000, 1000)
say("allocated", os.fstat(fd).st_size)
os.close(fd)
fd = os.open("sealed", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o444)  # as git makes its objects
say("sealed", (os.write(fd, b"text"), os.pread(fd, 9, 0), described("sealed")))
os.close(fd)
refused("exclusive", os.open, "sealed", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
os.mkdir("dir")
refused("mkdir again", os.mkdir, "dir")
os.mkdir("dir/below", 0o2750)
say("below", described("dir/below"))
os.link("plain", "dir/second")
say("linked", (described("plain"), os.stat("plain").st_ino == os.stat("dir/second").st_ino))
with open("dir/second", "r+b") as f:
    f.write(b"through another name")
say("one file", open("plain", "rb").read(7))
os.symlink("dir/second", "link")
say("link", (os.readlink("link"), open("link", "rb").read(7), described("link")))
os.symlink("nowhere", "dangling")
refused("dangling", open, "dangling", "rb")
with open("dangling", "w", encoding="ascii") as text:
    text.write("made through a link")
say("nowhere", described("nowhere"))
refused("rmdir", os.rmdir, "dir")
refused("unlink of a directory", os.unlink, "dir")
os.rename("dir/second", "dir/below/third")
os.rename("dir/below", "moved")
say("moved", sorted(os.listdir("moved")))
refused("into itself", os.rename, "dir", "dir/inside")
os.mkdir("empty")
os.rename("moved", "empty")
say("over an empty one", os.listdir("empty"))
refused("over a full one", os.rename, "dir", "nowhere")
fd = os.open("gone", os.O_RDWR | os.O_CREAT)
os.write(fd, b"still here")
os.unlink("gone")
say("without a name", (os.pread(fd, 20, 0), os.fstat(fd).st_nlink, os.path.exists("gone")))
os.close(fd)
os.chmod("plain", 0o6755)
say("mode", described("plain"))
os.utime("plain", ns=(1_000_000_000_000_000_001, 1_500_000_000_000_000_002))
say("times", (os.stat("plain").st_atime_ns, os.stat("plain").st_mtime_ns))
os.utime("link", (5, 6), follow_symlinks=False)
say("link's time", os.lstat("link").st_mtime_ns)
os.chown("plain", os.getuid(), os.getgid())
say("owner", (os.stat("plain").st_uid == os.getuid(), described("plain")))
os.mkfifo("fifo")
say("fifo", described("fifo"))
refused("too long", open, "n" * 256, "wb")
refused("not a directory", open, "plain/x", "rb")
say("space", os.statvfs(".").f_bfree > 0)

with open("mapped", "w+b") as f:
    f.truncate(3 * 4096 - 100)
    with mmap.mmap(f.fileno(), 3 * 4096 - 100) as m:
        m[5000:5005] = b"store"
        say("read sees stores", os.pread(f.fileno(), 5, 5000))
        os.pwrite(f.fileno(), b"written", 8190)
        say("map sees writes", m[8190:8197])
        m.flush()
        m[0:5] = b"later"
    say("size stays", os.fstat(f.fileno()).st_size)
    private = mmap.mmap(f.fileno(), 4096, flags=mmap.MAP_PRIVATE)
    private[0:4] = b"mine"
    say("private", (private[0:5], os.pread(f.fileno(), 5, 0)))
    shared = mmap.mmap(f.fileno(), 4096)
    os.ftruncate(f.fileno(), 4096)
    shared[100:104] = b"last"  # never unmapped: written back when the program ends
    fcntl.flock(f, fcntl.LOCK_EX)
    say("end", os.fstat(f.fileno()).st_size)
    os._exit(print(end="", flush=True) or 0)
