/*
 * The inside of the GDB stub: gdb.c takes packets and answers them, gdb_data.c is for registers, memory and
 * points, gdb_run.c for threads, running and stops, gdb_description.c tells GDB which registers there are.
 * What follows writes its answer into stub->reply; an empty one means that the packet is not known.
 */
#pragma once

#include "debug/gdb.h"
#include "debug/gdb_packet.h"

#define GDB_ALL_THREADS ~0u

struct gdb_stub {
    struct gdb_config config;
    struct gdb_reader reader;
    struct gdb_text reply; /* the contents of the packet being answered */
    struct gdb_text frame; /* the last packet sent, for a resend */
    bool no_ack;
    bool connected;
    bool running;           /* GDB waits for a stop reply */
    bool interrupt;         /* the stop was asked for by Ctrl-C */
    unsigned thread;        /* selected by Hg: a vCPU's index */
    unsigned resume_thread; /* selected by Hc; GDB_ALL_THREADS */
    char *description;      /* the target description of the vCPUs */
};

static inline struct vcpu *gdb_selected(struct gdb_stub *stub)
{
    return stub->config.target->vcpus[stub->thread];
}

/* Begin a packet to GDB in stub->reply; and send it. */
void gdb_reply_start(struct gdb_stub *stub);
void gdb_reply_send(struct gdb_stub *stub);

/* --- gdb_data.c; `at` is behind the packet's letter --- */

/* The general registers, `numbered` as in a stop reply, else as in the answer to `g`. */
void gdb_general_registers(struct gdb_stub *stub, bool numbered);
void gdb_registers_write(struct gdb_stub *stub, const char *at);
void gdb_register_read(struct gdb_stub *stub, const char *at);
void gdb_register_write(struct gdb_stub *stub, const char *at);
void gdb_memory_read(struct gdb_stub *stub, const char *at);
/* M (hexadecimal) and X (binary). */
void gdb_memory_write(struct gdb_stub *stub, const char *at, bool binary);
/* Z and z. */
void gdb_point_change(struct gdb_stub *stub, const char *at, bool add);

/* --- gdb_run.c --- */

/* A thread id: -1 all, 0 any, n + 1 vCPU n. False: no such thread. */
bool gdb_thread_parse(struct gdb_stub *stub, const char **at, unsigned *index);
void gdb_thread_select(struct gdb_stub *stub, const char *at);
void gdb_threads_list(struct gdb_stub *stub);
void gdb_thread_describe(struct gdb_stub *stub, const char *at);

/* c and s, with an optional address to go on from; and vCont. True: no answer now. */
bool gdb_resume_simple(struct gdb_stub *stub, const char *at, enum debug_action action);
bool gdb_resume_each(struct gdb_stub *stub, const char *at);

/* Why the machine stopped; `exit` is NULL when it was told to. */
void gdb_stop_reply(struct gdb_stub *stub, const struct vcpu_exit *exit);

/* The target's hooks. */
void gdb_machine_stopped(void *opaque, unsigned vcpu, const struct vcpu_exit *exit);
void gdb_machine_ended(void *opaque, int status);

/* --- gdb_description.c --- */

/* The target description of a core like this one, which the caller frees. Never NULL. */
char *gdb_description_make(struct vcpu *vcpu);
/* qXfer:features:read:target.xml:OFFSET,LENGTH */
void gdb_description_read(struct gdb_stub *stub, const char *at);
