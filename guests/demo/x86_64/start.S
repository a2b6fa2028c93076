/*
 * Entered in 64-bit mode with the first 4 GiB mapped one to one, interrupts off and PVH's start info in rbx: how
 * vm-cli starts a plain ELF64 file.
 */
    .section .head, "ax"
    .globl _start
_start:
    lea     stacks_end(%rip), %rsp
    cld
    xor     %eax, %eax
    lea     _bss(%rip), %rdi
    lea     _end(%rip), %rcx
    sub     %rdi, %rcx
    shr     $3, %rcx
    rep stosq
    mov     %rbx, %rdi
    call    platform_start
    call    demo_main

/* What another processor runs first: copied to a page below 1 MiB, entered there in real mode. It takes over the first
 * one's page tables and segments, and goes to 64-bit mode in one step. */
    .code16
    .globl trampoline, trampoline_end, trampoline_gdt, trampoline_cr3
trampoline:
    cli
    mov     %cs, %ax
    mov     %ax, %ds
    lgdtl   trampoline_gdt - trampoline
    mov     $0x20, %eax         /* CR4.PAE */
    mov     %eax, %cr4
    mov     trampoline_cr3 - trampoline, %eax
    mov     %eax, %cr3
    mov     $0xc0000080, %ecx   /* EFER.LME */
    rdmsr
    or      $0x100, %eax
    wrmsr
    mov     %cr0, %eax
    or      $0x80000001, %eax   /* CR0.PG, PE */
    mov     %eax, %cr0
    ljmpl   $0x10, $other_processor
    .balign 8
trampoline_gdt:
    .word   0
    .long   0
    .balign 4
trampoline_cr3:
    .long   0
trampoline_end:

    .code64
other_processor:
    mov     $0x18, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $1, %eax
    lock xadd %eax, others(%rip)
    shl     $10, %eax           /* STACK_SIZE */
    lea     stacks(%rip), %rsp
    lea     1024(%rsp, %rax), %rsp
    call    processor_arrived
1:  cli
    hlt
    jmp     1b

/* Exceptions, with an error code on the stack where the processor puts none. */
    .balign 16
    .globl exceptions
exceptions:
    vector = 0
    .rept   32
    .balign 16
    .if     !((1 << vector) & 0x60227d00)
    push    $0
    .endif
    push    $vector
    jmp     exception
    vector = vector + 1
    .endr

exception:
    mov     0(%rsp), %rsi
    mov     16(%rsp), %rdx
    mov     %cr2, %rcx
    lea     exception_text(%rip), %rdi
    and     $-16, %rsp
    call    demo_panic

/* The timer's interrupt only ends a hlt; the end of interrupt is written by who slept. */
    .globl timer_interrupt
timer_interrupt:
    iretq

    .section .rodata
exception_text:
    .asciz  "exception"

    .section .bss
    .balign 16
    .space  0x4000
stacks_end:

    .section .note.GNU-stack, "", @progbits
