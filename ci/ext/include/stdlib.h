/* What the distribution's libraries (libfdt) expect of <stdlib.h>. */
#pragma once
#include <stddef.h>

unsigned long strtoul(const char *restrict s, char **restrict end, int base);
