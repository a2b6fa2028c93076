/* Expected values are those of the MC146818A data sheet; dates are checked against a calendar. */
#include "devices/timer/cmos_rtc.h"

#include "tests/devices/machine_support.h"

#define SECOND ((uint64_t)1000000000)

static struct test_machine *test;
static struct cmos_rtc *rtc;
static struct test_irq irq;

/* 2024-02-28 23:59:58, a Wednesday. */
#define EPOCH (1709164798 * SECOND)

static void start(void)
{
    irq = (struct test_irq){0};
    test = test_machine_create(4096);
    rtc = cmos_rtc_create(&test->machine,
                          &(struct cmos_rtc_config){.epoch = EPOCH,
                                                    .irq = test_irq_line(&irq),
                                                    .memory_below_4g = 2 * GIB,
                                                    .memory_above_4g = 3 * GIB,
                                                    .processors = 4},
                          NULL);
    CHECK(rtc != NULL);
}

static uint8_t get(uint8_t index)
{
    test_out(test, 0x70, 1, index);
    return (uint8_t)test_in(test, 0x71, 1);
}

static void put(uint8_t index, uint8_t value)
{
    test_out(test, 0x70, 1, index);
    test_out(test, 0x71, 1, value);
}

static void date_is(uint8_t century, uint8_t year, uint8_t month, uint8_t day, uint8_t weekday)
{
    CHECK_EQ(get(0x32), century);
    CHECK_EQ(get(9), year);
    CHECK_EQ(get(8), month);
    CHECK_EQ(get(7), day);
    CHECK_EQ(get(6), weekday);
}

static void time_is(uint8_t hour, uint8_t minute, uint8_t second)
{
    CHECK_EQ(get(4), hour);
    CHECK_EQ(get(2), minute);
    CHECK_EQ(get(0), second);
}

static void shows_the_date(void)
{
    start();
    date_is(0x20, 0x24, 0x02, 0x28, 4);
    time_is(0x23, 0x59, 0x58);
    test_advance(test, 3 * SECOND); /* a leap year */
    date_is(0x20, 0x24, 0x02, 0x29, 5);
    time_is(0x00, 0x00, 0x01);
    test_advance(test, 86400 * SECOND);
    date_is(0x20, 0x24, 0x03, 0x01, 6);
    test_machine_destroy(test);
}

static void formats(void)
{
    start();
    put(0x0b, 0x06); /* binary */
    time_is(23, 59, 58);
    date_is(20, 24, 2, 28, 4);
    put(0x0b, 0x04); /* binary, 12 hours */
    CHECK_EQ(get(4), 0x80 | 11);
    put(0x0b, 0x00);
    CHECK_EQ(get(4), 0x91);
    test_advance(test, 2 * SECOND);
    CHECK_EQ(get(4), 0x12); /* midnight */
    test_advance(test, 12 * 3600 * SECOND);
    CHECK_EQ(get(4), 0x92); /* noon */
    test_machine_destroy(test);
}

static void setting(void)
{
    start();
    put(0x0b, 0x82);
    static const uint8_t values[][2] = {{0x32, 0x19}, {9, 0x99}, {8, 0x12}, {7, 0x31},
                                        {6, 0x06},    {4, 0x23}, {2, 0x59}, {0, 0x59}};
    for (unsigned i = 0; i < ARRAY_LEN(values); i++)
        put(values[i][0], values[i][1]);
    test_advance(test, 10 * SECOND);
    time_is(0x23, 0x59, 0x59); /* stopped */
    put(0x0b, 0x02);
    time_is(0x23, 0x59, 0x59);
    test_advance(test, SECOND);
    date_is(0x20, 0x00, 0x01, 0x01, 7); /* a Saturday */
    time_is(0, 0, 0);
    put(2, 0x30); /* while it runs */
    time_is(0, 0x30, 0);
    test_machine_destroy(test);
}

static void update_cycle(void)
{
    start();
    CHECK_EQ(get(0x0a), 0x26);
    put(0x0a, 0x20); /* no periodic flag in between */
    test_advance(test, SECOND - 2300000);
    CHECK_EQ(get(0x0a) & 0x80, 0);
    test_advance(test, 1000000);
    CHECK_EQ(get(0x0a) & 0x80, 0x80);
    get(0x0c);
    test_advance(test, 1300000);
    CHECK_EQ(get(0x0a) & 0x80, 0);
    CHECK_EQ(get(0x0c), 0x10); /* UF without the interrupt */
    CHECK_EQ(get(0x0c), 0);
    CHECK_EQ(irq.rises, 0);
    CHECK_EQ(get(0x0d), 0x80);
    put(0x0b, 0x12);
    test_advance(test, SECOND);
    CHECK(irq.level);
    CHECK_EQ(get(0x0c), 0xb0); /* midnight is what the alarm says after power-up */
    CHECK(!irq.level);
    test_advance(test, 5 * SECOND);
    CHECK_EQ(irq.rises, 2); /* nobody read C in between */
    put(0x0b, 0x92);
    CHECK_EQ(get(0x0b), 0x82); /* SET clears UIE */
    test_machine_destroy(test);
}

static void alarm(void)
{
    start();
    put(0x0a, 0x20);
    put(1, 0x05);
    put(3, 0x00);
    put(5, 0x00);
    put(0x0b, 0x22);
    test_advance(test, 6 * SECOND + SECOND / 2);
    CHECK(!irq.level);
    test_advance(test, SECOND);
    CHECK(irq.level);
    CHECK_EQ(get(0x0c), 0xb0);
    put(5, 0xc0); /* every hour */
    test_advance(test, 3600 * SECOND);
    CHECK_EQ(get(0x0c) & 0xa0, 0xa0);
    put(3, 0x75); /* never */
    test_advance(test, 90000 * SECOND);
    CHECK_EQ(get(0x0c) & 0xa0, 0);
    /* Without the interrupt the flag tells. */
    put(0x0b, 0x02);
    put(1, 0xff), put(3, 0xff), put(5, 0xff);
    test_advance(test, SECOND);
    CHECK_EQ(get(0x0c) & 0xb0, 0x30);
    test_machine_destroy(test);
}

static void periodic(void)
{
    start();
    put(0x0b, 0x42); /* 1024 Hz */
    unsigned count = 0;
    for (unsigned i = 0; i < 4000; i++) {
        test_advance(test, SECOND / 4000);
        count += (get(0x0c) & 0xc0) == 0xc0;
    }
    CHECK(count >= 1023 && count <= 1025);
    put(0x0a, 0x2f); /* 2 Hz */
    get(0x0c);
    unsigned before = irq.rises;
    for (unsigned i = 0; i < 10; i++) {
        test_advance(test, SECOND / 2);
        get(0x0c);
    }
    CHECK_EQ(irq.rises - before, 10);
    put(0x0a, 0x20); /* none */
    get(0x0c);
    test_advance(test, 10 * SECOND);
    CHECK_EQ(get(0x0c) & 0x40, 0);
    test_machine_destroy(test);
}

/* MC146818A, register A: the first update comes half a second after the divider is released. */
static void divider(void)
{
    start();
    test_advance(test, SECOND / 10);
    put(0x0a, 0x76);
    test_advance(test, 100 * SECOND);
    CHECK_EQ(get(0), 0x58);
    put(0x0a, 0x26);
    test_advance(test, SECOND * 49 / 100);
    CHECK_EQ(get(0), 0x58);
    test_advance(test, SECOND * 2 / 100);
    CHECK_EQ(get(0), 0x59);
    test_machine_destroy(test);
}

static void memory(void)
{
    start();
    CHECK_EQ(get(0x15) | get(0x16) << 8, 640);
    CHECK_EQ(get(0x17) | get(0x18) << 8, 0xffff);
    CHECK_EQ(get(0x34) | get(0x35) << 8, (2048 - 16) * 16);
    CHECK_EQ(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, 3 * 1024 * 16);
    CHECK_EQ(get(0x5f), 3);
    cmos_rtc_define(rtc, CMOS_BOOT_ORDER, 0x23);
    CHECK_EQ(get(0x3d), 0x23);
    /* The AT's checksum: of 10h to 2Dh, in 2Eh and 2Fh. */
    cmos_rtc_define(rtc, CMOS_DISKETTES, 0x40);
    unsigned sum = 0;
    for (unsigned i = 0x10; i <= 0x2d; i++)
        sum += get(i);
    CHECK(sum > 0x40);
    CHECK_EQ(get(0x2e) << 8 | get(0x2f), sum);
    put(0x0f, 0x0a);
    put(0x0b, 0x72);
    test_out(test, 0x72, 1, 0x0f); /* the other bank */
    test_out(test, 0x73, 1, 0x55);
    test_reset(test);
    test_out(test, 0x72, 1, 0x0f);
    CHECK_EQ(test_in(test, 0x73, 1), 0x55);
    CHECK_EQ(get(0x0f), 0x0a); /* the battery */
    CHECK_EQ(get(0x0b), 0x02);
    CHECK_EQ(get(0x8f), 0x0a); /* with NMI masked */
    CHECK_EQ(test_in(test, 0x70, 1), 0xff);
    test_machine_destroy(test);
}

static void state(void)
{
    start();
    put(2, 0x30);
    put(0x0b, 0x12);
    put(0x40, 0x77);
    test_save_load(test);
    time_is(0x23, 0x30, 0x58);
    CHECK_EQ(get(0x40), 0x77);
    test_advance(test, SECOND);
    CHECK(irq.level);
    test_machine_destroy(test);
}

static void wild_accesses(void)
{
    start();
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t index = (uint8_t)test_random();
        if (test_random() & 1)
            put(index & 0x3f, (uint8_t)test_random());
        else
            get(index);
        if (test_random() % 16 == 0)
            test_advance(test, test_random() % (100 * SECOND));
    }
    CHECK_EQ(get(0x0d), 0x80);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"shows_the_date", shows_the_date},
    {"formats", formats},
    {"setting", setting},
    {"update_cycle", update_cycle},
    {"alarm", alarm},
    {"periodic", periodic},
    {"divider", divider},
    {"memory", memory},
    {"state", state},
    {"wild_accesses", wild_accesses},
};
TEST_SUITE(cmos_rtc_test, "unit", cases);
