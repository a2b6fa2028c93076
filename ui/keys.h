/*
 * Keys by what is printed on them: characters as on a US keyboard, names, and X11's keysyms, which VNC
 * clients send. Numbers are those of devices/input/input.h.
 */
#pragma once

#include "base/types.h"

#define KEY_ENTER         28u
#define KEY_LEFT_CONTROL  29u
#define KEY_LEFT_SHIFT    42u
#define KEY_RIGHT_SHIFT   54u
#define KEY_LEFT_ALT      56u
#define KEY_RIGHT_CONTROL 97u
#define KEY_RIGHT_ALT     100u
#define KEY_DELETE        111u
#define KEY_LEFT_META     125u
#define KEY_RIGHT_META    126u

#define KEYS_COUNT 256u /* of those known here, all are below */

/* The key for an ASCII character, and whether with Shift; 0: there is none. */
unsigned key_of_character(uint32_t character, bool *shift);

/* A key by its name ("a", "f1", "enter"; `len` characters, any case); 0: there is none. */
unsigned key_of_name(const char *name, size_t len);

/* Keys pressed together, "ctrl-alt-delete"; how many, 0: a name is not known, or there are too many. */
#define KEYS_CHORD_MAX 6
unsigned keys_of_chord(const char *text, unsigned keys[KEYS_CHORD_MAX]);

/*
 * The key that stands for a keysym on a US keyboard; 0: none. For a character `printable` is set, and `shift`
 * says what must be held; the keypad's digits are characters, as Num Lock is known only to the client.
 */
struct keysym_key {
    unsigned key;
    bool printable, shift;
};
struct keysym_key key_of_keysym(uint32_t keysym);
