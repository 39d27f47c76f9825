/*
 * Threads: many of them use one connection and its domains at once, and one
 * frees the handles that the others are using.
 *
 * tests: threads threads.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <unistd.h>

#include "events.h"

enum { THREADS = 16 };

/* Fewer under valgrind, which runs one thread at a time. */
static int rounds = 2000;
static double seconds = 1;

static vkvm_conn *conn;

/* --- everybody uses one connection ---------------------------------------- */

struct worker {
    pthread_t thread;
    int number;
    int failures;
    char message[256]; /* of the first failure */
};

static void failed(struct worker *worker, vkvm_error **err)
{
    if (worker->failures++ == 0)
        snprintf(worker->message, sizeof worker->message, "%s",
                 *err ? vkvm_error_message(*err) : "a wrong result");
    forget(err);
}

static void check(struct worker *worker, bool right, vkvm_error **err)
{
    if (!right || *err)
        failed(worker, err);
}

/* One thread's round: look up, ask, read the answer, free. */
static void one_round(struct worker *worker)
{
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    vkvm_value *info = NULL;
    char *xml = NULL, *name = NULL;
    uint64_t memory = 0;

    check(worker, vkvm_conn_get_domain_by_name(conn, "test", &dom, &err) == 0, &err);
    check(worker, vkvm_domain_get_info(dom, &info, &err) == 0, &err);
    check(worker, vkvm_value_get_uint64(info, "memory", &memory, &err) == 0, &err);
    check(worker, memory == 2097152, &err);
    check(worker, vkvm_domain_get_name(dom, &name, &err) == 0, &err);
    check(worker, name && strcmp(name, "test") == 0, &err);
    if (worker->number % 4 == 0) {
        check(worker, vkvm_domain_get_xml_description(dom, 0, &xml, &err) == 0, &err);
        check(worker, xml && strstr(xml, "</domain>"), &err);
    }
    vkvm_string_free(xml);
    vkvm_string_free(name);
    vkvm_value_free(info);
    vkvm_domain_free(dom);

    /* Errors are of the thread that made them. */
    char nobody[32];
    snprintf(nobody, sizeof nobody, "nobody%d", worker->number);
    bool refused = vkvm_conn_get_domain_by_name(conn, nobody, &dom, &err) == -1 &&
                   vkvm_error_code(err) == VKVM_ERROR_ERR_NO_DOMAIN;
    if (!refused)
        failed(worker, &err);
    forget(&err);
}

static void *work(void *argument)
{
    for (int i = 0; i < rounds; i++)
        one_round(argument);
    return NULL;
}

static void together(void)
{
    static struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i].number = i;
        must(pthread_create(&workers[i].thread, NULL, work, &workers[i]), NULL, "pthread_create");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        if (!ok(workers[i].failures == 0, "thread %d: %d rounds", i, rounds))
            diag("%d failures: %s", workers[i].failures, workers[i].message);
    }
    ok(handles("domain") == 0 && handles("value") == 0 && handles("error") == 0,
       "all is freed");
}

/* --- one frees what the others use ------------------------------------------ */

/* What all of them use at the moment. The lock is for these words only: nobody
   holds it while using what they stand for. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static vkvm_domain *shared_dom;
static vkvm_value *shared_value;
static bool finished;

/* A call may come in time or too late; nothing else may happen. */
struct tally {
    pthread_t thread;
    long used, stale, wrong;
};

static void count_outcome(struct tally *tally, int returned, vkvm_error **err)
{
    if (returned == 0)
        __atomic_add_fetch(&tally->used, 1, __ATOMIC_RELAXED);
    else if (vkvm_error_code(*err) == VKVM_ERROR_OWN_STALE_HANDLE)
        tally->stale++;
    else if (tally->wrong++ == 0)
        diag("%s", vkvm_error_message(*err));
    forget(err);
}

static bool get_shared(vkvm_domain **dom, vkvm_value **value)
{
    pthread_mutex_lock(&lock);
    bool more = !finished;
    *dom = shared_dom;
    *value = shared_value;
    pthread_mutex_unlock(&lock);
    return more;
}

/* Frees what was shared, and shares these instead. */
static void share(vkvm_domain *dom, vkvm_value *value, bool last)
{
    pthread_mutex_lock(&lock);
    vkvm_domain *old_dom = shared_dom;
    vkvm_value *old_value = shared_value;
    shared_dom = dom;
    shared_value = value;
    finished = last;
    pthread_mutex_unlock(&lock);
    vkvm_domain_free(old_dom);
    vkvm_value_free(old_value);
}

static long used_so_far(const struct tally *users)
{
    long used = 0;
    for (int i = 0; i < THREADS; i++)
        used += __atomic_load_n(&users[i].used, __ATOMIC_RELAXED);
    return used;
}

static void *use(void *argument)
{
    struct tally *tally = argument;
    vkvm_error *err = NULL;
    vkvm_domain *dom;
    vkvm_value *value;
    while (get_shared(&dom, &value)) {
        vkvm_value *info = NULL;
        char *text = NULL;
        count_outcome(tally, vkvm_domain_get_info(dom, &info, &err), &err);
        vkvm_value_free(info);
        count_outcome(tally, vkvm_value_to_json(value, 0, &text, &err), &err);
        vkvm_string_free(text);
        if (vkvm_domain_ref(dom)) {
            long stale = tally->stale;
            text = NULL;
            count_outcome(tally, vkvm_domain_get_name(dom, &text, &err), &err);
            tally->wrong += tally->stale - stale; /* we hold it, so it is alive */
            vkvm_string_free(text);
            vkvm_domain_free(dom);
        }
    }
    return NULL;
}

static void replace(void)
{
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    vkvm_value *value = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "a new domain");
    must(vkvm_value_from_json("{\"a\":[1,2,3]}", &value, &err), err, "a new value");
    share(dom, value, false);
}

static void under_their_feet(void)
{
    struct tally users[THREADS] = { 0 }, all = { 0 };
    long replaced = 0;
    replace();
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&users[i].thread, NULL, use, &users[i]), NULL, "pthread_create");
    /* And until somebody was in time, on however slow a machine. */
    long used = 0;
    for (double end = now() + seconds, last = end + PATIENCE;
         now() < end || (used == 0 && now() < last); replaced++) {
        replace();
        used = used_so_far(users);
    }
    share(NULL, NULL, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(users[i].thread, NULL);
        all.used += users[i].used;
        all.stale += users[i].stale;
        all.wrong += users[i].wrong;
    }
    is_int(all.wrong, 0, "each use of a handle works, or finds it freed");
    ok(all.used > 0, "some worked");
    diag("%ld worked, %ld came too late, of %ld handles", all.used, all.stale, replaced);
}

/* --- one closes the connection ------------------------------------------------ */

static void *ask(void *argument)
{
    struct tally *tally = argument;
    vkvm_error *err = NULL;
    while (tally->stale == 0 && tally->wrong == 0) {
        vkvm_domain **domains = NULL;
        size_t count = 0;
        count_outcome(tally, vkvm_conn_list_all_domains(conn, 0, &domains, &count, &err), &err);
        vkvm_domain_list_free(domains, count);
    }
    return NULL;
}

static void closing(void)
{
    struct tally users[THREADS] = { 0 };
    vkvm_error *err = NULL;
    long wrong = 0, used = 0;
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&users[i].thread, NULL, ask, &users[i]), NULL, "pthread_create");
    usleep((useconds_t)(seconds * 100000));
    for (double end = now() + PATIENCE; used_so_far(users) == 0 && now() < end;)
        usleep(1000);
    works(vkvm_conn_close(conn, &err), &err, "close the connection that all use");
    for (int i = 0; i < THREADS; i++) {
        pthread_join(users[i].thread, NULL);
        wrong += users[i].wrong;
        used += users[i].used;
    }
    is_int(wrong, 0, "each of them finds it closed");
    ok(used > 0, "after %ld calls", used);
}

/* --- two give up the last two holds --------------------------------------------- */

static pthread_barrier_t barrier;

static void *give_up(void *argument)
{
    pthread_barrier_wait(&barrier);
    vkvm_conn_free(argument);
    return NULL;
}

/* Whichever is the last takes the registrations along, exactly once. */
static void last_holds(int times)
{
    int lost = 0;
    pthread_barrier_init(&barrier, NULL, 2);
    for (int i = 0; i < times; i++) {
        struct seen seen = { 0 };
        vkvm_error *err = NULL;
        pthread_t threads[2];
        int id = -1;
        vkvm_conn *other = open_conn(TEST_URI, 0);
        must(vkvm_conn_domain_event_register_any(other, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                                 note_event, &seen, count_destroy, &id, &err),
             err, "register_any");
        vkvm_conn_ref(other);
        for (int t = 0; t < 2; t++)
            must(pthread_create(&threads[t], NULL, give_up, other), NULL, "pthread_create");
        for (int t = 0; t < 2; t++)
            pthread_join(threads[t], NULL);
        settle();
        lost += seen.destroyed != 1;
    }
    pthread_barrier_destroy(&barrier);
    is_int(lost, 0, "two threads that free a connection at once end its registrations");
    diag("%d times", times);
}

int main(void)
{
    start_loop();
    if (getenv("VKVM_UNDER_VALGRIND")) {
        rounds = 10;
        seconds = 1;
    }
    conn = open_conn(TEST_URI, 0);
    together();
    under_their_feet();
    closing();
    last_holds(rounds / 20 + 10);
    no_handles_left();
    return done();
}
