// virtio over MMIO, legacy and modern, with split queues.
//
// Owns nothing after probing but the record per device. Queues are guarded by their drivers' locks.
// Facts: Virtual I/O Device specification 1.2, sections 2.7 (split queues), 4.2 (MMIO), 4.2.4
// (legacy interface).
#include "virtio.h"
#include <arch/page.h>
#include <device/irq.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/atomic.h>

enum : u32 {
    MAGIC = 0x00,
    VERSION = 0x04,
    DEVICE_ID = 0x08,
    FEATURES = 0x10,
    FEATURES_SEL = 0x14,
    DRIVER_FEATURES = 0x20,
    DRIVER_FEATURES_SEL = 0x24,
    GUEST_PAGE_SIZE = 0x28,
    QUEUE_SEL = 0x30,
    QUEUE_NUM_MAX = 0x34,
    QUEUE_NUM = 0x38,
    QUEUE_ALIGN = 0x3c,
    QUEUE_PFN = 0x40,
    QUEUE_READY = 0x44,
    QUEUE_NOTIFY = 0x50,
    IRQ_STATUS = 0x60,
    IRQ_ACK = 0x64,
    STATUS = 0x70,
    QUEUE_DESC = 0x80,
    QUEUE_DRIVER = 0x90,
    QUEUE_DEVICE = 0xa0,
    MAGIC_VALUE = 0x7472'6976,
};
enum : u32 { S_ACKNOWLEDGE = 1, S_DRIVER = 2, S_DRIVER_OK = 4, S_FEATURES_OK = 8, S_FAILED = 128 };
enum : u16 { DESC_WRITE = 2 };

struct desc {
    u64 addr;
    u32 len;
    u16 flags, next;
};
struct avail {
    u16 flags;
    _Atomic u16 idx;
    u16 ring[VIRTQ_SIZE];
};
struct used {
    u16 flags;
    _Atomic u16 idx;
    struct {
        u32 id, len;
    } ring[VIRTQ_SIZE];
};
// The legacy layout, which the modern one allows: descriptors and the available ring in one page,
// the used ring in the next.
static struct desc *descs(struct virtq *q)
{
    return (struct desc *)(void *)q->memory;
}
static struct avail *avail_ring(struct virtq *q)
{
    return (struct avail *)(void *)(q->memory + VIRTQ_SIZE * sizeof(struct desc));
}
static struct used *used_ring(struct virtq *q)
{
    return (struct used *)(void *)(q->memory + PAGE_SIZE);
}

static u32 get(const struct virtio *v, u32 r)
{
    return *(volatile u32 *)(volatile void *)(v->regs + r);
}
static void set(struct virtio *v, u32 r, u32 value)
{
    *(volatile u32 *)(volatile void *)(v->regs + r) = value;
}
static void set64(struct virtio *v, u32 r, u64 value)
{
    set(v, r, (u32)value);
    set(v, r + 4, (u32)(value >> 32));
}

int virtio_negotiate(struct virtio *v, u64 wanted)
{
    set(v, STATUS, S_ACKNOWLEDGE | S_DRIVER);
    u64 offered = 0;
    for (u32 half = 0; half < (v->version == 1 ? 1u : 2u); half++) {
        set(v, FEATURES_SEL, half);
        offered |= (u64)get(v, FEATURES) << (32 * half);
    }
    u64 agreed = offered & (wanted | (v->version == 2 ? VIRTIO_F_VERSION_1 : 0));
    for (u32 half = 0; half < (v->version == 1 ? 1u : 2u); half++) {
        set(v, DRIVER_FEATURES_SEL, half);
        set(v, DRIVER_FEATURES, (u32)(agreed >> (32 * half)));
    }
    if (v->version == 1) {
        set(v, GUEST_PAGE_SIZE, PAGE_SIZE);
        return 0;
    }
    set(v, STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
    return agreed & VIRTIO_F_VERSION_1 && get(v, STATUS) & S_FEATURES_OK ? 0 : -E_NODEV;
}

int virtq_create(struct virtio *v, u32 index, struct virtq *q)
{
    *q = (struct virtq){.v = v, .index = index};
    set(v, QUEUE_SEL, index);
    if (get(v, QUEUE_NUM_MAX) < VIRTQ_SIZE)
        return -E_NODEV;
    q->frames = frame_alloc(1, ALLOC_ZERO);
    if (!q->frames)
        return -E_NOMEM;
    q->memory = frame_to_virt(q->frames);
    paddr_t pa = frame_to_phys(q->frames);
    set(v, QUEUE_NUM, VIRTQ_SIZE);
    if (v->version == 1) {
        set(v, QUEUE_ALIGN, PAGE_SIZE);
        set(v, QUEUE_PFN, (u32)(pa >> PAGE_SHIFT));
        return 0;
    }
    set64(v, QUEUE_DESC, pa);
    set64(v, QUEUE_DRIVER, pa + VIRTQ_SIZE * sizeof(struct desc));
    set64(v, QUEUE_DEVICE, pa + PAGE_SIZE);
    set(v, QUEUE_READY, 1);
    return 0;
}

void virtq_offer_in(struct virtq *q, u32 slot, paddr_t buf, u32 len)
{
    struct avail *a = avail_ring(q);
    descs(q)[slot] = (struct desc){buf, len, DESC_WRITE, 0};
    a->ring[q->avail_idx % VIRTQ_SIZE] = (u16)slot;
    atomic_store_explicit(&a->idx, ++q->avail_idx, memory_order_release);
}

void virtq_kick(struct virtq *q)
{
    atomic_thread_fence(memory_order_seq_cst); // rings before the device register
    set(q->v, QUEUE_NOTIFY, q->index);
}

bool virtq_take(struct virtq *q, u32 *slot, u32 *len)
{
    struct used *u = used_ring(q);
    if (atomic_load_explicit(&u->idx, memory_order_acquire) == q->used_idx)
        return false;
    *slot = u->ring[q->used_idx % VIRTQ_SIZE].id %
            VIRTQ_SIZE; // the device's word, so not trusted as an index
    *len = u->ring[q->used_idx % VIRTQ_SIZE].len;
    q->used_idx++;
    return true;
}

static void on_irq(u32 irq, void *arg)
{
    (void)irq;
    struct virtio *v = arg;
    u32 status = get(v, IRQ_STATUS);
    set(v, IRQ_ACK, status);
    if (status)
        v->interrupt(v, v->arg);
}

int virtio_ready(struct virtio *v, void (*fn)(struct virtio *v, void *arg), void *arg)
{
    v->interrupt = fn;
    v->arg = arg;
    int err = irq_request(v->irq, v->device->name, on_irq, v);
    if (!err)
        set(v, STATUS, get(v, STATUS) | S_DRIVER_OK);
    return err;
}

static const struct virtio_driver *const drivers[] = {&virtio_rng_driver};

static int start(struct virtio *v, const struct virtio_driver *d)
{
    set(v, STATUS, 0);
    int err = d->probe(v);
    if (err)
        set(v, STATUS, S_FAILED);
    return err;
}

static int mmio_probe(struct device *d)
{
    if (!d->reg_count || d->regs[0].len < 0x100 || !d->irq_count)
        return -E_INVAL;
    struct virtio *v = kzalloc(sizeof(*v), 0);
    if (!v)
        return -E_NOMEM;
    v->regs = device_map(d, 0);
    if (!v->regs) {
        kfree(v);
        return -E_NOMEM;
    }
    v->device = d;
    v->irq = d->irqs[0];
    v->version = get(v, VERSION);
    v->id = get(v, DEVICE_ID);
    int err = -E_NODEV; // an empty slot has id 0
    if (get(v, MAGIC) == MAGIC_VALUE && v->id && (v->version == 1 || v->version == 2)) {
        for (usize i = 0; i < ARRAY_LEN(drivers); i++)
            if (drivers[i]->id == v->id)
                err = start(v, drivers[i]);
    }
    if (err)
        kfree(v);
    return err;
}

static const char *const mmio_compatible[] = {"virtio,mmio", NULL};
static const struct driver mmio_driver = {"virtio-mmio", DRIVER_BUS, mmio_compatible, mmio_probe};
DRIVER(mmio_driver);
