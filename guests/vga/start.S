/* A multiboot kernel: entered in 32-bit protected mode with flat segments, and the multiboot information in ebx. */
    .section .head, "ax"
    .balign 4
    .long   0x1badb002          /* magic, flags, checksum */
    .long   0
    .long   -0x1badb002

    .globl _start
_start:
    mov     $stack_end, %esp
    push    %ebx
    call    vga_main
1:  cli
    hlt
    jmp     1b

    .section .bss
    .balign 16
    .space  0x4000
stack_end:

    .section .note.GNU-stack, "", @progbits
