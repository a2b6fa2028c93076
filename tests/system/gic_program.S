    .section .rodata
    .balign 8
    .globl operations_begin, operations_end
operations_begin:
    .incbin OPERATIONS
operations_end:
