/*
 * Solo5's hvt ABI, version 2, in numbers: the notes of a unikernel, where things are in its memory, and the
 * hypercalls with the layout of their arguments. docs/hvt.md says it in words, docs/hvt-riscv64.md what of it
 * is our own.
 */
#pragma once

#include "base/types.h"

#define HVT_ABI_TARGET  1 /* of the ABI note: hvt; others are spt, virtio, muen, genode, xen */
#define HVT_ABI_VERSION 2

/* --- notes --- */

#define HVT_NOTE_NAME     "Solo5" /* and its zero */
#define HVT_NOTE_NAME_LEN 6
#define HVT_NOTE_HEADER   20         /* three words, then the name padded to four bytes */
#define HVT_NOTE_ABI      0x31494241 /* "ABI1": target, version, two reserved words */
#define HVT_NOTE_ABI_SIZE 16
#define HVT_NOTE_MFT      0x3154464d /* "MFT1": a manifest, at the next multiple of 8 from the note's start */
#define HVT_NOTE_MFT_AT   24

/* The manifest: version and number of entries, then the entries. */
#define HVT_MFT_VERSION      1
#define HVT_MFT_HEADER       8
#define HVT_MFT_ENTRY        104
#define HVT_MFT_ENTRIES_MAX  64
#define HVT_MFT_NAME_SIZE    68 /* with its zero */
#define HVT_MFT_TYPE         68
#define HVT_MFT_CAPACITY     72 /* block: 64 bits, then the block size in 16 */
#define HVT_MFT_BLOCK_SIZE   80
#define HVT_MFT_MAC          72 /* net: 6 bytes, then the MTU in 16 bits */
#define HVT_MFT_MTU          78
#define HVT_MFT_ATTACHED     96 /* a byte: set by the tender */
#define HVT_MFT_TYPE_BLOCK   1
#define HVT_MFT_TYPE_NET     2
#define HVT_MFT_TYPE_NOTHING 0x40000000 /* the first entry, which has no name */

/* --- memory --- */

#define HVT_LOAD_BASE    0x100000ull /* the lowest address of a program */
#define HVT_SHOWN_BASE   0x10000ull  /* below it the guest sees nothing, from here on it may read */
#define HVT_BOOT_INFO    HVT_SHOWN_BASE
#define HVT_MANIFEST     0x11000ull
#define HVT_CMDLINE      0x13000ull
#define HVT_CMDLINE_SIZE 8192       /* with its zero */
#define HVT_SHOWN_END    0x40000ull /* from here to HVT_LOAD_BASE: page tables beyond the ABI's own */
#define HVT_MEMORY_UNIT  (2 * MIB)
#define HVT_MEMORY_MAX   (4 * GIB) /* a hypercall's pointer has 32 bits */

/* struct boot_info */
#define HVT_BOOT_MEMORY   0
#define HVT_BOOT_END      8 /* of the program */
#define HVT_BOOT_CYCLES   16
#define HVT_BOOT_CMDLINE  24
#define HVT_BOOT_MANIFEST 32

/* --- hypercalls --- */

#define HVT_PORT 0x500          /* x86_64: a 32-bit OUT of the argument's address to this port + the number */
#define HVT_MMIO 0x100000000ull /* others: a 32-bit store of it to here + 8 times the number */

enum hvt_call {
    HVT_CALL_WALLTIME = 1,
    HVT_CALL_PUTS,
    HVT_CALL_POLL,
    HVT_CALL_BLOCK_WRITE,
    HVT_CALL_BLOCK_READ,
    HVT_CALL_NET_WRITE,
    HVT_CALL_NET_READ,
    HVT_CALL_HALT,
    HVT_CALLS,
};

/* Arguments: the size of each, and where its fields are. */
#define HVT_WALLTIME_SIZE 8

#define HVT_PUTS_SIZE 16
#define HVT_PUTS_DATA 0
#define HVT_PUTS_LEN  8

#define HVT_POLL_SIZE    20
#define HVT_POLL_TIMEOUT 0 /* nanoseconds from now */
#define HVT_POLL_READY   8 /* out: a bit for each handle that can be read */
#define HVT_POLL_RET     16

#define HVT_BLOCK_SIZE   36
#define HVT_BLOCK_HANDLE 0
#define HVT_BLOCK_OFFSET 8
#define HVT_BLOCK_DATA   16
#define HVT_BLOCK_LEN    24
#define HVT_BLOCK_RET    32

#define HVT_NET_SIZE   28
#define HVT_NET_HANDLE 0
#define HVT_NET_DATA   8
#define HVT_NET_LEN    16 /* out as well when reading */
#define HVT_NET_RET    24

#define HVT_HALT_SIZE   12
#define HVT_HALT_COOKIE 0 /* where a trap's registers are, or 0 */
#define HVT_HALT_STATUS 8
#define HVT_COOKIE_SIZE 512

enum hvt_result {
    HVT_OK,
    HVT_AGAIN,
    HVT_INVALID,
    HVT_FAILED,
};

#define HVT_STATUS_ABORT 255 /* the guest went wrong: a core dump is due */
