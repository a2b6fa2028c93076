#include "machine/loader/source.h"

#include <string.h>

#include "base/bits.h"
#include "host/memory.h"
#include "machine/loader/iso9660.h"

/* Reads are cut so that progress can be shown. */
#define READ_STEP    (4 * MIB)
#define PROGRESS_MIN (16 * MIB)

bool source_file_open(struct source *source, const char *path, load_progress progress, struct error *err)
{
    *source = (struct source){.path = path, .progress = progress};
    if (!host_file_open(&source->file, path, err))
        return false;
    source->size = source->file.size;
    return true;
}

bool source_open(struct source *source, const char *path, load_progress progress, struct error *err)
{
    bool tried;
    if (iso_source_open(source, path, progress, &tried, err))
        return true;
    return !tried && source_file_open(source, path, progress, err);
}

void source_memory(struct source *source, const char *name, const uint8_t *bytes, size_t size)
{
    *source = (struct source){.path = name, .size = size, .file.fd = -1, .memory = bytes};
}

void source_close(struct source *source)
{
    if (source->unpacked)
        host_memory_unmap(source->unpacked, SOURCE_UNPACKED_MAX);
    source->unpacked = NULL;
    source->memory = NULL;
    host_file_close(&source->file);
}

static bool file_read(const struct source *source, uint64_t offset, uint8_t *to, uint64_t len,
                      struct error *err)
{
    for (uint64_t done = 0; done < len;) {
        uint64_t step = len - done < READ_STEP ? len - done : READ_STEP;
        if (!host_file_read(&source->file, source->start + offset + done, to + done, step, err))
            return error_prefix(err, "%s", source->path);
        done += step;
        if (source->progress && len >= PROGRESS_MIN)
            source->progress(source->path, done, len);
    }
    return true;
}

bool source_read(const struct source *source, uint64_t offset, void *to, uint64_t len, struct error *err)
{
    if (range_beyond(offset, len, source->size))
        return error_set(err, ERROR_IMAGE, "%s is truncated: it has %llu bytes and %llu are needed",
                         source->path, (unsigned long long)source->size, (unsigned long long)(offset + len));
    if (!source->memory)
        return file_read(source, offset, to, len, err);
    memcpy(to, source->memory + offset, len);
    return true;
}
