// Host substitute: pointers are what they are; user addresses as under Sv39.
#pragma once
#define DIRECT_MAP_BASE 0ul
#define KSTACK_SIZE 0x4000ul
#define KSTACK_SLOT 0x8000ul
#define USER_MIN 0x1000ul
#define USER_TOP_SV39 0x40'0000'0000ul
#define USER_TOP_SV48 0x8000'0000'0000ul
