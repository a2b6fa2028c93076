/* Raw images: the file's bytes are the disk's. A size that is no multiple of 512 is rounded up with zeroes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/image.h"

#define SECTOR 512

struct raw {
    struct image image;
    struct host_disk *disk;
    bool probed; /* the format was guessed from the first bytes */
};

static struct raw *raw_of(struct image *image)
{
    return container_of(image, struct raw, image);
}

static int raw_read(struct image *image, uint64_t offset, uint64_t len, struct image_cursor *to)
{
    return cursor_read(to, raw_of(image)->disk, offset, len);
}

/*
 * The start of a disk whose format was guessed. A guest could give it the header of another format, and with
 * it a backing file of its choice the next time: refused. The bytes are looked at in a copy, as a guest may
 * change the original meanwhile.
 */
static int start_write(struct raw *raw, uint64_t len, struct image_cursor *from)
{
    uint8_t start[SECTOR];
    cursor_load(from, start, len);
    if (len >= 4 && memcmp(start, "QFI\xfb", 4) == 0) {
        log_guest(
            "a write would make a raw disk look like a qcow2 image: refused, say format=raw to allow it");
        return EPERM;
    }
    return host_disk_write(raw->disk, 0, &(struct host_vec){start, len}, 1);
}

static int raw_write(struct image *image, uint64_t offset, uint64_t len, struct image_cursor *from)
{
    struct raw *raw = raw_of(image);
    if (raw->probed && offset == 0) {
        uint64_t start = len < SECTOR ? len : SECTOR;
        int error = start_write(raw, start, from);
        if (error)
            return error;
        offset += start;
        len -= start;
    }
    return cursor_write(from, raw->disk, offset, len);
}

static int raw_zero(struct image *image, uint64_t offset, uint64_t len, bool unmap)
{
    return host_disk_zero(raw_of(image)->disk, offset, len, unmap);
}

static int raw_flush(struct image *image)
{
    return image->readonly ? 0 : host_disk_sync(raw_of(image)->disk);
}

static void raw_close(struct image *image)
{
    struct raw *raw = raw_of(image);
    host_disk_close(raw->disk);
    free(raw);
}

static const struct image_ops raw_ops = {
    .read = raw_read,
    .write = raw_write,
    .zero = raw_zero,
    .flush = raw_flush,
    .close = raw_close,
};

struct image *raw_open(struct host_disk *disk, bool readonly, bool probed)
{
    struct raw *raw = machine_alloc(sizeof(*raw));
    raw->image = (struct image){
        .ops = &raw_ops,
        .size = align_up(host_disk_size(disk), SECTOR),
        .readonly = readonly,
    };
    raw->disk = disk;
    raw->probed = probed;
    return &raw->image;
}
