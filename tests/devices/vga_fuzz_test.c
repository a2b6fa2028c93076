/* Random registers, memory and VBE modes: whatever picture comes of it, it is drawn inside its bounds; and
 * who looks only at what was written to sees the same as who looks at all of it. */
#include "base/bits.h"
#include "devices/display/vga.h"
#include "tests/devices/pci_support.h"

#define DEVFN  8
#define ROUNDS 200

static struct test_machine *test;
static struct test_pci pci;
static struct display *display;

static void registers_write(void)
{
    static const uint16_t ports[] = {0x3c4, 0x3ce, 0x3d4, 0x3b4};
    for (unsigned i = 0; i < 60; i++) {
        uint16_t port = ports[test_random() % ARRAY_LEN(ports)];
        test_out(test, port, 1, test_random() & 0x1f);
        test_out(test, port + 1, 1, test_random() & 0xff);
    }
    for (unsigned i = 0; i < 60; i++)
        test_out(test, (uint16_t)(0x3b0 + test_random() % 0x30), 1, test_random() & 0xff);
    test_in(test, 0x3da, 1);
    test_out(test, 0x3c0, 1, 0x20); /* most pictures are to be seen */
    test_out(test, 0x3c4, 1, 0);
    test_out(test, 0x3c5, 1, 3);
}

static void vbe_write(void)
{
    for (unsigned i = 0; i < 20; i++) {
        test_out(test, 0x1ce, 2, test_random() % 12);
        test_out(test, 0x1cf, 2, test_random() >> test_random() % 64);
    }
}

static void memory_touch(uint64_t frame_buffer)
{
    for (unsigned i = 0; i < 200; i++) {
        uint64_t legacy = 0xa0000 + test_random() % 0x20000;
        test_store(test, legacy, 1, test_random());
        test_load(test, legacy, 1);
        test_store(test, frame_buffer + test_random() % (MIB - 8), 8, test_random());
    }
}

static void told(void *opaque, unsigned x, unsigned y, unsigned width, unsigned height)
{
    struct display_surface now = display_surface(display);
    CHECK(width && height && x + width <= now.width && y + height <= now.height);
    ++*(unsigned *)opaque;
}

/* Both looks, one after the other in no time: the second finds nothing that the first had left out. */
static struct display_surface look(void)
{
    unsigned changes = 0;
    struct display_surface now = display_look(display, &test->machine.lock);
    display_attach(display, &(struct display_consumer){.changed = told, .opaque = &changes});
    display_refresh(display);
    CHECK_EQ(changes, 0);
    display_detach(display, &changes);
    host_mutex_unlock(&test->machine.lock);
    return now;
}

static void anything(void)
{
    test = test_machine_create(MIB);
    test_pci_start(&pci, test);
    display = display_create();
    struct vga_config config = {.bus = pci.bus, .devfn = DEVFN, .memory = MIB, .display = display};
    CHECK(vga_create(&test->machine, &config, NULL) != NULL);
    uint64_t frame_buffer = test_pci_bar(&pci, DEVFN, 0);
    uint64_t bar = test_pci_bar(&pci, DEVFN, 2);
    unsigned sizes = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct display_surface before = display_surface(display);
        if (test_random() % 4 == 0)
            registers_write();
        if (test_random() % 4 == 0)
            vbe_write();
        if (test_random() % 4)
            memory_touch(frame_buffer);
        /* Between its parts the BAR is empty. */
        if (test_random() % 4 == 0)
            bus_write(test->machine.mem.mmio, bar + 0x400 + test_random() % 0x300, test_random(),
                      1u << test_random() % 4);
        test_advance(test, test_random() % 100000000);
        struct display_surface now = look();
        sizes += now.width != before.width || now.height != before.height;
    }
    CHECK(sizes > ROUNDS / 10);
    test_machine_destroy(test);
    test_pci_finish(&pci);
    display_destroy(display);
}

static const struct test_case cases[] = {{"anything", anything}};
TEST_SUITE(vga_fuzz_test, "fuzz", cases);
