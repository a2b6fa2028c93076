/*
 * The signals that ask the program to end (an interrupt key, a service manager), as calls on the event loop's
 * thread, so that disks are flushed and the terminal is put back before the program goes.
 */
#pragma once

#include "host/loop.h"

struct host_signals;

/* Take SIGINT, SIGTERM and SIGHUP from now on: ask(opaque, number) with the lock held. Call it before other
 * threads are started. NULL and err. */
struct host_signals *host_signals_create(struct host_loop *loop, void (*ask)(void *opaque, int number),
                                         void *opaque, struct error *err);

/* Give them back to their default action. */
void host_signals_destroy(struct host_signals *signals);

/* The number of this process. */
unsigned host_process_id(void);
