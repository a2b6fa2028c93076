/* The first things a processor must do: each mode runs code, takes an exception, and knows its flags. */
#include "tests/cpu/x86_64/x86_bare.h"

static void real_mode(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_real(b);
    /* mov ax, 1234h; mov bx, ax; add bx, 1; push bx; pop cx; hlt, at 0:7000h */
    XB_PUT(b, 0x7000, 0xb8, 0x34, 0x12, 0x89, 0xc3, 0x83, 0xc3, 0x01, 0x53, 0x59, 0xf4);
    CHECK_EQ(xb_run(b, 0x7000), -1);
    CHECK_EQ(b->s->gpr[RCX], 0x1235);
    CHECK_EQ(b->s->rip, 0x700b);
    /* xor cx, cx; div cx: vector 0, with the address of the DIV */
    XB_PUT(b, 0x7000, 0x31, 0xc9, 0xf7, 0xf1);
    CHECK_EQ(xb_run(b, 0x7000), EXC_DE);
    CHECK_EQ(xb_frame(b, 0), 0x7002);
    CHECK_EQ(b->s->gpr[RSP], 0x9000 - 6);
    xb_destroy(b);
}

static void protected_mode(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    /* mov eax, 12345678h; mov ebx, eax; shl ebx, 4; mov [200000h], ebx; mov ecx, [200000h] */
    CHECK_EQ(XB_EXEC(b, 0xb8, 0x78, 0x56, 0x34, 0x12, 0x89, 0xc3, 0xc1, 0xe3, 0x04, 0x89, 0x1d, 0, 0, 0x20, 0,
                     0x8b, 0x0d, 0, 0, 0x20, 0),
             -1);
    CHECK_EQ(b->s->gpr[RCX], 0x23456780);
    /* ud2 */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x0b), EXC_UD);
    CHECK_EQ(xb_frame(b, 0), XB_CODE);
    CHECK_EQ(xb_frame(b, 1), XB_CODE32);
    xb_destroy(b);
}

static void long_mode(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    /* mov rax, 1122334455667788h; mov r9, rax; bswap r9; lea rcx, [rip+0]; mov [200000h], r9 */
    CHECK_EQ(XB_EXEC(b, 0x48, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x49, 0x89, 0xc1, 0x49,
                     0x0f, 0xc9, 0x48, 0x8d, 0x0d, 0, 0, 0, 0, 0x4c, 0x89, 0x0c, 0x25, 0, 0, 0x20, 0),
             -1);
    CHECK_EQ(b->s->gpr[9], 0x8877665544332211);
    CHECK_EQ(b->s->gpr[RCX], XB_CODE + 23);
    CHECK_EQ(xb_load(b, XB_DATA, 8), 0x8877665544332211);
    /* movnti [200008h], r9; movnti [200010h], r9d */
    CHECK_EQ(XB_EXEC(b, 0x4c, 0x0f, 0xc3, 0x0c, 0x25, 8, 0, 0x20, 0, 0x44, 0x0f, 0xc3, 0x0c, 0x25, 0x10, 0,
                     0x20, 0),
             -1);
    CHECK_EQ(xb_load(b, XB_DATA + 8, 8), 0x8877665544332211);
    CHECK_EQ(xb_load(b, XB_DATA + 16, 8), 0x44332211);
    /* a loop: mov ecx, 1000; xor eax, eax; 1: add eax, ecx; dec ecx; jnz 1b */
    CHECK_EQ(XB_EXEC(b, 0xb9, 0xe8, 3, 0, 0, 0x31, 0xc0, 0x01, 0xc8, 0xff, 0xc9, 0x75, 0xfa), -1);
    CHECK_EQ(b->s->gpr[RAX], 500500);
    /* mov rax, [rax] with rax = 1 TiB: not mapped */
    b->s->gpr[RAX] = 0x10000000000;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x8b, 0x00), EXC_PF);
    CHECK_EQ(b->s->cr2, 0x10000000000);
    CHECK_EQ(xb_frame(b, 0), 0);
    CHECK_EQ(xb_frame(b, 1), XB_CODE);
    CHECK_EQ(xb_frame(b, 4), XB_STACK0);
    /* movnti eax, ecx: there is none */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xc3, 0xc8), EXC_UD);
    xb_destroy(b);
}

static void system_call(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    xb_user(b);
    b->s->lstar = XB_HANDLERS + 16 * 200;
    b->s->star = (uint64_t)0x18 << 32;
    /* syscall */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x05), 200);
    CHECK_EQ(b->s->gpr[RCX], XB_CODE + 2);
    CHECK_EQ(b->s->cpl, 0);
    xb_destroy(b);
}

/* More jumps than there is stack: handlers must hand over by jumping. */
static void tail_calls(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    /* mov ecx, 20000000; 1: push rcx; pop rdx; cmp rdx, rcx; jne +0; call 2f; 2: pop rax; dec ecx; jnz 1b */
    XB_PUT(b, XB_CODE, 0xb9, 0x00, 0x2d, 0x31, 0x01, 0x51, 0x5a, 0x48, 0x39, 0xca, 0x75, 0x00, 0xe8, 0, 0, 0,
           0, 0x58, 0xff, 0xc9, 0x75, 0xef, 0xf4);
    b->s->rip = XB_CODE;
    b->vcpu->slice_end = UINT64_MAX;
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    CHECK_EQ(b->s->gpr[RCX], 0);
    CHECK_EQ(b->s->gpr[RDX], 1);
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"real_mode", real_mode},     {"protected_mode", protected_mode}, {"long_mode", long_mode},
    {"system_call", system_call}, {"tail_calls", tail_calls},
};
TEST_SUITE(x86_basic_test, "unit", cases);
