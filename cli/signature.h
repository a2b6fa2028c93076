/*
 * --signature: what a test program leaves between its symbols begin_signature and end_signature, written to a
 * file when the machine has ended, as the architecture's test suites compare it.
 */
#pragma once

#include "base/error.h"
#include "softmmu/ram.h"

struct signature;

/* Find the symbols in the kernel, and make the file. NULL and err. */
struct signature *signature_create(const char *path, const char *kernel, struct error *err);

/* Write it, a line of eight hexadecimal digits for each word. False and err: it is not in RAM, or the file
 * can't be written. */
bool signature_write(struct signature *signature, struct ram *ram, struct error *err);

/* NULL is allowed. */
void signature_destroy(struct signature *signature);
