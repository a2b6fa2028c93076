#include "devices/clipboard/text.h"

#include <stdlib.h>
#include <string.h>

/* The bytes of the character that `text` begins with, and the character; 0: none. */
static size_t character(const uint8_t *text, size_t len, uint32_t *value)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text[0];
    size_t bytes = first < 0x80   ? 1
                   : first < 0xc2 ? 0
                   : first < 0xe0 ? 2
                   : first < 0xf0 ? 3
                   : first < 0xf5 ? 4
                                  : 0;
    if (bytes == 0 || bytes > len)
        return 0;
    *value = bytes == 1 ? first : first & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *value = *value << 6 | (text[i] & 0x3f);
    }
    bool surrogate = *value >= 0xd800 && *value < 0xe000;
    return *value < least[bytes] || *value > 0x10ffff || surrogate ? 0 : bytes;
}

bool text_is_utf8(const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;
    for (size_t done = 0, bytes; done < len; done += bytes) {
        uint32_t value;
        bytes = character(at + done, len - done, &value);
        if (bytes == 0 || value == 0)
            return false;
    }
    return true;
}

static char *text_alloc(size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    return text;
}

size_t text_crlf_remove(char *text, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
            text[kept++] = text[i];
    }
    return kept;
}

char *text_crlf_add(const char *text, size_t len, size_t *made)
{
    char *out = text_alloc(2 * len);
    *made = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out[(*made)++] = '\r';
        out[(*made)++] = text[i];
    }
    return out;
}

char *text_to_latin1(const char *text, size_t len, size_t *made)
{
    const uint8_t *at = (const uint8_t *)text;
    char *out = text_alloc(len);
    *made = 0;
    for (size_t done = 0, bytes; done < len; done += bytes) {
        uint32_t value = '?';
        bytes = character(at + done, len - done, &value);
        if (bytes == 0)
            break;
        out[(*made)++] = (char)(value < 0x100 ? value : '?');
    }
    return out;
}

char *text_from_latin1(const char *text, size_t len, size_t *made)
{
    char *out = text_alloc(2 * len);
    *made = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t value = (uint8_t)text[i];
        if (value >= 0x80)
            out[(*made)++] = (char)(0xc0 | value >> 6);
        out[(*made)++] = (char)(value < 0x80 ? value : 0x80 | (value & 0x3f));
    }
    return out;
}
