// Between the files of this driver: interrupt lines that the platform's firmware multiplexes.
#pragma once
#include <lib/types.h>

enum { LINE_CONSOLE = 1, LINE_STREAM, LINE_REQUEST, LINE_JOB, LINES };
void stream_irq(u32 irq, void *arg);
void job_irq(u32 irq, void *arg);
