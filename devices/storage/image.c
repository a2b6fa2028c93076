#include "devices/storage/image.h"

#include <string.h>

#include "base/bits.h"

#define VECS_AT_ONCE 64

/* Formats we know by their first bytes. A name with `refused` gets a sentence instead of a wrong disk. */
static const struct {
    const char *name;
    const char *magic;
    size_t len;
    bool refused;
} formats[] = {
    {"qcow2", "QFI\xfb", 4, false},
    {"VMDK", "KDMV", 4, true},
    {"VMDK", "# Disk DescriptorFile", 21, true},
    {"VHDX", "vhdxfile", 8, true},
    {"VHD", "conectix", 8, true},
    {"VDI", "<<< Oracle VM VirtualBox Disk Image >>>", 39, true},
    {"QED", "QED\0", 4, true},
    {"LUKS", "LUKS\xba\xbe", 6, true},
};

static bool format_probe(struct host_disk *disk, const char *path, const char **format, struct error *err)
{
    uint8_t start[64];
    int error = host_disk_read(disk, 0, &(struct host_vec){start, sizeof(start)}, 1);
    if (error)
        return error_set(err, ERROR_IMAGE, "can't read %s: %s", path, strerror(error));
    *format = "raw";
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (memcmp(start, formats[i].magic, formats[i].len) != 0)
            continue;
        if (formats[i].refused)
            return error_set(err, ERROR_IMAGE,
                             "%s is a %s image, which can't be used: convert it with \"qemu-img convert -O "
                             "qcow2\", or say format=raw to use its bytes as they are",
                             path, formats[i].name);
        *format = formats[i].name;
        return true;
    }
    return true;
}

struct image *image_open(const char *path, const char *format, bool readonly, unsigned depth,
                         struct error *err)
{
    if (depth >= IMAGE_DEPTH_MAX) {
        error_set(err, ERROR_IMAGE, "more than %u images stand behind each other, or they form a loop at %s",
                  IMAGE_DEPTH_MAX, path);
        return NULL;
    }
    struct host_disk *disk = host_disk_open(path, readonly, err);
    if (!disk)
        return NULL;
    bool probed = !format;
    if (probed && !format_probe(disk, path, &format, err)) {
        host_disk_close(disk);
        return NULL;
    }
    if (strcmp(format, "qcow2") == 0)
        return qcow2_open(disk, path, readonly, depth, err);
    if (strcmp(format, "raw") == 0)
        return raw_open(disk, readonly, probed);
    host_disk_close(disk);
    error_set(err, depth ? ERROR_IMAGE : ERROR_USAGE, "disk format %s of %s is not known: use raw or qcow2",
              format, path);
    return NULL;
}

void image_close(struct image *image)
{
    if (image)
        image->ops->close(image);
}

/* The next vectors of at most `len` bytes in all, skipped over; *bytes is what they hold. */
static unsigned cursor_take(struct image_cursor *cursor, uint64_t len, struct host_vec *vecs, uint64_t *bytes)
{
    unsigned n = 0;
    *bytes = 0;
    while (cursor->count && n < VECS_AT_ONCE && *bytes < len) {
        size_t piece = cursor->vecs->len - cursor->skip;
        if (piece > len - *bytes)
            piece = (size_t)(len - *bytes);
        if (piece)
            vecs[n++] = (struct host_vec){(char *)cursor->vecs->base + cursor->skip, piece};
        *bytes += piece;
        cursor->skip += piece;
        if (cursor->skip == cursor->vecs->len) {
            cursor->vecs++;
            cursor->count--;
            cursor->skip = 0;
        }
    }
    return n;
}

static int cursor_transfer(struct image_cursor *cursor, struct host_disk *disk, uint64_t offset, uint64_t len,
                           int (*transfer)(struct host_disk *, uint64_t, const struct host_vec *, unsigned))
{
    while (len) {
        struct host_vec vecs[VECS_AT_ONCE];
        uint64_t bytes;
        unsigned n = cursor_take(cursor, len, vecs, &bytes);
        if (n == 0)
            return 0;
        int error = transfer(disk, offset, vecs, n);
        if (error)
            return error;
        offset += bytes;
        len -= bytes;
    }
    return 0;
}

int cursor_read(struct image_cursor *to, struct host_disk *disk, uint64_t offset, uint64_t len)
{
    return cursor_transfer(to, disk, offset, len, host_disk_read);
}

int cursor_write(struct image_cursor *from, struct host_disk *disk, uint64_t offset, uint64_t len)
{
    return cursor_transfer(from, disk, offset, len, host_disk_write);
}

/* What is done with a piece of a vector. */
static void piece_load(uint8_t *piece, size_t len, uint8_t *memory)
{
    memcpy(memory, piece, len);
}

static void piece_store(uint8_t *piece, size_t len, uint8_t *memory)
{
    memcpy(piece, memory, len);
}

static void piece_zero(uint8_t *piece, size_t len, uint8_t *memory)
{
    (void)memory;
    memset(piece, 0, len);
}

static void cursor_each(struct image_cursor *cursor, uint64_t len, uint8_t *memory,
                        void (*each)(uint8_t *piece, size_t len, uint8_t *memory))
{
    while (len) {
        struct host_vec vecs[VECS_AT_ONCE];
        uint64_t taken;
        unsigned n = cursor_take(cursor, len, vecs, &taken);
        if (n == 0)
            return;
        for (unsigned i = 0; i < n; i++) {
            each(vecs[i].base, vecs[i].len, memory);
            memory += memory ? vecs[i].len : 0;
        }
        len -= taken;
    }
}

void cursor_load(struct image_cursor *from, void *to, uint64_t len)
{
    cursor_each(from, len, to, piece_load);
}

void cursor_store(struct image_cursor *to, const void *from, uint64_t len)
{
    /* Only read from. */
    cursor_each(to, len, (uint8_t *)(uintptr_t)from, piece_store);
}

void cursor_zero(struct image_cursor *to, uint64_t len)
{
    cursor_each(to, len, NULL, piece_zero);
}
