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

void char_close(struct char_port *port)
{
    if (port)
        port->ops->close(port);
}

/* HOST:PORT[,server], with the host in brackets when it has colons itself. */
static struct char_port *tcp_open(struct machine *machine, const char *spec, struct error *err)
{
    char text[256];
    bool server = false;
    if (strlen(spec) >= sizeof(text)) {
        error_set(err, ERROR_USAGE, "the address of --serial tcp: is too long");
        return NULL;
    }
    strcpy(text, spec);
    char *option = strchr(text, ',');
    if (option) {
        *option++ = 0;
        server = strcmp(option, "server") == 0;
    }
    char *host = text;
    char *colon = strrchr(text, ':');
    if ((option && !server) || !colon || !colon[1] || (!server && colon == text)) {
        error_set(err, ERROR_USAGE, "--serial tcp:%s is not understood: write tcp:HOST:PORT[,server]", spec);
        return NULL;
    }
    *colon = 0;
    size_t len = strlen(host);
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = 0;
        host++;
    }
    return char_tcp_create(machine, host, colon + 1, server, err);
}

struct char_port *char_open(struct machine *machine, const char *spec, struct error *err)
{
    if (strcmp(spec, "none") == 0)
        return NULL;
    if (strcmp(spec, "stdio") == 0)
        return char_stdio_create(machine, err);
    if (strcmp(spec, "stdout") == 0)
        return char_stdout_create(machine);
    if (strcmp(spec, "pty") == 0)
        return char_pty_create(machine, err);
    if (strncmp(spec, "file:", 5) == 0 && spec[5])
        return char_file_create(spec + 5, err);
    if (strncmp(spec, "tcp:", 4) == 0)
        return tcp_open(machine, spec + 4, err);
    error_set(
        err, ERROR_USAGE,
        "--serial %s is not understood: write stdio, stdout, file:PATH, tcp:HOST:PORT[,server], pty or none",
        spec);
    return NULL;
}
