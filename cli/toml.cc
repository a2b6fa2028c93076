/* The C face of toml++. */
extern "C" {
#include "cli/toml.h"
}

#include <cstdlib>
#include <cstring>

#if HAVE_TOML

#define TOML_EXCEPTIONS        0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_HEADER_ONLY       1
#include <toml++/toml.h>

namespace
{

struct toml_node *node_make(const toml::node &from, const char *key);

/* Keys come sorted out of a table: the file's order is that of the lines. */
void child_add(struct toml_node *parent, struct toml_node *child)
{
    struct toml_node **at = &parent->first;
    while (*at && (*at)->line <= child->line)
        at = &(*at)->next;
    child->next = *at;
    *at = child;
}

enum toml_kind kind_of(const toml::node &from)
{
    switch (from.type()) {
    case toml::node_type::table: return TOML_TABLE;
    case toml::node_type::array: return TOML_ARRAY;
    case toml::node_type::string: return TOML_STRING;
    case toml::node_type::integer: return TOML_INTEGER;
    case toml::node_type::boolean: return TOML_BOOLEAN;
    default: return TOML_OTHER;
    }
}

/* A key's own line is better than that of a table, which is where its contents begin. */
void children_make(struct toml_node *node, const toml::node &from)
{
    if (const toml::table *table = from.as_table()) {
        for (auto &&[key, value] : *table) {
            struct toml_node *child = node_make(value, std::string(key.str()).c_str());
            if (key.source().begin.line)
                child->line = key.source().begin.line;
            child_add(node, child);
        }
    } else if (const toml::array *array = from.as_array()) {
        for (auto &&value : *array)
            child_add(node, node_make(value, nullptr));
    }
}

struct toml_node *node_make(const toml::node &from, const char *key)
{
    auto *node = static_cast<struct toml_node *>(calloc(1, sizeof(struct toml_node)));
    if (!node)
        abort();
    node->kind = kind_of(from);
    node->line = from.source().begin.line;
    node->key = key ? strdup(key) : nullptr;
    const auto *string = from.as_string();
    if (string && string->get().find('\0') != std::string::npos)
        node->kind = TOML_OTHER; /* no option can hold a zero byte */
    else if (string)
        node->string = strdup(string->get().c_str());
    else if (const auto *integer = from.as_integer())
        node->integer = integer->get();
    else if (const auto *boolean = from.as_boolean())
        node->boolean = boolean->get();
    children_make(node, from);
    return node;
}

} // namespace

struct toml_node *toml_parse(const char *path, const char *text, size_t len, struct error *err)
{
    toml::parse_result result = toml::parse(std::string_view(text, len), std::string_view(path));
    if (!result) {
        const toml::parse_error &wrong = result.error();
        error_set(err, ERROR_USAGE, "%s:%u:%u: this is not TOML: %.*s", path, wrong.source().begin.line,
                  wrong.source().begin.column, static_cast<int>(wrong.description().size()),
                  wrong.description().data());
        return nullptr;
    }
    return node_make(result.table(), nullptr);
}

#else

struct toml_node *toml_parse(const char *path, const char *, size_t, struct error *err)
{
    error_set(
        err, ERROR_USAGE,
        "%s can't be read: this program was built without toml++ (libtomlplusplus-dev); use options instead",
        path);
    return nullptr;
}

#endif

void toml_free(struct toml_node *node)
{
    while (node) {
        struct toml_node *next = node->next;
        toml_free(node->first);
        free(node->key);
        free(node->string);
        free(node);
        node = next;
    }
}
