/*
 * Keys as USB numbers them (HID Usage Tables, page 7: Keyboard/Keypad), which is also how SDL numbers its
 * scancodes. Both stand for a place on the keyboard, whatever is printed on it.
 */
#pragma once

#include "base/types.h"

#define USAGE_COUNT 0xe8u /* usages of page 7 are below this */

/* The key of a usage, numbered as in devices/input/input.h; 0: there is none. */
unsigned key_of_usage(unsigned usage);

/* The reverse; 0: no keyboard of USB's has it. */
unsigned usage_of_key(unsigned key);
