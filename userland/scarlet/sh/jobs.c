// Jobs: the tasks of one command line, their group, who has the terminal.
#include "sh.h"

int shell_group, terminal = -1;
static struct job *jobs;
static int group_before; // the group that had the terminal before this shell

void jobs_init(void)
{
    // What the terminal's keys send is for the jobs.
    (void)scarlet_call_event_block(1u << SCARLET_EVENT_INTERRUPT | 1u << SCARLET_EVENT_QUIT |
                                   1u << SCARLET_EVENT_TTY_STOP | 1u << SCARLET_EVENT_TTY_INPUT |
                                   1u << SCARLET_EVENT_TTY_OUTPUT);
    shell_group = group_before = (int)scarlet_call_group_get(0);
    long own = scarlet_call_getpid();
    if (shell_group != own && scarlet_call_group_set(0, 0) == 0)
        shell_group = (int)own;
    terminal_to(shell_group);
}

void jobs_end(void)
{
    if (!interactive || scarlet_call_getpid() != shell_task || group_before == shell_group)
        return;
    terminal_to(group_before);
    (void)scarlet_call_group_set(0, group_before);
}

void terminal_to(int group)
{
    if (terminal >= 0)
        (void)scarlet_call_control(terminal, SCARLET_CONTROL_TERMINAL_SET_GROUP, (u64)group);
}

struct job *job_new(const char *text)
{
    struct job *j = allocate(sizeof(*j)), **p = &jobs;
    j->number = 1;
    j->text = copy_string(text);
    for (; *p; p = &(*p)->next)
        if ((*p)->number >= j->number)
            j->number = (*p)->number + 1;
    *p = j;
    return j;
}

void job_add(struct job *j, int task)
{
    j->tasks = reallocate(j->tasks, (usize)(j->ntasks + 1) * sizeof(int));
    j->tasks[j->ntasks++] = task;
    if (!task) // a part that could not be started
        return;
    if (!j->group)
        j->group = task;
    j->left++;
}

static void job_drop(struct job *j)
{
    for (struct job **p = &jobs; *p; p = &(*p)->next)
        if (*p == j) {
            *p = j->next;
            break;
        }
    release(j->tasks);
    release(j->text);
    release(j);
}

// What waitpid said of a task of some job.
static void note(int task, const struct scarlet_task_end *e)
{
    for (struct job *j = jobs; j; j = j->next)
        for (int i = 0; i < j->ntasks; i++) {
            if (j->tasks[i] != task)
                continue;
            if (e->kind == SCARLET_END_STOPPED) {
                j->stopped = true;
            } else if (e->kind == SCARLET_END_CONTINUED) {
                j->stopped = false;
            } else {
                if (i == j->ntasks - 1) {
                    j->status = end_code(e);
                    j->last = task;
                }
                j->tasks[i] = -1;
                j->left--;
            }
            return;
        }
}

// A job in the foreground does not stop for want of the terminal: it asked just before it was
// given.
static bool wanted_terminal(const struct scarlet_task_end *e)
{
    return e->kind == SCARLET_END_STOPPED &&
           (e->code == SCARLET_EVENT_TTY_INPUT || e->code == SCARLET_EVENT_TTY_OUTPUT);
}

int job_wait(struct job *j)
{
    struct scarlet_task_end e = {0};
    bool fore =
        interactive && terminal >= 0 && j->group && scarlet_call_group_get(0) == shell_group;
    if (fore && j->left) {
        terminal_to(j->group);
        (void)scarlet_call_kill(-j->group, SCARLET_EVENT_CONTINUE); // it may be stopped already
    }
    j->stopped = false;
    while (j->left && !j->stopped) {
        int want = -1;
        for (int i = 0; i < j->ntasks; i++)
            if (j->tasks[i] > 0)
                want = j->tasks[i];
        long t = scarlet_call_waitpid(want, &e, fore ? SCARLET_WAIT_STOPPED : 0);
        if (t > 0)
            note((int)t, &e);
        else if (t != -SCARLET_INTERRUPTED)
            break;
        if (fore && j->stopped && wanted_terminal(&e)) {
            j->stopped = false;
            (void)scarlet_call_kill(-j->group, SCARLET_EVENT_CONTINUE);
        }
    }
    if (fore)
        terminal_to(shell_group);
    if (j->stopped) {
        say("[%d] stopped  %s", j->number, j->text);
        return 128 + event_number(SCARLET_EVENT_TTY_STOP);
    }
    int s = j->status;
    if (fore && e.kind == SCARLET_END_EVENT && e.code == SCARLET_EVENT_FAULT)
        say("%s: ended by a fault", j->text);
    else if (fore && e.kind == SCARLET_END_EVENT && e.code == SCARLET_EVENT_INTERRUPT)
        (void)write_all(2, "\n", 1);
    job_drop(j);
    return s;
}

void jobs_reap(bool tell)
{
    struct scarlet_task_end e;
    long t;
    while ((t = scarlet_call_waitpid(
                -1, &e, SCARLET_WAIT_NOHANG | SCARLET_WAIT_STOPPED | SCARLET_WAIT_CONTINUED)) > 0)
        note((int)t, &e);
    for (struct job *j = jobs, *next; j; j = next) {
        next = j->next;
        if (!j->left && interactive) { // a script may still wait for it
            if (tell)
                say("[%d] done %d  %s", j->number, j->status, j->text);
            job_drop(j);
        }
    }
}

// %N job N, %% and %+ (or nothing) the last one, %- the one before, %text by how its command
// begins; a plain number: of its group.
static struct job *find(const char *s)
{
    struct job *last = NULL, *before = NULL, *named = NULL;
    i64 n = 0;
    bool number = s && parse_number(s + (*s == '%'), &n);
    for (struct job *j = jobs; j; j = j->next) {
        if (number && (*s == '%' ? j->number == n : j->group == n))
            return j;
        if (s && *s == '%' && strncmp(j->text, s + 1, strlen(s + 1)) == 0)
            named = j;
        before = last;
        last = j;
    }
    if (!s || strcmp(s, "%") == 0 || strcmp(s, "%%") == 0 || strcmp(s, "%+") == 0)
        return last;
    if (strcmp(s, "%-") == 0)
        return before ? before : last;
    return number ? NULL : named;
}

int job_group(const char *name)
{
    struct job *j = find(name);
    return j ? j->group : 0;
}

// As job_wait in the background, but ends early when something comes in that has an action: then
// the job stays.
static int wait_for_job(struct job *j)
{
    u32 old = traps_hold();
    while (j->left && !j->stopped && !traps_waiting()) {
        struct scarlet_task_end e;
        long t = scarlet_call_waitpid(-1, &e, SCARLET_WAIT_NOHANG | SCARLET_WAIT_STOPPED);
        if (t > 0)
            note((int)t, &e);
        else if (t < 0 || traps_wait() == -SCARLET_BAD_ARGUMENT)
            break;
    }
    (void)scarlet_call_event_block(old);
    return j->left && traps_waiting() ? traps_status() : job_wait(j);
}

static int wait_for_task(i64 n)
{
    for (struct job *j = jobs; j; j = j->next)
        for (int i = 0; i < j->ntasks; i++)
            if (j->tasks[i] == n || (!j->left && j->last == n))
                return wait_for_job(j);
    return 127;
}

static int wait_for_jobs(const char *arg)
{
    i64 n;
    if (arg && *arg != '%' && parse_number(arg, &n))
        return wait_for_task(n);
    if (arg) {
        struct job *j = find(arg);
        return j ? wait_for_job(j) : 127;
    }
    while (jobs && !jobs->stopped && !traps_waiting())
        (void)wait_for_job(jobs);
    return traps_waiting() ? traps_status() : 0;
}

int jobs_builtin(struct list_of_strings *argv, struct io *io)
{
    const char *what = argv->v[0], *arg = argv->n > 1 ? argv->v[1] : NULL;
    if (strcmp(what, "jobs") == 0) {
        jobs_reap(false);
        for (struct job *j = jobs; j; j = j->next)
            io_print(io, 1, "[%d] %-8s %d  %s\n", j->number, j->stopped ? "stopped" : "running",
                     j->group, j->text);
        return 0;
    }
    if (strcmp(what, "wait") == 0) {
        return wait_for_jobs(arg);
    }
    struct job *j = find(arg);
    if (!j) {
        say("%s: %s%sno such job", what, arg ? arg : "", arg ? ": " : "");
        return 1;
    }
    if (strcmp(what, "fg") == 0) {
        io_print(io, 1, "%s\n", j->text);
        terminal_to(j->group);
        (void)scarlet_call_kill(-j->group, SCARLET_EVENT_CONTINUE);
        return job_wait(j);
    }
    j->stopped = false;
    return scarlet_call_kill(-j->group, SCARLET_EVENT_CONTINUE) < 0;
}
