/*
 * What the agent's two files share. vdagent.c cuts the guest's bytes into messages and ours into chunks;
 * vdagent_messages.c knows what they say.
 */
#pragma once

#include "devices/clipboard/vdagent.h"

/* Messages come in chunks: port, size (le32 each), bytes. */
#define CHUNK_HEADER_SIZE 8
#define CHUNK_SIZE_MAX    2048u /* of ours; agents put a message into one, however long it is */
#define CHUNK_PORT_CLIENT 1u    /* who has the screen: us */
#define CHUNK_PORT_SERVER 2u

/* A message: protocol (le32), type (le32), opaque (le64), size (le32), data. */
#define MESSAGE_HEADER_SIZE 20
#define MESSAGE_PROTOCOL    1u

/* The longest data that is taken: a text, and what stands in front of it. */
#define MESSAGE_SIZE_MAX (CLIPBOARD_TEXT_MAX + 8u)

enum owed_kind { OWED_CAPABILITIES, OWED_MAX_CLIPBOARD, OWED_OFFER, OWED_REQUEST, OWED_TEXT };

/* A message that is to be sent. Its contents are looked up when its turn comes, so that it costs nothing
 * until then. */
struct owed {
    uint8_t kind;
    uint8_t selection;
    uint8_t request; /* capabilities: the agent is to answer with its own */
    uint32_t type;   /* of the clipboard's content */
};

#define OWED_MAX 16u

struct vdagent {
    struct char_port port;
    struct clipboard *clipboard;
    bool open;    /* the agent has opened the port */
    bool hung_up; /* it sent nonsense: nothing is listened to until it has closed the port */

    /* What comes in. */
    uint8_t chunk_header[CHUNK_HEADER_SIZE], header[MESSAGE_HEADER_SIZE]; /* so much of them: */
    uint32_t chunk_header_len, header_len;
    uint32_t chunk_port, chunk_left;
    uint32_t type, size, len; /* of the message, and how much of it there is */
    uint8_t *data;            /* that, in memory for `room`, unless it is too long to be kept */
    uint32_t room;

    /* What the agent can do, as it has said. */
    bool known; /* that it knows clipboards */
    uint32_t capabilities;
    bool awaited; /* the agent was asked for its text */

    /* What goes out: one message in chunks, and those behind it. */
    uint8_t *out;
    size_t out_len, out_at;
    struct owed owed[OWED_MAX];
    unsigned owed_at, owed_count;
};

/* vdagent.c */
void vdagent_owe(struct vdagent *agent, struct owed owed);
void vdagent_send(struct vdagent *agent);
void vdagent_hang_up(struct vdagent *agent, const char *why);

/* vdagent_messages.c */
void vdagent_messages_reset(struct vdagent *agent);
/* A message of agent->type has come, with agent->len bytes of data, which may be changed. */
void vdagent_message_take(struct vdagent *agent, uint8_t *data, uint32_t len);
/* The data of what is owed, in memory to free, and its type. */
uint8_t *vdagent_message_make(struct vdagent *agent, struct owed owed, uint32_t *type, size_t *len);
