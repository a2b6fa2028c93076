/* Expected values are those of the PL011 technical reference manual (DDI 0183); sections in the comments. */
#include "devices/char/pl011.h"

#include <string.h>

#include "tests/devices/machine_support.h"

#define BASE   ((uint64_t)0x09000000)
#define DR     0x00
#define RSR    0x04
#define FR     0x18
#define IBRD   0x24
#define FBRD   0x28
#define LCR_H  0x2c
#define CR     0x30
#define IFLS   0x34
#define IMSC   0x38
#define RIS    0x3c
#define MIS    0x40
#define ICR    0x44
#define FEN    0x10
#define RX     0x10
#define TX     0x20
#define RT     0x40
#define RXFE   0x10
#define TXFF   0x20
#define RXFF   0x40
#define TXFE   0x80
#define BUSY   0x08
#define ENABLE 0x301

static struct test_machine *test;
static struct char_port *port;
static struct test_irq irq;

static void start(void)
{
    test = test_machine_create(MIB);
    irq = (struct test_irq){0};
    port = char_memory_create();
    struct pl011_config config = {
        .name = "uart0", .base = BASE, .clock = 24000000, .irq = test_irq_line(&irq), .port = port};
    CHECK(pl011_create(&test->machine, &config, NULL) != NULL);
}

static void finish(void)
{
    test_machine_destroy(test);
}

static uint32_t get(uint64_t offset)
{
    return (uint32_t)test_load(test, BASE + offset, 4);
}

static void put(uint64_t offset, uint32_t value)
{
    test_store(test, BASE + offset, 4, value);
}

static void input(const char *text)
{
    host_mutex_lock(&test->machine.lock);
    char_memory_input(port, text, strlen(text));
    host_mutex_unlock(&test->machine.lock);
}

/* 3.2: reset values and identification. */
static void reset_values(void)
{
    static const uint8_t id[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    start();
    CHECK_EQ(get(CR), 0x300);
    CHECK_EQ(get(IFLS), 0x12);
    CHECK_EQ(get(FR) & 0xf8, TXFE | RXFE);
    CHECK_EQ(get(RIS), 0);
    CHECK_EQ(get(IMSC), 0);
    CHECK_EQ(get(LCR_H), 0);
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(get(0xfe0 + 4 * i), id[i]);
    finish();
}

static void output(void)
{
    size_t len;
    start();
    put(DR, 'h');
    put(CR, ENABLE);
    test_store(test, BASE + DR, 1, 'i');
    const uint8_t *text = char_memory_output(port, &len);
    CHECK_EQ(len, 2);
    CHECK_MEM(text, "hi", 2);
    finish();
}

/* 2.8.3: the transmit interrupt, when the FIFO falls to its level. */
static void output_interrupt(void)
{
    start();
    put(CR, ENABLE);
    put(LCR_H, FEN);
    put(IFLS, 0); /* at most 2 of 16 */
    put(IMSC, TX);
    CHECK(!irq.level);
    char_memory_room_set(port, 0);
    for (unsigned i = 0; i < 16; i++) {
        CHECK(!(get(FR) & TXFF));
        put(DR, 'a' + i);
    }
    CHECK_EQ(get(FR) & (TXFF | TXFE | BUSY), TXFF | BUSY);
    put(DR, 'z'); /* lost */
    CHECK(!irq.level);
    char_memory_room_set(port, 13);
    CHECK(!irq.level); /* 3 are left */
    char_memory_room_set(port, 1);
    CHECK(irq.level);
    CHECK_EQ(get(MIS), TX);
    put(ICR, TX);
    CHECK(!irq.level);
    char_memory_room_set(port, SIZE_MAX);
    CHECK_EQ(get(FR) & (TXFE | BUSY), TXFE);
    size_t len;
    char_memory_output(port, &len);
    CHECK_EQ(len, 16);
    finish();
}

/* 2.8.2: the receive interrupt, at the level and until it is read below it. */
static void input_interrupt(void)
{
    start();
    put(CR, ENABLE);
    put(LCR_H, FEN);
    put(IFLS, 1 << 3); /* a quarter: 4 */
    put(IMSC, RX);
    input("abc");
    CHECK(!irq.level);
    CHECK_EQ(get(FR) & (RXFE | RXFF), 0);
    input("d");
    CHECK(irq.level);
    CHECK_EQ(get(DR), 'a');
    CHECK(!irq.level);
    input("e");
    CHECK(irq.level);
    put(ICR, RX);
    CHECK(!irq.level);
    CHECK_EQ(get(DR), 'b');
    CHECK_EQ(get(DR), 'c');
    CHECK_EQ(get(DR), 'd');
    CHECK_EQ(get(DR), 'e');
    CHECK_EQ(get(FR) & RXFE, RXFE);
    finish();
}

/* 2.8.4: 32 bits without another character; at 115200 baud 278 us. */
static void input_timeout(void)
{
    start();
    put(IBRD, 13);
    put(FBRD, 1);
    put(LCR_H, FEN | 0x60);
    put(CR, ENABLE);
    put(IMSC, RX | RT);
    input("x");
    test_advance(test, 270000);
    CHECK(!irq.level);
    test_advance(test, 10000);
    CHECK(irq.level);
    CHECK_EQ(get(MIS), RT);
    CHECK_EQ(get(DR), 'x');
    CHECK(!irq.level);
    input("y");
    test_advance(test, 1000000);
    put(ICR, RT);
    CHECK(!irq.level);
    CHECK_EQ(get(DR), 'y');
    finish();
}

/* A driver that turns only the receive interrupt on gets it for what does not reach the level. */
static void input_timeout_unasked(void)
{
    start();
    put(IBRD, 13);
    put(LCR_H, FEN | 0x60);
    put(CR, ENABLE);
    put(IMSC, RX);
    input("xy");
    CHECK(!irq.level);
    test_advance(test, 300000);
    CHECK_EQ(get(MIS), RX);
    CHECK(irq.level);
    CHECK_EQ(get(DR), 'x');
    CHECK(irq.level);
    CHECK_EQ(get(DR), 'y');
    CHECK(!irq.level);
    finish();
}

/* Without FIFOs there is room for one; the rest waits outside. */
static void no_fifo(void)
{
    start();
    put(CR, ENABLE);
    put(IMSC, RX);
    input("abc");
    CHECK_EQ(get(FR) & (RXFE | RXFF), RXFF);
    CHECK(irq.level);
    CHECK_EQ(get(DR), 'a');
    CHECK(irq.level);
    CHECK_EQ(get(DR), 'b');
    CHECK_EQ(get(DR), 'c');
    CHECK(!irq.level);
    finish();
}

/* 3.3.1 and 3.3.2: a break is a zero character with its error. */
static void breaks(void)
{
    start();
    put(CR, ENABLE);
    put(LCR_H, FEN);
    host_mutex_lock(&test->machine.lock);
    char_memory_break(port);
    host_mutex_unlock(&test->machine.lock);
    CHECK_EQ(get(RIS) & 0x200, 0x200);
    CHECK_EQ(get(DR), 0x400);
    CHECK_EQ(get(RSR), 4);
    put(RSR, 0);
    CHECK_EQ(get(RSR), 0);
    input("k");
    CHECK_EQ(get(DR), 'k');
    finish();
}

/* 3.3.8: loop-back, data and modem lines. */
static void loop_back(void)
{
    size_t len;
    start();
    put(LCR_H, FEN);
    put(CR, ENABLE | 0x80);
    CHECK_EQ(get(FR) & 0x107, 0);
    CHECK_EQ(get(RIS) & 0xf, 0xe); /* CTS, DCD and DSR fell */
    put(ICR, 0xf);
    put(CR, ENABLE | 0x80 | 0x800); /* RTS comes back as CTS */
    CHECK_EQ(get(FR) & 0x107, 1);
    CHECK_EQ(get(RIS) & 0xf, 2);
    put(DR, 'q');
    CHECK_EQ(get(DR), 'q');
    char_memory_output(port, &len);
    CHECK_EQ(len, 0);
    input("w");
    CHECK_EQ(get(FR) & RXFE, RXFE);
    put(CR, ENABLE);
    CHECK_EQ(get(DR), 'w');
    finish();
}

static void save_and_load(void)
{
    start();
    put(LCR_H, FEN);
    put(IMSC, RT);
    input("mn");
    test_save_load(test);
    test_advance(test, 1000000000);
    CHECK(irq.level);
    CHECK_EQ(get(DR), 'm');
    CHECK_EQ(get(DR), 'n');
    test_reset(test);
    CHECK_EQ(get(LCR_H), 0);
    CHECK(!irq.level);
    finish();
}

static const struct test_case cases[] = {
    {"reset_values", reset_values},
    {"output", output},
    {"output_interrupt", output_interrupt},
    {"input_interrupt", input_interrupt},
    {"input_timeout", input_timeout},
    {"input_timeout_unasked", input_timeout_unasked},
    {"no_fifo", no_fifo},
    {"breaks", breaks},
    {"loop_back", loop_back},
    {"save_and_load", save_and_load},
};

TEST_SUITE(pl011_test, "unit", cases);
