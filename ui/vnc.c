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
#include <unistd.h>

#include "base/log.h"
#include "host/clock.h"
#include "ui/vnc_internal.h"

#define MS             1000000ull
#define FRAME_NS       (33 * MS)
#define IDLE_NS        (100 * MS) /* nothing happens */
#define CLIENT_WAIT_MS 5000
#define SOCKETS_MAX    512 /* the library takes fewer */

void vnc_active(struct vnc *vnc)
{
    uint64_t soon = host_clock_ns() + FRAME_NS;
    vnc->pause = FRAME_NS;
    vnc->frame_at = vnc->frame_at > soon ? soon : vnc->frame_at;
}

/* --- the picture --- */

static void format_set(rfbScreenInfoPtr screen)
{
    screen->serverFormat.redShift = 16;
    screen->serverFormat.greenShift = 8;
    screen->serverFormat.blueShift = 0;
}

/* The library goes back to its own order of colours with every new picture. */
static rfbBool translation_set(rfbClientPtr client)
{
    struct vnc *vnc = client->screen->screenData;
    format_set(client->screen);
    return vnc->rfb->SetTranslateFunction(client);
}

/* Clients that have the picture shrunk for them hold one of the old size. */
static void scaled_close(struct vnc *vnc)
{
    rfbClientIteratorPtr clients = vnc->rfb->GetClientIterator(vnc->screen);
    for (rfbClientPtr client; (client = vnc->rfb->ClientIteratorNext(clients)) != NULL;) {
        if (client->scaledScreen != vnc->screen)
            vnc->rfb->CloseClient(client);
    }
    vnc->rfb->ReleaseClientIterator(clients);
}

static void cursor_set(struct vnc *vnc, const struct display_cursor *cursor, const uint32_t *pixels)
{
    size_t count = (size_t)cursor->width * cursor->height, row = (cursor->width + 7) / 8;
    struct rfbCursor *made = count ? calloc(1, sizeof(*made)) : NULL;
    if (made) {
        *made = (struct rfbCursor){.cleanup = TRUE,
                                   .cleanupMask = TRUE,
                                   .cleanupRichSource = TRUE,
                                   .width = (unsigned short)cursor->width,
                                   .height = (unsigned short)cursor->height,
                                   .xhot = (unsigned short)cursor->hot_x,
                                   .yhot = (unsigned short)cursor->hot_y,
                                   .alphaPreMultiplied = TRUE};
        made->mask = calloc(row, cursor->height);
        made->richSource = malloc(count * sizeof(*pixels));
        made->alphaSource = malloc(count);
        if (!made->mask || !made->richSource || !made->alphaSource)
            abort();
        memcpy(made->richSource, pixels, count * sizeof(*pixels));
        for (size_t i = 0; i < count; i++) {
            size_t x = i % cursor->width;
            made->alphaSource[i] = (unsigned char)(pixels[i] >> 24);
            if (pixels[i] >> 31)
                made->mask[i / cursor->width * row + x / 8] |= (unsigned char)(0x80 >> x % 8);
        }
    }
    vnc->rfb->SetCursor(vnc->screen, made);
}

/* With the machine lock: the changed parts, and the cursor if that has. */
static void picture_take(struct vnc *vnc, struct changes *seen, struct display_cursor *cursor,
                         uint32_t **old_frame)
{
    struct display_surface surface = display_refresh(vnc->machine.display);
    *seen = vnc->changes;
    changes_clear(&vnc->changes);
    if (seen->resized) {
        *old_frame = vnc->frame;
        vnc->frame = calloc((size_t)surface.width * surface.height, sizeof(*vnc->frame));
        if (!vnc->frame)
            abort();
        vnc->width = surface.width;
        vnc->height = surface.height;
    }
    changes_copy(seen, vnc->frame, vnc->width);
    *cursor = display_cursor(vnc->machine.display);
    if (seen->cursor && cursor->width && cursor->height)
        memcpy(vnc->cursor_pixels, cursor->pixels, (size_t)cursor->width * cursor->height * sizeof(uint32_t));
}

static void pointer_mode_tell(struct vnc *vnc, bool absolute)
{
    if (absolute == vnc->absolute)
        return;
    vnc->absolute = absolute;
    rfbClientIteratorPtr clients = vnc->rfb->GetClientIterator(vnc->screen);
    for (rfbClientPtr client; (client = vnc->rfb->ClientIteratorNext(clients)) != NULL;) {
        if (client->clientData)
            vnc_client_pointer_tell(client->clientData);
    }
    vnc->rfb->ReleaseClientIterator(clients);
}

static void frame_make(struct vnc *vnc)
{
    struct changes seen;
    struct display_cursor cursor;
    uint32_t *old = NULL;
    host_mutex_lock(vnc->machine.lock);
    picture_take(vnc, &seen, &cursor, &old);
    bool absolute = vnc->machine.input && input_takes_absolute(vnc->machine.input);
    host_mutex_unlock(vnc->machine.lock);
    pointer_mode_tell(vnc, absolute);
    if (seen.resized) {
        scaled_close(vnc);
        vnc->rfb->NewFramebuffer(vnc->screen, (char *)vnc->frame, (int)vnc->width, (int)vnc->height, 8, 3, 4);
        format_set(vnc->screen);
        free(old);
    }
    if (seen.cursor)
        cursor_set(vnc, &cursor, vnc->cursor_pixels);
    if (seen.moved) {
        vnc->screen->cursorX = cursor.x;
        vnc->screen->cursorY = cursor.y;
    }
    for (unsigned i = 0; i < seen.count; i++) {
        const struct changed_rectangle *part = &seen.rectangles[i];
        vnc->rfb->MarkRectAsModified(vnc->screen, (int)part->x, (int)part->y, (int)(part->x + part->width),
                                     (int)(part->y + part->height));
    }
    uint64_t slower = 2 * vnc->pause < IDLE_NS ? 2 * vnc->pause : IDLE_NS;
    vnc->pause = seen.count || seen.cursor ? FRAME_NS : slower;
    vnc->frame_at = host_clock_ns() + vnc->pause;
}

/* --- the thread --- */

static bool is_stopping(struct vnc *vnc)
{
    return __atomic_load_n(&vnc->stop, __ATOMIC_ACQUIRE);
}

/* Until a client has something to say, or it is time for a picture; without clients there is none. */
static void events_wait(struct vnc *vnc)
{
    struct pollfd fds[SOCKETS_MAX];
    unsigned count = 0;
    fds[count++] = (struct pollfd){vnc->wake[0], POLLIN, 0};
    fds[count++] = (struct pollfd){vnc->screen->listenSock, POLLIN, 0};
    fds[count++] = (struct pollfd){vnc->screen->listen6Sock, POLLIN, 0};
    rfbClientIteratorPtr clients = vnc->rfb->GetClientIterator(vnc->screen);
    for (rfbClientPtr client; (client = vnc->rfb->ClientIteratorNext(clients)) != NULL;) {
        if (count < SOCKETS_MAX)
            fds[count++] = (struct pollfd){client->sock, POLLIN, 0};
    }
    vnc->rfb->ReleaseClientIterator(clients);
    uint64_t now = host_clock_ns();
    int timeout = -1;
    if (vnc->clients)
        timeout = vnc->frame_at > now ? (int)((vnc->frame_at - now + MS - 1) / MS) : 0;
    poll(fds, count, timeout);
}

static void *serve(void *opaque)
{
    struct vnc *vnc = opaque;
    while (!is_stopping(vnc)) {
        events_wait(vnc);
        vnc->rfb->ProcessEvents(vnc->screen, 0);
        if (!vnc->clients || host_clock_ns() < vnc->frame_at)
            continue;
        frame_make(vnc);
        vnc_clipboard_tick(vnc);
        vnc->rfb->ProcessEvents(vnc->screen, 0);
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

static bool address_set(rfbScreenInfoPtr screen, const struct vnc_config *config, struct error *err)
{
    struct in_addr four;
    struct in6_addr six;
    /* Port 0 is the library's word for none. */
    screen->port = screen->ipv6port = 0;
    if (inet_pton(AF_INET, config->address, &four) == 1) {
        screen->port = (int)config->port;
        screen->listenInterface = four.s_addr;
        return true;
    }
    if (inet_pton(AF_INET6, config->address, &six) == 1) {
        screen->ipv6port = (int)config->port;
        screen->listen6Interface = strdup(config->address);
        return true;
    }
    return error_set(err, ERROR_USAGE, "--display vnc: %s is no address to listen at (write 0.0.0.0 or ::)",
                     config->address);
}

static bool screen_create(struct vnc *vnc, const struct vnc_config *config, struct error *err)
{
    const struct rfb *rfb = vnc->rfb;
    *rfb->Log = library_said;
    *rfb->Err = library_said;
    vnc->width = 640;
    vnc->height = 480;
    vnc->frame = calloc((size_t)vnc->width * vnc->height, sizeof(*vnc->frame));
    rfbScreenInfoPtr screen = vnc->screen = rfb->GetScreen(NULL, NULL, 640, 480, 8, 3, 4);
    if (!vnc->frame || !screen)
        abort();
    screen->screenData = vnc;
    screen->frameBuffer = (char *)vnc->frame;
    screen->desktopName = vnc->machine.name;
    screen->alwaysShared = TRUE;
    screen->deferUpdateTime = screen->deferPtrUpdateTime = 0; /* a frame's time is enough */
    screen->handleEventsEagerly = TRUE;
    screen->maxClientWait = CLIENT_WAIT_MS;
    screen->cursor = NULL;
    screen->setTranslateFunction = translation_set;
    format_set(screen);
    if (config->password) {
        snprintf(vnc->password, sizeof(vnc->password), "%s", config->password);
        vnc->passwords[0] = vnc->password;
        screen->authPasswdData = vnc->passwords;
        screen->passwordCheck = rfb->CheckPasswordByList;
    }
    vnc_client_hooks_set(vnc);
    vnc_clipboard_hooks_set(vnc);
    if (!address_set(screen, config, err))
        return false;
    errno = 0;
    rfb->InitServerWithPthreadsAndZRLE(screen);
    if (screen->listenSock >= 0 || screen->listen6Sock >= 0)
        return true;
    return error_errno(err, ERROR_HOST, "--display vnc can't listen at %s, port %u (try another number)",
                       config->address, config->port);
}

struct vnc *vnc_create(const struct ui_machine *machine, const struct vnc_config *config, struct error *err)
{
    struct vnc *vnc = calloc(1, sizeof(*vnc));
    if (!vnc)
        abort();
    vnc->machine = *machine;
    vnc->wake[0] = vnc->wake[1] = -1;
    host_mutex_lock(machine->lock);
    changes_attach(&vnc->changes, machine->display);
    host_mutex_unlock(machine->lock);
    vnc->rfb = rfb_load(err);
    bool ok = vnc->rfb && screen_create(vnc, config, err);
    if (ok && pipe2(vnc->wake, O_CLOEXEC) != 0)
        ok = error_errno(err, ERROR_HOST, "can't create a pipe");
    if (ok)
        ok = vnc->started = host_thread_create(&vnc->thread, "vnc", serve, vnc, err);
    if (ok)
        return vnc;
    vnc_destroy(vnc);
    return NULL;
}

static void screen_destroy(struct vnc *vnc)
{
    char *address = vnc->screen->listen6Interface;
    vnc->rfb->ShutdownServer(vnc->screen, TRUE);
    vnc->rfb->ScreenCleanup(vnc->screen);
    free(address);
}

void vnc_destroy(struct vnc *vnc)
{
    if (!vnc)
        return;
    if (vnc->started) {
        __atomic_store_n(&vnc->stop, true, __ATOMIC_RELEASE);
        while (write(vnc->wake[1], "", 1) < 0 && errno == EINTR)
            continue;
        host_thread_join(&vnc->thread);
    }
    if (vnc->screen)
        screen_destroy(vnc);
    host_mutex_lock(vnc->machine.lock);
    changes_detach(&vnc->changes);
    host_mutex_unlock(vnc->machine.lock);
    for (unsigned i = 0; i < 2; i++) {
        if (vnc->wake[i] >= 0)
            close(vnc->wake[i]);
    }
    free(vnc->frame);
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
