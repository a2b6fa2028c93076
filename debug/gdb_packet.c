#include "debug/gdb_packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static enum gdb_input idle_take(struct gdb_reader *reader, char byte)
{
    switch (byte) {
    case '$':
        reader->state = GDB_DATA;
        reader->len = 0;
        reader->sum = 0;
        reader->escaped = reader->too_long = false;
        return GDB_NOTHING;
    case 3: return GDB_INTERRUPT;
    case '-': return GDB_RESEND;
    default: return GDB_NOTHING; /* '+' and noise */
    }
}

static void data_take(struct gdb_reader *reader, char byte)
{
    if (byte == '#') {
        reader->state = GDB_SUM1;
        return;
    }
    reader->sum = (uint8_t)(reader->sum + (uint8_t)byte);
    if (byte == '}' && !reader->escaped) {
        reader->escaped = true;
        return;
    }
    if (reader->len == GDB_PACKET_MAX)
        reader->too_long = true;
    else
        reader->data[reader->len++] = reader->escaped ? (char)(byte ^ 0x20) : byte;
    reader->escaped = false;
}

enum gdb_input gdb_reader_take(struct gdb_reader *reader, char byte)
{
    switch (reader->state) {
    case GDB_IDLE: return idle_take(reader, byte);
    case GDB_DATA: data_take(reader, byte); return GDB_NOTHING;
    case GDB_SUM1:
        reader->sum_sent = (uint8_t)((unsigned)digit_value(byte) << 4);
        reader->state = GDB_SUM2;
        return GDB_NOTHING;
    default: break;
    }
    reader->state = GDB_IDLE;
    reader->sum_sent |= (uint8_t)digit_value(byte);
    if (reader->sum_sent != reader->sum || reader->too_long)
        return GDB_BAD;
    reader->data[reader->len] = 0;
    return GDB_PACKET;
}

void gdb_text_add(struct gdb_text *text, const char *fmt, ...)
{
    size_t room = sizeof(text->data) - text->len;
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text->data + text->len, room, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= room)
        text->overflow = true;
    else
        text->len += (size_t)len;
}

void gdb_text_hex(struct gdb_text *text, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        gdb_text_add(text, "%02x", bytes[i]);
}

void gdb_text_binary(struct gdb_text *text, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr("$#}*", bytes[i]) && bytes[i])
            gdb_text_add(text, "}%c", bytes[i] ^ 0x20);
        else if (text->len + 1 < sizeof(text->data))
            text->data[text->len++] = bytes[i];
        else
            text->overflow = true;
    }
}

bool gdb_hex_number(const char **at, uint64_t *value)
{
    unsigned digits = 0;
    *value = 0;
    for (; digit_value(**at) >= 0; ++*at, digits++)
        *value = *value << 4 | (uint64_t)digit_value(**at);
    return digits > 0 && digits <= 16;
}

bool gdb_hex_bytes(const char **at, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(**at), low = high < 0 ? -1 : digit_value((*at)[1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
        *at += 2;
    }
    return true;
}
