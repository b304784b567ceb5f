// The first program when whoever started the machine names it with its arguments: /chosen
// scarlet,init-argv and scarlet,init-envp, each a list of strings. When such a program ends, the
// machine ends with its status (128 + number if an event ended it).
#include "init.h"
#include <arch/firmware.h>
#include <device/device.h>
#include <exec/exec.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <task/task.h>

// The strings of a property as a NULL-ended array; NULL: no such property, or no memory.
static const char **chosen_strings(const char *name)
{
    u32 len, count = 0;
    const char *p = device_chosen(name, &len);
    if (!p || !len || p[len - 1])
        return NULL;
    for (u32 i = 0; i < len; i++)
        count += !p[i];
    const char **list = kmalloc_array(count + 1ul, sizeof(*list), ALLOC_ZERO);
    for (u32 i = 0; list && i < count; i++) {
        list[i] = p;
        p += strlen(p) + 1;
    }
    return list;
}

static void ended(const struct exit_info *how)
{
    arch_poweroff_status(how->kind == EXIT_NORMAL ? (u32)how->number & 0xff
                                                  : 128u + (u32)how->number);
}

void program_run_chosen(void)
{
    static const char *const no_environment[] = {NULL};
    const char **argv = chosen_strings("scarlet,init-argv"),
               **envp = chosen_strings("scarlet,init-envp");
    if (!argv)
        return;
    task_set_init_end(ended);
    int err = exec_kernel(argv[0], argv, envp ? envp : no_environment);
    klog(LOG_EMERG, "cannot run %s: %s", argv[0], kerr_name((enum kerr) - err));
    arch_poweroff_status(err == -E_NOENT ? 127 : 126);
}
