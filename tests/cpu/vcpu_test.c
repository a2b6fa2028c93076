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

struct caller {
    struct vcpu *self, *other;
    uint64_t calls;
};

static void call_other(struct vcpu *vcpu, void *arg)
{
    struct caller *caller = arg;
    (void)vcpu;
    for (unsigned i = 0; i < 1000; i++)
        vcpu_call(caller->other, caller->self, count_up, &caller->calls, true);
}

static void *call_thread(void *opaque)
{
    struct caller *caller = opaque;
    vcpu_call(caller->self, NULL, call_other, caller, true);
    return NULL;
}

/* Two running vCPUs that wait for each other's work: each does the other's meanwhile. */
static void mutual_calls(void)
{
    struct bare *a = bare_create(NULL), *b = bare_create(NULL);
    struct endless run_a = {.vcpu = a->vcpu}, run_b = {.vcpu = b->vcpu};
    struct caller from_a = {a->vcpu, b->vcpu, 0}, from_b = {b->vcpu, a->vcpu, 0};
    struct host_thread call_a, call_b;
    struct error err;
    if (!endless_start(a, &run_a) || !endless_start(b, &run_b))
        return;
    if (!CHECK(host_thread_create(&call_a, "call", call_thread, &from_a, &err)) ||
        !CHECK(host_thread_create(&call_b, "call", call_thread, &from_b, &err)))
        return;
    host_thread_join(&call_a);
    host_thread_join(&call_b);
    CHECK_EQ(from_a.calls, 1000);
    CHECK_EQ(from_b.calls, 1000);
    endless_stop(&run_a);
    endless_stop(&run_b);
    bare_destroy(a);
    bare_destroy(b);
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

static const struct test_case cases[] = {
    {"work_while_idle", work_while_idle},
    {"work_while_running", work_while_running},
    {"mutual_calls", mutual_calls},
    {"sleep_and_wake", sleep_and_wake},
};
TEST_SUITE(vcpu_test, "unit", cases);
