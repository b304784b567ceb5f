// Tracing of calls to the kernel log: which tasks, and the line for one call. The selection is made at boot and constant afterwards.
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <syscall/dispatch.h>
#include <syscall/trace.h>
#include <task/task.h>

bool syscall_trace_any;
static char wanted[32];
static bool everybody;

void syscall_trace_select(const char *name)
{
    strlcpy(wanted, name, sizeof(wanted));
    everybody = strcmp(name, "all") == 0;
    syscall_trace_any = name[0] != 0;
}

bool syscall_trace_wanted(void)
{
    return everybody || strcmp(current_task()->name, wanted) == 0;
}

static int read_user(void *ctx, void *dst, u64 addr, usize n)
{
    (void)ctx;
    return user_copy_in(dst, uaddr(addr), n);
}

void syscall_trace(const struct syscall_entry *e, u64 number, const u64 *args, i64 result, const struct trace_errors *errors)
{
    enum { LINE = 1024 };
    char *line = kmalloc(LINE, 0);
    if (!line)
        return;
    struct trace_reader rd = {.read = read_user, .errors = errors};
    if (e && e->desc)
        (void)trace_format(line, LINE, e->desc, args, true, result, &rd);
    else
        (void)trace_format_unknown(line, LINE, NULL, number, args, result, &rd);
    klog(LOG_INFO, "[pid %u] %s", current_task()->pid, line);
    kfree(line);
}
