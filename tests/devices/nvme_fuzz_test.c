/* A guest that writes anything anywhere: the controller must keep to guest memory and stay usable. */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/nvme.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/pci_support.h"

#define DEVFN  8
#define RAM    (4 * MIB)
#define ROUNDS 20000

static struct test_machine *test;
static struct test_pci pci;
static uint64_t bar;

static uint64_t address(void)
{
    switch (test_random() % 16) {
    case 0: return test_random();
    case 1: return TEST_RAM_BASE + RAM - test_random() % 64;
    case 2: return TEST_RAM_BASE + test_random() % RAM;
    default: return TEST_RAM_BASE + test_random() % (RAM / 4096) * 4096;
    }
}

/* Commands that are likely to be understood, all over memory: every queue finds some. */
static void commands_write(void)
{
    for (unsigned i = 0; i < 64; i++) {
        static const uint8_t opcodes[] = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12};
        uint8_t entry[64] = {opcodes[test_random() % sizeof(opcodes)]};
        entry[2] = (uint8_t)i;
        entry[4] = (uint8_t)(test_random() % 3 != 0);
        le64_store(entry + 24, address());
        le64_store(entry + 32, address());
        le32_store(entry + 40, (uint32_t)(test_random() % 20 | (test_random() % 40) << 16));
        le32_store(entry + 44, (uint32_t)(test_random() & (test_random() % 2 ? 0x00030003 : 7)));
        le32_store(entry + 48, (uint32_t)(test_random() % 1100));
        test_ram_put(test, TEST_RAM_BASE + (test_random() % 64) * 4096 + i * 64, entry, sizeof(entry));
    }
}

static bool settled(void *opaque)
{
    return ++*(unsigned *)opaque > 2;
}

static void enable(void)
{
    test_store(test, bar + 0x14, 4, 0);
    test_store(test, bar + 0x24, 4, (test_random() & 0x0fff0fff) | 0x00010001);
    test_store(test, bar + 0x28, 8, TEST_RAM_BASE + test_random() % 64 * 4096);
    test_store(test, bar + 0x30, 8, address());
    test_store(test, bar + 0x14, 4, 0x00460001 | (test_random() % 8 == 0 ? test_random() & 0x780 : 0));
}

static void round_run(void)
{
    unsigned loops = 0;
    switch (test_random() % 10) {
    case 0: commands_write(); break;
    case 1:
        if (test_random() % 8 == 0)
            enable();
        break;
    case 2: test_store(test, bar + test_random() % 0x40, 1u << test_random() % 4, test_random()); break;
    case 3: test_load(test, bar + test_random() % 0xff8, 1u << test_random() % 4); break;
    case 4: test_loop_until(test, settled, &loops); break;
    default: test_store(test, bar + 0x1000 + 4 * (test_random() % 40), 4, test_random() % 40);
    }
}

static void anything(void)
{
    const char *folder = disk_folder_create();
    char path[256];
    snprintf(path, sizeof(path), "%s/disk", folder);
    CHECK_EQ(disk_shell("truncate -s 1M %s", path), 0);
    test = test_machine_create(RAM);
    test_pci_start(&pci, test);
    struct nvme_config config = {
        .name = "nvme0", .bus = pci.bus, .devfn = DEVFN, .block = disk_open(test, path, "raw", false)};
    CHECK(nvme_create(&test->machine, &config, NULL) != NULL);
    bar = test_pci_bar(&pci, DEVFN, 0);
    enable();
    for (unsigned i = 0; i < ROUNDS; i++)
        round_run();
    test_store(test, bar + 0x14, 4, 0);
    CHECK_EQ(test_load(test, bar + 0x1c, 4) & 3, 0);
    test_machine_destroy(test);
    test_pci_finish(&pci);
    disk_folder_remove(folder);
}

static const struct test_case cases[] = {{"anything", anything}};
TEST_SUITE(nvme_fuzz_test, "fuzz", cases);
