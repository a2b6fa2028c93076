#include "devices/input/usage.h"

/* HID Usage Tables 1.4, section 10; the right-hand side are the numbers of Linux's input-event-codes.h. */
/* clang-format off */
static const uint8_t keys[USAGE_COUNT] = {
    /* 00 */   0,   0,   0,   0,  30,  48,  46,  32, /* errors, a to d */
    /* 08 */  18,  33,  34,  35,  23,  36,  37,  38, /* e to l */
    /* 10 */  50,  49,  24,  25,  16,  19,  31,  20, /* m to t */
    /* 18 */  22,  47,  17,  45,  21,  44,   2,   3, /* u to z, 1, 2 */
    /* 20 */   4,   5,   6,   7,   8,   9,  10,  11, /* 3 to 0 */
    /* 28 */  28,   1,  14,  15,  57,  12,  13,  26, /* Enter, Escape, Backspace, Tab, space, - = [ */
    /* 30 */  27,  43,  43,  39,  40,  41,  51,  52, /* ] \ # ; ' ` , . */
    /* 38 */  53,  58,  59,  60,  61,  62,  63,  64, /* /, Caps Lock, F1 to F6 */
    /* 40 */  65,  66,  67,  68,  87,  88,  99,  70, /* F7 to F12, Print Screen, Scroll Lock */
    /* 48 */ 119, 110, 102, 104, 111, 107, 109, 106, /* Pause, Insert, Home, Page Up, Delete, End, Page Down, right */
    /* 50 */ 105, 108, 103,  69,  98,  55,  74,  78, /* left, down, up, Num Lock, keypad / * - + */
    /* 58 */  96,  79,  80,  81,  75,  76,  77,  71, /* keypad Enter, 1 to 7 */
    /* 60 */  72,  73,  82,  83,  86, 127, 116, 117, /* keypad 8 9 0 ., 102nd, menu, power, keypad = */
    /* 68 */ 183, 184, 185, 186, 187, 188, 189, 190, /* F13 to F20 */
    /* 70 */ 191, 192, 193, 194, 134, 138, 130, 132, /* F21 to F24, open, help, props, front */
    /* 78 */ 128, 129, 131, 137, 133, 135, 136, 113, /* stop, again, undo, cut, copy, paste, find, mute */
    /* 80 */ 115, 114,   0,   0,   0, 121,   0,  89, /* louder, quieter, keypad comma, Ro */
    /* 88 */  93, 124,  92,  94,  95,   0,   0,   0, /* Katakana, Yen, Henkan, Muhenkan, keypad Japanese comma */
    /* 90 */ 122, 123,  90,  91,  85,   0,   0,   0, /* Hangul, Hanja, Katakana, Hiragana, Zenkaku */
    [0xb6] = 179, 180, /* keypad ( ) */
    [0xe0] = 29, 42, 56, 125, 97, 54, 100, 126, /* left and right Control, Shift, Alt, Meta */
};
/* clang-format on */

unsigned key_of_usage(unsigned usage)
{
    return usage < USAGE_COUNT ? keys[usage] : 0;
}

/* Of two usages for one key the first is meant: 31 and 32 are \ on two kinds of keyboard. */
unsigned usage_of_key(unsigned key)
{
    for (unsigned usage = 0; key && usage < USAGE_COUNT; usage++) {
        if (keys[usage] == key)
            return usage;
    }
    return 0;
}
