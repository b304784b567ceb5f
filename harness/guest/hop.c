// hop PROGRAM ARGUMENTS: becomes PROGRAM, as a program of the Linux, xv6 or native ABI (-DABI_...).
// With a first argument "-f" it says whether the attempt failed and goes on living: prints "failed"
// and ends with 3.
typedef unsigned long u64;

#ifdef ABI_XV6
enum { NR_EXIT = 2, NR_EXEC = 7, NR_WRITE = 16 };
#elifdef ABI_NATIVE
enum { NR_EXIT = 1, NR_EXEC = 3, NR_WRITE = 201 };
#else
enum { NR_EXIT = 93, NR_EXEC = 221, NR_WRITE = 64 };
#endif

static long call(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
    register u64 a7 __asm__("a7") = nr, a0 __asm__("a0") = a, a1 __asm__("a1") = b,
                    a2 __asm__("a2") = c, a3 __asm__("a3") = d;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
    return (long)a0;
}

[[gnu::used]] static void run(u64 argc, char **argv)
{
    char **env = argv + argc + 1;
    int at = argc > 2 && argv[1][0] == '-' && argv[1][1] == 'f' ? 2 : 1;
    (void)call(NR_EXEC, (u64)argv[at], (u64)(argv + at), (u64)env, 0);
    (void)call(NR_WRITE, 1, (u64) "failed\n", 7, 0);
    (void)call(NR_EXIT, 3, 0, 0, 0);
    for (;;)
        ;
}

#if defined(ABI_XV6) || defined(ABI_NATIVE)
__asm__(".globl _start\n_start:\ncall run\n");
#else
__asm__(".globl _start\n_start:\nld a0, 0(sp)\naddi a1, sp, 8\nandi sp, sp, -16\ncall run\n");
#endif
