/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The C types of the API file's kinds, for libffi, and calls with them (library.c). */

#ifndef HARNESS_TYPES_H
#define HARNESS_TYPES_H

#include <ffi.h>

#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

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

/* NULL is nothing; whatever is no number is a pointer. */
ffi_type *type_of(const char *kind);

/* Calls the function of this name. */
void invoke(const char *name, ffi_type *returns, int count, ffi_type **types, void **arguments,
            void *result);

/* What an output gave as data; NULL for what is neither a number nor text. */
json_object *scalar(const char *kind, const union slot *slot);

/* All that the functions of the class `error` tell, but for nothing and 0. */
json_object *take_error(json_object *param, void *error);

/* Frees what an output gave, with the function that the API file names. */
void free_output(json_object *param, void *pointer, size_t length);

#endif
