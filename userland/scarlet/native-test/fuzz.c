// fuzz SEED CALLS: calls by chance with arguments by chance. Whatever happens to this program, the
// kernel must stay whole; the parent (fuzz_parts) ends what waits for something that never comes.
#include "check.h"

enum { SEEDS = 25, CALLS = 20000, LAST_CALL = 922 };
static const u64 PATIENCE = 150000000;

static u64 state;
static u32 chance(u32 n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)(state >> 20) % n;
}

// Those that end this program, leave its world or reach others.
static bool left_out(u32 nr)
{
    static const u16 numbers[] = {
        SCARLET_SYS_exit,
        SCARLET_SYS_exit_thread,
        SCARLET_SYS_clone,
        SCARLET_SYS_execve,
        SCARLET_SYS_execve_abi,
        SCARLET_SYS_kill,
        SCARLET_SYS_brk,
        SCARLET_SYS_sbrk,
        SCARLET_SYS_thread_create,
        SCARLET_SYS_unmap,
        SCARLET_SYS_protect,
        SCARLET_SYS_remap,
        SCARLET_SYS_umount,
        SCARLET_SYS_pivot_root,
        SCARLET_SYS_send_direct,
        SCARLET_SYS_clock_set,
        SCARLET_SYS_set_node_name,
        SCARLET_SYS_event_return,
        SCARLET_SYS_mount,
        SCARLET_SYS_memory_lock,
        SCARLET_SYS_event_handler,
        SCARLET_SYS_task_open,
        SCARLET_SYS_register_abi_zone,
        SCARLET_SYS_sleep,
        SCARLET_SYS_sleep_until,
        SCARLET_SYS_event_take,
    };
    for (usize i = 0; i < ARRAY_LEN(numbers); i++)
        if (numbers[i] == nr)
            return true;
    return false;
}

static u64 some_value(char *memory)
{
    static const char *const names[] = {"/tmp/fz",   "/tmp/fz/a", "a",   "..",      "/",    "",
                                        "/tmp/fz/s", "linux",     "xv6", "scarlet", "tmpfs"};
    static const u64 odd[] = {0,          1,     2,          4096,       0x7fffffff,
                              0x80000000, ~0ull, ~0ull >> 1, 1ull << 40, (u64)(i64)-100};
    switch (chance(8)) {
    case 0:
        return (u64)names[chance(ARRAY_LEN(names))];
    case 1:
        return odd[chance(ARRAY_LEN(odd))];
    case 2:
    case 3:
        return (u64)(memory + 8 * chance(1000));
    case 4:
        return 1u << chance(17);
    default:
        return chance(24); // a handle, a kind, a small number
    }
}

int fuzz(u64 seed, u64 calls)
{
    char *memory = allocate(16384);
    state = seed * 0x9e3779b97f4a7c15 + 1;
    (void)scarlet_call_create_directory("/tmp/fz", 0755);
    (void)scarlet_call_change_directory("/tmp/fz");
    for (u64 i = 0; i < calls; i++) {
        u32 nr = 1 + chance(LAST_CALL);
        if (left_out(nr))
            continue;
        if (chance(4) == 0)
            for (int k = 0; k < 64; k++)
                ((u32 *)(void *)memory)[chance(4096)] = (u32)some_value(memory);
        u64 v[6];
        for (usize k = 0; k < ARRAY_LEN(v); k++)
            v[k] = some_value(memory);
        (void)raw_call(nr, v[0], v[1], v[2], v[3], v[4], v[5]);
    }
    return 0;
}

void fuzz_parts(void)
{
    char seed[24], calls[24], *argv[] = {"native-test", "fuzz", seed, calls, NULL};
    const char *first = env_get("SEED");
    u64 base = first ? (u64)number_argument(first) : 1;
    long null = scarlet_call_open("/dev/null", SCARLET_OPEN_READ | SCARLET_OPEN_WRITE, 0);
    struct scarlet_spawn_handle h[3];
    for (int i = 0; i < 3; i++)
        h[i] = (struct scarlet_spawn_handle){(i32)null, i, SCARLET_SAME_RIGHTS, 0};
    format(calls, sizeof(calls), "%d", CALLS);
    for (u64 s = base; s < base + SEEDS; s++) {
        format(seed, sizeof(seed), "%lu", s);
        long t = child(argv, h, 3, false);
        u64 now = (u64)scarlet_call_clock_get(SCARLET_CLOCK_MONOTONIC);
        CHECK(t >= 0);
        if (scarlet_call_task_wait((int)t, NULL, now + PATIENCE) == -SCARLET_TIMED_OUT)
            CHECK(scarlet_call_task_kill((int)t, SCARLET_EVENT_KILL) == 0 &&
                  scarlet_call_task_wait((int)t, NULL, FOREVER) == 0);
        scarlet_call_close((int)t);
    }
    scarlet_call_close((int)null);
    (void)remove_tree("/tmp/fz");
}
