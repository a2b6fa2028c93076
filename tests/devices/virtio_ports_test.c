/* Named ports of the virtio console: the control messages of 5.3.6.2 (Virtual I/O Device 1.3), and what
 * flows. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/virtio/virtio_console.h"
#include "tests/devices/virtio_support.h"

/* 5.3.2: the queues. */
#define CONTROL_RECEIVE  2
#define CONTROL_TRANSMIT 3
#define RECEIVE(port)    (2 * (port) + 2)
#define TRANSMIT(port)   (2 * (port) + 3)

/* 5.3.3, 5.3.6.2 */
#define F_MULTIPORT 2u
enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };

#define MESSAGE_ROOM 64u

/* A host's end that comes and goes, and remembers what it was told. */
struct end {
    struct char_port port;
    bool connected, guest_open;
    unsigned opens;
    uint8_t got[256];
    size_t len;
};

static struct guest *guest;
static struct virtio_device *device;
static struct end ends[3];

static size_t end_write(struct char_port *port, const uint8_t *bytes, size_t len)
{
    struct end *end = container_of(port, struct end, port);
    CHECK(end->len + len <= sizeof(end->got));
    memcpy(end->got + end->len, bytes, len);
    end->len += len;
    return len;
}

static bool end_is_connected(struct char_port *port)
{
    return container_of(port, struct end, port)->connected;
}

static void end_guest_open(struct char_port *port, bool open)
{
    struct end *end = container_of(port, struct end, port);
    end->opens += open && !end->guest_open;
    end->guest_open = open;
}

static void end_close(struct char_port *port)
{
    (void)port;
}

static const struct char_ops end_ops = {
    .write = end_write, .is_connected = end_is_connected, .guest_open = end_guest_open, .close = end_close};

static void connect_end(unsigned n, bool connected)
{
    host_mutex_lock(&guest->test->machine.lock);
    ends[n].connected = connected;
    ends[n].port.handlers.connection_changed(ends[n].port.handlers.opaque);
    host_mutex_unlock(&guest->test->machine.lock);
}

/* What the host says; how much of it the guest took. */
static size_t say(unsigned n, const char *text)
{
    host_mutex_lock(&guest->test->machine.lock);
    size_t taken =
        ends[n].port.handlers.receive(ends[n].port.handlers.opaque, (const uint8_t *)text, strlen(text));
    host_mutex_unlock(&guest->test->machine.lock);
    return taken;
}

/* What the device is to write into next; 0: nothing is offered. */
static uint64_t offered;

static void start(bool packed, uint64_t features)
{
    offered = 0;
    guest_start(guest, guest_core_features(packed, true) | features, 8, 16);
}

static void set_up(enum guest_transport transport, bool packed, bool ports_only, uint64_t features)
{
    static const char *const names[] = {NULL, "org.qemu.guest_agent.0", "a"};
    memset(ends, 0, sizeof(ends));
    for (unsigned i = 0; i < 3; i++)
        ends[i].port.ops = &end_ops;
    const struct virtio_console_port ports[] = {{names[1], &ends[1].port}, {names[2], &ends[2].port}};
    guest = guest_create(transport);
    device = virtio_console_create(&guest->test->machine,
                                   &(struct virtio_console_config){.name = "console0",
                                                                   .port = ports_only ? NULL : &ends[0].port,
                                                                   .columns = 80,
                                                                   .rows = 25,
                                                                   .ports = ports,
                                                                   .port_count = 2,
                                                                   .ports_only = ports_only});
    guest_attach(guest, device);
    start(packed, features);
}

/* The message of the driver: struct virtio_console_control. */
static void control(uint32_t id, uint16_t event, uint16_t value)
{
    uint64_t at = guest_alloc(guest, 8);
    uint8_t bytes[8];
    uint16_t chain;
    uint32_t len;
    le32_store(bytes, id);
    le16_store(bytes + 4, event);
    le16_store(bytes + 6, value);
    test_ram_put(guest->test, at, bytes, sizeof(bytes));
    guest_add(guest, CONTROL_TRANSMIT, &(struct guest_buffer){at, 8, false}, 1, false);
    guest_kick(guest, CONTROL_TRANSMIT);
    CHECK(guest_used(guest, CONTROL_TRANSMIT, &chain, &len));
}

/* The device's next message, into the one buffer that is offered. */
static struct {
    uint32_t id, len;
    unsigned event, value;
    uint8_t rest[MESSAGE_ROOM - 8];
} heard;

static bool hear(void)
{
    uint8_t bytes[MESSAGE_ROOM];
    uint16_t chain;
    memset(&heard, 0, sizeof(heard));
    if (!offered) {
        offered = guest_alloc(guest, MESSAGE_ROOM);
        guest_add(guest, CONTROL_RECEIVE, &(struct guest_buffer){offered, MESSAGE_ROOM, true}, 1, false);
        guest_kick(guest, CONTROL_RECEIVE);
    }
    if (!guest_used(guest, CONTROL_RECEIVE, &chain, &heard.len))
        return false;
    test_ram_get(guest->test, offered, bytes, sizeof(bytes));
    offered = 0;
    heard.id = le32_load(bytes);
    heard.event = le16_load(bytes + 4);
    heard.value = le16_load(bytes + 6);
    memcpy(heard.rest, bytes + 8, sizeof(heard.rest));
    return true;
}

static void expect(uint32_t id, unsigned event, unsigned value, uint32_t len)
{
    if (!CHECK(hear()))
        return;
    CHECK_EQ(heard.id, id);
    CHECK_EQ(heard.event, event);
    CHECK_EQ(heard.len, len);
    if (event == PORT_OPEN) /* of the others it is unused */
        CHECK_EQ(heard.value, value);
}

/* The driver is ready, and so are its ports, of which `first` is the first. */
static void bring_up(unsigned first)
{
    control(0, DEVICE_READY, 1);
    for (unsigned i = first; i < 3; i++)
        expect(i, PORT_ADD, 0, 8);
    CHECK(!hear());
    for (unsigned i = first; i < 3; i++)
        control(i, PORT_READY, 1);
    if (first == 0) {
        expect(0, CONSOLE_PORT, 1, 8);
        expect(0, RESIZE, 0, 12);
        CHECK_EQ(le16_load(heard.rest), 80);
        CHECK_EQ(le16_load(heard.rest + 2), 25);
    }
    expect(1, PORT_NAME, 1, 8 + 22);
    CHECK_MEM(heard.rest, "org.qemu.guest_agent.0", 22);
    expect(2, PORT_NAME, 1, 8 + 1);
    CHECK_MEM(heard.rest, "a", 1);
    CHECK(!hear());
}

static void output_add(unsigned queue, const char *text)
{
    uint64_t at = guest_alloc(guest, strlen(text));
    test_ram_put(guest->test, at, text, strlen(text));
    guest_add(guest, queue, &(struct guest_buffer){at, (uint32_t)strlen(text), false}, 1, false);
    guest_kick(guest, queue);
}

static void check_got(unsigned n, const char *text)
{
    CHECK_EQ(ends[n].len, strlen(text));
    CHECK_MEM(ends[n].got, text, strlen(text));
}

static void announced(void)
{
    for (unsigned kind = 0; kind < GUEST_TRANSPORTS * 2; kind++) {
        test_context("transport %u, packed %u", kind / 2, kind & 1);
        set_up((enum guest_transport)(kind / 2), kind & 1, false, F_MULTIPORT | 1);
        CHECK_EQ(guest_config(guest, 4, 4), 3); /* max_nr_ports */
        bring_up(0);
        guest_destroy(guest);
    }
    test_context(NULL);
}

static void no_console(void)
{
    set_up(GUEST_PCI_MSIX, false, true, F_MULTIPORT);
    bring_up(1);
    control(0, PORT_OPEN, 1);
    CHECK(!hear());
    guest_destroy(guest);
}

/* Both ends open and close; a close that nobody had time to hear of is not lost. */
static void opened(void)
{
    set_up(GUEST_PCI_MSIX, true, false, F_MULTIPORT);
    bring_up(0);
    connect_end(1, true);
    expect(1, PORT_OPEN, 1, 8);
    connect_end(1, false);
    connect_end(1, true);
    expect(1, PORT_OPEN, 0, 8);
    expect(1, PORT_OPEN, 1, 8);
    connect_end(1, false);
    expect(1, PORT_OPEN, 0, 8);
    CHECK(!hear());
    control(2, PORT_OPEN, 1);
    CHECK(ends[2].guest_open && !ends[1].guest_open && !ends[0].guest_open);
    control(2, PORT_OPEN, 1);
    control(2, PORT_OPEN, 0);
    CHECK(!ends[2].guest_open);
    control(2, PORT_OPEN, 1);
    CHECK_EQ(ends[2].opens, 2);
    /* A reset closes what the driver had opened, and forgets all. */
    guest_status_set(guest, 0);
    CHECK(!ends[2].guest_open);
    start(false, F_MULTIPORT | 1);
    bring_up(0);
    CHECK_EQ(ends[2].opens, 2);
    guest_destroy(guest);
}

static void input_offer(unsigned queue, uint64_t *at)
{
    *at = guest_alloc(guest, 16);
    guest_add(guest, queue, &(struct guest_buffer){*at, 16, true}, 1, false);
    guest_kick(guest, queue);
}

/* The host's bytes wait until a program has opened the port; the guest's go out at once. */
static void flows(void)
{
    uint64_t at;
    uint16_t id;
    uint32_t len;
    char bytes[16];
    for (unsigned port = 0; port < 3; port++) {
        unsigned receive = port ? RECEIVE(port) : 0, transmit = port ? TRANSMIT(port) : 1;
        set_up((enum guest_transport)port, port & 1, false, F_MULTIPORT | 1);
        test_context("port %u", port);
        bring_up(0);
        input_offer(receive, &at);
        CHECK_EQ(say(port, "early"), 0);
        control(port, PORT_OPEN, 1);
        CHECK_EQ(say(port, "hello"), 5);
        CHECK(guest_used(guest, receive, &id, &len));
        CHECK_EQ(len, 5);
        test_ram_get(guest->test, at, bytes, 5);
        CHECK_MEM(bytes, "hello", 5);
        CHECK_EQ(say(port, "no room"), 0);
        output_add(transmit, "one");
        output_add(transmit, "two");
        check_got(port, "onetwo");
        input_offer(receive, &at);
        control(port, PORT_OPEN, 0);
        CHECK_EQ(say(port, "late"), 0);
        guest_destroy(guest);
    }
    test_context(NULL);
}

/* A driver that knows no ports has the console, and nothing else. */
static void without_multiport(void)
{
    uint64_t at;
    uint16_t id;
    uint32_t len;
    set_up(GUEST_MMIO, false, false, 1);
    output_add(1, "console");
    check_got(0, "console");
    input_offer(0, &at);
    CHECK_EQ(say(0, "key"), 3);
    CHECK(guest_used(guest, 0, &id, &len));
    output_add(TRANSMIT(1), "lost");
    CHECK_EQ(ends[1].len, 0);
    input_offer(RECEIVE(1), &at);
    CHECK_EQ(say(1, "lost"), 0);
    CHECK(!hear());
    CHECK_EQ(guest_status(guest), 0xf);
    guest_destroy(guest);
}

static void plug(unsigned port, bool in)
{
    host_mutex_lock(&guest->test->machine.lock);
    virtio_console_plug(device, port, in);
    host_mutex_unlock(&guest->test->machine.lock);
}

/* 5.3.6.2.1: no port is added that is there, and none removed that is not. */
static void plugged(void)
{
    set_up(GUEST_PCI_INTX, false, false, F_MULTIPORT);
    plug(1, false);
    control(0, DEVICE_READY, 1);
    expect(0, PORT_ADD, 0, 8);
    expect(2, PORT_ADD, 0, 8);
    plug(1, true);
    expect(1, PORT_ADD, 0, 8);
    control(1, PORT_READY, 1);
    expect(1, PORT_NAME, 1, 30);
    control(1, PORT_OPEN, 1);
    CHECK(ends[1].guest_open);
    /* Out and in again before anybody hears of it. */
    plug(1, false);
    CHECK(!ends[1].guest_open);
    plug(1, true);
    expect(1, PORT_REMOVE, 0, 8);
    expect(1, PORT_ADD, 0, 8);
    CHECK(!hear());
    plug(1, false);
    expect(1, PORT_REMOVE, 0, 8);
    plug(1, false);
    CHECK(!hear());
    control(1, PORT_OPEN, 1);
    CHECK(!ends[1].guest_open);
    output_add(TRANSMIT(1), "lost");
    CHECK_EQ(ends[1].len, 0);
    guest_destroy(guest);
}

static void resized(void)
{
    set_up(GUEST_MMIO, false, false, F_MULTIPORT | 1);
    bring_up(0);
    host_mutex_lock(&guest->test->machine.lock);
    virtio_console_resize(device, 132, 43);
    host_mutex_unlock(&guest->test->machine.lock);
    CHECK_EQ(guest_config(guest, 0, 2), 132);
    expect(0, RESIZE, 0, 12);
    CHECK_EQ(le16_load(heard.rest), 132);
    CHECK_EQ(le16_load(heard.rest + 2), 43);
    CHECK(!hear());
    guest_destroy(guest);
}

/* Messages that make no sense are passed over; what comes after them is heard. */
static void nonsense(void)
{
    enum log_level level = log_level_get();
    set_up(GUEST_MMIO, false, false, F_MULTIPORT | 1);
    log_level_set(LOG_QUIET);
    control(1, PORT_READY, 1); /* before anything is ready */
    control(1, PORT_OPEN, 1);
    CHECK(!ends[1].guest_open);
    control(3, PORT_OPEN, 1);
    control(0xffffffff, PORT_READY, 1);
    control(0, 0xffff, 0xffff);
    for (unsigned event = PORT_ADD; event <= PORT_NAME; event++)
        control(event, (uint16_t)event, 1);
    uint64_t at = guest_alloc(guest, 7);
    guest_add(guest, CONTROL_TRANSMIT, &(struct guest_buffer){at, 7, false}, 1, false);
    guest_kick(guest, CONTROL_TRANSMIT);
    uint16_t id;
    uint32_t len;
    CHECK(guest_used(guest, CONTROL_TRANSMIT, &id, &len));
    CHECK(!hear());
    control(0, DEVICE_READY, 0);
    CHECK(!hear());
    bring_up(0);
    log_level_set(level);
    CHECK_EQ(guest_status(guest), 0xf);
    guest_destroy(guest);
}

/* What was negotiated and opened survives a save, and nothing is announced twice. */
static void saved(void)
{
    set_up(GUEST_MMIO, false, false, F_MULTIPORT | 1);
    bring_up(0);
    control(1, PORT_OPEN, 1);
    connect_end(1, true);
    expect(1, PORT_OPEN, 1, 8);
    ends[1].guest_open = false; /* another process knows nothing of it */
    test_save_load(guest->test);
    CHECK(ends[1].guest_open);
    CHECK(!hear());
    output_add(TRANSMIT(1), "on");
    check_got(1, "on");
    guest_destroy(guest);
}

static const struct test_case cases[] = {
    {"announced", announced},
    {"no_console", no_console},
    {"opened", opened},
    {"flows", flows},
    {"without_multiport", without_multiport},
    {"plugged", plugged},
    {"resized", resized},
    {"nonsense", nonsense},
    {"saved", saved},
};
TEST_SUITE(virtio_ports_test, "unit", cases);
