// What a task sees of the world: views, environments, zones.
#include "check.h"

static int mounts_at(const char *place)
{
    struct scarlet_mount_info *m = allocate(sizeof(*m));
    int here = 0;
    for (u64 from = 0; (from = (u64)scarlet_call_mount_list(from, m)) > 0; from++)
        here += strcmp(m->target, place) == 0;
    release(m);
    return here;
}

// What this machine's other systems are called, and numbers of Linux's calls.
static const struct neighbours {
    const char *machine, *linux_module, *xv6_echo;
    long getpid, write;
} all_neighbours[] = {{"riscv64", "linux-riscv64", "/scarlet/system/xv6-riscv64/echo", 172, 64},
                      {"x86_64", "linux-x86_64", "/scarlet/system/xv6-x86_64/echo", 39, 1}};
static const struct neighbours *neighbours(void)
{
    struct scarlet_system_info info;
    CHECK(scarlet_call_system_info(&info) == 0);
    for (usize i = 0; i < ARRAY_LEN(all_neighbours); i++)
        if (strcmp(all_neighbours[i].machine, info.machine) == 0)
            return &all_neighbours[i];
    die("native-test: nothing is known of machine %s", info.machine);
}

static int prepared, mounted;
static void mount_and_unmount(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++) {
        mounted += scarlet_call_view_mount(prepared, "x", "/tmp/v", "tmpfs", 0, NULL) == 0;
        CHECK(scarlet_call_view_umount(prepared, "/tmp/v", 0) == 0);
    }
}

static void views(void)
{
    long v = scarlet_call_view_create(0);
    CHECK(v >= 0);
    CHECK(scarlet_call_create_directory("/tmp/v", 0755) == 0);
    CHECK(scarlet_call_view_mount((int)v, "x", "/tmp/v", "tmpfs", 0, NULL) == 0);
    char *probe[] = {"native-test", "exit", "0", NULL};
    struct scarlet_fs_info f;
    CHECK(scarlet_call_fs_info(HERE, "/tmp/v", &f) == 0);
    struct scarlet_spawn_request q = {.path.p = self,
                                      .argv.p = probe,
                                      .envp.p = env,
                                      .directory.p = "/tmp/v",
                                      .view = (i32)v,
                                      .environment = SCARLET_NO_HANDLE};
    long t = scarlet_call_spawn(&q);
    CHECK(t >= 0 && wait_for((int)t, NULL) == 0);
    long weak = scarlet_call_duplicate_to((int)v, SCARLET_RIGHT_EXECUTE, HERE, 0);
    CHECK(scarlet_call_view_mount((int)weak, "x", "/tmp/v", "tmpfs", 0, NULL) == -SCARLET_RIGHTS);
    CHECK(mounts_at("/tmp/v") == 0);
    struct thread t1; // mounting in a view that one holds disturbs no other thread
    prepared = (int)v;
    CHECK(thread_start(&t1, mount_and_unmount, NULL) > 0);
    for (int i = 0; i < 200; i++)
        CHECK(scarlet_call_access_at(HERE, "/tmp/v/only-here", SCARLET_ACCESS_READ) ==
              -SCARLET_NOT_FOUND);
    CHECK(thread_wait(&t1) == 0 && mounted == 50);
    CHECK(scarlet_call_view_set_root((int)v, "/tmp/none") == -SCARLET_NOT_FOUND);
    CHECK(scarlet_call_view_set_root((int)v, "/tmp") == 0);
    scarlet_call_close((int)weak);
    scarlet_call_close((int)v);
    CHECK(scarlet_call_remove("/tmp/v") == 0);
}

// --- environments ---
static long spawn_in(int environment, char *const *argv)
{
    struct scarlet_spawn_request q = {.path.p = argv[0],
                                      .argv.p = argv,
                                      .envp.p = env,
                                      .view = SCARLET_NO_HANDLE,
                                      .environment = environment,
                                      .flags = SCARLET_SPAWN_STANDARD};
    return scarlet_call_spawn(&q);
}

// A box of which native programs see everything, Linux programs only /tmp/box, and xv6's nothing.
static void environments(void)
{
    struct scarlet_handle_info info;
    CHECK(remove_tree("/tmp/box") <= 0 && scarlet_call_create_directory("/tmp/box", 0755) == 0);
    long e = scarlet_call_environment_create(SCARLET_NO_HANDLE), v = scarlet_call_view_create(0),
         own = scarlet_call_view_self();
    CHECK(e >= 0 && v >= 0 && own >= 0 && scarlet_call_query((int)e, &info) == 0 &&
          info.type == SCARLET_OBJECT_ENVIRONMENT && info.rights & SCARLET_RIGHT_ADMIN);
    CHECK(scarlet_call_environment_create((int)e) == -SCARLET_WRONG_KIND);
    CHECK(scarlet_call_view_set_root((int)v, "/tmp/box") == 0);
    CHECK(scarlet_call_environment_add((int)e, "no-such", (int)v) == -SCARLET_NOT_FOUND);
    CHECK(scarlet_call_environment_add((int)e, "linux", (int)e) == -SCARLET_WRONG_KIND);
    CHECK(scarlet_call_environment_add((int)e, "linux", (int)v) == 0);
    CHECK(scarlet_call_environment_add((int)e, neighbours()->linux_module, (int)v) ==
          -SCARLET_EXISTS);
    CHECK(scarlet_call_environment_add((int)e, "scarlet", (int)own) == 0);
    long weak = scarlet_call_duplicate_to((int)e, SCARLET_RIGHT_EXECUTE, HERE, 0);
    CHECK(scarlet_call_environment_add((int)weak, "xv6", (int)v) == -SCARLET_RIGHTS &&
          scarlet_call_environment_seal((int)weak) == -SCARLET_RIGHTS);
    CHECK(scarlet_call_environment_seal((int)e) == 0 &&
          scarlet_call_environment_add((int)e, "xv6", (int)v) == -SCARLET_NOT_PERMITTED);
    CHECK(scarlet_call_environment_view((int)e, "xv6") == -SCARLET_NOT_PERMITTED);
    long lv = scarlet_call_environment_view((int)weak, "linux");
    CHECK(lv >= 0 && scarlet_call_query((int)lv, &info) == 0 &&
          !(info.rights & SCARLET_RIGHT_ADMIN));
    CHECK(scarlet_call_view_mount((int)lv, "x", "/", "tmpfs", 0, NULL) == -SCARLET_RIGHTS);
    // A native program there sees what we see, the Linux program it becomes only the box.
    char *look[] = {(char *)self, "box", NULL};
    long t = spawn_in((int)weak, look);
    CHECK(t >= 0 && wait_for((int)t, NULL) == 0);
    long me = scarlet_call_environment_self();
    CHECK(me >= 0 && scarlet_call_environment_seal((int)me) == -SCARLET_RIGHTS);
    scarlet_call_close((int)e);
    scarlet_call_close((int)v);
    scarlet_call_close((int)own);
    scarlet_call_close((int)weak);
    scarlet_call_close((int)lv);
    scarlet_call_close((int)me);
    CHECK(remove_tree("/tmp/box") == 0);
}

// As a child: `box`. The Linux program is brought along in the box's view under a known name.
int look_around_box(void)
{
    char *xv6[] = {(char *)neighbours()->xv6_echo, "xv6 ran", NULL};
    bool ok = scarlet_call_access_at(HERE, "/tmp/box", SCARLET_ACCESS_READ) == 0;
    long r = scarlet_call_execve(xv6[0], xv6, env, 0); // sealed: no view for it
    ok = ok && (r == -SCARLET_NOT_PERMITTED || r == -SCARLET_NOT_FOUND);
    long e = scarlet_call_environment_self();
    long v = scarlet_call_environment_view((int)e, "linux");
    ok = ok && scarlet_call_view_enter((int)v) == 0 &&
         scarlet_call_access_at(HERE, "/tmp", SCARLET_ACCESS_READ) == -SCARLET_NOT_FOUND;
    return ok ? 0 : 1;
}

// As a child: `rebuild` executes itself so that it lives in the view of native programs.
int rebuild(void)
{
    char *argv[] = {"native-test", "rebuilt", NULL};
    return (int)-scarlet_call_execve((char *)auxv_get(31), argv, env, SCARLET_EXEC_REBUILD);
}
int rebuilt(void) // /bin is ours and no other system's
{
    return scarlet_call_access_at(HERE, "/bin/native-test", SCARLET_ACCESS_EXECUTE) == 0 ? 0 : 1;
}

static void exec_rebuild(void)
{
    char *argv[] = {"native-test", "rebuild", NULL}, *plain[] = {"native-test", "rebuilt", NULL};
    long t = child(argv, NULL, 0, true);
    CHECK(t >= 0 && wait_for((int)t, NULL) == 0);
    bool native_view =
        scarlet_call_access_at(HERE, "/bin/native-test", SCARLET_ACCESS_EXECUTE) == 0;
    t = child(plain, NULL, 0, true);
    CHECK(t >= 0 && wait_for((int)t, NULL) == (native_view ? 0 : 1));
}

// As a child: `names` lives over a tree whose root shows generated names, which are looked for in
// that very tree. They lead nowhere, and nobody waits for himself.
int names_in_base(void)
{
    long me = scarlet_call_environment_self();
    long v = scarlet_call_environment_view((int)me, "xv6");
    if (v < 0) // this machine has no such system
        return 0;
    bool shown = scarlet_call_access_at(HERE, "/names/xv6_echo", SCARLET_ACCESS_EXECUTE) == 0;
    long e = scarlet_call_environment_create((int)v);
    bool ok = e >= 0 && scarlet_call_environment_enter((int)e) == 0;
    for (int i = 0; i < 2 && shown; i++)
        ok = ok && scarlet_call_access_at(HERE, "/linux_nothing", SCARLET_ACCESS_READ) < 0 &&
             scarlet_call_access_at(HERE, "/xv6_echo", SCARLET_ACCESS_READ) < 0;
    return ok ? 0 : 1;
}

static void base_that_shows_names(void)
{
    char *argv[] = {"native-test", "names", NULL};
    long t = child(argv, NULL, 0, true);
    CHECK(t >= 0 && wait_for((int)t, NULL) == 0);
}

// --- zones ---

static long code_page(void)
{
    long page = scarlet_call_map(SCARLET_NO_HANDLE, NULL, 4096,
                                 SCARLET_PROTECT_READ | SCARLET_PROTECT_WRITE, 0, 0);
    CHECK(page > 0);
    memcpy((void *)page, (const void *)raw_call, (usize)(raw_call_end - (const char *)raw_call));
    CHECK(scarlet_call_protect((void *)page, 4096,
                               SCARLET_PROTECT_READ | SCARLET_PROTECT_EXECUTE) == 0);
    code_written();
    return page;
}

static void zone_rules(long page)
{
    struct scarlet_zone_info z;
    CHECK(scarlet_call_register_abi_zone((void *)page, 4096, "no-such") == -SCARLET_NOT_FOUND);
    CHECK(scarlet_call_register_abi_zone((void *)(page + 1), 4096, "scarlet") ==
          -SCARLET_BAD_ARGUMENT);
    CHECK(scarlet_call_register_abi_zone((void *)page, 0, "scarlet") == -SCARLET_BAD_ARGUMENT);
    CHECK(scarlet_call_register_abi_zone((void *)4096, 4096, "scarlet") == -SCARLET_BAD_ADDRESS);
    CHECK(scarlet_call_register_abi_zone((void *)page, 4096, "scarlet") == 0);
    CHECK(((typeof(raw_call) *)page)(SCARLET_SYS_getpid, 0, 0, 0, 0, 0, 0) ==
          scarlet_call_getpid());
    CHECK(scarlet_call_list_abi_zones(0, &z) == 0 && z.start == (u64)page && z.length == 4096 &&
          strcmp(z.abi, "scarlet") == 0);
    CHECK(scarlet_call_list_abi_zones(1, &z) == -SCARLET_OUT_OF_RANGE);
    CHECK(scarlet_call_register_abi_zone((void *)page, 4096, "scarlet") == -SCARLET_EXISTS);
    CHECK(scarlet_call_unregister_abi_zone((void *)page) == 0 &&
          scarlet_call_unregister_abi_zone((void *)page) == -SCARLET_NOT_FOUND);
}

// Calls of the zone go to Linux, all others stay native; a fork and a new thread have the zone too.
static volatile long of_thread;
static long zone_page;
static long zone_call(long nr, u64 a, u64 b, u64 c)
{
    return ((typeof(raw_call) *)zone_page)(nr, a, b, c, 0, 0, 0);
}
static long zone_getpid(void)
{
    return zone_call(neighbours()->getpid, 0, 0, 0);
}
static void zone_in_thread(void *arg)
{
    (void)arg;
    of_thread = zone_getpid();
}

static void linux_zone(long page)
{
    struct scarlet_zone_info z;
    struct thread t;
    if (scarlet_call_register_abi_zone((void *)page, 4096, "linux") == -SCARLET_NOT_FOUND)
        return; // a kernel without it
    int p[2];
    char c = 0;
    zone_page = page;
    CHECK(zone_getpid() == scarlet_call_getpid());
    CHECK(scarlet_call_pipe(p, 0) == 0 &&
          zone_call(neighbours()->write, (u64)p[1], (u64) "z", 1) == 1 &&
          scarlet_call_read(p[0], &c, 1) == 1 && c == 'z');
    CHECK(zone_call(neighbours()->write, 99, (u64) "z", 1) == -9); // EBADF, in Linux's numbers
    CHECK(zone_call(9999, 0, 0, 0) == -38);
    CHECK(thread_start(&t, zone_in_thread, NULL) > 0 && thread_wait(&t) == 0 &&
          of_thread == scarlet_call_getpid());
    long pid = scarlet_call_clone(0);
    if (pid == 0)
        (void)scarlet_call_exit(
            zone_getpid() == scarlet_call_getpid() && scarlet_call_list_abi_zones(0, &z) == 0 ? 5
                                                                                              : 6);
    struct scarlet_task_end e = {0};
    CHECK(scarlet_call_waitpid((int)pid, &e, 0) == pid && e.code == 5);
    pid = scarlet_call_clone(0);
    if (pid == 0) { // exec drops zones: `zones` counts them
        char *argv[] = {"native-test", "zones", NULL};
        (void)scarlet_call_execve(self, argv, env, 0);
        (void)scarlet_call_exit(99);
    }
    CHECK(scarlet_call_waitpid((int)pid, &e, 0) == pid && e.code == 0);
    scarlet_call_close(p[0]);
    scarlet_call_close(p[1]);
    CHECK(scarlet_call_unmap((void *)page, 4096) == 0);
    CHECK(scarlet_call_list_abi_zones(0, &z) == -SCARLET_OUT_OF_RANGE); // gone with the mapping
}

int count_zones(void)
{
    struct scarlet_zone_info z;
    return scarlet_call_list_abi_zones(0, &z) == 0;
}

static void zones(void)
{
    long page = code_page();
    zone_rules(page);
    long r = scarlet_call_register_abi_zone((void *)page, 4096, "xv6");
    CHECK(r == -SCARLET_NOT_SUPPORTED || r == -SCARLET_NOT_FOUND);
    linux_zone(page);
}

void world_parts(void)
{
    views();
    environments();
    exec_rebuild();
    base_that_shows_names();
    zones();
}
