/*
 * Events: the loop with its timers and watches, the life cycle events of
 * domains, and that each userdata is released exactly once, whatever happens.
 *
 * tests: events events.own events.thread events.memory events.own.memory
 * tests: events.thread.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <unistd.h>

#include "events.h"

static __thread vkvm_error *err; /* callbacks on the library's thread have one, too */

/* --- timers and watches --------------------------------------------------- */

static void fired(int timer, void *userdata)
{
    struct seen *seen = userdata;
    seen->event_id = timer;
    count_one(&seen->calls);
}

static void fired_once(int timer, void *userdata)
{
    fired(timer, userdata);
    works(vkvm_event_remove_timeout(timer, &err), &err, "a timer removes itself");
}

static void timers(void)
{
    struct seen seen = { 0 }, own = { 0 };
    int timer = -1, before;

    works(vkvm_event_add_timeout(1, fired, &seen, count_destroy, &timer, &err), &err,
          "add_timeout");
    ok(wait_for(&seen.calls, 3), "it fires again and again");
    is_int(seen.event_id, timer, "with its number");
    works(vkvm_event_update_timeout(timer, -1, &err), &err, "update_timeout to never");
    settle(); /* another thread may be about to call it */
    before = seen.calls;
    settle();
    is_int(seen.calls, before, "it fires no more");
    works(vkvm_event_update_timeout(timer, 1, &err), &err, "update_timeout to soon");
    ok(wait_for(&seen.calls, before + 1), "it fires again");
    is_int(seen.destroyed, 0, "its userdata is still alive");
    works(vkvm_event_remove_timeout(timer, &err), &err, "remove_timeout");
    settle();
    before = seen.calls;
    settle();
    is_int(seen.calls, before, "it fires no more");
    is_int(seen.destroyed, 1, "its userdata is released once");
    ok(vkvm_event_remove_timeout(timer, &err) == -1, "it cannot be removed twice");
    forget(&err);
    works(vkvm_event_update_timeout(4711, 1, &err), &err, "a timer that is not there is ignored");

    works(vkvm_event_add_timeout(1, fired_once, &own, count_destroy, &timer, &err), &err,
          "add_timeout");
    ok(wait_for(&own.destroyed, 1), "its userdata is released");
    settle();
    ok(own.calls == 1 && own.destroyed == 1, "it fired once, and was released once");
}

static void ready(int watch, int fd, int events, void *userdata)
{
    struct seen *seen = userdata;
    char byte;
    seen->event_id = watch;
    seen->event = fd;
    seen->detail = events;
    if (events & VKVM_EVENT_HANDLE_READABLE)
        ok(read(fd, &byte, 1) == 1, "there is something to read");
    count_one(&seen->calls);
}

static void watches(void)
{
    struct seen seen = { 0 };
    int ends[2], watch = -1;
    must(pipe(ends), NULL, "pipe");

    works(vkvm_event_add_handle(ends[0], VKVM_EVENT_HANDLE_READABLE, ready, &seen,
                                count_destroy, &watch, &err),
          &err, "add_handle");
    settle();
    is_int(seen.calls, 0, "an empty pipe is not readable");
    ok(write(ends[1], "x", 1) == 1, "write to it");
    ok(wait_for(&seen.calls, 1), "now it is");
    ok(seen.event_id == watch && seen.event == ends[0] &&
           seen.detail == VKVM_EVENT_HANDLE_READABLE,
       "the callback gets watch, descriptor and events");
    works(vkvm_event_update_handle(watch, 0, &err), &err, "update_handle to nothing");
    ok(write(ends[1], "x", 1) == 1, "write to it");
    settle();
    is_int(seen.calls, 1, "nobody is called");
    works(vkvm_event_update_handle(watch, VKVM_EVENT_HANDLE_READABLE, &err), &err,
          "update_handle to reading");
    ok(wait_for(&seen.calls, 2), "what was there is found");
    close(ends[1]);
    ok(wait_for(&seen.calls, 3), "the end of the pipe is noticed");
    ok(seen.detail & VKVM_EVENT_HANDLE_HANGUP, "as a hangup");
    works(vkvm_event_remove_handle(watch, &err), &err, "remove_handle");
    settle();
    is_int(seen.destroyed, 1, "its userdata is released once");
    ok(vkvm_event_remove_handle(watch, &err) == -1, "it cannot be removed twice");
    forget(&err);
    close(ends[0]);
}

/* --- life cycle ----------------------------------------------------------- */

static void has_seen(struct seen *seen, int event, int detail, const char *name)
{
    int wanted = ++seen->expected;
    wait_for(&seen->calls, wanted);
    ok(seen->calls == wanted && seen->event == event && seen->detail == detail, "%s", name);
    if (seen->event != event || seen->detail != detail)
        diag("saw event %d, detail %d", seen->event, seen->detail);
}

static void all_domains(vkvm_conn *conn)
{
    struct seen seen = { .conn = conn };
    int id = -1;
    works(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              note_event, &seen, count_destroy, &id, &err),
          &err, "register_any for all domains");
    ok(id >= 0, "it has a number");

    vkvm_domain *dom = define_probe(conn);
    has_seen(&seen, VKVM_DOMAIN_EVENT_DEFINED, VKVM_DOMAIN_EVENT_DEFINED_ADDED, "defined");
    is_str(seen.name, "probe", "with its domain");
    ok(seen.right_conn, "with its connection");
    is_int(seen.event_id, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, "with its kind");
    works(vkvm_domain_create(dom, 0, &err), &err, "create");
    has_seen(&seen, VKVM_DOMAIN_EVENT_STARTED, VKVM_DOMAIN_EVENT_STARTED_BOOTED, "started");
    works(vkvm_domain_suspend(dom, &err), &err, "suspend");
    has_seen(&seen, VKVM_DOMAIN_EVENT_SUSPENDED, VKVM_DOMAIN_EVENT_SUSPENDED_PAUSED, "suspended");
    works(vkvm_domain_resume(dom, &err), &err, "resume");
    has_seen(&seen, VKVM_DOMAIN_EVENT_RESUMED, VKVM_DOMAIN_EVENT_RESUMED_UNPAUSED, "resumed");
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    has_seen(&seen, VKVM_DOMAIN_EVENT_STOPPED, VKVM_DOMAIN_EVENT_STOPPED_DESTROYED, "stopped");
    works(vkvm_domain_undefine(dom, 0, &err), &err, "undefine");
    has_seen(&seen, VKVM_DOMAIN_EVENT_UNDEFINED, VKVM_DOMAIN_EVENT_UNDEFINED_REMOVED,
             "undefined");
    is_int(seen.destroyed, 0, "the userdata is still alive");

    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");
    settle();
    is_int(seen.destroyed, 1, "now it is released, once");
    ok(vkvm_conn_domain_event_deregister_any(conn, id, &err) == -1, "not twice");
    forget(&err);
    vkvm_domain_free(dom);
}

/* What callbacks did with the domain that they were lent. */
struct lent {
    vkvm_domain *kept;
    int calls, destroyed;
};

static void keep_then_free(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                           void *userdata)
{
    struct lent *lent = userdata;
    (void)conn, (void)event_id, (void)args;
    if (read_count(&lent->calls) == 0)
        lent->kept = vkvm_handle_ref(object);
    else
        vkvm_domain_free(object); /* which is not the callback's: a mistake */
    count_one(&lent->calls);
}

static void count_lent(void *userdata)
{
    count_one(&((struct lent *)userdata)->destroyed);
}

static void lent_domains(vkvm_conn *conn)
{
    struct lent lent = { 0 };
    vkvm_domain *test = NULL;
    char *name = NULL;
    int id = -1;
    must(vkvm_conn_get_domain_by_name(conn, "test", &test, &err), err, "get_domain_by_name");
    must(vkvm_conn_domain_event_register_any(conn, test, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             keep_then_free, &lent, count_lent, &id, &err),
         err, "register_any");
    works(vkvm_domain_suspend(test, &err), &err, "a callback keeps the domain of an event");
    ok(wait_for(&lent.calls, 1), "by a reference");
    works(vkvm_domain_resume(test, &err), &err, "a callback frees what it does not own");
    ok(wait_for(&lent.calls, 2), "which libvirt still has");
    works(vkvm_domain_suspend(test, &err), &err, "again");
    ok(wait_for(&lent.calls, 3), "the next event comes");
    works(vkvm_domain_resume(test, &err), &err, "and the domain goes on");
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");
    settle();
    is_int(lent.destroyed, 1, "the userdata is released once");
    works(vkvm_domain_get_name(lent.kept, &name, &err), &err, "the one that was kept lives on");
    is_own_str(name, "test", "as itself");
    vkvm_domain_free(lent.kept);
    vkvm_domain_free(test);
}

static void one_domain(vkvm_conn *conn)
{
    struct seen seen = { .conn = conn };
    vkvm_domain *test = NULL, *probe = define_probe(conn);
    int id = -1;
    must(vkvm_conn_get_domain_by_name(conn, "test", &test, &err), err, "the other domain");
    settle();
    works(vkvm_conn_domain_event_register_any(conn, probe, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              note_event, &seen, count_destroy, &id, &err),
          &err, "register_any for one domain");
    works(vkvm_domain_suspend(test, &err), &err, "something happens to another");
    works(vkvm_domain_resume(test, &err), &err, "and again");
    settle();
    is_int(seen.calls, 0, "nobody is told");
    works(vkvm_domain_create(probe, 0, &err), &err, "something happens to the one");
    has_seen(&seen, VKVM_DOMAIN_EVENT_STARTED, VKVM_DOMAIN_EVENT_STARTED_BOOTED, "it is told");
    is_str(seen.name, "probe", "of the right one");
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");
    works(vkvm_domain_destroy(probe, 0, &err), &err, "it happens no more");
    works(vkvm_domain_undefine(probe, 0, &err), &err, "nor this");
    settle();
    ok(seen.calls == 1 && seen.destroyed == 1, "nobody is told");
    vkvm_domain_free(test);
    vkvm_domain_free(probe);
}

static void older_way(vkvm_conn *conn)
{
    struct seen seen = { .conn = conn }, second = { 0 };
    works(vkvm_conn_domain_event_register(conn, note_event, &seen, count_destroy, &err), &err,
          "domain_event_register");
    ok(vkvm_conn_domain_event_register(conn, note_event, &second, count_destroy, &err) == -1,
       "only once per connection");
    forget(&err);
    is_int(second.destroyed, 1, "a refused userdata is released");
    vkvm_domain *dom = define_probe(conn);
    has_seen(&seen, VKVM_DOMAIN_EVENT_DEFINED, VKVM_DOMAIN_EVENT_DEFINED_ADDED, "defined");
    ok(seen.right_conn && strcmp(seen.name, "probe") == 0, "with connection and domain");
    works(vkvm_conn_domain_event_deregister(conn, &err), &err, "domain_event_deregister");
    settle();
    ok(vkvm_conn_domain_event_deregister(conn, &err) == -1, "not twice");
    forget(&err);
    works(vkvm_domain_undefine(dom, 0, &err), &err, "undefine");
    settle();
    ok(seen.calls == 1 && seen.destroyed == 1 && second.destroyed == 1,
       "each userdata is released once");
    vkvm_domain_free(dom);
}

/* --- what a callback may do ------------------------------------------------ */

static void deregister_own(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                           void *userdata)
{
    struct seen *seen = userdata;
    note_event(conn, object, event_id, args, userdata);
    works(vkvm_conn_domain_event_deregister_any(conn, seen->registration, &err), &err,
          "a callback deregisters itself");
    is_int(seen->destroyed, 0, "its userdata lives until it returns");
}

static void close_own(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                      void *userdata)
{
    note_event(conn, object, event_id, args, userdata);
    works(vkvm_conn_close(conn, &err), &err, "a callback closes the connection");
    ok(((struct seen *)userdata)->destroyed == 0, "its userdata lives until it returns");
}

static void free_own(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                     void *userdata)
{
    bool alive = false;
    note_event(conn, object, event_id, args, userdata);
    vkvm_conn_free(conn);
    works(vkvm_conn_is_alive(conn, &alive, &err), &err,
          "the connection lives until the callback returns");
}

/* Lets something happen twice; the callback ends itself at the first. */
static void suicide(vkvm_event_callback callback, bool closes)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = NULL;
    struct seen seen = { .conn = conn };
    bool alive = false;

    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    works(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              callback, &seen, count_destroy,
                                              &seen.registration, &err),
          &err, "register_any");
    works(vkvm_domain_suspend(dom, &err), &err, "something happens");
    works(vkvm_domain_resume(dom, &err), &err, "twice");
    ok(wait_for(&seen.destroyed, 1), "the userdata is released");
    settle();
    ok(seen.calls == 1 && seen.destroyed == 1, "after one call, once");
    ok(seen.right_conn && strcmp(seen.name, "test") == 0, "which had connection and domain");
    if (closes)
        fails(vkvm_conn_is_alive(conn, &alive, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "conn",
              "the connection is closed");
    else
        works(vkvm_conn_is_alive(conn, &alive, &err), &err, "the connection is open");
    vkvm_domain_free(dom);
    if (!closes)
        vkvm_conn_free(conn);
    settle();
    is_int(seen.destroyed, 1, "it stays at once");
}

/* --- what goes wrong ------------------------------------------------------- */

static void refusals(vkvm_conn *conn)
{
    struct seen seen = { 0 };
    vkvm_domain *test = NULL;
    int id = -7;
    must(vkvm_conn_get_domain_by_name(conn, "test", &test, &err), err, "the domain");

    fails(vkvm_conn_domain_event_register_any(conn, NULL, 0, NULL, &seen, count_destroy, &id,
                                              &err),
          &err, VKVM_ERROR_OWN_NULL, "callback", "register_any without a callback");
    is_int(seen.destroyed, 1, "releases the userdata");
    fails(vkvm_conn_domain_event_register_any(NULL, NULL, 0, note_event, &seen, count_destroy,
                                              &id, &err),
          &err, VKVM_ERROR_OWN_NULL, "conn", "without a connection");
    is_int(seen.destroyed, 2, "releases the userdata");
    fails(vkvm_conn_domain_event_register_any(conn, (vkvm_domain *)conn, 0, note_event, &seen,
                                              count_destroy, &id, &err),
          &err, VKVM_ERROR_OWN_WRONG_CLASS, "dom", "with a connection for a domain");
    is_int(seen.destroyed, 3, "releases the userdata");
    fails(vkvm_conn_domain_event_register_any(conn, NULL, 4711, note_event, &seen, count_destroy,
                                              &id, &err),
          &err, VKVM_ERROR_ERR_INVALID_ARG, NULL, "for no kind of event that there is");
    is_int(seen.destroyed, 4, "releases the userdata");
    fails(vkvm_conn_domain_event_register_any(conn, test, 0, note_event, &seen, count_destroy,
                                              NULL, &err),
          &err, VKVM_ERROR_OWN_NULL, "callback_id", "without a place for the number");
    is_int(seen.destroyed, 5, "releases the userdata");
    is_int(id, -7, "a refused registration has no number");

    fails(vkvm_conn_domain_event_register(conn, NULL, &seen, count_destroy, &err), &err,
          VKVM_ERROR_OWN_NULL, "callback", "domain_event_register without a callback");
    is_int(seen.destroyed, 6, "releases the userdata");
    fails(vkvm_conn_register_close_callback(NULL, note_event, &seen, count_destroy, &err), &err,
          VKVM_ERROR_OWN_NULL, "conn", "register_close_callback without a connection");
    is_int(seen.destroyed, 7, "releases the userdata");
    fails(vkvm_event_add_timeout(1, NULL, &seen, count_destroy, &id, &err), &err,
          VKVM_ERROR_OWN_NULL, "callback", "add_timeout without a callback");
    is_int(seen.destroyed, 8, "releases the userdata");
    fails(vkvm_event_add_handle(0, 1, NULL, &seen, count_destroy, &id, &err), &err,
          VKVM_ERROR_OWN_NULL, "callback", "add_handle without a callback");
    is_int(seen.destroyed, 9, "releases the userdata");
    ok(vkvm_conn_domain_event_register_any(NULL, NULL, 0, note_event, &seen, NULL, &id, NULL) ==
           -1 && seen.destroyed == 9,
       "destroy and error may be NULL");
    is_int(seen.calls, 0, "nothing has called");
    vkvm_domain_free(test);
}

/* Frees the connection without a word to its registrations. */
static void forgotten(void (*end)(vkvm_conn *conn), const char *how)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    struct seen any = { .conn = conn }, old = { .conn = conn };
    int id = -1;
    works(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              note_event, &any, count_destroy, &id, &err),
          &err, "register_any");
    works(vkvm_conn_domain_event_register(conn, note_event, &old, count_destroy, &err), &err,
          "domain_event_register");
    end(conn);
    settle();
    ok(any.destroyed == 1 && old.destroyed == 1, "%s takes the registrations back", how);
    ok(any.calls == 0 && old.calls == 0, "nothing has called");
}

static void end_by_close(vkvm_conn *conn)
{
    vkvm_conn_close(conn, NULL);
}

/* The error names the function that chose the loop: in its text, and for bindings. */
static void refuses_loop(int result, const char *by, const char *what)
{
    has_text(vkvm_error_message(err), by, "the message names what chose the loop");
    is_str(vkvm_error_mentions(err), by, "which bindings can ask for");
    fails(result, &err, VKVM_ERROR_OWN_OTHER_EVENT_LOOP, NULL, what);
    ok(!vkvm_error_mentions(NULL), "no error names none");
}

/* A loop is chosen once. */
static void other_loops(void)
{
    struct seen seen = { 0 };
    vkvm_event_impl incomplete = own_functions;
    if (loop_is("own"))
        refuses_loop(vkvm_event_register_default(&err), "vkvm_event_register_impl",
                     "another loop is refused");
    else if (loop_is("thread"))
        works(vkvm_event_start(&err), &err, "the loop may be started again");
    else
        works(vkvm_event_register_default(&err), &err, "the loop may be registered again");
    if (!loop_is("thread"))
        refuses_loop(vkvm_event_start(&err),
                     loop_is("own") ? "vkvm_event_register_impl" : "vkvm_event_register_default",
                     "the library's thread is refused");
    if (!loop_is("default"))
        fails(vkvm_event_run_default(&err), &err, VKVM_ERROR_OWN_OTHER_EVENT_LOOP, NULL,
              "running the default loop is refused");
    fails(vkvm_event_register_impl(&own_functions, &seen, count_destroy, &err), &err,
          VKVM_ERROR_OWN_OTHER_EVENT_LOOP, NULL, "an own loop is refused now");
    is_int(seen.destroyed, 1, "its userdata is released");
    fails(vkvm_event_register_impl(NULL, &seen, count_destroy, &err), &err, VKVM_ERROR_OWN_NULL,
          "functions", "and none");
    incomplete.remove_timeout = NULL;
    fails(vkvm_event_register_impl(&incomplete, &seen, count_destroy, &err), &err,
          VKVM_ERROR_OWN_INVALID, "functions", "and one that lacks a function");
    is_int(seen.destroyed, 3, "the userdata is released each time");
}

int main(void)
{
    start_loop();
    other_loops();
    timers();
    watches();
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    all_domains(conn);
    one_domain(conn);
    lent_domains(conn);
    older_way(conn);
    refusals(conn);
    vkvm_conn_free(conn);
    suicide(deregister_own, false);
    suicide(close_own, true);
    suicide(free_own, true);
    forgotten(vkvm_conn_free, "the last free");
    forgotten(end_by_close, "close");
    settle();
    if (loop_is("thread"))
        works(vkvm_event_stop(&err), &err, "the loop is stopped");
    no_handles_left();
    return done();
}
