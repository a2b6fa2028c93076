#include "devices/char/char.h"

#include <stdlib.h>
#include <string.h>

#include "devices/char/char_backends.h"

void char_attach(struct char_port *port, const struct char_handlers *handlers)
{
    if (!port)
        return;
    port->handlers = *handlers;
    char_receive_ready(port);
}

size_t char_write(struct char_port *port, const uint8_t *bytes, size_t len)
{
    return port ? port->ops->write(port, bytes, len) : len;
}

void char_receive_ready(struct char_port *port)
{
    if (port && port->ops->receive_ready)
        port->ops->receive_ready(port);
}

bool char_is_connected(struct char_port *port)
{
    return port && (!port->ops->is_connected || port->ops->is_connected(port));
}

void char_guest_open(struct char_port *port, bool open)
{
    if (port && port->ops->guest_open)
        port->ops->guest_open(port, open);
}

void char_close(struct char_port *port)
{
    if (port)
        port->ops->close(port);
}

/* Copies what is before a comma to `text`; what is after it has to be "server". */
static bool server_split(const char *spec, char *text, size_t size, bool *server)
{
    size_t len = strcspn(spec, ",");
    *server = strcmp(spec + len, ",server") == 0;
    if (len >= size || (spec[len] && !*server))
        return false;
    memcpy(text, spec, len);
    text[len] = '\0';
    return true;
}

/* HOST:PORT[,server], with the host in brackets when it has colons itself. */
static struct char_port *tcp_open(struct machine *machine, const char *option, const char *spec,
                                  struct error *err)
{
    char text[256];
    bool server;
    char *colon = server_split(spec, text, sizeof(text), &server) ? strrchr(text, ':') : NULL;
    if (!colon || !colon[1] || (!server && colon == text)) {
        error_set(err, ERROR_USAGE, "%s tcp:%s is not understood: write tcp:HOST:PORT[,server]", option,
                  spec);
        return NULL;
    }
    char *host = text;
    *colon = 0;
    size_t len = strlen(host);
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = 0;
        host++;
    }
    return char_tcp_create(machine, host, colon + 1, server, err);
}

static struct char_port *unix_open(struct machine *machine, const char *option, const char *spec,
                                   struct error *err)
{
    char path[256];
    bool server;
    if (server_split(spec, path, sizeof(path), &server) && path[0])
        return char_unix_create(machine, path, server, err);
    error_set(err, ERROR_USAGE, "%s unix:%s is not understood: write unix:PATH[,server]", option, spec);
    return NULL;
}

struct char_port *char_open(struct machine *machine, const char *option, const char *spec, struct error *err)
{
    if (strcmp(spec, "none") == 0)
        return NULL;
    if (strcmp(spec, "stdio") == 0)
        return char_stdio_create(machine, err);
    if (strcmp(spec, "stdout") == 0)
        return char_stdout_create(machine);
    if (strcmp(spec, "pty") == 0)
        return char_pty_create(machine, option, err);
    if (strncmp(spec, "file:", 5) == 0 && spec[5])
        return char_file_create(spec + 5, err);
    if (strncmp(spec, "tcp:", 4) == 0)
        return tcp_open(machine, option, spec + 4, err);
    if (strncmp(spec, "unix:", 5) == 0)
        return unix_open(machine, option, spec + 5, err);
    error_set(err, ERROR_USAGE,
              "%s %s is not understood: write stdio, stdout, file:PATH, tcp:HOST:PORT[,server], "
              "unix:PATH[,server], pty or none",
              option, spec);
    return NULL;
}
