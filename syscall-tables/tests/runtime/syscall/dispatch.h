// The runtime interface of generated code, declarations only: enough to compile what the compiler
// writes.
#pragma once
#include <kerr.h>
#include <lib/string.h>
#include <lib/types.h>
#include <syscall/trace_desc.h>

enum iobuf_dir { IOBUF_TO_USER, IOBUF_FROM_USER };
struct iobuf {
    uaddr_t base;
    usize len;
    enum iobuf_dir dir;
};
[[nodiscard]] int iobuf_user(struct iobuf *b, uaddr_t base, usize len, enum iobuf_dir dir);
[[nodiscard]] int iobuf_user_vec(struct iobuf *b, uaddr_t vec, usize count, enum iobuf_dir dir);
void iobuf_done(struct iobuf *b);

enum {
    RIGHT_READ = 1,
    RIGHT_WRITE = 2,
    RIGHT_EXECUTE = 4,
    RIGHT_SEEK = 8,
    RIGHT_MAP = 16,
    RIGHT_CONTROL = 32,
    RIGHT_METADATA = 64,
    RIGHT_ENUMERATE = 128,
    RIGHT_CREATE = 256,
    RIGHT_REMOVE = 512,
    RIGHT_DUPLICATE = 1024,
    RIGHT_TRANSFER = 2048,
    RIGHT_WAIT = 4096,
    RIGHT_SIGNAL = 8192,
    RIGHT_ADMIN = 16384,
    OBJ_KIND_FILE = 1,
    OBJ_KIND_DIR = 2,
    OBJ_KIND_PIPE = 4,
    OBJ_KIND_TTY = 8,
    OBJ_KIND_SOCKET = 16,
    OBJ_KIND_EVENT = 32,
    OBJ_KIND_POLL = 64,
    OBJ_KIND_DEVICE = 128,
    OBJ_KIND_VFS = 256,
    OBJ_KIND_TASK = 512,
    OBJ_KIND_MEMORY = 1024,
};
struct href {
    void *object;
    u32 rights;
};
[[nodiscard]] int href_get(struct href *h, i32 fd, u32 rights);
[[nodiscard]] int href_get_kind(struct href *h, i32 fd, u32 rights, u32 kind, int wrong_kind_err);
void href_put(struct href *h);

enum {
    SYS_RESTART_NEVER,
    SYS_RESTART_SA,
    SYS_RESTART_ALWAYS,
    SYS_RESTART_NOHAND,
    SYS_RESTART_BLOCK,
    SYS_RESTART_MASK = 7,
    SYS_FRAME = 8,
};
struct trapframe;
struct syscall_entry {
    i64 (*fn)(const u64 *a, struct trapframe *tf);
    const struct syscall_desc *desc;
    u32 flags;
};
[[nodiscard]] int sys_fetch(void *dst, uaddr_t src, usize n);
[[nodiscard]] int sys_store(uaddr_t dst, const void *src, usize n);
struct sys_name {
    const char *str;
    usize len;
    char *heap;
};
[[nodiscard]] int sys_name_get(struct sys_name *n, uaddr_t src, usize max);
void sys_name_put(struct sys_name *n);
struct sys_seq {
    void *ptr;
    usize bytes;
};
[[nodiscard]] int sys_seq_get(struct sys_seq *s, uaddr_t src, usize count, usize elem, usize max);
[[nodiscard]] int sys_seq_new(struct sys_seq *s, usize count, usize elem, usize max);
[[nodiscard]] int sys_seq_store(struct sys_seq *s, uaddr_t dst);
void sys_seq_put(struct sys_seq *s);
