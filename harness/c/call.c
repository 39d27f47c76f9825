/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls of libvkvm's functions with what scenarios give, as vkvm-api.json describes them. */

#include "harness.h"

#include <ffi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

#define MAX_ARGUMENTS 24

json_object *events;

/* A callback that was given away, and how often its userdata was destroyed. */
struct registration {
    json_object *recorder;
    bool has_object; /* when that ends, so does this; others end in the event loop */
    int destroyed;
    struct registration *next;
};

static struct registration *registrations;

/* --- outputs ------------------------------------------------------------------ */

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

/* --- inputs ------------------------------------------------------------------- */

static void record(json_object *recorder, json_object *arguments)
{
    json_object *noted = member(events, member_text(recorder, "$callback"));
    json_object *texts = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(arguments); i++) {
        char *text = shown(json_object_array_get_idx(arguments, i));
        json_object_array_add(texts, json_object_new_string(text));
        free(text);
    }
    json_object_array_add(noted, texts);
}

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
