/* The processors, which every board has in its namespace. */
#include <stdio.h>

#include "machine/acpi/aml.h"

/* ACPI 8.4: processors are devices, too. */
void aml_processors(struct aml *aml, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[12];
        snprintf(name, sizeof(name), "C%03X", i);
        aml_device(aml, name);
        aml_name_string(aml, "_HID", "ACPI0007");
        aml_name_int(aml, "_UID", i);
        aml_end(aml);
    }
}
