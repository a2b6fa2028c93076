/*
 * A guest's virtio driver, as small as one can be: finds the device behind either transport, negotiates, and
 * runs split and packed rings with direct and indirect descriptors. Written from the specification's driver
 * requirements, apart from the device's code.
 */
#pragma once

#include "devices/virtio/virtio.h"
#include "tests/devices/machine_support.h"

#define GUEST_RAM_SIZE (8 * MIB)

/* The last one is what drivers from before version 1 know, for tests of its own. */
enum guest_transport { GUEST_MMIO, GUEST_PCI_INTX, GUEST_PCI_MSIX, GUEST_TRANSPORTS, GUEST_LEGACY };

struct guest_buffer {
    uint64_t address;
    uint32_t len;
    bool in; /* the device writes it */
};

struct guest_queue {
    unsigned index, size;
    uint64_t desc, driver, device;
    uint16_t next; /* split: available index; packed: position */
    uint16_t used; /* likewise, of what was taken back */
    bool wrap, used_wrap;
    uint16_t next_desc;  /* split: the next descriptor to use */
    uint16_t slots[256]; /* packed: what the chain of an id takes */
};

struct guest {
    struct test_machine *test;
    enum guest_transport transport;
    struct test_irq irq;
    unsigned messages;  /* MSI received */
    uint32_t message;   /* the last one's data */
    uint64_t registers; /* MMIO slot, or common configuration */
    uint64_t notify, isr, config;
    uint32_t notify_multiplier;
    uint64_t heap;
    uint64_t features;
    struct guest_queue queues[8];
};

/* A machine, with an interrupt line and for PCI a host bridge. The device is made for guest->test->machine.
 */
struct guest *guest_create(enum guest_transport transport);
void guest_attach(struct guest *guest, struct virtio_device *device);
void guest_destroy(struct guest *guest);

/* Reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK; whether the device accepted. A legacy driver gives 32
 * features and knows no FEATURES_OK. */
bool guest_negotiate(struct guest *guest, uint64_t features);
uint64_t guest_offered(struct guest *guest);
uint8_t guest_status(struct guest *guest);
void guest_status_set(struct guest *guest, uint8_t status);

/* All of it for a device with `queues` queues of `size`: negotiate, set up, DRIVER_OK. */
bool guest_start(struct guest *guest, uint64_t features, unsigned queues, unsigned size);
void guest_queue_init(struct guest *guest, unsigned index, unsigned size);

uint64_t guest_alloc(struct guest *guest, uint64_t len);
/* Offer a chain; its id. `indirect`: through a table. */
uint16_t guest_add(struct guest *guest, unsigned queue, const struct guest_buffer *buffers, unsigned count,
                   bool indirect);
void guest_kick(struct guest *guest, unsigned queue);
/* Take back a chain the device is done with; false: none. */
bool guest_used(struct guest *guest, unsigned queue, uint16_t *id, uint32_t *len);
/* Run the event loop until there is one (ten seconds at most). */
bool guest_used_wait(struct guest *guest, unsigned queue, uint16_t *id, uint32_t *len);

/* Whether an interrupt came since the last call, which takes it back. */
bool guest_interrupted(struct guest *guest);

uint64_t guest_config(struct guest *guest, unsigned offset, unsigned width);
void guest_config_write(struct guest *guest, unsigned offset, unsigned width, uint64_t value);

/* The features every test negotiates, with each ring format. */
uint64_t guest_core_features(bool packed, bool event_idx);
