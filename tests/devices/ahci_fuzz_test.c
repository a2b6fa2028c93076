/* A guest that writes anything anywhere: the controller must keep to guest memory and stay usable. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/ahci.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/pci_support.h"

#define DEVFN  8
#define RAM    (4 * MIB)
#define ROUNDS 20000

static struct test_machine *test;
static struct test_pci pci;
static uint64_t abar;

static struct block *image(const char *folder, const char *name, bool readonly)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    CHECK_EQ(disk_shell("truncate -s 1M %s", path), 0);
    return disk_open(test, path, "raw", readonly);
}

/* Somewhere in RAM most of the time, or at its edges, or nowhere. */
static uint64_t address(void)
{
    switch (test_random() % 16) {
    case 0: return test_random();
    case 1: return TEST_RAM_BASE + RAM - test_random() % 64;
    default: return TEST_RAM_BASE + test_random() % RAM;
    }
}

/* A command list whose commands are likely to be understood. */
static void list_write(uint64_t list)
{
    for (unsigned slot = 0; slot < 32; slot++) {
        static const uint8_t opcodes[] = {0x60, 0x61, 0x25, 0x35, 0xc8, 0xca, 0xec, 0xa0,
                                          0xa1, 0xea, 0x06, 0x2f, 0xef, 0x20, 0x30, 0xc4};
        uint64_t table = TEST_RAM_BASE + 0x10000 + slot * 0x1000;
        uint8_t header[32] = {5}, bytes[0x200];
        for (unsigned i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)test_random();
        bytes[0] = test_random() % 16 ? 0x27 : bytes[0];
        bytes[1] |= test_random() % 16 ? 0x80 : 0;
        bytes[2] = test_random() % 4 ? opcodes[test_random() % sizeof(opcodes)] : bytes[2];
        bytes[7] |= 0x40;
        if (test_random() % 2) {
            memset(bytes + 8, 0, 3);
            bytes[12] = (uint8_t)(slot << 3);
            bytes[13] = bytes[11] = 0;
        }
        for (unsigned i = 0; i < 24; i++) {
            le64_store(bytes + 0x80 + 16 * i, address());
            bytes[0x80 + 16 * i + 14] &= 0x01;
        }
        le16_store(header + 2, (uint16_t)(test_random() % 30));
        le64_store(header + 8, test_random() % 32 ? table : address());
        test_ram_put(test, table, bytes, sizeof(bytes));
        test_ram_put(test, list + 32 * slot, header, sizeof(header));
    }
}

static bool settled(void *opaque)
{
    return ++*(unsigned *)opaque > 2;
}

static void round_run(void)
{
    uint64_t port = abar + 0x100 + test_random() % 3 * 0x80;
    unsigned loops = 0;
    switch (test_random() % 8) {
    case 0:
        list_write(TEST_RAM_BASE);
        test_store(test, port, 4, TEST_RAM_BASE);
        test_store(test, port + 8, 4, TEST_RAM_BASE + 0x2000);
        break;
    case 1: test_store(test, port + 0x18, 4, 0x11); break;
    case 2: test_store(test, port + 0x34, 4, test_random()); break;
    case 3: test_store(test, port + 0x38, 4, test_random()); break;
    case 4: test_store(test, port + 0x18, 4, test_random() & 0x19); break;
    case 5: test_loop_until(test, settled, &loops); break;
    case 6: test_load(test, abar + test_random() % 0xff8, 1u << test_random() % 4); break;
    default: test_store(test, abar + test_random() % 0xff8, 1u << test_random() % 4, test_random());
    }
}

static void anything(void)
{
    const char *folder = disk_folder_create();
    struct ahci_config config = {.devfn = DEVFN};
    test = test_machine_create(RAM);
    test_pci_start(&pci, test);
    config.bus = pci.bus;
    config.devices[0] = ata_disk_create(&test->machine, "hd", image(folder, "hd", false), NULL);
    config.devices[1] = atapi_create(&test->machine, "cd", image(folder, "cd", true));
    CHECK(ahci_create(&test->machine, &config, NULL) != NULL);
    abar = test_pci_bar(&pci, DEVFN, 5);
    for (unsigned i = 0; i < ROUNDS; i++)
        round_run();
    test_store(test, abar + 4, 4, 1);
    CHECK_EQ(test_load(test, abar + 4, 4), 0x80000000);
    CHECK_EQ(test_load(test, abar + 0x124, 4), 0x101);
    test_machine_destroy(test);
    test_pci_finish(&pci);
    disk_folder_remove(folder);
}

static const struct test_case cases[] = {{"anything", anything}};
TEST_SUITE(ahci_fuzz_test, "fuzz", cases);
