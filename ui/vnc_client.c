/*
 * What clients send: keys, the pointer, wishes for a size. QEMU's two extensions (registered with the RFB
 * community's protocol text, 7.8.5 and 7.8.6) are added to what the library knows: keys by their place on the
 * keyboard, and a pointer that is relative.
 */
#if HAVE_VNCSERVER

#include <stdlib.h>
#include <string.h>

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

static struct vnc_client *client_of(rfbClientPtr rfb)
{
    return rfb->clientData;
}

/* --- keys and the pointer --- */

static void key_event(rfbBool down, rfbKeySym keysym, rfbClientPtr rfb)
{
    struct vnc_client *client = client_of(rfb);
    if (!client)
        return;
    struct vnc *vnc = client->vnc;
    host_mutex_lock(vnc->machine.lock);
    vnc_keysym(&client->keys, keysym, down);
    host_mutex_unlock(vnc->machine.lock);
    vnc_active(vnc);
}

static void buttons_change(struct vnc_client *client, unsigned buttons)
{
    static const struct {
        unsigned bit, button;
    } map[] = {
        {0, INPUT_BUTTON_LEFT}, {1, INPUT_BUTTON_MIDDLE}, {2, INPUT_BUTTON_RIGHT}, {7, INPUT_BUTTON_SIDE}};
    struct input *input = client->vnc->machine.input;
    unsigned pressed = buttons & ~client->buttons;
    int down = (int)(pressed >> BUTTON_WHEEL_DOWN & 1) - (int)(pressed >> BUTTON_WHEEL_UP & 1);
    int right = (int)(pressed >> BUTTON_WHEEL_RIGHT & 1) - (int)(pressed >> BUTTON_WHEEL_LEFT & 1);
    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        held_change(&client->keys.held, map[i].button, buttons >> map[i].bit & 1);
    if (down || right)
        input_wheel(input, down, right);
    client->buttons = buttons;
}

/* A guest with a relative pointer gets the way from where the client's was, if the client can't do better. */
static void pointer_move(struct vnc_client *client, int x, int y)
{
    struct vnc *vnc = client->vnc;
    struct input *input = vnc->machine.input;
    int dx = client->placed ? x - client->x : 0, dy = client->placed ? y - client->y : 0;
    if (client->hears_pointer && !client->told_absolute) {
        dx = x - RELATIVE_ZERO;
        dy = y - RELATIVE_ZERO;
    }
    if (input_takes_absolute(input)) {
        unsigned right = vnc->width > 1 ? vnc->width - 1 : 1, bottom = vnc->height > 1 ? vnc->height - 1 : 1;
        unsigned left = x < 0 ? 0 : (unsigned)x > right ? right : (unsigned)x;
        unsigned top = y < 0 ? 0 : (unsigned)y > bottom ? bottom : (unsigned)y;
        input_absolute(input, (left * INPUT_ABSOLUTE_MAX + right / 2) / right,
                       (top * INPUT_ABSOLUTE_MAX + bottom / 2) / bottom);
    } else if (dx || dy) {
        input_relative(input, dx, dy);
    }
    client->x = x;
    client->y = y;
    client->placed = true;
}

static void pointer_event(int buttons, int x, int y, rfbClientPtr rfb)
{
    struct vnc_client *client = client_of(rfb);
    if (!client || !client->vnc->machine.input)
        return;
    struct vnc *vnc = client->vnc;
    host_mutex_lock(vnc->machine.lock);
    pointer_move(client, x, y);
    buttons_change(client, (unsigned)buttons);
    input_sync(vnc->machine.input);
    host_mutex_unlock(vnc->machine.lock);
    vnc_active(vnc);
}

/* --- sizes --- */

static int size_wished(int width, int height, int screens, struct rfbExtDesktopScreen *list, rfbClientPtr rfb)
{
    struct vnc_client *client = client_of(rfb);
    (void)screens, (void)list;
    if (!client || width < 1 || height < 1)
        return rfbExtDesktopSize_InvalidScreenLayout;
    struct vnc *vnc = client->vnc;
    host_mutex_lock(vnc->machine.lock);
    bool heard = display_takes_hints(vnc->machine.display);
    if (heard)
        display_hint_set(vnc->machine.display, (unsigned)width, (unsigned)height);
    host_mutex_unlock(vnc->machine.lock);
    return heard ? rfbExtDesktopSize_Success : rfbExtDesktopSize_ResizeProhibited;
}

/* --- what goes beyond the library --- */

/* An update with one rectangle that is none: how a server says that it knows an extension. */
static void pseudo_rectangle_send(struct vnc_client *client, int encoding, unsigned x)
{
    uint8_t message[4 + 12] = {0, 0, 0, 1};
    be16_store(message + 4, (uint16_t)x);
    be32_store(message + 12, (uint32_t)encoding);
    if (client->vnc->rfb->WriteExact(client->rfb, (const char *)message, sizeof(message)) < 0)
        client->vnc->rfb->CloseClient(client->rfb);
}

void vnc_client_pointer_tell(struct vnc_client *client)
{
    if (!client->hears_pointer)
        return;
    client->told_absolute = client->vnc->absolute;
    client->placed = false;
    pseudo_rectangle_send(client, ENCODING_POINTER, client->told_absolute);
}

static rfbBool extension_enable(rfbClientPtr rfb, void **data, int encoding)
{
    struct vnc_client *client = client_of(rfb);
    (void)data;
    if (!client)
        return FALSE;
    if (encoding == ENCODING_KEYS && !client->has_key_codes) {
        client->has_key_codes = true;
        pseudo_rectangle_send(client, ENCODING_KEYS, 0);
    }
    if (encoding == ENCODING_POINTER && !client->hears_pointer) {
        client->hears_pointer = true;
        vnc_client_pointer_tell(client);
    }
    return TRUE;
}

static rfbBool extension_message(rfbClientPtr rfb, void *data, const rfbClientToServerMsg *message)
{
    struct vnc_client *client = client_of(rfb);
    uint8_t rest[MESSAGE_QEMU_LENGTH - 1]; /* the type has been read */
    (void)data;
    if (!client || message->type != MESSAGE_QEMU)
        return FALSE;
    struct vnc *vnc = client->vnc;
    if (vnc->rfb->ReadExact(rfb, (char *)rest, sizeof(rest)) <= 0 || rest[0] != MESSAGE_QEMU_KEY) {
        vnc->rfb->CloseClient(rfb);
        return TRUE;
    }
    bool down = be16_load(rest + 1);
    uint32_t keysym = be32_load(rest + 3), code = be32_load(rest + 7);
    host_mutex_lock(vnc->machine.lock);
    if (code)
        vnc_keycode(&client->keys, code, down);
    else
        vnc_keysym(&client->keys, keysym, down);
    host_mutex_unlock(vnc->machine.lock);
    vnc_active(vnc);
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
    struct vnc_client *client = client_of(rfb);
    struct vnc *vnc = client->vnc;
    host_mutex_lock(vnc->machine.lock);
    vnc_keys_release_all(&client->keys);
    host_mutex_unlock(vnc->machine.lock);
    vnc->clients--;
    rfb->clientData = NULL;
    free(client);
}

static enum rfbNewClientAction client_new(rfbClientPtr rfb)
{
    struct vnc *vnc = rfb->screen->screenData;
    struct vnc_client *client = calloc(1, sizeof(*client));
    if (!client)
        return RFB_CLIENT_REFUSE;
    client->vnc = vnc;
    client->rfb = rfb;
    client->keys.held.input = vnc->machine.input;
    rfb->clientData = client;
    rfb->clientGoneHook = client_gone;
    vnc->clients++;
    return RFB_CLIENT_ACCEPT;
}

void vnc_client_hooks_set(struct vnc *vnc)
{
    static int encodings[] = {ENCODING_POINTER, ENCODING_KEYS, 0};
    static rfbProtocolExtension extension = {.newClient = extension_client,
                                             .pseudoEncodings = encodings,
                                             .enablePseudoEncoding = extension_enable,
                                             .handleMessage = extension_message};
    static bool registered;
    rfbScreenInfoPtr screen = vnc->screen;
    screen->newClientHook = client_new;
    screen->kbdAddEvent = key_event;
    screen->ptrAddEvent = pointer_event;
    screen->setDesktopSizeHook = size_wished;
    if (!registered)
        vnc->rfb->RegisterProtocolExtension(&extension);
    registered = true;
}

#endif
