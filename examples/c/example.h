/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the examples in C share.
 *
 * They end when a call fails, so they need not free anything then; a library or a
 * server would free what it has, and hand the error on.
 */

#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vkvm.h>

/* Ends the program with the reason when a call failed. It gets a pointer, because C may
   look at an argument before it evaluates the one with the call. */
static inline void check(int result, const char *what, vkvm_error **error)
{
    if (result == 0)
        return;
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", what, vkvm_error_message(*error));
    vkvm_error_free(*error);
    exit(1);
}

/* Ends the program when it was called in a wrong way. */
static inline void usage(const char *text)
{
    fprintf(stderr, "usage: %s\n", text);
    exit(2);
}

static inline const char *state_name(int state)
{
    static const char *const names[] = {"no state", "running",  "blocked", "paused",
                                        "shutdown", "shut off", "crashed", "suspended"};

    return state >= 0 && state < 8 ? names[state] : "unknown";
}

/* The domain's name, to be freed with vkvm_string_free. */
static inline char *name_of(vkvm_domain *domain)
{
    vkvm_error *error = NULL;
    char *name;

    check(vkvm_domain_get_name(domain, &name, &error), "get_name", &error);
    return name;
}

static inline int state_of(vkvm_domain *domain)
{
    vkvm_error *error = NULL;
    int state, reason;

    check(vkvm_domain_get_state(domain, 0, &state, &reason, &error), "get_state", &error);
    return state;
}

/* The number under a key of a map, or `otherwise` when it is not there. */
static inline uint64_t number(vkvm_value *map, const char *key, uint64_t otherwise)
{
    uint64_t result;

    return vkvm_value_get_uint64(map, key, &result, NULL) == 0 ? result : otherwise;
}

#endif
