/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening a connection within a deadline, of daemons that do not answer: whoever waits goes
 * on in time, other connections and the event loop do not notice, and nothing is left behind.
 *
 * usage: opening SOCKET URI_TCP USER PASSWORD PID SCRATCH RESTART, of a daemon whose TCP port
 *        asks for the credentials; RESTART is a command
 *        opening tls PKI
 *
 * VKVM_LOOP says which loop there is: events.h. Without it there is none.
 *
 * tests: opening opening.own opening.thread opening.memory opening_tls
 * by name: opening.own.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "events.h"
#include "opening.h"

enum { TIMEOUT = 300, TRIES = 20 };

static vkvm_error *err;
static const char *daemon_socket;

/* --- options ------------------------------------------------------------------------------ */

static vkvm_value *options_from(const char *json)
{
    vkvm_value *options = NULL;
    must(vkvm_value_from_json(json, &options, &err), err, json);
    return options;
}

static vkvm_value *with_timeout(const char *uri, int64_t timeout)
{
    vkvm_value *options = options_from("{}");
    must(vkvm_value_set_string(options, "uri", uri, &err), err, "uri");
    must(vkvm_value_set_int64(options, "timeout_ms", timeout, &err), err, "timeout_ms");
    return options;
}

/* --- what goes on meanwhile ----------------------------------------------------------------- */

static int ticks, others, over;
static bool daemon_is_stopped, runs_loop;

static void on_tick(int timer, void *userdata)
{
    (void)timer, (void)userdata;
    count_one(&ticks);
}

static void *use_others(void *userdata)
{
    (void)userdata;
    while (!read_count(&over)) {
        char uri[300], *name = NULL;
        vkvm_conn *conn = NULL;
        vkvm_error *error = NULL;
        snprintf(uri, sizeof uri, "test+unix:///default?socket=%s", daemon_socket);
        vkvm_value *options = with_timeout(daemon_is_stopped ? TEST_URI : uri, 60000);
        /* A loop of the program's own is for another thread. */
        if (loop_is("own"))
            must(vkvm_value_set_string(options, "uri", TEST_URI, &error), error, "uri");
        must(vkvm_conn_open_with(options, &conn, &error), error, "another connection");
        must(vkvm_conn_get_hostname(conn, &name, &error), error, "a call on it");
        vkvm_string_free(name);
        vkvm_conn_free(conn);
        vkvm_value_free(options);
        count_one(&others);
    }
    return NULL;
}

/* --- cases ------------------------------------------------------------------------------------ */

/* Tries to open a URI that does not answer. */
static void times_out(const char *what, const char *uri, vkvm_value *given)
{
    double least = 1e9;
    int before = -1;
    bool used = !daemon_socket, turned = !runs_loop;
    vkvm_value *options = given ? given : with_timeout(uri, TIMEOUT);
    /* On a busy machine the others may not get their turn in time at the first try. */
    for (int i = 0; i < TRIES && (i < 2 || least > 0.1 || !used || !turned); i++) {
        pthread_t other;
        vkvm_conn *conn = NULL;
        others = over = ticks = 0;
        if (daemon_socket && pthread_create(&other, NULL, use_others, NULL) != 0)
            must(-1, NULL, "a thread");
        double begin = now();
        int returned = vkvm_conn_open_with(options, &conn, &err);
        double late = now() - begin - TIMEOUT / 1e3;
        least = late < least ? late : least;
        used |= read_count(&others) > 0;
        turned |= read_count(&ticks) > 1;
        __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
        if (daemon_socket)
            pthread_join(other, NULL);
        char wanted[600];
        snprintf(wanted, sizeof wanted, "%s was not opened within %d ms", uri, TIMEOUT);
        if (returned < 0)
            is_str(vkvm_error_message(err), wanted, what);
        fails(returned, &err, VKVM_ERROR_OWN_TIMEOUT, NULL, what);
        ok(late >= 0, "%s: not before the deadline", what);
        int after = descriptors_after_all(what);
        /* What libraries open once is open after the first one. A socket that libvirt has given
           to the loop is closed on a later turn. */
        for (double end = now() + PATIENCE; i > 0 && after > before && now() < end; usleep(1000))
            after = entries_of("/proc/self/fd");
        ok(i == 0 || after <= before, "%s: no descriptor is left", what);
        before = after;
    }
    /* Under valgrind one thread runs at a time, and there is no time for both. */
    ok(used || getenv("VKVM_UNDER_VALGRIND"), "%s: other connections are opened and used", what);
    ok(turned, "%s: the loop turns", what);
    ok(least <= 0.1 || getenv("VKVM_UNDER_VALGRIND"), "%s: within 100 ms of the deadline", what);
    diag("%s: %.1f ms after the deadline", what, least * 1e3);
    vkvm_value_free(options);
}

/* Fills what a listener takes: who comes next is not answered. */
static void fill(const struct sockaddr *address, socklen_t size, int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        fds[i] = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], address, size);
    }
    usleep(50000); /* the kernel of loopback has answered those that it answers */
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

static void tcp_that_drops(void)
{
    int port, fds[4];
    char uri[100];
    int listener = listen_tcp(0, &port);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fill((struct sockaddr *)&address, sizeof address, fds, 4);
    snprintf(uri, sizeof uri, "test+tcp://127.0.0.1:%d/default", port);
    times_out("TCP without an answer", uri, NULL);
    close_all(fds, 4);
    close(listener);
}

static void tcp_that_is_silent(void)
{
    int port;
    char uri[100];
    int listener = listen_tcp(16, &port);
    snprintf(uri, sizeof uri, "test+tcp://127.0.0.1:%d/default", port);
    times_out("silent TCP", uri, NULL);
    close(listener);
}

static void tls_that_is_silent(const char *pki)
{
    int port;
    char uri[400];
    int listener = listen_tcp(16, &port);
    snprintf(uri, sizeof uri, "test+tls://127.0.0.1:%d/default?pkipath=%s", port, pki);
    times_out("TLS that shakes no hands", uri, NULL);
    close(listener);
}

/* A daemon that tells which SASL it wants, and then is silent. */
struct proxy { int listener, port; };

static void pass_on(int from, int to)
{
    char data[65536];
    ssize_t got = read(from, data, sizeof data);
    if (got > 0)
        (void)!write(to, data, (size_t)got);
}

static void *stall_after_one_answer(void *userdata)
{
    struct proxy *proxy = userdata;
    int client;
    while ((client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)proxy->port) };
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char rest[4096];
        (void)!connect(server, (struct sockaddr *)&address, sizeof address);
        pass_on(client, server);
        pass_on(server, client);
        while (read(client, rest, sizeof rest) > 0)
            continue;
        close(server);
        close(client);
    }
    return NULL;
}

static vkvm_value *with_login(const char *uri, const char *user, const char *password)
{
    vkvm_value *options = with_timeout(uri, TIMEOUT);
    must(vkvm_value_set_string(options, "username", user, &err), err, "username");
    must(vkvm_value_set_string(options, "password", password, &err), err, "password");
    return options;
}

static void sasl_that_stalls(const char *uri_tcp, const char *user, const char *password)
{
    int port;
    char uri[100];
    pthread_t thread;
    struct proxy proxy = { .listener = listen_tcp(16, &port) };
    sscanf(uri_tcp, "test+tcp://127.0.0.1:%d/", &proxy.port);
    if (pthread_create(&thread, NULL, stall_after_one_answer, &proxy) != 0)
        must(-1, NULL, "a thread");
    snprintf(uri, sizeof uri, "test+tcp://127.0.0.1:%d/default", port);
    times_out("SASL that stalls", uri, with_login(uri, user, password));
    shutdown(proxy.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(proxy.listener);
}

static void ssh_that_hangs(const char *scratch)
{
    char uri[400];
    hanging_ssh(scratch, uri, sizeof uri);
    times_out("ssh that hangs", uri, NULL);
}

static void stopped_daemon(const char *uri, pid_t pid)
{
    kill(pid, SIGSTOP);
    daemon_is_stopped = true;
    times_out("a stopped daemon", uri, NULL);
    daemon_is_stopped = false;
    kill(pid, SIGCONT);
}

/* The kernel does not let connect(2) to a UNIX socket end whose queue is full: these stay
   until the listener goes, and are counted. */
static void what_cannot_be_ended(const char *scratch)
{
    char path[108], uri[300];
    int fds[8];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(path, sizeof path, "%s/full", scratch);
    snprintf(uri, sizeof uri, "test+unix:///default?socket=%s", path);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int listener = listen_unix(path, 0);
    fill((struct sockaddr *)&address, sizeof address, fds, 8);
    vkvm_value *options = with_timeout(uri, 50);
    vkvm_conn *conn = NULL;
    for (int i = 0; i < 4; i++)
        fails(vkvm_conn_open_with(options, &conn, &err), &err, VKVM_ERROR_OWN_TIMEOUT, NULL,
              "a full queue");
    is_int(openings("running"), 4, "four are at work");
    is_int(openings("abandoned"), 4, "and nobody waits for them");
    must(vkvm_value_set_int64(options, "timeout_ms", 60000, &err), err, "timeout_ms");
    double begin = now();
    fails(vkvm_conn_open_with(options, &conn, &err), &err, VKVM_ERROR_OWN_BUSY, NULL,
          "there is no fifth");
    ok(now() - begin < 30, "which is said at once");
    must(vkvm_value_set_string(options, "uri", TEST_URI, &err), err, "uri");
    works(vkvm_conn_open_with(options, &conn, &err), &err, "another URI is opened");
    vkvm_conn_free(conn);
    close(listener);
    close_all(fds, 8);
    descriptors_after_all("the listener is gone");
    vkvm_value_free(options);
}

struct dead { pthread_t thread; int listener; char uri[100]; int code; };

static void *open_dead(void *userdata)
{
    struct dead *dead = userdata;
    vkvm_error *error = NULL;
    vkvm_conn *conn = NULL;
    vkvm_value *options = with_timeout(dead->uri, 2000);
    if (vkvm_conn_open_with(options, &conn, &error) < 0)
        dead->code = vkvm_error_code(error);
    vkvm_error_free(error);
    vkvm_value_free(options);
    return NULL;
}

static void eight_dead_hosts(const char *uri)
{
    struct dead dead[8] = { 0 };
    vkvm_conn *conn = NULL;
    for (int i = 0; i < 8; i++) {
        int port;
        dead[i].listener = listen_tcp(16, &port);
        snprintf(dead[i].uri, sizeof dead[i].uri, "test+tcp://127.0.0.1:%d/default", port);
        if (pthread_create(&dead[i].thread, NULL, open_dead, &dead[i]) != 0)
            must(-1, NULL, "a thread");
    }
    while (openings("running") < 8)
        usleep(1000);
    vkvm_value *options = with_timeout(uri, 60000);
    double begin = now();
    works(vkvm_conn_open_with(options, &conn, &err), &err, "the ninth host is opened");
    ok(now() - begin < 1.5, "while eight do not answer");
    bool right = true;
    for (int i = 0; i < 8; i++) {
        pthread_join(dead[i].thread, NULL);
        right &= dead[i].code == VKVM_ERROR_OWN_TIMEOUT;
        close(dead[i].listener);
    }
    ok(right, "which time out");
    vkvm_conn_free(conn);
    vkvm_value_free(options);
    descriptors_after_all("eight dead hosts");
}

/* --- what is opened ------------------------------------------------------------------------------ */

static void refuses(const char *json, const char *part)
{
    vkvm_conn *conn = NULL;
    vkvm_value *options = options_from(json);
    int returned = vkvm_conn_open_with(options, &conn, &err);
    if (returned < 0)
        has_text(vkvm_error_message(err), part, json);
    fails(returned, &err, VKVM_ERROR_OWN_INVALID, "options", json);
    vkvm_value_free(options);
}

static void wrong_options(void)
{
    refuses("{\"url\": 1}", "there is no option \"url\"; there are \"uri\", \"flags\", ");
    refuses("[]", "a map of options");
    refuses("{\"uri\": 1}", "\"uri\" is a uint64; text is needed");
    refuses("{\"uri\": \"a\\u0000b\"}", "a NUL byte at offset 1");
    refuses("{\"flags\": -1}", "from 0 to 4294967295");
    refuses("{\"timeout_ms\": 0.5}", "an integer is needed");
    refuses("{\"timeout_ms\": 4294967296}", "from 0 to 4294967295");
    refuses("{\"call_timeout_ms\": -1}", "from 0 to 4294967295");
    refuses("{\"max_calls\": 0}", "from 1 to 64");
    refuses("{\"keepalive\": 5}", "a map is needed");
    refuses("{\"keepalive\": {\"interval\": 5}}", "\"count\"");
    refuses("{\"keepalive\": {\"intervall\": 5}}", "\"keepalive.interval\"");
    refuses("{\"resume\": \"yes\"}", "a bool is needed");
    refuses("{\"resume\": {\"max_delay_ms\": 99}}", "from 100");
    refuses("{\"resume\": {\"queue\": 7}}", "a handle of an event queue");
    refuses("{\"reopen_after_fork\": []}", "a bool is needed");
    refuses("{\"keep_credentials\": true}", "\"username\" or \"password\"");
    refuses("{\"resume\": true, \"password\": \"x\"}", "needs \"keep_credentials\"");
}

static void on_lifecycle(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                         void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args;
    count_one(userdata);
}

/* Events come through the loop, which got what the opening had for it. */
static void events_arrive(vkvm_conn *conn, const char *name)
{
    int id, events = 0;
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             on_lifecycle, &events, NULL, &id, &err),
         err, "register_any");
    vkvm_domain *dom = define_probe(conn);
    ok(wait_for(&events, 1), "%s", name);
    must(vkvm_conn_domain_event_deregister_any(conn, id, &err), err, "deregister_any");
    must(vkvm_domain_undefine(dom, 0, &err), err, "undefine");
    vkvm_domain_free(dom);
}

static bool has_loop(void)
{
    return getenv("VKVM_LOOP") != NULL;
}

static void what_answers(const char *uri, const char *uri_tcp, const char *user,
                         const char *password)
{
    vkvm_conn *conn = NULL;
    vkvm_value *options = with_timeout(uri, 60000);
    if (has_loop()) {
        must(vkvm_value_set_int64(options, "keepalive.interval", 5, &err), err, "interval");
        must(vkvm_value_set_int64(options, "keepalive.count", 3, &err), err, "count");
    }
    if (works(vkvm_conn_open_with(options, &conn, &err), &err, "in time")) {
        if (has_loop())
            events_arrive(conn, "events arrive");
        vkvm_conn_free(conn);
    }
    vkvm_value_free(options);

    options = with_login(uri_tcp, user, password);
    must(vkvm_value_set_int64(options, "timeout_ms", 60000, &err), err, "timeout_ms");
    if (works(vkvm_conn_open_with(options, &conn, &err), &err, "with a name and a password"))
        vkvm_conn_free(conn);
    must(vkvm_value_set_int64(options, "timeout_ms", 0, &err), err, "timeout_ms");
    if (works(vkvm_conn_open_with(options, &conn, &err), &err, "without a limit"))
        vkvm_conn_free(conn);
    must(vkvm_value_set_string(options, "password", "battery-staple", &err), err, "password");
    int returned = vkvm_conn_open_with(options, &conn, &err);
    if (returned < 0)
        has_text(vkvm_error_hint(err), user, "the hint names the user");
    fails(returned, &err, VKVM_ERROR_ERR_AUTH_FAILED, NULL, "a wrong password");
    ok(vkvm_error_hint(NULL) == NULL, "no error has no hint");
    vkvm_value_free(options);
}

/* A connection with credentials that its daemon leaves. */
static void resumes(const char *uri, const char *user, const char *password, const char *restart)
{
    vkvm_event_queue *queue = NULL;
    vkvm_conn *conn = NULL;
    vkvm_value *options = with_login(uri, user, password);
    must(vkvm_value_set_int64(options, "timeout_ms", 60000, &err), err, "timeout_ms");
    must(vkvm_value_set_bool(options, "keep_credentials", true, &err), err, "keep_credentials");
    must(vkvm_value_set_int64(options, "resume.max_delay_ms", 100, &err), err, "max_delay_ms");
    must(vkvm_event_queue_new(100, &queue, &err), err, "a queue");
    must(vkvm_value_set_handle(options, "resume.queue", queue, &err), err, "queue");
    must(vkvm_conn_open_with(options, &conn, &err), err, "a connection that resumes");
    vkvm_value_free(options);
    for (int i = 0; i < 2; i++) {
        int seen = 0;
        if (system(restart) != 0)
            must(-1, NULL, restart);
        for (double end = now() + PATIENCE; seen != 2 && now() < end; turn()) {
            vkvm_value *event = NULL;
            while (vkvm_event_queue_next(queue, 0, &event, &err) == 0 && event) {
                int64_t what = int_at(event, "args.event");
                ok(what == (seen == 0 ? VKVM_RESUME_DISCONNECTED : VKVM_RESUME_RECONNECTED),
                   "the events are in order");
                seen++;
                vkvm_value_free(event);
                event = NULL;
            }
        }
        is_int(seen, 2, "the connection is open again");
        events_arrive(conn, "and has events");
    }
    vkvm_conn_free(conn);
    vkvm_event_queue_free(queue);
    descriptors_after_all("resume");
}

/* --- the loop --------------------------------------------------------------------------------- */

static pthread_t main_thread;
static int foreign;

static void here(void)
{
    if (!pthread_equal(pthread_self(), main_thread))
        count_one(&foreign);
}

static int on_add_handle(void *userdata, int fd, int events, vkvm_watch_callback callback,
                         void *data, vkvm_destroy_callback destroy)
{
    here();
    return own_add_handle(userdata, fd, events, callback, data, destroy);
}

static void on_update_handle(void *userdata, int watch, int events)
{
    here();
    own_update_handle(userdata, watch, events);
}

static int on_add_timeout(void *userdata, int frequency, vkvm_timeout_callback callback,
                          void *data, vkvm_destroy_callback destroy)
{
    here();
    return own_add_timeout(userdata, frequency, callback, data, destroy);
}

static void on_update_timeout(void *userdata, int timer, int frequency)
{
    here();
    own_update_timeout(userdata, timer, frequency);
}

static int on_remove(void *userdata, int number)
{
    here();
    return own_remove(userdata, number);
}

static const vkvm_event_impl functions = {
    on_add_handle, on_update_handle, on_remove, on_add_timeout, on_update_timeout, on_remove,
};

static void begin_loop(void)
{
    int timer;
    main_thread = pthread_self();
    if (!has_loop())
        return;
    if (loop_is("own")) {
        must(vkvm_event_register_impl(&functions, &own_calls, NULL, &err), err, "the loop");
        return;
    }
    must(vkvm_event_start(&err), err, "the loop");
    must(vkvm_event_add_timeout(5, on_tick, NULL, NULL, &timer, &err), err, "a timer");
    runs_loop = true;
}

int main(int argc, char **argv)
{
    begin_loop();
    if (argc == 3) {
        tls_that_is_silent(argv[2]);
        no_handles_left();
        return done();
    }
    if (argc != 8) {
        printf("Bail out! usage: opening SOCKET URI_TCP USER PASSWORD PID SCRATCH RESTART\n");
        return 2;
    }
    const char *uri_tcp = argv[2], *user = argv[3], *password = argv[4], *scratch = argv[6];
    char uri[300], path[108], silent[300];
    daemon_socket = argv[1];
    snprintf(uri, sizeof uri, "test+unix:///default?socket=%s", daemon_socket);

    wrong_options();
    what_answers(uri, uri_tcp, user, password);
    snprintf(path, sizeof path, "%s/silent", scratch);
    snprintf(silent, sizeof silent, "test+unix:///default?socket=%s", path);
    int listener = listen_unix(path, 64);
    times_out("a silent UNIX socket", silent, NULL);
    close(listener);
    tcp_that_drops();
    tcp_that_is_silent();
    sasl_that_stalls(uri_tcp, user, password);
    ssh_that_hangs(scratch);
    stopped_daemon(uri, (pid_t)atoi(argv[5]));
    what_cannot_be_ended(scratch);
    eight_dead_hosts(uri);
    if (has_loop())
        resumes(uri_tcp, user, password, argv[7]);
    is_int(foreign, 0, "a loop of the program's own is only called on the program's thread");
    no_handles_left();
    return done();
}
