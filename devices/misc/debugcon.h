/*
 * A debug console, the same at both ports where it is looked for: every byte written appears on a character
 * port, and a read gives a value by which firmware knows that somebody listens.
 */
#pragma once

#include "devices/char/char.h"

#define DEBUGCON_BOCHS 0xe9  /* where Bochs's BIOS and many kernels write */
#define DEBUGCON_FW    0x402 /* where SeaBIOS and EDK2 write */

struct debugcon;

/* Takes the character port (NULL: output vanishes). NULL and err when an I/O port is taken. */
struct debugcon *debugcon_create(struct machine *machine, struct char_port *output, struct error *err);
