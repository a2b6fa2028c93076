/*
 * What a monitor tells of itself: an EDID 1.4 base block (VESA Enhanced EDID Standard, release A, rev. 2) for
 * a screen whose preferred mode is whatever size a window has.
 */
#pragma once

#include "base/types.h"

#define EDID_SIZE 128u

/* Detailed timings have 12 bits for each side: a larger preferred size is told as this one. */
#define EDID_SIDE_MAX 4095u

/* At least 640 by 400. */
void edid_make(uint8_t edid[static EDID_SIZE], unsigned width, unsigned height);
