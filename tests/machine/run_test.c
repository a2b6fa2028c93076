/* Run control, with a core that only counts and an engine that follows a script. */
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "machine/machine_run.h"
#include "tests/harness/test.h"

#define VCPUS 3
#define MS    1000000ull

/* What the engine's run() does; the core's only state is its program counter. */
enum script {
    SPIN,  /* count until told to stop */
    SLEEP, /* halt, until woken */
    BREAK, /* a breakpoint once 1000 is reached */
    CALL,  /* a hypercall every 1000 */
    DIE,
    FAIL_AT_ONCE,
};

struct toy {
    struct vcpu vcpu;
    uint64_t pc;
    bool woken;
    unsigned resets, calls;
    enum script script;
};

static struct toy toys[VCPUS];
static enum script script_of[VCPUS];
static unsigned boots;

static void toy_code_drop(struct vcpu *vcpu, gpa_t p, uint64_t len)
{
    (void)vcpu, (void)p, (void)len;
}

static void toy_code_drop_all(struct vcpu *vcpu)
{
    (void)vcpu;
}

static struct toy *toy_of(struct vcpu *vcpu)
{
    return container_of(vcpu, struct toy, vcpu);
}

static const struct cpu_ops toy_ops;

static struct vcpu *toy_create(const struct cpu_config *config, struct error *err)
{
    struct toy *toy = &toys[config->index];
    *toy = (struct toy){.script = script_of[config->index]};
    return vcpu_init(&toy->vcpu, &toy_ops, config, err) ? &toy->vcpu : NULL;
}

static void toy_destroy(struct vcpu *vcpu)
{
    vcpu_fini(vcpu);
}

static void toy_reset(struct vcpu *vcpu)
{
    toy_of(vcpu)->resets++;
    toy_of(vcpu)->pc = 0;
    toy_of(vcpu)->woken = false;
}

static uint64_t toy_pc_get(struct vcpu *vcpu)
{
    return toy_of(vcpu)->pc;
}

static void toy_irq_set(struct vcpu *vcpu, unsigned line, bool level)
{
    (void)line;
    __atomic_store_n(&toy_of(vcpu)->woken, level, __ATOMIC_SEQ_CST);
    vcpu_kick(vcpu);
}

static bool toy_has_work(struct vcpu *vcpu)
{
    return __atomic_load_n(&toy_of(vcpu)->woken, __ATOMIC_SEQ_CST);
}

static const struct cpu_ops toy_ops = {
    .name = "toy",
    .create = toy_create,
    .destroy = toy_destroy,
    .reset = toy_reset,
    .pc_get = toy_pc_get,
    .irq_set = toy_irq_set,
    .has_work = toy_has_work,
    .code_drop = toy_code_drop,
    .code_drop_all = toy_code_drop_all,
};

static void toy_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct toy *toy = toy_of(vcpu);
    *exit = (struct vcpu_exit){.reason = EXIT_KICKED};
    for (;;) {
        vcpu_work_do(vcpu);
        if (__atomic_load_n(&vcpu->stop, __ATOMIC_ACQUIRE) || vcpu->icount >= vcpu->slice_end)
            return;
        if (toy->script == DIE || toy->script == FAIL_AT_ONCE) {
            exit->reason = toy->script == DIE ? EXIT_SHUTDOWN : EXIT_ERROR;
            strcpy(exit->text, "as the script says");
            return;
        }
        if (toy->script == SLEEP && !toy_has_work(vcpu)) {
            exit->reason = EXIT_HALT;
            return;
        }
        if (toy->script == BREAK && toy->pc == 1000 && !vcpu->single_step) {
            exit->reason = EXIT_DEBUG;
            exit->debug.address = toy->pc;
            return;
        }
        toy->pc++;
        vcpu->icount++;
        if (vcpu->single_step) {
            exit->reason = EXIT_DEBUG;
            return;
        }
        if (toy->script == CALL && toy->pc % 1000 == 0) {
            exit->reason = EXIT_HYPERCALL;
            return;
        }
    }
}

static bool toy_init(struct vcpu *vcpu, struct error *err)
{
    (void)vcpu, (void)err;
    return true;
}

static void toy_kick(struct vcpu *vcpu)
{
    (void)vcpu;
}

static const struct engine toy_engine = {
    .name = "script", .vcpu_init = toy_init, .run = toy_run, .kick = toy_kick};

/* --- the machine --- */

static struct machine_run *run;
static struct host_timer *timer;
static void (*step_fn)(void);
static unsigned steps;

static void step_due(void *opaque)
{
    (void)opaque;
    steps++;
    step_fn();
}

/* Have fn called on the loop's thread in `ns`. */
static void after(uint64_t ns, void (*fn)(void))
{
    step_fn = fn;
    host_timer_set(timer, host_clock_ns() + ns);
}

static bool board_boot(void *opaque, struct error *err)
{
    (void)opaque, (void)err;
    boots++;
    return true;
}

static void board_call(void *opaque, struct vcpu *vcpu)
{
    (void)opaque;
    struct toy *toy = toy_of(vcpu);
    if (++toy->calls < 5)
        return;
    host_mutex_lock(&run->machine.lock);
    run->machine.request(&run->machine, MACHINE_EXIT, 42);
    host_mutex_unlock(&run->machine.lock);
}

static bool machine_make(const struct run_config *config, enum script first, enum script others)
{
    struct error err = {0};
    struct cpu_config cpu = {0};
    const struct machine_board board = {.hypercall = board_call, .boot = board_boot};
    boots = steps = 0;
    for (unsigned i = 0; i < VCPUS; i++)
        script_of[i] = i ? others : first;
    run = machine_run_create(config, &err);
    if (!CHECK(run))
        return false;
    machine_board_set(run, &board);
    timer = host_timer_create(run->machine.loop, step_due, NULL, NULL);
    return CHECK(machine_vcpus_create(run, &toy_ops, &toy_engine, VCPUS, &cpu, &err)) && CHECK(timer) &&
           CHECK(machine_run_built(run, true));
}

/* Run to the end; the status, or -1 for an error. */
static int machine_finish(void)
{
    int status = -1;
    struct error err = {0};
    if (!machine_run(run, &status, &err)) {
        CHECK_EQ(err.kind, ERROR_HOST);
        status = -1;
    }
    host_timer_destroy(timer);
    machine_run_destroy(run);
    return status;
}

static const struct run_config modes[] = {{0}, {.deterministic = true}};

static void guest_status(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        test_context("mode %zu", i);
        if (machine_make(&modes[i], CALL, SPIN))
            CHECK_EQ(machine_finish(), 42);
        CHECK_EQ(boots, 1);
        CHECK_EQ(toys[0].calls, 5);
        CHECK_EQ(toys[0].pc, 5000);
    }
}

static void deaths(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        log_level_set(LOG_QUIET);
        if (machine_make(&modes[i], DIE, SLEEP))
            CHECK_EQ(machine_finish(), 4);
        if (machine_make(&modes[i], FAIL_AT_ONCE, SPIN))
            CHECK_EQ(machine_finish(), -1);
        log_level_set(LOG_WARN);
    }
}

static void timeouts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct run_config config = modes[i];
        config.timeout_ns = 20 * MS;
        uint64_t start = host_clock_ns();
        if (machine_make(&config, SPIN, SLEEP))
            CHECK_EQ(machine_finish(), 124);
        CHECK(host_clock_ns() - start >= 20 * MS);
        if (machine_make(&config, SLEEP, SLEEP))
            CHECK_EQ(machine_finish(), 124);
    }
}

/* --- pausing --- */

static uint64_t seen[VCPUS], seen_first, seen_time;

static void pause_check(void);

static void pause_start(void)
{
    machine_pause(run);
    CHECK(run->debug.is_stopped(&run->debug));
    seen_time = clock_now(run->machine.clock);
    for (unsigned i = 0; i < VCPUS; i++)
        seen[i] = toys[i].pc;
    if (steps == 1)
        seen_first = seen[0];
    after(5 * MS, pause_check);
}

static void pause_check(void)
{
    for (unsigned i = 0; i < VCPUS; i++)
        CHECK_EQ(toys[i].pc, seen[i]);
    CHECK_EQ(clock_now(run->machine.clock), seen_time);
    machine_resume(run);
    CHECK(!run->debug.is_stopped(&run->debug));
    if (steps < 20)
        after(MS, pause_start);
    else
        machine_end(run, 17);
}

static void pausing(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        test_context("mode %zu", i);
        if (machine_make(&modes[i], SPIN, SLEEP)) {
            after(MS, pause_start);
            CHECK_EQ(machine_finish(), 17);
            CHECK_EQ(steps, 20);
            CHECK(seen[0] > seen_first);
        }
    }
}

/* --- breakpoints and steps --- */

static unsigned stops;

static void stopped(void *opaque, unsigned vcpu, const struct vcpu_exit *exit)
{
    (void)opaque;
    static const enum debug_action step[VCPUS] = {DEBUG_STEP, DEBUG_STAY, DEBUG_STAY};
    static const enum debug_action all[VCPUS] = {DEBUG_CONTINUE, DEBUG_CONTINUE, DEBUG_CONTINUE};
    CHECK_EQ(vcpu, 0);
    CHECK_EQ(exit->reason, EXIT_DEBUG);
    CHECK(run->debug.is_stopped(&run->debug));
    CHECK_EQ(toys[0].pc, 1000 + stops);
    stops++;
    if (stops == 1)
        seen[1] = toys[1].pc;
    CHECK_EQ(toys[1].pc, seen[1]);
    if (stops < 4) {
        run->debug.resume(&run->debug, step);
    } else if (stops == 4) {
        toys[0].script = CALL; /* which ends the machine some thousand counts from here */
        run->debug.resume(&run->debug, all);
    }
}

static void stepping(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        test_context("mode %zu", i);
        stops = 0;
        if (machine_make(&modes[i], BREAK, SPIN)) {
            run->debug.stopped = stopped;
            CHECK_EQ(machine_finish(), 42);
            CHECK_EQ(stops, 4);
        }
    }
}

/* A step without a tool that listens leaves the machine stopped, one instruction further. */
static void step_alone(void)
{
    static const enum debug_action step[VCPUS] = {DEBUG_STEP, DEBUG_STAY, DEBUG_STAY};
    if (steps == 1) {
        run->debug.pause(&run->debug);
        seen[0] = toys[0].pc;
        run->debug.resume(&run->debug, step);
        after(5 * MS, step_alone);
        return;
    }
    CHECK(run->debug.is_stopped(&run->debug));
    CHECK_EQ(toys[0].pc, seen[0] + 1);
    run->debug.quit(&run->debug);
}

static void stepping_alone(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        test_context("mode %zu", i);
        if (machine_make(&modes[i], SPIN, SPIN)) {
            after(MS, step_alone);
            CHECK_EQ(machine_finish(), 0);
        }
    }
}

/* --- resets --- */

static void reset_ask(void)
{
    if (steps < 5) {
        run->machine.request(&run->machine, MACHINE_RESET, 0);
        after(2 * MS, reset_ask);
    } else {
        run->machine.request(&run->machine, MACHINE_POWER_OFF, 9);
    }
}

static void resets(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        test_context("mode %zu", i);
        if (machine_make(&modes[i], SPIN, SLEEP)) {
            after(2 * MS, reset_ask);
            CHECK_EQ(machine_finish(), 0);
            CHECK_EQ(boots, 5);
            CHECK_EQ(toys[2].resets, 5);
        }
    }
}

/* --- time --- */

static uint64_t fired[3];
static struct clock_timer *clock_timers[3];

static void timer_fired(void *opaque)
{
    size_t i = (size_t)(uintptr_t)opaque;
    fired[i] = clock_now(run->machine.clock);
    if (i == 2)
        machine_end(run, 3);
    else
        toys[1].vcpu.ops->irq_set(&toys[1].vcpu, 0, i == 0); /* busy from the first to the second */
}

static void timers(void)
{
    static const uint64_t deadlines[3] = {3 * MS, 3 * MS + 12345, 9 * MS};
    for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
        test_context("mode %zu", mode);
        if (!machine_make(&modes[mode], SLEEP, SLEEP))
            return;
        for (size_t i = 0; i < 3; i++) {
            clock_timers[i] = clock_timer_create(run->machine.clock, timer_fired, (void *)(uintptr_t)i);
            clock_timer_set(clock_timers[i], deadlines[i]);
        }
        int status = -1;
        struct error err;
        CHECK(machine_run(run, &status, &err));
        CHECK_EQ(status, 3);
        for (size_t i = 0; i < 3; i++) {
            CHECK(fired[i] >= deadlines[i]);
            /* Counted time is exact, to an instruction of 10 ns. */
            if (modes[mode].deterministic)
                CHECK(fired[i] < deadlines[i] + 10);
            clock_timer_destroy(clock_timers[i]);
        }
        /* 12345 ns of work at 10 ns each. */
        if (modes[mode].deterministic)
            CHECK_EQ(toys[1].pc, 1235);
        host_timer_destroy(timer);
        machine_run_destroy(run);
    }
}

/* The ways there are, as the interface of modes has them (modes/mode.h); there is no other. */
static void states(void)
{
    static const struct {
        enum machine_state from, to;
    } ways[] = {{MACHINE_CREATING, MACHINE_STOPPED},   {MACHINE_CREATING, MACHINE_DESTROYING},
                {MACHINE_STOPPED, MACHINE_RUNNING},    {MACHINE_STOPPED, MACHINE_PAUSED},
                {MACHINE_STOPPED, MACHINE_DESTROYING}, {MACHINE_RUNNING, MACHINE_PAUSED},
                {MACHINE_RUNNING, MACHINE_STOPPED},    {MACHINE_PAUSED, MACHINE_RUNNING},
                {MACHINE_PAUSED, MACHINE_STOPPED}};
    for (int from = 0; from < MACHINE_STATE_COUNT; from++) {
        for (int to = 0; to < MACHINE_STATE_COUNT; to++) {
            bool expected = false;
            for (size_t i = 0; i < ARRAY_LEN(ways); i++)
                expected |= (int)ways[i].from == from && (int)ways[i].to == to;
            test_context("%s to %s", machine_state_name((enum machine_state)from),
                         machine_state_name((enum machine_state)to));
            CHECK_EQ(machine_state_follows((enum machine_state)from, (enum machine_state)to), expected);
        }
    }
}

static enum machine_state states_seen[4];

static void life_step(void *opaque)
{
    (void)opaque;
    states_seen[0] = machine_run_state(run);
    machine_pause(run);
    machine_pause(run); /* again: nothing happens */
    states_seen[1] = machine_run_state(run);
    machine_resume(run);
    states_seen[2] = machine_run_state(run);
    machine_end(run, 5);
    machine_pause(run);
    machine_resume(run); /* it has ended: no way back */
    states_seen[3] = machine_run_state(run);
}

/* What a machine goes through, and that its exits are counted by their reasons. */
static void life(void)
{
    struct error err;
    int status = -1;
    if (!machine_make(&modes[0], CALL, SLEEP))
        return;
    CHECK_EQ(machine_run_state(run), MACHINE_STOPPED);
    toys[0].script = SPIN;
    host_loop_post(run->machine.loop, life_step, NULL);
    CHECK(machine_run(run, &status, &err));
    CHECK_EQ(status, 5);
    CHECK_EQ(states_seen[0], MACHINE_RUNNING);
    CHECK_EQ(states_seen[1], MACHINE_PAUSED);
    CHECK_EQ(states_seen[2], MACHINE_RUNNING);
    CHECK_EQ(states_seen[3], MACHINE_PAUSED);
    CHECK_EQ(machine_run_state(run), MACHINE_STOPPED);
    host_timer_destroy(timer);
    machine_run_destroy(run);
}

static uint64_t exits_of(unsigned vcpu, enum exit_reason reason)
{
    return vcpu_exits(run->vcpus[vcpu], reason);
}

static void exits(void)
{
    struct error err;
    int status = -1;
    if (!machine_make(&(struct run_config){.deterministic = true}, SLEEP, CALL))
        return;
    CHECK(machine_run(run, &status, &err));
    CHECK_EQ(status, 42);
    CHECK_EQ(exits_of(0, EXIT_HALT), 1); /* in its slice of the only round */
    CHECK_EQ(exits_of(0, EXIT_HYPERCALL), 0);
    CHECK_EQ(exits_of(1, EXIT_HYPERCALL), 5); /* board_call ends it with the fifth */
    CHECK_EQ(exits_of(1, EXIT_HALT), 0);
    host_timer_destroy(timer);
    machine_run_destroy(run);
}

static const struct test_case cases[] = {
    {"states", states},
    {"life", life},
    {"exits", exits},
    {"guest_status", guest_status},
    {"deaths", deaths},
    {"timeouts", timeouts},
    {"pausing", pausing},
    {"stepping", stepping},
    {"stepping_alone", stepping_alone},
    {"resets", resets},
    {"timers", timers},
};
TEST_SUITE(run_test, "unit", cases);
