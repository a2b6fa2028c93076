#include "host/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/file.h"

#define VECS_AT_ONCE 64
#define ZEROES_SIZE  (64u << 10)

struct host_disk {
    int fd;
    bool is_device;
};

/* Open file description locks: they belong to this opening, not to the process, so that the same image twice
 * on one command line is noticed as well. */
static bool disk_lock(int fd, const char *path, bool readonly, struct error *err)
{
    struct flock lock = {.l_type = readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return true;
    if (errno != EAGAIN && errno != EACCES)
        return true; /* a file system without locks */
    return error_set(err, ERROR_IMAGE,
                     "%s is in use by another program%s: stop it, or give this guest a disk of its own", path,
                     readonly ? " that writes to it" : "");
}

struct host_disk *host_disk_open(const char *path, bool readonly, struct error *err)
{
    struct stat st;
    if (!host_file_kind_check(path, true, err))
        return NULL;
    int fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_errno(err, ERROR_IMAGE, "can't open %s%s", path, readonly ? "" : " for writing");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (!disk_lock(fd, path, readonly, err)) {
        close(fd);
        return NULL;
    }
    struct host_disk *disk = calloc(1, sizeof(*disk));
    if (!disk)
        abort();
    disk->fd = fd;
    disk->is_device = S_ISBLK(st.st_mode);
    return disk;
}

struct host_disk *host_disk_temporary(struct error *err)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/var/tmp"; /* not /tmp, which may be memory */
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_errno(err, ERROR_HOST, "can't create a temporary file in %s", folder);
        return NULL;
    }
    struct host_disk *disk = calloc(1, sizeof(*disk));
    if (!disk)
        abort();
    disk->fd = fd;
    return disk;
}

void host_disk_close(struct host_disk *disk)
{
    if (!disk)
        return;
    close(disk->fd);
    free(disk);
}

uint64_t host_disk_size(const struct host_disk *disk)
{
    uint64_t size = 0;
    struct stat st;
    if (disk->is_device)
        return ioctl(disk->fd, BLKGETSIZE64, &size) == 0 ? size : 0;
    return fstat(disk->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Where a transfer is in its vectors. */
struct progress {
    const struct host_vec *vecs;
    unsigned count;
    size_t skip; /* bytes of the first vector that are done */
};

static unsigned progress_next(const struct progress *progress, struct iovec *iov)
{
    unsigned n = 0;
    for (; n < progress->count && n < VECS_AT_ONCE; n++) {
        size_t skip = n ? 0 : progress->skip;
        iov[n] = (struct iovec){(char *)progress->vecs[n].base + skip, progress->vecs[n].len - skip};
    }
    return n;
}

static void progress_advance(struct progress *progress, size_t done)
{
    while (progress->count && done >= progress->vecs->len - progress->skip) {
        done -= progress->vecs->len - progress->skip;
        progress->skip = 0;
        progress->vecs++;
        progress->count--;
    }
    progress->skip += done;
}

static void progress_zero(const struct progress *progress)
{
    for (unsigned i = 0; i < progress->count; i++) {
        size_t skip = i ? 0 : progress->skip;
        memset((char *)progress->vecs[i].base + skip, 0, progress->vecs[i].len - skip);
    }
}

int host_disk_read(struct host_disk *disk, uint64_t offset, const struct host_vec *vecs, unsigned count)
{
    struct progress progress = {vecs, count, 0};
    struct iovec iov[VECS_AT_ONCE];
    for (;;) {
        progress_advance(&progress, 0); /* past empty vectors */
        unsigned n = progress_next(&progress, iov);
        if (n == 0)
            return 0;
        ssize_t got = offset > INT64_MAX ? 0 : preadv(disk->fd, iov, (int)n, (off_t)offset);
        if (got < 0 && errno != EINTR)
            return errno;
        if (got == 0) {
            progress_zero(&progress);
            return 0;
        }
        if (got > 0) {
            progress_advance(&progress, (size_t)got);
            offset += (uint64_t)got;
        }
    }
}

int host_disk_write(struct host_disk *disk, uint64_t offset, const struct host_vec *vecs, unsigned count)
{
    struct progress progress = {vecs, count, 0};
    struct iovec iov[VECS_AT_ONCE];
    for (;;) {
        progress_advance(&progress, 0);
        unsigned n = progress_next(&progress, iov);
        if (n == 0)
            return 0;
        if (offset > INT64_MAX)
            return EFBIG;
        ssize_t put = pwritev(disk->fd, iov, (int)n, (off_t)offset);
        if (put < 0 && errno != EINTR)
            return errno;
        if (put == 0)
            return ENOSPC;
        if (put > 0) {
            progress_advance(&progress, (size_t)put);
            offset += (uint64_t)put;
        }
    }
}

static int zeroes_write(struct host_disk *disk, uint64_t offset, uint64_t len)
{
    static const uint8_t zeroes[ZEROES_SIZE];
    while (len) {
        size_t piece = len < ZEROES_SIZE ? (size_t)len : ZEROES_SIZE;
        /* Only read from. */
        struct host_vec vec = {(void *)(uintptr_t)zeroes, piece};
        int error = host_disk_write(disk, offset, &vec, 1);
        if (error)
            return error;
        offset += piece;
        len -= piece;
    }
    return 0;
}

int host_disk_zero(struct host_disk *disk, uint64_t offset, uint64_t len, bool unmap)
{
    if (len == 0)
        return 0;
    if (offset > INT64_MAX || len > INT64_MAX - offset)
        return EFBIG;
    off_t at = (off_t)offset, size = (off_t)len;
    if (unmap && fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, size) == 0)
        return 0;
    if (fallocate(disk->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, at, size) == 0)
        return 0;
    return zeroes_write(disk, offset, len);
}

int host_disk_sync(struct host_disk *disk)
{
    return fdatasync(disk->fd) == 0 ? 0 : errno;
}
