/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the C runner. Nothing here or in the other files knows a function
 * of libvkvm by its name: names come from vkvm-api.json.
 *
 * Results, and what scenarios say, are json-c trees. A handle in them is the map
 * {"$handle": class, "address": number}; texts may hold any bytes. */

#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

/* --- util.c --- */

/* A text that grows. */
struct text {
    char *data;
    size_t length;
};

void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void add_quoted(struct text *text, const char *data, size_t length);
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

json_object *read_json(const char *file);
json_object *member(json_object *map, const char *key); /* NULL if it is not there, or null */
const char *member_text(json_object *map, const char *key); /* ditto */
bool has(json_object *map, const char *key);
json_object *member_of_list(json_object *list, const char *key, const char *text);

/* --- library.c --- */

extern json_object *api; /* vkvm-api.json */

void load(const char *api_file, const char *library);
json_object *function_named(const char *dotted); /* "class.method" */
json_object *helper(const char *purpose); /* the API file's function for it */
void call_helper(const char *purpose, int count, void **arguments); /* gives up if it fails */
void call_plain(const char *name, void *handle);

/* --- values.c --- */

struct closure; /* a C function that was made for a description in the API file */

typedef void handler(json_object *description, void *result, void **arguments, void *context);
void *new_function(json_object *description, handler *handler, void *context);
json_object *value_to_json(void *value); /* with a hold on each handle in it */
void *json_to_value(json_object *data);
json_object *new_handle(const char *class, void *address);
void *address_of(json_object *handle);
json_object *borrow_any(void *handle); /* a hold on a handle of any class */
void hold(const char *class, void *handle);
void release(json_object *results); /* and the handles in them */

/* --- transcript.c --- */

struct name {
    const char *name, *value;
};
extern struct name *names;
extern size_t names_count;

void show(struct text *text, json_object *data);
char *shown(json_object *data);
bool compare(struct text *text, json_object *data, json_object *wanted, bool is_wanted);
bool matches(const char *pattern, const char *text);

/* --- call.c --- */

extern json_object *events; /* what recording callbacks were called with, by their names */

/* Calls a function with the inputs of `given`; fills in results or what the error
 * tells, and returns whether it succeeded. */
bool call(json_object *function, json_object *self, json_object *given, json_object **results,
          json_object **error);
json_object *handles_left(void);
bool destroyed_once(void); /* every callback's userdata */

#endif
