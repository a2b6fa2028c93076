/*
 * GDB's packets: framing, check sums, escapes and numbers in hexadecimal. Nothing here knows what a packet
 * means.
 */
#pragma once

#include "base/types.h"

#define GDB_PACKET_MAX 0x4000

enum gdb_input {
    GDB_NOTHING,   /* more bytes are needed */
    GDB_PACKET,    /* `data` holds a packet, checked and unescaped, with a NUL behind it */
    GDB_BAD,       /* a packet with a wrong check sum: ask again */
    GDB_INTERRUPT, /* Ctrl-C */
    GDB_RESEND,    /* GDB didn't like the last answer */
};

struct gdb_reader {
    enum { GDB_IDLE, GDB_DATA, GDB_SUM1, GDB_SUM2 } state;
    bool escaped, too_long;
    uint8_t sum, sum_sent;
    size_t len;
    char data[GDB_PACKET_MAX + 1];
};

/* One byte of input. */
enum gdb_input gdb_reader_take(struct gdb_reader *reader, char byte);

/* Text under construction; what does not fit is dropped and `overflow` set. */
struct gdb_text {
    size_t len;
    bool overflow;
    char data[GDB_PACKET_MAX + 8];
};

void gdb_text_add(struct gdb_text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gdb_text_hex(struct gdb_text *text, const uint8_t *bytes, size_t len);
/* Bytes as a binary reply wants them: $ # } and * escaped. */
void gdb_text_binary(struct gdb_text *text, const char *bytes, size_t len);

/* Read a hexadecimal number at *at and move behind it; false: there is none, or it has more than 16 digits.
 */
bool gdb_hex_number(const char **at, uint64_t *value);
/* Read exactly len bytes as pairs of digits. */
bool gdb_hex_bytes(const char **at, uint8_t *bytes, size_t len);
