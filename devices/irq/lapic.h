/*
 * The local APICs of a PC's processors, in xAPIC and x2APIC mode: interrupt acceptance by priority, the local
 * vector table, interprocessor messages and the timer. They know no core: the board connects them to one with
 * the functions below.
 *
 * Every function but the constructor is called with the machine lock held.
 */
#pragma once

#include "devices/machine.h"
#include "devices/pci/pci.h"

struct lapic;

/* What the processors give and take, by index. The functions must not call back. */
struct lapic_processors {
    void *opaque;
    /* Which processor makes the memory access that is being handled; -1: none of them. */
    int (*current)(void *opaque);
    /* The level of a processor's INTR: lapic_acknowledge has a vector. */
    void (*intr_set)(void *opaque, unsigned cpu, bool level);
    void (*nmi)(void *opaque, unsigned cpu);
    void (*smi)(void *opaque, unsigned cpu);
    void (*init)(void *opaque, unsigned cpu);
    void (*sipi)(void *opaque, unsigned cpu, uint8_t vector);
    /* An acknowledge cycle to the 8259 pair (ExtINT): the vector, or -1 when it asks for nothing any more. */
    int (*external_acknowledge)(void *opaque);
    /* The guest time (ns) at which a processor's time-stamp counter reaches a value. */
    uint64_t (*tsc_time)(void *opaque, unsigned cpu, uint64_t tsc);
};

struct lapic_config {
    unsigned cpus;
    const uint32_t *ids; /* of each, NULL: their indices; number 0 is the bootstrap processor */
    uint64_t timer_hz;   /* before the divider */
    unsigned physical_bits;
    struct lapic_processors processors;
};

/* The APICs with their page at 0xfee00000 and the receiver of messages up to 0xfeefffff. NULL and err on
 * overlap. */
struct lapic *lapic_create(struct machine *machine, const struct lapic_config *config, struct error *err);

/* Who is told of the end of a level-triggered interrupt: the I/O APIC. */
void lapic_eoi_connect(struct lapic *lapic, void (*ended)(void *opaque, uint8_t vector), void *opaque);

/* LINT0 (the 8259's INTR) or LINT1 (NMI), wired to all processors. */
struct irq_line lapic_lint(struct lapic *lapic, unsigned pin);

/* Where PCI functions, the I/O APIC and the HPET send their messages. */
struct msi_target lapic_msi(struct lapic *lapic);

/* The processor takes the interrupt its INTR announced: the vector, or -1 when there is none any more. */
int lapic_acknowledge(struct lapic *lapic, unsigned cpu);

/* CR8: 0 to 15. */
uint8_t lapic_cr8_get(struct lapic *lapic, unsigned cpu);
void lapic_cr8_set(struct lapic *lapic, unsigned cpu, uint8_t value);

/* IA32_APIC_BASE. False: #GP. */
uint64_t lapic_base_get(struct lapic *lapic, unsigned cpu);
bool lapic_base_set(struct lapic *lapic, unsigned cpu, uint64_t value);

/* MSRs 0x800 to 0x8ff (x2APIC) and IA32_TSC_DEADLINE. False: #GP. */
bool lapic_msr_read(struct lapic *lapic, unsigned cpu, uint32_t msr, uint64_t *value);
bool lapic_msr_write(struct lapic *lapic, unsigned cpu, uint32_t msr, uint64_t value);

/* A register by its offset in the xAPIC page. */
uint32_t lapic_read(struct lapic *lapic, unsigned cpu, unsigned offset);
void lapic_write(struct lapic *lapic, unsigned cpu, unsigned offset, uint32_t value);

/* Interrupt sources inside the processor that have an entry in the local vector table. */
enum lapic_source { LAPIC_THERMAL, LAPIC_PERFORMANCE, LAPIC_CMCI };
void lapic_signal(struct lapic *lapic, unsigned cpu, enum lapic_source source);
