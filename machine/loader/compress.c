#include "machine/loader/compress.h"

#include <string.h>
#include <zlib.h>
#if HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/bits.h"
#include "host/memory.h"
#include "machine/loader/detect.h"

#define INPUT_STEP ((uint64_t)256 * KIB)

/* The compressed bytes: a window of the source, read piece by piece. */
struct packed {
    const struct source *source;
    uint64_t offset, left;
    uint64_t start; /* so many bytes are wanted of what comes out; 0: all */
    uint8_t piece[INPUT_STEP];
};

/* The next piece: its length, or 0 at the end. */
static bool packed_next(struct packed *packed, uint64_t *len, struct error *err)
{
    *len = packed->left < INPUT_STEP ? packed->left : INPUT_STEP;
    if (*len == 0)
        return true;
    if (!source_read(packed->source, packed->offset, packed->piece, *len, err))
        return false;
    packed->offset += *len;
    packed->left -= *len;
    return true;
}

static bool damaged(const struct source *source, const char *format, const char *why, struct error *err)
{
    return error_set(err, ERROR_IMAGE, "%s can't be unpacked (%s): %s", source->path, format,
                     why ? why : "the data is damaged");
}

static bool too_large(const struct source *source, struct error *err)
{
    return error_set(err, ERROR_IMAGE, "%s unpacks to more than %llu MiB, which is no kernel", source->path,
                     (unsigned long long)(SOURCE_UNPACKED_MAX / MIB));
}

/* How many bytes to take; and what it means when more would come. */
static uint64_t output_most(const struct packed *packed)
{
    return packed->start ? packed->start : SOURCE_UNPACKED_MAX;
}

static bool output_full(const struct packed *packed, struct error *err)
{
    return packed->start || too_large(packed->source, err);
}

static bool gzip_run(struct packed *packed, z_stream *stream, uint8_t *out, uint64_t *size, struct error *err)
{
    const struct source *source = packed->source;
    for (int status = Z_OK; status != Z_STREAM_END;) {
        if (stream->avail_in == 0) {
            uint64_t len;
            if (!packed_next(packed, &len, err))
                return false;
            if (len == 0)
                return damaged(source, "gzip", "the file is truncated", err);
            stream->next_in = packed->piece;
            stream->avail_in = (uInt)len;
        }
        stream->next_out = out + *size;
        stream->avail_out = (uInt)(output_most(packed) - *size);
        status = inflate(stream, Z_NO_FLUSH);
        *size = (uint64_t)(stream->next_out - out);
        if (status != Z_OK && status != Z_STREAM_END)
            return damaged(source, "gzip", stream->msg, err);
        if (status == Z_OK && *size == output_most(packed))
            return output_full(packed, err);
    }
    return true;
}

static bool gzip_unpack(struct packed *packed, uint8_t *out, uint64_t *size, struct error *err)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
        return error_set(err, ERROR_HOST, "zlib can't be started");
    bool ok = gzip_run(packed, &stream, out, size, err);
    inflateEnd(&stream);
    return ok;
}

#if HAVE_ZSTD
static bool zstd_run(struct packed *packed, ZSTD_DStream *stream, uint8_t *out, uint64_t *size,
                     struct error *err)
{
    const struct source *source = packed->source;
    ZSTD_outBuffer to = {.dst = out, .size = output_most(packed)};
    ZSTD_inBuffer from = {.src = packed->piece};
    for (size_t more = 1; more != 0;) {
        if (from.pos == from.size) {
            uint64_t len;
            if (!packed_next(packed, &len, err))
                return false;
            if (len == 0)
                return damaged(source, "zstd", "the file is truncated", err);
            from.size = len;
            from.pos = 0;
        }
        more = ZSTD_decompressStream(stream, &to, &from);
        if (ZSTD_isError(more))
            return damaged(source, "zstd", ZSTD_getErrorName(more), err);
        *size = to.pos;
        if (more && to.pos == to.size)
            return output_full(packed, err);
    }
    return true;
}

static bool zstd_unpack(struct packed *packed, uint8_t *out, uint64_t *size, struct error *err)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (!stream)
        return error_set(err, ERROR_HOST, "zstd can't be started");
    bool ok = zstd_run(packed, stream, out, size, err);
    ZSTD_freeDStream(stream);
    return ok;
}
#else
static bool zstd_unpack(struct packed *packed, uint8_t *out, uint64_t *size, struct error *err)
{
    (void)out;
    (void)size;
    return error_set(err, ERROR_IMAGE, "%s is compressed with zstd, and this program was built without it",
                     packed->source->path);
}
#endif

/*
 * An EFI zboot kernel: "MZ", then "zimg", the offset and size of the payload, and the name of its compression
 * at 24 (Linux, drivers/firmware/efi/libstub/zboot-header.S).
 */
static bool zboot_find(struct packed *packed, enum image_kind *kind, struct error *err)
{
    uint8_t head[32];
    const struct source *source = packed->source;
    if (!source_read(source, 0, head, sizeof(head), err))
        return false;
    packed->offset = le32_load(head + 8);
    packed->left = le32_load(head + 12);
    if (range_beyond(packed->offset, packed->left, source->size))
        return damaged(source, "EFI zboot", "the file is truncated", err);
    if (strncmp((const char *)head + 24, "gzip", 8) == 0)
        *kind = IMAGE_GZIP;
    else if (strncmp((const char *)head + 24, "zstd", 8) == 0)
        *kind = IMAGE_ZSTD;
    else
        return damaged(source, "EFI zboot", "its compression is neither gzip nor zstd", err);
    return true;
}

/* Replace the source's bytes by what is packed. */
static bool unpack(struct source *source, struct packed *packed, enum image_kind kind, struct error *err)
{
    uint8_t *out = host_memory_reserve(SOURCE_UNPACKED_MAX, err);
    uint64_t size = 0;
    if (!out)
        return false;
    bool ok =
        kind == IMAGE_GZIP ? gzip_unpack(packed, out, &size, err) : zstd_unpack(packed, out, &size, err);
    if (!ok) {
        host_memory_unmap(out, SOURCE_UNPACKED_MAX);
        return false;
    }
    source->unpacked = out;
    source->memory = out;
    source->size = size;
    return true;
}

/* `start` as in struct packed. */
static bool whole_unpack(struct source *source, uint64_t start, struct error *err)
{
    struct image_info info;
    if (!image_detect(source, &info, err))
        return false;
    if (info.kind != IMAGE_GZIP && info.kind != IMAGE_ZSTD && info.kind != IMAGE_ZBOOT)
        return true;
    struct packed packed = {.source = source, .left = source->size, .start = start};
    if (info.kind == IMAGE_ZBOOT && !zboot_find(&packed, &info.kind, err))
        return false;
    return unpack(source, &packed, info.kind, err);
}

bool source_unpack(struct source *source, struct error *err)
{
    return whole_unpack(source, 0, err);
}

bool source_start_unpack(struct source *source, uint64_t most, struct error *err)
{
    return whole_unpack(source, most < SOURCE_UNPACKED_MAX ? most : SOURCE_UNPACKED_MAX, err);
}

bool source_part_unpack(struct source *source, uint64_t offset, uint64_t len, struct error *err)
{
    struct source part = *source;
    struct image_info info;
    /* As far as the part goes, and not as an image of its own. */
    if (range_beyond(offset, len, source->size) || source->unpacked)
        return error_set(err, ERROR_IMAGE, "%s is truncated, or packed twice", source->path);
    part.start += source->memory ? 0 : offset;
    part.memory = source->memory ? source->memory + offset : NULL;
    part.size = len;
    if (!image_detect(&part, &info, err))
        return false;
    if (info.kind != IMAGE_GZIP && info.kind != IMAGE_ZSTD)
        return error_set(err, ERROR_IMAGE, "%s: what is packed in it is neither gzip nor zstd", source->path);
    struct packed packed = {.source = source, .offset = offset, .left = len};
    return unpack(source, &packed, info.kind, err);
}
