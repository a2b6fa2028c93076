#include "host/tty.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* What the terminal was before raw mode; read by a signal handler, so plain data and a flag. */
static struct termios before;
static volatile sig_atomic_t raw_fd = -1;
static bool hooked;

bool host_tty_is(int fd)
{
    return isatty(fd);
}

/* Only functions that a signal handler may call. */
void host_tty_restore(void)
{
    int fd = raw_fd;
    if (fd < 0)
        return;
    raw_fd = -1;
    tcsetattr(fd, TCSANOW, &before);
}

static void restore_and_die(int number)
{
    host_tty_restore();
    /* The handler was one-shot: the default action follows. */
    raise(number);
}

static void hooks_install(void)
{
    static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS,  SIGILL,
                                 SIGFPE, SIGSYS, SIGPIPE, SIGXCPU, SIGALRM, SIGTRAP, SIGUSR1, SIGUSR2};
    if (hooked)
        return;
    hooked = true;
    atexit(host_tty_restore);
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
        struct sigaction old, ours = {.sa_handler = restore_and_die, .sa_flags = (int)SA_RESETHAND};
        /* Who handles or ignores a signal already goes on doing so. */
        if (sigaction(deadly[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
            old.sa_handler == SIG_DFL)
            sigaction(deadly[i], &ours, NULL);
    }
}

bool host_tty_raw(int fd, struct error *err)
{
    if (raw_fd >= 0)
        return error_set(err, ERROR_USAGE, "a terminal is in raw mode already");
    if (tcgetattr(fd, &before) != 0)
        return error_errno(err, ERROR_HOST, "can't read the terminal's mode");
    struct termios raw = before;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    hooks_install();
    raw_fd = fd;
    if (tcsetattr(fd, TCSANOW, &raw) != 0) {
        raw_fd = -1;
        return error_errno(err, ERROR_HOST, "can't put the terminal into raw mode");
    }
    return true;
}

int host_pty_open(char *path, size_t size, struct error *err)
{
    struct termios raw = {0};
    cfmakeraw(&raw);
    raw.c_cflag |= CREAD | CS8;
    int master, slave;
    char name[256];
    if (openpty(&master, &slave, name, &raw, NULL) != 0) {
        error_errno(err, ERROR_HOST, "can't open a pseudo-terminal");
        return -1;
    }
    /* Without a slave of our own the master tells when nobody is attached. */
    close(slave);
    fcntl(master, F_SETFD, FD_CLOEXEC);
    snprintf(path, size, "%s", name);
    return master;
}
