// The machine's names.
#include <lib/string.h>
#include <sync/lock_order.h>
#include <task/host.h>

static struct spinlock lock = SPINLOCK_INIT(&lock_class_view);
static struct host_names names = {"scarlet", "(none)"};

void host_names(struct host_names *out)
{
    spin_lock(&lock);
    *out = names;
    spin_unlock(&lock);
}

static void set(char *dst, const char *name, usize len)
{
    spin_lock(&lock);
    memset(dst, 0, HOST_NAME_MAX + 1);
    memcpy(dst, name, len);
    spin_unlock(&lock);
}

void host_set_node(const char *name, usize len)
{
    set(names.node, name, len);
}

void host_set_domain(const char *name, usize len)
{
    set(names.domain, name, len);
}
