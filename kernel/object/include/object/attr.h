// Metadata of files and other objects, in the kernel's own form; ABIs translate it to their stat
// structures.
#pragma once
#include <lib/types.h>

struct timestamp {
    i64 sec;
    u32 nsec;
};
enum { // file type bits of attr.mode: the traditional values
    MODE_FMT = 0170000,
    MODE_SOCK = 0140000,
    MODE_LNK = 0120000,
    MODE_REG = 0100000,
    MODE_BLK = 0060000,
    MODE_DIR = 0040000,
    MODE_CHR = 0020000,
    MODE_FIFO = 0010000,
    MODE_SUID = 04000,
    MODE_SGID = 02000,
    MODE_STICKY = 01000,
};
struct attr {
    u32 mode; // type and permission bits
    u32 nlink, uid, gid;
    u64 dev, rdev; // major << 32 | minor
    u64 ino, size, blocks /* 512 bytes */;
    u32 blksize;
    u32 flags; // ATTR_*
    struct timestamp atime, mtime, ctime, btime;
    u64 mount_id;
};
enum { ATTR_NOSUID = 1 /* set-id bits have no effect on this mount */ };
static inline u64 dev_make(u32 major, u32 minor)
{
    return (u64)major << 32 | minor;
}
// What fstat shows of an object that no file system holds (pipes, event counters, sets of waits):
// owner root, one link, device 0:`dev_minor`.
void attr_anon(struct attr *a, u32 mode, u64 ino, u32 dev_minor);
enum { ANON_DEV_INODE = 15, ANON_DEV_PIPE = 14, ANON_DEV_SOCKET = 8 };
