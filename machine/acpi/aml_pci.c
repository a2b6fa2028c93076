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
