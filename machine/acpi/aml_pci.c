/* What every PCI host bridge says the same way. */
#include "machine/acpi/aml.h"

/* PCI Firmware 3.2, 4.5: the operating system gets native PME, AER and the capability structure; hot-plug is
 * not there. */
void aml_pci_control(struct aml *aml)
{
    enum { GRANTED = 0x1e, UNKNOWN_UUID = 0x04, UNKNOWN_REVISION = 0x08, MASKED = 0x10 };
    aml_method(aml, "_OSC", 4, false);
    aml_op(aml, AML_CREATE_DWORD_FIELD);
    aml_op(aml, AML_ARG0 + 3);
    aml_int(aml, 0);
    aml_path(aml, "CDW1");
    aml_if(aml);
    aml_op(aml, AML_LEQUAL);
    aml_op(aml, AML_ARG0);
    aml_uuid(aml, "33db4d5b-1ff7-401c-9657-7441c03dd766");
    aml_op(aml, AML_CREATE_DWORD_FIELD);
    aml_op(aml, AML_ARG0 + 3);
    aml_int(aml, 8);
    aml_path(aml, "CDW3");
    aml_op(aml, AML_AND);
    aml_path(aml, "CDW3");
    aml_int(aml, GRANTED);
    aml_op(aml, AML_LOCAL0);
    aml_if(aml);
    aml_op(aml, AML_LNOT);
    aml_op(aml, AML_LEQUAL);
    aml_op(aml, AML_LOCAL0);
    aml_path(aml, "CDW3");
    aml_op(aml, AML_OR);
    aml_path(aml, "CDW1");
    aml_int(aml, MASKED);
    aml_path(aml, "CDW1");
    aml_end(aml);
    aml_if(aml);
    aml_op(aml, AML_LNOT);
    aml_op(aml, AML_LEQUAL);
    aml_op(aml, AML_ARG0 + 1);
    aml_int(aml, 1);
    aml_op(aml, AML_OR);
    aml_path(aml, "CDW1");
    aml_int(aml, UNKNOWN_REVISION);
    aml_path(aml, "CDW1");
    aml_end(aml);
    aml_op(aml, AML_STORE);
    aml_op(aml, AML_LOCAL0);
    aml_path(aml, "CDW3");
    aml_end(aml);
    aml_else(aml);
    aml_op(aml, AML_OR);
    aml_path(aml, "CDW1");
    aml_int(aml, UNKNOWN_UUID);
    aml_path(aml, "CDW1");
    aml_end(aml);
    aml_op(aml, AML_RETURN);
    aml_op(aml, AML_ARG0 + 3);
    aml_end(aml);
}

void aml_pci_host(struct aml *aml)
{
    aml_device(aml, "PCI0");
    aml_name_eisa_id(aml, "_HID", "PNP0A08");
    aml_name_eisa_id(aml, "_CID", "PNP0A03");
    aml_name_int(aml, "_SEG", 0);
    aml_name_int(aml, "_BBN", 0);
    aml_name_int(aml, "_UID", 0);
}

/* ACPI 6.2.13. */
void aml_pci_routing(struct aml *aml, const char *name,
                     struct aml_route (*route)(unsigned slot, unsigned pin))
{
    enum { SLOTS = 32, ANY_FUNCTION = 0xffff };
    aml_name(aml, name);
    aml_package(aml, SLOTS * AML_PCI_PINS);
    for (unsigned i = 0; i < SLOTS * AML_PCI_PINS; i++) {
        unsigned slot = i / AML_PCI_PINS, pin = i % AML_PCI_PINS;
        struct aml_route to = route(slot, pin);
        aml_package(aml, 4);
        aml_int(aml, (uint64_t)slot << 16 | ANY_FUNCTION);
        aml_int(aml, pin);
        if (to.link[0])
            aml_path(aml, to.link);
        else
            aml_int(aml, 0);
        aml_int(aml, to.gsi);
        aml_end(aml);
    }
    aml_end(aml);
}

void aml_pci_link(struct aml *aml, const char *name, unsigned number, enum aml_interrupt how, uint32_t gsi)
{
    static const char *const settings[] = {"_PRS", "_CRS"};
    aml_device(aml, name);
    aml_name_eisa_id(aml, "_HID", "PNP0C0F");
    aml_name_int(aml, "_UID", number);
    for (unsigned i = 0; i < ARRAY_LEN(settings); i++) {
        aml_name(aml, settings[i]);
        aml_resources(aml);
        aml_interrupt(aml, how, gsi);
        aml_end(aml);
    }
    aml_method(aml, "_SRS", 1, false);
    aml_end(aml);
    aml_end(aml);
}
