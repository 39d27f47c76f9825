/*
 * A program forks while all its threads are in the library: whatever they held, the child
 * uses values and errors, is refused what is its parent's, opens what it wants of its own,
 * frees all, and none of that waits.
 *
 * usage: hostile_fork URI (of a daemon)
 *
 * VKVM_FORKS is how often each case forks (60).
 *
 * bed: test-daemon URI_UNIX
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile.h"

enum { THREADS = 8, CHILD_SECONDS = 20 };

static const char *uri;
static int forks = 60;

/* What the parent has, and its threads use all the time. */
static struct {
    vkvm_conn *conn;
    vkvm_domain *dom;
    vkvm_value *value;
    vkvm_event_queue *queue;
    vkvm_host *host;
    vkvm_fleet *fleet;
    vkvm_stream *stream;
    vkvm_error *error;
} its;

static atomic_bool over;
static struct witness listener;

/* Each thread is in another part of the library. */
static void *be_busy(void *number)
{
    for (unsigned i = 0; !over; i++) {
        char key[32], *text = NULL;
        vkvm_value *value = NULL;
        vkvm_conn *conn = NULL;
        int id = -1;
        snprintf(key, sizeof key, "k%u", i % 50);
        switch ((int)(intptr_t)number) {
        case 0:
            vkvm_value_set_int64(its.value, key, i, NULL);
            break;
        case 1:
            if (vkvm_value_to_json(its.value, 0, &text, NULL) == 0)
                vkvm_string_free(text);
            break;
        case 2:
            vkvm_domain_suspend(its.dom, NULL);
            vkvm_domain_resume(its.dom, NULL);
            break;
        case 3:
            if (vkvm_conn_open(TEST_URI, 0, &conn, NULL) == 0)
                vkvm_conn_free(conn);
            break;
        case 4:
            if (vkvm_conn_open(uri, 0, &conn, NULL) == 0)
                vkvm_conn_free(conn);
            break;
        case 5:
            if (vkvm_conn_domain_event_register_any(its.conn, NULL, VKVM_DOMAIN_EVENT_ID_REBOOT,
                                                    on_any_event, &listener, NULL, &id, NULL) == 0)
                vkvm_conn_domain_event_deregister_any(its.conn, id, NULL);
            break;
        case 6:
            if (vkvm_event_queue_next(its.queue, 1, &value, NULL) == 0)
                vkvm_value_free(value);
            break;
        default:
            if (vkvm_host_call(its.host, "domain.info", NULL, &value, NULL) == 0)
                vkvm_value_free(value);
            if (vkvm_fleet_call(its.fleet, "hypervisor.uri", NULL, 1000, &value, NULL) == 0)
                vkvm_value_free(value);
        }
    }
    return NULL;
}

static void have_all(void)
{
    vkvm_error *err = NULL;
    vkvm_domain *nobody = NULL;
    const char *const uris[] = { uri };
    int id = -1;
    must(vkvm_event_start(&err), err, "the event thread");
    its.conn = open_conn(uri, 0);
    must(vkvm_conn_get_domain_by_name(its.conn, "test", &its.dom, &err), err, "the domain");
    must(vkvm_value_from_json("{\"a\":1}", &its.value, &err), err, "the value");
    must(vkvm_event_queue_new(100, &its.queue, &err), err, "the queue");
    must(vkvm_event_queue_domain_event_register_any(its.queue, its.conn, NULL,
                                                    VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &id, &err),
         err, "the queue's registration");
    must(vkvm_host_new(its.conn, &its.host, &err), err, "the host");
    must(vkvm_fleet_open(uris, 1, 20000, &its.fleet, &err), err, "the fleet");
    must(vkvm_conn_new_stream(its.conn, 0, &its.stream, &err), err, "the stream");
    vkvm_conn_get_domain_by_name(its.conn, "nobody", &nobody, &its.error);
}

/* --- what a child does; a number that is not 0 says what was wrong --------------------------- */

static int uses_values(void)
{
    vkvm_value *own = NULL;
    char *text = NULL;
    int64_t one = 0;
    if (vkvm_value_get_int64(its.value, "a", &one, NULL) < 0 || one != 1)
        return 1;
    if (vkvm_value_set_int64(its.value, "child", 1, NULL) < 0)
        return 2;
    if (vkvm_value_to_json(its.value, 0, &text, NULL) < 0)
        return 3;
    vkvm_string_free(text);
    if (vkvm_value_from_json("[1]", &own, NULL) < 0)
        return 4;
    vkvm_value_free(own);
    if (vkvm_error_code(its.error) != VKVM_ERROR_ERR_NO_DOMAIN || !vkvm_error_message(its.error)[0])
        return 5;
    return 0;
}

static int is_refused(void)
{
    char *name = NULL;
    vkvm_value *value = NULL;
    int64_t received = 0;
    uint8_t byte;
    int id = -1;
    return vkvm_conn_get_hostname(its.conn, &name, NULL) != -1                           ? 1
           : vkvm_domain_suspend(its.dom, NULL) != -1                                    ? 2
           : vkvm_host_call(its.host, "hypervisor.uri", NULL, &value, NULL) != -1        ? 3
           : vkvm_fleet_call(its.fleet, "hypervisor.uri", NULL, 500, &value, NULL) != -1 ? 4
           : vkvm_stream_recv(its.stream, 0, &byte, 1, &received, NULL) != -1            ? 5
           : vkvm_event_queue_next(its.queue, 0, &value, NULL) != -1                     ? 6
           : vkvm_conn_domain_event_register_any(its.conn, NULL, 0, on_any_event, &listener, NULL,
                                                 &id, NULL) != -1                        ? 7
                                                                                         : 0;
}

/* It works, or is an error: both in bounded time. */
static int opens_its_own(void)
{
    vkvm_conn *conn = NULL;
    vkvm_host *host = NULL;
    vkvm_fleet *fleet = NULL;
    vkvm_event_queue *queue = NULL;
    char *name = NULL;
    const char *const uris[] = { TEST_URI };
    if (vkvm_conn_open(TEST_URI, 0, &conn, NULL) == 0) {
        if (vkvm_conn_get_hostname(conn, &name, NULL) < 0)
            return 1;
        vkvm_string_free(name);
        vkvm_conn_free(conn);
    }
    if (vkvm_conn_open(uri, 0, &conn, NULL) == 0)
        vkvm_conn_free(conn);
    if (vkvm_host_open(TEST_URI, &host, NULL) == 0)
        vkvm_host_free(host);
    if (vkvm_fleet_open(uris, 1, 1000, &fleet, NULL) == 0)
        vkvm_fleet_free(fleet);
    if (vkvm_event_queue_new(5, &queue, NULL) == 0)
        vkvm_event_queue_free(queue);
    return 0;
}

static atomic_int ticks;

static void on_tick(int timer, void *userdata)
{
    (void)timer, (void)userdata;
    ticks++;
}

static int runs_a_loop(void)
{
    int timer = -1;
    bool started = true;
    if (vkvm_event_is_started(&started, NULL) < 0)
        return 1;
    vkvm_event_stop(NULL);
    if (vkvm_event_start(NULL) < 0)
        return 0; /* an error is right, too */
    if (vkvm_event_add_timeout(1, on_tick, NULL, NULL, &timer, NULL) < 0)
        return 2;
    return wait_until(&ticks, 3, PATIENCE) ? 0 : 3;
}

static int frees_all(void)
{
    vkvm_event_queue_free(its.queue);
    vkvm_stream_free(its.stream);
    vkvm_domain_free(its.dom);
    vkvm_host_free(its.host);
    vkvm_fleet_free(its.fleet);
    vkvm_conn_free(its.conn);
    vkvm_value_free(its.value);
    vkvm_error_free(its.error);
    return 0;
}

static int exits(void)
{
    exit(0);
}

/* --- forking ------------------------------------------------------------------------------------ */

static int (*in_child)(void);

static void fork_once(int round)
{
    int status = 0;
    pid_t child = fork(), ended = 0;
    if (child == 0)
        _exit(in_child());
    double deadline = now() + CHILD_SECONDS;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && now() < deadline)
        usleep(500);
    if (!expect(ended == child, "fork %d: the child hangs", round)) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    } else if (WIFSIGNALED(status)) {
        expect(false, "fork %d: the child was ended by signal %d", round, WTERMSIG(status));
    } else {
        expect(status == 0, "fork %d: the child failed at %d", round, WEXITSTATUS(status));
    }
}

static void forks_while_busy(void)
{
    pthread_t threads[THREADS];
    char *name = NULL;
    have_all();
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, be_busy, (void *)(intptr_t)i);
    for (int i = 0; i < forks && !case_failed; i++) {
        usleep((useconds_t)(200 + i % 7 * 300));
        fork_once(i);
    }
    over = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect(vkvm_conn_get_hostname(its.conn, &name, NULL) == 0, "the parent's connection is broken");
    vkvm_string_free(name);
}

static void forked(const char *name, int (*part)(void))
{
    in_child = part;
    survives(name, forks_while_busy);
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("VKVM_FORKS");
    if (argc != 2) {
        printf("Bail out! usage: hostile_fork URI\n");
        return 2;
    }
    uri = argv[1];
    if (wanted && atoi(wanted) > 0)
        forks = atoi(wanted);
    longest_case += forks;
    forked("children use values and errors, whatever threads held", uses_values);
    forked("children are refused what is their parent's", is_refused);
    forked("children open what they want, or are refused it", opens_its_own);
    forked("children run a loop of their own, or are refused it", runs_a_loop);
    forked("children free all that they have inherited", frees_all);
    forked("children exit", exits);
    return done();
}
