#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int host_tap_open(const char *name, struct error *err)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    if (strlen(name) >= sizeof(request.ifr_name)) {
        error_set(err, ERROR_USAGE, "%s is too long for the name of a network interface", name);
        return -1;
    }
    strcpy(request.ifr_name, name);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        error_errno(err, ERROR_HOST, "can't open /dev/net/tun for tap device %s", name);
        return -1;
    }
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        const char *hint = errno == EPERM   ? " (make it with \"ip tuntap add mode tap user NAME\" first)"
                           : errno == EBUSY ? " (another program has it)"
                                            : "";
        error_errno(err, ERROR_HOST, "can't attach to tap device %s%s", name, hint);
        close(fd);
        return -1;
    }
    return fd;
}

void host_tap_close(int fd)
{
    close(fd);
}

size_t host_tap_read(int fd, void *frame, size_t size)
{
    ssize_t len = read(fd, frame, size);
    return len > 0 ? (size_t)len : 0;
}

void host_tap_write(int fd, const void *frame, size_t len)
{
    ssize_t sent = write(fd, frame, len);
    (void)sent; /* a frame is lost, as on a wire */
}
