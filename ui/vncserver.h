/*
 * libvncserver's functions, as far as the server uses them, through pointers (ui/library.h).
 */
#pragma once

#if HAVE_VNCSERVER

#include <rfb/rfb.h>
#include <rfb/rfbregion.h>
#undef rfbInitServer /* a macro for the function that tells which library the program was built for */

#include "base/error.h"

#define RFB_FUNCTIONS(F)                                                                                     \
    F(rfb, CheckPasswordByList)                                                                              \
    F(rfb, CloseClient)                                                                                      \
    F(rfb, GetScreen)                                                                                        \
    F(rfb, InitServerWithPthreadsAndZRLE)                                                                    \
    F(rfb, MarkRectAsModified)                                                                               \
    F(rfb, NewClient)                                                                                        \
    F(rfb, NewFramebuffer)                                                                                   \
    F(rfb, ProcessEvents)                                                                                    \
    F(rfb, ReadExact)                                                                                        \
    F(rfb, RegisterProtocolExtension)                                                                        \
    F(rfb, ScreenCleanup)                                                                                    \
    F(rfb, SetCursor)                                                                                        \
    F(rfb, SetTranslateFunction)                                                                             \
    F(rfb, WriteExact)                                                                                       \
    F(rfb, Log)                                                                                              \
    F(rfb, Err)                                                                                              \
    F(sra, RgnEmpty)

#define RFB_POINTER(prefix, name) __typeof__(prefix##name) *name;
struct rfb {
    RFB_FUNCTIONS(RFB_POINTER)
};
#undef RFB_POINTER

/* NULL and err when the library is not there. */
const struct rfb *rfb_load(struct error *err);

#endif
