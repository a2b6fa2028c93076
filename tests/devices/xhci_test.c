/* A small driver for the controller. Expected values are those of xHCI 1.1, USB 2.0, HID 1.11 and Bulk-Only
 * Transport 1.0. */
#include "devices/usb/xhci.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "devices/usb/usb_hid.h"
#include "devices/usb/usb_storage.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/pci_support.h"

#define DEVFN (3 << 3)
#define DISK  (1 * MIB)
#define RAM   (4 * MIB)

/* Where the driver keeps things. */
#define CONTEXTS  (TEST_RAM_BASE + 0x1000) /* DCBAA */
#define COMMANDS  (TEST_RAM_BASE + 0x2000)
#define EVENTS    (TEST_RAM_BASE + 0x3000)
#define SEGMENTS  (TEST_RAM_BASE + 0x4000)
#define INPUT     (TEST_RAM_BASE + 0x5000)
#define OUTPUT    (TEST_RAM_BASE + 0x6000)
#define RINGS     (TEST_RAM_BASE + 0x10000) /* 4 KiB for each endpoint */
#define DATA      (TEST_RAM_BASE + 0x100000)
#define RING_TRBS 16u

#define OPERATIONAL 0x40u
#define PORTSC(n)   (OPERATIONAL + 0x400 + 0x10 * ((n)-1))
#define RUNTIME     0x1000u
#define DOORBELL(n) (0x2000u + 4 * (n))

enum { NORMAL = 1, SETUP = 2, DATA_STAGE = 3, STATUS_STAGE = 4, LINK = 6 };
enum {
    ENABLE_SLOT = 9,
    DISABLE_SLOT = 10,
    ADDRESS_DEVICE = 11,
    CONFIGURE = 12,
    RESET_EP = 14,
    STOP_EP = 15,
    SET_DEQUEUE = 16,
    NO_OP = 23
};
enum { TRANSFER = 32, COMMAND = 33, PORT = 34 };
#define SUCCESS 1u
#define STALL   6u
#define SHORT   13u
#define STOPPED 26u

#define CHAIN     0x10u
#define INTERRUPT 0x20u
#define IMMEDIATE 0x40u

static struct test_machine *test;
static struct test_pci pci;
static struct xhci *xhci;
static struct input *input;
static uint64_t bar;

struct ring {
    uint64_t base;
    unsigned index;
    bool cycle;
};
static struct ring commands, rings[32];
static unsigned event_index;
static bool event_cycle;

struct event {
    uint64_t parameter;
    uint32_t status, control;
};

static uint32_t reg(uint64_t offset)
{
    return (uint32_t)test_load(test, bar + offset, 4);
}

static void reg_put(uint64_t offset, uint32_t value)
{
    test_store(test, bar + offset, 4, value);
}

/* --- rings --- */

static void trb_put(uint64_t at, uint64_t parameter, uint32_t status, uint32_t control)
{
    uint8_t bytes[16];
    le64_store(bytes, parameter);
    le32_store(bytes + 8, status);
    le32_store(bytes + 12, control);
    test_ram_put(test, at, bytes, sizeof(bytes));
}

/* The last TRB of a ring leads back to the first and turns the cycle. */
static uint64_t ring_add(struct ring *ring, uint64_t parameter, uint32_t status, unsigned type,
                         uint32_t flags)
{
    if (ring->index == RING_TRBS - 1) {
        trb_put(ring->base + 16 * ring->index, ring->base, 0, LINK << 10 | 2u | ring->cycle);
        ring->index = 0;
        ring->cycle = !ring->cycle;
    }
    uint64_t at = ring->base + 16 * ring->index++;
    trb_put(at, parameter, status, type << 10 | flags | ring->cycle);
    return at;
}

static bool event_next(struct event *event)
{
    uint8_t bytes[16];
    test_ram_get(test, EVENTS + 16 * event_index, bytes, sizeof(bytes));
    *event = (struct event){le64_load(bytes), le32_load(bytes + 8), le32_load(bytes + 12)};
    if ((event->control & 1) != event_cycle)
        return false;
    if (++event_index == 64) {
        event_index = 0;
        event_cycle = !event_cycle;
    }
    test_store(test, bar + RUNTIME + 0x38, 8, (EVENTS + 16 * event_index) | 8);
    return true;
}

/* The next event, which has to be of this type and code; its parameter. */
static uint64_t event_expect(unsigned type, unsigned code, uint32_t length)
{
    struct event event = {0};
    if (!CHECK(event_next(&event)))
        return 0;
    CHECK_EQ(event.control >> 10 & 0x3f, type);
    CHECK_EQ(event.status >> 24, code);
    if (type == TRANSFER)
        CHECK_EQ(event.status & 0xffffff, length);
    return event.parameter;
}

static unsigned command(uint64_t parameter, uint32_t status, unsigned type, uint32_t flags, unsigned code)
{
    struct event event = {0};
    uint64_t at = ring_add(&commands, parameter, status, type, flags);
    reg_put(DOORBELL(0), 0);
    CHECK(event_next(&event));
    CHECK_EQ(event.parameter, at);
    CHECK_EQ(event.control >> 10 & 0x3f, COMMAND);
    CHECK_EQ(event.status >> 24, code);
    return event.control >> 24;
}

/* --- starting --- */

static void controller_start(void)
{
    uint8_t segment[16] = {0};
    commands = (struct ring){.base = COMMANDS, .cycle = true};
    for (unsigned i = 0; i < 32; i++)
        rings[i] = (struct ring){.base = RINGS + 0x1000 * i, .cycle = true};
    event_index = 0;
    event_cycle = true;
    le64_store(segment, EVENTS);
    le32_store(segment + 8, 64);
    test_ram_put(test, SEGMENTS, segment, sizeof(segment));
    test_store(test, CONTEXTS + 8, 8, OUTPUT);
    reg_put(OPERATIONAL + 0x38, 8);
    test_store(test, bar + OPERATIONAL + 0x30, 8, CONTEXTS);
    test_store(test, bar + OPERATIONAL + 0x18, 8, COMMANDS | 1);
    reg_put(RUNTIME + 0x28, 1);
    test_store(test, bar + RUNTIME + 0x38, 8, EVENTS);
    test_store(test, bar + RUNTIME + 0x30, 8, SEGMENTS);
    reg_put(RUNTIME + 0x20, 2);
    reg_put(OPERATIONAL, 5);
    CHECK_EQ(reg(OPERATIONAL + 4) & 1, 0);
}

static void create(void)
{
    test = test_machine_create(RAM);
    test_pci_start(&pci, test);
    input = input_create();
}

static void plug(struct usb_device *device)
{
    struct xhci_config config = {.name = "xhci", .bus = pci.bus, .devfn = DEVFN};
    xhci = xhci_create(&test->machine, &config, NULL);
    CHECK(xhci && xhci_plug(xhci, device, NULL));
    bar = test_pci_bar(&pci, DEVFN, 0);
}

static void finish(void)
{
    test_machine_destroy(test);
    test_pci_finish(&pci);
    input_destroy(input);
}

/* 6.2.3: a context of an endpoint. */
static void ep_context_put(unsigned ep, unsigned type, unsigned packet)
{
    uint8_t context[32] = {0};
    context[4] = (uint8_t)(3 << 1 | type << 3);
    le16_store(context + 6, (uint16_t)packet);
    le64_store(context + 8, rings[ep].base | 1);
    test_ram_put(test, INPUT + 32 * (ep + 1), context, sizeof(context));
}

static void device_address(unsigned port, unsigned speed)
{
    CHECK_EQ(command(0, 0, ENABLE_SLOT, 0, SUCCESS), 1);
    test_store(test, INPUT, 8, (uint64_t)3 << 32);
    test_store(test, INPUT + 32, 4, 1u << 27 | speed << 20);
    test_store(test, INPUT + 36, 4, port << 16);
    ep_context_put(1, 4, speed == 4 ? 512 : 8);
    command(INPUT, 0, ADDRESS_DEVICE, 1u << 24, SUCCESS);
    CHECK_EQ(test_load(test, OUTPUT + 12, 4), 2u << 27 | 1); /* addressed, at address 1 */
    CHECK_EQ(test_load(test, OUTPUT + 32, 4) & 7, 1);        /* the control endpoint runs */
}

/* --- requests --- */

static void control_begin(const uint8_t setup[8], bool in, uint32_t length)
{
    ring_add(&rings[1], le64_load(setup), 8, SETUP, IMMEDIATE | (length ? (in ? 3u : 2u) << 16 : 0));
    if (length)
        ring_add(&rings[1], DATA, length, DATA_STAGE, (in ? 1u << 16 : 0) | 4);
    ring_add(&rings[1], 0, 0, STATUS_STAGE, INTERRUPT | (in && length ? 0 : 1u << 16));
    reg_put(DOORBELL(1), 1);
}

static void control_do(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length,
                       uint32_t expected)
{
    uint8_t setup[8] = {type, request};
    le16_store(setup + 2, value);
    le16_store(setup + 4, index);
    le16_store(setup + 6, length);
    control_begin(setup, type & 0x80, length);
    if (expected < length)
        event_expect(TRANSFER, SHORT, length - expected);
    event_expect(TRANSFER, SUCCESS, 0);
}

static void endpoint_add(unsigned ep, unsigned type, unsigned packet)
{
    test_store(test, INPUT, 8, (uint64_t)(1u | 1u << ep) << 32);
    ep_context_put(ep, type, packet);
    command(INPUT, 0, CONFIGURE, 1u << 24, SUCCESS);
    CHECK_EQ(test_load(test, OUTPUT + 32 * ep, 4) & 7, 1);
}

static void transfer_begin(unsigned ep, uint64_t address, uint32_t length)
{
    ring_add(&rings[ep], address, length, NORMAL, INTERRUPT | 4);
    reg_put(DOORBELL(1), ep);
}

/* --- tests --- */

static void ports(void)
{
    create();
    plug(usb_hid_create(&test->machine, "usb0", USB_HID_KEYBOARD, input));
    CHECK_EQ(reg(4) >> 24, 8);
    CHECK_EQ(reg(PORTSC(1)) & 0x20e03, 0x20201); /* connected, powered, changed; not enabled */
    CHECK_EQ(reg(PORTSC(2)) & 1, 0);
    CHECK_EQ(reg(PORTSC(5)) & 1, 0);
    controller_start();
    CHECK_EQ(event_expect(PORT, SUCCESS, 0) >> 24, 1);
    reg_put(PORTSC(1), 0x20210);                             /* reset, and the change acknowledged */
    CHECK_EQ(reg(PORTSC(1)) & 0x3ffe03 & ~0x1e0u, 0x200603); /* enabled, full speed, reset changed */
    CHECK_EQ(event_expect(PORT, SUCCESS, 0) >> 24, 1);
    reg_put(PORTSC(1), 0x200202); /* a one disables */
    CHECK_EQ(reg(PORTSC(1)) & 0x200003, 1);
    reg_put(OPERATIONAL, 2);
    CHECK_EQ(reg(OPERATIONAL), 0);
    CHECK_EQ(reg(OPERATIONAL + 4) & 1, 1);
    finish();
}

static void keyboard_start(void)
{
    create();
    plug(usb_hid_create(&test->machine, "usb0", USB_HID_KEYBOARD, input));
    controller_start();
    event_expect(PORT, SUCCESS, 0);
    reg_put(PORTSC(1), 0x20210);
    event_expect(PORT, SUCCESS, 0);
    device_address(1, 1);
}

static void descriptors(void)
{
    uint8_t bytes[64];
    keyboard_start();
    control_do(0x80, 6, 0x0100, 0, 64, 18);
    test_ram_get(test, DATA, bytes, 18);
    CHECK_EQ(bytes[0], 18);
    CHECK_EQ(bytes[1], 1);
    CHECK_EQ(bytes[7], 8);
    CHECK_EQ(bytes[17], 1);
    control_do(0x80, 6, 0x0200, 0, 34, 34);
    test_ram_get(test, DATA, bytes, 34);
    CHECK_EQ(le16_load(bytes + 2), 34);
    CHECK_EQ(bytes[9 + 5], 3); /* HID, boot, keyboard */
    CHECK_EQ(bytes[9 + 6], 1);
    CHECK_EQ(bytes[9 + 7], 1);
    uint16_t report_size = le16_load(bytes + 18 + 7);
    control_do(0x81, 6, 0x2200, 0, 64, report_size);
    control_do(0x80, 6, 0x0300, 0, 4, 4);
    CHECK_EQ(test_load(test, DATA, 4), 0x04090304);
    finish();
}

/* A request that the device refuses halts the endpoint, until it is reset and moved on (4.6.8). */
static void stalls(void)
{
    static const uint8_t qualifier[8] = {0x80, 6, 0, 6, 0, 0, 10, 0};
    keyboard_start();
    uint64_t ring = rings[1].base;
    control_begin(qualifier, true, 10);
    CHECK_EQ(event_expect(TRANSFER, STALL, 10), ring + 16);
    CHECK_EQ(test_load(test, OUTPUT + 32, 4) & 7, 2);
    CHECK_EQ(test_load(test, OUTPUT + 32 + 8, 8), (ring + 16) | 1);
    reg_put(DOORBELL(1), 1); /* a halted endpoint does nothing */
    command(0, 0, STOP_EP, 1u << 24 | 1u << 16, 19);
    command(0, 0, RESET_EP, 1u << 24 | 1u << 16, SUCCESS);
    CHECK_EQ(test_load(test, OUTPUT + 32, 4) & 7, 3);
    command((ring + 48) | 1, 0, SET_DEQUEUE, 1u << 24 | 1u << 16, SUCCESS);
    CHECK_EQ(test_load(test, OUTPUT + 32 + 8, 8), (ring + 48) | 1);
    control_do(0x80, 8, 0, 0, 1, 1); /* no configuration yet */
    CHECK_EQ(test_load(test, DATA, 1), 0);
    finish();
}

static void keys(void)
{
    static const uint8_t shift_a[8] = {0x02, 0, 0x04}, shift[8] = {0x02};
    uint8_t report[8];
    keyboard_start();
    CHECK(!input_takes_absolute(input));
    control_do(0x00, 9, 1, 0, 0, 0);
    endpoint_add(3, 7, 8);
    transfer_begin(3, DATA, 8);
    struct event none;
    CHECK(!event_next(&none));  /* nothing was typed */
    input_key(input, 42, true); /* KEY_LEFTSHIFT, then KEY_A */
    event_expect(TRANSFER, SUCCESS, 0);
    test_ram_get(test, DATA, report, 8);
    CHECK_MEM(report, shift, 8);
    input_key(input, 30, true);
    transfer_begin(3, DATA, 8);
    event_expect(TRANSFER, SUCCESS, 0);
    test_ram_get(test, DATA, report, 8);
    CHECK_MEM(report, shift_a, 8);
    for (unsigned key = 2; key < 9; key++) /* more than six keys: roll over */
        input_key(input, key, true);
    for (unsigned i = 0; i < 7; i++) {
        transfer_begin(3, DATA, 8);
        event_expect(TRANSFER, SUCCESS, 0);
    }
    test_ram_get(test, DATA, report, 8);
    CHECK_EQ(le64_load(report) >> 16, 0x010101010101);
    control_do(0x21, 9, 0x0200, 0, 1, 1); /* the lights */
    finish();
}

/* A transfer that waits is given back when its endpoint stops, and begun again afterwards. */
static void stop(void)
{
    keyboard_start();
    control_do(0x00, 9, 1, 0, 0, 0);
    endpoint_add(3, 7, 8);
    transfer_begin(3, DATA, 8);
    ring_add(&commands, 0, 0, STOP_EP, 1u << 24 | 3u << 16);
    reg_put(DOORBELL(0), 0);
    CHECK_EQ(event_expect(TRANSFER, STOPPED, 8), rings[3].base);
    event_expect(COMMAND, SUCCESS, 0);
    CHECK_EQ(test_load(test, OUTPUT + 32 * 3 + 8, 8), rings[3].base | 1);
    input_key(input, 30, true);
    struct event none;
    CHECK(!event_next(&none));
    reg_put(DOORBELL(1), 3);
    CHECK_EQ(event_expect(TRANSFER, SUCCESS, 0), rings[3].base);
    finish();
}

static void tablet(void)
{
    uint8_t report[7];
    create();
    plug(usb_hid_create(&test->machine, "usb0", USB_HID_TABLET, input));
    controller_start();
    event_expect(PORT, SUCCESS, 0);
    reg_put(PORTSC(1), 0x20210);
    event_expect(PORT, SUCCESS, 0);
    device_address(1, 1);
    CHECK(!input_may_take_absolute(input));
    control_do(0x00, 9, 1, 0, 0, 0);
    endpoint_add(3, 7, 8);
    CHECK(input_may_take_absolute(input));
    CHECK(!input_takes_absolute(input)); /* firmware comes as far as this, and asks for nothing */
    transfer_begin(3, DATA, 7);
    CHECK(input_takes_absolute(input));
    input_absolute(input, 0x1234, 0x7fff);
    input_button(input, INPUT_BUTTON_RIGHT, true);
    input_wheel(input, 1, 2);
    input_sync(input);
    event_expect(TRANSFER, SUCCESS, 0);
    test_ram_get(test, DATA, report, 7);
    static const uint8_t expected[7] = {0x02, 0x34, 0x12, 0xff, 0x7f, 0xff, 0x02};
    CHECK_MEM(report, expected, 7);
    control_do(0x00, 9, 1, 0, 0, 0); /* another driver, which has asked for nothing yet */
    CHECK(!input_takes_absolute(input));
    finish();
}

static void commands_refused(void)
{
    keyboard_start();
    command(0, 0, NO_OP, 0, SUCCESS);
    command(0, 0, 63, 0, 5);                         /* no such command */
    command(0, 0, DISABLE_SLOT, 2u << 24, 11);       /* no such slot */
    command(0, 0, STOP_EP, 1u << 24 | 5u << 16, 12); /* no such endpoint */
    command(INPUT, 0, ADDRESS_DEVICE, 1u << 24, 19); /* it has one */
    ep_context_put(2, 3, 0);                         /* packets of no bytes */
    test_store(test, INPUT, 8, (uint64_t)5 << 32);
    command(INPUT, 0, CONFIGURE, 1u << 24, 17);
    command(0, 0, DISABLE_SLOT, 1u << 24, SUCCESS);
    command(0, 0, DISABLE_SLOT, 1u << 24, 11);
    finish();
}

/* The pin follows what is pending; the handler's busy bit holds the next interrupt back (4.17.2). */
static void interrupts(void)
{
    keyboard_start();
    CHECK(test_pci_pin(&pci));
    reg_put(RUNTIME + 0x20, 3);
    CHECK(!test_pci_pin(&pci));
    CHECK_EQ(reg(OPERATIONAL + 4) & 8, 8);
    reg_put(OPERATIONAL + 4, 8);
    CHECK_EQ(reg(OPERATIONAL + 4) & 8, 0);
    ring_add(&commands, 0, 0, NO_OP, 0);
    reg_put(DOORBELL(0), 0);
    CHECK(test_pci_pin(&pci));
    reg_put(RUNTIME + 0x20, 3);
    ring_add(&commands, 0, 0, NO_OP, 0);
    reg_put(DOORBELL(0), 0);
    CHECK(!test_pci_pin(&pci)); /* busy */
    event_expect(COMMAND, SUCCESS, 0);
    CHECK(test_pci_pin(&pci)); /* one is left */
    finish();
}

/* --- the disk --- */

static const char *folder;
static char path[256];

static bool event_there(void *opaque)
{
    uint8_t bytes[16];
    (void)opaque;
    test_ram_get(test, EVENTS + 16 * event_index, bytes, sizeof(bytes));
    return (le32_load(bytes + 12) & 1) == event_cycle;
}

static void disk_start(void)
{
    folder = disk_folder_create();
    snprintf(path, sizeof(path), "%s/disk", folder);
    CHECK_EQ(disk_shell("head -c 1M /dev/urandom >%s", path), 0);
    create();
    plug(usb_storage_create(&test->machine, "disk0", disk_open(test, path, "raw", false)));
    controller_start();
    event_expect(PORT, SUCCESS, 0);
    CHECK_EQ(reg(PORTSC(5)) & 0x3c03, 0x1003); /* enabled by itself, SuperSpeed */
    device_address(5, 4);
    control_do(0x00, 9, 1, 0, 0, 0);
    endpoint_add(3, 6, 1024);
    endpoint_add(4, 2, 1024);
}

/* A command block, its data, and the status; how it ended (BOT 5.2). */
static unsigned scsi(const uint8_t *cdb, size_t len, bool in, uint32_t bytes, uint32_t moved)
{
    uint8_t block[31] = "USBC\1\2\3\4", status[13];
    le32_store(block + 8, bytes);
    block[12] = in ? 0x80 : 0;
    block[14] = (uint8_t)len;
    memcpy(block + 15, cdb, len);
    test_ram_put(test, DATA - 64, block, sizeof(block));
    transfer_begin(4, DATA - 64, 31);
    event_expect(TRANSFER, SUCCESS, 0);
    if (bytes) {
        transfer_begin(in ? 3 : 4, DATA, bytes);
        CHECK(test_loop_until(test, event_there, NULL));
        event_expect(TRANSFER, moved < bytes ? SHORT : SUCCESS, bytes - moved);
    }
    transfer_begin(3, DATA - 128, 13);
    CHECK(test_loop_until(test, event_there, NULL));
    event_expect(TRANSFER, SUCCESS, 0);
    test_ram_get(test, DATA - 128, status, sizeof(status));
    CHECK_MEM(status, "USBS\1\2\3\4", 8);
    CHECK_EQ(le32_load(status + 8), bytes - moved);
    return status[12];
}

static void disk_data(void)
{
    static const uint8_t inquiry[6] = {0x12, 0, 0, 0, 36}, capacity[10] = {0x25};
    static const uint8_t read[10] = {0x28, 0, 0, 0, 0, 3, 0, 0, 8},
                         write[10] = {0x2a, 0, 0, 0, 0, 100, 0, 0, 8};
    static uint8_t bytes[4096], file[4096];
    disk_start();
    CHECK_EQ(scsi(inquiry, 6, true, 64, 36), 0);
    CHECK_EQ(test_load(test, DATA + 1, 1), 0x80); /* removable */
    CHECK_EQ(scsi(capacity, 10, true, 8, 8), 0);
    CHECK_EQ(test_load(test, DATA, 8), 0x00020000ff070000); /* 2047 and 512, big-endian */
    CHECK_EQ(scsi(read, 10, true, 4096, 4096), 0);
    test_ram_get(test, DATA, bytes, sizeof(bytes));
    FILE *disk = fopen(path, "rb");
    CHECK(disk && fseek(disk, 3 * 512, SEEK_SET) == 0 && fread(file, 1, sizeof(file), disk) == sizeof(file));
    CHECK_MEM(bytes, file, sizeof(bytes));
    CHECK_EQ(scsi(write, 10, false, 4096, 4096), 0);
    static const uint8_t flush[10] = {0x35};
    CHECK_EQ(scsi(flush, 10, false, 0, 0), 0);
    CHECK(fseek(disk, 100 * 512, SEEK_SET) == 0 && fread(file, 1, sizeof(file), disk) == sizeof(file));
    fclose(disk);
    CHECK_MEM(file, bytes, sizeof(bytes));
    finish();
    disk_folder_remove(folder);
}

/* What fails says why when it is asked (SPC-4, 4.5). */
static void disk_errors(void)
{
    static const uint8_t unknown[6] = {0xff}, sense[6] = {0x03, 0, 0, 0, 18};
    static const uint8_t beyond[10] = {0x2a, 0, 0, 0, 0x07, 0xff, 0, 0, 2};
    disk_start();
    CHECK_EQ(scsi(unknown, 6, false, 0, 0), 1);
    CHECK_EQ(scsi(sense, 6, true, 18, 18), 0);
    CHECK_EQ(test_load(test, DATA + 2, 1), 5);
    CHECK_EQ(test_load(test, DATA + 12, 1), 0x20);
    CHECK_EQ(scsi(beyond, 10, false, 0, 0), 1);
    CHECK_EQ(scsi(sense, 6, true, 18, 18), 0);
    CHECK_EQ(test_load(test, DATA + 12, 1), 0x21);
    test_ram_put(test, DATA, "no command at all", 17);
    transfer_begin(4, DATA, 17);
    event_expect(TRANSFER, STALL, 17);
    finish();
    disk_folder_remove(folder);
}

static const struct test_case cases[] = {
    {"ports", ports},
    {"descriptors", descriptors},
    {"stalls", stalls},
    {"keys", keys},
    {"stop", stop},
    {"tablet", tablet},
    {"commands", commands_refused},
    {"interrupts", interrupts},
    {"disk_data", disk_data},
    {"disk_errors", disk_errors},
};
TEST_SUITE(xhci_test, "unit", cases);
