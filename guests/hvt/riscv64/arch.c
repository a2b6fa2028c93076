#include "guests/hvt/hvt.h"

#define CALLS 0x100000000ull

void hypercall(enum call number, void *argument)
{
    __asm__ volatile("sw %0, (%1)" ::"r"(argument), "r"(CALLS + 8 * number) : "memory");
}

uint64_t cycles_now(void)
{
    uint64_t value;
    __asm__ volatile("rdtime %0" : "=r"(value)::"memory");
    return value;
}

void thread_pointer_set(void *pointer)
{
    __asm__ volatile("mv tp, %0" ::"r"(pointer) : "memory");
}

/* The block begins where the pointer points. */
void *thread_block_place(uint8_t *buffer, size_t buffer_size, size_t size, void **pointer)
{
    (void)buffer_size;
    (void)size;
    *pointer = buffer;
    return buffer;
}

void illegal_instruction(void)
{
    __asm__ volatile("unimp");
}

void breakpoint(void)
{
    __asm__ volatile("ebreak");
}

uint64_t divide(uint64_t a, uint64_t b)
{
    uint64_t result;
    __asm__ volatile("divu %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* --- traps --- */

__asm__(".pushsection .vectors, \"ax\"\n"
        ".balign 4\n"
        "trap_vector:\n"
        "csrr a0, scause\n"
        "csrr a1, stval\n"
        "csrr a2, sepc\n"
        "j trap_arch\n"
        ".popsection\n");

extern char trap_vector[];

/* Priv. 4.1.9: exception codes. */
void trap_arch(uint64_t cause, uint64_t value, uint64_t pc);
void trap_arch(uint64_t cause, uint64_t value, uint64_t pc)
{
    switch (cause) {
    case 2: trap_taken(TRAP_ILLEGAL, pc);
    case 3: trap_taken(TRAP_BREAKPOINT, pc);
    case 12: trap_taken(TRAP_FETCH, value);
    case 13: trap_taken(TRAP_READ, value);
    case 15: trap_taken(TRAP_WRITE, value);
    default: trap_taken(TRAP_OTHER, pc);
    }
}

void traps_init(void)
{
    __asm__ volatile("csrw stvec, %0" ::"r"(trap_vector));
}
