#include "tests/devices/virtio_support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/pci/pci_host_ecam.h"
#include "devices/virtio/virtio_mmio.h"
#include "devices/virtio/virtio_pci.h"

#define MMIO_SLOT   0x10001000u
#define ECAM        0x30000000u
#define PCI_WINDOW  0x40000000u
#define MSI_ADDRESS 0x28000000u
#define FUNCTION    (ECAM + (1u << 15)) /* 00:01.0 */

#define NEXT     1u
#define WRITE    2u
#define INDIRECT 4u

static uint32_t config_load(struct guest *guest, unsigned offset, unsigned width)
{
    return (uint32_t)test_load(guest->test, FUNCTION + offset, width);
}

static void config_store(struct guest *guest, unsigned offset, unsigned width, uint32_t value)
{
    test_store(guest->test, FUNCTION + offset, width, value);
}

static bool message_take(void *opaque, struct msi_message message)
{
    struct guest *guest = opaque;
    if (message.address != MSI_ADDRESS)
        return false;
    guest->messages++;
    guest->message = message.data;
    return true;
}

static struct pci_host_ecam *host;

static bool is_mmio(const struct guest *guest)
{
    return guest->transport == GUEST_MMIO || guest->transport == GUEST_LEGACY;
}

struct guest *guest_create(enum guest_transport transport)
{
    struct guest *guest = calloc(1, sizeof(*guest));
    guest->test = test_machine_create(GUEST_RAM_SIZE);
    guest->transport = transport;
    guest->heap = TEST_RAM_BASE + 0x1000;
    if (is_mmio(guest))
        return guest;
    struct error err = {0};
    struct pci_host_ecam_config config = {
        .name = "pci",
        .ecam_base = ECAM,
        .ecam_size = MIB,
        .memory = {{PCI_WINDOW, 16 * MIB, PCI_WINDOW}},
        .intx = {test_irq_line(&guest->irq), test_irq_line(&guest->irq), test_irq_line(&guest->irq),
                 test_irq_line(&guest->irq)},
    };
    if (transport == GUEST_PCI_MSIX)
        config.msi = (struct msi_target){message_take, guest};
    host = pci_host_ecam_create(&guest->test->machine, &config, &err);
    if (!host)
        FAIL("no host bridge: %s", err.text);
    return guest;
}

void guest_destroy(struct guest *guest)
{
    test_machine_destroy(guest->test);
    free(guest);
}

/* MSI-X: vector i sends the number i; the table is where its capability says. */
static void msix_enable(struct guest *guest, unsigned capability)
{
    uint32_t table = config_load(guest, capability + 4, 4);
    unsigned vectors = (config_load(guest, capability + 2, 2) & 0x7ff) + 1;
    for (unsigned i = 0; i < vectors; i++) {
        uint64_t entry = PCI_WINDOW + (table & ~7u) + 16 * i;
        test_store(guest->test, entry, 4, MSI_ADDRESS);
        test_store(guest->test, entry + 4, 4, 0);
        test_store(guest->test, entry + 8, 4, i);
        test_store(guest->test, entry + 12, 4, 0);
    }
    config_store(guest, capability + 2, 2, 0x8000);
}

static void pci_find(struct guest *guest)
{
    CHECK_EQ(config_load(guest, PCI_VENDOR_ID, 2), 0x1af4);
    config_store(guest, PCI_BAR0, 4, PCI_WINDOW);
    config_store(guest, PCI_BAR0 + 4, 4, 0);
    config_store(guest, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    unsigned msix = 0;
    for (unsigned at = config_load(guest, PCI_CAPABILITIES, 1); at; at = config_load(guest, at + 1, 1)) {
        if (config_load(guest, at, 1) == PCI_CAP_MSIX)
            msix = at;
        if (config_load(guest, at, 1) != PCI_CAP_VENDOR)
            continue;
        uint64_t place = PCI_WINDOW + config_load(guest, at + 8, 4);
        switch (config_load(guest, at + 3, 1)) {
        case 1: guest->registers = place; break;
        case 2:
            guest->notify = place;
            guest->notify_multiplier = config_load(guest, at + 16, 4);
            break;
        case 3: guest->isr = place; break;
        case 4: guest->config = place; break;
        default: break;
        }
    }
    CHECK_EQ(msix != 0, guest->transport == GUEST_PCI_MSIX);
    if (msix)
        msix_enable(guest, msix);
}

void guest_attach(struct guest *guest, struct virtio_device *device)
{
    struct error err = {0};
    struct machine *machine = &guest->test->machine;
    if (is_mmio(guest)) {
        bool legacy = guest->transport == GUEST_LEGACY;
        const struct virtio_mmio_config config = {
            .name = "slot",
            .legacy = legacy,
            .base = gpa(MMIO_SLOT),
            .irq = test_irq_line(&guest->irq),
            .device = device,
        };
        CHECK(virtio_mmio_create(machine, &config, &err) != NULL);
        guest->registers = MMIO_SLOT;
        guest->config = MMIO_SLOT + 0x100;
        CHECK_EQ(test_load(guest->test, MMIO_SLOT, 4), 0x74726976);
        CHECK_EQ(test_load(guest->test, MMIO_SLOT + 4, 4), legacy ? 1 : 2);
        CHECK_EQ(test_load(guest->test, MMIO_SLOT + 8, 4), device->class->type);
        return;
    }
    const struct virtio_pci_config config = {
        .name = "function",
        .bus = pci_host_ecam_bus(host),
        .devfn = pci_devfn(1, 0),
        .device = device,
    };
    CHECK(virtio_pci_create(machine, &config, &err) != NULL);
    CHECK_EQ(config_load(guest, PCI_DEVICE_ID, 2), 0x1040 + device->class->type);
    pci_find(guest);
}

/* A register by its places in both transports. */
struct place {
    unsigned mmio, pci, pci_width;
};
static const struct place device_features_select = {0x014, 0, 4}, device_features = {0x010, 4, 4};
static const struct place driver_features_select = {0x024, 8, 4}, driver_features = {0x020, 12, 4};
static const struct place status = {0x070, 20, 1}, queue_select = {0x030, 22, 2}, queue_size = {0x038, 24, 2};
static const struct place queue_enable = {0x044, 28, 2};
static const struct place queue_desc = {0x080, 32, 4}, queue_driver = {0x090, 40, 4},
                          queue_device = {0x0a0, 48, 4};

static uint32_t get(struct guest *guest, struct place place)
{
    bool pci = !is_mmio(guest);
    return (uint32_t)test_load(guest->test, guest->registers + (pci ? place.pci : place.mmio),
                               pci ? place.pci_width : 4);
}

static void set(struct guest *guest, struct place place, uint32_t value)
{
    bool pci = !is_mmio(guest);
    test_store(guest->test, guest->registers + (pci ? place.pci : place.mmio), pci ? place.pci_width : 4,
               value);
}

static void set_address(struct guest *guest, struct place place, uint64_t value)
{
    set(guest, place, (uint32_t)value);
    place.mmio += 4;
    place.pci += 4;
    set(guest, place, (uint32_t)(value >> 32));
}

uint64_t guest_offered(struct guest *guest)
{
    set(guest, device_features_select, 0);
    uint64_t features = get(guest, device_features);
    set(guest, device_features_select, 1);
    return features | (uint64_t)get(guest, device_features) << 32;
}

uint8_t guest_status(struct guest *guest)
{
    return (uint8_t)get(guest, status);
}

void guest_status_set(struct guest *guest, uint8_t value)
{
    set(guest, status, value);
}

bool guest_negotiate(struct guest *guest, uint64_t features)
{
    guest_status_set(guest, 0);
    CHECK_EQ(guest_status(guest), 0);
    guest_status_set(guest, 1);
    guest_status_set(guest, 1 | 2);
    set(guest, driver_features_select, 0);
    set(guest, driver_features, (uint32_t)features);
    guest->features = features;
    if (guest->transport == GUEST_LEGACY)
        return true;
    set(guest, driver_features_select, 1);
    set(guest, driver_features, (uint32_t)(features >> 32));
    guest_status_set(guest, 1 | 2 | 8);
    return guest_status(guest) & 8;
}

static bool packed(const struct guest *guest)
{
    return guest->features >> VIRTIO_F_RING_PACKED & 1;
}

/* 2.7.2 and 4.2.4: one piece of memory, named by the number of its page, with the used ring on a page of its
 * own. */
static void legacy_queue_init(struct guest *guest, struct guest_queue *queue)
{
    enum { PAGE = 4096 };
    uint64_t memory = align_up(guest_alloc(guest, 4 * PAGE), PAGE);
    queue->desc = memory;
    queue->driver = memory + 16 * queue->size;
    queue->device = align_up(queue->driver + 6 + 2 * queue->size, PAGE);
    test_store(guest->test, guest->registers + 0x28, 4, PAGE);
    set(guest, queue_select, queue->index);
    CHECK_EQ(test_load(guest->test, guest->registers + 0x40, 4), 0);
    set(guest, queue_size, queue->size);
    test_store(guest->test, guest->registers + 0x3c, 4, PAGE);
    test_store(guest->test, guest->registers + 0x40, 4, memory / PAGE);
    CHECK_EQ(test_load(guest->test, guest->registers + 0x40, 4), memory / PAGE);
}

void guest_queue_init(struct guest *guest, unsigned index, unsigned size)
{
    struct guest_queue *queue = &guest->queues[index];
    *queue = (struct guest_queue){.index = index, .size = size, .wrap = true, .used_wrap = true};
    if (guest->transport == GUEST_LEGACY) {
        legacy_queue_init(guest, queue);
        return;
    }
    queue->desc = guest_alloc(guest, 16 * size);
    queue->driver = guest_alloc(guest, packed(guest) ? 4 : 6 + 2 * size);
    queue->device = guest_alloc(guest, packed(guest) ? 4 : 6 + 8 * size);
    set(guest, queue_select, index);
    set(guest, queue_size, size);
    if (!is_mmio(guest)) {
        test_store(guest->test, guest->registers + 26, 2, index + 1);
        if (guest->transport == GUEST_PCI_MSIX)
            CHECK_EQ(test_load(guest->test, guest->registers + 26, 2), index + 1);
    }
    set_address(guest, queue_desc, queue->desc);
    set_address(guest, queue_driver, queue->driver);
    set_address(guest, queue_device, queue->device);
    set(guest, queue_enable, 1);
    CHECK_EQ(get(guest, queue_enable), 1);
}

bool guest_start(struct guest *guest, uint64_t features, unsigned queues, unsigned size)
{
    if (!CHECK(guest_negotiate(guest, features)))
        return false;
    if (guest->transport == GUEST_PCI_MSIX)
        test_store(guest->test, guest->registers + 16, 2, 0);
    for (unsigned i = 0; i < queues; i++)
        guest_queue_init(guest, i, size);
    uint8_t ready = guest->transport == GUEST_LEGACY ? 1 | 2 | 4 : 1 | 2 | 8 | 4;
    guest_status_set(guest, ready);
    return CHECK_EQ(guest_status(guest), ready);
}

uint64_t guest_alloc(struct guest *guest, uint64_t len)
{
    static const uint8_t zeroes[4096];
    uint64_t address = guest->heap;
    guest->heap = align_up(address + len, 64);
    if (guest->heap > TEST_RAM_BASE + GUEST_RAM_SIZE) {
        FAIL("the guest's memory is used up");
        abort();
    }
    for (uint64_t done = 0; done < len; done += sizeof(zeroes))
        test_ram_put(guest->test, address + done, zeroes,
                     len - done < sizeof(zeroes) ? len - done : sizeof(zeroes));
    return address;
}

static void desc_put(struct guest *guest, uint64_t at, const struct guest_buffer *buffer, uint16_t a,
                     uint16_t b)
{
    uint8_t bytes[16];
    le64_store(bytes, buffer->address);
    le32_store(bytes + 8, buffer->len);
    le16_store(bytes + 12, a);
    le16_store(bytes + 14, b);
    test_ram_put(guest->test, at, bytes, sizeof(bytes));
}

/* A table of descriptors of either format, and the buffer that points to it. */
static struct guest_buffer table_put(struct guest *guest, const struct guest_buffer *buffers, unsigned count)
{
    uint64_t table = guest_alloc(guest, 16 * count);
    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = buffers[i].in ? WRITE : 0;
        if (packed(guest))
            desc_put(guest, table + 16 * i, &buffers[i], 0, flags);
        else
            desc_put(guest, table + 16 * i, &buffers[i], i + 1 < count ? flags | NEXT : flags,
                     (uint16_t)(i + 1));
    }
    return (struct guest_buffer){table, 16 * count, false};
}

static uint16_t split_add(struct guest *guest, struct guest_queue *queue, const struct guest_buffer *buffers,
                          unsigned count, uint16_t extra)
{
    uint16_t head = queue->next_desc;
    for (unsigned i = 0; i < count; i++) {
        uint16_t index = queue->next_desc, next = (uint16_t)((index + 1) % queue->size);
        uint16_t flags = extra | (buffers[i].in ? WRITE : 0) | (i + 1 < count ? NEXT : 0);
        desc_put(guest, queue->desc + 16 * index, &buffers[i], flags, next);
        queue->next_desc = next;
    }
    test_store(guest->test, queue->driver + 4 + 2 * (queue->next % queue->size), 2, head);
    test_store(guest->test, queue->driver + 2, 2, ++queue->next);
    return head;
}

static uint16_t packed_add(struct guest *guest, struct guest_queue *queue, const struct guest_buffer *buffers,
                           unsigned count, uint16_t extra)
{
    uint16_t id = queue->next, first = queue->next, first_flags = 0;
    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = extra | (buffers[i].in ? WRITE : 0) | (i + 1 < count ? NEXT : 0);
        flags |= queue->wrap ? 0x80 : 0x8000;
        if (i == 0)
            first_flags = flags;
        /* The first becomes available last. */
        desc_put(guest, queue->desc + 16 * queue->next, &buffers[i], id, i ? flags : flags ^ 0x8080);
        if (++queue->next == queue->size) {
            queue->next = 0;
            queue->wrap = !queue->wrap;
        }
    }
    queue->slots[id] = (uint16_t)count;
    test_store(guest->test, queue->desc + 16 * first + 14, 2, first_flags);
    return id;
}

uint16_t guest_add(struct guest *guest, unsigned index, const struct guest_buffer *buffers, unsigned count,
                   bool indirect)
{
    struct guest_queue *queue = &guest->queues[index];
    struct guest_buffer table;
    uint16_t extra = 0;
    if (indirect) {
        table = table_put(guest, buffers, count);
        buffers = &table;
        count = 1;
        extra = INDIRECT;
    }
    return packed(guest) ? packed_add(guest, queue, buffers, count, extra)
                         : split_add(guest, queue, buffers, count, extra);
}

void guest_kick(struct guest *guest, unsigned queue)
{
    if (is_mmio(guest))
        test_store(guest->test, guest->registers + 0x50, 4, queue);
    else
        test_store(guest->test, guest->notify + queue * guest->notify_multiplier, 2, queue);
}

bool guest_used(struct guest *guest, unsigned index, uint16_t *id, uint32_t *len)
{
    struct guest_queue *queue = &guest->queues[index];
    if (!packed(guest)) {
        if ((uint16_t)test_load(guest->test, queue->device + 2, 2) == queue->used)
            return false;
        uint64_t element = queue->device + 4 + 8 * (queue->used++ % queue->size);
        *id = (uint16_t)test_load(guest->test, element, 4);
        *len = (uint32_t)test_load(guest->test, element + 4, 4);
        return true;
    }
    uint64_t desc = queue->desc + 16 * queue->used;
    uint16_t flags = (uint16_t)test_load(guest->test, desc + 14, 2);
    if (!!(flags & 0x80) != queue->used_wrap || !!(flags & 0x8000) != queue->used_wrap)
        return false;
    *id = (uint16_t)test_load(guest->test, desc + 12, 2);
    *len = (uint32_t)test_load(guest->test, desc + 8, 4);
    queue->used += queue->slots[*id % ARRAY_LEN(queue->slots)];
    if (queue->used >= queue->size) {
        queue->used -= queue->size;
        queue->used_wrap = !queue->used_wrap;
    }
    return true;
}

struct used_wait {
    struct guest *guest;
    unsigned queue;
    uint16_t *id;
    uint32_t *len;
};

static bool used_now(void *opaque)
{
    struct used_wait *wait = opaque;
    return guest_used(wait->guest, wait->queue, wait->id, wait->len);
}

bool guest_used_wait(struct guest *guest, unsigned queue, uint16_t *id, uint32_t *len)
{
    struct used_wait wait = {guest, queue, id, len};
    return test_loop_until(guest->test, used_now, &wait);
}

bool guest_interrupted(struct guest *guest)
{
    bool came = false;
    switch (guest->transport) {
    case GUEST_MMIO:
    case GUEST_LEGACY:
        came = guest->irq.level;
        test_store(guest->test, guest->registers + 0x64, 4,
                   test_load(guest->test, guest->registers + 0x60, 4));
        CHECK(!guest->irq.level);
        break;
    case GUEST_PCI_INTX:
        came = guest->irq.level;
        CHECK_EQ(test_load(guest->test, guest->isr, 1) != 0, came);
        CHECK(!guest->irq.level);
        break;
    default:
        came = guest->messages != 0;
        guest->messages = 0;
        break;
    }
    return came;
}

uint64_t guest_config(struct guest *guest, unsigned offset, unsigned width)
{
    return test_load(guest->test, guest->config + offset, width);
}

void guest_config_write(struct guest *guest, unsigned offset, unsigned width, uint64_t value)
{
    test_store(guest->test, guest->config + offset, width, value);
}

uint64_t guest_core_features(bool use_packed, bool event_idx)
{
    return VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
           VIRTIO_BIT(VIRTIO_F_RING_RESET) | (use_packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0) |
           (event_idx ? VIRTIO_BIT(VIRTIO_F_EVENT_IDX) : 0);
}
