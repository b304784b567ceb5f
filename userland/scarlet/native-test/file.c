// Files, names, memory.
#include "check.h"

static void files(void)
{
    char buf[64];
    struct scarlet_metadata m;
    (void)remove_tree("/tmp/ft");
    CHECK(scarlet_call_create_directory("/tmp/ft", 0755) == 0);
    CHECK(scarlet_call_change_directory("/tmp/ft") == 0);
    long f = scarlet_call_open(
        "a", SCARLET_OPEN_READ | SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE | SCARLET_OPEN_EXCLUSIVE,
        0640);
    CHECK(f >= 0 &&
          scarlet_call_open("a", SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE | SCARLET_OPEN_EXCLUSIVE,
                            0) == -SCARLET_EXISTS);
    CHECK(scarlet_call_write((int)f, "hello world", 11) == 11);
    CHECK(scarlet_call_read_at((int)f, buf, 5, 6) == 5 && memcmp(buf, "world", 5) == 0);
    CHECK(scarlet_call_write_at((int)f, "W", 1, 6) == 1 &&
          scarlet_call_seek((int)f, 0, SCARLET_SEEK_CURRENT) == 11);
    struct scarlet_io_vec v[2] = {{.base.p = "ab", .length = 2}, {.base.p = "cd", .length = 2}};
    CHECK(scarlet_call_write_vector((int)f, v, 2) == 4);
    CHECK(scarlet_call_metadata_get((int)f, &m) == 0 && m.size == 15 &&
          m.type == SCARLET_TYPE_REGULAR && m.mode == 0640 && m.links == 1);
    struct scarlet_metadata_change c = {
        .which = SCARLET_SET_MODE | SCARLET_SET_MODIFIED, .mode = 0600, .modified = 1000000000};
    CHECK(scarlet_call_metadata_set((int)f, &c) == 0 &&
          scarlet_call_metadata_at(HERE, "a", 0, &m) == 0 && m.mode == 0600 &&
          m.modified == 1000000000);
    CHECK(scarlet_call_truncate((int)f, 5) == 0 && scarlet_call_metadata_get((int)f, &m) == 0 &&
          m.size == 5);
    CHECK(scarlet_call_lock((int)f, SCARLET_LOCK_EXCLUSIVE, 0, 0, 0) == 0);
    long g = scarlet_call_open("a", SCARLET_OPEN_READ, 0);
    CHECK(scarlet_call_lock((int)g, SCARLET_LOCK_SHARED, 0, 0, 0) == -SCARLET_WOULD_BLOCK);
    CHECK(scarlet_call_lock((int)f, SCARLET_LOCK_NONE, 0, 0, 0) == 0 &&
          scarlet_call_lock((int)g, SCARLET_LOCK_SHARED, 0, 0, 0) == 0);
    long n = scarlet_call_path_of((int)g, buf, sizeof(buf));
    CHECK(n == 9 && memcmp(buf, "/tmp/ft/a", 9) == 0);
    CHECK(scarlet_call_rename(HERE, "a", HERE, "b", 0) == 0 &&
          scarlet_call_link(HERE, "b", HERE, "c", 0) == 0);
    CHECK(scarlet_call_rename(HERE, "b", HERE, "c", SCARLET_RENAME_NO_REPLACE) == -SCARLET_EXISTS);
    CHECK(scarlet_call_create_symlink("b", "l") == 0 &&
          scarlet_call_readlink("l", buf, sizeof(buf)) == 1 && buf[0] == 'b');
    CHECK(scarlet_call_metadata_at(HERE, "l", SCARLET_NO_FOLLOW, &m) == 0 &&
          m.type == SCARLET_TYPE_SYMLINK);
    CHECK(scarlet_call_open("l", SCARLET_OPEN_READ | SCARLET_OPEN_NO_FOLLOW, 0) ==
          -SCARLET_TOO_MANY_SYMLINKS);
    CHECK(scarlet_call_open("b", SCARLET_OPEN_READ | SCARLET_OPEN_TRUNCATE, 0) ==
          -SCARLET_BAD_ARGUMENT);
    CHECK(scarlet_call_create_fifo(HERE, "p", 0600) == 0 &&
          scarlet_call_remove_at(HERE, "p", SCARLET_REMOVE_DIRECTORY) == -SCARLET_NOT_DIRECTORY);
    struct directory *d = allocate(sizeof(*d));
    int names = 0;
    d->handle = (int)scarlet_call_open(".", SCARLET_OPEN_DIRECTORY, 0);
    while (directory_next(d) > 0)
        names++;
    CHECK(names == 4);
    scarlet_call_close(d->handle);
    release(d);
    long cp = scarlet_call_open("copy", SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE, 0600);
    CHECK(scarlet_call_transfer((int)g, (int)cp, 100) == 5);
    scarlet_call_close((int)f);
    scarlet_call_close((int)g);
    scarlet_call_close((int)cp);
    CHECK(scarlet_call_get_directory(buf, sizeof(buf)) == 8 && strcmp(buf, "/tmp/ft") == 0);
    CHECK(scarlet_call_change_directory("/") == 0 && remove_tree("/tmp/ft") == 0);
}

static void memory(void)
{
    long o = scarlet_call_memory_create("shared", 8192);
    long a = scarlet_call_map((int)o, NULL, 8192, SCARLET_PROTECT_READ | SCARLET_PROTECT_WRITE,
                              SCARLET_MAP_SHARED, 0);
    long b = scarlet_call_map((int)o, NULL, 8192, SCARLET_PROTECT_READ, SCARLET_MAP_SHARED, 0);
    CHECK(o >= 0 && a > 0 && b > 0);
    *(volatile u32 *)(a + 4096) = 4711;
    CHECK(*(volatile u32 *)(b + 4096) == 4711);
    struct scarlet_handle_info i;
    CHECK(scarlet_call_query((int)o, &i) == 0);
    long ro = scarlet_call_duplicate_to((int)o, i.rights & ~(u32)SCARLET_RIGHT_WRITE, HERE, 0);
    CHECK(scarlet_call_map((int)ro, NULL, 4096, SCARLET_PROTECT_READ | SCARLET_PROTECT_WRITE,
                           SCARLET_MAP_SHARED, 0) == -SCARLET_RIGHTS);
    long c = scarlet_call_map((int)ro, NULL, 4096, SCARLET_PROTECT_READ, SCARLET_MAP_SHARED, 0);
    CHECK(c > 0 &&
          scarlet_call_protect((void *)c, 4096, SCARLET_PROTECT_READ | SCARLET_PROTECT_WRITE) < 0);
    long no = scarlet_call_duplicate_to((int)o, i.rights & ~(u32)SCARLET_RIGHT_MAP, HERE, 0);
    CHECK(scarlet_call_map((int)no, NULL, 4096, SCARLET_PROTECT_READ, 0, 0) == -SCARLET_RIGHTS);
    CHECK(scarlet_call_map(SCARLET_NO_HANDLE, (void *)a, 4096, SCARLET_PROTECT_READ,
                           SCARLET_MAP_FIXED, 0) == -SCARLET_EXISTS);
    CHECK(scarlet_call_map(SCARLET_NO_HANDLE, NULL, 0, 0, 0, 0) == -SCARLET_BAD_ARGUMENT);
    CHECK(scarlet_call_unmap((void *)a, 8192) == 0 && scarlet_call_unmap((void *)b, 8192) == 0 &&
          scarlet_call_unmap((void *)c, 4096) == 0);
    long old = scarlet_call_sbrk(8192);
    *(volatile char *)(old + 8191) = 1;
    CHECK(old > 0 && scarlet_call_sbrk(0) == old + 8192 && scarlet_call_sbrk(-8192) == old + 8192);
    scarlet_call_close((int)o);
    scarlet_call_close((int)ro);
    scarlet_call_close((int)no);
    u8 r[16] = {0};
    CHECK(scarlet_call_random(r, 16) == 16 &&
          (r[0] | r[1] | r[2] | r[3] | r[4] | r[5] | r[6] | r[7]));
}

void file_parts(void)
{
    files();
    memory();
}
