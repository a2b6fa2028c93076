/*
 * The interpreter as an engine: exact instruction counts, limits, kicks, steps, breakpoints and watchpoints,
 * self-modifying code, and that handlers really jump to one another.
 */
#include <pthread.h>

#include "cpu/riscv64/formats.h"
#include "tests/cpu/riscv64/bare.h"

/* A fault in the middle of a block takes back what the block had counted in advance. */
static void count_at_fault(void)
{
    struct bare *bare = bare_create(NULL);
    for (unsigned before = 0; before < 5; before++) {
        uint32_t code[8];
        for (unsigned i = 0; i < 8; i++)
            code[i] = ADDI(a0, a0, 1);
        code[before] = LW(a1, zero, 0);
        test_context("fault after %u", before);
        bare_put(bare, BARE_RAM, code, 8);
        bare->s->x[a0] = 0;
        uint64_t start = bare->vcpu->icount;
        bare_run(bare, BARE_RAM);
        CHECK_EQ(bare->s->mcause, EXC_LOAD_ACCESS);
        CHECK_EQ(bare->s->mepc, BARE_RAM + 4 * before);
        CHECK_EQ(bare->s->x[a0], before);
        CHECK_EQ(bare->vcpu->icount - start, before);
    }
    bare_destroy(bare);
}

/* run() retires exactly up to the end of the slice, wherever that is in a block. */
static void slices(void)
{
    struct bare *bare = bare_create(NULL);
    BARE_PUT(bare, BARE_RAM, ADDI(a0, a0, 1), ADDI(a0, a0, 1), ADDI(a0, a0, 1), ADDI(a0, a0, 1),
             ADDI(a0, a0, 1), JAL(zero, -20));
    riscv64_ops.pc_set(bare->vcpu, BARE_RAM);
    bare->s->x[a0] = 0;
    uint64_t total = 0, start = bare->vcpu->icount;
    for (unsigned slice = 1; slice < 40; slice++) {
        total += slice;
        bare->vcpu->slice_end = start + total;
        vcpu_run(bare->vcpu, &bare->exit);
        CHECK_EQ(bare->exit.reason, EXIT_KICKED);
        CHECK_EQ(bare->vcpu->icount, start + total);
        CHECK_EQ(bare->s->x[a0], total - total / 6);
        CHECK_EQ(bare->s->pc, BARE_RAM + 4 * (total % 6));
    }
    bare_destroy(bare);
}

struct kicker {
    struct bare *bare;
    uint32_t seen;
};

/* Runs on the vCPU's thread between two blocks, where state is true. */
static void stop_from_inside(struct vcpu *vcpu, void *arg)
{
    struct kicker *kicker = arg;
    kicker->seen = riscv_state(vcpu)->pc == BARE_RAM && riscv_state(vcpu)->x[a0] != 0;
    __atomic_store_n(&vcpu->stop, 1, __ATOMIC_SEQ_CST);
    vcpu_kick(vcpu);
}

static void *kick_thread(void *opaque)
{
    struct kicker *kicker = opaque;
    while (!__atomic_load_n(&kicker->bare->device, __ATOMIC_SEQ_CST))
        ;
    vcpu_call(kicker->bare->vcpu, NULL, stop_from_inside, kicker, true);
    return NULL;
}

/* An endless loop is left when another thread asks. */
static void kicked_from_outside(void)
{
    struct bare *bare = bare_create(NULL);
    struct kicker kicker = {.bare = bare};
    struct host_thread thread;
    struct error err;
    BARE_PUT(bare, BARE_RAM, ADDI(a0, a0, 1), JAL(zero, -4));
    if (!CHECK(host_thread_create(&thread, "kicker", kick_thread, &kicker, &err)))
        return;
    __atomic_store_n(&bare->device, 1, __ATOMIC_SEQ_CST);
    bare->plain = true;
    bare_run(bare, BARE_RAM);
    host_thread_join(&thread);
    /* The call may have come before the run or in it: then it saw true state between two blocks. */
    CHECK_EQ(bare->exit.reason, EXIT_KICKED);
    CHECK(kicker.seen || bare->s->x[a0] == 0);
    CHECK_EQ(bare->s->pc, BARE_RAM);
    bare_destroy(bare);
}

static void single_steps(void)
{
    struct bare *bare = bare_create(NULL);
    BARE_PUT(bare, BARE_RAM, LI(a0, 1), JAL(zero, 8), NOP, ECALL);
    riscv64_ops.pc_set(bare->vcpu, BARE_RAM);
    bare->vcpu->single_step = true;
    const uint64_t expected[] = {BARE_RAM + 4, BARE_RAM + 12, BARE_TRAP};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        vcpu_run(bare->vcpu, &bare->exit);
        CHECK_EQ(bare->exit.reason, EXIT_DEBUG);
        CHECK_EQ(bare->s->pc, expected[i]);
    }
    bare_destroy(bare);
}

static void breakpoints(void)
{
    struct bare *bare = bare_create(NULL);
    BARE_PUT(bare, BARE_RAM, LI(a0, 0), ADDI(a0, a0, 1), ADDI(a0, a0, 1), JAL(zero, -8));
    bare->end = BARE_RAM + 8;
    bare_run(bare, BARE_RAM);
    for (unsigned round = 0; round < 3; round++) {
        CHECK_EQ(bare->exit.reason, EXIT_DEBUG);
        CHECK(!bare->exit.debug.watchpoint);
        CHECK_EQ(bare->exit.debug.address, BARE_RAM + 8);
        CHECK_EQ(bare->s->pc, BARE_RAM + 8);
        CHECK_EQ(bare->s->x[a0], 2 * round + 1);
        vcpu_run(bare->vcpu, &bare->exit); /* goes on, and meets it again in the next round */
    }
    bare_destroy(bare);
}

static void watchpoints(void)
{
    struct bare *bare = bare_create(NULL);
    const uint64_t data = BARE_RAM + 0x2000;
    bare->s->x[a1] = data;
    bare->plain = true;
    BARE_PUT(bare, BARE_RAM, SD(a1, a1, 8), LD(a2, a1, 0), SW(a1, a1, 4), LI(a3, 1), WFI);
    bare_run(bare, BARE_RAM); /* TLB and blocks are warm */
    bare->debug.count = 1;
    bare->debug.points[0].address = data + 6;
    bare->debug.points[0].len = 1;
    bare->debug.points[0].access = WALK_WRITE;
    bare->debug.any_watch = true;
    bare->s->x[a3] = 0;
    riscv64_ops.code_drop_all(bare->vcpu);
    riscv64_ops.pc_set(bare->vcpu, BARE_RAM);
    bare->s->waiting = 0;
    bare_store(bare, data, 0);
    vcpu_run(bare->vcpu, &bare->exit);
    CHECK_EQ(bare->exit.reason, EXIT_DEBUG);
    CHECK(bare->exit.debug.watchpoint);
    CHECK_EQ(bare->exit.debug.address, data + 4);
    CHECK_EQ(bare->s->pc, BARE_RAM + 8); /* before the store */
    CHECK_EQ(bare_load(bare, data), 0);
    vcpu_run(bare->vcpu, &bare->exit);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(bare->s->x[a3], 1);
    CHECK_EQ(bare_load(bare, data) >> 32, data & 0xffffffff);
    bare_destroy(bare);
}

/* ---- self-modifying code ---- */

/* A loop overwrites an instruction of its own later half, and fences. */
static void self_modifying(void)
{
    struct bare *bare = bare_create(NULL);
    bare->s->x[a1] = BARE_RAM + 16;     /* the instruction that changes */
    bare->s->x[a2] = ADDI(a0, a0, 100); /* into this */
    bare->s->x[a3] = 2;                 /* rounds */
    BARE_EXEC(bare, LI(a0, 0), NOP, NOP, JAL(zero, 4), ADDI(a0, a0, 1), SW(a2, a1, 0), FENCE_I,
              ADDI(a3, a3, -1), BNE(a3, zero, -20));
    CHECK_EQ(bare->s->x[a0], 101);
    bare_destroy(bare);
}

/* The same from outside, as a device's DMA would: links and jump cache must not find the old code. */
static void code_written_by_others(void)
{
    struct bare *bare = bare_create(NULL);
    BARE_EXEC(bare, JAL(ra, 8), JAL(zero, 12), ADDI(a0, a0, 1), JALR(zero, ra, 0));
    bare->s->x[a0] = 0;
    bare->plain = true;
    BARE_PUT(bare, BARE_RAM + 16, WFI);
    for (unsigned i = 1; i < 5; i++) {
        BARE_PUT(bare, BARE_RAM + 8, ADDI(a0, zero, (int32_t)(10 * i)));
        riscv64_ops.pc_set(bare->vcpu, BARE_RAM);
        bare->s->waiting = 0;
        vcpu_run(bare->vcpu, &bare->exit);
        CHECK_EQ(bare->s->x[a0], 10 * i);
    }
    bare_destroy(bare);
}

/* Data beside code in a page stays data. */
static void data_in_code_page(void)
{
    struct bare *bare = bare_create(NULL);
    bare->s->x[a1] = BARE_RAM + 0x800;
    bare_store(bare, BARE_RAM + 0x800, 0);
    BARE_EXEC(bare, LI(a2, 100), LD(a0, a1, 0), ADDI(a0, a0, 1), SD(a0, a1, 0), ADDI(a2, a2, -1),
              BNE(a2, zero, -16));
    CHECK_EQ(bare_load(bare, BARE_RAM + 0x800), 100);
    bare_destroy(bare);
}

/* More code than the cache holds. */
static void full_cache(void)
{
    struct bare *bare = bare_create(NULL);
    const unsigned jumps = 200000; /* blocks of one instruction, each a jump to the next */
    for (unsigned i = 0; i < jumps; i++)
        BARE_PUT(bare, BARE_RAM + 0x200000 + 4 * i, JAL(zero, 4));
    bare->end = BARE_RAM + 0x200000 + 4 * jumps;
    for (unsigned round = 0; round < 2; round++) {
        uint64_t start = bare->vcpu->icount;
        bare_run(bare, BARE_RAM + 0x200000);
        CHECK_EQ(bare->s->pc, bare->end);
        CHECK_EQ(bare->vcpu->icount - start, jumps);
    }
    bare_destroy(bare);
}

/* ---- no stack ---- */

static void *run_thread(void *opaque)
{
    struct bare *bare = opaque;
    bare_run(bare, BARE_RAM);
    return NULL;
}

/* Run at BARE_RAM with little stack, so that a handler which calls its successor soon has none. */
static void run_with_small_stack(struct bare *bare)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * KIB);
    if (CHECK(pthread_create(&thread, &attributes, run_thread, bare) == 0))
        pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

/* Two million instructions of every way from one block to the next, and through the slow paths. */
static void stack_depth(void)
{
    struct bare *bare = bare_create(NULL);
    bare->s->x[a1] = BARE_RAM + 0x3ff8; /* the end of a page */
    bare->s->x[a4] = BARE_RAM + 8;      /* an instruction's address: its page is watched for writes */
    bare->s->x[a5] = BARE_DEVICE;
    bare->s->x[a2] = 100000;
    bare->s->x[a6] = BARE_RAM + 0x1000; /* a function in another page */
    BARE_PUT(bare, BARE_RAM + 0x1000, ADDI(a7, a7, 1), JALR(zero, ra, 0));
    BARE_PUT(bare, BARE_RAM, LD(a3, a1, 0), SD(a3, a1, 8), LD(a3, a1, 5), asm_r(0x0000302f, a3, a1, a3),
             LR_D(a3, a1), SC_D(a3, a3, a1), LW(t0, a4, 0), SW(t0, a4, 1024), LW(t0, a5, 0), SW(t0, a5, 4),
             CSRRS(t0, 0x340, zero), CSRRW(zero, 0x340, t0), JALR(ra, a6, 0), BEQ(zero, zero, 8), NOP,
             BNE(zero, zero, 8), ADD(t0, t1, t2), ADDI(a2, a2, -1), BNE(a2, zero, -72));
    bare->end = BARE_RAM + 4 * 19;
    run_with_small_stack(bare);
    CHECK_EQ(bare->s->x[a7], 100000);
    CHECK_EQ(bare->s->pc, bare->end);
    bare_destroy(bare);
}

/* The same for each handler that stays in its block: at two words a call, 30000 are more than the stack. */
static void every_handler_jumps(void)
{
    static const struct {
        const char *id;
        uint32_t match, mask;
        enum riscv_row_flag flags;
    } rows[] = {
#define INSN(id, match, mask, format, ext, flags) {#id, match, mask, ROW_##flags},
#include "cpu/riscv64/insns.def"
#undef INSN
    };
    enum { COPIES = 60, ROUNDS = 500 };
    struct bare *bare = bare_create(NULL);
    bare->end = BARE_RAM + 4 * (COPIES + 2);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].flags == ROW_END)
            continue;
        test_context("%s", rows[i].id);
        uint32_t insn = rows[i].match | (asm_r(0, s0, a1, a0) & ~rows[i].mask), code[COPIES + 2];
        for (unsigned n = 0; n < COPIES; n++)
            code[n] = insn;
        code[COPIES] = ADDI(t0, t0, -1);
        code[COPIES + 1] = BNE(t0, zero, -4 * (COPIES + 1));
        bare_put(bare, BARE_RAM, code, COPIES + 2);
        bare->s->mstatus = MSTATUS_FS;
        bare->s->x[a1] = BARE_RAM + 0x3000;
        bare->s->x[t0] = ROUNDS;
        run_with_small_stack(bare);
        CHECK_EQ(bare->s->pc, bare->end);
    }
    bare_destroy(bare);
}

static const struct test_case cases[] = {
    {"count_at_fault", count_at_fault},
    {"slices", slices},
    {"kicked_from_outside", kicked_from_outside},
    {"single_steps", single_steps},
    {"breakpoints", breakpoints},
    {"watchpoints", watchpoints},
    {"self_modifying", self_modifying},
    {"code_written_by_others", code_written_by_others},
    {"data_in_code_page", data_in_code_page},
    {"full_cache", full_cache},
    {"stack_depth", stack_depth},
    {"every_handler_jumps", every_handler_jumps},
};
TEST_SUITE(rv_run_test, "unit", cases);
