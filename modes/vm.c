#include <stdio.h>
#include <stdlib.h>

#include "modes/mode.h"

#define NAME_SIZE 16

/* A VM with the room for a name of its own. */
struct named_vm {
    struct vm vm; /* first */
    char name[NAME_SIZE];
};

static unsigned vms_made;

struct vm *vm_create(const struct mode *mode, const struct machine_config *config, const char *name,
                     struct error *err)
{
    struct machine_run *run = mode_check(mode, config, err) ? mode->create(config, err) : NULL;
    if (!run)
        return NULL;
    struct named_vm *named = machine_alloc(sizeof(*named));
    named->vm = (struct vm){.id = ++vms_made, .name = name ? name : named->name, .mode = mode, .run = run};
    snprintf(named->name, sizeof(named->name), "vm%u", named->vm.id);
    return &named->vm;
}

void vm_destroy(struct vm *vm)
{
    if (!vm)
        return;
    machine_run_destroy(vm->run);
    free(vm);
}

enum machine_state vm_state(const struct vm *vm)
{
    return machine_run_state(vm->run);
}
