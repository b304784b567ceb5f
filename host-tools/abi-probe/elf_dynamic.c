// Owns: the dynamic section: needed files, symbols, versions, relocations, init functions. Pure.
#include "elf_private.h"
#include <stdlib.h>
#include <string.h>

enum {
    NEEDED = 1,
    PLTRELSZ = 2,
    HASH = 4,
    STRTAB = 5,
    SYMTAB = 6,
    RELA = 7,
    RELASZ = 8,
    STRSZ = 10,
    INIT = 12,
    FINI = 13,
    SONAME = 14,
    RPATH = 15,
    JMPREL = 23,
    INIT_ARRAY = 25,
    FINI_ARRAY = 26,
    INIT_ARRAYSZ = 27,
    FINI_ARRAYSZ = 28,
    RUNPATH = 29,
    PREINIT_ARRAY = 32,
    PREINIT_ARRAYSZ = 33,
    RELRSZ = 35,
    RELR = 36,
    TAGS = 64
};
enum {
    GNU_HASH = 0x6ffffef5,
    VERSYM = 0x6ffffff0,
    VERDEF = 0x6ffffffc,
    VERDEFNUM = 0x6ffffffd,
    VERNEED = 0x6ffffffe,
    VERNEEDNUM = 0x6fffffff
};

struct dynamic {
    u64 tag[TAGS];
    u64 gnu_hash, versym, verdef, verdefnum, verneed, verneednum;
    struct bytes strings;
};

static void collect(struct elf *e, struct bytes table, struct dynamic *d)
{
    bool ok = true;
    for (u64 at = 0; at + 16 <= table.n; at += 16) {
        u64 tag = get64(table, at, false, &ok), value = get64(table, at + 8, false, &ok);
        if (tag == 0)
            break;
        if (tag < TAGS && tag != NEEDED)
            d->tag[tag] = value;
        switch (tag) {
        case GNU_HASH:
            d->gnu_hash = value;
            break;
        case VERSYM:
            d->versym = value;
            break;
        case VERDEF:
            d->verdef = value;
            break;
        case VERDEFNUM:
            d->verdefnum = value;
            break;
        case VERNEED:
            d->verneed = value;
            break;
        case VERNEEDNUM:
            d->verneednum = value;
            break;
        default:
            break;
        }
    }
    d->strings = elf_at_most(e, d->tag[STRTAB], d->tag[STRSZ]);
    for (u64 at = 0; at + 16 <= table.n; at += 16) {
        u64 tag = get64(table, at, false, &ok);
        if (tag == 0)
            break;
        const char *text = get_string(d->strings, get64(table, at + 8, false, &ok));
        if (!text)
            continue;
        if (tag == NEEDED)
            *VEC_ADD(&e->needed) = text;
        else if (tag == SONAME)
            e->soname = text;
        else if (tag == RPATH)
            e->rpath = text;
        else if (tag == RUNPATH)
            e->runpath = text;
    }
}

// How many dynamic symbols: the SysV hash says so, the GNU hash has to be walked.
static u64 symbol_count(const struct elf *e, const struct dynamic *d)
{
    bool ok = true;
    if (d->tag[HASH]) {
        u32 n = get32(elf_at(e, d->tag[HASH], 8), 4, false, &ok);
        if (ok)
            return n;
    }
    ok = true;
    struct bytes g = elf_at_most(e, d->gnu_hash, UINT64_MAX);
    u32 buckets = get32(g, 0, false, &ok), base = get32(g, 4, false, &ok),
        bloom = get32(g, 8, false, &ok);
    u64 at = 16 + (u64)bloom * 8, last = 0;
    if (!ok || !d->gnu_hash)
        return 0;
    for (u32 i = 0; i < buckets && ok; i++)
        last = MAX(last, get32(g, at + (u64)i * 4, false, &ok));
    if (last < base)
        return base;
    for (at += (u64)buckets * 4; ok; last++)
        if (get32(g, at + (last - base) * 4, false, &ok) & 1)
            break;
    return last + 1;
}

static const char **versions(struct elf *e, const struct dynamic *d, u32 *count)
{
    const char **names = xalloc(*count = 32768, sizeof(*names));
    struct bytes def = elf_at_most(e, d->verdef, UINT64_MAX),
                 need = elf_at_most(e, d->verneed, UINT64_MAX);
    bool ok = true;
    for (u64 i = 0, at = 0; d->verdef && i < d->verdefnum && i < 32768 && ok; i++) {
        u16 index = get16(def, at + 4, false, &ok) & 0x7fff;
        u32 aux = get32(def, at + 12, false, &ok), next = get32(def, at + 16, false, &ok);
        const char *name = ok ? get_string(d->strings, get32(def, at + aux, false, &ok)) : NULL;
        if (name && ok) {
            names[index] = name;
            *VEC_ADD(&e->defines) = name;
        }
        if (!next)
            break;
        at += next;
    }
    ok = true;
    u64 budget = 65536;
    for (u64 i = 0, at = 0; d->verneed && i < d->verneednum && ok && budget; i++) {
        u16 n = get16(need, at + 2, false, &ok);
        const char *file = get_string(d->strings, get32(need, at + 4, false, &ok));
        u64 aux = at + get32(need, at + 8, false, &ok);
        u32 next = get32(need, at + 12, false, &ok);
        for (u32 k = 0; k < n && ok && budget; k++, budget--) {
            u16 flags = get16(need, aux + 4, false, &ok),
                index = get16(need, aux + 6, false, &ok) & 0x7fff;
            const char *name = get_string(d->strings, get32(need, aux + 8, false, &ok));
            u32 step = get32(need, aux + 12, false, &ok);
            if (!ok)
                break;
            if (name) {
                names[index] = name;
                if (file)
                    *VEC_ADD(&e->needs) = (struct elf_need){file, name, flags & 2};
            }
            if (!step)
                break;
            aux += step;
        }
        if (!next)
            break;
        at += next;
    }
    return names;
}

static void read_symbols(struct elf *e, const struct dynamic *d)
{
    u64 n = symbol_count(e, d); // the GNU hash leaves undefined symbols out: relocations name those
    for (usize i = 0; i < e->relocs.n; i++)
        n = MAX(n, (u64)e->relocs.p[i].symbol + 1);
    struct bytes table = elf_at_most(e, d->tag[SYMTAB], n * 24 < n ? 0 : n * 24);
    u32 count;
    const char **names = versions(e, d, &count);
    for (u64 at = 0; at + 24 <= table.n;
         at += 24) { // index 0 is kept so that relocations count alike
        bool ok = true, has_version = true;
        u8 info = table.p[at + 4];
        struct elf_symbol y = {get_string(d->strings, get32(table, at, false, &ok)),
                               NULL,
                               get64(table, at + 8, false, &ok),
                               get64(table, at + 16, false, &ok),
                               info & 15,
                               info >> 4,
                               get16(table, at + 6, false, &ok) != 0,
                               false};
        u16 v =
            d->versym ? get16(elf_at(e, d->versym + at / 24 * 2, 2), 0, false, &has_version) : 0;
        if (d->versym && has_version && (v & 0x7fff) > 1) {
            y.version = names[v & 0x7fff];
            y.hidden_version = v & 0x8000;
        }
        if (!y.name)
            y.name = "";
        *VEC_ADD(&e->symbols) = y;
    }
    free(names);
}

static void read_rela(struct elf *e, u64 addr, u64 size)
{
    struct bytes t = elf_at_most(e, addr, size);
    for (u64 at = 0; at + 24 <= t.n; at += 24) {
        bool ok = true;
        u64 info = get64(t, at + 8, false, &ok);
        *VEC_ADD(&e->relocs) = (struct elf_reloc){
            get64(t, at, false, &ok), get64(t, at + 16, false, &ok), (u32)info, (u32)(info >> 32)};
    }
}

static void relative(struct elf *e, u64 at)
{
    bool ok = true;
    u64 value = get64(elf_at(e, at, 8), 0, false, &ok);
    if (ok)
        *VEC_ADD(&e->relocs) = (struct elf_reloc){at, value, UINT32_MAX, 0};
}

// Packed relative relocations: an address, then bitmaps of 63 words behind it.
static void read_relr(struct elf *e, u64 addr, u64 size)
{
    struct bytes t = elf_at_most(e, addr, size);
    u64 where = 0;
    for (u64 at = 0; at + 8 <= t.n; at += 8) {
        bool ok = true;
        u64 word = get64(t, at, false, &ok);
        if (!(word & 1)) {
            relative(e, word);
            where = word + 8;
            continue;
        }
        for (u64 bits = word >> 1, k = 0; bits; bits >>= 1, k++)
            if (bits & 1)
                relative(e, where + k * 8);
        where += 63 * 8;
    }
}

static void read_array(struct elf *e, u64 addr, u64 size)
{
    struct bytes t = elf_at_most(e, addr, size);
    for (u64 at = 0; at + 8 <= t.n; at += 8) {
        bool ok = true;
        u64 value = get64(t, at, false, &ok);
        if (value && value != UINT64_MAX)
            *VEC_ADD(&e->roots) = value;
    }
    for (usize i = 0; i < e->relocs.n; i++) // the value may stand in the relocation only
        if (e->relocs.p[i].at - addr < t.n && e->relocs.p[i].symbol == 0)
            *VEC_ADD(&e->roots) = e->relocs.p[i].addend;
}

void elf_read_dynamic(struct elf *e, u64 addr, u64 size)
{
    struct dynamic d = {0};
    collect(e, elf_at_most(e, addr, size), &d);
    read_rela(e, d.tag[RELA], d.tag[RELASZ]);
    read_rela(e, d.tag[JMPREL], d.tag[PLTRELSZ]);
    read_symbols(e, &d);
    read_relr(e, d.tag[RELR], d.tag[RELRSZ]);
    if (d.tag[INIT])
        *VEC_ADD(&e->roots) = d.tag[INIT];
    if (d.tag[FINI])
        *VEC_ADD(&e->roots) = d.tag[FINI];
    read_array(e, d.tag[INIT_ARRAY], MIN(d.tag[INIT_ARRAYSZ], 65536));
    read_array(e, d.tag[FINI_ARRAY], MIN(d.tag[FINI_ARRAYSZ], 65536));
    read_array(e, d.tag[PREINIT_ARRAY], MIN(d.tag[PREINIT_ARRAYSZ], 65536));
}
