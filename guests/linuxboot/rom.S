/*
 * An option ROM that starts the Linux kernel the machine was given (--kernel with a BIOS): it is a boot device of its
 * own (BIOS Boot Specification, 3.3: a bootstrap entry vector), which reads kernel, command line and initrd through
 * fw_cfg's DMA, and enters the kernel by the 16-bit boot protocol (Linux, Documentation/arch/x86/boot.rst).
 *
 * The machine has checked the kernel's header (pc_bios_linux.c), and it makes the ROM's last byte such that all sum up
 * to 0.
 */
#include "guests/linuxboot/rom.h"

/* fw_cfg: the register that takes the address of a command, big-endian, its lower half last. */
#define DMA_HIGH   0x514
#define DMA_LOW    0x518
#define DMA_ERROR  1
#define DMA_READ   2
#define DMA_SELECT 8

/* Items. */
#define KERNEL_SIZE  0x08
#define INITRD_SIZE  0x0b
#define KERNEL_DATA  0x11
#define INITRD_DATA  0x12
#define CMDLINE_SIZE 0x14
#define CMDLINE_DATA 0x15

/* Where things go: what the kernel has for real mode, its stack and heap behind it, and the command line. */
#define SETUP_SEGMENT   0x1000
#define SETUP           (SETUP_SEGMENT * 16)
#define STACK_TOP       0xe000
#define COMMAND_SEGMENT 0x1f00 /* our own data, above that stack */
#define COMMAND         (COMMAND_SEGMENT * 16)
#define CMDLINE         0x20000
#define KERNEL          0x100000

/* Our own data, by its place in that segment: a command of fw_cfg's, a number read, an E820 entry, and the end of the
 * best place found for the initrd. */
#define DMA_CONTROL 0x00
#define DMA_LENGTH  0x04
#define DMA_ADDRESS 0x08
#define NUMBER      0x10
#define LIMIT       0x14
#define BEST        0x18
#define ENTRY       0x20
#define ENTRY_SIZE  20

/* The setup header. */
#define SETUP_SECTS     0x1f1
#define TYPE_OF_LOADER  0x210
#define LOADFLAGS       0x211
#define RAMDISK_IMAGE   0x218
#define RAMDISK_SIZE    0x21c
#define HEAP_END_PTR    0x224
#define CMD_LINE_PTR    0x228
#define INITRD_ADDR_MAX 0x22c
#define CAN_USE_HEAP    0x80
#define LOADER_UNDEFINED 0xff
#define HEADER_READ     0x400 /* the boot sector and the first one of the setup code, which is always there */

    .code16
    .section .text, "ax"
rom:
    .byte   0x55, 0xaa
    .byte   ROM_SIZE / 512
    .org    rom + 3
    lret                        /* nothing to set up */

    .org    rom + 0x1a
    .word   pnp - rom

/* Plug and Play BIOS Specification, 3.2. */
    .org    rom + ROM_PNP
pnp:
    .ascii  "$PnP"
    .byte   1                   /* version */
    .byte   (pnp_end - pnp) / 16
    .word   0                   /* no further header */
    .byte   0
    .byte   0                   /* its checksum, which the machine fills in */
    .long   0
    .word   0                   /* no manufacturer's name */
    .word   product - rom
    .byte   0, 0, 0             /* of no class */
    .byte   0x04                /* an initial program load device */
    .word   0, 0
    .word   boot - rom          /* the bootstrap entry vector */
    .word   0, 0
pnp_end:

product:
    .asciz  "Linux kernel"

/* Read ecx bytes of the item in dx to the linear address eax; read_more: those behind what was read last. */
read_item:
    movzwl  %dx, %edx
    shl     $16, %edx
    or      $(DMA_READ | DMA_SELECT), %edx
    jmp     read
read_more:
    mov     $DMA_READ, %edx
read:
    bswap   %edx
    bswap   %ecx
    bswap   %eax
    mov     %edx, %fs:DMA_CONTROL
    mov     %ecx, %fs:DMA_LENGTH
    movl    $0, %fs:DMA_ADDRESS
    mov     %eax, %fs:DMA_ADDRESS + 4
    mov     $DMA_HIGH, %dx
    xor     %eax, %eax
    out     %eax, %dx
    mov     $DMA_LOW, %dx
    mov     $COMMAND, %eax
    bswap   %eax
    out     %eax, %dx
1:  mov     %fs:DMA_CONTROL, %eax
    bswap   %eax
    test    $DMA_ERROR, %al
    jnz     failed
    test    %eax, %eax
    jnz     1b
    ret

/* The item in dx as a number, in eax. */
read_number:
    mov     $(COMMAND + NUMBER), %eax
    mov     $4, %ecx
    call    read_item
    mov     %fs:NUMBER, %eax
    ret

/* The boot device is started: fs is our data's segment from here on, ds, es and ss the kernel's. */
boot:
    cli
    cld
    mov     $COMMAND_SEGMENT, %ax
    mov     %ax, %fs
    mov     $SETUP_SEGMENT, %ax
    mov     %ax, %ds
    mov     %ax, %es
    mov     %ax, %ss
    mov     $STACK_TOP, %esp

    /* The kernel: esi = how much of it is for real mode, edi = the rest. */
    mov     $KERNEL_SIZE, %dx
    call    read_number
    mov     %eax, %edi
    mov     $SETUP, %eax
    mov     $HEADER_READ, %ecx
    mov     $KERNEL_DATA, %dx
    call    read_item
    movzbl  SETUP_SECTS, %esi
    inc     %esi
    shl     $9, %esi
    sub     %esi, %edi
    mov     %esi, %ecx
    sub     $HEADER_READ, %ecx
    mov     $(SETUP + HEADER_READ), %eax
    call    read_more
    mov     %edi, %ecx
    mov     $KERNEL, %eax
    call    read_more

    mov     $CMDLINE_SIZE, %dx
    call    read_number
    mov     %eax, %ecx
    mov     $CMDLINE, %eax
    mov     $CMDLINE_DATA, %dx
    call    read_item

    movb    $LOADER_UNDEFINED, TYPE_OF_LOADER
    orb     $CAN_USE_HEAP, LOADFLAGS
    movw    $(STACK_TOP - 0x200), HEAP_END_PTR
    movl    $CMDLINE, CMD_LINE_PTR
    call    initrd

    mov     $SETUP_SEGMENT, %ax
    mov     %ax, %fs
    mov     %ax, %gs
    ljmp    $(SETUP_SEGMENT + 0x20), $0

/* The initrd goes as high as the kernel takes it and the BIOS leaves memory. */
initrd:
    mov     $INITRD_SIZE, %dx
    call    read_number
    mov     %eax, %esi
    mov     %esi, RAMDISK_SIZE
    movl    $0, RAMDISK_IMAGE
    test    %esi, %esi
    jz      2f
    mov     INITRD_ADDR_MAX, %eax
    and     $0xfffff000, %eax
    mov     %eax, %fs:LIMIT
    movl    $0, %fs:BEST
    push    %es
    mov     $COMMAND_SEGMENT, %ax
    mov     %ax, %es
    xor     %ebx, %ebx
1:  mov     $0xe820, %eax
    mov     $0x534d4150, %edx   /* SMAP */
    mov     $ENTRY_SIZE, %ecx
    mov     $ENTRY, %di
    int     $0x15
    mov     $COMMAND_SEGMENT, %ax /* the flags stay */
    mov     %ax, %fs
    jc      1f
    call    consider
    test    %ebx, %ebx
    jnz     1b
1:  pop     %es
    mov     %fs:BEST, %eax
    test    %eax, %eax
    jz      failed
    mov     %eax, RAMDISK_IMAGE
    mov     %esi, %ecx
    mov     $INITRD_DATA, %dx
    call    read_item
2:  ret

/* Whether the end of a range of memory has room for esi bytes, above the best place so far. */
consider:
    cmpl    $1, %fs:ENTRY + 16  /* memory */
    jne     3f
    cmpl    $0, %fs:ENTRY + 4   /* that begins below 4 GiB */
    jne     3f
    mov     %fs:ENTRY, %eax
    add     %fs:ENTRY + 8, %eax
    jc      1f                  /* and ends there, too */
    cmpl    $0, %fs:ENTRY + 12
    jne     1f
    cmp     %fs:LIMIT, %eax
    jbe     2f
1:  mov     %fs:LIMIT, %eax
2:  sub     %esi, %eax
    jb      3f
    and     $0xfffff000, %eax
    cmp     %fs:ENTRY, %eax
    jb      3f
    cmp     $KERNEL, %eax
    jb      3f
    cmp     %fs:BEST, %eax
    jbe     3f
    mov     %eax, %fs:BEST
3:  ret

/* Say so, and let the BIOS try its next boot device. */
failed:
    mov     $message, %si
1:  movb    %cs:(%si), %al
    inc     %si
    test    %al, %al
    jz      1f
    mov     $0x0e, %ah
    mov     $7, %bx
    int     $0x10
    jmp     1b
1:  int     $0x18
    jmp     1b

message:
    .asciz  "The kernel and its initrd could not be loaded: is there enough memory?\r\n"

    .org    rom + ROM_SIZE

    .section .note.GNU-stack, "", @progbits
