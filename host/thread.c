#include "host/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool host_thread_create(struct host_thread *thread, const char *name, void *(*run)(void *), void *opaque,
                        struct error *err)
{
    /* Signals belong to the main thread: the event loop turns them into requests. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = pthread_create(&thread->id, NULL, run, opaque);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code) {
        errno = code;
        return error_errno(err, ERROR_HOST, "can't start the thread %s", name);
    }
    pthread_setname_np(thread->id, name);
    return true;
}

void host_thread_name_set(const char *name)
{
    char cut[16] = ""; /* what Linux keeps of it */
    strncat(cut, name, sizeof(cut) - 1);
    pthread_setname_np(pthread_self(), cut);
}

void host_thread_join(struct host_thread *thread)
{
    pthread_join(thread->id, NULL);
}

static void check(int code)
{
    if (code)
        abort();
}

void host_thread_yield(void)
{
    sched_yield();
}

void host_mutex_init(struct host_mutex *mutex)
{
    check(pthread_mutex_init(&mutex->m, NULL));
}

void host_mutex_destroy(struct host_mutex *mutex)
{
    pthread_mutex_destroy(&mutex->m);
}

void host_mutex_lock(struct host_mutex *mutex)
{
    check(pthread_mutex_lock(&mutex->m));
}

void host_mutex_unlock(struct host_mutex *mutex)
{
    check(pthread_mutex_unlock(&mutex->m));
}

void host_cond_init(struct host_cond *cond)
{
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes));
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    check(pthread_cond_init(&cond->c, &attributes));
    pthread_condattr_destroy(&attributes);
}

void host_cond_destroy(struct host_cond *cond)
{
    pthread_cond_destroy(&cond->c);
}

void host_cond_wait(struct host_cond *cond, struct host_mutex *mutex)
{
    check(pthread_cond_wait(&cond->c, &mutex->m));
}

bool host_cond_wait_until(struct host_cond *cond, struct host_mutex *mutex, uint64_t deadline)
{
    if (deadline == UINT64_MAX) {
        host_cond_wait(cond, mutex);
        return true;
    }
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000u),
                             .tv_nsec = (long)(deadline % 1000000000u)};
    int code = pthread_cond_timedwait(&cond->c, &mutex->m, &until);
    if (code != ETIMEDOUT)
        check(code);
    return code == 0;
}

void host_cond_signal(struct host_cond *cond)
{
    pthread_cond_signal(&cond->c);
}

void host_cond_broadcast(struct host_cond *cond)
{
    pthread_cond_broadcast(&cond->c);
}
