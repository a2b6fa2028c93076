/* Expected values are those of QEMU's specification of the device (docs/specs/fw_cfg). */
#include "devices/misc/fw_cfg.h"

#include <string.h>

#include "base/bits.h"
#include "tests/devices/machine_support.h"

#define BASE     ((uint64_t)0x10100000)
#define DATA     BASE
#define SELECTOR (BASE + 8)
#define DMA      (BASE + 16)
#define RAM      TEST_RAM_BASE

#define CONTROL_ERROR  1u
#define CONTROL_READ   2u
#define CONTROL_SKIP   4u
#define CONTROL_SELECT 8u
#define CONTROL_WRITE  16u

static struct test_machine *test;
static struct fw_cfg *fw;
static uint8_t shared[16];
static unsigned selected_calls;
static size_t written_at, written_len;

static void selected(void *opaque)
{
    (void)opaque;
    selected_calls++;
    shared[0] = 'S';
}

static void written(void *opaque, size_t at, size_t len)
{
    (void)opaque;
    written_at = at;
    written_len = len;
}

static void start(void)
{
    test = test_machine_create(MIB);
    fw = fw_cfg_create(&test->machine, &(struct fw_cfg_config){.bus = test->machine.mem.mmio, .base = BASE},
                       NULL);
    CHECK(fw != NULL);
    memset(shared, '.', sizeof(shared));
    selected_calls = 0;
    written_at = written_len = 0;
    fw_cfg_add_number(fw, FW_CFG_NB_CPUS, 2, 4);
    fw_cfg_add_file(fw, "opt/first", "0123456789", 10);
    fw_cfg_add_file_shared(fw, "opt/shared", shared, sizeof(shared), true,
                           &(struct fw_cfg_callbacks){.selected = selected, .written = written});
}

/* The selector is big-endian in memory. */
static void choose(uint16_t key)
{
    test_store(test, SELECTOR, 2, __builtin_bswap16(key));
}

static void items(void)
{
    start();
    choose(FW_CFG_SIGNATURE);
    CHECK_EQ(test_load(test, DATA, 1), 'Q');
    CHECK_EQ(test_load(test, DATA, 2), 'E' | 'M' << 8);
    CHECK_EQ(test_load(test, DATA, 1), 'U');
    CHECK_EQ(test_load(test, DATA, 8), 0); /* beyond the end */
    choose(FW_CFG_ID);
    CHECK_EQ(test_load(test, DATA, 4), 3); /* traditional and DMA */
    choose(FW_CFG_NB_CPUS);
    CHECK_EQ(test_load(test, DATA, 8), 4);
    choose(0x3000); /* nothing there */
    CHECK_EQ(test_load(test, DATA, 8), 0);
    /* Writing the data register does nothing. */
    choose(FW_CFG_SIGNATURE);
    test_store(test, DATA, 1, 'X');
    CHECK_EQ(test_load(test, DATA, 4), 0x554d4551);
    test_machine_destroy(test);
}

static void directory(void)
{
    uint8_t bytes[4 + 2 * 64];
    start();
    choose(FW_CFG_FILE_DIR);
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)test_load(test, DATA, 1);
    CHECK_EQ(be32_load(bytes), 2);
    CHECK_EQ(be32_load(bytes + 4), 10);
    CHECK_EQ(be16_load(bytes + 8), 0x20);
    CHECK_EQ(be16_load(bytes + 10), 0);
    CHECK_STR((char *)bytes + 12, "opt/first");
    CHECK_EQ(be32_load(bytes + 68), 16);
    CHECK_EQ(be16_load(bytes + 72), 0x21);
    CHECK_STR((char *)bytes + 76, "opt/shared");
    choose(0x20);
    CHECK_EQ(test_load(test, DATA, 8), 0x3736353433323130);
    test_machine_destroy(test);
}

/* Run a transfer; the control word it leaves. */
static uint32_t transfer(uint32_t control, uint32_t len, uint64_t address)
{
    uint8_t bytes[16];
    be32_store(bytes, control);
    be32_store(bytes + 4, len);
    be64_store(bytes + 8, address);
    test_ram_put(test, RAM, bytes, sizeof(bytes));
    test_store(test, DMA, 8, __builtin_bswap64(RAM));
    test_ram_get(test, RAM, bytes, sizeof(bytes));
    return be32_load(bytes);
}

static void dma(void)
{
    uint8_t bytes[16];
    start();
    CHECK_EQ(test_load(test, DMA, 8), __builtin_bswap64(0x51454d5520434647));
    CHECK_EQ(test_load(test, DMA + 4, 4), __builtin_bswap32(0x20434647));
    CHECK_EQ(transfer(0x20u << 16 | CONTROL_SELECT | CONTROL_READ, 4, RAM + 0x100), 0);
    test_ram_get(test, RAM + 0x100, bytes, 4);
    CHECK_MEM(bytes, "0123", 4);
    CHECK_EQ(transfer(CONTROL_SKIP, 3, 0), 0);
    /* Zeros beyond the end. */
    memset(bytes, 'x', 16);
    test_ram_put(test, RAM + 0x100, bytes, 16);
    CHECK_EQ(transfer(CONTROL_READ, 6, RAM + 0x100), 0);
    test_ram_get(test, RAM + 0x100, bytes, 8);
    CHECK_MEM(bytes, "789\0\0\0xx", 8);
    /* The two halves, the high one first. */
    be32_store(bytes, 0x20u << 16 | CONTROL_SELECT);
    test_ram_put(test, RAM + 0x40, bytes, 4);
    test_store(test, DMA, 4, 0);
    test_store(test, DMA + 4, 4, __builtin_bswap32((uint32_t)RAM + 0x40));
    CHECK_EQ(test_load(test, RAM + 0x40, 4), 0);
    CHECK_EQ(test_load(test, DATA, 1), '0');
    test_machine_destroy(test);
}

static void dma_writes(void)
{
    start();
    test_ram_put(test, RAM + 0x200, "WRITE", 5);
    CHECK_EQ(transfer(0x21u << 16 | CONTROL_SELECT | CONTROL_SKIP, 4, 0), 0);
    CHECK_EQ(selected_calls, 1);
    CHECK_EQ(transfer(CONTROL_WRITE, 5, RAM + 0x200), 0);
    CHECK_MEM(shared, "S...WRITE.......", 16);
    CHECK_EQ(written_at, 4);
    CHECK_EQ(written_len, 5);
    /* Not beyond the end, not to what is read-only, not to nothing. */
    CHECK_EQ(transfer(CONTROL_WRITE, 8, RAM + 0x200), CONTROL_ERROR);
    CHECK_MEM(shared, "S...WRITE.......", 16);
    CHECK_EQ(transfer(0x20u << 16 | CONTROL_SELECT | CONTROL_WRITE, 1, RAM + 0x200), CONTROL_ERROR);
    CHECK_EQ(transfer(0x999u << 16 | CONTROL_SELECT | CONTROL_WRITE, 1, RAM + 0x200), CONTROL_ERROR);
    choose(0x20);
    CHECK_EQ(test_load(test, DATA, 1), '0');
    test_machine_destroy(test);
}

/* Wild addresses and lengths: an error, and nothing written anywhere. */
static void dma_wild(void)
{
    start();
    uint32_t select = 0x20u << 16 | CONTROL_SELECT | CONTROL_READ;
    CHECK_EQ(transfer(select, 4, 0), CONTROL_ERROR);
    CHECK_EQ(transfer(select, 4, UINT64_MAX - 1), CONTROL_ERROR);
    CHECK_EQ(transfer(select, 4, RAM + MIB - 3), CONTROL_ERROR);
    CHECK_EQ(transfer(select, 0xffffffff, RAM + 0x100), CONTROL_ERROR);
    CHECK_EQ(transfer(0x21u << 16 | CONTROL_SELECT | CONTROL_WRITE, 4, UINT64_MAX - 1), CONTROL_ERROR);
    /* Skipping without end stays at the end. */
    CHECK_EQ(transfer(0x20u << 16 | CONTROL_SELECT | CONTROL_SKIP, 0xffffffff, 0), 0);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(transfer(CONTROL_SKIP, 0xffffffff, 0), 0);
    CHECK_EQ(test_load(test, DATA, 8), 0);
    /* A descriptor where there is no RAM is ignored. */
    test_store(test, DMA, 8, 0);
    test_store(test, DMA, 8, UINT64_MAX);
    test_store(test, DMA, 8, __builtin_bswap64(RAM + MIB - 8));
    /* As are odd widths and places. */
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t address = BASE + test_random() % 0x11;
        unsigned width = 1u << test_random() % 4;
        if (test_random() & 1)
            test_load(test, address, width);
        else
            test_store(test, address, width, test_random());
    }
    choose(FW_CFG_SIGNATURE);
    CHECK_EQ(test_load(test, DATA, 4), 0x554d4551);
    test_machine_destroy(test);
}

static void ports(void)
{
    test = test_machine_create(MIB);
    fw = fw_cfg_create(&test->machine,
                       &(struct fw_cfg_config){.bus = test->machine.mem.pio, .base = 0x510, .ports = true},
                       NULL);
    CHECK(fw != NULL);
    fw_cfg_add_item_borrowed(fw, FW_CFG_KERNEL_DATA, "kernel", 6);
    test_out(test, 0x510, 2, FW_CFG_SIGNATURE);
    CHECK_EQ(test_in(test, 0x511, 1), 'Q');
    CHECK_EQ(test_in(test, 0x511, 1), 'E');
    CHECK_EQ(test_in(test, 0x514, 4), __builtin_bswap32(0x51454d55));
    uint8_t bytes[16] = {0};
    be32_store(bytes, (uint32_t)FW_CFG_KERNEL_DATA << 16 | CONTROL_SELECT | CONTROL_READ);
    be32_store(bytes + 4, 6);
    be64_store(bytes + 8, RAM + 0x80);
    test_ram_put(test, RAM, bytes, 16);
    test_out(test, 0x514, 4, 0);
    test_out(test, 0x518, 4, __builtin_bswap32((uint32_t)RAM));
    test_ram_get(test, RAM + 0x80, bytes, 6);
    CHECK_MEM(bytes, "kernel", 6);
    test_machine_destroy(test);
}

static void state(void)
{
    start();
    choose(0x20);
    test_load(test, DATA, 2);
    test_save_load(test);
    CHECK_EQ(test_load(test, DATA, 1), '2');
    test_reset(test);
    CHECK_EQ(test_load(test, DATA, 1), 0);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"items", items},       {"directory", directory}, {"dma", dma},    {"dma_writes", dma_writes},
    {"dma_wild", dma_wild}, {"ports", ports},         {"state", state}};
TEST_SUITE(fw_cfg_test, "unit", cases);
