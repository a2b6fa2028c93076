/*
 * SPICE's agent as a test plays it, written from the protocol's published description (spice/vd_agent.h of
 * the SPICE project: figures and layouts), apart from the code it talks to.
 */
#pragma once

#include "devices/clipboard/vdagent.h"

enum agent_message {
    AGENT_CLIPBOARD = 4,
    AGENT_CAPABILITIES = 6,
    AGENT_GRAB = 7,
    AGENT_REQUEST = 8,
    AGENT_RELEASE = 9,
    AGENT_MAX_CLIPBOARD = 14,
};

enum agent_capability {
    AGENT_CAN_CLIPBOARD = 3,
    AGENT_CAN_BY_DEMAND = 5,
    AGENT_CAN_SELECTION = 6,
    AGENT_CAN_CRLF = 9,
    AGENT_CAN_MAX_CLIPBOARD = 10,
};

/* What came to the agent: one stream, from which messages are taken. `room` is what it takes at once. */
struct agent {
    struct char_port *port;
    struct clipboard *clipboard;
    uint8_t *came;
    size_t len, room;
    unsigned connections; /* how often it heard that char_is_connected is another */
    /* The last message that agent_hear found. */
    uint32_t type, size;
    const uint8_t *data;
};

void agent_set_up(struct agent *agent);
void agent_tear_down(struct agent *agent);

void agent_write(struct agent *agent, const void *bytes, size_t len);
/* One message in chunks of at most `chunk` bytes. */
void agent_say(struct agent *agent, enum agent_message type, const void *data, uint32_t size, uint32_t chunk);
/* Take a whole message off the stream; false: there is none. What it gave before is gone. */
bool agent_hear(struct agent *agent);
