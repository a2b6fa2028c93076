/* Devices of the namespace that are the same on several boards. */
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

void aml_virtio_slot(struct aml *aml, unsigned number, uint32_t base, uint32_t size, enum aml_interrupt how,
                     uint32_t gsi)
{
    char name[12];
    snprintf(name, sizeof(name), "VR%02u", number);
    aml_device(aml, name);
    aml_name_string(aml, "_HID", "LNRO0005");
    aml_name_int(aml, "_UID", number);
    aml_name_int(aml, "_CCA", 1);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_memory32_fixed(aml, base, size, true);
    aml_interrupt(aml, how, gsi);
    aml_end(aml);
    aml_end(aml);
}

/* ACPI 4.8.3.1: a control method power button, which is notified with 0x80. */
void aml_power_button(struct aml *aml)
{
    aml_device(aml, "PWRB");
    aml_name_eisa_id(aml, "_HID", "PNP0C0C");
    aml_name_int(aml, "_UID", 0);
    aml_end(aml);
}

void aml_power_notify(struct aml *aml, const char *method, unsigned args)
{
    aml_method(aml, method, args, false);
    aml_op(aml, AML_NOTIFY);
    aml_path(aml, "\\_SB.PWRB");
    aml_int(aml, 0x80);
    aml_end(aml);
}
