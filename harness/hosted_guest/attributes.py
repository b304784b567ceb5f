"""Extended attributes in the directory argv[1], in every way there is to reach a file; the same natively and through --bind.

argv[2] "look": reads what a first run left, then tries to change it.
"""

import errno
import os
import sys


def tried(call: object, *args: object, **kwargs: object) -> object:
    try:
        return call(*args, **kwargs)  # type: ignore[operator]
    except OSError as e:
        return errno.errorcode[e.errno]


def names(what: object) -> object:
    found = tried(os.listxattr, what)
    return sorted(n for n in found if n.startswith("user.")) if isinstance(found, list) else found


os.chdir(sys.argv[1])
if "look" in sys.argv:
    for name in ("kept", "d", "link"):
        print(name, names(name), tried(os.getxattr, name, "user.kept"), tried(os.getxattr, name, "user.no"))
    for name in ("kept", "d", "link"):
        print(tried(os.setxattr, name, "user.kept", b"no"), tried(os.removexattr, name, "user.kept"), tried(os.setxattr, name, "user.new", b"no"))
    sys.exit()
open("f", "w", encoding="ascii").close()
open("kept", "w", encoding="ascii").close()
os.symlink("f", "link")
os.symlink("none", "dangling")
os.mkdir("d")
for name in ("f", "link", "d", "dangling"):
    print(name, tried(os.setxattr, name, "user.a", b"one"), tried(os.setxattr, name, "user.a", b"1", os.XATTR_CREATE),
          tried(os.setxattr, name, "user.b", b"1", os.XATTR_REPLACE), tried(os.setxattr, name, "user.empty", b""))
    print([tried(os.getxattr, name, "user." + n) for n in ("a", "empty", "no", "")], tried(os.getxattr, name, "nope.x"), names(name))
    print(tried(os.setxattr, name, "user.n", b"1", follow_symlinks=False), tried(os.removexattr, name, "user.n", follow_symlinks=False))
fd = os.open("f", os.O_RDONLY)
print(tried(os.setxattr, fd, "user.fd", b"fd"), tried(os.getxattr, fd, "user.fd"), names(fd), tried(os.removexattr, fd, "user.fd"), tried(os.removexattr, fd, "user.fd"))
place = os.open("f", os.O_PATH)
print([tried(os.getxattr, p, "user.a") for p in (place, f"/proc/self/fd/{place}", f"/proc/self/fd/{fd}")])
print(tried(os.setxattr, place, "user.a", b""), tried(os.removexattr, place, "user.a"), names(place))
os.rename("f", "g")
os.chmod("g", 0o400)
print(tried(os.getxattr, fd, "user.a"), tried(os.getxattr, "f", "user.a"), tried(os.getxattr, "g", "user.a"))
os.unlink("g")
print(tried(os.getxattr, fd, "user.a"), tried(os.setxattr, "d", "user.big", b"x" * 65537), tried(os.setxattr, "d", "user." + "n" * 260, b"x"))
for name in ("kept", "d"):
    os.setxattr(name, "user.kept", name.encode())
os.symlink("kept", "link2")
os.replace("link2", "link")
