#include "softmmu/bus.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "softmmu/physmem.h"
#include "tests/harness/test.h"

/* A device that remembers its accesses; a read gives each byte its offset. */
struct device {
    struct {
        uint64_t offset, value;
        unsigned width;
        bool write;
    } log[32];
    unsigned count;
};

static uint64_t device_read(void *opaque, uint64_t offset, unsigned width)
{
    struct device *device = opaque;
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) /* more bytes than asked for: the bus must cut */
        value |= (uint64_t)(uint8_t)(offset + i) << (8 * i);
    device->log[device->count].offset = offset;
    device->log[device->count].width = width;
    device->log[device->count++].write = false;
    return value;
}

static void device_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct device *device = opaque;
    device->log[device->count].offset = offset;
    device->log[device->count].width = width;
    device->log[device->count].value = value;
    device->log[device->count++].write = true;
}

static struct bus_region region_of(struct device *device, uint64_t base, uint64_t size)
{
    return (struct bus_region){.name = "device",
                               .base = base,
                               .size = size,
                               .read = device_read,
                               .write = device_write,
                               .opaque = device};
}

static void overlap_and_order(void)
{
    struct bus *bus = bus_create("test", NULL);
    struct device device = {.count = 0};
    struct error err;
    unsigned id;
    struct bus_region region = region_of(&device, 0x1000, 0x100);
    CHECK(bus_add(bus, &region, &id, &err));
    region.name = "another";
    region.base = 0x10ff;
    CHECK(!bus_add(bus, &region, NULL, &err));
    CHECK(strstr(err.text, "another") && strstr(err.text, "device"));
    region.base = 0xf01;
    CHECK(!bus_add(bus, &region, NULL, &err));
    region.base = 0xf00;
    CHECK(bus_add(bus, &region, NULL, &err));
    region.base = ~(uint64_t)0 - 0xff; /* the very end is fine, beyond it is not */
    CHECK(bus_add(bus, &region, NULL, &err));
    region.base++;
    CHECK(!bus_add(bus, &region, NULL, &err));
    region.base = 0x5000;
    region.min_width = 3;
    CHECK(!bus_add(bus, &region, NULL, &err));
    region.min_width = 8;
    region.max_width = 4;
    CHECK(!bus_add(bus, &region, NULL, &err));

    uint64_t value;
    CHECK(bus_covers(bus, 0x1000, 0x100));
    CHECK(!bus_covers(bus, 0xfff, 2)); /* two regions */
    CHECK(!bus_covers(bus, 0x10ff, 2));
    CHECK(!bus_read(bus, 0xffc, 8, &value));
    CHECK(!bus_read(bus, 0x10fc, 8, &value));
    CHECK(!bus_read(bus, ~(uint64_t)0, 2, &value));
    CHECK(bus_read(bus, ~(uint64_t)0, 1, &value));
    CHECK(!bus_write(bus, 0x2000, 0, 1));
    CHECK_EQ(device.count, 1);
    bus_remove(bus, id);
    CHECK(!bus_read(bus, 0x1000, 1, &value));
    CHECK(bus_read(bus, 0xfff, 1, &value));
    bus_destroy(bus);
}

/* Expected accesses of the handler: offset:width, w for a write. */
struct split {
    uint8_t min, max;
    bool write;
    unsigned offset, width;
    const char *accesses;
};

static const struct split splits[] = {
    {1, 8, false, 0, 8, "0:8 "},
    {1, 4, false, 0, 8, "0:4 4:4 "},
    {1, 4, true, 0, 8, "w0:4 w4:4 "},
    {1, 1, true, 5, 3, "w5:1 w6:1 w7:1 "},
    {1, 8, false, 1, 8, "1:1 2:2 4:4 8:1 "},
    {1, 8, true, 6, 4, "w6:2 w8:2 "},
    {4, 4, false, 1, 2, "0:4 "},
    {4, 4, false, 2, 4, "0:4 4:4 "},
    {4, 4, false, 7, 1, "4:4 "},
    {4, 4, true, 1, 2, ""},
    {4, 4, true, 2, 8, "w4:4 "},
    {4, 8, true, 4, 8, "w4:4 w8:4 "},
    {2, 4, false, 3, 1, "2:2 "},
    {8, 8, false, 4, 8, "0:8 8:8 "},
    {8, 8, true, 0, 4, ""},
};

static void splitting(void)
{
    for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
        const struct split *split = &splits[i];
        test_context("case %zu", i);
        struct bus *bus = bus_create("test", NULL);
        struct device device = {.count = 0};
        struct bus_region region = region_of(&device, 0x1000, 0x10);
        struct error err;
        region.min_width = split->min;
        region.max_width = split->max;
        CHECK(bus_add(bus, &region, NULL, &err));
        uint64_t value = 0xf7f6f5f4f3f2f1f0;
        uint64_t mask = bits_get(~(uint64_t)0, 0, split->width * 8);
        if (split->write)
            CHECK(bus_write(bus, 0x1000 + split->offset, value, split->width));
        else if (CHECK(bus_read(bus, 0x1000 + split->offset, split->width, &value)))
            CHECK_EQ(value, (0x0706050403020100 + split->offset * 0x0101010101010101) & mask);
        char text[256] = "";
        for (unsigned j = 0; j < device.count; j++) {
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u:%u ",
                     device.log[j].write ? "w" : "", (unsigned)device.log[j].offset, device.log[j].width);
            if (device.log[j].write)
                CHECK_EQ(device.log[j].value, bits_get(value >> (8 * (device.log[j].offset - split->offset)),
                                                       0, device.log[j].width * 8));
        }
        CHECK_STR(text, split->accesses);
        bus_destroy(bus);
    }
}

static void physical_memory(void)
{
    struct device device = {.count = 0};
    struct error err;
    struct physmem mem = {.ram = ram_create(), .mmio = bus_create("mmio", NULL)};
    struct ram_block *a = ram_block_create(mem.ram, "a", 4 * KIB, &err);
    struct ram_block *b = ram_block_create(mem.ram, "b", 4 * KIB, &err);
    unsigned id;
    CHECK(ram_map(mem.ram, a, 0, gpa(0x1000), 4 * KIB, RAM_MAPPED, NULL));
    CHECK(ram_map(mem.ram, b, 0, gpa(0x2000), 4 * KIB, RAM_MAPPED, &id));
    struct bus_region region = region_of(&device, 0x2000, 0x2000);
    CHECK(bus_add(mem.mmio, &region, NULL, &err));

    uint64_t value = 0;
    CHECK(physmem_store(&mem, gpa(0x1ffd), 8, 0x1122334455667788)); /* across two blocks */
    CHECK_EQ(ram_block_host(a)[0xfff], 0x66);
    CHECK_EQ(ram_block_host(b)[0], 0x55);
    CHECK(physmem_load(&mem, gpa(0x1ffd), 8, &value));
    CHECK_EQ(value, 0x1122334455667788);
    CHECK(physmem_load(&mem, gpa(0x1fff), 2, &value));
    CHECK_EQ(value, 0x5566);
    CHECK_EQ(device.count, 0); /* RAM is in front of the device */

    /* Read-only memory, as flash shows it: writes are for the device behind it. */
    ram_mapping_set_kind(mem.ram, id, RAM_READONLY);
    CHECK(physmem_load(&mem, gpa(0x2000), 1, &value));
    CHECK_EQ(value, 0x55);
    CHECK(physmem_store(&mem, gpa(0x2008), 4, 0xdeadbeefcafe));
    CHECK_EQ(device.log[0].offset, 8);
    CHECK_EQ(device.log[0].value, 0xbeefcafe);
    ram_mapping_set_kind(mem.ram, id, RAM_HIDDEN);
    CHECK(physmem_load(&mem, gpa(0x2010), 2, &value));
    CHECK_EQ(value, 0x1110);
    CHECK(!physmem_load(&mem, gpa(0x1fff), 2, &value)); /* half RAM, half device */
    CHECK(!physmem_store(&mem, gpa(0x4000), 4, 0));
    bus_destroy(mem.mmio);
    ram_destroy(mem.ram);
}

/* Regions come and go while another thread reads: a removed one is never called. */
struct moving {
    struct bus *bus;
    bool present, stop;
    uint64_t called_while_absent, reads;
};

static uint64_t moving_read(void *opaque, uint64_t offset, unsigned width)
{
    struct moving *moving = opaque;
    (void)width;
    moving->called_while_absent += !moving->present;
    __atomic_fetch_add(&moving->reads, 1, __ATOMIC_RELAXED);
    return offset;
}

static void *keep_reading(void *opaque)
{
    struct moving *moving = opaque;
    uint64_t value;
    while (!__atomic_load_n(&moving->stop, __ATOMIC_RELAXED)) {
        if (bus_read(moving->bus, 0x1008, 8, &value) && value != 8 && value != 0x1008)
            moving->called_while_absent++;
    }
    return NULL;
}

static void moves_under_the_lock(void)
{
    struct host_mutex lock;
    host_mutex_init(&lock);
    struct moving moving = {.bus = bus_create("test", &lock)};
    struct bus_region region = {.name = "moving", .size = 0x2000, .read = moving_read, .opaque = &moving};
    struct error err;
    struct host_thread workers[2];
    for (unsigned i = 0; i < 2; i++)
        CHECK(host_thread_create(&workers[i], "worker", keep_reading, &moving, &err));
    for (unsigned i = 0; i < 20000 || __atomic_load_n(&moving.reads, __ATOMIC_RELAXED) < 1000; i++) {
        unsigned id;
        region.base = i & 1 ? 0 : 0x1000;
        host_mutex_lock(&lock);
        moving.present = true;
        CHECK(bus_add(moving.bus, &region, &id, &err));
        host_mutex_unlock(&lock);
        host_mutex_lock(&lock);
        bus_remove(moving.bus, id);
        moving.present = false;
        host_mutex_unlock(&lock);
    }
    __atomic_store_n(&moving.stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++)
        host_thread_join(&workers[i]);
    CHECK_EQ(moving.called_while_absent, 0);
    bus_destroy(moving.bus);
    host_mutex_destroy(&lock);
}

/* Registers of several bytes each at neighbouring addresses: an access is one, whatever its offset. */
static void whole(void)
{
    struct bus *bus = bus_create("test", NULL);
    struct device device = {.count = 0};
    struct bus_region region = region_of(&device, 0x500, 12);
    uint64_t value;
    region.whole = true;
    CHECK(bus_add(bus, &region, NULL, NULL));
    CHECK(bus_write(bus, 0x501, 0x11223344, 4));
    CHECK(bus_write(bus, 0x508, 0x55667788, 4));
    CHECK(bus_read(bus, 0x503, 2, &value));
    CHECK_EQ(value, 0x0403);
    CHECK_EQ(device.count, 3);
    CHECK(device.log[0].offset == 1 && device.log[0].width == 4 && device.log[0].value == 0x11223344);
    CHECK(device.log[1].offset == 8 && device.log[1].width == 4 && device.log[1].value == 0x55667788);
    CHECK(device.log[2].offset == 3 && device.log[2].width == 2);
    CHECK(!bus_write(bus, 0x509, 0, 4));
    bus_destroy(bus);
}

static const struct test_case cases[] = {
    {"overlap_and_order", overlap_and_order},       {"splitting", splitting},
    {"physical_memory", physical_memory},           {"whole", whole},
    {"moves_under_the_lock", moves_under_the_lock},
};
TEST_SUITE(bus_test, "unit", cases);
