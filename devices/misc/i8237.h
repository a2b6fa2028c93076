/*
 * The pair of 8237A DMA controllers of a PC with their page registers. The devices that still use them are
 * slow ones on the ISA bus; a channel moves bytes between such a device and the first 16 MiB.
 */
#pragma once

#include "devices/machine.h"

#define I8237_CHANNELS 8 /* 4 is the cascade */

struct i8237;

/* Ports 0x00 to 0x0f, 0x80 to 0x8f and 0xc0 to 0xdf. NULL and err on overlap. */
struct i8237 *i8237_create(struct machine *machine, struct error *err);

/* What firmware does first: let channels 0 to 3 through channel 4. Machine lock held, here and below. */
void i8237_cascade_open(struct i8237 *dma);

/* A device's end of a channel. `serve` is called when a channel that is asked for can be used. */
struct i8237_client {
    void (*serve)(void *opaque);
    void *opaque;
};

/* Constructors only: who is served when a request on this channel can go on. */
void i8237_connect(struct i8237 *dma, unsigned channel, const struct i8237_client *client);

/* The device's request line. */
void i8237_request(struct i8237 *dma, unsigned channel, bool level);

/*
 * Move up to `len` bytes between the device and where the channel is programmed to: to memory, or from it.
 * Returns how many were moved, none while the channel is masked or programmed for the other direction; *end
 * is set when the channel has reached its terminal count. A channel programmed to verify counts and moves
 * nothing: what is read from it then is zero.
 */
size_t i8237_to_memory(struct i8237 *dma, unsigned channel, const uint8_t *from, size_t len, bool *end);
size_t i8237_from_memory(struct i8237 *dma, unsigned channel, uint8_t *to, size_t len, bool *end);
