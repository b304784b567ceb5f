// Stopping and continuing (job control), and waking threads for events. Guarded by task.lock.
#include "private.h"

static void (*init_stop)(void); // set before the first program runs

void task_set_init_stop(void (*fn)(void))
{
    init_stop = fn;
}

bool task_init_can_stop(void)
{
    return init_stop;
}

void task_wake_thread(struct task_thread *tt)
{
    thread_set_work(tt->thread, WORK_EVENT);
    thread_interrupt(tt->thread);
}

void task_stop(i32 number)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    bool still = t->stop_taken;
    t->stop_taken = false;
    if (still && !t->exiting && !t->stop_wanted) {
        t->stop_wanted = true;
        t->stop_number = number;
        t->stopped_threads = 0;
        t->was_continued_unreported = false;
        struct task_thread *tt;
        list_for_each_entry (tt, &t->threads, link)
            task_wake_thread(tt);
    }
    spin_unlock(&t->lock);
}

void task_continue_locked(struct task *t)
{
    t->stop_taken = false;
    if (!t->stop_wanted)
        return;
    t->stop_wanted = false;
    t->was_stopped_unreported = false;
    if (t->stopped)
        t->was_continued_unreported = true;
    t->stopped = false;
    struct task_thread *tt;
    list_for_each_entry (tt, &t->threads, link)
        thread_continue(tt->thread);
}

void task_check_stop(void)
{
    struct task_thread *tt = current_task_thread();
    struct task *t = tt->task;
    if (!t->stop_wanted)
        return;
    bool did_stop = false;
    for (;;) {
        spin_lock(&t->lock);
        if (!t->stop_wanted || t->exiting || tt->leaving)
            break;
        bool last = false;
        if (!tt->stopped) {
            tt->stopped = true;
            last = ++t->stopped_threads >= t->thread_count;
            if (last) {
                t->stopped = true;
                t->was_stopped_unreported = true;
            }
        }
        did_stop = true;
        struct exit_info info = {.kind = EXIT_STOPPED, .number = t->stop_number};
        spin_unlock(&t->lock);
        if (last)
            parent_notify(t, &info, EVENT_CHILD);
        if (last && t == init_task && init_stop)
            init_stop();
        thread_set_state(THREAD_STOPPED);
        // Continued or ended between the check and here: do not sleep.
        if (!t->stop_wanted || task_should_die()) {
            thread_set_state(THREAD_RUNNABLE);
            continue;
        }
        schedule();
    }
    if (tt->stopped) {
        tt->stopped = false;
        t->stopped_threads--;
    }
    bool tell = did_stop && t->was_continued_unreported && t->stopped_threads == 0;
    spin_unlock(&t->lock);
    if (tell) {
        struct exit_info info = {.kind = EXIT_CONTINUED, .number = 0};
        parent_notify(t, &info, EVENT_CHILD);
    }
}
