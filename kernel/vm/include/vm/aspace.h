// Address spaces: ordered areas (vma) over memory objects, demand-paged, copy-on-write, page tables
// shared after fork.
#pragma once
#include <arch/mmu.h>
#include <arch/upcall.h>
#include <lib/rbtree.h>
#include <sched/lock.h>
#include <vm/memobj.h>

enum vma_flags {
    VMA_READ = 1,
    VMA_WRITE = 2,
    VMA_EXEC = 4, // current protection
    VMA_MAYREAD = 8,
    VMA_MAYWRITE = 16,
    VMA_MAYEXEC = 32, // what mprotect may grant
    VMA_SHARED = 64,  // writes reach the object
    VMA_STACK = 128,  // grows down on faults, within the stack limit
    VMA_HEAP = 256,   // the brk area (for /proc and brk)
    VMA_LOCKED = 512,
    VMA_DONTFORK = 1024,
    VMA_WIPEONFORK = 2048,
    VMA_SPECIAL = 4096, // vdso and the like: not merged, not resized
    VMA_NORESERVE = 8192,
};

struct vma {
    struct rb_node node; // in aspace.areas, by address
    u64 start, end;      // page aligned
    u32 flags;
    struct memobj *object; // NULL: anonymous private
    u64 offset;            // bytes into object at start, page aligned
    void *file; // opaque: for /proc/pid/maps (vfs sets name via vma_ops); referenced through ops
    const struct vma_ops *ops;
    struct aspace *aspace;
    struct list object_link; // object->areas (guarded by its map_lock)
    const char *label;       // "[vdso]" etc.
    u64 gap;                 // free bytes below start (a stack's guard gap is not free)
    u64 max_gap;             // largest gap of the subtree
};
struct vma_ops { // for `file`
    void (*get)(void *file);
    void (*put)(void *file);
    void (*gone)(void *file); // an area that showed it is no more; put follows (nothing)
    // Text for /proc/pid/maps; returns length. Also device and inode numbers.
    usize (*describe)(void *file, char *buf, usize cap, u64 *dev, u64 *ino);
    int (*sync)(void *file); // contents to where they last, as fdatasync. NULL: the object's pages
};

struct aspace {
    struct arch_aspace arch; // first
    refcount_t users;        // tasks using it; last one unmaps everything
    refcount_t refs;         // structure
    struct rwlock lock;      // class aspace: readers fault, writers change areas
    // --- guarded by lock ---
    struct rb_root areas;
    u32 area_count;
    u64 brk_start, brk, stack_top, mmap_base;
    u64 arg_start, arg_end, env_start, env_end, start_code, end_code, start_data, end_data;
    u64 stack_limit, as_limit, data_limit; // bytes, copied from the task's limits
    u64 total_pages, locked_pages, data_pages, exec_pages, stack_pages, peak_total;
    u32 def_flags;
    // --- guarded by pt_lock ---
    struct spinlock pt_lock;        // class pagetable
    _Atomic i64 rss_anon, rss_file; // pages
    _Atomic u64 peak_rss;           // written under pt_lock
    u64 vdso_base;                  // where the ABI put its code page; copied by fork
    u8 auxv[512];                   // saved auxiliary vector (for /proc/pid/auxv)
    u32 auxv_len;
    struct zone_table *_Atomic zones; // vm/zone.h: written under lock, read under RCU; NULL: none
    void *exe;                        // opaque executable file (exec layer), put by exe_put
    void (*exe_get)(void *);          // a forked space shows the same file
    void (*exe_put)(void *);
};

// A new empty space: users 1, refs 1. -E_NOMEM.
[[nodiscard]] int aspace_create(struct aspace **out);
// Copy for fork: areas copied, leaf tables shared and parked; costs the number of table pages, not
// of resident pages. Caller is the owner.
[[nodiscard]] int aspace_fork(struct aspace *parent, struct aspace **out);
void aspace_get_user(struct aspace *as);
// The last one unmaps everything. May sleep. The caller must not have it active
// (aspace_activate(NULL) or another first).
void aspace_put_user(struct aspace *as);
void aspace_get(struct aspace *as);
void aspace_put(struct aspace *as);
// Makes `as` (a user reference that the caller keeps) the space of the current thread; NULL: none.
// Thread context.
void aspace_activate(struct aspace *as);

struct map_request {
    u64 addr;              // hint or, with MAP_REQ_FIXED, the place
    u64 len;               // bytes > 0; rounded up
    u32 flags;             // enum vma_flags
    u32 how;               // MAP_REQ_*
    u64 low, high;         // without a fixed place: the lowest in [low, high); high 0: anywhere
    struct memobj *object; // reference taken
    u64 offset;
    void *file;
    const struct vma_ops *ops;
    const char *label;
};
enum {
    MAP_REQ_FIXED = 1,
    MAP_REQ_NOREPLACE = 2,
    MAP_REQ_POPULATE = 4,
    MAP_REQ_LOW = 8 /* may be below USER_MIN (xv6) */
};
// Maps; returns the address or -E_NOMEM, -E_EXIST, -E_INVAL, -E_PERM, -E_OVERFLOW. Takes as->lock.
// Private without object: anonymous memory, which may always be given any protection. VMA_SHARED
// without object: a fresh shared object of this length. Takes its own references to object and
// file; the caller keeps its own. FIXED without NOREPLACE unmaps what is there.
[[nodiscard]] i64 aspace_map(struct aspace *as, const struct map_request *r);
[[nodiscard]] int aspace_unmap(struct aspace *as, u64 addr, u64 len); // -E_INVAL, -E_NOMEM (split)
[[nodiscard]] int aspace_protect(struct aspace *as, u64 addr, u64 len,
                                 u32 prot); // -E_ACCES, -E_NOMEM
[[nodiscard]] i64 aspace_remap(struct aspace *as, u64 old, u64 old_len, u64 new_len, u32 flags,
                               u64 new_addr); // mremap semantics (Linux 6.12)
enum { REMAP_MAYMOVE = 1, REMAP_FIXED = 2, REMAP_DONTUNMAP = 4 };
[[nodiscard]] i64 aspace_set_brk(struct aspace *as,
                                 u64 brk); // returns the new (or unchanged) break
enum aspace_advice {
    ADVISE_NORMAL,
    ADVISE_DONTNEED,
    ADVISE_FREE,
    ADVISE_WILLNEED,
    ADVISE_DONTFORK,
    ADVISE_DOFORK,
    ADVISE_WIPEONFORK,
    ADVISE_KEEPONFORK,
    ADVISE_REMOVE,
    ADVISE_POPULATE_READ,
    ADVISE_POPULATE_WRITE
};
[[nodiscard]] int aspace_advise(struct aspace *as, u64 addr, u64 len, enum aspace_advice a);
// msync: -E_INVAL, -E_BUSY (invalidate of locked memory), -E_NOMEM (holes; the rest is done),
// -E_IO.
enum { ASPACE_SYNC_ASYNC = 1, ASPACE_SYNC_INVALIDATE = 2, ASPACE_SYNC_WAIT = 4 };
[[nodiscard]] int aspace_sync(struct aspace *as, u64 addr, u64 len, u32 flags);
// One byte a page into vec (kernel memory): 1 resident. -E_INVAL, -E_NOMEM (a hole).
[[nodiscard]] int aspace_mincore(struct aspace *as, u64 addr, u64 len, u8 *vec);
// mlock/munlock; locking faults everything in. Limits are the caller's. -E_INVAL, -E_NOMEM,
// -E_AGAIN (could not be faulted in).
[[nodiscard]] int aspace_lock_range(struct aspace *as, u64 addr, u64 len, bool lock);

enum fault_result { FAULT_OK = 0, FAULT_NO_AREA, FAULT_DENIED, FAULT_BUS, FAULT_OOM };
// Serves a fault of `access` at addr. Takes as->lock for reading. Thread context, may sleep.
enum fault_result aspace_fault(struct aspace *as, u64 addr, u32 access);

// Called by user copies when memory for the current task runs out; true: some was (or is being)
// freed, try again; false: give up (the copy then fails). No locks held. Set once at boot by the
// task layer.
void aspace_set_oom_hook(bool (*fn)(void));

// Once at boot, after frame_init and before the first address space. -E_NOMEM.
[[nodiscard]] int vm_init(void);

// Calls fn for each area in order under the read lock; stops when fn returns non-zero and returns
// that.
int aspace_for_each(struct aspace *as, int (*fn)(const struct vma *v, void *arg), void *arg);
// Finds the area containing addr (call with lock held), or the first above it with
// aspace_find_next.
struct vma *aspace_find(struct aspace *as, u64 addr);
struct vma *aspace_find_next(struct aspace *as, u64 addr);
// How many areas a space may have (/proc/sys/vm/max_map_count). Spaces that have more keep them.
void aspace_set_max_areas(u32 n);
u32 aspace_max_areas(void);
// Per-area resident pages (for smaps/statm); lock held.
u64 vma_resident(const struct vma *v);

// Copies from/to another space (ptrace, /proc/pid/mem, cmdline). Returns bytes copied or -E_FAULT.
// Kernel buffer.
[[nodiscard]] i64 aspace_read(struct aspace *as, u64 addr, void *dst, usize n);
[[nodiscard]] i64 aspace_write(struct aspace *as, u64 addr, const void *src, usize n);
