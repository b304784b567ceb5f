// What the first program finds opened: channels that it was given (arch/stream.h); standard input,
// output and error are else the console.
#include "init.h"
#include <arch/stream.h>
#include <device/stream.h>
#include <hostfs/channel.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/handle.h>
#include <sync/log.h>
#include <task/task.h>
#include <vfs/ops.h>

enum { NAME_CAP = 4096 };

// A directory or mere place of the system underneath, opened where the program sees it.
static int open_place(u32 n, u32 access, struct object **out, u32 *rights)
{
    char *names = kmalloc(2ul * NAME_CAP, 0);
    if (!names)
        return -E_NOMEM;
    char *seen = names + NAME_CAP;
    struct path base = BASE_CWD;
    const struct open_request r = {.access = access & STREAM_PATH_ONLY ? 0u : (u32)FILE_READ,
                                   .path_only = access & STREAM_PATH_ONLY,
                                   .nofollow = true};
    i64 len = arch_stream_name(n, names, NAME_CAP);
    int err = len < 0 ? (int)len : !bind_seen_name(names, seen, NAME_CAP) ? -E_NOENT : 0;
    if (!err)
        err = vfs_open(&base, (struct pathname){seen, strlen(seen)}, &r, out, rights);
    if (err && err != -E_NOMEM) {
        klog(LOG_WARN, "descriptor %u is not passed on, as %s is not seen here: %s", n,
             len > 0 ? names : "what it names", kerr_name((enum kerr) - err));
        *out = NULL;
        err = 0;
    }
    kfree(names);
    return err;
}

// *out NULL: it is closed.
static int open_one(u32 n, struct object **out, u32 *rights)
{
    static const struct open_request console = {.access = FILE_READ | FILE_WRITE};
    struct path base = BASE_CWD;
    u32 access;
    *out = NULL;
    switch (arch_stream_kind(n, &access)) {
    case STREAM_NONE:
        return 0;
    case STREAM_CONSOLE:
        return vfs_open(&base, (struct pathname){"/dev/console", 12}, &console, out, rights);
    case STREAM_PLACE:
        return open_place(n, access, out, rights);
    case STREAM_BYTES:
        break;
    }
    struct object *file;
    u32 file_rights;
    int err = stream_open(n, out, rights);
    if (!err && !hostfs_open_channel(n, *out, &file, &file_rights)) { // else it can do less
        *out = file;
        *rights = file_rights;
    }
    return err;
}

void channels_open(struct task *t)
{
    int err = 0;
    for (u32 n = 0; n < arch_stream_count(); n++) {
        struct object *o;
        u32 rights;
        int e = open_one(n, &o, &rights);
        if (!e && o) {
            e = MIN(handle_install(t->handles, o, rights, 0, (i32)n, n + 1), 0);
            if (e)
                object_put(o);
        }
        err = err ?: e;
    }
    if (err)
        klog(LOG_WARN, "init: cannot open what the first program was given: %s",
             kerr_name((enum kerr) - err));
}
