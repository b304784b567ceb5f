// What the terminal layer must ask an ABI: would this event do nothing to the current thread
// because it is ignored or blocked? Found through a linker set by the task's ABI. Without an answer
// the event is sent to the thread and the layer looks whether it became pending.
#pragma once
#include <task/abi.h>

struct tty_policy {
    const struct abi_module *abi;
    bool (*ignores)(enum event_kind kind); // current thread: ignored or blocked
};
SET_DECLARE(tty_policy, const struct tty_policy);
#define TTY_POLICY(record) SET_ENTRY(tty_policy, record)
