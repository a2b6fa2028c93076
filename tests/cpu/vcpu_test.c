/* The part of a vCPU all cores share: work run for it, waiting for one another, sleeping and waking. */
#include "cpu/cpu.h"

#include "host/clock.h"
#include "tests/cpu/riscv64/bare.h"

static void note_thread(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    *(struct vcpu **)arg = vcpu_self();
}

/* Not running: at once, on the caller's thread. */
static void work_while_idle(void)
{
    struct bare *bare = bare_create(NULL);
    struct vcpu *self = bare->vcpu;
    vcpu_call(bare->vcpu, NULL, note_thread, &self, false);
    CHECK(self == NULL);
    bare_destroy(bare);
}

struct endless {
    struct vcpu *vcpu;
    struct vcpu_exit exit;
    struct host_thread thread;
};

static void *endless_thread(void *opaque)
{
    struct endless *endless = opaque;
    do
        vcpu_run(endless->vcpu, &endless->exit);
    while (!__atomic_load_n(&endless->vcpu->stop, __ATOMIC_SEQ_CST));
    return NULL;
}

static void endless_stop(struct endless *endless)
{
    __atomic_store_n(&endless->vcpu->stop, 1, __ATOMIC_SEQ_CST);
    vcpu_kick(endless->vcpu);
    host_thread_join(&endless->thread);
    CHECK_EQ(endless->exit.reason, EXIT_KICKED);
}

static bool endless_start(struct bare *bare, struct endless *endless)
{
    struct error err;
    BARE_PUT(bare, BARE_RAM, JAL(zero, 0));
    riscv64_ops.pc_set(endless->vcpu, BARE_RAM);
    return CHECK(host_thread_create(&endless->thread, "vcpu", endless_thread, endless, &err));
}

static bool is_running(struct vcpu *vcpu)
{
    host_mutex_lock(&vcpu->work_lock);
    bool running = vcpu->running;
    host_mutex_unlock(&vcpu->work_lock);
    return running;
}

/* Running: on its own thread, in order, between two blocks. */
static void work_while_running(void)
{
    struct bare *bare = bare_create(NULL);
    struct endless endless = {.vcpu = bare->vcpu};
    if (!endless_start(bare, &endless))
        return;
    while (!is_running(bare->vcpu))
        ;
    for (unsigned i = 0; i < 1000; i++) {
        struct vcpu *self = NULL;
        vcpu_call(bare->vcpu, NULL, note_thread, &self, true);
        CHECK(self == bare->vcpu);
    }
    endless_stop(&endless);
    bare_destroy(bare);
}

static void count_up(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    __atomic_fetch_add((uint64_t *)arg, 1, __ATOMIC_RELAXED);
}

/* A hart whose environment calls ask the other one to count, and the thread that runs it, as a board does. */
struct caller {
    struct vcpu *self, *other;
    uint64_t calls, answered;
    struct host_thread thread;
};

#define CALLS 2000

static void *caller_thread(void *opaque)
{
    struct caller *caller = opaque;
    struct vcpu_exit exit;
    for (;;) {
        vcpu_run(caller->self, &exit);
        if (exit.reason != EXIT_HYPERCALL)
            return NULL;
        vcpu_call(caller->other, caller->self, count_up, &caller->answered, true);
        caller->calls++;
    }
}

static struct vcpu *caller_create(struct bare *bare, unsigned index)
{
    struct error err;
    const struct cpu_config config = {
        .model = "max", .index = index, .mem = &bare->mem, .clock = bare->clock, .hypercalls = true};
    struct vcpu *vcpu = riscv64_ops.create(&config, &err);
    vcpu->engine = &interpreter_engine;
    riscv_hart_start(vcpu, BARE_RAM, 0);
    return vcpu;
}

/* Two vCPUs that wait for each other's work, sometimes while the other waits itself. */
static void mutual_calls(void)
{
    struct bare *bare = bare_create(NULL);
    struct error err;
    struct caller callers[2] = {0};
    BARE_PUT(bare, BARE_RAM, LI(s0, CALLS), ECALL, ADDI(s0, s0, -1), BNE(s0, zero, -8), WFI);
    for (unsigned i = 0; i < 2; i++)
        callers[i].self = callers[1 - i].other = caller_create(bare, i + 1);
    for (unsigned i = 0; i < 2; i++) {
        if (!CHECK(host_thread_create(&callers[i].thread, "caller", caller_thread, &callers[i], &err)))
            return;
    }
    for (unsigned i = 0; i < 2; i++)
        host_thread_join(&callers[i].thread);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(callers[i].calls, CALLS);
        CHECK_EQ(callers[i].answered, CALLS);
        riscv64_ops.destroy(callers[i].self);
    }
    bare_destroy(bare);
}

/* ---- sleeping ---- */

static void *wake_thread(void *opaque)
{
    struct bare *bare = opaque;
    while (!__atomic_load_n(&bare->vcpu->sleeping, __ATOMIC_SEQ_CST))
        ;
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_MSI, true);
    return NULL;
}

static void sleep_and_wake(void)
{
    struct bare *bare = bare_create(NULL);
    struct host_thread thread;
    struct error err;
    BARE_EXEC(bare, WFI);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK(bare->vcpu->halted);
    bare->s->mie = BIT(INT_MSI);
    vcpu_sleep(bare->vcpu, host_clock_ns()); /* a deadline that has come */
    CHECK(!riscv64_ops.has_work(bare->vcpu));
    if (!CHECK(host_thread_create(&thread, "wake", wake_thread, bare, &err)))
        return;
    vcpu_sleep(bare->vcpu, UINT64_MAX);
    CHECK(riscv64_ops.has_work(bare->vcpu));
    host_thread_join(&thread);
    bare->vcpu->stop = 1;
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_MSI, false);
    vcpu_sleep(bare->vcpu, UINT64_MAX); /* a stop request is a reason not to sleep */
    bare_destroy(bare);
}

/* ---- a register access that waits ---- */

struct waited {
    struct vcpu *vcpu;
    bool ready, worked;
};

static bool waited_ready(void *opaque)
{
    return __atomic_load_n(&((struct waited *)opaque)->ready, __ATOMIC_SEQ_CST);
}

static void waited_work(struct vcpu *vcpu, void *arg)
{
    struct waited *waited = arg;
    CHECK(vcpu_self() == vcpu);
    waited->worked = true;
}

/* Work is done while it waits; then it becomes ready, or is to stop. */
static void *waker_thread(void *opaque)
{
    struct waited *waited = opaque;
    while (!__atomic_load_n(&waited->vcpu->sleeping, __ATOMIC_SEQ_CST))
        ;
    vcpu_call(waited->vcpu, NULL, waited_work, waited, true);
    __atomic_store_n(&waited->ready, true, __ATOMIC_SEQ_CST);
    vcpu_kick(waited->vcpu);
    return NULL;
}

static void wait_in_access(void)
{
    struct bare *bare = bare_create(NULL);
    struct waited waited = {.vcpu = bare->vcpu};
    struct host_thread thread;
    struct error err;
    vcpu_hold(bare->vcpu);
    CHECK(!vcpu_wait(bare->vcpu, host_clock_ns(), waited_ready, &waited)); /* a deadline that has come */
    if (CHECK(host_thread_create(&thread, "waker", waker_thread, &waited, &err))) {
        CHECK(vcpu_wait(bare->vcpu, UINT64_MAX, waited_ready, &waited));
        CHECK(waited.worked);
        host_thread_join(&thread);
    }
    waited.ready = false;
    bare->vcpu->stop = 1;
    CHECK(!vcpu_wait(bare->vcpu, UINT64_MAX, waited_ready, &waited)); /* a stop request ends it */
    vcpu_release(bare->vcpu);
    bare_destroy(bare);
}

static const struct test_case cases[] = {
    {"work_while_idle", work_while_idle}, {"work_while_running", work_while_running},
    {"mutual_calls", mutual_calls},       {"sleep_and_wake", sleep_and_wake},
    {"wait_in_access", wait_in_access},
};
TEST_SUITE(vcpu_test, "unit", cases);
