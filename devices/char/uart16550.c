/* Section numbers are those of the PC16550D data sheet (June 1995). */
#include "devices/char/uart16550.h"

#include <assert.h>
#include <stdlib.h>

#include "base/trace.h"
#include "devices/char/uart_fifo.h"

/* 8.0: registers; those in brackets while LCR_DLAB is set. */
#define RBR_THR 0 /* [divisor latch, low byte] */
#define IER     1 /* [divisor latch, high byte] */
#define IIR_FCR 2
#define LCR     3
#define MCR     4
#define LSR     5
#define MSR     6
#define SCR     7
#define COUNT   8

#define IER_RECEIVED 0x01
#define IER_THR      0x02
#define IER_LINE     0x04
#define IER_MODEM    0x08
#define IER_MASK     0x0f

#define IIR_NONE     0x01
#define IIR_MODEM    0x00
#define IIR_THR      0x02
#define IIR_RECEIVED 0x04
#define IIR_LINE     0x06
#define IIR_TIMEOUT  0x0c
#define IIR_FIFOS    0xc0

#define FCR_ENABLE         0x01
#define FCR_RECEIVER_RESET 0x02
#define FCR_XMIT_RESET     0x04
#define FCR_KEPT           0xc9 /* enable, DMA mode and trigger; the resets clear themselves */

#define LCR_LENGTH 0x03
#define LCR_STOP   0x04
#define LCR_PARITY 0x08
#define LCR_BREAK  0x40
#define LCR_DLAB   0x80

#define MCR_DTR  0x01
#define MCR_RTS  0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_MASK 0x1f

#define LSR_READY   0x01
#define LSR_OVERRUN 0x02
#define LSR_PARITY  0x04
#define LSR_FRAMING 0x08
#define LSR_BREAK   0x10
#define LSR_THRE    0x20
#define LSR_TEMT    0x40
#define LSR_FIFO    0x80 /* an error somewhere in the receiver FIFO */
#define LSR_ERRORS  (LSR_OVERRUN | LSR_PARITY | LSR_FRAMING | LSR_BREAK)
#define LSR_CHAR    (LSR_PARITY | LSR_FRAMING | LSR_BREAK) /* those that belong to one character */

#define MSR_DELTAS 0x0f
#define MSR_TERI   0x04
#define MSR_CTS    0x10
#define MSR_DSR    0x20
#define MSR_RI     0x40
#define MSR_DCD    0x80
#define MSR_LINES  0xf0

/* LSR_CHAR bits of a received character, in its place of the FIFO. */
#define ERRORS_AT 8

struct uart16550 {
    struct machine *machine;
    struct uart16550_config config;
    struct clock_timer *timer; /* the receiver's time-out */
    struct uart_fifo received, xmit;
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr; /* lsr: the latched error bits only */
    uint8_t thr_pending;                       /* the THR-empty interrupt waits to be seen */
    uint8_t timed_out;                         /* the character time-out interrupt is pending */
    uint16_t divisor;
    uint64_t timeout; /* guest time of the time-out under way, or CLOCK_NEVER */
};

static unsigned fifo_limit(const struct uart16550 *uart)
{
    return uart->fcr & FCR_ENABLE ? UART_FIFO_SIZE : 1;
}

/* 8.4, FCR bits 6 and 7. */
static unsigned trigger_level(const struct uart16550 *uart)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    return uart->fcr & FCR_ENABLE ? levels[uart->fcr >> 6] : 1;
}

/* 8.5: the interrupt of highest priority, as IIR shows it. */
static uint8_t interrupt_id(const struct uart16550 *uart)
{
    if (uart->ier & IER_LINE && uart->lsr & LSR_ERRORS)
        return IIR_LINE;
    if (uart->ier & IER_RECEIVED && uart->received.count >= trigger_level(uart))
        return IIR_RECEIVED;
    if (uart->ier & IER_RECEIVED && uart->timed_out)
        return IIR_TIMEOUT;
    if (uart->ier & IER_THR && uart->thr_pending)
        return IIR_THR;
    if (uart->ier & IER_MODEM && uart->msr & MSR_DELTAS)
        return IIR_MODEM;
    return IIR_NONE;
}

static void irq_update(struct uart16550 *uart)
{
    irq_line_set(&uart->config.irq, interrupt_id(uart) != IIR_NONE);
}

/* The time one character takes on the line: start bit, data, parity, stop bits. */
static uint64_t character_ns(const struct uart16550 *uart)
{
    unsigned bits =
        1 + 5 + (uart->lcr & LCR_LENGTH) + (uart->lcr & LCR_PARITY ? 1 : 0) + (uart->lcr & LCR_STOP ? 2 : 1);
    uint64_t divisor = uart->divisor ? uart->divisor : 1;
    return clock_scale(16 * divisor * bits, 1000000000, uart->config.clock);
}

static void timeout_set(struct uart16550 *uart, uint64_t deadline)
{
    uart->timeout = deadline;
    clock_timer_set(uart->timer, deadline);
}

/* 8.4.1: four character times without a character coming or being read, and at least one in the FIFO. */
static void timeout_restart(struct uart16550 *uart)
{
    bool wanted = uart->fcr & FCR_ENABLE && uart->received.count;
    uint64_t now = clock_now(uart->machine->clock);
    timeout_set(uart, wanted ? now + 4 * character_ns(uart) : CLOCK_NEVER);
}

/* 8.3: a character's errors show in LSR when it comes to the top of the FIFO. */
static void top_reveal(struct uart16550 *uart)
{
    struct uart_fifo *fifo = &uart->received;
    if (!fifo->count)
        return;
    uart->lsr |= fifo->entries[fifo->head] >> ERRORS_AT;
    fifo->entries[fifo->head] &= 0xff;
}

/* A character arrived. 8.3, overrun: a full FIFO keeps what it has, the single register takes the new one. */
static void character_receive(struct uart16550 *uart, uint8_t byte, uint8_t errors)
{
    struct uart_fifo *fifo = &uart->received;
    if (fifo->count >= fifo_limit(uart)) {
        uart->lsr |= LSR_OVERRUN;
        if (uart->fcr & FCR_ENABLE)
            return;
        uart_fifo_pop(fifo);
    }
    uart_fifo_push(fifo, (uint16_t)(byte | errors << ERRORS_AT));
    top_reveal(uart);
    timeout_restart(uart);
}

/* Let the line take what the transmitter holds; THR becoming empty is an interrupt. */
static void xmit_run(struct uart16550 *uart)
{
    struct uart_fifo *fifo = &uart->xmit;
    bool had = fifo->count != 0;
    while (fifo->count) {
        uint8_t byte = (uint8_t)fifo->entries[fifo->head];
        if (uart->mcr & MCR_LOOP)
            character_receive(uart, byte, 0);
        else if (char_write(uart->config.port, &byte, 1) == 0)
            break;
        uart_fifo_pop(fifo);
    }
    if (had && !fifo->count)
        uart->thr_pending = true;
}

/* What comes in from the host waits outside while there is no room, or the line is looped back. */
static size_t port_receive(void *opaque, const uint8_t *bytes, size_t len)
{
    struct uart16550 *uart = opaque;
    size_t taken = 0;
    if (uart->mcr & MCR_LOOP)
        return 0;
    while (taken < len && uart->received.count < fifo_limit(uart))
        character_receive(uart, bytes[taken++], 0);
    irq_update(uart);
    return taken;
}

static void port_writable(void *opaque)
{
    struct uart16550 *uart = opaque;
    xmit_run(uart);
    irq_update(uart);
}

/* 8.3, BI: a break is one zero character, whatever its length. */
static void port_break(void *opaque)
{
    struct uart16550 *uart = opaque;
    if (uart->mcr & MCR_LOOP)
        return;
    character_receive(uart, 0, LSR_BREAK);
    irq_update(uart);
}

static void timer_fired(void *opaque)
{
    struct uart16550 *uart = opaque;
    uart->timeout = CLOCK_NEVER;
    uart->timed_out = uart->received.count != 0;
    irq_update(uart);
    char_receive_ready(uart->config.port);
}

/* The modem lines: a cable that is always connected, or in loop-back (8.6) the outputs of MCR. */
static uint8_t modem_lines(const struct uart16550 *uart)
{
    if (!(uart->mcr & MCR_LOOP))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    return (uart->mcr & MCR_RTS ? MSR_CTS : 0) | (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
           (uart->mcr & MCR_OUT1 ? MSR_RI : 0) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static void modem_update(struct uart16550 *uart)
{
    uint8_t lines = modem_lines(uart), changed = lines ^ (uart->msr & MSR_LINES);
    /* 8.7: the ring indicator counts at its trailing edge only. */
    uint8_t deltas = (uint8_t)((changed & ~(lines & MSR_RI)) >> 4);
    uart->msr = lines | (uart->msr & MSR_DELTAS) | deltas;
}

static uint8_t rbr_read(struct uart16550 *uart)
{
    uint8_t byte = (uint8_t)uart->received.entries[uart->received.head];
    if (!uart->received.count)
        return byte;
    uart_fifo_pop(&uart->received);
    top_reveal(uart);
    /* 8.4.1: reading a character clears the time-out interrupt and starts the timer again. */
    uart->timed_out = false;
    timeout_restart(uart);
    irq_update(uart);
    char_receive_ready(uart->config.port);
    return byte;
}

/* 8.3: reading clears the error bits. */
static uint8_t lsr_read(struct uart16550 *uart)
{
    const struct uart_fifo *fifo = &uart->received;
    uint8_t value = uart->lsr, behind = 0;
    for (unsigned i = 0; i < fifo->count; i++)
        behind |= (uint8_t)(fifo->entries[(fifo->head + i) % UART_FIFO_SIZE] >> ERRORS_AT);
    value |= fifo->count ? LSR_READY : 0;
    value |= uart->xmit.count ? 0 : LSR_THRE | LSR_TEMT;
    value |= uart->fcr & FCR_ENABLE && (behind | uart->lsr) & LSR_CHAR ? LSR_FIFO : 0;
    uart->lsr = 0;
    irq_update(uart);
    return value;
}

/* 8.5: reading IIR clears the THR-empty interrupt if that is what it shows. */
static uint8_t iir_read(struct uart16550 *uart)
{
    uint8_t id = interrupt_id(uart);
    if (id == IIR_THR) {
        uart->thr_pending = false;
        irq_update(uart);
    }
    return id | (uart->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}

static uint8_t msr_read(struct uart16550 *uart)
{
    uint8_t value = uart->msr;
    uart->msr &= MSR_LINES;
    irq_update(uart);
    return value;
}

static uint8_t register_read(struct uart16550 *uart, unsigned reg)
{
    bool dlab = uart->lcr & LCR_DLAB;
    switch (reg) {
    case RBR_THR: return dlab ? (uint8_t)uart->divisor : rbr_read(uart);
    case IER: return dlab ? (uint8_t)(uart->divisor >> 8) : uart->ier;
    case IIR_FCR: return iir_read(uart);
    case LCR: return uart->lcr;
    case MCR: return uart->mcr;
    case LSR: return lsr_read(uart);
    case MSR: return msr_read(uart);
    default: return uart->scr;
    }
}

static void thr_write(struct uart16550 *uart, uint8_t byte)
{
    uart->thr_pending = false;
    /* Software that doesn't look at THRE: the single register is overwritten, the FIFO's last place too. */
    if (uart->xmit.count >= fifo_limit(uart))
        uart->xmit.count--;
    uart_fifo_push(&uart->xmit, byte);
    xmit_run(uart);
}

static void ier_write(struct uart16550 *uart, uint8_t value)
{
    /* Enabling the THR interrupt while THR is empty makes one, as drivers that test for it expect. */
    if (value & ~uart->ier & IER_THR && !uart->xmit.count)
        uart->thr_pending = true;
    uart->ier = value & IER_MASK;
}

static void received_clear(struct uart16550 *uart)
{
    uart->received = (struct uart_fifo){0};
    uart->timed_out = false;
    /* Room for what waits outside, but not now: drivers clear the FIFO several times while they start. */
    timeout_set(uart, clock_now(uart->machine->clock) + 4 * character_ns(uart));
}

static void xmit_clear(struct uart16550 *uart)
{
    if (uart->xmit.count)
        uart->thr_pending = true;
    uart->xmit = (struct uart_fifo){0};
}

/* 8.4: changing the enable bit clears both FIFOs, and without it no other bit is programmed. */
static void fcr_write(struct uart16550 *uart, uint8_t value)
{
    if (!(value & FCR_ENABLE))
        value = 0;
    uint8_t changed = (value ^ uart->fcr) & FCR_ENABLE;
    uart->fcr = value & FCR_KEPT;
    if (changed || value & FCR_RECEIVER_RESET)
        received_clear(uart);
    if (changed || value & FCR_XMIT_RESET)
        xmit_clear(uart);
}

static void lcr_write(struct uart16550 *uart, uint8_t value)
{
    bool breaks = value & ~uart->lcr & LCR_BREAK;
    uart->lcr = value;
    if (breaks && uart->mcr & MCR_LOOP)
        character_receive(uart, 0, LSR_BREAK);
}

static void mcr_write(struct uart16550 *uart, uint8_t value)
{
    uart->mcr = value & MCR_MASK;
    modem_update(uart);
    xmit_run(uart);
    irq_update(uart);
    char_receive_ready(uart->config.port);
}

static void divisor_write(struct uart16550 *uart, unsigned shift, uint8_t value)
{
    uart->divisor = (uint16_t)((uart->divisor & ~(0xffu << shift)) | (unsigned)value << shift);
}

static void register_write(struct uart16550 *uart, unsigned reg, uint8_t value)
{
    bool dlab = uart->lcr & LCR_DLAB;
    switch (reg) {
    case RBR_THR: dlab ? divisor_write(uart, 0, value) : thr_write(uart, value); break;
    case IER: dlab ? divisor_write(uart, 8, value) : ier_write(uart, value); break;
    case IIR_FCR: fcr_write(uart, value); break;
    case LCR: lcr_write(uart, value); break;
    case MCR: mcr_write(uart, value); break;
    case SCR: uart->scr = value; break;
    default: break; /* 8.3 and 8.7: LSR and MSR are for reading */
    }
    irq_update(uart);
}

/* The register at an offset, or COUNT for the bytes between and behind registers. */
static unsigned register_at(const struct uart16550 *uart, uint64_t offset)
{
    uint64_t reg = offset >> uart->config.reg_shift;
    bool between = offset & ((1u << uart->config.reg_shift) - 1);
    return between || reg >= COUNT ? COUNT : (unsigned)reg;
}

static uint64_t uart_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    struct uart16550 *uart = opaque;
    unsigned reg = register_at(uart, offset);
    uint8_t value = reg < COUNT ? register_read(uart, reg) : 0;
    if (trace_on(TRACE_IO))
        trace_line(TRACE_IO, -1, "%s read %u: %02x", uart->config.name, reg, value);
    return value;
}

static void uart_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    struct uart16550 *uart = opaque;
    unsigned reg = register_at(uart, offset);
    if (trace_on(TRACE_IO))
        trace_line(TRACE_IO, -1, "%s write %u: %02x", uart->config.name, reg, (uint8_t)value);
    if (reg < COUNT)
        register_write(uart, reg, (uint8_t)value);
}

static void uart_restored(void *object)
{
    struct uart16550 *uart = object;
    uart_fifo_restored(&uart->received);
    uart_fifo_restored(&uart->xmit);
    clock_timer_set(uart->timer, uart->timeout);
    irq_update(uart);
}

/* 8.0, table I: the state after a reset. */
static const struct state_field fields[] = {
    STATE_UART_FIFO(struct uart16550, received),
    STATE_UART_FIFO(struct uart16550, xmit),
    STATE(struct uart16550, ier),
    STATE(struct uart16550, fcr),
    STATE(struct uart16550, lcr),
    STATE(struct uart16550, mcr),
    STATE(struct uart16550, lsr),
    STATE(struct uart16550, msr, .reset = MSR_CTS | MSR_DSR | MSR_DCD),
    STATE(struct uart16550, scr),
    STATE(struct uart16550, thr_pending),
    STATE(struct uart16550, timed_out),
    STATE(struct uart16550, divisor, .reset = 12),
    STATE(struct uart16550, timeout, .reset = CLOCK_NEVER),
};

static const struct state_table table = {
    .name = "16550", .version = 1, .fields = fields, .count = ARRAY_LEN(fields), .restored = uart_restored};

static void uart_destroy(void *object)
{
    struct uart16550 *uart = object;
    clock_timer_destroy(uart->timer);
    char_close(uart->config.port);
    free(uart);
}

struct uart16550 *uart16550_create(struct machine *machine, const struct uart16550_config *config,
                                   struct error *err)
{
    assert(config->clock && config->reg_shift <= 3 && config->access_width <= 8);
    struct uart16550 *uart = machine_alloc(sizeof(*uart));
    uint64_t size = (uint64_t)COUNT << config->reg_shift;
    uart->machine = machine;
    uart->config = *config;
    uart->timer = clock_timer_create(machine->clock, timer_fired, uart);
    machine_device_add(machine, config->name, &table, uart, uart_destroy);
    struct bus_region region = {.name = config->name,
                                .base = config->base,
                                .size = config->size > size ? config->size : size,
                                .min_width = 1,
                                .max_width = config->access_width,
                                .read = uart_read,
                                .write = uart_write,
                                .opaque = uart};
    unsigned id;
    if (!bus_add(config->bus, &region, &id, err))
        return NULL;
    const struct char_handlers handlers = {
        .receive = port_receive, .writable = port_writable, .break_received = port_break, .opaque = uart};
    char_attach(config->port, &handlers);
    return uart;
}
