/*
 * SDL2's functions, as far as the window uses them, through pointers (ui/library.h).
 */
#pragma once

#if HAVE_SDL2

#define SDL_MAIN_HANDLED
#include <SDL.h>

#include "base/error.h"

#define SDL_FUNCTIONS(F)                                                                                     \
    F(CreateColorCursor)                                                                                     \
    F(CreateRGBSurfaceWithFormatFrom)                                                                        \
    F(CreateRenderer)                                                                                        \
    F(CreateTexture)                                                                                         \
    F(CreateWindow)                                                                                          \
    F(DestroyRenderer)                                                                                       \
    F(DestroyTexture)                                                                                        \
    F(DestroyWindow)                                                                                         \
    F(FreeCursor)                                                                                            \
    F(FreeSurface)                                                                                           \
    F(GetClipboardText)                                                                                      \
    F(GetDefaultCursor)                                                                                      \
    F(GetDisplayUsableBounds)                                                                                \
    F(GetError)                                                                                              \
    F(GetRendererOutputSize)                                                                                 \
    F(GetWindowDisplayIndex)                                                                                 \
    F(GetWindowFlags)                                                                                        \
    F(GetWindowPosition)                                                                                     \
    F(GetWindowSize)                                                                                         \
    F(InitSubSystem)                                                                                         \
    F(PollEvent)                                                                                             \
    F(QuitSubSystem)                                                                                         \
    F(RenderClear)                                                                                           \
    F(RenderCopy)                                                                                            \
    F(RenderPresent)                                                                                         \
    F(SetClipboardText)                                                                                      \
    F(SetCursor)                                                                                             \
    F(SetHint)                                                                                               \
    F(SetMainReady)                                                                                          \
    F(SetRelativeMouseMode)                                                                                  \
    F(SetRenderDrawColor)                                                                                    \
    F(SetTextureBlendMode)                                                                                   \
    F(SetTextureScaleMode)                                                                                   \
    F(SetWindowFullscreen)                                                                                   \
    F(SetWindowKeyboardGrab)                                                                                 \
    F(SetWindowMinimumSize)                                                                                  \
    F(SetWindowPosition)                                                                                     \
    F(SetWindowSize)                                                                                         \
    F(SetWindowTitle)                                                                                        \
    F(StopTextInput)                                                                                         \
    F(UpdateTexture)                                                                                         \
    F(free)

#define SDL_POINTER(name) __typeof__(SDL_##name) *name;
struct sdl {
    SDL_FUNCTIONS(SDL_POINTER)
};
#undef SDL_POINTER

/* NULL and err when the library is not there. */
const struct sdl *sdl_load(struct error *err);

#endif
