#include "host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"

int host_memory_create(const char *name, uint64_t size, struct error *err)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0) {
        error_errno(err, ERROR_HOST, "can't create the memory object %s", name);
        return -1;
    }
    if (size > INT64_MAX || ftruncate(fd, (off_t)size) != 0) {
        error_errno(err, ERROR_HOST, "can't get %llu MiB of memory for %s", (unsigned long long)(size / MIB),
                    name);
        close(fd);
        return -1;
    }
    return fd;
}

void *host_memory_map(int fd, uint64_t offset, uint64_t size, bool private_copy, struct error *err)
{
    int flags = (private_copy ? MAP_PRIVATE : MAP_SHARED) | MAP_NORESERVE;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset);
    if (base == MAP_FAILED) {
        error_errno(err, ERROR_HOST, "can't map %llu MiB of memory", (unsigned long long)(size / MIB));
        return NULL;
    }
    return base;
}

void host_memory_unmap(void *base, uint64_t size)
{
    munmap(base, size);
}

void host_memory_close(int fd)
{
    close(fd);
}

bool host_memory_make_private(int fd, void *base, uint64_t offset, uint64_t size, struct error *err)
{
    int flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;
    if (mmap(base, size, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset) == MAP_FAILED)
        return error_errno(err, ERROR_HOST, "can't make a copy of %llu MiB of memory",
                           (unsigned long long)(size / MIB));
    return true;
}

bool host_memory_next_data(int fd, uint64_t *offset, uint64_t *size)
{
    off_t data = lseek(fd, (off_t)*offset, SEEK_DATA);
    off_t hole = data < 0 ? data : lseek(fd, data, SEEK_HOLE);
    if (hole < 0)
        return false;
    *offset = (uint64_t)data;
    *size = (uint64_t)(hole - data);
    return true;
}

void host_memory_discard(int fd, void *base, uint64_t offset, uint64_t size)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t first = align_up(offset, page), end = align_down(offset + size, page);
    if (first >= end)
        return;
    /* A private mapping has pages of its own; the object's are given back by a hole. */
    madvise((char *)base + first, end - first, MADV_DONTNEED);
    if (fd >= 0)
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)first, (off_t)(end - first));
}

void *host_memory_reserve(uint64_t size, struct error *err)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        error_errno(err, ERROR_HOST, "can't reserve %llu KiB of memory", (unsigned long long)(size / KIB));
        return NULL;
    }
    return base;
}

uint64_t host_memory_total(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}
