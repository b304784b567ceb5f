// The first program when whoever started the machine names it: strings and numbers in /chosen,
// scarlet,init-argv and -envp (lists of strings), -cwd, -ids (user, group, umask, further groups),
// -abi (the ABI that has to take it), -limits, -signals (what it finds ignored and blocked).
// It is started as a shell would start it there. When it ends, the machine ends with its status, or
// by the signal that ended it; what is asked of the machine meanwhile is passed on to it.
#include "init.h"
#include <arch/firmware.h>
#include <device/device.h>
#include <device/stream.h>
#include <exec/environment.h>
#include <exec/exec.h>
#include <hostfs/channel.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/handle.h>
#include <sched/timer.h>
#include <sync/log.h>
#include <task/task.h>
#include <tty/tty.h>
#include <vfs/ops.h>
#include <vfs/path.h>

// The strings of a property as a NULL-ended array; NULL: no such property, or no memory.
static const char **chosen_strings(const char *name)
{
    u32 len, count = 0;
    const char *p = device_chosen(name, &len);
    if (!p || !len || p[len - 1])
        return NULL;
    for (u32 i = 0; i < len; i++)
        count += !p[i];
    const char **list = kmalloc_array(count + 1ul, sizeof(*list), ALLOC_ZERO);
    for (u32 i = 0; list && i < count; i++) {
        list[i] = p;
        p += strlen(p) + 1;
    }
    return list;
}

static void ended(const struct exit_info *how)
{
    vfs_sync(false);
    hostfs_sync_channels();
    if (how->kind != EXIT_NORMAL)
        arch_poweroff_killed((u32)how->number);
    arch_poweroff_status((u32)how->number & 0xff);
}

static void on_request(u32 set)
{
    static const u16 events[] = {
        [REQUEST_INTERRUPT] = EVENT_INTERRUPT, [REQUEST_QUIT] = EVENT_QUIT,
        [REQUEST_HANGUP] = EVENT_HANGUP,       [REQUEST_TERMINATE] = EVENT_TERMINATE,
        [REQUEST_USER1] = EVENT_ABI + 10,      [REQUEST_USER2] = EVENT_ABI + 12};
    for (u32 i = 0; i < ARRAY_LEN(events); i++) {
        if (!(set >> i & 1))
            continue;
        const struct event e = {.kind = (enum event_kind)events[i], .code = EVC_USER};
        struct pgrp *pg = NULL;
        if (set >> REQUEST_KEYBOARD & 1 && i <= REQUEST_QUIT) {
            spin_lock(&tree_lock);
            pg = init_task->pgrp;
            if (pg)
                pgrp_get(pg);
            spin_unlock(&tree_lock);
        }
        if (pg) {
            (void)event_post_pgrp(pg, &e);
            pgrp_put(pg);
        } else {
            (void)event_post(init_task, &e);
        }
    }
}

// The program has stopped: so does the machine, and both go on together.
static struct work stop_work;

static void stand_still(struct work *w)
{
    (void)w;
    arch_suspend();
    const struct event e = {.kind = EVENT_CONTINUE, .code = EVC_KERNEL};
    spin_lock(&tree_lock);
    struct pgrp *pg = init_task->pgrp;
    pgrp_get(pg);
    spin_unlock(&tree_lock);
    (void)event_post_pgrp(pg, &e);
    pgrp_put(pg);
}

static void stopped(void)
{
    work_queue(&stop_work);
}

static u32 cell(const u8 *p, u32 i)
{
    p += i * 4ul;
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static int become(void)
{
    u32 len;
    const u8 *p = device_chosen("scarlet,init-ids", &len);
    if (!p || len < 12)
        return 0;
    u32 uid = cell(p, 0), gid = cell(p, 1);
    current_task()->umask = cell(p, 2) & 0777;
    struct cred *c = cred_copy(&root_cred);
    u32 count = len / 4 - 3;
    u32 *groups = count ? kmalloc_array(count, sizeof(*groups), 0) : NULL;
    if (!c || (count && !groups)) {
        if (c)
            cred_put(c);
        kfree(groups);
        return -E_NOMEM;
    }
    for (u32 i = 0; i < count; i++)
        groups[i] = cell(p, 3 + i);
    int err = cred_set_groups(c, groups, count);
    kfree(groups);
    if (err) {
        cred_put(c);
        return err;
    }
    c->uid = c->euid = c->suid = c->fsuid = uid;
    c->gid = c->egid = c->sgid = c->fsgid = gid;
    if (uid)
        c->cap_effective = c->cap_permitted = 0;
    task_set_cred(c);
    return 0;
}

static u64 cell64(const u8 *p, u32 i)
{
    return (u64)cell(p, 2 * i) << 32 | cell(p, 2 * i + 1);
}

// Limits of resources as LIMIT_* are numbered, soft and hard, 64 bits each; all ones: none.
static void take_limits(struct task *t)
{
    u32 len;
    const u8 *p = device_chosen("scarlet,init-limits", &len);
    for (u32 i = 0; p && i < LIMIT_COUNT && (i + 1) * 16 <= len; i++) {
        spin_lock(&t->lock);
        t->limits[i] = (struct limit){cell64(p, 2 * i), cell64(p, 2 * i + 1)};
        task_apply_cpu_limit(t);
        spin_unlock(&t->lock);
    }
}

// Two sets of events, ignored and blocked, 64 bits each: by numbers as in exit_info, bit n-1.
static struct abi_signal_status signals(void)
{
    u32 len;
    const u8 *p = device_chosen("scarlet,init-signals", &len);
    if (!p || len < 16)
        return (struct abi_signal_status){0};
    return (struct abi_signal_status){.ignored = cell64(p, 0), .blocked = cell64(p, 1)};
}

static void enter_directory(void)
{
    u32 len;
    const char *name = device_chosen("scarlet,init-cwd", &len);
    if (!name || !len || name[len - 1])
        return;
    struct path base = BASE_CWD, at;
    int err = path_lookup(&base, (struct pathname){name, strlen(name)},
                          LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);
    char *seen = err == -E_NOENT ? kmalloc(PATH_MAX_LEN + 1, 0) : NULL;
    if (seen && bind_seen_name(name, seen, PATH_MAX_LEN + 1))
        err = path_lookup(&base, (struct pathname){seen, strlen(seen)},
                          LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);
    kfree(seen);
    if (err) {
        klog(LOG_NOTICE, "cannot enter %s: %s", name, kerr_name((enum kerr) - err));
        return;
    }
    view_set_cwd(current_view(), &at);
    path_put(&at);
}

// A terminal among its standard channels becomes its controlling one.
static void take_terminal(void)
{
    for (i32 fd = 0; fd < 3; fd++) {
        struct href h;
        if (href_get(&h, fd, 0))
            continue;
        if (h.object->type->kinds & OBJ_KIND_TTY &&
            (task_setsid() >= 0 || current_task()->pgrp->session->leader == current_task()) &&
            tty_set_controlling(h.object, false))
            klog(LOG_NOTICE, "the console is not the first program's controlling terminal");
        href_put(&h);
    }
}

// The variable's value, or NULL.
static const char *variable(const char *const *envp, const char *name)
{
    usize n = strlen(name);
    for (; *envp; envp++)
        if (!strncmp(*envp, name, n) && (*envp)[n] == '=')
            return *envp + n + 1;
    return NULL;
}

// A name without a slash is looked for in PATH, as execvp(3) does. Returns only on failure.
static int run(const struct exec_first *how, const char *const *argv, const char *const *envp)
{
    const char *name = argv[0], *path = variable(envp, "PATH");
    if (strchr(name, '/'))
        return exec_kernel(name, how, argv, envp);
    int result = -E_NOENT;
    char *whole = kmalloc(PATH_MAX_LEN + 1, 0);
    if (!whole)
        return -E_NOMEM;
    for (const char *at = path ? path : "/bin:/usr/bin", *end; at; at = *end ? end + 1 : NULL) {
        end = at;
        while (*end && *end != ':')
            end++;
        usize dir = (usize)(end - at);
        if (dir + strlen(name) + 3 > PATH_MAX_LEN)
            continue;
        memcpy(whole, dir ? at : ".", dir ?: 1);
        dir = dir ?: 1;
        whole[dir] = '/';
        memcpy(whole + dir + 1, name, strlen(name) + 1);
        int err = exec_kernel(whole, how, argv, envp);
        if (err == -E_ACCES)
            result = err;
        else if (err != -E_NOENT && err != -E_NOTDIR)
            result = err, end = "";
    }
    kfree(whole);
    return result;
}

// The ABI that was asked for, NULL: any. Without it the machine ends, with the list of those there
// are.
static const char *chosen_abi(void)
{
    u32 len;
    const char *name = device_chosen("scarlet,init-abi", &len);
    if (!name || !len || name[len - 1] || abi_find(name, strlen(name)))
        return name;
    char list[256] = "";
    SET_FOREACH(m, abi, const struct abi_module)
    {
        strlcat(list, *list ? ", " : "", sizeof(list));
        strlcat(list, (*m)->name, sizeof(list));
    }
    klog(LOG_EMERG, "there is no ABI %s; there are: %s", name, list);
    arch_poweroff_status(STATUS_USAGE);
}

void program_run_chosen(void)
{
    static const char *const no_environment[] = {NULL};
    const char **argv = chosen_strings("scarlet,init-argv"),
               **envp = chosen_strings("scarlet,init-envp");
    if (!argv)
        return;
    const struct exec_first how = {
        .abi = chosen_abi(), .signals = signals(), .started = arch_program_started};
    task_set_init_end(ended);
    work_init(&stop_work, stand_still);
    task_set_init_stop(stopped);
    enter_directory();
    take_terminal();
    take_limits(current_task());
    int err = become();
    firmware_on_request(on_request);
    if (!err)
        err = run(&how, argv, envp ? envp : no_environment);
    klog(LOG_EMERG, "cannot run %s%s%s: %s", argv[0], how.abi ? " as a program of " : "",
         how.abi ? how.abi : "", kerr_name((enum kerr) - err));
    arch_poweroff_status(err == -E_NOENT ? 127 : 126);
}
