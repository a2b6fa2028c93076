/* The values options take: sizes, numbers, lists of keys; and the nearest known word to one typed wrong. */
#pragma once

#include "base/error.h"

/* "512M", "2G", "1T", "65536K", or bytes. False when it is none of these. */
bool parse_size(const char *text, uint64_t *value);

/* A size for people: "1.5 GiB". */
void format_size(uint64_t value, char *text, size_t size);

/* A decimal number from `low` to `high`. */
bool parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *value);

/*
 * Cut "FILE,key=value,flag" at its commas, in place; `,,` stands for a comma. Returns the next part and moves
 * *rest on; NULL at the end.
 */
char *parse_part(char **rest);

/* A text for the program's life, for options that point to it; who made it may change it. */
char *text_keep(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The one of `count` words nearest to `word`, or NULL when none is near enough to have been meant. */
const char *nearest_word(const char *word, const char *const *words, size_t count);
