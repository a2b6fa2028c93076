/*
 * Compressed images: gzip, zstd, and the EFI "zboot" wrapping of either. Unpacking goes to demand-zero memory
 * of a fixed limit, so that a small file can't take the host down.
 */
#pragma once

#include "machine/loader/source.h"

/*
 * Replace the source's bytes by what they unpack to; a source that is not compressed stays as it is. False
 * and err: damaged, larger than SOURCE_UNPACKED_MAX, or a format this program was built without.
 */
bool source_unpack(struct source *source, struct error *err);

/* The same with no more than the first `most` bytes that come out, for a look at them. */
bool source_start_unpack(struct source *source, uint64_t most, struct error *err);

/* Replace them by what [offset, offset + len) of the source unpacks to. False and err also when that is not
 * compressed, or the source has been unpacked before; it stays as it is then. */
bool source_part_unpack(struct source *source, uint64_t offset, uint64_t len, struct error *err);
