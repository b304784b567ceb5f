// Running other programs.
#include "private.h"

char *find_program(const char *name)
{
    if (strchr(name, '/'))
        return copy_string(name);
    const char *path = env_get("PATH");
    for (path = path ? path : "/bin"; *path;) {
        const char *end = strchr(path, ':');
        usize n = end ? (usize)(end - path) : strlen(path);
        char *dir = copy_part(n ? path : ".", n ? n : 1), *full = join_path(dir, name);
        struct scarlet_metadata m;
        release(dir);
        if (scarlet_call_metadata_at(HERE, full, 0, &m) == 0 && m.type == SCARLET_TYPE_REGULAR &&
            scarlet_call_access_at(HERE, full, SCARLET_ACCESS_EXECUTE) == 0)
            return full;
        release(full);
        path += n + (end != NULL);
    }
    return NULL;
}

long run_program(const struct run *r)
{
    struct scarlet_spawn_handle *h = allocate((r->count + 3) * sizeof(*h));
    u32 n = 0, flags = r->flags;
    if (r->set_standard) {
        for (int i = 0; i < 3; i++)
            if (r->standard[i] != SCARLET_NO_HANDLE)
                h[n++] = (struct scarlet_spawn_handle){r->standard[i], i, SCARLET_SAME_RIGHTS, 0};
    } else {
        flags |= SCARLET_SPAWN_STANDARD;
    }
    for (u32 i = 0; i < r->count; i++)
        h[n++] = r->handles[i];
    char *path = r->path ? copy_string(r->path) : find_program(r->argv[0]);
    long task = -SCARLET_NOT_FOUND;
    if (path) {
        struct scarlet_spawn_request q = {.path.p = path,
                                          .argv.p = r->argv,
                                          .envp.p = env,
                                          .abi.p = r->abi,
                                          .directory.p = r->directory,
                                          .handles.p = h,
                                          .count = n,
                                          .view = r->view ? r->view : SCARLET_NO_HANDLE,
                                          .environment =
                                              r->environment ? r->environment : SCARLET_NO_HANDLE,
                                          .flags = flags,
                                          .group = r->group};
        task = scarlet_call_spawn(&q);
    }
    release(path);
    release(h);
    return task;
}

int end_code(const struct scarlet_task_end *end)
{
    if (end->kind != SCARLET_END_EVENT)
        return end->code;
    int number = event_number((u32)end->code); // custom kinds have none
    return 128 + (number ? number : end->code & 0x7f);
}

int wait_for(int task, struct scarlet_task_end *end)
{
    struct scarlet_task_end e = {0};
    long r;
    do
        r = scarlet_call_task_wait(task, &e, FOREVER);
    while (r == -SCARLET_INTERRUPTED);
    scarlet_call_close(task);
    if (end)
        *end = e;
    return r < 0 ? 127 : end_code(&e);
}
