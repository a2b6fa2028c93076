/* vm-cli info IMAGE. */
#pragma once

#include "base/error.h"

/* Print what a file is and how it would be started. False and err (ERROR_IMAGE): it can't be read. */
bool info_image(const char *path, struct error *err);
