#include "debug/gdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug/gdb_internal.h"

static void frame_send(struct gdb_stub *stub)
{
    stub->config.send(stub->config.opaque, stub->frame.data, stub->frame.len);
}

/* Send what is in stub->reply as a packet. */
void gdb_reply_send(struct gdb_stub *stub)
{
    if (stub->reply.overflow)
        stub->reply.len = (size_t)snprintf(stub->reply.data, sizeof(stub->reply.data), "E22");
    uint8_t sum = 0;
    for (size_t i = 0; i < stub->reply.len; i++)
        sum = (uint8_t)(sum + (uint8_t)stub->reply.data[i]);
    stub->frame.len = 0;
    stub->frame.overflow = false;
    stub->frame.data[stub->frame.len++] = '$';
    memcpy(stub->frame.data + 1, stub->reply.data, stub->reply.len);
    stub->frame.len += stub->reply.len;
    gdb_text_add(&stub->frame, "#%02x", sum);
    frame_send(stub);
}

void gdb_reply_start(struct gdb_stub *stub)
{
    stub->reply.len = 0;
    stub->reply.overflow = false;
}

/* Output of a monitor command: an O packet a piece. */
static void console_print(void *opaque, const char *text)
{
    struct gdb_stub *stub = opaque;
    for (size_t len = strlen(text); len;) {
        size_t chunk = len < GDB_PACKET_MAX / 4 ? len : GDB_PACKET_MAX / 4;
        gdb_reply_start(stub);
        gdb_text_add(&stub->reply, "O");
        gdb_text_hex(&stub->reply, (const uint8_t *)text, chunk);
        gdb_reply_send(stub);
        text += chunk;
        len -= chunk;
    }
}

static void monitor_command(struct gdb_stub *stub, const char *at)
{
    char command[512];
    size_t len = strlen(at) / 2;
    if (!stub->config.command)
        return;
    if (len >= sizeof(command) || !gdb_hex_bytes(&at, (uint8_t *)command, len)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    command[len] = 0;
    stub->config.command(stub->config.opaque, command, console_print, stub);
    gdb_reply_start(stub);
    gdb_text_add(&stub->reply, "OK");
}

static bool prefix(const char **at, const char *text)
{
    size_t len = strlen(text);
    if (strncmp(*at, text, len) != 0)
        return false;
    *at += len;
    return true;
}

static void query(struct gdb_stub *stub, const char *at)
{
    if (prefix(&at, "Supported"))
        gdb_text_add(&stub->reply,
                     "PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+;hwbreak-;swbreak-",
                     GDB_PACKET_MAX);
    else if (prefix(&at, "Xfer:features:read:"))
        gdb_description_read(stub, at);
    else if (prefix(&at, "fThreadInfo"))
        gdb_threads_list(stub);
    else if (prefix(&at, "sThreadInfo"))
        gdb_text_add(&stub->reply, "l");
    else if (prefix(&at, "ThreadExtraInfo,"))
        gdb_thread_describe(stub, at);
    else if (prefix(&at, "Attached"))
        gdb_text_add(&stub->reply, "1");
    else if (prefix(&at, "Symbol"))
        gdb_text_add(&stub->reply, "OK");
    else if (prefix(&at, "Rcmd,"))
        monitor_command(stub, at);
    else if (strcmp(at, "C") == 0)
        gdb_text_add(&stub->reply, "QC%x", stub->thread + 1);
}

/* D and a lost connection: GDB's breakpoints go, the machine runs on. */
static void detach(struct gdb_stub *stub)
{
    struct debug_target *target = stub->config.target;
    enum debug_action actions[DEBUG_VCPUS_MAX];
    target->points->count = 0;
    target->points->any_break = target->points->any_watch = false;
    target->points_changed(target);
    for (unsigned i = 0; i < target->count; i++)
        actions[i] = DEBUG_CONTINUE;
    stub->connected = stub->running = false;
    if (target->is_stopped(target))
        target->resume(target, actions);
}

/* v packets. True: no answer now. */
static bool extended(struct gdb_stub *stub, const char *at)
{
    if (prefix(&at, "Cont?")) {
        gdb_text_add(&stub->reply, "vCont;c;C;s;S");
        return false;
    }
    return prefix(&at, "Cont") && gdb_resume_each(stub, at);
}

/* Answer one packet into stub->reply. True: no answer now (the machine runs, or GDB doesn't expect one). */
static bool packet_answer(struct gdb_stub *stub, const char *at)
{
    switch (*at++) {
    case '?': gdb_stop_reply(stub, NULL); return false;
    case 'g': gdb_general_registers(stub, false); return false;
    case 'G': gdb_registers_write(stub, at); return false;
    case 'p': gdb_register_read(stub, at); return false;
    case 'P': gdb_register_write(stub, at); return false;
    case 'm': gdb_memory_read(stub, at); return false;
    case 'M': gdb_memory_write(stub, at, false); return false;
    case 'X': gdb_memory_write(stub, at, true); return false;
    case 'Z': gdb_point_change(stub, at, true); return false;
    case 'z': gdb_point_change(stub, at, false); return false;
    case 'H': gdb_thread_select(stub, at); return false;
    case 'T': {
        unsigned index;
        gdb_text_add(&stub->reply, gdb_thread_parse(stub, &at, &index) ? "OK" : "E22");
        return false;
    }
    case 'c': return gdb_resume_simple(stub, at, DEBUG_CONTINUE);
    case 's': return gdb_resume_simple(stub, at, DEBUG_STEP);
    case 'v': return extended(stub, at);
    case 'q': query(stub, at); return false;
    case 'Q':
        if (strcmp(at, "StartNoAckMode") == 0) {
            gdb_text_add(&stub->reply, "OK");
            stub->no_ack = true;
        }
        return false;
    case 'D':
        gdb_text_add(&stub->reply, "OK");
        gdb_reply_send(stub);
        detach(stub);
        return true;
    case 'k': stub->config.target->quit(stub->config.target); return true;
    default: return false; /* an empty answer: not supported */
    }
}

static void packet_handle(struct gdb_stub *stub)
{
    bool ack = !stub->no_ack;
    if (ack)
        stub->config.send(stub->config.opaque, "+", 1);
    if (stub->running)
        return; /* the protocol allows only an interrupt now */
    gdb_reply_start(stub);
    if (!packet_answer(stub, stub->reader.data))
        gdb_reply_send(stub);
}

/* Ctrl-C. A breakpoint may be reported while the machine stops: then that is the answer. */
static void interrupt(struct gdb_stub *stub)
{
    if (!stub->running)
        return;
    stub->interrupt = true;
    stub->config.target->pause(stub->config.target);
    gdb_machine_stopped(stub, stub->thread, NULL);
}

void gdb_stub_receive(struct gdb_stub *stub, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && stub->connected; i++) {
        switch (gdb_reader_take(&stub->reader, bytes[i])) {
        case GDB_NOTHING: break;
        case GDB_PACKET: packet_handle(stub); break;
        case GDB_BAD: stub->config.send(stub->config.opaque, "-", 1); break;
        case GDB_RESEND: frame_send(stub); break;
        case GDB_INTERRUPT: interrupt(stub); break;
        }
    }
}

void gdb_stub_connected(struct gdb_stub *stub)
{
    stub->connected = true;
    stub->no_ack = stub->running = false;
    stub->reader.state = GDB_IDLE;
    stub->frame.len = 0;
    stub->thread = 0;
    stub->resume_thread = GDB_ALL_THREADS;
    if (!stub->config.target->is_stopped(stub->config.target))
        stub->config.target->pause(stub->config.target);
}

void gdb_stub_disconnected(struct gdb_stub *stub)
{
    if (stub->connected)
        detach(stub);
}

struct gdb_stub *gdb_stub_create(const struct gdb_config *config)
{
    struct gdb_stub *stub = calloc(1, sizeof(*stub));
    if (!stub)
        abort();
    stub->config = *config;
    stub->description = gdb_description_make(config->target->vcpus[0]);
    config->target->stopped = gdb_machine_stopped;
    config->target->ended = gdb_machine_ended;
    config->target->opaque = stub;
    return stub;
}

void gdb_stub_destroy(struct gdb_stub *stub)
{
    if (!stub)
        return;
    free(stub->description);
    free(stub);
}
