#include "guests/demo/draw.h"
#include "guests/demo/fdt.h"
#include "guests/demo/virt/virt.h"

/* For memory of PCI functions that has no place yet. */
#define PCI_WINDOW 0x40000000ul

/* SBI: the calls of a supervisor to the firmware below it (RISC-V Supervisor Binary Interface 2.0). */
#define SBI_BASE 0x10
#define SBI_TIME 0x54494d45
#define SBI_HSM  0x48534d
#define SBI_SRST 0x53525354
#define SBI_DBCN 0x4442434e
/* The console of the SBI's first version, for firmware that has no other. */
#define SBI_LEGACY_PUTCHAR 1
#define SBI_LEGACY_GETCHAR 2

#define HARTS_MAX  64
#define STACK_SIZE 1024
#define TICK_NS    100 /* the board's time base is 10 MHz */
#define SIE_STIE   (1 << 5)

struct sbi_result {
    long error, value;
};

static unsigned long boot_hart;
static uint64_t started_at;
static bool has_debug_console;
static const char *processor = "RISC-V";
static unsigned harts;
static unsigned long hart_ids[HARTS_MAX];
static char stacks[HARTS_MAX][STACK_SIZE] __attribute__((aligned(16)));

void platform_start(unsigned long hart, const void *tree);
void other_hart(void);

static struct sbi_result sbi_call(unsigned long extension, unsigned long function, unsigned long arg0,
                                  unsigned long arg1, unsigned long arg2)
{
    register unsigned long a0 __asm__("a0") = arg0;
    register unsigned long a1 __asm__("a1") = arg1;
    register unsigned long a2 __asm__("a2") = arg2;
    register unsigned long a6 __asm__("a6") = function;
    register unsigned long a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(long)a0, (long)a1};
}

void console_put(char c)
{
    if (has_debug_console)
        sbi_call(SBI_DBCN, 2, (unsigned char)c, 0, 0);
    else
        sbi_call(SBI_LEGACY_PUTCHAR, 0, (unsigned char)c, 0, 0);
}

int console_get(void)
{
    static char byte;
    if (!has_debug_console)
        return (int)sbi_call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0).error; /* the byte itself, or -1 */
    struct sbi_result got = sbi_call(SBI_DBCN, 1, 1, (unsigned long)&byte, 0);
    return got.error == 0 && got.value == 1 ? (unsigned char)byte : -1;
}

static uint64_t ticks(void)
{
    uint64_t now;
    __asm__ volatile("rdtime %0" : "=r"(now));
    return now;
}

uint64_t time_now(void)
{
    return (ticks() - started_at) * TICK_NS;
}

/* The timer's interrupt is enabled in sie but not in sstatus: WFI wakes and nothing is taken. */
void sleep_for(uint64_t ns)
{
    sbi_call(SBI_TIME, 0, ticks() + ns / TICK_NS, 0, 0);
    __asm__ volatile("csrs sie, %0" ::"r"(SIE_STIE));
    __asm__ volatile("wfi");
    __asm__ volatile("csrc sie, %0" ::"r"(SIE_STIE));
}

const char *platform_firmware(void)
{
    switch (sbi_call(SBI_BASE, 1, 0, 0, 0).value) {
    case 1: return "OpenSBI";
    case 0x54524941: return "Triarch's built-in SBI";
    default: return "an SBI";
    }
}

const char *platform_processor(void)
{
    return processor;
}

static void processor_note(void *opaque, const struct fdt_node *node)
{
    (void)opaque;
    if (!node->device_type || !text_equal(node->device_type, "cpu") || harts == HARTS_MAX)
        return;
    hart_ids[harts++] = node->base;
    if (node->compatible)
        processor = node->compatible;
}

void platform_start(unsigned long hart, const void *tree)
{
    virt_start(tree, PCI_WINDOW);
    boot_hart = hart;
    started_at = ticks();
    has_debug_console = sbi_call(SBI_BASE, 3, SBI_DBCN, 0, 0).value != 0;
    fdt_each(tree, processor_note, NULL);
}

unsigned processors_start(void)
{
    for (unsigned i = 0; i < harts; i++)
        if (hart_ids[i] != boot_hart)
            sbi_call(SBI_HSM, 0, hart_ids[i], (unsigned long)other_hart,
                     (unsigned long)&stacks[i][STACK_SIZE]);
    return harts;
}

_Noreturn void power_off(void)
{
    sbi_call(SBI_SRST, 0, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}

_Noreturn void reboot(void)
{
    sbi_call(SBI_SRST, 0, 1, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}
