#include "base/trace.h"

#include <stdarg.h>
#include <stdio.h>

uint32_t trace_mask;
void (*trace_sink)(enum trace_kind kind, int cpu, const char *text);

void trace_line(enum trace_kind kind, int cpu, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (trace_sink)
        trace_sink(kind, cpu, text);
    else
        fprintf(stderr, "%d: %s\r\n", cpu, text);
}
