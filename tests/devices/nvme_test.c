/* Expected values are those of NVM Express 1.4. */
#include "devices/storage/nvme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/pci_support.h"

#define DEVFN   (3 << 3)
#define DISK    (4 * MIB)
#define RAM     (16 * MIB)
#define ENTRIES 16u

/* Queue q has its submissions at SQ(q), its completions at CQ(q). */
#define SQ(q) (TEST_RAM_BASE + 0x10000 + 0x2000 * (q))
#define CQ(q) (SQ(q) + 0x1000)
#define LIST  (TEST_RAM_BASE + 0x80000)
#define DATA  (TEST_RAM_BASE + 0x100000)

static struct test_machine *test;
static struct test_pci pci;
static const char *folder;
static uint64_t bar;
static uint8_t *disk_bytes;
static unsigned tails[4], heads[4];
static bool phases[4];

static uint32_t reg(unsigned offset)
{
    return (uint32_t)test_load(test, bar + offset, 4);
}

static void reg_put(unsigned offset, uint32_t value)
{
    test_store(test, bar + offset, 4, value);
}

static void start(bool readonly)
{
    char path[256];
    folder = disk_folder_create();
    snprintf(path, sizeof(path), "%s/disk", folder);
    disk_bytes = malloc(DISK);
    for (uint64_t i = 0; i < DISK; i += 4)
        le32_store(disk_bytes + i, (uint32_t)(i / 4 * 2654435761u));
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(disk_bytes, 1, DISK, file) == DISK);
    fclose(file);
    test = test_machine_create(RAM);
    test_pci_start(&pci, test);
    struct nvme_config config = {.name = "nvme0",
                                 .bus = pci.bus,
                                 .devfn = DEVFN,
                                 .block = disk_open(test, path, "raw", readonly),
                                 .serial = "SERIAL-2"};
    CHECK(nvme_create(&test->machine, &config, NULL) != NULL);
    bar = test_pci_bar(&pci, DEVFN, 0);
}

static void finish(void)
{
    test_machine_destroy(test);
    test_pci_finish(&pci);
    disk_folder_remove(folder);
    free(disk_bytes);
}

static void enable(void)
{
    memset(tails, 0, sizeof(tails));
    memset(heads, 0, sizeof(heads));
    for (unsigned i = 0; i < 4; i++)
        phases[i] = true;
    uint8_t zero[0x1000] = {0};
    for (unsigned i = 0; i < 4; i++)
        test_ram_put(test, CQ(i), zero, sizeof(zero));
    reg_put(0x24, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    test_store(test, bar + 0x28, 8, SQ(0));
    reg_put(0x30, (uint32_t)CQ(0)); /* by halves */
    reg_put(0x34, 0);
    reg_put(0x14, 0x00460001);
    CHECK_EQ(reg(0x1c), 1);
}

struct entry {
    uint8_t opcode, flags;
    uint32_t namespace, words[6];
    uint64_t prp1, prp2;
};

/* Put an entry into a queue without telling of it; its id is its place. */
static void put(unsigned queue, const struct entry *entry)
{
    uint8_t bytes[64] = {entry->opcode, entry->flags, (uint8_t)tails[queue], (uint8_t)queue};
    le32_store(bytes + 4, entry->namespace);
    le64_store(bytes + 24, entry->prp1);
    le64_store(bytes + 32, entry->prp2);
    for (unsigned i = 0; i < 6; i++)
        le32_store(bytes + 40 + 4 * i, entry->words[i]);
    test_ram_put(test, SQ(queue) + 64 * tails[queue], bytes, sizeof(bytes));
    tails[queue] = (tails[queue] + 1) % ENTRIES;
}

static void ring(unsigned queue)
{
    reg_put(0x1000 + 8 * queue, tails[queue]);
}

static unsigned awaited;

static bool completed(void *opaque)
{
    uint8_t entry[16];
    (void)opaque;
    test_ram_get(test, CQ(awaited) + 16 * heads[awaited], entry, sizeof(entry));
    return (entry[14] & 1) == phases[awaited];
}

/* Take the next completion of a queue: its status; its first word and its id. */
static unsigned take(unsigned queue, uint32_t *result, uint16_t *id)
{
    uint8_t entry[16];
    awaited = queue;
    CHECK(test_loop_until(test, completed, NULL));
    test_ram_get(test, CQ(queue) + 16 * heads[queue], entry, sizeof(entry));
    if (++heads[queue] == ENTRIES) {
        heads[queue] = 0;
        phases[queue] = !phases[queue];
    }
    reg_put(0x1004 + 8 * queue, heads[queue]);
    if (result)
        *result = le32_load(entry);
    if (id)
        *id = le16_load(entry + 12);
    CHECK_EQ(le16_load(entry + 10), queue);
    return le16_load(entry + 14) >> 1 & 0x7ff;
}

static unsigned run(unsigned queue, struct entry entry)
{
    put(queue, &entry);
    ring(queue);
    return take(queue, NULL, NULL);
}

static unsigned admin(uint8_t opcode, uint32_t word10, uint32_t word11, uint64_t prp1)
{
    return run(0, (struct entry){.opcode = opcode, .words = {word10, word11}, .prp1 = prp1});
}

static void queues_create(void)
{
    CHECK_EQ(admin(0x05, (ENTRIES - 1) << 16 | 1, 3, CQ(1)), 0);
    CHECK_EQ(admin(0x01, (ENTRIES - 1) << 16 | 1, 1 << 16 | 1, SQ(1)), 0);
}

static struct entry io(uint8_t opcode, uint64_t lba, uint32_t blocks, uint64_t prp1, uint64_t prp2)
{
    return (struct entry){.opcode = opcode,
                          .namespace = 1,
                          .words = {(uint32_t)lba, (uint32_t)(lba >> 32), blocks - 1},
                          .prp1 = prp1,
                          .prp2 = prp2};
}

static void data_is(uint64_t offset, uint64_t len, uint64_t at)
{
    uint8_t *bytes = malloc(len);
    test_ram_get(test, at, bytes, len);
    CHECK_MEM(bytes, disk_bytes + offset, len);
    free(bytes);
}

static void registers(void)
{
    start(false);
    CHECK_EQ(test_pci_get(&pci, DEVFN, 8, 4) >> 8, 0x010802);
    uint64_t cap = test_load(test, bar, 8);
    CHECK_EQ(cap & 0xffff, 1023);
    CHECK_EQ(cap >> 16 & 1, 1);
    CHECK_EQ(cap >> 37 & 0xff, 1);
    CHECK_EQ(reg(8), 0x10400);
    CHECK_EQ(reg(0x1c), 0);
    reg_put(0x0c, 0x30);
    reg_put(0x10, 0x10);
    CHECK_EQ(reg(0x0c), 0x20);
    enable();
    reg_put(0x24, 0); /* not while it is enabled */
    CHECK_EQ(reg(0x24), 0x000f000f);
    reg_put(0x14, 0x00464001); /* shut down */
    CHECK_EQ(reg(0x1c), 9);
    reg_put(0x14, 0);
    CHECK_EQ(reg(0x1c), 0);
    reg_put(0x14, 0x00460781); /* pages too large */
    CHECK_EQ(reg(0x1c) & 3, 2);
    finish();
}

static void identifies(void)
{
    uint8_t data[4096];
    start(false);
    enable();
    CHECK_EQ(admin(0x06, 1, 0, DATA), 0);
    test_ram_get(test, DATA, data, sizeof(data));
    CHECK_MEM(data + 4, "SERIAL-2            ", 20);
    CHECK_EQ(data[512], 0x66);
    CHECK_EQ(data[513], 0x44);
    CHECK_EQ(le32_load(data + 516), 1);
    CHECK_EQ(le32_load(data + 80), 0x10400);
    struct entry entry = {.opcode = 0x06, .namespace = 1, .prp1 = DATA + 2048, .prp2 = LIST};
    CHECK_EQ(run(0, entry), 0); /* across two pages */
    test_ram_get(test, DATA + 2048, data, 2048);
    CHECK_EQ(le64_load(data), DISK / 512);
    CHECK_EQ(data[130], 9);
    entry.namespace = 2;
    CHECK_EQ(run(0, entry), 0x0b);
    CHECK_EQ(admin(0x06, 2, 0, DATA), 0);
    test_ram_get(test, DATA, data, 8);
    CHECK_EQ(le64_load(data), 1);
    CHECK_EQ(admin(0x06, 0x77, 0, DATA), 0x02);
    CHECK_EQ(admin(0x99, 0, 0, 0), 0x01);
    finish();
}

static void features(void)
{
    uint32_t result;
    start(false);
    enable();
    struct entry queues = {.opcode = 0x09, .words = {7, 0x00ff00ff}};
    put(0, &queues);
    ring(0);
    CHECK_EQ(take(0, &result, NULL), 0);
    CHECK_EQ(result, 0x000f000f);
    CHECK_EQ(admin(0x09, 6, 0, 0), 0);
    struct entry cache = {.opcode = 0x0a, .words = {6}};
    put(0, &cache);
    ring(0);
    CHECK_EQ(take(0, &result, NULL), 0);
    CHECK_EQ(result, 0);
    CHECK_EQ(admin(0x09, 0x80000006, 0, 0), 0x10d);
    CHECK_EQ(admin(0x09, 0xc0, 0, 0), 0x02);
    CHECK_EQ(admin(0x02, 0x007f0002, 0, DATA), 0);
    uint8_t health[512];
    test_ram_get(test, DATA, health, sizeof(health));
    CHECK_EQ(health[3], 100);
    CHECK_EQ(admin(0x02, 0x007f00c0, 0, DATA), 0x109);
    /* Event requests wait; the fifth is one too many. */
    for (unsigned i = 0; i < 4; i++)
        put(0, &(struct entry){.opcode = 0x0c});
    CHECK_EQ(run(0, (struct entry){.opcode = 0x0c}), 0x105);
    finish();
}

static void queue_rules(void)
{
    start(false);
    enable();
    CHECK_EQ(admin(0x01, 0xf << 16 | 1, 1 << 16 | 1, SQ(1)), 0x100); /* no such completion queue */
    CHECK_EQ(admin(0x05, 0xf << 16 | 0, 3, CQ(1)), 0x101);
    CHECK_EQ(admin(0x05, 0xf << 16 | 17, 3, CQ(1)), 0x101);
    CHECK_EQ(admin(0x05, 0 << 16 | 1, 3, CQ(1)), 0x102);
    CHECK_EQ(admin(0x05, 1024u << 16 | 1, 3, CQ(1)), 0x102);
    CHECK_EQ(admin(0x05, 0xf << 16 | 1, 2, CQ(1)), 0x02); /* in pieces */
    CHECK_EQ(admin(0x05, 0xf << 16 | 1, 3, CQ(1) + 4), 0x13);
    CHECK_EQ(admin(0x05, 0xf << 16 | 1, 40 << 16 | 3, CQ(1)), 0x108);
    queues_create();
    CHECK_EQ(admin(0x05, 0xf << 16 | 1, 3, CQ(1)), 0x101); /* there already */
    CHECK_EQ(admin(0x04, 1, 0, 0), 0x10c);
    CHECK_EQ(admin(0x00, 1, 0, 0), 0);
    CHECK_EQ(admin(0x00, 1, 0, 0), 0x101);
    CHECK_EQ(admin(0x04, 1, 0, 0), 0);
    reg_put(0x1008, 1); /* a doorbell of none */
    reg_put(0x1000, 77);
    finish();
}

static void reads_and_writes(void)
{
    start(false);
    enable();
    queues_create();
    CHECK_EQ(run(1, io(2, 10, 1, DATA, 0)), 0);
    data_is(10 * 512, 512, DATA);
    /* From the middle of a page on, and a whole page elsewhere. */
    CHECK_EQ(run(1, io(2, 10, 15, DATA + 0x200, DATA + 0x2000)), 0);
    data_is(10 * 512, 0xe00, DATA + 0x200);
    data_is(10 * 512 + 0xe00, 0x1000, DATA + 0x2000);
    /* 512 KiB through a list of 128 pages that goes on in another page. */
    uint8_t list[8];
    for (unsigned i = 0; i < 127; i++) {
        /* Pages in reverse, and the last entry of the first list page leads to the next. */
        uint64_t place = i < 15 ? LIST + 0x1000 - 128 + 8 * i : LIST + 0x3000 + 8 * (i - 15);
        le64_store(list, DATA + 0x1000 * (200 - i));
        test_ram_put(test, place, list, 8);
    }
    le64_store(list, LIST + 0x3000);
    test_ram_put(test, LIST + 0x1000 - 8, list, 8);
    CHECK_EQ(run(1, io(2, 100, 1024, DATA, LIST + 0x1000 - 128)), 0);
    data_is(100 * 512, 4096, DATA);
    for (unsigned i = 0; i < 127; i++)
        data_is(100 * 512 + 4096 * (i + 1), 4096, DATA + 0x1000 * (200 - i));
    memset(disk_bytes + 77 * 512, 0xa5, 1024);
    test_ram_put(test, DATA, disk_bytes + 77 * 512, 1024);
    struct entry write = io(1, 77, 2, DATA, 0);
    write.words[2] |= 1u << 30; /* and onto the medium */
    CHECK_EQ(run(1, write), 0);
    CHECK_EQ(run(1, io(0, 0, 1, 0, 0)), 0);
    CHECK_EQ(run(1, io(2, 76, 4, DATA, 0)), 0);
    data_is(76 * 512, 2048, DATA);
    CHECK_EQ(run(1, io(8, 77, 1, 0, 0)), 0);
    memset(disk_bytes + 77 * 512, 0, 512);
    uint8_t ranges[32] = {0};
    le32_store(ranges + 4, 8);
    le64_store(ranges + 8, 200);
    le32_store(ranges + 20, 4);
    le64_store(ranges + 24, 300);
    test_ram_put(test, LIST, ranges, sizeof(ranges));
    CHECK_EQ(run(1, (struct entry){.opcode = 9, .namespace = 1, .words = {1, 4}, .prp1 = LIST}), 0);
    memset(disk_bytes + 200 * 512, 0, 8 * 512);
    memset(disk_bytes + 300 * 512, 0, 4 * 512);
    for (unsigned lba = 72; lba < 400; lba += 8) {
        CHECK_EQ(run(1, io(2, lba, 8, DATA, 0)), 0);
        data_is(lba * 512, 4096, DATA);
    }
    finish();
}

static void many_at_once(void)
{
    start(false);
    enable();
    queues_create();
    unsigned seen = 0;
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned i = 0; i < ENTRIES - 1; i++) {
            struct entry entry = io(2, 64 * i, 8, DATA + 0x1000 * tails[1], 0);
            put(1, &entry);
        }
        ring(1);
        for (unsigned i = 0; i < ENTRIES - 1; i++) {
            uint16_t id;
            CHECK_EQ(take(1, NULL, &id), 0);
            seen |= 1u << (id & 0xff);
        }
    }
    CHECK_EQ(seen, 0xffff);
    finish();
}

static void refusals(void)
{
    start(true);
    enable();
    queues_create();
    CHECK_EQ(run(1, io(2, DISK / 512, 1, DATA, 0)), 0x80);
    CHECK_EQ(run(1, io(2, DISK / 512 - 1, 2, DATA, 0)), 0x80);
    CHECK_EQ(run(1, io(2, UINT64_MAX, 2, DATA, 0)), 0x80);
    CHECK_EQ(run(1, io(2, 0, 1, 0x1000, 0)), 0x04); /* no memory */
    CHECK_EQ(run(1, io(2, 0, 16, DATA, DATA + 0x1004)), 0x13);
    CHECK_EQ(run(1, io(2, 0, 1, DATA + 1, 0)), 0x13);
    CHECK_EQ(run(1, io(2, 0, 2048, DATA, LIST)), 0x02); /* more than a transfer may be */
    CHECK_EQ(run(1, io(1, 0, 1, DATA, 0)), 0x182);
    CHECK_EQ(run(1, io(8, 0, 1, DATA, 0)), 0x182);
    struct entry entry = io(2, 0, 1, DATA, 0);
    entry.namespace = 9;
    CHECK_EQ(run(1, entry), 0x0b);
    entry = io(2, 0, 1, DATA, 0);
    entry.flags = 0x40;
    CHECK_EQ(run(1, entry), 0x02);
    CHECK_EQ(run(1, io(0x7f, 0, 1, DATA, 0)), 0x01);
    CHECK_EQ(run(1, io(2, 0, 1, DATA, 0)), 0);
    finish();
}

static void interrupts(void)
{
    start(false);
    enable();
    put(0, &(struct entry){.opcode = 0x0a, .words = {6}});
    ring(0);
    CHECK(test_pci_pin(&pci));
    reg_put(0x0c, 1);
    CHECK(!test_pci_pin(&pci));
    reg_put(0x10, 1);
    CHECK(test_pci_pin(&pci));
    take(0, NULL, NULL);
    CHECK(!test_pci_pin(&pci));
    unsigned msix = test_pci_capability(&pci, DEVFN, PCI_CAP_MSIX);
    test_pci_put(&pci, DEVFN, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_CONTROL_ENABLE);
    for (unsigned i = 0; i < 17; i++) {
        test_store(test, bar + 0x2000 + 16 * i, 8, 0xfee00000);
        test_store(test, bar + 0x2008 + 16 * i, 4, 0x40 + i);
        test_store(test, bar + 0x200c + 16 * i, 4, 0);
    }
    CHECK_EQ(admin(0x05, (ENTRIES - 1) << 16 | 1, 5 << 16 | 3, CQ(1)), 0);
    CHECK_EQ(pci.last.data, 0x40);
    CHECK_EQ(admin(0x01, (ENTRIES - 1) << 16 | 1, 1 << 16 | 1, SQ(1)), 0);
    CHECK_EQ(run(1, io(2, 0, 1, DATA, 0)), 0);
    CHECK_EQ(pci.last.data, 0x45);
    CHECK(!test_pci_pin(&pci));
    finish();
}

static void resets(void)
{
    start(false);
    for (unsigned round = 0; round < 3; round++) {
        enable();
        queues_create();
        for (unsigned i = 0; i < ENTRIES - 1; i++) {
            struct entry entry = io(2, 8 * i, 8, DATA + 0x1000 * i, 0);
            put(1, &entry);
        }
        ring(1);
        if (round == 1) {
            test_reset(test);
            bar = test_pci_bar(&pci, DEVFN, 0);
        } else {
            reg_put(0x14, 0);
        }
        CHECK_EQ(reg(0x1c), 0);
    }
    enable();
    queues_create();
    CHECK_EQ(run(1, io(2, 7, 1, DATA, 0)), 0);
    data_is(7 * 512, 512, DATA);
    finish();
}

static void state(void)
{
    start(false);
    enable();
    queues_create();
    CHECK_EQ(run(1, io(2, 7, 1, DATA, 0)), 0);
    test_save_load(test);
    CHECK_EQ(reg(0x1c), 1);
    CHECK_EQ(run(1, io(2, 9, 1, DATA, 0)), 0);
    data_is(9 * 512, 512, DATA);
    finish();
}

static const struct test_case cases[] = {
    {"registers", registers},
    {"identifies", identifies},
    {"features", features},
    {"queue_rules", queue_rules},
    {"reads_and_writes", reads_and_writes},
    {"many_at_once", many_at_once},
    {"refusals", refusals},
    {"interrupts", interrupts},
    {"resets", resets},
    {"state", state},
};
TEST_SUITE(nvme_test, "unit", cases);
