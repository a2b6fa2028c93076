#if HAVE_VNCSERVER
#include "ui/vncserver.h"

#include "ui/library.h"

#ifdef __APPLE__
#define RFB_FILE "libvncserver.1.dylib"
#else
#define RFB_FILE "libvncserver.so.1"
#endif

#define RFB_SYMBOL(prefix, name) {#prefix #name, offsetof(struct rfb, name)},
static const struct library_symbol symbols[] = {RFB_FUNCTIONS(RFB_SYMBOL)};
#undef RFB_SYMBOL

const struct rfb *rfb_load(struct error *err)
{
    static struct rfb rfb;
    bool loaded = rfb.Err || library_load(RFB_FILE, "libvncserver1", symbols, ARRAY_LEN(symbols), &rfb, err);
    return loaded ? &rfb : NULL;
}
#endif
