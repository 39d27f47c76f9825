/*
 * Registrations that fail, end, or are made again at the worst moment: in callbacks, from
 * several threads, while the daemon dies and while the line to it is cut.
 *
 * usage: hostile_registrations URI SOCKET COMMAND (which restarts the daemon)
 *
 * bed: test-daemon URI_UNIX SOCKET silent_restart
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile.h"

enum { CUTS = 120, OPENS = 1500, DEATHS = 6 };

static const char *uri, *restart;

static void on_tick(int timer, void *userdata)
{
    (void)timer, (void)userdata;
}

static void begin_loop(void)
{
    vkvm_error *err = NULL;
    must(vkvm_event_start(&err), err, "the event thread");
}

static vkvm_domain *test_domain(vkvm_conn *conn)
{
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    return dom;
}

/* Two events. */
static void make_events(vkvm_domain *dom)
{
    vkvm_error *err = NULL;
    must(vkvm_domain_suspend(dom, &err), err, "suspend");
    must(vkvm_domain_resume(dom, &err), err, "resume");
}

static void restart_daemon(void)
{
    must(system(restart), NULL, "the daemon is restarted");
}

/* --- a registration that is refused in a callback ------------------------------------------ */

static struct witness refused;
static int refusals;

/* The test driver knows no secrets, and the daemon says so. */
static void register_what_is_refused(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                                     void *userdata)
{
    int id = -1;
    vkvm_error *err = NULL;
    (void)object, (void)event_id, (void)args, (void)userdata;
    if (refusals++)
        return;
    expect(vkvm_conn_secret_event_register_any(conn, NULL, VKVM_SECRET_EVENT_ID_LIFECYCLE,
                                               on_any_event, &refused, on_destroy, &id, &err) == -1,
           "the registration was not refused");
    vkvm_error_free(err);
}

static void refused_in_callback(void)
{
    int id = -1, timer = -1;
    vkvm_error *err = NULL;
    must(vkvm_event_register_default(&err), err, "the loop");
    must(vkvm_event_add_timeout(10, on_tick, NULL, NULL, &timer, &err), err, "a timer");
    vkvm_conn *conn = open_conn(uri, 0);
    vkvm_domain *dom = test_domain(conn);
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             register_what_is_refused, NULL, NULL, &id, &err),
         err, "a registration");
    for (int i = 0; i < 5; i++) {
        make_events(dom);
        for (int turns = 0; turns < 5; turns++)
            must(vkvm_event_run_default(&err), err, "the loop");
    }
    expect(refusals == 10, "%d of 10 events came", refusals);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    expect_all_ended(&refused, 1, "the refused registration");
}

/* --- a destroy notify that calls back ------------------------------------------------------- */

static vkvm_domain *notified_domain;
static atomic_int notified;

/* Another thread may be quicker, and then a call fails; what counts is that it returns. */
static void suspend_and_resume(vkvm_domain *dom)
{
    vkvm_domain_suspend(dom, NULL);
    vkvm_domain_resume(dom, NULL);
}

static void call_back(void *userdata)
{
    (void)userdata;
    suspend_and_resume(notified_domain);
    notified++;
}

static void deregister_itself(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                              void *userdata)
{
    atomic_int *id = userdata;
    (void)object, (void)event_id, (void)args;
    while (*id < 0)
        usleep(100); /* the registration has not returned yet */
    vkvm_conn_domain_event_deregister_any(conn, *id, NULL);
}

/* With the driver in this process, whose lock libvirt holds when it frees callbacks. */
static void notify_calls(void)
{
    static atomic_int id = -1;
    int number = -1;
    vkvm_error *err = NULL;
    begin_loop();
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    notified_domain = test_domain(conn);
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             deregister_itself, &id, call_back, &number, &err),
         err, "a registration");
    id = number;
    suspend_and_resume(notified_domain);
    expect(wait_until(&notified, 1, PATIENCE), "the destroy notify has not returned");
}

/* --- the daemon dies while threads register -------------------------------------------------- */

enum { REGISTERING = 4, MOST_REGISTRATIONS = 20000 };

static vkvm_conn *shared_conn;
static atomic_bool over;

struct registering {
    struct witness witnesses[MOST_REGISTRATIONS];
    int count;
};

static void *register_and_deregister(void *data)
{
    struct registering *mine = data;
    while (!over && mine->count < MOST_REGISTRATIONS) {
        int id = -1;
        if (vkvm_conn_domain_event_register_any(shared_conn, NULL, mine->count % 8, on_any_event,
                                                &mine->witnesses[mine->count], on_destroy, &id,
                                                NULL) == 0 && mine->count % 3)
            vkvm_conn_domain_event_deregister_any(shared_conn, id, NULL);
        mine->count++;
    }
    return NULL;
}

static void daemon_dies(void)
{
    static struct registering all[REGISTERING];
    pthread_t threads[REGISTERING];
    begin_loop();
    for (int round = 0; round < DEATHS; round++) {
        memset(all, 0, sizeof all);
        over = false;
        shared_conn = open_conn(uri, 0);
        for (int i = 0; i < REGISTERING; i++)
            pthread_create(&threads[i], NULL, register_and_deregister, &all[i]);
        usleep(20000);
        restart_daemon();
        over = true;
        for (int i = 0; i < REGISTERING; i++)
            pthread_join(threads[i], NULL);
        vkvm_conn_free(shared_conn);
        for (int i = 0; i < REGISTERING; i++)
            expect_all_ended(all[i].witnesses, all[i].count, "registrations of a thread");
    }
}

/* --- the close callback ------------------------------------------------------------------------ */

static void close_callback_from_two_threads(void)
{
    static struct registering one;
    pthread_t threads[2];
    begin_loop();
    /* What is registered by one is taken back by the other; only one can be at a time. */
    void *registers(void *), *unregisters(void *);
    shared_conn = open_conn(uri, 0);
    over = false;
    pthread_create(&threads[0], NULL, registers, &one);
    pthread_create(&threads[1], NULL, unregisters, NULL);
    usleep(800000);
    over = true;
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    vkvm_conn_unregister_close_callback(shared_conn, NULL);
    expect_all_ended(one.witnesses, one.count, "close callbacks");
    static struct witness last;
    vkvm_error *err = NULL;
    expect(vkvm_conn_register_close_callback(shared_conn, on_any_event, &last, on_destroy, &err) == 0,
           "a close callback cannot be registered again: %s", err ? vkvm_error_message(err) : "");
    restart_daemon();
    expect(wait_until(&last.calls, 1, PATIENCE), "the last close callback was not called");
    vkvm_conn_free(shared_conn);
    expect_all_ended(&last, 1, "the last close callback");
}

void *registers(void *data)
{
    struct registering *mine = data;
    while (!over && mine->count < MOST_REGISTRATIONS) {
        vkvm_conn_register_close_callback(shared_conn, on_any_event,
                                          &mine->witnesses[mine->count++], on_destroy, NULL);
    }
    return NULL;
}

void *unregisters(void *unused)
{
    while (!over)
        vkvm_conn_unregister_close_callback(shared_conn, NULL);
    return unused;
}

/* What a close callback does; userdata is a witness, which must still live. */
enum doing { NOTHING, CALLS, UNREGISTERS, REGISTERS, OPENS_ANOTHER, FREES };

static enum doing doing;
static struct witness again[CUTS * 8];
static atomic_int again_count;

static void on_close(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    char *name = NULL;
    bool alive = false;
    vkvm_conn *other = NULL;
    on_any_event(conn, object, event_id, args, userdata);
    if (doing == CALLS && vkvm_conn_get_hostname(conn, &name, NULL) == 0)
        vkvm_string_free(name);
    if (doing == UNREGISTERS)
        vkvm_conn_unregister_close_callback(conn, NULL);
    if (doing == REGISTERS && again_count < CUTS * 8)
        vkvm_conn_register_close_callback(conn, on_close, &again[again_count++], on_destroy, NULL);
    if (doing == OPENS_ANOTHER && vkvm_conn_open(TEST_URI, 0, &other, NULL) == 0)
        vkvm_conn_free(other);
    if (doing == OPENS_ANOTHER)
        vkvm_conn_is_alive(conn, &alive, NULL);
    if (doing == FREES)
        vkvm_conn_free(conn);
}

/* Other threads are in calls when the line is cut; theirs is the connection of the round. */
static _Atomic(vkvm_conn *) called;

static void *call_all_the_time(void *unused)
{
    while (!over) {
        char *name = NULL;
        vkvm_conn *conn = called;
        if (!conn)
            usleep(50);
        else if (vkvm_conn_get_hostname(conn, &name, NULL) == 0)
            vkvm_string_free(name);
    }
    return unused;
}

/* The callback is taken back, or the connection freed, while the line is cut. */
static void cut_at_any_moment(bool unregister)
{
    static struct witness witnesses[CUTS];
    pthread_t threads[2];
    begin_loop();
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, call_all_the_time, NULL);
    for (int round = 0; round < CUTS; round++) {
        vkvm_conn *conn = open_conn(line.uri, 0);
        if (vkvm_conn_register_close_callback(conn, on_close, &witnesses[round], on_destroy, NULL) < 0)
            expect(false, "a close callback cannot be registered");
        called = conn;
        usleep((useconds_t)(rand() % 1500));
        cut_line();
        usleep((useconds_t)(rand() % 2500));
        if (unregister)
            vkvm_conn_unregister_close_callback(conn, NULL);
        called = NULL;
        vkvm_conn_free(conn);
    }
    over = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    expect_all_ended(witnesses, CUTS, "close callbacks");
    expect_all_ended(again, again_count, "close callbacks that close callbacks registered");
}

static void cut_while_freeing(void)
{
    cut_at_any_moment(false);
}

static void cut_while_unregistering(void)
{
    cut_at_any_moment(true);
}

static void close_callback_calls(void)
{
    doing = CALLS;
    cut_at_any_moment(false);
}

static void close_callback_unregisters(void)
{
    doing = UNREGISTERS;
    cut_at_any_moment(false);
}

static void close_callback_opens(void)
{
    doing = OPENS_ANOTHER;
    cut_at_any_moment(false);
}

static void close_callback_registers(void)
{
    doing = REGISTERS;
    cut_at_any_moment(false);
}

/* Its connection is freed twice then, which is no error. */
static void close_callback_frees(void)
{
    doing = FREES;
    cut_at_any_moment(false);
}

/* --- closing while events arrive ---------------------------------------------------------------- */

static atomic_int opened;

static void *make_events_all_the_time(void *unused)
{
    vkvm_conn *conn = open_conn(uri, 0);
    vkvm_domain *dom = test_domain(conn);
    while (!over)
        make_events(dom);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    return unused;
}

static void *open_and_close(void *data)
{
    struct registering *mine = data;
    while (opened < OPENS && mine->count < MOST_REGISTRATIONS) {
        int id = -1;
        vkvm_conn *conn = open_conn(uri, 0);
        expect(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                                   on_any_event, &mine->witnesses[mine->count++],
                                                   on_destroy, &id, NULL) == 0,
               "a registration failed");
        vkvm_conn_free(conn);
        opened++;
    }
    return NULL;
}

static void close_while_events_arrive(void)
{
    static struct registering all[2];
    pthread_t events, threads[2];
    begin_loop();
    pthread_create(&events, NULL, make_events_all_the_time, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, open_and_close, &all[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    over = true;
    pthread_join(events, NULL);
    for (int i = 0; i < 2; i++)
        expect_all_ended(all[i].witnesses, all[i].count, "registrations of closed connections");
}

/* --- a registration that meets the end of its connection ------------------------------------ */

static atomic_int late_notifies;

static void count_late(void *userdata)
{
    (void)userdata;
    late_notifies++;
}

static void ignore_late(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                        void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args, (void)userdata;
}

static void *register_late(void *conn)
{
    int id;
    vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, ignore_late,
                                        NULL, count_late, &id, NULL);
    return NULL;
}

static void registers_late(void)
{
    enum { ROUNDS = 3000 };
    vkvm_error *err = NULL;
    must(vkvm_event_start(&err), err, "the loop");
    for (int i = 0; i < ROUNDS; i++) {
        vkvm_conn *conn = open_conn(TEST_URI, 0);
        pthread_t thread;
        must(pthread_create(&thread, NULL, register_late, conn), NULL, "a thread");
        vkvm_conn_free(conn);
        pthread_join(thread, NULL);
    }
    expect(wait_until(&late_notifies, ROUNDS, PATIENCE), "%d of %d destroy notifies ran", late_notifies,
           ROUNDS);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        printf("Bail out! usage: hostile_registrations URI SOCKET COMMAND\n");
        return 2;
    }
    uri = argv[1];
    restart = argv[3];
    lay_line(argv[2]);
    survives("a registration that the daemon refuses in a callback ends once", refused_in_callback);
    survives("a destroy notify may call the library", notify_calls);
    survives("registrations of four threads end once when the daemon dies", daemon_dies);
    survives("the close callback is registered and unregistered by two threads",
             close_callback_from_two_threads);
    survives("the line is cut while a connection is freed", cut_while_freeing);
    survives("the line is cut while the close callback is unregistered", cut_while_unregistering);
    survives("a close callback may call its connection", close_callback_calls);
    survives("a close callback may unregister itself", close_callback_unregisters);
    survives("a close callback may register a close callback", close_callback_registers);
    survives("a close callback may open another connection", close_callback_opens);
    survives("a close callback may free its connection", close_callback_frees);
    survives("connections close while their events arrive", close_while_events_arrive);
    remove_line();
    survives("a registration ends with a connection that is freed meanwhile", registers_late);
    return done();
}
