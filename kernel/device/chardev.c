// Character devices: the list of what can be opened by number.
//
// Owns nothing: the records come from a linker set and are constant.
#include <device/chardev.h>

static const struct chardev *find(u32 major, u32 minor)
{
    SET_FOREACH(d, chardev, const struct chardev)
    if ((*d)->major == major && minor >= (*d)->minor && minor - (*d)->minor < (*d)->count)
        return *d;
    return NULL;
}

int chardev_open(u64 rdev, u32 access_and_flags, u32 status, struct object **out)
{
    u32 minor = (u32)rdev;
    const struct chardev *d = find((u32)(rdev >> 32), minor);
    if (!d)
        return -E_NXIO;
    return d->open(d, minor, access_and_flags & (CHARDEV_READ | CHARDEV_WRITE),
                   access_and_flags & CHARDEV_NOCTTY, status, out);
}

void chardev_for_each(void (*fn)(const struct chardev *d, void *arg), void *arg)
{
    u64 last = 0;
    for (bool first = true;; first = false) {
        const struct chardev *best = NULL;
        SET_FOREACH(d, chardev, const struct chardev)
        {
            u64 n = dev_make((*d)->major, (*d)->minor);
            if ((first || n > last) && (!best || n < dev_make(best->major, best->minor)))
                best = *d;
        }
        if (!best)
            return;
        last = dev_make(best->major, best->minor);
        fn(best, arg);
    }
}
