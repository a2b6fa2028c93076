#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"

bool host_file_kind_check(const char *path, bool devices, struct error *err)
{
    struct stat status;
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode) || (devices && S_ISBLK(status.st_mode)))
        return true;
    const char *kind = S_ISDIR(status.st_mode)    ? "a directory"
                       : S_ISCHR(status.st_mode)  ? "a character device"
                       : S_ISBLK(status.st_mode)  ? "a block device"
                       : S_ISFIFO(status.st_mode) ? "a pipe"
                                                  : "a socket";
    return error_set(err, ERROR_IMAGE, "%s is %s: give a file%s", path, kind,
                     devices ? " or a block device" : "");
}

static bool size_find(struct host_file *file, const char *path, struct error *err)
{
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
    if (!host_file_kind_check(path, true, err))
        return false;
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0)
        return error_errno(err, ERROR_IMAGE, "can't open %s", path);
    if (size_find(file, path, err))
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
