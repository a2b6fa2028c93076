#include "guests/hvt/hvt.h"

#define CALLS 0x100000000ull

void hypercall(enum call number, void *argument)
{
    __asm__ volatile("str %w0, [%1]" ::"r"((uint32_t)(uintptr_t)argument), "r"(CALLS + 8 * number)
                     : "memory");
}

uint64_t cycles_now(void)
{
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
}

void thread_pointer_set(void *pointer)
{
    __asm__ volatile("msr tpidr_el0, %0" ::"r"(pointer) : "memory");
}

/* Variant I of the TLS ABI: two words, then the block, aligned as it wants to be. */
void *thread_block_place(uint8_t *buffer, size_t buffer_size, size_t size, void **pointer)
{
    (void)buffer_size;
    (void)size;
    *pointer = buffer;
    return buffer + 64;
}

void illegal_instruction(void)
{
    __asm__ volatile("udf #0");
}

void breakpoint(void)
{
    __asm__ volatile("brk #0");
}

uint64_t divide(uint64_t a, uint64_t b)
{
    uint64_t result;
    __asm__ volatile("udiv %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* --- traps --- */

__asm__(".pushsection .vectors, \"ax\"\n"
        ".balign 2048\n"
        "trap_vectors:\n"
        ".rept 16\n"
        ".balign 128\n"
        "mrs x0, esr_el1\n"
        "mrs x1, far_el1\n"
        "mrs x2, elr_el1\n"
        "b trap_arch\n"
        ".endr\n"
        ".popsection\n");

extern char trap_vectors[];

/* Arm ARM, ESR_EL1: the class, and of an abort whether it was a write. */
void trap_arch(uint64_t esr, uint64_t far, uint64_t pc);
void trap_arch(uint64_t esr, uint64_t far, uint64_t pc)
{
    switch (esr >> 26 & 63) {
    case 0x00: trap_taken(TRAP_ILLEGAL, pc);
    case 0x21: trap_taken(TRAP_FETCH, far);
    case 0x25: trap_taken(esr >> 6 & 1 ? TRAP_WRITE : TRAP_READ, far);
    case 0x3c: trap_taken(TRAP_BREAKPOINT, pc);
    default: trap_taken(TRAP_OTHER, pc);
    }
}

void traps_init(void)
{
    __asm__ volatile("msr vbar_el1, %0\n\tisb" ::"r"(trap_vectors));
}
