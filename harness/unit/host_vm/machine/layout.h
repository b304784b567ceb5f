// Host substitute: physical memory is an arena; user addresses as under Sv39.
#pragma once
#include <stdint.h>

extern uint64_t fake_direct_map; // what to add to a physical address to get a pointer
#define DIRECT_MAP_BASE fake_direct_map
#define KSTACK_SIZE 0x4000ul
#define KSTACK_SLOT 0x8000ul
#define USER_MIN 0x1000ul
#define USER_TOP_SV39 0x40'0000'0000ul
#define USER_TOP_SV48 0x8000'0000'0000ul
