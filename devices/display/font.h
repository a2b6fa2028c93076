/* A small font, for what is drawn over the guest's picture and for a VGA without a BIOS: ASCII, five pixels
 * wide and seven high. */
#pragma once

#include "base/types.h"

#define FONT_COLUMNS 5u
#define FONT_ROWS    7u

/* The FONT_ROWS rows of a character, the leftmost pixel in bit 4; a question mark for what it has not. */
const uint8_t *font_glyph(char character);
