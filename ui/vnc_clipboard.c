/*
 * Cut text of clients, and ours to them (RFC 6143, 7.5.6 and 7.6.4): Latin-1, or UTF-8 with the extended
 * clipboard where the library knows that. The library's own functions would also send to clients that have
 * not given their password yet.
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
    struct vnc *vnc = rfb->screen->screenData;
    host_mutex_lock(vnc->machine.lock);
    clipboard_put(vnc->machine.clipboard, CLIPBOARD_HOST, text, len);
    host_mutex_unlock(vnc->machine.lock);
}

static void cut_text_latin1(char *text, int len, rfbClientPtr rfb)
{
    size_t made;
    char *utf8 = text_from_latin1(text, (size_t)len, &made);
    client_put(rfb, utf8, made);
    free(utf8);
}

static void plain_send(struct vnc *vnc, rfbClientPtr rfb, const char *text, size_t len)
{
    uint8_t message[CUT_TEXT_SIZE] = {rfbServerCutText};
    size_t made;
    char *latin1 = text_to_latin1(text, len, &made);
    be32_store(message + 4, (uint32_t)made);
    if (vnc->rfb->WriteExact(rfb, (const char *)message, sizeof(message)) < 0 ||
        (made && vnc->rfb->WriteExact(rfb, latin1, (int)made) < 0))
        vnc->rfb->CloseClient(rfb);
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
static bool extended_send(struct vnc *vnc, rfbClientPtr rfb, const char *text, size_t len)
{
    uint8_t message[CUT_TEXT_SIZE + 4] = {rfbServerCutText};
    size_t made;
    if (!rfb->enableExtendedClipboard || !(rfb->extClipboardUserCap & rfbExtendedClipboard_Notify))
        return false;
    free(rfb->extClipboardData);
    rfb->extClipboardData = text_crlf_add(text, len, &made);
    rfb->extClipboardData[made] = '\0';
    rfb->extClipboardDataSize = (int)made + 1;
    be32_store(message + 4, (uint32_t)-4); /* a negative length: the extension's flags follow */
    be32_store(message + 8, rfbExtendedClipboard_Text | rfbExtendedClipboard_Notify);
    if (vnc->rfb->WriteExact(rfb, (const char *)message, sizeof(message)) < 0)
        vnc->rfb->CloseClient(rfb);
    return true;
}

static void utf8_hook_set(rfbScreenInfoPtr screen)
{
    screen->setXCutTextUTF8 = cut_text_utf8;
}

#else

static bool extended_send(struct vnc *vnc, rfbClientPtr rfb, const char *text, size_t len)
{
    (void)vnc, (void)rfb, (void)text, (void)len;
    return false;
}

static void utf8_hook_set(rfbScreenInfoPtr screen)
{
    (void)screen;
}

#endif

void vnc_clipboard_hooks_set(struct vnc *vnc)
{
    if (!vnc->machine.clipboard)
        return;
    vnc->screen->setXCutText = cut_text_latin1;
    utf8_hook_set(vnc->screen);
}

void vnc_clipboard_tick(struct vnc *vnc)
{
    size_t len = 0;
    if (!vnc->machine.clipboard)
        return;
    host_mutex_lock(vnc->machine.lock);
    const char *news = clipboard_news(vnc->machine.clipboard, CLIPBOARD_GUEST, &vnc->clipboard_seen, &len);
    char *copied = news ? strdup(news) : NULL;
    host_mutex_unlock(vnc->machine.lock);
    if (!copied)
        return;
    rfbClientIteratorPtr clients = vnc->rfb->GetClientIterator(vnc->screen);
    for (rfbClientPtr client; (client = vnc->rfb->ClientIteratorNext(clients)) != NULL;) {
        if (client->state == RFB_NORMAL && !extended_send(vnc, client, copied, len))
            plain_send(vnc, client, copied, len);
    }
    vnc->rfb->ReleaseClientIterator(clients);
    free(copied);
}

#endif
