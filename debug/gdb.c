#include "debug/gdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "debug/gdb_packet.h"

/* GDB's signal numbers (include/gdb/signals.def of its protocol). */
#define GDB_SIGINT  2
#define GDB_SIGTRAP 5

#define REGISTER_BYTES_MAX 64

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
    unsigned resume_thread; /* selected by Hc; ALL_THREADS */
    char *description;      /* the target description of the vCPUs */
};

#define ALL_THREADS ~0u

static struct vcpu *selected(struct gdb_stub *stub)
{
    return stub->config.target->vcpus[stub->thread];
}

static void frame_send(struct gdb_stub *stub)
{
    stub->config.send(stub->config.opaque, stub->frame.data, stub->frame.len);
}

/* Send what is in stub->reply as a packet. */
static void reply_send(struct gdb_stub *stub)
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

static void reply_start(struct gdb_stub *stub)
{
    stub->reply.len = 0;
    stub->reply.overflow = false;
}

/* Registers. */

static const struct debug_register *register_find(struct vcpu *vcpu, uint64_t number)
{
    size_t count;
    const struct debug_register *registers = vcpu->ops->registers(vcpu, &count);
    for (size_t i = 0; i < count; i++)
        if (registers[i].number == number)
            return &registers[i];
    return NULL;
}

/* The registers of the `g` packet: the general ones up to the first other one, numbered without a gap. It
 * asks for the others one by one. */
static bool in_g_packet(const struct debug_register *reg, size_t position)
{
    return reg->group && strcmp(reg->group, "general") == 0 && reg->number == position;
}

/* `numbered`: as in a stop reply, else as in the answer to `g`. */
static void general_registers_add(struct gdb_stub *stub, bool numbered)
{
    struct vcpu *vcpu = selected(stub);
    size_t count;
    const struct debug_register *registers = vcpu->ops->registers(vcpu, &count);
    for (size_t i = 0; i < count && in_g_packet(&registers[i], i); i++) {
        uint8_t bytes[REGISTER_BYTES_MAX] = {0};
        vcpu->ops->register_get(vcpu, registers[i].number, bytes);
        if (numbered)
            gdb_text_add(&stub->reply, "%02x:", registers[i].number);
        gdb_text_hex(&stub->reply, bytes, registers[i].bits / 8);
        if (numbered)
            gdb_text_add(&stub->reply, ";");
    }
}

static void registers_write(struct gdb_stub *stub, const char *at)
{
    struct vcpu *vcpu = selected(stub);
    size_t count;
    const struct debug_register *registers = vcpu->ops->registers(vcpu, &count);
    for (size_t i = 0; i < count && in_g_packet(&registers[i], i); i++) {
        uint8_t bytes[REGISTER_BYTES_MAX];
        if (!gdb_hex_bytes(&at, bytes, registers[i].bits / 8)) {
            gdb_text_add(&stub->reply, "E01");
            return;
        }
        vcpu->ops->register_set(vcpu, registers[i].number, bytes);
    }
    gdb_text_add(&stub->reply, "OK");
}

static void register_read(struct gdb_stub *stub, const char *at)
{
    uint64_t number;
    uint8_t bytes[REGISTER_BYTES_MAX] = {0};
    struct vcpu *vcpu = selected(stub);
    const struct debug_register *reg = gdb_hex_number(&at, &number) ? register_find(vcpu, number) : NULL;
    if (!reg || !vcpu->ops->register_get(vcpu, reg->number, bytes))
        gdb_text_add(&stub->reply, "E01");
    else
        gdb_text_hex(&stub->reply, bytes, reg->bits / 8);
}

static void register_write(struct gdb_stub *stub, const char *at)
{
    uint64_t number;
    uint8_t bytes[REGISTER_BYTES_MAX];
    struct vcpu *vcpu = selected(stub);
    const struct debug_register *reg = gdb_hex_number(&at, &number) ? register_find(vcpu, number) : NULL;
    bool written = reg && *at++ == '=' && gdb_hex_bytes(&at, bytes, reg->bits / 8) &&
                   vcpu->ops->register_set(vcpu, reg->number, bytes);
    gdb_text_add(&stub->reply, written ? "OK" : "E01");
}

/* Memory. */

static bool address_and_length(const char **at, uint64_t *address, uint64_t *len)
{
    return gdb_hex_number(at, address) && *(*at)++ == ',' && gdb_hex_number(at, len) &&
           *len <= GDB_PACKET_MAX / 2;
}

static void memory_read(struct gdb_stub *stub, const char *at)
{
    uint64_t address, len;
    static uint8_t bytes[GDB_PACKET_MAX / 2];
    if (!address_and_length(&at, &address, &len)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    /* As much as there is: GDB reads ahead over the end of a stack. */
    while (len && !debug_memory_read(stub->config.target, selected(stub), gva(address), bytes, len))
        len = len > 8 ? len / 2 : len - 1;
    if (len)
        gdb_text_hex(&stub->reply, bytes, len);
    else
        gdb_text_add(&stub->reply, "E14");
}

/* M (hexadecimal) and X (binary). */
static void memory_write(struct gdb_stub *stub, const char *at, bool binary)
{
    uint64_t address, len;
    static uint8_t bytes[GDB_PACKET_MAX / 2];
    bool good = address_and_length(&at, &address, &len) && *at++ == ':';
    if (good && binary) {
        good = stub->reader.data + stub->reader.len == at + len;
        if (good)
            memcpy(bytes, at, len);
    } else if (good) {
        good = gdb_hex_bytes(&at, bytes, len);
    }
    if (!good)
        gdb_text_add(&stub->reply, "E22");
    else if (len && !debug_memory_write(stub->config.target, selected(stub), gva(address), bytes, len))
        gdb_text_add(&stub->reply, "E14");
    else
        gdb_text_add(&stub->reply, "OK");
}

/* Breakpoints and watchpoints: Zn and zn, n as in GDB's protocol. An access watchpoint is a read and a write
 * one. */
static void point_change(struct gdb_stub *stub, const char *at, bool add)
{
    struct debug_target *target = stub->config.target;
    char type = *at++;
    uint64_t address, len;
    if (*at++ != ',' || !address_and_length(&at, &address, &len)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    if (type < '0' || type > '4')
        return; /* not supported: an empty answer */
    bool (*change)(struct debug_target *, uint64_t, uint64_t, enum walk_access) =
        add ? debug_point_add : debug_point_remove;
    bool done = true;
    if (type == '0' || type == '1')
        done = change(target, address, 1, WALK_FETCH);
    if (type == '2' || type == '4')
        done = change(target, address, len, WALK_WRITE);
    if (type == '3' || type == '4')
        done = change(target, address, len, WALK_READ) && done;
    gdb_text_add(&stub->reply, done ? "OK" : "E28");
}

/* Threads. */

/* A thread id: -1 all, 0 any, n + 1 vCPU n. False: no such thread. */
static bool thread_parse(struct gdb_stub *stub, const char **at, unsigned *index)
{
    if (strncmp(*at, "-1", 2) == 0) {
        *at += 2;
        *index = ALL_THREADS;
        return true;
    }
    uint64_t id;
    if (!gdb_hex_number(at, &id) || id > stub->config.target->count)
        return false;
    *index = id == 0 ? stub->thread : (unsigned)id - 1;
    return true;
}

static void thread_select(struct gdb_stub *stub, const char *at)
{
    char what = *at++;
    unsigned index;
    if (!thread_parse(stub, &at, &index)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    if (what == 'c')
        stub->resume_thread = index;
    else
        stub->thread = index == ALL_THREADS ? 0 : index;
    gdb_text_add(&stub->reply, "OK");
}

static void threads_list(struct gdb_stub *stub)
{
    for (unsigned i = 0; i < stub->config.target->count; i++)
        gdb_text_add(&stub->reply, "%c%x", i ? ',' : 'm', i + 1);
}

static void thread_describe(struct gdb_stub *stub, const char *at)
{
    unsigned index;
    char text[64];
    if (!thread_parse(stub, &at, &index) || index == ALL_THREADS) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    struct vcpu *vcpu = stub->config.target->vcpus[index];
    int len = snprintf(text, sizeof(text), "CPU %u [%s]", index, vcpu->halted ? "halted" : "running");
    gdb_text_hex(&stub->reply, (const uint8_t *)text, (size_t)len);
}

/* Running. */

static void resume(struct gdb_stub *stub, const enum debug_action *actions)
{
    stub->running = true;
    stub->interrupt = false;
    stub->config.target->resume(stub->config.target, actions);
}

/* c and s, with an optional address to go on from. True: no answer now. */
static bool resume_simple(struct gdb_stub *stub, const char *at, enum debug_action action)
{
    struct debug_target *target = stub->config.target;
    enum debug_action actions[DEBUG_VCPUS_MAX];
    unsigned which =
        action == DEBUG_STEP && stub->resume_thread == ALL_THREADS ? stub->thread : stub->resume_thread;
    uint64_t pc;
    if (*at) {
        if (!gdb_hex_number(&at, &pc)) {
            gdb_text_add(&stub->reply, "E22");
            return false;
        }
        selected(stub)->ops->pc_set(selected(stub), pc);
    }
    for (unsigned i = 0; i < target->count; i++)
        actions[i] = which == ALL_THREADS || which == i ? action : DEBUG_STAY;
    resume(stub, actions);
    return true;
}

/* vCont;ACTION[:THREAD]...: the first action that names a vCPU is its. True: no answer now. */
static bool resume_each(struct gdb_stub *stub, const char *at)
{
    struct debug_target *target = stub->config.target;
    enum debug_action actions[DEBUG_VCPUS_MAX];
    bool decided[DEBUG_VCPUS_MAX] = {false};
    for (unsigned i = 0; i < target->count; i++)
        actions[i] = DEBUG_STAY;
    while (*at == ';') {
        char kind = at[1];
        unsigned which = ALL_THREADS;
        uint64_t signal;
        at += 2;
        bool good = strchr("cCsS", kind) != NULL && kind;
        if (good && (kind == 'C' || kind == 'S'))
            good = gdb_hex_number(&at, &signal); /* there are no signals to give to a machine */
        if (good && *at == ':') {
            at++;
            good = thread_parse(stub, &at, &which);
        }
        if (!good) {
            gdb_text_add(&stub->reply, "E22");
            return false;
        }
        for (unsigned i = 0; i < target->count; i++) {
            if (decided[i] || (which != ALL_THREADS && which != i))
                continue;
            actions[i] = kind == 'c' || kind == 'C' ? DEBUG_CONTINUE : DEBUG_STEP;
            decided[i] = true;
        }
    }
    resume(stub, actions);
    return true;
}

static void stop_reply(struct gdb_stub *stub, const struct vcpu_exit *exit)
{
    unsigned signal = exit || !stub->interrupt ? GDB_SIGTRAP : GDB_SIGINT;
    gdb_text_add(&stub->reply, "T%02xthread:%x;", signal, stub->thread + 1);
    if (!exit || exit->reason != EXIT_DEBUG)
        return;
    if (exit->debug.watchpoint)
        gdb_text_add(&stub->reply, "%s:%llx;", exit->debug.access == WALK_READ ? "rwatch" : "watch",
                     (unsigned long long)exit->debug.address);
}

static void machine_stopped(void *opaque, unsigned vcpu, const struct vcpu_exit *exit)
{
    struct gdb_stub *stub = opaque;
    if (!stub->connected || !stub->running)
        return;
    stub->running = false;
    if (exit || stub->thread >= stub->config.target->count)
        stub->thread = vcpu;
    reply_start(stub);
    stop_reply(stub, exit);
    /* What GDB looks at after every step goes with the stop, so that it need not ask. */
    general_registers_add(stub, true);
    reply_send(stub);
}

static void machine_ended(void *opaque, int status)
{
    struct gdb_stub *stub = opaque;
    if (!stub->connected)
        return;
    reply_start(stub);
    gdb_text_add(&stub->reply, "W%02x", status & 0xff);
    reply_send(stub);
    stub->running = false;
}

/* Types that registers have and that GDB wants defined, in each feature that uses them. */
static const struct {
    const char *name, *definition;
} register_types[] = {
    {"vec128", "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
               "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
               "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
               "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
               "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
               "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
               "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
               "<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
               "<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
               "<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/></union>"},
};

static void types_define(FILE *out, const struct debug_register *registers, size_t count, const char *feature)
{
    for (size_t type = 0; type < ARRAY_LEN(register_types); type++) {
        bool used = false;
        for (size_t i = 0; i < count; i++)
            used |= registers[i].type && strcmp(registers[i].type, register_types[type].name) == 0 &&
                    strcmp(registers[i].feature, feature) == 0;
        if (used)
            fputs(register_types[type].definition, out);
    }
}

/* The target description: each feature with its registers, in the order of the core's table. It is a bare
 * machine: for some systems GDB steps with breakpoints of its own, which takes three times as many packets.
 */
static char *description_make(struct vcpu *vcpu)
{
    char *text = NULL;
    size_t size, count;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    const struct debug_register *registers = vcpu->ops->registers(vcpu, &count);
    fprintf(out,
            "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
            "<architecture>%s</architecture><osabi>none</osabi>",
            vcpu->ops->gdb_arch);
    const char *feature = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct debug_register *reg = &registers[i];
        if (!feature || strcmp(feature, reg->feature) != 0) {
            fprintf(out, "%s<feature name=\"%s\">", feature ? "</feature>" : "", reg->feature);
            feature = reg->feature;
            types_define(out, registers, count, feature);
        }
        fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" regnum=\"%u\"", reg->name, reg->bits, reg->number);
        if (reg->type)
            fprintf(out, " type=\"%s\"", reg->type);
        if (reg->group)
            fprintf(out, " group=\"%s\"", reg->group);
        fputs("/>", out);
    }
    fprintf(out, "%s</target>", feature ? "</feature>" : "");
    fclose(out);
    return text;
}

/* qXfer:features:read:target.xml:OFFSET,LENGTH */
static void description_read(struct gdb_stub *stub, const char *at)
{
    uint64_t offset, len;
    if (strncmp(at, "target.xml:", 11) != 0) {
        gdb_text_add(&stub->reply, "E00");
        return;
    }
    at += 11;
    if (!gdb_hex_number(&at, &offset) || *at++ != ',' || !gdb_hex_number(&at, &len)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    size_t total = strlen(stub->description);
    offset = offset < total ? offset : total;
    /* Half a packet at most, as every byte may have to be escaped. */
    len = len < GDB_PACKET_MAX / 2 ? len : GDB_PACKET_MAX / 2;
    len = len < total - offset ? len : total - offset;
    gdb_text_add(&stub->reply, offset + len < total ? "m" : "l");
    gdb_text_binary(&stub->reply, stub->description + offset, len);
}

/* Output of a monitor command: an O packet a piece. */
static void console_print(void *opaque, const char *text)
{
    struct gdb_stub *stub = opaque;
    for (size_t len = strlen(text); len;) {
        size_t chunk = len < GDB_PACKET_MAX / 4 ? len : GDB_PACKET_MAX / 4;
        reply_start(stub);
        gdb_text_add(&stub->reply, "O");
        gdb_text_hex(&stub->reply, (const uint8_t *)text, chunk);
        reply_send(stub);
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
    reply_start(stub);
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
        description_read(stub, at);
    else if (prefix(&at, "fThreadInfo"))
        threads_list(stub);
    else if (prefix(&at, "sThreadInfo"))
        gdb_text_add(&stub->reply, "l");
    else if (prefix(&at, "ThreadExtraInfo,"))
        thread_describe(stub, at);
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
    return prefix(&at, "Cont") && resume_each(stub, at);
}

/* Answer one packet into stub->reply. True: no answer now (the machine runs, or GDB doesn't expect one). */
static bool packet_answer(struct gdb_stub *stub, const char *at)
{
    switch (*at++) {
    case '?': stop_reply(stub, NULL); return false;
    case 'g': general_registers_add(stub, false); return false;
    case 'G': registers_write(stub, at); return false;
    case 'p': register_read(stub, at); return false;
    case 'P': register_write(stub, at); return false;
    case 'm': memory_read(stub, at); return false;
    case 'M': memory_write(stub, at, false); return false;
    case 'X': memory_write(stub, at, true); return false;
    case 'Z': point_change(stub, at, true); return false;
    case 'z': point_change(stub, at, false); return false;
    case 'H': thread_select(stub, at); return false;
    case 'T': {
        unsigned index;
        gdb_text_add(&stub->reply, thread_parse(stub, &at, &index) ? "OK" : "E22");
        return false;
    }
    case 'c': return resume_simple(stub, at, DEBUG_CONTINUE);
    case 's': return resume_simple(stub, at, DEBUG_STEP);
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
        reply_send(stub);
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
    reply_start(stub);
    if (!packet_answer(stub, stub->reader.data))
        reply_send(stub);
}

/* Ctrl-C. A breakpoint may be reported while the machine stops: then that is the answer. */
static void interrupt(struct gdb_stub *stub)
{
    if (!stub->running)
        return;
    stub->interrupt = true;
    stub->config.target->pause(stub->config.target);
    machine_stopped(stub, stub->thread, NULL);
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
    stub->resume_thread = ALL_THREADS;
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
    stub->description = description_make(config->target->vcpus[0]);
    config->target->stopped = machine_stopped;
    config->target->ended = machine_ended;
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
