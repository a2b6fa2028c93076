/*
 * A command is a doubleword of device number, command number and payload that a program writes to `tohost`;
 * who serves it writes zero there, and the answer to `fromhost`. Nothing tells when that happens, so the
 * machine looks once in a while, as simulators do.
 */
#include "devices/misc/htif.h"

#include <limits.h>
#include <stdlib.h>

#include "base/bits.h"

#define LOOK_NS 500000u

#define DEVICE_SHIFT  56
#define COMMAND_SHIFT 48
#define PAYLOAD       (((uint64_t)1 << COMMAND_SHIFT) - 1)

enum device {
    DEVICE_SYSTEM,  /* command 0: the program's end, or a system call */
    DEVICE_CONSOLE, /* command 0: read a character, 1: write one */
};
#define CONSOLE_WRITE 1

/* A system call lies in memory, as doublewords: its number, then its arguments; its result replaces the
 * number. */
enum call {
    CALL_NUMBER,
    CALL_FILE,
    CALL_BYTES,
    CALL_LENGTH,
    CALL_WORDS,
};
#define SYSTEM_WRITE       64
#define RESULT_NO_SUCH     ((uint64_t)-38) /* ENOSYS */
#define RESULT_BAD_ADDRESS ((uint64_t)-14) /* EFAULT */

struct htif {
    struct machine *machine;
    struct htif_config config;
    struct clock_timer *timer;
};

static void word_write(struct htif *htif, uint64_t address, uint64_t value)
{
    uint8_t bytes[8];
    le64_store(bytes, value);
    ram_write(htif->machine->mem.ram, gpa(address), bytes, sizeof(bytes));
}

static void program_end(struct htif *htif, uint64_t status)
{
    struct machine *machine = htif->machine;
    machine->request(machine, status ? MACHINE_EXIT : MACHINE_POWER_OFF,
                     status > INT_MAX ? INT_MAX : (int)status);
}

/* Every file is the console. */
static uint64_t file_write(struct htif *htif, uint64_t address, uint64_t len)
{
    const uint8_t *bytes = ram_at(htif->machine->mem.ram, gpa(address), len, RAM_READ);
    if (!bytes)
        return len ? RESULT_BAD_ADDRESS : 0;
    return char_write(htif->config.console, bytes, len);
}

static void system_call(struct htif *htif, uint64_t address)
{
    uint8_t call[CALL_WORDS * 8];
    if (!ram_read(htif->machine->mem.ram, gpa(address), call, sizeof(call)))
        return;
    uint64_t result = RESULT_NO_SUCH;
    if (le64_load(call + 8 * CALL_NUMBER) == SYSTEM_WRITE)
        result = file_write(htif, le64_load(call + 8 * CALL_BYTES), le64_load(call + 8 * CALL_LENGTH));
    word_write(htif, address, result);
    if (htif->config.fromhost)
        word_write(htif, htif->config.fromhost, 1);
}

static void command_do(struct htif *htif, uint64_t word)
{
    unsigned device = (unsigned)(word >> DEVICE_SHIFT), command = word >> COMMAND_SHIFT & 0xff;
    uint64_t payload = word & PAYLOAD;
    uint8_t character = (uint8_t)payload;
    if (device == DEVICE_SYSTEM && command == 0 && payload & 1)
        program_end(htif, payload >> 1);
    else if (device == DEVICE_SYSTEM && command == 0)
        system_call(htif, payload);
    else if (device == DEVICE_CONSOLE && command == CONSOLE_WRITE)
        char_write(htif->config.console, &character, 1);
    else /* nobody types either */
        log_guest("HTIF: nobody answers command %u of device %u", command, device);
}

static void look(void *opaque)
{
    struct htif *htif = opaque;
    uint8_t bytes[8] = {0};
    ram_read(htif->machine->mem.ram, gpa(htif->config.tohost), bytes, sizeof(bytes));
    uint64_t word = le64_load(bytes);
    if (word) {
        word_write(htif, htif->config.tohost, 0);
        command_do(htif, word);
    }
    clock_timer_set(htif->timer, clock_now(htif->machine->clock) + LOOK_NS);
}

static const struct state_table table = {.name = "htif", .version = 1};

static void htif_destroy(void *object)
{
    struct htif *htif = object;
    clock_timer_destroy(htif->timer);
    free(htif);
}

struct htif *htif_create(struct machine *machine, const struct htif_config *config)
{
    struct htif *htif = machine_alloc(sizeof(*htif));
    htif->machine = machine;
    htif->config = *config;
    htif->timer = clock_timer_create(machine->clock, look, htif);
    machine_device_add(machine, "htif", &table, htif, htif_destroy);
    clock_timer_set(htif->timer, clock_now(machine->clock) + LOOK_NS);
    return htif;
}
