/*
 * Linux's KVM as calls: what accel/kvm asks the kernel for goes through here. The requests and structs are
 * those of <linux/kvm.h>; results are as the system calls give them, with errors as negative numbers.
 */
#pragma once

#include "base/error.h"

#define HOST_KVM_PATH "/dev/kvm"

/* The device. -1 and err, which says what to do. */
int host_kvm_open(struct error *err);
/* Whether there is such a device, usable or not. */
bool host_kvm_exists(void);
void host_kvm_close(int fd);

/* An ioctl with an argument by value or by pointer. Negative: -errno. */
int host_kvm_call(int fd, unsigned long request, unsigned long value);
int host_kvm_ioctl(int fd, unsigned long request, void *argument);

/* Why a call failed: the text of a negative result. */
const char *host_kvm_failure(int result);

/* The page that a vCPU shares with the kernel. NULL and err. */
void *host_kvm_map(int vcpu_fd, size_t size, struct error *err);
void host_kvm_unmap(void *page, size_t size);

/*
 * A thread that runs a vCPU can be taken out of the kernel by another one. kick_receive is called by that thread
 * before it runs; kick_send makes a system call of the thread it names return early, and does nothing else.
 */
struct host_kvm_thread {
    unsigned long id;
};
struct host_kvm_thread host_kvm_kick_receive(void);
void host_kvm_kick_send(struct host_kvm_thread thread);
