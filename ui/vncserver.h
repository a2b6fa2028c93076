/*
 * libvncserver's functions, as far as the server uses them, through pointers (ui/library.h).
 */
#pragma once

#if HAVE_VNCSERVER

#include <rfb/rfb.h>
#undef rfbInitServer /* a macro for the function that tells which library the program was built for */

#include "base/error.h"

#define RFB_FUNCTIONS(F)                                                                                     \
    F(CheckPasswordByList)                                                                                   \
    F(ClientIteratorNext)                                                                                    \
    F(CloseClient)                                                                                           \
    F(GetClientIterator)                                                                                     \
    F(GetScreen)                                                                                             \
    F(InitServerWithPthreadsAndZRLE)                                                                         \
    F(MarkRectAsModified)                                                                                    \
    F(NewFramebuffer)                                                                                        \
    F(ProcessEvents)                                                                                         \
    F(ReadExact)                                                                                             \
    F(RegisterProtocolExtension)                                                                             \
    F(ReleaseClientIterator)                                                                                 \
    F(ScreenCleanup)                                                                                         \
    F(SetCursor)                                                                                             \
    F(SetTranslateFunction)                                                                                  \
    F(ShutdownServer)                                                                                        \
    F(WriteExact)                                                                                            \
    F(Log)                                                                                                   \
    F(Err)

#define RFB_POINTER(name) __typeof__(rfb##name) *name;
struct rfb {
    RFB_FUNCTIONS(RFB_POINTER)
};
#undef RFB_POINTER

/* NULL and err when the library is not there. */
const struct rfb *rfb_load(struct error *err);

#endif
