/*
 * What the test unikernels know of Solo5's hvt ABI, written from its description and not shared with the
 * tender's own header, so that each checks the other; and the few helpers they have in common.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the ABI --- */

struct boot_info {
    uint64_t memory_size;
    uint64_t program_end;
    uint64_t cycles_per_second;
    const char *arguments;
    const struct manifest *manifest;
};

enum {
    RESULT_OK,
    RESULT_AGAIN,
    RESULT_INVALID,
    RESULT_FAILED,
};

struct call_walltime {
    uint64_t ns;
};

struct call_puts {
    const char *data;
    uint64_t len;
};

struct call_poll {
    uint64_t timeout_ns;
    uint64_t ready;
    int32_t count;
};

struct call_block {
    uint64_t handle;
    uint64_t offset;
    void *data;
    uint64_t len;
    int32_t result;
};

struct call_net {
    uint64_t handle;
    void *data;
    uint64_t len;
    int32_t result;
};

struct call_halt {
    const void *cookie;
    int32_t status;
};

enum call {
    CALL_WALLTIME = 1,
    CALL_PUTS,
    CALL_POLL,
    CALL_BLOCK_WRITE,
    CALL_BLOCK_READ,
    CALL_NET_WRITE,
    CALL_NET_READ,
    CALL_HALT,
};

enum {
    DEVICE_BLOCK = 1,
    DEVICE_NET = 2,
    DEVICE_NOTHING = 1 << 30,
};

struct device {
    char name[68];
    uint32_t type;
    union {
        struct {
            uint64_t capacity;
            uint16_t sector_size;
        } block;
        struct {
            uint8_t mac[6];
            uint16_t mtu;
        } net;
    };
    uint64_t tenders_own;
    bool attached;
};

struct manifest {
    uint32_t version;
    uint32_t count;
    struct device devices[];
};

/* A note, and the alignment its contents need inside it. */
struct note_header {
    uint32_t name_size, size, type;
    char name[8];
};

/* What the linker script puts into notes of their own. The first device is nothing. */
#define MANIFEST(number, ...)                                                                                \
    static const struct {                                                                                    \
        struct note_header header;                                                                           \
        uint32_t gap;                                                                                        \
        uint32_t version, count;                                                                             \
        struct device devices[1 + (number)];                                                                 \
    } manifest_note __attribute__((section(".note.manifest"), aligned(8), used)) = {                         \
        {6, 4 + 8 + (1 + (number)) * sizeof(struct device), 0x3154464d, "Solo5"},                            \
        0,                                                                                                   \
        1,                                                                                                   \
        1 + (number),                                                                                        \
        {{.type = DEVICE_NOTHING}, __VA_ARGS__},                                                             \
    }
#define BLOCK_DEVICE(text)                                                                                   \
    {                                                                                                        \
        .name = text, .type = DEVICE_BLOCK                                                                   \
    }
#define NETWORK(text)                                                                                        \
    {                                                                                                        \
        .name = text, .type = DEVICE_NET                                                                     \
    }

/* --- the architecture (<arch>/arch.c) --- */

void hypercall(enum call number, void *argument);
uint64_t cycles_now(void);
void thread_pointer_set(void *pointer);
/* Where a thread-local block of `size` bytes lies relative to the thread pointer, in a buffer of
 * `buffer_size` aligned bytes; *pointer gets the thread pointer. */
void *thread_block_place(uint8_t *buffer, size_t buffer_size, size_t size, void **pointer);
void illegal_instruction(void);
void breakpoint(void);
uint64_t divide(uint64_t a, uint64_t b);

/* --- traps (trap.c) --- */

enum trap_kind {
    TRAP_NONE,
    TRAP_ILLEGAL,
    TRAP_BREAKPOINT,
    TRAP_DIVIDE,
    TRAP_READ,
    TRAP_WRITE,
    TRAP_FETCH,
    TRAP_OTHER,
};

struct trap {
    enum trap_kind kind;
    uint64_t address; /* of the access that failed */
};

/* Install the vectors; and the architecture's handler ends here. */
void traps_init(void);
void trap_taken(enum trap_kind kind, uint64_t address) __attribute__((noreturn));

/* Call fn(arg), and say which trap it ended in. */
struct trap trap_try(void (*fn)(void *arg), void *arg);

/* --- helpers (lib.c) --- */

/* The program; what it returns is its exit status. */
int guest_main(const struct boot_info *info);

void print(const char *text);
void print_number(uint64_t value);
void print_hex(uint64_t value);
size_t text_length(const char *text);
bool text_equal(const char *a, const char *b);
uint64_t text_number(const char *text);
uint64_t wall_now(void);
void halt(int status, const void *cookie) __attribute__((noreturn));

/* The device of that name; its handle is its index. NULL: the manifest has none. */
const struct device *device_find(const struct boot_info *info, const char *name, uint64_t *handle);

/* Print what is wrong, and count it: the status of a program that checks is whether something was. */
void check(bool ok, const char *what);
int check_status(void);
