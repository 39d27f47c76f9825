/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions made for descriptions (libffi), and values to JSON and back. */

#include "harness.h"

#include <ffi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

struct closure {
    ffi_cif cif;
    ffi_type *types[8];
    json_object *description;
    handler *handler;
    void *context;
};

static void entered(ffi_cif *cif, void *result, void **arguments, void *userdata)
{
    struct closure *closure = userdata;
    (void)cif;
    closure->handler(closure->description, result, arguments, closure->context);
}

/* Lives as long as the program: C may call it until then. */
void *new_function(json_object *description, handler *handler, void *context)
{
    json_object *params = member(description, "params");
    struct closure *closure = calloc(1, sizeof *closure);
    void *code = NULL;
    ffi_closure *writable = ffi_closure_alloc(sizeof *writable, &code);
    size_t count = json_object_array_length(params);
    if (!closure || !writable || count > sizeof closure->types / sizeof closure->types[0])
        give_up("cannot make a callback");
    closure->description = description;
    closure->handler = handler;
    closure->context = context;
    for (size_t i = 0; i < count; i++)
        closure->types[i] = type_of(member_text(json_object_array_get_idx(params, i), "kind"));
    if (ffi_prep_cif(&closure->cif, FFI_DEFAULT_ABI, (unsigned)count,
                     type_of(member_text(member(description, "returns"), "kind")),
                     closure->types) != FFI_OK ||
        ffi_prep_closure_loc(writable, &closure->cif, entered, closure, code) != FFI_OK)
        give_up("cannot make a callback");
    return code;
}

json_object *new_handle(const char *class, void *address)
{
    json_object *handle = json_object_new_object();
    if (!address) {
        json_object_put(handle);
        return NULL;
    }
    json_object_object_add(handle, "$handle", json_object_new_string(class));
    json_object_object_add(handle, "address", json_object_new_uint64((uintptr_t)address));
    return handle;
}

void *address_of(json_object *handle)
{
    return (void *)(uintptr_t)json_object_get_uint64(member(handle, "address"));
}

void hold(const char *class, void *handle)
{
    json_object *found = member_of_list(member(api, "classes"), "name", class);
    if (!found)
        give_up("a handle of the unknown class %s", class);
    call_plain(member_text(found, "ref"), handle);
}

/* --- from values ------------------------------------------------------------- */

struct builder {
    json_object *top;
    json_object *open[128];
    char *keys[128]; /* of the open maps */
    size_t depth;
};

static void put(struct builder *b, json_object *item)
{
    json_object *container = b->depth ? b->open[b->depth - 1] : NULL;
    if (!container)
        b->top = item;
    else if (json_object_is_type(container, json_type_array))
        json_object_array_add(container, item);
    else
        json_object_object_add(container, b->keys[b->depth - 1], item);
}

static void begin(struct builder *b, json_object *container)
{
    put(b, container);
    if (b->depth == sizeof b->open / sizeof b->open[0])
        give_up("a value is too deep");
    b->keys[b->depth] = NULL;
    b->open[b->depth++] = container;
}

/* One member of the visitor; its arguments begin with the userdata. */
static void visited(json_object *member_, void *result, void **arguments, void *context)
{
    struct builder *b = *(void **)arguments[0];
    const char *what = member_text(member_, "name");
    (void)result;
    (void)context;
    if (strcmp(what, "null") == 0)
        put(b, NULL);
    else if (strcmp(what, "boolean") == 0)
        put(b, json_object_new_boolean(*(bool *)arguments[1]));
    else if (strcmp(what, "int64") == 0)
        put(b, json_object_new_int64(*(int64_t *)arguments[1]));
    else if (strcmp(what, "uint64") == 0)
        put(b, json_object_new_uint64(*(uint64_t *)arguments[1]));
    else if (strcmp(what, "real") == 0)
        put(b, json_object_new_double(*(double *)arguments[1]));
    else if (strcmp(what, "string") == 0 || strcmp(what, "bytes") == 0)
        put(b, json_object_new_string_len(*(char **)arguments[1], (int)*(size_t *)arguments[2]));
    else if (strcmp(what, "list") == 0)
        begin(b, json_object_new_array());
    else if (strcmp(what, "map") == 0)
        begin(b, json_object_new_object());
    else if (strcmp(what, "end") == 0) {
        free(b->keys[--b->depth]);
    } else if (strcmp(what, "key") == 0) {
        free(b->keys[b->depth - 1]);
        b->keys[b->depth - 1] = strndup(*(char **)arguments[1], *(size_t *)arguments[2]);
    } else if (strcmp(what, "handle") == 0) {
        char *class = strndup(*(char **)arguments[2], *(size_t *)arguments[3]);
        hold(class, *(void **)arguments[1]);
        put(b, new_handle(class, *(void **)arguments[1]));
        free(class);
    } else {
        give_up("a visitor with an unknown member, %s", what);
    }
}

/* The members of the structure that the visiting helper wants. */
static json_object *visitor_members(void)
{
    json_object *params = member(helper("value_visit"), "params");
    json_object *structs = member(api, "structs");
    const char *type = member_text(member_of_list(params, "kind", "visitor"), "c_type");
    for (size_t i = 0; i < json_object_array_length(structs); i++) {
        json_object *item = json_object_array_get_idx(structs, i);
        if (strstr(type, member_text(item, "c_type")))
            return member(item, "members");
    }
    give_up("the API file does not describe the structure %s", type);
}

json_object *value_to_json(void *value)
{
    static void *visitor[32];
    struct builder builder = {0};
    void *path = NULL, *userdata = &builder, *functions = visitor;
    void *arguments[] = {&value, &path, &functions, &userdata};
    if (!visitor[0]) {
        json_object *members = visitor_members();
        for (size_t i = 0; i < json_object_array_length(members); i++)
            visitor[i] = new_function(json_object_array_get_idx(members, i), visited, NULL);
    }
    call_helper("value_visit", 4, arguments);
    return builder.top;
}

json_object *borrow_any(void *handle)
{
    json_object *found;
    void *value = NULL, *out = &value, *path = NULL;
    if (!handle)
        return NULL;
    call_helper("value_new_null", 1, (void *[]){&out});
    call_helper("value_set_handle", 3, (void *[]){&value, &path, &handle});
    found = value_to_json(value);
    release(new_handle("value", value));
    return found;
}

/* --- to values --------------------------------------------------------------- */

/* JSON has no handles: they are put into the value at the places of what stands for them. */
static void set_handles(void *value, json_object *data, const char *path)
{
    char inner[200];
    if (json_object_is_type(data, json_type_object) && member(data, "$handle")) {
        void *handle = address_of(data);
        call_helper("value_set_handle", 3, (void *[]){&value, &path, &handle});
    } else if (json_object_is_type(data, json_type_object)) {
        json_object_object_foreach(data, key, item) {
            snprintf(inner, sizeof inner, "%s%s%s", path, *path ? "." : "", key);
            set_handles(value, item, inner);
        }
    } else if (json_object_is_type(data, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(data); i++) {
            snprintf(inner, sizeof inner, "%s%s%zu", path, *path ? "." : "", i);
            set_handles(value, json_object_array_get_idx(data, i), inner);
        }
    }
}

void *json_to_value(json_object *data)
{
    void *value = NULL, *out = &value;
    const char *json = json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN);
    call_helper("value_from_json", 2, (void *[]){&json, &out});
    set_handles(value, data, "");
    return value;
}

static void free_handles(json_object *data)
{
    if (json_object_is_type(data, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(data); i++)
            free_handles(json_object_array_get_idx(data, i));
    } else if (has(data, "$handle")) {
        json_object *class =
            member_of_list(member(api, "classes"), "name", member_text(data, "$handle"));
        call_plain(member_text(class, "free"), address_of(data));
    } else if (json_object_is_type(data, json_type_object)) {
        json_object_object_foreach(data, key, item) {
            (void)key;
            free_handles(item);
        }
    }
}

void release(json_object *results)
{
    free_handles(results);
    json_object_put(results);
}
