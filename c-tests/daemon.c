/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A real daemon with the test driver, over its UNIX socket and over TCP:
 * everything as in this process, and what happens when the daemon stops
 * answering or dies.
 *
 * usage: daemon URI_UNIX URI_TCP PID [no-loop|amid-a-call]
 *
 * PID is the daemon, which is killed at the end.
 *
 * bed: test-daemon URI_UNIX URI_TCP PID
 * tests: daemon daemon.own daemon.thread daemon_no_loop daemon_calls daemon_calls.own
 * tests: daemon_calls.thread daemon.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "daemons.h"
#include "events.h"

static vkvm_error *err;

static void host(vkvm_conn *conn)
{
    char *text = NULL;
    uint64_t version = 0;
    vkvm_value *value = NULL;
    works(vkvm_conn_get_type(conn, &text, &err), &err, "get_type");
    is_own_str(text, "TEST", "the type");
    works(vkvm_conn_get_hostname(conn, &text, &err), &err, "get_hostname");
    vkvm_string_free(text);
    works(vkvm_conn_get_version(conn, &version, &err), &err, "get_version");
    is_int((int64_t)version, 2, "the version");
    works(vkvm_conn_get_library_version(conn, &version, &err), &err, "get_library_version");
    ok(version >= 7000000, "of the daemon's libvirt");
    works(vkvm_conn_get_node_info(conn, &value, &err), &err, "get_node_info");
    is_int(int_at(value, "cpus"), 16, "the CPUs of the test driver's host");
    vkvm_value_free(value);
    works(vkvm_conn_get_node_cpu_stats(conn, VKVM_NODE_CPU_STATS_ALL_CPUS, 0, &value, &err), &err,
          "get_node_cpu_stats");
    ok(int_at(value, VKVM_NODE_CPU_STATS_USER) > 0, "user time");
    vkvm_value_free(value);
    works(vkvm_conn_get_capabilities(conn, &text, &err), &err, "get_capabilities");
    has_text(text, "<capabilities>", "the capabilities");
    vkvm_string_free(text);
}

static void link_state(vkvm_conn *conn, const char *uri, bool secure)
{
    char *text = NULL;
    bool truth = false;
    works(vkvm_conn_get_uri(conn, &text, &err), &err, "get_uri");
    is_own_str(text, uri, "the URI is the one that was opened");
    works(vkvm_conn_is_alive(conn, &truth, &err), &err, "is_alive");
    ok(truth, "it is alive");
    works(vkvm_conn_is_secure(conn, &truth, &err), &err, "is_secure");
    ok(truth == secure, "it is %s", secure ? "secure" : "not secure");
    works(vkvm_conn_is_encrypted(conn, &truth, &err), &err, "is_encrypted");
    ok(!truth, "it is not encrypted");
    works(vkvm_conn_set_keep_alive(conn, 5, 3, &err), &err, "set_keep_alive");
    works(vkvm_conn_set_keep_alive(conn, 0, 0, &err), &err, "and no more");
}

static void lookups(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL, **domains = NULL;
    size_t count = 0;
    int *ids = NULL, running = -1;
    works(vkvm_conn_get_domain_by_uuid(conn, TEST_UUID, 36, &dom, &err), &err, "by uuid");
    vkvm_domain_free(dom);
    works(vkvm_conn_get_domain_by_id(conn, 1, &dom, &err), &err, "by id");
    vkvm_domain_free(dom);
    fails(vkvm_conn_get_domain_by_name(conn, "nonesuch", &dom, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN, NULL, "no such domain");
    works(vkvm_conn_list_all_domains(conn, 0, &domains, &count, &err), &err, "list_all_domains");
    is_int((int64_t)count, 1, "one domain");
    vkvm_domain_list_free(domains, count);
    works(vkvm_conn_list_domain_ids(conn, 10, &ids, &count, &err), &err, "list_domain_ids");
    ok(count == 1 && ids[0] == 1, "its id");
    vkvm_int_list_free(ids, count);
    works(vkvm_conn_num_of_domains(conn, &running, &err), &err, "num_of_domains");
    is_int(running, 1, "it runs");
}

static void life(vkvm_conn *conn)
{
    struct seen seen = { .conn = conn };
    int id = -1, state = -1, reason = -1;
    vkvm_value *value = NULL;
    works(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              note_event, &seen, count_destroy, &id, &err),
          &err, "register_any");
    vkvm_domain *dom = define_probe(conn);
    ok(wait_for(&seen.calls, 1) && seen.event == VKVM_DOMAIN_EVENT_DEFINED, "defined");
    works(vkvm_domain_create(dom, 0, &err), &err, "create");
    ok(wait_for(&seen.calls, 2) && seen.event == VKVM_DOMAIN_EVENT_STARTED, "started");
    works(vkvm_domain_get_state(dom, 0, &state, &reason, &err), &err, "get_state");
    ok(state == VKVM_DOMAIN_STATE_RUNNING && reason == VKVM_DOMAIN_STATE_RUNNING_BOOTED,
       "it runs");
    works(vkvm_domain_get_info(dom, &value, &err), &err, "get_info");
    is_int(int_at(value, "memory"), 65536, "its memory");
    vkvm_value_free(value);
    works(vkvm_conn_get_all_domain_stats(conn, 0, &dom, 1, 0, &value, &err), &err, "its stats");
    is_int(int_at(value, "0.data.state.state"), VKVM_DOMAIN_STATE_RUNNING, "it runs");
    vkvm_value_free(value);
    works(vkvm_domain_get_scheduler_parameters(dom, 0, &value, &err), &err,
          "get_scheduler_parameters");
    works(vkvm_domain_set_scheduler_parameters(dom, value, 0, &err), &err,
          "set_scheduler_parameters");
    vkvm_value_free(value);
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    ok(wait_for(&seen.calls, 3) && seen.event == VKVM_DOMAIN_EVENT_STOPPED, "stopped");
    works(vkvm_domain_undefine(dom, 0, &err), &err, "undefine");
    ok(wait_for(&seen.calls, 4) && seen.event == VKVM_DOMAIN_EVENT_UNDEFINED, "undefined");
    ok(strcmp(seen.name, "probe") == 0 && seen.right_conn, "with domain and connection");
    vkvm_domain_free(dom);
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");
    settle();
    is_int(seen.destroyed, 1, "the userdata is released once");
}

/* --- the end of a connection ---------------------------------------------- */

static void note_close(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                       void *userdata)
{
    struct seen *seen = userdata;
    (void)event_id;
    seen->right_conn = conn == seen->conn && !object;
    seen->detail = (int)int_at(args, "reason");
    count_one(&seen->calls);
}

static void registrations(const char *uri)
{
    vkvm_conn *conn = open_conn(uri, 0);
    struct seen seen = { .conn = conn }, second = { 0 };
    works(vkvm_conn_register_close_callback(conn, note_close, &seen, count_destroy, &err), &err,
          "register_close_callback");
    ok(vkvm_conn_register_close_callback(conn, note_close, &second, count_destroy, &err) == -1,
       "only once per connection");
    forget(&err);
    is_int(second.destroyed, 1, "a refused userdata is released");
    works(vkvm_conn_unregister_close_callback(conn, &err), &err, "unregister_close_callback");
    settle();
    is_int(seen.destroyed, 1, "its userdata is released");
    ok(vkvm_conn_unregister_close_callback(conn, &err) == -1, "not twice");
    forget(&err);
    works(vkvm_conn_register_close_callback(conn, note_close, &seen, count_destroy, &err), &err,
          "once more");
    vkvm_conn_free(conn);
    settle();
    is_int(seen.destroyed, 2, "freeing the connection releases it, too");
    is_int(seen.calls, 0, "to close it oneself is no event");
}

/* After the end the connection fails at once, and says so. */
static void is_dead(vkvm_conn *conn, vkvm_domain *dom)
{
    vkvm_domain *other = NULL;
    vkvm_value *info = NULL;
    bool alive = true;
    double begin = now();
    works(vkvm_conn_is_alive(conn, &alive, &err), &err, "is_alive");
    ok(!alive, "it is not alive");
    ok(vkvm_conn_get_domain_by_name(conn, "test", &other, &err) == -1, "a lookup fails");
    diag("%s", vkvm_error_message(err));
    forget(&err);
    ok(vkvm_domain_get_info(dom, &info, &err) == -1, "its domain fails");
    forget(&err);
    ok(now() - begin < PATIENCE, "they do not wait");
}

/* --- streams whose connection breaks ----------------------------------------- */

enum {
    READS = VKVM_STREAM_EVENT_READABLE,
    WRITES = VKVM_STREAM_EVENT_WRITABLE,
    ENDS = VKVM_STREAM_EVENT_ERROR | VKVM_STREAM_EVENT_HANGUP,
};

/* Each set of events that a callback may listen to, on a stream with data that nobody
   receives and on one whose data have been, non-blocking and not. */
static const int awaited[] = { READS, WRITES, READS | WRITES, ENDS, READS | ENDS, WRITES | ENDS,
                               READS | WRITES | ENDS };

enum { SETS = sizeof awaited / sizeof *awaited, STREAMS = SETS * 4 };

struct listened {
    vkvm_stream *stream;
    int events;             /* what it listens to */
    bool unread, nonblock;
    int broken, destroyed;  /* how often it was told of the end, and released */
    int told;               /* what with the end */
};

/* How many were told of the end so far. */
static int ends_told;

static void note_stream(vkvm_stream *stream, int events, void *userdata)
{
    struct listened *listened = userdata;
    (void)stream;
    if (events & ENDS) {
        listened->told = events;
        count_one(&listened->broken);
        count_one(&ends_told);
    }
}

static void release_stream(void *userdata)
{
    count_one(&((struct listened *)userdata)->destroyed);
}

/* Receives until nothing comes any more. Gives how much it was, and what came last. */
static int64_t receive_rest(vkvm_stream *stream, int64_t *last)
{
    static uint8_t room[65536];
    int64_t total = 0;
    int returned;
    while ((returned = vkvm_stream_recv(stream, 0, room, sizeof room, last, NULL)) == 0 &&
           (*last > 0 || *last == VKVM_STREAM_WOULD_BLOCK))
        total += *last > 0 ? *last : (turn(), 0);
    if (returned < 0)
        *last = -1;
    return total;
}

static void listen_to_streams(vkvm_conn *conn, vkvm_domain *dom, struct listened *streams)
{
    ends_told = 0;
    for (int i = 0; i < STREAMS; i++) {
        struct listened *listened = &streams[i];
        vkvm_stream *stream = NULL;
        char *type = NULL;
        int64_t end = -1;
        *listened = (struct listened){ .events = awaited[i / 4], .unread = i & 1,
                                       .nonblock = i & 2 };
        must(vkvm_conn_new_stream(conn, listened->nonblock ? VKVM_STREAM_NONBLOCK : 0, &stream,
                                  &err), err, "a stream");
        must(vkvm_domain_screenshot(dom, stream, 0, 0, &type, &err), err, "a screenshot");
        vkvm_string_free(type);
        if (!listened->unread)
            must(receive_rest(stream, &end) > 0 && end == 0 ? 0 : -1, NULL, "receiving it");
        must(vkvm_stream_add_callback(stream, listened->events, note_stream, listened,
                                      release_stream, &err), err, "listening to a stream");
        listened->stream = stream;
    }
}

static void streams_have_ended(struct listened *streams)
{
    wait_for(&ends_told, STREAMS);
    settle();
    for (int i = 0; i < STREAMS; i++) {
        struct listened *listened = &streams[i];
        int64_t last, rest;
        char name[100];
        snprintf(name, sizeof name, "listening to %d, %s data, %s", listened->events,
                 listened->unread ? "with unread" : "without",
                 listened->nonblock ? "non-blocking" : "blocking");
        if (!ok(read_count(&listened->broken) == 1 && (listened->told & ENDS) == ENDS,
                "%s: told of the end, once", name))
            diag("%d times, %d", read_count(&listened->broken), listened->told);
        if (listened->nonblock && listened->unread && listened->events & READS)
            ok(listened->told & READS, "%s: and of the data that wait", name);
        rest = receive_rest(listened->stream, &last);
        ok((rest > 0) == listened->unread, "%s: what had come can be received", name);
        vkvm_stream_free(listened->stream);
        /* The loop's thread may be in the callback. */
        ok(wait_for(&listened->destroyed, 1), "its userdata is released");
    }
}

/* Ends the daemon's answers by a signal and looks at what the client is told. */
static void ending(const char *uri, pid_t daemon, int signal, int reason)
{
    vkvm_conn *conn = open_conn(uri, 0);
    vkvm_domain *dom = NULL;
    struct seen closed = { .conn = conn }, events = { .conn = conn };
    static struct listened streams[STREAMS];
    int id = -1;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    listen_to_streams(conn, dom, streams);
    works(vkvm_conn_register_close_callback(conn, note_close, &closed, count_destroy, &err), &err,
          "register_close_callback");
    works(vkvm_conn_domain_event_register_any(conn, dom, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              note_event, &events, count_destroy, &id, &err),
          &err, "and another callback");
    /* So patiently that a daemon which gets no CPU for a while is not taken for dead. */
    if (signal == SIGKILL)
        works(vkvm_conn_set_keep_alive(conn, 1, PATIENCE, &err), &err, "set_keep_alive");
    for (double end = now() + 1.5; now() < end;)
        turn();
    ok(read_count(&closed.calls) == 0 && read_count(&ends_told) == 0,
       "while the daemon answers, nothing happens");
    ok(kill(daemon, signal) == 0, "signal %d for the daemon", signal);
    if (signal == SIGSTOP)
        works(vkvm_conn_set_keep_alive(conn, 1, 1, &err), &err, "set_keep_alive");
    ok(wait_for(&closed.calls, 1), "the callback is told in time");
    streams_have_ended(streams);
    ok(closed.calls == 1 && closed.right_conn, "once, of its connection");
    /* A daemon that is killed may be noticed by reading or by writing. */
    if (!ok(closed.detail == reason ||
                (signal == SIGKILL && closed.detail == VKVM_CLOSE_REASON_ERROR),
            "the reason"))
        diag("it is %d", closed.detail);
    is_dead(conn, dom);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    settle();
    ok(closed.destroyed == 1 && events.destroyed == 1, "each userdata is released once");
}

/* --- in the middle of a call ------------------------------------------------- */

struct call {
    vkvm_conn *conn;
    int returned, done;
    double seconds;
};

static void *look_up(void *argument)
{
    struct call *call = argument;
    vkvm_domain *dom = NULL;
    double begin = now();
    call->returned = vkvm_conn_get_domain_by_name(call->conn, "test", &dom, NULL);
    call->seconds = now() - begin;
    vkvm_domain_free(dom);
    __atomic_store_n(&call->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* A call is waiting for an answer that will not come: the daemon is stopped, and
   then killed, or found dead by the lack of answers to keepalive. */
static void amid_a_call(const char *uri, pid_t daemon, bool killed)
{
    vkvm_conn *conn = open_conn(uri, 0);
    struct seen closed = { .conn = conn };
    struct call call = { .conn = conn };
    pthread_t thread;
    works(vkvm_conn_register_close_callback(conn, note_close, &closed, count_destroy, &err), &err,
          "register_close_callback");
    ok(kill(daemon, SIGSTOP) == 0, "the daemon is stopped");
    must(pthread_create(&thread, NULL, look_up, &call), NULL, "pthread_create");
    for (double end = now() + 0.3; now() < end;)
        turn();
    is_int(read_count(&call.done), 0, "a call waits for it");
    if (killed)
        ok(kill(daemon, SIGKILL) == 0, "the daemon is killed");
    else
        works(vkvm_conn_set_keep_alive(conn, 1, 1, &err), &err, "set_keep_alive");
    wait_for(&call.done, 1);
    pthread_join(thread, NULL);
    ok(call.returned == -1 && call.seconds < PATIENCE, "the call fails in time");
    diag("after %.1f s", call.seconds);
    ok(wait_for(&closed.calls, 1), "the close callback is told");
    ok(closed.detail == (killed ? VKVM_CLOSE_REASON_EOF : VKVM_CLOSE_REASON_KEEPALIVE) ||
           (killed && closed.detail == VKVM_CLOSE_REASON_ERROR),
       "the reason");
    if (!killed)
        ok(kill(daemon, SIGCONT) == 0, "the daemon goes on");
    is_dead(conn, NULL);
    vkvm_conn_free(conn);
    settle();
    is_int(closed.destroyed, 1, "the userdata is released once");
}

/* How many connections the daemon has accepted on its socket: its ends have the socket's
   name. */
static int clients_at(const char *uri)
{
    const char *path = strstr(uri, "socket=") + strlen("socket=");
    char line[512], name[256];
    unsigned state;
    int count = 0;
    FILE *file = fopen("/proc/net/unix", "r");
    while (file && fgets(line, sizeof line, file))
        count += sscanf(line, "%*s %*s %*s %*s %*s %x %*s %255s", &state, name) == 2 &&
                 state == 3 && strcmp(name, path) == 0;
    if (file)
        fclose(file);
    return count;
}

static void wait_for_clients(const char *uri, int wanted)
{
    for (double end = now() + PATIENCE; clients_at(uri) != wanted && now() < end;)
        turn();
}

/* What was registered, and ended, does not keep the daemon's side open. */
static void gone_there(const char *uri)
{
    int id = -1;
    wait_for_clients(uri, 0); /* that which started the daemon */
    vkvm_conn *conn = open_conn(uri, 0);
    vkvm_event_queue *queue = NULL;
    struct seen seen = { .conn = conn };
    is_int(clients_at(uri), 1, "the daemon has a client");
    must(vkvm_event_queue_new(10, &queue, &err), err, "event_queue_new");
    works(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              note_event, &seen, count_destroy, &id, &err),
          &err, "register_any");
    works(vkvm_conn_network_event_register_any(conn, NULL, VKVM_NETWORK_EVENT_ID_LIFECYCLE,
                                               note_event, &seen, count_destroy, &id, &err),
          &err, "of networks, too");
    works(vkvm_event_queue_storage_pool_event_register_any(
              queue, conn, NULL, VKVM_STORAGE_POOL_EVENT_ID_LIFECYCLE, &id, &err),
          &err, "and of pools through a queue");
    works(vkvm_conn_register_close_callback(conn, note_close, &seen, count_destroy, &err), &err,
          "register_close_callback");
    vkvm_domain *probe = define_probe(conn);
    works(vkvm_domain_undefine(probe, 0, &err), &err, "something happens");
    vkvm_domain_free(probe);
    vkvm_conn_free(conn);
    wait_for_clients(uri, 0);
    is_int(clients_at(uri), 0, "after the last free it is gone");
    settle();
    is_int(seen.destroyed, 3, "each userdata is released once");
    vkvm_event_queue_free(queue);
}

/* The daemon is killed, nobody has looked, and a call writes to it. */
static void without_looking(const char *uri, pid_t daemon)
{
    vkvm_conn *conn = open_conn(uri, 0);
    bool dead = false;
    kill(daemon, SIGKILL);
    for (double end = now() + PATIENCE; now() < end; usleep(1000)) {
        char state = thread_state(daemon, daemon);
        if (!state || state == 'Z')
            break;
    }
    for (int i = 0; i < 3; i++) {
        int count = 0;
        dead |= vkvm_conn_num_of_domains(conn, &count, NULL) == -1;
    }
    ok(dead, "a call fails, and the program goes on");
    vkvm_conn_free(conn);
    no_handles_left();
}

/* --- a daemon that is stopped ----------------------------------------------- */

/* The end of its registrations is told to the daemon, for which nobody waits where calls have a
   limit. */
static void freeing_a_queue(const char *uri, pid_t daemon)
{
    vkvm_conn *conn = open_conn(uri, 0);
    vkvm_event_queue *queue = NULL;
    int id = -1;
    must(vkvm_conn_set_call_timeout(conn, 1000 * PATIENCE, &err), err, "a limit");
    must(vkvm_event_queue_new(10, &queue, &err), err, "event_queue_new");
    works(vkvm_event_queue_domain_event_register_any(queue, conn, NULL,
                                                     VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &id, &err),
          &err, "a queue is registered");
    stop_for_a_while(daemon);
    vkvm_event_queue_free(queue);
    ok(!was_waited_for, "it is freed without waiting for a daemon that is stopped");
    fails(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, VKVM_ERROR_OWN_INVALID,
          "callback_id", "its registration has ended");
    continue_daemon();
    must(vkvm_event_queue_new(10, &queue, &err), err, "event_queue_new");
    works(vkvm_event_queue_domain_event_register_any(queue, conn, NULL,
                                                     VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &id, &err),
          &err, "another queue is registered");
    vkvm_domain *probe = define_probe(conn);
    size_t length = 0;
    for (double end = now() + PATIENCE; length == 0 && now() < end; turn())
        must(vkvm_event_queue_get_length(queue, &length, &err), err, "get_length");
    ok(length > 0, "which gets events");
    works(vkvm_domain_undefine(probe, 0, &err), &err, "undefine");
    vkvm_domain_free(probe);
    vkvm_conn_free(conn);
    vkvm_event_queue_free(queue);
}

static void slice(const char *uri, bool secure)
{
    vkvm_conn *conn = open_conn(uri, 0);
    diag("%s", secure ? "over the UNIX socket" : "over TCP");
    host(conn);
    link_state(conn, uri, secure);
    lookups(conn);
    life(conn);
    vkvm_conn_free(conn);
}

int main(int argc, char **argv)
{
    vkvm_conn *conn = NULL;
    if (argc < 4) {
        printf("Bail out! usage: daemon URI_UNIX URI_TCP PID [no-loop|amid-a-call]\n");
        return 2;
    }
    pid_t daemon = (pid_t)atol(argv[3]);
    if (argc > 4 && strcmp(argv[4], "no-loop") == 0) {
        without_looking(argv[1], daemon);
        return done();
    }
    start_loop();
    if (argc > 4) {
        gone_there(argv[1]);
        amid_a_call(argv[2], daemon, false);
        amid_a_call(argv[1], daemon, true);
        settle();
        if (loop_is("thread"))
            works(vkvm_event_stop(&err), &err, "the loop is stopped");
        no_handles_left();
        return done();
    }
    slice(argv[1], true);
    slice(argv[2], false);
    registrations(argv[2]);
    freeing_a_queue(argv[1], daemon);
    ending(argv[2], daemon, SIGSTOP, VKVM_CLOSE_REASON_KEEPALIVE);
    ok(kill(daemon, SIGCONT) == 0, "the daemon goes on");
    ending(argv[1], daemon, SIGKILL, VKVM_CLOSE_REASON_EOF);
    ok(vkvm_conn_open(argv[2], 0, &conn, &err) == -1 && !conn, "there is no daemon any more");
    forget(&err);
    settle();
    if (loop_is("thread"))
        works(vkvm_event_stop(&err), &err, "the loop is stopped");
    no_handles_left();
    return done();
}
