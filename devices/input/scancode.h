/* The codes a PC keyboard sends, from which both the keyboard and the controller's translation are made. */
#pragma once

#include "base/types.h"

/*
 * The code of a key (numbered as in devices/input/input.h) in set 1, with SCANCODE_EXTENDED for those that
 * have the prefix 0xe0; 0: a PC keyboard has no such key. Print Screen and Pause send sequences of their own.
 */
#define SCANCODE_EXTENDED 0x100u
unsigned scancode_of_key(unsigned key);

/* What the keyboard controller makes of a byte of set 2: set 1. */
uint8_t scancode_translate(uint8_t byte);

/* The reverse, for make codes without prefix. */
uint8_t scancode_set2(uint8_t set1);
