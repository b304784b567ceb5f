// Debian packages by name, through a private apt configuration that leaves the machine's own alone.
// Everything lives below one cache folder: apt/ (lists, sources), cache/debs (packages, and a link
// NAME for each), cache/tars (unpacked data). A file lock on apt/lock keeps other processes out
// while packages are fetched.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct debian_package {
    const char *name, *version, *arch;
    char *file;   // the .deb
    char sum[65]; // SHA-256 in hexadecimal, "" while unknown
};

struct debian_options {
    const char *cache; // the cache folder
    const char *suite, *arch;
    const char *lock; // lock listing, NULL: none
    bool offline;     // never touch the network
    bool update;      // resolve anew whatever the lock listing says
    bool locked;      // fail where the lock listing would change
    bool quiet;
};
struct debian;

struct debian *debian_open(const struct debian_options *o);
void debian_choose(struct debian *d, const char *suite,
                   const char *arch); // a manifest's word; the command line wins
// The packages, and with depends what they depend on, as files in the cache. From the lock listing
// if it has this request.
bool debian_get(struct debian *d, const char *const *names, size_t count, bool depends,
                bool recommends, struct debian_package **out, size_t *out_count);
// The package's files as a tar archive in the cache.
bool debian_unpack(struct debian *d, const struct debian_package *p, char **tar);
// Writes the lock listing if it changed.
bool debian_close(struct debian *d);
