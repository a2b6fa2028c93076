/* What the files of the VNC server share: all of it is used on the server's thread. */
#pragma once

#if HAVE_VNCSERVER

#include "host/thread.h"
#include "ui/changes.h"
#include "ui/vnc.h"
#include "ui/vnc_keys.h"
#include "ui/vncserver.h"

struct vnc {
    struct ui_machine machine;
    const struct rfb *rfb;
    rfbScreenInfoPtr screen;
    char *passwords[2]; /* one, and the end of the list */
    char password[VNC_PASSWORD_MAX + 1];

    struct host_thread thread;
    bool started;
    bool stop;   /* read and written atomically */
    int wake[2]; /* a pipe: ends a wait */

    struct changes changes; /* with the machine lock */
    uint32_t *frame;        /* the picture as the clients get it */
    unsigned width, height;
    uint32_t cursor_pixels[DISPLAY_CURSOR_MAX * DISPLAY_CURSOR_MAX];
    bool absolute; /* the guest takes absolute positions */
    unsigned clients;
    uint64_t clipboard_seen;  /* what the guest copied last, and clients have */
    uint64_t frame_at, pause; /* when the next picture is made, and how long after the last */
};

struct vnc_client {
    struct vnc *vnc;
    rfbClientPtr rfb;
    struct vnc_keys keys;
    unsigned buttons; /* as RFB counts them */
    int x, y;
    bool placed;                       /* x and y are where the pointer was last */
    bool has_key_codes;                /* it sends them, and then its keysyms are not ours to understand */
    bool hears_pointer, told_absolute; /* it can send relative movement, and what we told it to do */
};

/* vnc_client.c: the hooks of the library, and what goes beyond it. */
void vnc_client_hooks_set(struct vnc *vnc);
/* The guest's pointer has become absolute or relative. */
void vnc_client_pointer_tell(struct vnc_client *client);

/* vnc_clipboard.c: with the screen there; and once in a while. */
void vnc_clipboard_hooks_set(struct vnc *vnc);
void vnc_clipboard_tick(struct vnc *vnc);

/* vnc.c: something happened, and the picture will soon be another. */
void vnc_active(struct vnc *vnc);

#endif
