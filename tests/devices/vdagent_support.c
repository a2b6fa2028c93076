#include "tests/devices/vdagent_support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/harness/test.h"

#define STREAM_MAX (8 * MIB)

static size_t came(void *opaque, const uint8_t *bytes, size_t len)
{
    struct agent *agent = opaque;
    size_t taken = len < agent->room ? len : agent->room;
    if (!CHECK(agent->len + taken <= STREAM_MAX))
        return 0;
    memcpy(agent->came + agent->len, bytes, taken);
    agent->len += taken;
    agent->room -= taken;
    return taken;
}

static void connection_changed(void *opaque)
{
    struct agent *agent = opaque;
    agent->connections++;
}

void agent_set_up(struct agent *agent)
{
    *agent = (struct agent){.room = SIZE_MAX, .came = malloc(STREAM_MAX), .clipboard = clipboard_create()};
    agent->port = vdagent_create(agent->clipboard);
    char_attach(agent->port, &(struct char_handlers){
                                 .receive = came, .connection_changed = connection_changed, .opaque = agent});
}

void agent_tear_down(struct agent *agent)
{
    char_close(agent->port);
    clipboard_destroy(agent->clipboard);
    free(agent->came);
}

void agent_write(struct agent *agent, const void *bytes, size_t len)
{
    CHECK_EQ(char_write(agent->port, bytes, len), len);
}

void agent_say(struct agent *agent, enum agent_message type, const void *data, uint32_t size, uint32_t chunk)
{
    uint32_t total = 20 + size;
    uint8_t *message = calloc(1, total);
    le32_store(message, 1);
    le32_store(message + 4, type);
    le32_store(message + 16, size);
    if (size)
        memcpy(message + 20, data, size);
    for (uint32_t done = 0, part; done < total; done += part) {
        uint8_t header[8];
        part = total - done < chunk ? total - done : chunk;
        le32_store(header, 1);
        le32_store(header + 4, part);
        agent_write(agent, header, sizeof(header));
        agent_write(agent, message + done, part);
    }
    free(message);
}

bool agent_hear(struct agent *agent)
{
    static uint8_t message[2 * MIB + 64];
    size_t at = 0, got = 0;
    while (got < 20 || got < 20 + (size_t)le32_load(message + 16)) {
        if (agent->len - at < 8 || !CHECK_EQ(le32_load(agent->came + at), 1))
            return false;
        uint32_t part = le32_load(agent->came + at + 4);
        CHECK(part > 0 && part <= 2048);
        if (agent->len - at - 8 < part || !CHECK(got + part <= sizeof(message)))
            return false;
        memcpy(message + got, agent->came + at + 8, part);
        got += part;
        at += 8 + part;
    }
    CHECK_EQ(le32_load(message), 1); /* VD_AGENT_PROTOCOL */
    CHECK_EQ(le64_load(message + 8), 0);
    agent->type = le32_load(message + 4);
    agent->size = le32_load(message + 16);
    agent->data = message + 20;
    CHECK_EQ(got, 20 + (size_t)agent->size); /* a chunk has bytes of one message only */
    memmove(agent->came, agent->came + at, agent->len - at);
    agent->len -= at;
    return true;
}
