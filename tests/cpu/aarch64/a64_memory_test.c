/* Memory as instructions see it: aborts and their syndromes, alignment, unprivileged accesses, exclusives,
 * translation caching, self-modifying code. */
#include "tests/cpu/aarch64/a64_bare.h"

#include "softmmu/walkers/arm64.h"

#define RAN_TO_END(bare) CHECK_EQ((bare)->s->pc, (bare)->end)
#define PAGE_A           (A64_DATA + 0x2000)
#define PAGE_B           (A64_DATA + 0x3000)

static void check_abort(struct a64_bare *bare, unsigned el, uint32_t iss, uint64_t far)
{
    if (el == 0)
        a64_check_exception(bare, A64_SYNC_EL0, EC_DATA_ABORT_LOWER, iss, bare->s->elr_el1);
    else
        a64_check_exception(bare, A64_SYNC, EC_DATA_ABORT_LOWER + 1, iss, bare->s->elr_el1);
    CHECK_EQ(bare->s->far_el1, far);
}

static void aborts(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    /* Nobody answers: a synchronous external abort. */
    bare->s->x[1] = A64_HOLE + 0x10;
    A64_EXEC(bare, NOP, LDR_X(0, 1, 8));
    check_abort(bare, 1, FSC_EXTERNAL, A64_HOLE + 0x18);
    CHECK_EQ(bare->s->elr_el1, A64_CODE + 4);
    A64_EXEC(bare, STR_X(0, 1, 8));
    check_abort(bare, 1, FSC_EXTERNAL | 1 << 6, A64_HOLE + 0x18);
    A64_EXEC(bare, BR(1));
    a64_check_exception(bare, A64_SYNC, EC_FETCH_ABORT_LOWER + 1, FSC_PERMISSION + 1,
                        A64_HOLE + 0x10); /* PXN there */
    CHECK_EQ(bare->s->far_el1, A64_HOLE + 0x10);
    /* Translation and permission, at EL1 and EL0. */
    bare->s->x[1] = (uint64_t)1 << 38;
    A64_EXEC(bare, LDR_X(0, 1, 0));
    check_abort(bare, 1, FSC_TRANSLATION + 1, (uint64_t)1 << 38);
    bare->s->x[1] = A64_CODE;
    A64_EXEC(bare, STR_X(0, 1, 0));
    check_abort(bare, 1, FSC_PERMISSION + 3 + (1 << 6), A64_CODE);
    bare->s->x[1] = PAGE_A;
    a64_page_set(bare, PAGE_A, PAGE_A | A64_PAGE); /* EL1 only */
    a64_enter(bare, 0);
    A64_EXEC(bare, LDR_X(0, 1, 0));
    check_abort(bare, 0, FSC_PERMISSION + 3, PAGE_A);
    a64_page_set(bare, PAGE_A, (PAGE_A | A64_PAGE) & ~(uint64_t)A64_AF);
    a64_enter(bare, 1);
    A64_EXEC(bare, SYS(0, 8, 7, 0, 31), LDR_X(0, 1, 0)); /* tlbi vmalle1 */
    check_abort(bare, 1, FSC_ACCESS_FLAG + 3, PAGE_A);
    a64_destroy(bare);
}

/* An access across two pages reports the address in the page that faults, and a store changes nothing. */
static void page_crossing(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    a64_store(bare, PAGE_B - 8, 0x1111111111111111);
    a64_store(bare, PAGE_B, 0x2222222222222222);
    bare->s->x[1] = PAGE_B - 4;
    bare->s->x[2] = 0xabcdef0123456789;
    A64_EXEC(bare, LDR_X(0, 1, 0), STR_X(2, 1, 0));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[0], 0x2222222211111111);
    CHECK_EQ(a64_load(bare, PAGE_B - 8), 0x2345678911111111);
    CHECK_EQ(a64_load(bare, PAGE_B), 0x22222222abcdef01);
    a64_page_set(bare, PAGE_B, 0);
    A64_EXEC(bare, SYS(0, 8, 7, 0, 31), STR_X(0, 1, 0));
    check_abort(bare, 1, FSC_TRANSLATION + 3 + (1 << 6), PAGE_B);
    CHECK_EQ(a64_load(bare, PAGE_B - 8), 0x2345678911111111);
    A64_EXEC(bare, LDR_X(0, 1, 0));
    check_abort(bare, 1, FSC_TRANSLATION + 3, PAGE_B);
    /* A pair: neither register changes, nor the base. */
    bare->s->x[1] = PAGE_B - 8;
    bare->s->x[4] = 4;
    A64_EXEC(bare, 0xa8c11424 /* ldp x4, x5, [x1], #16 */);
    check_abort(bare, 1, FSC_TRANSLATION + 3, PAGE_B);
    CHECK_EQ(bare->s->x[1], PAGE_B - 8);
    CHECK_EQ(bare->s->x[4], 4);
    a64_destroy(bare);
}

static void alignment(void)
{
    struct a64_bare *bare = a64_create(NULL);
    /* With the MMU off memory is Device-nGnRnE. */
    bare->s->x[1] = A64_DATA + 1;
    A64_EXEC(bare, LDR_X(0, 1, 0));
    check_abort(bare, 1, FSC_ALIGNMENT, A64_DATA + 1);
    a64_mmu_on(bare);
    A64_EXEC(bare, LDR_X(0, 1, 0), STR_X(0, 1, 0));
    RAN_TO_END(bare);
    /* Device memory by MAIR_EL1. */
    a64_page_set(bare, PAGE_A, PAGE_A | A64_PAGE | A64_DEVICE_ATTR);
    bare->s->x[1] = PAGE_A + 4;
    A64_EXEC(bare, LDR_W(0, 1, 0), LDR_X(0, 1, 0));
    check_abort(bare, 1, FSC_ALIGNMENT, PAGE_A + 4);
    CHECK_EQ(bare->s->elr_el1, A64_CODE + 4);
    bare->s->x[1] = A64_DEVICE + 2;
    A64_EXEC(bare, LDR_W(0, 1, 0));
    check_abort(bare, 1, FSC_ALIGNMENT, A64_DEVICE + 2);
    /* DC ZVA to Device memory. */
    bare->s->x[1] = PAGE_A;
    A64_EXEC(bare, SYS(3, 7, 4, 1, 1));
    check_abort(bare, 1, FSC_ALIGNMENT | 1 << 6, PAGE_A);
    /* SCTLR_EL1.A: before translation. */
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 | SCTLR_A);
    bare->s->x[1] = ((uint64_t)1 << 38) + 2;
    A64_EXEC(bare, LDR_W(0, 1, 0));
    check_abort(bare, 1, FSC_ALIGNMENT, ((uint64_t)1 << 38) + 2);
    bare->s->x[1] = A64_DATA + 8;
    A64_EXEC(bare, 0xa9401424 /* ldp x4, x5, [x1] */, LDR_X(0, 1, 0));
    RAN_TO_END(bare);
    a64_destroy(bare);
}

/* Atomics and exclusives: aligned, or with LSE2 within 16 bytes. */
static void atomic_alignment(void)
{
    struct a64_bare *bare = a64_create("max,-lse2,+lse");
    a64_mmu_on(bare);
    bare->s->x[1] = A64_DATA + 4;
    /* WnR: its read would fault as well. */
    A64_EXEC(bare, LDADD_X(2, 0, 1));
    check_abort(bare, 1, FSC_ALIGNMENT, A64_DATA + 4);
    A64_EXEC(bare, LDXR_X(0, 1));
    check_abort(bare, 1, FSC_ALIGNMENT, A64_DATA + 4);
    A64_EXEC(bare, LDAR_X(0, 1));
    check_abort(bare, 1, FSC_ALIGNMENT, A64_DATA + 4);
    a64_destroy(bare);
    bare = a64_create(NULL);
    a64_mmu_on(bare);
    a64_store(bare, A64_DATA, 0xffffffff00000000);
    a64_store(bare, A64_DATA + 8, 0x1122334400000000);
    bare->s->x[1] = A64_DATA + 4;
    bare->s->x[2] = 1;
    A64_EXEC(bare, LDADD_X(2, 0, 1), LDAR_X(3, 1), LDXR_X(4, 1), STXR_X(5, 2, 1));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[0], 0x00000000ffffffff);
    CHECK_EQ(bare->s->x[3], 0x0000000100000000);
    CHECK_EQ(bare->s->x[4], 0x0000000100000000);
    CHECK_EQ(bare->s->x[5], 0);
    CHECK_EQ(a64_load(bare, A64_DATA), 0x0000000100000000);
    CHECK_EQ(a64_load(bare, A64_DATA + 8), 0x1122334400000000);
    bare->s->x[1] = A64_DATA + 12;
    A64_EXEC(bare, LDADD_X(2, 0, 1));
    check_abort(bare, 1, FSC_ALIGNMENT, A64_DATA + 12);
    A64_EXEC(bare, LDAR_X(0, 1));
    check_abort(bare, 1, FSC_ALIGNMENT, A64_DATA + 12);
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 | SCTLR_nAA);
    A64_EXEC(bare, LDAR_X(0, 1));
    RAN_TO_END(bare);
    /* To a device: unsupported. */
    bare->s->x[1] = A64_DEVICE;
    A64_EXEC(bare, LDADD_X(2, 0, 1));
    check_abort(bare, 1, FSC_UNSUPPORTED_ATOMIC | 1 << 6, A64_DEVICE);
    A64_EXEC(bare, LDXR_X(0, 1));
    check_abort(bare, 1, FSC_UNSUPPORTED_ATOMIC, A64_DEVICE);
    /* WnR of an atomic: 1 where only the write is refused, 0 where a read would be too. */
    bare->s->x[1] = A64_CODE;
    A64_EXEC(bare, LDADD_X(2, 0, 1));
    check_abort(bare, 1, FSC_PERMISSION + 3 + (1 << 6), A64_CODE);
    bare->s->x[1] = (uint64_t)1 << 38;
    A64_EXEC(bare, CAS_X(2, 0, 1));
    check_abort(bare, 1, FSC_TRANSLATION + 1, (uint64_t)1 << 38);
    a64_destroy(bare);
}

/* What a Normal mapping of a place that is no RAM makes of accesses: its type says nothing of alignment. */
static void normal_without_memory(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    a64_page_set(bare, PAGE_A, A64_HOLE | A64_PAGE);
    a64_page_set(bare, PAGE_B, A64_DEVICE | A64_PAGE);
    bare->s->x[1] = PAGE_A + 1;
    A64_EXEC(bare, LDR_X(0, 1, 0));
    check_abort(bare, 1, FSC_EXTERNAL, PAGE_A + 1);
    A64_EXEC(bare, STR_X(0, 1, 0));
    check_abort(bare, 1, FSC_EXTERNAL | 1 << 6, PAGE_A + 1);
    A64_EXEC(bare, SYS(3, 7, 4, 1, 1) /* dc zva */);
    check_abort(bare, 1, FSC_EXTERNAL | 1 << 6, PAGE_A + 1);
    bare->s->x[1] = PAGE_A;
    A64_EXEC(bare, LDXR_X(0, 1));
    check_abort(bare, 1, FSC_EXTERNAL, PAGE_A);
    A64_EXEC(bare, CAS_X(2, 0, 1));
    check_abort(bare, 1, FSC_EXTERNAL, PAGE_A);
    bare->s->x[1] = PAGE_B + 1;
    A64_EXEC(bare, LDR_X(0, 1, 0));
    RAN_TO_END(bare);
    a64_destroy(bare);
}

static void exclusives(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    bare->s->x[1] = A64_DATA;
    bare->s->x[6] = A64_DATA + 8;
    bare->s->x[2] = 5;
    /* Without a load; after CLREX; to another address; of another size; and as it should be. */
    A64_EXEC(bare, STXR_X(10, 2, 1), LDXR_X(0, 1), CLREX, STXR_X(11, 2, 1), LDXR_X(0, 1), STXR_X(12, 2, 6),
             LDXR_X(0, 1), 0x880d7c22 /* stxr w13, w2, [x1] */, LDXR_X(0, 1), STXR_X(14, 2, 1),
             STXR_X(15, 2, 1));
    RAN_TO_END(bare);
    for (unsigned n = 10; n <= 15; n++)
        CHECK_EQ(bare->s->x[n], n != 14);
    CHECK_EQ(a64_load(bare, A64_DATA), 5);
    /* What another wrote in between makes it fail. */
    A64_EXEC(bare, LDXR_X(0, 1), SVC(0));
    a64_store(bare, A64_DATA, 6);
    A64_EXEC(bare, STXR_X(10, 2, 1));
    CHECK_EQ(bare->s->x[10], 1);
    CHECK_EQ(a64_load(bare, A64_DATA), 6);
    /* A store-exclusive that doesn't pass the monitor does not fault. */
    bare->s->x[1] = (uint64_t)1 << 38;
    A64_EXEC(bare, STXR_X(10, 2, 1));
    RAN_TO_END(bare);
    a64_destroy(bare);
}

static void unprivileged(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    a64_page_set(bare, PAGE_A, PAGE_A | A64_PAGE);            /* EL1 */
    a64_page_set(bare, PAGE_B, PAGE_B | A64_PAGE | A64_USER); /* both */
    a64_store(bare, PAGE_B, 0xb);
    bare->s->x[1] = PAGE_A;
    bare->s->x[2] = PAGE_B;
    bare->s->x[3] = 0x33;
    for (unsigned round = 0; round < 2; round++) {
        A64_EXEC(bare, LDTR_X(0, 2), STTR_X(3, 2), LDR_X(5, 1, 0), LDTR_X(0, 1));
        check_abort(bare, 1, FSC_PERMISSION + 3, PAGE_A);
        CHECK_EQ(bare->s->elr_el1, A64_CODE + 12);
        CHECK_EQ(bare->s->x[0], round ? 0x33 : 0xb);
    }
    A64_EXEC(bare, STTR_X(3, 1));
    check_abort(bare, 1, FSC_PERMISSION + 3 + (1 << 6), PAGE_A);
    /* UAO makes them ordinary accesses. */
    A64_EXEC(bare, 0xd500417f /* msr uao, #1 */, LDTR_X(0, 1), 0xd500407f, LDTR_X(0, 1));
    check_abort(bare, 1, FSC_PERMISSION + 3, PAGE_A);
    CHECK_EQ(bare->s->elr_el1, A64_CODE + 12);
    /* PAN: EL1's own accesses of user pages fault, LDTR doesn't. */
    A64_EXEC(bare, 0xd500419f /* msr pan, #1 */, LDTR_X(0, 2), LDR_X(0, 2, 0));
    check_abort(bare, 1, FSC_PERMISSION + 3, PAGE_B);
    A64_EXEC(bare, 0xd500409f /* msr pan, #0 */, LDR_X(0, 2, 0));
    RAN_TO_END(bare);
    a64_destroy(bare);
}

static void tagged_addresses(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    a64_store(bare, A64_DATA, 0x77);
    bare->s->x[1] = A64_DATA | (uint64_t)0xab << 56;
    A64_EXEC(bare, LDR_X(0, 1, 0));
    check_abort(bare, 1, FSC_TRANSLATION, A64_DATA | (uint64_t)0xab << 56);
    a64_sysreg_set(bare, TCR_EL1, bare->s->tcr_el1 | TCR_TBI0);
    A64_EXEC(bare, LDR_X(0, 1, 0));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[0], 0x77);
    /* A branch drops the tag from the PC; an abort keeps it in FAR. */
    bare->s->x[2] = (A64_CODE + 8) | (uint64_t)0xcd << 56;
    A64_EXEC(bare, BR(2), UDF, NOP);
    RAN_TO_END(bare);
    bare->s->x[1] = 0x12000041000000;
    bare->s->x[1] = ((uint64_t)1 << 38) | (uint64_t)0x12 << 56;
    A64_EXEC(bare, LDR_X(0, 1, 0));
    check_abort(bare, 1, FSC_TRANSLATION + 1, ((uint64_t)1 << 38) | (uint64_t)0x12 << 56);
    a64_destroy(bare);
}

/* Two address spaces and one TLB: what differs by ASID needs no TLBI, what a TLBI is for does. */
static void address_spaces(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    a64_store(bare, PAGE_A, 0xa);
    a64_store(bare, PAGE_B, 0xb);
    a64_sysreg_set(bare, TCR_EL1, bare->s->tcr_el1 | TCR_AS);
    a64_page_set(bare, PAGE_A, PAGE_A | A64_PAGE | A64_NG);
    bare->s->x[1] = PAGE_A;
    bare->s->x[2] = A64_TABLES | (uint64_t)0x1234 << 48;
    bare->s->x[3] = A64_TABLES | (uint64_t)0x1235 << 48;
    A64_EXEC(bare, MSR(TTBR0_EL1, 2), ISB, LDR_X(4, 1, 0), NOP);
    CHECK_EQ(bare->s->x[4], 0xa);
    a64_page_set(bare, PAGE_A, PAGE_B | A64_PAGE | A64_NG);
    A64_EXEC(bare, MSR(TTBR0_EL1, 3), ISB, LDR_X(4, 1, 0), NOP);
    CHECK_EQ(bare->s->x[4], 0xb);
    /* TLBI by address and by ASID, of the space the page is in, whichever is current. */
    bare->s->x[5] = PAGE_A >> 12 | (uint64_t)0x1234 << 48;
    A64_EXEC(bare, SYS(0, 8, 7, 1, 5) /* vae1 */, DSB, MSR(TTBR0_EL1, 2), ISB, LDR_X(4, 1, 0), NOP);
    CHECK_EQ(bare->s->x[4], 0xb);
    a64_page_set(bare, PAGE_A, PAGE_A | A64_PAGE | A64_NG);
    bare->s->x[5] = (uint64_t)0x1234 << 48;
    A64_EXEC(bare, SYS(0, 8, 3, 2, 5) /* aside1is */, DSB, ISB, LDR_X(4, 1, 0), NOP);
    CHECK_EQ(bare->s->x[4], 0xa);
    /* A range: one granule of 4 KiB at BaseADDR. NUM 0 and SCALE 0 stand for two pages. */
    a64_page_set(bare, PAGE_A, PAGE_B | A64_PAGE | A64_NG);
    bare->s->x[5] = PAGE_A >> 12 | (uint64_t)1 << 46 | (uint64_t)0x1234 << 48;
    A64_EXEC(bare, SYS(0, 8, 6, 1, 5) /* rvae1 */, DSB, ISB, LDR_X(4, 1, 0), NOP);
    CHECK_EQ(bare->s->x[4], 0xb);
    /* A global page is in all of them. */
    a64_page_set(bare, PAGE_A, PAGE_A | A64_PAGE);
    bare->s->x[5] = PAGE_A >> 12;
    A64_EXEC(bare, SYS(0, 8, 7, 3, 5) /* vaae1 */, LDR_X(4, 1, 0), MSR(TTBR0_EL1, 3), LDR_X(6, 1, 0));
    CHECK_EQ(bare->s->x[4], 0xa);
    CHECK_EQ(bare->s->x[6], 0xa);
    a64_destroy(bare);
}

static void address_translation(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    a64_page_set(bare, PAGE_A, PAGE_B | A64_PAGE);
    bare->s->x[1] = PAGE_A + 0x123;
    A64_EXEC(bare, SYS(0, 7, 8, 0, 1) /* at s1e1r */, MRS(0, PAR_EL1));
    CHECK_EQ(bare->s->x[0], (uint64_t)0xff << 56 | PAGE_B | 1 << 11 | 3 << 7);
    A64_EXEC(bare, SYS(0, 7, 8, 2, 1) /* at s1e0r */, MRS(0, PAR_EL1));
    CHECK_EQ(bare->s->x[0], 1 << 11 | (FSC_PERMISSION + 3) << 1 | 1);
    bare->s->x[1] = A64_DEVICE;
    A64_EXEC(bare, SYS(0, 7, 8, 1, 1) /* at s1e1w */, MRS(0, PAR_EL1));
    CHECK_EQ(bare->s->x[0], A64_DEVICE | 1 << 11 | 2 << 7);
    bare->s->x[1] = PAGE_A;
    a64_page_set(bare, PAGE_A, PAGE_A | A64_PAGE | A64_USER);
    A64_EXEC(bare, 0xd500419f /* msr pan, #1 */, SYS(0, 7, 8, 0, 1), MRS(0, PAR_EL1),
             SYS(0, 7, 9, 0, 1) /* s1e1rp */, MRS(2, PAR_EL1));
    CHECK_EQ(bare->s->x[0] & 1, 0);
    CHECK_EQ(bare->s->x[2], 1 << 11 | (FSC_PERMISSION + 3) << 1 | 1);
    /* An external abort of the walk is an exception, and PAR_EL1 stays. */
    a64_store(bare, A64_TABLES + 16, A64_HOLE | 3);
    bare->s->x[1] = (uint64_t)2 << 30;
    bare->s->par_el1 = 0x5555;
    A64_EXEC(bare, SYS(0, 7, 8, 0, 1));
    check_abort(bare, 1, (FSC_EXTERNAL_WALK + 2) | 1 << 6 | 1 << 8, (uint64_t)2 << 30);
    CHECK_EQ(bare->s->par_el1, 0x5555);
    /* The MMU off: flat, as far as addresses go. */
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 & ~SCTLR_M);
    bare->s->x[1] = (uint64_t)1 << 52;
    A64_EXEC(bare, SYS(0, 7, 8, 0, 1), MRS(0, PAR_EL1));
    CHECK_EQ(bare->s->x[0], 0x801 | FSC_ADDRESS_SIZE << 1);
    a64_destroy(bare);
}

static void zeroing(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 3, 0, 0, 7)), 4); /* 64 bytes */
    for (unsigned n = 0; n < 24; n++)
        a64_store(bare, A64_DATA + 8 * n, ~(uint64_t)0);
    bare->s->x[1] = A64_DATA + 64 + 13;
    for (unsigned round = 0; round < 2; round++) {
        A64_EXEC(bare, SYS(3, 7, 4, 1, 1));
        for (unsigned n = 0; n < 24; n++)
            CHECK_EQ(a64_load(bare, A64_DATA + 8 * n), n / 8 == 1 ? 0 : ~(uint64_t)0);
    }
    bare->s->x[1] = A64_CODE + 5;
    A64_EXEC(bare, SYS(3, 7, 4, 1, 1));
    check_abort(bare, 1, FSC_PERMISSION + 3 + (1 << 6), A64_CODE + 5);
    /* Maintenance by address translates, and reports CM and WnR. */
    bare->s->x[1] = (uint64_t)1 << 38;
    A64_EXEC(bare, SYS(3, 7, 14, 1, 1) /* dc civac */);
    check_abort(bare, 1, FSC_TRANSLATION + 1 + (1 << 6) + (1 << 8), (uint64_t)1 << 38);
    /* PAN is for loads and stores, not for maintenance. */
    bare->s->x[1] = A64_DATA;
    A64_EXEC(bare, 0xd500419f /* msr pan, #1 */, SYS(3, 7, 10, 1, 1) /* dc cvac */,
             SYS(3, 7, 5, 1, 1) /* ic ivau */);
    RAN_TO_END(bare);
    a64_destroy(bare);
}

/* Code that changes itself, without any maintenance but what the manual asks for. */
static void self_modification(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    const uint64_t code = A64_DATA + 0x100; /* writable by EL1, and not by EL0 */
    a64_page_set(bare, A64_DATA, A64_DATA | A64_PAGE);
    bare->s->x[1] = code;
    bare->s->x[2] = MOVZ(0, 2) | (uint64_t)RET << 32;
    A64_PUT(bare, code, MOVZ(0, 1), RET);
    A64_EXEC(bare, BLR(1), ADD_I(5, 0, 0), STR_X(2, 1, 0), SYS(3, 7, 11, 1, 1) /* dc cvau */, DSB,
             SYS(3, 7, 5, 1, 1) /* ic ivau */, DSB, ISB, BLR(1), ADD_I(6, 0, 0));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[5], 1);
    CHECK_EQ(bare->s->x[6], 2);
    a64_destroy(bare);
}

/* BTI: guarded pages look at how they were entered. */
static void branch_targets(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    const uint64_t code = A64_CODE + 0x1000;
    const uint32_t bti_c = 0xd503245f, bti_j = 0xd503249f, bti = 0xd503241f, bti_jc = 0xd50324df,
                   paciasp = 0xd503233f;
    static const struct {
        uint32_t branch;
        bool from_guarded;
        unsigned type;
    } branches[] = {{BR(1), false, 1}, {BR(16), true, 1}, {BLR(1), true, 2}, {BR(1), true, 3}};
    const struct {
        uint32_t landing;
        uint8_t takes;
    } landings[] = {{NOP, 1}, {bti, 1}, {bti_c, 0x7}, {bti_j, 0xb}, {bti_jc, 0xf}, {paciasp, 0xf}};
    for (size_t b = 0; b < ARRAY_LEN(branches); b++) {
        for (size_t l = 0; l < ARRAY_LEN(landings); l++) {
            for (unsigned round = 0; round < 2; round++) {
                test_context("branch %zu to landing %zu", b, l);
                uint64_t from = branches[b].from_guarded ? A64_GP : 0;
                a64_page_set(bare, A64_CODE, A64_CODE | A64_PAGE | A64_USER | A64_RO | from);
                a64_page_set(bare, code, code | A64_PAGE | A64_USER | A64_RO | A64_GP);
                A64_PUT(bare, code, landings[l].landing, B(-0x1004 + 4));
                bare->s->x[1] = bare->s->x[16] = code;
                a64_enter(bare, 1);
                A64_EXEC(bare, branches[b].branch, NOP);
                if (landings[l].takes >> branches[b].type & 1) {
                    RAN_TO_END(bare);
                } else {
                    a64_check_exception(bare, A64_SYNC, EC_BTI, branches[b].type, code);
                    CHECK_EQ(bare->s->spsr_el1 >> 10 & 3, branches[b].type);
                }
            }
        }
    }
    test_context(NULL);
    /* SCTLR_EL1.BT1: PACIASP is then BTI c. */
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 | SCTLR_BT1);
    A64_PUT(bare, code, paciasp, RET);
    A64_EXEC(bare, BR(1));
    a64_check_exception(bare, A64_SYNC, EC_BTI, 3, code);
    /* Not guarded: anything goes, and a return never cares. */
    a64_page_set(bare, code, code | A64_PAGE | A64_USER | A64_RO);
    A64_PUT(bare, code, NOP, RET);
    A64_EXEC(bare, SYS(0, 8, 7, 0, 31), BLR(1), NOP);
    RAN_TO_END(bare);
    a64_destroy(bare);
}

static const struct test_case cases[] = {
    {"aborts", aborts},
    {"page_crossing", page_crossing},
    {"alignment", alignment},
    {"atomic_alignment", atomic_alignment},
    {"normal_without_memory", normal_without_memory},
    {"exclusives", exclusives},
    {"unprivileged", unprivileged},
    {"tagged_addresses", tagged_addresses},
    {"address_spaces", address_spaces},
    {"address_translation", address_translation},
    {"zeroing", zeroing},
    {"self_modification", self_modification},
    {"branch_targets", branch_targets},
};
TEST_SUITE(a64_memory_test, "unit", cases);
