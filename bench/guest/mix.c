/*
 * A mix of what small embedded programs do, in the spirit of CoreMark but not its code, so not its figures
 * either: sorting and searching a linked list, products of small integer matrices, scanning text with a state
 * machine, and a CRC over all of it. One round is one pass over the three; each round's CRC seeds the next
 * round's input.
 */
#include "bench.h"

#include <string.h>

enum { LIST_LENGTH = 128, SEARCHES = 32, MATRIX_SIZE = 12, TOKENS = 64 };

/* CRC-16/ARC (polynomial 8005, reflected), bit by bit. */
static uint16_t crc16(uint16_t crc, uint16_t value)
{
    for (int byte = 0; byte < 2; byte++) {
        crc ^= value >> (8 * byte) & 0xff;
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc >> 1 ^ (crc & 1 ? 0xa001 : 0));
    }
    return crc;
}

struct node {
    struct node *next;
    uint16_t key;
    uint16_t value;
};

/* Stable: of equal keys, the left list's comes first. */
static struct node *list_merge(struct node *left, struct node *right)
{
    struct node head = {0}, *tail = &head;

    while (left && right) {
        struct node **from = right->key < left->key ? &right : &left;
        tail->next = *from;
        tail = *from;
        *from = (*from)->next;
    }
    tail->next = left ? left : right;
    return head.next;
}

static struct node *list_sort(struct node *list, size_t length)
{
    if (length < 2)
        return list;
    struct node *last = list;
    for (size_t i = 1; i < length / 2; i++)
        last = last->next;
    struct node *right = last->next;
    last->next = NULL;
    return list_merge(list_sort(list, length / 2), list_sort(right, length - length / 2));
}

static struct node *list_reverse(struct node *list)
{
    struct node *reversed = NULL;

    while (list) {
        struct node *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

/* How many nodes come before the first whose key is at most `key`, in a list of falling keys. */
static uint16_t list_search(const struct node *list, uint16_t key)
{
    uint16_t depth = 0;

    for (; list && list->key > key; list = list->next)
        depth++;
    return depth;
}

static uint16_t mix_list(uint16_t crc, uint64_t *state)
{
    static struct node nodes[LIST_LENGTH];

    for (size_t i = 0; i < LIST_LENGTH; i++) {
        nodes[i].next = i + 1 < LIST_LENGTH ? &nodes[i + 1] : NULL;
        nodes[i].key = next_random(state) & 0x3ff;
        nodes[i].value = (uint16_t)i;
    }
    struct node *list = list_sort(nodes, LIST_LENGTH);
    for (const struct node *node = list; node; node = node->next)
        crc = crc16(crc, node->value);
    list = list_reverse(list);
    for (int i = 0; i < SEARCHES; i++)
        crc = crc16(crc, list_search(list, next_random(state) & 0x3ff));
    return crc;
}

static uint16_t mix_matrix(uint16_t crc, uint64_t *state)
{
    static int16_t a[MATRIX_SIZE][MATRIX_SIZE], b[MATRIX_SIZE][MATRIX_SIZE];

    for (int i = 0; i < MATRIX_SIZE; i++)
        for (int j = 0; j < MATRIX_SIZE; j++) {
            a[i][j] = (int16_t)next_random(state);
            b[i][j] = (int16_t)next_random(state);
        }
    touch_memory(a);
    for (int i = 0; i < MATRIX_SIZE; i++)
        for (int j = 0; j < MATRIX_SIZE; j++) {
            uint32_t sum = 0;
            for (int k = 0; k < MATRIX_SIZE; k++)
                sum += (uint32_t)(a[i][k] * b[k][j]);
            crc = crc16(crc, (uint16_t)(sum >> 7));
        }
    return crc;
}

enum scan_state { EMPTY, SIGN, INTEGER, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, INVALID, SCAN_STATES };

static enum scan_state scan_digit(enum scan_state state)
{
    switch (state) {
    case EMPTY:
    case SIGN: return INTEGER;
    case EXPONENT:
    case EXPONENT_SIGN: return SCIENTIFIC;
    default: return state;
    }
}

static enum scan_state scan(enum scan_state state, char c)
{
    if (c >= '0' && c <= '9')
        return scan_digit(state);
    switch (c) {
    case '+':
    case '-': return state == EMPTY ? SIGN : state == EXPONENT ? EXPONENT_SIGN : INVALID;
    case '.': return state <= INTEGER ? FRACTION : INVALID;
    case 'e': return state == INTEGER || state == FRACTION ? EXPONENT : INVALID;
    default: return INVALID;
    }
}

/* Joins random tokens with commas, then counts the states in which the machine ends at each comma. */
static uint16_t mix_text(uint16_t crc, uint64_t *state)
{
    static const char *const tokens[16] = {
        "5012",     "-874",     "+122",     "35.54400", ".1234500", "-110.700", "+0.64400", "5.500e+3",
        "-.123e-2", "-87e+832", "+0.6e-12", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^", "--7",
    };
    char text[TOKENS * 9 + 1];
    size_t length = 0;
    uint16_t counts[SCAN_STATES] = {0};

    for (int i = 0; i < TOKENS; i++) {
        const char *token = tokens[next_random(state) >> 28];
        memcpy(text + length, token, strlen(token));
        length += strlen(token);
        text[length++] = ',';
    }
    touch_memory(text);
    enum scan_state at = EMPTY;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != ',') {
            at = at == INVALID ? INVALID : scan(at, text[i]);
            continue;
        }
        counts[at]++;
        at = EMPTY;
    }
    for (int i = 0; i < SCAN_STATES; i++)
        crc = crc16(crc, counts[i]);
    return crc;
}

uint64_t bench_mix(uint64_t rounds)
{
    uint64_t sum = 0;
    uint16_t crc = 0;

    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t state = (uint64_t)crc << 32 | (uint32_t)round;
        crc = mix_list(crc, &state);
        crc = mix_matrix(crc, &state);
        crc = mix_text(crc, &state);
        sum = fold(sum, crc);
    }
    return sum;
}
