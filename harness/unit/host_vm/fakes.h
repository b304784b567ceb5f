// A machine for the address-space tests: frames whose use after freeing the address sanitizer
// reports, slabs that are malloc, and a translation buffer with a table-pointer cache that forget
// only what they are told to forget.
#pragma once
#include <arch/upcall.h>
#include <mem/frame.h>
#include <vm/aspace.h>

void fake_init(void);
// Frames, slabs and table nodes that are allocated now.
u64 fake_frames_used(void);
u64 fake_slabs_used(void);
// Physical address of page i of a read-only boot image (reserved RAM).
paddr_t fake_image_page(u32 i);
enum { FAKE_IMAGE_PAGES = 64 };
// Every allocation fails with probability 1/n (0: never).
void fake_fail_one_in(u32 n);
// The n-th allocation from now fails, once (0: none does). True if it has.
void fake_fail_nth(u32 n);
bool fake_failed(void);
// Runs what was handed to rcu_call.
void fake_rcu(void);
// Calls the reclaim hooks.
u64 fake_reclaim(u64 want);
u32 fake_random(void);

// What the machine does for a user access: a pointer to the byte, or NULL and it would fault. Uses
// and fills the translation buffer.
void *fake_access(struct aspace *as, u64 va, u32 access);
// Forgets a random translation, as hardware may at any time.
void fake_evict(struct aspace *as);
