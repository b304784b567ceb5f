// scarlet-pack verify: structure, index and checksums of images.
#include "verify.h"
#include "commands.h"
#include "common/fail.h"
#include "common/files.h"
#include "common/json.h"
#include "common/options.h"
#include "common/progress.h"
#include "index.h"
#include "newc_read.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { STEP = 1 << 18, PAGE = 4096 };

struct links { // names of one hard-linked file seen so far
    uint32_t seen, nlink;
    uint64_t offset;
};

struct verify {
    struct verify_result *out;
    struct reader r;
    const char *path;
    unsigned char *index; // of the archive that is read, NULL: none
    struct index_header h;
    uint64_t index_at;
    bool *met; // entries of the index that were seen
    uint32_t index_seen;
    bool in_index; // an entry for the current name exists
    struct strmap directories, linked;
    unsigned char *buffer;
};

static void found(struct verify *v, bool error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void found(struct verify *v, bool error, const char *format, ...)
{
    char text[700];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct verify_result *o = v->out;
    *(error ? &o->errors : &o->warnings) += 1;
    if (o->count >= 1000)
        return;
    o->found = need_again(o->found, (o->count + 1) * sizeof(*o->found));
    source_failed(v->r.source, v->r.e.offset, "%s", text);
    o->found[o->count++] = (struct verify_finding){error, need_copy(failure_text())};
}

static bool load_index(struct verify *v)
{
    const struct entry *e = &v->r.e;
    if (e->size > 1u << 30) {
        found(v, true, "the index is larger than 1 GiB");
        return true;
    }
    // Grows with what is really there, not with what the header claims.
    size_t have = 0, room = 1 << 16;
    unsigned char *bytes = need(room);
    long n;
    while ((n = reader_data(&v->r, bytes + have, room - have)) > 0) {
        have += (size_t)n;
        if (have == room)
            bytes = need_again(bytes, room *= 2);
    }
    if (n < 0) {
        free(bytes);
        return false;
    }
    if (!index_check(bytes, e->size, &v->h)) {
        char *why = need_copy(failure_text());
        found(v, true, "%s", why);
        free(why);
        free(bytes);
        return true;
    }
    v->index = bytes;
    v->index_at = e->archive_at;
    v->index_seen = 0;
    v->met = need(v->h.entries + 1ull);
    v->out->indexes++;
    return true;
}

// The index's entry for a name, by its hash.
static bool lookup(const struct verify *v, const char *name, uint32_t *number,
                   struct index_entry *out)
{
    uint32_t length = (uint32_t)strlen(name), mask = v->h.buckets - 1,
             at = fnv1a(name, length) & mask;
    const unsigned char *buckets = v->index + INDEX_HEADER + (uint64_t)v->h.entries * INDEX_ENTRY;
    const char *strings = (const char *)v->index + v->h.strings_at;
    for (uint32_t turns = 0; turns < v->h.buckets; turns++, at = (at + 1) & mask) {
        const unsigned char *b = buckets + 4ull * at;
        uint32_t n =
            (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        if (!n || n > v->h.entries)
            return false;
        index_read_entry(v->index + INDEX_HEADER + (n - 1ull) * INDEX_ENTRY, out);
        if (out->name_length == length && memcmp(strings + out->name_at, name, length) == 0) {
            *number = n - 1;
            return true;
        }
    }
    return false;
}

static void end_archive(struct verify *v)
{
    for (uint32_t i = 0; v->index && i < v->h.entries; i++)
        if (!v->met[i]) {
            struct index_entry e;
            index_read_entry(v->index + INDEX_HEADER + (uint64_t)i * INDEX_ENTRY, &e);
            found(v, true, "the index tells of /%s, which is not in the archive",
                  (const char *)v->index + v->h.strings_at + e.name_at);
        }
    free(v->index);
    free(v->met);
    v->index = NULL;
    v->met = NULL;
    for (size_t i = 0; i < v->linked.size; i++) {
        struct links *l = v->linked.slots[i].value;
        if (!l)
            continue;
        if (l->seen != l->nlink)
            found(v, false, "the file at offset %llu has %u of the %u names it should have",
                  (unsigned long long)l->offset, l->seen, l->nlink);
        free(l);
        free((void *)(uintptr_t)v->linked.slots[i].key);
    }
    strmap_free(&v->linked);
}

static void check_name(struct verify *v)
{
    struct entry *e = &v->r.e;
    char *slash = strrchr(e->name, '/');
    if (slash) {
        *slash = 0;
        if (!strmap_get(&v->directories, e->name))
            found(v, false, "/%s stands before its directory", slash + 1);
        *slash = '/';
    }
    // Through a link or by a former archive a directory may exist without an entry: only a name is
    // kept, once.
    if ((S_ISDIR(e->mode) || S_ISLNK(e->mode)) && !strmap_get(&v->directories, e->name))
        strmap_put(&v->directories, need_copy(e->name), v);
    if (S_ISDIR(e->mode) || e->nlink < 2)
        return;
    char key[64];
    snprintf(key, sizeof(key), "%x:%x:%x:%x", e->dev_major, e->dev_minor, e->ino, e->mode & S_IFMT);
    struct links *l = strmap_get(&v->linked, key);
    if (!l) {
        l = need(sizeof(*l));
        *l = (struct links){.nlink = e->nlink, .offset = e->offset};
        strmap_put(&v->linked, need_copy(key), l);
    }
    l->seen++;
}

static bool check_data(struct verify *v)
{
    const struct entry *e = &v->r.e;
    struct index_entry ie;
    uint32_t number = 0;
    bool known = v->index && lookup(v, e->name, &number, &ie);
    // A filler in front of the first file of a tree without directories is the root, which the
    // index need not know.
    if (v->index && !known && *e->name)
        found(v, true, "/%s is not in the index", e->name);
    // Entries that fill up repeat a directory; the index means the real one.
    bool here = known && v->index_at + ie.header_at == e->offset;
    if (known && !here && !S_ISDIR(e->mode))
        found(v, true, "the index has another place for /%s (%llu)", e->name,
              (unsigned long long)(v->index_at + ie.header_at));
    if (here)
        v->met[number] = true;
    if (here && (ie.mode != e->mode || ie.uid != e->uid || ie.gid != e->gid))
        found(v, true, "mode or owner of /%s in the index are not those of the header", e->name);
    uLong crc = crc32(0, NULL, 0);
    uint32_t sum = 0;
    long n;
    while ((n = reader_data(&v->r, v->buffer, STEP)) > 0) {
        crc = crc32(crc, v->buffer, (uInt)n);
        for (long i = 0; e->has_check && i < n; i++)
            sum += v->buffer[i];
        progress_add((uint64_t)n);
    }
    if (n < 0)
        return false;
    v->out->bytes += e->size;
    if (e->has_check && S_ISREG(e->mode) && e->size && sum != e->check)
        found(v, true, "the checksum of /%s is wrong", e->name);
    if (here && e->size &&
        (ie.size != e->size || ie.data_at + v->index_at != e->data_at || ie.crc != (uint32_t)crc))
        found(v, true, "the content of /%s is not what the index says", e->name);
    if (S_ISREG(e->mode) && e->size) {
        v->out->files++;
        if (e->data_at % PAGE)
            v->out->unaligned++;
    }
    return true;
}

bool verify_source(struct source *s, struct verify_result *out)
{
    struct verify v = {.out = out};
    *out = (struct verify_result){0};
    reader_start(&v.r, s);
    v.buffer = need(STEP);
    int n;
    unsigned archive = 0;
    bool ok = true;
    while (ok && (n = reader_next(&v.r)) != 0) {
        ok = n > 0;
        if (!ok)
            break;
        if (v.r.e.archive != archive)
            end_archive(&v);
        archive = v.r.e.archive;
        out->entries++;
        if (v.r.e.padding_dirty)
            found(&v, false, "bytes that only fill up are not zero");
        if (v.r.e.index) {
            ok = load_index(&v);
            continue;
        }
        check_name(&v);
        ok = check_data(&v);
    }
    char *why = ok ? NULL : need_copy(failure_text());
    int status = ok ? EXIT_GOOD : failure_status();
    if (!ok) { // an archive that broke off tells nothing about its index
        free(v.index);
        free(v.met);
        v.index = NULL;
        v.met = NULL;
    }
    end_archive(&v);
    out->archives = v.r.archives;
    for (size_t i = 0; i < v.directories.size; i++)
        free((void *)(uintptr_t)(v.directories.slots[i].value ? v.directories.slots[i].key : NULL));
    strmap_free(&v.directories);
    free(v.buffer);
    if (!ok)
        failed(status, "%s", why);
    free(why);
    return ok;
}

void verify_free(struct verify_result *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->found[i].text);
    free(r->found);
    *r = (struct verify_result){0};
}

static int one(const char *path, bool aligned, bool werror, bool quiet, struct json *j)
{
    struct source *s = source_open(path);
    if (!s)
        return report_failure();
    struct verify_result r;
    struct stat info;
    progress_begin("verifying", fstat(source_fd(s), &info) == 0 ? (uint64_t)info.st_size : 0,
                   PROGRESS_BYTES, quiet);
    bool readable = verify_source(s, &r);
    progress_end();
    source_close(s);
    int status = EXIT_GOOD;
    char *damage = NULL;
    if (!readable) {
        status = failure_status();
        damage = need_copy(failure_text());
    } else if (r.errors || (werror && r.warnings) || (aligned && r.unaligned)) {
        status = EXIT_FOUND;
    }
    if (j) {
        json_object(j, NULL);
        json_text(j, "image", path);
        json_bool(j, "good", status == EXIT_GOOD);
        json_number(j, "archives", r.archives);
        json_number(j, "indexes", r.indexes);
        json_number(j, "entries", r.entries);
        json_number(j, "files", r.files);
        json_number(j, "bytes", r.bytes);
        json_number(j, "unaligned", r.unaligned);
        json_text(j, "damage", damage);
        json_array(j, "findings");
        for (size_t i = 0; i < r.count; i++) {
            json_object(j, NULL);
            json_text(j, "severity", r.found[i].error ? "error" : "warning");
            json_text(j, "text", r.found[i].text);
            json_close_object(j);
        }
        json_close_array(j);
        json_close_object(j);
    } else {
        for (size_t i = 0; i < r.count; i++)
            complain("%s%s", r.found[i].error ? "" : "warning: ", r.found[i].text);
        if (r.errors + r.warnings > r.count)
            complain("%s: and %llu more", path,
                     (unsigned long long)(r.errors + r.warnings - r.count));
        if (damage)
            complain("%s", damage);
        if (aligned && r.unaligned)
            complain("%s: %llu files do not start on a page", path,
                     (unsigned long long)r.unaligned);
        char size[32];
        if (status == EXIT_GOOD && !quiet)
            printf("%s: good: %u archive%s, %llu entries, %s in %llu files, %llu of them not on a "
                   "page, %u index%s\n",
                   path, r.archives, r.archives == 1 ? "" : "s", (unsigned long long)r.entries,
                   bytes_text(size, r.bytes), (unsigned long long)r.files,
                   (unsigned long long)r.unaligned, r.indexes, r.indexes == 1 ? "" : "es");
    }
    free(damage);
    verify_free(&r);
    return status;
}

int command_verify(int argc, char **argv)
{
    bool aligned = false, werror = false, as_json = false, quiet = false, done = false;
    const struct option_rule rules[] = {
        {"aligned", 0, OPTION_FLAG, &aligned, NULL, "every file's data must start on a page", 0, 0},
        {"werror", 0, OPTION_FLAG, &werror, NULL, "warnings count as errors", 0, 0},
        {"json", 0, OPTION_FLAG, &as_json, NULL, "as a JSON array", 0, 0},
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "say only what is wrong", 0, 0},
        {0},
    };
    if (!command_options(&argc, argv, rules, &done))
        return report_failure();
    if (done)
        return EXIT_GOOD;
    if (argc < 2) {
        complain("verify: which image?");
        return EXIT_USAGE;
    }
    struct json json, *j = as_json ? &json : NULL;
    if (j) {
        json_start(j, stdout);
        json_array(j, NULL);
    }
    int status = EXIT_GOOD;
    for (int i = 1; i < argc; i++) {
        int r = one(argv[i], aligned, werror, quiet, j);
        status = r > status ? r : status;
    }
    if (j) {
        json_close_array(j);
        json_finish(j);
    }
    return status;
}
