/* Requests by their numbers; the end, times, and the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/aarch64/core.h"
#include "cpu/riscv64/core.h"
#include "host/clock.h"
#include "machine/semihosting/semihosting_private.h"

#define RISCV_A0 10

#define WORD 8

/* Of a request's instruction, which is executed again when the console has no room. */
#define INSTRUCTION_SIZE 4

/* The one reason for an end that is none of the program's failures. */
#define REASON_EXIT 0x20026

#define NS_PER_SECOND     1000000000ull
#define CENTISECONDS      100ull
#define TICKS_PER_SECOND  NS_PER_SECOND
#define EXIT_STATUS_OTHER 1
#define EXIT_STATUS_MAX   255

uint64_t semihosting_fail(struct semihosting_args *call, enum semihosting_errno error)
{
    call->semihosting->error = error;
    return SEMIHOSTING_FAILED;
}

bool semihosting_read(struct semihosting_args *call, uint64_t address, void *to, size_t len)
{
    if (debug_memory_read(&call->semihosting->config.run->debug, call->vcpu, gva(address), to, len))
        return true;
    semihosting_fail(call, SEMIHOSTING_EFAULT);
    return false;
}

bool semihosting_write(struct semihosting_args *call, uint64_t address, const void *from, size_t len)
{
    if (debug_memory_write(&call->semihosting->config.run->debug, call->vcpu, gva(address), from, len))
        return true;
    semihosting_fail(call, SEMIHOSTING_EFAULT);
    return false;
}

bool semihosting_words(struct semihosting_args *call, uint64_t *words, unsigned count)
{
    uint8_t bytes[4 * WORD];
    if (!semihosting_read(call, call->parameter, bytes, count * WORD))
        return false;
    for (unsigned i = 0; i < count; i++)
        words[i] = le64_load(bytes + i * WORD);
    return true;
}

/* --- the end --- */

/* SYS_EXIT of 64-bit programs and SYS_EXIT_EXTENDED: a block of the reason and, for an exit, its status. */
static uint64_t end(struct semihosting_args *call)
{
    struct machine *machine = &call->semihosting->config.run->machine;
    uint64_t block[2] = {0};
    int status = EXIT_STATUS_OTHER;
    if (semihosting_words(call, block, 2) && block[0] == REASON_EXIT)
        status = block[1] <= EXIT_STATUS_MAX ? (int)block[1] : EXIT_STATUS_MAX;
    machine->request(machine, MACHINE_EXIT, status);
    return 0;
}

/* --- times --- */

static uint64_t clock_since_start(struct semihosting_args *call)
{
    return clock_now(call->semihosting->config.run->machine.clock) / (NS_PER_SECOND / CENTISECONDS);
}

static uint64_t date(struct semihosting_args *call)
{
    const struct semihosting *semihosting = call->semihosting;
    return (semihosting->config.epoch + clock_now(semihosting->config.run->machine.clock)) / NS_PER_SECOND;
}

static uint64_t elapsed(struct semihosting_args *call)
{
    uint8_t ticks[WORD];
    le64_store(ticks, clock_now(call->semihosting->config.run->machine.clock));
    return semihosting_write(call, call->parameter, ticks, sizeof(ticks)) ? 0 : SEMIHOSTING_FAILED;
}

static uint64_t tick_frequency(struct semihosting_args *call)
{
    (void)call;
    return TICKS_PER_SECOND;
}

/* --- the program's surroundings --- */

/* A block of the buffer's address and size, which becomes the text's length. */
static uint64_t command_line(struct semihosting_args *call)
{
    const struct semihosting_config *config = &call->semihosting->config;
    const char *program = config->program ? config->program : "";
    const char *arguments = config->arguments ? config->arguments : "";
    size_t program_len = strlen(program), arguments_len = strlen(arguments);
    size_t len = program_len + (arguments_len ? 1 + arguments_len : 0);
    uint64_t block[2];
    uint8_t size[WORD];
    le64_store(size, len);
    if (!semihosting_words(call, block, 2))
        return SEMIHOSTING_FAILED;
    if (len >= block[1])
        return semihosting_fail(call, SEMIHOSTING_EINVAL);
    bool ok =
        semihosting_write(call, block[0], program, program_len) &&
        (!arguments_len || (semihosting_write(call, block[0] + program_len, " ", 1) &&
                            semihosting_write(call, block[0] + program_len + 1, arguments, arguments_len))) &&
        semihosting_write(call, block[0] + len, "", 1) &&
        semihosting_write(call, call->parameter + WORD, size, sizeof(size));
    return ok ? 0 : SEMIHOSTING_FAILED;
}

/* A pointer to a block of four words about heap and stack: zero is "not known". */
static uint64_t heap_info(struct semihosting_args *call)
{
    static const uint8_t unknown[4 * WORD];
    uint64_t block;
    bool ok = semihosting_words(call, &block, 1) && semihosting_write(call, block, unknown, sizeof(unknown));
    return ok ? 0 : SEMIHOSTING_FAILED;
}

/* A status of other requests is a failure when it is negative. */
static uint64_t is_error(struct semihosting_args *call)
{
    uint64_t status;
    return semihosting_words(call, &status, 1) && (int64_t)status >= 0 ? 0 : 1;
}

static uint64_t last_error(struct semihosting_args *call)
{
    return call->semihosting->error;
}

/* --- all of them --- */

static semihosting_handler *const handlers[] = {
    [0x01] = semihosting_open,
    [0x02] = semihosting_close,
    [0x03] = semihosting_write_char,
    [0x04] = semihosting_write_text,
    [0x05] = semihosting_file_write,
    [0x06] = semihosting_file_read,
    [0x08] = is_error,
    [0x09] = semihosting_is_tty,
    [0x0a] = semihosting_seek,
    [0x0c] = semihosting_length,
    [0x10] = clock_since_start,
    [0x11] = date,
    [0x13] = last_error,
    [0x15] = command_line,
    [0x16] = heap_info,
    [0x18] = end,
    [0x20] = end,
    [0x30] = elapsed,
    [0x31] = tick_frequency,
};

static uint64_t dispatch(struct semihosting_args *call, uint32_t number)
{
    if (number < ARRAY_LEN(handlers) && handlers[number])
        return handlers[number](call);
    log_guest("semihosting: request %#x is not offered", number);
    return semihosting_fail(call, SEMIHOSTING_ENOSYS);
}

/* The number, of 32 bits, and the parameter are in the first two argument registers. */
static uint64_t *registers(struct vcpu *vcpu)
{
    return vcpu->ops->arch == GUEST_AARCH64 ? aarch64_state(vcpu)->x : &riscv_state(vcpu)->x[RISCV_A0];
}

void semihosting_call(struct semihosting *semihosting, struct vcpu *vcpu)
{
    uint64_t *x = registers(vcpu);
    struct machine *machine = &semihosting->config.run->machine;
    struct semihosting_args call = {.semihosting = semihosting, .vcpu = vcpu, .parameter = x[1]};
    host_mutex_lock(&machine->lock);
    uint64_t value = dispatch(&call, (uint32_t)x[0]);
    host_mutex_unlock(&machine->lock);
    if (call.again)
        vcpu->ops->pc_set(vcpu, vcpu->ops->pc_get(vcpu) - INSTRUCTION_SIZE);
    else
        x[0] = value;
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct semihosting, files),
    STATE_ARRAY(struct semihosting, positions),
    STATE(struct semihosting, error),
};

static void restored(void *object)
{
    struct semihosting *semihosting = object;
    memset(semihosting->progress, 0, semihosting->config.run->vcpu_count * sizeof(*semihosting->progress));
}

static const struct state_table table = {
    .name = "semihosting", .version = 1, .fields = fields, .count = ARRAY_LEN(fields), .restored = restored};

static void destroy(void *object)
{
    struct semihosting *semihosting = object;
    free(semihosting->progress);
    free(semihosting);
}

struct semihosting *semihosting_create(const struct semihosting_config *config)
{
    struct semihosting *semihosting = machine_alloc(sizeof(*semihosting));
    semihosting->config = *config;
    semihosting->progress = machine_alloc(config->run->vcpu_count * sizeof(*semihosting->progress));
    machine_device_add(&config->run->machine, "semihosting", &table, semihosting, destroy);
    return semihosting;
}
