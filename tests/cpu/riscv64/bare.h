/*
 * A bare hart for tests: RAM at BARE_RAM, a counted clock, one device register, no firmware. Tests put
 * instructions there with the little assembler below, run, and look at the state.
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/riscv64/core.h"
#include "tests/harness/test.h"

#define BARE_RAM      ((uint64_t)0x80000000)
#define BARE_RAM_SIZE (16 * MIB)
#define BARE_TRAP     (BARE_RAM + 0x100000)  /* mtvec: a breakpoint there ends a run */
#define BARE_STRAP    (BARE_RAM + 0x100100)  /* stvec: another */
#define BARE_DEVICE   ((uint64_t)0x10000000) /* 4 KiB of registers, see bare.device */

struct bare {
    struct ram *ram;
    struct ram_block *block;
    struct bus *bus;
    struct physmem mem;
    struct clock *clock;
    struct debug_points debug;
    uint64_t end; /* a breakpoint that ends a run; BARE_EXEC sets it */
    bool plain;   /* run without breakpoints: something else ends the run */
    struct vcpu *vcpu;
    struct riscv_state *s;
    struct vcpu_exit exit;
    uint64_t device;            /* what its registers read as: this plus the offset */
    uint64_t stored, stored_at; /* the last store to it */
};

/* A hart of this model (NULL: "max") in its reset state, traps pointed at BARE_TRAP and BARE_STRAP, and PMP
 * open. */
struct bare *bare_create(const char *model);
void bare_destroy(struct bare *bare);

/* Put instructions at an address; `at` comes back behind them. */
void bare_put(struct bare *bare, uint64_t address, const uint32_t *words, size_t count);
#define BARE_PUT(bare, address, ...)                                                                         \
    bare_put(bare, address, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)
void bare_put16(struct bare *bare, uint64_t address, uint16_t half);

/* Guest memory, by physical address in RAM. */
uint64_t bare_load(struct bare *bare, uint64_t address);
void bare_store(struct bare *bare, uint64_t address, uint64_t value);

/* Run from pc until the breakpoint at bare->end, a trap, a WFI, or anything else that ends a run. */
void bare_run(struct bare *bare, uint64_t pc);

/* Run one program of a few instructions at BARE_RAM: to the end or a trap. */
#define BARE_EXEC(bare, ...)                                                                                 \
    do {                                                                                                     \
        BARE_PUT(bare, BARE_RAM, __VA_ARGS__);                                                               \
        (bare)->end = BARE_RAM + sizeof((const uint32_t[]){__VA_ARGS__});                                    \
        bare_run(bare, BARE_RAM);                                                                            \
    } while (0)

/* Enter privilege mode p before the next run. */
void bare_mode(struct bare *bare, enum riscv_privilege p);

/* Value of a CSR, and a change of it, by running instructions in M mode. */
uint64_t bare_csr(struct bare *bare, unsigned csr);
void bare_csr_set(struct bare *bare, unsigned csr, uint64_t value);

/* ---- the assembler ---- */

enum { zero, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7 };

static inline uint32_t asm_i(uint32_t opcode, uint32_t f3, uint32_t rd, uint32_t rs1, int32_t imm)
{
    return opcode | rd << 7 | f3 << 12 | rs1 << 15 | (uint32_t)imm << 20;
}

static inline uint32_t asm_r(uint32_t match, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
    return match | rd << 7 | rs1 << 15 | rs2 << 20;
}

static inline uint32_t asm_s(uint32_t f3, uint32_t rs2, uint32_t rs1, int32_t imm)
{
    return 0x23 | ((uint32_t)imm & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (uint32_t)imm >> 5 << 25;
}

static inline uint32_t asm_b(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t offset)
{
    uint32_t imm = (uint32_t)offset;
    return 0x63 | (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8 | f3 << 12 | rs1 << 15 | rs2 << 20 |
           (imm >> 5 & 63) << 25 | (imm >> 12 & 1) << 31;
}

static inline uint32_t asm_j(uint32_t rd, int32_t offset)
{
    uint32_t imm = (uint32_t)offset;
    return 0x6f | rd << 7 | (imm >> 12 & 255) << 12 | (imm >> 11 & 1) << 20 | (imm >> 1 & 1023) << 21 |
           (imm >> 20 & 1) << 31;
}

#define NOP              0x00000013u
#define WFI              0x10500073u
#define ECALL            0x00000073u
#define EBREAK           0x00100073u
#define MRET             0x30200073u
#define SRET             0x10200073u
#define FENCE_I          0x0000100fu
#define SFENCE_VMA(a, b) asm_r(0x12000073, 0, a, b)
#define ADDI(d, s, i)    asm_i(0x13, 0, d, s, i)
#define ANDI(d, s, i)    asm_i(0x13, 7, d, s, i)
#define SLLI(d, s, i)    asm_i(0x13, 1, d, s, i)
#define LI(d, i)         ADDI(d, zero, i)
#define LUI(d, i)        (0x37u | (d) << 7 | (uint32_t)(i) << 12)
#define AUIPC(d, i)      (0x17u | (d) << 7 | (uint32_t)(i) << 12)
#define ADD(d, s, t)     asm_r(0x33, d, s, t)
#define JAL(d, o)        asm_j(d, o)
#define JALR(d, s, i)    asm_i(0x67, 0, d, s, i)
#define BEQ(s, t, o)     asm_b(0, s, t, o)
#define BNE(s, t, o)     asm_b(1, s, t, o)
#define BLTU(s, t, o)    asm_b(6, s, t, o)
#define LB(d, s, i)      asm_i(0x03, 0, d, s, i)
#define LH(d, s, i)      asm_i(0x03, 1, d, s, i)
#define LW(d, s, i)      asm_i(0x03, 2, d, s, i)
#define LD(d, s, i)      asm_i(0x03, 3, d, s, i)
#define SB(t, s, i)      asm_s(0, t, s, i)
#define SH(t, s, i)      asm_s(1, t, s, i)
#define SW(t, s, i)      asm_s(2, t, s, i)
#define SD(t, s, i)      asm_s(3, t, s, i)
#define LR_W(d, s)       asm_r(0x1000202f, d, s, 0)
#define LR_D(d, s)       asm_r(0x1000302f, d, s, 0)
#define SC_W(d, t, s)    asm_r(0x1800202f, d, s, t)
#define SC_D(d, t, s)    asm_r(0x1800302f, d, s, t)
#define CSRRW(d, c, s)   asm_i(0x73, 1, d, s, (int32_t)(c))
#define CSRRS(d, c, s)   asm_i(0x73, 2, d, s, (int32_t)(c))
#define CSRRC(d, c, s)   asm_i(0x73, 3, d, s, (int32_t)(c))
#define CSRRWI(d, c, i)  asm_i(0x73, 5, d, i, (int32_t)(c))

/* CSR numbers used by several tests. */
enum {
    CSR_SSTATUS = 0x100,
    CSR_SIE = 0x104,
    CSR_STVEC = 0x105,
    CSR_SCOUNTEREN = 0x106,
    CSR_SENVCFG = 0x10a,
    CSR_SEPC = 0x141,
    CSR_SCAUSE = 0x142,
    CSR_STVAL = 0x143,
    CSR_SIP = 0x144,
    CSR_STIMECMP = 0x14d,
    CSR_SATP = 0x180,
    CSR_SCOUNTOVF = 0xda0,
    CSR_MSTATUS = 0x300,
    CSR_MISA = 0x301,
    CSR_MEDELEG = 0x302,
    CSR_MIDELEG = 0x303,
    CSR_MIE = 0x304,
    CSR_MTVEC = 0x305,
    CSR_MCOUNTEREN = 0x306,
    CSR_MENVCFG = 0x30a,
    CSR_MSTATEEN0 = 0x30c,
    CSR_MCOUNTINHIBIT = 0x320,
    CSR_MHPMEVENT3 = 0x323,
    CSR_MEPC = 0x341,
    CSR_MCAUSE = 0x342,
    CSR_MTVAL = 0x343,
    CSR_MIP = 0x344,
    CSR_PMPCFG0 = 0x3a0,
    CSR_PMPADDR0 = 0x3b0,
    CSR_MSECCFG = 0x747,
    CSR_MCYCLE = 0xb00,
    CSR_MINSTRET = 0xb02,
    CSR_MHPMCOUNTER3 = 0xb03,
    CSR_CYCLE = 0xc00,
    CSR_TIME = 0xc01,
    CSR_INSTRET = 0xc02,
};
