/*
 * Calls that are started, and what they have come to.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef STARTED_H
#define STARTED_H

#include "common.h"

/* A map with an object in it. */
static inline vkvm_value *with(const char *key, void *object)
{
    vkvm_error *err = NULL;
    vkvm_value *args;
    must(vkvm_value_new_map(&args, &err), err, "a map");
    must(vkvm_value_set_handle(args, key, object, &err), err, key);
    return args;
}

static inline vkvm_value *with_text(vkvm_value *args, const char *key, const char *text)
{
    vkvm_error *err = NULL;
    must(vkvm_value_set_string(args, key, text, &err), err, key);
    return args;
}

/* Starts a call, and frees its arguments. */
static inline vkvm_call *start(const char *function, vkvm_value *args, uint32_t timeout_ms,
                               vkvm_event_queue *queue, uint64_t tag)
{
    vkvm_error *err = NULL;
    vkvm_call *call = NULL;
    must(vkvm_call_start(function, args, timeout_ms, queue, tag, &call, &err), err, function);
    vkvm_value_free(args);
    return call;
}

static inline bool is_done(vkvm_call *call, int timeout_ms)
{
    vkvm_error *err = NULL;
    bool done = false;
    must(vkvm_call_wait(call, timeout_ms, &done, &err), err, "waiting");
    return done;
}

/* What a call has come to; frees the call. */
static inline vkvm_value *result_of(vkvm_call *call, const char *name)
{
    vkvm_error *err = NULL;
    vkvm_value *result = NULL;
    ok(is_done(call, PATIENCE * 1000), "%s is done", name);
    works(vkvm_call_get_result(call, &result, &err), &err, name);
    vkvm_call_free(call);
    return result;
}

/* Waits for a call that is given up; frees it. */
static inline void ends_with(vkvm_call *call, int code, const char *name)
{
    vkvm_error *err = NULL;
    bool done = false;
    vkvm_value *result = NULL;
    works(vkvm_call_wait(call, PATIENCE * 1000, &done, &err), &err, name);
    ok(done, "%s: it is done", name);
    fails(vkvm_call_get_result(call, &result, &err), &err, code, NULL, name);
    vkvm_call_free(call);
}

#endif
