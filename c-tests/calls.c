/*
 * Calls that a thread of the library's makes: what they come to, their deadlines, giving
 * them up, and what a daemon that is stopped costs.
 *
 * usage: calls URI_UNIX PID
 *
 * bed: test-daemon URI_UNIX PID
 * tests: calls calls.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <dlfcn.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>

#include "common.h"
#include "hostile.h"
#include "started.h"

static const char *uri;
static pid_t daemon_pid;
static int first_threads;

static vkvm_conn *conn;
static vkvm_error *err;

/* Checks the error that a call has come to; frees the call. */
static void fails_with(vkvm_call *call, int code, const char *part, const char *name)
{
    vkvm_value *result = (vkvm_value *)&conn;
    ok(is_done(call, PATIENCE * 1000), "%s is done", name);
    int returned = vkvm_call_get_result(call, &result, &err);
    has_text(err ? vkvm_error_message(err) : NULL, part, name);
    fails(returned, &err, code, NULL, name);
    ok(result == (vkvm_value *)&conn, "%s: the result is not touched", name);
    vkvm_call_free(call);
}

/* Checks that a call does not start. */
static void refuses(const char *function, vkvm_value *args, vkvm_event_queue *queue, int code,
                    const char *parameter, const char *part, const char *name)
{
    vkvm_call *call = (vkvm_call *)&conn;
    int returned = vkvm_call_start(function, args, 0, queue, 0, &call, &err);
    has_text(err ? vkvm_error_message(err) : NULL, part, name);
    fails(returned, &err, code, parameter, name);
    ok(call == (vkvm_call *)&conn, "%s: the call is not touched", name);
    vkvm_value_free(args);
}

static int64_t count_calls(vkvm_conn *of, const char *which)
{
    vkvm_value *calls;
    must(vkvm_conn_get_calls(of, &calls, &err), err, "the calls");
    int64_t count = int_at(calls, which);
    vkvm_value_free(calls);
    return count;
}

static void wait_for_count(vkvm_conn *of, const char *which, int64_t wanted, const char *name)
{
    int64_t count = -1;
    for (double end = now() + PATIENCE; now() < end; usleep(1000))
        if ((count = count_calls(of, which)) == wanted)
            break;
    ok(count == wanted, "%s", name);
    if (count != wanted)
        diag("%s is %lld, not %lld", which, (long long)count, (long long)wanted);
}

static void stop_daemon(void)
{
    must(kill(daemon_pid, SIGSTOP), NULL, "stopping the daemon");
    for (double end = now() + PATIENCE; now() < end; usleep(1000))
        if (thread_state(daemon_pid, daemon_pid) == 'T')
            return;
}

static void continue_daemon(void)
{
    must(kill(daemon_pid, SIGCONT), NULL, "continuing the daemon");
}

/* --- what calls come to --------------------------------------------------------------- */

static void results(void)
{
    char *name;
    vkvm_value *result = result_of(start("vkvm_conn_get_hostname", with("conn", conn), 0, NULL, 0),
                                   "a call without a queue");
    must(vkvm_conn_get_hostname(conn, &name, &err), err, "the name of the host");
    is_str_at(result, "", name, "it has come to what the function gives");
    vkvm_string_free(name);
    vkvm_value_free(result);

    vkvm_call *call = start("vkvm_conn_get_domain_by_name",
                            with_text(with("conn", conn), "name", "test"), 0, NULL, 0);
    vkvm_value *first = NULL, *second = NULL;
    ok(is_done(call, PATIENCE * 1000), "a call that gives a handle is done");
    works(vkvm_call_get_result(call, &first, &err), &err, "its result");
    works(vkvm_call_get_result(call, &second, &err), &err, "its result once more");
    ok(first == second, "the result is the same value each time");
    vkvm_call_free(call);
    vkvm_value_free(second);
    vkvm_domain *dom = NULL;
    works(vkvm_value_get_handle(first, "", (void **)&dom, &err), &err, "the domain");
    vkvm_value_free(first);

    /* The domain can be freed while it is used. */
    call = start("vkvm_domain_get_xml_description", with("dom", dom), 0, NULL, 0);
    char *xml;
    must(vkvm_domain_get_xml_description(dom, 0, &xml, &err), err, "the description");
    vkvm_domain_free(dom);
    result = result_of(call, "a call of which the object is freed meanwhile");
    is_str_at(result, "", xml, "it has come to the description");
    vkvm_string_free(xml);
    vkvm_value_free(result);

    fails_with(start("vkvm_conn_get_domain_by_name",
                     with_text(with("conn", conn), "name", "nobody"), 0, NULL, 0),
               VKVM_ERROR_ERR_NO_DOMAIN, "Domain not found", "a call that fails");

    call = start("vkvm_library_get_version", NULL, 0, NULL, 0);
    ok(is_done(call, 0), "what waits for no daemon is done at once");
    vkvm_value_free(result_of(call, "it"));
}

static void in_a_queue(void)
{
    enum { COUNT = 200 };
    vkvm_event_queue *queue;
    vkvm_value *entry;
    int fd, seen[COUNT] = { 0 };
    must(vkvm_event_queue_new(COUNT, &queue, &err), err, "a queue");
    must(vkvm_event_queue_get_fd(queue, &fd, &err), err, "its descriptor");
    for (int i = 0; i < COUNT; i++)
        vkvm_call_free(start("vkvm_conn_get_hostname", with("conn", conn), 0, queue, i));
    refuses("vkvm_conn_get_hostname", with("conn", conn), queue, VKVM_ERROR_OWN_BUSY, NULL,
            "queue: is full", "a queue without room");
    for (int i = 0; i < COUNT; i++) {
        struct pollfd readable = { .fd = fd, .events = POLLIN };
        if (poll(&readable, 1, PATIENCE * 1000) != 1)
            diag("nothing comes");
        must(vkvm_event_queue_next(queue, 0, &entry, &err), err, "next");
        if (!entry)
            break;
        int64_t tag = int_at(entry, "tag");
        vkvm_call *call = NULL;
        must(vkvm_value_get_handle(entry, "call", (void **)&call, &err), err, "the call");
        vkvm_value *result = NULL;
        if (tag >= 0 && tag < COUNT && vkvm_call_get_result(call, &result, &err) == 0)
            seen[tag]++;
        forget(&err);
        vkvm_value_free(result);
        vkvm_call_free(call);
        vkvm_value_free(entry);
    }
    int right = 0;
    for (int i = 0; i < COUNT; i++)
        right += seen[i] == 1;
    ok(right == COUNT, "each of %d calls is told of once, with its tag", COUNT);
    if (right != COUNT)
        diag("%d are", right);

    /* What is in a queue that ends is let go of. */
    vkvm_call_free(start("vkvm_conn_get_hostname", with("conn", conn), 0, queue, 0));
    vkvm_call *call = start("vkvm_conn_get_hostname", with("conn", conn), 0, queue, 1);
    vkvm_event_queue_free(queue);
    vkvm_value_free(result_of(call, "a call whose queue has gone"));
}

static void wrong(void)
{
    vkvm_value *result = NULL;
    bool done;
    refuses("vkvm_nothing", NULL, NULL, VKVM_ERROR_OWN_INVALID, "function", "vkvm_nothing",
            "no function of this name");
    refuses("vkvm_conn_get_hostname", with_text(with("conn", conn), "nme", "x"), NULL,
            VKVM_ERROR_OWN_NOT_FOUND, "args", "parameters of vkvm_conn_get_hostname are conn",
            "no parameter of this name");
    refuses("vkvm_conn_get_hostname", NULL, NULL, VKVM_ERROR_OWN_INVALID, "conn", "is missing",
            "an argument that is missing");
    refuses("vkvm_event_run_default", NULL, NULL, VKVM_ERROR_OWN_INVALID, "function",
            "on the thread that calls it", "what acts on the thread");
    vkvm_conn *closed = open_conn(TEST_URI, 0);
    vkvm_value *args = with("conn", closed);
    vkvm_conn_close(closed, NULL);
    refuses("vkvm_conn_get_hostname", args, NULL, VKVM_ERROR_OWN_STALE_HANDLE, "conn", "closed",
            "a connection that is closed");
    fails(vkvm_call_wait(NULL, 0, &done, &err), &err, VKVM_ERROR_OWN_NULL, "call", "no call");
    fails(vkvm_call_get_result((vkvm_call *)conn, &result, &err), &err, VKVM_ERROR_OWN_WRONG_CLASS,
          "call", "a connection for a call");
    fails(vkvm_call_cancel((vkvm_call *)1, &err), &err, VKVM_ERROR_OWN_FOREIGN_HANDLE, "call",
          "what is no handle");
}

/* --- a daemon that is stopped ----------------------------------------------------------- */

enum { DEADLINE_MS = 200, AT_ONCE = 4, MOST_ABANDONED = 16 };

static void deadlines(void)
{
    vkvm_conn *stuck = open_conn(uri, 0);
    vkvm_call *calls[MOST_ABANDONED];
    char part[300];
    stop_daemon();
    double begin = now();
    for (int i = 0; i < AT_ONCE; i++)
        calls[i] = start("vkvm_conn_get_hostname", with("conn", stuck), DEADLINE_MS, NULL, 0);
    vkvm_value *result = NULL;
    vkvm_value_free(result_of(start("vkvm_conn_get_hostname", with("conn", conn), 0, NULL, 0),
                              "a call on another connection"));
    snprintf(part, sizeof part, "vkvm_conn_get_hostname: no answer from %s within %d ms", uri,
             DEADLINE_MS);
    for (int i = 0; i < AT_ONCE; i++)
        fails_with(calls[i], VKVM_ERROR_OWN_TIMEOUT, part, "a call whose deadline has passed");
    ok(now() - begin >= DEADLINE_MS / 1e3, "it is not done before that");
    wait_for_count(stuck, "running", 0, "none runs any more");
    is_int(count_calls(stuck, "abandoned"), AT_ONCE, "all are abandoned");

    /* The limit of the connection is that of its objects, too. */
    works(vkvm_conn_set_call_timeout(stuck, DEADLINE_MS, &err), &err, "the connection has a limit");
    uint32_t limit = 0;
    works(vkvm_conn_get_call_timeout(stuck, &limit, &err), &err, "which it tells");
    is_int(limit, DEADLINE_MS, "it is that");
    fails_with(start("vkvm_conn_get_hostname", with("conn", stuck), 0, NULL, 0),
               VKVM_ERROR_OWN_TIMEOUT, "within 200 ms", "a call with the connection's limit");
    vkvm_value *args = with("conn", stuck);
    int returned = vkvm_invoke("vkvm_conn_get_hostname", args, &result, &err);
    has_text(err ? vkvm_error_message(err) : NULL, part, "vkvm_invoke obeys the limit");
    fails(returned, &err, VKVM_ERROR_OWN_TIMEOUT, NULL, "it fails in time");
    vkvm_value_free(args);

    while (count_calls(stuck, "abandoned") < MOST_ABANDONED)
        fails_with(start("vkvm_conn_get_hostname", with("conn", stuck), 1, NULL, 0),
                   VKVM_ERROR_OWN_TIMEOUT, "", "one more");
    refuses("vkvm_conn_get_hostname", with("conn", stuck), NULL, VKVM_ERROR_OWN_BUSY, NULL, uri,
            "a connection with too many abandoned calls takes no more");
    continue_daemon();
    wait_for_count(stuck, "abandoned", 0, "when the daemon answers, none is abandoned");
    works(vkvm_conn_set_call_timeout(stuck, 0, &err), &err, "the limit is taken away");
    vkvm_value_free(result_of(start("vkvm_conn_get_hostname", with("conn", stuck), 0, NULL, 0),
                              "a call afterwards"));
    vkvm_conn_free(stuck);
}

static void giving_up(void)
{
    vkvm_conn *stuck = open_conn(uri, 0);
    vkvm_call *calls[AT_ONCE + 1];
    stop_daemon();
    for (int i = 0; i <= AT_ONCE; i++)
        calls[i] = start("vkvm_conn_get_hostname", with("conn", stuck), 0, NULL, 0);
    wait_for_count(stuck, "running", AT_ONCE, "some run");
    ok(!is_done(calls[0], 0), "a call that waits for the daemon is not done");
    vkvm_value *result = NULL;
    fails(vkvm_call_get_result(calls[0], &result, &err), &err, VKVM_ERROR_OWN_BUSY, NULL,
          "it has no result yet");
    is_int(count_calls(stuck, "waiting"), 1, "one waits for its turn");
    works(vkvm_call_cancel(calls[AT_ONCE], &err), &err, "it is cancelled");
    is_int(count_calls(stuck, "waiting"), 0, "it waits no more");
    works(vkvm_call_cancel(calls[0], &err), &err, "one that runs is cancelled");
    works(vkvm_call_cancel(calls[0], &err), &err, "once more, which changes nothing");
    is_int(count_calls(stuck, "abandoned"), 1, "it is abandoned");
    fails_with(calls[AT_ONCE], VKVM_ERROR_OWN_CANCELLED, "vkvm_conn_get_hostname: the call was "
               "cancelled", "a call that was cancelled before it began");
    fails_with(calls[0], VKVM_ERROR_OWN_CANCELLED, "the call was cancelled",
               "a call that was cancelled while it ran");
    continue_daemon();
    for (int i = 1; i < AT_ONCE; i++)
        vkvm_value_free(result_of(calls[i], "another one"));
    vkvm_call *call = start("vkvm_conn_get_hostname", with("conn", stuck), 0, NULL, 0);
    ok(is_done(call, PATIENCE * 1000), "a call is done");
    works(vkvm_call_cancel(call, &err), &err, "cancelling it is too late");
    vkvm_value_free(result_of(call, "it has its result"));
    vkvm_conn_free(stuck);
}

static void freed_connection(void)
{
    vkvm_conn *stuck = open_conn(uri, 0);
    vkvm_call *calls[AT_ONCE + 2];
    stop_daemon();
    for (int i = 0; i < AT_ONCE + 2; i++)
        calls[i] = start("vkvm_conn_get_hostname", with("conn", stuck), 0, NULL, 0);
    wait_for_count(stuck, "running", AT_ONCE, "calls are in flight");
    vkvm_conn_free(stuck);
    for (int i = 0; i < AT_ONCE + 2; i++)
        fails_with(calls[i], VKVM_ERROR_OWN_CANCELLED, "the connection was freed",
                   "a call whose connection is freed");
    continue_daemon();
}

/* A connection that has a limit, and one of which a call was given up, are closed by a
   thread of the library's: also where the call had not begun when its time was over, which is
   seen now and then. */
static void closing(void)
{
    for (int round = 0; round < 24; round++) {
        int limited = round == 0;
        vkvm_conn *stuck = open_conn(uri, 0);
        vkvm_domain *dom = NULL;
        must(vkvm_conn_get_domain_by_name(stuck, "test", &dom, &err), err, "a domain");
        if (limited)
            must(vkvm_conn_set_call_timeout(stuck, 1000, &err), err, "a limit");
        stop_daemon();
        if (!limited)
            fails_with(start("vkvm_conn_get_hostname", with("conn", stuck), 1, NULL, 0),
                       VKVM_ERROR_OWN_TIMEOUT, "", "a call that is given up");
        vkvm_conn_free(stuck);
        vkvm_domain_free(dom);
        ok(true, "the connection to a daemon that is stopped is closed without waiting for it");
        continue_daemon();
    }
}

/* How many threads were ever started: the library's calls of this go through here, too. */
static int started_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *argument)
{
    static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!create)
        *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    __atomic_fetch_add(&started_threads, 1, __ATOMIC_RELAXED);
    return create(thread, attributes, body, argument);
}

/* Any of the objects that outlive their connection's handle may be the last that keeps it. */
static void closing_with_many_objects(void)
{
    enum { OBJECTS = 500, FEW = 50 };
    vkvm_conn *bounded = open_conn(uri, 0);
    vkvm_domain *domains[OBJECTS];
    must(vkvm_conn_set_call_timeout(bounded, 60000, &err), err, "a limit");
    for (int i = 0; i < OBJECTS; i++)
        must(vkvm_conn_get_domain_by_name(bounded, "test", &domains[i], &err), err, "a domain");
    /* To valgrind all is lost in a child that the parent's threads had. */
    bool is_checked = getenv("VKVM_UNDER_VALGRIND") != NULL;
    int before = started_threads, files = open_files();
    vkvm_conn_free(bounded);
    stop_daemon();
    for (int i = 0; i < OBJECTS; i++)
        vkvm_domain_free(domains[i]);
    int started = started_threads - before;
    ok(true, "objects are freed without waiting for a daemon that is stopped");
    if (!ok(started < FEW, "few threads free many objects and close"))
        diag("%d threads were started for %d objects", started, OBJECTS);
    /* A child of fork has threads of its own for that. */
    int status = 0;
    pid_t child = is_checked ? -1 : fork();
    if (child == 0) {
        continue_daemon();
        int own_files = open_files();
        vkvm_conn *own = open_conn(uri, 0);
        must(vkvm_conn_set_call_timeout(own, 60000, &err), err, "a limit");
        vkvm_conn_free(own);
        _exit(!falls_to(open_files, own_files));
    }
    continue_daemon();
    ok(falls_to(open_files, files - 1), "then the connection is closed");
    ok(is_checked || waitpid(child, &status, 0) == child, "a child ends");
    is_int(status, 0, "its connection is closed, too");
}

/* --- other processes, many threads -------------------------------------------------------- */

static void forked(void)
{
    vkvm_call *call = start("vkvm_conn_get_hostname", with("conn", conn), 0, NULL, 0);
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        bool done;
        bool refused = vkvm_call_wait(call, -1, &done, &err) < 0 && err;
        forget(&err);
        vkvm_conn *own = open_conn(TEST_URI, 0);
        vkvm_value *result = NULL;
        vkvm_call *again = start("vkvm_conn_get_hostname", with("conn", own), 0, NULL, 0);
        bool works = vkvm_call_wait(again, PATIENCE * 1000, &done, &err) == 0 && done &&
                     vkvm_call_get_result(again, &result, &err) == 0;
        _exit(!refused + 2 * !works);
    }
    must(child < 0, NULL, "fork");
    waitpid(child, &status, 0);
    is_int(status, 0, "a child's own calls work, and its parent's are refused");
    vkvm_value_free(result_of(call, "the parent's call"));
}

enum { THREADS = 8 };

/* How many calls each of them makes. */
static int calls_each;

static void *storm(void *number)
{
    unsigned seed = (unsigned)(uintptr_t)number;
    int count = calls_each;
    vkvm_event_queue *queue = NULL;
    vkvm_error *error = NULL;
    must(vkvm_event_queue_new(1000, &queue, &error), error, "a queue");
    for (int i = 0; i < count; i++) {
        vkvm_call *call = NULL;
        vkvm_value *args, *events = NULL;
        must(vkvm_value_new_map(&args, &error), error, "a map");
        must(vkvm_value_set_handle(args, "conn", conn, &error), error, "conn");
        vkvm_event_queue *told = rand_r(&seed) % 2 ? queue : NULL;
        int started = vkvm_call_start("vkvm_conn_get_hostname", args,
                                      rand_r(&seed) % 3 ? 0 : 1 + rand_r(&seed) % 3, told, i,
                                      &call, &error);
        vkvm_value_free(args);
        forget(&error);
        if (started == 0 && rand_r(&seed) % 4 == 0)
            vkvm_call_cancel(call, NULL);
        if (started == 0)
            vkvm_call_free(call);
        if (i % 100 == 99) {
            vkvm_event_queue_drain(queue, 1000, &events, NULL);
            vkvm_value_free(events);
        }
    }
    vkvm_event_queue_free(queue);
    return NULL;
}

/* What is allocated, in KiB. How much of what was freed the allocator keeps says little. */
static long allocated_kib(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    return (long)(mallinfo2().uordblks >> 10);
#else
    return 0;
#endif
}

static void make_calls(int count)
{
    pthread_t threads[THREADS];
    calls_each = count / THREADS;
    for (uintptr_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, storm, (void *)i), NULL, "a thread");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    wait_for_count(conn, "running", 0, "after calls from many threads none runs");
    wait_for_count(conn, "waiting", 0, "none waits");
    wait_for_count(conn, "abandoned", 0, "none is abandoned");
}

/* As many as VKVM_CALLS says. What there is of everything is as after a tenth of them. */
static void at_random(void)
{
    static const char *const classes[] = { "call", "value", "error", "event_queue", "conn" };
    enum { CLASSES = sizeof classes / sizeof *classes, MOST_KIB = 1024 };
    const char *wanted = getenv("VKVM_CALLS");
    bool is_checked = getenv("VKVM_UNDER_VALGRIND") != NULL;
    int count = is_checked ? 1600 : wanted ? atoi(wanted) : 160000;
    size_t before[CLASSES];
    make_calls(count / 10);
    ok(falls_to(running_threads, first_threads), "the threads have ended");
    malloc_trim(0);
    for (int i = 0; i < CLASSES; i++)
        before[i] = handles(classes[i]);
    int files = open_files();
    long memory = allocated_kib(), resident = resident_kib();
    double begin = now();
    make_calls(count);
    double took = now() - begin;
    ok(falls_to(running_threads, first_threads), "the threads are as before");
    malloc_trim(0);
    for (int i = 0; i < CLASSES; i++)
        is_int(handles(classes[i]), before[i], classes[i]);
    is_int(open_files(), files, "the descriptors are as before");
    long more = allocated_kib() - memory;
    if (wanted)
        diag("%d calls from %d threads in %.1f s: %ld KiB allocated before, %ld KiB after; "
             "%ld KiB resident before, %ld KiB after", count, THREADS, took, memory, memory + more,
             resident, resident_kib());
    if (!is_checked && !ok(more < MOST_KIB, "the memory is as before"))
        diag("%ld KiB more than %ld", more, memory);
}

int main(int argc, char **argv)
{
    must(argc == 3 ? 0 : -1, NULL, "usage: calls URI_UNIX PID");
    uri = argv[1];
    daemon_pid = atoi(argv[2]);
    first_threads = running_threads();
    conn = open_conn(TEST_URI, 0);
    results();
    in_a_queue();
    wrong();
    /* To valgrind all is lost in a child that the parent's threads had. */
    if (!getenv("VKVM_UNDER_VALGRIND"))
        forked();
    at_random();
    deadlines();
    giving_up();
    freed_connection();
    closing();
    closing_with_many_objects();
    vkvm_conn_free(conn);
    ok(falls_to(running_threads, first_threads), "the threads end");
    no_handles_left();
    return done();
}
