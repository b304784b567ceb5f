// See setup.h.
#include "setup.h"
#include "common/fail.h"
#include "image.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void setup_rules(struct setup *s, struct option_rule rules[SETUP_RULES])
{
    const struct option_rule own[SETUP_RULES] = {
        {"define", 'D', OPTION_LIST, &s->defines, "NAME=VALUE", "what ${NAME} means in manifests",
         0, 0},
        {"cache", 0, OPTION_TEXT, &s->cache, "FOLDER",
         "packages and lists (default: ~/.cache/scarlet-pack)", 0, 0},
        {"suite", 0, OPTION_TEXT, &s->suite, "NAME",
         "Debian suite (default: the manifest's, else trixie)", 0, 0},
        {"arch", 0, OPTION_TEXT, &s->arch, "NAME",
         "Debian architecture (default: the manifest's, else riscv64)", 0, 0},
        {"lock", 0, OPTION_TEXT, &s->lock, "FILE",
         "listing of package versions: followed, and written anew when it changes", 0, 0},
        {"locked", 0, OPTION_FLAG, &s->locked, NULL, "fail where that listing would change", 0, 0},
        {"update", 0, OPTION_FLAG, &s->update, NULL, "look for newer packages", 0, 0},
        {"offline", 0, OPTION_FLAG, &s->offline, NULL, "never use the network", 0, 0},
        {"machine", 0, OPTION_TEXT, &s->machine, "NAME",
         "what programs are for: riscv64, x86-64, aarch64", 0, 0},
        {"keep-times", 0, OPTION_FLAG, &s->keep_times, NULL,
         "times of files and packages, none after SOURCE_DATE_EPOCH", 0, 0},
        {"error", 0, OPTION_LIST, &s->errors, "CHECK", "make a check an error", 0, 0},
        {"warn", 0, OPTION_LIST, &s->warnings, "CHECK", "make a check a warning", 0, 0},
        {"ignore", 0, OPTION_LIST, &s->ignored, "CHECK", "leave a check out", 0, 0},
        {"quiet", 'q', OPTION_FLAG, &s->quiet, NULL, "no progress, no remarks", 0, 0},
    };
    memcpy(rules, own, sizeof(own));
}

static bool levels(struct setup *s, const struct option_list *l, enum severity level)
{
    for (size_t i = 0; i < l->count; i++)
        if (!checks_set(&s->checks, l->at[i], level))
            return false;
    return true;
}

static const char *default_cache(void)
{
    const char *given = getenv("SCARLET_PACK_CACHE"), *base = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    if (given && *given)
        return given;
    if (base && *base)
        return need_text("%s/scarlet-pack", base);
    return need_text("%s/.cache/scarlet-pack", home && *home ? home : ".");
}

bool setup_start(struct setup *s)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    s->time = s->keep_times ? UINT32_MAX : 0;
    if (epoch && *epoch) {
        char *end;
        errno = 0;
        unsigned long long v = strtoull(epoch, &end, 10);
        if (errno || *end || *epoch == '-' || v > UINT32_MAX)
            return failed(EXIT_USAGE, "SOURCE_DATE_EPOCH is not a number of seconds that fits: %s",
                          epoch);
        s->time = (uint32_t)v;
    }
    uint32_t machine = machine_number(s->machine ? s->machine : "riscv64");
    if (!machine)
        return failed(EXIT_USAGE, "--machine: unknown: %s", s->machine);
    for (size_t i = 0; i < s->defines.count; i++)
        if (!strchr(s->defines.at[i], '=') || s->defines.at[i][0] == '=')
            return failed(EXIT_USAGE, "-D needs NAME=VALUE: %s", s->defines.at[i]);
    checks_start(&s->checks, machine);
    if (!levels(s, &s->ignored, SEVERITY_IGNORE) || !levels(s, &s->warnings, SEVERITY_WARNING) ||
        !levels(s, &s->errors, SEVERITY_ERROR))
        return false;
    const struct debian_options o = {.cache = s->cache ? s->cache : default_cache(),
                                     .suite = s->suite,
                                     .arch = s->arch,
                                     .lock = s->lock,
                                     .offline = s->offline,
                                     .update = s->update,
                                     .locked = s->locked,
                                     .quiet = s->quiet};
    s->debian = debian_open(&o);
    return true;
}

bool setup_load(struct setup *s, struct plan *p, const char *path)
{
    struct build b = {.plan = p,
                      .checks = &s->checks,
                      .debian = s->debian,
                      .defines = &s->defines,
                      .time = s->time,
                      .keep_times = s->keep_times,
                      .trust_paths = true};
    struct stat info;
    if (strcmp(path, "-") == 0)
        return manifest_load(&b, "/dev/stdin");
    if (stat(path, &info) != 0)
        return failed_errno("%s", path);
    const struct attributes plain = {.depends = true};
    if (S_ISDIR(info.st_mode))
        return tree_load(&b, "/", path, &plain, path, 0);
    if (image_looks_like(path))
        return image_load(p, path, true);
    return manifest_load(&b, path);
}

bool setup_finish(struct setup *s)
{
    return debian_close(s->debian);
}
