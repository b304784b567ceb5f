// The small library of our xv6 programs, and the calls. Everything here is what an xv6 program may
// rely on and nothing more.
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREATE = 0x200, O_TRUNC = 0x400 };
enum { T_DIR = 1, T_FILE = 2, T_DEVICE = 3 };
enum { NAME_LEN = 14, PAGE = 4096, MAX_ARGS = 31 };

struct stat {
    int dev;
    unsigned ino;
    short type, nlink;
    unsigned long size;
};
_Static_assert(sizeof(struct stat) == 24, "stat");
struct dirent {
    unsigned short inum;
    char name[NAME_LEN];
};
_Static_assert(sizeof(struct dirent) == 16, "dirent");

// --- calls (MACHINE/calls.S) ---
int fork(void);
[[noreturn]] void exit(int status);
int wait(int *status);
int pipe(int *fds);
int read(int fd, void *buf, int n);
int kill(int pid);
int exec(const char *path, char **argv);
int fstat(int fd, struct stat *st);
int chdir(const char *path);
int dup(int fd);
int getpid(void);
char *sbrk(int n);
char *sbrk_how(int n, int how); // of newer revisions: 2 grows lazily
int sleep(int ticks);
int uptime(void);
int open(const char *path, int mode);
int write(int fd, const void *buf, int n);
int mknod(const char *path, int major, int minor);
int unlink(const char *path);
int link(const char *old, const char *new);
int mkdir(const char *path);
int close(int fd);

// --- strings and memory ---
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
char *strcpy(char *dst, const char *src);
char *strchr(const char *s, int c);
void *memset(void *p, int c, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
int atoi(const char *s);

// --- the rest ---
int stat(const char *path, struct stat *st); // 0 or -1
// %d %u %x %p %s %c %%, with l. Each call is one write.
void printf(const char *fmt, ...);
void fprintf(int fd, const char *fmt, ...);
// First fit in one list; memory comes from sbrk.
void *malloc(size_t n);
void free(void *p);
// A line without its newline into buf (cut at cap - 1): its length, or -1 at the end of input.
int get_line(int fd, char *buf, int cap);
