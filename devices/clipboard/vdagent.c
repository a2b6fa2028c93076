/* The stream of SPICE's agent protocol: chunks of messages, both ways. */
#include "devices/clipboard/vdagent.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/clipboard/vdagent_internal.h"

#define DATA_START 256u

static struct vdagent *agent_of(struct char_port *port)
{
    return container_of(port, struct vdagent, port);
}

/* As when the agent has not opened the port yet. */
static void stream_reset(struct vdagent *agent)
{
    free(agent->data);
    free(agent->out);
    agent->data = agent->out = NULL;
    agent->chunk_header_len = agent->chunk_left = agent->header_len = agent->len = agent->room = 0;
    agent->owed_count = 0;
    vdagent_messages_reset(agent);
}

static void connection_tell(struct vdagent *agent)
{
    if (agent->port.handlers.connection_changed)
        agent->port.handlers.connection_changed(agent->port.handlers.opaque);
}

void vdagent_hang_up(struct vdagent *agent, const char *why)
{
    log_guest("the agent in the guest is not listened to until it opens its port again: %s", why);
    stream_reset(agent);
    agent->hung_up = true;
    connection_tell(agent);
}

/* --- what comes in --- */

/* Collect a header that may come byte by byte; how much of it was there. */
static uint32_t header_collect(uint8_t *header, uint32_t *len, uint32_t size, const uint8_t *bytes,
                               size_t count)
{
    uint32_t more = count < size - *len ? (uint32_t)count : size - *len;
    memcpy(header + *len, bytes, more);
    *len += more;
    return more;
}

static void message_end(struct vdagent *agent)
{
    uint8_t *data = agent->data;
    uint32_t len = agent->len;
    agent->data = NULL;
    agent->header_len = agent->len = agent->room = 0;
    if (agent->size <= MESSAGE_SIZE_MAX)
        vdagent_message_take(agent, data, len);
    free(data);
}

static void message_begin(struct vdagent *agent)
{
    agent->type = le32_load(agent->header + 4);
    agent->size = le32_load(agent->header + 16);
    if (le32_load(agent->header) != MESSAGE_PROTOCOL)
        vdagent_hang_up(agent, "a message of an unknown protocol");
    else if (agent->size == 0)
        message_end(agent);
    else if (agent->size > MESSAGE_SIZE_MAX)
        log_guest("the agent in the guest sends %u bytes, which is too much to copy", agent->size);
}

/* Memory grows with what has come, not with what was announced. */
static void data_keep(struct vdagent *agent, const uint8_t *bytes, uint32_t count)
{
    if (agent->len + count > agent->room) {
        agent->room = agent->room ? agent->room : DATA_START;
        while (agent->room < agent->len + count)
            agent->room *= 2;
        agent->data = realloc(agent->data, agent->room);
        if (!agent->data)
            abort();
    }
    memcpy(agent->data + agent->len, bytes, count);
}

/* How many of the bytes, which are of the message, were taken. */
static uint32_t message_bytes(struct vdagent *agent, const uint8_t *bytes, uint32_t count)
{
    if (agent->header_len < MESSAGE_HEADER_SIZE) {
        uint32_t taken = header_collect(agent->header, &agent->header_len, MESSAGE_HEADER_SIZE, bytes, count);
        if (agent->header_len == MESSAGE_HEADER_SIZE)
            message_begin(agent);
        return taken;
    }
    uint32_t taken = count < agent->size - agent->len ? count : agent->size - agent->len;
    if (agent->size <= MESSAGE_SIZE_MAX)
        data_keep(agent, bytes, taken);
    agent->len += taken;
    if (agent->len == agent->size)
        message_end(agent);
    return taken;
}

static size_t chunk_bytes(struct vdagent *agent, const uint8_t *bytes, size_t count)
{
    if (agent->chunk_left) {
        uint32_t there = count < agent->chunk_left ? (uint32_t)count : agent->chunk_left;
        uint32_t taken = agent->chunk_port == CHUNK_PORT_CLIENT ? message_bytes(agent, bytes, there) : there;
        agent->chunk_left -= agent->hung_up ? 0 : taken;
        return taken;
    }
    uint32_t taken =
        header_collect(agent->chunk_header, &agent->chunk_header_len, CHUNK_HEADER_SIZE, bytes, count);
    if (agent->chunk_header_len < CHUNK_HEADER_SIZE)
        return taken;
    agent->chunk_header_len = 0;
    agent->chunk_port = le32_load(agent->chunk_header);
    agent->chunk_left = le32_load(agent->chunk_header + 4);
    if (agent->chunk_port != CHUNK_PORT_CLIENT && agent->chunk_port != CHUNK_PORT_SERVER)
        vdagent_hang_up(agent, "a chunk for an unknown port");
    return taken;
}

static size_t agent_write(struct char_port *port, const uint8_t *bytes, size_t len)
{
    struct vdagent *agent = agent_of(port);
    for (size_t at = 0; at < len && agent->open && !agent->hung_up;)
        at += chunk_bytes(agent, bytes + at, len - at);
    return len;
}

/* --- what goes out --- */

/* Takes the data apart into chunks, behind the message's header. */
static void message_pack(struct vdagent *agent, uint32_t type, const uint8_t *data, size_t len)
{
    uint8_t header[MESSAGE_HEADER_SIZE] = {0};
    size_t total = sizeof(header) + len, chunks = (total + CHUNK_SIZE_MAX - 1) / CHUNK_SIZE_MAX;
    le32_store(header, MESSAGE_PROTOCOL);
    le32_store(header + 4, type);
    le32_store(header + 16, (uint32_t)len);
    agent->out_at = 0;
    agent->out_len = total + chunks * CHUNK_HEADER_SIZE;
    uint8_t *to = agent->out = machine_alloc(agent->out_len);
    for (size_t done = 0, size; done < total; done += size, to += size) {
        size = total - done < CHUNK_SIZE_MAX ? total - done : CHUNK_SIZE_MAX;
        le32_store(to, CHUNK_PORT_CLIENT);
        le32_store(to + 4, (uint32_t)size);
        to += CHUNK_HEADER_SIZE;
        size_t of_header = done == 0 ? sizeof(header) : 0; /* which the first chunk has room for */
        memcpy(to, header, of_header);
        if (size > of_header)
            memcpy(to + of_header, data + (done + of_header - sizeof(header)), size - of_header);
    }
}

static void message_pack_next(struct vdagent *agent)
{
    uint32_t type;
    size_t len;
    struct owed owed = agent->owed[agent->owed_at];
    agent->owed_at = (agent->owed_at + 1) % OWED_MAX;
    agent->owed_count--;
    uint8_t *data = vdagent_message_make(agent, owed, &type, &len);
    message_pack(agent, type, data, len);
    free(data);
}

void vdagent_send(struct vdagent *agent)
{
    const struct char_handlers *handlers = &agent->port.handlers;
    while (handlers->receive && (agent->out || agent->owed_count)) {
        if (!agent->out)
            message_pack_next(agent);
        agent->out_at +=
            handlers->receive(handlers->opaque, agent->out + agent->out_at, agent->out_len - agent->out_at);
        if (agent->out_at < agent->out_len)
            return;
        free(agent->out);
        agent->out = NULL;
    }
}

void vdagent_owe(struct vdagent *agent, struct owed owed)
{
    for (unsigned i = 0; i < agent->owed_count; i++) {
        const struct owed *other = &agent->owed[(agent->owed_at + i) % OWED_MAX];
        if (other->kind == owed.kind && other->selection == owed.selection && other->type == owed.type &&
            other->request == owed.request)
            return; /* one will do */
    }
    if (agent->owed_count == OWED_MAX) {
        log_guest("the agent in the guest asks for more than it reads");
        return;
    }
    agent->owed[(agent->owed_at + agent->owed_count++) % OWED_MAX] = owed;
    vdagent_send(agent);
}

/* --- the port --- */

static void agent_receive_ready(struct char_port *port)
{
    vdagent_send(agent_of(port));
}

static bool agent_is_connected(struct char_port *port)
{
    return !agent_of(port)->hung_up;
}

static void agent_guest_open(struct char_port *port, bool open)
{
    struct vdagent *agent = agent_of(port);
    bool hung_up = agent->hung_up;
    stream_reset(agent);
    agent->open = open;
    agent->hung_up = false;
    if (hung_up)
        connection_tell(agent);
    if (open)
        vdagent_owe(agent, (struct owed){.kind = OWED_CAPABILITIES, .request = true});
}

static void agent_close(struct char_port *port)
{
    stream_reset(agent_of(port));
    free(agent_of(port));
}

static const struct char_ops agent_ops = {
    .write = agent_write,
    .receive_ready = agent_receive_ready,
    .is_connected = agent_is_connected,
    .guest_open = agent_guest_open,
    .close = agent_close,
};

struct char_port *vdagent_create(struct clipboard *clipboard)
{
    struct vdagent *agent = machine_alloc(sizeof(*agent));
    agent->port.ops = &agent_ops;
    agent->clipboard = clipboard;
    return &agent->port;
}
