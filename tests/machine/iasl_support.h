/* What ACPI's own compiler says of byte code. */
#pragma once

#include "base/types.h"

/* Have iasl take a DSDT with this content apart and put it together again: it says nothing against it, and
 * the bytes are the same. Skips the test where iasl is missing. */
void iasl_check(const uint8_t *aml, size_t len);
