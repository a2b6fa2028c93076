/* What the files of the local APIC share and nobody else needs: its registers and one processor's state. */
#pragma once

#include "devices/irq/lapic.h"

/* Offsets in the xAPIC page (SDM 3, table 11-1); an x2APIC MSR is 0x800 + offset / 16. */
enum {
    APIC_ID = 0x020,
    APIC_VERSION = 0x030,
    APIC_TPR = 0x080,
    APIC_APR = 0x090,
    APIC_PPR = 0x0a0,
    APIC_EOI = 0x0b0,
    APIC_RRD = 0x0c0,
    APIC_LDR = 0x0d0,
    APIC_DFR = 0x0e0,
    APIC_SVR = 0x0f0,
    APIC_ISR = 0x100,
    APIC_TMR = 0x180,
    APIC_IRR = 0x200,
    APIC_ESR = 0x280,
    APIC_LVT_CMCI = 0x2f0,
    APIC_ICR = 0x300,
    APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_ERROR = 0x370,
    APIC_INITIAL_COUNT = 0x380,
    APIC_CURRENT_COUNT = 0x390,
    APIC_DIVIDE = 0x3e0,
    APIC_SELF_IPI = 0x3f0,
};

#define APIC_BASE_DEFAULT 0xfee00000u
#define APIC_BASE_BSP     0x100u
#define APIC_BASE_EXTD    0x400u
#define APIC_BASE_ENABLE  0x800u

#define SVR_ENABLE       0x0100u
#define SVR_EOI_SUPPRESS 0x1000u

#define ESR_SEND_ILLEGAL     0x20u
#define ESR_RECEIVE_ILLEGAL  0x40u
#define ESR_ILLEGAL_REGISTER 0x80u

/* The local vector table, in the order of its registers from 0x320, CMCI behind. */
enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_CMCI, LVTS };

#define LVT_POLARITY_LOW 0x02000u
#define LVT_REMOTE_IRR   0x04000u
#define LVT_LEVEL        0x08000u
#define LVT_MASKED       0x10000u
#define LVT_PERIODIC     0x20000u
#define LVT_TSC_DEADLINE 0x40000u

enum delivery {
    DELIVERY_FIXED,
    DELIVERY_LOWEST,
    DELIVERY_SMI,
    DELIVERY_NMI = 4,
    DELIVERY_INIT,
    DELIVERY_SIPI,
    DELIVERY_EXTERNAL,
};

struct lapic_cpu {
    struct lapic *lapic;
    unsigned index;
    uint32_t id;
    char name[16];

    uint64_t base; /* IA32_APIC_BASE without the bootstrap flag */
    uint32_t tpr, ldr, dfr, svr;
    uint32_t isr[8], tmr[8], irr[8];
    uint32_t esr, errors; /* as read, and what the next write to it shows */
    uint64_t icr;
    uint32_t lvt[LVTS];
    bool pins[2];          /* levels of LINT0 and LINT1 */
    bool external_message; /* a message of mode ExtINT waits for the processor */
    bool intr;             /* as told to the processor */

    uint32_t initial_count, divide;
    bool timer_ended;        /* a one-shot ran out before its entry was made periodic */
    uint64_t timer_start;    /* when the initial count was written */
    uint64_t timer_deadline; /* when the timer fires next, or CLOCK_NEVER */
    uint64_t tsc_deadline;
    struct clock_timer *timer;
};

/* A page with registers of all processors that have them there. */
struct lapic_page {
    struct lapic *lapic;
    uint64_t base;
    bool open;
    unsigned region;
};

struct lapic {
    struct machine *machine;
    uint64_t timer_hz;
    unsigned physical_bits;
    struct lapic_processors processors;
    void (*ended)(void *opaque, uint8_t vector);
    void *ended_opaque;
    unsigned arbitration; /* who is asked first for the next lowest-priority interrupt */
    unsigned count;
    struct lapic_page *pages; /* one more than processors */
    struct lapic_cpu cpus[];
};

/* A message on its way to the APICs it names. */
struct lapic_message {
    uint32_t destination;
    bool logical, broadcast, level;
    uint8_t mode, vector;
};

static inline bool lapic_enabled(const struct lapic_cpu *cpu)
{
    return cpu->base & APIC_BASE_ENABLE;
}

static inline bool lapic_is_x2apic(const struct lapic_cpu *cpu)
{
    return cpu->base & APIC_BASE_EXTD;
}

/* SDM 11.12.10.2: in x2APIC mode the logical id follows from the physical one. */
static inline uint32_t lapic_x2apic_ldr(const struct lapic_cpu *cpu)
{
    return cpu->id >> 4 << 16 | 1u << (cpu->id & 0xf);
}

/* lapic.c: the state after INIT; INTR brought in line with the registers. */
void lapic_cpu_init(struct lapic_cpu *cpu);
void lapic_intr_update(struct lapic_cpu *cpu);

/* lapic_base.c: the pages brought in line with where the processors have their registers. */
bool lapic_pages_create(struct lapic *lapic, struct error *err);
void lapic_pages_update(struct lapic *lapic);

/* lapic_message.c */
void lapic_message_send(struct lapic *lapic, const struct lapic_message *message);
bool lapic_message_receive(void *opaque, struct msi_message written);
/* Execute the ICR as written. */
void lapic_icr_send(struct lapic_cpu *cpu);
void lapic_self_send(struct lapic_cpu *cpu, uint8_t vector);
/* Deliver what an entry of the local vector table says, unless it is masked. */
void lapic_local_deliver(struct lapic_cpu *cpu, enum lvt entry);
void lapic_error_raise(struct lapic_cpu *cpu, uint32_t error);
void lapic_pin_set(struct lapic_cpu *cpu, unsigned pin, bool level);
/* The highest vector in ISR or IRR; -1: none. */
int lapic_vector_highest(const uint32_t bits[8]);
void lapic_eoi(struct lapic_cpu *cpu);
uint8_t lapic_ppr(const struct lapic_cpu *cpu);

/* lapic_timer.c */
void lapic_timer_fired(void *opaque);
void lapic_timer_lvt_write(struct lapic_cpu *cpu, uint32_t value);
void lapic_timer_count_write(struct lapic_cpu *cpu, uint32_t value);
void lapic_timer_divide_write(struct lapic_cpu *cpu, uint32_t value);
uint32_t lapic_timer_count(const struct lapic_cpu *cpu);
uint64_t lapic_tsc_deadline_get(const struct lapic_cpu *cpu);
void lapic_tsc_deadline_set(struct lapic_cpu *cpu, uint64_t value);
