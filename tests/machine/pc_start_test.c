/*
 * Kernels that are started without firmware and are no Linux: multiboot by header addresses and as ELF
 * (Multiboot Specification 0.6.96, 3.1 to 3.3), PVH by its note (Xen, docs/misc/pvh.pandoc and start_info.h),
 * plain ELF files of 32 and 64 bits; and what is refused. Offsets are those of the specifications.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/pc_board.h"
#include "machine/run_private.h"
#include "tests/harness/test.h"

#define FILE_SIZE    0x3000
#define ADDRESS      0x200000u
#define INITRD       "the module"
#define COMMAND_LINE "quiet root=/dev/ram"

static uint8_t image[FILE_SIZE];
static char kernel_path[40], initrd_path[40];
static struct machine_config config;
static struct machine_run *run;
static const struct x86_state *state;

static void file_make(char *path, const void *bytes, size_t len)
{
    strcpy(path, "/tmp/triarch-start-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

static void finish(void)
{
    machine_run_destroy(run);
    unlink(kernel_path);
    unlink(initrd_path);
}

static bool start(uint64_t memory, struct error *err)
{
    file_make(kernel_path, image, sizeof(image));
    file_make(initrd_path, INITRD, sizeof(INITRD));
    config = (struct machine_config){.arch = GUEST_X86_64,
                                     .cpus = 1,
                                     .memory = memory,
                                     .kernel = kernel_path,
                                     .initrd = initrd_path,
                                     .append = COMMAND_LINE,
                                     .engine = &interpreter_engine,
                                     .deterministic = true};
    run = pc_create(&config, err);
    if (!run)
        return false;
    state = x86_state(run->vcpus[0]);
    const struct machine_board *board = &run->private->board;
    host_mutex_lock(&run->machine.lock);
    bool ok = board->boot(board->opaque, err);
    host_mutex_unlock(&run->machine.lock);
    return ok;
}

static void refused(const char *words, const char *more)
{
    struct error err = {0};
    CHECK(!start(64 * MIB, &err) && err.kind == ERROR_IMAGE);
    if (!strstr(err.text, words) || !strstr(err.text, more))
        FAIL("\"%s\" does not mention \"%s\" and \"%s\"", err.text, words, more);
    finish();
}

static void bytes_at(uint64_t address, void *to, size_t len)
{
    CHECK(ram_read(run->machine.mem.ram, gpa(address), to, len));
}

static void check_text(uint64_t address, const char *expected)
{
    char text[64] = "";
    bytes_at(address, text, strlen(expected) + 1);
    CHECK_STR(text, expected);
}

/* --- images --- */

static void multiboot_put(uint32_t at, uint32_t flags)
{
    le32_store(image + at, 0x1badb002);
    le32_store(image + at + 4, flags);
    le32_store(image + at + 8, 0 - 0x1badb002u - flags);
}

/* The header at 0x104, the text from 0x100 on. */
static void kludge_build(uint32_t flags)
{
    memset(image, 0x90, sizeof(image));
    multiboot_put(0x104, flags | 0x10000);
    le32_store(image + 0x104 + 12, ADDRESS + 4);
    le32_store(image + 0x104 + 16, ADDRESS);
    le32_store(image + 0x104 + 20, ADDRESS + 0x1000);
    le32_store(image + 0x104 + 24, ADDRESS + 0x3000);
    le32_store(image + 0x104 + 28, ADDRESS + 0x40);
}

/* One segment of 0x100 bytes from 0x1000 of the file on, its virtual address 0x80000000 above the physical
 * one. */
static void elf32_build(uint32_t paddr)
{
    uint8_t *program = image + 52;
    memset(image, 0, sizeof(image));
    memcpy(image, "\177ELF\1\1\1", 7);
    le16_store(image + 16, 2);
    le16_store(image + 18, 3); /* EM_386 */
    le32_store(image + 24, paddr + 0x80000000u + 0x10);
    le32_store(image + 28, 52);
    le16_store(image + 42, 32);
    le16_store(image + 44, 1);
    le32_store(program, 1);
    le32_store(program + 4, 0x1000);
    le32_store(program + 8, paddr + 0x80000000u);
    le32_store(program + 12, paddr);
    le32_store(program + 16, 0x100);
    le32_store(program + 20, 0x200);
    memset(image + 0x1000, 0xf4, 0x100);
}

/* As above with 64 bits, and with a note that gives an entry, when that is not 0. */
static void elf64_build(uint64_t paddr, uint32_t pvh_entry)
{
    uint8_t *load = image + 64, *note = image + 64 + 56;
    memset(image, 0, sizeof(image));
    memcpy(image, "\177ELF\2\1\1", 7);
    le16_store(image + 16, 2);
    le16_store(image + 18, 62);
    le64_store(image + 24, paddr + 0x20);
    le64_store(image + 32, 64);
    le16_store(image + 54, 56);
    le16_store(image + 56, pvh_entry ? 2 : 1);
    le32_store(load, 1);
    le64_store(load + 8, 0x1000);
    le64_store(load + 16, paddr);
    le64_store(load + 24, paddr);
    le64_store(load + 32, 0x100);
    le64_store(load + 40, 0x100);
    le32_store(note, 4);
    le64_store(note + 8, 0x800);
    le64_store(note + 32, 20);
    le32_store(image + 0x800, 4);
    le32_store(image + 0x804, 4);
    le32_store(image + 0x808, 18);
    memcpy(image + 0x80c, "Xen", 4);
    le32_store(image + 0x810, pvh_entry);
}

/* --- states --- */

static void check_protected(uint64_t entry)
{
    CHECK_EQ(state->rip, entry);
    CHECK_EQ(state->cr0 & (CR0_PE | CR0_PG), CR0_PE);
    CHECK_EQ(state->efer & EFER_LMA, 0);
    CHECK_EQ(state->rflags & FLAG_IF, 0);
    CHECK_EQ(state->seg[CS].base, 0);
    CHECK_EQ(state->seg[CS].limit, 0xffffffff);
    CHECK_EQ(state->seg[SS].limit, 0xffffffff);
}

static void check_module(uint64_t start_at, uint64_t end)
{
    char text[sizeof(INITRD)];
    CHECK_EQ(end - start_at, sizeof(INITRD));
    CHECK_EQ(start_at % 4096, 0);
    bytes_at(start_at, text, sizeof(text));
    CHECK_STR(text, INITRD);
}

/* 3.2 and 3.3: what is in the registers and in the information. */
static void check_multiboot(uint64_t entry, uint32_t flags)
{
    uint8_t info[116], module[16], entries[24 * 12];
    uint64_t ram = 0;
    check_protected(entry);
    CHECK_EQ(state->gpr[RAX], 0x2badb002);
    bytes_at(state->gpr[RBX], info, sizeof(info));
    CHECK_EQ(le32_load(info), flags);
    CHECK_EQ(le32_load(info + 4), 639);
    CHECK_EQ(le32_load(info + 8), 63 * 1024);
    char line[sizeof(kernel_path) + sizeof(COMMAND_LINE)];
    snprintf(line, sizeof(line), "%s %s", kernel_path, COMMAND_LINE);
    check_text(le32_load(info + 16), line);
    CHECK_EQ(le32_load(info + 20), 1);
    bytes_at(le32_load(info + 24), module, sizeof(module));
    check_module(le32_load(module), le32_load(module + 4));
    check_text(le32_load(module + 8), initrd_path);
    uint32_t len = le32_load(info + 44);
    if (!CHECK(len <= sizeof(entries)))
        return;
    bytes_at(le32_load(info + 48), entries, len);
    for (uint32_t at = 0; at < len; at += le32_load(entries + at) + 4) {
        if (!CHECK_EQ(le32_load(entries + at), 20))
            return;
        if (le32_load(entries + at + 20) == 1)
            ram += le64_load(entries + at + 12);
    }
    CHECK_EQ(ram, 63 * MIB + 0x9fc00);
}

static void multiboot_addresses(void)
{
    struct error err = {0};
    uint8_t bytes[8];
    kludge_build(3);
    if (!CHECK(start(64 * MIB, &err)))
        return;
    check_multiboot(ADDRESS + 0x40, 0x24d);
    bytes_at(ADDRESS, bytes, 8);
    CHECK_MEM(bytes, "\x90\x90\x90\x90\x02\xb0\xad\x1b", 8);
    bytes_at(ADDRESS + 0xffc, bytes, 8);
    CHECK_MEM(bytes, "\x90\x90\x90\x90\0\0\0\0", 8);
    finish();
}

static unsigned in(uint16_t port)
{
    uint64_t value = 0;
    CHECK(bus_read(run->machine.mem.pio, port, 1, &value));
    return (unsigned)value;
}

/* What a boot loader on a BIOS leaves: the timer of the PC counts from 65536, and is not masked. */
static void multiboot_timer(void)
{
    struct error err = {0};
    elf32_build(ADDRESS);
    multiboot_put(0x800, 0);
    if (!CHECK(start(64 * MIB, &err)))
        return;
    CHECK_EQ(in(0x21), 0xf8);                              /* timer, keyboard, the second 8259 */
    CHECK_EQ(in(0xa1), 0xef);                              /* mouse */
    CHECK(bus_write(run->machine.mem.pio, 0x43, 0xe2, 1)); /* read back the status of channel 0 */
    CHECK_EQ(in(0x40), 0xb4);                              /* high, counting, both halves, mode 2 */
    finish();
}

static void multiboot_elf(void)
{
    struct error err = {0};
    elf32_build(ADDRESS);
    multiboot_put(0x800, 0);
    if (!CHECK(start(64 * MIB, &err)))
        return;
    check_multiboot(ADDRESS + 0x10, 0x24d);
    finish();
}

/* 3.3: framebuffer_addr to color_info, and the pixels are there. */
static void multiboot_screen(void)
{
    struct error err = {0};
    uint8_t info[116];
    kludge_build(4);
    le32_store(image + 0x104 + 32, 0);
    le32_store(image + 0x104 + 36, 800);
    le32_store(image + 0x104 + 40, 600);
    le32_store(image + 0x104 + 44, 32);
    if (!CHECK(start(64 * MIB, &err)))
        return;
    check_multiboot(ADDRESS + 0x40, 0x124d);
    bytes_at(state->gpr[RBX], info, sizeof(info));
    CHECK_EQ(le32_load(info + 96), 3200);
    CHECK_EQ(le32_load(info + 100), 800);
    CHECK_EQ(le32_load(info + 104), 600);
    CHECK_EQ(info[108], 32);
    CHECK_EQ(info[109], 1);
    CHECK_MEM(info + 110, "\x10\x08\x08\x08\x00\x08", 6);
    uint8_t pixel[4] = {0x12, 0x34, 0x56, 0};
    CHECK(ram_write(run->machine.mem.ram, gpa(le64_load(info + 88) + 3200 * 599 + 4 * 799), pixel, 4));
    struct display_surface surface = display_refresh(run->display);
    CHECK_EQ(surface.width, 800);
    CHECK_EQ(surface.height, 600);
    CHECK_EQ(surface.pixels[(size_t)surface.stride * 599 + 799], 0x563412);
    finish();
}

/* Dots of a cell of 9 by 16 that have this colour. */
static unsigned dots(const struct display_surface *surface, unsigned column, unsigned row, uint32_t colour)
{
    unsigned count = 0;
    for (unsigned y = 16 * row; y < 16 * row + 16; y++) {
        for (unsigned x = 9 * column; x < 9 * column + 9; x++)
            count += (surface->pixels[(size_t)surface->stride * y + x] & 0xffffff) == colour;
    }
    return count;
}

/* Text is what a BIOS leaves behind: its memory, letters and colours are there for whoever writes to them. */
static void multiboot_text(void)
{
    struct error err = {0};
    uint8_t info[116], mode[3];
    kludge_build(4);
    le32_store(image + 0x104 + 32, 1);
    if (!CHECK(start(64 * MIB, &err)))
        return;
    check_multiboot(ADDRESS + 0x40, 0x124d);
    bytes_at(state->gpr[RBX], info, sizeof(info));
    CHECK_EQ(le64_load(info + 88), 0xb8000);
    CHECK_EQ(le32_load(info + 96), 160);
    CHECK_EQ(le32_load(info + 100), 80);
    CHECK_EQ(le32_load(info + 104), 25);
    CHECK_EQ(info[109], 2);
    bytes_at(0x449, mode, sizeof(mode));
    CHECK_MEM(mode, "\x03\x50\x00", 3);

    /* A white block on blue, a yellow line across, a red I. */
    const uint16_t text[] = {0x1fdb, 0x0ec4, 0x0449, 0x1f20};
    for (unsigned i = 0; i < ARRAY_LEN(text); i++)
        CHECK(bus_write(run->machine.mem.mmio, 0xb8000 + 2 * (80 + i), text[i], 2));
    struct display_surface surface = display_refresh(run->display);
    CHECK_EQ(surface.width, 720);
    CHECK_EQ(surface.height, 400);
    CHECK_EQ(dots(&surface, 0, 1, 0xffffff), 9 * 16); /* the ninth column repeats the eighth */
    CHECK_EQ(dots(&surface, 1, 1, 0xffff57), 9);
    CHECK(dots(&surface, 2, 1, 0xa80000) > 10);
    CHECK_EQ(dots(&surface, 2, 1, 0xa80000) + dots(&surface, 2, 1, 0x000000), 9 * 16);
    CHECK_EQ(dots(&surface, 3, 1, 0x0000a8), 9 * 16);
    CHECK_EQ(dots(&surface, 4, 1, 0x000000), 9 * 16);
    finish();
}

static void multiboot_refusals(void)
{
    kludge_build(8);
    refused("flags 0x8", "multiboot");
    kludge_build(4);
    le32_store(image + 0x104 + 36, 640);
    le32_store(image + 0x104 + 40, 480);
    le32_store(image + 0x104 + 44, 8);
    refused("8 bits", "640 x 480");
    kludge_build(0);
    le32_store(image + 0x104 + 12, ADDRESS - 4);
    refused("damaged", "outside");
    kludge_build(0);
    le32_store(image + 0x104 + 20, ADDRESS + 0x10000);
    le32_store(image + 0x104 + 24, 0);
    refused("truncated", "12288");
    kludge_build(0);
    le32_store(image + 0x104 + 24, ADDRESS + 8);
    refused("damaged", "zeroed");
    /* Neither addresses nor an ELF file. */
    memset(image, 0x90, sizeof(image));
    multiboot_put(0x104, 0);
    refused("no ELF file", kernel_path);
}

/* A wrong checksum is no header, and the search ends at 8 KiB. */
static void multiboot_search(void)
{
    elf32_build(ADDRESS);
    multiboot_put(0x1ff4, 3);
    struct error err = {0};
    CHECK(start(64 * MIB, &err));
    CHECK_EQ(state->gpr[RAX], 0x2badb002);
    finish();
    elf32_build(ADDRESS);
    multiboot_put(0x1ff8, 3);
    multiboot_put(0x400, 3);
    image[0x408] ^= 1;
    CHECK(start(64 * MIB, &err));
    CHECK_EQ(state->gpr[RAX], 0);
    finish();
}

/* start_info.h: hvm_start_info of version 1, and the module list and memory map it leads to. */
static void check_start_info(void)
{
    uint8_t info[56], module[32], entries[24 * 12];
    uint64_t ram = 0;
    bytes_at(state->gpr[RBX], info, sizeof(info));
    CHECK_EQ(le32_load(info), 0x336ec578);
    CHECK_EQ(le32_load(info + 4), 1);
    CHECK_EQ(le32_load(info + 12), 1);
    bytes_at(le64_load(info + 16), module, sizeof(module));
    check_module(le64_load(module), le64_load(module) + le64_load(module + 8));
    check_text(le64_load(info + 24), COMMAND_LINE);
    char signature[9] = "";
    bytes_at(le64_load(info + 32), signature, 8);
    CHECK_STR(signature, "RSD PTR ");
    uint32_t count = le32_load(info + 48);
    if (!CHECK(count <= 12))
        return;
    bytes_at(le64_load(info + 40), entries, 24 * count);
    for (uint32_t i = 0; i < count; i++) {
        if (le32_load(entries + 24 * i + 16) == 1)
            ram += le64_load(entries + 24 * i + 8);
    }
    CHECK_EQ(ram, 63 * MIB + 0x9fc00);
}

static void pvh(void)
{
    struct error err = {0};
    elf64_build(ADDRESS, ADDRESS + 0x80);
    if (!CHECK(start(64 * MIB, &err)))
        return;
    check_protected(ADDRESS + 0x80);
    check_start_info();
    finish();
}

static void plain_elf(void)
{
    struct error err = {0};
    elf64_build(ADDRESS, 0);
    if (!CHECK(start(64 * MIB, &err)))
        return;
    CHECK_EQ(state->rip, ADDRESS + 0x20);
    CHECK_EQ(state->efer & EFER_LMA, EFER_LMA);
    CHECK_EQ(state->seg[CS].selector, 0x10);
    check_start_info();
    finish();
    elf32_build(ADDRESS);
    if (!CHECK(start(64 * MIB, &err)))
        return;
    check_protected(ADDRESS + 0x10);
    check_start_info();
    finish();
}

static void elf_refusals(void)
{
    elf64_build(2 * GIB, 0);
    refused("2 GiB", "64 MiB");
    elf64_build(0x7000, 0);
    refused("0x7000", "1 MiB");
    elf64_build(0xa0000, 0);
    refused("0xa0000", "gap");
    elf32_build(ADDRESS);
    image[4] = 2;
    refused("64-bit", "32-bit processor");
}

static const struct test_case cases[] = {
    {"multiboot_addresses", multiboot_addresses},
    {"multiboot_elf", multiboot_elf},
    {"multiboot_timer", multiboot_timer},
    {"multiboot_screen", multiboot_screen},
    {"multiboot_text", multiboot_text},
    {"multiboot_refusals", multiboot_refusals},
    {"multiboot_search", multiboot_search},
    {"pvh", pvh},
    {"plain_elf", plain_elf},
    {"elf_refusals", elf_refusals},
};
TEST_SUITE(pc_start_test, "unit", cases);
