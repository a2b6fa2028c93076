/*
 * The 16 places that a UART's receiver and transmitter have: a byte in each, and above it what the device
 * notes about that character.
 */
#pragma once

#include "base/state.h"

#define UART_FIFO_SIZE 16

struct uart_fifo {
    uint16_t entries[UART_FIFO_SIZE];
    uint8_t head, count;
};

/* In a table of state. */
#define STATE_UART_FIFO(type, member)                                                                        \
    STATE_ARRAY(type, member.entries), STATE(type, member.head), STATE(type, member.count)

/* There must be room. */
static inline void uart_fifo_push(struct uart_fifo *fifo, uint16_t entry)
{
    fifo->entries[(fifo->head + fifo->count++) % UART_FIFO_SIZE] = entry;
}

/* There must be one. */
static inline uint16_t uart_fifo_pop(struct uart_fifo *fifo)
{
    uint16_t entry = fifo->entries[fifo->head];
    fifo->head = (fifo->head + 1) % UART_FIFO_SIZE;
    fifo->count--;
    return entry;
}

/* Make loaded numbers fit, as a save is only a file. */
static inline void uart_fifo_restored(struct uart_fifo *fifo)
{
    fifo->head %= UART_FIFO_SIZE;
    fifo->count = fifo->count > UART_FIFO_SIZE ? UART_FIFO_SIZE : fifo->count;
}
