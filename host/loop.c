#include "host/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

/* A callback handed over by host_loop_post. */
struct post {
    void (*fn)(void *opaque);
    void *opaque;
    struct post *next;
};

struct host_loop {
    uv_loop_t uv;
    uv_async_t wake; /* something was posted, or stop was asked for */
    struct host_mutex *lock;
    struct host_mutex posts_lock;
    struct post *first, **last;
    bool stop;
    bool work_here; /* no worker threads */
};

struct host_watch {
    struct host_loop *loop;
    uv_poll_t poll;
    void (*ready)(void *opaque, unsigned events);
    void *opaque;
};

struct host_timer {
    struct host_loop *loop;
    int fd; /* a timerfd: libuv's own timers have a granularity of a millisecond */
    uv_poll_t poll;
    void (*fire)(void *opaque);
    void *opaque;
};

struct job {
    uv_work_t work;
    struct host_loop *loop;
    void (*run)(void *opaque);
    void (*done)(void *opaque);
    void *opaque;
};

static void *memory_get(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

static bool uv_failed(int code, struct error *err, const char *what)
{
    if (code == 0)
        return false;
    error_set(err, ERROR_HOST, "%s: %s", what, uv_strerror(code));
    return true;
}

static void posts_run(uv_async_t *async)
{
    struct host_loop *loop = async->data;
    host_mutex_lock(&loop->posts_lock);
    struct post *post = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    bool stop = loop->stop;
    loop->stop = false;
    host_mutex_unlock(&loop->posts_lock);
    if (post) {
        host_mutex_lock(loop->lock);
        while (post) {
            struct post *next = post->next;
            post->fn(post->opaque);
            free(post);
            post = next;
        }
        host_mutex_unlock(loop->lock);
    }
    if (stop)
        uv_stop(&loop->uv);
}

static void job_start(void *opaque);

/* A job that did not get to a worker before the loop goes: its owner waits for the end of it all the same. */
static void job_finish(struct job *job)
{
    job->run(job->opaque);
    host_mutex_lock(job->loop->lock);
    job->done(job->opaque);
    host_mutex_unlock(job->loop->lock);
    free(job);
}

struct host_loop *host_loop_create(struct host_mutex *lock, struct error *err)
{
    struct host_loop *loop = memory_get(sizeof(*loop));
    loop->lock = lock;
    loop->last = &loop->first;
    host_mutex_init(&loop->posts_lock);
    if (uv_failed(uv_loop_init(&loop->uv), err, "can't create the event loop")) {
        host_mutex_destroy(&loop->posts_lock);
        free(loop);
        return NULL;
    }
    loop->wake.data = loop;
    uv_async_init(&loop->uv, &loop->wake, posts_run);
    return loop;
}

void host_loop_destroy(struct host_loop *loop)
{
    if (!loop)
        return;
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    while (loop->first) {
        struct post *post = loop->first;
        loop->first = post->next;
        if (post->fn == job_start)
            job_finish(post->opaque);
        free(post);
    }
    host_mutex_destroy(&loop->posts_lock);
    free(loop);
}

void host_loop_run(struct host_loop *loop, bool wait)
{
    uv_run(&loop->uv, wait ? UV_RUN_DEFAULT : UV_RUN_NOWAIT);
}

void host_loop_run_once(struct host_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_ONCE);
}

void host_loop_stop(struct host_loop *loop)
{
    host_mutex_lock(&loop->posts_lock);
    loop->stop = true;
    host_mutex_unlock(&loop->posts_lock);
    uv_async_send(&loop->wake);
}

void host_loop_post(struct host_loop *loop, void (*fn)(void *opaque), void *opaque)
{
    struct post *post = memory_get(sizeof(*post));
    post->fn = fn;
    post->opaque = opaque;
    host_mutex_lock(&loop->posts_lock);
    *loop->last = post;
    loop->last = &post->next;
    host_mutex_unlock(&loop->posts_lock);
    uv_async_send(&loop->wake);
}

static void watch_ready(uv_poll_t *poll, int status, int uv_events)
{
    struct host_watch *watch = poll->data;
    unsigned events = 0;
    /* An error is told as readiness: the next read or write by the owner will see it. */
    if (status < 0 || uv_events & (UV_READABLE | UV_DISCONNECT))
        events |= HOST_READABLE;
    if (status < 0 || uv_events & UV_WRITABLE)
        events |= HOST_WRITABLE;
    struct host_mutex *lock = watch->loop->lock;
    host_mutex_lock(lock);
    watch->ready(watch->opaque, events);
    host_mutex_unlock(lock);
}

struct host_watch *host_watch_create(struct host_loop *loop, int fd,
                                     void (*ready)(void *opaque, unsigned events), void *opaque,
                                     struct error *err)
{
    struct host_watch *watch = memory_get(sizeof(*watch));
    watch->loop = loop;
    watch->ready = ready;
    watch->opaque = opaque;
    watch->poll.data = watch;
    if (uv_failed(uv_poll_init(&loop->uv, &watch->poll, fd), err, "can't watch a file descriptor")) {
        free(watch);
        return NULL;
    }
    return watch;
}

void host_watch_set(struct host_watch *watch, unsigned events)
{
    int uv_events = (events & HOST_READABLE ? UV_READABLE : 0) | (events & HOST_WRITABLE ? UV_WRITABLE : 0);
    if (uv_events)
        uv_poll_start(&watch->poll, uv_events, watch_ready);
    else
        uv_poll_stop(&watch->poll);
}

static void handle_free(uv_handle_t *handle)
{
    free(handle->data);
}

void host_watch_destroy(struct host_watch *watch)
{
    if (!watch)
        return;
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, handle_free);
}

static void timer_fired(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct host_timer *timer = poll->data;
    uint64_t expirations;
    if (read(timer->fd, &expirations, sizeof(expirations)) != sizeof(expirations))
        return; /* set again since */
    struct host_mutex *lock = timer->loop->lock;
    host_mutex_lock(lock);
    timer->fire(timer->opaque);
    host_mutex_unlock(lock);
}

struct host_timer *host_timer_create(struct host_loop *loop, void (*fire)(void *opaque), void *opaque,
                                     struct error *err)
{
    struct host_timer *timer = memory_get(sizeof(*timer));
    timer->loop = loop;
    timer->fire = fire;
    timer->opaque = opaque;
    timer->poll.data = timer;
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer->fd < 0) {
        error_errno(err, ERROR_HOST, "can't create a timer");
        free(timer);
        return NULL;
    }
    if (uv_failed(uv_poll_init(&loop->uv, &timer->poll, timer->fd), err, "can't watch a timer")) {
        close(timer->fd);
        free(timer);
        return NULL;
    }
    uv_poll_start(&timer->poll, UV_READABLE, timer_fired);
    return timer;
}

void host_timer_set(struct host_timer *timer, uint64_t deadline)
{
    /* 0 would disarm: a deadline long past fires at once. */
    uint64_t ns = deadline == UINT64_MAX ? 0 : deadline ? deadline : 1;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)}};
    timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void timer_closed(uv_handle_t *handle)
{
    struct host_timer *timer = handle->data;
    close(timer->fd);
    free(timer);
}

void host_timer_destroy(struct host_timer *timer)
{
    if (!timer)
        return;
    uv_poll_stop(&timer->poll);
    uv_close((uv_handle_t *)&timer->poll, timer_closed);
}

static void job_run(uv_work_t *work)
{
    struct job *job = work->data;
    job->run(job->opaque);
}

static void job_done(uv_work_t *work, int status)
{
    (void)status;
    struct job *job = work->data;
    host_mutex_lock(job->loop->lock);
    job->done(job->opaque);
    host_mutex_unlock(job->loop->lock);
    free(job);
}

void host_loop_work_here(struct host_loop *loop)
{
    loop->work_here = true;
}

/* libuv's queue may only be fed from the loop's thread. */
static void job_start(void *opaque)
{
    struct job *job = opaque;
    if (job->loop->work_here) {
        host_mutex_unlock(job->loop->lock);
        job->run(job->opaque);
        host_mutex_lock(job->loop->lock);
        job->done(job->opaque);
        free(job);
        return;
    }
    uv_queue_work(&job->loop->uv, &job->work, job_run, job_done);
}

void host_loop_work(struct host_loop *loop, void (*work)(void *opaque), void (*done)(void *opaque),
                    void *opaque)
{
    struct job *job = memory_get(sizeof(*job));
    *job = (struct job){.loop = loop, .run = work, .done = done, .opaque = opaque};
    job->work.data = job;
    host_loop_post(loop, job_start, job);
}
