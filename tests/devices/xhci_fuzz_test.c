/* A guest that writes anything anywhere: the controller and its devices must keep to guest memory and stay
 * usable. */
#include <stdio.h>

#include "base/bits.h"
#include "devices/usb/usb_hid.h"
#include "devices/usb/usb_storage.h"
#include "devices/usb/xhci.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/pci_support.h"

#define DEVFN  8
#define RAM    (1 * MIB)
#define PAGES  (RAM / 4096)
#define ROUNDS 60000

static struct test_machine *test;
static struct test_pci pci;
static uint64_t bar;

static uint64_t address(void)
{
    switch (test_random() % 24) {
    case 0: return test_random();
    case 1: return TEST_RAM_BASE + RAM - test_random() % 64;
    default: return TEST_RAM_BASE + test_random() % PAGES * 4096;
    }
}

/* TRBs that are likely to be understood, all over memory: every ring finds some. */
static void trbs_write(void)
{
    uint64_t at = TEST_RAM_BASE + test_random() % PAGES * 4096;
    for (unsigned i = 0; i < 32; i++) {
        static const uint8_t types[] = {1, 1, 2, 3, 4, 6, 7, 8, 9, 11, 11, 12, 13, 14, 15, 16, 17, 21, 23};
        static const uint64_t setups[] = {0x0012000001000680, 0x0000000000010900, 0x00ff000002000680,
                                          0x00ff000003020680, 0x0001000002000921, 0x000000000000ff21,
                                          0x000100000000fea1, 0x0000000200000102};
        uint8_t trb[16], type = types[test_random() % sizeof(types)];
        le64_store(trb, type == 2 ? setups[test_random() % 8] : address());
        le32_store(trb + 8,
                   type == 2 ? 8 : (uint32_t)(test_random() % 4 ? test_random() % 64 : test_random()));
        uint32_t flags = (uint32_t)(test_random() & 0x277) | (type == 2 ? 0x40 : 0);
        uint32_t place = (uint32_t)(test_random() % 4) << 24 | (uint32_t)(test_random() % 6) << 16;
        le32_store(trb + 12,
                   flags | (uint32_t)type << 10 | (type >= 9 ? place : (uint32_t)(test_random() & 0x30000)));
        test_ram_put(test, at + i * 16, trb, sizeof(trb));
    }
}

/* A page that is an input context, an array of contexts, a segment table, and a command for disks. */
static void contexts_write(void)
{
    uint64_t at = TEST_RAM_BASE + test_random() % PAGES * 4096;
    test_store(test, at, 8,
               (test_random() & 0x3f) << 32 | (test_random() % 8 == 0 ? test_random() & 0x3f : 0));
    test_store(test, at + 32, 8, (uint64_t)(test_random() % 10) << 48 | 1u << 27);
    for (unsigned ep = 1; ep < 6; ep++) {
        test_store(test, at + 32 * (ep + 1) + 4, 4, (uint32_t)(test_random() % 8) << 3 | 64u << 16);
        test_store(test, at + 32 * (ep + 1) + 8, 8, address() | (test_random() & 1));
    }
    for (unsigned i = 0; i < 8; i++)
        test_store(test, at + 0x800 + 8 * i, 8, address());
    test_store(test, at + 0xc00, 8, address());
    test_store(test, at + 0xc08, 4, 16 + test_random() % 64);
    static const uint8_t codes[] = {0x00, 0x03, 0x12, 0x1a, 0x25, 0x28, 0x2a,
                                    0x2f, 0x35, 0x5a, 0x88, 0x9e, 0xa0};
    test_store(test, at + 0xe00, 8, 0x43425355);
    test_store(test, at + 0xe08, 4, test_random() % 9000);
    test_store(test, at + 0xe0c, 4,
               0x100000 | (test_random() & 0x80) | (uint32_t)codes[test_random() % sizeof(codes)] << 24);
    test_store(test, at + 0xe10, 8, test_random() & 0x00ff0000ff0000ff);
}

static bool settled(void *opaque)
{
    return ++*(unsigned *)opaque > 2;
}

static void enable(void)
{
    test_store(test, bar + 0x40, 4, 2);
    test_store(test, bar + 0x78, 4, test_random() % 64);
    test_store(test, bar + 0x70, 8, TEST_RAM_BASE + test_random() % PAGES * 4096 + 0x800);
    test_store(test, bar + 0x58, 8, (TEST_RAM_BASE + test_random() % PAGES * 4096) | (test_random() & 1));
    test_store(test, bar + 0x1028, 4, test_random() % 3);
    test_store(test, bar + 0x1030, 8, TEST_RAM_BASE + test_random() % PAGES * 4096 + 0xc00);
    test_store(test, bar + 0x40, 4, 5);
}

static void round_run(void)
{
    unsigned loops = 0;
    switch (test_random() % 12) {
    case 0: trbs_write(); break;
    case 1: contexts_write(); break;
    case 2:
        if (test_random() % 8 == 0)
            enable();
        break;
    case 3: test_store(test, bar + test_random() % 0x480, 4, test_random()); break;
    case 4: test_load(test, bar + test_random() % 0x2ff8, 4); break;
    case 5: test_loop_until(test, settled, &loops); break;
    case 6: test_advance(test, test_random() % 5000000); break;
    case 7: test_store(test, bar + 0x440 + test_random() % 8 * 16, 4, test_random()); break;
    case 8: test_store(test, bar + 0x1020 + test_random() % 0x80, 4, test_random()); break;
    case 9: test_store(test, bar + 0x1038, 8, address() | (test_random() & 8)); break;
    default: test_store(test, bar + 0x2000 + 4 * (test_random() % 4), 4, test_random() % 6);
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
    struct input *input = input_create();
    struct usb_device *devices[] = {
        usb_hid_create(&test->machine, "usb0", USB_HID_KEYBOARD, input),
        usb_hid_create(&test->machine, "usb1", USB_HID_TABLET, input),
        usb_storage_create(&test->machine, "disk0", disk_open(test, path, "raw", false)),
    };
    struct xhci_config config = {.name = "xhci", .bus = pci.bus, .devfn = DEVFN};
    struct xhci *xhci = xhci_create(&test->machine, &config, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(devices); i++)
        CHECK(xhci && xhci_plug(xhci, devices[i], NULL));
    bar = test_pci_bar(&pci, DEVFN, 0);
    enable();
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_run();
        if (i % 16 == 0)
            input_key(input, (unsigned)(test_random() % 100), test_random() & 1);
    }
    test_store(test, bar + 0x40, 4, 2);
    CHECK_EQ(test_load(test, bar + 0x44, 4) & 0x1001, 1);
    test_machine_destroy(test);
    test_pci_finish(&pci);
    input_destroy(input);
    disk_folder_remove(folder);
}

static const struct test_case cases[] = {{"anything", anything}};
TEST_SUITE(xhci_fuzz_test, "fuzz", cases);
