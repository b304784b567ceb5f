// See apt.h. The archive's address comes from the machine's own apt settings; SCARLET_DEBIAN_URI
// names another.
#include "apt.h"
#include "common/fail.h"
#include "common/files.h"
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const plain_words[] = {"LC_ALL=C", NULL};

static bool run(const struct apt *a, const char *tool, const char *folder, const char *const *words,
                char **out)
{
    const char *argv[64] = {tool};
    size_t n = 1;
    char *owned[16];
    size_t mine = 0;
    char *real = realpath(a->state, NULL);
    if (!real)
        return failed_errno("%s", a->state);
#define OPTION(...) (argv[n++] = owned[mine++] = need_text(__VA_ARGS__))
    OPTION("-oDir::Etc::sourcelist=%s/sources.list", real);
    OPTION("-oDir::State::Lists=%s/lists", real);
    OPTION("-oDir::Cache=%s/cache", real);
    OPTION("-oAPT::Architecture=%s", a->arch);
    OPTION("-oAPT::Architectures=%s", a->arch);
    OPTION("-oAPT::Sandbox::User=%s", getuid() == 0 ? "root" : "");
#undef OPTION
    static const char *const fixed[] = {"-oDir::Etc::sourceparts=/dev/null",
                                        "-oDir::Etc::preferencesparts=/dev/null",
                                        "-oDir::State::status=/dev/null",
                                        "-oAcquire::Languages=none",
                                        "-oDebug::NoLocking=1",
                                        "-oAcquire::Retries=2",
                                        "-oAPT::Get::Show-Versions=0"};
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        argv[n++] = fixed[i];
    size_t count = 0;
    while (words[count])
        count++;
    const char **all = need((n + count + 1) * sizeof(*all));
    memcpy(all, argv, n * sizeof(*all));
    memcpy(all + n, words, count * sizeof(*all));
    bool ok = spawn(
        &(struct spawn){
            .argv = all, .env = plain_words, .directory = folder, .to_fd = -1, .quiet = true},
        out);
    free(all);
    while (mine)
        free(owned[--mine]);
    free(real);
    return ok;
}

static char *word_after(const char *line, const char *key)
{
    if (strncmp(line, key, strlen(key)) != 0)
        return NULL;
    line += strlen(key);
    line += strspn(line, " \t");
    if (*line == '[') { // options of a one-line source
        line = strchr(line, ']');
        if (!line)
            return NULL;
        line += 1 + strspn(line + 1, " \t");
    }
    size_t n = strcspn(line, " \t\n");
    while (n && line[n - 1] == '/')
        n--;
    return n >= 7 && memcmp(line + n - 7, "/debian", 7) == 0 ? need_copy_n(line, n) : NULL;
}

static char *uri_in_file(const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL, *found = NULL;
    size_t room = 0;
    while (f && !found && getline(&line, &room, f) > 0) {
        found = word_after(line, "URIs:");
        if (!found)
            found = word_after(line, "deb ");
    }
    free(line);
    if (f)
        fclose(f);
    return found;
}

static char *archive_uri(void)
{
    const char *given = getenv("SCARLET_DEBIAN_URI");
    if (given && *given)
        return need_copy(given);
    const char *argv[] = {"apt-get", "indextargets", "--format", "$(REPO_URI)", NULL};
    char *text = NULL, *found = NULL;
    if (spawn(&(struct spawn){.argv = argv, .to_fd = -1, .quiet = true}, &text)) {
        char *rest = text;
        for (char *line; !found && (line = strsep(&rest, "\n"));)
            found = word_after(line, "");
    }
    free(text);
    if (!found)
        found = uri_in_file("/etc/apt/sources.list");
    DIR *d = found ? NULL : opendir("/etc/apt/sources.list.d");
    for (struct dirent *e; d && !found && (e = readdir(d));) {
        char *path = need_text("/etc/apt/sources.list.d/%s", e->d_name);
        found = uri_in_file(path);
        free(path);
    }
    if (d)
        closedir(d);
    if (!found)
        failed(EXIT_SYSTEM,
               "no Debian archive in this machine's apt settings; set SCARLET_DEBIAN_URI");
    return found;
}

static const char *keyring(void)
{
    const char *given = getenv("SCARLET_DEBIAN_KEYRING");
    return given && *given ? given : "/usr/share/keyrings/debian-archive-keyring.gpg";
}

bool apt_update(struct apt *a)
{
    if (a->offline)
        return failed(EXIT_SYSTEM,
                      "there are no package lists for %s, and --offline forbids to fetch them",
                      a->suite);
    if (access(keyring(), R_OK) != 0)
        return failed_errno("%s (package debian-archive-keyring)", keyring());
    char *uri = archive_uri();
    if (!uri)
        return false;
    char *line =
        need_text("deb [signed-by=%s arch=%s] %s %s main\n", keyring(), a->arch, uri, a->suite);
    free(uri);
    char *path = need_text("%s/sources.list", a->state), *stamp = need_text("%s/updated", a->state);
    unlink(stamp);
    FILE *f = fopen(path, "we");
    bool ok = f && fputs(line, f) >= 0;
    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        failed_errno("%s", path);
    const char *const words[] = {"update", "-qq", "-oAPT::Update::Error-Mode=any", NULL};
    ok = ok && (run(a, "apt-get", NULL, words, NULL) ||
                failed_in("cannot read the package lists of %s for %s (SCARLET_DEBIAN_URI names "
                          "another archive)",
                          a->suite, a->arch));
    if (ok) {
        f = fopen(stamp, "we");
        ok = f && fclose(f) == 0;
        if (!ok)
            failed_errno("%s", stamp);
    }
    free(line);
    free(path);
    free(stamp);
    return ok;
}

// Whether the lists that are there are for this suite and architecture.
static bool lists_fit(const struct apt *a)
{
    char *path = need_text("%s/sources.list", a->state), *stamp = need_text("%s/updated", a->state),
         *line = NULL;
    size_t room = 0;
    FILE *f = access(stamp, R_OK) == 0 ? fopen(path, "re") : NULL;
    bool fit = false;
    if (f && getline(&line, &room, f) > 0) {
        char *arch = need_text("arch=%s]", a->arch), *suite = need_text(" %s main", a->suite);
        fit = strstr(line, arch) && strstr(line, suite);
        free(arch);
        free(suite);
    }
    if (f)
        fclose(f);
    free(line);
    free(path);
    free(stamp);
    return fit;
}

bool apt_open(struct apt *a, const char *cache, const char *suite, const char *arch, bool offline)
{
    if (a->ready && strcmp(a->suite, suite) == 0 && strcmp(a->arch, arch) == 0)
        return true;
    a->state = need_text("%s/apt", cache);
    a->suite = suite;
    a->arch = arch;
    a->offline = offline;
    char *lists = need_text("%s/lists/partial", a->state),
         *archives = need_text("%s/cache/archives/partial", a->state);
    bool ok = make_directories(lists) && make_directories(archives);
    free(lists);
    free(archives);
    ok = ok && (lists_fit(a) || apt_update(a));
    a->ready = ok;
    return ok;
}

static void list_add(struct debian_package **list, size_t *n, const char *name, const char *version,
                     const char *arch)
{
    *list = need_again(*list, (*n + 1) * sizeof(**list));
    (*list)[(*n)++] = (struct debian_package){
        .name = need_copy(name), .version = need_copy(version), .arch = need_copy(arch)};
}

// "Inst NAME (VERSION ORIGIN [ARCH]) ..."
static void parse_install(char *text, struct debian_package **list, size_t *n)
{
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char name[256], version[256];
        char *open = strchr(line, '('), *close = open ? strchr(open, ')') : NULL;
        if (close)
            *close = 0; // what follows is about packages not yet set up
        char *arch = close ? strrchr(open, '[') : NULL, *end = arch ? strchr(arch, ']') : NULL;
        if (!end || sscanf(line, "Inst %255s", name) != 1 ||
            sscanf(open + 1, "%255s", version) != 1)
            continue;
        *end = 0;
        name[strcspn(name, ":")] = 0;
        list_add(list, n, name, version, arch + 1);
    }
}

// Records of "Package:", "Version:", "Architecture:" lines; the first record of each package
// counts.
static void parse_show(char *text, struct debian_package **list, size_t *n)
{
    char *rest = text, *name = NULL, *version = NULL, *arch = NULL;
    for (char *line; rest;) {
        line = strsep(&rest, "\n");
        if (strncmp(line, "Package: ", 9) == 0)
            name = line + 9;
        else if (strncmp(line, "Version: ", 9) == 0)
            version = line + 9;
        else if (strncmp(line, "Architecture: ", 14) == 0)
            arch = line + 14;
        if (*line && rest)
            continue;
        bool known = !name || !version || !arch;
        for (size_t i = 0; i < *n && !known; i++)
            known = strcmp((*list)[i].name, name) == 0;
        if (!known)
            list_add(list, n, name, version, arch);
        name = version = arch = NULL;
    }
}

bool apt_resolve(struct apt *a, const char *const *names, size_t count, bool depends,
                 bool recommends, struct debian_package **out, size_t *out_count)
{
    const char **words = need((count + 6) * sizeof(*words));
    size_t n = 0;
    if (depends) {
        words[n++] = "install";
        words[n++] = "-qq";
        words[n++] = "--simulate";
        words[n++] = recommends ? "--install-recommends" : "--no-install-recommends";
    } else {
        words[n++] = "show";
        words[n++] = "--no-all-versions";
    }
    memcpy(words + n, names, count * sizeof(*words));
    char *text;
    bool ok = run(a, depends ? "apt-get" : "apt-cache", NULL, words, &text);
    free(words);
    *out = NULL;
    *out_count = 0;
    if (!ok)
        return failed_in("packages");
    if (depends)
        parse_install(text, out, out_count);
    else
        parse_show(text, out, out_count);
    free(text);
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        for (size_t k = 0; k < *out_count && !there; k++)
            there = strcmp((*out)[k].name, names[i]) == 0;
        if (!there &&
            !depends) // with dependencies a name may stand for another package that provides it
            return failed(EXIT_INPUT, "there is no package %s in %s for %s", names[i], a->suite,
                          a->arch);
    }
    return true;
}

bool apt_download(struct apt *a, const char *folder, const char *const *names, size_t count)
{
    const char **words = need((count + 3) * sizeof(*words));
    words[0] = "-qq";
    words[1] = "download";
    memcpy(words + 2, names, count * sizeof(*words));
    // A list that is older than the archive names files that are gone: read the lists anew, once.
    bool ok = run(a, "apt-get", folder, words, NULL) ||
              (apt_update(a) && run(a, "apt-get", folder, words, NULL)) ||
              failed_in("cannot download");
    free(words);
    return ok;
}
