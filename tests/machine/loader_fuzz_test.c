/* Images of every format with random damage: each is refused with a sentence, or loaded inside RAM. */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "machine/fdt.h"
#include "machine/loader/compress.h"
#include "machine/loader/detect.h"
#include "machine/loader/elf_note.h"
#include "machine/loader/loader.h"
#include "machine/loader/multiboot.h"
#include "tests/harness/test.h"
#include "tests/machine/image_support.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE (16 * MIB)
#define ROUNDS   20000

static struct load_target target;

static void ram_start(void)
{
    unsigned id;
    target = (struct load_target){ram_create(), RAM_BASE, RAM_SIZE};
    struct ram_block *block = ram_block_create(target.ram, "ram", RAM_SIZE, NULL);
    CHECK(block && ram_map(target.ram, block, 0, gpa(RAM_BASE), RAM_SIZE, RAM_MAPPED, &id));
}

/* Change some bytes to values that are often at a border, and sometimes cut the end off. The result is memory
 * of exactly its size, so that a sanitizer sees a read beyond. */
static uint8_t *damage(const uint8_t *bytes, size_t *len)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
    if (test_random() % 4 == 0)
        *len = 1 + test_random() % *len;
    uint8_t *copy = malloc(*len);
    memcpy(copy, bytes, *len);
    for (uint64_t n = test_random() % 8; n; n--) {
        uint64_t at = test_random() % 2 ? test_random() % *len : test_random() % (*len < 0x80 ? *len : 0x80);
        copy[at] = test_random() % 2 ? values[test_random() % ARRAY_LEN(values)] : (uint8_t)test_random();
    }
    return copy;
}

static bool load(struct source *source, struct loaded *loaded, struct error *err)
{
    struct image_info info;
    if (!source_unpack(source, err) || !image_detect(source, &info, err))
        return false;
    if (info.kind == IMAGE_ELF)
        return elf_load(source, &target, IMAGE_ELF_MACHINE, RAM_BASE, loaded, err);
    if (info.kind == IMAGE_LINUX)
        return linux_image_load(source, &target, RAM_BASE, loaded, err);
    return flat_load(source, &target, RAM_BASE, loaded, err);
}

/* As the PC goes about a kernel that is no Linux. */
static bool load_pc(struct source *source, struct loaded *loaded, struct error *err)
{
    struct image_info info;
    struct multiboot_header header;
    struct elf_facts facts;
    uint8_t entry[4];
    if (!image_detect(source, &info, err) || !multiboot_header_find(source, &header, err))
        return false;
    if (header.there)
        return multiboot_load(source, &header, &target, loaded, err);
    elf_note_find(source, "Xen", 18, entry, sizeof(entry));
    return elf_look(source, &facts, err) && elf_load(source, &target, facts.machine, RAM_BASE, loaded, err);
}

static bool (*loader)(struct source *source, struct loaded *loaded, struct error *err) = load;

static void try(const uint8_t *bytes, size_t len)
{
    struct source source;
    struct loaded loaded;
    struct error err = {0};
    uint8_t *copy = damage(bytes, &len);
    source_memory(&source, "image", copy, len);
    if (loader(&source, &loaded, &err))
        CHECK(loaded.start >= RAM_BASE && loaded.start <= loaded.end && loaded.end <= RAM_BASE + RAM_SIZE);
    else
        CHECK(err.kind == ERROR_IMAGE && err.text[0] && !strchr(err.text, '\n'));
    source_close(&source);
    free(copy);
}

static void plain(void)
{
    uint8_t elf[ELF_SIZE], image[IMAGE_SIZE];
    elf_make(elf);
    image_make(image);
    ram_start();
    for (int i = 0; i < ROUNDS; i++) {
        try(elf, sizeof(elf));
        try(image, sizeof(image));
    }
    ram_destroy(target.ram);
}

#define KERNEL_SIZE 0x400

static void multiboot_put(uint8_t *at, uint32_t flags)
{
    le32_store(at, 0x1badb002);
    le32_store(at + 4, flags);
    le32_store(at + 8, 0 - 0x1badb002u - flags);
}

/* A header with addresses, and an ELF file of 32 bits with a segment and a note. */
static void kernels_make(uint8_t *flat, uint8_t *elf)
{
    const uint32_t at = (uint32_t)RAM_BASE + 0x1000;
    memset(flat, 0x90, KERNEL_SIZE);
    multiboot_put(flat + 0x40, 0x10000);
    for (unsigned i = 0; i < 5; i++)
        le32_store(flat + 0x40 + 12 + 4 * i, at + (const uint32_t[]){0x40, 0, 0x200, 0x800, 0x10}[i]);
    memset(elf, 0, KERNEL_SIZE);
    memcpy(elf, "\177ELF\1\1\1", 7);
    le16_store(elf + 16, 2);
    le16_store(elf + 18, 3);
    le32_store(elf + 24, at + 8);
    le32_store(elf + 28, 52);
    le16_store(elf + 42, 32);
    le16_store(elf + 44, 2);
    const uint32_t programs[2][6] = {{1, 0x200, at, at, 0x100, 0x180}, {4, 0x180, 0, 0, 20, 20}};
    const uint32_t note[] = {4, 4, 18, 0x6e6558, at};
    for (unsigned i = 0; i < 12; i++)
        le32_store(elf + 52 + 32 * (i / 6) + 4 * (i % 6), programs[i / 6][i % 6]);
    for (unsigned i = 0; i < ARRAY_LEN(note); i++)
        le32_store(elf + 0x180 + 4 * i, note[i]);
}

static void pc_kernels(void)
{
    uint8_t flat[KERNEL_SIZE], elf[KERNEL_SIZE];
    struct loaded loaded;
    kernels_make(flat, elf);
    ram_start();
    loader = load_pc;
    for (unsigned i = 0; i < 2; i++) { /* without damage they load */
        struct source source;
        source_memory(&source, "image", i ? elf : flat, KERNEL_SIZE);
        CHECK(load_pc(&source, &loaded, NULL));
    }
    for (int i = 0; i < ROUNDS; i++) {
        try(flat, sizeof(flat));
        try(elf, sizeof(elf));
    }
    loader = load;
    ram_destroy(target.ram);
}

static void packed(void)
{
    uint8_t elf[ELF_SIZE], zboot[2048] = {0};
    elf_make(elf);
    size_t len = gzip_make(elf, sizeof(elf), zboot + 0x200, sizeof(zboot) - 0x200);
    memcpy(zboot, "MZ\0\0zimg", 8);
    le32_store(zboot + 8, 0x200);
    le32_store(zboot + 12, (uint32_t)len);
    memcpy(zboot + 24, "gzip", 4);
    ram_start();
    for (int i = 0; i < ROUNDS / 4; i++) {
        try(zboot + 0x200, len);
        try(zboot, sizeof(zboot));
    }
    ram_destroy(target.ram);
}

static void device_tree(void)
{
    const uint8_t seed[DT_SEED_SIZE] = {7};
    const struct dt_chosen chosen = {"quiet", 0x84000000, 0x84001000, seed};
    struct dt dt;
    dt_begin(&dt);
    dt_node(&dt, "%s", "");
    dt_string(&dt, "compatible", "some,board");
    dt_node(&dt, "chosen");
    dt_string(&dt, "bootargs", "console=ttyS0");
    dt_node_end(&dt);
    dt_node(&dt, "memory@80000000");
    dt_reg(&dt, RAM_BASE, RAM_SIZE);
    dt_node_end(&dt);
    dt_node_end(&dt);
    void *tree = dt_finish(&dt, NULL);
    if (!CHECK(tree))
        return;
    for (int i = 0; i < ROUNDS; i++) {
        struct error err = {0};
        size_t len = dt_size(tree);
        uint8_t *copy = damage(tree, &len);
        void *adopted = dt_adopt(copy, len, "tree", &chosen, &err);
        if (adopted)
            CHECK(fdt_check_full(adopted, dt_size(adopted)) == 0);
        else
            CHECK(err.kind == ERROR_IMAGE);
        free(adopted);
        free(copy);
    }
    free(tree);
}

static const struct test_case cases[] = {
    {"plain", plain}, {"pc_kernels", pc_kernels}, {"packed", packed}, {"device_tree", device_tree}};
TEST_SUITE(loader_fuzz_test, "fuzz", cases);
