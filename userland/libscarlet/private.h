// Inside libscarlet.
#pragma once
#include <scarlet/scarlet.h>

void relocate_self(u64 base, const u64 *dynamic);
void start_c(int argc, char **argv);
void event_entry(void);
void event_dispatch(const struct scarlet_task_event *e);
void thread_entry(void);
struct thread_begin;
void thread_begin_c(struct thread_begin *b);
