/*
 * A clipboard that the guest and the host share: the text that one of them copied last, for the other to
 * paste. An agent in the guest (vdagent.h) is behind one side, a window or VNC clients behind the other;
 * everything runs with the machine lock held.
 */
#pragma once

#include "base/types.h"

#define CLIPBOARD_TEXT_MAX MIB

struct clipboard;

enum clipboard_side { CLIPBOARD_GUEST, CLIPBOARD_HOST };

struct clipboard *clipboard_create(void);
void clipboard_destroy(struct clipboard *clipboard);

/*
 * A side has copied a text: UTF-8 whose lines end with LF, which is copied once more here. False: it isn't
 * that, or is longer than CLIPBOARD_TEXT_MAX, and the clipboard stays as it was. The text that is there
 * already changes nothing, so what one side was given may come back from it.
 */
bool clipboard_put(struct clipboard *clipboard, enum clipboard_side from, const char *text, size_t len);

/*
 * The text, with a NUL behind it, if this side has copied it and it is another than *seen counts, which is
 * moved on. NULL: nothing new. Good until the next put.
 */
const char *clipboard_news(const struct clipboard *clipboard, enum clipboard_side from, uint64_t *seen,
                           size_t *len);

/* Whether somebody in the guest listens. */
bool clipboard_guest_listens(const struct clipboard *clipboard);

/* --- for the guest's side --- */

/* `changed` is called when the host has put something; NULL: nobody listens any more. */
void clipboard_guest_attach(struct clipboard *clipboard, void (*changed)(void *opaque), void *opaque);
