#include "base/state.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

struct lane {
    uint16_t speed;
    uint8_t on;
};

struct thing {
    uint32_t control;
    uint64_t secret; /* not in the table */
    uint8_t fifo[4];
    struct lane lanes[3];
    uint64_t offset;
    unsigned restored;
};

static void thing_restored(void *object)
{
    ((struct thing *)object)->restored++;
}

static const struct state_field fields[] = {
    STATE(struct thing, control, .reset = 0x80000001),
    STATE_ARRAY(struct thing, fifo),
    STATE_EACH(struct thing, lanes, speed, .reset = 100),
    STATE_EACH(struct thing, lanes, on),
    STATE(struct thing, offset, .keep = true, .since = 2, .reset = 7),
};
static const struct state_table table = {"thing", 2, fields, ARRAY_LEN(fields), thing_restored};
static const struct state_table table_v1 = {"thing", 1, fields, ARRAY_LEN(fields) - 1, NULL};

static void reset(void)
{
    struct thing t;
    memset(&t, 0xff, sizeof(t));
    t.restored = 0;
    state_reset(&table, &t, false);
    CHECK_EQ(t.control, 0x80000001);
    CHECK_EQ(t.fifo[3], 0);
    CHECK_EQ(t.lanes[2].speed, 100);
    CHECK_EQ(t.lanes[2].on, 0);
    CHECK_EQ(t.offset, ~(uint64_t)0);
    CHECK_EQ(t.secret, ~(uint64_t)0);
    CHECK_EQ(t.restored, 1);
    state_reset(&table, &t, true);
    CHECK_EQ(t.offset, 7);
}

static void save_and_load(void)
{
    struct thing t = {
        .control = 0x12345678, .fifo = {1, 2, 3, 4}, .lanes = {{10, 1}, {20, 0}, {30, 1}}, .offset = 99};
    size_t size = state_save_size(&table);
    /* magic, version, length, "thing", then 4 + 4 + 3 * 2 + 3 + 8 bytes of values */
    CHECK_EQ(size, 8 + 5 + 25);
    uint8_t *save = malloc(size);
    state_save(&table, &t, save);
    CHECK_EQ(save[13], 0x78);
    struct thing u = {.secret = 5};
    CHECK(state_load(&table, &u, save, size));
    CHECK_EQ(u.control, t.control);
    CHECK_MEM(u.fifo, t.fifo, 4);
    CHECK_EQ(u.lanes[2].speed, 30);
    CHECK_EQ(u.lanes[1].on, 0);
    CHECK_EQ(u.offset, 99);
    CHECK_EQ(u.secret, 5);
    CHECK_EQ(u.restored, 1);
    free(save);
}

static void older_and_wrong_saves(void)
{
    struct thing t = {.control = 3, .offset = 99};
    uint8_t save[64];
    state_save(&table_v1, &t, save);
    struct thing u = {0};
    CHECK(state_load(&table, &u, save, state_save_size(&table_v1)));
    CHECK_EQ(u.control, 3);
    CHECK_EQ(u.offset, 7);

    struct thing before = u;
    state_save(&table, &t, save);
    size_t size = state_save_size(&table);
    CHECK(!state_load(&table, &u, save, size - 1));
    CHECK(!state_load(&table, &u, save, 3));
    CHECK(!state_load(&table_v1, &u, save, size));
    save[8] ^= 1;
    CHECK(!state_load(&table, &u, save, size));
    CHECK_MEM(&u, &before, sizeof(u));
}

static const struct test_case cases[] = {
    {"reset", reset},
    {"save_and_load", save_and_load},
    {"older_and_wrong_saves", older_and_wrong_saves},
};
TEST_SUITE(state_test, "unit", cases);
