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

void bind_chosen(void)
{
    u32 len;
    const char *p = device_chosen("scarlet,binds", &len);
    if (!p || !len || p[len - 1])
        return;
    const char *end = p + len;
    while (p < end) {
        const char *what = p, *place = what + strlen(what) + 1, *how = place + strlen(place) + 1;
        if (place >= end || how >= end)
            return;
        int err = bind(what, place, !strcmp(how, "ro"));
        if (err) {
            klog(LOG_EMERG, "cannot bind %s at %s: %s", what, place, kerr_name((enum kerr) - err));
            arch_poweroff_status(STATUS_USAGE);
        }
        p = how + strlen(how) + 1;
    }
}
