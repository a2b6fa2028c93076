    .section .rodata
    .balign 8
    .globl words_begin, words_end, user_words_end
words_begin:
    .incbin WORDS
words_end:
    .incbin USER_WORDS
user_words_end:
