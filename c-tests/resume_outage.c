/*
 * What is registered on a connection that has ended and is going to be opened again: it
 * waits for the next connection.
 *
 * usage: resume_outage URI SOCKET COMMAND (which restarts the daemon)
 *
 * bed: test-daemon URI_UNIX SOCKET silent_restart
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile.h"

enum { SECONDS_EACH = PATIENCE, THREADS = 4, OUTAGES = 40, MOST = 200000 };

static atomic_int disconnected, reconnected;

static void on_resume(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)args;
    disconnected += event_id == VKVM_RESUME_DISCONNECTED;
    reconnected += event_id == VKVM_RESUME_RECONNECTED;
    if (userdata)
        ((struct witness *)userdata)->calls++;
}

static vkvm_conn *open_resumed(void)
{
    vkvm_error *err = NULL;
    must(vkvm_event_start(&err), err, "the event thread");
    vkvm_conn *conn = open_conn(line.uri, 0);
    must(vkvm_conn_enable_resume(conn, 100, on_resume, NULL, NULL, &err), err, "enable_resume");
    return conn;
}

/* --- an outage --------------------------------------------------------------------------- */

static char aside[120];

/* The line is cut, and no attempt to connect succeeds until `end_outage`. */
static void begin_outage(void)
{
    int before = disconnected;
    snprintf(aside, sizeof aside, "%s.aside", line.path);
    must(rename(line.path, aside), NULL, "moving the socket away");
    cut_line();
    expect(wait_until(&disconnected, before + 1, SECONDS_EACH), "the end is not told");
}

static void restore_line(void)
{
    must(rename(aside, line.path), NULL, "moving the socket back");
}

static void end_outage(void)
{
    int before = reconnected;
    restore_line();
    expect(wait_until(&reconnected, before + 1, SECONDS_EACH), "it is not opened again");
}

/* A suspending and a resuming of the domain, and a stop and a start of the network. */
static void make_events(vkvm_conn *conn)
{
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    vkvm_network *net = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    must(vkvm_conn_get_network_by_name(conn, "default", &net, &err), err, "the network");
    must(vkvm_domain_suspend(dom, &err), err, "suspend");
    must(vkvm_domain_resume(dom, &err), err, "resume");
    must(vkvm_network_destroy(net, &err), err, "the network's end");
    must(vkvm_network_create(net, &err), err, "the network's start");
    vkvm_domain_free(dom);
    vkvm_network_free(net);
}

/* --- what is registered in one ------------------------------------------------------------ */

enum { ALL, ONE, OLDER, NETWORK, CLOSE, KINDS };

static struct {
    vkvm_conn *conn;
    vkvm_domain *dom;
    vkvm_network *net;
    vkvm_event_queue *queue;
    int ids[KINDS], queued;
    struct witness witnesses[KINDS];
} it;

static void open_all(void)
{
    vkvm_error *err = NULL;
    it.conn = open_resumed();
    must(vkvm_conn_get_domain_by_name(it.conn, "test", &it.dom, &err), err, "the domain");
    must(vkvm_conn_get_network_by_name(it.conn, "default", &it.net, &err), err, "the network");
    must(vkvm_event_queue_new(100, &it.queue, &err), err, "a queue");
}

static void close_all(void)
{
    vkvm_domain_free(it.dom);
    vkvm_network_free(it.net);
    vkvm_event_queue_free(it.queue);
    vkvm_conn_free(it.conn);
    expect_all_ended(it.witnesses, KINDS, "what was registered");
    /* A callback that is running on the loop's thread keeps the handle until it returns. */
    for (double end = now() + SECONDS_EACH; handles("conn") && now() < end;)
        usleep(500);
    expect(handles("conn") == 0, "%zu connections are left", handles("conn"));
}

static void made(int returned, vkvm_error **err, const char *what)
{
    expect(returned == 0, "%s: %s", what, *err ? vkvm_error_message(*err) : "");
    forget(err);
}

static void register_all(void)
{
    vkvm_error *err = NULL;
    vkvm_conn *conn = it.conn;
    struct witness *to = it.witnesses;
    int lifecycle = VKVM_DOMAIN_EVENT_ID_LIFECYCLE;
    made(vkvm_conn_domain_event_register_any(conn, NULL, lifecycle, on_any_event, &to[ALL],
                                             on_destroy, &it.ids[ALL], &err), &err, "all domains");
    made(vkvm_conn_domain_event_register_any(conn, it.dom, lifecycle, on_any_event, &to[ONE],
                                             on_destroy, &it.ids[ONE], &err), &err, "one domain");
    made(vkvm_conn_domain_event_register(conn, on_any_event, &to[OLDER], on_destroy, &err), &err,
         "the older way");
    made(vkvm_conn_network_event_register_any(conn, it.net, VKVM_NETWORK_EVENT_ID_LIFECYCLE,
                                              on_any_event, &to[NETWORK], on_destroy,
                                              &it.ids[NETWORK], &err), &err, "a network");
    made(vkvm_conn_register_close_callback(conn, on_any_event, &to[CLOSE], on_destroy, &err), &err,
         "the end");
    made(vkvm_event_queue_domain_event_register_any(it.queue, conn, it.dom, lifecycle, &it.queued,
                                                    &err), &err, "a queue");
    made(vkvm_event_queue_register_close_callback(it.queue, conn, &err), &err,
         "the end, for a queue");
}

static void deregister_all(void)
{
    vkvm_error *err = NULL;
    made(vkvm_conn_domain_event_deregister_any(it.conn, it.ids[ALL], &err), &err, "all domains");
    made(vkvm_conn_domain_event_deregister_any(it.conn, it.ids[ONE], &err), &err, "one domain");
    made(vkvm_conn_domain_event_deregister(it.conn, &err), &err, "the older way");
    made(vkvm_conn_network_event_deregister_any(it.conn, it.ids[NETWORK], &err), &err, "a network");
    made(vkvm_conn_unregister_close_callback(it.conn, &err), &err, "the end");
    made(vkvm_conn_domain_event_deregister_any(it.conn, it.queued, &err), &err, "a queue");
    made(vkvm_event_queue_unregister_close_callback(it.queue, it.conn, &err), &err,
         "the end, for a queue");
}

static bool queue_grows_to(size_t wanted)
{
    size_t length = 0;
    double deadline = now() + SECONDS_EACH;
    do {
        vkvm_event_queue_get_length(it.queue, &length, NULL);
    } while (length < wanted && now() < deadline && usleep(500) == 0);
    return length == wanted;
}

/* --- cases --------------------------------------------------------------------------------- */

/* Twice: the second time the objects are not those of the connection that has ended. */
static void registered_in_an_outage(void)
{
    vkvm_error *err = NULL;
    open_all();
    for (int round = 0; round < 2 && !case_failed; round++) {
        memset(it.witnesses, 0, sizeof it.witnesses);
        begin_outage();
        register_all();
        end_outage();
        make_events(it.conn);
        for (int i = 0; i < CLOSE; i++)
            expect(wait_until(&it.witnesses[i].calls, 2, SECONDS_EACH), "listener %d: %d events", i,
                   it.witnesses[i].calls);
        expect(queue_grows_to(2), "the queue has not the two events of the domain");
        expect(!it.witnesses[CLOSE].calls, "the close callback is told of an earlier end");
        begin_outage();
        end_outage();
        expect(wait_until(&it.witnesses[CLOSE].calls, 1, SECONDS_EACH), "the end is not told");
        expect(queue_grows_to(3), "the end is not queued");
        /* The close callbacks are over. */
        made(vkvm_conn_register_close_callback(it.conn, on_any_event, NULL, NULL, &err), &err,
             "the next end");
        made(vkvm_event_queue_register_close_callback(it.queue, it.conn, &err), &err,
             "the next end, for a queue");
        deregister_all();
        expect_all_ended(it.witnesses, KINDS, "what was deregistered");
        vkvm_value *events = NULL;
        vkvm_event_queue_drain(it.queue, 100, &events, NULL);
        vkvm_value_free(events);
        begin_outage();
        end_outage();
    }
    close_all();
}

static void deregistered_in_an_outage(void)
{
    int calls = 0;
    size_t length = 1;
    open_all();
    begin_outage();
    register_all();
    deregister_all();
    for (int i = 0; i < KINDS; i++)
        expect(it.witnesses[i].destroyed == 1, "the destroy notify of %d ran %d times", i,
               it.witnesses[i].destroyed);
    end_outage();
    make_events(it.conn);
    /* What ends after all that is to come has come. */
    begin_outage();
    end_outage();
    for (int i = 0; i < KINDS; i++)
        calls += it.witnesses[i].calls;
    vkvm_event_queue_get_length(it.queue, &length, NULL);
    expect(calls == 0 && length == 0, "%d and %zu events came though all is deregistered", calls,
           length);
    close_all();
}

static struct witness enabled[3];

/* Nothing is opened again then; all ends with the connection, or the queue. */
static void disabled_in_an_outage(void)
{
    vkvm_error *err = NULL;
    open_all();
    made(vkvm_conn_disable_resume(it.conn, &err), &err, "disable_resume");
    made(vkvm_conn_enable_resume(it.conn, 100, on_resume, &enabled[0], on_destroy, &err), &err,
         "enable_resume");
    begin_outage();
    register_all();
    made(vkvm_conn_disable_resume(it.conn, &err), &err, "disable_resume");
    expect_all_ended(enabled, 1, "enable_resume");
    int id, returned = vkvm_conn_domain_event_register_any(
                    it.conn, NULL, VKVM_DOMAIN_EVENT_ID_REBOOT, on_any_event, NULL, NULL, &id, NULL);
    expect(returned < 0, "a registration succeeds on a connection that stays closed");
    returned = vkvm_conn_unregister_close_callback(it.conn, NULL);
    expect(returned == 0 && it.witnesses[CLOSE].destroyed == 1, "the close callback stays");
    returned = vkvm_conn_register_close_callback(it.conn, on_any_event, NULL, NULL, &err);
    expect(returned < 0 && strstr(vkvm_error_message(err), "conn: has ended"),
           "a close callback is not refused on a connection that stays closed");
    forget(&err);
    restore_line();
    close_all();
}

static void freed_in_an_outage(void)
{
    open_all();
    begin_outage();
    register_all();
    restore_line(); /* it may come to the next connection, or not */
    close_all();
}

/* Which resumes then: that it has ended is told first. */
static void enabled_in_an_outage(void)
{
    vkvm_error *err = NULL;
    open_all();
    begin_outage();
    made(vkvm_conn_disable_resume(it.conn, &err), &err, "disable_resume");
    int before = disconnected;
    made(vkvm_conn_enable_resume(it.conn, 100, on_resume, &enabled[1], on_destroy, &err), &err,
         "enable_resume");
    register_all();
    expect(vkvm_conn_enable_resume(it.conn, 100, on_resume, &enabled[2], on_destroy, NULL) < 0,
           "it is enabled twice");
    expect_all_ended(&enabled[2], 1, "the one that was refused");
    expect(wait_until(&disconnected, before + 1, SECONDS_EACH), "the end is not told");
    end_outage();
    make_events(it.conn);
    for (int i = 0; i < CLOSE; i++)
        expect(wait_until(&it.witnesses[i].calls, 2, SECONDS_EACH), "listener %d: %d events", i,
               it.witnesses[i].calls);
    begin_outage();
    end_outage();
    expect(it.witnesses[CLOSE].calls == 1, "%d ends are told", it.witnesses[CLOSE].calls);
    expect(enabled[1].calls == 4, "%d changes are told, not 4", enabled[1].calls);
    close_all();
    expect_all_ended(&enabled[1], 1, "enable_resume");
}

/* What no connection takes fails at once. */
static void impossible_in_an_outage(void)
{
    static struct witness impossible[2];
    vkvm_error *err = NULL;
    int id = -1;
    open_all();
    begin_outage();
    const int wrong[] = { -1, 10000 };
    for (int i = 0; i < 2; i++) {
        int returned = vkvm_conn_domain_event_register_any(it.conn, NULL, wrong[i], on_any_event,
                                                           &impossible[i], on_destroy, &id, &err);
        expect(returned < 0 && vkvm_error_code(err) == VKVM_ERROR_ERR_INVALID_ARG,
               "a kind of event that does not exist, %d, is not refused", wrong[i]);
        forget(&err);
    }
    expect_all_ended(impossible, 2, "what was refused");
    register_all();
    expect(vkvm_conn_register_close_callback(it.conn, on_any_event, NULL, NULL, NULL) < 0,
           "there are two close callbacks");
    restore_line();
    close_all();
}

/* --- at any moment of many outages ----------------------------------------------------------- */

static atomic_bool over;

static struct registering {
    vkvm_conn *conn;
    int count, failed, kept;
    struct witness *witnesses;
} registering[THREADS];

static void *register_all_the_time(void *data)
{
    struct registering *mine = data;
    vkvm_error *err = NULL;
    for (unsigned seed = 1; !over && mine->count < MOST;) {
        struct witness *witness = &mine->witnesses[mine->count++];
        int id = -1, kind = rand_r(&seed) % 8;
        if (vkvm_conn_domain_event_register_any(mine->conn, NULL, kind, on_any_event, witness,
                                                on_destroy, &id, &err) < 0) {
            if (mine->failed++ == 0)
                diag("a registration is refused: %s", vkvm_error_message(err));
            forget(&err);
            continue;
        }
        usleep((useconds_t)(rand_r(&seed) % 1000));
        mine->kept += vkvm_conn_domain_event_deregister_any(mine->conn, id, NULL) < 0;
    }
    return NULL;
}

static void registered_at_any_moment(void)
{
    pthread_t threads[THREADS];
    int total = 0;
    open_all();
    for (int i = 0; i < THREADS; i++) {
        registering[i] = (struct registering){ .conn = it.conn,
                                               .witnesses = calloc(MOST, sizeof(struct witness)) };
        pthread_create(&threads[i], NULL, register_all_the_time, &registering[i]);
    }
    for (int i = 0; i < OUTAGES && !case_failed; i++) {
        int before = reconnected;
        cut_line();
        expect(wait_until(&reconnected, before + 1, SECONDS_EACH), "it is not opened again");
        usleep((useconds_t)(rand() % 5000));
    }
    over = true;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        expect(!registering[i].failed && !registering[i].kept,
               "of %d registrations %d were refused, and %d could not be ended",
               registering[i].count, registering[i].failed, registering[i].kept);
        expect_all_ended(registering[i].witnesses, registering[i].count, "what a thread registered");
        total += registering[i].count;
    }
    expect(total > OUTAGES, "only %d registrations were made", total);
    register_all();
    close_all();
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        printf("Bail out! usage: resume_outage URI SOCKET COMMAND\n");
        return 2;
    }
    lay_line(argv[2]);
    survives("what is registered in an outage is on the next connection", registered_in_an_outage);
    survives("what is deregistered in it is over", deregistered_in_an_outage);
    survives("without a next connection it ends with the one that was", disabled_in_an_outage);
    survives("a connection is freed in an outage", freed_in_an_outage);
    survives("resuming is enabled in an outage", enabled_in_an_outage);
    survives("what no connection takes is refused in an outage, too", impossible_in_an_outage);
    survives("nothing is refused at any moment of many outages", registered_at_any_moment);
    remove_line();
    return done();
}
