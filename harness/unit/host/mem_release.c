// kernel/mem and host.c as in the release variant, whatever the build's is: locks, records and
// checks differ.
#undef CONFIG_DEBUG
#define CONFIG_DEBUG 0
#include "host.c"

#include "mem.c"
