/*
 * Unikernels with random damage: each is refused with a sentence, or what comes of it keeps the rules: parts
 * inside memory, in order, never writable and executable, and page tables that say the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "modes/hvt/pages.h"
#include "tests/harness/test.h"
#include "tests/modes/hvt_support.h"

#define MEMORY (8 * MIB)
#define ROUNDS 30000

/* Borders of all kinds, in 1 to 8 bytes; mostly in the headers and notes. */
static uint8_t *damage(const uint8_t *bytes, size_t *len)
{
    static const uint64_t values[] = {
        0,          1,          2,          3,          4,          7,
        0xff,       0xfff,      0x1000,     0x100000,   0x101000,   0x102000,
        0x7fffffff, 0xffffffff, 1ull << 32, 1ull << 63, UINT64_MAX, UINT64_MAX - 0xfff};
    *len = UNIKERNEL_SIZE;
    if (test_random() % 16 == 0)
        *len = test_random() % UNIKERNEL_SIZE;
    uint8_t *copy = malloc(*len + 1);
    memcpy(copy, bytes, *len);
    for (uint64_t n = 1 + test_random() % 4; n; n--) {
        unsigned width = 1u << test_random() % 4;
        uint64_t at = test_random() % 3 ? test_random() % 0x160 : UNIKERNEL_ABI_NOTE + test_random() % 0x1a0;
        at = align_down(at, width);
        if (at + width <= *len)
            le_store(copy + at, width,
                     test_random() % 4 ? values[test_random() % ARRAY_LEN(values)] : test_random());
    }
    return copy;
}

/* Bits of an entry of its own making: what may be done. */
static uint64_t table(uint64_t address)
{
    return address | 1;
}

static uint64_t leaf(uint64_t address, struct hvt_access access, bool large)
{
    CHECK(!(access.writable && access.executable));
    CHECK_EQ(address % (large ? 2 * MIB : PAGE_SIZE), 0);
    return address | 2 | (access.writable ? 4 : 0) | (access.executable ? 8 : 0);
}

static void pages_check(const struct hvt_image *image, uint8_t *memory)
{
    static const struct hvt_paging paging = {
        .directories = 0x4000, .pages = 0x8000, .table = table, .leaf = leaf};
    memset(memory, 0, HVT_LOAD_BASE);
    hvt_pages_make(&paging, image, memory, MEMORY);
    CHECK(le64_load(memory + 0x8000 + 8 * (HVT_SHOWN_BASE / PAGE_SIZE - 1)) == 0);
    for (unsigned i = 0; i < image->segment_count; i++) {
        uint64_t at = image->segments[i].start, entry = le64_load(memory + 0x4000 + 8 * (at / (2 * MIB)));
        if (entry & 1)
            entry = le64_load(memory + (entry & PAGE_MASK) + 8 * (at / PAGE_SIZE % 512));
        CHECK_EQ(entry >> 2 & 1, image->segments[i].writable);
        CHECK_EQ(entry >> 3 & 1, image->segments[i].executable);
    }
}

static bool keeps_rules(const struct hvt_image *image)
{
    uint64_t last = HVT_LOAD_BASE;
    bool entry = false;
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct hvt_segment *s = &image->segments[i];
        entry |= s->executable && image->entry >= s->start && image->entry < s->end;
        if (s->start < last || s->end <= s->start || (s->writable && s->executable) ||
            s->address < s->start || range_beyond(s->address, s->file_size, s->end))
            return false;
        last = s->end;
    }
    return entry && image->end == last && image->end <= HVT_MEMORY_MAX && image->device_count >= 1;
}

static void damaged(void)
{
    uint8_t bytes[UNIKERNEL_SIZE], *memory = calloc(1, MEMORY);
    unsigned good = 0;
    unikernel_make(bytes);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct hvt_image image;
        struct source source;
        struct error err = {0};
        size_t len;
        uint8_t *copy = damage(bytes, &len);
        source_memory(&source, "unikernel", copy, len);
        if (!hvt_image_read(&image, &source, &err)) {
            CHECK(err.kind == ERROR_IMAGE && err.text[0] && !strchr(err.text, '\n'));
        } else if (CHECK(keeps_rules(&image)) && image.end <= MEMORY) {
            CHECK(hvt_image_load(&image, &source, memory, NULL));
            pages_check(&image, memory);
            good++;
        }
        source_close(&source);
        free(copy);
    }
    CHECK(good > ROUNDS / 100); /* else the damage is too great to show much */
    free(memory);
}

static const struct test_case cases[] = {
    {"damaged", damaged},
};
TEST_SUITE(hvt_image_fuzz_test, "fuzz", cases);
