#include "devices/display/ramfb.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* The file, after QEMU's ramfb: big-endian. A stride of zero means rows without gaps. */
#define FILE_SIZE   28
#define FILE_BASE   0  /* 8 bytes */
#define FILE_FORMAT 8  /* a DRM FourCC */
#define FILE_WIDTH  16 /* FILE_FLAGS, at 12, is not used by anybody */
#define FILE_HEIGHT 20
#define FILE_STRIDE 24

#define FOURCC(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* A row of pixels, as displays have them. */
typedef void row_reader(uint32_t *to, const uint8_t *from, unsigned width);

struct ramfb {
    struct machine *machine;
    struct ramfb_config config;
    uint8_t file[FILE_SIZE];
    /* What it says, when that makes sense. */
    uint64_t base;
    uint32_t width, height, stride, row_bytes;
    row_reader *reader; /* NULL: it doesn't */
    struct ram_block
        *block; /* all of it is at block_offset there; NULL: it is in pieces, or partly nowhere */
    uint64_t block_offset;
    uint32_t row[DISPLAY_SIDE_MAX];
};

static void xrgb8888(uint32_t *to, const uint8_t *from, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        to[i] = le32_load(from + 4 * i) & 0xffffff;
}

static void rgb888(uint32_t *to, const uint8_t *from, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        to[i] = (uint32_t)le_load(from + 3 * i, 3);
}

/* Five or six bits become eight by repeating the highest. */
static void rgb565(uint32_t *to, const uint8_t *from, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        uint32_t pixel = le16_load(from + 2 * i);
        uint32_t r = pixel >> 11, g = pixel >> 5 & 0x3f, b = pixel & 0x1f;
        to[i] = (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
    }
}

static const struct {
    uint32_t fourcc;
    unsigned bytes;
    row_reader *reader;
} formats[] = {
    {FOURCC('X', 'R', '2', '4'), 4, xrgb8888},
    {FOURCC('A', 'R', '2', '4'), 4, xrgb8888},
    {FOURCC('R', 'G', '2', '4'), 3, rgb888},
    {FOURCC('R', 'G', '1', '6'), 2, rgb565},
};

/* Whether a row is as it was drawn last, from the place where its bytes are now. */
static bool row_unchanged(const struct ramfb *ramfb, unsigned y, const uint8_t *from)
{
    uint64_t offset = ramfb->block_offset + (uint64_t)y * ramfb->stride;
    return ramfb->block && from == ram_block_host(ramfb->block) + offset &&
           !display_memory_changed(ramfb->config.display, offset, ramfb->row_bytes);
}

/* A row that leaves RAM ends the picture: the guest may say anything. */
static void ramfb_draw(void *opaque)
{
    struct ramfb *ramfb = opaque;
    display_resize(ramfb->config.display, ramfb->width, ramfb->height); /* others may have drawn meanwhile */
    for (unsigned y = 0; y < ramfb->height; y++) {
        gpa_t at = gpa(ramfb->base + (uint64_t)y * ramfb->stride);
        const uint8_t *from = ram_at(ramfb->machine->mem.ram, at, ramfb->row_bytes, RAM_READ);
        if (!from)
            return;
        if (row_unchanged(ramfb, y, from))
            continue;
        ramfb->reader(ramfb->row, from, ramfb->width);
        display_row_put(ramfb->config.display, y, ramfb->row);
    }
}

static bool format_find(struct ramfb *ramfb, uint32_t fourcc)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (formats[i].fourcc == fourcc) {
            ramfb->reader = formats[i].reader;
            ramfb->row_bytes = ramfb->width * formats[i].bytes;
            return true;
        }
    }
    return false;
}

/* What the file says now: a picture, or nothing. */
static bool file_read(struct ramfb *ramfb)
{
    const uint8_t *file = ramfb->file;
    ramfb->reader = NULL;
    ramfb->base = be64_load(file + FILE_BASE);
    ramfb->width = be32_load(file + FILE_WIDTH);
    ramfb->height = be32_load(file + FILE_HEIGHT);
    ramfb->stride = be32_load(file + FILE_STRIDE);
    if (!ramfb->width || !ramfb->height || ramfb->width > DISPLAY_SIDE_MAX ||
        ramfb->height > DISPLAY_SIDE_MAX || !format_find(ramfb, be32_load(file + FILE_FORMAT)))
        return false;
    if (!ramfb->stride)
        ramfb->stride = ramfb->row_bytes;
    if (ramfb->stride < ramfb->row_bytes)
        ramfb->reader = NULL;
    return ramfb->reader;
}

/* Where it is in guest memory, in whole pages. */
static struct display_memory memory_find(struct ramfb *ramfb)
{
    struct ram *ram = ramfb->machine->mem.ram;
    uint64_t len = (uint64_t)ramfb->stride * (ramfb->height - 1) + ramfb->row_bytes;
    ramfb->block = ram_block_at(ram, gpa(ramfb->base), len, &ramfb->block_offset);
    if (!ramfb->block)
        return (struct display_memory){0};
    uint64_t first = ramfb->block_offset & PAGE_MASK;
    return (struct display_memory){.ram = ram,
                                   .block = ramfb->block,
                                   .offset = first,
                                   .size = align_up(ramfb->block_offset + len, PAGE_SIZE) - first};
}

static void picture_set(struct ramfb *ramfb)
{
    struct display *display = ramfb->config.display;
    bool was_on = ramfb->reader;
    if (file_read(ramfb)) {
        display_resize(display, ramfb->width, ramfb->height);
        display_source_set(display, &(struct display_source){
                                        .draw = ramfb_draw, .opaque = ramfb, .memory = memory_find(ramfb)});
    } else if (was_on) {
        display_source_leave(display, ramfb);
    }
}

static void file_written(void *opaque, size_t at, size_t len)
{
    (void)at, (void)len;
    picture_set(opaque);
}

static void ramfb_restored(void *object)
{
    picture_set(object);
}

static const struct state_field fields[] = {STATE_ARRAY(struct ramfb, file)};

static const struct state_table table = {
    .name = "ramfb", .version = 1, .fields = fields, .count = ARRAY_LEN(fields), .restored = ramfb_restored};

static void ramfb_destroy(void *object)
{
    struct ramfb *ramfb = object;
    if (ramfb->reader)
        display_source_leave(ramfb->config.display, ramfb);
    free(ramfb);
}

struct ramfb *ramfb_create(struct machine *machine, const struct ramfb_config *config)
{
    struct ramfb *ramfb = machine_alloc(sizeof(*ramfb));
    const struct fw_cfg_callbacks callbacks = {.written = file_written, .opaque = ramfb};
    ramfb->machine = machine;
    ramfb->config = *config;
    machine_device_add(machine, "ramfb", &table, ramfb, ramfb_destroy);
    fw_cfg_add_file_shared(config->fw_cfg, "etc/ramfb", ramfb->file, FILE_SIZE, true, &callbacks);
    return ramfb;
}
