#include <stdarg.h>

#include "guests/demo/draw.h"

static void put(char c)
{
    console_put(c);
    show_put(c);
}

static void pad(char with, int count)
{
    while (count-- > 0)
        put(with);
}

static void number_print(uint64_t value, unsigned base, bool negative, int width, char padding)
{
    char digits[24];
    int len = 0;
    do {
        digits[len++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative)
        digits[len++] = '-';
    pad(padding, width - len);
    while (len > 0)
        put(digits[--len]);
}

static void text_print(const char *text, int width)
{
    int len = 0;
    for (; text[len]; len++)
        put(text[len]);
    pad(' ', width - len);
}

void print(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            if (*fmt == '\n')
                put('\r');
            put(*fmt);
            continue;
        }
        int width = 0;
        bool is_long = false;
        char padding = *++fmt == '0' ? '0' : ' ';
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = 10 * width + (*fmt - '0');
        for (; *fmt == 'l'; fmt++)
            is_long = true;
        switch (*fmt) {
        case 's': text_print(va_arg(args, const char *), width); break;
        case 'c': put((char)va_arg(args, int)); break;
        case 'd': {
            int64_t value = is_long ? va_arg(args, long) : va_arg(args, int);
            number_print(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0, width, padding);
            break;
        }
        case 'u':
        case 'x':
            number_print(is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned),
                         *fmt == 'x' ? 16 : 10, false, width, padding);
            break;
        default: put(*fmt); break;
        }
    }
    va_end(args);
}

bool text_equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}
