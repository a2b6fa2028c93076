#include <stdio.h>
#include <string.h>

#include "debug/gdb_internal.h"

/* GDB's signal numbers (include/gdb/signals.def of its protocol). */
#define GDB_SIGINT  2
#define GDB_SIGTRAP 5

/* --- threads --- */

bool gdb_thread_parse(struct gdb_stub *stub, const char **at, unsigned *index)
{
    if (strncmp(*at, "-1", 2) == 0) {
        *at += 2;
        *index = GDB_ALL_THREADS;
        return true;
    }
    uint64_t id;
    if (!gdb_hex_number(at, &id) || id > stub->config.target->count)
        return false;
    *index = id == 0 ? stub->thread : (unsigned)id - 1;
    return true;
}

void gdb_thread_select(struct gdb_stub *stub, const char *at)
{
    char what = *at++;
    unsigned index;
    if (!gdb_thread_parse(stub, &at, &index)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    if (what == 'c')
        stub->resume_thread = index;
    else
        stub->thread = index == GDB_ALL_THREADS ? 0 : index;
    gdb_text_add(&stub->reply, "OK");
}

void gdb_threads_list(struct gdb_stub *stub)
{
    for (unsigned i = 0; i < stub->config.target->count; i++)
        gdb_text_add(&stub->reply, "%c%x", i ? ',' : 'm', i + 1);
}

void gdb_thread_describe(struct gdb_stub *stub, const char *at)
{
    unsigned index;
    char text[64];
    if (!gdb_thread_parse(stub, &at, &index) || index == GDB_ALL_THREADS) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    struct vcpu *vcpu = stub->config.target->vcpus[index];
    int len = snprintf(text, sizeof(text), "CPU %u [%s]", index, vcpu->halted ? "halted" : "running");
    gdb_text_hex(&stub->reply, (const uint8_t *)text, (size_t)len);
}

/* --- running --- */

static void resume(struct gdb_stub *stub, const enum debug_action *actions)
{
    stub->running = true;
    stub->interrupt = false;
    stub->config.target->resume(stub->config.target, actions);
}

bool gdb_resume_simple(struct gdb_stub *stub, const char *at, enum debug_action action)
{
    struct debug_target *target = stub->config.target;
    enum debug_action actions[DEBUG_VCPUS_MAX];
    unsigned which =
        action == DEBUG_STEP && stub->resume_thread == GDB_ALL_THREADS ? stub->thread : stub->resume_thread;
    uint64_t pc;
    if (*at) {
        if (!gdb_hex_number(&at, &pc)) {
            gdb_text_add(&stub->reply, "E22");
            return false;
        }
        gdb_selected(stub)->ops->pc_set(gdb_selected(stub), pc);
    }
    for (unsigned i = 0; i < target->count; i++)
        actions[i] = which == GDB_ALL_THREADS || which == i ? action : DEBUG_STAY;
    resume(stub, actions);
    return true;
}

/* vCont;ACTION[:THREAD]...: the first action that names a vCPU is its. */
bool gdb_resume_each(struct gdb_stub *stub, const char *at)
{
    struct debug_target *target = stub->config.target;
    enum debug_action actions[DEBUG_VCPUS_MAX];
    bool decided[DEBUG_VCPUS_MAX] = {false};
    for (unsigned i = 0; i < target->count; i++)
        actions[i] = DEBUG_STAY;
    while (*at == ';') {
        char kind = at[1];
        unsigned which = GDB_ALL_THREADS;
        uint64_t signal;
        at += 2;
        bool good = strchr("cCsS", kind) != NULL && kind;
        if (good && (kind == 'C' || kind == 'S'))
            good = gdb_hex_number(&at, &signal); /* there are no signals to give to a machine */
        if (good && *at == ':') {
            at++;
            good = gdb_thread_parse(stub, &at, &which);
        }
        if (!good) {
            gdb_text_add(&stub->reply, "E22");
            return false;
        }
        for (unsigned i = 0; i < target->count; i++) {
            if (decided[i] || (which != GDB_ALL_THREADS && which != i))
                continue;
            actions[i] = kind == 'c' || kind == 'C' ? DEBUG_CONTINUE : DEBUG_STEP;
            decided[i] = true;
        }
    }
    resume(stub, actions);
    return true;
}

void gdb_stop_reply(struct gdb_stub *stub, const struct vcpu_exit *exit)
{
    unsigned signal = exit || !stub->interrupt ? GDB_SIGTRAP : GDB_SIGINT;
    gdb_text_add(&stub->reply, "T%02xthread:%x;", signal, stub->thread + 1);
    if (!exit || exit->reason != EXIT_DEBUG)
        return;
    if (exit->debug.watchpoint)
        gdb_text_add(&stub->reply, "%s:%llx;", exit->debug.access == WALK_READ ? "rwatch" : "watch",
                     (unsigned long long)exit->debug.address);
}

void gdb_machine_stopped(void *opaque, unsigned vcpu, const struct vcpu_exit *exit)
{
    struct gdb_stub *stub = opaque;
    if (!stub->connected || !stub->running)
        return;
    stub->running = false;
    if (exit || stub->thread >= stub->config.target->count)
        stub->thread = vcpu;
    gdb_reply_start(stub);
    gdb_stop_reply(stub, exit);
    /* What GDB looks at after every step goes with the stop, so that it need not ask. */
    gdb_general_registers(stub, true);
    gdb_reply_send(stub);
}

void gdb_machine_ended(void *opaque, int status)
{
    struct gdb_stub *stub = opaque;
    if (!stub->connected)
        return;
    gdb_reply_start(stub);
    gdb_text_add(&stub->reply, "W%02x", status & 0xff);
    gdb_reply_send(stub);
    stub->running = false;
}
