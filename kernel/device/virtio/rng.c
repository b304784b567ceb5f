// virtio-rng: asks for seed material until the generator has enough, then lets the device rest.
//
// Guarded by the record's spinlock (interrupts off). Facts: virtio specification 1.2, section 5.4.
#include "virtio.h"
#include <device/random.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/lock_order.h>

enum : u32 { SEED = 64, ROUNDS = 4 };

struct rng {
    struct spinlock lock; // class device
    struct virtq q;
    u8 *page;
    u32 rounds; // left
};

static void rng_interrupt(struct virtio *v, void *arg)
{
    (void)v;
    struct rng *r = arg;
    irqflags_t f = spin_lock_irqsave(&r->lock);
    u32 slot, len;
    while (virtq_take(&r->q, &slot, &len)) {
        random_add(r->page, MIN(len, (u32)SEED), MIN(len, (u32)SEED) * 8);
        mem_wipe(r->page, SEED);
        if (r->rounds && r->rounds--) {
            virtq_offer_in(&r->q, 0, virt_to_phys(r->page), SEED);
            virtq_kick(&r->q);
        }
    }
    spin_unlock_irqrestore(&r->lock, f);
}

static int rng_probe(struct virtio *v)
{
    struct rng *r = kzalloc(sizeof(*r), 0);
    u8 *page = page_alloc(ALLOC_ZERO);
    int err = r && page ? virtio_negotiate(v, 0) : -E_NOMEM;
    if (!err)
        err = virtq_create(v, 0, &r->q);
    if (!err) {
        spin_init(&r->lock, &lock_class_device);
        r->page = page;
        r->rounds = ROUNDS - 1;
        err = virtio_ready(v, rng_interrupt, r);
        if (err)
            frame_put(r->q.frames);
    }
    if (err) {
        kfree(r);
        if (page)
            page_free(page);
        return err;
    }
    irqflags_t f = spin_lock_irqsave(&r->lock);
    virtq_offer_in(&r->q, 0, virt_to_phys(page), SEED);
    virtq_kick(&r->q);
    spin_unlock_irqrestore(&r->lock, f);
    return 0;
}

const struct virtio_driver virtio_rng_driver = {VIRTIO_ID_RNG, rng_probe};
