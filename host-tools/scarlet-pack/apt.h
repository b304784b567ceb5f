// Asks apt-get, with lists, cache and sources of our own and the machine's proxy settings. Private
// to the Debian part.
#pragma once
#include "debian.h"

struct apt {
    char *state; // folder
    const char *suite, *arch;
    bool offline, ready;
};

// Makes the configuration; reads the package lists if there are none yet. Once is enough, more are
// harmless.
bool apt_open(struct apt *a, const char *cache, const char *suite, const char *arch, bool offline);
bool apt_update(struct apt *a);
// The packages with versions; with depends everything they need, as apt would install it on an
// empty machine.
bool apt_resolve(struct apt *a, const char *const *names, size_t count, bool depends,
                 bool recommends, struct debian_package **out, size_t *out_count);
// "name=version" each, into a folder.
bool apt_download(struct apt *a, const char *folder, const char *const *names, size_t count);
