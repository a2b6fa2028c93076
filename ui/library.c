#include "ui/library.h"

#include <dlfcn.h>

bool library_load(const char *file, const char *package, const struct library_symbol *symbols, size_t count,
                  void *functions, struct error *err)
{
    void *opened = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!opened)
        return error_set(err, ERROR_HOST, "the library %s can't be loaded: install %s (%s)", file, package,
                         dlerror());
    for (size_t i = 0; i < count; i++) {
        void *found = dlsym(opened, symbols[i].name);
        if (!found)
            return error_set(err, ERROR_HOST, "the library %s is too old: it has no %s", file,
                             symbols[i].name);
        *(void **)((char *)functions + symbols[i].offset) = found;
    }
    return true;
}
