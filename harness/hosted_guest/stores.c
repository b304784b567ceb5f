// Stores in a mapping of the file argv[1] for argv[2] seconds while other threads read the file and
// have it written back, and somebody else writes behind it: a value that was stored is found again
// until the next one is. Prints how often it was not.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 8, SIZE = 4096 };
static int fd;
static char *map;
static atomic_bool stop;
static _Atomic unsigned long wrong;

static volatile unsigned long *word(int page)
{
    return (volatile unsigned long *)(void *)(map + page * SIZE);
}

static void *syncer(void *arg)
{
    for (; !stop; usleep(200))
        msync(map, PAGES * SIZE, MS_SYNC);
    return arg;
}

static void *read_all(void *arg)
{
    unsigned long last[PAGES] = {0}, now;
    while (!stop)
        for (int i = 0; i < PAGES; i++) {
            wrong += pread(fd, &now, sizeof(now), i * SIZE) != sizeof(now) || now < last[i];
            last[i] = now;
        }
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t threads[3];
    unsigned long n = 0, now;
    fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
    map = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return 2;
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, i ? syncer : read_all, NULL);
    for (time_t end = time(NULL) + atoi(argv[2]); time(NULL) < end || n < 1000; n++) {
        for (int i = 0; i < PAGES; i++) {
            wrong += *word(i) != n;
            *word(i) = n + 1;
        }
        if (n % 64 == 0)
            usleep(50);
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    msync(map, PAGES * SIZE, MS_SYNC);
    for (int i = 0; i < PAGES; i++)
        wrong += pread(fd, &now, sizeof(now), i * SIZE) != sizeof(now) || now != n;
    printf("wrong: %lu\n", (unsigned long)wrong);
}
