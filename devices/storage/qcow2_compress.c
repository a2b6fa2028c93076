/* Compressed clusters: raw deflate with a 4 KiB window, or a zstd frame. */
#include <errno.h>
#include <zlib.h>
#if HAVE_ZSTD
#include <zstd.h>
#endif

#include "devices/storage/qcow2.h"

bool qcow2_compression_known(unsigned type)
{
    return type == QCOW2_COMPRESSION_ZLIB || (HAVE_ZSTD && type == QCOW2_COMPRESSION_ZSTD);
}

/* The input is rounded up to sectors, so the stream may end before it does. */
static int zlib_unpack(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
    z_stream stream = {
        .next_in = (Bytef *)(uintptr_t)in, /* only read from */
        .avail_in = (uInt)in_len,
        .next_out = out,
        .avail_out = (uInt)out_len,
    };
    if (inflateInit2(&stream, -12) != Z_OK)
        return EIO;
    int result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    /* Z_BUF_ERROR with a full output: an end marker that did not have to be read. */
    bool ended = result == Z_STREAM_END || result == Z_BUF_ERROR;
    return ended && stream.avail_out == 0 ? 0 : EIO;
}

static int zstd_unpack(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
#if HAVE_ZSTD
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context)
        return EIO;
    ZSTD_inBuffer input = {in, in_len, 0};
    ZSTD_outBuffer output = {out, out_len, 0};
    bool stuck = false;
    while (output.pos < out_len && !stuck) {
        size_t in_before = input.pos, out_before = output.pos;
        size_t result = ZSTD_decompressStream(context, &output, &input);
        stuck = ZSTD_isError(result) || (input.pos == in_before && output.pos == out_before);
    }
    ZSTD_freeDCtx(context);
    return stuck ? EIO : 0;
#else
    (void)in;
    (void)in_len;
    (void)out;
    (void)out_len;
    return EIO;
#endif
}

int qcow2_decompress(unsigned type, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
    return type == QCOW2_COMPRESSION_ZSTD ? zstd_unpack(in, in_len, out, out_len)
                                          : zlib_unpack(in, in_len, out, out_len);
}
