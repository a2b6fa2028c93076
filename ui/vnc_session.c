/*
 * One client: the library serves it from a screen that no other sees, on a thread where it may wait for as
 * long as the client lets it.
 */
#if HAVE_VNCSERVER

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/clock.h"
#include "ui/vnc_internal.h"

#define MS             1000000ull
#define FRAME_NS       (33 * MS)
#define IDLE_NS        (100 * MS)   /* nothing happens */
#define GREETING_NS    (60000 * MS) /* by then a client has given its password */
#define CLIENT_WAIT_MS 5000

void vnc_session_active(struct vnc_session *session)
{
    uint64_t soon = host_clock_ns() + FRAME_NS;
    session->pause = FRAME_NS;
    session->frame_at = session->frame_at > soon ? soon : session->frame_at;
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
    struct vnc_session *session = client->screen->screenData;
    format_set(client->screen);
    return session->rfb->SetTranslateFunction(client);
}

static void cursor_set(struct vnc_session *session, const struct display_cursor *cursor,
                       const uint32_t *pixels)
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
    session->rfb->SetCursor(session->screen, made);
}

/* The changed parts, and the cursor if that has; the machine lock is held only for this. */
static void picture_take(struct vnc_session *session, struct changes *seen, struct display_cursor *cursor,
                         uint32_t **old_frame)
{
    const struct ui_machine *machine = session->machine;
    struct display_surface surface = display_look(machine->display, machine->lock);
    *seen = session->changes;
    changes_clear(&session->changes);
    if (seen->resized) {
        *old_frame = session->frame;
        session->frame = calloc((size_t)surface.width * surface.height, sizeof(*session->frame));
        if (!session->frame)
            abort();
        session->width = surface.width;
        session->height = surface.height;
    }
    changes_copy(seen, session->frame, session->width);
    *cursor = display_cursor(machine->display);
    if (seen->cursor && cursor->width && cursor->height)
        memcpy(session->cursor_pixels, cursor->pixels,
               (size_t)cursor->width * cursor->height * sizeof(uint32_t));
    vnc_client_pointer_set(session, machine->input && input_takes_absolute(machine->input));
    host_mutex_unlock(machine->lock);
}

/* A client that has the picture shrunk for it holds one of the old size. */
static void size_follow(struct vnc_session *session)
{
    if (session->client && session->client->scaledScreen != session->screen)
        session->rfb->CloseClient(session->client);
    session->rfb->NewFramebuffer(session->screen, (char *)session->frame, (int)session->width,
                                 (int)session->height, 8, 3, 4);
    format_set(session->screen);
}

static void frame_make(struct vnc_session *session)
{
    struct changes seen;
    struct display_cursor cursor;
    uint32_t *old = NULL;
    picture_take(session, &seen, &cursor, &old);
    if (seen.resized) {
        size_follow(session);
        free(old);
    }
    if (seen.cursor)
        cursor_set(session, &cursor, session->cursor_pixels);
    if (seen.moved) {
        session->screen->cursorX = cursor.x;
        session->screen->cursorY = cursor.y;
    }
    for (unsigned i = 0; i < seen.count; i++) {
        const struct changed_rectangle *part = &seen.rectangles[i];
        session->rfb->MarkRectAsModified(session->screen, (int)part->x, (int)part->y,
                                         (int)(part->x + part->width), (int)(part->y + part->height));
    }
    uint64_t slower = 2 * session->pause < IDLE_NS ? 2 * session->pause : IDLE_NS;
    session->pause = seen.count || seen.cursor ? FRAME_NS : slower;
    session->frame_at = host_clock_ns() + session->pause;
}

/* --- the thread --- */

static bool is_greeted(const struct vnc_session *session)
{
    return session->client->state == RFB_NORMAL;
}

/* Who asks for nothing is not looked for either. */
static bool picture_is_wanted(const struct vnc_session *session)
{
    return is_greeted(session) && !session->rfb->RgnEmpty(session->client->requestedRegion);
}

/* Until the client has something to say, or it is time for a picture. */
static void events_wait(struct vnc_session *session)
{
    struct pollfd fds = {session->client->sock, POLLIN, 0};
    uint64_t now = host_clock_ns(), until = UINT64_MAX;
    if (session->client->sock < 0) /* closed on this side */
        until = 0;
    else if (!is_greeted(session))
        until = session->began + GREETING_NS;
    else if (picture_is_wanted(session))
        until = session->frame_at;
    int timeout = until == UINT64_MAX ? -1 : until > now ? (int)((until - now + MS - 1) / MS) : 0;
    poll(&fds, 1, timeout);
}

static void turn(struct vnc_session *session)
{
    events_wait(session);
    session->rfb->ProcessEvents(session->screen, 0);
    if (!session->client)
        return;
    vnc_client_tell(session);
    if (is_greeted(session))
        vnc_clipboard_tell(session);
    if (!is_greeted(session) && host_clock_ns() >= session->began + GREETING_NS)
        session->rfb->CloseClient(session->client);
    if (!picture_is_wanted(session) || host_clock_ns() < session->frame_at)
        return;
    frame_make(session);
    session->rfb->ProcessEvents(session->screen, 0);
}

static void *serve(void *opaque)
{
    struct vnc_session *session = opaque;
    frame_make(session);
    session->began = host_clock_ns();
    /* From here on the library has the connection, and says through the hooks whether there is a client. */
    session->rfb->NewClient(session->screen, session->connection);
    while (session->client)
        turn(session);
    __atomic_store_n(&session->done, true, __ATOMIC_RELEASE);
    vnc_session_over(session->vnc);
    return NULL;
}

/* --- for the server --- */

bool vnc_session_init(struct vnc_session *session, struct vnc *vnc, const struct ui_machine *machine,
                      const struct rfb *rfb, char **password, struct error *err)
{
    rfbScreenInfoPtr screen = session->screen = rfb->GetScreen(NULL, NULL, 640, 480, 8, 3, 4);
    if (!screen)
        return error_set(err, ERROR_HOST, "libvncserver makes no screen");
    session->vnc = vnc;
    session->machine = machine;
    session->rfb = rfb;
    screen->screenData = session;
    screen->port = screen->ipv6port = 0; /* its word for none: the server listens */
    screen->desktopName = machine->name;
    screen->alwaysShared = TRUE;
    screen->deferUpdateTime = screen->deferPtrUpdateTime = 0; /* a frame's time is enough */
    screen->handleEventsEagerly = TRUE;
    screen->maxClientWait = CLIENT_WAIT_MS;
    screen->cursor = NULL;
    screen->setTranslateFunction = translation_set;
    screen->authPasswdData = password;
    screen->passwordCheck = rfb->CheckPasswordByList;
    format_set(screen);
    vnc_client_hooks_set(session);
    vnc_clipboard_hooks_set(session);
    rfb->InitServerWithPthreadsAndZRLE(screen);
    return true;
}

/* What a client leaves behind. */
static void session_clear(struct vnc_session *session)
{
    close(session->shadow);
    host_mutex_lock(session->machine->lock);
    changes_detach(&session->changes);
    host_mutex_unlock(session->machine->lock);
    free(session->frame);
    session->frame = NULL;
    session->screen->frameBuffer = NULL;
}

bool vnc_session_start(struct vnc_session *session, int connection, struct error *err)
{
    session->connection = connection;
    session->shadow = fcntl(connection, F_DUPFD_CLOEXEC, 0);
    if (session->shadow < 0) {
        close(connection);
        return error_errno(err, ERROR_HOST, "VNC can't serve a client");
    }
    session->done = false;
    session->clipboard_seen = 0;
    host_mutex_lock(session->machine->lock);
    changes_attach(&session->changes, session->machine->display);
    host_mutex_unlock(session->machine->lock);
    session->started = true;
    if (host_thread_create(&session->thread, "vnc-client", serve, session, err))
        return true;
    session->started = false;
    close(connection);
    session_clear(session);
    return false;
}

/* Whatever the thread waits for, it is told that the client has gone. */
void vnc_session_stop(struct vnc_session *session)
{
    if (session->started)
        shutdown(session->shadow, SHUT_RDWR);
}

void vnc_session_join(struct vnc_session *session)
{
    if (!session->started)
        return;
    host_thread_join(&session->thread);
    session->started = false;
    session_clear(session);
}

void vnc_session_fini(struct vnc_session *session)
{
    session->rfb->ScreenCleanup(session->screen);
}

#endif
