/*
 * Photographs of a display as PNG files, with no window needed.
 */
#pragma once

#include "base/error.h"
#include "devices/display/display.h"

/* What the display shows now. Called with the machine lock, which is given up while the file is made. False
 * and err: it can't be written, or the program was built without libpng. */
bool screenshot_write(struct display *display, struct host_mutex *lock, const char *path, struct error *err);
