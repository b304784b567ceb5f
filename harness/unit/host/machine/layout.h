// Host substitute: "physical" address 0 lies wherever the test's arena makes it lie.
#pragma once
#include <stdint.h>

extern uint64_t host_direct_map; // what to add to a physical address to get a pointer
#define DIRECT_MAP_BASE host_direct_map
#define KSTACK_SIZE 0x4000ul
#define KSTACK_SLOT 0x8000ul
