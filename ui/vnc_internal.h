/* What the files of the VNC server share. */
#pragma once

#if HAVE_VNCSERVER

#include "host/thread.h"
#include "ui/changes.h"
#include "ui/vnc.h"
#include "ui/vnc_keys.h"
#include "ui/vncserver.h"

/* A client, with a thread, a screen of the library's and a picture of its own: all is used on its thread, but
 * for what is marked. */
struct vnc_session {
    const struct ui_machine *machine;
    const struct rfb *rfb;
    struct vnc *vnc;

    struct host_thread thread; /* the server's: */
    bool started;              /* there is a thread to be joined */
    int connection;            /* the library's, once it has it */
    int shadow;                /* of the same connection, the server's, to end it from outside */
    bool done;                 /* read and written atomically */

    rfbScreenInfoPtr screen; /* kept for the next client */
    rfbClientPtr client;     /* NULL: it is gone, or not there yet */
    struct changes changes;  /* with the machine lock */
    uint32_t *frame;         /* the picture as the client gets it */
    unsigned width, height;
    uint32_t cursor_pixels[DISPLAY_CURSOR_MAX * DISPLAY_CURSOR_MAX];
    uint64_t began, frame_at, pause; /* when the next picture is made, and how long after the last */

    uint64_t clipboard_seen; /* what the guest copied last, and the client has */

    /* What the client sends; vnc_client.c's. */
    struct vnc_keys keys;
    unsigned buttons; /* as RFB counts them */
    int x, y;
    bool placed;                       /* x and y are where the pointer was last */
    bool absolute;                     /* the guest takes absolute positions */
    bool has_key_codes;                /* it sends them, and then its keysyms are not ours to understand */
    bool hears_pointer, told_absolute; /* it can send relative movement, and what we told it to do */
    bool owed_key_codes, owed_pointer; /* it is to be told so */
};

/* vnc.c: a session is over; any thread. */
void vnc_session_over(struct vnc *vnc);

/* vnc_session.c: before any is started; the password may be NULL. False: the library has no screen. */
bool vnc_session_init(struct vnc_session *session, struct vnc *vnc, const struct ui_machine *machine,
                      const struct rfb *rfb, char **password, struct error *err);
/* Serve a connection, which is the session's from then on. */
bool vnc_session_start(struct vnc_session *session, int connection, struct error *err);
/* End it soon; and wait until it has ended. Nothing when it was not started. */
void vnc_session_stop(struct vnc_session *session);
void vnc_session_join(struct vnc_session *session);
void vnc_session_fini(struct vnc_session *session);
/* Something happened, and the picture will soon be another. */
void vnc_session_active(struct vnc_session *session);

/* vnc_clipboard.c: with the screen there; and once in a while, to a client that has been let in. */
void vnc_clipboard_hooks_set(struct vnc_session *session);
void vnc_clipboard_tell(struct vnc_session *session);

/* vnc_client.c: the hooks of the library, and what goes beyond it. */
void vnc_client_hooks_set(struct vnc_session *session);
/* Whether the guest's pointer is absolute, as far as is known now. */
void vnc_client_pointer_set(struct vnc_session *session, bool absolute);
/* What the client is to be told. */
void vnc_client_tell(struct vnc_session *session);

#endif
