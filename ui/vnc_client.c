/*
 * What clients send: keys, the pointer, wishes for a size. QEMU's two extensions (registered with the RFB
 * community's protocol text, 7.8.5 and 7.8.6) are added to what the library knows: keys by their place on the
 * keyboard, and a pointer that is relative.
 */
#if HAVE_VNCSERVER

#include "base/bits.h"
#include "ui/vnc_internal.h"

#define ENCODING_POINTER    (-257)
#define ENCODING_KEYS       (-258)
#define MESSAGE_QEMU        255
#define MESSAGE_QEMU_KEY    0
#define MESSAGE_QEMU_LENGTH 12
#define RELATIVE_ZERO       0x7fff /* a relative movement is sent around this */

#define BUTTON_WHEEL_UP    3
#define BUTTON_WHEEL_DOWN  4
#define BUTTON_WHEEL_LEFT  5
#define BUTTON_WHEEL_RIGHT 6

static struct vnc_session *session_of(rfbClientPtr rfb)
{
    return rfb->screen->screenData;
}

/* --- keys and the pointer --- */

static void key_event(rfbBool down, rfbKeySym keysym, rfbClientPtr rfb)
{
    struct vnc_session *session = session_of(rfb);
    host_mutex_lock(session->machine->lock);
    vnc_keysym(&session->keys, keysym, down);
    host_mutex_unlock(session->machine->lock);
    vnc_session_active(session);
}

static void buttons_change(struct vnc_session *session, unsigned buttons)
{
    static const struct {
        unsigned bit, button;
    } map[] = {
        {0, INPUT_BUTTON_LEFT}, {1, INPUT_BUTTON_MIDDLE}, {2, INPUT_BUTTON_RIGHT}, {7, INPUT_BUTTON_SIDE}};
    struct input *input = session->machine->input;
    unsigned pressed = buttons & ~session->buttons;
    int down = (int)(pressed >> BUTTON_WHEEL_DOWN & 1) - (int)(pressed >> BUTTON_WHEEL_UP & 1);
    int right = (int)(pressed >> BUTTON_WHEEL_RIGHT & 1) - (int)(pressed >> BUTTON_WHEEL_LEFT & 1);
    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        held_change(&session->keys.held, map[i].button, buttons >> map[i].bit & 1);
    if (down || right)
        input_wheel(input, down, right);
    session->buttons = buttons;
}

/* A guest with a relative pointer gets the way from where the client's was, if the client can't do better. */
static void pointer_move(struct vnc_session *session, int x, int y)
{
    struct input *input = session->machine->input;
    int dx = session->placed ? x - session->x : 0, dy = session->placed ? y - session->y : 0;
    if (session->hears_pointer && !session->told_absolute) {
        dx = x - RELATIVE_ZERO;
        dy = y - RELATIVE_ZERO;
    }
    if (input_takes_absolute(input)) {
        unsigned right = session->width > 1 ? session->width - 1 : 1;
        unsigned bottom = session->height > 1 ? session->height - 1 : 1;
        unsigned left = x < 0 ? 0 : (unsigned)x > right ? right : (unsigned)x;
        unsigned top = y < 0 ? 0 : (unsigned)y > bottom ? bottom : (unsigned)y;
        input_absolute(input, (left * INPUT_ABSOLUTE_MAX + right / 2) / right,
                       (top * INPUT_ABSOLUTE_MAX + bottom / 2) / bottom);
    } else if (dx || dy) {
        input_relative(input, dx, dy);
    }
    session->x = x;
    session->y = y;
    session->placed = true;
}

static void pointer_event(int buttons, int x, int y, rfbClientPtr rfb)
{
    struct vnc_session *session = session_of(rfb);
    if (!session->machine->input)
        return;
    host_mutex_lock(session->machine->lock);
    pointer_move(session, x, y);
    buttons_change(session, (unsigned)buttons);
    input_sync(session->machine->input);
    host_mutex_unlock(session->machine->lock);
    vnc_session_active(session);
}

/* --- sizes --- */

static int size_wished(int width, int height, int screens, struct rfbExtDesktopScreen *list, rfbClientPtr rfb)
{
    const struct ui_machine *machine = session_of(rfb)->machine;
    (void)screens, (void)list;
    if (width < 1 || height < 1)
        return rfbExtDesktopSize_InvalidScreenLayout;
    host_mutex_lock(machine->lock);
    bool heard = display_takes_hints(machine->display);
    if (heard)
        display_hint_set(machine->display, (unsigned)width, (unsigned)height);
    host_mutex_unlock(machine->lock);
    return heard ? rfbExtDesktopSize_Success : rfbExtDesktopSize_ResizeProhibited;
}

/* --- what goes beyond the library --- */

/* An update with one rectangle that is none: how a server says that it knows an extension. */
static void pseudo_rectangle_send(struct vnc_session *session, int encoding, unsigned x)
{
    uint8_t message[4 + 12] = {0, 0, 0, 1};
    be16_store(message + 4, (uint16_t)x);
    be32_store(message + 12, (uint32_t)encoding);
    if (session->client &&
        session->rfb->WriteExact(session->client, (const char *)message, sizeof(message)) < 0)
        session->rfb->CloseClient(session->client);
}

void vnc_client_pointer_set(struct vnc_session *session, bool absolute)
{
    session->owed_pointer |= absolute != session->absolute;
    session->absolute = absolute;
}

void vnc_client_tell(struct vnc_session *session)
{
    if (session->owed_key_codes)
        pseudo_rectangle_send(session, ENCODING_KEYS, 0);
    if (session->owed_pointer && session->hears_pointer) {
        session->told_absolute = session->absolute;
        session->placed = false;
        pseudo_rectangle_send(session, ENCODING_POINTER, session->told_absolute);
    }
    session->owed_key_codes = session->owed_pointer = false;
}

/* The library holds a lock that all clients share: what is to be said is said later. */
static rfbBool extension_enable(rfbClientPtr rfb, void **data, int encoding)
{
    struct vnc_session *session = session_of(rfb);
    (void)data;
    session->owed_key_codes |= encoding == ENCODING_KEYS && !session->has_key_codes;
    session->owed_pointer |= encoding == ENCODING_POINTER && !session->hears_pointer;
    session->has_key_codes |= encoding == ENCODING_KEYS;
    session->hears_pointer |= encoding == ENCODING_POINTER;
    return TRUE;
}

static rfbBool extension_message(rfbClientPtr rfb, void *data, const rfbClientToServerMsg *message)
{
    struct vnc_session *session = session_of(rfb);
    uint8_t rest[MESSAGE_QEMU_LENGTH - 1]; /* the type has been read */
    (void)data;
    if (message->type != MESSAGE_QEMU)
        return FALSE;
    if (session->rfb->ReadExact(rfb, (char *)rest, sizeof(rest)) <= 0 || rest[0] != MESSAGE_QEMU_KEY) {
        session->rfb->CloseClient(rfb);
        return TRUE;
    }
    bool down = be16_load(rest + 1);
    uint32_t keysym = be32_load(rest + 3), code = be32_load(rest + 7);
    host_mutex_lock(session->machine->lock);
    if (code)
        vnc_keycode(&session->keys, code, down);
    else
        vnc_keysym(&session->keys, keysym, down);
    host_mutex_unlock(session->machine->lock);
    vnc_session_active(session);
    return TRUE;
}

static rfbBool extension_client(rfbClientPtr rfb, void **data)
{
    (void)rfb, (void)data;
    return TRUE;
}

/* --- coming and going --- */

static void client_gone(rfbClientPtr rfb)
{
    struct vnc_session *session = session_of(rfb);
    host_mutex_lock(session->machine->lock);
    vnc_keys_release_all(&session->keys);
    host_mutex_unlock(session->machine->lock);
    session->client = NULL;
}

static enum rfbNewClientAction client_new(rfbClientPtr rfb)
{
    struct vnc_session *session = session_of(rfb);
    session->keys = (struct vnc_keys){.held.input = session->machine->input};
    session->buttons = 0;
    session->placed = false;
    session->has_key_codes = session->hears_pointer = session->told_absolute = false;
    session->owed_key_codes = session->owed_pointer = false;
    session->client = rfb;
    rfb->clientGoneHook = client_gone;
    return RFB_CLIENT_ACCEPT;
}

void vnc_client_hooks_set(struct vnc_session *session)
{
    static int encodings[] = {ENCODING_POINTER, ENCODING_KEYS, 0};
    static rfbProtocolExtension extension = {.newClient = extension_client,
                                             .pseudoEncodings = encodings,
                                             .enablePseudoEncoding = extension_enable,
                                             .handleMessage = extension_message};
    static bool registered;
    rfbScreenInfoPtr screen = session->screen;
    screen->newClientHook = client_new;
    screen->kbdAddEvent = key_event;
    screen->ptrAddEvent = pointer_event;
    screen->setDesktopSizeHook = size_wished;
    if (!registered)
        session->rfb->RegisterProtocolExtension(&extension);
    registered = true;
}

#endif
