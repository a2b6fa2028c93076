/*
 * The other end of SPICE's guest agent, spice-vdagent on Linux and its like on others, as far as it is about
 * the clipboard's text. The agent finds it at a port of the virtio console, and says when it is there; what
 * it sends is checked to the byte, and a stream that makes no sense is hung up.
 */
#pragma once

#include "devices/char/char.h"
#include "devices/clipboard/clipboard.h"

#define VDAGENT_PORT "com.redhat.spice.0"

/* The end for the port of that name. The clipboard outlives it. */
struct char_port *vdagent_create(struct clipboard *clipboard);
