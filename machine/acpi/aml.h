/*
 * Writing AML, the byte code in DSDT and SSDT tables, in the order it is read: an operator, then its
 * operands. What encloses other terms (scopes, devices, methods, packages, ifs) is opened by its call and
 * closed by aml_end. After ACPI 6.5, chapters 19 (the language), 20 (the encoding) and 6.4 (resources).
 */
#pragma once

#include "base/types.h"

#define AML_DEPTH_MAX 16

struct aml {
    uint8_t *bytes;
    size_t len, size;
    /* Where the length of each open term belongs; a resource template closes differently. */
    struct {
        size_t at;
        bool resources;
    } open[AML_DEPTH_MAX];
    unsigned depth;
};

void aml_free(struct aml *aml);

/* What has no call here, encoded already. */
void aml_bytes(struct aml *aml, const void *bytes, size_t len);

/* --- objects; names are as in the language: "\\_SB", "^COM0", "_SB.PCI0" --- */

void aml_scope(struct aml *aml, const char *path);
void aml_device(struct aml *aml, const char *name);
void aml_method(struct aml *aml, const char *name, unsigned args, bool serialized);
void aml_package(struct aml *aml, unsigned count);
void aml_if(struct aml *aml); /* then the predicate, then the terms */
void aml_else(struct aml *aml);
void aml_while(struct aml *aml);
void aml_end(struct aml *aml);

/* Name (path, ...): the value follows. */
void aml_name(struct aml *aml, const char *path);
void aml_name_int(struct aml *aml, const char *path, uint64_t value);
void aml_name_string(struct aml *aml, const char *path, const char *value);
void aml_name_eisa_id(struct aml *aml, const char *path, const char *id);

enum aml_space {
    AML_SYSTEM_MEMORY,
    AML_SYSTEM_IO,
    AML_PCI_CONFIG,
};

/* OperationRegion, and the Field over it: the units follow, then aml_end. */
void aml_region(struct aml *aml, const char *name, enum aml_space space, uint64_t offset, uint64_t len);
enum aml_access {
    AML_ANY_ACCESS,
    AML_BYTE_ACCESS,
    AML_WORD_ACCESS,
    AML_DWORD_ACCESS,
    AML_QWORD_ACCESS,
};
void aml_field(struct aml *aml, const char *region, enum aml_access access);
void aml_field_unit(struct aml *aml, const char *name, unsigned bits); /* NULL: skip them */

/* --- terms --- */

void aml_int(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
void aml_buffer(struct aml *aml, const void *bytes, size_t len);
/* "PNP0A08" and "33db4d5b-1ff7-401c-9657-7441c03dd766", as the operators EISAID and ToUUID make them. */
void aml_eisa_id(struct aml *aml, const char *id);
void aml_uuid(struct aml *aml, const char *uuid);
void aml_path(struct aml *aml, const char *path); /* an object, or a call of a method */

/* Operators with a fixed number of operands. Where a target is not wanted, AML_ZERO is its place-holder. */
enum aml_op {
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_LOCAL0 = 0x60, /* to Local7 */
    AML_ARG0 = 0x68,   /* to Arg6 */
    AML_STORE = 0x70,  /* source, target */
    AML_ADD = 0x72,    /* these: two operands and a target */
    AML_SUBTRACT = 0x74,
    AML_SHIFT_LEFT = 0x79,
    AML_SHIFT_RIGHT = 0x7a,
    AML_AND = 0x7b,
    AML_OR = 0x7d,
    AML_XOR = 0x7f,
    AML_NOT = 0x80, /* operand, target */
    AML_DEREF = 0x83,
    AML_NOTIFY = 0x86,             /* object, value */
    AML_INDEX = 0x88,              /* object, number, target */
    AML_CREATE_DWORD_FIELD = 0x8a, /* buffer, byte offset, name */
    AML_CREATE_QWORD_FIELD = 0x8f,
    AML_LAND = 0x90,
    AML_LOR = 0x91,
    AML_LNOT = 0x92,
    AML_LEQUAL = 0x93,
    AML_LGREATER = 0x94,
    AML_LLESS = 0x95,
    AML_RETURN = 0xa4,
    AML_BREAK = 0xa5,
    AML_ONES = 0xff,
    AML_SLEEP = 0x5b22, /* milliseconds */
};
void aml_op(struct aml *aml, enum aml_op op);

/* --- resource templates: a term; descriptors follow, then aml_end --- */

void aml_resources(struct aml *aml);
void aml_memory32_fixed(struct aml *aml, uint32_t base, uint32_t size, bool writable);
void aml_io(struct aml *aml, uint16_t base, uint8_t size);
void aml_irq(struct aml *aml, unsigned irq);     /* of the ISA bus: edge, high */
void aml_dma(struct aml *aml, unsigned channel); /* of the ISA bus: 8 bits */

enum aml_interrupt {
    AML_LEVEL_HIGH = 0x01, /* with: a consumer, exclusive */
    AML_EDGE_HIGH = 0x03,
    AML_LEVEL_HIGH_SHARED = 0x09,
};
void aml_interrupt(struct aml *aml, enum aml_interrupt how, uint32_t number);

/* An edge of a pin that may wake the system; `controller` is the path of the GPIO device. */
void aml_gpio_edge(struct aml *aml, const char *controller, unsigned pin);

enum aml_range {
    AML_RANGE_MEMORY,
    AML_RANGE_IO,
    AML_RANGE_BUS,
};
/* A range that a bridge passes on: as the bus names it, and what is added to get the processor's address. */
struct aml_window {
    enum aml_range kind;
    unsigned width; /* of the descriptor's numbers: 2, 4 or 8 bytes */
    uint64_t base, size, translation;
};
void aml_windows(struct aml *aml, const struct aml_window *windows, unsigned count);

/* --- devices that boards have in common (aml_devices.c) --- */

/* The processors, C000 and on. */
void aml_processors(struct aml *aml, unsigned count);

/* A virtio-mmio transport. */
void aml_virtio_slot(struct aml *aml, unsigned number, uint32_t base, uint32_t size, enum aml_interrupt how,
                     uint32_t gsi);

/* A power button that is no fixed hardware, in \_SB; and the method of an event that it was pressed. */
void aml_power_button(struct aml *aml);
void aml_power_notify(struct aml *aml, const char *method, unsigned args);

/* --- PCI (aml_pci.c) --- */

#define AML_PCI_PINS 4

/* The device of the host bridge, PCI0, left open for what it has. */
void aml_pci_host(struct aml *aml);

/* _OSC of a host bridge, which gives the operating system all there is to control. */
void aml_pci_control(struct aml *aml);

/* Where a slot's pin goes: to a link, or without one to an interrupt. */
struct aml_route {
    char link[8];
    uint32_t gsi;
};
/* A table of all slots and pins. */
void aml_pci_routing(struct aml *aml, const char *name,
                     struct aml_route (*route)(unsigned slot, unsigned pin));

/* A link that can't be changed. */
void aml_pci_link(struct aml *aml, const char *name, unsigned number, enum aml_interrupt how, uint32_t gsi);
