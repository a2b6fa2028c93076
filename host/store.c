#include "host/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"

bool host_store_open(struct host_store *store, const char *path, bool readonly, struct error *err)
{
    struct stat info;
    store->readonly = readonly;
    store->fd = -1;
    if (!host_file_kind_check(path, false, err))
        return false;
    store->fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (store->fd < 0)
        return error_errno(err, ERROR_IMAGE, "can't open %s", path);
    if (fstat(store->fd, &info) == 0) {
        store->size = (uint64_t)info.st_size;
        return true;
    }
    error_errno(err, ERROR_IMAGE, "can't look at %s", path);
    host_store_close(store);
    return false;
}

bool host_store_create(struct host_store *store, const char *path, struct error *err)
{
    *store =
        (struct host_store){.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    return store->fd >= 0 || error_errno(err, ERROR_HOST, "can't make %s", path);
}

void host_store_close(struct host_store *store)
{
    if (store->fd >= 0)
        close(store->fd);
    store->fd = -1;
}

static bool chunk_read(int fd, uint8_t *to, size_t len, uint64_t offset)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENODATA; /* the file became shorter */
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

bool host_store_read(const struct host_store *store, void *to, uint64_t len, struct error *err)
{
    static const uint8_t zeros[4096];
    uint8_t chunk[16 * sizeof(zeros)];
    for (uint64_t done = 0; done < len;) {
        size_t want = len - done < sizeof(chunk) ? (size_t)(len - done) : sizeof(chunk);
        if (!chunk_read(store->fd, chunk, want, done))
            return error_errno(err, ERROR_IMAGE, "can't read the image");
        for (size_t i = 0; i < want; i += sizeof(zeros)) {
            size_t page = want - i < sizeof(zeros) ? want - i : sizeof(zeros);
            if (memcmp(chunk + i, zeros, page) != 0)
                memcpy((uint8_t *)to + done + i, chunk + i, page);
        }
        done += want;
    }
    return true;
}

bool host_store_write(struct host_store *store, uint64_t offset, const void *from, uint64_t len)
{
    const uint8_t *bytes = from;
    for (uint64_t done = 0; done < len;) {
        ssize_t n = pwrite(store->fd, bytes + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (uint64_t)n;
    }
    if (offset + len > store->size)
        store->size = offset + len;
    return true;
}

bool host_folder_check(const char *path, struct error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return error_errno(err, ERROR_USAGE, "can't use %s", path);
    if (!S_ISDIR(info.st_mode))
        return error_set(err, ERROR_USAGE, "%s is not a folder", path);
    return access(path, W_OK | X_OK) == 0 || error_errno(err, ERROR_USAGE, "can't write to %s", path);
}

static bool contents_copy(struct host_store *to, const char *path, const struct host_store *from,
                          struct error *err)
{
    uint8_t chunk[65536];
    for (uint64_t done = 0; done < from->size;) {
        size_t len = from->size - done < sizeof(chunk) ? (size_t)(from->size - done) : sizeof(chunk);
        if (!chunk_read(from->fd, chunk, len, done))
            return error_errno(err, ERROR_IMAGE, "can't read what %s is copied from", path);
        if (!host_store_write(to, done, chunk, len))
            return error_errno(err, ERROR_IMAGE, "can't write %s", path);
        done += len;
    }
    return true;
}

bool host_store_copy(const char *path, const char *from_path, struct error *err)
{
    struct host_store from, to = {0};
    if (!host_store_open(&from, from_path, true, err))
        return false;
    to.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = to.fd >= 0 || error_errno(err, ERROR_IMAGE, "can't create %s", path);
    if (to.fd >= 0 && !contents_copy(&to, path, &from, err)) {
        unlink(path);
        ok = false;
    }
    host_store_close(&to);
    host_store_close(&from);
    return ok;
}
