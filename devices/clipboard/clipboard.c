#include "devices/clipboard/clipboard.h"

#include <stdlib.h>
#include <string.h>

#include "devices/clipboard/text.h"

struct clipboard {
    char *text; /* NULL: nobody has copied anything */
    size_t len;
    enum clipboard_side from;
    uint64_t count; /* of texts there have been */
    void (*changed)(void *opaque);
    void *opaque;
};

struct clipboard *clipboard_create(void)
{
    struct clipboard *clipboard = calloc(1, sizeof(*clipboard));
    if (!clipboard)
        abort();
    return clipboard;
}

void clipboard_destroy(struct clipboard *clipboard)
{
    if (!clipboard)
        return;
    free(clipboard->text);
    free(clipboard);
}

bool clipboard_put(struct clipboard *clipboard, enum clipboard_side from, const char *text, size_t len)
{
    if (len > CLIPBOARD_TEXT_MAX || !text_is_utf8(text, len))
        return false;
    if (clipboard->text && clipboard->len == len && memcmp(clipboard->text, text, len) == 0)
        return true;
    char *copy = malloc(len + 1);
    if (!copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    free(clipboard->text);
    clipboard->text = copy;
    clipboard->len = len;
    clipboard->from = from;
    clipboard->count++;
    if (from == CLIPBOARD_HOST && clipboard->changed)
        clipboard->changed(clipboard->opaque);
    return true;
}

const char *clipboard_news(const struct clipboard *clipboard, enum clipboard_side from, uint64_t *seen,
                           size_t *len)
{
    if (clipboard->from != from || clipboard->count == *seen)
        return NULL;
    *seen = clipboard->count;
    *len = clipboard->len;
    return clipboard->text;
}

bool clipboard_guest_listens(const struct clipboard *clipboard)
{
    return clipboard->changed;
}

void clipboard_guest_attach(struct clipboard *clipboard, void (*changed)(void *opaque), void *opaque)
{
    clipboard->changed = changed;
    clipboard->opaque = opaque;
}
