// See index.h.
#include "index.h"
#include "common/fail.h"
#include "common/files.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

static void put64(unsigned char *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const unsigned char *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static uint32_t bucket_count(uint64_t entries)
{
    uint32_t n = 4;
    while (n < 2 * entries)
        n *= 2;
    return n;
}

// Names end with NUL; the string at 0 is empty. Each ABI's name stands once, in front.
static uint64_t strings_size(const struct plan *p)
{
    uint64_t n = 1;
    for (size_t i = 0; i < p->count; i++)
        n += strlen(p->items[i]->name) + 1 + (p->items[i]->abi ? strlen(p->items[i]->abi) + 1 : 0);
    return n;
}

uint64_t index_size(const struct plan *p)
{
    return INDEX_HEADER + (uint64_t)p->count * INDEX_ENTRY + 4ull * bucket_count(p->count) +
           strings_size(p);
}

unsigned char *index_make(const struct plan *p, uint64_t archive_size, uint32_t align)
{
    uint64_t size = index_size(p);
    unsigned char *out = need(size);
    uint32_t buckets = bucket_count(p->count);
    unsigned char *entry = out + INDEX_HEADER, *bucket = entry + (uint64_t)p->count * INDEX_ENTRY;
    unsigned char *strings = bucket + 4ull * buckets;
    uint32_t at = 1;
    for (size_t i = 0; i < p->count; i++, entry += INDEX_ENTRY) {
        const struct item *one = p->items[i], *leader = one->leader ? one->leader : one;
        const struct item *holder = leader->last ? leader->last : one;
        uint32_t length = (uint32_t)strlen(one->name);
        put64(entry, one->header_at);
        put64(entry + 8, leader->data.size ? holder->data_at : 0);
        put32(entry + 16, (uint32_t)leader->data.size);
        put32(entry + 20, leader->crc);
        put32(entry + 24, at);
        put32(entry + 28, length);
        memcpy(strings + at, one->name, length + 1);
        at += length + 1;
        if (one->abi) {
            put32(entry + 32, at);
            strcpy((char *)strings + at, one->abi);
            at += (uint32_t)strlen(one->abi) + 1;
        }
        put32(entry + 36, one->mode);
        put32(entry + 40, one->uid);
        put32(entry + 44, one->gid);
        uint32_t h = fnv1a(one->name, length) & (buckets - 1);
        while (get32(bucket + 4ull * h))
            h = (h + 1) & (buckets - 1);
        put32(bucket + 4ull * h, (uint32_t)i + 1);
    }
    memcpy(out, INDEX_MAGIC, 8);
    put32(out + 8, INDEX_HEADER);
    put64(out + 16, archive_size);
    put32(out + 24, (uint32_t)p->count);
    put32(out + 28, buckets);
    put32(out + 32, INDEX_ENTRY);
    put32(out + 36, align);
    put64(out + 40, (uint64_t)(strings - out));
    put64(out + 48, size);
    uLong crc = crc32(0, NULL, 0);
    for (uint64_t done = 0; done < size;) {
        uInt n = size - done < 1 << 20 ? (uInt)(size - done) : 1 << 20;
        crc = crc32(crc, out + done, n);
        done += n;
    }
    put32(out + 12, (uint32_t)crc);
    return out;
}

bool index_read_header(const unsigned char *b, uint64_t n, struct index_header *h)
{
    if (n < INDEX_HEADER || memcmp(b, INDEX_MAGIC, 8) != 0 || get32(b + 8) != INDEX_HEADER ||
        get32(b + 32) != INDEX_ENTRY)
        return failed(EXIT_INPUT, "this is no index of a known kind");
    *h = (struct index_header){.crc = get32(b + 12),
                               .entries = get32(b + 24),
                               .buckets = get32(b + 28),
                               .align = get32(b + 36),
                               .archive_size = get64(b + 16),
                               .strings_at = get64(b + 40),
                               .size = get64(b + 48)};
    uint64_t tables = INDEX_HEADER + (uint64_t)h->entries * INDEX_ENTRY + 4ull * h->buckets;
    if (!h->buckets || (h->buckets & (h->buckets - 1)) || h->buckets <= h->entries ||
        h->strings_at != tables || h->size <= tables || h->size != n)
        return failed(EXIT_INPUT, "the sizes in the index do not agree with each other");
    return true;
}

void index_read_entry(const unsigned char *b, struct index_entry *e)
{
    *e = (struct index_entry){.header_at = get64(b),
                              .data_at = get64(b + 8),
                              .size = get32(b + 16),
                              .crc = get32(b + 20),
                              .name_at = get32(b + 24),
                              .name_length = get32(b + 28),
                              .abi_at = get32(b + 32),
                              .mode = get32(b + 36),
                              .uid = get32(b + 40),
                              .gid = get32(b + 44)};
}

static const char *entry_name(const unsigned char *b, const struct index_header *h,
                              const struct index_entry *e)
{
    uint64_t room = h->size - h->strings_at;
    if (e->name_at >= room || e->name_length >= room - e->name_at || e->abi_at >= room)
        return NULL;
    const char *name = (const char *)b + h->strings_at + e->name_at;
    return memchr(name, 0, e->name_length + 1ull) == name + e->name_length ? name : NULL;
}

bool index_check(const unsigned char *b, uint64_t n, struct index_header *h)
{
    if (!index_read_header(b, n, h))
        return false;
    static const unsigned char zero[4];
    uLong crc = crc32(crc32(crc32(0, NULL, 0), b, 12), zero, 4);
    for (uint64_t done = 16; done < n;) {
        uInt step = n - done < 1 << 20 ? (uInt)(n - done) : 1 << 20;
        crc = crc32(crc, b + done, step);
        done += step;
    }
    if ((uint32_t)crc != h->crc)
        return failed(EXIT_INPUT, "the checksum of the index is wrong");
    const unsigned char *buckets = b + INDEX_HEADER + (uint64_t)h->entries * INDEX_ENTRY;
    for (uint32_t i = 0; i < h->entries; i++) {
        struct index_entry e;
        index_read_entry(b + INDEX_HEADER + (uint64_t)i * INDEX_ENTRY, &e);
        const char *name = entry_name(b, h, &e);
        if (!name)
            return failed(EXIT_INPUT, "index entry %u has no sound name", i);
        uint32_t at = fnv1a(name, e.name_length) & (h->buckets - 1), turns = 0;
        while (get32(buckets + 4ull * at) != i + 1 && turns++ < h->buckets)
            at = get32(buckets + 4ull * at) ? (at + 1) & (h->buckets - 1) : at;
        if (turns > h->buckets)
            return failed(EXIT_INPUT, "/%s cannot be found through the index", name);
    }
    return true;
}

// --- lookup in a file --------------------------------------------------------------------------

static bool hex_field(const unsigned char *p, uint32_t *v)
{
    *v = 0;
    for (int i = 0; i < 8; i++) {
        int c = p[i] | 32, d = p[i] >= '0' && p[i] <= '9' ? p[i] - '0'
                               : c >= 'a' && c <= 'f'     ? c - 'a' + 10
                                                          : -1;
        if (d < 0)
            return false;
        *v = *v << 4 | (uint32_t)d;
    }
    return true;
}

struct found_index {
    uint64_t archive_at, index_at;
    struct index_header h;
};

// The index of the archive that starts at `at`. 1, 0: has none, -1 failure.
static int index_at(int fd, uint64_t file_size, uint64_t at, struct found_index *out)
{
    unsigned char head[110 + sizeof(INDEX_NAME)], bytes[INDEX_HEADER];
    uint32_t size, name_size;
    if (file_size - at < sizeof(head) + INDEX_HEADER)
        return 0;
    if (!read_exactly(fd, head, sizeof(head), at))
        return -1;
    if (memcmp(head, "070701", 6) != 0 || memcmp(head + 110, INDEX_NAME, sizeof(INDEX_NAME)) != 0 ||
        !hex_field(head + 54, &size) || !hex_field(head + 94, &name_size))
        return 0;
    uint64_t data = (at + 110 + name_size + 3) & ~3ull;
    if (data > file_size || size > file_size - data || size < INDEX_HEADER)
        return failed(EXIT_INPUT, "offset %llu: the index reaches past the end",
                      (unsigned long long)at),
               -1;
    if (!read_exactly(fd, bytes, sizeof(bytes), data) || !index_read_header(bytes, size, &out->h))
        return -1;
    if (out->h.archive_size < data - at + size || out->h.archive_size > file_size - at)
        return failed(EXIT_INPUT, "offset %llu: the index tells a size that is not the archive's",
                      (unsigned long long)at),
               -1;
    out->archive_at = at;
    out->index_at = data;
    return 1;
}

static int find_in(int fd, const struct found_index *f, const char *name, struct index_entry *out)
{
    uint32_t length = (uint32_t)strlen(name), mask = f->h.buckets - 1,
             at = fnv1a(name, length) & mask;
    uint64_t buckets = f->index_at + INDEX_HEADER + (uint64_t)f->h.entries * INDEX_ENTRY;
    char have[4096];
    for (uint32_t turns = 0; turns < f->h.buckets; turns++, at = (at + 1) & mask) {
        unsigned char b[INDEX_ENTRY];
        if (!read_exactly(fd, b, 4, buckets + 4ull * at))
            return -1;
        uint32_t number = get32(b);
        if (!number)
            return 0;
        if (number > f->h.entries)
            return failed(EXIT_INPUT, "the index is damaged"), -1;
        if (!read_exactly(fd, b, sizeof(b),
                          f->index_at + INDEX_HEADER + (number - 1ull) * INDEX_ENTRY))
            return -1;
        index_read_entry(b, out);
        if (out->name_length != length || length > sizeof(have) ||
            out->name_at > f->h.size - f->h.strings_at - length)
            continue;
        if (!read_exactly(fd, have, length, f->index_at + f->h.strings_at + out->name_at))
            return -1;
        if (memcmp(have, name, length) != 0)
            continue;
        if (out->data_at > f->h.archive_size || out->size > f->h.archive_size - out->data_at)
            return failed(EXIT_INPUT, "/%s: the index points past the end of the archive", name),
                   -1;
        out->header_at += f->archive_at;
        out->data_at += out->data_at ? f->archive_at : 0;
        // The archive may have been made anew by a program that took the index for a file.
        char head[110 + 4096];
        if (!read_exactly(fd, head, 110 + (length ? length : 1), out->header_at))
            return -1;
        bool same = length ? memcmp(head + 110, name, length) == 0 : head[110] == '.';
        if (memcmp(head, "070701", 6) != 0 || !same)
            return failed(EXIT_INPUT, "/%s: the index does not belong to this archive", name), -1;
        return 1;
    }
    return 0;
}

int index_find(int fd, uint64_t file_size, const char *name, struct index_entry *out, bool *usable)
{
    struct found_index *all = NULL;
    size_t count = 0;
    int r = 1;
    *usable = false;
    for (uint64_t at = 0; r > 0 && at < file_size;) {
        all = need_again(all, (count + 1) * sizeof(*all));
        r = index_at(fd, file_size, at, &all[count]);
        if (r > 0)
            at = (at + all[count++].h.archive_size + 3) & ~3ull;
        // Zeroes may stand between archives.
        unsigned char block[4096];
        while (r > 0 && at < file_size) {
            size_t n = file_size - at < sizeof(block) ? (size_t)(file_size - at) : sizeof(block),
                   i = 0;
            if (!read_exactly(fd, block, n, at))
                r = -1;
            while (r > 0 && i < n && !block[i])
                i++;
            at += i;
            if (i < n)
                break;
        }
    }
    if (r > 0) {
        *usable = count > 0;
        for (r = 0; r == 0 && count;)
            r = find_in(fd, &all[--count], name, out);
    }
    free(all);
    return r;
}
