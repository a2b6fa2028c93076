#include "host/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int host_kvm_open(struct error *err)
{
    int fd = open(HOST_KVM_PATH, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    if (errno == ENOENT)
        error_set(err, ERROR_HOST,
                  "this host has no " HOST_KVM_PATH ": its processor or its kernel has no virtualization, or "
                  "the module is not loaded");
    else if (errno == EACCES || errno == EPERM)
        error_set(err, ERROR_HOST,
                  HOST_KVM_PATH " may not be opened: join the group that owns it (usually kvm)");
    else
        error_errno(err, ERROR_HOST, "can't open " HOST_KVM_PATH);
    return -1;
}

bool host_kvm_exists(void)
{
    return access(HOST_KVM_PATH, F_OK) == 0;
}

void host_kvm_close(int fd)
{
    close(fd);
}

int host_kvm_call(int fd, unsigned long request, unsigned long value)
{
    int result = ioctl(fd, request, value);
    return result < 0 ? -errno : result;
}

int host_kvm_ioctl(int fd, unsigned long request, void *argument)
{
    int result = ioctl(fd, request, argument);
    return result < 0 ? -errno : result;
}

const char *host_kvm_failure(int result)
{
    return strerror(-result);
}

void *host_kvm_map(int vcpu_fd, size_t size, struct error *err)
{
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd, 0);
    if (page != MAP_FAILED)
        return page;
    error_errno(err, ERROR_HOST, "can't map a vCPU of KVM");
    return NULL;
}

void host_kvm_unmap(void *page, size_t size)
{
    munmap(page, size);
}

/* Debuggers and libraries use the first real-time signals. */
#define KICK_SIGNAL (SIGRTMIN + 6)

static void kicked(int number)
{
    (void)number;
}

static void kick_handler_set(void)
{
    struct sigaction action = {.sa_handler = kicked}; /* no SA_RESTART: that is what it is for */
    sigemptyset(&action.sa_mask);
    sigaction(KICK_SIGNAL, &action, NULL);
}

struct host_kvm_thread host_kvm_kick_receive(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    sigset_t set;
    pthread_once(&once, kick_handler_set);
    sigemptyset(&set);
    sigaddset(&set, KICK_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return (struct host_kvm_thread){(unsigned long)pthread_self()};
}

void host_kvm_kick_send(struct host_kvm_thread thread)
{
    pthread_kill((pthread_t)thread.id, KICK_SIGNAL);
}
