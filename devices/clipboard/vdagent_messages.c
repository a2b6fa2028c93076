/*
 * What SPICE's agent protocol says about the clipboard. An agent that works on demand offers what was copied
 * (a grab) and hands it over when it is asked; one that doesn't sends every text at once. We take what is
 * offered, and offer what the host has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/clipboard/text.h"
#include "devices/clipboard/vdagent_internal.h"

enum message_type {
    CLIPBOARD_DATA = 4,
    ANNOUNCE_CAPABILITIES = 6,
    CLIPBOARD_GRAB = 7,
    CLIPBOARD_REQUEST = 8,
    CLIPBOARD_RELEASE = 9,
    MAX_CLIPBOARD = 14,
};

/* Capabilities, as bits of the first word. */
#define CAN_CLIPBOARD     (1u << 3)
#define CAN_BY_DEMAND     (1u << 5)
#define CAN_SELECTION     (1u << 6) /* messages name the selection that they are about */
#define CAN_GUEST_CRLF    (1u << 9) /* its lines end with CRLF */
#define CAN_MAX_CLIPBOARD (1u << 10)

#define SELECTION_CLIPBOARD 0u /* what people know; the others are X11's */
#define SELECTION_SIZE      4u

#define CONTENT_NONE 0u
#define CONTENT_TEXT 1u /* UTF-8 */

static void host_changed(void *opaque)
{
    struct vdagent *agent = opaque;
    agent->awaited = false; /* what it offered before is old */
    enum owed_kind kind = agent->capabilities & CAN_BY_DEMAND ? OWED_OFFER : OWED_TEXT;
    vdagent_owe(agent, (struct owed){.kind = kind, .type = CONTENT_TEXT});
}

void vdagent_messages_reset(struct vdagent *agent)
{
    agent->known = agent->awaited = false;
    agent->capabilities = 0;
    clipboard_guest_attach(agent->clipboard, NULL, NULL);
}

/* --- from the agent --- */

/* The word at a place of the data. */
static bool word_take(const uint8_t *data, uint32_t len, uint32_t at, uint32_t *word)
{
    if (at + 4 > len)
        return false;
    *word = le32_load(data + at);
    return true;
}

static void capabilities_take(struct vdagent *agent, const uint8_t *data, uint32_t len)
{
    uint64_t all = 0;
    size_t text_len;
    uint32_t request;
    if (!word_take(data, len, 0, &request) || !word_take(data, len, 4, &agent->capabilities)) {
        vdagent_hang_up(agent, "capabilities that are none");
        return;
    }
    if (request)
        vdagent_owe(agent, (struct owed){.kind = OWED_CAPABILITIES});
    if (agent->known || !(agent->capabilities & (CAN_BY_DEMAND | CAN_CLIPBOARD)))
        return;
    agent->known = true;
    if (agent->capabilities & CAN_MAX_CLIPBOARD)
        vdagent_owe(agent, (struct owed){.kind = OWED_MAX_CLIPBOARD});
    clipboard_guest_attach(agent->clipboard, host_changed, agent);
    if (clipboard_news(agent->clipboard, CLIPBOARD_HOST, &all, &text_len))
        host_changed(agent);
}

static void grab_take(struct vdagent *agent, const uint8_t *data, uint32_t len)
{
    uint32_t type;
    bool has_text = false;
    for (uint32_t at = 0; word_take(data, len, at, &type); at += 4)
        has_text |= type == CONTENT_TEXT;
    agent->awaited = has_text;
    if (has_text)
        vdagent_owe(agent, (struct owed){.kind = OWED_REQUEST, .type = CONTENT_TEXT});
}

static void request_take(struct vdagent *agent, uint8_t selection, const uint8_t *data, uint32_t len)
{
    uint32_t type;
    if (word_take(data, len, 0, &type))
        vdagent_owe(agent, (struct owed){.kind = OWED_TEXT, .selection = selection, .type = type});
}

static void text_take(struct vdagent *agent, uint8_t *data, uint32_t len)
{
    uint32_t type;
    bool wanted = agent->awaited || !(agent->capabilities & CAN_BY_DEMAND);
    agent->awaited = false;
    if (!wanted || !word_take(data, len, 0, &type) || type != CONTENT_TEXT)
        return;
    char *text = (char *)data + 4;
    size_t text_len = len - 4;
    if (agent->capabilities & CAN_GUEST_CRLF)
        text_len = text_crlf_remove(text, text_len);
    if (!clipboard_put(agent->clipboard, CLIPBOARD_GUEST, text, text_len))
        log_guest("the agent in the guest copied something that is not UTF-8");
}

static void clipboard_message_take(struct vdagent *agent, uint8_t *data, uint32_t len)
{
    uint8_t selection = SELECTION_CLIPBOARD;
    if (agent->capabilities & CAN_SELECTION) {
        if (len < SELECTION_SIZE) {
            vdagent_hang_up(agent, "a message that is too short");
            return;
        }
        selection = data[0];
        data += SELECTION_SIZE;
        len -= SELECTION_SIZE;
    }
    if (agent->type == CLIPBOARD_REQUEST)
        request_take(agent, selection, data, len);
    if (selection != SELECTION_CLIPBOARD)
        return;
    if (agent->type == CLIPBOARD_GRAB)
        grab_take(agent, data, len);
    else if (agent->type == CLIPBOARD_DATA)
        text_take(agent, data, len);
    else if (agent->type == CLIPBOARD_RELEASE)
        agent->awaited = false; /* what was copied stays copied */
}

void vdagent_message_take(struct vdagent *agent, uint8_t *data, uint32_t len)
{
    uint8_t nothing[1];
    data = data ? data : nothing;
    switch (agent->type) {
    case ANNOUNCE_CAPABILITIES: capabilities_take(agent, data, len); break;
    case CLIPBOARD_DATA:
    case CLIPBOARD_GRAB:
    case CLIPBOARD_REQUEST:
    case CLIPBOARD_RELEASE: clipboard_message_take(agent, data, len); break;
    default: break; /* about other things than the clipboard */
    }
}

/* --- to the agent --- */

/* Selection, where that is said, one word, and further bytes. */
static uint8_t *clipboard_message(struct vdagent *agent, struct owed owed, uint32_t content,
                                  const char *bytes, size_t count, size_t *len)
{
    size_t head = agent->capabilities & CAN_SELECTION ? SELECTION_SIZE : 0;
    uint8_t *data = machine_alloc(head + 4 + count);
    if (head)
        data[0] = owed.selection;
    le32_store(data + head, content);
    if (count)
        memcpy(data + head + 4, bytes, count);
    *len = head + 4 + count;
    return data;
}

/* The host's text, if it is that what was asked for; else nothing, as there has to be an answer. */
static uint8_t *text_message(struct vdagent *agent, struct owed owed, size_t *len)
{
    uint64_t all = 0;
    size_t count = 0;
    bool asked = owed.type == CONTENT_TEXT && owed.selection == SELECTION_CLIPBOARD;
    const char *text = asked ? clipboard_news(agent->clipboard, CLIPBOARD_HOST, &all, &count) : NULL;
    char *lines = text && agent->capabilities & CAN_GUEST_CRLF ? text_crlf_add(text, count, &count) : NULL;
    uint8_t *data = clipboard_message(agent, owed, text ? CONTENT_TEXT : CONTENT_NONE, lines ? lines : text,
                                      text ? count : 0, len);
    free(lines);
    return data;
}

static uint8_t *words_message(uint32_t first, uint32_t second, size_t count, size_t *len)
{
    uint8_t *data = machine_alloc(8);
    le32_store(data, first);
    le32_store(data + 4, second);
    *len = 4 * count;
    return data;
}

uint8_t *vdagent_message_make(struct vdagent *agent, struct owed owed, uint32_t *type, size_t *len)
{
    switch ((enum owed_kind)owed.kind) {
    case OWED_CAPABILITIES:
        *type = ANNOUNCE_CAPABILITIES;
        return words_message(owed.request, CAN_CLIPBOARD | CAN_BY_DEMAND | CAN_SELECTION, 2, len);
    case OWED_MAX_CLIPBOARD: *type = MAX_CLIPBOARD; return words_message(CLIPBOARD_TEXT_MAX, 0, 1, len);
    case OWED_OFFER:
        *type = CLIPBOARD_GRAB;
        return clipboard_message(agent, owed, CONTENT_TEXT, NULL, 0, len);
    case OWED_REQUEST:
        *type = CLIPBOARD_REQUEST;
        return clipboard_message(agent, owed, CONTENT_TEXT, NULL, 0, len);
    case OWED_TEXT: break;
    }
    *type = CLIPBOARD_DATA;
    return text_message(agent, owed, len);
}
