/*
 * Fork: a child cannot use the parent's connections, cannot harm them either,
 * and can use values, errors and connections of its own.
 *
 * usage: fork URI (of a daemon; the test driver is used in any case)
 *
 * bed: test-daemon URI_UNIX
 * tests: fork fork.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

static vkvm_error *err;

/* What parent and child both have. */
struct inherited {
    const char *uri;
    vkvm_conn *conn;
    vkvm_domain *dom;
    vkvm_value *value, *records; /* the latter holds handles of domains */
    vkvm_error *failure;
};

/* The child reports by its exit status: 0, or the line of the first check that failed. */
#define expect(condition) \
    do { \
        if (!(condition)) \
            _exit(__LINE__ % 255 + 1); \
    } while (0)

static bool is_forked(int returned, const char *parameter)
{
    bool right = returned == -1 && vkvm_error_code(err) == VKVM_ERROR_ERR_SYSTEM_ERROR &&
                 vkvm_error_domain(err) == VKVM_ERROR_FROM_RPC &&
                 vkvm_error_int1(err) == VKVM_ERROR_OWN_FORKED &&
                 vkvm_error_parameter(err) && strcmp(vkvm_error_parameter(err), parameter) == 0;
    forget(&err);
    return right;
}

static void child_calls_fail(const struct inherited *it)
{
    char *text = NULL;
    vkvm_value *info = NULL;
    vkvm_domain *dom = NULL;
    vkvm_domain **domains = NULL;
    size_t count = 0;
    bool alive = false;

    expect(is_forked(vkvm_conn_get_type(it->conn, &text, &err), "conn"));
    expect(is_forked(vkvm_conn_is_alive(it->conn, &alive, &err), "conn"));
    expect(is_forked(vkvm_conn_get_domain_by_name(it->conn, "test", &dom, &err), "conn"));
    expect(is_forked(vkvm_conn_list_all_domains(it->conn, 0, &domains, &count, &err), "conn"));
    expect(is_forked(vkvm_conn_get_all_domain_stats(it->conn, 0, NULL, 0, 0, &info, &err),
                     "conn"));
    expect(is_forked(vkvm_conn_close(it->conn, &err), "conn"));
    expect(is_forked(vkvm_domain_get_name(it->dom, &text, &err), "dom"));
    expect(is_forked(vkvm_domain_get_info(it->dom, &info, &err), "dom"));
    expect(is_forked(vkvm_domain_suspend(it->dom, &err), "dom"));
    expect(!text && !info && !dom && !domains);
}

static void child_uses_values(const struct inherited *it)
{
    char *json = NULL;
    vkvm_value *own = NULL;
    void *handle = NULL;
    expect(vkvm_value_to_json(it->value, 0, &json, &err) == 0);
    expect(strcmp(json, "{\"a\":[1,2]}") == 0);
    vkvm_string_free(json);
    expect(vkvm_value_set_string(it->value, "b", "child", &err) == 0);
    expect(vkvm_value_from_json("[true]", &own, &err) == 0);
    vkvm_value_free(own);
    expect(vkvm_error_code(it->failure) == VKVM_ERROR_ERR_NO_DOMAIN);
    expect(vkvm_error_message(it->failure)[0] != '\0');
    if (vkvm_value_get_handle(it->records, "0.dom", &handle, &err) == 0)
        vkvm_domain_free(handle);
    forget(&err);
}

static void child_opens_its_own(const struct inherited *it)
{
    vkvm_conn *conn = NULL;
    vkvm_domain *dom = NULL;
    char *name = NULL;
    expect(vkvm_conn_open(it->uri, 0, &conn, &err) == 0);
    expect(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err) == 0);
    expect(vkvm_domain_get_name(dom, &name, &err) == 0 && strcmp(name, "test") == 0);
    vkvm_string_free(name);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

static void child_frees(const struct inherited *it)
{
    vkvm_conn_ref(it->conn);
    vkvm_value_free(it->records);
    vkvm_value_free(it->value);
    vkvm_error_free(it->failure);
    vkvm_domain_free(it->dom);
    vkvm_conn_free(it->conn);
    vkvm_conn_free(it->conn);
    vkvm_domain_free(it->dom);
    expect(handles("value") == 0 && handles("error") == 0);
}

/* Runs a part in a child; `exits` with its exit handlers. */
static void in_child(void (*part)(const struct inherited *), const struct inherited *it,
                     bool exits, const char *name)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE); /* a child that hangs is a failure, too */
        part(it);
        if (exits)
            exit(0);
        _exit(0);
    }
    must(child < 0, NULL, "fork");
    waitpid(child, &status, 0);
    if (!ok(status == 0, "%s: %s", it->uri, name))
        diag("the child ended with status %d, signal %d", WEXITSTATUS(status),
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void grandchild(const struct inherited *it)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        child_calls_fail(it);
        child_frees(it);
        _exit(0);
    }
    waitpid(child, &status, 0);
    expect(status == 0);
}

/* The parent's handles go on working, whatever the child did. */
static void parent_goes_on(const struct inherited *it, const char *after)
{
    vkvm_value *info = NULL;
    char *name = NULL;
    bool alive = false;
    ok(vkvm_conn_is_alive(it->conn, &alive, &err) == 0 && alive, "%s: alive after %s", it->uri,
       after);
    forget(&err);
    works(vkvm_domain_get_info(it->dom, &info, &err), &err, "get_info asks the daemon");
    is_int(int_at(info, "state"), VKVM_DOMAIN_STATE_RUNNING, "which answers");
    vkvm_value_free(info);
    works(vkvm_domain_get_name(it->dom, &name, &err), &err, "get_name");
    is_own_str(name, "test", "the name");
}

/* With vkvm_library_reopen_after_fork, which only concerns later connections. */
static void child_has_its_own(const struct inherited *it)
{
    char *name = NULL;
    vkvm_value *info = NULL;
    vkvm_domain *dom = NULL;
    vkvm_stream *stream = NULL;
    bool alive = false;

    expect(vkvm_domain_get_info(it->dom, &info, &err) == 0);
    vkvm_value_free(info);
    expect(vkvm_domain_get_name(it->dom, &name, &err) == 0 && strcmp(name, "test") == 0);
    vkvm_string_free(name);
    expect(vkvm_conn_is_alive(it->conn, &alive, &err) == 0 && alive);
    expect(vkvm_conn_get_domain_by_name(it->conn, "test", &dom, &err) == 0);
    vkvm_domain_free(dom);
    expect(vkvm_conn_new_stream(it->conn, 0, &stream, &err) == 0);
    vkvm_stream_free(stream);
    expect(handles("conn") == 1 && handles("domain") == 1);
}

static void child_has_and_frees(const struct inherited *it)
{
    child_has_its_own(it);
    vkvm_domain_free(it->dom);
    vkvm_conn_free(it->conn);
    expect(handles("conn") == 0 && handles("domain") == 0);
}

static void grandchild_has_its_own(const struct inherited *it)
{
    int status = 0;
    child_has_its_own(it);
    pid_t child = fork();
    if (child == 0) {
        child_has_and_frees(it);
        _exit(0);
    }
    waitpid(child, &status, 0);
    expect(status == 0);
    child_has_and_frees(it);
}

static void reopened(const char *uri)
{
    struct inherited it = { .uri = uri };
    struct inherited other = { .uri = uri, .conn = open_conn(uri, 0) };
    must(vkvm_conn_get_domain_by_name(other.conn, "test", &other.dom, &err), err, "the domain");
    must(vkvm_library_reopen_after_fork(1, &err), err, "reopening");
    it.conn = open_conn(uri, 0);
    must(vkvm_conn_get_domain_by_name(it.conn, "test", &it.dom, &err), err, "the domain");
    in_child(child_calls_fail, &other, false, "not reopened: what was opened before");
    vkvm_domain_free(other.dom);
    vkvm_conn_free(other.conn);

    in_child(child_has_its_own, &it, false, "reopened: a child uses what it has inherited");
    parent_goes_on(&it, "a child with a connection of its own");
    in_child(child_has_and_frees, &it, false, "reopened: and frees it");
    in_child(child_has_and_frees, &it, true, "reopened: and exits");
    in_child(child_has_its_own, &it, true, "reopened: and exits without freeing");
    parent_goes_on(&it, "children with connections of their own");
    in_child(grandchild_has_its_own, &it, false, "reopened: so does a grandchild");
    parent_goes_on(&it, "a grandchild with a connection of its own");

    must(vkvm_library_reopen_after_fork(0, &err), err, "no reopening");
    vkvm_domain_free(it.dom);
    vkvm_conn_free(it.conn);
    /* Those that get the memory of one that is; nearly each does. */
    for (int i = 0; i < 4; i++) {
        must(vkvm_library_reopen_after_fork(1, &err), err, "reopening");
        vkvm_conn_free(open_conn(uri, 0));
        must(vkvm_library_reopen_after_fork(0, &err), err, "no reopening");
        it.conn = open_conn(uri, 0);
        must(vkvm_conn_get_domain_by_name(it.conn, "test", &it.dom, &err), err, "the domain");
        in_child(child_calls_fail, &it, false, "not reopened: what is opened afterwards");
        vkvm_domain_free(it.dom);
        vkvm_conn_free(it.conn);
    }
}

static void with_uri(const char *uri)
{
    struct inherited it = { .uri = uri, .conn = open_conn(uri, 0) };
    vkvm_domain *nobody = NULL;
    must(vkvm_conn_get_domain_by_name(it.conn, "test", &it.dom, &err), err, "the domain");
    must(vkvm_value_from_json("{\"a\":[1,2]}", &it.value, &err), err, "a value");
    must(vkvm_conn_get_all_domain_stats(it.conn, 0, NULL, 0, 0, &it.records, &err), err, "stats");
    vkvm_conn_get_domain_by_name(it.conn, "nobody", &nobody, &it.failure);

    in_child(child_calls_fail, &it, false, "calls with inherited handles fail");
    parent_goes_on(&it, "a child that called");
    in_child(child_uses_values, &it, false, "values and errors work in a child");
    in_child(child_opens_its_own, &it, false, "a child opens a connection of its own");
    parent_goes_on(&it, "a child that used the daemon");
    in_child(child_frees, &it, false, "a child frees all it has inherited");
    parent_goes_on(&it, "a child that freed");
    in_child(child_frees, &it, true, "a child frees all, and exits");
    in_child(child_calls_fail, &it, true, "a child that frees nothing exits");
    parent_goes_on(&it, "children that exited");
    in_child(grandchild, &it, false, "so it is in the child of a child");
    parent_goes_on(&it, "a grandchild");

    vkvm_value_free(it.records);
    vkvm_value_free(it.value);
    vkvm_error_free(it.failure);
    vkvm_domain_free(it.dom);
    vkvm_conn_free(it.conn);
    reopened(uri);
}

/* --- the thread that runs the loop stays with the parent --------------------------- */

static void on_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args, (void)userdata;
}

static void count_release(void *userdata)
{
    ++*(int *)userdata;
}

static bool is_left_behind(int returned)
{
    bool right = returned == -1 && vkvm_error_code(err) == VKVM_ERROR_OWN_OTHER_EVENT_LOOP &&
                 strstr(vkvm_error_message(err), "forked");
    if (!right)
        diag("returned %d: %s", returned, err ? vkvm_error_message(err) : "(without an error)");
    forget(&err);
    return right;
}

static void child_cannot_listen(const struct inherited *it)
{
    vkvm_conn *conn = open_conn(it->uri, 0);
    int id = 0, released = 0;
    expect(is_left_behind(vkvm_conn_domain_event_register_any(
        conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, on_event, &released, count_release, &id, &err)));
    expect(is_left_behind(vkvm_conn_domain_event_register(conn, on_event, &released, count_release,
                                                          &err)));
    expect(is_left_behind(vkvm_conn_network_event_register_any(
        conn, NULL, VKVM_NETWORK_EVENT_ID_LIFECYCLE, on_event, &released, count_release, &id,
        &err)));
    expect(is_left_behind(vkvm_conn_register_close_callback(conn, on_event, &released,
                                                            count_release, &err)));
    expect(is_left_behind(vkvm_conn_qemu_monitor_event_register(
        conn, NULL, NULL, on_event, &released, count_release, 0, &id, &err)));
    expect(is_left_behind(vkvm_conn_enable_resume(conn, 1000, on_event, &released, count_release,
                                                  &err)));
    expect(released == 6);
    vkvm_conn_free(conn);
}

static void left_behind(const char *uri)
{
    struct inherited it = { .uri = uri };
    must(vkvm_event_start(&err), err, "event_start");
    in_child(child_cannot_listen, &it, false, "a child of who has the event thread cannot listen");
    works(vkvm_event_stop(&err), &err, "event_stop");
}

int main(int argc, char **argv)
{
    with_uri(TEST_URI);
    if (argc > 1)
        with_uri(argv[1]);
    else
        skip("with a daemon", "no URI was given");
    if (getenv("VKVM_UNDER_VALGRIND"))
        skip("a child without the event thread", "what that thread holds is lost in the child");
    else
        left_behind(TEST_URI);
    no_handles_left();
    return done();
}
