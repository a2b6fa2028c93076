#include "machine/acpi/aml.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* ACPI 20.3: opcodes. */
#define EXT_PREFIX 0x5b
#define NAME       0x08
#define BYTE       0x0a
#define WORD       0x0b
#define DWORD      0x0c
#define STRING     0x0d
#define QWORD      0x0e
#define SCOPE      0x10
#define BUFFER     0x11
#define PACKAGE    0x12
#define METHOD     0x14
#define DUAL_NAME  0x2e
#define MULTI_NAME 0x2f
#define IF         0xa0
#define ELSE       0xa1
#define WHILE      0xa2
#define EXT_REGION 0x80
#define EXT_FIELD  0x81
#define EXT_DEVICE 0x82

#define SERIALIZED 0x08

/* --- bytes --- */

static uint8_t *room_make(struct aml *aml, size_t at, size_t len)
{
    if (aml->size - aml->len < len) {
        aml->size = 2 * aml->size + len + 256;
        aml->bytes = realloc(aml->bytes, aml->size);
        if (!aml->bytes)
            abort();
    }
    memmove(aml->bytes + at + len, aml->bytes + at, aml->len - at);
    aml->len += len;
    return aml->bytes + at;
}

void aml_bytes(struct aml *aml, const void *bytes, size_t len)
{
    memcpy(room_make(aml, aml->len, len), bytes, len);
}

static void number_put(struct aml *aml, unsigned width, uint64_t value)
{
    le_store(room_make(aml, aml->len, width), width, value);
}

static void byte_put(struct aml *aml, uint8_t byte)
{
    number_put(aml, 1, byte);
}

void aml_free(struct aml *aml)
{
    free(aml->bytes);
    *aml = (struct aml){0};
}

/* --- enclosing terms --- */

static void open_here(struct aml *aml, bool resources)
{
    assert(aml->depth < AML_DEPTH_MAX);
    aml->open[aml->depth].at = aml->len;
    aml->open[aml->depth++].resources = resources;
}

/* 20.2.4: one byte holds 6 bits; `extra` more bytes 4 and 8 each. */
static bool length_fits(uint64_t length, unsigned extra)
{
    return length >> (extra ? 4 + 8 * extra : 6) == 0;
}

static unsigned length_encode(uint64_t length, unsigned extra, uint8_t out[4])
{
    assert(length_fits(length, extra));
    out[0] = (uint8_t)(extra ? extra << 6 | (length & 0xf) : length);
    for (unsigned i = 1; i <= extra; i++)
        out[i] = (uint8_t)(length >> (4 + 8 * (i - 1)));
    return extra + 1;
}

/* The length of a term counts itself. */
static unsigned package_length(size_t content, uint8_t out[4])
{
    unsigned extra = 0;
    while (extra < 3 && !length_fits(content + 1 + extra, extra))
        extra++;
    return length_encode(content + 1 + extra, extra, out);
}

static void length_insert(struct aml *aml, size_t at)
{
    uint8_t length[4];
    unsigned count = package_length(aml->len - at, length);
    memcpy(room_make(aml, at, count), length, count);
}

/* A template is a buffer: its end tag (with no checksum), and in front its size. */
static void resources_close(struct aml *aml, size_t at)
{
    number_put(aml, 2, 0x0079);
    size_t size = aml->len - at;
    unsigned width = size <= 0xff ? 1 : 2;
    uint8_t *number = room_make(aml, at, 1 + width);
    number[0] = width == 1 ? BYTE : WORD;
    le_store(number + 1, width, size);
}

void aml_end(struct aml *aml)
{
    assert(aml->depth);
    aml->depth--;
    size_t at = aml->open[aml->depth].at;
    if (aml->open[aml->depth].resources)
        resources_close(aml, at);
    length_insert(aml, at);
}

/* --- names --- */

static void segment_put(struct aml *aml, const char *text, size_t len)
{
    char segment[4] = {'_', '_', '_', '_'};
    assert(len >= 1 && len <= 4);
    memcpy(segment, text, len);
    aml_bytes(aml, segment, 4);
}

/* 20.2.2: prefixes, then one segment, two, or a count of them. */
static void name_string(struct aml *aml, const char *path)
{
    unsigned segments = 0;
    for (; *path == '\\' || *path == '^'; path++)
        byte_put(aml, (uint8_t)*path);
    for (const char *p = path; *p; p += strcspn(p, "."), p += *p == '.')
        segments++;
    if (segments == 0)
        byte_put(aml, 0);
    else if (segments == 2)
        byte_put(aml, DUAL_NAME);
    else if (segments > 2)
        number_put(aml, 2, (uint64_t)segments << 8 | MULTI_NAME);
    for (const char *p = path; *p; p += *p == '.') {
        size_t len = strcspn(p, ".");
        segment_put(aml, p, len);
        p += len;
    }
}

void aml_path(struct aml *aml, const char *path)
{
    name_string(aml, path);
}

void aml_scope(struct aml *aml, const char *path)
{
    byte_put(aml, SCOPE);
    open_here(aml, false);
    name_string(aml, path);
}

void aml_device(struct aml *aml, const char *name)
{
    number_put(aml, 2, EXT_DEVICE << 8 | EXT_PREFIX);
    open_here(aml, false);
    name_string(aml, name);
}

void aml_method(struct aml *aml, const char *name, unsigned args, bool serialized)
{
    byte_put(aml, METHOD);
    open_here(aml, false);
    name_string(aml, name);
    byte_put(aml, (uint8_t)(args | (serialized ? SERIALIZED : 0)));
}

void aml_package(struct aml *aml, unsigned count)
{
    assert(count < 256);
    byte_put(aml, PACKAGE);
    open_here(aml, false);
    byte_put(aml, (uint8_t)count);
}

static void block_open(struct aml *aml, uint8_t op)
{
    byte_put(aml, op);
    open_here(aml, false);
}

void aml_if(struct aml *aml)
{
    block_open(aml, IF);
}

void aml_else(struct aml *aml)
{
    block_open(aml, ELSE);
}

void aml_while(struct aml *aml)
{
    block_open(aml, WHILE);
}

void aml_resources(struct aml *aml)
{
    byte_put(aml, BUFFER);
    open_here(aml, true);
}

void aml_name(struct aml *aml, const char *path)
{
    byte_put(aml, NAME);
    name_string(aml, path);
}

void aml_name_int(struct aml *aml, const char *path, uint64_t value)
{
    aml_name(aml, path);
    aml_int(aml, value);
}

void aml_name_string(struct aml *aml, const char *path, const char *value)
{
    aml_name(aml, path);
    aml_string(aml, value);
}

void aml_name_eisa_id(struct aml *aml, const char *path, const char *id)
{
    aml_name(aml, path);
    aml_eisa_id(aml, id);
}

void aml_region(struct aml *aml, const char *name, enum aml_space space, uint64_t offset, uint64_t len)
{
    number_put(aml, 2, EXT_REGION << 8 | EXT_PREFIX);
    name_string(aml, name);
    byte_put(aml, (uint8_t)space);
    aml_int(aml, offset);
    aml_int(aml, len);
}

void aml_field(struct aml *aml, const char *region, enum aml_access access)
{
    number_put(aml, 2, EXT_FIELD << 8 | EXT_PREFIX);
    open_here(aml, false);
    name_string(aml, region);
    byte_put(aml, (uint8_t)access); /* no lock, other bits are preserved */
}

/* 20.2.5.2: the number of bits is encoded as a length, which here does not count itself. */
void aml_field_unit(struct aml *aml, const char *name, unsigned bits)
{
    uint8_t length[4];
    unsigned extra = 0;
    while (extra < 3 && !length_fits(bits, extra))
        extra++;
    if (name)
        segment_put(aml, name, strlen(name));
    else
        byte_put(aml, 0);
    aml_bytes(aml, length, length_encode(bits, extra, length));
}

/* --- terms --- */

void aml_int(struct aml *aml, uint64_t value)
{
    if (value <= 1) {
        byte_put(aml, (uint8_t)value);
    } else if (value <= 0xff) {
        byte_put(aml, BYTE);
        number_put(aml, 1, value);
    } else if (value <= 0xffff) {
        byte_put(aml, WORD);
        number_put(aml, 2, value);
    } else if (value <= 0xffffffff) {
        byte_put(aml, DWORD);
        number_put(aml, 4, value);
    } else {
        byte_put(aml, QWORD);
        number_put(aml, 8, value);
    }
}

void aml_string(struct aml *aml, const char *text)
{
    byte_put(aml, STRING);
    aml_bytes(aml, text, strlen(text) + 1);
}

void aml_buffer(struct aml *aml, const void *bytes, size_t len)
{
    byte_put(aml, BUFFER);
    open_here(aml, false);
    aml_int(aml, len);
    aml_bytes(aml, bytes, len);
    aml_end(aml);
}

static unsigned hex_digit(char c)
{
    assert(isxdigit((unsigned char)c));
    return isdigit((unsigned char)c) ? (unsigned)(c - '0') : (unsigned)(toupper((unsigned char)c) - 'A' + 10);
}

/* 19.6.38: three letters of 5 bits and four hexadecimal digits, most significant byte first. */
void aml_eisa_id(struct aml *aml, const char *id)
{
    uint32_t value = 0;
    assert(strlen(id) == 7);
    for (unsigned i = 0; i < 3; i++)
        value = value << 5 | (uint32_t)(id[i] - '@');
    for (unsigned i = 3; i < 7; i++)
        value = value << 4 | hex_digit(id[i]);
    byte_put(aml, DWORD);
    number_put(aml, 4, __builtin_bswap32(value));
}

/* 19.6.142: the first three groups are little-endian. */
void aml_uuid(struct aml *aml, const char *uuid)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t bytes[16];
    const char *p = uuid;
    for (unsigned i = 0; i < 16; i++, p += 2) {
        p += *p == '-';
        bytes[order[i]] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
    }
    aml_buffer(aml, bytes, sizeof(bytes));
}

void aml_op(struct aml *aml, enum aml_op op)
{
    if (op > 0xff)
        byte_put(aml, (uint8_t)(op >> 8));
    byte_put(aml, (uint8_t)op);
}
