/* From an access of the guest to a hypercall, and what its arguments may point to. */
#include <stdarg.h>
#include <stdio.h>

#include "modes/hvt/board.h"

typedef void (*call_fn)(struct hvt_board *board, uint64_t address);

static const call_fn calls[HVT_CALLS] = {
    [HVT_CALL_WALLTIME] = hvt_call_walltime,
    [HVT_CALL_PUTS] = hvt_call_puts,
    [HVT_CALL_POLL] = hvt_call_poll,
    [HVT_CALL_BLOCK_WRITE] = hvt_call_block_write,
    [HVT_CALL_BLOCK_READ] = hvt_call_block_read,
    [HVT_CALL_NET_WRITE] = hvt_call_net_write,
    [HVT_CALL_NET_READ] = hvt_call_net_read,
    [HVT_CALL_HALT] = hvt_call_halt,
};

void hvt_guest_bad(struct hvt_board *board, const char *fmt, ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (board->halted)
        return;
    log_warn("the unikernel broke the hvt ABI at 0x%llx and was ended: %s",
             (unsigned long long)board->run->vcpus[0]->ops->pc_get(board->run->vcpus[0]), text);
    board->halted = true;
    host_mutex_lock(&board->run->machine.lock);
    board->run->machine.request(&board->run->machine, MACHINE_EXIT, MACHINE_STATUS_DIED);
    host_mutex_unlock(&board->run->machine.lock);
}

const uint8_t *hvt_guest_read(struct hvt_board *board, uint64_t address, uint64_t len)
{
    const uint8_t *host = NULL;
    if (address >= HVT_SHOWN_BASE)
        host = ram_at(board->run->machine.mem.ram, gpa(address), len, RAM_READ);
    if (!host)
        hvt_guest_bad(board, "it has no %llu bytes to read at 0x%llx", (unsigned long long)len,
                      (unsigned long long)address);
    return host;
}

uint8_t *hvt_guest_write(struct hvt_board *board, uint64_t address, uint64_t len)
{
    uint8_t *host = NULL;
    if (address >= HVT_LOAD_BASE)
        host = ram_at(board->run->machine.mem.ram, gpa(address), len, RAM_WRITE);
    if (!host)
        hvt_guest_bad(board, "it has no %llu bytes to write to at 0x%llx", (unsigned long long)len,
                      (unsigned long long)address);
    return host;
}

static void call_make(struct hvt_board *board, uint64_t number, unsigned width, uint64_t address)
{
    if (board->halted)
        return;
    if (width != 4 || number >= HVT_CALLS || !calls[number])
        hvt_guest_bad(board, "there is no hypercall %llu of %u bytes", (unsigned long long)number, width);
    else
        calls[number](board, address);
}

/* --- x86_64: ports --- */

static void port_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    call_make(opaque, offset, width, value);
}

static uint64_t any_read(void *opaque, uint64_t offset, unsigned width)
{
    hvt_guest_bad(opaque, "hypercall %llu was read from, with %u bytes", (unsigned long long)offset, width);
    return 0;
}

/* --- others: addresses --- */

static void address_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    if (offset % 8)
        hvt_guest_bad(opaque, "there is no hypercall at offset 0x%llx", (unsigned long long)offset);
    else
        call_make(opaque, offset / 8, width, value);
}

bool hvt_calls_add(struct hvt_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    struct bus_region region = {
        .name = "hypercalls", .whole = true, .unlocked = true, .read = any_read, .opaque = board};
    if (board->config->arch == GUEST_X86_64) {
        machine->mem.pio = bus_create("ports", &machine->lock);
        region.base = HVT_PORT;
        region.size = HVT_CALLS + 3; /* the last one's four bytes as well */
        region.write = port_write;
        return bus_add(machine->mem.pio, &region, NULL, err);
    }
    region.base = HVT_MMIO;
    region.size = PAGE_SIZE;
    region.write = address_write;
    return bus_add(machine->mem.mmio, &region, NULL, err);
}
