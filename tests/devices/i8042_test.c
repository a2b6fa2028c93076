/*
 * Expected values are those of the IBM PS/2 Hardware Interface Technical Reference and, for the wheel, of
 * Microsoft's description of the IntelliMouse protocol.
 */
#include "devices/input/i8042.h"

#include <string.h>

#include "tests/devices/machine_support.h"

#define MS ((uint64_t)1000000)

/* Keys as in Linux's input-event-codes.h. */
enum { KEY_A = 30, KEY_F7 = 65, KEY_LEFTSHIFT = 42, KEY_LEFTCTRL = 29, KEY_LEFTALT = 56 };
enum { KEY_HOME = 102, KEY_SYSRQ = 99, KEY_PAUSE = 119, KEY_RIGHTCTRL = 97, KEY_UNKNOWN = 240 };

static struct test_machine *test;
static struct input *input;
static struct test_irq irq1, irq12, a20;

static void start(void)
{
    irq1 = irq12 = a20 = (struct test_irq){0};
    test = test_machine_create(4096);
    input = input_create();
    struct i8042_config config = {.keyboard_irq = test_irq_line(&irq1),
                                  .mouse_irq = test_irq_line(&irq12),
                                  .a20 = test_irq_line(&a20),
                                  .keyboard = ps2_keyboard_create(&test->machine, input),
                                  .mouse = ps2_mouse_create(&test->machine, input)};
    CHECK(i8042_create(&test->machine, &config, NULL) != NULL);
}

static void finish(void)
{
    test_machine_destroy(test);
    input_destroy(input);
}

static void command(uint8_t value)
{
    test_out(test, 0x64, 1, value);
}

static void data(uint8_t value)
{
    test_out(test, 0x60, 1, value);
}

static uint8_t status(void)
{
    return (uint8_t)test_in(test, 0x64, 1);
}

/* Everything that waits is exactly this, and from the keyboard or the mouse. */
static void waits(const char *name, bool aux, const uint8_t *bytes, unsigned count)
{
    test_context("%s", name);
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQ(status() & 0x21, aux ? 0x21 : 0x01);
        CHECK_EQ(test_in(test, 0x60, 1), bytes[i]);
    }
    CHECK_EQ(status() & 1, 0);
    test_context(NULL);
}
#define BYTES(...)    (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define KEYBOARD(...) waits(#__VA_ARGS__, false, BYTES(__VA_ARGS__))
#define MOUSE(...)    waits(#__VA_ARGS__, true, BYTES(__VA_ARGS__))

static void config(uint8_t value)
{
    command(0x60);
    data(value);
}

static void mouse(uint8_t value)
{
    command(0xd4);
    data(value);
}

static void self_tests(void)
{
    start();
    CHECK_EQ(status(), 0x10);
    command(0xaa);
    CHECK_EQ(status(), 0x1d); /* a byte, the system flag, a command was last */
    KEYBOARD(0x55);
    command(0xab);
    KEYBOARD(0x00);
    command(0xa9);
    KEYBOARD(0x00);
    command(0x20);
    KEYBOARD(0x47);
    config(0x45);
    CHECK_EQ(status() & 0x08, 0);
    command(0x20);
    KEYBOARD(0x45);
    command(0x6a);
    data(0x77);
    command(0x2a);
    KEYBOARD(0x77);
    command(0xa7);
    command(0xad);
    command(0x20);
    KEYBOARD(0x75);
    command(0xa8);
    command(0xae);
    command(0x20);
    KEYBOARD(0x45);
    finish();
}

static void output_port(void)
{
    start();
    CHECK(a20.level);
    command(0xd1);
    data(0xdd);
    CHECK(!a20.level);
    command(0xd0);
    CHECK_EQ(test_in(test, 0x60, 1) & 0xcf, 0xcd);
    command(0xdf);
    CHECK(a20.level);
    command(0xdd);
    CHECK(!a20.level);
    CHECK_EQ(test->requests, 0);
    command(0xfe);
    CHECK_EQ(test->requests, 1);
    CHECK_EQ(test->request, MACHINE_RESET);
    command(0xff); /* pulses nothing */
    CHECK_EQ(test->requests, 1);
    command(0xd1);
    data(0xce);
    CHECK_EQ(test->requests, 2);
    test_reset(test);
    CHECK(a20.level);
    finish();
}

static void loops_back(void)
{
    start();
    command(0xd2);
    data(0x99);
    CHECK(irq1.level);
    KEYBOARD(0x99);
    CHECK(!irq1.level);
    command(0xd3);
    data(0x66);
    CHECK(irq12.level && !irq1.level);
    MOUSE(0x66);
    config(0x00);
    command(0xd3);
    data(0x66);
    CHECK(!irq12.level);
    MOUSE(0x66);
    finish();
}

static void keyboard_commands(void)
{
    start();
    data(0xff);
    KEYBOARD(0xfa, 0xaa);
    data(0xf2);
    KEYBOARD(0xfa, 0xab, 0x41); /* translated */
    config(0x05);
    data(0xf2);
    KEYBOARD(0xfa, 0xab, 0x83);
    data(0xee);
    KEYBOARD(0xee);
    data(0xed);
    KEYBOARD(0xfa);
    data(0x07);
    KEYBOARD(0xfa);
    data(0xf0);
    data(0x00);
    KEYBOARD(0xfa, 0xfa, 0x02);
    data(0x01);
    KEYBOARD(0xfe); /* no such command */
    data(0xed);
    data(0xf4); /* a command in a parameter's place */
    KEYBOARD(0xfa, 0xfa);
    data(0xfe);
    KEYBOARD(0xfa); /* the last byte again */
    finish();
}

static void press(unsigned key)
{
    input_key(input, key, true);
}

static void release(unsigned key)
{
    input_key(input, key, false);
}

static void translated_keys(void)
{
    start();
    press(KEY_A);
    CHECK(irq1.level);
    KEYBOARD(0x1e);
    press(KEY_A); /* no repetition from the producer */
    release(KEY_A);
    KEYBOARD(0x9e);
    press(KEY_HOME);
    release(KEY_HOME);
    KEYBOARD(0xe0, 0x47, 0xe0, 0xc7);
    press(KEY_F7);
    release(KEY_F7);
    KEYBOARD(0x41, 0xc1);
    press(KEY_SYSRQ);
    release(KEY_SYSRQ);
    KEYBOARD(0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
    press(KEY_PAUSE);
    release(KEY_PAUSE);
    KEYBOARD(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    press(KEY_UNKNOWN);
    press(5000);
    CHECK_EQ(status() & 1, 0);
    finish();
}

static void set_2_keys(void)
{
    start();
    config(0x05);
    press(KEY_A);
    release(KEY_A);
    KEYBOARD(0x1c, 0xf0, 0x1c);
    press(KEY_F7);
    release(KEY_F7);
    KEYBOARD(0x83, 0xf0, 0x83);
    press(KEY_PAUSE);
    KEYBOARD(0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77);
    release(KEY_PAUSE);
    press(KEY_RIGHTCTRL);
    press(KEY_PAUSE);
    KEYBOARD(0xe0, 0x14, 0xe0, 0x7e, 0xe0, 0xf0, 0x7e);
    press(KEY_SYSRQ); /* with Control: without the shift */
    KEYBOARD(0xe0, 0x7c);
    release(KEY_SYSRQ);
    release(KEY_RIGHTCTRL);
    KEYBOARD(0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x14);
    press(KEY_LEFTALT);
    press(KEY_SYSRQ);
    KEYBOARD(0x11, 0x84);
    release(KEY_SYSRQ);
    release(KEY_LEFTALT);
    KEYBOARD(0xf0, 0x84, 0xf0, 0x11);
    finish();
}

static void set_1_keys(void)
{
    start();
    config(0x05);
    data(0xf0);
    data(0x01);
    KEYBOARD(0xfa, 0xfa);
    press(KEY_HOME);
    release(KEY_HOME);
    KEYBOARD(0xe0, 0x47, 0xe0, 0xc7);
    data(0xf6); /* back to the default */
    KEYBOARD(0xfa);
    press(KEY_A);
    KEYBOARD(0x1c);
    finish();
}

static void typematic(void)
{
    start();
    press(KEY_A);
    KEYBOARD(0x1e);
    test_advance(test, 499 * MS);
    CHECK_EQ(status() & 1, 0);
    test_advance(test, 2 * MS);
    KEYBOARD(0x1e);
    test_advance(test, 92 * MS); /* 10.9 a second */
    KEYBOARD(0x1e);
    test_advance(test, 1000 * MS); /* unread, they don't gather: one in the controller, one behind */
    KEYBOARD(0x1e, 0x1e);
    release(KEY_A);
    KEYBOARD(0x9e);
    test_advance(test, 1000 * MS);
    CHECK_EQ(status() & 1, 0);
    data(0xf3);
    data(0x00); /* 250 ms, 30 a second */
    KEYBOARD(0xfa, 0xfa);
    press(KEY_A);
    KEYBOARD(0x1e);
    test_advance(test, 251 * MS);
    KEYBOARD(0x1e);
    test_advance(test, 34 * MS);
    KEYBOARD(0x1e);
    press(KEY_LEFTSHIFT); /* the last key repeats */
    KEYBOARD(0x2a);
    test_advance(test, 251 * MS);
    KEYBOARD(0x2a);
    finish();
}

static void disabled_keyboard(void)
{
    start();
    command(0xad);
    press(KEY_A);
    CHECK_EQ(status() & 1, 0);
    command(0xae);
    KEYBOARD(0x1e);
    data(0xf5);
    KEYBOARD(0xfa);
    release(KEY_A);
    press(KEY_HOME);
    CHECK_EQ(status() & 1, 0);
    data(0xf4);
    KEYBOARD(0xfa);
    release(KEY_HOME);
    KEYBOARD(0xe0, 0xc7);
    for (unsigned i = 0; i < 300; i++) { /* more than anybody keeps */
        press(KEY_A);
        release(KEY_A);
    }
    data(0xff); /* answers are heard all the same */
    test_in(test, 0x60, 1);
    KEYBOARD(0xfa, 0xaa);
    finish();
}

static void mouse_identifies(void)
{
    start();
    mouse(0xff);
    MOUSE(0xfa, 0xaa, 0x00);
    mouse(0xf2);
    MOUSE(0xfa, 0x00);
    static const uint8_t knock[] = {200, 100, 80};
    for (unsigned i = 0; i < 3; i++) {
        mouse(0xf3);
        mouse(knock[i]);
        MOUSE(0xfa, 0xfa);
    }
    mouse(0xf2);
    MOUSE(0xfa, 0x03);
    static const uint8_t explorer[] = {200, 200, 80};
    for (unsigned i = 0; i < 3; i++) {
        mouse(0xf3);
        mouse(explorer[i]);
        MOUSE(0xfa, 0xfa);
    }
    mouse(0xf2);
    MOUSE(0xfa, 0x04);
    mouse(0xe8);
    mouse(0x03);
    mouse(0xe7);
    mouse(0xe9);
    MOUSE(0xfa, 0xfa, 0xfa, 0x10, 0x03, 80); /* of the first two commands one answer had left the mouse */
    mouse(0x11);
    MOUSE(0xfe);
    finish();
}

static void move(int dx, int dy, int wheel)
{
    input_relative(input, dx, dy);
    input_wheel(input, wheel, 0);
    input_sync(input);
}

static void mouse_streams(void)
{
    start();
    move(5, 5, 0);
    CHECK_EQ(status() & 1, 0); /* not enabled */
    mouse(0xf4);
    MOUSE(0xfa);
    move(5, 3, 0);
    CHECK(irq12.level);
    MOUSE(0x28, 0x05, 0xfd); /* up is positive */
    input_button(input, INPUT_BUTTON_RIGHT, true);
    MOUSE(0x0a, 0x00, 0x00);
    move(-300, 0, 0); /* more than a packet holds */
    MOUSE(0x1a, 0x01, 0x00, 0x1a, 0xd3, 0x00);
    input_button(input, INPUT_BUTTON_RIGHT, false);
    MOUSE(0x08, 0x00, 0x00);
    move(1, 0, 0);
    move(2, 0, 0); /* gathers while the first is unread */
    move(3, 0, 0);
    MOUSE(0x08, 0x01, 0x00, 0x08, 0x05, 0x00);
    mouse(0xe7);
    MOUSE(0xfa);
    move(5, 2, 0);
    MOUSE(0x28, 0x09, 0xff);
    finish();
}

static void mouse_wheel(void)
{
    start();
    for (unsigned i = 0; i < 3; i++) {
        mouse(0xf3);
        mouse((uint8_t[]){200, 100, 80}[i]);
        MOUSE(0xfa, 0xfa);
    }
    mouse(0xf4);
    MOUSE(0xfa);
    move(0, 0, -1);
    MOUSE(0x08, 0x00, 0x00, 0xff);
    move(1, 0, 2);
    MOUSE(0x08, 0x01, 0x00, 0x02);
    for (unsigned i = 0; i < 3; i++) {
        mouse(0xf3);
        mouse((uint8_t[]){200, 200, 80}[i]);
        MOUSE(0xfa, 0xfa);
    }
    input_button(input, INPUT_BUTTON_EXTRA, true);
    MOUSE(0x08, 0x00, 0x00, 0x20);
    finish();
}

static void mouse_modes(void)
{
    start();
    mouse(0xf4);
    mouse(0xf0);
    MOUSE(0xfa, 0xfa);
    move(7, 0, 0);
    CHECK_EQ(status() & 1, 0);
    mouse(0xeb);
    MOUSE(0xfa, 0x08, 0x07, 0x00);
    mouse(0xea);
    MOUSE(0xfa);
    mouse(0xee);
    MOUSE(0xfa);
    mouse(0xf4);
    MOUSE(0xf4); /* echoed */
    mouse(0xec);
    MOUSE(0xfa);
    move(7, 0, 0);
    MOUSE(0x08, 0x07, 0x00);
    finish();
}

static void keyboard_goes_first(void)
{
    start();
    mouse(0xf4);
    MOUSE(0xfa);
    move(1, 1, 0);
    press(KEY_A);
    CHECK_EQ(test_in(test, 0x60, 1), 0x28); /* was in the buffer already */
    CHECK_EQ(status() & 0x21, 0x01);
    CHECK_EQ(test_in(test, 0x60, 1), 0x1e);
    MOUSE(0x01, 0xff);
    finish();
}

static void state(void)
{
    start();
    press(KEY_A);
    press(KEY_HOME);
    mouse(0xf4);
    test_save_load(test);
    CHECK_EQ(test_in(test, 0x60, 1), 0x1e);
    CHECK_EQ(test_in(test, 0x60, 1), 0xe0);
    CHECK_EQ(test_in(test, 0x60, 1), 0x47);
    MOUSE(0xfa);
    finish();
}

static void wild_accesses(void)
{
    start();
    for (unsigned i = 0; i < 200000; i++) {
        switch (test_random() % 6) {
        case 0: command((uint8_t)test_random()); break;
        case 1: data((uint8_t)test_random()); break;
        case 2: input_key(input, (unsigned)test_random() % 300, test_random() & 1); break;
        case 3: move((int)test_random(), (int)test_random(), (int)test_random()); break;
        case 4: test_advance(test, test_random() % (100 * MS)); break;
        default: test_in(test, 0x60, 1);
        }
    }
    CHECK_EQ(status() & 0x10, 0x10);
    finish();
}

static const struct test_case cases[] = {
    {"self_tests", self_tests},
    {"output_port", output_port},
    {"loops_back", loops_back},
    {"keyboard_commands", keyboard_commands},
    {"translated_keys", translated_keys},
    {"set_2_keys", set_2_keys},
    {"set_1_keys", set_1_keys},
    {"typematic", typematic},
    {"disabled_keyboard", disabled_keyboard},
    {"mouse_identifies", mouse_identifies},
    {"mouse_streams", mouse_streams},
    {"mouse_wheel", mouse_wheel},
    {"mouse_modes", mouse_modes},
    {"keyboard_goes_first", keyboard_goes_first},
    {"state", state},
    {"wild_accesses", wild_accesses},
};
TEST_SUITE(i8042_test, "unit", cases);
