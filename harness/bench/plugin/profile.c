// QEMU plugin: which kernel code ran between two marks, with the stack of calls that led there.
//
// Owns a shadow call stack for each guest thread, kept from the calls and returns that translation
// blocks end with, and a count for each pair of (stack, block). One hart. No QEMU header is needed:
// the few functions are declared here.
//
// Arguments: out=FILE trap=HEX switch=HEX base=HEX (trap_entry, arch_context_switch, lowest kernel
// address), all=1 counts from power-on to power-off instead of between the marks `slti x0,x0,0x111`
// and `slti x0,x0,0x222` of the guest.
//
// Output, one line each:   node ID PARENT CALLSITE ENTRY      (hex: return address in the caller,
// first address of the callee)
//                          count NODE PC INSTRUCTIONS TIMES
//                          user N / firmware N / regions N
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef API
#define API 1
#endif

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
int qemu_plugin_version = API;
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int,
                                          void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
                                            int, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
                                      void (*)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *),
                                      int, int, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
#if API >= 3
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);
#else
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
#endif

enum kind { PLAIN, CALL, RETURN, TRAP_RETURN };

struct block {
    uint64_t pc, end;
    uint32_t insns;
    enum kind kind;
    bool kernel, firmware, in_switch;
};

struct node {
    uint32_t parent;
    uint64_t callsite, entry;
};

struct frame {
    uint64_t ret; // 0: a trap that interrupted the kernel
    uint32_t node;
    const struct block *last;
};

enum { DEPTH = 256 };
struct thread {
    uint64_t id;
    uint32_t node;
    uint32_t depth;
    struct frame frame[DEPTH];
};

static uint64_t trap_entry, switch_entry, base = 1ull << 63;
static const char *out_path;
static bool counting, all;
static uint64_t user_count, firmware_count, regions;

static struct node *nodes;
static uint32_t node_count, node_room;

// (node, block) -> times, and (parent, callsite, entry) -> node: open addressing, doubled when half
// full.
struct pair {
    uint64_t key[3], value;
    bool used;
};
struct table {
    struct pair *slot;
    uint64_t cap, count;
};
static struct table counts, children;

static struct thread **threads;
static uint32_t thread_count;
static struct thread *now;
static uint64_t next_thread;
static const struct block *last;

static void *need(void *p)
{
    if (!p) {
        fputs("profile: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static struct pair *find(struct table *t, uint64_t a, uint64_t b, uint64_t c)
{
    if (t->count * 2 >= t->cap) {
        struct table bigger = {.cap = t->cap ? t->cap * 2 : 4096};
        bigger.slot = need(calloc(bigger.cap, sizeof(*bigger.slot)));
        for (uint64_t i = 0; i < t->cap; i++)
            if (t->slot[i].used)
                *find(&bigger, t->slot[i].key[0], t->slot[i].key[1], t->slot[i].key[2]) =
                    t->slot[i];
        free(t->slot);
        bigger.count = t->count;
        *t = bigger;
    }
    uint64_t h = (a * 0x9e3779b97f4a7c15 ^ b) * 0xbf58476d1ce4e5b9 ^ c * 0x94d049bb133111eb;
    for (uint64_t i = (h ^ h >> 32) & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
        struct pair *p = &t->slot[i];
        if (p->used && p->key[0] == a && p->key[1] == b && p->key[2] == c)
            return p;
        if (!p->used) {
            *p = (struct pair){.key = {a, b, c}, .used = true};
            t->count++;
            return p;
        }
    }
}

static uint32_t child(uint32_t parent, uint64_t callsite, uint64_t entry)
{
    struct pair *p = find(&children, parent, callsite, entry);
    if (!p->value) {
        if (node_count == node_room) {
            node_room = node_room ? node_room * 2 : 1024;
            nodes = need(realloc(nodes, node_room * sizeof(*nodes)));
        }
        nodes[node_count] = (struct node){parent, callsite, entry};
        p->value = ++node_count; // numbers start at 1; 0 is the root
    }
    return (uint32_t)p->value;
}

static struct thread *thread_of(uint64_t id)
{
    for (uint32_t i = 0; i < thread_count; i++)
        if (threads[i]->id == id)
            return threads[i];
    threads = need(realloc(threads, (thread_count + 1) * sizeof(struct thread *)));
    threads[thread_count] = need(calloc(1, sizeof(struct thread)));
    threads[thread_count]->id = id;
    return threads[thread_count++];
}

static void push(uint64_t ret, uint64_t entry)
{
    if (now->depth < DEPTH)
        now->frame[now->depth++] = (struct frame){ret, now->node, last};
    now->node = child(now->node, ret, entry);
}

// Back to the newest frame with that return address. False: there is none.
static bool pop_to(uint64_t ret)
{
    for (uint32_t i = now->depth; i-- > 0;) {
        if (now->frame[i].ret == ret) {
            now->node = now->frame[i].node;
            now->depth = i;
            return true;
        }
        if (!now->frame[i].ret)
            break;
    }
    return false;
}

static void follow(const struct block *b)
{
    if (b->pc == trap_entry) {
        if (last && last->kernel) {
            push(0, b->pc);
        } else {
            now->depth = 0;
            now->node = 0;
        }
        return;
    }
    if (!last || !last->kernel)
        return;
    if (b->pc > last->pc && b->pc < last->end)
        return; // interrupted in the middle, goes on
    switch (last->kind) {
    case CALL:
        push(last->end, b->pc);
        break;
    case RETURN:
        if (last->in_switch && next_thread) {
            now = thread_of(next_thread);
            next_thread = 0;
            if (!pop_to(b->pc)) { // its first time here
                now->depth = 0;
                now->node = child(0, 0, b->pc);
            }
            break;
        }
        (void)pop_to(b->pc);
        break;
    case TRAP_RETURN:
        while (now->depth > 0) {
            struct frame *f = &now->frame[--now->depth];
            if (f->ret)
                continue;
            now->node = f->node;
            const struct block *before = f->last; // what it ended with happens now
            last = before;
            if (before)
                follow(b);
            break;
        }
        break;
    case PLAIN:
        break;
    }
}

static void on_block(unsigned cpu, void *arg)
{
    const struct block *b = arg;
    (void)cpu;
    if (b->firmware) { // runs between two kernel blocks as if it were one instruction
        firmware_count += counting ? b->insns : 0;
        return;
    }
    if (b->kernel)
        follow(b);
    last = b;
    if (!counting)
        return;
    if (b->kernel)
        find(&counts, now->node, (uintptr_t)b, 0)->value++;
    else
        user_count += b->insns;
}

static void on_switch_load(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *arg)
{
    (void)cpu, (void)info, (void)arg;
    next_thread = address;
}

static void on_mark(unsigned cpu, void *arg)
{
    (void)cpu;
    counting = (intptr_t)arg == 0x111 || all;
    regions += (intptr_t)arg == 0x111;
}

static uint32_t instruction(const struct qemu_plugin_insn *in)
{
    uint32_t w = 0;
#if API >= 3
    qemu_plugin_insn_data(in, &w, 4);
#else
    size_t size = qemu_plugin_insn_size(in);
    memcpy(&w, qemu_plugin_insn_data(in), size < 4 ? size : 4);
#endif
    return qemu_plugin_insn_size(in) == 2 ? w & 0xffff : w;
}

// RISC-V calling convention: jal/jalr with ra is a call, jr ra a return.
static enum kind ends_with(uint32_t w)
{
    if ((w & 0xfff) == 0x0ef || (w & 0xfff) == 0x0e7)
        return CALL;
    if ((w & 3) == 2 && (w & 0xf07f) == 0x9002 && (w >> 7 & 31))
        return CALL; // c.jalr
    if (w == 0x8082 || w == 0x00008067)
        return RETURN;
    return w == 0x10200073 ? TRAP_RETURN : PLAIN;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    struct block *b = need(calloc(1, sizeof(*b))); // lives as long as the machine
    (void)id;
    b->pc = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    b->insns = (uint32_t)n;
    b->kernel = b->pc >= base;
    b->firmware = b->pc >= 0x80000000 && b->pc < 0x80200000;
    b->in_switch = b->pc >= switch_entry && b->pc < switch_entry + 256;
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *in = qemu_plugin_tb_get_insn(tb, i);
        uint32_t w = instruction(in);
        if (i == n - 1) {
            b->end = qemu_plugin_insn_vaddr(in) + qemu_plugin_insn_size(in);
            b->kind = ends_with(w);
        }
        if ((w & 0xfffff) == 0x2013 && (w >> 20 == 0x111 || w >> 20 == 0x222))
            qemu_plugin_register_vcpu_insn_exec_cb(in, on_mark, 0, (void *)(intptr_t)(w >> 20));
        if (b->in_switch && (w & 0xfffff) == 0x5b083) // ld ra, imm(a1): a1 is the next thread
            qemu_plugin_register_vcpu_mem_cb(in, on_switch_load, 0, 1, NULL);
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, 0, b);
}

static void at_exit(qemu_plugin_id_t id, void *arg)
{
    (void)id, (void)arg;
    FILE *f = fopen(out_path, "w");
    if (!f) {
        perror(out_path);
        return;
    }
    for (uint32_t i = 0; i < node_count; i++)
        fprintf(f, "node %" PRIu32 " %" PRIu32 " %" PRIx64 " %" PRIx64 "\n", i + 1, nodes[i].parent,
                nodes[i].callsite, nodes[i].entry);
    for (uint64_t i = 0; i < counts.cap; i++) {
        const struct pair *p = &counts.slot[i];
        if (!p->used)
            continue;
        const struct block *b = (const struct block *)(uintptr_t)p->key[1];
        fprintf(f, "count %" PRIu64 " %" PRIx64 " %" PRIx64 " %" PRIu32 " %" PRIu64 "\n", p->key[0],
                b->pc, b->end, b->insns, p->value);
    }
    fprintf(f, "user %" PRIu64 "\nfirmware %" PRIu64 "\nregions %" PRIu64 "\n", user_count,
            firmware_count, regions);
    fclose(f);
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        const char *v = strchr(argv[i], '=');
        if (!v)
            continue;
        uint64_t x = strtoull(v + 1, NULL, 16);
        if (!strncmp(argv[i], "out=", 4))
            out_path = strdup(v + 1);
        else if (!strncmp(argv[i], "trap=", 5))
            trap_entry = x;
        else if (!strncmp(argv[i], "switch=", 7))
            switch_entry = x;
        else if (!strncmp(argv[i], "base=", 5))
            base = x;
        else if (!strncmp(argv[i], "all=", 4))
            all = counting = x != 0;
    }
    if (!out_path) {
        fputs("profile: out=FILE is missing\n", stderr);
        return 1;
    }
    now = thread_of(0);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
