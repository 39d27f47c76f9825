/*
 * Running the event loop in a test: a turn at a time, and never for longer than
 * PATIENCE.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef EVENTS_H
#define EVENTS_H

#include <unistd.h>

#include "common.h"
#include "own_loop.h"

static inline void no_op(int timer, void *userdata)
{
    (void)timer, (void)userdata;
}

/* Which loop: VKVM_LOOP is default, own (own_loop.h) or thread. */
static inline bool loop_is(const char *kind)
{
    const char *wanted = getenv("VKVM_LOOP");
    return strcmp(wanted ? wanted : "default", kind) == 0;
}

static inline int choose_loop(vkvm_error **err)
{
    return loop_is("own")      ? own_register(err)
           : loop_is("thread") ? vkvm_event_start(err)
                               : vkvm_event_register_default(err);
}

/* Chooses the loop, with a timer that ends each turn of it in 10 ms. */
static inline void start_loop(void)
{
    vkvm_error *err = NULL;
    int timer = -1;
    must(choose_loop(&err), err, "choosing the event loop");
    must(vkvm_event_add_timeout(10, no_op, NULL, NULL, &timer, &err), err, "event_add_timeout");
}

static inline void turn(void)
{
    vkvm_error *err = NULL;
    if (loop_is("own"))
        own_turn();
    else if (loop_is("thread"))
        usleep(1000); /* it turns by itself */
    else
        must(vkvm_event_run_default(&err), err, "event_run_default");
}

/* The loop may be another thread's. */
static inline int read_count(const int *count)
{
    return __atomic_load_n(count, __ATOMIC_SEQ_CST);
}

static inline void count_one(int *count)
{
    __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
}

/* Runs the loop until *count is at least `wanted`. False: not in time. */
static inline bool wait_for(const int *count, int wanted)
{
    double end = now() + PATIENCE;
    while (read_count(count) < wanted && now() < end)
        turn();
    return read_count(count) >= wanted;
}

static inline void count_passed(void *userdata)
{
    count_one(userdata);
}

/* Lets come what is still on its way. libvirt releases userdata when the loop has
   nothing else to do, one after the other: when that of a timer is released, so is what
   was removed before it. A length of time would be too short on some machine, above all
   where another thread runs the loop. */
static inline void settle(void)
{
    static int passed; /* lives on, if the wait is in vain */
    double end = now() + 0.03;
    for (int i = 0; i < 3; i++) {
        vkvm_error *err = NULL;
        int timer = -1, wanted = read_count(&passed) + 1;
        must(vkvm_event_add_timeout(-1, no_op, &passed, count_passed, &timer, &err), err,
             "event_add_timeout");
        must(vkvm_event_remove_timeout(timer, &err), err, "event_remove_timeout");
        must(wait_for(&passed, wanted) ? 0 : -1, NULL, "releasing the userdata of a timer");
    }
    for (int i = 0; i < 5 || now() < end; i++)
        turn();
}

/* What a callback has seen, for its userdata. */
struct seen {
    int calls, destroyed;
    int expected;                  /* how many calls the test has waited for */
    int event_id, event, detail;   /* of the last call */
    char name[64];                 /* of its domain */
    bool right_conn;
    vkvm_conn *conn;               /* what the callback expects */
    int registration;              /* for those that end it themselves */
};

static inline void count_destroy(void *userdata)
{
    count_one(&((struct seen *)userdata)->destroyed);
}

/* The usual callback: keeps what it is told. */
static inline void note_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                              void *userdata)
{
    struct seen *seen = userdata;
    char *name = NULL;
    seen->event_id = event_id;
    seen->right_conn = conn == seen->conn;
    seen->event = (int)int_at(args, "event");
    seen->detail = (int)int_at(args, "detail");
    if (vkvm_domain_get_name(object, &name, NULL) == 0)
        snprintf(seen->name, sizeof seen->name, "%s", name);
    vkvm_string_free(name);
    count_one(&seen->calls); /* at last, for the test waits for this */
}

#endif
