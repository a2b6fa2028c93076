#include "devices/irq/plic.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"

/* PLIC 1.0, chapter 3: the memory map. */
#define PENDING_BASE   0x1000
#define ENABLE_BASE    0x2000
#define ENABLE_STRIDE  0x80
#define CONTEXT_BASE   0x200000
#define CONTEXT_STRIDE 0x1000
#define WORDS          32 /* of 32 sources each */

struct context {
    uint32_t enable[WORDS];
    uint32_t threshold;
};

struct output {
    struct irq_line line;
    bool level; /* last told: most updates change nothing */
};

struct plic {
    struct plic_config config;
    struct state_table table;
    struct state_field fields[5];
    struct output *outputs; /* one a context */
    unsigned words;         /* that hold sources */
    uint32_t priority[WORDS * 32];
    uint32_t level[WORDS]; /* the inputs */
    /*
     * PLIC 1.0, chapter 9: a source's gateway passes on one request and then waits for its completion. So a
     * level that falls before the claim leaves the request pending, and one that stays up after the
     * completion is a new request.
     */
    uint32_t forwarded[WORDS];
    uint32_t pending[WORDS];
    struct context contexts[];
};

static bool bit_test(const uint32_t *words, unsigned n)
{
    return words[n / 32] >> (n % 32) & 1;
}

static void bit_set(uint32_t *words, unsigned n, bool value)
{
    uint32_t bit = 1u << (n % 32);
    words[n / 32] = value ? words[n / 32] | bit : words[n / 32] & ~bit;
}

/* The pending source a context would claim: the highest priority, the lowest number among equals; or 0. */
static unsigned best_source(const struct plic *plic, const struct context *context)
{
    unsigned best = 0;
    for (unsigned i = 0; i < plic->words; i++) {
        for (uint32_t bits = plic->pending[i] & context->enable[i]; bits; bits &= bits - 1) {
            unsigned n = i * 32 + (unsigned)__builtin_ctz(bits);
            /* priority[0] is 0, so a source that never interrupts doesn't win against none. */
            if (plic->priority[n] > plic->priority[best])
                best = n;
        }
    }
    return best;
}

static void outputs_update(struct plic *plic)
{
    for (unsigned i = 0; i < plic->config.contexts; i++) {
        const struct context *context = &plic->contexts[i];
        bool level = plic->priority[best_source(plic, context)] > context->threshold;
        if (level == plic->outputs[i].level)
            continue;
        plic->outputs[i].level = level;
        irq_line_set(&plic->outputs[i].line, level);
    }
}

/* Let the source's gateway pass a request on, if it has one and may. */
static void gateway_run(struct plic *plic, unsigned n)
{
    if (!bit_test(plic->level, n) || bit_test(plic->forwarded, n))
        return;
    bit_set(plic->forwarded, n, true);
    bit_set(plic->pending, n, true);
    outputs_update(plic);
}

static void source_set(void *opaque, unsigned n, bool level)
{
    struct plic *plic = opaque;
    if (trace_on(TRACE_IRQ) && level != bit_test(plic->level, n))
        trace_line(TRACE_IRQ, -1, "plic source %u %s", n, level ? "up" : "down");
    bit_set(plic->level, n, level);
    gateway_run(plic, n);
}

struct irq_line plic_line(struct plic *plic, unsigned n)
{
    assert(n >= 1 && n <= plic->config.sources);
    return (struct irq_line){.set = source_set, .opaque = plic, .number = n};
}

/* PLIC 1.0, chapter 8: the claim ignores the threshold, and is zero when nothing is pending. */
static unsigned claim(struct plic *plic, struct context *context)
{
    unsigned n = best_source(plic, context);
    if (n) {
        bit_set(plic->pending, n, false);
        outputs_update(plic);
    }
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, -1, "plic context %td claims %u", context - plic->contexts, n);
    return n;
}

/* PLIC 1.0, chapter 9: a completion for a source the context does not enable is ignored. */
static void complete(struct plic *plic, struct context *context, uint32_t n)
{
    if (n == 0 || n > plic->config.sources || !bit_test(context->enable, n))
        return;
    /* The request itself may be pending still when it was never claimed: it then stays the gateway's. */
    if (bit_test(plic->pending, n))
        return;
    bit_set(plic->forwarded, n, false);
    gateway_run(plic, n);
}

/* Bits of word `i` that stand for sources. */
static uint32_t sources_mask(const struct plic *plic, uint64_t i)
{
    unsigned end = plic->config.sources + 1;
    uint32_t mask = i * 32 >= end ? 0 : end - i * 32 >= 32 ? ~0u : (1u << (end - i * 32)) - 1;
    return i == 0 ? mask & ~1u : mask;
}

static uint64_t plic_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    struct plic *plic = opaque;
    if (offset < PENDING_BASE)
        return plic->priority[offset / 4];
    if (offset < ENABLE_BASE) {
        uint64_t word = (offset - PENDING_BASE) / 4;
        return word < WORDS ? plic->pending[word] : 0;
    }
    bool enables = offset < CONTEXT_BASE;
    uint64_t base = enables ? ENABLE_BASE : CONTEXT_BASE, stride = enables ? ENABLE_STRIDE : CONTEXT_STRIDE;
    uint64_t index = (offset - base) / stride, reg = (offset - base) % stride;
    if (index >= plic->config.contexts)
        return 0;
    struct context *context = &plic->contexts[index];
    if (enables)
        return context->enable[reg / 4];
    return reg == 0 ? context->threshold : reg == 4 ? claim(plic, context) : 0;
}

static void context_write(struct plic *plic, struct context *context, uint64_t reg, uint32_t value)
{
    if (reg == 0) {
        context->threshold = value & plic->config.max_priority;
        outputs_update(plic);
    } else if (reg == 4) {
        complete(plic, context, value);
    }
}

static void plic_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    struct plic *plic = opaque;
    if (offset < PENDING_BASE) {
        unsigned n = (unsigned)(offset / 4);
        if (n == 0 || n > plic->config.sources)
            return;
        plic->priority[n] = (uint32_t)value & plic->config.max_priority;
        outputs_update(plic);
        return;
    }
    if (offset < ENABLE_BASE) {
        log_guest("PLIC: a write to the pending bits is ignored");
        return;
    }
    bool enables = offset < CONTEXT_BASE;
    uint64_t base = enables ? ENABLE_BASE : CONTEXT_BASE, stride = enables ? ENABLE_STRIDE : CONTEXT_STRIDE;
    uint64_t index = (offset - base) / stride, reg = (offset - base) % stride;
    if (index >= plic->config.contexts)
        return;
    struct context *context = &plic->contexts[index];
    if (!enables) {
        context_write(plic, context, reg, (uint32_t)value);
        return;
    }
    context->enable[reg / 4] = (uint32_t)value & sources_mask(plic, reg / 4);
    outputs_update(plic);
}

static void plic_restored(void *object)
{
    struct plic *plic = object;
    for (unsigned i = 0; i < plic->config.contexts; i++) {
        plic->outputs[i].level = false;
        irq_line_set(&plic->outputs[i].line, false);
    }
    outputs_update(plic);
}

/* The number of contexts is known only now, so each PLIC has its own table. The words of all contexts are one
 * field: a context is nothing but words. */
static void table_make(struct plic *plic)
{
    _Static_assert(sizeof(struct context) == (WORDS + 1) * 4, "contexts are saved as an array of words");
    plic->fields[0] = (struct state_field)STATE_ARRAY(struct plic, priority);
    plic->fields[1] = (struct state_field)STATE_ARRAY(struct plic, level);
    plic->fields[2] = (struct state_field)STATE_ARRAY(struct plic, forwarded);
    plic->fields[3] = (struct state_field)STATE_ARRAY(struct plic, pending);
    plic->fields[4] = (struct state_field){.name = "contexts",
                                           .offset = offsetof(struct plic, contexts),
                                           .stride = 4,
                                           .count = plic->config.contexts * (WORDS + 1),
                                           .width = 4};
    plic->table = (struct state_table){.name = "plic",
                                       .version = 1,
                                       .fields = plic->fields,
                                       .count = ARRAY_LEN(plic->fields),
                                       .restored = plic_restored};
}

static void plic_destroy(void *object)
{
    struct plic *plic = object;
    free(plic->outputs);
    free(plic);
}

struct plic *plic_create(struct machine *machine, const struct plic_config *config, struct error *err)
{
    assert(config->sources >= 1 && config->sources <= PLIC_SOURCES_MAX && config->contexts >= 1 &&
           config->contexts <= PLIC_CONTEXTS_MAX && is_pow2((uint64_t)config->max_priority + 1));
    struct plic *plic = machine_alloc(sizeof(*plic) + config->contexts * sizeof(plic->contexts[0]));
    plic->config = *config;
    plic->words = config->sources / 32 + 1;
    plic->config.lines = NULL;
    plic->outputs = machine_alloc(config->contexts * sizeof(plic->outputs[0]));
    for (unsigned i = 0; i < config->contexts; i++)
        plic->outputs[i].line = config->lines[i];
    table_make(plic);
    machine_device_add(machine, "plic", &plic->table, plic, plic_destroy);
    struct bus_region region = {.name = "plic",
                                .base = config->base,
                                .size = config->size,
                                .min_width = 4,
                                .max_width = 4,
                                .read = plic_read,
                                .write = plic_write,
                                .opaque = plic};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) ? plic : NULL;
}
