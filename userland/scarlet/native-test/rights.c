// Handles and rights: nothing taken away ever comes back.
#include "check.h"

static u32 rights_of(int h)
{
    struct scarlet_handle_info i = {0};
    (void)scarlet_call_query(h, &i);
    return i.rights;
}

static u32 seed = 12345;
static u32 chance(u32 n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

// A walk over calls that make handles out of handles; none may ever hold a right that the first one
// had lost.
static void property(void)
{
    long first = scarlet_call_open(
        "/tmp/rights", SCARLET_OPEN_READ | SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE, 0600);
    for (int round = 0; round < 200; round++) {
        u32 mask = (rights_of((int)first) &
                    (chance(0x8000) | SCARLET_RIGHT_DUPLICATE | SCARLET_RIGHT_TRANSFER));
        long h = scarlet_call_duplicate_to((int)first, mask, HERE, 0);
        CHECK(h >= 0 && rights_of((int)h) == mask);
        for (int step = 0; step < 6 && h >= 0; step++) {
            long next = -1;
            int ends[2], got = -1;
            struct scarlet_channel_result r;
            switch (chance(4)) {
            case 0:
                next = scarlet_call_duplicate((int)h);
                break;
            case 1:
                CHECK(scarlet_call_duplicate_to((int)h, mask | SCARLET_RIGHT_ADMIN, HERE, 0) ==
                      -SCARLET_RIGHTS);
                next = scarlet_call_duplicate_to((int)h, SCARLET_SAME_RIGHTS, HERE, 0);
                break;
            case 2:
                if (scarlet_call_channel_create(ends, 0) == 0) {
                    int moved = (int)h;
                    CHECK(scarlet_call_channel_send(ends[0], "x", 1, &moved, 1) == 0);
                    CHECK(scarlet_call_channel_receive(ends[1], NULL, 1, &got, 1, &r) ==
                              -SCARLET_BAD_ADDRESS ||
                          got >= 0);
                    char c;
                    if (got < 0)
                        CHECK(scarlet_call_channel_receive(ends[1], &c, 1, &got, 1, &r) == 0 &&
                              r.handles == 1);
                    next = got;
                    h = -1;
                    scarlet_call_close(ends[0]);
                    scarlet_call_close(ends[1]);
                }
                break;
            case 3:
                next = h;
                h = -1;
                CHECK(scarlet_call_handle_restrict((int)next, SCARLET_RIGHTS_ALL & ~mask) ==
                      (mask == SCARLET_RIGHTS_ALL ? 0 : -SCARLET_RIGHTS));
                break;
            }
            CHECK(next >= 0 && (rights_of((int)next) & ~mask) == 0);
            if (h >= 0)
                scarlet_call_close((int)h);
            h = next;
        }
        char c = 'x';
        CHECK((scarlet_call_write((int)h, &c, 1) == 1) == ((mask & SCARLET_RIGHT_WRITE) != 0));
        CHECK((scarlet_call_read_at((int)h, &c, 0, 0) == 0) ==
              ((mask & (SCARLET_RIGHT_READ | SCARLET_RIGHT_SEEK)) ==
               (SCARLET_RIGHT_READ | SCARLET_RIGHT_SEEK)));
        scarlet_call_close((int)h);
    }
    scarlet_call_close((int)first);
    (void)scarlet_call_remove("/tmp/rights");
}

// A narrowed directory handle confines.
static void directories(void)
{
    (void)remove_tree("/tmp/box");
    CHECK(scarlet_call_create_directory("/tmp/box", 0755) == 0);
    CHECK(scarlet_call_create_directory("/tmp/box/in", 0755) == 0);
    CHECK(scarlet_call_create_file("/tmp/box/f", 0644) == 0);
    CHECK(scarlet_call_create_symlink("/etc", "/tmp/box/out") == 0);
    long d = scarlet_call_open("/tmp/box", SCARLET_OPEN_DIRECTORY, 0);
    long n = scarlet_call_duplicate_to(
        (int)d, rights_of((int)d) & ~(SCARLET_RIGHT_CREATE | SCARLET_RIGHT_REMOVE), HERE, 0);
    CHECK(d >= 0 && n >= 0);
    CHECK(scarlet_call_open_at((int)n, "../..", SCARLET_OPEN_DIRECTORY, 0) ==
          -SCARLET_OTHER_FILESYSTEM);
    CHECK(scarlet_call_open_at((int)n, "out/passwd", 0, 0) == -SCARLET_OTHER_FILESYSTEM);
    CHECK(scarlet_call_open_at((int)n, "f", SCARLET_OPEN_WRITE, 0) == -SCARLET_RIGHTS);
    CHECK(scarlet_call_create_directory_at((int)n, "new", 0755) == -SCARLET_RIGHTS);
    CHECK(scarlet_call_remove_at((int)n, "f", 0) == -SCARLET_RIGHTS);
    long sub = scarlet_call_open_at((int)n, "in", SCARLET_OPEN_DIRECTORY, 0);
    CHECK(sub >= 0 && !(rights_of((int)sub) & (SCARLET_RIGHT_CREATE | SCARLET_RIGHT_REMOVE)));
    CHECK(scarlet_call_open_at((int)sub, "..", SCARLET_OPEN_DIRECTORY, 0) ==
          -SCARLET_OTHER_FILESYSTEM);
    long f = scarlet_call_open_at((int)n, "f", 0, 0);
    CHECK(f >= 0);
    CHECK(scarlet_call_create_directory_at((int)d, "new", 0755) == 0);
    CHECK(scarlet_call_open_at((int)d, "missing/x", 0, 0) == -SCARLET_NOT_FOUND);
    scarlet_call_close((int)d);
    scarlet_call_close((int)n);
    scarlet_call_close((int)sub);
    scarlet_call_close((int)f);
    CHECK(remove_tree("/tmp/box") == 0);
}

static void statuses(void)
{
    char c;
    CHECK(scarlet_call_read(77, &c, 1) == -SCARLET_BAD_HANDLE);
    CHECK(scarlet_call_read(0, NULL, 1) <= 0);
    CHECK(scarlet_call_open("/no/such", 0, 0) == -SCARLET_NOT_FOUND);
    CHECK(scarlet_call_open(NULL, 0, 0) == -SCARLET_BAD_ADDRESS);
    CHECK(scarlet_call_open("/tmp", 1u << 30, 0) == -SCARLET_BAD_ARGUMENT);
    CHECK(scarlet_call_sbrk(0) > 0);
    CHECK(strcmp(status_name(-SCARLET_RIGHTS), "RIGHTS") == 0);
    CHECK(raw_call(998, 0, 0, 0, 0, 0, 0) == -SCARLET_NO_CALL);
}

void rights_parts(void)
{
    statuses();
    property();
    directories();
}
