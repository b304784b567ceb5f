// Tracing of calls to the kernel log: which tasks, and the line for one call. The selection is made
// at boot and constant afterwards.
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <syscall/dispatch.h>
#include <syscall/trace.h>
#include <task/task.h>

struct trace_line {
    u64 args[6];
    usize len;
    u32 pid;
    char text[];
};

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

enum { LINE = 1024 };

// The line is begun before the call, so that strings and times are shown as they were given.
struct trace_line *syscall_trace_begin(const struct syscall_entry *e, const u64 *args)
{
    struct trace_line *t = kmalloc(sizeof(*t) + LINE, 0);
    if (!t)
        return NULL;
    __builtin_memcpy(t->args, args, sizeof(t->args));
    t->pid = current_task_thread()->tid;
    struct trace_reader rd = {.read = read_user};
    t->len = e && e->desc ? trace_format(t->text, LINE, e->desc, t->args, false, 0, &rd) : 0;
    if (e && e->desc && e->desc->result == TRACE_RET_NONE) { // does not come back
        klog(LOG_INFO, "[pid %u] %s", t->pid, t->text);
        kfree(t);
        return NULL;
    }
    return t;
}

void syscall_trace_end(struct trace_line *t, const struct syscall_entry *e, u64 number, i64 result,
                       const struct trace_errors *errors)
{
    if (!t)
        return;
    struct trace_reader rd = {.read = read_user, .errors = errors};
    if (e && e->desc)
        (void)trace_finish(t->text, LINE, t->len, e->desc, t->args, result, &rd);
    else
        (void)trace_format_unknown(t->text, LINE, NULL, number, t->args, result, &rd);
    klog(LOG_INFO, "[pid %u] %s", t->pid, t->text);
    kfree(t);
}
