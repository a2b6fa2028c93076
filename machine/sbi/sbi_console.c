/* The debug console on the board's 16550, and system reset (SBI 2.0, chapters 12 and 10). */
#include "machine/sbi/sbi_private.h"

#define UART_DATA           0
#define UART_LSR            5
#define UART_LSR_DATA_READY 0x01
#define UART_LSR_THR_EMPTY  0x20

static uint8_t uart_read(struct sbi *sbi, unsigned reg)
{
    uint64_t value = 0;
    physmem_load(&sbi->config.run->machine.mem, gpa(sbi->config.console + reg), 1, &value);
    return (uint8_t)value;
}

bool sbi_console_put(struct sbi *sbi, uint8_t byte)
{
    if (!(uart_read(sbi, UART_LSR) & UART_LSR_THR_EMPTY))
        return false;
    physmem_store(&sbi->config.run->machine.mem, gpa(sbi->config.console + UART_DATA), 1, byte);
    return true;
}

int sbi_console_get(struct sbi *sbi)
{
    return uart_read(sbi, UART_LSR) & UART_LSR_DATA_READY ? uart_read(sbi, UART_DATA) : -1;
}

/* Guest memory for a transfer: a[0] bytes at a[1] (low) and a[2] (high, which is 0 on this 64-bit machine).
 */
static uint8_t *transfer_memory(struct sbi_args *call, enum ram_access access)
{
    if (call->a[2] != 0)
        return NULL;
    return ram_at(call->sbi->config.run->machine.mem.ram, gpa(call->a[1]), call->a[0], access);
}

static struct sbi_result console_write(struct sbi_args *call)
{
    const uint8_t *bytes = transfer_memory(call, RAM_READ);
    uint64_t done = 0;
    if (!bytes)
        return call->a[0] ? sbi_fail(SBI_ERR_INVALID_PARAM) : sbi_return(0);
    while (done < call->a[0] && sbi_console_put(call->sbi, bytes[done]))
        done++;
    return sbi_return(done);
}

static struct sbi_result console_read(struct sbi_args *call)
{
    uint8_t *bytes = transfer_memory(call, RAM_WRITE);
    uint64_t done = 0;
    int byte;
    if (!bytes)
        return call->a[0] ? sbi_fail(SBI_ERR_INVALID_PARAM) : sbi_return(0);
    while (done < call->a[0] && (byte = sbi_console_get(call->sbi)) >= 0)
        bytes[done++] = (uint8_t)byte;
    return sbi_return(done);
}

/* The one call that waits for room. */
static struct sbi_result console_write_byte(struct sbi_args *call)
{
    if (!sbi_console_put(call->sbi, (uint8_t)call->a[0]))
        sbi_call_again(call);
    return sbi_return(0);
}

struct sbi_result sbi_console(struct sbi_args *call)
{
    switch (call->function) {
    case 0: return console_write(call);
    case 1: return console_read(call);
    case 2: return console_write_byte(call);
    default: return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    }
}

enum {
    RESET_SHUTDOWN = 0,
    RESET_COLD_REBOOT = 1,
    RESET_WARM_REBOOT = 2,
    RESET_REASON_SYSTEM_FAILURE = 1,
    RESET_PLATFORM = 0xe0000000, /* reasons from here on, and types from 0xf0000000, are others' */
    RESET_TYPE_PLATFORM = 0xf0000000,
};

struct sbi_result sbi_reset(struct sbi_args *call)
{
    uint32_t type = (uint32_t)call->a[0], reason = (uint32_t)call->a[1];
    struct machine *machine = &call->sbi->config.run->machine;
    if (call->function != 0)
        return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    if (type > RESET_WARM_REBOOT)
        return sbi_fail(type >= RESET_TYPE_PLATFORM ? SBI_ERR_NOT_SUPPORTED : SBI_ERR_INVALID_PARAM);
    if (reason > RESET_REASON_SYSTEM_FAILURE)
        return sbi_fail(reason >= RESET_PLATFORM ? SBI_ERR_NOT_SUPPORTED : SBI_ERR_INVALID_PARAM);
    host_mutex_lock(&machine->lock);
    if (type != RESET_SHUTDOWN)
        machine->request(machine, MACHINE_RESET, 0);
    else if (reason == RESET_REASON_SYSTEM_FAILURE)
        machine->request(machine, MACHINE_EXIT, MACHINE_STATUS_DIED);
    else
        machine->request(machine, MACHINE_POWER_OFF, 0);
    host_mutex_unlock(&machine->lock);
    return sbi_return(0);
}
