/*
 * Many events: none is lost, none comes twice, all are in order, by callbacks and
 * through a queue; and what callbacks may do besides what is in events.c.
 *
 * Runs with each kind of loop (VKVM_LOOP). VKVM_CYCLES is how many cycles (10000).
 *
 * tests: event_cycles event_cycles.own event_cycles.thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "events.h"

/* What the library calls its thread. */
#define LOOP_THREAD "vkvm-events"

static vkvm_error *err;

static int cycles(void)
{
    const char *wanted = getenv("VKVM_CYCLES");
    return wanted ? atoi(wanted) : 10000;
}

static vkvm_domain *test_domain(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    return dom;
}

/* --- by callbacks ------------------------------------------------------------ */

struct order {
    int calls, wrong, destroyed;
};

static bool in_order(int number, int event)
{
    return event == (number % 2 ? VKVM_DOMAIN_EVENT_RESUMED : VKVM_DOMAIN_EVENT_SUSPENDED);
}

static void note_order(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                       void *userdata)
{
    struct order *order = userdata;
    (void)conn, (void)object, (void)event_id;
    if (!in_order(order->calls, (int)int_at(args, "event")))
        order->wrong++;
    count_one(&order->calls);
}

static void destroy_order(void *userdata)
{
    count_one(&((struct order *)userdata)->destroyed);
}

/* Makes events; does not wait for them but every 100 cycles. */
static void cycle(vkvm_domain *dom, int count, const int *seen)
{
    long failed = 0;
    for (int i = 0; i < count; i++) {
        failed += vkvm_domain_suspend(dom, NULL) < 0;
        failed += vkvm_domain_resume(dom, NULL) < 0;
        if (seen && i % 100 == 99)
            wait_for(seen, 2 * i - 100);
    }
    is_int(failed, 0, "each call works");
}

static void by_callback(const char *uri)
{
    vkvm_conn *conn = open_conn(uri, 0);
    vkvm_domain *dom = test_domain(conn);
    struct order order = { 0 };
    int id = -1;
    works(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              note_order, &order, destroy_order, &id, &err),
          &err, "register_any");
    double begin = now();
    cycle(dom, cycles(), &order.calls);
    wait_for(&order.calls, 2 * cycles());
    diag("%d cycles in %.2f s", cycles(), now() - begin);
    settle();
    is_int(order.calls, 2 * cycles(), "as many events as things happened");
    is_int(order.wrong, 0, "all in order");
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");
    settle();
    is_int(order.destroyed, 1, "the userdata is released once");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

/* --- through a queue ---------------------------------------------------------- */

static bool readable(vkvm_event_queue *queue)
{
    struct pollfd fd = { .fd = -1, .events = POLLIN };
    must(vkvm_event_queue_get_fd(queue, &fd.fd, &err), err, "get_fd");
    return poll(&fd, 1, 0) == 1;
}

static int length(vkvm_event_queue *queue)
{
    size_t count = 0;
    must(vkvm_event_queue_get_length(queue, &count, &err), err, "get_length");
    return (int)count;
}

static uint64_t overflow(vkvm_event_queue *queue)
{
    uint64_t count = 0;
    must(vkvm_event_queue_get_overflow(queue, &count, &err), err, "get_overflow");
    return count;
}

static vkvm_event_queue *new_queue(size_t capacity)
{
    vkvm_event_queue *queue = NULL;
    must(vkvm_event_queue_new(capacity, &queue, &err), err, "event_queue_new");
    return queue;
}

static int listen_through(vkvm_event_queue *queue, vkvm_conn *conn)
{
    int id = -1;
    must(vkvm_event_queue_domain_event_register_any(queue, conn, NULL,
                                                    VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &id, &err),
         err, "register_any through the queue");
    return id;
}

/* Takes all that is there; returns how many, and counts those out of order. */
static int drain(vkvm_event_queue *queue, int number, int *wrong)
{
    vkvm_value *events = NULL;
    size_t count = 0;
    must(vkvm_event_queue_drain(queue, 1000000, &events, &err), err, "drain");
    must(vkvm_value_get_length(events, NULL, &count, &err), err, "get_length");
    for (size_t i = 0; i < count; i++) {
        char path[40];
        snprintf(path, sizeof path, "%zu.args.event", i);
        *wrong += !in_order(number + (int)i, (int)int_at(events, path));
    }
    vkvm_value_free(events);
    return (int)count;
}

static void through_queue(const char *uri)
{
    vkvm_conn *conn = open_conn(uri, 0);
    vkvm_domain *dom = test_domain(conn);
    vkvm_event_queue *queue = new_queue(1000);
    int id = listen_through(queue, conn), got = 0, wrong = 0;
    ok(!readable(queue) && length(queue) == 0, "an empty queue is not readable");
    double begin = now();
    for (int i = 0; i < cycles(); i += 100) {
        cycle(dom, 100, NULL);
        for (double end = now() + PATIENCE; got < 2 * (i + 100) && now() < end; turn())
            got += readable(queue) ? drain(queue, got, &wrong) : 0;
    }
    diag("%d cycles in %.2f s", cycles(), now() - begin);
    is_int(got, 2 * cycles(), "as many events as things happened");
    ok(wrong == 0 && overflow(queue) == 0, "all in order, none lost");
    ok(!readable(queue), "it is not readable any more");
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");
    cycle(dom, 1, NULL);
    settle();
    is_int(length(queue), 0, "then nothing comes any more");
    vkvm_event_queue_free(queue);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

/* Gets one event; the queue is filled by the loop, which may be ours to run. */
static vkvm_value *next(vkvm_event_queue *queue)
{
    vkvm_value *event = NULL;
    for (double end = now() + PATIENCE; !event && now() < end; turn())
        must(vkvm_event_queue_next(queue, 0, &event, &err), err, "next");
    return event;
}

static void full_queue(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = test_domain(conn);
    vkvm_event_queue *queue = new_queue(10);
    int wrong = 0;
    listen_through(queue, conn);
    cycle(dom, 15, NULL);
    for (double end = now() + PATIENCE; overflow(queue) < 20 && now() < end;)
        turn();
    ok(length(queue) == 10 && overflow(queue) == 20, "10 of 30 fit, 20 are counted");
    vkvm_value *event = next(queue);
    void *object = NULL, *from = NULL;
    char *class = NULL;
    works(vkvm_value_get_handle(event, "object", &object, &err), &err, "its object");
    is_str(vkvm_handle_class_name(object), "domain", "is a domain");
    works(vkvm_value_get_handle(event, "conn", &from, &err), &err, "its connection");
    ok(from == conn, "is this one");
    works(vkvm_value_get_string(event, "class", &class, &err), &err, "its class");
    is_own_str(class, "domain", "is that of the object");
    is_int(int_at(event, "event_id"), VKVM_DOMAIN_EVENT_ID_LIFECYCLE, "its kind");
    is_int(int_at(event, "args.event"), VKVM_DOMAIN_EVENT_SUSPENDED, "it is the first");
    vkvm_value_free(event);
    vkvm_handle_free(object);
    vkvm_handle_free(from);
    is_int(drain(queue, 1, &wrong), 9, "the others are there");
    is_int(wrong, 0, "in order");
    ok(!readable(queue), "now it is empty");

    /* The connection ends while its events are waiting. */
    cycle(dom, 2, NULL);
    for (double end = now() + PATIENCE; length(queue) < 4 && now() < end;)
        turn();
    vkvm_domain_free(dom);
    is_int(length(queue), 4, "four wait");
    vkvm_conn_free(conn);
    ok(length(queue) == 0 && !readable(queue), "they go with their connection");
    vkvm_event_queue_free(queue);
    fails(vkvm_event_queue_next(queue, 0, &event, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "queue",
          "a queue that was freed");
    fails(vkvm_event_queue_new(0, &queue, &err), &err, VKVM_ERROR_OWN_INVALID, "capacity",
          "a queue without room");

    /* The queue ends, with its registrations. */
    conn = open_conn(TEST_URI, 0);
    dom = test_domain(conn);
    queue = new_queue(10);
    listen_through(queue, conn);
    works(vkvm_event_queue_register_close_callback(queue, conn, &err), &err, "and to its end");
    vkvm_event_queue_free(queue);
    settle();
    queue = new_queue(10);
    listen_through(queue, conn);
    works(vkvm_event_queue_register_close_callback(queue, conn, &err), &err, "again");
    vkvm_conn_free(conn);
    settle();
    vkvm_event_queue_free(queue);
    vkvm_domain_free(dom);
}

/* A program makes the descriptor blocking and reads it, in spite of the documentation. */
static void emptied_queue(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = test_domain(conn);
    vkvm_event_queue *queue = new_queue(10);
    int fd = -1, wrong = 0;
    uint64_t count = 0;
    listen_through(queue, conn);
    must(vkvm_event_queue_get_fd(queue, &fd, &err), err, "get_fd");
    must(fcntl(fd, F_SETFL, 0), NULL, "making it blocking");
    for (int i = 0; i < 2; i++) {
        cycle(dom, 1, NULL);
        for (double end = now() + PATIENCE; length(queue) < 2 && now() < end;)
            turn();
        ok(readable(queue), "it is readable with the first event");
        if (i == 0)
            is_int((int)read(fd, &count, sizeof count), sizeof count, "the program reads it");
        is_int(drain(queue, 2 * i, &wrong), 2, "taking the events waits for nothing");
        ok(!readable(queue), "without events it is not readable");
    }
    is_int(wrong, 0, "the events are in order");
    vkvm_event_queue_free(queue);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

/* Some sandboxes refuse a system call, others do not have it. */
static void sandboxed_queue(void)
{
    enum { NOT_HERE = 77 };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_preadv2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof code / sizeof *code, code };
    int status = 0, wrong = 0;
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
            _exit(NOT_HERE);
        /* The parent's does not run here. */
        if (loop_is("thread"))
            must(vkvm_event_start(&err), err, "a thread of the child's");
        vkvm_conn *conn = open_conn(TEST_URI, 0);
        vkvm_event_queue *queue = new_queue(10);
        listen_through(queue, conn);
        must(vkvm_domain_suspend(test_domain(conn), &err), err, "an event");
        for (double end = now() + PATIENCE; length(queue) < 1 && now() < end;)
            turn();
        drain(queue, 0, &wrong);
        _exit(readable(queue));
    }
    waitpid(child, &status, 0);
    ok(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == NOT_HERE),
       "without preadv2 a queue is not readable when it is empty");
}

/* next waits, while another thread runs the loop. */
static void waiting(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = test_domain(conn);
    vkvm_event_queue *queue = new_queue(10);
    vkvm_value *event = NULL;
    listen_through(queue, conn);
    double begin = now();
    works(vkvm_event_queue_next(queue, 50, &event, &err), &err, "next, in vain");
    ok(!event && now() - begin >= 0.049 && now() - begin < PATIENCE, "after 50 ms there is none");
    if (loop_is("thread")) {
        bool started = false;
        cycle(dom, 1, NULL);
        is_int(threads_named(LOOP_THREAD), 1, "the library's thread runs the loop");
        works(vkvm_event_queue_next(queue, -1, &event, &err), &err, "next waits");
        ok(event != NULL, "and has one");
        vkvm_value_free(event);
        works(vkvm_event_stop(&err), &err, "the loop is stopped");
        works(vkvm_event_stop(&err), &err, "once more");
        works(vkvm_event_is_started(&started, &err), &err, "is_started");
        ok(!started, "it is not");
        vkvm_value *rest = NULL;
        must(vkvm_event_queue_drain(queue, 100, &rest, &err), err, "drain");
        vkvm_value_free(rest);
        cycle(dom, 1, NULL);
        /* Who could bring them is gone; a thread is listed a little longer than it lives. */
        for (double end = now() + PATIENCE; threads_named(LOOP_THREAD) && now() < end;)
            usleep(1000);
        is_int(threads_named(LOOP_THREAD), 0, "its thread is gone");
        is_int(length(queue), 0, "nothing comes then");
        works(vkvm_event_start(&err), &err, "it is started again");
        works(vkvm_event_queue_next(queue, PATIENCE * 1000, &event, &err), &err, "and goes on");
        ok(event != NULL, "with what happened meanwhile");
        vkvm_value_free(event);
    }
    vkvm_event_queue_free(queue);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

/* --- what callbacks may do ------------------------------------------------------ */

static void register_more(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                          void *userdata)
{
    struct seen *seen = userdata;
    (void)event_id, (void)args;
    if (seen->calls == 0)
        must(vkvm_conn_domain_event_register_any(conn, object, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                                 note_event, seen + 1, count_destroy,
                                                 &seen[1].registration, &err),
             err, "register_any in a callback");
    count_one(&seen->calls);
}

/* The child has the parent's handles, which it cannot use. */
static void in_fork(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    struct seen *seen = userdata;
    int status = -1;
    (void)event_id, (void)args;
    pid_t child = fork();
    if (child == 0) {
        int timer = -1;
        bool right = vkvm_domain_suspend(object, &err) == -1 &&
                     vkvm_error_int1(err) == VKVM_ERROR_OWN_FORKED;
        vkvm_error_free(err);
        err = NULL;
        if (loop_is("thread"))
            right &= vkvm_event_add_timeout(1, no_op, NULL, NULL, &timer, &err) == -1 &&
                     vkvm_error_code(err) == VKVM_ERROR_OWN_OTHER_EVENT_LOOP;
        vkvm_conn_free(conn);
        _exit(right ? 0 : 1);
    }
    waitpid(child, &status, 0);
    seen->detail = status;
    count_one(&seen->calls);
}

static void end_other(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                      void *userdata)
{
    struct seen *seen = userdata;
    (void)object, (void)event_id, (void)args;
    vkvm_conn_domain_event_deregister_any(conn, seen->registration, NULL);
    count_one(&seen->calls);
}

static void free_domain(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                        void *userdata)
{
    (void)conn, (void)event_id, (void)args;
    vkvm_domain_free(*(vkvm_domain **)userdata);
    *(vkvm_domain **)userdata = vkvm_handle_ref(object);
}

static void in_callbacks(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = test_domain(conn), *own = test_domain(conn);
    struct seen seen[2] = { { 0 }, { .conn = conn } }, forked = { 0 }, pair[2] = { { 0 }, { 0 } };
    int id = -1;
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             register_more, seen, count_destroy, &id, &err),
         err, "register_any");
    cycle(dom, 1, NULL);
    wait_for(&seen[0].calls, 2);
    cycle(dom, 1, NULL);
    ok(wait_for(&seen[1].calls, 2), "what a callback registers is called");
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");
    works(vkvm_conn_domain_event_deregister_any(conn, seen[1].registration, &err), &err, "both");

    must(vkvm_conn_domain_event_register_any(conn, dom, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, in_fork,
                                             &forked, count_destroy, &id, &err),
         err, "register_any");
    works(vkvm_domain_suspend(dom, &err), &err, "suspend");
    ok(wait_for(&forked.calls, 1), "a callback forks");
    is_int(forked.detail, 0, "the child is told that it cannot use the handles");
    works(vkvm_domain_resume(dom, &err), &err, "the parent's go on");
    ok(wait_for(&forked.calls, 2), "as do its events");
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");

    for (int i = 0; i < 2; i++)
        must(vkvm_conn_domain_event_register_any(conn, i ? dom : NULL,
                                                 VKVM_DOMAIN_EVENT_ID_LIFECYCLE, end_other,
                                                 &pair[i], count_destroy,
                                                 &pair[1 - i].registration, &err),
             err, "register_any");
    cycle(dom, 2, NULL);
    for (double end = now() + PATIENCE; read_count(&pair[0].calls) + read_count(&pair[1].calls) < 4 && now() < end;)
        turn();
    settle();
    ok((pair[0].calls == 4 && pair[1].calls == 0) || (pair[0].calls == 0 && pair[1].calls == 4),
       "a callback ends another, which is not called then");
    vkvm_conn_domain_event_deregister_any(conn, pair[0].registration, NULL);
    vkvm_conn_domain_event_deregister_any(conn, pair[1].registration, NULL);

    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             free_domain, &own, NULL, &id, &err),
         err, "register_any");
    cycle(dom, 2, NULL);
    settle();
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "a callback keeps its object");
    settle();
    char *name = NULL;
    works(vkvm_domain_get_name(own, &name, &err), &err, "which lives on");
    is_own_str(name, "test", "as itself");
    ok(seen[0].destroyed == 1 && seen[1].destroyed == 1 && forked.destroyed == 1 &&
           pair[0].destroyed == 1 && pair[1].destroyed == 1,
       "each userdata is released once");
    vkvm_domain_free(own);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

/* --- many threads -------------------------------------------------------------- */

enum { THREADS = 16 };

struct crowd {
    vkvm_conn *conn;
    vkvm_domain *dom;
    vkvm_event_queue *queue;
    int failed, running;
    struct order order;
};

/* Makes events, listens and stops listening, takes from the queue. */
static void *one_of_many(void *argument)
{
    struct crowd *crowd = argument;
    int failed = 0;
    for (int i = 0; i < 50; i++) {
        vkvm_value *events = NULL;
        vkvm_network *net = NULL;
        vkvm_event_queue *own = NULL;
        int id = -1;
        vkvm_domain_suspend(crowd->dom, NULL); /* fails when another one was faster */
        vkvm_domain_resume(crowd->dom, NULL);
        failed += vkvm_conn_get_network_by_name(crowd->conn, "default", &net, NULL) < 0;
        failed += vkvm_event_queue_new(8, &own, NULL) < 0;
        failed += vkvm_event_queue_network_event_register_any(own, crowd->conn, net, 0, &id,
                                                              NULL) < 0;
        failed += vkvm_conn_network_event_deregister_any(crowd->conn, id, NULL) < 0;
        failed += vkvm_conn_network_event_register_any(crowd->conn, net, 0, note_order,
                                                       &crowd->order, NULL, &id, NULL) < 0;
        failed += vkvm_conn_network_event_deregister_any(crowd->conn, id, NULL) < 0;
        failed += vkvm_event_queue_drain(crowd->queue, 7, &events, NULL) < 0;
        vkvm_value_free(events);
        vkvm_event_queue_free(own);
        vkvm_network_free(net);
    }
    __atomic_add_fetch(&crowd->failed, failed, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&crowd->running, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void many_threads(void)
{
    pthread_t threads[THREADS];
    struct crowd crowd = { .running = THREADS };
    struct order order = { 0 };
    int id = -1;
    if (loop_is("own"))
        return; /* that loop is for one thread */
    crowd.conn = open_conn(TEST_URI, 0);
    crowd.dom = test_domain(crowd.conn);
    crowd.queue = new_queue(100);
    listen_through(crowd.queue, crowd.conn);
    must(vkvm_conn_domain_event_register_any(crowd.conn, crowd.dom,
                                             VKVM_DOMAIN_EVENT_ID_LIFECYCLE, note_order, &order,
                                             destroy_order, &id, &err),
         err, "register_any");
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, one_of_many, &crowd), NULL, "pthread_create");
    for (double end = now() + PATIENCE;
         __atomic_load_n(&crowd.running, __ATOMIC_SEQ_CST) > 0 && now() < end;)
        turn();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    settle();
    is_int(crowd.failed, 0, "16 threads on one connection");
    ok(order.calls > 0, "with events flowing");
    diag("%d events", order.calls);
    vkvm_event_queue_free(crowd.queue);
    vkvm_domain_free(crowd.dom);
    vkvm_conn_free(crowd.conn);
    settle();
    is_int(order.destroyed, 1, "the userdata is released once");
}

int main(void)
{
    start_loop();
    by_callback(TEST_URI);
    through_queue(TEST_URI);
    full_queue();
    emptied_queue();
    sandboxed_queue();
    waiting();
    in_callbacks();
    many_threads();
    settle();
    settle();
    if (loop_is("own"))
        ok(own_calls > 0 && own_added - own_destroyed <= 2,
           "the loop was told of the end of all but this test's own timer and the library's");
    if (loop_is("thread"))
        works(vkvm_event_stop(&err), &err, "stop");
    no_handles_left();
    is_int((int64_t)handles("event_queue"), 0, "nor one of a queue");
    return done();
}
