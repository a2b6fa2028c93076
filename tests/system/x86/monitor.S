/*
 * The guest of x86_64_system_test.py: firmware of its own that runs a list of cases, each with a memory and a processor
 * state made by the test, and writes to port E9h what came of each.
 *
 * It is the last 64 KiB of a ROM that ends at 4 GiB, and copies itself to MONITOR, where it is linked. The cases are in the
 * rest of the ROM. Between cases it runs in 32-bit protected mode without paging. A case runs until its first exception
 * or interrupt, except those of its mask, which are noted and returned from.
 *
 *   0      the arena: tables, stacks, data and code of a case (image.py has its map)
 *   20000  this program     30000 what was recorded     3f000 its stack (downwards)
 *   38000  where SMIs go, with 3fe00 what they save; 50000, 57e00 the same for another SMBASE
 *   60000  the arena as it was before the case ran
 *
 * What it writes, all little-endian: MAGIC; the number of a case before it runs; after it, the count of events, the
 * events as below, the count of dwords changed in the arena, and an address and a value for each; at the end FFFFFFFFh.
 */
#define MONITOR  0x20000
#define RECORD   0x30000
#define STACK    0x3f000
#define BEFORE   0x60000
#define ARENA    0x18000 /* bytes */
#define CHANGES  256     /* at most that many are written */
#define EVENTS   8
#define EVENT    0x180   /* bytes */

/* The state a case starts with, in the arena (image.py writes it). */
#define IN          0x6000
#define IN_GPR      (IN + 0x00)
#define IN_RIP      (IN + 0x80)
#define IN_CS       (IN + 0x88)
#define IN_RFLAGS   (IN + 0x90)
#define IN_RSP      (IN + 0x98)
#define IN_SS       (IN + 0xa0)
#define IN_DS       (IN + 0xa8)
#define IN_ES       (IN + 0xaa)
#define IN_FS       (IN + 0xac)
#define IN_GS       (IN + 0xae)
#define IN_CR0      (IN + 0xb0)
#define IN_CR3      (IN + 0xb8)
#define IN_CR4      (IN + 0xc0)
#define IN_EFER     (IN + 0xc8)
#define IN_GDTR     (IN + 0xd0)
#define IN_IDTR     (IN + 0xe0)
#define IN_LDTR     (IN + 0xf0)
#define IN_TR       (IN + 0xf2)
#define IN_MODE     (IN + 0xf4) /* 0 real, 1 protected, 2 long */
#define IN_RESUME   (IN + 0xf8) /* a bit for each vector below 64 to return from */
#define IN_DR       (IN + 0x100) /* DR0 to DR3, DR6, DR7 */
#define IN_CR2      (IN + 0x130)
#define IN_MSRS     (IN + 0x200) /* number, low, high; number 0 ends */
#define IN_ICR      (IN + 0x3f0) /* an interrupt the local APIC shall have before the case begins; or 0 */
#define IN_SMM_CALL (IN + 0x3f4) /* code that is called in the handler of SMIs (far, real mode); or 0 */
#define IN_SMM      (IN + 0x400) /* changes to what SMIs saved: address from SMBASE, low, high; 0 ends those of an SMI */

/* An event. */
#define EV_VECTOR   0x00
#define EV_WIDTH    0x04
#define EV_GPR      0x08
#define EV_SEG      0x88 /* SS DS ES FS GS CS TR LDTR */
#define EV_FLAGS    0xa8 /* in the handler */
#define EV_CR0      0xb0
#define EV_CR2      0xb8
#define EV_CR3      0xc0
#define EV_CR4      0xc8
#define EV_DR6      0xd0
#define EV_DR7      0xd8
#define EV_EFER     0xe0 /* then the bases of FS, GS, and the kernel's GS */
#define EV_STACK    0x100 /* 20 words of the handler's width, at most 80 bytes */
#define EV_FPU      0x150 /* FSW, FCW */
#define EV_MXCSR    0x154
#define EV_GDTR     0x160
#define EV_IDTR     0x170

/* The event of an SMI: vector 100h, width 0, and what it saved. */
#define SMI         0x100
#define EV_SMM_SEG  0x008 /* SMBASE + fe00h: segments and tables, 16 bytes each */
#define EV_SMM_MISC 0x0a8 /* fec8h: restarts, NMI mask, EFER */
#define EV_SMM_BASE 0x0b8 /* fefch: revision, SMBASE */
#define EV_SMM_CR   0x0c0 /* ff48h: CR4, CR3, CR0, DR7, DR6, flags, RIP */
#define EV_SMM_GPR  0x0f8 /* ff80h: R15 to RAX */
#define EV_SMM_NOW  0x178 /* CR0 and DR7 of the handler */
#define SMBASE      0x30000
#define SMBASE2     0x48000

/* MSRs of the local APIC. */
#define APIC_BASE   0x1b
#define X2APIC_EOI  0x80b
#define X2APIC_SVR  0x80f
#define X2APIC_ICR  0x830

#define CODE32 0x08
#define DATA   0x10
#define CODE64 0x18
#define CODE16 0x20
#define DATA16 0x28
#define MONITOR_TSS 0x30

#define CR0_FPU     0x0c /* EM, TS */
#define CR4_OSFXSR  0x200

    .text
    .code32
/* The test fills in where the list of cases is (pairs of addresses: what the mode has, what the case adds), how many there
 * are and which to begin with. */
header:
list:   .long 0
count:  .long 0
current: .long 0
event:  .long 0 /* where the next goes */

monitor_gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff, 0x00009b020000ffff, 0x000093000000ffff
    .word 0x67, monitor_tss - header /* MONITOR_TSS */
    .long 0x8902
monitor_gdtr:
    .word 7 * 8 - 1
    .long monitor_gdt
monitor_tss:
    .long 0, STACK, DATA
    .skip 0x5c
monitor_idt:
    .rept 6
    .word drained - header, CODE32, 0x8e00, MONITOR >> 16
    .endr
    .word back - header, CODE32, 0x8e00, MONITOR >> 16
    .rept 64 - 7
    .word drained - header, CODE32, 0x8e00, MONITOR >> 16
    .endr
monitor_idtr:
    .word 64 * 8 - 1
    .long monitor_idt
real_idtr:
    .word 0x3ff
    .long 0

/* --- between cases --- */
monitor:
    mov current, %eax
    cmp count, %eax
    jae done
    mov $current, %esi
    mov $4, %ecx
    call emit
    /* the arena as it shall be, then twice */
    mov $BEFORE, %edi
    mov $ARENA / 4, %ecx
    xor %eax, %eax
    rep stosl
    mov current, %eax
    mov list, %ebx
    lea (%ebx,%eax,8), %ebx
    mov (%ebx), %esi
    call patch
    mov 4(%ebx), %esi
    call patch
    mov $BEFORE, %esi
    xor %edi, %edi
    mov $ARENA / 4, %ecx
    rep movsl
    mov $RECORD, %edi
    movl %edi, event
    mov $EVENTS * EVENT / 4, %ecx
    xor %eax, %eax
    rep stosl
    mov $default_msrs, %esi
    call write_msrs
    mov $IN_MSRS, %esi
    call write_msrs
    movl $IN_SMM, smm_changes
    mov IN_ICR, %eax
    test %eax, %eax
    jz 1f
    mov $X2APIC_ICR, %ecx
    xor %edx, %edx
    wrmsr
1:  mov $0x600, %eax
    mov %eax, %cr4
    fninit
    .rept 8
    fldz
    .endr
    fninit
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    xorps %xmm\n, %xmm\n
    .endr
    ldmxcsr default_mxcsr
    mov IN_DR, %eax
    mov %eax, %dr0
    mov IN_DR + 8, %eax
    mov %eax, %dr1
    mov IN_DR + 16, %eax
    mov %eax, %dr2
    mov IN_DR + 24, %eax
    mov %eax, %dr3
    mov IN_DR + 32, %eax
    mov %eax, %dr6
    mov IN_CR2, %eax
    mov %eax, %cr2
    lgdt IN_GDTR
    mov IN_CR4, %eax
    and $~0x20000, %eax /* PCIDE is for long mode */
    mov %eax, %cr4
    mov IN_MODE, %eax
    cmp $1, %eax
    jb enter_real
    ja enter_long

    lidt IN_IDTR
    mov IN_CR3, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    mov IN_EFER, %eax
    xor %edx, %edx
    wrmsr
    mov IN_LDTR, %ax
    lldt %ax
    mov IN_TR, %ax
    test %ax, %ax
    jz 1f
    ltr %ax
1:  mov IN_CR0, %eax
    mov %eax, %cr0
    jmp 2f
2:  mov IN_DR + 40, %eax
    mov %eax, %dr7
    testl $0x20000, IN_RFLAGS
    jz 3f
    movzwl IN_GS, %eax
    push %eax
    movzwl IN_FS, %eax
    push %eax
    movzwl IN_DS, %eax
    push %eax
    movzwl IN_ES, %eax
    push %eax
    jmp 4f
3:  mov IN_ES, %es
    mov IN_FS, %fs
    mov IN_GS, %gs
    testb $3, IN_CS
    jnz 4f
    mov IN_SS, %ss
    mov IN_RSP, %esp
    jmp 5f
4:  pushl IN_SS
    pushl IN_RSP
5:  pushl IN_RFLAGS
    pushl IN_CS
    pushl IN_RIP
    mov IN_GPR + 8, %ecx
    mov IN_GPR + 16, %edx
    mov IN_GPR + 24, %ebx
    mov IN_GPR + 40, %ebp
    mov IN_GPR + 48, %esi
    mov IN_GPR + 56, %edi
    mov IN_GPR, %eax
    mov IN_DS, %ds
    iretl

/* MSRs from (%esi). */
write_msrs:
    mov (%esi), %ecx
    test %ecx, %ecx
    jz 1f
    mov 4(%esi), %eax
    mov 8(%esi), %edx
    wrmsr
    add $12, %esi
    jmp write_msrs
1:  ret

default_msrs:
    .irp number, 0x174, 0x175, 0x176, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103
    .long \number, 0, 0
    .endr
    .long 0x277, 0x00070406, 0x00070406, 0
default_mxcsr:
    .long 0x1f80

/* Patches from (%esi): address, length, bytes up to the next multiple of 4; address FFFFFFFFh ends. */
patch:
    lodsl
    cmp $-1, %eax
    je 1f
    lea BEFORE(%eax), %edi
    lodsl
    mov %eax, %ecx
    rep movsb
    add $3, %esi
    and $~3, %esi
    jmp patch
1:  ret

/* Write %ecx bytes from (%esi). */
emit:
    mov $0xe9, %edx
    rep outsb
    ret

/* An interrupt a case has left. */
drained:
    push %eax
    push %ecx
    push %edx
    call end_of_interrupt
    pop %edx
    pop %ecx
    pop %eax
    iretl
end_of_interrupt:
    mov $X2APIC_EOI, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    ret

done:
    mov $marker, %esi
    mov $4, %ecx
    call emit
    mov $0x10, %al /* QEMU and Triarch end with status 33 */
    out %al, $0xf4
    mov $shutdown, %esi
    mov $8, %ecx
    mov $0x8900, %edx
    rep outsb
1:  hlt
    jmp 1b
magic:
    .ascii "TRIARCH!"
marker:
    .long -1
shutdown:
    .ascii "Shutdown"

enter_real:
    lidt real_idtr
    ljmp $CODE16, $1f - header
    .code16
1:  mov $DATA16, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %fs
    mov %ax, %gs
    mov %ax, %ss
    mov %ds:IN_CR0, %eax
    mov %eax, %cr0
    ljmp $MONITOR / 16, $2f - header
2:  xor %ax, %ax
    mov %ax, %ds
    mov IN_DR + 40, %eax
    mov %eax, %dr7
    lidtl %ds:IN_IDTR
    mov IN_ES, %es
    mov IN_FS, %fs
    mov IN_GS, %gs
    mov IN_SS, %ss
    mov IN_RSP, %esp
    pushw IN_RFLAGS
    pushw IN_CS
    pushw IN_RIP
    mov IN_GPR, %eax
    mov IN_GPR + 8, %ecx
    mov IN_GPR + 16, %edx
    mov IN_GPR + 24, %ebx
    mov IN_GPR + 40, %ebp
    mov IN_GPR + 48, %esi
    mov IN_GPR + 56, %edi
    mov IN_DS, %ds
    iretw

    .code32
enter_long:
    mov IN_CR3, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    mov IN_EFER, %eax
    and $~0x400, %eax
    xor %edx, %edx
    wrmsr
    mov IN_CR0, %eax
    mov %eax, %cr0
    ljmp $CODE64, $1f
    .code64
1:  lgdt IN_GDTR
    lidt IN_IDTR
    mov IN_LDTR, %ax
    lldt %ax
    mov IN_TR, %ax
    test %ax, %ax
    jz 2f
    ltr %ax
2:  mov IN_DS, %ds
    mov IN_ES, %es
    mov IN_FS, %fs
    mov IN_GS, %gs
    mov IN_CR4, %rax
    mov %rax, %cr4
    mov IN_CR3, %rax
    mov %rax, %cr3
    mov IN_DR, %rax
    mov %rax, %dr0
    mov IN_DR + 8, %rax
    mov %rax, %dr1
    mov IN_DR + 40, %rax
    mov %rax, %dr7
    mov $IN_MSRS, %esi /* again: what segments were loaded with is not what these are */
3:  mov (%rsi), %ecx
    test %ecx, %ecx
    jz 4f
    mov 4(%rsi), %eax
    mov 8(%rsi), %edx
    wrmsr
    add $12, %esi
    jmp 3b
4:  mov $IN + 0x1000, %esp /* below 64 KiB, as its upper half may stay in RSP */
    pushq IN_SS
    pushq IN_RSP
    pushq IN_RFLAGS
    pushq IN_CS
    pushq IN_RIP
    mov IN_GPR, %rax
    mov IN_GPR + 8, %rcx
    mov IN_GPR + 16, %rdx
    mov IN_GPR + 24, %rbx
    mov IN_GPR + 40, %rbp
    mov IN_GPR + 48, %rsi
    mov IN_GPR + 56, %rdi
    mov IN_GPR + 64, %r8
    mov IN_GPR + 72, %r9
    mov IN_GPR + 80, %r10
    mov IN_GPR + 88, %r11
    mov IN_GPR + 96, %r12
    mov IN_GPR + 104, %r13
    mov IN_GPR + 112, %r14
    mov IN_GPR + 120, %r15
    iretq

/* --- handlers: what all widths note; \a is EAX or RAX, \b the event --- */
    .macro note_system a, b
    mov %dr7, %\a
    mov %\a, EV_DR7(%\b)
    mov $0x400, %\a
    mov %\a, %dr7
    mov %dr6, %\a
    mov %\a, EV_DR6(%\b)
    mov %cr2, %\a
    mov %\a, EV_CR2(%\b)
    mov %cr3, %\a
    mov %\a, EV_CR3(%\b)
    mov %cr4, %\a
    mov %\a, EV_CR4(%\b)
    or $CR4_OSFXSR, %\a
    mov %\a, %cr4
    mov %cr0, %\a
    mov %\a, EV_CR0(%\b)
    and $~CR0_FPU, %\a
    mov %\a, %cr0
    mov %es, EV_SEG + 8(%\b)
    mov %fs, EV_SEG + 12(%\b)
    mov %gs, EV_SEG + 16(%\b)
    mov %ss, EV_SEG(%\b)
    mov %cs, EV_SEG + 20(%\b)
    fnstsw EV_FPU(%\b)
    fnstcw EV_FPU + 2(%\b)
    stmxcsr EV_MXCSR(%\b)
    .endm
    .macro note_msrs b /* long mode's, and those of 32 bits see EFER */
    mov $0xc0000080, %ecx
    rdmsr
    mov %eax, EV_EFER(%\b)
    .irp n, 0, 1, 2
    mov $0xc0000100 + \n, %ecx
    rdmsr
    mov %eax, EV_EFER + 8 + \n * 8(%\b)
    mov %edx, EV_EFER + 12 + \n * 8(%\b)
    .endr
    .endm
    .macro restore_system a, b
    mov EV_CR0(%\b), %\a
    mov %\a, %cr0
    mov EV_CR4(%\b), %\a
    mov %\a, %cr4
    mov $0xffff0ff0, %eax
    mov %\a, %dr6
    mov EV_DR7(%\b), %\a
    mov %\a, %dr7
    .endm

    .macro smm_part from, to, bytes
    lea \from(%ebp), %esi
    lea \to(%ebx), %edi
    mov $\bytes / 4, %ecx
    addr32 rep movsl
    .endm
    .macro end_interrupt /* of those from outside, whose vector is in %ecx */
    cmp $32, %ecx
    jb 9f
    mov $X2APIC_EOI, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    xor %ecx, %ecx /* like those no error code is pushed for */
9:
    .endm

    .code32
record32:
    push %eax
    push %ebx
    mov %ds, %eax
    push %eax
    mov $DATA, %eax
    mov %eax, %ds
    mov event, %ebx
    cmp $RECORD + EVENTS * EVENT, %ebx
    jae finish32
    addl $EVENT, event
    movl $32, EV_WIDTH(%ebx)
    mov %ecx, EV_GPR + 8(%ebx)
    mov %edx, EV_GPR + 16(%ebx)
    mov %esp, EV_GPR + 32(%ebx)
    mov %ebp, EV_GPR + 40(%ebx)
    mov %esi, EV_GPR + 48(%ebx)
    mov %edi, EV_GPR + 56(%ebx)
    pushf
    pop EV_FLAGS(%ebx)
    cld
    mov %esp, %esi
    mov %ss, %eax
    lar %eax, %eax
    jnz 1f
    test $0x400000, %eax
    jnz 1f
    movzwl %sp, %esi
1:  movzwl %ss:(%esi), %eax
    mov %eax, EV_SEG + 4(%ebx)
    mov %ss:4(%esi), %eax
    mov %eax, EV_GPR + 24(%ebx)
    mov %ss:8(%esi), %eax
    mov %eax, EV_GPR(%ebx)
    mov %ss:12(%esi), %eax
    mov %eax, EV_VECTOR(%ebx)
    xor %ecx, %ecx
2:  mov %ss:16(%esi,%ecx,4), %eax
    mov %eax, EV_STACK(%ebx,%ecx,4)
    inc %ecx
    cmp $12, %ecx
    jb 2b
    note_system eax, ebx
    str %eax
    mov %eax, EV_SEG + 24(%ebx)
    sldt %eax
    mov %eax, EV_SEG + 28(%ebx)
    sgdt EV_GDTR(%ebx)
    sidt EV_IDTR(%ebx)
    note_msrs ebx
    mov EV_VECTOR(%ebx), %ecx
    cmp $64, %ecx
    jae finish32
    bt %ecx, IN_RESUME
    jnc finish32
    end_interrupt
    restore_system eax, ebx
    mov EV_GPR + 16(%ebx), %edx
    mov EV_GPR + 48(%ebx), %esi
    mov $0x227d00, %eax /* those with an error code */
    bt %ecx, %eax
    mov EV_GPR + 8(%ebx), %ecx
    pop %ds
    pop %ebx
    pop %eax
    jc 3f
    lea 4(%esp), %esp
    iretl
3:  lea 8(%esp), %esp
    iretl

finish32:
    lgdt monitor_gdtr
    mov %cr0, %eax
    and $0x7fffffff, %eax
    mov %eax, %cr0
    jmp 1f
1:  ljmp $CODE32, $finish
finish:
    mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov %eax, %ss
    mov $STACK, %esp
    mov $0x33, %eax
    mov %eax, %cr0
    mov $0xc0000080, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    mov $0x600, %eax
    mov %eax, %cr4
    xor %eax, %eax
    mov %eax, %cr3
    mov $0x400, %eax
    mov %eax, %dr7
    push $2
    popf
    /* VIF and VIP, which may be left, are not POPF's to clear: by way of virtual-8086 mode */
    lidt monitor_idtr
    mov $MONITOR_TSS, %eax
    movb $0x89, monitor_gdt + MONITOR_TSS + 5
    ltr %ax
    .irp n, 1, 2, 3, 4, 5
    pushl $0
    .endr
    pushl $0x20002
    pushl $MONITOR / 16
    pushl $1f - header
    iretl
1:  ud2
back:
    mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov $STACK, %esp
    push $2
    popf
    call end_of_interrupt
    call end_of_interrupt
    sti
    nop
    cli
    /* what was recorded */
    mov event, %eax
    sub $RECORD, %eax
    xor %edx, %edx
    mov $EVENT, %ecx
    div %ecx
    push %eax
    mov %esp, %esi
    mov $4, %ecx
    call emit
    pop %eax
    mov event, %ecx
    mov $RECORD, %esi
    sub %esi, %ecx
    call emit
    /* what changed in the arena: pairs collected where the events were */
    xor %esi, %esi
    mov $BEFORE, %edi
    mov $ARENA / 4, %ecx
    mov $RECORD + 4, %ebx
    cmp %eax, %eax
1:  repe cmpsl
    je 2f
    lea -4(%esi), %eax
    mov %eax, (%ebx)
    mov -4(%esi), %eax
    mov %eax, 4(%ebx)
    add $8, %ebx
    cmp $RECORD + 4 + 8 * CHANGES, %ebx
    jae 2f
    test %ecx, %ecx
    jnz 1b
2:  lea -RECORD - 4(%ebx), %eax
    shr $3, %eax
    mov %eax, RECORD
    mov $RECORD, %esi
    mov %ebx, %ecx
    sub %esi, %ecx
    call emit
    incl current
    jmp monitor

    .code64
record64:
    push %rax
    push %rbx
    mov event, %ebx
    cmp $RECORD + EVENTS * EVENT, %ebx
    jae finish64
    addl $EVENT, event
    movl $64, EV_WIDTH(%rbx)
    mov %rcx, EV_GPR + 8(%rbx)
    mov %rdx, EV_GPR + 16(%rbx)
    mov %rsp, EV_GPR + 32(%rbx)
    mov %rbp, EV_GPR + 40(%rbx)
    mov %rsi, EV_GPR + 48(%rbx)
    mov %rdi, EV_GPR + 56(%rbx)
    mov %r8, EV_GPR + 64(%rbx)
    mov %r9, EV_GPR + 72(%rbx)
    mov %r10, EV_GPR + 80(%rbx)
    mov %r11, EV_GPR + 88(%rbx)
    mov %r12, EV_GPR + 96(%rbx)
    mov %r13, EV_GPR + 104(%rbx)
    mov %r14, EV_GPR + 112(%rbx)
    mov %r15, EV_GPR + 120(%rbx)
    pushf
    pop EV_FLAGS(%rbx)
    mov %ds, EV_SEG + 4(%rbx)
    mov (%rsp), %rax
    mov %rax, EV_GPR + 24(%rbx)
    mov 8(%rsp), %rax
    mov %rax, EV_GPR(%rbx)
    mov 16(%rsp), %eax
    mov %eax, EV_VECTOR(%rbx)
    xor %ecx, %ecx
1:  mov 24(%rsp,%rcx,8), %rax
    mov %rax, EV_STACK(%rbx,%rcx,8)
    inc %ecx
    cmp $7, %ecx
    jb 1b
    note_system rax, rbx
    str %eax
    mov %eax, EV_SEG + 24(%rbx)
    sldt %eax
    mov %eax, EV_SEG + 28(%rbx)
    sgdt EV_GDTR(%rbx)
    sidt EV_IDTR(%rbx)
    note_msrs rbx
    mov EV_VECTOR(%rbx), %ecx
    cmp $64, %ecx
    jae finish64
    bt %ecx, IN_RESUME
    jnc finish64
    end_interrupt
    restore_system rax, rbx
    mov EV_GPR + 16(%rbx), %rdx
    mov $0x227d00, %eax
    bt %ecx, %eax
    mov EV_GPR + 8(%rbx), %rcx
    pop %rbx
    pop %rax
    jc 3f
    lea 8(%rsp), %rsp
    iretq
3:  lea 16(%rsp), %rsp
    iretq

finish64:
    mov $STACK, %esp
    mov %cr4, %rax
    and $~0x20000, %eax /* PCIDE goes before PG */
    mov %rax, %cr4
    lgdt monitor_gdtr64
    ljmp *finish_pointer
finish_pointer:
    .long finish32_long
    .word CODE32
monitor_gdtr64:
    .word 7 * 8 - 1
    .quad monitor_gdt

    .code32
finish32_long:
    mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %ss
    jmp finish32

/* Real mode: CS is MONITOR / 16. Registers are noted in 32 bits. */
    .code16
record16:
    push %eax
    push %ebx
    push %ds
    mov $RECORD / 16, %ax
    mov %ax, %ds
    mov %cs:event - header, %ebx
    cmp $RECORD + EVENTS * EVENT, %ebx
    jae finish16
    addl $EVENT, %cs:event - header
    sub $RECORD, %ebx
    movl $16, EV_WIDTH(%ebx)
    mov %ecx, EV_GPR + 8(%ebx)
    mov %edx, EV_GPR + 16(%ebx)
    mov %esp, EV_GPR + 32(%ebx)
    mov %ebp, EV_GPR + 40(%ebx)
    mov %esi, EV_GPR + 48(%ebx)
    mov %edi, EV_GPR + 56(%ebx)
    pushfl
    popl EV_FLAGS(%ebx)
    cld
    movzwl %sp, %esi
    mov %ss:(%esi), %ax
    mov %ax, EV_SEG + 4(%ebx)
    mov %ss:2(%esi), %eax
    mov %eax, EV_GPR + 24(%ebx)
    mov %ss:6(%esi), %eax
    mov %eax, EV_GPR(%ebx)
    mov %ss:10(%esi), %ax
    mov %ax, EV_VECTOR(%ebx)
    xor %ecx, %ecx
1:  mov %ss:12(%esi,%ecx,2), %ax
    mov %ax, EV_STACK(%ebx,%ecx,2)
    inc %cx
    cmp $8, %cx
    jb 1b
    note_system eax, ebx
    sgdtl EV_GDTR(%ebx)
    sidtl EV_IDTR(%ebx)
    mov EV_VECTOR(%ebx), %ecx
    cmp $64, %ecx
    jae finish16
    xor %ax, %ax
    mov %ax, %ds
    bt %ecx, IN_RESUME
    jnc finish16
    end_interrupt
    mov $RECORD / 16, %ax
    mov %ax, %ds
    restore_system eax, ebx
    mov EV_GPR + 48(%ebx), %esi
    mov EV_GPR + 16(%ebx), %edx
    mov EV_GPR + 8(%ebx), %ecx
    pop %ds
    pop %ebx
    pop %eax
    lea 2(%esp), %sp
    iretw
finish16:
    cli
    lgdtl %cs:monitor_gdtr - header
    mov $0x31, %eax
    mov %eax, %cr0
    ljmpl $CODE32, $finish

/* --- an entry for each vector: 16 bytes for 32 and 64 bits, 8 for 16 bits --- */
    .org 0x1000
    .code32
    .set n, 0
    .rept 256
    .balign 16
    .byte 0x68
    .long n
    jmp record32
    .set n, n + 1
    .endr
    .org 0x2000
    .code64
    .set n, 0
    .rept 256
    .balign 16
    .byte 0x68
    .long n
    jmp record64
    .set n, n + 1
    .endr
    .org 0x3000
    .code16
    .set n, 0
    .rept 256
    .balign 8
    .byte 0x68
    .word n
    jmp record16
    .set n, n + 1
    .endr

/* --- SMIs: note what was saved, change it, and go back. From 8000h beyond SMBASE, whose paragraph is in %dx. --- */
    .code16
smi16:
    mov $0x3000, %ax
    mov %ax, %ss
    mov $0xe000, %sp
    movzwl %dx, %esi
    shl $4, %esi
    mov %esi, %ebp
    mov $event, %edi
    mov (%edi), %ebx
    cmp $RECORD + EVENTS * EVENT, %ebx
    jae 1f
    addl $EVENT, (%edi)
    movl $SMI, EV_VECTOR(%ebx)
    smm_part 0xfe00, EV_SMM_SEG, 160
    smm_part 0xfec8, EV_SMM_MISC, 16
    smm_part 0xfefc, EV_SMM_BASE, 8
    smm_part 0xff48, EV_SMM_CR, 56
    smm_part 0xff80, EV_SMM_GPR, 128
    mov %cr0, %eax
    mov %eax, EV_SMM_NOW(%ebx)
    mov %dr7, %eax
    mov %eax, EV_SMM_NOW + 4(%ebx)
1:  mov %ebp, %ebx /* which is in DS */
    movl $SMBASE, 0xff00(%ebx)
    mov $smm_changes, %edi
    mov (%edi), %esi
2:  mov (%esi), %ecx
    add $4, %esi
    jecxz 3f
    mov (%esi), %eax
    mov %eax, (%ebx,%ecx)
    mov 4(%esi), %eax
    mov %eax, 4(%ebx,%ecx)
    add $8, %esi
    jmp 2b
3:  mov %esi, (%edi)
    cmpl $0, %ds:IN_SMM_CALL
    je 4f
    lcall *%ds:IN_SMM_CALL
4:  rsm
smi_entry: /* what is copied there */
    mov %cs, %dx
    ljmp $MONITOR / 16, $smi16 - header
    .code32
smm_changes:
    .long IN_SMM

/* --- from the reset vector, in the ROM: CS's base is FFFF0000h --- */
    .org 0xff00
    .code16
start:
    cli
    cld
    lgdtl %cs:start_gdtr - header
    mov %cr0, %eax
    and $0x9fffffff, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $CODE32, $start32 - header + 0xffff0000
start_gdtr:
    .word 7 * 8 - 1
    .long monitor_gdt - header + 0xffff0000
    .code32
start32:
    mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $STACK, %esp
    mov $0xffff0000, %esi
    mov $MONITOR, %edi
    mov $0x10000 / 4, %ecx
    rep movsl
    mov $0x33, %eax
    mov %eax, %cr0
    lgdt monitor_gdtr
    mov $APIC_BASE, %ecx
    rdmsr
    or $0xc00, %eax
    wrmsr
    mov $X2APIC_SVR, %ecx
    mov $0x1ff, %eax
    xor %edx, %edx
    wrmsr
    .irp base, SMBASE, SMBASE2
    mov $smi_entry, %esi
    mov $\base + 0x8000, %edi
    mov $8, %ecx
    rep movsb
    .endr
    mov $magic, %esi
    mov $8, %ecx
    call emit
    ljmp $CODE32, $monitor
    .org 0xfff0
    .code16
    jmp start
    .org 0xffff
    .byte 0
