#include "machine/loader/multiboot.h"

#include "base/bits.h"

#define MAGIC        0x1badb002u
#define SEARCH       8192u /* 3.1: the header lies within, at a multiple of four bytes */
#define HEADER_LEAST 12u
#define HEADER_SIZE  48u

static void header_take(const uint8_t *bytes, uint32_t at, struct multiboot_header *header)
{
    const uint8_t *fields = bytes + at;
    *header = (struct multiboot_header){.there = true,
                                        .at = at,
                                        .flags = le32_load(fields + 4),
                                        .header = le32_load(fields + 12),
                                        .load = le32_load(fields + 16),
                                        .load_end = le32_load(fields + 20),
                                        .bss_end = le32_load(fields + 24),
                                        .entry = le32_load(fields + 28),
                                        .mode = le32_load(fields + 32),
                                        .width = le32_load(fields + 36),
                                        .height = le32_load(fields + 40),
                                        .depth = le32_load(fields + 44)};
}

bool multiboot_header_find(const struct source *source, struct multiboot_header *header, struct error *err)
{
    uint8_t bytes[SEARCH + HEADER_SIZE] = {0};
    uint32_t len = source->size < SEARCH ? (uint32_t)source->size : SEARCH;
    *header = (struct multiboot_header){.there = false};
    if (!source_read(source, 0, bytes, len, err))
        return false;
    for (uint32_t at = 0; at + HEADER_LEAST <= len; at += 4) {
        const uint8_t *fields = bytes + at;
        bool sum = le32_load(fields) + le32_load(fields + 4) + le32_load(fields + 8) == 0;
        if (le32_load(fields) == MAGIC && sum) {
            header_take(bytes, at, header);
            return true;
        }
    }
    return true;
}

static bool damaged(const struct source *source, const char *why, struct error *err)
{
    return error_set(err, ERROR_IMAGE, "%s can't be used: its multiboot header is damaged (%s)", source->path,
                     why);
}

/* 3.1.3: the header's place in the file says which part of it goes to load..load_end, zeroes follow to
 * bss_end. An end of 0 is that of the file; no bss is bss_end 0. */
static bool addresses_load(const struct source *source, const struct multiboot_header *header,
                           const struct load_target *target, struct loaded *loaded, struct error *err)
{
    uint64_t before = (uint64_t)header->header - header->load;
    if (header->load > header->header || before > header->at)
        return damaged(source, "it lies outside what is loaded", err);
    uint64_t offset = header->at - before, len = source->size - offset;
    if (header->load_end && header->load_end <= header->header)
        return damaged(source, "the text ends before it", err);
    if (header->load_end)
        len = header->load_end - header->load;
    uint64_t end = header->load + len;
    if (header->bss_end && header->bss_end < end)
        return damaged(source, "the zeroed part ends before the text", err);
    if (header->bss_end)
        end = header->bss_end;
    if (range_beyond(offset, len, source->size))
        return error_set(err, ERROR_IMAGE, "%s is truncated: it has %llu bytes and %llu are needed",
                         source->path, (unsigned long long)source->size, (unsigned long long)(offset + len));
    uint8_t *host = load_place(source, target, header->load, end - header->load, err);
    if (!host || !source_read(source, offset, host, len, err))
        return false;
    load_zero(target, header->load + len, end - header->load - len);
    *loaded = (struct loaded){.start = header->load, .end = end, .entry = header->entry};
    return true;
}

bool multiboot_load(const struct source *source, const struct multiboot_header *header,
                    const struct load_target *target, struct loaded *loaded, struct error *err)
{
    struct elf_facts facts;
    uint32_t unknown = header->flags & MULTIBOOT_MUST & ~MULTIBOOT_KNOWN;
    if (unknown)
        return error_set(
            err, ERROR_IMAGE,
            "%s can't be used: it demands something of its multiboot loader (flags 0x%x) that the "
            "specification doesn't know",
            source->path, unknown);
    if (header->flags & MULTIBOOT_ADDRESSES)
        return addresses_load(source, header, target, loaded, err);
    if (!elf_look(source, &facts, err))
        return false;
    return elf_load(source, target, facts.machine, 0, loaded, err);
}
