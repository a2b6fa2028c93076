/* Where a guest's picture goes in a window, and which of its pixels a point of the window is. */
#pragma once

#include "base/types.h"

struct scale {
    unsigned x, y, width, height; /* of the picture in the window; the rest is black */
    bool smooth;                  /* it is shrunk, and pixels are averaged */
};

/* The picture as large as it fits: a whole multiple of its size, that each pixel stays a sharp square; where
 * the window is too small for that, shrunk with its shape kept. Nothing is 0. */
struct scale scale_fit(unsigned picture_width, unsigned picture_height, unsigned window_width,
                       unsigned window_height);

/* A point of the window as an absolute position in the picture, 0 to `most`; beside the picture: its edge. */
unsigned scale_absolute(int at, unsigned start, unsigned length, unsigned most);
