/* Calls of libvkvm's functions, as vkvm-api.json describes them. */

#include "harness.h"

#include <dlfcn.h>
#include <ffi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

#define MAX_ARGUMENTS 24

json_object *api;

static void *library;

/* A callback that was given away, and how often its userdata was destroyed. */
struct registration {
    json_object *recorder;
    bool has_object; /* when that ends, so does this; others end in the event loop */
    int destroyed;
    struct registration *next;
};

static struct registration *registrations;

/* What an argument or result is kept in. */
union slot {
    int number;
    uint32_t uint;
    int64_t int64;
    uint64_t uint64;
    size_t size;
    double real;
    bool boolean;
    void *pointer;
};

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

/* Calls the function of this name. With VKVM_HARNESS_CALLS, notes there that it was. */
static void invoke(const char *name, ffi_type *returns, int count, ffi_type **types,
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

/* Frees what an output gave, with the function that the API file names. */
static void free_output(json_object *param, void *pointer, size_t length)
{
    ffi_type *types[] = {&ffi_type_pointer, type_of("size")};
    void *arguments[] = {&pointer, &length};
    const char *name = member_text(param, "free");
    if (name)
        invoke(name, &ffi_type_void,
               strstr(member_text(param, "kind"), "_list") ? 2 : 1, types, arguments, NULL);
}

/* --- outputs ------------------------------------------------------------------ */

static json_object *scalar(const char *kind, const union slot *slot)
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

/* Adds what an output gave to the results, and frees it. */
static void take_output(json_object *results, json_object *function, json_object *param,
                        const union slot *slot, size_t length)
{
    const char *kind = member_text(param, "kind"), *class = member_text(param, "class");
    bool whole = strcmp(member_text(function, "class"), "value") == 0;
    if (strcmp(kind, "handle") == 0 || (strcmp(kind, "value") == 0 && whole)) {
        json_object_array_add(results, new_handle(class, slot->pointer));
        return; /* the handle is the result's */
    }
    if (strcmp(kind, "any_handle") == 0) {
        json_object *found = borrow_any(slot->pointer);
        json_object_array_add(results, found);
        release(new_handle(member_text(found, "$handle"), slot->pointer));
        return;
    }
    if (strcmp(kind, "value") == 0) {
        json_object *found = value_to_json(slot->pointer);
        if (json_object_is_type(found, json_type_array))
            for (size_t i = 0; i < json_object_array_length(found); i++)
                json_object_array_add(results, json_object_get(json_object_array_get_idx(found, i)));
        else
            json_object_array_add(results, json_object_get(found));
        json_object_put(found);
    } else if (strcmp(kind, "bytes") == 0) {
        json_object_array_add(results, json_object_new_string_len(slot->pointer, (int)length));
    } else if (strstr(kind, "_list")) {
        for (size_t i = 0; i < length; i++) {
            if (strcmp(kind, "int_list") == 0) {
                json_object_array_add(results, json_object_new_int(((int *)slot->pointer)[i]));
            } else if (strcmp(kind, "string_list") == 0) {
                json_object_array_add(results, json_object_new_string(((char **)slot->pointer)[i]));
            } else {
                void *handle = ((void **)slot->pointer)[i];
                hold(class, handle);
                json_object_array_add(results, new_handle(class, handle));
            }
        }
    } else {
        json_object_array_add(results, scalar(kind, slot));
    }
    free_output(param, slot->pointer, length);
}

/* All that the functions of the class `error` tell, but for nothing and 0. */
static json_object *take_error(json_object *param, void *error)
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

/* --- inputs ------------------------------------------------------------------- */

static void called_back(json_object *description, void *result, void **arguments, void *context)
{
    json_object *params = member(description, "params"), *shown_ = json_object_new_array();
    struct registration *registration = context;
    json_object *recorder = registration->recorder, *answer = member(recorder, "returns"), *items = NULL;
    for (size_t i = 0; i < json_object_array_length(params); i++) {
        json_object *param = json_object_array_get_idx(params, i), *found = NULL;
        const char *kind = member_text(param, "kind");
        const union slot *slot = arguments[i];
        if (strcmp(kind, "userdata") == 0) {
            continue;
        } else if (strcmp(kind, "value") == 0) {
            items = value_to_json(slot->pointer);
            continue;
        } else if (strcmp(kind, "handle") == 0) {
            hold(member_text(param, "class"), slot->pointer);
            found = new_handle(member_text(param, "class"), slot->pointer);
        } else if (strcmp(kind, "any_handle") == 0) {
            found = borrow_any(slot->pointer);
        } else if (strcmp(kind, "bytes") == 0) { /* the length is next */
            found = json_object_new_string_len(slot->pointer, (int)*(size_t *)arguments[i + 1]);
        } else {
            found = scalar(kind, slot);
        }
        if (found)
            json_object_array_add(shown_, found);
    }
    if (json_object_is_type(items, json_type_object)) { /* an event, whose id is left out */
        json_object_array_del_idx(shown_, json_object_array_length(shown_) - 1, 1);
        json_object_object_foreach(items, key, item) {
            (void)key;
            json_object_array_add(shown_, json_object_get(item));
        }
    }
    record(recorder, shown_);
    release(shown_);
    json_object_put(items);
    if (member_text(member(description, "returns"), "kind"))
        *(ffi_sarg *)result = json_object_get_int(answer);
}

static void destroyed(json_object *description, void *result, void **arguments, void *context)
{
    struct registration *registration = *(void **)arguments[0];
    (void)description;
    (void)result;
    (void)context;
    registration->destroyed++;
}

bool destroyed_once(void)
{
    for (struct registration *one = registrations; one; one = one->next)
        if (one->destroyed > 1 || (one->has_object && one->destroyed == 0))
            return false;
    return true;
}

/* The function for a parameter that is one: a callback, or the end of one. */
static void *new_callback(json_object *param, struct registration *registration)
{
    const char *type = member_text(param, "c_type");
    json_object *description = member_of_list(member(api, "callbacks"), "c_type", type);
    if (strcmp(type, "vkvm_destroy_callback") == 0)
        return new_function(description, destroyed, NULL);
    return new_function(description, called_back, registration);
}

/* All callback parameters of one call belong together. */
static struct registration *new_registration(json_object *params, json_object *given, bool has_object)
{
    for (size_t i = 0; i < json_object_array_length(params); i++) {
        json_object *data = member(given, member_text(json_object_array_get_idx(params, i), "name"));
        if (has(data, "$callback")) {
            struct registration *registration = calloc(1, sizeof *registration);
            *registration = (struct registration){json_object_get(data), has_object, 0, registrations};
            return registrations = registration;
        }
    }
    return NULL;
}

/* An array in C; it lives until the program ends. */
static void *new_array(const char *kind, json_object *data)
{
    size_t length = json_object_array_length(data);
    void **pointers = calloc(length + 1, sizeof *pointers);
    int *numbers = calloc(length + 1, sizeof *numbers);
    for (size_t i = 0; i < length; i++) {
        json_object *item = json_object_array_get_idx(data, i);
        pointers[i] = strcmp(kind, "string_list") == 0 ? (void *)json_object_get_string(item)
                                                       : address_of(item);
        numbers[i] = json_object_get_int(item);
    }
    return strcmp(kind, "int_list") == 0 ? (void *)numbers : (void *)pointers;
}

static void give_input(json_object *param, json_object *data, struct registration *registration,
                       union slot *slot, size_t *length)
{
    const char *kind = member_text(param, "kind");
    if (strcmp(kind, "int") == 0)
        slot->number = json_object_get_int(data);
    else if (strcmp(kind, "uint") == 0)
        slot->uint = (uint32_t)json_object_get_int64(data);
    else if (strcmp(kind, "int64") == 0)
        slot->int64 = json_object_get_int64(data);
    else if (strcmp(kind, "uint64") == 0)
        slot->uint64 = json_object_get_uint64(data);
    else if (strcmp(kind, "size") == 0)
        slot->size = json_object_get_uint64(data);
    else if (strcmp(kind, "double") == 0)
        slot->real = json_object_get_double(data);
    else if (strcmp(kind, "bool") == 0)
        slot->boolean = json_object_get_boolean(data);
    else if (strcmp(kind, "userdata") == 0)
        slot->pointer = registration;
    else if (strcmp(kind, "callback") == 0)
        slot->pointer = registration ? new_callback(param, registration) : NULL;
    else if (!data)
        slot->pointer = NULL;
    else if (strcmp(kind, "handle") == 0 || strcmp(kind, "any_handle") == 0 || has(data, "$handle"))
        slot->pointer = address_of(data);
    else if (strcmp(kind, "value") == 0)
        slot->pointer = json_to_value(data);
    else if (strstr(kind, "_list")) {
        slot->pointer = new_array(kind, data);
        *length = json_object_array_length(data);
    } else {
        slot->pointer = (void *)json_object_get_string(data);
        *length = (size_t)json_object_get_string_len(data);
    }
}

/* --- calls -------------------------------------------------------------------- */

struct frame {
    int count;
    ffi_type *types[MAX_ARGUMENTS];
    void *arguments[MAX_ARGUMENTS];
    union slot slots[MAX_ARGUMENTS];
};

static union slot *push(struct frame *frame, ffi_type *type)
{
    union slot *slot = &frame->slots[frame->count];
    if (frame->count == MAX_ARGUMENTS)
        give_up("a function with too many arguments");
    frame->types[frame->count] = type;
    frame->arguments[frame->count++] = slot;
    return slot;
}

bool call(json_object *function, json_object *self, json_object *given, json_object **results,
          json_object **error)
{
    json_object *params = member(function, "params");
    struct registration *registration = new_registration(params, given, self != NULL);
    struct frame frame = {0};
    union slot outs[MAX_ARGUMENTS] = {0};
    size_t lengths[MAX_ARGUMENTS] = {0}, count = json_object_array_length(params);
    bool is_value[MAX_ARGUMENTS] = {0};
    ffi_arg status = 0;
    for (size_t i = 0; i < count; i++) {
        json_object *param = json_object_array_get_idx(params, i);
        const char *kind = member_text(param, "kind"), *name = member_text(param, "name");
        const char *direction = member_text(param, "direction");
        bool out = strcmp(direction, "out") == 0 || strcmp(direction, "error") == 0;
        json_object *data = strcmp(direction, "self") == 0 ? self : member(given, name);
        union slot *slot = push(&frame, out ? &ffi_type_pointer : type_of(kind));
        if (strcmp(kind, "buffer") == 0)
            give_up("%s: buffers are not for scenarios", member_text(function, "name"));
        if (out) {
            slot->pointer = &outs[i];
        } else {
            if (!has(given, name) && has(param, "default"))
                data = member(param, "default");
            else if (!data && !has(given, name) && member(param, "nullable") == NULL)
                give_up("%s: %s is missing", member_text(function, "name"), name);
            give_input(param, data, registration, slot, &lengths[i]);
            is_value[i] = strcmp(kind, "value") == 0 && data && !has(data, "$handle");
            outs[i] = *slot;
        }
        if (has(param, "length")) {
            slot = push(&frame, out ? &ffi_type_pointer : type_of("size"));
            if (out)
                slot->pointer = &lengths[i];
            else
                slot->size = lengths[i];
        }
    }
    invoke(member_text(function, "name"), &ffi_type_sint, frame.count, frame.types, frame.arguments,
           &status);
    *results = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        json_object *param = json_object_array_get_idx(params, i);
        const char *direction = member_text(param, "direction");
        if (is_value[i])
            release(new_handle("value", outs[i].pointer));
        else if (strcmp(direction, "out") == 0 && (int)status == 0)
            take_output(*results, function, param, &outs[i], lengths[i]);
        else if (strcmp(direction, "error") == 0 && (int)status != 0)
            *error = take_error(param, outs[i].pointer);
    }
    return (int)status == 0;
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

json_object *handles_left(void)
{
    json_object *classes = member(api, "classes"), *left = json_object_new_object();
    json_object *function = helper("handle_count");
    const char *input = member_text(
        member_of_list(member(function, "params"), "direction", "in"), "name");
    for (size_t i = 0; i < json_object_array_length(classes); i++) {
        json_object *name = member(json_object_array_get_idx(classes, i), "name");
        json_object *given = json_object_new_object(), *results, *error;
        json_object_object_add(given, input, json_object_get(name));
        if (!call(function, NULL, given, &results, &error))
            give_up("counting handles: %s", json_object_to_json_string(error));
        json_object *count = json_object_array_get_idx(results, 0);
        if (json_object_get_int64(count))
            json_object_object_add(left, json_object_get_string(name), json_object_get(count));
        json_object_put(results);
        json_object_put(given);
    }
    return left;
}
