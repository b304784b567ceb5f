// Long work of the system underneath (arch/hostfile.h), waited for asleep.
#pragma once
#include <arch/hostfile.h>

// Has j done. Returns what came of it. Thread context; cannot be interrupted.
[[nodiscard]] i64 host_job_run(struct host_job *j);
