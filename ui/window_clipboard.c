/* The host's clipboard and the guest's: each hears of what was copied in the other. */
#if HAVE_SDL2

#include <stdlib.h>
#include <string.h>

#include "ui/window_internal.h"

/* To the guest, whose window somebody is in: what is copied while they are elsewhere is not its business. */
static void clipboard_give(struct window *window)
{
    char *text = window->sdl->GetClipboardText();
    size_t len = text ? strlen(text) : 0;
    if (len > CLIPBOARD_TEXT_MAX) {
        window_say(window, "What is in the clipboard is too long for the guest");
    } else if (len) {
        host_mutex_lock(window->machine.lock);
        clipboard_put(window->machine.clipboard, CLIPBOARD_HOST, text, len);
        host_mutex_unlock(window->machine.lock);
    }
    window->sdl->free(text);
}

void window_clipboard_tick(struct window *window)
{
    struct clipboard *clipboard = window->machine.clipboard;
    size_t len;
    if (!clipboard)
        return;
    host_mutex_lock(window->machine.lock);
    const char *news = clipboard_news(clipboard, CLIPBOARD_GUEST, &window->clipboard_seen, &len);
    char *copied = news ? strdup(news) : NULL;
    bool listens = clipboard_guest_listens(clipboard);
    host_mutex_unlock(window->machine.lock);
    if (copied)
        window->sdl->SetClipboardText(copied);
    free(copied);
    window->clipboard_changed |= listens && !window->guest_listened;
    window->guest_listened = listens;
    bool focus = window->sdl->GetWindowFlags(window->handle) & SDL_WINDOW_INPUT_FOCUS;
    if (!window->clipboard_changed || !listens || !focus)
        return;
    window->clipboard_changed = false;
    clipboard_give(window);
}

#endif
