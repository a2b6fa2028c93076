/*
 * A VNC server (libvncserver): shows a display to any number of clients and takes their keys and pointers.
 *
 * Each client has a thread of its own, because the library waits for clients that read slowly: a client that
 * stops reading in the middle of a picture holds up nobody, and is sent away after five seconds. The machine
 * lock is held only while what has changed is copied and while an event is handed to the guest.
 */
#pragma once

#include "ui/ui_machine.h"

#define VNC_PORT         5900u
#define VNC_CLIENTS_MAX  16u
#define VNC_PASSWORD_MAX 8 /* RFC 6143, 7.2.2: the password is a DES key */

struct vnc_config {
    const char *address; /* where to listen: of IPv4, or of IPv6 */
    unsigned port;
    const char *password; /* 1 to VNC_PASSWORD_MAX characters, copied; NULL: none is asked for */
};

struct vnc;

/* Lock not held; `machine` is copied. NULL and err: the address can't be had, or the program was built
 * without libvncserver. */
struct vnc *vnc_create(const struct ui_machine *machine, const struct vnc_config *config, struct error *err);
void vnc_destroy(struct vnc *vnc);
