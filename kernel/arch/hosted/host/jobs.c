// What may take long at the host, done by a few threads of ours while CPUs go on.
//
// Owns the queue. Guarded by `lock`, which is held for moments only. A job belongs to the one who
// started it again as soon as it is marked done.
#include "host.h"
#include <arch/hostfile.h>
#include <pthread.h>
#include <stdatomic.h>

enum { MOST = 8 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct host_job *first, **last = &first;
static u32 waiting, threads, idle;

static void finish(struct host_job *j, i64 result)
{
    j->result = result;
    atomic_store_explicit(&j->done, true, memory_order_release);
}

static void *worker(void *arg)
{
    (void)arg;
    for (;;) {
        pthread_mutex_lock(&lock);
        for (; !first; idle--) {
            idle++;
            pthread_cond_wait(&more, &lock);
        }
        struct host_job *j = first;
        first = j->next;
        if (!first)
            last = &first;
        waiting--;
        pthread_mutex_unlock(&lock);
        finish(j, file_do_job(j));
        external_interrupt(&hosted_cpus[0]);
    }
    return NULL;
}

void host_job_start(struct host_job *j)
{
    j->fd = file_for_job(j);
    j->next = NULL;
    if (j->fd < 0) {
        finish(j, j->fd);
        return;
    }
    pthread_mutex_lock(&lock);
    if (waiting >= idle && threads < MOST && try_thread(worker, NULL))
        threads++;
    bool somebody = threads > 0;
    if (somebody) {
        *last = j;
        last = &j->next;
        waiting++;
        pthread_cond_signal(&more);
    }
    pthread_mutex_unlock(&lock);
    if (!somebody) // the host gives no thread: this CPU waits
        finish(j, file_do_job(j));
}
