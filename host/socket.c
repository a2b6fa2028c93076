#include "host/socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* getaddrinfo takes a number that is too big modulo 2^16. */
static bool port_is_too_big(const char *service)
{
    size_t digits = strspn(service, "0123456789");
    return service[digits] == '\0' && (digits > 5 || strtoul(service, NULL, 10) > UINT16_MAX);
}

static struct addrinfo *addresses_find(const char *host, const char *service, int flags, struct error *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found;
    int code = port_is_too_big(service) ? EAI_SERVICE
                                        : getaddrinfo(host && *host ? host : NULL, service, &hints, &found);
    if (code == 0)
        return found;
    if (code == EAI_SERVICE) {
        error_set(err, ERROR_USAGE, "%s is not a TCP port: give a number from 0 to 65535", service);
        return NULL;
    }
    error_set(err, ERROR_USAGE, "can't find %s:%s: %s", host ? host : "", service, gai_strerror(code));
    return NULL;
}

int host_socket_connect(const char *host, const char *service, struct error *err)
{
    struct addrinfo *found = addresses_find(host, service, 0, err);
    int fd = -1, one = 1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            break;
        error_errno(err, ERROR_HOST, "can't connect to %s:%s", host, service);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    if (found)
        freeaddrinfo(found);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

int host_socket_listen(const char *host, const char *service, struct error *err)
{
    struct addrinfo *found = addresses_find(host, service, AI_PASSIVE, err);
    int fd = -1, one = 1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
            if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0)
                break;
        }
        error_errno(err, ERROR_HOST, "can't listen on %s:%s", host ? host : "", service);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    if (found)
        freeaddrinfo(found);
    return fd;
}

/* A Unix socket, not connected yet, and the path as its address. */
static int path_socket(const char *path, struct sockaddr_un *address, struct error *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address->sun_path)) {
        error_set(err, ERROR_USAGE, "%s is too long for a socket's path: it has %zu bytes at most", path,
                  sizeof(address->sun_path) - 1);
        return -1;
    }
    strcpy(address->sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        error_errno(err, ERROR_HOST, "can't make a socket");
    return fd;
}

int host_socket_connect_path(const char *path, struct error *err)
{
    struct sockaddr_un address;
    int fd = path_socket(path, &address, err);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    error_errno(err, ERROR_HOST, "can't connect to %s", path);
    close(fd);
    return -1;
}

/* A socket that was left behind, and nothing else of that name. */
static bool path_is_dead(const struct sockaddr_un *address)
{
    struct stat info;
    if (lstat(address->sun_path, &info) != 0 || !S_ISSOCK(info.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return dead;
}

int host_socket_listen_path(const char *path, struct error *err)
{
    struct sockaddr_un address;
    int fd = path_socket(path, &address, err);
    if (fd < 0)
        return -1;
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (!bound && errno == EADDRINUSE) {
        if (path_is_dead(&address))
            unlink(path);
        bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0; /* errno says why not */
    }
    if (bound && listen(fd, 1) == 0)
        return fd;
    error_errno(err, ERROR_HOST, "can't listen on %s", path);
    close(fd);
    return -1;
}

void host_socket_path_remove(const char *path)
{
    unlink(path);
}

unsigned host_socket_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return 0;
}

int host_socket_accept(int fd)
{
    int one = 1;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (client >= 0)
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return client;
}
