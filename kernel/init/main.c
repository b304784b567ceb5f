// Start-up: the order in which the rooms come alive, and the first task. Runs once, on the boot
// CPU.
//
//   device tree -> frames -> final direct map -> scheduler -> devices -> other CPUs -> file systems
//   -> first task
//
// Each line relies on those before it; nothing else in the kernel depends on this file.
#include "init.h"
#include <arch/kmap.h>
#include <arch/time.h>
#include <arch/upcall.h>
#include <device/device.h>
#include <device/fdt.h>
#include <device/random.h>
#include <exec/environment.h>
#include <exec/exec.h>
#include <ipc/init.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <task/task_object.h>
#include <tty/tty.h>
#include <vfs/ops.h>

static void start_memory(void)
{
    for (u32 i = 0; i < boot_info.ram_count; i++)
        frame_add_ram(boot_info.ram[i].start, boot_info.ram[i].len);
    frame_reserve(arch_image_start(), arch_image_end() - arch_image_start());
    for (u32 i = 0; i < boot_info.reserved_count; i++)
        frame_reserve(boot_info.reserved[i].start, boot_info.reserved[i].len);
    if (boot_info.initrd.len)
        frame_reserve(boot_info.initrd.start, boot_info.initrd.len);
    frame_init();
}

static void *table_page(void)
{
    return page_alloc(ALLOC_ZERO | ALLOC_ATOMIC);
}

// The direct map shrinks from "everything" to RAM, with the kernel's text read-only in it.
static void seal_direct_map(void)
{
    arch_set_page_source(table_page);
    int err = 0;
    for (u32 i = 0; i < boot_info.ram_count && !err; i++)
        err = arch_direct_map_ram(boot_info.ram[i].start, boot_info.ram[i].len);
    if (!err)
        err = arch_direct_map_seal();
    if (err)
        panic("no memory for the kernel's own page tables");
}

static void try_program(const char *path)
{
    const char *argv[] = {path, NULL};
    static const char *const envp[] = {"HOME=/", "TERM=linux", NULL};
    int err = exec_kernel(path, NULL, argv, envp);
    klog(err == -E_NOENT ? LOG_INFO : LOG_ERR, "init: cannot run %s: %s", path,
         kerr_name((enum kerr) - err));
}

// The first task's thread, still in the kernel: becomes a user program.
static void first_task(void *arg)
{
    (void)arg;
    channels_open(current_task());
    program_run_chosen();
    if (options.init[0]) {
        try_program(options.init);
        machine_stop("the program named by init= does not run: %s", options.init);
    }
    try_program("/init");
    try_program("/sbin/init");
    try_program("/bin/sh");
    machine_stop("no init program found: tried /init, /sbin/init, /bin/sh (name one with init=)");
}

static u64 total_pages(void)
{
    struct frame_stats s;
    frame_stats(&s);
    return s.total;
}

// What needs sleeping locks and the scheduler.
static void late_start(void)
{
    if (vm_init())
        panic("no memory for the page cache");
    aspace_set_oom_hook(task_oom_kill);
    device_init();
    ipc_init();
    task_object_init();
    tty_init();
    struct view *root;
    vfs_init();
    int err = root_mount(&root);
    if (err)
        machine_stop("no usable root image: %s", kerr_name((enum kerr) - err));
    vfs_set_kernel_view(root);
    bind_chosen();
    root_mount_changes();
    exec_init();
    struct task *init;
    err = task_create_init(first_task, NULL, &init);
    if (err)
        panic("cannot make the first task: %s", kerr_name((enum kerr) - err));
    err = view_fork(root, &init->view);
    if (err)
        panic("cannot make the first task's view: %s", kerr_name((enum kerr) - err));
    u64 ms = arch_time_ns() / NS_PER_MS;
    klog(LOG_INFO, "start-up took %lu ms since power-on; %lu KiB of %lu KiB free", ms,
         frame_free_count() * 4, total_pages() * 4);
    task_start(init);
}

void upcall_boot(const void *dtb)
{
    device_early_init(dtb);
    stack_protector_seed(random_u64());
    options_parse(boot_info.cmdline);
    klog(LOG_NOTICE, "Scarlet " SCARLET_VERSION ", %s, %u CPUs", boot_info.model,
         boot_info.cpu_count);
    klog(LOG_INFO, "command line: %s", boot_info.cmdline);
    start_memory();
    seal_direct_map();
    sched_init();
    if (sched_start_secondaries())
        panic("no memory for the other CPUs' records");
    arch_irq_enable();
    sched_wait_secondaries();
    late_start();
    thread_exit();
}
