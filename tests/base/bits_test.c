#include "base/bits.h"
#include "tests/harness/test.h"

static void fields(void)
{
    CHECK_EQ(bits_get(0x123456789abcdef0, 4, 8), 0xef);
    CHECK_EQ(bits_get(~(uint64_t)0, 0, 64), ~(uint64_t)0);
    CHECK_EQ(bits_set(0, 60, 4, 0x1f), 0xf000000000000000);
    CHECK_EQ(sign_extend(0x800, 12), (uint64_t)-2048);
    CHECK_EQ(sign_extend(0x7ff, 12), 2047);
}

static void byte_order(void)
{
    const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    CHECK_EQ(le32_load(bytes), 0x04030201);
    CHECK_EQ(be64_load(bytes), 0x0102030405060708);
    CHECK_EQ(le_load(bytes, 2), 0x0201);
    uint8_t out[4];
    be32_store(out, 0x11223344);
    CHECK_EQ(out[0], 0x11);
    le_store(out, 2, 0xaabb);
    CHECK_EQ(out[0], 0xbb);
}

static void ranges(void)
{
    CHECK(ranges_overlap(0, 4, 3, 1));
    CHECK(!ranges_overlap(0, 4, 4, 1));
    CHECK(!ranges_overlap(0, 0, 0, 1));
    CHECK(ranges_overlap(~(uint64_t)0, 1, ~(uint64_t)0, 1));
    CHECK(range_beyond(5, 6, 10));
    CHECK(!range_beyond(5, 5, 10));
    CHECK(range_beyond(1, ~(uint64_t)0, 10));
}

static const struct test_case cases[] = {{"fields", fields}, {"byte_order", byte_order}, {"ranges", ranges}};
TEST_SUITE(bits_test, "unit", cases);
