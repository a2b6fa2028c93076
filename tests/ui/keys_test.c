/* Keys by characters, names and keysyms, against Linux's and X11's own numbers, and what a VNC client types.
 */
#include "ui/keys.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "tests/harness/test.h"
#include "ui/vnc_keys.h"

static void characters(void)
{
    static const struct {
        char character;
        unsigned key;
        bool shift;
    } known[] = {{'a', KEY_A, false},        {'Z', KEY_Z, true},           {'1', KEY_1, false},
                 {'!', KEY_1, true},         {'0', KEY_0, false},          {')', KEY_0, true},
                 {' ', KEY_SPACE, false},    {'\n', KEY_ENTER, false},     {'\r', KEY_ENTER, false},
                 {'\t', KEY_TAB, false},     {'\b', KEY_BACKSPACE, false}, {'\033', KEY_ESC, false},
                 {'/', KEY_SLASH, false},    {'?', KEY_SLASH, true},       {'\\', KEY_BACKSLASH, false},
                 {'|', KEY_BACKSLASH, true}, {'~', KEY_GRAVE, true},       {'"', KEY_APOSTROPHE, true},
                 {'{', KEY_LEFTBRACE, true}, {'_', KEY_MINUS, true},       {'+', KEY_EQUAL, true},
                 {'<', KEY_COMMA, true},     {':', KEY_SEMICOLON, true},   {'@', KEY_2, true}};
    bool shift;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        test_context("character %d", known[i].character);
        CHECK_EQ(key_of_character((uint8_t)known[i].character, &shift), known[i].key);
        CHECK_EQ(shift, known[i].shift);
    }
    for (uint32_t c = ' '; c <= '~'; c++) {
        test_context("character %u", c);
        CHECK(key_of_character(c, &shift) != 0);
    }
    test_context(NULL);
    CHECK_EQ(key_of_character(0, &shift), 0);
    CHECK_EQ(key_of_character(0xe4, &shift), 0);
    CHECK_EQ(key_of_character(0x7f, &shift), 0);
}

static void chords(void)
{
    unsigned keys[KEYS_CHORD_MAX];
    CHECK_EQ(keys_of_chord("ctrl-alt-delete", keys), 3);
    CHECK_EQ(keys[0], KEY_LEFTCTRL);
    CHECK_EQ(keys[1], KEY_LEFTALT);
    CHECK_EQ(keys[2], KEY_DELETE);
    CHECK_EQ(keys_of_chord("Shift+F12", keys), 2);
    CHECK_EQ(keys[1], KEY_F12);
    CHECK_EQ(keys_of_chord("a", keys), 1);
    CHECK_EQ(keys[0], KEY_A);
    CHECK_EQ(keys_of_chord("ret", keys), 1);
    CHECK_EQ(keys[0], KEY_ENTER);
    CHECK_EQ(keys_of_chord("", keys), 0);
    CHECK_EQ(keys_of_chord("ctrl-", keys), 0);
    CHECK_EQ(keys_of_chord("ctrl-nothing", keys), 0);
    CHECK_EQ(keys_of_chord("!", keys), 0);
    CHECK_EQ(keys_of_chord("a-b-c-d-e-f-g", keys), 0);
}

static void keysyms(void)
{
    static const struct {
        uint32_t keysym;
        unsigned key;
        bool printable, shift;
    } known[] = {
        {'q', KEY_Q, true, false},
        {'Q', KEY_Q, true, true},
        {0xff0d, KEY_ENTER, false, false},
        {0xff1b, KEY_ESC, false, false},
        {0xff08, KEY_BACKSPACE, false, false},
        {0xff52, KEY_UP, false, false},
        {0xff54, KEY_DOWN, false, false},
        {0xff51, KEY_LEFT, false, false},
        {0xff53, KEY_RIGHT, false, false},
        {0xff55, KEY_PAGEUP, false, false},
        {0xff57, KEY_END, false, false},
        {0xffbe, KEY_F1, false, false},
        {0xffc7, KEY_F10, false, false},
        {0xffc9, KEY_F12, false, false},
        {0xffd5, KEY_F24, false, false},
        {0xffff, KEY_DELETE, false, false},
        {0xffe3, KEY_LEFTCTRL, false, false},
        {0xffea, KEY_RIGHTALT, false, false},
        {0xffb7, KEY_7, true, false},
        {0xff95, KEY_HOME, false, false},
        {0xffae, KEY_DOT, true, false},
        {0xffaf, KEY_KPSLASH, false, false},
        {0xff8d, KEY_KPENTER, false, false},
        {0x01000040, KEY_2, true, true},
        {0xe4, 0, false, false},
        {0xfe20, KEY_TAB, false, false},
        {0, 0, false, false},
        {0xffffffff, 0, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct keysym_key found = key_of_keysym(known[i].keysym);
        test_context("keysym %x", known[i].keysym);
        CHECK_EQ(found.key, known[i].key);
        CHECK_EQ(found.printable, known[i].printable);
        CHECK_EQ(found.shift, known[i].shift);
    }
    test_context(NULL);
}

/* --- what a client types --- */

#define LOG_MAX 64
static int typed[LOG_MAX]; /* keys, negative when they come up */
static unsigned typed_count;

static void key_seen(void *opaque, unsigned key, bool pressed)
{
    (void)opaque;
    if (CHECK(typed_count < LOG_MAX))
        typed[typed_count++] = pressed ? (int)key : -(int)key;
}

static struct input *keyboard(struct vnc_keys *keys)
{
    struct input *input = input_create();
    input_attach(input, &(struct input_handlers){.key = key_seen});
    *keys = (struct vnc_keys){.held.input = input};
    typed_count = 0;
    return input;
}

static void check_typed(const int *expected, unsigned count)
{
    CHECK_EQ(typed_count, count);
    CHECK_MEM(typed, expected, count * sizeof(*expected));
    typed_count = 0;
}

/* A client with a German keyboard: @ is AltGr-Q there, and / is Shift-7. */
static void other_layout(void)
{
    struct vnc_keys keys;
    struct input *input = keyboard(&keys);
    vnc_keysym(&keys, 0xfe03, true);
    vnc_keysym(&keys, '@', true);
    vnc_keysym(&keys, '@', false);
    vnc_keysym(&keys, 0xfe03, false);
    check_typed((const int[]){KEY_LEFTSHIFT, KEY_2, -KEY_LEFTSHIFT, -KEY_2}, 4);
    vnc_keysym(&keys, 0xffe1, true);
    vnc_keysym(&keys, '/', true);
    vnc_keysym(&keys, 0xffe1, false);
    vnc_keysym(&keys, '7', false); /* the same key, as it is called without Shift */
    check_typed(
        (const int[]){KEY_LEFTSHIFT, -KEY_LEFTSHIFT, KEY_SLASH, KEY_LEFTSHIFT, -KEY_LEFTSHIFT, -KEY_SLASH},
        6);
    input_destroy(input);
}

static void plain_and_repeated(void)
{
    struct vnc_keys keys;
    struct input *input = keyboard(&keys);
    vnc_keysym(&keys, 'a', true);
    vnc_keysym(&keys, 'a', true);
    vnc_keysym(&keys, 'a', false);
    check_typed((const int[]){KEY_A, -KEY_A}, 2);
    vnc_keysym(&keys, 0xffe3, true);
    vnc_keysym(&keys, 'C', true); /* Caps Lock at the client */
    vnc_keysym(&keys, 'C', false);
    vnc_keysym(&keys, 0xffe3, false);
    check_typed((const int[]){KEY_LEFTCTRL, KEY_C, -KEY_C, -KEY_LEFTCTRL}, 4);
    vnc_keysym(&keys, 'x', true);
    vnc_keys_release_all(&keys);
    vnc_keysym(&keys, 'x', false);
    check_typed((const int[]){KEY_X, -KEY_X}, 2);
    for (uint32_t i = 0; i < 200; i++)
        vnc_keysym(&keys, ' ' + i, true);
    typed_count = 0;
    input_destroy(input);
}

/* Set 1 with 0x80 for e0, as QEMU's keymaps have it. */
static void codes(void)
{
    static const struct {
        uint32_t code;
        int key;
    } known[] = {{0x1e, KEY_A},        {0x2b, KEY_BACKSLASH}, {0x56, KEY_102ND},  {0x9d, KEY_RIGHTCTRL},
                 {0xb8, KEY_RIGHTALT}, {0xc8, KEY_UP},        {0xd3, KEY_DELETE}, {0xdb, KEY_LEFTMETA},
                 {0xb7, KEY_SYSRQ},    {0xc6, KEY_PAUSE},     {0x9c, KEY_KPENTER}};
    struct vnc_keys keys;
    struct input *input = keyboard(&keys);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        test_context("code %x", known[i].code);
        vnc_keycode(&keys, known[i].code, true);
        vnc_keycode(&keys, known[i].code, false);
        check_typed((const int[]){known[i].key, -known[i].key}, 2);
    }
    test_context(NULL);
    vnc_keycode(&keys, 0, true);
    vnc_keycode(&keys, 0x10000, true);
    vnc_keycode(&keys, 0xffffffff, true);
    CHECK_EQ(typed_count, 0);
    input_destroy(input);
}

static const struct test_case cases[] = {
    {"characters", characters},     {"chords", chords}, {"keysyms", keysyms},
    {"other_layout", other_layout}, {"codes", codes},   {"plain_and_repeated", plain_and_repeated},
};

TEST_SUITE(keys_test, "unit", cases);
