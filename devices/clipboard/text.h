/* Text of clipboards: whether it is any, and the forms others have it in. */
#pragma once

#include "base/types.h"

/* Well-formed UTF-8 (Unicode 15, table 3-7) without a NUL. */
bool text_is_utf8(const char *text, size_t len);

/* Other ends of lines. The first shortens the text in place; the others return memory to free, never NULL. */
size_t text_crlf_remove(char *text, size_t len);
char *text_crlf_add(const char *text, size_t len, size_t *made);

/* ISO 8859-1; what it doesn't have becomes a question mark. `text` is UTF-8. */
char *text_to_latin1(const char *text, size_t len, size_t *made);
char *text_from_latin1(const char *text, size_t len, size_t *made);
