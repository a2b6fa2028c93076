/*
 * The part of a vCPU that all architectures share: its work queue, running, sleeping and waking, and its
 * place among the listeners of guest RAM.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"

static _Thread_local struct vcpu *self_vcpu;

struct vcpu *vcpu_self(void)
{
    return self_vcpu;
}

static bool work_queued(struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->work, __ATOMIC_ACQUIRE) != NULL;
}

static void work_finish(struct vcpu *vcpu, struct vcpu_work *work)
{
    if (work->free_after) {
        free(work);
        return;
    }
    /* The item lives on its waiter's stack: it is gone as soon as `done` is seen. */
    struct vcpu *lock_owner = work->waiter ? work->waiter : vcpu;
    struct host_cond *cond = work->waiter ? &work->waiter->wake : &vcpu->work_done;
    host_mutex_lock(&lock_owner->work_lock);
    work->done = true;
    host_cond_broadcast(cond);
    host_mutex_unlock(&lock_owner->work_lock);
}

void vcpu_work_do(struct vcpu *vcpu)
{
    while (work_queued(vcpu)) {
        host_mutex_lock(&vcpu->work_lock);
        struct vcpu_work *work = vcpu->work;
        if (work)
            __atomic_store_n(&vcpu->work, work->next, __ATOMIC_RELEASE);
        host_mutex_unlock(&vcpu->work_lock);
        if (!work)
            return;
        work->fn(vcpu, work->arg);
        work_finish(vcpu, work);
    }
}

/* At the end of the queue, in order of arrival. Lock held. */
static void work_append(struct vcpu *vcpu, struct vcpu_work *work)
{
    struct vcpu_work **at = &vcpu->work;
    while (*at)
        at = &(*at)->next;
    __atomic_store_n(at, work, __ATOMIC_RELEASE);
    host_cond_broadcast(&vcpu->wake);
}

static struct vcpu_work *work_create(void (*fn)(struct vcpu *vcpu, void *arg), void *arg)
{
    struct vcpu_work *work = malloc(sizeof(*work));
    if (!work)
        abort();
    *work = (struct vcpu_work){.fn = fn, .arg = arg, .free_after = true};
    return work;
}

static void work_wait(struct vcpu *vcpu, struct vcpu *self, struct vcpu_work *work)
{
    struct vcpu *lock_owner = self ? self : vcpu;
    host_mutex_lock(&lock_owner->work_lock);
    while (!work->done) {
        if (self && self->work) {
            host_mutex_unlock(&self->work_lock);
            vcpu_work_do(self);
            host_mutex_lock(&self->work_lock);
            continue;
        }
        host_cond_wait(self ? &self->wake : &vcpu->work_done, &lock_owner->work_lock);
    }
    host_mutex_unlock(&lock_owner->work_lock);
}

/* Become the one who may touch a vCPU that is not running. Lock held; false when it runs. */
static bool borrow(struct vcpu *vcpu)
{
    while (vcpu->borrowed)
        host_cond_wait(&vcpu->work_done, &vcpu->work_lock);
    if (vcpu->running)
        return false;
    vcpu->borrowed = true;
    return true;
}

static void give_back(struct vcpu *vcpu)
{
    host_mutex_lock(&vcpu->work_lock);
    vcpu->borrowed = false;
    host_cond_broadcast(&vcpu->work_done);
    host_mutex_unlock(&vcpu->work_lock);
}

void vcpu_call(struct vcpu *vcpu, struct vcpu *self, void (*fn)(struct vcpu *vcpu, void *arg), void *arg,
               bool wait)
{
    if (vcpu == self) {
        fn(vcpu, arg);
        return;
    }
    host_mutex_lock(&vcpu->work_lock);
    if (borrow(vcpu)) {
        host_mutex_unlock(&vcpu->work_lock);
        fn(vcpu, arg);
        give_back(vcpu);
        return;
    }
    struct vcpu_work waited = {.fn = fn, .arg = arg, .waiter = self};
    work_append(vcpu, wait ? &waited : work_create(fn, arg));
    host_mutex_unlock(&vcpu->work_lock);
    vcpu_kick(vcpu);
    if (wait)
        work_wait(vcpu, self, &waited);
}

void vcpu_hold(struct vcpu *vcpu)
{
    host_mutex_lock(&vcpu->work_lock);
    while (vcpu->borrowed)
        host_cond_wait(&vcpu->work_done, &vcpu->work_lock);
    vcpu->running = true;
    host_mutex_unlock(&vcpu->work_lock);
    self_vcpu = vcpu;
}

void vcpu_release(struct vcpu *vcpu)
{
    /* What is queued up to the moment `running` turns false is still this thread's to do. */
    host_mutex_lock(&vcpu->work_lock);
    while (vcpu->work) {
        host_mutex_unlock(&vcpu->work_lock);
        vcpu_work_do(vcpu);
        host_mutex_lock(&vcpu->work_lock);
    }
    vcpu->running = false;
    host_mutex_unlock(&vcpu->work_lock);
    self_vcpu = NULL;
}

void vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    vcpu_hold(vcpu);
    vcpu->engine->run(vcpu, exit);
    vcpu_release(vcpu);
}

void vcpu_kick(struct vcpu *vcpu)
{
    if (vcpu->engine)
        vcpu->engine->kick(vcpu);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&vcpu->sleeping, __ATOMIC_SEQ_CST))
        return;
    host_mutex_lock(&vcpu->work_lock);
    host_cond_broadcast(&vcpu->wake);
    host_mutex_unlock(&vcpu->work_lock);
}

static bool stop_asked(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->stop, __ATOMIC_SEQ_CST) != 0;
}

/* Until there is work, a stop request, what is waited for, or the deadline has come (false). */
static bool sleep_until(struct vcpu *vcpu, uint64_t deadline, bool (*ready)(void *opaque), void *opaque)
{
    bool in_time = true;
    host_mutex_lock(&vcpu->work_lock);
    __atomic_store_n(&vcpu->sleeping, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    while (in_time && !vcpu->work && !stop_asked(vcpu) && !ready(opaque))
        in_time = host_cond_wait_until(&vcpu->wake, &vcpu->work_lock, deadline);
    __atomic_store_n(&vcpu->sleeping, 0, __ATOMIC_SEQ_CST);
    host_mutex_unlock(&vcpu->work_lock);
    return in_time;
}

static bool core_has_work(void *opaque)
{
    struct vcpu *vcpu = opaque;
    return vcpu->ops->has_work(vcpu);
}

void vcpu_sleep(struct vcpu *vcpu, uint64_t deadline)
{
    sleep_until(vcpu, deadline, core_has_work, vcpu);
}

bool vcpu_wait(struct vcpu *vcpu, uint64_t deadline, bool (*ready)(void *opaque), void *opaque)
{
    bool in_time = true;
    while (in_time && !stop_asked(vcpu) && !ready(opaque)) {
        in_time = sleep_until(vcpu, deadline, ready, opaque);
        vcpu_work_do(vcpu);
    }
    return ready(opaque);
}

/* ---- the RAM's listener: decoded code and changes of the memory map ---- */

struct range {
    uint64_t start, len;
};

static void pages_protect(struct vcpu *vcpu, void *arg)
{
    const struct range *range = arg;
    tlb_protect(vcpu->tlb, range->start, range->len, false);
}

static void ram_protect(void *opaque, gpa_t first, uint64_t len)
{
    struct range range = {first.a, len};
    /* What was told before `protect` is to have taken effect when it returns. */
    if (opaque == vcpu_self())
        vcpu_work_do(opaque);
    vcpu_call(opaque, vcpu_self(), pages_protect, &range, true);
}

static void code_drop(struct vcpu *vcpu, void *arg)
{
    struct range *range = arg;
    vcpu->ops->code_drop(vcpu, gpa(range->start), range->len);
    free(range);
}

static void code_written(void *opaque, gpa_t p, uint64_t len)
{
    struct range *range = malloc(sizeof(*range));
    if (!range)
        abort();
    *range = (struct range){p.a, len};
    vcpu_call(opaque, vcpu_self(), code_drop, range, false);
}

static void all_drop(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    tlb_flush_all(vcpu->tlb);
    vcpu->ops->code_drop_all(vcpu);
}

static void ram_remapped(void *opaque)
{
    vcpu_call(opaque, vcpu_self(), all_drop, NULL, false);
}

void *vcpu_alloc(size_t size)
{
    enum { CACHE_LINE = 64 };
    void *core = aligned_alloc(CACHE_LINE, align_up(size, CACHE_LINE));
    if (!core)
        abort();
    return memset(core, 0, size);
}

bool vcpu_init(struct vcpu *vcpu, const struct cpu_ops *ops, const struct cpu_config *config,
               struct error *err)
{
    vcpu->tlb = tlb_create();
    if (!vcpu->tlb)
        return error_set(err, ERROR_HOST, "no memory for the TLB of CPU %u", config->index);
    vcpu->ops = ops;
    vcpu->mem = config->mem;
    vcpu->clock = config->clock;
    vcpu->debug = config->debug;
    vcpu->index = config->index;
    vcpu->slice_end = UINT64_MAX;
    host_mutex_init(&vcpu->work_lock);
    host_cond_init(&vcpu->wake);
    host_cond_init(&vcpu->work_done);
    const struct ram_code_listener listener = {
        .protect = ram_protect, .written = code_written, .remapped = ram_remapped, .opaque = vcpu};
    ram_listener_add(vcpu->mem->ram, &listener);
    return true;
}

void vcpu_fini(struct vcpu *vcpu)
{
    ram_listener_remove(vcpu->mem->ram, vcpu);
    host_cond_destroy(&vcpu->work_done);
    host_cond_destroy(&vcpu->wake);
    host_mutex_destroy(&vcpu->work_lock);
    tlb_destroy(vcpu->tlb);
}
