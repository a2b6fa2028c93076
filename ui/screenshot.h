/*
 * Photographs of a display as PNG files, with no window needed.
 */
#pragma once

#include "base/error.h"
#include "devices/display/display.h"

/* What the display shows now. Machine lock held. False and err: the file can't be written, or the program was
 * built without libpng. */
bool screenshot_write(struct display *display, const char *path, struct error *err);
