/*
 * Reads and writes of the interrupt controller's registers, as a list (the file OPERATIONS) has them, with
 * one CPU and all interrupts masked. Prints what is read, a line for each sequence: G number value...
 */
#include "aarch64_bare.h"

/* The Python file has the same numbers. */
enum kind {
    RESET_V2, /* a new sequence, from a state in which nothing happens */
    RESET_V3,
    READ, /* of `size` bytes at `where`, which is printed */
    WRITE,
    READ_ICC, /* likewise the CPU interface's register number `where` */
    WRITE_ICC,
    TAKE,       /* the interrupt acknowledge register: memory at `where`, or with size 0 ICC number `where` */
    DROP,       /* write what was taken last, and not dropped, to an end of interrupt register */
    DEACTIVATE, /* write what was dropped last to a deactivate register */
    CLEAR,      /* `value` bytes of memory at `where` */
};
struct operation {
    uint32_t kind, size;
    uint64_t where, value;
};
extern const struct operation operations_begin[], operations_end[];
int main(void);

#define GICD 0x08000000ull
#define GICC 0x08010000ull
#define GITS 0x08080000ull
#define GICR 0x080a0000ull

/* clang-format off */
#define ICC(X) \
    X(0, S3_0_C4_C6_0) X(1, S3_0_C12_C8_0) X(2, S3_0_C12_C8_1) \
    X(3, S3_0_C12_C8_2) X(4, S3_0_C12_C8_3) X(5, S3_0_C12_C8_4) \
    X(6, S3_0_C12_C9_0) X(7, S3_0_C12_C11_1) X(8, S3_0_C12_C11_3) \
    X(9, S3_0_C12_C11_5) X(10, S3_0_C12_C11_6) X(11, S3_0_C12_C11_7) \
    X(12, S3_0_C12_C12_0) X(13, S3_0_C12_C12_1) X(14, S3_0_C12_C12_2) \
    X(15, S3_0_C12_C12_3) X(16, S3_0_C12_C12_4) X(17, S3_0_C12_C12_5) \
    X(18, S3_0_C12_C12_6) X(19, S3_0_C12_C12_7) X(20, S3_0_C12_C1_0)
/* clang-format on */

static uint64_t icc_read(uint64_t number)
{
    uint64_t value = 0;
    __asm__ volatile("isb" ::: "memory");
#define READ_ONE(n, name)                                                                                    \
    if (number == n)                                                                                         \
        value = read_register(#name);
    ICC(READ_ONE)
    return value;
}

static void icc_write(uint64_t number, uint64_t value)
{
#define WRITE_ONE(n, name)                                                                                   \
    if (number == n)                                                                                         \
        write_register(#name, value);
    ICC(WRITE_ONE)
    __asm__ volatile("dsb sy\n isb" ::: "memory");
}

static uint64_t memory_read(uint64_t where, uint32_t size)
{
    uint64_t value = size == 8   ? *(volatile uint64_t *)where
                     : size == 4 ? *(volatile uint32_t *)where
                                 : *(volatile uint8_t *)where;
    __asm__ volatile("dsb sy\n isb" ::: "memory");
    return value;
}

static void memory_write(uint64_t where, uint32_t size, uint64_t value)
{
    if (size == 8)
        *(volatile uint64_t *)where = value;
    else if (size == 4)
        *(volatile uint32_t *)where = (uint32_t)value;
    else
        *(volatile uint8_t *)where = (uint8_t)value;
    __asm__ volatile("dsb sy\n isb" ::: "memory");
}

/* Disabled, not pending, not active, Group 0, the highest priority, level-sensitive. */
static void bank_reset(uint64_t base, unsigned bank)
{
    static const uint16_t ones[] = {0x180, 0x280, 0x380};
    for (unsigned n = 0; n < 3; n++)
        memory_write(base + ones[n] + 4 * bank, 4, 0xffffffff);
    memory_write(base + 0x080 + 4 * bank, 4, 0);
    for (unsigned n = 0; n < 8; n++)
        memory_write(base + 0x400 + 32 * bank + 4 * n, 4, 0);
    memory_write(base + 0xc00 + 8 * bank, 4, 0);
    memory_write(base + 0xc04 + 8 * bank, 4, 0);
}

static uint64_t taken[64], taken_count, dropped;

static void reset(enum kind kind)
{
    /* What runs ends in order: the peer doesn't notice when the active priorities are just written. */
    for (memory_write(kind == RESET_V2 ? GICC : GICD, 4, kind == RESET_V2 ? 7 : 0);
         kind == RESET_V2 && taken_count;)
        memory_write(GICC + 0x10, 4, taken[--taken_count]);
    taken_count = 0;
    dropped = 1023;
    memory_write(GICD, 4, 0);
    bank_reset(GICD, 1);
    bank_reset(GICD, 2);
    if (kind == RESET_V2) {
        bank_reset(GICD, 0);
        for (unsigned n = 0; n < 4; n++)
            memory_write(GICD + 0xf10 + 4 * n, 4, 0xffffffff);
        static const uint8_t registers[] = {0x00, 0x04, 0x08, 0x1c, 0xd0, 0xe0};
        for (unsigned n = 0; n < sizeof(registers); n++)
            memory_write(GICC + registers[n], 4, 0);
        return;
    }
    memory_write(GITS, 4, 0);
    memory_write(GICR, 4, 0);
    memory_write(GICR + 0x14, 4, 0);
    bank_reset(GICR + 0x10000, 0);
    for (unsigned n = 32; n < 96; n++)
        memory_write(GICD + 0x6000 + 8 * n, 8, 0);
    static const uint8_t registers[] = {18, 19, 0, 16, 4, 15, 5, 6};
    for (unsigned n = 0; n < sizeof(registers); n++)
        icc_write(registers[n], 0);
}

static void take(const struct operation *o)
{
    uint64_t value = o->size ? memory_read(o->where, o->size) : icc_read(o->where);
    if ((value & 0x3ff) < 1020 && taken_count < 64)
        taken[taken_count++] = value;
    put(value);
}

static void give(const struct operation *o, uint64_t value)
{
    if (o->size)
        memory_write(o->where, o->size, value);
    else
        icc_write(o->where, value);
}

static void one(const struct operation *o)
{
    static uint64_t number;
    switch ((enum kind)o->kind) {
    case RESET_V2:
    case RESET_V3:
        if (number)
            putc('\n');
        reset((enum kind)o->kind);
        putc('G');
        put(number++);
        break;
    case READ: put(memory_read(o->where, o->size)); break;
    case WRITE: memory_write(o->where, o->size, o->value); break;
    case READ_ICC: put(icc_read(o->where)); break;
    case WRITE_ICC: icc_write(o->where, o->value); break;
    case TAKE: take(o); break;
    case DROP:
        if (taken_count)
            give(o, dropped = taken[--taken_count]);
        break;
    case CLEAR:
        for (uint64_t n = 0; n < o->value; n += 8)
            *(volatile uint64_t *)(o->where + n) = 0;
        break;
    case DEACTIVATE:
        if (dropped != 1023)
            give(o, dropped);
        break;
    }
}

int main(void)
{
    for (const struct operation *o = operations_begin; o < operations_end; o++)
        one(o);
    putc('\n');
    return 0;
}
