// Tracing of calls: which tasks, and the line for one call, for the kernel's log or for whoever
// started the machine (arch/firmware.h). The selection is made at boot and constant afterwards.
#include "trace_json.h"
#include <arch/firmware.h>
#include <device/clock.h>
#include <kerr.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <syscall/dispatch.h>
#include <syscall/trace.h>
#include <task/abi.h>

struct trace_line {
    struct trace_head head;
    u64 args[6];
    usize len, cap;
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

enum { LINE = 1024, LONG_LINE = 16384, PREFIX = 24 }; // in the log; for others; pid and newline

static struct trace_reader reader(const struct trace_errors *errors)
{
    return (struct trace_reader){
        .read = read_user, .errors = errors, .in_parts = arch_trace_kind() == ARCH_TRACE_JSON};
}

// Consumes the line. errors NULL: the call did not end.
static void finish(struct trace_line *t, bool ended, i64 result, const struct trace_errors *errors)
{
    char *json;
    usize n;
    switch (arch_trace_kind()) {
    case ARCH_TRACE_LOG:
        klog(LOG_INFO, "[pid %u] %s", t->head.tid, t->text);
        break;
    case ARCH_TRACE_TEXT:
        t->len = MIN(t->len, t->cap - 1);
        memmove(t->text + PREFIX, t->text, t->len);
        n = (usize)ksnprintf(t->text, PREFIX, "[pid %u] ", t->head.tid);
        memmove(t->text + n, t->text + PREFIX, t->len);
        t->text[n + t->len] = '\n';
        arch_trace_write(t->text, n + t->len + 1);
        break;
    case ARCH_TRACE_JSON:
        t->head.ended_ns = ended ? arch_time_ns() : 0;
        t->head.cut = t->len >= t->cap;
        json = trace_json(&t->head, t->text, result, errors, &n);
        if (json)
            arch_trace_write(json, n);
        kfree(json);
    }
    kfree(t);
}

// The line is begun before the call, so that strings and times are shown as they were given.
struct trace_line *syscall_trace_begin(const struct syscall_entry *e, const u64 *args)
{
    usize cap = arch_trace_kind() == ARCH_TRACE_LOG ? LINE : LONG_LINE;
    struct trace_line *t = kmalloc(sizeof(*t) + cap + PREFIX + 1, 0);
    if (!t)
        return NULL;
    const struct task *task = current_task();
    *t = (struct trace_line){.head = {.wall_ns = clock_realtime_ns(),
                                      .begun_ns = arch_time_ns(),
                                      .pid = task->pid,
                                      .tid = current_task_thread()->tid,
                                      .abi = task->abi->name},
                             .cap = cap};
    memcpy(t->args, args, sizeof(t->args));
    t->text[0] = 0;
    struct trace_reader rd = reader(NULL);
    t->len = e && e->desc ? trace_format(t->text, cap, e->desc, t->args, false, 0, &rd) : 0;
    if (e && e->desc && e->desc->result == TRACE_RET_NONE) { // does not come back
        finish(t, false, 0, NULL);
        return NULL;
    }
    return t;
}

void syscall_trace_end(struct trace_line *t, const struct syscall_entry *e, u64 number, i64 result,
                       const struct trace_errors *errors)
{
    if (!t)
        return;
    struct trace_reader rd = reader(errors);
    if (e && e->desc)
        t->len = trace_finish(t->text, t->cap, t->len, e->desc, t->args, result, &rd);
    else
        t->len = trace_format_unknown(t->text, t->cap, NULL, number, t->args, result, &rd);
    finish(t, true, result, errors);
}
