#include "devices/misc/fw_cfg.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"

#define MMIO_DATA     0
#define MMIO_SELECTOR 8
#define MMIO_DMA      16

#define PORT_SELECTOR 0
#define PORT_DATA     1
#define PORT_DMA      4
#define PORT_SIZE     12

#define ID_TRADITIONAL 1
#define ID_DMA         2

#define DMA_SIGNATURE 0x51454d5520434647 /* "QEMU CFG" */
#define DMA_ERROR     0x01
#define DMA_READ      0x02
#define DMA_SKIP      0x04
#define DMA_SELECT    0x08
#define DMA_WRITE     0x10

#define KEY_MASK    0xbfff /* bit 14 once meant writing and is ignored */
#define DIR_ENTRY   64
#define FILE_LAST   0x3fff
#define KEY_INVALID 0xffff

struct item {
    uint16_t key;
    bool owned, writable;
    uint8_t *data;
    uint64_t len;
    struct fw_cfg_callbacks callbacks;
};

struct fw_cfg {
    struct machine *machine;
    struct item *items;
    size_t count;
    uint16_t next_file;
    uint8_t *directory; /* the contents of FW_CFG_FILE_DIR */

    uint16_t selected;
    uint64_t position; /* in the selected item */
    uint32_t dma_high; /* waits for the low half */
};

static struct item *item_find(struct fw_cfg *fw, uint16_t key)
{
    for (size_t i = 0; i < fw->count; i++)
        if (fw->items[i].key == key)
            return &fw->items[i];
    return NULL;
}

static struct item *item_add(struct fw_cfg *fw, uint16_t key, uint8_t *data, size_t len)
{
    assert(!item_find(fw, key));
    fw->items = realloc(fw->items, (fw->count + 1) * sizeof(fw->items[0]));
    if (!fw->items)
        abort();
    struct item *item = &fw->items[fw->count++];
    *item = (struct item){.key = key, .data = data, .len = len};
    return item;
}

static uint8_t *copy_of(const void *data, size_t len)
{
    uint8_t *copy = machine_alloc(len ? len : 1);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

void fw_cfg_add_item(struct fw_cfg *fw, uint16_t key, const void *data, size_t len)
{
    item_add(fw, key, copy_of(data, len), len)->owned = true;
}

void fw_cfg_add_number(struct fw_cfg *fw, uint16_t key, unsigned width, uint64_t value)
{
    uint8_t bytes[8];
    le_store(bytes, width, value);
    fw_cfg_add_item(fw, key, bytes, width);
}

void fw_cfg_add_item_borrowed(struct fw_cfg *fw, uint16_t key, const void *data, size_t len)
{
    /* Nothing writes through the pointer: the item is not writable. */
    item_add(fw, key, (uint8_t *)(uintptr_t)data, len);
}

/* The directory: a count, then size, key and name of each file in the order they were added. */
static void directory_append(struct fw_cfg *fw, const char *name, uint16_t key, size_t len)
{
    uint32_t files = key - FW_CFG_FILE_FIRST;
    size_t size = 4 + ((size_t)files + 1) * DIR_ENTRY;
    assert(strlen(name) < FW_CFG_NAME_MAX);
    fw->directory = realloc(fw->directory, size);
    if (!fw->directory)
        abort();
    uint8_t *entry = fw->directory + size - DIR_ENTRY;
    memset(entry, 0, DIR_ENTRY);
    be32_store(fw->directory, files + 1);
    be32_store(entry, (uint32_t)len);
    be16_store(entry + 4, key);
    memcpy(entry + 8, name, strlen(name));
    struct item *directory = item_find(fw, FW_CFG_FILE_DIR);
    directory->data = fw->directory;
    directory->len = size;
}

static struct item *file_add(struct fw_cfg *fw, const char *name, uint8_t *data, size_t len)
{
    uint16_t key = fw->next_file++;
    assert(key <= FILE_LAST && len <= UINT32_MAX);
    directory_append(fw, name, key, len);
    return item_add(fw, key, data, len);
}

void fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, size_t len)
{
    file_add(fw, name, copy_of(data, len), len)->owned = true;
}

void fw_cfg_add_file_shared(struct fw_cfg *fw, const char *name, void *data, size_t len, bool writable,
                            const struct fw_cfg_callbacks *callbacks)
{
    struct item *item = file_add(fw, name, data, len);
    item->writable = writable;
    if (callbacks)
        item->callbacks = *callbacks;
}

static void item_select(struct fw_cfg *fw, uint16_t key)
{
    fw->selected = key & KEY_MASK;
    fw->position = 0;
    const struct item *item = item_find(fw, fw->selected);
    if (item && item->callbacks.selected)
        item->callbacks.selected(item->callbacks.opaque);
}

/* The bytes left in the selected item, at most `wanted`; *at is the first. Beyond the end there are zeros. */
static uint64_t item_rest(struct fw_cfg *fw, struct item **item, uint64_t wanted)
{
    *item = item_find(fw, fw->selected);
    if (!*item || fw->position >= (*item)->len)
        return 0;
    uint64_t rest = (*item)->len - fw->position;
    return rest < wanted ? rest : wanted;
}

static void position_advance(struct fw_cfg *fw, uint64_t len)
{
    fw->position = len > UINT64_MAX - fw->position ? UINT64_MAX : fw->position + len;
}

/* The data register gives the next bytes in the order of memory, whatever the guest's byte order. */
static uint64_t data_read(struct fw_cfg *fw, unsigned width)
{
    uint8_t bytes[8] = {0};
    struct item *item;
    uint64_t rest = item_rest(fw, &item, width);
    if (rest)
        memcpy(bytes, item->data + fw->position, rest);
    position_advance(fw, width);
    return le_load(bytes, width);
}

static bool dma_read(struct fw_cfg *fw, uint64_t address, uint32_t len)
{
    struct ram *ram = fw->machine->mem.ram;
    struct item *item;
    uint64_t rest = item_rest(fw, &item, len);
    if (rest && !ram_write(ram, gpa(address), item->data + fw->position, rest))
        return false;
    return rest == len || ram_fill(ram, gpa(address + rest), 0, len - rest);
}

static bool dma_write(struct fw_cfg *fw, uint64_t address, uint32_t len)
{
    struct item *item;
    if (item_rest(fw, &item, len) != len || !item->writable)
        return false;
    if (!ram_read(fw->machine->mem.ram, gpa(address), item->data + fw->position, len))
        return false;
    if (item->callbacks.written)
        item->callbacks.written(item->callbacks.opaque, fw->position, len);
    return true;
}

/* One transfer, described in guest RAM by control, length and address, all big-endian. */
static void dma_run(struct fw_cfg *fw, uint64_t descriptor)
{
    struct ram *ram = fw->machine->mem.ram;
    uint8_t bytes[16], result[4];
    if (!ram_read(ram, gpa(descriptor), bytes, sizeof(bytes))) {
        log_guest("fw_cfg: no RAM at the DMA descriptor %#llx", (unsigned long long)descriptor);
        return;
    }
    uint32_t control = be32_load(bytes), len = be32_load(bytes + 4);
    uint64_t address = be64_load(bytes + 8);
    bool fine = true;
    if (control & DMA_SELECT)
        item_select(fw, (uint16_t)(control >> 16));
    if (len && control & DMA_READ)
        fine = dma_read(fw, address, len);
    else if (len && control & DMA_WRITE)
        fine = dma_write(fw, address, len);
    if (control & (DMA_READ | DMA_WRITE | DMA_SKIP))
        position_advance(fw, len);
    if (!fine)
        log_guest("fw_cfg: DMA of %u bytes at %#llx for item %#x is not possible", len,
                  (unsigned long long)address, fw->selected);
    be32_store(result, fine ? 0 : DMA_ERROR);
    ram_write(ram, gpa(descriptor), result, sizeof(result));
}

/* The DMA register: big-endian, the low half (or all of it at once) starts the transfer. */
static void dma_register_write(struct fw_cfg *fw, uint64_t offset, uint64_t value, unsigned width)
{
    uint32_t first = __builtin_bswap32((uint32_t)value);
    if (offset == 0)
        fw->dma_high = first;
    if (offset == 0 && width == 4)
        return;
    uint32_t low = offset == 0 ? __builtin_bswap32((uint32_t)(value >> 32)) : first;
    uint64_t descriptor = (uint64_t)fw->dma_high << 32 | low;
    fw->dma_high = 0;
    dma_run(fw, descriptor);
}

static uint64_t dma_register_read(uint64_t offset, unsigned width)
{
    uint8_t bytes[8];
    be64_store(bytes, DMA_SIGNATURE);
    return le_load(bytes + offset, width);
}

static uint64_t mmio_read(void *opaque, uint64_t offset, unsigned width)
{
    struct fw_cfg *fw = opaque;
    if (offset < MMIO_SELECTOR)
        return data_read(fw, width);
    if (offset >= MMIO_DMA)
        return dma_register_read(offset - MMIO_DMA, width);
    return 0;
}

static void mmio_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct fw_cfg *fw = opaque;
    if (offset == MMIO_SELECTOR && width >= 2)
        item_select(fw, __builtin_bswap16((uint16_t)value));
    else if (offset >= MMIO_DMA && width >= 4)
        dma_register_write(fw, offset - MMIO_DMA, value, width);
    else
        log_guest("fw_cfg: a write of %u bytes at %#llx is ignored", width, (unsigned long long)offset);
}

/* On ports the selector is little-endian and shares its second port with the data register. */
static uint64_t port_read(void *opaque, uint64_t offset, unsigned width)
{
    struct fw_cfg *fw = opaque;
    if (offset == PORT_DATA && width == 1)
        return data_read(fw, 1);
    if (offset >= PORT_DMA)
        return dma_register_read(offset - PORT_DMA, width);
    return 0;
}

static void port_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct fw_cfg *fw = opaque;
    if (offset == PORT_SELECTOR && width == 2)
        item_select(fw, (uint16_t)value);
    else if (offset >= PORT_DMA && width == 4)
        dma_register_write(fw, offset - PORT_DMA, value, width);
}

static const struct state_field fields[] = {
    STATE(struct fw_cfg, selected, .reset = KEY_INVALID & KEY_MASK),
    STATE(struct fw_cfg, position),
    STATE(struct fw_cfg, dma_high),
};

static const struct state_table table = {
    .name = "fw-cfg", .version = 1, .fields = fields, .count = ARRAY_LEN(fields)};

static void fw_cfg_destroy(void *object)
{
    struct fw_cfg *fw = object;
    for (size_t i = 0; i < fw->count; i++)
        if (fw->items[i].owned)
            free(fw->items[i].data);
    free(fw->items);
    free(fw->directory);
    free(fw);
}

struct fw_cfg *fw_cfg_create(struct machine *machine, const struct fw_cfg_config *config, struct error *err)
{
    struct fw_cfg *fw = machine_alloc(sizeof(*fw));
    fw->machine = machine;
    fw->next_file = FW_CFG_FILE_FIRST;
    machine_device_add(machine, "fw-cfg", &table, fw, fw_cfg_destroy);
    fw_cfg_add_item(fw, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_number(fw, FW_CFG_ID, 4, ID_TRADITIONAL | ID_DMA);
    fw->directory = machine_alloc(4);
    item_add(fw, FW_CFG_FILE_DIR, fw->directory, 4);
    struct bus_region region = {.name = "fw-cfg",
                                .base = config->base,
                                .size = config->ports ? PORT_SIZE : FW_CFG_MMIO_SIZE,
                                .min_width = 1,
                                .max_width = config->ports ? 4 : 8,
                                .read = config->ports ? port_read : mmio_read,
                                .write = config->ports ? port_write : mmio_write,
                                .opaque = fw};
    unsigned id;
    return bus_add(config->bus, &region, &id, err) ? fw : NULL;
}
