/* Expected values are those of the PC16550D data sheet; section numbers in the comments. */
#include "devices/char/uart16550.h"

#include <string.h>

#include "tests/devices/machine_support.h"

#define BASE  0x10000000
#define CLOCK 3686400

enum { RBR = 0, THR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR, MCR, LSR, MSR, SCR };

static struct test_machine *test;
static struct char_port *port;
static struct test_irq irq;
static uint64_t base, stride;

static void start_with(uint8_t reg_shift, uint8_t access_width)
{
    test = test_machine_create(MIB);
    port = char_memory_create();
    irq = (struct test_irq){0};
    base = BASE;
    stride = 1u << reg_shift;
    CHECK(uart16550_create(&test->machine,
                           &(struct uart16550_config){.name = "uart0",
                                                      .bus = test->machine.mem.mmio,
                                                      .base = BASE,
                                                      .size = 0x100,
                                                      .reg_shift = reg_shift,
                                                      .access_width = access_width,
                                                      .clock = CLOCK,
                                                      .irq = test_irq_line(&irq),
                                                      .port = port},
                           NULL) != NULL);
}

static void start(void)
{
    start_with(0, 8);
}

static void finish(void)
{
    test_machine_destroy(test);
}

static uint8_t get(unsigned reg)
{
    return (uint8_t)test_load(test, base + reg * stride, 1);
}

static void put(unsigned reg, uint8_t value)
{
    test_store(test, base + reg * stride, 1, value);
}

static void input(const char *text)
{
    host_mutex_lock(&test->machine.lock);
    char_memory_input(port, text, strlen(text));
    host_mutex_unlock(&test->machine.lock);
}

static void check_output(const char *expected)
{
    size_t len;
    const uint8_t *output = char_memory_output(port, &len);
    if (CHECK_EQ(len, strlen(expected)))
        CHECK_MEM(output, expected, len);
}

/* 8.0, table I. */
static void after_reset(void)
{
    start();
    CHECK_EQ(get(IER), 0);
    CHECK_EQ(get(IIR), 0x01);
    CHECK_EQ(get(LCR), 0);
    CHECK_EQ(get(MCR), 0);
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(MSR), 0xb0); /* a cable with CTS, DSR and DCD up, and nothing changed */
    CHECK(!irq.level);
    finish();
}

static void plain_registers(void)
{
    start();
    put(SCR, 0xa5);
    CHECK_EQ(get(SCR), 0xa5);
    put(IER, 0xff);
    CHECK_EQ(get(IER), 0x0f);
    put(MCR, 0xff);
    CHECK_EQ(get(MCR), 0x1f);
    put(LCR, 0x7f);
    CHECK_EQ(get(LCR), 0x7f);
    /* LSR and MSR are for reading. */
    put(LSR, 0);
    CHECK_EQ(get(LSR) & 0x60, 0x60);
    finish();
}

static void divisor_latch(void)
{
    start();
    put(IER, 0x05);
    put(LCR, 0x83);
    put(DLL, 0x34);
    put(DLM, 0x12);
    CHECK_EQ(get(DLL), 0x34);
    CHECK_EQ(get(DLM), 0x12);
    put(LCR, 0x03);
    CHECK_EQ(get(IER), 0x05);
    put(THR, 'x');
    put(LCR, 0x83);
    CHECK_EQ(get(DLL), 0x34);
    check_output("x");
    finish();
}

static void output(void)
{
    start();
    for (const char *p = "hello"; *p; p++) {
        CHECK_EQ(get(LSR), 0x60);
        put(THR, (uint8_t)*p);
    }
    check_output("hello");
    finish();
}

/* 8.5: set when THR empties, cleared by the read of IIR that shows it or by writing THR. */
static void thr_interrupt(void)
{
    start();
    put(IER, 0x02);
    CHECK(irq.level); /* enabled while empty */
    CHECK_EQ(get(IIR), 0x02);
    CHECK(!irq.level);
    CHECK_EQ(get(IIR), 0x01);
    put(THR, 'a');
    CHECK(irq.level);
    CHECK_EQ(get(IIR), 0x02);
    put(IER, 0x02); /* enabled already: no new one */
    CHECK(!irq.level);
    put(IER, 0x00);
    put(IER, 0x02);
    CHECK(irq.level);
    put(IER, 0x00);
    CHECK(!irq.level);
    finish();
}

/* A host that takes nothing: THRE says so, and nothing is lost. */
static void back_pressure(void)
{
    start();
    put(FCR, 0x01);
    host_mutex_lock(&test->machine.lock);
    char_memory_room_set(port, 2);
    host_mutex_unlock(&test->machine.lock);
    put(IER, 0x02);
    CHECK_EQ(get(IIR), 0xc2);
    for (unsigned i = 0; i < 18; i++)
        put(THR, (uint8_t)('a' + i));
    check_output("ab");
    CHECK_EQ(get(LSR), 0x00);
    CHECK_EQ(get(IIR), 0xc1);
    host_mutex_lock(&test->machine.lock);
    char_memory_room_set(port, 10);
    host_mutex_unlock(&test->machine.lock);
    check_output("abcdefghijkl");
    CHECK_EQ(get(LSR), 0x00);
    CHECK(!irq.level);
    host_mutex_lock(&test->machine.lock);
    char_memory_room_set(port, SIZE_MAX);
    host_mutex_unlock(&test->machine.lock);
    check_output("abcdefghijklmnopqr");
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(IIR), 0xc2);
    /* 8.4: resetting the transmitter's FIFO drops what it holds. */
    host_mutex_lock(&test->machine.lock);
    char_memory_room_set(port, 0);
    host_mutex_unlock(&test->machine.lock);
    put(THR, 'x');
    CHECK_EQ(get(LSR), 0x00);
    put(FCR, 0x05);
    CHECK_EQ(get(LSR), 0x60);
    finish();
}

static void received_without_fifo(void)
{
    start();
    put(IER, 0x01);
    input("ab");
    CHECK(irq.level);
    CHECK_EQ(get(IIR), 0x04);
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), 'a');
    /* The next one waited outside. */
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), 'b');
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(IIR), 0x01);
    CHECK(!irq.level);
    finish();
}

/* 8.4: trigger levels of 1, 4, 8 and 14. */
static void trigger_levels(void)
{
    static const unsigned levels[] = {1, 4, 8, 14};
    for (unsigned i = 0; i < 4; i++) {
        test_context("trigger %u", levels[i]);
        start();
        put(IER, 0x01);
        put(FCR, (uint8_t)(0x01 | i << 6));
        for (unsigned n = 1; n <= 16; n++) {
            input("c");
            CHECK_EQ(irq.level, n >= levels[i]);
            CHECK_EQ(get(IIR), n >= levels[i] ? 0xc4 : 0xc1);
        }
        for (unsigned n = 16; n-- > 0;) {
            get(RBR);
            CHECK_EQ(get(IIR), n >= levels[i] ? 0xc4 : 0xc1);
        }
        finish();
    }
    test_context(NULL);
}

/* 8.4.1: four character times after the last one came or was read. 115200 baud, 10 bits: 86.8 us each. */
static void receive_timeout(void)
{
    start();
    put(LCR, 0x83);
    put(DLL, 2);
    put(DLM, 0);
    put(LCR, 0x03);
    put(FCR, 0x81);
    put(IER, 0x01);
    input("abc");
    test_advance(test, 340000);
    CHECK(!irq.level);
    input("d");
    test_advance(test, 340000);
    CHECK(!irq.level);
    test_advance(test, 8000);
    CHECK(irq.level);
    CHECK_EQ(get(IIR), 0xcc);
    CHECK_EQ(get(IIR), 0xcc);
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), 'a');
    CHECK_EQ(get(IIR), 0xc1);
    test_advance(test, 348000);
    CHECK_EQ(get(IIR), 0xcc);
    CHECK_EQ(get(RBR), 'b');
    CHECK_EQ(get(RBR), 'c');
    CHECK_EQ(get(RBR), 'd');
    test_advance(test, 10000000);
    CHECK_EQ(get(IIR), 0xc1);
    /* Reaching the trigger outranks the time-out. */
    input("e");
    test_advance(test, 348000);
    CHECK_EQ(get(IIR), 0xcc);
    input("1234567");
    CHECK_EQ(get(IIR), 0xc4);
    finish();
}

/* 8.5, table: line status, then data, then THR, then modem status. */
static void interrupt_priorities(void)
{
    start();
    put(FCR, 0x01);
    put(MCR, 0x10);
    put(IER, 0x0f);
    get(MSR);
    get(IIR);
    put(MCR, 0x12); /* RTS: CTS changes */
    for (unsigned i = 0; i < 17; i++)
        put(THR, (uint8_t)i); /* the last one overruns */
    CHECK_EQ(get(IIR), 0xc6);
    CHECK_EQ(get(LSR), 0x63);
    CHECK_EQ(get(IIR), 0xc4);
    put(FCR, 0x03);
    CHECK_EQ(get(IIR), 0xc2);
    CHECK_EQ(get(IIR), 0xc0);
    CHECK(irq.level);
    CHECK_EQ(get(MSR), 0x11);
    CHECK_EQ(get(IIR), 0xc1);
    CHECK(!irq.level);
    finish();
}

/* 8.6: outputs of MCR come back as DSR, CTS, RI and DCD; data comes back too. */
static void loopback(void)
{
    start();
    put(MCR, 0x10);
    CHECK_EQ(get(MSR) & 0xf0, 0);
    put(MCR, 0x11);
    CHECK_EQ(get(MSR), 0x22);
    put(MCR, 0x13);
    CHECK_EQ(get(MSR), 0x31);
    put(MCR, 0x17);
    CHECK_EQ(get(MSR), 0x70); /* RI counts when it falls */
    put(MCR, 0x13);
    CHECK_EQ(get(MSR), 0x34);
    put(MCR, 0x1b);
    CHECK_EQ(get(MSR), 0xb8);
    /* The identification Linux and others do: OUT2 and RTS give DCD and CTS. */
    put(MCR, 0x1a);
    CHECK_EQ(get(MSR) & 0xf0, 0x90);
    put(FCR, 0x01);
    put(THR, 'L');
    CHECK_EQ(get(RBR), 'L');
    check_output("");
    /* The line outside is cut: input waits. */
    input("i");
    CHECK_EQ(get(LSR), 0x60);
    put(MCR, 0x00);
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), 'i');
    finish();
}

/* 8.3: the FIFO keeps its sixteen; the single register takes the new one. LSR read clears the bit. */
static void overrun(void)
{
    start();
    put(MCR, 0x10);
    put(THR, 'a');
    put(THR, 'b');
    CHECK_EQ(get(LSR), 0x63);
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), 'b');
    put(FCR, 0x01);
    for (unsigned i = 0; i < 17; i++)
        put(THR, (uint8_t)i);
    CHECK_EQ(get(LSR), 0x63);
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(get(RBR), i);
    CHECK_EQ(get(LSR), 0x60);
    finish();
}

/* 8.3: a break is a zero with BI; errors show when their character is at the top, bit 7 as long as any is in
 * the FIFO. */
static void breaks(void)
{
    start();
    put(FCR, 0x01);
    put(IER, 0x04);
    input("a");
    host_mutex_lock(&test->machine.lock);
    char_memory_break(port);
    host_mutex_unlock(&test->machine.lock);
    CHECK_EQ(get(IIR), 0xc1);
    CHECK_EQ(get(LSR), 0xe1);
    CHECK_EQ(get(RBR), 'a');
    CHECK(irq.level);
    CHECK_EQ(get(IIR), 0xc6);
    CHECK_EQ(get(LSR), 0xf1);
    CHECK(!irq.level);
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), 0);
    CHECK_EQ(get(LSR), 0x60);
    /* Without the FIFO there is no bit 7. And a break of our own comes back through the loop. */
    put(FCR, 0x00);
    put(MCR, 0x10);
    put(LCR, 0x43);
    CHECK_EQ(get(LSR), 0x71);
    CHECK_EQ(get(RBR), 0);
    finish();
}

/* 8.4: changing the enable bit clears both; nothing else is programmed without it. */
static void fifo_control(void)
{
    start();
    put(FCR, 0xc0);
    CHECK_EQ(get(IIR), 0x01);
    put(FCR, 0xc1);
    CHECK_EQ(get(IIR), 0xc1);
    input("abc");
    CHECK_EQ(get(LSR), 0x61);
    put(FCR, 0xc3);
    CHECK_EQ(get(LSR), 0x60);
    input("d");
    put(FCR, 0x00);
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(IIR), 0x01);
    finish();
}

/* What waits outside comes in after the FIFO was cleared, but only once the driver is done with that. */
static void input_survives_start(void)
{
    start();
    input("0123456789abcdefghijklmnopqrstuvwxyz");
    get(RBR);
    put(FCR, 0x01);
    put(FCR, 0x07);
    put(FCR, 0x00);
    put(FCR, 0x01);
    CHECK_EQ(get(LSR), 0x60);
    test_advance(test, 1000000000);
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), '2');
    finish();
}

static void wide_registers(void)
{
    start_with(2, 4);
    test_store(test, BASE + 4 * SCR, 4, 0x12345678);
    CHECK_EQ(test_load(test, BASE + 4 * SCR, 4), 0x78);
    CHECK_EQ(get(SCR), 0x78);
    CHECK_EQ(test_load(test, BASE + 4 * SCR + 1, 1), 0);
    test_store(test, BASE + 4 * THR, 4, 'w');
    check_output("w");
    CHECK_EQ(test_load(test, BASE + 4 * 8, 4), 0);
    finish();
    /* A wide access to packed registers is one access to one of them. */
    start();
    put(IER, 0x05);
    test_store(test, BASE, 4, 'q');
    check_output("q");
    CHECK_EQ(get(IER), 0x05);
    CHECK_EQ(test_load(test, BASE + LSR, 1), 0x60);
    finish();
}

static void ports(void)
{
    test = test_machine_create(MIB);
    irq = (struct test_irq){0};
    port = char_memory_create();
    CHECK(uart16550_create(&test->machine,
                           &(struct uart16550_config){.name = "com1",
                                                      .bus = test->machine.mem.pio,
                                                      .base = 0x3f8,
                                                      .access_width = 1,
                                                      .clock = 1843200,
                                                      .irq = test_irq_line(&irq),
                                                      .port = port},
                           NULL) != NULL);
    test_out(test, 0x3f8, 1, 'p');
    check_output("p");
    /* A word is two registers, as the bus of such a machine splits it. */
    test_out(test, 0x3ff, 1, 0x55);
    CHECK_EQ(test_in(test, 0x3fe, 2), 0x55b0);
    finish();
}

static void no_port(void)
{
    test = test_machine_create(MIB);
    base = BASE;
    stride = 1;
    CHECK(uart16550_create(&test->machine,
                           &(struct uart16550_config){.name = "uart0",
                                                      .bus = test->machine.mem.mmio,
                                                      .base = BASE,
                                                      .access_width = 1,
                                                      .clock = CLOCK},
                           NULL) != NULL);
    put(THR, 'x');
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(RBR), 0);
    finish();
}

static void state(void)
{
    start();
    put(FCR, 0x81);
    put(IER, 0x01);
    put(LCR, 0x1b);
    put(SCR, 0x77);
    input("abc");
    test_save_load(test);
    CHECK_EQ(get(IIR), 0xc1);
    test_advance(test, 100000000);
    CHECK(irq.level);
    CHECK_EQ(get(RBR), 'a');
    CHECK_EQ(get(LCR), 0x1b);
    CHECK_EQ(get(SCR), 0x77);
    test_reset(test);
    CHECK(!irq.level);
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(IIR), 0x01);
    CHECK_EQ(get(LCR), 0);
    finish();
}

/* Random accesses and input: no access hangs or leaves the FIFO's bounds (the sanitizers watch), and after a
 * reset the device is as new. */
static void wild_accesses(void)
{
    start();
    for (unsigned i = 0; i < 50000; i++) {
        unsigned reg = test_random() % 8;
        switch (test_random() % 4) {
        case 0: get(reg); break;
        case 1: put(reg, (uint8_t)test_random()); break;
        case 2: test_store(test, BASE + test_random() % 0xf8, 1u << test_random() % 4, test_random()); break;
        default: input("z"); test_advance(test, test_random() % 100000);
        }
    }
    test_reset(test);
    CHECK_EQ(get(IER), 0);
    CHECK_EQ(get(LSR) & 0x7e, 0x60);
    finish();
}

static const struct test_case cases[] = {{"after_reset", after_reset},
                                         {"plain_registers", plain_registers},
                                         {"divisor_latch", divisor_latch},
                                         {"output", output},
                                         {"thr_interrupt", thr_interrupt},
                                         {"back_pressure", back_pressure},
                                         {"received_without_fifo", received_without_fifo},
                                         {"trigger_levels", trigger_levels},
                                         {"receive_timeout", receive_timeout},
                                         {"interrupt_priorities", interrupt_priorities},
                                         {"loopback", loopback},
                                         {"overrun", overrun},
                                         {"breaks", breaks},
                                         {"fifo_control", fifo_control},
                                         {"input_survives_start", input_survives_start},
                                         {"wide_registers", wide_registers},
                                         {"ports", ports},
                                         {"no_port", no_port},
                                         {"state", state},
                                         {"wild_accesses", wild_accesses}};
TEST_SUITE(uart16550_test, "unit", cases);
