// Who waits for jobs of the system underneath. Owns one wait queue for all; no lock: the jobs' own
// marks say when they are done.
#include "firmware.h"
#include <device/host_job.h>
#include <sched/wait.h>

static struct waitqueue job_wait = WAITQUEUE_INIT(job_wait);

void job_irq(u32 irq, void *arg)
{
    (void)irq, (void)arg;
    wake_all(&job_wait, 0);
}

i64 host_job_run(struct host_job *j)
{
    i64 r;
    arch_host_start(j);
    wait_event(&job_wait, arch_host_done(j, &r));
    return r;
}
