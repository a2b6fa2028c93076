#include "host/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void host_random(void *to, size_t len)
{
    uint8_t *at = to;
    while (len) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}
