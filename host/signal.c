#include "host/signal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct host_signals {
    int fd;
    sigset_t set;
    struct host_watch *watch;
    void (*ask)(void *opaque, int number);
    void *opaque;
};

static void signals_ready(void *opaque, unsigned events)
{
    struct host_signals *signals = opaque;
    struct signalfd_siginfo info;
    (void)events;
    if (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        signals->ask(signals->opaque, (int)info.ssi_signo);
}

struct host_signals *host_signals_create(struct host_loop *loop, void (*ask)(void *opaque, int number),
                                         void *opaque, struct error *err)
{
    struct host_signals *signals = calloc(1, sizeof(*signals));
    if (!signals)
        abort();
    signals->ask = ask;
    signals->opaque = opaque;
    sigemptyset(&signals->set);
    sigaddset(&signals->set, SIGINT);
    sigaddset(&signals->set, SIGTERM);
    sigaddset(&signals->set, SIGHUP);
    signals->fd = signalfd(-1, &signals->set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd < 0) {
        error_errno(err, ERROR_HOST, "can't receive signals");
        free(signals);
        return NULL;
    }
    signals->watch = host_watch_create(loop, signals->fd, signals_ready, signals, err);
    if (!signals->watch) {
        close(signals->fd);
        free(signals);
        return NULL;
    }
    pthread_sigmask(SIG_BLOCK, &signals->set, NULL);
    /* A reader of our output that goes away is an error of write(), not the end of the program. */
    signal(SIGPIPE, SIG_IGN);
    host_watch_set(signals->watch, HOST_READABLE);
    return signals;
}

void host_signals_destroy(struct host_signals *signals)
{
    if (!signals)
        return;
    host_watch_destroy(signals->watch);
    close(signals->fd);
    pthread_sigmask(SIG_UNBLOCK, &signals->set, NULL);
    free(signals);
}

unsigned host_process_id(void)
{
    return (unsigned)getpid();
}
