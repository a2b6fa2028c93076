/* A guest that writes anything anywhere: the controller must keep to guest memory and stay usable. */
#include <string.h>

#include "base/bits.h"
#include "devices/net/e1000.h"
#include "tests/devices/pci_support.h"

#define DEVFN  8
#define RAM    (2 * MIB)
#define ROUNDS 20000

static struct test_machine *test;
static struct test_pci pci;
static struct net_port *near, *far;
static uint64_t bar;
static unsigned frames;

static bool far_receive(void *opaque, const uint8_t *frame, size_t len)
{
    uint8_t sum = 0;
    (void)opaque;
    for (size_t i = 0; i < len; i++) /* every byte is there */
        sum ^= frame[i];
    frames += 1 + (sum & 0);
    return true;
}

static uint64_t address(void)
{
    switch (test_random() % 8) {
    case 0: return test_random();
    case 1: return TEST_RAM_BASE + RAM - test_random() % 64;
    default: return TEST_RAM_BASE + test_random() % RAM;
    }
}

static void descriptors_write(void)
{
    for (unsigned i = 0; i < 64; i++) {
        uint8_t bytes[16];
        le64_store(bytes, test_random() % 4 ? address() : test_random());
        uint32_t len = (uint32_t)(test_random() >> (44 + test_random() % 20));
        uint32_t type = (uint32_t)(test_random() % 2) << 20 | (uint32_t)(test_random() & 0xff) << 24;
        le32_store(bytes + 8, len | type);
        le32_store(bytes + 12, (uint32_t)(test_random() & 0x05ff03ff));
        test_ram_put(test, TEST_RAM_BASE + 0x1000 + 16 * i, bytes, sizeof(bytes));
    }
}

static void rings_set(void)
{
    static const unsigned bases[] = {0x2800, 0x3800};
    for (unsigned i = 0; i < 2; i++) {
        test_store(test, bar + bases[i], 4, TEST_RAM_BASE + 0x1000);
        test_store(test, bar + bases[i] + 4, 4, 0);
        test_store(test, bar + bases[i] + 8, 4, 64 * 16);
        test_store(test, bar + bases[i] + 0x10, 4, test_random() % 64);
    }
    test_store(test, bar + 0x100, 4, 0x1a | (test_random() & 0x07ffffe0));
    test_store(test, bar + 0x400, 4, 2);
}

static void round_run(void)
{
    uint8_t frame[2000];
    switch (test_random() % 8) {
    case 0: descriptors_write(); break;
    case 1: rings_set(); break;
    case 2: test_store(test, bar + 0x3818, 4, test_random() % 70); break;
    case 3: test_store(test, bar + 0x2818, 4, test_random() % 70); break;
    case 4:
        for (unsigned i = 0; i < sizeof(frame); i++)
            frame[i] = (uint8_t)test_random();
        be16_store(frame + 12, 0x0800);
        host_mutex_lock(&test->machine.lock);
        net_send(far, frame, test_random() % sizeof(frame));
        host_mutex_unlock(&test->machine.lock);
        break;
    case 5: test_load(test, bar + test_random() % 0x8000, 1u << test_random() % 3); break;
    case 6: test_advance(test, test_random() % 1000000); break;
    default: test_store(test, bar + test_random() % 0x6000, 4, test_random());
    }
}

static void anything(void)
{
    test = test_machine_create(RAM);
    test_pci_start(&pci, test);
    net_pair_create(&near, &far);
    net_attach(far, &(struct net_handlers){.receive = far_receive});
    struct e1000_config config = {.name = "net0", .bus = pci.bus, .devfn = DEVFN, .port = near};
    CHECK(e1000_create(&test->machine, &config, NULL) != NULL);
    bar = test_pci_bar(&pci, DEVFN, 0);
    frames = 0;
    for (unsigned i = 0; i < ROUNDS; i++)
        round_run();
    CHECK(frames > 0);
    test_store(test, bar, 4, 1u << 26);
    CHECK_EQ(test_load(test, bar + 0x100, 4), 0);
    test_machine_destroy(test);
    test_pci_finish(&pci);
    net_close(far);
}

static const struct test_case cases[] = {{"anything", anything}};
TEST_SUITE(e1000_fuzz_test, "fuzz", cases);
