#include "machine/loader/iso9660.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "machine/loader/boot_menu.h"
#include "tests/harness/test.h"

/* An image made by ECMA-119 and the Rock Ridge and Joliet additions to it, sector by sector. */
#define SECTOR  2048
#define SECTORS 64

static uint8_t image[SECTORS * SECTOR];

/* A directory record with system use fields behind the name; returns its length. */
static size_t record_put(uint8_t *at, const char *name, size_t name_len, uint32_t extent, uint32_t size,
                         unsigned flags, const void *use, size_t use_len)
{
    size_t len = 33 + name_len + !(name_len & 1) + use_len;
    len += len & 1;
    memset(at, 0, len);
    at[0] = (uint8_t)len;
    le32_store(at + 2, extent);
    be32_store(at + 6, extent);
    le32_store(at + 10, size);
    be32_store(at + 14, size);
    at[25] = (uint8_t)flags;
    at[32] = (uint8_t)name_len;
    memcpy(at + 33, name, name_len);
    if (use_len)
        memcpy(at + 33 + name_len + !(name_len & 1), use, use_len);
    return len;
}

static void descriptor_put(unsigned sector, unsigned type, uint32_t root)
{
    uint8_t *at = image + sector * SECTOR;
    memset(at, 0, SECTOR);
    at[0] = (uint8_t)type;
    memcpy(at + 1, "CD001\1", 6);
    le16_store(at + 128, SECTOR);
    record_put(at + 156, "\0", 1, root, SECTOR, 2, NULL, 0);
}

static size_t nm_put(uint8_t *use, const char *name)
{
    size_t len = 5 + strlen(name);
    memcpy(use, "NM", 2);
    use[2] = (uint8_t)len;
    use[3] = 1;
    use[4] = 0;
    memcpy(use + 5, name, strlen(name));
    return len;
}

/* Root in sector 20 with LINUX.IMG;1 (sector 30, 5 bytes) and the directory SUB (sector 21) that holds A.;1.
 */
static void plain_make(void)
{
    memset(image, 0, sizeof(image));
    descriptor_put(16, 1, 20);
    descriptor_put(17, 255, 0);
    uint8_t *at = image + 20 * SECTOR;
    at += record_put(at, "\0", 1, 20, SECTOR, 2, NULL, 0);
    at += record_put(at, "\1", 1, 20, SECTOR, 2, NULL, 0);
    at += record_put(at, "LINUX.IMG;1", 11, 30, 5, 0, NULL, 0);
    record_put(at, "SUB", 3, 21, SECTOR, 2, NULL, 0);
    at = image + 21 * SECTOR;
    at += record_put(at, "\0", 1, 21, SECTOR, 2, NULL, 0);
    at += record_put(at, "\1", 1, 20, SECTOR, 2, NULL, 0);
    record_put(at, "A.;1", 4, 31, 3, 0, NULL, 0);
    memcpy(image + 30 * SECTOR, "hello", 5);
    memcpy(image + 31 * SECTOR, "abc", 3);
}

/* The same with Rock Ridge: linux.image, sub/, and the link now -> sub/../linux.image, its text in a
 * continuation. */
static void rock_ridge_make(void)
{
    static const uint8_t sp[] = {'S', 'P', 7, 1, 0xbe, 0xef, 0};
    uint8_t use[64];
    plain_make();
    uint8_t *at = image + 20 * SECTOR;
    memset(at, 0, SECTOR);
    at += record_put(at, "\0", 1, 20, SECTOR, 2, sp, sizeof(sp));
    at += record_put(at, "\1", 1, 20, SECTOR, 2, NULL, 0);
    at += record_put(at, "LINUX.IMG;1", 11, 30, 5, 0, use, nm_put(use, "linux.image"));
    uint8_t ce[28] = {'C', 'E', 28, 1};
    le32_store(ce + 4, 40);
    le32_store(ce + 12, 100);
    le32_store(ce + 20, 64);
    at += record_put(at, "NOW", 3, 0, 0, 0, ce, sizeof(ce));
    record_put(at, "SUB", 3, 21, SECTOR, 2, use, nm_put(use, "sub"));
    uint8_t *more = image + 40 * SECTOR + 100;
    more += nm_put(more, "now");
    static const uint8_t sl[] = {'S', 'L', 25,  1,   0,   0,   3,   's', 'u', 'b', 4,   0,  0,
                                 11,  'l', 'i', 'n', 'u', 'x', '.', 'i', 'm', 'a', 'g', 'e'};
    memcpy(more, sl, sizeof(sl));
}

static void joliet_make(void)
{
    plain_make();
    descriptor_put(17, 2, 22);
    memcpy(image + 17 * SECTOR + 88, "%/E", 3);
    descriptor_put(18, 255, 0);
    uint8_t *at = image + 22 * SECTOR;
    at += record_put(at, "\0", 1, 22, SECTOR, 2, NULL, 0);
    at += record_put(at, "\1", 1, 22, SECTOR, 2, NULL, 0);
    record_put(at, "\0l\0o\0n\0g\0 \0n\0a\0m\0e", 18, 30, 5, 0, NULL, 0);
}

static struct source source;
static struct iso iso;
static struct error err;

static bool image_open(void)
{
    source_memory(&source, "test.iso", image, sizeof(image));
    return iso_open(&iso, &source, &err);
}

static void found(const char *path, uint64_t sector, uint64_t size)
{
    struct iso_file file = {0};
    test_context("%s", path);
    if (!CHECK(iso_find(&iso, path, &file, &err)))
        FAIL("%s", err.text);
    CHECK_EQ(file.offset, sector * SECTOR);
    CHECK_EQ(file.size, size);
    test_context(NULL);
}

static void missing(const char *path)
{
    struct iso_file file;
    test_context("%s", path);
    CHECK(!iso_find(&iso, path, &file, &err));
    test_context(NULL);
}

static void plain_names(void)
{
    plain_make();
    if (!CHECK(image_open()))
        return;
    found("/linux.img", 30, 5);
    found("LINUX.IMG", 30, 5);
    found("/sub/a", 31, 3);
    found("//sub/./../sub/a", 31, 3);
    found("/", 20, SECTOR);
    missing("/linux");
    missing("/linux.img/a");
    missing("/sub/b");
}

static void rock_ridge_names(void)
{
    rock_ridge_make();
    if (!CHECK(image_open()))
        return;
    CHECK(iso.rock_ridge);
    found("/linux.image", 30, 5);
    missing("/LINUX.IMAGE");
    found("/now", 30, 5);
    found("/sub", 21, SECTOR);
}

static void joliet_names(void)
{
    joliet_make();
    if (!CHECK(image_open()))
        return;
    CHECK(iso.joliet);
    found("/Long name", 30, 5);
}

static void file_in_parts(void)
{
    plain_make();
    uint8_t *at = image + 20 * SECTOR;
    at += record_put(at, "\0", 1, 20, SECTOR, 2, NULL, 0);
    at += record_put(at, "BIG", 3, 30, 2 * SECTOR, 0x80, NULL, 0);
    record_put(at, "BIG", 3, 32, 7, 0, NULL, 0);
    if (CHECK(image_open()))
        found("/big", 30, 2 * SECTOR + 7);
}

static void broken_images(void)
{
    plain_make();
    image[16 * SECTOR + 1] = 'X';
    CHECK(!image_open());
    plain_make();
    le16_store(image + 16 * SECTOR + 128, 7);
    CHECK(!image_open());
    plain_make();
    source_memory(&source, "test.iso", image, 16 * SECTOR + 10);
    CHECK(!iso_open(&iso, &source, &err));
    plain_make();
    le32_store(image + 16 * SECTOR + 156 + 2, 1000000); /* the root beyond the end */
    CHECK(!image_open() || (missing("/linux.img"), true));
    plain_make();
    le32_store(image + 20 * SECTOR + 34 + 34 + 10, 0x7fffffff); /* a file longer than the image */
    CHECK(image_open());
    missing("/linux.img");
    CHECK(strstr(err.text, "truncated") != NULL);
}

/* Links that go round, and whatever random bytes may say. */
static void wild_images(void)
{
    struct iso_file file;
    for (int i = 0; i < 20000; i++) {
        rock_ridge_make();
        for (uint64_t n = test_random() % 8; n; n--)
            image[(16 + test_random() % 30) * SECTOR + test_random() % 400] = (uint8_t)test_random();
        if (image_open()) {
            iso_find(&iso, "/now", &file, &err);
            iso_find(&iso, "/sub/a", &file, &err);
        }
    }
    rock_ridge_make();
    memcpy(image + 40 * SECTOR + 100 + 8, "SL\12\1\0\0\3now", 10);
    image[40 * SECTOR + 118] = 0;
    CHECK(image_open());
    missing("/now");
}

/* ---- menus ---- */

struct text_file {
    const char *path, *text;
};

static char *text_read(void *opaque, const char *path)
{
    for (const struct text_file *file = opaque; file->path; file++) {
        if (strcmp(file->path, path) == 0)
            return strdup(file->text);
    }
    return NULL;
}

/* The files of Debian's installer CD, in short. */
static void isolinux_menu(void)
{
    struct text_file files[] = {
        {"/isolinux/isolinux.cfg",
         "# D-I config version 2.0\r\npath \r\ninclude menu.cfg\r\ndefault vesamenu.c32\r\n"},
        {"/isolinux/menu.cfg",
         "menu title Boot menu\ninclude gtk.cfg\ninclude txt.cfg\nmenu begin advanced\n"},
        {"/isolinux/gtk.cfg", "label installgui\n\tmenu label ^Graphical\n\tkernel /install/gtk/vmlinuz\n"
                              "\tappend vga=788 initrd=/install/gtk/initrd.gz --- quiet \n"},
        {"/isolinux/txt.cfg",
         "label install\n\tMENU LABEL ^Install\n\tmenu default\n\tkernel ../install/vmlinuz\n"
         "\tappend vga=788 initrd=/install/initrd.gz,/extra.gz --- quiet\n"},
        {NULL, NULL}};
    const struct menu_files reader = {text_read, files};
    struct boot_entry entry;
    if (!CHECK(isolinux_menu_find(&reader, "/isolinux/isolinux.cfg", &entry)))
        return;
    CHECK_STR(entry.title, "^Install");
    CHECK_STR(entry.kernel, "/isolinux/../install/vmlinuz");
    CHECK_STR(entry.initrd, "/install/initrd.gz");
    CHECK_STR(entry.append, "vga=788 --- quiet");
    files[3].text = "label other\nkernel x.c32\n";
    CHECK(isolinux_menu_find(&reader, "/isolinux/isolinux.cfg", &entry));
    CHECK_STR(entry.kernel, "/install/gtk/vmlinuz");
    files[0].text = "include isolinux.cfg\n";
    CHECK(!isolinux_menu_find(&reader, "/isolinux/isolinux.cfg", &entry));
    CHECK(!isolinux_menu_find(&reader, "/none.cfg", &entry));
}

static void grub_menu(void)
{
    struct text_file files[] = {
        {"/boot/grub/grub.cfg",
         "set default=\"1\"\nif [ x$a = xy ] ; then\n  insmod gzio\nfi\n"
         "menuentry --hotkey=g 'Graphical \"install\"' {\n linux /g/vmlinuz vga=788 \\\n   --- quiet\n}\n"
         "source /boot/grub/more.cfg\n"},
        {"/boot/grub/more.cfg",
         "submenu 'Advanced' {\nmenuentry 'Install' --class x {\n    linuxefi ($root)/i/vmlinuz a='b c'\n"
         "    initrd /i/initrd.gz\n}\n}\nmenuentry 'Shell' { chainloader /x }\n"},
        {NULL, NULL}};
    const struct menu_files reader = {text_read, files};
    struct boot_entry entry;
    if (!CHECK(grub_menu_find(&reader, "/boot/grub/grub.cfg", &entry)))
        return;
    CHECK_STR(entry.title, "Install");
    CHECK_STR(entry.kernel, "/i/vmlinuz");
    CHECK_STR(entry.initrd, "/i/initrd.gz");
    CHECK_STR(entry.append, "a=b c");
    files[0].text = "menuentry 'A' {\n}\nmenuentry 'B' {\nlinux /b/vmlinuz vga=788 \\\n   --- quiet\n}\nset "
                    "default='A'\n";
    CHECK(grub_menu_find(&reader, "/boot/grub/grub.cfg", &entry));
    CHECK_STR(entry.title, "B");
    CHECK_STR(entry.append, "vga=788 --- quiet");
    CHECK_STR(entry.initrd, "");
    files[0].text = "menuentry 'A' {\n}\n";
    CHECK(!grub_menu_find(&reader, "/boot/grub/grub.cfg", &entry));
}

/* El Torito 2.0, 2: a boot record in sector 17, its catalog in sector 25; the default entry can be started.
 */
static void el_torito_make(uint8_t platform)
{
    plain_make();
    descriptor_put(17, 0, 0);
    memcpy(image + 17 * SECTOR + 7, "EL TORITO SPECIFICATION", 24);
    le32_store(image + 17 * SECTOR + 0x47, 25);
    descriptor_put(18, 255, 0);
    uint8_t *catalog = image + 25 * SECTOR;
    catalog[0] = 1;
    catalog[1] = platform;
    le16_store(catalog + 30, 0xaa55);
    catalog[32] = 0x88;
}

/* EFI/BOOT/NAME in the root of a plain image. */
static void efi_make(const char *name)
{
    plain_make();
    uint8_t *at = image + 20 * SECTOR + 68;
    record_put(at, "EFI", 3, 22, SECTOR, 2, NULL, 0);
    at = image + 22 * SECTOR + record_put(image + 22 * SECTOR, "\0", 1, 22, SECTOR, 2, NULL, 0);
    record_put(at, "BOOT", 4, 23, SECTOR, 2, NULL, 0);
    at = image + 23 * SECTOR + record_put(image + 23 * SECTOR, "\0", 1, 23, SECTOR, 2, NULL, 0);
    record_put(at, name, strlen(name), 30, 5, 0, NULL, 0);
}

static void architectures(void)
{
    enum guest_arch arch;
    plain_make();
    CHECK(image_open() && !iso_arch_find(&iso, &arch));
    el_torito_make(0);
    CHECK(image_open() && iso_arch_find(&iso, &arch) && arch == GUEST_X86_64);
    el_torito_make(0xef);
    CHECK(image_open() && !iso_arch_find(&iso, &arch));
    el_torito_make(0);
    le32_store(image + 17 * SECTOR + 0x47, UINT32_MAX);
    CHECK(image_open() && !iso_arch_find(&iso, &arch));
    efi_make("BOOTAA64.EFI;1");
    CHECK(image_open() && iso_arch_find(&iso, &arch) && arch == GUEST_AARCH64);
    efi_make("BOOTX64.EFI;1");
    CHECK(image_open() && iso_arch_find(&iso, &arch) && arch == GUEST_X86_64);
    efi_make("BOOTRISCV64.EFI;1");
    CHECK(image_open() && iso_arch_find(&iso, &arch) && arch == GUEST_RISCV64);
}

static const struct test_case cases[] = {
    {"architectures", architectures},
    {"plain_names", plain_names},
    {"rock_ridge_names", rock_ridge_names},
    {"joliet_names", joliet_names},
    {"file_in_parts", file_in_parts},
    {"broken_images", broken_images},
    {"wild_images", wild_images},
    {"isolinux_menu", isolinux_menu},
    {"grub_menu", grub_menu},
};
TEST_SUITE(iso_test, "unit", cases);
