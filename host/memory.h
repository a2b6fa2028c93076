/*
 * Memory objects of the host: anonymous files that can be mapped several times, cloned copy-on-write,
 * discarded in part and shared with another process.
 */
#pragma once

#include "base/error.h"

/* A demand-zero memory object of `size` bytes (a multiple of the page size), named for the host's tools. -1
 * and err. */
int host_memory_create(const char *name, uint64_t size, struct error *err);

/* Map [offset, offset + size) of it; private: writes stay in this mapping (a copy-on-write clone). NULL and
 * err. */
void *host_memory_map(int fd, uint64_t offset, uint64_t size, bool private_copy, struct error *err);
void host_memory_unmap(void *base, uint64_t size);
void host_memory_close(int fd);

/*
 * Turn a shared mapping into a private one in place: what was written so far stays in the object, what is
 * written from now on is seen here only. Nobody writes meanwhile. False and err: the mapping is as it was.
 */
bool host_memory_make_private(int fd, void *base, uint64_t offset, uint64_t size, struct error *err);

/* The next range of the object at or after *offset that was ever touched; all else reads as zero. False:
 * none.
 */
bool host_memory_next_data(int fd, uint64_t *offset, uint64_t *size);

/* Give the pages back to the host; they read as zero afterwards. Whole pages inside the range only. */
void host_memory_discard(int fd, void *base, uint64_t offset, uint64_t size);

/* Demand-zero private memory of this process, for sparse tables. NULL and err. */
void *host_memory_reserve(uint64_t size, struct error *err);

/* Bytes of physical memory the host has, to tell a wrong --memory from a large one. */
uint64_t host_memory_total(void);
