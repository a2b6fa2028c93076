#include "ui/vnc_keys.h"

#include "devices/input/scancode.h"
#include "ui/keys.h"

#define KEYSYM_CAPS_LOCK   0xffe5u
#define KEYSYM_LEVEL3      0xfe03u
#define KEYSYM_MODE_SWITCH 0xff7eu

#define CODE_EXTENDED 0x80u
#define CODE_SYSRQ    0x54u
#define CODE_PRINT    0xb7u
#define CODE_PAUSE    0xc6u
#define KEY_PRINT     99u
#define KEY_PAUSE     119u

static bool is_down(const struct vnc_keys *keys, unsigned key)
{
    return keys->held.down[key];
}

/* A shortcut is meant, and not a character. */
static bool is_command(const struct vnc_keys *keys)
{
    return is_down(keys, KEY_LEFT_CONTROL) || is_down(keys, KEY_RIGHT_CONTROL) ||
           is_down(keys, KEY_LEFT_ALT) || is_down(keys, KEY_LEFT_META) || is_down(keys, KEY_RIGHT_META);
}

/* Press a key with Shift as the character needs it, whatever the client had to hold for it. */
static void character_press(struct vnc_keys *keys, struct keysym_key found)
{
    bool left = is_down(keys, KEY_LEFT_SHIFT), right = is_down(keys, KEY_RIGHT_SHIFT);
    if ((left || right) == found.shift || is_command(keys)) {
        held_change(&keys->held, found.key, true);
        return;
    }
    held_change(&keys->held, KEY_LEFT_SHIFT, found.shift);
    held_change(&keys->held, KEY_RIGHT_SHIFT, false);
    held_change(&keys->held, found.key, true);
    held_change(&keys->held, KEY_LEFT_SHIFT, left);
    held_change(&keys->held, KEY_RIGHT_SHIFT, right);
}

static void forget(struct vnc_keys *keys, unsigned index)
{
    held_change(&keys->held, keys->down[index].key, false);
    keys->down[index] = keys->down[--keys->count];
}

static void keysym_release(struct vnc_keys *keys, uint32_t keysym)
{
    bool found = false;
    for (unsigned i = keys->count; i-- > 0;) {
        if (keys->down[i].keysym != keysym)
            continue;
        forget(keys, i);
        found = true;
    }
    /* It went down as another character, before the client's Shift changed: any of these may be it. */
    for (unsigned i = keys->count; !found && key_of_keysym(keysym).printable && i-- > 0;) {
        if (keys->down[i].printable)
            forget(keys, i);
    }
}

void vnc_keysym(struct vnc_keys *keys, uint32_t keysym, bool pressed)
{
    struct keysym_key found = key_of_keysym(keysym);
    /* What these do is in the characters that come. */
    if (keysym == KEYSYM_CAPS_LOCK || keysym == KEYSYM_LEVEL3 || keysym == KEYSYM_MODE_SWITCH)
        return;
    if (!pressed) {
        keysym_release(keys, keysym);
        return;
    }
    for (unsigned i = 0; i < keys->count; i++) {
        if (keys->down[i].keysym == keysym)
            return; /* repeated by the client */
    }
    if (!found.key || keys->count == VNC_KEYS_DOWN)
        return;
    keys->down[keys->count].keysym = keysym;
    keys->down[keys->count].key = (uint16_t)found.key;
    keys->down[keys->count++].printable = found.printable;
    if (found.printable)
        character_press(keys, found);
    else
        held_change(&keys->held, found.key, true);
}

static unsigned key_of_code(uint32_t code)
{
    if (code == CODE_PRINT || code == CODE_SYSRQ)
        return KEY_PRINT;
    if (code == CODE_PAUSE)
        return KEY_PAUSE;
    uint32_t wanted = code & CODE_EXTENDED ? SCANCODE_EXTENDED | (code & 0x7f) : code;
    for (unsigned key = 1; key < KEYS_COUNT; key++) {
        if (scancode_of_key(key) == wanted)
            return key;
    }
    return 0;
}

void vnc_keycode(struct vnc_keys *keys, uint32_t code, bool pressed)
{
    if (code && code <= 0xff)
        held_change(&keys->held, key_of_code(code), pressed);
}

void vnc_keys_release_all(struct vnc_keys *keys)
{
    keys->count = 0;
    held_release_all(&keys->held);
}
