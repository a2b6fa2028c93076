#if HAVE_SDL2
#include "ui/sdl.h"

#include "ui/library.h"

#ifdef __APPLE__
#define SDL_LIBRARY "libSDL2-2.0.0.dylib"
#else
#define SDL_LIBRARY "libSDL2-2.0.so.0"
#endif

#define SDL_SYMBOL(name) {"SDL_" #name, offsetof(struct sdl, name)},
static const struct library_symbol symbols[] = {SDL_FUNCTIONS(SDL_SYMBOL)};
#undef SDL_SYMBOL

const struct sdl *sdl_load(struct error *err)
{
    static struct sdl sdl;
    bool loaded =
        sdl.free || library_load(SDL_LIBRARY, "libsdl2-2.0-0", symbols, ARRAY_LEN(symbols), &sdl, err);
    return loaded ? &sdl : NULL;
}
#endif
