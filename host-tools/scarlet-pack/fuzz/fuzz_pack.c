// libFuzzer harness: one input is read as an image (verified, loaded, its index asked, unpacked
// names resolved) and as a manifest. Lines that run programs or read files of the host are refused,
// so nothing outside the process is touched but unlinked temporary files.
#include "alloc.h"
#include "checks.h"
#include "common/fail.h"
#include "common/files.h"
#include "image.h"
#include "index.h"
#include "manifest.h"
#include "newc_write.h"
#include "verify.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0"; // plans are never taken apart
}

static int memory_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || !write_all(fd, data, size) || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

static void write_again(struct plan *p)
{
    struct layout l;
    uint64_t written;
    const struct write_options o = {.align = 4096, .index = true, .quiet = true};
    int fd = memfd_create("out", MFD_CLOEXEC);
    if (fd < 0 || !layout_plan(p, &o, &l) || l.size > 16 << 20 ||
        !archive_write(p, &o, &l, fd, &written)) {
        close(fd);
        return;
    }
    // What we write, we must accept.
    if (lseek(fd, 0, SEEK_SET) != 0)
        abort();
    struct verify_result r;
    struct source *s = source_open_fd(fd, "written");
    if (!verify_source(s, &r) || r.errors) {
        fprintf(stderr, "written archive refused: %s\n",
                r.count ? r.found[0].text : failure_text());
        abort();
    }
    verify_free(&r);
    source_close(s);
}

static void as_image(const uint8_t *data, size_t size)
{
    struct verify_result r;
    struct source *s = source_open_fd(memory_file(data, size), "input");
    bool good = verify_source(s, &r);
    verify_free(&r);
    source_close(s);
    int fd = memory_file(data, size);
    struct index_entry e;
    bool usable;
    if (size)
        (void)index_find(fd, size, "usr/bin/sh", &e, &usable);
    if (good) {
        char path[64];
        struct plan p = {0};
        struct checks c;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        checks_start(&c, machine_number("riscv64"));
        c.silent = true;
        if (image_load(&p, path, true) && plan_finish(&p) && checks_plan(&c, &p) &&
            plan_share(&p, false))
            write_again(&p);
        content_release();
        (void)!ftruncate(spool_file(), 0);
    }
    close(fd);
}

static void as_manifest(const uint8_t *data, size_t size)
{
    char *text = need(size + 1);
    memcpy(text, data, size);
    struct plan p = {0};
    struct checks c;
    checks_start(&c, machine_number("riscv64"));
    c.silent = true;
    struct build b = {.plan = &p, .checks = &c};
    if (manifest_text(&b, "input", text, 0) && plan_finish(&p) && checks_plan(&c, &p))
        write_again(&p);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source_limit = 4 << 20;
    if (size && data[0] == 'M')
        as_manifest(data + 1, size - 1);
    else
        as_image(data, size);
    fuzz_round_over();
    return 0;
}
