/*
 * The loop of a byte-code interpreter: a stack machine with a switch, running a program that looks for the
 * longest Collatz sequence.
 */
#include "bench.h"

enum opcode {
    OP_PUSH,
    OP_LOAD,
    OP_STORE,
    OP_ADD,
    OP_MULTIPLY,
    OP_AND,
    OP_SHIFT_RIGHT,
    OP_LESS,
    OP_JUMP,
    OP_JUMP_IF_ZERO,
    OP_HALT,
};

struct code {
    uint8_t opcode;
    uint8_t operand; /* a constant, a variable or a place to go to */
};

enum variable { LIMIT, START, VALUE, LENGTH, BEST_START, BEST_LENGTH, VARIABLES };

/* Where the program's jumps go. An odd value's new one is stored by the halving's last instruction. */
enum label { NEXT_START = 4, NEXT_VALUE = 12, HALVE = 26, COUNT = 30, COMPARE = 35, ADVANCE = 43, STOP = 48 };

/* clang-format off */
static const struct code program[] = {
    { OP_PUSH, 1 }, { OP_STORE, START }, { OP_PUSH, 0 }, { OP_STORE, BEST_LENGTH },
    /* NEXT_START: while start < limit: value = start, length = 0 */
    { OP_LOAD, START }, { OP_LOAD, LIMIT }, { OP_LESS, 0 }, { OP_JUMP_IF_ZERO, STOP },
    { OP_LOAD, START }, { OP_STORE, VALUE }, { OP_PUSH, 0 }, { OP_STORE, LENGTH },
    /* NEXT_VALUE: while 1 < value: value is odd? value = 3 value + 1 */
    { OP_PUSH, 1 }, { OP_LOAD, VALUE }, { OP_LESS, 0 }, { OP_JUMP_IF_ZERO, COMPARE },
    { OP_LOAD, VALUE }, { OP_PUSH, 1 }, { OP_AND, 0 }, { OP_JUMP_IF_ZERO, HALVE },
    { OP_LOAD, VALUE }, { OP_PUSH, 3 }, { OP_MULTIPLY, 0 }, { OP_PUSH, 1 }, { OP_ADD, 0 }, { OP_JUMP, COUNT - 1 },
    /* HALVE: else value = value >> 1 */
    { OP_LOAD, VALUE }, { OP_PUSH, 1 }, { OP_SHIFT_RIGHT, 0 }, { OP_STORE, VALUE },
    /* COUNT: length = length + 1 */
    { OP_LOAD, LENGTH }, { OP_PUSH, 1 }, { OP_ADD, 0 }, { OP_STORE, LENGTH }, { OP_JUMP, NEXT_VALUE },
    /* COMPARE: best_length < length? */
    { OP_LOAD, BEST_LENGTH }, { OP_LOAD, LENGTH }, { OP_LESS, 0 }, { OP_JUMP_IF_ZERO, ADVANCE },
    { OP_LOAD, LENGTH }, { OP_STORE, BEST_LENGTH }, { OP_LOAD, START }, { OP_STORE, BEST_START },
    /* ADVANCE: start = start + 1 */
    { OP_LOAD, START }, { OP_PUSH, 1 }, { OP_ADD, 0 }, { OP_STORE, START }, { OP_JUMP, NEXT_START },
    /* STOP */
    { OP_HALT, 0 },
};
/* clang-format on */

_Static_assert(sizeof(program) / sizeof(*program) == STOP + 1, "a label has moved");

__attribute__((noinline)) static void interpret(const struct code *code, uint64_t variables[VARIABLES])
{
    uint64_t stack[8];
    uint64_t *top = stack; /* the first free slot */

    for (const struct code *at = code;; at++) {
        switch ((enum opcode)at->opcode) {
        case OP_PUSH: *top++ = at->operand; break;
        case OP_LOAD: *top++ = variables[at->operand]; break;
        case OP_STORE: variables[at->operand] = *--top; break;
        case OP_ADD:
            top--;
            top[-1] += top[0];
            break;
        case OP_MULTIPLY:
            top--;
            top[-1] *= top[0];
            break;
        case OP_AND:
            top--;
            top[-1] &= top[0];
            break;
        case OP_SHIFT_RIGHT:
            top--;
            top[-1] >>= top[0];
            break;
        case OP_LESS:
            top--;
            top[-1] = top[-1] < top[0];
            break;
        case OP_JUMP: at = &code[at->operand - 1]; break;
        case OP_JUMP_IF_ZERO:
            if (*--top == 0)
                at = &code[at->operand - 1];
            break;
        case OP_HALT: return;
        }
    }
}

/* Looks at every start from 1 up to, not including, `rounds`; returns the best and the steps it takes. */
uint64_t bench_interpreter(uint64_t rounds)
{
    uint64_t variables[VARIABLES] = {[LIMIT] = rounds};

    interpret(program, variables);
    return variables[BEST_START] << 32 | variables[BEST_LENGTH];
}
