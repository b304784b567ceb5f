// Owns: function ranges from .eh_frame (LSB core, "Exception Frames"; DWARF call frame
// information). Pure.
#include "elf_private.h"
#include <string.h>

enum {
    PE_ABSPTR = 0,
    PE_UDATA2 = 2,
    PE_UDATA4 = 3,
    PE_UDATA8 = 4,
    PE_SDATA2 = 10,
    PE_SDATA4 = 11,
    PE_SDATA8 = 12,
    PE_OMIT = 255
};

static u64 leb(struct bytes b, u64 *at, bool *ok)
{
    u64 v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (*at >= b.n)
            break;
        u8 c = b.p[(*at)++];
        v |= (u64)(c & 127) << shift;
        if (!(c & 128))
            return v;
    }
    *ok = false;
    return 0;
}

static u64 encoded(struct bytes b, u64 *at, u8 encoding, u64 here, bool *ok)
{
    u64 v = 0, start = *at;
    switch (encoding & 15) {
    case PE_ABSPTR:
    case PE_UDATA8:
    case PE_SDATA8:
        v = get64(b, *at, false, ok), *at += 8;
        break;
    case PE_UDATA4:
        v = get32(b, *at, false, ok), *at += 4;
        break;
    case PE_SDATA4:
        v = (u64)(i64)(i32)get32(b, *at, false, ok), *at += 4;
        break;
    case PE_UDATA2:
        v = get16(b, *at, false, ok), *at += 2;
        break;
    case PE_SDATA2:
        v = (u64)(i64)(i16)get16(b, *at, false, ok), *at += 2;
        break;
    default:
        *ok = false;
    }
    if ((encoding & 0x70) == 0x10)
        v += here + start;
    return v;
}

struct cie {
    bool augmented; // its frames have augmentation data
    bool signal;    // its frames are signal handlers' return stubs
};

// The pointer encoding that a CIE gives its FDEs, and the personality routine if it names one
// directly.
static u8 cie_encoding(struct elf *e, struct bytes b, u64 at, u64 end, u64 addr, struct cie *cie,
                       bool *ok)
{
    *cie = (struct cie){0};
    at += 8; // length, id
    if (at >= end)
        return PE_OMIT;
    at++; // version
    const char *augmentation = get_string(b, at);
    if (!augmentation)
        return PE_OMIT;
    at += strlen(augmentation) + 1;
    leb(b, &at, ok);
    leb(b, &at, ok);
    leb(b, &at, ok);
    if (augmentation[0] != 'z')
        return PE_ABSPTR;
    cie->augmented = true;
    leb(b, &at, ok);
    u8 encoding = PE_ABSPTR;
    for (const char *a = augmentation + 1; *a && *ok && at < end; a++) {
        if (*a == 'R')
            encoding = b.p[at++];
        else if (*a == 'L')
            at++;
        else if (*a == 'S')
            cie->signal = true;
        else if (*a == 'P') {
            u8 how = b.p[at++];
            u64 where = encoded(b, &at, how & 0x7f, addr, ok);
            if (*ok && how != PE_OMIT)
                *VEC_ADD(&e->roots) = where; // code, or with 0x80 a slot that points to code
        }
    }
    return encoding;
}

// Does the frame begin with a stack already set up? Then it is a piece of a function that lies
// elsewhere: a cold path, a landing pad.
static bool begins_inside(struct bytes b, u64 at, u64 end, bool *ok)
{
    u64 augmentation = leb(b, &at, ok);
    if (!*ok || augmentation > end - at || at + augmentation >= end)
        return false;
    u8 first = b.p[at + augmentation];
    bool advance =
        (first & 0xc0) == 0x40 || (first >= 1 && first <= 4); // DW_CFA_advance_loc, _set_loc
    return first && !advance;
}

void elf_read_frames(struct elf *e, struct bytes b, u64 addr)
{
    u64 cie_at = UINT64_MAX;
    u8 encoding = PE_OMIT;
    struct cie kind = {0};
    for (u64 at = 0; at + 8 <= b.n;) {
        bool ok = true;
        u32 length = get32(b, at, false, &ok);
        if (length == 0 || length == UINT32_MAX || length > b.n - at - 4)
            break;
        u64 next = at + 4 + length;
        u32 id = get32(b, at + 4, false, &ok);
        if (id != 0 && id <= at + 4) {
            u64 cie = at + 4 - id;
            if (cie != cie_at) {
                encoding = cie_encoding(e, b, cie, b.n, addr, &kind, &ok);
                cie_at = cie;
            }
            u64 p = at + 8;
            if (encoding != PE_OMIT && ok) {
                u64 start = encoded(b, &p, encoding & 0x7f, addr, &ok),
                    size = encoded(b, &p, encoding & 15, addr, &ok);
                // an unwinder looks one byte before the return address, so these begin one early
                if (ok && kind.signal && e->machine == ELF_MACHINE_X86_64 && size > 1)
                    start++, size--;
                if (ok && size && start + size > start && elf_is_code(e, start))
                    *VEC_ADD(&e->frames) = (struct elf_range){start, start + size};
                if (ok && kind.augmented && begins_inside(b, p, next, &ok))
                    *VEC_ADD(&e->pieces) = start;
            }
        }
        at = next;
    }
}
