#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"

static bool file_check(struct host_file *file, const char *path, struct error *err)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return error_errno(err, ERROR_IMAGE, "can't look at %s", path);
    if (S_ISDIR(status.st_mode))
        return error_set(err, ERROR_IMAGE, "%s is a directory, and a file is needed here", path);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return error_set(err, ERROR_IMAGE, "%s is neither a file nor a block device", path);
    off_t end = lseek(file->fd, 0, SEEK_END);
    if (end < 0)
        return error_errno(err, ERROR_IMAGE, "can't find the size of %s", path);
    if (end == 0)
        return error_set(err, ERROR_IMAGE, "%s is empty", path);
    file->size = (uint64_t)end;
    return true;
}

bool host_file_open(struct host_file *file, const char *path, struct error *err)
{
    /* Opening a FIFO must not wait for its other end. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0)
        return error_errno(err, ERROR_IMAGE, "can't open %s", path);
    if (file_check(file, path, err))
        return true;
    host_file_close(file);
    return false;
}

void host_file_close(struct host_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

bool host_file_read(const struct host_file *file, uint64_t offset, void *to, uint64_t len, struct error *err)
{
    if (range_beyond(offset, len, file->size))
        return error_set(err, ERROR_IMAGE, "the file ends too early");
    for (uint64_t done = 0; done < len;) {
        ssize_t n = pread(file->fd, (char *)to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, ERROR_IMAGE, "can't read the file");
        if (n == 0)
            return error_set(err, ERROR_IMAGE, "the file became shorter while it was read");
        done += (uint64_t)n;
    }
    return true;
}

bool host_file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, R_OK) == 0;
}

bool host_stderr_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}
