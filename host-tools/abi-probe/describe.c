// Owns: recognising formats. ELF and scripts go through the kernel's own detection
// (host-tools/detect); the others are told by their magic numbers and the fields behind them. Pure.
//
// Layouts: PE/COFF (Microsoft's "PE Format"), Mach-O (<mach-o/loader.h>), WebAssembly core 1.0
// binary format, Java VM specification 4.1, the DOS EXE header, a.out(5), ar(5).
#include "describe.h"
#include <string.h>
#include <strings.h>

const char *format_name(enum format f)
{
    static const char *const names[FORMATS] = {
        "empty",  "data",        "text",       "ELF",    "script",  "PE",    "NE",
        "Mach-O", "WebAssembly", "Java class", "DOS MZ", "DOS COM", "a.out", "archive"};
    return names[f];
}

[[gnu::format(printf, 2, 3)]] static void because(struct description *d, const char *text, ...)
{
    if (d->reasons == ARRAY_LEN(d->reason))
        return;
    __builtin_va_list args;
    __builtin_va_start(args, text);
    vsnprintf(d->reason[d->reasons++], sizeof(d->reason[0]), text, args);
    __builtin_va_end(args);
}

static void damaged(struct description *d, const char *why, u64 at)
{
    d->problem = why;
    d->problem_offset = at;
}

struct name {
    u32 value;
    const char *name;
};

static void set_machine(struct description *d, const struct name *table, usize n, u32 value)
{
    snprintf(d->machine, sizeof(d->machine), "machine %#x", value);
    for (usize i = 0; i < n; i++)
        if (table[i].value == value)
            snprintf(d->machine, sizeof(d->machine), "%s", table[i].name);
}

const char *elf_machine_name(u16 machine, u8 class, bool big, char out[32])
{
    static const struct name names[] = {
        {1, "we32100"},      {2, "sparc"},      {3, "i386"},         {4, "m68k"},
        {5, "m88k"},         {7, "i860"},       {8, "mips"},         {15, "hppa"},
        {18, "sparc32plus"}, {20, "ppc"},       {21, "ppc64"},       {22, "s390"},
        {40, "arm"},         {41, "alpha"},     {42, "sh"},          {43, "sparcv9"},
        {50, "ia64"},        {62, "x86-64"},    {75, "vax"},         {76, "cris"},
        {83, "avr"},         {88, "m32r"},      {92, "openrisc"},    {93, "arc"},
        {94, "xtensa"},      {105, "msp430"},   {106, "blackfin"},   {113, "nios2"},
        {164, "hexagon"},    {183, "aarch64"},  {189, "microblaze"}, {190, "cuda"},
        {195, "arc2"},       {224, "amdgpu"},   {243, "riscv"},      {247, "bpf"},
        {252, "csky"},       {258, "loongarch"}};
    snprintf(out, 32, "machine %u", machine);
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].value == machine)
            snprintf(out, 32, "%s%s%s", names[i].name,
                     machine == 243 || machine == 258       ? class == ELF_CLASS64 ? "64" : "32"
                     : machine == 8 && class == ELF_CLASS64 ? "64"
                                                            : "",
                     machine == 8 && !big    ? "el"
                     : machine == 21 && !big ? "le"
                     : machine == 40 && big  ? "eb"
                     : machine == 183 && big ? "_be"
                                             : "");
    if (machine == 62 && class == ELF_CLASS32)
        strcpy(out, "x32");
    return out;
}

static usize read_more(void *of, u64 off, void *dst, usize n)
{
    const struct bytes *b = of;
    u64 left = off < b->n ? b->n - off : 0;
    usize got = left < n ? (usize)left : n;
    if (got)
        memcpy(dst, b->p + off, got);
    return got;
}

// The index of the ABI that the kernel would choose, -1: none.
static int ask_abis(struct bytes data, const char *path, u16 machine, struct description *d)
{
    struct exec_probe p = {.head = data.p,
                           .head_len = data.n < DETECT_HEAD ? data.n : DETECT_HEAD,
                           .size = data.n,
                           .path = path,
                           .machine = machine,
                           .read = read_more,
                           .ctx = &data};
    d->score_n = detect_abis() <= MAX_ABIS ? detect_abis() : 0;
    return d->score_n ? detect_scores(&p, d->scores) : -1;
}

static void elf(struct bytes data, int best, struct description *d)
{
    const struct detect_score *scores = d->scores;
    struct elf_summary s;
    d->format = FORMAT_ELF;
    usize head = data.n < DETECT_HEAD ? data.n : DETECT_HEAD;
    d->elf = elf_summarise(data.p, head, data.n, &s);
    d->elf_machine = s.machine;
    d->big = s.data == ELF_BIG;
    d->bits = s.class == ELF_CLASS64 ? 64 : s.class == ELF_CLASS32 ? 32 : 0;
    elf_machine_name(s.machine, s.class, d->big, d->machine);
    if (d->elf == ELF_DAMAGED) {
        damaged(d, s.problem, s.problem_offset);
        because(d, "ELF, but damaged: %s", s.problem);
        strcpy(d->kind, "damaged");
        return;
    }
    static const char *const types[] = {"file without a type", "object", "static program",
                                        "shared library", "core dump"};
    snprintf(d->kind, sizeof(d->kind), "%s",
             s.type < ARRAY_LEN(types) ? types[s.type] : "of an unknown type");
    if (s.has_interp)
        strcpy(d->kind, s.type == ELF_TYPE_DYN ? "dynamic program (PIE)" : "dynamic program");
    because(d, "ELF, %u-bit, %s-endian, for %s", d->bits, d->big ? "big" : "little", d->machine);
    if (s.osabi)
        because(d, "marked for system %u%s", s.osabi,
                s.osabi == ELF_OSABI_GNU       ? " (GNU/Linux)"
                : s.osabi == ELF_OSABI_SCARLET ? " (Scarlet)"
                                               : "");
    if (best >= 0) {
        d->abi = scores[best].abi;
        d->score = scores[best].score;
        d->runs_here = true;
        because(d, "%s: %s", scores[best].abi, scores[best].why);
    } else
        for (unsigned i = 0; i < d->score_n; i++)
            because(d, "%s: %s", scores[i].abi, scores[i].why);
}

static void pe(struct bytes b, u64 at, struct description *d)
{
    static const struct name machines[] = {
        {0x14c, "i386"},         {0x8664, "x86-64"},  {0x1c0, "arm"},
        {0x1c4, "arm"},          {0xaa64, "aarch64"}, {0x5032, "riscv32"},
        {0x5064, "riscv64"},     {0x200, "ia64"},     {0xebc, "any (EFI byte code)"},
        {0x6264, "loongarch64"}, {0x166, "mipsel"},   {0x1f0, "ppc"}};
    static const char *const subsystems[] = {"unknown",
                                             "native",
                                             "windows",
                                             "windows console",
                                             "",
                                             "OS/2 console",
                                             "",
                                             "POSIX console",
                                             "",
                                             "Windows CE",
                                             "EFI application",
                                             "EFI boot driver",
                                             "EFI runtime driver",
                                             "EFI ROM",
                                             "Xbox",
                                             "",
                                             "Windows boot application"};
    bool ok = true;
    d->format = FORMAT_PE;
    u16 machine = get16(b, at + 4, false, &ok), optional = get16(b, at + 20, false, &ok),
        flags = get16(b, at + 22, false, &ok);
    if (!ok)
        return damaged(d, "file ends inside the PE header", b.n);
    set_machine(d, machines, ARRAY_LEN(machines), machine);
    u16 magic = optional ? get16(b, at + 24, false, &ok) : 0,
        subsystem = optional ? get16(b, at + 24 + 68, false, &ok) : 0;
    d->bits = magic == 0x20b ? 64 : 32;
    bool efi = subsystem >= 10 && subsystem <= 13;
    d->abi = efi ? "efi" : "windows";
    d->score = ok && (magic == 0x10b || magic == 0x20b) ? 95 : 60;
    snprintf(d->kind, sizeof(d->kind), "%s%s%s",
             subsystem < ARRAY_LEN(subsystems) && *subsystems[subsystem] ? subsystems[subsystem]
                                                                         : "unknown",
             flags & 0x2000 ? " library"
             : efi          ? ""
                            : " program",
             magic == 0x107 ? " (ROM)" : "");
    because(d, "\"MZ\" with a PE header at offset %llu, for %s", (unsigned long long)at,
            d->machine);
    // A header of the common language runtime makes it byte code.
    u64 directories = at + 24 + (magic == 0x20b ? 112 : 96);
    ok = true;
    if (optional >= (magic == 0x20b ? 112 : 96) + 15 * 8 &&
        get32(b, directories + 14 * 8, false, &ok) && ok) {
        d->abi = "dotnet";
        because(d, "has a header of the .NET runtime");
    }
    if (!ok)
        damaged(d, "file ends inside the PE header", b.n);
}

static void mz(struct bytes b, struct description *d)
{
    bool ok = true;
    u32 at = get32(b, 60, false, &ok);
    if (ok && at >= 64 && slice(b, at, 4).n && memcmp(b.p + at, "PE\0\0", 4) == 0)
        return pe(b, at, d);
    strcpy(d->machine, "i8086");
    d->bits = 16;
    bool has_new = ok && get16(b, 24, false, &ok) >= 64;
    if (has_new && slice(b, at, 2).n &&
        (memcmp(b.p + at, "NE", 2) == 0 || memcmp(b.p + at, "LE", 2) == 0 ||
         memcmp(b.p + at, "LX", 2) == 0)) {
        d->format = FORMAT_NE;
        d->abi = b.p[at + 1] == 'X' ? "os2" : "win16";
        d->score = 80;
        snprintf(d->kind, sizeof(d->kind), "%.2s program", (const char *)b.p + at);
        return because(d, "\"MZ\" with a %.2s header at offset %u", (const char *)b.p + at, at);
    }
    ok = true;
    u16 last = get16(b, 2, false, &ok), pages = get16(b, 4, false, &ok),
        header = get16(b, 8, false, &ok);
    d->format = FORMAT_MZ;
    d->abi = "dos";
    strcpy(d->kind, "program");
    if (!ok || b.n < 28)
        return damaged(d, "file ends inside the MZ header", b.n);
    u64 size = (u64)pages * 512 - (last ? 512 - MIN(last, 512) : 0);
    d->score = size <= b.n && (u64)header * 16 <= size ? 80 : 40;
    because(d, "\"MZ\" without a newer header: a DOS program of %llu bytes",
            (unsigned long long)size);
    if (size > b.n)
        damaged(d, "the header announces more than the file holds", 2);
}

static void macho(struct bytes b, struct description *d)
{
    static const struct name machines[] = {{7, "i386"}, {0x1000007, "x86-64"},
                                           {12, "arm"}, {0x100000c, "aarch64"},
                                           {18, "ppc"}, {0x1000012, "ppc64"}};
    static const char *const types[] = {"",
                                        "object",
                                        "program",
                                        "fixed library",
                                        "core dump",
                                        "preloaded program",
                                        "shared library",
                                        "dynamic linker",
                                        "bundle",
                                        "library stub",
                                        "debug symbols",
                                        "kernel extension"};
    bool ok = true, big = b.p[0] == 0xfe, fat = b.p[0] == 0xca;
    d->format = FORMAT_MACHO;
    d->abi = "darwin";
    d->score = 90;
    if (fat) {
        u32 n = get32(b, 4, true, &ok);
        snprintf(d->machine, sizeof(d->machine), "several");
        snprintf(d->kind, sizeof(d->kind), "universal, %u machines", n);
        because(d, "Mach-O universal file with %u parts", n);
        if (!ok || 8 + (u64)n * 20 > b.n)
            damaged(d, "file ends inside the list of parts", b.n);
        return;
    }
    d->big = big;
    d->bits = b.p[big ? 3 : 0] == 0xcf ? 64 : 32;
    u32 cpu = get32(b, 4, big, &ok), type = get32(b, 12, big, &ok),
        commands = get32(b, 16, big, &ok), size = get32(b, 20, big, &ok);
    set_machine(d, machines, ARRAY_LEN(machines), cpu);
    snprintf(d->kind, sizeof(d->kind), "%s",
             type < ARRAY_LEN(types) && type ? types[type] : "of an unknown type");
    because(d, "Mach-O, %u-bit, for %s, %u load commands", d->bits, d->machine, commands);
    if (!ok || size > b.n - (d->bits == 64 ? 32 : 28) || b.n < 32)
        damaged(d, "file ends inside the load commands", b.n);
}

static void wasm(struct bytes b, struct description *d)
{
    bool ok = true;
    u16 version = get16(b, 4, false, &ok), layer = get16(b, 6, false, &ok);
    d->format = FORMAT_WASM;
    d->abi = "wasm";
    strcpy(d->machine, "any");
    d->bits = 32;
    d->score = version == 1 && layer == 0 ? 95 : 70;
    strcpy(d->kind, layer ? "component" : "module");
    because(d, "WebAssembly %s, version %u", d->kind, version);
    if (!ok)
        return damaged(d, "file ends inside the header", b.n);
    for (u64 at = 8; layer == 0 && at < b.n;) { // sections must fill the file
        u64 size = 0, start = at++;
        unsigned shift = 0;
        u8 c = 128;
        while (at < b.n && shift < 35 && c & 128) {
            c = b.p[at++];
            size |= (u64)(c & 127) << shift;
            shift += 7;
        }
        if (c & 128 || size > b.n - at || b.p[start] > 13)
            return damaged(d, "a section does not fit", start);
        at += size;
    }
}

static bool aout(struct bytes b, struct description *d)
{
    static const struct name machines[] = {
        {0, "unknown"}, {1, "m68010"}, {2, "m68020"},   {3, "sparc"},  {100, "i386"},
        {134, "i386"},  {137, "i386"}, {140, "mipsel"}, {135, "m68k"}, {150, "vax"}};
    bool ok = true;
    for (int big = 0; big < 2; big++) {
        u32 word = get32(b, 0, big, &ok);
        u16 magic = (u16)word;
        if (!ok || (magic != 0407 && magic != 0410 && magic != 0413 && magic != 0314))
            continue;
        u64 text = get32(b, 4, big, &ok), data = get32(b, 8, big, &ok),
            symbols = get32(b, 16, big, &ok), entry = get32(b, 20, big, &ok);
        u32 machine = word >> 16 & 0x3ff;
        bool known = false;
        for (usize i = 0; i < ARRAY_LEN(machines); i++)
            known |= machines[i].value == (machine & 0xff);
        if (!ok || !known || text == 0 || text + data + symbols > b.n ||
            entry > text + data + 0x10000000 || (text | data) & 3)
            continue;
        d->format = FORMAT_AOUT;
        d->big = big;
        d->bits = 32;
        d->abi = "aout";
        d->score = 60;
        set_machine(d, machines, ARRAY_LEN(machines), machine & 0xff);
        snprintf(d->kind, sizeof(d->kind), "%s",
                 magic == 0407   ? "impure program or object"
                 : magic == 0410 ? "pure program"
                                 : "demand-paged program");
        because(d, "a.out magic %#o, text %llu and data %llu bytes fit the file", magic,
                (unsigned long long)text, (unsigned long long)data);
        return true;
    }
    return false;
}

static void archive(struct bytes b, struct description *d)
{
    d->format = FORMAT_ARCHIVE;
    d->abi = NULL;
    strcpy(d->machine, "any");
    d->score = 90;
    bool thin = b.p[2] == 't';
    u64 members = 0;
    bool deb = false;
    for (u64 at = 8; at + 60 <= b.n;) {
        if (b.p[at + 58] != '`' || b.p[at + 59] != '\n') {
            damaged(d, "a member's header does not end as it must", at + 58);
            break;
        }
        u64 size = 0;
        for (u64 k = at + 48; k < at + 58 && b.p[k] >= '0' && b.p[k] <= '9'; k++)
            size = size * 10 + (b.p[k] - '0');
        bool special = b.p[at] == '/' && (b.p[at + 1] == ' ' || b.p[at + 1] == '/');
        deb |= at == 8 && memcmp(b.p + at, "debian-binary", 13) == 0;
        members += !special;
        if (thin && !special)
            size = 0;
        if (size > b.n - at - 60) {
            damaged(d, "a member reaches past the end of the file", at + 48);
            break;
        }
        at += 60 + size + (size & 1);
    }
    snprintf(d->kind, sizeof(d->kind), "%s, %llu members",
             deb    ? "Debian package"
             : thin ? "thin ar archive"
                    : "ar archive",
             (unsigned long long)members);
    because(d, "ar's mark at the start, %llu members", (unsigned long long)members);
}

static void java(struct bytes b, struct description *d)
{
    bool ok = true;
    u16 minor = get16(b, 4, true, &ok), major = get16(b, 6, true, &ok);
    d->format = FORMAT_JAVA;
    d->abi = "java";
    d->score = 90;
    strcpy(d->machine, "any");
    snprintf(d->kind, sizeof(d->kind), "class, version %u.%u", major, minor);
    because(d, "Java class file of version %u.%u%s", major, minor, major == 45 ? " (1.1)" : "");
}

static bool looks_like_text(struct bytes b)
{
    u64 n = MIN(b.n, 4096ull);
    for (u64 i = 0; i < n; i++)
        if (b.p[i] == 0 || (b.p[i] < 32 && !strchr("\t\n\r\f\v\b\033", b.p[i])) || b.p[i] == 127)
            return false;
    return true;
}

static void com(struct bytes b, const char *path, struct description *d)
{
    const char *dot = strrchr(path, '.');
    bool suffix = dot && strcasecmp(dot, ".com") == 0;
    if (!suffix || b.n > 65280 || looks_like_text(b)) {
        d->format = looks_like_text(b) ? FORMAT_TEXT : FORMAT_DATA;
        return;
    }
    bool jump = b.p[0] == 0xe9 || b.p[0] == 0xeb, dos = false;
    for (u64 i = 0; i + 1 < b.n; i++)
        dos |= b.p[i] == 0xcd && b.p[i + 1] == 0x21;
    d->format = FORMAT_COM;
    d->abi = "dos";
    d->bits = 16;
    d->score = dos ? 50 : jump ? 30 : 15;
    strcpy(d->machine, "i8086");
    strcpy(d->kind, "program");
    because(d, "named .com, %llu bytes fit one segment%s%s", (unsigned long long)b.n,
            dos ? ", calls int 21h" : "", jump ? ", begins with a jump" : "");
}

void describe(struct bytes b, const char *path, u16 machine, struct description *d)
{
    *d = (struct description){.format = FORMAT_DATA};
    strcpy(d->machine, "any");
    bool ok = true;
    u32 word = get32(b, 0, true, &ok);
    int best = ask_abis(b, path, machine, d);
    if (b.n == 0) {
        d->format = FORMAT_EMPTY;
        return;
    }
    if (b.n >= 4 && word == 0x7f454c46)
        return elf(b, best, d);
    if (b.n >= 2 && b.p[0] == '#' && b.p[1] == '!') {
        d->format = FORMAT_SCRIPT;
        int kind = script_parse(b.p, b.n < DETECT_HEAD ? b.n : DETECT_HEAD, &d->script);
        d->score = kind > 0 ? 100 : 0;
        if (kind > 0) {
            snprintf(d->kind, sizeof(d->kind), "script of %.50s", d->script.interpreter);
            because(d, "\"#!\" names %.120s", d->script.interpreter);
            return;
        }
        strcpy(d->kind, "damaged");
        return damaged(d, "\"#!\" without an interpreter, or its line is too long", 2);
    }
    if (b.n >= 2 && ((b.p[0] == 'M' && b.p[1] == 'Z') || (b.p[0] == 'Z' && b.p[1] == 'M')) &&
        b.n >= 28)
        return mz(b, d);
    if (b.n >= 28 &&
        (word == 0xfeedface || word == 0xfeedfacf || word == 0xcefaedfe || word == 0xcffaedfe))
        return macho(b, d);
    if (b.n >= 8 && word == 0xcafebabe) // universal Mach-O counts parts where Java has its version,
                                        // which is at least 45
        return get32(b, 4, true, &ok) < 43 ? macho(b, d) : java(b, d);
    if (b.n >= 8 && word == 0x0061736d)
        return wasm(b, d);
    if (b.n >= 8 && (memcmp(b.p, "!<arch>\n", 8) == 0 || memcmp(b.p, "!<thin>\n", 8) == 0))
        return archive(b, d);
    if (!aout(b, d))
        com(b, path, d);
}
