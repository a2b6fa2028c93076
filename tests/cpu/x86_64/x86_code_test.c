/*
 * Code that changes: the next instruction, the one behind a page boundary, by another mapping, by a string
 * instruction; and code that straddles pages and limits, or lies in a device.
 */
#include "tests/cpu/x86_64/x86_bare.h"

static struct x86_bare *begin(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    return b;
}

static void next_instruction(void)
{
    struct x86_bare *b = begin();
    /* mov byte [rip+1], 42; mov al, 1 -> mov al, 42; twice, for the block that was cached then */
    for (unsigned round = 0; round < 2; round++) {
        CHECK_EQ(XB_EXEC(b, 0xc6, 0x05, 0x01, 0, 0, 0, 42, 0xb0, 1), -1);
        CHECK_EQ(b->s->gpr[RAX] & 0xff, 42);
    }
    /* a loop whose body it changes: mov ecx, 3; 1: inc dword [rip+1]; mov eax, 5; add ebx, eax; dec ecx; jnz
     * 1b */
    b->s->gpr[RBX] = 0;
    CHECK_EQ(XB_EXEC(b, 0xb9, 3, 0, 0, 0, 0xff, 0x05, 1, 0, 0, 0, 0xb8, 5, 0, 0, 0, 0x01, 0xc3, 0xff, 0xc9,
                     0x75, 0xef),
             -1);
    CHECK_EQ(b->s->gpr[RBX], 6 + 7 + 8);
    /* by a locked operation, by PUSH, by STOS */
    CHECK_EQ(XB_EXEC(b, 0xf0, 0xfe, 0x05, 1, 0, 0, 0, 0xb0, 7), -1);
    CHECK_EQ(b->s->gpr[RAX] & 0xff, 8);
    b->s->gpr[RDI] = XB_CODE + 3;
    b->s->gpr[RAX] = 0x90;
    b->s->gpr[RCX] = 2;
    /* rep stosb; inc ebx -> nop; nop */
    b->s->gpr[RBX] = 0;
    CHECK_EQ(XB_EXEC(b, 0xf3, 0xaa, 0x90, 0xff, 0xc3), -1);
    CHECK_EQ(b->s->gpr[RBX], 0);
    xb_destroy(b);
}

static void through_another_mapping(void)
{
    struct x86_bare *b = begin();
    /* The second page of 2 MiB shows the first one as well. */
    xb_store(b, XB_PAGES + 0x2008, 8, 0x87);
    b->s->gpr[RBX] = 0x200000 + XB_CODE;
    x86_state_changed(b->vcpu);
    /* mov byte [rbx+5], 9; mov al, 1 */
    CHECK_EQ(XB_EXEC(b, 0xc6, 0x43, 0x05, 9, 0xb0, 1), -1);
    CHECK_EQ(b->s->gpr[RAX] & 0xff, 9);
    xb_destroy(b);
}

static void straddling(void)
{
    struct x86_bare *b = begin();
    uint64_t end = XB_CODE + 0x1000;
    /* mov eax, 12345678h begins 2 bytes before the page's end. */
    XB_PUT(b, end - 2, 0xb8, 0x78, 0x56, 0x34, 0x12, 0xf4);
    CHECK_EQ(xb_run(b, end - 2), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x12345678);
    CHECK_EQ(b->s->rip, end + 4);
    /* Its second part changes, then also its length. */
    XB_PUT(b, end, 0x57);
    CHECK_EQ(xb_run(b, end - 2), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x12345778);
    XB_PUT(b, end - 2, 0x66, 0xb8, 0x11, 0x22, 0xf4);
    b->s->gpr[RAX] = 0;
    CHECK_EQ(xb_run(b, end - 2), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x2211);
    XB_PUT(b, end, 0x33);
    CHECK_EQ(xb_run(b, end - 2), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x2233);
    /* The second page isn't there: #PF at the instruction, CR2 at the page. */
    xb_store(b, XB_PAGES + 0x2008, 8, 0);
    x86_state_changed(b->vcpu);
    XB_PUT(b, 0x1ffffe, 0xb8, 1);
    CHECK_EQ(xb_run(b, 0x1ffffe), EXC_PF);
    CHECK_EQ(b->s->cr2, 0x200000);
    CHECK_EQ(xb_frame(b, 1), 0x1ffffe);
    CHECK_EQ(xb_frame(b, 0), 16);
    xb_destroy(b);
}

/* A loop that runs over a page's end many times. */
static void hot_straddle(void)
{
    struct x86_bare *b = begin();
    uint64_t at = XB_CODE + 0x1000 - 9;
    /* mov ecx, 1000; 1: add eax, 1; (straddles:) add ebx, 100h; dec ecx; jnz 1b; hlt */
    XB_PUT(b, at, 0xb9, 0xe8, 3, 0, 0, 0x83, 0xc0, 1, 0x81, 0xc3, 0, 1, 0, 0, 0xff, 0xc9, 0x75, 0xf3, 0xf4);
    b->s->gpr[RAX] = b->s->gpr[RBX] = 0;
    CHECK_EQ(xb_run(b, at), -1);
    CHECK_EQ(b->s->gpr[RAX], 1000);
    CHECK_EQ(b->s->gpr[RBX], 256000);
    xb_destroy(b);
}

/* CS's limit cuts an instruction: #GP at it, and what comes before still runs. */
static void limit(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    xb_descriptor(b, XB_FREE, XB_CODE, 0x10, SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_DB);
    /* NOPs; inc eax at 0eh; mov al, 5 at 0fh fits exactly */
    for (unsigned n = 0; n < 32; n++)
        XB_PUT(b, XB_CODE + n, 0x90);
    XB_PUT(b, XB_CODE + 0xe, 0x40, 0xb0, 5, 0x90);
    /* jmp XB_FREE:0, from elsewhere */
    XB_PUT(b, XB_CODE + 0x100, 0xea, 0, 0, 0, 0, XB_FREE, 0);
    b->s->gpr[RAX] = 0;
    CHECK_EQ(xb_run(b, XB_CODE + 0x100), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0);
    CHECK_EQ(xb_frame(b, 1), 0x11);
    CHECK_EQ(b->s->gpr[RAX], 5);
    xb_protected(b);
    XB_PUT(b, XB_CODE + 0xe, 0x40, 0x90, 0xb0, 5);
    b->s->gpr[RAX] = 0;
    CHECK_EQ(xb_run(b, XB_CODE + 0x100), EXC_GP);
    CHECK_EQ(xb_frame(b, 1), 0x10);
    CHECK_EQ(b->s->gpr[RAX], 1);
    /* A jump beyond it faults itself. */
    xb_protected(b);
    XB_PUT(b, XB_CODE, 0xeb, 0x20);
    CHECK_EQ(xb_run(b, XB_CODE + 0x100), EXC_GP);
    CHECK_EQ(xb_frame(b, 1), 0);
    xb_destroy(b);
}

/* Registers of a device as code: its reads are 1122334455667700h + offset, so byte n at n is 0 + n. */
static void in_a_device(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    /* At +90h: NOP; +91h: xchg ecx, eax... +f4h: HLT. From +f4h. */
    CHECK_EQ(xb_run(b, XB_DEVICE + 0xf4), -1);
    CHECK_EQ(b->s->rip, XB_DEVICE + 0xf5);
    /* Where nobody answers: ff ff, which is no instruction. */
    CHECK_EQ(xb_run(b, 0xf0000000), EXC_UD);
    xb_destroy(b);
}

/* Every count of instructions up to n leaves the state after exactly that many. */
static void counting(void)
{
    struct x86_bare *b = begin();
    /* 1: inc eax; cmp eax, 100; jne 1b; rep stosb; hlt */
    XB_PUT(b, XB_CODE, 0xff, 0xc0, 0x83, 0xf8, 100, 0x75, 0xf9, 0xf3, 0xaa, 0xf4);
    for (unsigned count = 1; count < 310; count++) {
        b->s->gpr[RAX] = 0;
        b->s->gpr[RCX] = 50;
        b->s->gpr[RDI] = XB_DATA;
        b->s->rip = XB_CODE;
        b->s->activity = ACTIVITY_RUNNING;
        uint64_t before = b->vcpu->icount;
        xb_step(b, count);
        unsigned in_loop = count < 300 ? count : 300;
        if (!CHECK_EQ(b->vcpu->icount - before, count < 302 ? count : 302) ||
            !CHECK_EQ(b->s->gpr[RAX], (in_loop + 2) / 3))
            break;
    }
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"next_instruction", next_instruction},
    {"through_another_mapping", through_another_mapping},
    {"straddling", straddling},
    {"hot_straddle", hot_straddle},
    {"limit", limit},
    {"in_a_device", in_a_device},
    {"counting", counting},
};
TEST_SUITE(x86_code_test, "unit", cases);
