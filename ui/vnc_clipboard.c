/*
 * Cut text of a client, and ours to it (RFC 6143, 7.5.6 and 7.6.4): Latin-1, or UTF-8 with the extended
 * clipboard where the library knows that. The library's own functions would also send to a client that has
 * not given its password yet.
 */
#if HAVE_VNCSERVER

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/clipboard/text.h"
#include "ui/vnc_internal.h"

#define CUT_TEXT_SIZE 8 /* of the message, before the text */

static void client_put(rfbClientPtr rfb, const char *text, size_t len)
{
    struct vnc_session *session = rfb->screen->screenData;
    host_mutex_lock(session->machine->lock);
    clipboard_put(session->machine->clipboard, CLIPBOARD_HOST, text, len);
    host_mutex_unlock(session->machine->lock);
}

static void cut_text_latin1(char *text, int len, rfbClientPtr rfb)
{
    size_t made;
    char *utf8 = text_from_latin1(text, (size_t)len, &made);
    client_put(rfb, utf8, made);
    free(utf8);
}

static void message_send(struct vnc_session *session, const void *message, size_t len)
{
    if (len && session->rfb->WriteExact(session->client, message, (int)len) < 0)
        session->rfb->CloseClient(session->client);
}

static void plain_send(struct vnc_session *session, const char *text, size_t len)
{
    uint8_t message[CUT_TEXT_SIZE] = {rfbServerCutText};
    size_t made;
    char *latin1 = text_to_latin1(text, len, &made);
    be32_store(message + 4, (uint32_t)made);
    message_send(session, message, sizeof(message));
    message_send(session, latin1, made);
    free(latin1);
}

#ifdef rfbEncodingExtendedClipboard

/* The extension has lines that end with CRLF, and a NUL at the end. */
static void cut_text_utf8(char *text, int len, rfbClientPtr rfb)
{
    size_t kept = text_crlf_remove(text, strnlen(text, (size_t)len));
    client_put(rfb, text, kept);
}

/* Tells that there is a text: who wants it asks for it, and the library answers with what the client's record
 * has. False: it does not understand that. */
static bool extended_send(struct vnc_session *session, const char *text, size_t len)
{
    rfbClientPtr client = session->client;
    uint8_t message[CUT_TEXT_SIZE + 4] = {rfbServerCutText};
    size_t made;
    if (!client->enableExtendedClipboard || !(client->extClipboardUserCap & rfbExtendedClipboard_Notify))
        return false;
    free(client->extClipboardData);
    client->extClipboardData = text_crlf_add(text, len, &made);
    client->extClipboardData[made] = '\0';
    client->extClipboardDataSize = (int)made + 1;
    be32_store(message + 4, (uint32_t)-4); /* a negative length: the extension's flags follow */
    be32_store(message + 8, rfbExtendedClipboard_Text | rfbExtendedClipboard_Notify);
    message_send(session, message, sizeof(message));
    return true;
}

static void utf8_hook_set(rfbScreenInfoPtr screen)
{
    screen->setXCutTextUTF8 = cut_text_utf8;
}

#else

static bool extended_send(struct vnc_session *session, const char *text, size_t len)
{
    (void)session, (void)text, (void)len;
    return false;
}

static void utf8_hook_set(rfbScreenInfoPtr screen)
{
    (void)screen;
}

#endif

void vnc_clipboard_hooks_set(struct vnc_session *session)
{
    if (!session->machine->clipboard)
        return;
    session->screen->setXCutText = cut_text_latin1;
    utf8_hook_set(session->screen);
}

void vnc_clipboard_tell(struct vnc_session *session)
{
    const struct ui_machine *machine = session->machine;
    size_t len = 0;
    if (!machine->clipboard)
        return;
    host_mutex_lock(machine->lock);
    const char *news = clipboard_news(machine->clipboard, CLIPBOARD_GUEST, &session->clipboard_seen, &len);
    char *copied = news ? strdup(news) : NULL;
    host_mutex_unlock(machine->lock);
    if (copied && !extended_send(session, copied, len))
        plain_send(session, copied, len);
    free(copied);
}

#endif
