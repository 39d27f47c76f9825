/*
 * What happens at once with a connection that is opened again.
 *
 * usage: resume_races URI SOCKET COMMAND (which restarts the daemon)
 *
 * bed: test-daemon URI_UNIX SOCKET silent_restart
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile.h"

enum { RACES = 40000, CUTS = 150, SECONDS_EACH = PATIENCE, SECONDS_OF_CHILD = PATIENCE };

static atomic_int disconnected, reconnected;

static void on_resume(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)args, (void)userdata;
    reconnected += event_id == VKVM_RESUME_RECONNECTED;
    disconnected += event_id == VKVM_RESUME_DISCONNECTED;
}

static void count_turn(int timer, void *userdata)
{
    (void)timer;
    ++*(atomic_int *)userdata;
}

/* Lets the loop turn until it has told of each end that there has been: it does so two turns
   after libvirt has found it, and finds what has come to its sockets on the next turn. */
static void let_ends_be_told(void)
{
    enum { TURNS = 10 };
    static atomic_int turns;
    vkvm_error *err = NULL;
    int timer = -1, before = turns;
    must(vkvm_event_add_timeout(0, count_turn, &turns, NULL, &timer, &err), err, "add_timeout");
    expect(wait_until(&turns, before + TURNS, SECONDS_EACH), "the loop does not turn");
    must(vkvm_event_remove_timeout(timer, &err), err, "remove_timeout");
}

static vkvm_conn *open_resumed(vkvm_event_callback callback)
{
    vkvm_error *err = NULL;
    must(vkvm_event_start(&err), err, "the event thread");
    vkvm_conn *conn = open_conn(line.uri, 0);
    must(vkvm_conn_enable_resume(conn, 100, callback, NULL, NULL, &err), err, "enable_resume");
    return conn;
}

/* --- two who enable it at once ---------------------------------------------------------- */

static struct witness enablers[2 * RACES];

static struct enabler {
    pthread_barrier_t *barrier;
    vkvm_conn *conn;
    int first, enabled;
} both[2];

static void *enable_often(void *userdata)
{
    struct enabler *me = userdata;
    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait(me->barrier);
        me->enabled = vkvm_conn_enable_resume(me->conn, 100, on_resume, &enablers[2 * i + me->first],
                                              on_destroy, NULL) == 0;
        pthread_barrier_wait(me->barrier);
    }
    return NULL;
}

static void enabled_by_two(void)
{
    pthread_barrier_t barrier;
    pthread_t threads[2];
    vkvm_error *err = NULL;
    int none = 0, two = 0, stuck = 0;
    must(vkvm_event_start(&err), err, "the event thread");
    vkvm_conn *conn = open_conn("test:///default", 0);
    pthread_barrier_init(&barrier, NULL, 3);
    for (int i = 0; i < 2; i++) {
        both[i] = (struct enabler){ &barrier, conn, i, 0 };
        pthread_create(&threads[i], NULL, enable_often, &both[i]);
    }
    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        int enabled = both[0].enabled + both[1].enabled;
        int ended = vkvm_conn_disable_resume(conn, NULL) == 0;
        none += enabled == 0;
        two += enabled == 2;
        stuck += enabled && !ended;
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    expect(!none && !two, "of %d races none won %d, both won %d", RACES, none, two);
    expect(!stuck, "%d of %d that were enabled could not be disabled", stuck, RACES);
    vkvm_conn_free(conn);
    expect_all_ended(enablers, 2 * RACES, "their callback data");
}

/* --- children ---------------------------------------------------------------------------- */

/* Asks for the domain's name in a child of fork; whether it is refused there. */
static bool child_is_refused(vkvm_domain *dom)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        vkvm_error *err = NULL;
        char *name = NULL;
        alarm(SECONDS_OF_CHILD);
        int code = vkvm_domain_get_name(dom, &name, &err) < 0 ? vkvm_error_int1(err) : 0;
        _exit(code != VKVM_ERROR_OWN_FORKED);
    }
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        expect(false, "the child was ended by signal %d", WTERMSIG(status));
    return status == 0;
}

static void forked_before_a_lookup(void)
{
    vkvm_conn *conn = open_resumed(on_resume);
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    vkvm_value *info = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    cut_line();
    expect(wait_until(&reconnected, 1, SECONDS_EACH), "it is not opened again");
    /* An answer that comes back would be one to a question of the child's. */
    kill(line.process, SIGSTOP);
    expect(child_is_refused(dom), "the child uses the domain of its parent");
    kill(line.process, SIGCONT);
    for (int i = 0; i < 20; i++, vkvm_value_free(info))
        must(vkvm_domain_get_info(dom, &info, &err), err, "the parent's domain");
    let_ends_be_told();
    expect(disconnected == 1, "the parent's connection has ended");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

static pid_t asker;

static void *ask(void *userdata)
{
    vkvm_value *info = NULL;
    __atomic_store_n(&asker, gettid(), __ATOMIC_SEQ_CST);
    if (vkvm_domain_get_info(userdata, &info, NULL) == 0)
        vkvm_value_free(info);
    return NULL;
}

static void forked_during_a_lookup(void)
{
    vkvm_conn *conn = open_resumed(on_resume);
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    pthread_t thread;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    cut_line();
    expect(wait_until(&reconnected, 1, SECONDS_EACH), "it is not opened again");
    kill(line.process, SIGSTOP);
    pthread_create(&thread, NULL, ask, dom);
    wait_for_sleep(&asker);
    expect(child_is_refused(dom), "the child waits for what its parent asks");
    kill(line.process, SIGCONT);
    pthread_join(thread, NULL);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

/* --- an end of a connection that was never there ------------------------------------------ */

/* Each cut counts before and after, so that the number is odd meanwhile. */
static atomic_int cuts, spurious;

/* The cuts before the last RECONNECTED of a connection that answered then, or -1. */
static atomic_int alive_since = -1;

static void on_each(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)object, (void)args, (void)userdata;
    if (event_id == VKVM_RESUME_RECONNECTED) {
        uint64_t version;
        int before = cuts;
        bool answers = vkvm_conn_get_library_version(conn, &version, NULL) == 0;
        alive_since = answers && before % 2 == 0 ? before : -1;
        reconnected++;
    } else {
        spurious += alive_since == cuts;
        disconnected++;
    }
}

static void cut_while_it_is_opened(void)
{
    vkvm_conn *conn = open_resumed(on_each);
    for (int i = 0; i < CUTS && !case_failed; i++) {
        int before = reconnected;
        for (int twice = 0; twice < 2; twice++) {
            cuts++;
            cut_line();
            cuts++;
            usleep((useconds_t)(rand() % 2500));
        }
        expect(wait_until(&reconnected, before + 1, SECONDS_EACH), "it is not opened again");
        usleep(3000);
    }
    let_ends_be_told();
    expect(wait_until(&reconnected, disconnected, SECONDS_EACH), "it is not opened again");
    let_ends_be_told();
    expect(!spurious, "%d of %d ends were told of a connection that had not ended", spurious,
           disconnected);
    expect(reconnected == disconnected, "%d ends were told, and %d new connections", disconnected,
           reconnected);
    vkvm_conn_free(conn);
}

/* --- close callbacks ------------------------------------------------------------------------ */

static atomic_int closed, refused;

static void on_close(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)object, (void)event_id, (void)args;
    /* To the end of the next connection. */
    refused += vkvm_conn_register_close_callback(conn, on_close, userdata, NULL, NULL) < 0;
    closed++;
}

static void listened_to_again(void)
{
    enum { ROUNDS = 5 };
    vkvm_conn *conn = open_resumed(on_resume);
    vkvm_error *err = NULL;
    must(vkvm_conn_register_close_callback(conn, on_close, NULL, NULL, &err), err,
         "a close callback");
    for (int i = 0; i < ROUNDS && !case_failed; i++) {
        cut_line();
        expect(wait_until(&reconnected, i + 1, SECONDS_EACH), "it is not opened again");
        expect(closed == i + 1, "%d ends were told, not %d", closed, i + 1);
    }
    expect(!refused, "%d of %d cannot register again", refused, closed);
    vkvm_conn_free(conn);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        printf("Bail out! usage: resume_races URI SOCKET COMMAND\n");
        return 2;
    }
    lay_line(argv[2]);
    survives("of two threads that enable it one does, and it can be disabled", enabled_by_two);
    survives("a child does not ask on its parent's connection", forked_before_a_lookup);
    survives("a child does not wait for what its parent looks up", forked_during_a_lookup);
    survives("no end is told but that of a connection in use", cut_while_it_is_opened);
    survives("the end of each of the connections can be listened to", listened_to_again);
    remove_line();
    return done();
}
