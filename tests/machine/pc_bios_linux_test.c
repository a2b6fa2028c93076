/*
 * A kernel beside a BIOS: which kernels are taken (Linux, Documentation/arch/x86/boot.rst), and the option
 * ROM that the BIOS finds in fw_cfg (BIOS Boot Specification 1.01, 3; Plug and Play BIOS
 * Specification 1.0A, 3.2). That it works is shown by test_pc_bios_kernel in tests/boot.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/loader/bzimage.h"
#include "machine/pc_board.h"
#include "tests/harness/test.h"

#define SETUP_SECTORS 3
#define PAYLOAD       (8 * KIB)
#define FILE_SIZE     ((SETUP_SECTORS + 1) * 512 + PAYLOAD)
#define INIT_SIZE     (2 * MIB)
#define PREFERRED     (16 * MIB)

static uint8_t image[FILE_SIZE];

/* A 32-bit kernel of protocol 2.15. */
static void image_build(void)
{
    memset(image, 0, sizeof(image));
    image[0x1f1] = SETUP_SECTORS;
    le32_store(image + 0x1f4, PAYLOAD / 16);
    le16_store(image + 0x1fe, 0xaa55);
    image[0x200] = 0xeb;
    image[0x201] = 0x6a;
    memcpy(image + 0x202, "HdrS", 4);
    le16_store(image + 0x206, 0x020f);
    image[0x211] = 1;
    le32_store(image + 0x22c, 0x37ffffff);
    le32_store(image + 0x238, 2047);
    le64_store(image + 0x258, PREFERRED);
    le32_store(image + 0x260, INIT_SIZE);
}

/* --- the header --- */

static bool check(size_t len, struct bzimage_real *real, struct error *err)
{
    struct source source;
    *err = (struct error){0};
    source_memory(&source, "kernel", image, len);
    bool ok = bzimage_real_check(&source, real, err);
    source_close(&source);
    return ok;
}

static void refused(size_t len, const char *words)
{
    struct bzimage_real real;
    struct error err;
    CHECK(!check(len, &real, &err) && err.kind == ERROR_IMAGE);
    if (!strstr(err.text, words))
        FAIL("\"%s\" does not mention \"%s\"", err.text, words);
}

static void headers(void)
{
    struct bzimage_real real;
    struct error err;
    image_build();
    CHECK(check(FILE_SIZE, &real, &err));
    CHECK_EQ(real.end, PREFERRED + INIT_SIZE);
    CHECK_EQ(real.initrd_end, 0x38000000);
    CHECK_EQ(real.command_line_max, 2047);
    le16_store(image + 0x206, 0x0205); /* neither the size of the command line nor that of the kernel */
    CHECK(check(FILE_SIZE, &real, &err));
    CHECK_EQ(real.end, MIB + PAYLOAD);
    CHECK_EQ(real.command_line_max, 255);
    le16_store(image + 0x206, 0x0202);
    refused(FILE_SIZE, "2.02");
    image_build();
    refused(FILE_SIZE - 512, "truncated");
    refused(0x200, "truncated");
    image[0x211] = 0;
    refused(FILE_SIZE, "zImage");
    image_build();
    le64_store(image + 0x258, UINT64_MAX);
    CHECK(check(FILE_SIZE, &real, &err));
    CHECK_EQ(real.end, MIB + INIT_SIZE);
}

/* --- the board --- */

static char kernel_path[40], firmware_path[40];
static struct machine_config config;
static struct machine_run *run;

static void file_make(char *path, const void *bytes, size_t len)
{
    strcpy(path, "/tmp/triarch-bios-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

static bool start(uint64_t memory, const char *append, struct error *err)
{
    static uint8_t firmware[64 * KIB];
    file_make(kernel_path, image, sizeof(image));
    file_make(firmware_path, firmware, sizeof(firmware));
    config = (struct machine_config){.arch = GUEST_X86_64,
                                     .cpus = 1,
                                     .memory = memory,
                                     .kernel = kernel_path,
                                     .append = append,
                                     .firmware = FIRMWARE_FILE,
                                     .firmware_file = firmware_path,
                                     .engine = &interpreter_engine,
                                     .deterministic = true};
    *err = (struct error){0};
    run = pc_create(&config, err);
    unlink(kernel_path);
    unlink(firmware_path);
    return run;
}

static void not_started(uint64_t memory, const char *append, const char *words)
{
    struct error err;
    CHECK(!start(memory, append, &err));
    if (!strstr(err.text, words))
        FAIL("\"%s\" does not mention \"%s\"", err.text, words);
}

static uint8_t data_read(void)
{
    uint64_t value = 0;
    bus_read(run->machine.mem.pio, PC_FW_CFG + 1, 1, &value);
    return (uint8_t)value;
}

static void item_read(uint16_t key, uint8_t *to, size_t len)
{
    bus_write(run->machine.mem.pio, PC_FW_CFG, key, 2);
    for (size_t i = 0; i < len; i++)
        to[i] = data_read();
}

/* A file's length, and its first bytes. */
static size_t file_read(const char *name, uint8_t *to, size_t size)
{
    uint8_t head[4], entry[64];
    item_read(FW_CFG_FILE_DIR, head, sizeof(head));
    for (uint32_t count = be32_load(head); count; count--) {
        for (unsigned i = 0; i < sizeof(entry); i++)
            entry[i] = data_read();
        if (strcmp((char *)entry + 8, name) != 0)
            continue;
        size_t len = be32_load(entry);
        item_read(be16_load(entry + 4), to, len < size ? len : size);
        return len;
    }
    FAIL("there is no file %s", name);
    return 0;
}

static uint8_t sum(const uint8_t *bytes, size_t len)
{
    uint8_t total = 0;
    for (size_t i = 0; i < len; i++)
        total += bytes[i];
    return total;
}

static void option_rom(void)
{
    struct error err;
    uint8_t rom[64 * KIB], order[64], bytes[FILE_SIZE], text[6];
    image_build();
    if (!CHECK(start(64 * MIB, "quiet", &err)))
        return;
    size_t len = file_read("genroms/linuxboot.bin", rom, sizeof(rom));
    if (CHECK(len >= 512 && len <= sizeof(rom))) {
        CHECK_EQ(le16_load(rom), 0xaa55);
        CHECK_EQ(rom[2] * 512, len);
        CHECK_EQ(sum(rom, len), 0);
        const uint8_t *pnp = rom + le16_load(rom + 0x1a);
        CHECK_MEM(pnp, "$PnP", 4);
        CHECK_EQ(pnp[5] * 16, 32);
        CHECK_EQ(sum(pnp, 32), 0);
        CHECK(le16_load(pnp + 0x1a) && le16_load(pnp + 0x1a) < len); /* the bootstrap entry vector */
    }
    CHECK_EQ(file_read("bootorder", order, sizeof(order)), sizeof("/rom@genroms/linuxboot.bin"));
    CHECK_STR((const char *)order, "/rom@genroms/linuxboot.bin");
    item_read(FW_CFG_KERNEL_SIZE, bytes, 4);
    CHECK_EQ(le32_load(bytes), FILE_SIZE);
    item_read(FW_CFG_KERNEL_DATA, bytes, sizeof(bytes));
    CHECK_MEM(bytes, image, sizeof(bytes));
    item_read(FW_CFG_CMDLINE_DATA, text, sizeof(text));
    CHECK_STR((const char *)text, "quiet");
    machine_run_destroy(run);
}

static void not_fitting(void)
{
    static char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    image_build();
    not_started(16 * MIB, "quiet", "--memory");
    not_started(64 * MIB, text, "2047");
    memcpy(image, "\177ELF\1\1\1", 7);
    memset(image + 0x1f1, 0, 0x100);
    not_started(64 * MIB, "quiet", "a BIOS starts only");
}

static const struct test_case cases[] = {
    {"headers", headers},
    {"option_rom", option_rom},
    {"not_fitting", not_fitting},
};
TEST_SUITE(pc_bios_linux_test, "unit", cases);
