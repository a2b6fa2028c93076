/* Section numbers are those of the PL011 technical reference manual, r1p4 (DDI 0183). */
#include "devices/char/pl011.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"
#include "devices/char/uart_fifo.h"

/* 3.2: registers. */
#define UARTDR     0x000
#define UARTRSR    0x004
#define UARTFR     0x018
#define UARTILPR   0x020
#define UARTIBRD   0x024
#define UARTFBRD   0x028
#define UARTLCR_H  0x02c
#define UARTCR     0x030
#define UARTIFLS   0x034
#define UARTIMSC   0x038
#define UARTRIS    0x03c
#define UARTMIS    0x040
#define UARTICR    0x044
#define UARTDMACR  0x048
#define UARTPERIPH 0xfe0 /* identification, a byte in each word up to the end */

#define DR_BE     (1u << 10) /* errors come with the character */
#define DR_OE     (1u << 11)
#define DR_ERRORS 0xf00u

#define FR_CTS  (1u << 0)
#define FR_DSR  (1u << 1)
#define FR_DCD  (1u << 2)
#define FR_BUSY (1u << 3)
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define FR_RXFF (1u << 6)
#define FR_TXFE (1u << 7)
#define FR_RI   (1u << 8)

#define LCR_BRK  (1u << 0)
#define LCR_PEN  (1u << 1)
#define LCR_STP2 (1u << 3)
#define LCR_FEN  (1u << 4)

#define CR_LBE  (1u << 7)
#define CR_RXE  (1u << 9)
#define CR_DTR  (1u << 10)
#define CR_RTS  (1u << 11)
#define CR_OUT1 (1u << 12)
#define CR_OUT2 (1u << 13)

#define INT_RI  (1u << 0)
#define INT_CTS (1u << 1)
#define INT_DCD (1u << 2)
#define INT_DSR (1u << 3)
#define INT_RX  (1u << 4)
#define INT_TX  (1u << 5)
#define INT_RT  (1u << 6)
#define INT_BE  (1u << 9)
#define INT_OE  (1u << 10)
#define INT_ALL 0x7ffu

struct pl011 {
    struct machine *machine;
    struct pl011_config config;
    struct clock_timer *timer;       /* the receive time-out */
    struct uart_fifo received, xmit; /* received: error bits as in UARTDR */
    uint64_t timeout;                /* guest time of the time-out under way, or CLOCK_NEVER */
    uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
    uint32_t modem; /* the FR bits of the modem lines, as last seen */
    uint8_t overrun;
};

static unsigned fifo_limit(const struct pl011 *uart)
{
    return uart->lcr_h & LCR_FEN ? UART_FIFO_SIZE : 1;
}

/* 3.3.9, a field of UARTIFLS: eighths of the FIFO. Reserved values mean the most. */
static unsigned fifo_level(unsigned select)
{
    static const uint8_t levels[8] = {2, 4, 8, 12, 14, 14, 14, 14};
    return levels[select & 7];
}

static unsigned receive_trigger(const struct pl011 *uart)
{
    return uart->lcr_h & LCR_FEN ? fifo_level(uart->ifls >> 3) : 1;
}

static unsigned xmit_trigger(const struct pl011 *uart)
{
    return uart->lcr_h & LCR_FEN ? fifo_level(uart->ifls) : 0;
}

static void irq_update(struct pl011 *uart)
{
    irq_line_set(&uart->config.irq, (uart->ris & uart->imsc) != 0);
}

/* --- receiving --- */

/* 2.4.1: the baud divisor has 6 bits of fraction. */
static uint64_t bit_ns(const struct pl011 *uart)
{
    uint64_t divisor = (uint64_t)uart->ibrd << 6 | uart->fbrd;
    return clock_scale(divisor ? divisor : 64, 16 * 1000000000ull / 64, uart->config.clock);
}

static void timeout_set(struct pl011 *uart, uint64_t deadline)
{
    uart->timeout = deadline;
    clock_timer_set(uart->timer, deadline);
}

/* 2.8.4: 32 bit periods without another character, and something in the FIFO. */
static void timeout_restart(struct pl011 *uart)
{
    uint64_t now = clock_now(uart->machine->clock);
    timeout_set(uart, uart->received.count ? now + 32 * bit_ns(uart) : CLOCK_NEVER);
}

/* 2.8.2: the interrupt comes when the level is reached. */
static void character_receive(struct pl011 *uart, uint16_t entry)
{
    if (uart->received.count >= fifo_limit(uart)) {
        uart->overrun = true;
        uart->ris |= INT_OE;
        return;
    }
    uart_fifo_push(&uart->received, entry);
    if (entry & DR_BE)
        uart->ris |= INT_BE;
    if (uart->received.count >= receive_trigger(uart))
        uart->ris |= INT_RX;
    timeout_restart(uart);
}

static bool listens(const struct pl011 *uart)
{
    return uart->cr & CR_RXE && !(uart->cr & CR_LBE);
}

/* What comes in from the host waits outside while there is no room. UARTEN is not asked for, here and when
 * sending: simple guests never set it. */
static size_t port_receive(void *opaque, const uint8_t *bytes, size_t len)
{
    struct pl011 *uart = opaque;
    size_t taken = 0;
    while (listens(uart) && taken < len && uart->received.count < fifo_limit(uart))
        character_receive(uart, bytes[taken++]);
    irq_update(uart);
    return taken;
}

static void port_break(void *opaque)
{
    struct pl011 *uart = opaque;
    if (!listens(uart))
        return;
    character_receive(uart, DR_BE);
    irq_update(uart);
}

/* Drivers written on emulators turn the FIFOs on, but only the receive interrupt, and would wait for the
 * level with every key that is pressed. For them the time-out is one as well, until the FIFO is empty. */
static bool timeout_receives(const struct pl011 *uart)
{
    return uart->ris & INT_RT && !(uart->imsc & INT_RT);
}

static void timer_fired(void *opaque)
{
    struct pl011 *uart = opaque;
    uart->timeout = CLOCK_NEVER;
    if (uart->received.count)
        uart->ris |= INT_RT;
    if (timeout_receives(uart))
        uart->ris |= INT_RX;
    irq_update(uart);
}

/* 2.8.2 and 2.8.4: reading below the level, and reading all, end these interrupts. */
static uint32_t data_read(struct pl011 *uart)
{
    struct uart_fifo *fifo = &uart->received;
    uint32_t value = fifo->entries[fifo->head];
    if (!fifo->count)
        return value;
    uart_fifo_pop(fifo);
    value |= uart->overrun ? DR_OE : 0;
    uart->overrun = false;
    uart->rsr = (value & DR_ERRORS) >> 8;
    if (fifo->count < receive_trigger(uart) && !(fifo->count && timeout_receives(uart)))
        uart->ris &= ~INT_RX;
    if (!fifo->count) {
        uart->ris &= ~INT_RT;
        timeout_set(uart, CLOCK_NEVER);
    }
    irq_update(uart);
    char_receive_ready(uart->config.port);
    return value;
}

/* --- sending --- */

/* Let the line take what the transmitter holds. 2.8.3: falling to the level is the interrupt. */
static void xmit_run(struct pl011 *uart)
{
    struct uart_fifo *fifo = &uart->xmit;
    bool had = fifo->count != 0;
    while (fifo->count) {
        uint8_t byte = (uint8_t)fifo->entries[fifo->head];
        if (uart->cr & CR_LBE)
            character_receive(uart, byte);
        else if (char_write(uart->config.port, &byte, 1) == 0)
            break;
        uart_fifo_pop(fifo);
    }
    if (had && fifo->count <= xmit_trigger(uart))
        uart->ris |= INT_TX;
}

static void data_write(struct pl011 *uart, uint32_t value)
{
    /* Software that doesn't look at TXFF loses what it sends. */
    if (uart->xmit.count < fifo_limit(uart))
        uart_fifo_push(&uart->xmit, value & 0xff);
    if (uart->xmit.count > xmit_trigger(uart))
        uart->ris &= ~INT_TX;
    xmit_run(uart);
}

static void port_writable(void *opaque)
{
    struct pl011 *uart = opaque;
    xmit_run(uart);
    irq_update(uart);
}

/* --- modem lines --- */

/* A cable that is always connected, or in loop-back (3.3.8) the outputs. */
static uint32_t modem_lines(const struct pl011 *uart)
{
    if (!(uart->cr & CR_LBE))
        return FR_CTS | FR_DSR | FR_DCD;
    return (uart->cr & CR_RTS ? FR_CTS : 0) | (uart->cr & CR_DTR ? FR_DSR : 0) |
           (uart->cr & CR_OUT1 ? FR_DCD : 0) | (uart->cr & CR_OUT2 ? FR_RI : 0);
}

static void modem_update(struct pl011 *uart)
{
    uint32_t lines = modem_lines(uart), changed = lines ^ uart->modem;
    uart->modem = lines;
    uart->ris |= (changed & FR_CTS ? INT_CTS : 0) | (changed & FR_DSR ? INT_DSR : 0) |
                 (changed & FR_DCD ? INT_DCD : 0) | (changed & FR_RI ? INT_RI : 0);
}

/* --- registers --- */

static uint32_t flags(const struct pl011 *uart)
{
    const struct uart_fifo *in = &uart->received, *out = &uart->xmit;
    return uart->modem | (in->count ? 0 : FR_RXFE) | (in->count >= fifo_limit(uart) ? FR_RXFF : 0) |
           (out->count ? FR_BUSY : FR_TXFE) | (out->count >= fifo_limit(uart) ? FR_TXFF : 0);
}

static uint32_t identification(uint64_t offset)
{
    static const uint8_t bytes[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    return offset >= UARTPERIPH && offset < PL011_SIZE ? bytes[(offset - UARTPERIPH) / 4] : 0;
}

static uint32_t register_read(struct pl011 *uart, uint64_t offset)
{
    switch (offset) {
    case UARTDR: return data_read(uart);
    case UARTRSR: return uart->rsr;
    case UARTFR: return flags(uart);
    case UARTILPR: return uart->ilpr;
    case UARTIBRD: return uart->ibrd;
    case UARTFBRD: return uart->fbrd;
    case UARTLCR_H: return uart->lcr_h;
    case UARTCR: return uart->cr;
    case UARTIFLS: return uart->ifls;
    case UARTIMSC: return uart->imsc;
    case UARTRIS: return uart->ris;
    case UARTMIS: return uart->ris & uart->imsc;
    case UARTDMACR: return uart->dmacr;
    default: return identification(offset);
    }
}

/* 3.3.7: turning the FIFOs off or on empties them here, which the manual leaves open. */
static void lcr_h_write(struct pl011 *uart, uint32_t value)
{
    uint32_t changed = uart->lcr_h ^ value;
    uart->lcr_h = value & 0xff;
    if (changed & LCR_FEN) {
        uart->received = uart->xmit = (struct uart_fifo){0};
        uart->ris &= ~(INT_RX | INT_RT);
        timeout_set(uart, CLOCK_NEVER);
    }
    if (changed & value & LCR_BRK && uart->cr & CR_LBE)
        character_receive(uart, DR_BE);
}

static void cr_write(struct pl011 *uart, uint32_t value)
{
    uart->cr = value & 0xff87;
    modem_update(uart);
    xmit_run(uart);
}

static void register_write(struct pl011 *uart, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case UARTDR: data_write(uart, value); break;
    case UARTRSR: uart->rsr = 0; break;
    case UARTILPR: uart->ilpr = value & 0xff; break;
    case UARTIBRD: uart->ibrd = value & 0xffff; break;
    case UARTFBRD: uart->fbrd = value & 0x3f; break;
    case UARTLCR_H: lcr_h_write(uart, value); break;
    case UARTCR: cr_write(uart, value); break;
    case UARTIFLS: uart->ifls = value & 0x3f; break;
    case UARTIMSC: uart->imsc = value & INT_ALL; break;
    case UARTICR: uart->ris &= ~value; break;
    case UARTDMACR: uart->dmacr = value & 7; break;
    default: break;
    }
    irq_update(uart);
    /* Both may have made room. */
    if (offset == UARTLCR_H || offset == UARTCR)
        char_receive_ready(uart->config.port);
}

static uint64_t uart_read(void *opaque, uint64_t offset, unsigned width)
{
    struct pl011 *uart = opaque;
    uint32_t value = register_read(uart, offset & ~(uint64_t)3) >> offset % 4 * 8;
    if (trace_on(TRACE_IO))
        trace_line(TRACE_IO, -1, "%s read %03x: %03x", uart->config.name, (unsigned)offset, value);
    return bits_get(value, 0, width * 8);
}

static void uart_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct pl011 *uart = opaque;
    (void)width;
    if (trace_on(TRACE_IO))
        trace_line(TRACE_IO, -1, "%s write %03x: %03x", uart->config.name, (unsigned)offset, (unsigned)value);
    register_write(uart, offset, (uint32_t)value);
}

static void uart_restored(void *object)
{
    struct pl011 *uart = object;
    uart_fifo_restored(&uart->received);
    uart_fifo_restored(&uart->xmit);
    clock_timer_set(uart->timer, uart->timeout);
    irq_update(uart);
}

/* 3.2: the state after a reset. */
static const struct state_field fields[] = {
    STATE_UART_FIFO(struct pl011, received),
    STATE_UART_FIFO(struct pl011, xmit),
    STATE(struct pl011, timeout, .reset = CLOCK_NEVER),
    STATE(struct pl011, rsr),
    STATE(struct pl011, ilpr),
    STATE(struct pl011, ibrd),
    STATE(struct pl011, fbrd),
    STATE(struct pl011, lcr_h),
    STATE(struct pl011, cr, .reset = 0x300),
    STATE(struct pl011, ifls, .reset = 0x12),
    STATE(struct pl011, imsc),
    STATE(struct pl011, ris),
    STATE(struct pl011, dmacr),
    STATE(struct pl011, modem, .reset = FR_CTS | FR_DSR | FR_DCD),
    STATE(struct pl011, overrun),
};

static const struct state_table table = {
    .name = "pl011", .version = 1, .fields = fields, .count = ARRAY_LEN(fields), .restored = uart_restored};

static void uart_destroy(void *object)
{
    struct pl011 *uart = object;
    clock_timer_destroy(uart->timer);
    char_close(uart->config.port);
    free(uart);
}

struct pl011 *pl011_create(struct machine *machine, const struct pl011_config *config, struct error *err)
{
    assert(config->clock);
    struct pl011 *uart = machine_alloc(sizeof(*uart));
    uart->machine = machine;
    uart->config = *config;
    uart->timer = clock_timer_create(machine->clock, timer_fired, uart);
    machine_device_add(machine, config->name, &table, uart, uart_destroy);
    struct bus_region region = {.name = config->name,
                                .base = config->base,
                                .size = PL011_SIZE,
                                .min_width = 1,
                                .max_width = 8,
                                .read = uart_read,
                                .write = uart_write,
                                .opaque = uart};
    unsigned id;
    if (!bus_add(machine->mem.mmio, &region, &id, err))
        return NULL;
    const struct char_handlers handlers = {
        .receive = port_receive, .writable = port_writable, .break_received = port_break, .opaque = uart};
    char_attach(config->port, &handlers);
    return uart;
}
