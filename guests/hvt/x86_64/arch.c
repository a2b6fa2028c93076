#include "guests/hvt/hvt.h"

#define PORT     0x500
#define SELECTOR 0x08 /* of the code segment, in the tender's table and in ours */
#define FS_BASE  0xc0000100u
#define VECTORS  32

void hypercall(enum call number, void *argument)
{
    __asm__ volatile("outl %0, %1"
                     :
                     : "a"((uint32_t)(uintptr_t)argument), "d"((uint16_t)(PORT + number))
                     : "memory");
}

uint64_t cycles_now(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

void thread_pointer_set(void *pointer)
{
    uint64_t value = (uintptr_t)pointer;
    __asm__ volatile("wrmsr" ::"c"(FS_BASE), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

/* Variant II of the TLS ABI: the block ends where the pointer points, to itself. */
void *thread_block_place(uint8_t *buffer, size_t buffer_size, size_t size, void **pointer)
{
    void **end = (void **)(void *)(buffer + buffer_size - 64);
    *end = end;
    *pointer = end;
    return (uint8_t *)end - size;
}

void illegal_instruction(void)
{
    __asm__ volatile("ud2");
}

void breakpoint(void)
{
    __asm__ volatile("int3");
}

uint64_t divide(uint64_t a, uint64_t b)
{
    uint64_t rest = 0;
    __asm__ volatile("divq %2" : "+a"(a), "+d"(rest) : "r"(b) : "cc");
    return a;
}

/* --- traps --- */

/* Every vector pushes its number; those without an error code push one. */
__asm__(".pushsection .text\n"
        ".balign 16\n"
        "trap_vectors:\n"
        ".set n, 0\n"
        ".rept 32\n"
        ".balign 16\n"
        ".if !(n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21)\n"
        "pushq $0\n"
        ".endif\n"
        "pushq $n\n"
        "jmp trap_common\n"
        ".set n, n + 1\n"
        ".endr\n"
        "trap_common:\n"
        "popq %rdi\n"
        "popq %rsi\n"
        "popq %rdx\n"
        "andq $-16, %rsp\n"
        "call trap_arch\n"
        ".popsection\n");

extern char trap_vectors[];

/* The tender's table lies where the guest sees nothing: an exception needs one of our own. */
static uint64_t gdt[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};
static uint64_t idt[2 * VECTORS] __attribute__((aligned(16)));

void trap_arch(uint64_t vector, uint64_t code, uint64_t pc);
void trap_arch(uint64_t vector, uint64_t code, uint64_t pc)
{
    uint64_t cr2;
    __asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
    switch (vector) {
    case 0: trap_taken(TRAP_DIVIDE, pc);
    case 3: trap_taken(TRAP_BREAKPOINT, pc);
    case 6: trap_taken(TRAP_ILLEGAL, pc);
    case 14: trap_taken(code & 16 ? TRAP_FETCH : code & 2 ? TRAP_WRITE : TRAP_READ, cr2);
    default: trap_taken(TRAP_OTHER, pc);
    }
}

struct table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

void traps_init(void)
{
    struct table interrupts = {sizeof(idt) - 1, (uintptr_t)idt}, segments = {sizeof(gdt) - 1, (uintptr_t)gdt};
    for (unsigned i = 0; i < VECTORS; i++) {
        uint64_t handler = (uintptr_t)trap_vectors + 16 * i;
        idt[2 * i] = (handler & 0xffff) | SELECTOR << 16 | 0x8eull << 40 | (handler >> 16 & 0xffff) << 48;
        idt[2 * i + 1] = handler >> 32;
    }
    __asm__ volatile("lgdt %0\n\tlidt %1" ::"m"(segments), "m"(interrupts));
}
