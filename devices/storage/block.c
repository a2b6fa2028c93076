/*
 * Asynchronous disks over images. Requests wait in a list; each gets a job on a worker thread of the event
 * loop, which takes the first of the list and runs it. Who drains runs waiting requests itself, and so does
 * not depend on the loop, whose thread may be waiting for the machine lock that the drainer holds.
 */
#include "devices/storage/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/image.h"

struct request_list {
    struct block_request *first, **last;
};

struct block {
    struct machine *machine;
    struct image *image;
    char *name;

    struct host_mutex lock; /* the lists and counters below */
    struct host_cond progress;
    struct request_list waiting, finished;
    unsigned running; /* requests on a worker now */
    unsigned jobs;    /* handed to the loop and not over; they hold the block */
    bool closed;
};

static void list_init(struct request_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_add(struct request_list *list, struct block_request *request)
{
    request->next = NULL;
    *list->last = request;
    list->last = &request->next;
}

static struct block_request *list_take(struct request_list *list)
{
    struct block_request *request = list->first;
    if (request) {
        list->first = request->next;
        if (!list->first)
            list->last = &list->first;
    }
    return request;
}

static int request_run(struct image *image, const struct block_request *request)
{
    struct image_cursor cursor = {request->vecs, request->vec_count, 0};
    switch (request->op) {
    case BLOCK_READ: return image->ops->read(image, request->offset, request->len, &cursor);
    case BLOCK_WRITE: return image->ops->write(image, request->offset, request->len, &cursor);
    case BLOCK_FLUSH: return image->ops->flush(image);
    case BLOCK_DISCARD: return image->ops->zero(image, request->offset, request->len, true);
    case BLOCK_WRITE_ZEROES: return image->ops->zero(image, request->offset, request->len, request->unmap);
    }
    return EINVAL;
}

/* Run the first waiting request, if there is one; lock held, and let go of meanwhile. */
static bool waiting_run(struct block *block)
{
    struct block_request *request = list_take(&block->waiting);
    if (!request)
        return false;
    block->running++;
    host_mutex_unlock(&block->lock);
    request->error = request_run(block->image, request);
    host_mutex_lock(&block->lock);
    block->running--;
    list_add(&block->finished, request);
    host_cond_broadcast(&block->progress);
    return true;
}

/* Tell the owners of finished requests; lock held, and let go of meanwhile. */
static void finished_tell(struct block *block)
{
    struct block_request *request;
    while ((request = list_take(&block->finished))) {
        host_mutex_unlock(&block->lock);
        request->done(request, request->error);
        host_mutex_lock(&block->lock);
    }
}

static void block_free(struct block *block)
{
    host_cond_destroy(&block->progress);
    host_mutex_destroy(&block->lock);
    free(block->name);
    free(block);
}

static void job_run(void *opaque)
{
    struct block *block = opaque;
    host_mutex_lock(&block->lock);
    waiting_run(block); /* nothing when a drainer was faster */
    host_mutex_unlock(&block->lock);
}

static void job_done(void *opaque)
{
    struct block *block = opaque;
    host_mutex_lock(&block->lock);
    finished_tell(block);
    bool last = --block->jobs == 0 && block->closed;
    host_mutex_unlock(&block->lock);
    if (last)
        block_free(block);
}

/* Whether a request makes sense for the disk; 0 or an errno. */
static int request_check(const struct block *block, const struct block_request *request)
{
    if (request->op == BLOCK_FLUSH)
        return 0;
    if (range_beyond(request->offset, request->len, block->image->size))
        return EINVAL;
    if (request->op != BLOCK_READ && block->image->readonly)
        return EROFS;
    if (request->op != BLOCK_READ && request->op != BLOCK_WRITE)
        return 0;
    uint64_t room = 0;
    for (unsigned i = 0; i < request->vec_count; i++)
        room += request->vecs[i].len;
    return room < request->len ? EINVAL : 0;
}

void block_submit(struct block *block, struct block_request *request)
{
    int error = request_check(block, request);
    if (error) {
        request->done(request, error);
        return;
    }
    host_mutex_lock(&block->lock);
    list_add(&block->waiting, request);
    block->jobs++;
    host_mutex_unlock(&block->lock);
    host_loop_work(block->machine->loop, job_run, job_done, block);
}

void block_drain(struct block *block)
{
    host_mutex_lock(&block->lock);
    /* Callbacks may submit more. */
    while (block->waiting.first || block->finished.first || block->running) {
        finished_tell(block);
        if (!waiting_run(block) && !block->finished.first && block->running)
            host_cond_wait(&block->progress, &block->lock);
    }
    host_mutex_unlock(&block->lock);
}

void block_close(struct block *block)
{
    if (!block)
        return;
    block_drain(block);
    image_close(block->image);
    host_mutex_lock(&block->lock);
    block->closed = true;
    bool last = block->jobs == 0;
    host_mutex_unlock(&block->lock);
    if (last)
        block_free(block);
}

struct block *block_open(struct machine *machine, const struct block_config *config, struct error *err)
{
    struct image *image =
        image_open(config->path, config->format, config->readonly || config->snapshot, 0, err);
    if (image && config->snapshot && !config->readonly)
        image = image_overlay(image, err);
    if (!image)
        return NULL;
    if (image->size == 0) {
        error_set(err, ERROR_IMAGE, "%s is empty: a disk has at least one sector", config->path);
        image_close(image);
        return NULL;
    }
    struct block *block = machine_alloc(sizeof(*block));
    const char *slash = strrchr(config->path, '/');
    block->machine = machine;
    block->image = image;
    block->name = strdup(slash ? slash + 1 : config->path);
    if (!block->name)
        abort();
    host_mutex_init(&block->lock);
    host_cond_init(&block->progress);
    list_init(&block->waiting);
    list_init(&block->finished);
    return block;
}

uint64_t block_size(const struct block *block)
{
    return block->image->size;
}

bool block_readonly(const struct block *block)
{
    return block->image->readonly;
}

const char *block_name(const struct block *block)
{
    return block->name;
}

bool block_read(struct block *block, uint64_t offset, void *to, size_t len)
{
    struct image_cursor cursor = {&(struct block_vec){to, len}, 1, 0};
    return !range_beyond(offset, len, block->image->size) &&
           block->image->ops->read(block->image, offset, len, &cursor) == 0;
}

bool block_write(struct block *block, uint64_t offset, const void *from, size_t len)
{
    /* Only read from. */
    struct image_cursor cursor = {&(struct block_vec){(void *)(uintptr_t)from, len}, 1, 0};
    return !block->image->readonly && !range_beyond(offset, len, block->image->size) &&
           block->image->ops->write(block->image, offset, len, &cursor) == 0;
}
