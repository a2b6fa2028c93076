/* The interpreter as an engine: every core has its own, this is the door to them. */
#include "cpu/cpu.h"

bool interpreter_attend(struct vcpu *vcpu)
{
    /* Whoever wants attention first makes its wish known, then stores 0 to limit: so look after resetting it.
     */
    __atomic_exchange_n(&vcpu->limit, vcpu->slice_end, __ATOMIC_SEQ_CST);
    vcpu_work_do(vcpu);
    return __atomic_load_n(&vcpu->stop, __ATOMIC_SEQ_CST) || vcpu->icount >= vcpu->slice_end;
}

static bool probe(const struct cpu_ops *ops, struct error *err)
{
    if (!ops->interpret)
        return error_set(err, ERROR_USAGE, "%s has no interpreter", ops->name);
    return true;
}

static bool interpreter_init(struct vcpu *vcpu, struct error *err)
{
    (void)vcpu, (void)err;
    return true;
}

static void run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    vcpu->ops->interpret(vcpu, exit);
}

static void kick(struct vcpu *vcpu)
{
    __atomic_store_n(&vcpu->limit, 0, __ATOMIC_SEQ_CST);
}

static void interpreter_fini(struct vcpu *vcpu)
{
    (void)vcpu;
}

const struct engine interpreter_engine = {
    .name = "interp",
    .probe = probe,
    .vcpu_init = interpreter_init,
    .run = run,
    .kick = kick,
    .vcpu_fini = interpreter_fini,
};
