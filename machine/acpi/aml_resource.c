/* Resource descriptors (ACPI 6.4). */
#include <string.h>

#include "base/bits.h"
#include "machine/acpi/aml.h"

/* A descriptor is composed here and then added in one piece. */
struct descriptor {
    uint8_t bytes[128];
    size_t len;
};

static void put(struct descriptor *d, unsigned width, uint64_t value)
{
    le_store(d->bytes + d->len, width, value);
    d->len += width;
}

/* 6.4.3: a large descriptor, whose length is known when it is complete. */
static struct descriptor large(uint8_t tag)
{
    struct descriptor d = {.len = 3};
    d.bytes[0] = tag;
    return d;
}

static void large_add(struct aml *aml, struct descriptor *d)
{
    le16_store(d->bytes + 1, (uint16_t)(d->len - 3));
    aml_bytes(aml, d->bytes, d->len);
}

/* 6.4.3.4. */
void aml_memory32_fixed(struct aml *aml, uint32_t base, uint32_t size, bool writable)
{
    struct descriptor d = large(0x86);
    put(&d, 1, writable);
    put(&d, 4, base);
    put(&d, 4, size);
    large_add(aml, &d);
}

/* 6.4.2.5: 16 address lines. */
void aml_io(struct aml *aml, uint16_t base, uint8_t size)
{
    struct descriptor d = {0};
    put(&d, 1, 0x47);
    put(&d, 1, 1);
    put(&d, 2, base);
    put(&d, 2, base);
    put(&d, 1, 1);
    put(&d, 1, size);
    aml_bytes(aml, d.bytes, d.len);
}

/* 6.4.2.1. */
void aml_irq(struct aml *aml, unsigned irq)
{
    struct descriptor d = {0};
    put(&d, 1, 0x22);
    put(&d, 2, 1u << irq);
    aml_bytes(aml, d.bytes, d.len);
}

/* 6.4.2.2. */
void aml_dma(struct aml *aml, unsigned channel)
{
    struct descriptor d = {0};
    put(&d, 1, 0x2a);
    put(&d, 1, 1u << channel);
    put(&d, 1, 0);
    aml_bytes(aml, d.bytes, d.len);
}

/* 6.4.3.6. */
void aml_interrupt(struct aml *aml, enum aml_interrupt how, uint32_t number)
{
    struct descriptor d = large(0x89);
    put(&d, 1, how);
    put(&d, 1, 1);
    put(&d, 4, number);
    large_add(aml, &d);
}

/* 6.4.3.8.1, table 6.51: offsets are from the start of the descriptor. */
void aml_gpio_edge(struct aml *aml, const char *controller, unsigned pin)
{
    enum {
        REVISION = 1,
        INTERRUPT = 0,
        CONSUMER = 1,
        EDGE_WAKE = 0x11,
        PULL_UP = 1,
        PINS_AT = 23,
        SOURCE_AT = 25
    };
    struct descriptor d = large(0x8c);
    put(&d, 1, REVISION);
    put(&d, 1, INTERRUPT);
    put(&d, 2, CONSUMER);
    put(&d, 2, EDGE_WAKE); /* edge, active high, exclusive, wakes */
    put(&d, 1, PULL_UP);
    put(&d, 2, 0); /* drive strength */
    put(&d, 2, 0); /* debounce */
    put(&d, 2, PINS_AT);
    put(&d, 1, 0); /* resource source index */
    put(&d, 2, SOURCE_AT);
    put(&d, 2, SOURCE_AT + strlen(controller) + 1);
    put(&d, 2, 0); /* vendor data length */
    put(&d, 2, pin);
    memcpy(d.bytes + d.len, controller, strlen(controller) + 1);
    d.len += strlen(controller) + 1;
    large_add(aml, &d);
}

/* 6.4.3.5: word, double-word and quad-word address space descriptors. */
static void window_add(struct aml *aml, const struct aml_window *window)
{
    /* A producer whose ends are fixed, decoding positively; memory is writable and cacheable by its kind. */
    enum { FIXED = 0x0c, READ_WRITE = 0x01, ENTIRE_RANGE = 0x03 };
    uint8_t tag = window->width == 2 ? 0x88 : window->width == 4 ? 0x87 : 0x8a;
    uint8_t specific = window->kind == AML_RANGE_MEMORY ? READ_WRITE
                       : window->kind == AML_RANGE_IO   ? ENTIRE_RANGE
                                                        : 0;
    struct descriptor d = large(tag);
    put(&d, 1, window->kind);
    put(&d, 1, FIXED);
    put(&d, 1, specific);
    put(&d, window->width, 0); /* granularity */
    put(&d, window->width, window->base);
    put(&d, window->width, window->base + window->size - 1);
    put(&d, window->width, window->translation);
    put(&d, window->width, window->size);
    large_add(aml, &d);
}

void aml_windows(struct aml *aml, const struct aml_window *windows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        window_add(aml, &windows[i]);
}
