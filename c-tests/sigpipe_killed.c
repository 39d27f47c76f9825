/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SIGPIPE and a daemon that is killed (SIGKILL) while a program uses it: calls, closing,
 * freeing, events, streams and each kind of loop. Neither does the signal end the program
 * nor is its handler called.
 *
 * usage: sigpipe_killed URI_UNIX RESTART
 *
 * RESTART is a command that starts the daemon again and prints PID=; each part has a daemon
 * of its own. VKVM_LOOP says which loop there is: events.h.
 *
 * bed: test-daemon URI_UNIX restart
 * tests: sigpipe_killed sigpipe_killed.own sigpipe_killed.thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "daemons.h"
#include "events.h"
#include "sigpipe.h"

static const char *uri, *restart;

static vkvm_error *err;
static vkvm_conn *conn;
static pid_t daemon_pid;

static void connect_to_new_daemon(void)
{
    daemon_pid = restarted(restart);
    conn = open_conn(uri, 0);
}

/* It is gone, and its sockets are closed: in this system or, if the test runs in one of its
   own, as soon as nobody can be reached. */
static void kill_daemon(void)
{
    char path[60], text[500] = "";
    kill(daemon_pid, SIGKILL);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)daemon_pid);
    for (double end = now() + PATIENCE; now() < end; usleep(1000)) {
        FILE *file = fopen(path, "r");
        if (!file)
            return;
        size_t length = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[length] = 0;
        char *state = strrchr(text, ')');
        if (state && state[2] == 'Z')
            return;
    }
}

static void fails_now(void)
{
    char *name = NULL;
    expect(vkvm_conn_get_hostname(conn, &name, NULL) < 0, "a call fails");
}

/* --- calls ------------------------------------------------------------------------------ */

static void call(void)
{
    connect_to_new_daemon();
    kill_daemon();
    fails_now();
    fails_now();
    vkvm_conn_free(conn);
}

static void *on_thread(void *unused)
{
    fails_now();
    expect(!sigpipe_is_blocked() && !sigpipe_is_pending(), "nothing is left on the thread");
    return unused;
}

static void call_on_a_thread(void)
{
    pthread_t thread;
    connect_to_new_daemon();
    kill_daemon();
    must(pthread_create(&thread, NULL, on_thread, NULL), NULL, "a thread");
    pthread_join(thread, NULL);
    vkvm_conn_free(conn);
}

static void *open_another(void *unused)
{
    vkvm_conn *other = NULL;
    expect(vkvm_conn_open(uri, 0, &other, NULL) < 0, "opening fails");
    expect(!sigpipe_is_blocked() && !sigpipe_is_pending(), "nothing is left on the thread");
    return unused;
}

/* The system accepts for a daemon that is stopped; then nobody answers. */
static void opening(void)
{
    pthread_t thread;
    connect_to_new_daemon();
    int before = open_files();
    kill(daemon_pid, SIGSTOP);
    must(pthread_create(&thread, NULL, open_another, NULL), NULL, "a thread");
    for (double end = now() + PATIENCE; open_files() == before && now() < end;)
        usleep(1000);
    kill_daemon();
    pthread_join(thread, NULL);
    vkvm_conn_free(conn);
}

/* --- closing and freeing ------------------------------------------------------------------ */

static void free_connection(void)
{
    connect_to_new_daemon();
    kill_daemon();
    vkvm_conn_free(conn);
}

static void close_connection(void)
{
    connect_to_new_daemon();
    kill_daemon();
    must(vkvm_conn_close(conn, &err), err, "close");
}

/* What was made from a connection closes it with its end. */
static void free_last_object(void)
{
    vkvm_domain *dom = NULL;
    connect_to_new_daemon();
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    vkvm_conn_free(conn);
    kill_daemon();
    vkvm_domain_free(dom);
}

static void free_last_list(void)
{
    vkvm_domain **domains = NULL;
    size_t count = 0;
    connect_to_new_daemon();
    must(vkvm_conn_list_all_domains(conn, 0, &domains, &count, &err), err, "the domains");
    vkvm_conn_free(conn);
    kill_daemon();
    vkvm_domain_list_free(domains, count);
}

static void free_last_value(void)
{
    vkvm_value *stats = NULL;
    connect_to_new_daemon();
    must(vkvm_conn_get_all_domain_stats(conn, 0, NULL, 0, 0, &stats, &err), err, "the statistics");
    vkvm_conn_free(conn);
    kill_daemon();
    vkvm_value_free(stats);
}

static void free_last_stream(void)
{
    vkvm_stream *stream = NULL;
    connect_to_new_daemon();
    must(vkvm_conn_new_stream(conn, 0, &stream, &err), err, "the stream");
    vkvm_conn_free(conn);
    kill_daemon();
    vkvm_stream_free(stream);
}

static void free_host(void)
{
    vkvm_host *host = NULL;
    connect_to_new_daemon();
    must(vkvm_host_new(conn, &host, &err), err, "the host");
    vkvm_conn_free(conn);
    kill_daemon();
    vkvm_host_free(host);
}

static void free_fleet(void)
{
    vkvm_fleet *fleet = NULL;
    connect_to_new_daemon();
    vkvm_conn_free(conn);
    must(vkvm_fleet_open(&uri, 1, 1000 * PATIENCE, &fleet, &err), err, "the fleet");
    kill_daemon();
    vkvm_fleet_free(fleet);
}

static void end_in_callback(int timer, void *userdata)
{
    (void)timer;
    fails_now();
    vkvm_conn_free(conn);
    count_one(userdata);
}

static void use_in_callback(void)
{
    static int count; /* the timer goes on */
    int timer = -1;
    start_loop();
    connect_to_new_daemon();
    kill_daemon();
    must(vkvm_event_add_timeout(0, end_in_callback, &count, NULL, &timer, &err), err, "the timer");
    wait_for(&count, 1);
}

/* --- streams ------------------------------------------------------------------------------ */

static vkvm_stream *screenshot(uint32_t flags)
{
    vkvm_stream *stream = NULL;
    vkvm_domain *dom = NULL;
    char *type = NULL;
    connect_to_new_daemon();
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    must(vkvm_conn_new_stream(conn, flags, &stream, &err), err, "the stream");
    must(vkvm_domain_screenshot(dom, stream, 0, 0, &type, &err), err, "screenshot");
    vkvm_string_free(type);
    vkvm_domain_free(dom);
    return stream;
}

static void end_stream(vkvm_stream *stream)
{
    vkvm_stream_free(stream);
    vkvm_conn_free(conn);
}

static void finish_stream(void)
{
    vkvm_stream *stream = screenshot(0);
    kill_daemon();
    vkvm_stream_finish(stream, NULL);
    end_stream(stream);
}

static void abort_stream(void)
{
    vkvm_stream *stream = screenshot(0);
    kill_daemon();
    vkvm_stream_abort(stream, NULL);
    end_stream(stream);
}

static void free_open_stream(void)
{
    vkvm_stream *stream = screenshot(0);
    kill_daemon();
    end_stream(stream);
}

static int kill_and_refuse(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    (void)stream, (void)data, (void)len, (void)userdata;
    kill_daemon();
    return -1;
}

static void receive_all(void)
{
    vkvm_stream *stream = screenshot(0);
    vkvm_stream_recv_all(stream, kill_and_refuse, NULL, NULL, NULL);
    end_stream(stream);
}

static void note_stream(vkvm_stream *stream, int events, void *userdata)
{
    (void)stream, (void)events;
    count_one(userdata);
}

static void listen_to_stream(void)
{
    static int count; /* another thread may run the loop */
    start_loop();
    vkvm_stream *stream = screenshot(VKVM_STREAM_NONBLOCK);
    must(vkvm_stream_add_callback(stream, VKVM_STREAM_EVENT_READABLE, note_stream, &count, NULL,
                                  &err), err, "add_callback");
    kill_daemon();
    wait_for(&count, 1);
    vkvm_stream_abort(stream, NULL);
    end_stream(stream);
}

/* --- events and loops --------------------------------------------------------------------- */

static int registered(struct seen *seen)
{
    int number = -1;
    connect_to_new_daemon();
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, note_event,
                                             seen, NULL, &number, &err), err, "register_any");
    return number;
}

static void deregister(void)
{
    static struct seen seen; /* another thread may run the loop */
    start_loop();
    int number = registered(&seen);
    kill_daemon();
    vkvm_conn_domain_event_deregister_any(conn, number, NULL);
    vkvm_conn_free(conn);
    turn();
}

static void free_with_registrations(void)
{
    static struct seen seen; /* another thread may run the loop */
    start_loop();
    registered(&seen);
    kill_daemon();
    vkvm_conn_free(conn);
    turn();
}

static void free_queue(void)
{
    vkvm_event_queue *queue = NULL;
    int number = -1;
    start_loop();
    connect_to_new_daemon();
    must(vkvm_event_queue_new(8, &queue, &err), err, "the queue");
    must(vkvm_event_queue_domain_event_register_any(queue, conn, NULL,
                                                    VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &number, &err),
         err, "register_any");
    kill_daemon();
    vkvm_event_queue_free(queue);
    vkvm_conn_free(conn);
    turn();
}

static void note_close(vkvm_conn *of, void *object, int id, vkvm_value *args, void *userdata)
{
    (void)of, (void)object, (void)id, (void)args;
    count_one(userdata);
}

/* Kills the daemon of a connection with keepalive; `count` becomes 1 when its end is told. */
static void kill_kept_alive(int *count)
{
    start_loop();
    connect_to_new_daemon();
    must(vkvm_conn_register_close_callback(conn, note_close, count, NULL, &err), err, "register");
    must(vkvm_conn_set_keep_alive(conn, 1, 5, &err), err, "set_keep_alive");
    kill_daemon();
}

static void turn_loop(void)
{
    int count = 0;
    kill_kept_alive(&count);
    wait_for(&count, 1);
    vkvm_conn_free(conn);
    turn();
}

/* A turn in which keepalive comes before the look at the socket, and so writes to it. */
static void keepalive(void)
{
    int count = 0;
    kill_kept_alive(&count);
    for (double end = now() + PATIENCE; now() < end; usleep(10000)) {
        bool fired = false;
        for (int i = 0; i < OWN_MOST; i++) {
            struct own_item *item = own_find(i);
            if (!item || !item->on_timeout || item->frequency < 500 || item->next > now())
                continue;
            item->next = own_due(item->frequency);
            item->on_timeout(i, item->data);
            fired = true;
        }
        if (fired)
            break;
    }
    wait_for(&count, 1);
    vkvm_conn_free(conn);
    turn();
}

static const struct {
    const char *name;
    void (*run)(void);
    bool on_loop; /* with each kind of loop */
    const char *only;
} parts[] = {
    { "a call", call, false, NULL },
    { "a call on another thread", call_on_a_thread, false, NULL },
    { "opening", opening, false, NULL },
    { "conn_free", free_connection, false, NULL },
    { "conn_close", close_connection, false, NULL },
    { "the last domain is freed", free_last_object, false, NULL },
    { "the last list of domains is freed", free_last_list, false, NULL },
    { "the last value with a domain is freed", free_last_value, false, NULL },
    { "the last stream is freed", free_last_stream, false, NULL },
    { "the host is freed", free_host, false, NULL },
    { "the fleet is freed", free_fleet, false, NULL },
    { "stream_finish", finish_stream, false, NULL },
    { "stream_abort", abort_stream, false, NULL },
    { "an open stream is freed", free_open_stream, false, NULL },
    { "stream_recv_all", receive_all, false, NULL },
    { "calls in a callback", use_in_callback, true, NULL },
    { "listening to a stream", listen_to_stream, true, NULL },
    { "deregister_any", deregister, true, NULL },
    { "conn_free with registrations", free_with_registrations, true, NULL },
    { "event_queue_free", free_queue, true, NULL },
    { "turns of the loop", turn_loop, true, NULL },
    { "keepalive", keepalive, true, "own" },
};

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: sigpipe_killed URI_UNIX RESTART\n");
        return 2;
    }
    uri = argv[1];
    restart = argv[2];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if ((parts[i].on_loop || loop_is("default")) && (!parts[i].only || loop_is(parts[i].only)))
            try_broken(parts[i].name, parts[i].run);
    return done();
}
