/*
 * A character port: the guest's serial device on one side, a terminal, file, socket or pty of the host on the
 * other. The device writes and is handed input; the backend is made by the command line.
 */
#pragma once

#include "devices/machine.h"

struct char_port;

/* What a backend implements. */
struct char_ops {
    /* Take up to len bytes and return how many; fewer only when the host can't take more now (then `writable`
     * is called). */
    size_t (*write)(struct char_port *port, const uint8_t *bytes, size_t len);
    /* The device has room again after `receive` took less than all. */
    void (*receive_ready)(struct char_port *port);
    /* Whether somebody is at the host's end; NULL: always. */
    bool (*is_connected)(struct char_port *port);
    /* A program in the guest has opened or closed its end, if it may have been the other; NULL: all the same.
     */
    void (*guest_open)(struct char_port *port, bool open);
    void (*close)(struct char_port *port);
};

/* What a device installs. Called with the machine lock held. */
struct char_handlers {
    /* Input from the host; returns how many bytes were taken. */
    size_t (*receive)(void *opaque, const uint8_t *bytes, size_t len);
    void (*writable)(void *opaque);           /* may be NULL */
    void (*break_received)(void *opaque);     /* may be NULL */
    void (*connection_changed)(void *opaque); /* char_is_connected is another; may be NULL */
    void *opaque;
};

/* Backends embed this first. A NULL port is allowed everywhere: output vanishes, no input comes. */
struct char_port {
    const struct char_ops *ops;
    struct char_handlers handlers;
};

/* The device that attaches owns the port from then on, and closes it when it is destroyed. */
void char_attach(struct char_port *port, const struct char_handlers *handlers);
size_t char_write(struct char_port *port, const uint8_t *bytes, size_t len);
void char_receive_ready(struct char_port *port);
bool char_is_connected(struct char_port *port);
void char_guest_open(struct char_port *port, bool open);
void char_close(struct char_port *port);

/* A backend that keeps what is written in memory and feeds what a test gives it. */
struct char_port *char_memory_create(void);
const uint8_t *char_memory_output(struct char_port *port, size_t *len);
/* Hand bytes to the device; what it does not take now is kept and offered at receive_ready. Machine lock
 * held. */
void char_memory_input(struct char_port *port, const void *bytes, size_t len);
/* A break from the line. */
void char_memory_break(struct char_port *port);
/* Take only `room` more bytes; when there is room again the device is told. SIZE_MAX at first. */
void char_memory_room_set(struct char_port *port, size_t room);

/*
 * What --serial and others are given: stdio (raw terminal, Ctrl-A is the escape), stdout (output only, the
 * terminal as it is), file:PATH, tcp:HOST:PORT[,server], unix:PATH[,server], pty, none.
 * NULL and err, which begins with the option's name, when it can't be opened; NULL without err for none.
 */
struct char_port *char_open(struct machine *machine, const char *option, const char *spec, struct error *err);

/*
 * The commands of the terminal's escape, for who runs the machine: Ctrl-A c and every key the port does not
 * know. By itself it exits (x), sends a break (b) or a Ctrl-A (Ctrl-A), and lists the keys (h). Not a
 * terminal's port, or NULL: no effect.
 */
void char_stdio_escape_set(struct char_port *port, void (*command)(void *opaque, char key), void *opaque);

/*
 * Give the terminal's keys to somebody else than the guest, for a monitor: take(opaque, bytes), with the
 * machine lock held, the escape taken out. NULL: to the guest again. Not a terminal's port: no effect.
 */
void char_stdio_divert(struct char_port *port, void (*take)(void *opaque, const uint8_t *bytes, size_t len),
                       void *opaque);
