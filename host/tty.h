/* Terminals: raw mode of the program's own, and pseudo-terminals for others to attach to. */
#pragma once

#include "base/error.h"

bool host_tty_is(int fd);

/*
 * Put the terminal into raw mode: every key comes as it is, nothing is echoed, output is not changed. It is
 * put back by host_tty_restore, when the program exits, and when a signal ends it. One terminal at a time.
 */
bool host_tty_raw(int fd, struct error *err);
void host_tty_restore(void);

/* A pseudo-terminal in raw mode: the master's descriptor, and the path of the slave in `path`. -1 and err. */
int host_pty_open(char *path, size_t size, struct error *err);
