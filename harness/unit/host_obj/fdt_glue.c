// libfdt for tests: the host's shared library, which every machine that has QEMU has, found at run
// time because its headers and link name come in a package of their own.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <libfdt.h>

static void *function(const char *name)
{
    static void *lib;
    if (!lib)
        lib = dlopen("libfdt.so.1", RTLD_NOW);
    void *f = lib ? dlsym(lib, name) : NULL;
    if (!f) {
        fprintf(stderr, "libfdt.so.1: no %s\n", name);
        exit(1);
    }
    return f;
}

#define GLUE(ret, name, params, args)                                                              \
    ret name params                                                                                \
    {                                                                                              \
        static ret(*f) params;                                                                     \
        if (!f)                                                                                    \
            f = (ret(*) params)function(#name);                                                    \
        return f args;                                                                             \
    }
GLUE(int, fdt_check_header, (const void *fdt), (fdt))
GLUE(int, fdt_check_full, (const void *fdt, size_t n), (fdt, n))
GLUE(const void *, fdt_getprop, (const void *fdt, int node, const char *name, int *len),
     (fdt, node, name, len))
GLUE(int, fdt_first_subnode, (const void *fdt, int node), (fdt, node))
GLUE(int, fdt_next_subnode, (const void *fdt, int node), (fdt, node))
GLUE(int, fdt_num_mem_rsv, (const void *fdt), (fdt))
GLUE(int, fdt_get_mem_rsv, (const void *fdt, int n, uint64_t *a, uint64_t *s), (fdt, n, a, s))
GLUE(int, fdt_path_offset, (const void *fdt, const char *path), (fdt, path))
GLUE(int, fdt_create, (void *buf, int n), (buf, n))
GLUE(int, fdt_add_reservemap_entry, (void *fdt, uint64_t a, uint64_t s), (fdt, a, s))
GLUE(int, fdt_finish_reservemap, (void *fdt), (fdt))
GLUE(int, fdt_begin_node, (void *fdt, const char *name), (fdt, name))
GLUE(int, fdt_property, (void *fdt, const char *name, const void *val, int len),
     (fdt, name, val, len))
GLUE(int, fdt_end_node, (void *fdt), (fdt))
GLUE(int, fdt_finish, (void *fdt), (fdt))
