// The memory devices: null, zero, full, random, urandom.
//
// Owns nothing but one small object per opening. No locks.
#include <device/chardev.h>
#include <device/random.h>
#include <lib/string.h>
#include <mem/slab.h>

static i64 none_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)o, (void)buf, (void)pos;
    return 0;
}

static i64 all_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)o, (void)pos;
    u64 n = iobuf_left(buf);
    return (i64)n;
}

static i64 zero_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)o, (void)pos;
    u64 want = iobuf_left(buf);
    usize n = iobuf_zero(buf, want);
    return n || !want ? (i64)n : -E_FAULT;
}

static i64 full_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)o, (void)buf, (void)pos;
    return -E_NOSPC;
}

// Fills the buffer in pieces, so that a large read can be interrupted.
static i64 give_random(struct iobuf *buf)
{
    u8 piece[256];
    i64 done = 0;
    while (iobuf_left(buf)) {
        usize n = MIN(iobuf_left(buf), sizeof(piece));
        random_bytes(piece, n);
        usize put = iobuf_put(buf, piece, n);
        done += (i64)put;
        if (put < n) {
            done = done ? done : -E_FAULT;
            break;
        }
        if (UNLIKELY(thread_has_event(current())))
            break;
    }
    mem_wipe(piece, sizeof(piece));
    return done;
}

static i64 urandom_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)o, (void)pos;
    return give_random(buf);
}

static i64 random_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    if (!random_ready()) {
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = random_wait_ready();
        if (err)
            return err;
    }
    return give_random(buf);
}

// What is written is mixed in, but counts for nothing.
static i64 random_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)o, (void)pos;
    u8 piece[256];
    i64 done = 0;
    while (iobuf_left(buf)) {
        usize want = MIN(iobuf_left(buf), sizeof(piece)), n = iobuf_take(buf, piece, want);
        random_add(piece, n, 0);
        done += (i64)n;
        if (n < want)
            return done ? done : -E_FAULT;
    }
    return done;
}

static i64 stay_at_zero(struct object *o, i64 off, u32 whence)
{
    (void)o, (void)off, (void)whence;
    return 0;
}

// Private: anonymous memory; shared: a fresh shared object. Both are what a request without object
// gives.
static int zero_map(struct object *o, struct map_request *r)
{
    (void)o;
    r->offset = 0;
    return 0;
}

static u32 always_ready(struct object *o, struct poll_table *pt)
{
    (void)o, (void)pt;
    return POLL_IN | POLL_OUT | POLL_RDNORM | POLL_WRNORM;
}

static void plain_free(struct object *o)
{
    kfree(o);
}
static void plain_release(struct object *o)
{
    object_free(o, plain_free);
}

#define PLAIN                                                                                      \
    .kinds = OBJ_KIND_DEVICE, .seekable = true, .release = plain_release, .seek = stay_at_zero
static const struct object_type null_type = {
    .name = "null", PLAIN, .no_source = true, .read = none_read, .write = all_write};
static const struct object_type zero_type = {
    .name = "zero", PLAIN, .read = zero_read, .write = all_write, .map = zero_map};
static const struct object_type full_type = {.name = "full",
                                             PLAIN,
                                             .no_target = true,
                                             .read = zero_read,
                                             .write = full_write,
                                             .map = zero_map};
static const struct object_type random_type = {
    .name = "random", PLAIN, .read = random_read, .write = random_write, .poll = always_ready};
static const struct object_type urandom_type = {
    .name = "urandom", PLAIN, .read = urandom_read, .write = random_write, .poll = always_ready};

static const struct object_type *const by_minor[] = {
    [3] = &null_type, [5] = &zero_type, [7] = &full_type, [8] = &random_type, [9] = &urandom_type,
};

static int mem_open(const struct chardev *d, u32 minor, u32 access, u32 flags, u32 status,
                    struct object **out)
{
    (void)d, (void)access, (void)flags;
    if (minor >= ARRAY_LEN(by_minor) || !by_minor[minor])
        return -E_NXIO;
    struct object *o = kmalloc(sizeof(*o), ALLOC_USER);
    if (!o)
        return -E_NOMEM;
    object_init(o, by_minor[minor], status);
    *out = o;
    return 0;
}

static const struct chardev mem_dev = {"mem", 1, 1, 10, mem_open};
CHARDEV(mem_dev);
