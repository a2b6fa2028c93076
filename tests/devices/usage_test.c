/* USB's key numbers against Linux's own header. */
#include "devices/input/usage.h"

#include <linux/input-event-codes.h>

#include "tests/harness/test.h"

static void known_keys(void)
{
    static const struct {
        unsigned usage, key;
    } known[] = {
        {0x04, KEY_A},         {0x1d, KEY_Z},          {0x1e, KEY_1},           {0x27, KEY_0},
        {0x28, KEY_ENTER},     {0x29, KEY_ESC},        {0x2a, KEY_BACKSPACE},   {0x2b, KEY_TAB},
        {0x2c, KEY_SPACE},     {0x2d, KEY_MINUS},      {0x2e, KEY_EQUAL},       {0x2f, KEY_LEFTBRACE},
        {0x31, KEY_BACKSLASH}, {0x33, KEY_SEMICOLON},  {0x35, KEY_GRAVE},       {0x38, KEY_SLASH},
        {0x39, KEY_CAPSLOCK},  {0x3a, KEY_F1},         {0x45, KEY_F12},         {0x46, KEY_SYSRQ},
        {0x48, KEY_PAUSE},     {0x4c, KEY_DELETE},     {0x4f, KEY_RIGHT},       {0x50, KEY_LEFT},
        {0x51, KEY_DOWN},      {0x52, KEY_UP},         {0x53, KEY_NUMLOCK},     {0x54, KEY_KPSLASH},
        {0x58, KEY_KPENTER},   {0x59, KEY_KP1},        {0x61, KEY_KP9},         {0x62, KEY_KP0},
        {0x64, KEY_102ND},     {0x65, KEY_COMPOSE},    {0x68, KEY_F13},         {0x73, KEY_F24},
        {0x7f, KEY_MUTE},      {0x80, KEY_VOLUMEUP},   {0x87, KEY_RO},          {0x89, KEY_YEN},
        {0x8a, KEY_HENKAN},    {0x90, KEY_HANGEUL},    {0xb6, KEY_KPLEFTPAREN}, {0xe0, KEY_LEFTCTRL},
        {0xe3, KEY_LEFTMETA},  {0xe5, KEY_RIGHTSHIFT}, {0xe6, KEY_RIGHTALT},    {0xe7, KEY_RIGHTMETA}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        test_context("usage %02x", known[i].usage);
        CHECK_EQ(key_of_usage(known[i].usage), known[i].key);
        CHECK_EQ(usage_of_key(known[i].key), known[i].usage);
    }
    test_context(NULL);
}

/* But for the second \ there is one key a usage. */
static void back_and_forth(void)
{
    for (unsigned usage = 0; usage < USAGE_COUNT; usage++) {
        unsigned key = key_of_usage(usage);
        if (key)
            CHECK_EQ(usage_of_key(key), usage == 0x32 ? 0x31 : usage);
    }
    CHECK_EQ(key_of_usage(USAGE_COUNT), 0);
    CHECK_EQ(usage_of_key(0), 0);
    CHECK_EQ(usage_of_key(0x1ff), 0);
}

static const struct test_case cases[] = {{"known_keys", known_keys}, {"back_and_forth", back_and_forth}};

TEST_SUITE(usage_test, "unit", cases);
