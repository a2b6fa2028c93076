#include "ui/vnc.h"

#include <stdlib.h>
#include <string.h>

#if HAVE_VNCSERVER

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "host/socket.h"
#include "ui/vnc_internal.h"

struct vnc {
    struct ui_machine machine;
    char *passwords[2]; /* one, and the end of the list */
    char password[VNC_PASSWORD_MAX + 1];
    int listener;
    int wake[2]; /* a pipe: ends a wait */
    struct host_thread thread;
    bool started;
    bool stop; /* read and written atomically */
    struct vnc_session sessions[VNC_CLIENTS_MAX];
    unsigned session_count; /* that could be made */
};

static void wake(const struct vnc *vnc)
{
    while (write(vnc->wake[1], "", 1) < 0 && errno == EINTR)
        continue;
}

void vnc_session_over(struct vnc *vnc)
{
    wake(vnc);
}

/* --- the thread --- */

/* A session that nobody uses; NULL: there are as many clients as there can be. */
static struct vnc_session *session_free(struct vnc *vnc)
{
    for (unsigned i = 0; i < vnc->session_count; i++) {
        if (!vnc->sessions[i].started)
            return &vnc->sessions[i];
    }
    return NULL;
}

static void sessions_reap(struct vnc *vnc)
{
    for (unsigned i = 0; i < vnc->session_count; i++) {
        struct vnc_session *session = &vnc->sessions[i];
        if (session->started && __atomic_load_n(&session->done, __ATOMIC_ACQUIRE))
            vnc_session_join(session);
    }
}

/* The library keeps descriptors in sets, which have no room for large ones. */
static void client_accept(struct vnc *vnc)
{
    struct error err;
    int connection = host_socket_accept(vnc->listener);
    struct vnc_session *session = session_free(vnc);
    if (connection < 0)
        return;
    if (!session || connection >= FD_SETSIZE) {
        log_info("vnc: a client is sent away: there are %u", VNC_CLIENTS_MAX);
        close(connection);
    } else if (!vnc_session_start(session, connection, &err)) {
        log_warn("%s", err.text);
    }
}

static void *serve(void *opaque)
{
    struct vnc *vnc = opaque;
    char bytes[64];
    while (!__atomic_load_n(&vnc->stop, __ATOMIC_ACQUIRE)) {
        struct pollfd fds[] = {{vnc->wake[0], POLLIN, 0}, {vnc->listener, POLLIN, 0}};
        poll(fds, ARRAY_LEN(fds), -1);
        if (fds[0].revents && read(vnc->wake[0], bytes, sizeof(bytes)) < 0 && errno != EINTR)
            break;
        sessions_reap(vnc);
        if (fds[1].revents)
            client_accept(vnc);
    }
    return NULL;
}

/* --- life cycle --- */

/* The library's own words about its clients. */
static void library_said(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text[strcspn(text, "\n")] = '\0';
    log_info("vnc: %s", text);
}

static bool listen_start(struct vnc *vnc, const struct vnc_config *config, struct error *err)
{
    uint8_t address[sizeof(struct in6_addr)];
    char port[8];
    struct error why;
    if (inet_pton(AF_INET, config->address, address) != 1 &&
        inet_pton(AF_INET6, config->address, address) != 1)
        return error_set(err, ERROR_USAGE,
                         "--display vnc: %s is no address to listen at (write 0.0.0.0 or ::)",
                         config->address);
    snprintf(port, sizeof(port), "%u", config->port);
    vnc->listener = host_socket_listen(config->address, port, &why);
    if (vnc->listener >= 0)
        return true;
    return error_set(err, ERROR_HOST, "--display vnc %s (try another number)", why.text);
}

/* All of them now: the library makes no screen while it serves another. */
static bool sessions_create(struct vnc *vnc, const struct rfb *rfb, struct error *err)
{
    *rfb->Log = library_said;
    *rfb->Err = library_said;
    for (unsigned i = 0; i < VNC_CLIENTS_MAX; i++) {
        if (!vnc_session_init(&vnc->sessions[i], vnc, &vnc->machine, rfb,
                              vnc->passwords[0] ? vnc->passwords : NULL, err))
            return false;
        vnc->session_count++;
    }
    return true;
}

struct vnc *vnc_create(const struct ui_machine *machine, const struct vnc_config *config, struct error *err)
{
    struct vnc *vnc = calloc(1, sizeof(*vnc));
    if (!vnc)
        abort();
    vnc->machine = *machine;
    vnc->listener = vnc->wake[0] = vnc->wake[1] = -1;
    if (config->password) {
        snprintf(vnc->password, sizeof(vnc->password), "%s", config->password);
        vnc->passwords[0] = vnc->password;
    }
    const struct rfb *rfb = rfb_load(err);
    bool ok = rfb && listen_start(vnc, config, err) && sessions_create(vnc, rfb, err);
    if (ok && pipe2(vnc->wake, O_CLOEXEC) != 0)
        ok = error_errno(err, ERROR_HOST, "can't create a pipe");
    if (ok)
        ok = vnc->started = host_thread_create(&vnc->thread, "vnc", serve, vnc, err);
    if (ok)
        return vnc;
    vnc_destroy(vnc);
    return NULL;
}

/* Sessions are told first, so that they end at the same time. */
static void sessions_destroy(struct vnc *vnc)
{
    for (unsigned i = 0; i < vnc->session_count; i++)
        vnc_session_stop(&vnc->sessions[i]);
    for (unsigned i = 0; i < vnc->session_count; i++) {
        vnc_session_join(&vnc->sessions[i]);
        vnc_session_fini(&vnc->sessions[i]);
    }
}

void vnc_destroy(struct vnc *vnc)
{
    if (!vnc)
        return;
    if (vnc->started) {
        __atomic_store_n(&vnc->stop, true, __ATOMIC_RELEASE);
        wake(vnc);
        host_thread_join(&vnc->thread);
    }
    sessions_destroy(vnc);
    const int descriptors[] = {vnc->listener, vnc->wake[0], vnc->wake[1]};
    for (unsigned i = 0; i < ARRAY_LEN(descriptors); i++) {
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    }
    free(vnc);
}

#else

struct vnc *vnc_create(const struct ui_machine *machine, const struct vnc_config *config, struct error *err)
{
    (void)machine, (void)config;
    error_set(
        err, ERROR_HOST,
        "no VNC: the program was built without libvncserver (install libvncserver-dev and build again)");
    return NULL;
}

void vnc_destroy(struct vnc *vnc)
{
    (void)vnc;
}

#endif
