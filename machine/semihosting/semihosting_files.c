/* Requests about files: the console, which takes output and has no input, and the list of features. */
#include <string.h>

#include "devices/char/char.h"
#include "machine/semihosting/semihosting_private.h"

/* The most that one request moves, as others wait for the machine lock. */
#define CHUNK 4096u

#define NAME_SIZE 32

/* The contents of ":semihosting-features": a magic number, and bit 0 for SYS_EXIT_EXTENDED, bit 1 for output
 * and errors as different files. */
static const uint8_t features[] = {'S', 'H', 'F', 'B', 3};

/* What is behind the handle in a block's first word; FILE_CLOSED, and errno, when that is nothing. */
static enum semihosting_file file_of(struct semihosting_args *call, uint64_t handle)
{
    uint8_t kind = handle - 1 < SEMIHOSTING_FILES ? call->semihosting->files[handle - 1] : FILE_CLOSED;
    if (kind == FILE_CLOSED)
        semihosting_fail(call, SEMIHOSTING_EBADF);
    return (enum semihosting_file)kind;
}

uint64_t semihosting_open(struct semihosting_args *call)
{
    struct semihosting *semihosting = call->semihosting;
    uint64_t block[3]; /* name, mode, length of the name */
    char name[NAME_SIZE] = "";
    if (!semihosting_words(call, block, 3) || block[2] >= NAME_SIZE ||
        !semihosting_read(call, block[0], name, block[2]))
        return semihosting_fail(call, SEMIHOSTING_ENOENT);
    bool console = strcmp(name, ":tt") == 0, list = strcmp(name, ":semihosting-features") == 0;
    for (unsigned i = 0; (console || list) && i < SEMIHOSTING_FILES; i++) {
        if (semihosting->files[i] != FILE_CLOSED)
            continue;
        semihosting->files[i] = console ? FILE_CONSOLE : FILE_FEATURES;
        semihosting->positions[i] = 0;
        return i + 1;
    }
    return semihosting_fail(call, SEMIHOSTING_ENOENT);
}

uint64_t semihosting_close(struct semihosting_args *call)
{
    uint64_t handle;
    if (!semihosting_words(call, &handle, 1) || file_of(call, handle) == FILE_CLOSED)
        return SEMIHOSTING_FAILED;
    call->semihosting->files[handle - 1] = FILE_CLOSED;
    return 0;
}

/* Both give back how many bytes were not moved. */
uint64_t semihosting_file_write(struct semihosting_args *call)
{
    uint64_t block[3]; /* handle, address, length */
    uint8_t bytes[CHUNK];
    if (!semihosting_words(call, block, 3))
        return SEMIHOSTING_FAILED;
    size_t len = block[2] < CHUNK ? block[2] : CHUNK;
    if (file_of(call, block[0]) != FILE_CONSOLE || !semihosting_read(call, block[1], bytes, len))
        return block[2];
    size_t done = char_write(call->semihosting->config.run->console, bytes, len);
    call->again = done == 0 && len;
    return block[2] - done;
}

uint64_t semihosting_file_read(struct semihosting_args *call)
{
    uint64_t block[3]; /* handle, address, length */
    if (!semihosting_words(call, block, 3))
        return SEMIHOSTING_FAILED;
    if (file_of(call, block[0]) != FILE_FEATURES)
        return block[2]; /* all of it: the end of the file */
    uint64_t *position = &call->semihosting->positions[block[0] - 1];
    uint64_t left = *position < sizeof(features) ? sizeof(features) - *position : 0;
    size_t len = block[2] < left ? block[2] : left;
    if (!semihosting_write(call, block[1], features + *position, len))
        return block[2];
    *position += len;
    return block[2] - len;
}

uint64_t semihosting_is_tty(struct semihosting_args *call)
{
    uint64_t handle;
    return semihosting_words(call, &handle, 1) ? file_of(call, handle) == FILE_CONSOLE : SEMIHOSTING_FAILED;
}

uint64_t semihosting_seek(struct semihosting_args *call)
{
    uint64_t block[2]; /* handle, position */
    if (!semihosting_words(call, block, 2) || file_of(call, block[0]) == FILE_CLOSED)
        return SEMIHOSTING_FAILED;
    if (call->semihosting->files[block[0] - 1] == FILE_CONSOLE || block[1] > sizeof(features))
        return semihosting_fail(call, SEMIHOSTING_EINVAL);
    call->semihosting->positions[block[0] - 1] = block[1];
    return 0;
}

uint64_t semihosting_length(struct semihosting_args *call)
{
    uint64_t handle;
    if (!semihosting_words(call, &handle, 1))
        return SEMIHOSTING_FAILED;
    switch (file_of(call, handle)) {
    case FILE_FEATURES: return sizeof(features);
    case FILE_CONSOLE: return 0;
    default: return SEMIHOSTING_FAILED;
    }
}

/* --- output without a file --- */

uint64_t semihosting_write_char(struct semihosting_args *call)
{
    uint8_t byte;
    if (semihosting_read(call, call->parameter, &byte, 1))
        call->again = char_write(call->semihosting->config.run->console, &byte, 1) == 0;
    return 0;
}

/* A piece at a time, up to the zero byte. */
uint64_t semihosting_write_text(struct semihosting_args *call)
{
    struct char_port *console = call->semihosting->config.run->console;
    uint64_t *done = &call->semihosting->progress[call->vcpu->index];
    uint8_t byte;
    for (unsigned i = 0; i < CHUNK; i++) {
        if (!semihosting_read(call, call->parameter + *done, &byte, 1) || byte == 0) {
            *done = 0;
            return 0;
        }
        if (char_write(console, &byte, 1) == 0)
            break;
        (*done)++;
    }
    call->again = true;
    return 0;
}
