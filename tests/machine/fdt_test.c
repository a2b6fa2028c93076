/*
 * The device tree: the board's own against the figures of QEMU's `virt` (as `-M virt,dumpdtb=` of version 10
 * gives them), and trees of a user's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/machine/board_support.h"
#include "tests/machine/fdt_support.h"

static struct test_board test;

/* The tree as the first hart is given it. */
static void *tree_get(void)
{
    return test_tree_get(test.run, riscv_state(test.run->vcpus[0])->x[11]);
}

static void devices(void)
{
    test_board_config(&test);
    test.config.append = "console=ttyS0";
    if (!test_board_start(&test))
        return;
    void *tree = tree_get();
    if (tree) {
        uint32_t plic = test_phandle(tree, "/soc/plic@c000000"),
                 finisher = test_phandle(tree, "/soc/test@100000");
        uint32_t intc = test_phandle(tree, "/cpus/cpu@0/interrupt-controller");
        CHECK(plic && finisher && intc);
        STRINGS(tree, "/", "compatible", "riscv-virtio");
        CELLS(tree, "/memory@80000000", "reg", 0, 0x80000000, 0, 0x04000000);
        CELLS(tree, "/cpus", "timebase-frequency", 10000000);
        STRINGS(tree, "/soc/test@100000", "compatible", "sifive,test1\0sifive,test0\0syscon");
        CELLS(tree, "/soc/test@100000", "reg", 0, 0x100000, 0, 0x1000);
        STRINGS(tree, "/soc/rtc@101000", "compatible", "google,goldfish-rtc");
        CELLS(tree, "/soc/rtc@101000", "interrupts", 11);
        CELLS(tree, "/soc/rtc@101000", "interrupt-parent", plic);
        STRINGS(tree, "/soc/clint@2000000", "compatible", "sifive,clint0\0riscv,clint0");
        CELLS(tree, "/soc/clint@2000000", "reg", 0, 0x2000000, 0, 0x10000);
        CELLS(tree, "/soc/clint@2000000", "interrupts-extended", intc, 3, intc, 7);
        STRINGS(tree, "/soc/plic@c000000", "compatible", "sifive,plic-1.0.0\0riscv,plic0");
        CELLS(tree, "/soc/plic@c000000", "reg", 0, 0xc000000, 0, 0x600000);
        CELLS(tree, "/soc/plic@c000000", "interrupts-extended", intc, 11, intc, 9);
        CELLS(tree, "/soc/plic@c000000", "riscv,ndev", 95);
        CELLS(tree, "/soc/plic@c000000", "#interrupt-cells", 1);
        CELLS(tree, "/soc/plic@c000000", "#address-cells", 0);
        STRINGS(tree, "/soc/serial@10000000", "compatible", "ns16550a");
        CELLS(tree, "/soc/serial@10000000", "reg", 0, 0x10000000, 0, 0x100);
        CELLS(tree, "/soc/serial@10000000", "clock-frequency", 3686400);
        CELLS(tree, "/soc/serial@10000000", "interrupts", 10);
        CELLS(tree, "/soc/virtio_mmio@10001000", "interrupts", 1);
        CELLS(tree, "/soc/virtio_mmio@10008000", "interrupts", 8);
        CELLS(tree, "/soc/virtio_mmio@10008000", "reg", 0, 0x10008000, 0, 0x1000);
        CELLS(tree, "/flash@20000000", "reg", 0, 0x20000000, 0, 0x2000000, 0, 0x22000000, 0, 0x2000000);
        CELLS(tree, "/flash@20000000", "bank-width", 4);
        STRINGS(tree, "/fw-cfg@10100000", "compatible", "qemu,fw-cfg-mmio");
        CELLS(tree, "/fw-cfg@10100000", "reg", 0, 0x10100000, 0, 0x18);
        CELLS(tree, "/poweroff", "value", 0x5555);
        CELLS(tree, "/poweroff", "regmap", finisher);
        CELLS(tree, "/reboot", "value", 0x7777);
        STRINGS(tree, "/chosen", "bootargs", "console=ttyS0");
        STRINGS(tree, "/chosen", "stdout-path", "/soc/serial@10000000");
        STRINGS(tree, "/aliases", "serial0", "/soc/serial@10000000");
    }
    free(tree);
    test_board_end(&test);
}

static void pci(void)
{
    test_board_config(&test);
    if (!test_board_start(&test))
        return;
    void *tree = tree_get();
    if (tree) {
        uint32_t plic = test_phandle(tree, "/soc/plic@c000000");
        CELLS(tree, "/soc/pci@30000000", "reg", 0, 0x30000000, 0, 0x10000000);
        CELLS(tree, "/soc/pci@30000000", "bus-range", 0, 0xff);
        CELLS(tree, "/soc/pci@30000000", "ranges", 0x1000000, 0, 0, 0, 0x3000000, 0, 0x10000, 0x2000000, 0,
              0x40000000, 0, 0x40000000, 0, 0x40000000, 0x3000000, 4, 0, 4, 0, 4, 0);
        CELLS(tree, "/soc/pci@30000000", "interrupt-map-mask", 0x1800, 0, 0, 7);
        CELLS(tree, "/soc/pci@30000000", "interrupt-map",                       /* slot, pin, line */
              0, 0, 0, 1, plic, 32, 0, 0, 0, 2, plic, 33, 0, 0, 0, 3, plic, 34, /**/
              0, 0, 0, 4, plic, 35, 0x800, 0, 0, 1, plic, 33, 0x800, 0, 0, 2, plic, 34, 0x800, 0, 0, 3, plic,
              35, 0x800, 0, 0, 4, plic, 32, 0x1000, 0, 0, 1, plic, 34, 0x1000, 0, 0, 2, plic, 35, 0x1000, 0,
              0, 3, plic, 32, 0x1000, 0, 0, 4, plic, 33, 0x1800, 0, 0, 1, plic, 35, 0x1800, 0, 0, 2, plic, 32,
              0x1800, 0, 0, 3, plic, 33, 0x1800, 0, 0, 4, plic, 34);
    }
    free(tree);
    test_board_end(&test);
}

static void harts(void)
{
    test_board_config(&test);
    test.config.cpus = 3;
    if (!test_board_start(&test))
        return;
    void *tree = tree_get();
    if (tree) {
        int node = fdt_path_offset(tree, "/cpus/cpu@2"), len;
        CHECK(node >= 0 && fdt_path_offset(tree, "/cpus/cpu@3") < 0);
        CELLS(tree, "/cpus/cpu@2", "reg", 2);
        STRINGS(tree, "/cpus/cpu@2", "compatible", "riscv");
        STRINGS(tree, "/cpus/cpu@2", "riscv,isa-base", "rv64i");
        CELLS(tree, "/cpus/cpu@2", "riscv,cbom-block-size", 64);
        CELLS(tree, "/cpus/cpu@2", "riscv,cboz-block-size", 64);
        STRINGS(tree, "/cpus/cpu@2/interrupt-controller", "compatible", "riscv,cpu-intc");
        CELLS(tree, "/cpus/cpu-map/cluster0/core2", "cpu", test_phandle(tree, "/cpus/cpu@2"));
        const char *isa = fdt_getprop(tree, node, "riscv,isa", &len);
        CHECK(isa && strncmp(isa, "rv64imafdc", 10) == 0);
        const char *list = fdt_getprop(tree, node, "riscv,isa-extensions", &len);
        CHECK(list && len > 12 && memcmp(list, "i\0m\0a\0f\0d\0c\0", 12) == 0 && list[len - 1] == '\0');
        uint32_t last = test_phandle(tree, "/cpus/cpu@2/interrupt-controller");
        const uint8_t *lines =
            fdt_getprop(tree, fdt_path_offset(tree, "/soc/plic@c000000"), "interrupts-extended", &len);
        CHECK(lines && len == 3 * 16);
        CHECK_EQ(be32_load(lines + 2 * 16), last);
    }
    free(tree);
    test_board_end(&test);
}

static void chosen(void)
{
    const uint8_t seed[DT_SEED_SIZE] = {1, 2, 3};
    struct dt_chosen chosen_given = {"quiet", 0x84000000, 0x84001234, seed};
    struct error err = {0};
    uint8_t blob[512], damaged[512];
    CHECK(fdt_create_empty_tree(blob, sizeof(blob)) == 0);
    void *tree = dt_adopt(blob, fdt_totalsize(blob), "my.dtb", &chosen_given, &err);
    if (CHECK(tree)) {
        STRINGS(tree, "/chosen", "bootargs", "quiet");
        CELLS(tree, "/chosen", "linux,initrd-start", 0, 0x84000000);
        CELLS(tree, "/chosen", "linux,initrd-end", 0, 0x84001234);
    }
    free(tree);
    /* Damage anywhere: an error or a tree that is still one. */
    for (int i = 0; i < 2000; i++) {
        memcpy(damaged, blob, sizeof(damaged));
        damaged[test_random() % fdt_totalsize(blob)] = (uint8_t)test_random();
        size_t len = test_random() % (fdt_totalsize(blob) + 1);
        tree = dt_adopt(damaged, i % 2 ? len : fdt_totalsize(blob), "my.dtb", &chosen_given, &err);
        if (tree)
            CHECK(fdt_check_full(tree, dt_size(tree)) == 0);
        else
            CHECK(err.kind == ERROR_IMAGE && strstr(err.text, "my.dtb"));
        free(tree);
    }
}

static const struct test_case cases[] = {
    {"devices", devices}, {"pci", pci}, {"harts", harts}, {"chosen", chosen}};
TEST_SUITE(fdt_test, "unit", cases);
