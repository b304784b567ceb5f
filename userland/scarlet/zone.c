// zone: shows what zones are: a few instructions of another ABI inside this native program. zone
// run ABI CALL [a0 a1 a2]: makes one call under that ABI from a zone and prints the raw result.
#include <scarlet/scarlet.h>

static long make_call(const char *abi, long nr, long a, long b, long c)
{
    long page = scarlet_call_map(SCARLET_NO_HANDLE, NULL, 4096,
                                 SCARLET_PROTECT_READ | SCARLET_PROTECT_WRITE, 0, 0);
    if (page < 0)
        die("map: %s", status_text(page));
    memcpy((void *)page, (const void *)raw_call, (usize)(raw_call_end - (const char *)raw_call));
    long r =
        scarlet_call_protect((void *)page, 4096, SCARLET_PROTECT_READ | SCARLET_PROTECT_EXECUTE);
    if (r < 0)
        die("protect: %s", status_text(r));
    code_written();
    r = scarlet_call_register_abi_zone((void *)page, 4096, abi);
    if (r < 0)
        die("zone of %s: %s", abi, status_text(r));
    struct scarlet_zone_info z;
    for (u32 i = 0; scarlet_call_list_abi_zones(i, &z) == 0; i++)
        out("zone %lx + %lx: %s\n", z.start, z.length, z.abi);
    flush();
    return ((typeof(raw_call) *)page)(nr, (u64)a, (u64)b, (u64)c, 0, 0, 0);
}

int main(int argc, char **argv)
{
    help_asked(argc, argv, "run ABI CALL [a0 a1 a2]");
    if (argc < 4 || strcmp(argv[1], "run") != 0) {
        say("usage: zone run ABI CALL [a0 a1 a2]");
        return 2;
    }
    long a[3] = {0};
    for (int i = 0; i < 3 && argc > 4 + i; i++)
        a[i] = number_argument(argv[4 + i]);
    out("result %ld\n", make_call(argv[2], number_argument(argv[3]), a[0], a[1], a[2]));
    return 0;
}
