#include "guests/demo/demo.h"
#include "guests/demo/virtio/pci.h"
#include "guests/demo/x86_64/ports.h"

/* COM1 (16550), PCI configuration, the reset and power management of the ICH9. */
#define COM1          0x3f8
#define COM_STATUS    5
#define COM_READY     0x01
#define COM_EMPTY     0x20
#define PCI_ADDRESS   0xcf8
#define PCI_DATA      0xcfc
#define PCI_WINDOW    0xd0000000ul /* for memory that has no place yet */
#define RESET_CONTROL 0xcf9
#define RESET_FULL    0x06
#define PM1_CONTROL   0x604
#define SLEEP_S5      0x2000 /* SLP_EN, SLP_TYP 0 */

/* HPET: the period of its counter in femtoseconds, enabling, the counter. */
#define HPET         0xfed00000ul
#define HPET_PERIOD  0x04
#define HPET_CONFIG  0x10
#define HPET_COUNTER 0xf0

/* The local APIC, by memory or as x2APIC by MSRs (SDM vol. 3, 11.12). */
#define APIC          0xfee00000ul
#define APIC_ID       0x20
#define APIC_EOI      0xb0
#define APIC_SPURIOUS 0xf0
#define APIC_ICR      0x300
#define APIC_ICR_HIGH 0x310
#define APIC_TIMER    0x320
#define APIC_INITIAL  0x380
#define APIC_CURRENT  0x390
#define APIC_DIVIDE   0x3e0
#define APIC_ON       0x100
#define DIVIDE_1      0xb
#define MASKED        0x10000
#define ICR_INIT      0x4500
#define ICR_SIPI      0x4600
#define MSR_APIC_BASE 0x1b
#define BASE_X2APIC   0xc00
#define MSR_X2APIC    0x800

#define TRAMPOLINE     0x3000ul /* free, and a page below 1 MiB */
#define PROCESSORS_MAX 512
#define STACK_SIZE     1024
#define TIMER_VECTOR   0x40
#define MILLISECOND    1000000ul

/* PVH's start info, as far as it is used here. */
struct start_info {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, command_line, rsdp, memory_map;
    uint32_t memory_entries, reserved;
};
struct memory_entry {
    uint64_t base, size;
    uint32_t type, reserved;
};

struct gate {
    uint16_t low, selector, flags, middle;
    uint32_t high, reserved;
};
struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern const uint8_t trampoline[], trampoline_end[], trampoline_gdt[], trampoline_cr3[], exceptions[];
void timer_interrupt(void);
void platform_start(const struct start_info *info);

static const struct start_info *start_info;
static uint64_t started_at, period, apic_per_ms;
static bool x2apic;
static char brand[49];
static struct gate idt[256];
static unsigned processors;
static uint32_t apic_ids[PROCESSORS_MAX];

/* start.S gives each other processor a part of this. */
uint32_t others;
char stacks[PROCESSORS_MAX][STACK_SIZE] __attribute__((aligned(16)));

/* --- access --- */

static uint64_t msr_read(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static void cpuid(uint32_t leaf, uint32_t out[4])
{
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "0"(leaf), "2"(0));
}

/* --- the console --- */

void console_put(char c)
{
    if (c == '\n')
        console_put('\r');
    while (!(in8(COM1 + COM_STATUS) & COM_EMPTY))
        ;
    out8(COM1, (uint8_t)c);
}

int console_get(void)
{
    return in8(COM1 + COM_STATUS) & COM_READY ? in8(COM1) : -1;
}

/* --- time --- */

static uint64_t hpet_count(void)
{
    return *(volatile uint64_t *)(HPET + HPET_COUNTER);
}

uint64_t time_now(void)
{
    return (hpet_count() - started_at) * (period / 1000) / 1000;
}

static uint32_t apic_read(uint32_t reg)
{
    return x2apic ? (uint32_t)msr_read(MSR_X2APIC + (reg >> 4)) : *(volatile uint32_t *)(APIC + reg);
}

static void apic_write(uint32_t reg, uint32_t value)
{
    if (x2apic)
        msr_write(MSR_X2APIC + (reg >> 4), value);
    else
        *(volatile uint32_t *)(APIC + reg) = value;
}

void sleep_for(uint64_t ns)
{
    uint64_t count = ns / 1000 * apic_per_ms / 1000;
    apic_write(APIC_TIMER, TIMER_VECTOR);
    apic_write(APIC_INITIAL, count > 0xffffffff ? 0xffffffff : (uint32_t)count);
    __asm__ volatile("sti\n\thlt\n\tcli" ::: "memory");
    apic_write(APIC_EOI, 0);
    apic_write(APIC_TIMER, MASKED);
}

/* How fast the timer of the local APIC counts is for the clock to say. */
static void apic_start(void)
{
    uint32_t leaf[4];
    cpuid(1, leaf);
    x2apic = leaf[2] >> 21 & 1;
    if (x2apic)
        msr_write(MSR_APIC_BASE, msr_read(MSR_APIC_BASE) | BASE_X2APIC);
    apic_write(APIC_SPURIOUS, APIC_ON | 0xff);
    apic_write(APIC_DIVIDE, DIVIDE_1);
    apic_write(APIC_TIMER, MASKED);
    apic_write(APIC_INITIAL, 0xffffffff);
    uint64_t from = time_now(), to;
    do
        to = time_now();
    while (to - from < MILLISECOND);
    apic_per_ms = (0xffffffff - apic_read(APIC_CURRENT)) * MILLISECOND / (to - from);
}

/* --- the start --- */

static void gate_set(unsigned vector, uint64_t to)
{
    idt[vector] = (struct gate){.low = (uint16_t)to,
                                .selector = 0x10,
                                .flags = 0x8e00,
                                .middle = (uint16_t)(to >> 16),
                                .high = (uint32_t)(to >> 32)};
}

static void brand_read(void)
{
    uint32_t leaf[4];
    for (uint32_t i = 0; i < 12; i++) {
        cpuid(0x80000002 + i / 4, leaf);
        for (unsigned byte = 0; byte < 4; byte++)
            brand[4 * i + byte] = (char)(leaf[i % 4] >> (8 * byte));
    }
}

void platform_start(const struct start_info *info)
{
    struct table_pointer pointer = {sizeof(idt) - 1, (uint64_t)idt};
    start_info = info;
    for (unsigned i = 0; i < 32; i++)
        gate_set(i, (uint64_t)exceptions + 16 * i);
    gate_set(TIMER_VECTOR, (uint64_t)timer_interrupt);
    gate_set(0xff, (uint64_t)timer_interrupt);
    __asm__ volatile("lidt %0" ::"m"(pointer));
    period = *(volatile uint32_t *)(HPET + HPET_PERIOD);
    *(volatile uint64_t *)(HPET + HPET_CONFIG) |= 1;
    started_at = hpet_count();
    apic_start();
    brand_read();
}

const char *platform_firmware(void)
{
    return start_info->magic == 0x336ec578 ? "none: started as PVH has it" : "none";
}

const char *platform_processor(void)
{
    return brand;
}

/* --- the other processors --- */

static uint64_t number(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static bool signature_is(const uint8_t *table, const char *name)
{
    return table[0] == name[0] && table[1] == name[1] && table[2] == name[2] && table[3] == name[3];
}

/* ACPI 6.5, 5.2.12: the processors in the table of interrupt controllers, by local APIC or x2APIC. */
static void madt_read(const uint8_t *table)
{
    for (uint32_t at = 44, len = (uint32_t)number(table + 4, 4); at + 2 <= len && table[at + 1] >= 2;
         at += table[at + 1]) {
        const uint8_t *entry = table + at;
        if (processors == PROCESSORS_MAX)
            return;
        if (entry[0] == 0 && entry[4] & 1)
            apic_ids[processors++] = entry[3];
        else if (entry[0] == 9 && entry[8] & 1)
            apic_ids[processors++] = (uint32_t)number(entry + 4, 4);
    }
}

static void processors_find(void)
{
    const uint8_t *rsdp = (const uint8_t *)start_info->rsdp;
    const uint8_t *xsdt = (const uint8_t *)number(rsdp + 24, 8);
    for (uint32_t at = 36, len = (uint32_t)number(xsdt + 4, 4); at < len; at += 8) {
        const uint8_t *table = (const uint8_t *)number(xsdt + at, 8);
        if (signature_is(table, "APIC"))
            madt_read(table);
    }
}

static void interrupt_send(uint32_t id, uint32_t command)
{
    if (x2apic) {
        msr_write(MSR_X2APIC + (APIC_ICR >> 4), (uint64_t)id << 32 | command);
        return;
    }
    apic_write(APIC_ICR_HIGH, id << 24);
    apic_write(APIC_ICR, command);
}

static void trampoline_place(void)
{
    volatile uint8_t *to = (volatile uint8_t *)TRAMPOLINE;
    struct table_pointer gdt;
    uint64_t cr3;
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    for (unsigned i = 0; i < (unsigned)(trampoline_end - trampoline); i++)
        to[i] = trampoline[i];
    volatile uint8_t *pointer = to + (trampoline_gdt - trampoline),
                     *root = to + (trampoline_cr3 - trampoline);
    for (unsigned i = 0; i < 6; i++)
        pointer[i] = ((const uint8_t *)&gdt)[i];
    for (unsigned i = 0; i < 4; i++)
        root[i] = (uint8_t)(cr3 >> (8 * i));
}

unsigned processors_start(void)
{
    uint32_t self = apic_read(APIC_ID) >> (x2apic ? 0 : 24);
    processors_find();
    trampoline_place();
    for (unsigned i = 0; i < processors; i++) {
        if (apic_ids[i] == self)
            continue;
        interrupt_send(apic_ids[i], ICR_INIT);
        interrupt_send(apic_ids[i], ICR_SIPI | TRAMPOLINE >> 12);
    }
    return processors;
}

/* --- what there is --- */

void memory_each(void (*fn)(uint64_t base, uint64_t size))
{
    const struct memory_entry *entry = (const struct memory_entry *)start_info->memory_map;
    for (uint32_t i = 0; i < start_info->memory_entries; i++)
        if (entry[i].type == 1)
            fn(entry[i].base, entry[i].size);
}

uint32_t config_read(unsigned function, unsigned offset)
{
    out32(PCI_ADDRESS, 0x80000000 | function << 8 | (offset & 0xfc));
    return in32(PCI_DATA);
}

void config_write(unsigned function, unsigned offset, uint32_t value)
{
    out32(PCI_ADDRESS, 0x80000000 | function << 8 | (offset & 0xfc));
    out32(PCI_DATA, value);
}

uint64_t pci_window(void)
{
    return PCI_WINDOW;
}

static const char *class_name(uint32_t class)
{
    static const struct {
        uint16_t class;
        const char *name;
    } names[] = {{0x0106, "SATA controller"}, {0x0108, "NVMe disk"},  {0x0100, "disk"},
                 {0x0200, "network card"},    {0x0300, "screen"},     {0x0380, "screen"},
                 {0x0600, "host bridge"},     {0x0601, "ISA bridge"}, {0x0604, "PCI bridge"},
                 {0x0780, "console"},         {0x0c05, "SMBus"},      {0x0c03, "USB"},
                 {0x1000, "random numbers"}};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].class == class >> 16)
            return names[i].name;
    return "other device";
}

static void id_text(uint32_t id, char text[10])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 4; i++) {
        text[i] = digits[id >> (12 - 4 * i) & 15];
        text[5 + i] = digits[id >> (28 - 4 * i) & 15];
    }
    text[4] = ':';
    text[9] = 0;
}

static void slot_show(unsigned slot,
                      void (*fn)(const char *name, const char *kind, uint64_t base, uint64_t size))
{
    unsigned functions = config_read(slot << 3, 0x0c) & 0x800000 ? 8 : 1;
    for (unsigned function = 0; function < functions; function++) {
        uint32_t id = config_read(slot << 3 | function, 0);
        char text[10];
        id_text(id, text);
        if ((id & 0xffff) != 0xffff)
            fn(text, class_name(config_read(slot << 3 | function, 8)), slot << 3 | function, 0x1000);
    }
}

/* What has a fixed place, and the functions on PCI by where they are plugged in. */
void devices_each(void (*fn)(const char *name, const char *kind, uint64_t base, uint64_t size))
{
    fn("COM1", "16550 (port)", COM1, 8);
    fn("I/O APIC", "interrupts", 0xfec00000, 0x1000);
    fn("HPET", "clock", HPET, 0x400);
    fn("local APIC", "interrupts", APIC, 0x1000);
    for (unsigned slot = 0; slot < 32; slot++)
        slot_show(slot, fn);
}

/* --- the end --- */

static _Noreturn void wait(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

_Noreturn void power_off(void)
{
    out16(PM1_CONTROL, SLEEP_S5);
    wait();
}

_Noreturn void reboot(void)
{
    out8(RESET_CONTROL, RESET_FULL);
    wait();
}
