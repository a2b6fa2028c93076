/* Inside machine/semihosting: one request, and the files. */
#pragma once

#include "machine/semihosting/semihosting.h"

#define SEMIHOSTING_FILES 16

enum semihosting_file {
    FILE_CLOSED,
    FILE_CONSOLE,
    FILE_FEATURES, /* ":semihosting-features": what is offered */
};

struct semihosting {
    struct semihosting_config config;
    uint64_t *progress; /* of each vCPU: bytes of a text already written, when it has to be called again */

    /* What the state table saves. A handle is an index and 1. */
    uint8_t files[SEMIHOSTING_FILES]; /* enum semihosting_file */
    uint64_t positions[SEMIHOSTING_FILES];
    uint32_t error; /* errno of the last failure */
};

struct semihosting_args {
    struct semihosting *semihosting;
    struct vcpu *vcpu;
    uint64_t parameter; /* its register, most often the address of a block of words */
    bool again;         /* the console can't take more now: execute the instruction once more */
};

#define SEMIHOSTING_FAILED UINT64_MAX

/* Numbers of newlib, which most programs are linked with. */
enum semihosting_errno {
    SEMIHOSTING_ENOENT = 2,
    SEMIHOSTING_EBADF = 9,
    SEMIHOSTING_EFAULT = 14,
    SEMIHOSTING_EINVAL = 22,
    SEMIHOSTING_ENOSYS = 88,
};

/* UINT64_MAX, and errno for the guest. */
uint64_t semihosting_fail(struct semihosting_args *call, enum semihosting_errno error);

/* Guest memory by virtual addresses, and words of the parameter block. False: there is none. */
bool semihosting_read(struct semihosting_args *call, uint64_t address, void *to, size_t len);
bool semihosting_write(struct semihosting_args *call, uint64_t address, const void *from, size_t len);
bool semihosting_words(struct semihosting_args *call, uint64_t *words, unsigned count);

/* semihosting_files.c: requests about files and the console; the value is R0's. */
typedef uint64_t semihosting_handler(struct semihosting_args *call);
semihosting_handler semihosting_open, semihosting_close, semihosting_file_write, semihosting_file_read,
    semihosting_is_tty, semihosting_seek, semihosting_length, semihosting_write_char, semihosting_write_text;
