#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
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

uint16_t host_tap_mtu(const char *name)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || strlen(name) >= sizeof(request.ifr_name))
        return 0;
    strcpy(request.ifr_name, name);
    bool told = ioctl(fd, SIOCGIFMTU, &request) == 0;
    close(fd);
    return told && request.ifr_mtu > 0 && request.ifr_mtu <= UINT16_MAX ? (uint16_t)request.ifr_mtu : 0;
}

int host_tap_adopt(const char *number, struct error *err)
{
    char *end;
    errno = 0;
    long fd = strtol(number, &end, 10);
    if (!*number || *end || errno || fd <= STDERR_FILENO || fd > INT_MAX) {
        error_set(err, ERROR_USAGE, "%s is not the number of a descriptor that this program was started with",
                  number);
        return -1;
    }
    int flags = fcntl((int)fd, F_GETFL);
    if (flags < 0 || fcntl((int)fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0) {
        error_errno(err, ERROR_USAGE, "descriptor %s can't be used", number);
        return -1;
    }
    return (int)fd;
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
