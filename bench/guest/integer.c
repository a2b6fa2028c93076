/*
 * Plain integer work: loops over an array, branches that can't be predicted, calls through pointers, deep
 * recursion.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { SIEVE_LIMIT = 1000000 };

/* A round counts the primes below a million; element i of the sieve stands for the odd number 2i + 1. */
uint64_t bench_sieve(uint64_t rounds)
{
    static unsigned char composite[SIEVE_LIMIT / 2];
    uint64_t primes = 0;

    for (uint64_t round = 0; round < rounds; round++) {
        memset(composite, 0, sizeof(composite));
        for (uint32_t n = 3; n * n < SIEVE_LIMIT; n += 2)
            if (!composite[n / 2])
                for (uint32_t multiple = n * n; multiple < SIEVE_LIMIT; multiple += 2 * n)
                    composite[multiple / 2] = 1;
        touch_memory(composite);
        primes++; /* 2 */
        for (uint32_t i = 1; i < SIEVE_LIMIT / 2; i++)
            primes += !composite[i];
    }
    return primes;
}

enum { SORT_LENGTH = 50000, SORT_SHORT = 12 };

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t old = *a;
    *a = *b;
    *b = old;
}

static void sort_by_insertion(uint32_t *array, size_t length)
{
    for (size_t i = 1; i < length; i++) {
        uint32_t value = array[i];
        size_t j = i;
        for (; j > 0 && array[j - 1] > value; j--)
            array[j] = array[j - 1];
        array[j] = value;
    }
}

/* Hoare's partition around the median of three; the longer side is left to the loop, which bounds the
 * recursion. */
static void quicksort(uint32_t *array, size_t length)
{
    while (length > SORT_SHORT) {
        uint32_t *middle = &array[length / 2], *last = &array[length - 1];
        if (*middle < *array)
            swap(middle, array);
        if (*last < *array)
            swap(last, array);
        if (*last < *middle)
            swap(last, middle);

        uint32_t pivot = *middle;
        size_t low = 0, high = length - 1;
        for (;;) {
            while (array[low] < pivot)
                low++;
            while (array[high] > pivot)
                high--;
            if (low >= high)
                break;
            swap(&array[low++], &array[high--]);
        }
        size_t left = high + 1;
        if (left < length - left) {
            quicksort(array, left);
            array += left;
            length -= left;
        } else {
            quicksort(array + left, length - left);
            length = left;
        }
    }
    sort_by_insertion(array, length);
}

/* A round sorts fresh random numbers; the checksum depends on their order. */
uint64_t bench_quicksort(uint64_t rounds)
{
    static uint32_t array[SORT_LENGTH];
    uint64_t state = 1, sum = 0;

    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < SORT_LENGTH; i++)
            array[i] = next_random(&state);
        quicksort(array, SORT_LENGTH);
        for (size_t i = 0; i < SORT_LENGTH; i++)
            sum = fold(sum, array[i]);
    }
    return sum;
}

typedef uint64_t operation(uint64_t value, uint32_t operand);

static uint64_t op_add(uint64_t value, uint32_t operand)
{
    return value + operand;
}

static uint64_t op_subtract(uint64_t value, uint32_t operand)
{
    return value - operand;
}

static uint64_t op_xor(uint64_t value, uint32_t operand)
{
    return value ^ operand;
}

static uint64_t op_multiply(uint64_t value, uint32_t operand)
{
    return value * (operand | 1);
}

static uint64_t op_rotate(uint64_t value, uint32_t operand)
{
    unsigned amount = operand % 63 + 1;
    return value << amount | value >> (64 - amount);
}

static uint64_t op_swap_halves(uint64_t value, uint32_t operand)
{
    return (value << 32 | value >> 32) + operand;
}

static uint64_t op_invert(uint64_t value, uint32_t operand)
{
    return ~value ^ operand;
}

static uint64_t op_shift(uint64_t value, uint32_t operand)
{
    return value ^ value >> (operand % 31 + 1);
}

/* A round is one call through a pointer that the data chooses. */
uint64_t bench_calls(uint64_t rounds)
{
    static operation *const operations[8] = {
        op_add, op_subtract, op_xor, op_multiply, op_rotate, op_swap_halves, op_invert, op_shift,
    };
    uint64_t state = 1, value = 0;

    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t operand = next_random(&state);
        value = operations[operand >> 29](value, operand);
    }
    return value;
}

/* Volatile, so that the compiler can't see that every round is the same and compute it once. */
static uint32_t fibonacci(uint32_t n);
static uint32_t ackermann(uint32_t m, uint32_t n);
static uint32_t (*volatile fibonacci_entry)(uint32_t) = fibonacci;
static uint32_t (*volatile ackermann_entry)(uint32_t, uint32_t) = ackermann;

__attribute__((noinline)) static uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

__attribute__((noinline)) static uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (m == 0)
        return n + 1;
    return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

/* A round is fib(24), wide and shallow, and A(3, 6), narrow and deep. */
uint64_t bench_recursion(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t round = 0; round < rounds; round++)
        sum += ((uint64_t)fibonacci_entry(24) << 32) + ackermann_entry(3, 6);
    return sum;
}
