/*
 * Fork and the event loop: parent and child each run a loop of their own and get their
 * own events; and forks of a process with many busy threads, whose children call each
 * kind of function and are never stuck.
 *
 * usage: forks URI (of a test daemon)
 *
 * bed: test-daemon URI_UNIX
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"

static const char *uri;
static vkvm_error *err;

/* A process reports by its exit status: 0, or the line of the first check that failed.
   A child of a threaded process leaves by _exit: what exit() runs takes locks of the C
   library that may have been held, gettext's for one. */
#define expect(condition) \
    do { \
        if (!(condition)) { \
            diag("line %d: %s: %s", __LINE__, #condition, err ? vkvm_error_message(err) : "-"); \
            _exit(__LINE__ % 255 + 1); \
        } \
    } while (0)

static void is_over(pid_t child, const char *name)
{
    int status = 0;
    waitpid(child, &status, 0);
    if (!ok(status == 0, "%s", name))
        diag("it ended with status %d, signal %d", WEXITSTATUS(status),
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* Runs a part in a process of its own, for a process has one loop. */
static void in_time(void (*part)(void), const char *name)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        part();
        _exit(0);
    }
    must(child < 0, NULL, "fork");
    is_over(child, name);
}

/* --- parent and child have their own events --------------------------------------- */

enum { CYCLES = 100 };

struct ear {
    vkvm_conn *conn;
    vkvm_domain *dom;
    char name[32];
    int events, closed, foreign;
};

static void hear(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    struct ear *ear = userdata;
    char *name = NULL;
    (void)event_id, (void)args;
    if (conn != ear->conn)
        count_one(&ear->foreign);
    if (vkvm_domain_get_name(object, &name, NULL) == 0 && strcmp(name, ear->name) == 0)
        count_one(&ear->events);
    vkvm_string_free(name);
}

static void hear_end(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args;
    count_one(&((struct ear *)userdata)->closed);
}

/* A connection with a domain of its own, whose events are heard. */
static void listen_to(struct ear *ear, const char *name)
{
    char xml[300];
    int id = -1;
    snprintf(ear->name, sizeof ear->name, "%s", name);
    snprintf(xml, sizeof xml,
             "<domain type='test'><name>%s</name><memory unit='KiB'>65536</memory>"
             "<os><type>hvm</type></os></domain>", name);
    expect(vkvm_conn_open(uri, 0, &ear->conn, &err) == 0);
    /* So patiently that a daemon which gets no CPU for a while is not taken for dead. */
    expect(vkvm_conn_set_keep_alive(ear->conn, 1, PATIENCE, &err) == 0);
    expect(vkvm_conn_create_domain(ear->conn, xml, 0, &ear->dom, &err) == 0);
    expect(vkvm_conn_domain_event_register_any(ear->conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                               hear, ear, NULL, &id, &err) == 0);
    expect(vkvm_conn_register_close_callback(ear->conn, hear_end, ear, NULL, &err) == 0);
}

static void hear_cycles(struct ear *ear)
{
    int before = ear->events;
    for (int i = 0; i < CYCLES; i++) {
        expect(vkvm_domain_suspend(ear->dom, &err) == 0);
        expect(vkvm_domain_resume(ear->dom, &err) == 0);
        if (i % 10 == 0)
            expect(wait_for(&ear->events, before + 2 * i));
    }
    expect(wait_for(&ear->events, before + 2 * CYCLES));
    settle();
    expect(ear->events == before + 2 * CYCLES);
    expect(ear->foreign == 0 && ear->closed == 0);
}

static struct ear parents, childs;

static void child_has_its_own(void)
{
    int before = parents.events, timer = -1;
    if (loop_is("thread"))
        expect(vkvm_event_start(&err) == 0);
    listen_to(&childs, "child");
    for (int i = 0; i < 3; i++)
        hear_cycles(&childs);
    /* A keepalive or two of the parent's would be due now. */
    for (double end = now() + 2.5; now() < end;)
        turn();
    hear_cycles(&childs);
    expect(parents.events == before && parents.closed == 0);
    expect(vkvm_domain_destroy(childs.dom, 0, &err) == 0);
    vkvm_conn_free(childs.conn);
    expect(vkvm_event_add_timeout(1, no_op, NULL, NULL, &timer, &err) == 0);
    turn();
}

static void own_events(void)
{
    start_loop();
    listen_to(&parents, "parent");
    hear_cycles(&parents);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        child_has_its_own();
        _exit(0);
    }
    int status = -1;
    while (waitpid(child, &status, WNOHANG) == 0)
        hear_cycles(&parents);
    expect(status == 0);
    hear_cycles(&parents);
    expect(vkvm_domain_destroy(parents.dom, 0, &err) == 0);
    vkvm_conn_free(parents.conn);
}

static void own_events_of_the_thread(void)
{
    setenv("VKVM_LOOP", "thread", 1);
    own_events();
}

/* --- what the program has added survives ------------------------------------------- */

static int ticks, bytes, destroyed;

static void count_tick(int timer, void *userdata)
{
    (void)timer;
    count_one(userdata);
}

static void note_destroyed(void *userdata)
{
    (void)userdata;
    count_one(&destroyed);
}

static void read_byte(int watch, int fd, int events, void *userdata)
{
    char byte;
    (void)watch, (void)events;
    if (read(fd, &byte, 1) == 1)
        count_one(userdata);
}

static void program_adds_survive(void)
{
    int ends[2], timer = -1, watch = -1;
    must(pipe(ends), NULL, "pipe");
    must(choose_loop(&err), err, "choosing the loop");
    expect(vkvm_event_add_timeout(1, count_tick, &ticks, note_destroyed, &timer, &err) == 0);
    /* Who reads from the pipe has the byte, so only the child does. */
    expect(vkvm_event_add_handle(ends[0], 0, read_byte, &bytes, NULL, &watch, &err) == 0);
    expect(wait_for(&ticks, 3));
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        if (loop_is("thread"))
            expect(vkvm_event_start(&err) == 0);
        expect(wait_for(&ticks, read_count(&ticks) + 3));
        expect(vkvm_event_update_handle(watch, VKVM_EVENT_HANDLE_READABLE, &err) == 0);
        expect(write(ends[1], "x", 1) == 1);
        expect(wait_for(&bytes, 1));
        expect(vkvm_event_remove_timeout(timer, &err) == 0);
        expect(vkvm_event_add_timeout(1, no_op, NULL, NULL, &watch, &err) == 0);
        expect(wait_for(&destroyed, 1));
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    expect(status == 0);
    expect(wait_for(&ticks, read_count(&ticks) + 3));
    expect(read_count(&destroyed) == 0);
}

static void adds_survive_with_the_thread(void)
{
    setenv("VKVM_LOOP", "thread", 1);
    program_adds_survive();
}

/* A callback that forks: the child's turn goes on without what is the parent's. */
static void fork_here(int timer, void *userdata)
{
    (void)timer;
    pid_t *child = userdata;
    if (*child == 0)
        *child = fork();
}

static void forked_in_a_callback(void)
{
    pid_t child = 0;
    int timer = -1, status = -1;
    alarm(PATIENCE);
    must(vkvm_event_register_default(&err), err, "register_default");
    listen_to(&parents, "parent");
    expect(vkvm_event_add_timeout(1, fork_here, &child, NULL, &timer, &err) == 0);
    expect(vkvm_event_add_timeout(1, count_tick, &ticks, NULL, &timer, &err) == 0);
    pid_t me = getpid();
    while (child == 0 && getpid() == me)
        expect(vkvm_event_run_default(&err) == 0);
    if (getpid() != me) {
        alarm(PATIENCE);
        child = -1;
        listen_to(&childs, "child");
        hear_cycles(&childs);
        expect(vkvm_domain_destroy(childs.dom, 0, &err) == 0);
        _exit(0);
    }
    hear_cycles(&parents);
    expect(waitpid(child, &status, 0) == child && status == 0);
    hear_cycles(&parents);
    expect(vkvm_domain_destroy(parents.dom, 0, &err) == 0);
    vkvm_conn_free(parents.conn);
}

/* --- a storm ------------------------------------------------------------------------ */

static int forks = 1000;
static int over, worked;

static struct {
    vkvm_conn *conn, *test;
    vkvm_domain *dom, *test_dom;
    vkvm_event_queue *queue;
    vkvm_stream *stream;
    vkvm_host *host;
    vkvm_value *value;
} shared;

static void hear_nothing(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                         void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args, (void)userdata;
}

static void call_daemon(void)
{
    vkvm_value *info = NULL;
    vkvm_domain *dom = NULL;
    if (vkvm_domain_get_info(shared.dom, &info, NULL) == 0)
        vkvm_value_free(info);
    vkvm_conn_get_domain_by_name(shared.conn, "nobody", &dom, NULL);
}

static void call_test_driver(void)
{
    vkvm_value *info = NULL;
    vkvm_domain_suspend(shared.test_dom, NULL);
    vkvm_domain_resume(shared.test_dom, NULL);
    if (vkvm_domain_get_info(shared.test_dom, &info, NULL) == 0)
        vkvm_value_free(info);
}

static void make_events(void)
{
    vkvm_domain_suspend(shared.dom, NULL);
    vkvm_domain_resume(shared.dom, NULL);
}

static void register_events(void)
{
    int id = -1;
    if (vkvm_conn_domain_event_register_any(shared.conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                            hear_nothing, NULL, NULL, &id, NULL) == 0)
        vkvm_conn_domain_event_deregister_any(shared.conn, id, NULL);
}

static void use_queues(void)
{
    vkvm_event_queue *queue = NULL;
    vkvm_value *events = NULL;
    if (vkvm_event_queue_new(4, &queue, NULL) == 0)
        vkvm_event_queue_free(queue);
    if (vkvm_event_queue_drain(shared.queue, 100, &events, NULL) == 0)
        vkvm_value_free(events);
}

static void open_and_close(void)
{
    vkvm_conn *conn = NULL;
    if (vkvm_conn_open(TEST_URI, 0, &conn, NULL) == 0)
        vkvm_conn_free(conn);
}

static void open_and_close_daemon(void)
{
    vkvm_conn *conn = NULL;
    if (vkvm_conn_open(uri, 0, &conn, NULL) == 0)
        vkvm_conn_free(conn);
}

static void use_timers(void)
{
    int timer = -1;
    if (vkvm_event_add_timeout(1, no_op, NULL, NULL, &timer, NULL) == 0) {
        vkvm_event_update_timeout(timer, 0, NULL);
        vkvm_event_remove_timeout(timer, NULL);
    }
}

static void (*const busy[])(void) = { call_daemon, call_test_driver, make_events, register_events,
                                      use_queues, open_and_close, open_and_close_daemon,
                                      use_timers };
enum { BUSY = sizeof busy / sizeof *busy };

static void *be_busy(void *argument)
{
    void (*work)(void) = *(void (*const *)(void))argument;
    while (!read_count(&over)) {
        work();
        count_one(&worked);
        usleep(50); /* or those that take longest would hardly have a turn */
    }
    return NULL;
}

static const char *step = "nothing";

static void on_alarm(int number)
{
    (void)number;
    static const char text[] = "# stuck: ";
    if (write(1, text, sizeof text - 1) < 0 || write(1, step, strlen(step)) < 0 ||
        write(1, "\n", 1) < 0)
        _exit(8);
    _exit(7);
}

#define STEP(call) (step = #call, (call))

static bool is_forked(int returned)
{
    bool right = returned == -1 && vkvm_error_int1(err) == VKVM_ERROR_OWN_FORKED;
    if (right)
        forget(&err);
    return right;
}

static void child_uses_what_it_inherited(void)
{
    char *text = NULL;
    vkvm_value *info = NULL, *value = NULL;
    expect(is_forked(STEP(vkvm_conn_get_hostname(shared.conn, &text, &err))));
    expect(is_forked(STEP(vkvm_domain_suspend(shared.dom, &err))));
    expect(is_forked(STEP(vkvm_domain_get_info(shared.test_dom, &info, &err))));
    expect(is_forked(STEP(vkvm_event_queue_drain(shared.queue, 1, &info, &err))));
    expect(STEP(vkvm_value_get(shared.value, "a", &value, &err)) == 0);
    STEP(vkvm_value_free(value));
    expect(STEP(vkvm_value_set_string(shared.value, "b", "text", &err)) == 0);
    expect(STEP(vkvm_value_to_json(shared.value, 0, &text, &err)) == 0);
    STEP(vkvm_string_free(text));
}

static void child_runs_a_loop(bool thread)
{
    vkvm_conn *conn = NULL;
    int id = -1, timer = -1, child_ticks = 0;
    if (thread) {
        expect(STEP(vkvm_event_stop(&err)) == -1);
        forget(&err);
        expect(STEP(vkvm_event_start(&err)) == 0);
    }
    expect(STEP(vkvm_conn_open(uri, 0, &conn, &err)) == 0);
    expect(STEP(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                                    hear_nothing, NULL, NULL, &id, &err)) == 0);
    expect(STEP(vkvm_event_add_timeout(1, count_tick, &child_ticks, NULL, &timer, &err)) == 0);
    while (read_count(&child_ticks) < 3) {
        if (thread)
            usleep(1000);
        else
            expect(STEP(vkvm_event_run_default(&err)) == 0);
    }
    expect(STEP(vkvm_event_remove_timeout(timer, &err)) == 0);
    expect(STEP(vkvm_conn_domain_event_deregister_any(conn, id, &err)) == 0);
    STEP(vkvm_conn_free(conn));
    if (thread)
        expect(STEP(vkvm_event_stop(&err)) == 0);
}

static void child_opens(const char *where)
{
    vkvm_conn *conn = NULL;
    vkvm_domain *dom = NULL;
    vkvm_value *info = NULL;
    if (STEP(vkvm_conn_open(where, 0, &conn, &err)) < 0) {
        /* Another thread was in the middle of a call of the host that all share. */
        expect(strcmp(where, TEST_URI) == 0 && vkvm_error_code(err) == VKVM_ERROR_OWN_FORKED);
        expect(strstr(vkvm_error_message(err), "test:///FILE"));
        forget(&err);
        _exit(77);
    }
    expect(STEP(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err)) == 0);
    expect(STEP(vkvm_domain_get_info(dom, &info, &err)) == 0);
    STEP(vkvm_value_free(info));
    STEP(vkvm_domain_free(dom));
    STEP(vkvm_conn_free(conn));
}

static void child_makes_objects(void)
{
    vkvm_event_queue *queue = NULL;
    vkvm_fleet *fleet = NULL;
    vkvm_host *host = NULL;
    const char *uris[] = { uri };
    size_t count = 0;
    expect(STEP(vkvm_event_queue_new(5, &queue, &err)) == 0);
    STEP(vkvm_event_queue_free(queue));
    expect(STEP(vkvm_host_open(uri, &host, &err)) == 0);
    STEP(vkvm_host_free(host));
    expect(STEP(vkvm_fleet_open(uris, 1, PATIENCE * 1000, &fleet, &err)) == 0);
    STEP(vkvm_fleet_free(fleet));
    expect(STEP(vkvm_handle_count("value", &count, &err)) == 0);
}

static void child_frees_all(void)
{
    STEP(vkvm_event_queue_free(shared.queue));
    STEP(vkvm_host_free(shared.host));
    STEP(vkvm_stream_free(shared.stream));
    STEP(vkvm_domain_free(shared.dom));
    STEP(vkvm_domain_free(shared.test_dom));
    STEP(vkvm_conn_free(shared.conn));
    STEP(vkvm_conn_free(shared.test));
    STEP(vkvm_value_free(shared.value));
}

static void be_a_child(int number, bool thread)
{
    signal(SIGALRM, on_alarm);
    alarm(PATIENCE);
    child_uses_what_it_inherited();
    switch (number % 5) {
    case 0:
        child_runs_a_loop(thread);
        break;
    case 1:
        child_opens(uri);
        break;
    case 2:
        child_makes_objects();
        break;
    case 3:
        child_frees_all();
        break;
    case 4:
        child_opens(TEST_URI);
        break;
    }
    _exit(0);
}

static void set_up(void)
{
    int id = -1;
    must(choose_loop(&err), err, "choosing the loop");
    shared.conn = open_conn(uri, 0);
    shared.test = open_conn(TEST_URI, 0);
    must(vkvm_conn_get_domain_by_name(shared.conn, "test", &shared.dom, &err), err, "a domain");
    must(vkvm_conn_get_domain_by_name(shared.test, "test", &shared.test_dom, &err), err, "a domain");
    must(vkvm_value_from_json("{\"a\":1}", &shared.value, &err), err, "a value");
    must(vkvm_event_queue_new(100, &shared.queue, &err), err, "a queue");
    must(vkvm_event_queue_domain_event_register_any(shared.queue, shared.conn, NULL,
                                                    VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &id, &err),
         err, "its events");
    must(vkvm_conn_domain_event_register_any(shared.conn, NULL, VKVM_DOMAIN_EVENT_ID_REBOOT,
                                             hear_nothing, NULL, NULL, &id, &err),
         err, "events");
    must(vkvm_conn_new_stream(shared.conn, 0, &shared.stream, &err), err, "a stream");
    must(vkvm_host_new(shared.conn, &shared.host, &err), err, "a host");
}

static void *run_until_over(void *argument)
{
    while (!read_count(&over))
        vkvm_event_run_default(NULL);
    return argument;
}

static void storm(const char *loop)
{
    pthread_t threads[BUSY], runner;
    int stuck = 0, failed = 0, locked = 0;
    bool thread = strcmp(loop, "thread") == 0;
    setenv("VKVM_LOOP", loop, 1);
    set_up();
    for (int i = 0; i < BUSY; i++)
        must(pthread_create(&threads[i], NULL, be_busy, (void *)&busy[i]), NULL, "pthread_create");
    if (!thread)
        must(pthread_create(&runner, NULL, run_until_over, NULL), NULL, "pthread_create");
    for (int i = 0; i < forks; i++) {
        int status = 0, before = read_count(&worked);
        pid_t child = fork();
        if (child == 0)
            be_a_child(i, thread);
        must(child < 0, NULL, "fork");
        waitpid(child, &status, 0);
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        stuck += code == 7;
        locked += code == 77;
        if (code != 0 && code != 7 && code != 77 && failed++ < 5)
            diag("fork %d: status %d, signal %d", i, code, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        while (read_count(&worked) < before + BUSY)
            usleep(100); /* each fork meets them at another place */
        if (stuck > 3)
            break;
    }
    diag("%s: %d forks amid %d calls: %d stuck, %d failed, test:///default locked in %d", loop,
         forks, read_count(&worked), stuck, failed, locked);
    expect(stuck == 0 && failed == 0);
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < BUSY; i++)
        pthread_join(threads[i], NULL);
}

static void storm_with_the_thread(void)
{
    alarm(2 * PATIENCE);
    storm("thread");
}

static void storm_with_the_default_loop(void)
{
    alarm(2 * PATIENCE);
    storm("default");
}

int main(int argc, char **argv)
{
    must(argc > 1 ? 0 : -1, NULL, "the URI of a daemon as argument");
    uri = argv[1];
    if (getenv("VKVM_FORKS"))
        forks = atoi(getenv("VKVM_FORKS"));
    in_time(own_events, "the default loop: parent and child each get their own events");
    in_time(own_events_of_the_thread, "the library's thread: the same");
    in_time(program_adds_survive, "the program's timers and watches are the child's, too");
    in_time(adds_survive_with_the_thread, "with the library's thread: once it has started it");
    in_time(forked_in_a_callback, "a child that was forked in a callback has its own events");
    in_time(storm_with_the_thread, "forks of a process with busy threads and the library's");
    in_time(storm_with_the_default_loop, "the same with a thread of the program that runs the loop");
    return done();
}
