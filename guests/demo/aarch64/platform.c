#include "guests/demo/draw.h"
#include "guests/demo/fdt.h"
#include "guests/demo/virt/virt.h"

/* For memory of PCI functions that has no place yet. */
#define PCI_WINDOW 0x10000000ul

/* PSCI, called with HVC (DEN0022). */
#define PSCI_VERSION      0x84000000u
#define PSCI_CPU_ON       0xc4000003u
#define PSCI_SYSTEM_OFF   0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

/* The board's registers: the PL011, and what it takes to let the timer's interrupt (27) wake a processor. */
#define UART       0x09000000ul
#define UARTDR     0x00
#define UARTFR     0x18
#define FR_RXFE    0x10
#define FR_TXFF    0x20
#define GICD       0x08000000ul
#define GICD_CTLR  0x000
#define ISENABLER0 0x100
#define IGROUPR0   0x080
#define GICC       0x08010000ul
#define GICC_CTLR  0x00
#define GICC_PMR   0x04
#define GICR       0x080a0000ul
#define GICR_WAKER 0x14
#define GICR_SGI   0x10000
#define TIMER      (1u << 27)

#define PROCESSORS_MAX 512
#define STACK_SIZE     1024
#define NS             1000000000u

static uint64_t started_at, frequency;
static const char *processor = "Arm";
static unsigned processors;
static uint64_t affinities[PROCESSORS_MAX];
static bool has_gicv3;
static char stacks[PROCESSORS_MAX][STACK_SIZE] __attribute__((aligned(16)));

void platform_start(const void *tree);
void other_processor(void);

static uint64_t psci_call(uint64_t function, uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = arg0;
    register uint64_t x2 __asm__("x2") = arg1;
    register uint64_t x3 __asm__("x3") = arg2;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    return x0;
}

static uint32_t load(unsigned long address)
{
    return *(volatile uint32_t *)address;
}

static void store(unsigned long address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

void console_put(char c)
{
    if (c == '\n')
        console_put('\r');
    while (load(UART + UARTFR) & FR_TXFF)
        ;
    store(UART + UARTDR, (unsigned char)c);
}

int console_get(void)
{
    return load(UART + UARTFR) & FR_RXFE ? -1 : (int)(load(UART + UARTDR) & 0xff);
}

static uint64_t ticks(void)
{
    uint64_t now;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now));
    return now;
}

uint64_t time_now(void)
{
    uint64_t passed = ticks() - started_at;
    return passed / frequency * NS + passed % frequency * NS / frequency;
}

/* Interrupts are masked: WFI wakes and nothing is taken. */
void sleep_for(uint64_t ns)
{
    uint64_t end = ticks() + ns / 1000 * frequency / 1000000;
    __asm__ volatile("msr cntv_cval_el0, %0" ::"r"(end));
    __asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" ::"r"(1ul));
    __asm__ volatile("wfi");
    __asm__ volatile("msr cntv_ctl_el0, xzr\n\tisb");
}

const char *platform_firmware(void)
{
    return psci_call(PSCI_VERSION, 0, 0, 0) == 0x10001 ? "PSCI 1.1" : "PSCI";
}

const char *platform_processor(void)
{
    return processor;
}

static void node_note(void *opaque, const struct fdt_node *node)
{
    (void)opaque;
    if (node->compatible && text_equal(node->compatible, "arm,gic-v3"))
        has_gicv3 = true;
    if (!node->device_type || !text_equal(node->device_type, "cpu") || processors == PROCESSORS_MAX)
        return;
    affinities[processors++] = node->base;
    if (node->compatible)
        processor = node->compatible;
}

static void gicv2_open(void)
{
    store(GICD + ISENABLER0, TIMER);
    store(GICD + GICD_CTLR, 1);
    store(GICC + GICC_PMR, 0xff);
    store(GICC + GICC_CTLR, 1);
}

static void gicv3_open(void)
{
    store(GICR + GICR_WAKER, 0);
    store(GICR + GICR_SGI + IGROUPR0, ~0u);
    store(GICR + GICR_SGI + ISENABLER0, TIMER);
    store(GICD + GICD_CTLR, 2);
    __asm__ volatile("msr s3_0_c4_c6_0, %0" ::"r"(0xfful));       /* ICC_PMR_EL1 */
    __asm__ volatile("msr s3_0_c12_c12_7, %0\n\tisb" ::"r"(1ul)); /* ICC_IGRPEN1_EL1 */
}

void platform_start(const void *tree)
{
    virt_start(tree, PCI_WINDOW);
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    started_at = ticks();
    fdt_each(tree, node_note, NULL);
    if (has_gicv3)
        gicv3_open();
    else
        gicv2_open();
}

unsigned processors_start(void)
{
    uint64_t self;
    __asm__ volatile("mrs %0, mpidr_el1" : "=r"(self));
    for (unsigned i = 0; i < processors; i++)
        if (affinities[i] != (self & 0xffffff))
            psci_call(PSCI_CPU_ON, affinities[i], (uint64_t)other_processor,
                      (uint64_t)&stacks[i][STACK_SIZE]);
    return processors;
}

_Noreturn void power_off(void)
{
    psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}

_Noreturn void reboot(void)
{
    psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}
