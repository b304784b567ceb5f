// virtio devices over MMIO, for the drivers in this folder.
#pragma once
#include <device/device.h>
#include <mem/frame.h>
#include <sync/spinlock.h>

enum : u32 { VIRTIO_ID_RNG = 4 };
enum : u64 { VIRTIO_F_VERSION_1 = 1ull << 32 };
enum : u32 { VIRTQ_SIZE = 8 }; // descriptors per queue

struct virtio {
    volatile u8 *regs;
    u32 version; // 1: legacy, 2: modern
    u32 id;
    u32 irq;
    struct device *device;
    void (*interrupt)(struct virtio *v, void *arg); // interrupts off
    void *arg;
};

// A split queue of whole buffers: one descriptor each. The driver's lock guards it.
struct virtq {
    struct virtio *v;
    u32 index;
    struct frame *frames; // two pages
    u8 *memory;
    u16 avail_idx, used_idx;
};

struct virtio_driver {
    u32 id;
    int (*probe)(struct virtio *v); // may be called for several devices
};
extern const struct virtio_driver virtio_rng_driver; // all of them stand in mmio.c's table

// Agrees on features (those in `wanted` that are offered). -E_NODEV: the device refuses.
[[nodiscard]] int virtio_negotiate(struct virtio *v, u64 wanted);
[[nodiscard]] int virtq_create(struct virtio *v, u32 index, struct virtq *q); // -E_NODEV, -E_NOMEM
// Serves the interrupt with fn(v, arg) and tells the device that the driver is ready.
[[nodiscard]] int virtio_ready(struct virtio *v, void (*fn)(struct virtio *v, void *arg),
                               void *arg);
// Offers a buffer that the device writes, as descriptor `slot`; virtq_kick tells it.
void virtq_offer_in(struct virtq *q, u32 slot, paddr_t buf, u32 len);
void virtq_kick(struct virtq *q);
// Takes a finished one: its slot and length. False: none.
bool virtq_take(struct virtq *q, u32 *slot, u32 *len);
