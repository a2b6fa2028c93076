/*
 * A scatter list of guest memory for a device's transfer: checked when it is made, then plain host memory
 * that a disk or network backend can work on.
 */
#pragma once

#include "devices/storage/block.h"
#include "softmmu/ram.h"

struct dma_list {
    struct ram *ram;
    enum ram_access access; /* RAM_WRITE: the device writes guest memory */
    struct block_vec *vecs; /* `count` of them */
    gpa_t *places;          /* where each is in the guest */
    unsigned count, room;
    uint64_t bytes; /* in all */
};

void dma_init(struct dma_list *list, struct ram *ram, enum ram_access access);
void dma_free(struct dma_list *list);

/* Add [p, p + len). False, and nothing added, when any byte of it is no RAM that allows the access. */
bool dma_add(struct dma_list *list, gpa_t p, uint64_t len);

/* Copy from the list's bytes [offset, offset + len), or to them; both must lie inside. */
void dma_get(const struct dma_list *list, uint64_t offset, void *to, uint64_t len);
void dma_put(const struct dma_list *list, uint64_t offset, const void *from, uint64_t len);

/* The first `len` bytes were written through the vectors: for dirty tracking and decoded code. dma_put does
 * it itself. */
void dma_written(const struct dma_list *list, uint64_t len);
