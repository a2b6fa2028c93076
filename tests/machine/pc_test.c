/*
 * The PC: bzImages made here from Linux's Documentation/arch/x86/boot.rst, good and malformed; the state a
 * kernel finds (the 64-bit boot protocol, zero-page.rst, E820); its ACPI tables by their checksums and
 * signatures (ACPI 6.5), those of before by the MultiProcessor and $PIR specifications; and PCI configuration
 * space by both ways, with what is in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/loader/bzimage.h"
#include "machine/pc_board.h"
#include "machine/run_private.h"
#include "tests/harness/test.h"
#include "tests/machine/iasl_support.h"

#define SETUP_SECTORS 3
#define PAYLOAD       (8 * KIB)
#define FILE_SIZE     ((SETUP_SECTORS + 1) * 512 + PAYLOAD)
#define INIT_SIZE     (2 * MIB)
#define PREFERRED     (16 * MIB)

static uint8_t image[FILE_SIZE];

/* Protocol 2.15, relocatable, with the 64-bit entry. */
static void image_build(void)
{
    memset(image, 0x5a, sizeof(image));
    memset(image + BZIMAGE_SETUP, 0, BZIMAGE_SETUP_END - BZIMAGE_SETUP);
    image[0x1f1] = SETUP_SECTORS;
    le32_store(image + 0x1f4, PAYLOAD / 16);
    le16_store(image + 0x1fe, 0xaa55);
    image[0x200] = 0xeb;
    image[0x201] = 0x6a; /* the header ends at 0x26c */
    memcpy(image + 0x202, "HdrS", 4);
    le16_store(image + 0x206, 0x020f);
    image[0x211] = 1; /* loaded high */
    le32_store(image + 0x22c, 0x7fffffff);
    le32_store(image + 0x230, 2 * MIB);
    image[0x234] = 1;
    image[0x235] = 21;
    le16_store(image + 0x236, 1);
    le32_store(image + 0x238, 255);
    le64_store(image + 0x258, PREFERRED);
    le32_store(image + 0x260, INIT_SIZE);
}

/* --- the loader --- */

struct load {
    struct ram *ram;
    struct bzimage out;
    struct error err;
    bool ok;
};

static struct load load_into(uint64_t memory, size_t len)
{
    struct load load = {.ram = ram_create()};
    struct ram_block *block = ram_block_create(load.ram, "ram", memory, NULL);
    struct source source;
    CHECK(block && ram_map(load.ram, block, 0, gpa(0), memory, RAM_MAPPED, NULL));
    source_memory(&source, "kernel", image, len);
    load.ok = bzimage_load(&source, &(struct load_target){load.ram, 0, memory}, &load.out, &load.err);
    source_close(&source);
    ram_destroy(load.ram);
    return load;
}

static void refused(uint64_t memory, size_t len, const char *words)
{
    struct load load = load_into(memory, len);
    CHECK(!load.ok && load.err.kind == ERROR_IMAGE);
    if (!strstr(load.err.text, words))
        FAIL("\"%s\" does not mention \"%s\"", load.err.text, words);
}

static void placed(void)
{
    image_build();
    struct load load = load_into(64 * MIB, FILE_SIZE);
    CHECK(load.ok);
    CHECK_EQ(load.out.kernel.start, PREFERRED);
    CHECK_EQ(load.out.kernel.entry, PREFERRED + 0x200);
    CHECK_EQ(load.out.kernel.end, PREFERRED + INIT_SIZE);
    CHECK_EQ(load.out.initrd_end, 0x80000000);
    CHECK_EQ(load.out.command_line_max, 255);
    CHECK_EQ(load.out.setup[0], SETUP_SECTORS);
}

/* Its own place is no RAM: as low as its alignment allows. */
static void relocated(void)
{
    image_build();
    struct load load = load_into(8 * MIB, FILE_SIZE);
    CHECK(load.ok);
    CHECK_EQ(load.out.kernel.start, 2 * MIB);
    image[0x234] = 0;
    refused(8 * MIB, FILE_SIZE, "0x1000000");
}

static void malformed(void)
{
    image_build();
    refused(64 * MIB, FILE_SIZE - 512, "truncated");
    refused(64 * MIB, 0x200, "truncated");
    le16_store(image + 0x236, 0);
    refused(64 * MIB, FILE_SIZE, "32-bit kernel");
    image_build();
    le16_store(image + 0x206, 0x020a);
    refused(64 * MIB, FILE_SIZE, "2.10");
    image_build();
    image[0x201] = 0x10;
    refused(64 * MIB, FILE_SIZE, "damaged");
    image_build();
    le32_store(image + 0x230, 3 * MIB);
    refused(64 * MIB, FILE_SIZE, "alignment");
    image_build();
    image[0x211] = 0;
    refused(64 * MIB, FILE_SIZE, "zImage");
    image_build();
    le64_store(image + 0x258, UINT64_MAX - 4096);
    image[0x234] = 0;
    refused(64 * MIB, FILE_SIZE, "needs memory");
}

/* --- the board --- */

static char kernel_path[40], initrd_path[40];
static struct machine_config config;
static struct machine_run *run;
static struct pc_board *board;

static void file_make(char *path, const void *bytes, size_t len)
{
    strcpy(path, "/tmp/triarch-pc-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

static bool start(uint64_t memory, unsigned cpus, size_t initrd_size, struct error *err)
{
    uint8_t *initrd = calloc(1, initrd_size + 1);
    image_build();
    file_make(kernel_path, image, sizeof(image));
    file_make(initrd_path, initrd, initrd_size);
    free(initrd);
    config = (struct machine_config){.arch = GUEST_X86_64,
                                     .cpus = cpus,
                                     .memory = memory,
                                     .kernel = kernel_path,
                                     .initrd = initrd_size ? initrd_path : NULL,
                                     .append = "console=ttyS0",
                                     .engine = &interpreter_engine,
                                     .deterministic = true};
    run = pc_create(&config, err);
    if (!run)
        return false;
    board = run->private->board.opaque;
    return run->private->board.boot(board, err);
}

static void finish(void)
{
    machine_run_destroy(run);
    unlink(kernel_path);
    unlink(initrd_path);
}

static void bytes_at(uint64_t address, void *to, size_t len)
{
    CHECK(ram_read(run->machine.mem.ram, gpa(address), to, len));
}

static void boot_protocol(void)
{
    struct error err = {0};
    uint8_t zero[4096], text[16];
    if (!CHECK(start(64 * MIB, 2, 5000, &err)))
        return;
    struct x86_state *s = x86_state(run->vcpus[0]);
    CHECK_EQ(s->rip, PREFERRED + 0x200);
    CHECK_EQ(s->efer & (EFER_LME | EFER_LMA), EFER_LME | EFER_LMA);
    CHECK_EQ(s->cr0 & (CR0_PE | CR0_PG), CR0_PE | CR0_PG);
    CHECK_EQ(s->rflags & FLAG_IF, 0);
    CHECK_EQ(s->seg[CS].selector, 0x10);
    CHECK_EQ(s->seg[DS].selector, 0x18);
    struct translation high = x86_64_ops.translate(run->vcpus[0], gva(0xfee00000), WALK_READ);
    CHECK(high.ok);
    CHECK_EQ(high.pa.a, 0xfee00000);
    CHECK_EQ(x86_state(run->vcpus[1])->activity, ACTIVITY_WAIT_FOR_SIPI);

    bytes_at(s->gpr[RSI], zero, sizeof(zero));
    CHECK_EQ(le32_load(zero + 0x202), 0x53726448);
    CHECK_EQ(zero[0x210], 0xff);
    CHECK_EQ(le32_load(zero + 0x21c), 5000);
    CHECK(le32_load(zero + 0x218) >= PREFERRED + INIT_SIZE);
    bytes_at(le32_load(zero + 0x228), text, 14);
    CHECK_STR((const char *)text, "console=ttyS0");
    uint64_t ram = 0;
    for (unsigned i = 0; i < zero[0x1e8]; i++) {
        if (le32_load(zero + 0x2d0 + 20 * i + 16) == 1)
            ram += le64_load(zero + 0x2d0 + 20 * i + 8);
    }
    CHECK_EQ(ram, 64 * MIB - MIB + 0x9fc00);
    finish();
}

static uint8_t sum(uint64_t address, size_t len)
{
    uint8_t total = 0, *bytes = malloc(len);
    bytes_at(address, bytes, len);
    for (size_t i = 0; i < len; i++)
        total += bytes[i];
    free(bytes);
    return total;
}

/* 5.2.5: the root pointer, its two checksums, and each table behind it. */
static void acpi_tables(void)
{
    static const char *const wanted[] = {"FACP", "APIC", "MCFG", "HPET"};
    struct error err = {0};
    uint8_t rsdp[36], head[36], pointer[8];
    if (!CHECK(start(64 * MIB, 4, 0, &err)))
        return;
    bytes_at(PC_TABLES, rsdp, sizeof(rsdp));
    CHECK_MEM(rsdp, "RSD PTR ", 8);
    CHECK_EQ(sum(PC_TABLES, 20), 0);
    CHECK_EQ(sum(PC_TABLES, 36), 0);
    uint64_t xsdt = le64_load(rsdp + 24);
    bytes_at(xsdt, head, sizeof(head));
    CHECK_MEM(head, "XSDT", 4);
    CHECK_EQ(sum(xsdt, le32_load(head + 4)), 0);
    CHECK_EQ(le32_load(head + 4), 36 + 8 * ARRAY_LEN(wanted));
    /* The RSDT says the same in 32 bits. */
    uint64_t rsdt = le32_load(rsdp + 16);
    bytes_at(rsdt, head, sizeof(head));
    CHECK_MEM(head, "RSDT", 4);
    CHECK_EQ(sum(rsdt, le32_load(head + 4)), 0);
    CHECK_EQ(le32_load(head + 4), 36 + 4 * ARRAY_LEN(wanted));
    for (unsigned i = 0; i < ARRAY_LEN(wanted); i++) {
        uint8_t narrow[4];
        bytes_at(xsdt + 36 + 8 * i, pointer, 8);
        bytes_at(rsdt + 36 + 4 * i, narrow, 4);
        CHECK_EQ(le32_load(narrow), le64_load(pointer));
        bytes_at(le64_load(pointer), head, sizeof(head));
        CHECK(memcmp(head, wanted[i], 4) == 0);
        CHECK_EQ(sum(le64_load(pointer), le32_load(head + 4)), 0);
    }
    finish();
}

/* PCI 3.0, 3.2.2.3.2 and PCIe 7.2.2: the same function by ports and by memory. */
static void config_space(void)
{
    struct error err = {0};
    uint64_t by_port = 0, by_memory = 0;
    if (!CHECK(start(64 * MIB, 1, 0, &err)))
        return;
    CHECK(bus_write(run->machine.mem.pio, 0xcf8, 0x8000f800, 4));
    CHECK(bus_read(run->machine.mem.pio, 0xcfc, 4, &by_port));
    CHECK(bus_read(run->machine.mem.mmio, PC_ECAM + (31 << 15), 4, &by_memory));
    CHECK_EQ(by_port, 0x29188086); /* the ICH9's LPC bridge */
    CHECK_EQ(by_memory, by_port);
    finish();
}

/* ACPI 6.5, 4.8.3.1.1: PWRBTN_STS is bit 8 of the PM1 status register, and cleared by writing it. */
static void power_button(void)
{
    struct error err = {0};
    uint64_t status = 0;
    if (!CHECK(start(64 * MIB, 1, 0, &err)))
        return;
    CHECK(bus_read(run->machine.mem.pio, PC_PM_BASE, 2, &status));
    CHECK_EQ(status & 0x100, 0);
    host_mutex_lock(&run->machine.lock);
    CHECK(machine_power_button(run));
    host_mutex_unlock(&run->machine.lock);
    CHECK(bus_read(run->machine.mem.pio, PC_PM_BASE, 2, &status));
    CHECK_EQ(status & 0x100, 0x100);
    CHECK(bus_write(run->machine.mem.pio, PC_PM_BASE, 0x100, 2));
    CHECK(bus_read(run->machine.mem.pio, PC_PM_BASE, 2, &status));
    CHECK_EQ(status & 0x100, 0);
    finish();
}

static void big_initrd(void)
{
    struct error err = {0};
    CHECK(!start(32 * MIB, 1, 40 * MIB, &err));
    CHECK(err.kind == ERROR_IMAGE && strstr(err.text, "40 MiB") && strstr(err.text, "32 MiB"));
    finish();
}

static void dsdt_by_iasl(void)
{
    struct error err = {0};
    struct acpi_tables made = {0};
    if (!CHECK(start(64 * MIB, 4, 0, &err)))
        return;
    size_t dsdt = pc_acpi_make(&made, board);
    iasl_check(made.bytes + dsdt + 36, le32_load(made.bytes + dsdt + 4) - 36);
    acpi_free(&made);
    finish();
}

/* What a BIOS leaves behind: the serial ports, the segment of its own data, and where memory ends below that.
 */
static void data_area(void)
{
    struct error err = {0};
    uint8_t bytes[0x20], size;
    if (!CHECK(start(64 * MIB, 1, 0, &err)))
        return;
    bytes_at(0x400, bytes, sizeof(bytes));
    CHECK_EQ(le16_load(bytes), 0x3f8);
    CHECK_EQ(le16_load(bytes + 2), 0x2f8);
    CHECK_EQ(le16_load(bytes + 0x0e), 0x9fc0);
    CHECK_EQ(le16_load(bytes + 0x13), 639);
    bytes_at(0x9fc00, &size, 1);
    CHECK_EQ(size, 1);
    /* Vectors: the timer's and the second chip's IRQ 8 come to code that ends at the others' IRET. */
    uint8_t vectors[1024], last;
    bytes_at(0, vectors, sizeof(vectors));
    CHECK_EQ(le32_load(vectors + 4 * 0x1c), 0xf000ff53);
    CHECK_EQ(le32_load(vectors + 4 * 0x08), 0xf000ff4d);
    CHECK_EQ(le32_load(vectors + 4 * 0x70), 0xf000ff46);
    bytes_at(0xfff53, &last, 1);
    CHECK_EQ(last, 0xcf);
    finish();
}

/* Where a table is found in the BIOS's area; 0: nowhere. */
static uint64_t table_find(const char *name, unsigned step, uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at < end; at += step) {
        uint8_t bytes[4];
        bytes_at(at, bytes, sizeof(bytes));
        if (memcmp(bytes, name, sizeof(bytes)) == 0)
            return at;
    }
    return 0;
}

/* MP 1.4, 4.1 to 4.3: entries of 20 bytes for processors, 8 for all others; every ISA interrupt and every
 * pin of PCI has its way to the I/O APIC. */
static void mp_tables(void)
{
    enum { CPUS = 3 };
    struct error err = {0};
    if (!CHECK(start(64 * MIB, CPUS, 0, &err)))
        return;
    uint64_t pointer = table_find("_MP_", 16, 0xf0000, 0x100000);
    uint8_t bytes[20];
    CHECK_EQ(sum(pointer, 16), 0);
    bytes_at(pointer, bytes, 16);
    CHECK_EQ(bytes[8], 1);
    CHECK_EQ(bytes[9], 4);
    CHECK_EQ(bytes[11], 0);
    uint8_t head[44];
    uint64_t at = le32_load(bytes + 4);
    bytes_at(at, head, sizeof(head));
    CHECK_MEM(head, "PCMP", 4);
    CHECK_EQ(sum(at, le16_load(head + 4)), 0);
    CHECK_EQ(le32_load(head + 36), 0xfee00000);
    unsigned counts[5] = {0}, isa = 0, entries = 0;
    bool lpc_wired = false;
    for (uint64_t p = at + 44; p < at + le16_load(head + 4); entries++) {
        bytes_at(p, bytes, sizeof(bytes));
        if (!CHECK(bytes[0] < 5))
            break;
        if (bytes[0] == 0) {
            CHECK_EQ(bytes[1], counts[0]);
            CHECK_EQ(bytes[3], counts[0] ? 1 : 3); /* the first is the bootstrap processor */
            CHECK(le32_load(bytes + 4) != 0);
        }
        if (bytes[0] == 2)
            CHECK_EQ(le32_load(bytes + 4), 0xfec00000);
        if (bytes[0] == 3 && bytes[4] == 1) {
            CHECK_EQ(bytes[7], bytes[5] ? bytes[5] : 2);
            isa |= 1u << bytes[5];
        }
        /* The AHCI controller (slot 31, INTA) is on PIRQA. */
        lpc_wired |= bytes[0] == 3 && bytes[4] == 0 && bytes[5] == 31 << 2 && bytes[7] == 16;
        counts[bytes[0]]++;
        p += bytes[0] ? 8 : 20;
    }
    CHECK_EQ(entries, le16_load(head + 34));
    CHECK_EQ(counts[0], CPUS);
    CHECK_EQ(counts[2], 1);
    CHECK_EQ(counts[4], 2);
    CHECK_EQ(isa, 0xfffb);
    CHECK(lpc_wired);
    finish();
}

/* The $PIR table: each slot's pins by the registers of the bridge, which lead where the table allows. */
static void pir_table(void)
{
    struct error err = {0};
    if (!CHECK(start(64 * MIB, 1, 0, &err)))
        return;
    uint64_t at = table_find("$PIR", 16, 0xf0000, 0x100000);
    uint8_t bytes[32];
    bytes_at(at, bytes, sizeof(bytes));
    unsigned len = le16_load(bytes + 6);
    CHECK(len > 32 && len % 16 == 0);
    CHECK_EQ(sum(at, len), 0);
    CHECK_EQ(bytes[9], 31 << 3);
    CHECK_EQ(le32_load(bytes + 12), 0x29188086);
    for (uint64_t slot = at + 32; slot < at + len; slot += 16) {
        bytes_at(slot, bytes, 16);
        for (unsigned i = 0; i < 4; i++) {
            unsigned link = bytes[2 + 3 * i];
            uint64_t route = 0;
            CHECK((link >= 0x60 && link <= 0x63) || (link >= 0x68 && link <= 0x6b));
            CHECK(bus_read(run->machine.mem.mmio, PC_ECAM + (31 << 15) + link, 1, &route));
            CHECK(le16_load(bytes + 3 + 3 * i) >> route & 1);
        }
    }
    finish();
}

/* MP 1.4, 3.6.2.2: an interrupt of the 8259 pair reaches the first processor though nobody has set up an
 * APIC; ICW1 to ICW4 and the mask are all that a small system writes. COM1's transmitter is empty. */
static void virtual_wire(void)
{
    static const struct {
        uint16_t port;
        uint8_t value;
    } writes[] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1}, {0x21, 0xef}, {0x3f9, 2}};
    struct error err = {0};
    if (!CHECK(start(64 * MIB, 1, 0, &err)))
        return;
    host_mutex_lock(&run->machine.lock);
    CHECK_EQ(lapic_acknowledge(board->lapic, 0), -1); /* nor has anybody masked anything */
    host_mutex_unlock(&run->machine.lock);
    for (unsigned i = 0; i < ARRAY_LEN(writes); i++)
        CHECK(bus_write(run->machine.mem.pio, writes[i].port, writes[i].value, 1));
    host_mutex_lock(&run->machine.lock);
    CHECK_EQ(lapic_acknowledge(board->lapic, 0), 0x24);
    host_mutex_unlock(&run->machine.lock);
    finish();
}

/* What is there has its place: no BAR is left at 0, none overlaps another, and they are decoded. The
 * interrupt line says what the 8259 pair gets, level-triggered. */
static void functions_ready(void)
{
    struct error err = {0};
    uint64_t value, elcr = 0, from[64], to[64];
    unsigned used = 0;
    if (!CHECK(start(64 * MIB, 1, 0, &err)))
        return;
    CHECK(bus_read(run->machine.mem.pio, 0x4d0, 1, &value) &&
          bus_read(run->machine.mem.pio, 0x4d1, 1, &elcr));
    elcr = elcr << 8 | value;
    for (uint64_t function = PC_ECAM; function < PC_ECAM + (256 << 12); function += 4096) {
        CHECK(bus_read(run->machine.mem.mmio, function, 4, &value));
        if (value == UINT32_MAX)
            continue;
        CHECK(bus_read(run->machine.mem.mmio, function + 0x3c, 2, &value));
        if (value >> 8)
            CHECK(elcr >> (value & 0xff) & 1);
        for (unsigned bar = 0x10; bar < 0x28; bar += 4) {
            uint64_t low, mask;
            CHECK(bus_read(run->machine.mem.mmio, function + bar, 4, &low));
            CHECK(bus_write(run->machine.mem.mmio, function + bar, UINT32_MAX, 4));
            CHECK(bus_read(run->machine.mem.mmio, function + bar, 4, &mask));
            CHECK(bus_write(run->machine.mem.mmio, function + bar, low, 4));
            bar += (low & 5) == 4 ? 4 : 0;
            if (!mask)
                continue;
            uint64_t space = low & 1 ? 1ull << 40 : 0; /* ports are elsewhere */
            uint64_t bits = low & 1 ? 0xfffc : 0xfffffff0;
            from[used] = space + (low & bits);
            to[used] = from[used] + (~(mask & bits) & (low & 1 ? 0xffff : UINT32_MAX));
            CHECK(low & bits);
            for (unsigned i = 0; i < used; i++)
                CHECK(from[used] > to[i] || to[used] < from[i]);
            used++;
            CHECK(bus_read(run->machine.mem.mmio, function + 4, 2, &value));
            CHECK(value & (low & 1 ? 1 : 2));
        }
    }
    CHECK(used >= 3); /* of the VGA, the AHCI controller and random numbers */
    finish();
}

static const struct test_case cases[] = {
    {"placed", placed},
    {"relocated", relocated},
    {"malformed", malformed},
    {"boot_protocol", boot_protocol},
    {"acpi_tables", acpi_tables},
    {"dsdt_by_iasl", dsdt_by_iasl},
    {"data_area", data_area},
    {"config_space", config_space},
    {"power_button", power_button},
    {"big_initrd", big_initrd},
    {"mp_tables", mp_tables},
    {"pir_table", pir_table},
    {"functions_ready", functions_ready},
    {"virtual_wire", virtual_wire},
};
TEST_SUITE(pc_test, "unit", cases);
