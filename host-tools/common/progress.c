// See progress.h. The counters are atomic; whoever wins the exchange of `drawn_at` draws.
#include "progress.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const char *label;
static uint64_t goal, began;
static enum progress_unit unit_now;
static atomic_bool active, visible;
static _Atomic uint64_t done, drawn_at;

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void progress_begin(const char *what, uint64_t total, enum progress_unit unit, bool quiet)
{
    label = what;
    goal = total;
    unit_now = unit;
    began = now_ms();
    atomic_store(&done, 0);
    atomic_store(&drawn_at, began + 200); // what is over at once needs no bar
    atomic_store(&active, !quiet && isatty(STDERR_FILENO));
}

static void amount(char *out, size_t n, double v)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned u = 0;
    if (unit_now == PROGRESS_ITEMS) {
        snprintf(out, n, "%.0f", v);
        return;
    }
    while (v >= 1024 && u < 4) {
        v /= 1024;
        u++;
    }
    snprintf(out, n, u ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static void draw(uint64_t now)
{
    struct winsize w = {0};
    unsigned columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
    uint64_t have = atomic_load(&done);
    double seconds = (double)(now - began) / 1000.0;
    char got[32], speed[32], tail[128], line[512], bar[128];
    amount(got, sizeof(got), (double)have);
    amount(speed, sizeof(speed), seconds > 0 ? (double)have / seconds : 0);
    int percent = goal ? (int)(have >= goal ? 100 : have * 100 / goal) : 0;
    if (goal)
        snprintf(tail, sizeof(tail), " %3d%%  %s  %s/s", percent, got, speed);
    else
        snprintf(tail, sizeof(tail), " %s  %s/s", got, speed);
    unsigned used = (unsigned)(strlen(label) + strlen(tail)) + 5;
    unsigned width = columns > used + 10 ? columns - used : 0;
    if (width > 60)
        width = 60;
    unsigned full = goal ? width * (unsigned)percent / 100 : 0;
    memset(bar, '#', full);
    memset(bar + full, '.', width - full);
    bar[width] = 0;
    int n = snprintf(line, sizeof(line), "\r\033[K%s%s%s%s%s", label, goal && width ? " [" : "",
                     goal ? bar : "", goal && width ? "]" : "", tail);
    if (n > 0)
        (void)!write(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
    atomic_store(&visible, true);
}

void progress_add(uint64_t more)
{
    atomic_fetch_add_explicit(&done, more, memory_order_relaxed);
    if (!atomic_load_explicit(&active, memory_order_relaxed))
        return;
    uint64_t now = now_ms(), before = atomic_load(&drawn_at);
    if (now < before + 100 || !atomic_compare_exchange_strong(&drawn_at, &before, now))
        return;
    draw(now);
}

void progress_hide(void)
{
    if (atomic_exchange(&visible, false))
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
}

void progress_end(void)
{
    progress_hide();
    atomic_store(&active, false);
}
