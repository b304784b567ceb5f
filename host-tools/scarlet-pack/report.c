// See report.h.
#include "report.h"
#include "common/fail.h"
#include "common/files.h"
#include "common/json.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void report_count(struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct item *one = p->items[i];
        if (!one->origin)
            continue;
        if (S_ISREG(one->mode)) {
            one->origin->files++;
            one->origin->bytes += one->leader ? 0 : one->data.size;
        } else {
            one->origin->others++;
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const struct origin *x = *(struct origin *const *)a, *y = *(struct origin *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return strcmp(x->name, y->name);
}

void report_text(const struct build_report *r)
{
    char text[32];
    const struct plan *p = r->plan;
    qsort(p->origins, p->origin_count, sizeof(struct origin *), by_size);
    printf("%12s %6s %7s %7s  %s\n", "bytes", "%", "files", "other", "from");
    for (size_t i = 0; i < p->origin_count; i++) {
        const struct origin *o = p->origins[i];
        if (o->files + o->others == 0)
            continue;
        printf("%12llu %6.1f %7llu %7llu  %s%s\n", (unsigned long long)o->bytes,
               r->layout->data ? 100.0 * (double)o->bytes / (double)r->layout->data : 0.0,
               (unsigned long long)o->files, (unsigned long long)o->others,
               o->package ? "package " : "", o->name);
    }
    printf("%12llu %6s %7s %7s  headers and names\n", (unsigned long long)r->layout->headers, "",
           "", "");
    printf("%12llu %6s %7s %7s  index\n", (unsigned long long)r->layout->index_size, "", "", "");
    printf("%12llu %6s %7s %7s  alignment\n", (unsigned long long)r->layout->padding, "", "", "");
    printf("%12llu %6s %7s %7zu  %s (%s)\n", (unsigned long long)r->written, "", "", p->count,
           r->image, bytes_text(text, r->written));
    if (r->compression != COMPRESS_NONE && r->layout->size)
        printf("%12llu %5.1f%%  before compression\n", (unsigned long long)r->layout->size,
               100.0 * (double)r->written / (double)r->layout->size);
    if (p->duplicate_bytes)
        printf("%12llu  in files that equal another%s\n", (unsigned long long)p->duplicate_bytes,
               r->shared ? ", stored once" : " (--share stores them once)");
    printf("programs %llu, libraries %llu, scripts %llu; errors %zu, warnings %zu\n",
           (unsigned long long)r->checks->programs, (unsigned long long)r->checks->libraries,
           (unsigned long long)r->checks->scripts, r->checks->errors, r->checks->warnings);
}

void report_json(const struct build_report *r)
{
    struct json j;
    const struct plan *p = r->plan;
    qsort(p->origins, p->origin_count, sizeof(struct origin *), by_size);
    json_start(&j, stdout);
    json_object(&j, NULL);
    json_text(&j, "image", r->image);
    json_number(&j, "size", r->written);
    json_number(&j, "archive_size", r->layout->size);
    json_number(&j, "entries", p->count);
    json_number(&j, "data", r->layout->data);
    json_number(&j, "headers", r->layout->headers);
    json_number(&j, "index", r->layout->index_size);
    json_number(&j, "alignment", r->layout->padding);
    json_number(&j, "duplicate_bytes", p->duplicate_bytes);
    json_bool(&j, "shared", r->shared);
    json_array(&j, "from");
    for (size_t i = 0; i < p->origin_count; i++) {
        const struct origin *o = p->origins[i];
        json_object(&j, NULL);
        json_text(&j, "name", o->name);
        json_bool(&j, "package", o->package);
        json_number(&j, "bytes", o->bytes);
        json_number(&j, "files", o->files);
        json_number(&j, "other", o->others);
        json_close_object(&j);
    }
    json_close_array(&j);
    json_number(&j, "errors", r->checks->errors);
    json_number(&j, "warnings", r->checks->warnings);
    json_array(&j, "findings");
    for (size_t i = 0; i < r->checks->count; i++) {
        json_object(&j, NULL);
        json_text(&j, "severity",
                  r->checks->found[i].severity == SEVERITY_ERROR ? "error" : "warning");
        json_text(&j, "check", check_name(r->checks->found[i].class));
        json_text(&j, "text", r->checks->found[i].text);
        json_close_object(&j);
    }
    json_close_array(&j);
    json_close_object(&j);
    json_finish(&j);
}
