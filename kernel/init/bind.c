// Files and directories of the system underneath that whoever started the machine wants to be seen:
// /chosen scarlet,binds, strings in threes: what, where, "rw" or "ro". Mounted before the first
// program starts; a missing place is made. A bind that cannot be made ends the machine.
#include "init.h"
#include <arch/firmware.h>
#include <arch/hostfile.h>
#include <device/device.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/object.h>
#include <sync/log.h>
#include <vfs/mount.h>
#include <vfs/ops.h>
#include <vfs/path.h>

static struct pathname part(const char *s, usize len)
{
    return (struct pathname){s, len};
}

// Makes the directories above the last name, and the last name as a directory or an empty file.
// text: a copy of the place's name, len bytes without slashes at its end.
static int make_place(char *text, usize len, bool directory)
{
    struct path base = BASE_CWD;
    for (usize at = 1; at <= len; at++) {
        if (at < len && text[at] != '/')
            continue;
        if (at == len && !directory)
            break;
        char next = text[at];
        text[at] = 0;
        int err = vfs_mkdir(&base, part(text, at), 0755);
        text[at] = next;
        if (err && err != -E_EXIST)
            return err;
    }
    if (directory)
        return 0;
    const struct open_request q = {.create = true, .mode = 0644};
    struct object *o;
    u32 rights;
    text[len] = 0;
    int err = vfs_open(&base, part(text, len), &q, &o, &rights);
    if (!err)
        object_put(o);
    return err;
}

static int make_named(const char *place, bool directory)
{
    usize len = strlen(place);
    while (len > 1 && place[len - 1] == '/')
        len--;
    char *text = kmalloc(len + 1, 0);
    if (!text)
        return -E_NOMEM;
    memcpy(text, place, len);
    int err = make_place(text, len, directory);
    kfree(text);
    return err;
}

static int bind(const char *what, const char *place, bool readonly)
{
    struct host_attr a;
    i64 handle = arch_host_root(what, &a);
    if (handle < 0)
        return (int)handle;
    arch_host_close(handle);
    struct path base = BASE_CWD, at;
    bool directory = (a.mode & MODE_FMT) == MODE_DIR;
    int err = path_lookup(&base, part(place, strlen(place)), LOOKUP_FOLLOW, &at);
    if (err == -E_NOENT) {
        err = make_named(place, directory);
        if (!err)
            err = path_lookup(&base, part(place, strlen(place)), LOOKUP_FOLLOW, &at);
    }
    if (err)
        return err;
    const struct mount_request r = {.source = what,
                                    .type = "hostfs",
                                    .data = "live",
                                    .flags = readonly ? (u32)MOUNT_RDONLY : 0};
    err = vfs_mount_new(&at, &r);
    path_put(&at);
    return err;
}

struct bind {
    const char *what, *place, *how;
};

// The next of those asked for; *at starts as 0.
static bool next_bind(u32 *at, struct bind *b)
{
    u32 len;
    const char *p = device_chosen("scarlet,binds", &len);
    if (!p || !len || p[len - 1])
        return false;
    const char **fields[] = {&b->what, &b->place, &b->how};
    for (usize i = 0; i < ARRAY_LEN(fields); i++) {
        if (*at >= len)
            return false;
        *fields[i] = p + *at;
        *at += (u32)strlen(p + *at) + 1;
    }
    return true;
}

void bind_chosen(void)
{
    struct bind b;
    for (u32 at = 0; next_bind(&at, &b);) {
        int err = bind(b.what, b.place, !strcmp(b.how, "ro"));
        if (err) {
            klog(LOG_EMERG, "cannot bind %s at %s: %s", b.what, b.place,
                 kerr_name((enum kerr) - err));
            arch_poweroff_status(STATUS_USAGE);
        }
    }
}

// The rest of name behind directory top ("" or from a slash on); NULL: it is not below it.
static const char *below(const char *name, const char *top)
{
    usize len = strlen(top);
    while (len && top[len - 1] == '/')
        len--;
    return !strncmp(name, top, len) && (!name[len] || name[len] == '/') ? name + len : NULL;
}

bool bind_seen_name(const char *name, char *out, usize cap)
{
    const char *root = root_host_directory(), *rest = root ? below(name, root) : NULL;
    struct bind b;
    *out = 0;
    if (rest && strlcpy(out, *rest ? rest : "/", cap) >= cap)
        return false;
    for (u32 at = 0; next_bind(&at, &b);) {
        rest = below(name, b.what);
        if (rest) {
            usize len = strlen(b.place);
            while (len && b.place[len - 1] == '/')
                len--;
            if (len + strlen(rest) + 2 > cap)
                return false;
            memcpy(out, b.place, len);
            strlcpy(out + len, len || *rest ? rest : "/", cap - len);
        } else if (below(out, b.place)) { // covered
            *out = 0;
        }
    }
    return *out;
}
