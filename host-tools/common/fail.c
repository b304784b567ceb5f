// See fail.h.
#include "fail.h"
#include "progress.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *program_name = "scarlet";

static _Thread_local struct {
    int status;
    char text[1200];
} last = {EXIT_SYSTEM, "unknown failure"};

bool failed(int status, const char *format, ...)
{
    char text[sizeof(last.text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    last.status = status;
    memcpy(last.text, text, sizeof(text));
    return false;
}

bool failed_errno(const char *format, ...)
{
    int code = errno;
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return failed(EXIT_SYSTEM, "%s: %s", text, strerror(code));
}

bool failed_in(const char *format, ...)
{
    char front[400], behind[sizeof(last.text)];
    va_list args;
    va_start(args, format);
    vsnprintf(front, sizeof(front), format, args);
    va_end(args);
    memcpy(behind, last.text, sizeof(behind));
    behind[sizeof(behind) - 1 - strlen(front) - 2] = 0;
    snprintf(last.text, sizeof(last.text), "%s: %s", front, behind);
    return false;
}

const char *failure_text(void)
{
    return last.text;
}

int failure_status(void)
{
    return last.status;
}

void complain(const char *format, ...)
{
    char text[2000];
    int n = snprintf(text, sizeof(text), "%s: ", program_name);
    va_list args;
    va_start(args, format);
    vsnprintf(text + n, sizeof(text) - (size_t)n - 1, format, args);
    va_end(args);
    progress_hide();
    strcat(text, "\n");
    fflush(stdout);
    (void)!write(STDERR_FILENO, text, strlen(text));
}

int report_failure(void)
{
    complain("%s", last.text);
    return last.status;
}

static void *checked(void *p)
{
    if (!p) {
        complain("out of memory");
        exit(EXIT_SYSTEM);
    }
    return p;
}

void *need(size_t bytes)
{
    return checked(calloc(1, bytes ? bytes : 1));
}

void *need_again(void *old, size_t bytes)
{
    return checked(realloc(old, bytes ? bytes : 1));
}

char *need_copy(const char *text)
{
    return checked(strdup(text));
}

char *need_copy_n(const char *text, size_t n)
{
    return checked(strndup(text, n));
}

char *need_text(const char *format, ...)
{
    va_list args;
    char *out = NULL;
    va_start(args, format);
    if (vasprintf(&out, format, args) < 0)
        out = NULL;
    va_end(args);
    return checked(out);
}
