#include "softmmu/ram.h"

#include <sched.h>
#include <string.h>

#include "host/thread.h"
#include "tests/harness/test.h"

/* A listener that keeps what it was told. */
struct witness {
    uint64_t protects, protected_page, protected_len;
    uint64_t writes, written_at, written_len;
    uint64_t remaps;
};

static void on_protect(void *opaque, gpa_t first, uint64_t len)
{
    struct witness *witness = opaque;
    witness->protects++;
    witness->protected_page = first.a;
    witness->protected_len = len;
}

static void on_written(void *opaque, gpa_t p, uint64_t len)
{
    struct witness *witness = opaque;
    witness->writes++;
    witness->written_at = p.a;
    witness->written_len = len;
}

static void on_remapped(void *opaque)
{
    ((struct witness *)opaque)->remaps++;
}

static void watch(struct ram *ram, struct witness *witness)
{
    *witness = (struct witness){0};
    ram_listener_add(ram, &(struct ram_code_listener){on_protect, on_written, on_remapped, witness});
}

static struct ram_block *show(struct ram *ram, const char *name, uint64_t base, uint64_t size)
{
    struct error err;
    struct ram_block *block = ram_block_create(ram, name, size, &err);
    if (!CHECK(block != NULL))
        return NULL;
    CHECK(ram_map(ram, block, 0, gpa(base), size, RAM_MAPPED, NULL));
    return block;
}

static void holes_are_holes(void)
{
    struct ram *ram = ram_create();
    show(ram, "low", 0x80000000, 64 * KIB);
    CHECK(ram_at(ram, gpa(0x80000000), 1, RAM_READ) != NULL);
    CHECK(ram_at(ram, gpa(0x8000ffff), 1, RAM_WRITE) != NULL);
    CHECK(ram_at(ram, gpa(0x80000000), 64 * KIB, RAM_READ) != NULL);
    CHECK(ram_at(ram, gpa(0x80000000), 64 * KIB + 1, RAM_READ) == NULL);
    CHECK(ram_at(ram, gpa(0x8000ffff), 2, RAM_READ) == NULL);
    CHECK(ram_at(ram, gpa(0x80010000), 1, RAM_READ) == NULL);
    CHECK(ram_at(ram, gpa(0x7fffffff), 1, RAM_READ) == NULL);
    CHECK(ram_at(ram, gpa(0x7fffffff), 2, RAM_READ) == NULL);
    CHECK(ram_at(ram, gpa(0x80000010), ~(uint64_t)0, RAM_READ) == NULL);
    CHECK(ram_at(ram, gpa(0x80000010), 0, RAM_READ) == NULL);
    CHECK(ram_at(ram, gpa(~(uint64_t)0), 1, RAM_READ) == NULL);
    CHECK(ram_page_at(ram, gpa(0x80010000)).host == NULL);
    CHECK_EQ(ram_total(ram), 64 * KIB);
    ram_destroy(ram);
}

/* RAM at the very end of the address space: nothing may wrap to zero. */
static void last_page(void)
{
    struct ram *ram = ram_create();
    struct ram_block *block = show(ram, "top", ~(uint64_t)0 - 8191, 8 * KIB);
    CHECK(ram_at(ram, gpa(~(uint64_t)0), 1, RAM_WRITE) == ram_block_host(block) + 8191);
    CHECK(ram_at(ram, gpa(~(uint64_t)0), 2, RAM_WRITE) == NULL);
    CHECK(ram_at(ram, gpa(~(uint64_t)0 - 8191), 8192, RAM_WRITE) != NULL);
    uint8_t bytes[2];
    CHECK(!ram_read(ram, gpa(~(uint64_t)0), bytes, 2));
    CHECK(ram_write(ram, gpa(~(uint64_t)0), "x", 1));
    CHECK(!ram_map(ram, block, 0, gpa(~(uint64_t)0 - 4095), 8192, RAM_MAPPED, NULL));
    ram_destroy(ram);
}

static void mapping_rules(void)
{
    struct ram *ram = ram_create();
    struct error err;
    struct ram_block *block = ram_block_create(ram, "block", 16 * KIB, &err);
    unsigned first, second;
    CHECK(ram_map(ram, block, 0, gpa(0x10000), 8 * KIB, RAM_MAPPED, &first));
    CHECK(!ram_map(ram, block, 0, gpa(0x11000), 4 * KIB, RAM_MAPPED, NULL));
    CHECK(!ram_map(ram, block, 0, gpa(0xf000), 8 * KIB, RAM_MAPPED, NULL));
    CHECK(!ram_map(ram, block, 12 * KIB, gpa(0x20000), 8 * KIB, RAM_MAPPED, NULL));
    CHECK(!ram_map(ram, block, 0, gpa(0x20000), 0, RAM_MAPPED, NULL));
    CHECK(ram_map(ram, block, 8 * KIB, gpa(0xe000), 8 * KIB, RAM_READONLY, &second));
    CHECK(ram_at(ram, gpa(0xe000), 8, RAM_READ) == ram_block_host(block) + 8 * KIB);
    CHECK(ram_at(ram, gpa(0xe000), 8, RAM_WRITE) == NULL);
    CHECK(ram_page_at(ram, gpa(0xf000)).host == ram_block_host(block) + 12 * KIB);
    CHECK(!ram_page_at(ram, gpa(0xf000)).writable);
    CHECK_EQ(ram_total(ram), 8 * KIB);
    ram_mapping_set_kind(ram, second, RAM_HIDDEN);
    CHECK(ram_at(ram, gpa(0xe000), 8, RAM_READ) == NULL);
    CHECK(ram_page_at(ram, gpa(0xe000)).host == NULL);
    ram_unmap(ram, first);
    CHECK(ram_at(ram, gpa(0x10000), 1, RAM_READ) == NULL);
    CHECK(ram_map(ram, block, 0, gpa(0x10000), 8 * KIB, RAM_MAPPED, NULL));
    ram_destroy(ram);
}

static void copies_cross_mappings(void)
{
    struct ram *ram = ram_create();
    struct ram_block *low = show(ram, "low", 0x1000, 4 * KIB), *high = show(ram, "high", 0x2000, 4 * KIB);
    uint8_t in[16] = "0123456789abcdef", out[16] = {0};
    CHECK(ram_at(ram, gpa(0x1ff8), 16, RAM_WRITE) == NULL);
    CHECK(ram_write(ram, gpa(0x1ff8), in, 16));
    CHECK_MEM(ram_block_host(low) + 4088, in, 8);
    CHECK_MEM(ram_block_host(high), in + 8, 8);
    CHECK(ram_read(ram, gpa(0x1ff8), out, 16));
    CHECK_MEM(out, in, 16);
    /* The last byte is missing: nothing is copied. */
    CHECK(!ram_write(ram, gpa(0x2ff1), in, 16));
    CHECK_EQ(ram_block_host(high)[0xff1], 0);
    CHECK(!ram_read(ram, gpa(0x2ff1), out, 16));
    CHECK(ram_fill(ram, gpa(0x1fff), 0xee, 2));
    CHECK_EQ(ram_block_host(low)[4095], 0xee);
    CHECK_EQ(ram_block_host(high)[0], 0xee);
    CHECK_EQ(ram_block_host(high)[1], '9');
    ram_destroy(ram);
}

static void dirty_tracking(void)
{
    struct ram *ram = ram_create();
    struct witness witness;
    struct ram_block *block = show(ram, "block", 0x40000000, 1 * MIB);
    watch(ram, &witness);
    uint64_t bits[4];
    CHECK(!ram_page_at(ram, gpa(0x40000000)).watched);
    ram_dirty_track(ram, block, RAM_DIRTY_DISPLAY, true);
    CHECK_EQ(witness.remaps, 1);
    CHECK(ram_page_at(ram, gpa(0x40000000)).watched);
    CHECK(!ram_dirty_harvest(ram, block, RAM_DIRTY_DISPLAY, 0, 1 * MIB, bits));

    ram_write(ram, gpa(0x40000fff), "ab", 2);                  /* pages 0 and 1 */
    CHECK(ram_at(ram, gpa(0x40041000), 8, RAM_WRITE) != NULL); /* page 65 */
    CHECK(ram_at(ram, gpa(0x40042000), 8, RAM_READ) != NULL);  /* not a write */
    ram_written(ram, gpa(0x400ff000), 1);                      /* page 255 */
    ram_block_written(block, 0x80000, 4096);                   /* page 128 */
    CHECK(!ram_page_at(ram, gpa(0x40001000)).watched);
    CHECK(ram_page_at(ram, gpa(0x40002000)).watched);

    CHECK(ram_dirty_harvest(ram, block, RAM_DIRTY_DISPLAY, 0, 1 * MIB, bits));
    CHECK_EQ(bits[0], 3);
    CHECK_EQ(bits[1], 2);
    CHECK_EQ(bits[2], 1);
    CHECK_EQ(bits[3], (uint64_t)1 << 63);
    CHECK(ram_page_at(ram, gpa(0x40001000)).watched);
    CHECK_EQ(witness.protects, 1 + 1); /* all of them at once */
    CHECK_EQ(witness.protected_page, 0x40000000);
    CHECK_EQ(witness.protected_len, 1 * MIB);
    CHECK(!ram_dirty_harvest(ram, block, RAM_DIRTY_DISPLAY, 0, 1 * MIB, bits));
    CHECK_EQ(bits[0], 0);

    /* Two clients see the same change, each once. */
    ram_dirty_track(ram, block, RAM_DIRTY_SNAPSHOT, true);
    ram_write(ram, gpa(0x40003000), "a", 1);
    CHECK(ram_dirty_harvest(ram, block, RAM_DIRTY_SNAPSHOT, 0x3000, 0x1000, bits));
    CHECK_EQ(bits[0], 1);
    CHECK(ram_page_at(ram, gpa(0x40003000)).watched);
    CHECK(ram_dirty_harvest(ram, block, RAM_DIRTY_DISPLAY, 0x2000, 0x3000, bits));
    CHECK_EQ(bits[0], 2);
    ram_dirty_track(ram, block, RAM_DIRTY_DISPLAY, false);
    ram_dirty_track(ram, block, RAM_DIRTY_SNAPSHOT, false);
    CHECK(!ram_page_at(ram, gpa(0x40003000)).watched);
    ram_destroy(ram);
}

/* However many pages changed, vCPUs are asked once, about no more than these pages, and keep what they have
 * decoded. */
static void harvest_protects_once(void)
{
    struct ram *ram = ram_create();
    struct witness witness;
    struct ram_block *block = show(ram, "block", 0x10000, 1 * MIB);
    watch(ram, &witness);
    ram_dirty_track(ram, block, RAM_DIRTY_SNAPSHOT, true);
    ram_fill(ram, gpa(0x10000 + 0x3000), 1, 0x80000);
    witness = (struct witness){0};
    uint64_t bits[4];
    CHECK(ram_dirty_harvest(ram, block, RAM_DIRTY_SNAPSHOT, 0, 1 * MIB, bits));
    CHECK_EQ(bits[0], ~(uint64_t)7);
    CHECK_EQ(bits[1], ~(uint64_t)0);
    CHECK_EQ(bits[2], 7);
    CHECK_EQ(witness.remaps, 0);
    CHECK_EQ(witness.protects, 1);
    CHECK_EQ(witness.protected_page, 0x13000);
    CHECK_EQ(witness.protected_len, 0x80000);
    ram_destroy(ram);
}

/* Of a block that is shown in pieces each is protected where it is. */
static void harvest_protects_every_mapping(void)
{
    struct ram *ram = ram_create();
    struct witness witness;
    struct ram_block *block = ram_block_create(ram, "block", 64 * KIB, NULL);
    CHECK(ram_map(ram, block, 0x8000, gpa(0x100000), 0x4000, RAM_MAPPED, NULL));
    watch(ram, &witness);
    ram_dirty_track(ram, block, RAM_DIRTY_DISPLAY, true);
    ram_block_written(block, 0x2000, 0x7000); /* shown from its page 6 on */
    witness = (struct witness){0};
    uint64_t bits[1];
    CHECK(ram_dirty_harvest(ram, block, RAM_DIRTY_DISPLAY, 0, 64 * KIB, bits));
    CHECK_EQ(bits[0], 0x1fc);
    CHECK_EQ(witness.protects, 1);
    CHECK_EQ(witness.protected_page, 0x100000);
    CHECK_EQ(witness.protected_len, 0x1000);
    ram_destroy(ram);
}

static void code_marks(void)
{
    struct ram *ram = ram_create();
    struct witness witness;
    show(ram, "block", 0x1000, 64 * KIB);
    watch(ram, &witness);
    ram_code_mark(ram, gpa(0x2040), 4);
    CHECK_EQ(witness.protects, 1);
    CHECK_EQ(witness.protected_page, 0x2000);
    CHECK(ram_page_at(ram, gpa(0x2000)).watched);
    CHECK(!ram_page_at(ram, gpa(0x1000)).watched);
    ram_code_mark(ram, gpa(0x2100), 64); /* the page is protected already */
    CHECK_EQ(witness.protects, 1);

    ram_written(ram, gpa(0x2000), 64); /* next to it */
    ram_written(ram, gpa(0x2080), 128);
    CHECK_EQ(witness.writes, 0);
    ram_written(ram, gpa(0x207f), 1); /* the last byte of the line, though not of the code */
    CHECK_EQ(witness.writes, 1);
    CHECK_EQ(witness.written_at, 0x2040);
    CHECK_EQ(witness.written_len, 64);
    ram_written(ram, gpa(0x2040), 8); /* unmarked by now */
    CHECK_EQ(witness.writes, 1);
    CHECK(ram_page_at(ram, gpa(0x2000)).watched);
    CHECK(ram_at(ram, gpa(0x20f8), 9, RAM_WRITE) != NULL);
    CHECK_EQ(witness.writes, 2);
    CHECK(!ram_page_at(ram, gpa(0x2000)).watched);

    /* The page could get write tags again, so it is protected again. Two pages, a range across them. */
    ram_code_mark(ram, gpa(0x2ffe), 4);
    CHECK_EQ(witness.protects, 3);
    ram_fill(ram, gpa(0x1000), 0, 64 * KIB);
    CHECK_EQ(witness.writes, 4);
    CHECK(!ram_page_at(ram, gpa(0x3000)).watched);
    ram_listener_remove(ram, &witness);
    ram_code_mark(ram, gpa(0x2ffe), 4);
    CHECK_EQ(witness.protects, 3);
    ram_destroy(ram);
}

/* One block shown twice: code decoded through one address, written through the other. */
static void code_marks_and_aliases(void)
{
    struct ram *ram = ram_create();
    struct witness witness;
    struct ram_block *block = show(ram, "block", 0x10000, 8 * KIB);
    CHECK(ram_map(ram, block, 0x1000, gpa(0x80000), 4 * KIB, RAM_MAPPED, NULL));
    watch(ram, &witness);
    ram_code_mark(ram, gpa(0x11000), 2);
    CHECK_EQ(witness.protects, 2);
    CHECK(ram_page_at(ram, gpa(0x80000)).watched);
    ram_write(ram, gpa(0x80000), "x", 1);
    CHECK_EQ(witness.writes, 2);
    CHECK(!ram_page_at(ram, gpa(0x11000)).watched);
    ram_destroy(ram);
}

/* A listener that is told of a write while the marker waits for it: the marks must be there afterwards. */
struct interferer {
    struct ram *ram;
    unsigned rounds;
    struct witness witness;
};

static void write_meanwhile(void *opaque, gpa_t page, uint64_t len)
{
    struct interferer *interferer = opaque;
    on_protect(&interferer->witness, page, len);
    if (interferer->rounds && interferer->rounds--)
        ram_written(interferer->ram, gpa_add(page, 0x40), 1);
}

static void count_writes(void *opaque, gpa_t p, uint64_t len)
{
    on_written(&((struct interferer *)opaque)->witness, p, len);
}

static void count_remaps(void *opaque)
{
    on_remapped(&((struct interferer *)opaque)->witness);
}

static void writes_while_marking(void)
{
    struct ram *ram = ram_create();
    struct interferer interferer = {.ram = ram, .rounds = 2};
    show(ram, "block", 0, 64 * KIB);
    ram_listener_add(ram,
                     &(struct ram_code_listener){write_meanwhile, count_writes, count_remaps, &interferer});
    ram_code_mark(ram, gpa(0x3040), 4);
    CHECK_EQ(interferer.witness.writes, 2);
    CHECK_EQ(interferer.witness.protects, 3);
    ram_written(ram, gpa(0x3040), 1);
    CHECK_EQ(interferer.witness.writes, 3);
    ram_destroy(ram);
}

static void discard(void)
{
    struct ram *ram = ram_create();
    struct ram_block *block = show(ram, "block", 0x1000, 64 * KIB);
    ram_dirty_track(ram, block, RAM_DIRTY_SNAPSHOT, true);
    memset(ram_block_host(block), 0xaa, 64 * KIB);
    ram_discard(ram, gpa(0x1800), 0x2000); /* holds one whole page, 0x2000 */
    CHECK_EQ(ram_block_host(block)[0xfff], 0xaa);
    CHECK_EQ(ram_block_host(block)[0x1000], 0);
    CHECK_EQ(ram_block_host(block)[0x1fff], 0);
    CHECK_EQ(ram_block_host(block)[0x2000], 0xaa);
    uint64_t bits[1];
    CHECK(ram_dirty_harvest(ram, block, RAM_DIRTY_SNAPSHOT, 0, 64 * KIB, bits));
    CHECK_EQ(bits[0], 2);
    ram_discard(ram, gpa(0x1001), 0xffe); /* not one whole page */
    ram_discard(ram, gpa(~(uint64_t)0 - 4095), ~(uint64_t)0);
    CHECK_EQ(ram_block_host(block)[0], 0xaa);
    ram_destroy(ram);
}

static void clones_are_independent(void)
{
    struct ram *parent = ram_create();
    struct error err;
    struct ram_block *block = show(parent, "block", 0x1000, 1 * MIB);
    show(parent, "other", 0x80000000, 64 * KIB);
    ram_fill(parent, gpa(0x1000), 1, 0x3000);
    struct ram *child = ram_clone(parent, &err);
    if (!CHECK(child != NULL))
        return;
    struct ram_block *copy = ram_block_find(child, "block");
    CHECK(ram_block_find(child, "nothing") == NULL);
    CHECK_EQ(ram_total(child), ram_total(parent));
    CHECK(ram_at(child, gpa(0x1000), 1, RAM_READ) == ram_block_host(copy));
    CHECK(ram_block_host(copy) != ram_block_host(block));
    CHECK_EQ(ram_block_host(copy)[0x2fff], 1);

    ram_fill(parent, gpa(0x1000), 2, 0x1000); /* a page both had */
    ram_fill(child, gpa(0x2000), 3, 0x1000);
    ram_fill(parent, gpa(0x50000), 4, 0x1000); /* pages neither had */
    ram_fill(child, gpa(0x60000), 5, 0x1000);
    CHECK_EQ(ram_block_host(copy)[0], 1);
    CHECK_EQ(ram_block_host(block)[0x1000], 1);
    CHECK_EQ(ram_block_host(copy)[0x4f000], 0);
    CHECK_EQ(ram_block_host(block)[0x5f000], 0);

    /* A clone of each, made after they went apart. */
    struct ram *sibling = ram_clone(parent, &err), *grandchild = ram_clone(child, &err);
    ram_discard(parent, gpa(0x1000), 0x1000);
    ram_discard(child, gpa(0x2000), 0x1000);
    CHECK_EQ(ram_block_host(block)[0], 0);
    CHECK_EQ(ram_block_host(copy)[0], 1);
    ram_destroy(parent);
    ram_destroy(child);
    const uint8_t *a = ram_at(sibling, gpa(0x1000), 1 * MIB, RAM_READ);
    const uint8_t *b = ram_at(grandchild, gpa(0x1000), 1 * MIB, RAM_READ);
    CHECK_EQ(a[0], 2);
    CHECK_EQ(a[0x1000], 1);
    CHECK_EQ(a[0x4f000], 4);
    CHECK_EQ(a[0x5f000], 0);
    CHECK_EQ(b[0], 1);
    CHECK_EQ(b[0x1000], 3);
    CHECK_EQ(b[0x4f000], 0);
    CHECK_EQ(b[0x5f000], 5);
    ram_destroy(sibling);
    ram_destroy(grandchild);
}

/*
 * Threads: one changes the map while others look up and write. A look-up sees one of the two maps, and
 * every marked line that is written is reported.
 */
struct stress {
    struct ram *ram;
    struct ram_block *block;
    uint64_t marked, reported;
    bool stop;
};

static void count_reports(void *opaque, gpa_t p, uint64_t len)
{
    (void)p;
    (void)len;
    __atomic_fetch_add(&((struct stress *)opaque)->reported, 1, __ATOMIC_SEQ_CST);
}

static void nothing_to_protect(void *opaque, gpa_t first, uint64_t len)
{
    (void)opaque;
    (void)first;
    (void)len;
}

static void nothing_to_drop(void *opaque)
{
    (void)opaque;
}

static void *look_up_and_write(void *opaque)
{
    struct stress *stress = opaque;
    while (!__atomic_load_n(&stress->stop, __ATOMIC_RELAXED)) {
        const uint8_t *at = ram_at(stress->ram, gpa(0x100008), 8, RAM_READ);
        const uint8_t *host = ram_block_host(stress->block);
        if (at && at != host + 8 && at != host + 0x4008)
            __atomic_fetch_add(&stress->reported, 1000000, __ATOMIC_SEQ_CST);
        ram_written(stress->ram, gpa(0), 64);
    }
    return NULL;
}

static void threads(void)
{
    struct stress stress = {.ram = ram_create()};
    struct error err;
    stress.block = show(stress.ram, "block", 0, 64 * KIB);
    ram_listener_add(
        stress.ram, &(struct ram_code_listener){nothing_to_protect, count_reports, nothing_to_drop, &stress});
    struct host_thread workers[2];
    for (unsigned i = 0; i < 2; i++)
        CHECK(host_thread_create(&workers[i], "worker", look_up_and_write, &stress, &err));
    for (unsigned i = 0; i < 20000; i++) {
        unsigned id;
        CHECK(ram_map(stress.ram, stress.block, i & 1 ? 0x4000 : 0, gpa(0x100000), 0x4000, RAM_MAPPED, &id));
        ram_unmap(stress.ram, id);
        /* Alone in marking: the next mark can add one report only after the last one was taken. */
        uint64_t before = __atomic_load_n(&stress.reported, __ATOMIC_SEQ_CST);
        ram_code_mark(stress.ram, gpa(0), 64);
        stress.marked++;
        while (__atomic_load_n(&stress.reported, __ATOMIC_SEQ_CST) == before && before < 1000000)
            ram_written(stress.ram, gpa(0), 1);
    }
    __atomic_store_n(&stress.stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++)
        host_thread_join(&workers[i]);
    /* More, where a write came while the line was being marked: it was marked again. */
    CHECK(stress.reported >= stress.marked && stress.reported < 1000000);
    ram_destroy(stress.ram);
}

/*
 * The order of marking: in each round one thread marks a line and then reads it while another writes the line
 * and then reports that. Either the reader saw the new byte or it hears of the write.
 */
struct race {
    struct ram *ram;
    uint8_t *byte;
    uint64_t heard;
    unsigned round, written; /* the round to be played, and the last one the writer finished */
};

static void hear(void *opaque, gpa_t p, uint64_t len)
{
    (void)p;
    (void)len;
    __atomic_fetch_add(&((struct race *)opaque)->heard, 1, __ATOMIC_SEQ_CST);
}

#define RACE_ROUNDS 5000u

static void wait_for(const unsigned *number, unsigned value)
{
    for (unsigned spins = 1; __atomic_load_n(number, __ATOMIC_ACQUIRE) < value; spins++) {
        if (spins % 4096 == 0)
            sched_yield();
    }
}

static void *write_each_round(void *opaque)
{
    struct race *race = opaque;
    for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
        wait_for(&race->round, round);
        __atomic_store_n(race->byte, (uint8_t)round, __ATOMIC_RELAXED);
        ram_written(race->ram, gpa(0x40), 1);
        __atomic_store_n(&race->written, round, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void no_write_is_missed(void)
{
    struct race race = {.ram = ram_create()};
    struct host_thread writer;
    struct error err;
    race.byte = ram_block_host(show(race.ram, "block", 0, 4 * KIB)) + 0x40;
    ram_listener_add(race.ram, &(struct ram_code_listener){nothing_to_protect, hear, nothing_to_drop, &race});
    CHECK(host_thread_create(&writer, "writer", write_each_round, &race, &err));
    for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
        ram_written(race.ram, gpa(0x40), 1); /* begin without a mark */
        uint64_t before = __atomic_load_n(&race.heard, __ATOMIC_SEQ_CST);
        __atomic_store_n(&race.round, round, __ATOMIC_RELEASE);
        for (volatile unsigned delay = test_random() % 1024; delay; delay--)
            ;
        ram_code_mark(race.ram, gpa(0x40), 4);
        bool new = __atomic_load_n(race.byte, __ATOMIC_RELAXED) == (uint8_t)round;
        wait_for(&race.written, round);
        bool told = __atomic_load_n(&race.heard, __ATOMIC_SEQ_CST) != before;
        CHECK(new || told);
    }
    host_thread_join(&writer);
    ram_destroy(race.ram);
}

static const struct test_case cases[] = {
    {"holes_are_holes", holes_are_holes},
    {"last_page", last_page},
    {"mapping_rules", mapping_rules},
    {"copies_cross_mappings", copies_cross_mappings},
    {"dirty_tracking", dirty_tracking},
    {"harvest_protects_once", harvest_protects_once},
    {"harvest_protects_every_mapping", harvest_protects_every_mapping},
    {"code_marks", code_marks},
    {"code_marks_and_aliases", code_marks_and_aliases},
    {"writes_while_marking", writes_while_marking},
    {"discard", discard},
    {"clones_are_independent", clones_are_independent},
    {"threads", threads},
    {"no_write_is_missed", no_write_is_missed},
};
TEST_SUITE(ram_test, "unit", cases);
