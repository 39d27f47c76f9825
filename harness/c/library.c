/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvkvm's functions, found by name and called with words and pointers. */

#include "harness.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

json_object *api;

static void *library;

void load(const char *api_file, const char *library_file)
{
    api = read_json(api_file);
    library = dlopen(library_file, RTLD_NOW);
    if (!library)
        give_up("%s", dlerror());
}

json_object *function_named(const char *dotted)
{
    json_object *functions = member(api, "functions");
    for (size_t i = 0; i < json_object_array_length(functions); i++) {
        json_object *function = json_object_array_get_idx(functions, i);
        const char *class = member_text(function, "class");
        size_t length = strlen(class);
        if (strncmp(dotted, class, length) == 0 && dotted[length] == '.' &&
            strcmp(dotted + length + 1, member_text(function, "method")) == 0)
            return function;
    }
    give_up("there is no function %s", dotted);
}

json_object *helper(const char *purpose)
{
    const char *name = member_text(member(api, "helpers"), purpose);
    if (!name)
        give_up("the API file names no helper for %s", purpose);
    return member_of_list(member(api, "functions"), "name", name);
}

ffi_type *type_of(const char *kind)
{
    static const struct {
        const char *kind;
        ffi_type *type;
    } types[] = {
        {"int", &ffi_type_sint},      {"uint", &ffi_type_uint32},   {"int64", &ffi_type_sint64},
        {"uint64", &ffi_type_uint64}, {"size", &ffi_type_uint64},   {"double", &ffi_type_double},
        {"bool", &ffi_type_uint8},
    };
    if (!kind)
        return &ffi_type_void;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(kind, types[i].kind) == 0)
            return types[i].type;
    return &ffi_type_pointer;
}

/* With VKVM_HARNESS_CALLS, notes there that it was called. */
void invoke(const char *name, ffi_type *returns, int count, ffi_type **types,
                   void **arguments, void *result)
{
    static FILE *log;
    const char *log_file = getenv("VKVM_HARNESS_CALLS");
    void *function = dlsym(library, name);
    ffi_cif cif;
    if (!function)
        give_up("the library has no %s", name);
    if (log_file && !log)
        log = fopen(log_file, "a");
    if (log)
        fprintf(log, "%s\n", name);
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, (unsigned)count, returns, types) != FFI_OK)
        give_up("%s: libffi refuses the types", name);
    ffi_call(&cif, FFI_FN(function), result, arguments);
}

void call_plain(const char *name, void *handle)
{
    ffi_type *types[] = {&ffi_type_pointer};
    void *arguments[] = {&handle};
    ffi_arg unused;
    invoke(name, &ffi_type_pointer, 1, types, arguments, &unused);
}

void free_output(json_object *param, void *pointer, size_t length)
{
    ffi_type *types[] = {&ffi_type_pointer, type_of("size")};
    void *arguments[] = {&pointer, &length};
    const char *name = member_text(param, "free");
    if (name)
        invoke(name, &ffi_type_void,
               strstr(member_text(param, "kind"), "_list") ? 2 : 1, types, arguments, NULL);
}

json_object *scalar(const char *kind, const union slot *slot)
{
    if (strcmp(kind, "int") == 0)
        return json_object_new_int64(slot->number);
    if (strcmp(kind, "uint") == 0)
        return json_object_new_int64(slot->uint);
    if (strcmp(kind, "int64") == 0)
        return json_object_new_int64(slot->int64);
    if (strcmp(kind, "uint64") == 0)
        return json_object_new_uint64(slot->uint64);
    if (strcmp(kind, "size") == 0)
        return json_object_new_uint64(slot->size);
    if (strcmp(kind, "double") == 0)
        return json_object_new_double(slot->real);
    if (strcmp(kind, "bool") == 0)
        return json_object_new_boolean(slot->boolean);
    return slot->pointer && strcmp(kind, "string") == 0 ? json_object_new_string(slot->pointer)
                                                        : NULL;
}

json_object *take_error(json_object *param, void *error)
{
    json_object *functions = member(api, "functions"), *found = json_object_new_object();
    for (size_t i = 0; i < json_object_array_length(functions); i++) {
        json_object *function = json_object_array_get_idx(functions, i);
        json_object *returns = member(function, "returns");
        const char *kind = member_text(returns, "kind");
        ffi_type *types[] = {&ffi_type_pointer};
        union {
            ffi_arg whole;
            union slot slot;
        } result = {0};
        if (strcmp(member_text(function, "class"), "error") != 0 || !kind ||
            strcmp(kind, "handle") == 0)
            continue;
        invoke(member_text(function, "name"), type_of(kind), 1, types, (void *[]){&error}, &result);
        if (result.whole)
            json_object_object_add(found, member_text(function, "method"),
                                   scalar(kind, &result.slot));
    }
    free_output(param, error, 0);
    return found;
}

void call_helper(const char *purpose, int count, void **arguments)
{
    json_object *function = helper(purpose), *params = member(function, "params");
    ffi_type *types[8];
    void *error = NULL, *out = &error;
    ffi_arg status = 0;
    for (int i = 0; i < count; i++)
        types[i] = &ffi_type_pointer;
    types[count] = &ffi_type_pointer;
    void *all[8];
    memcpy(all, arguments, (size_t)count * sizeof *all);
    all[count] = &out;
    invoke(member_text(function, "name"), &ffi_type_sint, count + 1, types, all, &status);
    if ((int)status != 0) {
        json_object *param =
            json_object_array_get_idx(params, json_object_array_length(params) - 1);
        give_up("%s: %s", purpose, json_object_to_json_string(take_error(param, error)));
    }
}
