// The device tree that describes this machine to the kernel.
#include "host.h"
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void strings(void *t, const char *name, const char *const *list)
{
    static char buf[1 << 20];
    u64 n = 0;
    for (; *list; list++) {
        u64 len = strlen(*list) + 1;
        if (n + len > sizeof(buf))
            die("arguments and environment are longer than 1 MiB");
        memcpy(buf + n, *list, len);
        n += len;
    }
    fdt_property(t, name, buf, (int)n);
}

// Where the program starts and as whom.
static void owner(void *t)
{
    char cwd[4096];
    if (getcwd(cwd, sizeof(cwd)) && cwd[0] == '/')
        fdt_property_string(t, "scarlet,init-cwd", cwd);
    static gid_t groups[65536];
    static fdt32_t ids[3 + 65536];
    int n = getgroups(65536, groups);
    mode_t mask = umask(0);
    umask(mask);
    ids[0] = cpu_to_fdt32(geteuid());
    ids[1] = cpu_to_fdt32(getegid());
    ids[2] = cpu_to_fdt32(mask);
    for (int i = 0; i < n; i++)
        ids[3 + i] = cpu_to_fdt32(groups[i]);
    fdt_property(t, "scarlet,init-ids", ids, (3 + (n > 0 ? n : 0)) * (int)sizeof(ids[0]));
}

// Limits of resources, soft and hard, in the host's order. Before any is changed for our own use.
static fdt64_t limits[2 * RLIM_NLIMITS];

void note_limits(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit((__rlimit_resource_t)i, &l);
        limits[2 * i] = cpu_to_fdt64(l.rlim_cur);
        limits[2 * i + 1] = cpu_to_fdt64(l.rlim_max);
    }
}

static void device(void *t, const char *name, const char *compatible)
{
    fdt_begin_node(t, name);
    fdt_property_string(t, "compatible", compatible);
    fdt_end_node(t);
}

u64 machine_tree(void *t, u64 cap, const struct machine *m)
{
    u8 seed[64];
    fdt_create(t, (int)cap);
    fdt_finish_reservemap(t);
    fdt_begin_node(t, "");
    fdt_property_u32(t, "#address-cells", 2);
    fdt_property_u32(t, "#size-cells", 2);
    fdt_property_string(t, "model", "a process on x86-64 Linux");
    fdt_begin_node(t, "chosen");
    fdt_property_string(t, "bootargs", m->cmdline);
    fdt_property_string(t, "stdout-path", "/console");
    if (getrandom(seed, sizeof(seed), 0) == sizeof(seed))
        fdt_property(t, "rng-seed", seed, sizeof(seed));
    if (m->initrd_len) {
        fdt_property_u64(t, "linux,initrd-start", m->initrd);
        fdt_property_u64(t, "linux,initrd-end", m->initrd + m->initrd_len);
    }
    if (m->host_root)
        fdt_property_string(t, "scarlet,host-root", m->host_root);
    if (*m->binds)
        strings(t, "scarlet,binds", m->binds);
    if (m->argv) {
        strings(t, "scarlet,init-argv", (const char *const *)m->argv);
        strings(t, "scarlet,init-envp", (const char *const *)m->envp);
        owner(t);
        fdt_property(t, "scarlet,init-limits", limits, sizeof(limits));
        const struct inherited_signals *s = signals_inherited();
        const fdt64_t signals[] = {cpu_to_fdt64(s->ignored), cpu_to_fdt64(s->blocked)};
        fdt_property(t, "scarlet,init-signals", signals, sizeof(signals));
        if (m->abi)
            fdt_property_string(t, "scarlet,init-abi", m->abi);
    }
    fdt_end_node(t);
    fdt_begin_node(t, "memory");
    fdt_property_string(t, "device_type", "memory");
    fdt64_t reg[2] = {cpu_to_fdt64(m->mem_start), cpu_to_fdt64(m->mem_len)};
    fdt_property(t, "reg", reg, sizeof(reg));
    fdt_end_node(t);
    fdt_begin_node(t, "cpus");
    fdt_property_u32(t, "#address-cells", 1);
    fdt_property_u32(t, "#size-cells", 0);
    fdt_property_u32(t, "timebase-frequency", 1000000000);
    for (u32 i = 0; i < host_cpu_count(); i++) {
        char name[16];
        snprintf(name, sizeof(name), "cpu@%x", i);
        fdt_begin_node(t, name);
        fdt_property_string(t, "device_type", "cpu");
        fdt_property_u32(t, "reg", i);
        fdt_end_node(t);
    }
    fdt_end_node(t);
    fdt_begin_node(t, "console");
    fdt_property_string(t, "compatible", "scarlet,firmware-console");
    if (console_plain())
        fdt_property(t, "plain", "", 0);
    fdt_end_node(t);
    device(t, "rtc", "scarlet,firmware-clock");
    fdt_end_node(t);
    if (fdt_finish(t))
        die("the description of the machine does not fit into %llu bytes", (unsigned long long)cap);
    return fdt_totalsize(t);
}
