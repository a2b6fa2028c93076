#include "ui/keys.h"

#include <string.h>
#include <strings.h>

static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0\0\0 ";
static const char shifted[] = "\0\0!@#$%^&*()_+\0\0QWERTYUIOP{}\0\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0\0\0";

unsigned key_of_character(uint32_t character, bool *shift)
{
    char c = (char)character;
    if (character == 0 || character > 0x7e)
        return 0;
    c = c == '\r' ? '\n' : c;
    for (unsigned i = 1; i < sizeof(plain) - 1; i++) {
        *shift = i < sizeof(shifted) && shifted[i] == c;
        if (plain[i] == c || *shift)
            return i;
    }
    return 0;
}

/* The first of several names of a key is the one it is known by. */
static const struct {
    const char *name;
    uint8_t key;
} names[] = {
    {"esc", 1},          {"escape", 1},       {"backspace", 14}, {"tab", 15},        {"enter", 28},
    {"ret", 28},         {"return", 28},      {"space", 57},     {"spc", 57},        {"ctrl", 29},
    {"control", 29},     {"ctrl_r", 97},      {"shift", 42},     {"shift_r", 54},    {"alt", 56},
    {"altgr", 100},      {"alt_r", 100},      {"meta", 125},     {"super", 125},     {"win", 125},
    {"meta_r", 126},     {"menu", 127},       {"minus", 12},     {"equal", 13},      {"comma", 51},
    {"dot", 52},         {"slash", 53},       {"caps_lock", 58}, {"num_lock", 69},   {"scroll_lock", 70},
    {"print", 99},       {"sysrq", 99},       {"pause", 119},    {"insert", 110},    {"delete", 111},
    {"del", 111},        {"home", 102},       {"end", 107},      {"pageup", 104},    {"pgup", 104},
    {"pagedown", 109},   {"pgdn", 109},       {"up", 103},       {"down", 108},      {"left", 105},
    {"right", 106},      {"f1", 59},          {"f2", 60},        {"f3", 61},         {"f4", 62},
    {"f5", 63},          {"f6", 64},          {"f7", 65},        {"f8", 66},         {"f9", 67},
    {"f10", 68},         {"f11", 87},         {"f12", 88},       {"kp_0", 82},       {"kp_1", 79},
    {"kp_2", 80},        {"kp_3", 81},        {"kp_4", 75},      {"kp_5", 76},       {"kp_6", 77},
    {"kp_7", 71},        {"kp_8", 72},        {"kp_9", 73},      {"kp_enter", 96},   {"kp_add", 78},
    {"kp_subtract", 74}, {"kp_multiply", 55}, {"kp_divide", 98}, {"kp_decimal", 83}, {"less", 86},
};

unsigned key_of_name(const char *name, size_t len)
{
    bool shift;
    if (len == 1) {
        uint32_t character = (uint8_t)name[0];
        unsigned key = key_of_character(character, &shift);
        return key && shift && !(character >= 'A' && character <= 'Z') ? 0 : key;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i].name) == len && strncasecmp(names[i].name, name, len) == 0)
            return names[i].key;
    }
    return 0;
}

unsigned keys_of_chord(const char *text, unsigned keys[KEYS_CHORD_MAX])
{
    unsigned count = 0;
    while (*text) {
        size_t len = strcspn(text, "-+");
        if (count == KEYS_CHORD_MAX)
            return 0;
        keys[count] = key_of_name(text, len);
        if (!keys[count++])
            return 0;
        text += len;
        if (*text && !*++text)
            return 0; /* a separator at the end */
    }
    return count;
}

/* --- keysyms: X11/keysymdef.h --- */

static const struct {
    uint16_t keysym;
    uint8_t key;
} functions[] = {
    {0xff08, 14},                                /* BackSpace */
    {0xff09, 15},                                /* Tab */
    {0xff0a, 28},                                /* Linefeed */
    {0xff0d, 28},                                /* Return */
    {0xff13, 119},                               /* Pause */
    {0xff14, 70},                                /* Scroll_Lock */
    {0xff15, 99},                                /* Sys_Req */
    {0xff1b, 1},                                 /* Escape */
    {0xff22, 94},                                /* Muhenkan, Henkan, Hiragana_Katakana */
    {0xff23, 92},  {0xff27, 93},  {0xff31, 122}, /* Hangul */
    {0xff34, 123},                               /* Hangul_Hanja */
    {0xff50, 102},                               /* Home, and the cursor keys */
    {0xff51, 105}, {0xff52, 103}, {0xff53, 106}, {0xff54, 108}, {0xff55, 104}, /* Page_Up, Page_Down, End */
    {0xff56, 109}, {0xff57, 107}, {0xff61, 99},                                /* Print */
    {0xff63, 110},                                                             /* Insert */
    {0xff67, 127},                                                             /* Menu */
    {0xff6a, 138},                                                             /* Help */
    {0xff6b, 119},                                                             /* Break */
    {0xff7f, 69},                                                              /* Num_Lock */
    {0xff89, 15},                                                              /* KP_Tab */
    {0xff8d, 96},                                                              /* KP_Enter */
    {0xff95, 102}, /* KP_Home and what else the keypad is without Num Lock */
    {0xff96, 105}, {0xff97, 103}, {0xff98, 106}, {0xff99, 108}, {0xff9a, 104}, {0xff9b, 109},
    {0xff9c, 107}, {0xff9d, 76},  {0xff9e, 110}, {0xff9f, 111}, {0xffaa, 55}, /* KP_Multiply, KP_Add,
                                                                                 KP_Subtract, KP_Divide,
                                                                                 KP_Equal */
    {0xffab, 78},  {0xffad, 74},  {0xffaf, 98},  {0xffbd, 117}, {0xffbe, 59}, /* F1 to F10 */
    {0xffbf, 60},  {0xffc0, 61},  {0xffc1, 62},  {0xffc2, 63},  {0xffc3, 64},  {0xffc4, 65},
    {0xffc5, 66},  {0xffc6, 67},  {0xffc7, 68},  {0xffc8, 87},  /* F11, F12 */
    {0xffc9, 88},  {0xffe1, 42},                                /* Shift, Control: left and right */
    {0xffe2, 54},  {0xffe3, 29},  {0xffe4, 97},  {0xffe5, 58},  /* Caps_Lock */
    {0xffe7, 56},                                               /* Meta, as which clients send Alt */
    {0xffe8, 100}, {0xffe9, 56},                                /* Alt, Super */
    {0xffea, 100}, {0xffeb, 125}, {0xffec, 126}, {0xfe03, 100}, /* ISO_Level3_Shift */
    {0xfe20, 15},                                               /* ISO_Left_Tab: Tab with Shift */
    {0xffff, 111},                                              /* Delete */
};

#define KEYSYM_F13         0xffcau
#define KEYSYM_F24         0xffd5u
#define KEY_F13            183u
#define KEYSYM_KP_SPACE    0xff80u
#define KEYSYM_KP_SEPARATE 0xffacu
#define KEYSYM_KP_9        0xffb9u
#define KEYSYM_UNICODE     0x01000000u

/* The character that a keysym is; 0: none. The keypad's are 0xff80 above theirs. */
static uint32_t character_of_keysym(uint32_t keysym)
{
    if (keysym >= KEYSYM_UNICODE && keysym <= KEYSYM_UNICODE + 0x7e)
        keysym -= KEYSYM_UNICODE;
    if (keysym >= ' ' && keysym <= '~')
        return keysym;
    bool keypad = keysym == KEYSYM_KP_SPACE || keysym == KEYSYM_KP_SEPARATE ||
                  (keysym >= 0xffae && keysym <= KEYSYM_KP_9 && keysym != 0xffaf);
    return keypad ? keysym - 0xff80 : 0;
}

struct keysym_key key_of_keysym(uint32_t keysym)
{
    struct keysym_key found = {0};
    uint32_t character = character_of_keysym(keysym);
    if (character) {
        found.key = key_of_character(character, &found.shift);
        found.printable = true;
        return found;
    }
    if (keysym >= KEYSYM_F13 && keysym <= KEYSYM_F24)
        found.key = KEY_F13 + (keysym - KEYSYM_F13);
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (functions[i].keysym == keysym)
            found.key = functions[i].key;
    }
    return found;
}
