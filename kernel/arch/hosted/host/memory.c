// Physical memory: one memory file, mapped as a whole where the kernel expects its direct map.
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <machine/layout.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int fd = -1;

void memory_open(u64 bytes)
{
    fd = memfd_create("scarlet-memory", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)bytes))
        die("cannot make %llu MiB of memory: %s", (unsigned long long)bytes >> 20, strerror(errno));
    void *want = (void *)DIRECT_MAP_BASE;
    if (mmap(want, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != want)
        die("cannot map memory at %p: %s", want, strerror(errno));
    want = (void *)KSTACK_REGION_BASE;
    if (mmap(want, KSTACK_REGION_SIZE, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != want)
        die("cannot reserve addresses at %p: %s", want, strerror(errno));
}

i32 host_memory_fd(void)
{
    return fd;
}

i32 host_map_page(u64 va, u64 offset)
{
    return mmap((void *)va, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                (off_t)offset) == MAP_FAILED
               ? -errno
               : 0;
}

void host_unmap(u64 va, u64 len)
{
    (void)mmap((void *)va, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
               -1, 0);
}

void *host_zalloc(u64 size)
{
    return calloc(1, size);
}

void host_free(void *p)
{
    free(p);
}
