/*
 * Hangs: what would wait for itself for ever if the library held its locks
 * too long, and what is called without an event loop. Each runs in a process
 * of its own, which has PATIENCE.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"

static vkvm_error *err;
static vkvm_value *value;

/* Runs a part in a child, whose exit status is 0 when all went well. */
static void in_time(int (*part)(void), const char *name)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        _exit(part());
    }
    must(child < 0, NULL, "fork");
    waitpid(child, &status, 0);
    if (!ok(status == 0, "%s", name))
        diag(WIFSIGNALED(status) ? "signal %d (%d is the time limit)" : "status %d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), SIGALRM);
}

/* --- without an event loop --------------------------------------------------- */

/* Each as the first call of its process, before libvirt was used at all. */

static int run_cold(void)
{
    return vkvm_event_run_default(&err) == -1 && err ? 0 : 1;
}

static int remove_cold(void)
{
    bool right = vkvm_event_remove_timeout(1, &err) == -1 && err;
    forget(&err);
    right &= vkvm_event_remove_handle(1, &err) == -1 && err;
    return right ? 0 : 1;
}

static int update_cold(void)
{
    bool harmless = vkvm_event_update_timeout(1, 1, &err) == 0 && !err;
    return harmless && vkvm_event_update_handle(1, 1, &err) == 0 && !err ? 0 : 1;
}

static int version_cold(void)
{
    uint64_t version = 0;
    return vkvm_library_get_libvirt_version(&version, &err) == 0 && version > 0 ? 0 : 1;
}

/* This one has used libvirt. */
static int run_without_loop(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    bool right = vkvm_event_run_default(&err) == -1 && err;
    vkvm_conn_free(conn);
    return right ? 0 : 1;
}

static int add_without_loop(void)
{
    struct seen seen = { 0 };
    int number = -7;
    bool right = vkvm_event_add_timeout(1, no_op, &seen, count_destroy, &number, &err) == -1 &&
                 err && seen.destroyed == 1 && number == -7;
    forget(&err);
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    right &= vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                                 note_event, &seen, count_destroy, &number,
                                                 &err) == -1 &&
             err && seen.destroyed == 2 && number == -7;
    return right ? 0 : 1;
}

/* --- a value whose parts talk back --------------------------------------------- */

static void read_value(void *userdata)
{
    char *json = NULL;
    if (vkvm_value_to_json(value, 0, &json, NULL) == 0)
        (*(int *)userdata)++;
    vkvm_string_free(json);
}

/* The value has the last hold on a connection, whose callback knows the value. */
static int replace_last_hold(void)
{
    int read = 0, id = -1;
    start_loop();
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             note_event, &read, read_value, &id, &err),
         err, "register_any");
    must(vkvm_value_new_map(&value, &err), err, "new_map");
    must(vkvm_value_set_handle(value, "conn", conn, &err), err, "set_handle");
    vkvm_conn_free(conn);
    must(vkvm_value_set_null(value, "conn", &err), err, "set_null");
    return read == 1 ? 0 : 1;
}

static int remove_last_hold(void)
{
    int read = 0, id = -1;
    start_loop();
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             note_event, &read, read_value, &id, &err),
         err, "register_any");
    must(vkvm_value_new_map(&value, &err), err, "new_map");
    must(vkvm_value_set_handle(value, "conn", conn, &err), err, "set_handle");
    vkvm_conn_free(conn);
    must(vkvm_value_remove(value, "conn", &err), err, "remove");
    return read == 1 ? 0 : 1;
}

/* A visitor that reads the value while another thread waits to change it. */

static pid_t writer_number;

static void *change(void *argument)
{
    __atomic_store_n(&writer_number, gettid(), __ATOMIC_SEQ_CST);
    vkvm_value_set_string(value, "0", "changed", NULL);
    return argument;
}

static void on_null(void *userdata)
{
    pthread_t *writer = userdata;
    size_t length = 0;
    must(pthread_create(writer, NULL, change, NULL), NULL, "pthread_create");
    wait_for_sleep(&writer_number);
    must(vkvm_value_get_length(value, NULL, &length, &err), err, "get_length");
}

static void ignore_count(void *userdata, size_t count)
{
    (void)userdata, (void)count;
}

static void ignore_end(void *userdata)
{
    (void)userdata;
}

/* The value has nulls only, so that most members are not reached. */
static void never(void)
{
    _exit(2);
}

static int read_while_visited(void)
{
    pthread_t writer;
    union {
        vkvm_value_visitor visitor;
        void (*members[sizeof(vkvm_value_visitor) / sizeof(void (*)(void))])(void);
    } it;
    for (size_t i = 0; i < sizeof it.members / sizeof *it.members; i++)
        it.members[i] = never;
    it.visitor.null = on_null;
    it.visitor.list = ignore_count;
    it.visitor.end = ignore_end;
    must(vkvm_value_from_json("[null]", &value, &err), err, "from_json");
    must(vkvm_value_visit(value, NULL, &it.visitor, &writer, &err), err, "visit");
    pthread_join(writer, NULL);
    return 0;
}

/* --- a value in itself ----------------------------------------------------------- */

static int holds_itself(void)
{
    must(vkvm_value_new_map(&value, &err), err, "new_map");
    if (vkvm_value_set_handle(value, "me", value, &err) < 0)
        forget(&err); /* refusing it is fine */
    vkvm_value_free(value);
    return handles("value") == 0 ? 0 : 1;
}

int main(void)
{
    in_time(run_cold, "running no loop is an error");
    in_time(remove_cold, "removing nothing is an error");
    in_time(update_cold, "changing nothing is harmless");
    in_time(version_cold, "versions need no preparation");
    in_time(run_without_loop, "running no loop is an error with a connection, too");
    in_time(add_without_loop, "so is waiting for its events; the userdata is released");
    in_time(replace_last_hold, "a destroy notify may read the value that is being set");
    in_time(remove_last_hold, "or from which something is being removed");
    in_time(read_while_visited, "a visitor may read the value, whoever waits to change it");
    in_time(holds_itself, "a value that has its own handle can be freed");
    return done();
}
