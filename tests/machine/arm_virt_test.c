/*
 * The aarch64 "virt" board: its device tree against the figures of QEMU's `virt` (as `-M virt,dumpdtb=` of
 * version 10 gives them), its start after the boot protocol of Linux, its ACPI tables read by iasl, and PSCI
 * call by call against DEN0022.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/arm_virt_board.h"
#include "machine/run_private.h"
#include "tests/devices/machine_support.h"
#include "tests/machine/fdt_support.h"
#include "tests/machine/iasl_support.h"

#define RAM 0x40000000ull

static struct machine_config config;
static struct machine_run *run;
static struct arm_board *board;
static char kernel_path[32];

/* A kernel of 64 KiB, with the header of arm64's Image (Linux, Documentation/arch/arm64/booting.rst). */
static void kernel_make(void)
{
    static uint8_t image[64 * KIB];
    le32_store(image, 0x14000000); /* b . */
    le64_store(image + 16, sizeof(image));
    le64_store(image + 24, 0xa);
    memcpy(image + 56, "ARM\x64", 4);
    strcpy(kernel_path, "/tmp/triarch-kernel-XXXXXX");
    int fd = mkstemp(kernel_path);
    CHECK(fd >= 0 && write(fd, image, sizeof(image)) == sizeof(image));
    close(fd);
}

static void config_make(void)
{
    config = (struct machine_config){.arch = GUEST_AARCH64,
                                     .cpus = 2,
                                     .memory = 512 * MIB,
                                     .cpu_model = "cortex-a57",
                                     .kernel = kernel_path,
                                     .engine = &interpreter_engine,
                                     .deterministic = true};
}

static bool start(void)
{
    struct error err = {0};
    run = arm_virt_create(&config, &err);
    if (!run) {
        FAIL("the board can't be built: %s", err.text);
        return false;
    }
    const struct machine_board *hooks = &run->private->board;
    board = hooks->opaque;
    if (hooks->boot(hooks->opaque, &err))
        return true;
    FAIL("the board can't boot: %s", err.text);
    return false;
}

static void finish(void)
{
    machine_run_destroy(run);
    unlink(kernel_path);
}

static struct aarch64_state *core(unsigned i)
{
    return aarch64_state(run->vcpus[i]);
}

/* --- the start --- */

static void boot_protocol(void)
{
    kernel_make();
    config_make();
    if (!start())
        return;
    uint8_t magic[4];
    CHECK_EQ(core(0)->pc, RAM + 2 * MIB);
    CHECK_EQ(core(0)->started, 1);
    CHECK_EQ(core(0)->pstate & 0x3cf, 0x3c5); /* EL1 with its own stack, all interrupts masked */
    CHECK_EQ(core(0)->sctlr_el1 & 1, 0);      /* MMU off */
    CHECK_EQ(core(0)->x[0], RAM);             /* where programs look that don't get it from x0 */
    for (unsigned i = 1; i < 4; i++)
        CHECK_EQ(core(0)->x[i], 0);
    CHECK(ram_read(run->machine.mem.ram, gpa(core(0)->x[0]), magic, 4));
    CHECK_EQ(be32_load(magic), 0xd00dfeed);
    CHECK_EQ(core(1)->started, 0);
    finish();
}

/* What is no Linux lies where it was linked, a flat program half a MiB into RAM. */
static void programs(void)
{
    static const uint8_t flat[64 * KIB] = {0, 0, 0, 0x14};
    static const unsigned versions[] = {0, 2, 3};
    for (unsigned i = 0; i < ARRAY_LEN(versions); i++) {
        kernel_make();
        FILE *file = fopen(kernel_path, "w");
        CHECK(file && fwrite(flat, sizeof(flat), 1, file) == 1 && fclose(file) == 0);
        config_make();
        config.gic_version = versions[i];
        if (!start())
            return;
        CHECK_EQ(core(0)->pc, RAM + 0x80000);
        CHECK_EQ(core(0)->x[0], RAM);
        CHECK_EQ(board->gic_version, versions[i] ? versions[i] : 3);
        finish();
    }
}

static void refused(const char *words)
{
    struct error err = {0};
    run = arm_virt_create(&config, &err);
    CHECK(run == NULL);
    CHECK(err.kind == ERROR_USAGE && strstr(err.text, words));
    machine_run_destroy(run);
}

static void limits(void)
{
    kernel_make();
    config_make();
    config.gic_version = 2;
    config.cpus = 9;
    refused("at most 8 processors");
    config_make();
    config.memory = 256 * GIB;
    refused("at most 255 GiB");
    config_make();
    config.kernel = NULL;
    config.firmware = FIRMWARE_NONE;
    refused("--kernel");
    unlink(kernel_path);
}

/* --- the device tree --- */

static void *tree_get(void)
{
    return test_tree_get(run, core(0)->x[0]);
}

static void tree_common(const void *tree)
{
    uint32_t clock = test_phandle(tree, "/apb-pclk"), gpio = test_phandle(tree, "/pl061@9030000");
    CHECK(clock && gpio);
    STRINGS(tree, "/", "compatible", "linux,dummy-virt");
    CELLS(tree, "/", "interrupt-parent", test_phandle(tree, "/intc@8000000"));
    CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0x20000000);
    STRINGS(tree, "/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    STRINGS(tree, "/psci", "method", "hvc");
    STRINGS(tree, "/cpus/cpu@1", "enable-method", "psci");
    STRINGS(tree, "/cpus/cpu@1", "compatible", "arm,cortex-a57");
    CELLS(tree, "/cpus/cpu@1", "reg", 1);
    STRINGS(tree, "/pl011@9000000", "compatible", "arm,pl011\0arm,primecell");
    CELLS(tree, "/pl011@9000000", "reg", 0, 0x9000000, 0, 0x1000);
    CELLS(tree, "/pl011@9000000", "interrupts", 0, 1, 4);
    CELLS(tree, "/pl011@9000000", "clocks", clock, clock);
    CELLS(tree, "/pl031@9010000", "interrupts", 0, 2, 4);
    CELLS(tree, "/pl061@9030000", "interrupts", 0, 7, 4);
    CELLS(tree, "/gpio-keys/poweroff", "gpios", gpio, 3, 0);
    CELLS(tree, "/fw-cfg@9020000", "reg", 0, 0x9020000, 0, 0x18);
    CELLS(tree, "/virtio_mmio@a000000", "interrupts", 0, 0x10, 1);
    CELLS(tree, "/virtio_mmio@a003e00", "reg", 0, 0xa003e00, 0, 0x200);
    CELLS(tree, "/virtio_mmio@a003e00", "interrupts", 0, 0x2f, 1);
    CELLS(tree, "/flash@0", "reg", 0, 0, 0, 0x4000000, 0, 0x4000000, 0, 0x4000000);
    CELLS(tree, "/flash@0", "bank-width", 4);
    CELLS(tree, "/pcie@10000000", "reg", 0x40, 0x10000000, 0, 0x10000000);
    CELLS(tree, "/pcie@10000000", "ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x2000000, 0,
          0x10000000, 0, 0x10000000, 0, 0x2eff0000, 0x3000000, 0x80, 0, 0x80, 0, 0x80, 0);
    CELLS(tree, "/pcie@10000000", "interrupt-map-mask", 0x1800, 0, 0, 7);
    CELLS(tree, "/apb-pclk", "clock-frequency", 24000000);
    STRINGS(tree, "/chosen", "stdout-path", "/pl011@9000000");
    STRINGS(tree, "/aliases", "serial0", "/pl011@9000000");
}

static void tree_gicv3(void)
{
    kernel_make();
    config_make();
    if (!start())
        return;
    void *tree = tree_get();
    if (tree) {
        tree_common(tree);
        uint32_t gic = test_phandle(tree, "/intc@8000000"),
                 its = test_phandle(tree, "/intc@8000000/its@8080000");
        STRINGS(tree, "/intc@8000000", "compatible", "arm,gic-v3");
        CELLS(tree, "/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
        CELLS(tree, "/intc@8000000", "#redistributor-regions", 1);
        CELLS(tree, "/intc@8000000/its@8080000", "reg", 0, 0x8080000, 0, 0x20000);
        CELLS(tree, "/pcie@10000000", "msi-map", 0, its, 0, 0x10000);
        CELLS(tree, "/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
        CELLS(tree, "/pmu", "interrupts", 1, 7, 4);
        /* INTA of slot 0, and INTD of slot 3. */
        int len, node = fdt_path_offset(tree, "/pcie@10000000");
        const uint8_t *map = fdt_getprop(tree, node, "interrupt-map", &len);
        static const uint32_t first[] = {0, 0, 0, 1}, last[] = {0x1800, 0, 0, 4};
        if (CHECK(map && len == 16 * 10 * 4)) {
            for (unsigned i = 0; i < 4; i++) {
                CHECK_EQ(be32_load(map + 4 * i), first[i]);
                CHECK_EQ(be32_load(map + 600 + 4 * i), last[i]);
            }
            CHECK_EQ(be32_load(map + 16), gic);
            CHECK_EQ(be32_load(map + 32), 3);
            CHECK_EQ(be32_load(map + 632), 5);
        }
    }
    free(tree);
    finish();
}

static void tree_gicv2(void)
{
    kernel_make();
    config_make();
    config.gic_version = 2;
    if (!start())
        return;
    void *tree = tree_get();
    if (tree) {
        tree_common(tree);
        uint32_t frame = test_phandle(tree, "/intc@8000000/v2m@8020000");
        STRINGS(tree, "/intc@8000000", "compatible", "arm,cortex-a15-gic");
        CELLS(tree, "/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
        STRINGS(tree, "/intc@8000000/v2m@8020000", "compatible", "arm,gic-v2m-frame");
        CELLS(tree, "/intc@8000000/v2m@8020000", "reg", 0, 0x8020000, 0, 0x1000);
        CELLS(tree, "/pcie@10000000", "msi-map", 0, frame, 0, 0x10000);
        CELLS(tree, "/timer", "interrupts", 1, 13, 0x304, 1, 14, 0x304, 1, 11, 0x304, 1, 10, 0x304);
        CELLS(tree, "/pmu", "interrupts", 1, 7, 0x304);
    }
    free(tree);
    finish();
}

/* 16 CPUs to a cluster, and redistributors in a second region when the first is full. */
static void many_cpus(void)
{
    kernel_make();
    config_make();
    config.cpus = 125;
    if (!start())
        return;
    void *tree = tree_get();
    if (tree) {
        CELLS(tree, "/cpus/cpu@10f", "reg", 0x10f);
        CHECK(fdt_path_offset(tree, "/cpus/cpu@10") < 0);
        CELLS(tree, "/intc@8000000", "#redistributor-regions", 2);
        CELLS(tree, "/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000, 0x40, 0, 0,
              0x4000000);
    }
    free(tree);
    uint64_t typer = 0;
    CHECK(physmem_load(&run->machine.mem, gpa(0x4000020008), 8, &typer));
    CHECK_EQ(typer, (uint64_t)0x70c << 32 | 124 << 8 | 0x11);
    finish();
}

/* --- ACPI --- */

static void dsdt_by_iasl(void)
{
    kernel_make();
    config_make();
    config.cpus = 4;
    if (!start())
        return;
    struct aml aml = {0};
    arm_dsdt_make(&aml, board);
    iasl_check(aml.bytes, aml.len);
    aml_free(&aml);
    finish();
}

/* --- PSCI --- */

enum {
    SUCCESS = 0,
    NOT_SUPPORTED = -1,
    INVALID_PARAMETERS = -2,
    DENIED = -3,
    ALREADY_ON = -4,
    INVALID_ADDRESS = -9,
};

#define VERSION        0x84000000
#define CPU_SUSPEND    0xc4000001
#define CPU_OFF        0x84000002
#define CPU_ON         0xc4000003
#define CPU_ON_32      0x84000003
#define AFFINITY_INFO  0xc4000004
#define MIGRATE_INFO   0x84000006
#define FEATURES       0x8400000a
#define SYSTEM_SUSPEND 0xc400000e
#define SYSTEM_RESET2  0xc4000012
#define SMCCC_VERSION  0x80000000
#define SMCCC_FEATURES 0x80000001
#define TRNG_RND       0xc4000053

static int64_t call_from(unsigned from, uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    struct aarch64_state *s = core(from);
    s->x[0] = function;
    s->x[1] = a;
    s->x[2] = b;
    s->x[3] = c;
    s->pc = RAM + 0x100;
    psci_call(board->psci, run->vcpus[from]);
    return (int64_t)s->x[0];
}
#define CALL(function, a, b, c) call_from(0, function, a, b, c)

static bool psci_start(void)
{
    kernel_make();
    config_make();
    config.cpus = 18;
    return start();
}

static void psci_features(void)
{
    static const uint32_t there[] = {VERSION,       CPU_SUSPEND,  CPU_OFF,      CPU_ON,         CPU_ON_32,
                                     AFFINITY_INFO, MIGRATE_INFO, FEATURES,     SYSTEM_SUSPEND, SYSTEM_RESET2,
                                     0x84000008,    0x84000009,   SMCCC_VERSION};
    if (!psci_start())
        return;
    CHECK_EQ(CALL(VERSION, 0, 0, 0), 0x10001);
    for (size_t i = 0; i < ARRAY_LEN(there); i++)
        CHECK_EQ(CALL(FEATURES, there[i], 0, 0), SUCCESS);
    CHECK_EQ(CALL(FEATURES, 0x84000005, 0, 0), NOT_SUPPORTED); /* MIGRATE */
    CHECK_EQ(CALL(FEATURES, 0xc4000002, 0, 0), NOT_SUPPORTED); /* CPU_OFF has no arguments */
    CHECK_EQ(CALL(FEATURES, 0x12345678, 0, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(MIGRATE_INFO, 0, 0, 0), 2);
    CHECK_EQ(CALL(0x84000005, 0, 0, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(0xdeadbeef, 0, 0, 0), NOT_SUPPORTED);
    CHECK_EQ(CALL(SMCCC_VERSION, 0, 0, 0), 0x10001);
    CHECK_EQ(CALL(SMCCC_FEATURES, 0x80008000, 0, 0), 1); /* no work-around is needed */
    CHECK_EQ(CALL(SMCCC_FEATURES, 0x80000002, 0, 0), NOT_SUPPORTED);
    finish();
}

static void psci_cores(void)
{
    if (!psci_start())
        return;
    /* Core 17 is the second of the second cluster. */
    CHECK_EQ(CALL(AFFINITY_INFO, 0, 0, 0), 0);
    CHECK_EQ(CALL(AFFINITY_INFO, 0x101, 0, 0), 1);
    CHECK_EQ(CALL(AFFINITY_INFO, 0x10, 0, 0), INVALID_PARAMETERS);
    CHECK_EQ(CALL(AFFINITY_INFO, 0, 1, 0), INVALID_PARAMETERS);
    CHECK_EQ(CALL(CPU_ON, 0x11, RAM, 0), INVALID_PARAMETERS);
    CHECK_EQ(CALL(CPU_ON, 0x101, 0x1000000000, 0), INVALID_ADDRESS);
    CHECK_EQ(CALL(CPU_ON, 0x101, RAM + 2, 0), INVALID_ADDRESS);
    CHECK_EQ(CALL(CPU_ON, 0, RAM, 0), ALREADY_ON);
    CHECK_EQ(CALL(CPU_ON, 0x101, RAM + 0x1000, 0x123456789a), SUCCESS);
    CHECK_EQ(core(17)->started, 1);
    CHECK_EQ(core(17)->pc, RAM + 0x1000);
    CHECK_EQ(core(17)->x[0], 0x123456789a);
    CHECK_EQ(core(17)->pstate & 0x3cf, 0x3c5);
    CHECK_EQ(CALL(CPU_ON, 0x101, RAM, 0), ALREADY_ON);
    CHECK_EQ(CALL(AFFINITY_INFO, 0x101, 0, 0), 0);
    call_from(17, CPU_OFF, 0, 0, 0);
    CHECK_EQ(core(17)->started, 0);
    CHECK_EQ(CALL(AFFINITY_INFO, 0x101, 0, 0), 1);
    /* With 32-bit arguments the upper halves don't count. */
    CHECK_EQ(CALL(CPU_ON_32, 0xffffffff00000101, 0xffffffff40002000, 0xffffffff00000007), SUCCESS);
    CHECK_EQ(core(17)->pc, RAM + 0x2000);
    CHECK_EQ(core(17)->x[0], 7);
    finish();
}

static void psci_suspend(void)
{
    if (!psci_start())
        return;
    CHECK_EQ(CALL(CPU_SUSPEND, 0x80000000, RAM, 0), INVALID_PARAMETERS);
    CHECK_EQ(CALL(CPU_SUSPEND, 0, 0, 0), SUCCESS); /* stand-by: goes on behind the call */
    CHECK_EQ(core(0)->waiting, 1);
    CHECK_EQ(core(0)->pc, RAM + 0x100);
    core(0)->waiting = 0;
    CHECK_EQ(CALL(CPU_SUSPEND, 1 << 16, 0x1000000000, 0), INVALID_ADDRESS);
    core(0)->vbar_el1 = 0x1000;
    CHECK_EQ(CALL(CPU_SUSPEND, 1 << 16, RAM + 0x3000, 0x55), 0x55); /* power-down: as a core that starts */
    CHECK_EQ(core(0)->waiting, 1);
    CHECK_EQ(core(0)->pc, RAM + 0x3000);
    CHECK_EQ(core(0)->vbar_el1, 0);
    core(0)->waiting = 0;
    CHECK_EQ(CALL(CPU_ON, 1, RAM, 0), SUCCESS);
    CHECK_EQ(CALL(SYSTEM_SUSPEND, RAM, 0, 0), DENIED);
    call_from(1, CPU_OFF, 0, 0, 0);
    CHECK_EQ(CALL(SYSTEM_SUSPEND, RAM + 0x4000, 9, 0), 9);
    CHECK_EQ(core(0)->pc, RAM + 0x4000);
    CHECK_EQ(CALL(SYSTEM_RESET2, 1, 0, 0), INVALID_PARAMETERS);
    CHECK(!run->private->request_pending);
    CHECK_EQ(CALL(SYSTEM_RESET2, 0, 0, 0), SUCCESS);
    CHECK(run->private->request_pending);
    CHECK_EQ(run->private->request, MACHINE_RESET);
    finish();
}

/* DEN0098, 2.6: as many bits as asked for, the rest zero. */
static void random_numbers(void)
{
    kernel_make();
    config_make();
    config.deterministic = false;
    if (!start())
        return;
    CHECK_EQ(CALL(0x84000050, 0, 0, 0), 0x10000);
    CHECK_EQ(CALL(0x84000051, TRNG_RND, 0, 0), SUCCESS);
    CHECK_EQ(CALL(TRNG_RND, 193, 0, 0), INVALID_PARAMETERS);
    CHECK_EQ(CALL(TRNG_RND, 0, 0, 0), INVALID_PARAMETERS);
    CHECK_EQ(CALL(TRNG_RND, 72, 0, 0), SUCCESS);
    CHECK(core(0)->x[3] != 0);
    CHECK_EQ(core(0)->x[2] >> 8, 0);
    CHECK_EQ(core(0)->x[1], 0);
    CHECK_EQ(CALL(0x84000053, 97, 0, 0), INVALID_PARAMETERS);
    CHECK_EQ(CALL(0x84000053, 96, 0, 0), SUCCESS);
    CHECK_EQ(core(0)->x[1] >> 32, 0);
    finish();
    /* A deterministic machine has none. */
    if (!psci_start())
        return;
    CHECK_EQ(CALL(0x84000050, 0, 0, 0), NOT_SUPPORTED);
    finish();
}

static const struct test_case cases[] = {
    {"boot_protocol", boot_protocol},
    {"programs", programs},
    {"limits", limits},
    {"tree_gicv3", tree_gicv3},
    {"tree_gicv2", tree_gicv2},
    {"many_cpus", many_cpus},
    {"dsdt_by_iasl", dsdt_by_iasl},
    {"psci_features", psci_features},
    {"psci_cores", psci_cores},
    {"psci_suspend", psci_suspend},
    {"random_numbers", random_numbers},
};

TEST_SUITE(arm_virt_test, "unit", cases);
