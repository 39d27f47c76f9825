/*
 * A connection that is opened again when its daemon was restarted.
 *
 * usage: resume URI COMMAND (which restarts the daemon)
 *
 * bed: test-daemon URI_UNIX restart
 * tests: resume resume.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sys/wait.h>
#include <unistd.h>

#include "daemons.h"
#include "own_loop.h"

static vkvm_error *err;

struct told {
    int lost, found, domains, destroyed;
    bool wrong;
};

static void on_resume(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    struct told *told = userdata;
    size_t domains = 0;
    told->wrong |= !conn || object || int_at(args, "event") != event_id;
    told->wrong |= vkvm_value_get_length(args, "domains", &domains, NULL) < 0;
    if (event_id == VKVM_RESUME_DISCONNECTED)
        told->lost++;
    else if (event_id == VKVM_RESUME_RECONNECTED)
        told->found++;
    else
        told->wrong = true;
    told->domains = (int)domains;
}

static void on_lifecycle(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                         void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args;
    ++*(int *)userdata;
}

static void count_destroy(void *userdata)
{
    ((struct told *)userdata)->destroyed++;
}

static void on_tick(int timer, void *userdata)
{
    (void)timer, (void)userdata;
}

/* Turns the loop until the number has grown to `wanted`, or for PATIENCE. */
static bool turn_until(const int *number, int wanted)
{
    double deadline = now() + PATIENCE;
    int timer;
    must(vkvm_event_add_timeout(20, on_tick, NULL, NULL, &timer, &err), err, "a timer");
    while (*number < wanted && now() < deadline)
        must(vkvm_event_run_default(&err), err, "the loop");
    must(vkvm_event_remove_timeout(timer, &err), err, "the timer");
    return *number >= wanted;
}

/* --- a loop whose numbers are tried ------------------------------------------------------ */

/* When the connection has ended, what was in the loop for it leaves low numbers free. They
   are taken here, so that the attempts get one above that of what they put off: then there
   is a turn between the two. */
static void on_outage(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    int timer;
    (void)conn, (void)object, (void)args;
    for (int i = 0; event_id == VKVM_RESUME_DISCONNECTED && i < 20; i++)
        must(vkvm_event_add_timeout(-1, on_tick, NULL, NULL, &timer, &err), err, "a timer");
    ++*(int *)userdata;
}

/* The domains of a connection that is open again wait for the loop to be told. The program
   stops all timers whose numbers it can guess, and frees the connection: nothing is left. */
static int free_before_it_is_told(const char *uri, const char *restart)
{
    int told = 0;
    must(own_register(&err), err, "the loop");
    vkvm_conn *conn = open_conn(uri, 0);
    must(vkvm_conn_enable_resume(conn, 100, on_outage, &told, NULL, &err), err, "enable_resume");
    if (system(restart) != 0)
        return 1;
    for (double deadline = now() + PATIENCE; !handles("domain") && now() < deadline;)
        own_turn();
    if (handles("domain") != 1 || told != 1)
        return 2;
    for (int i = 0; i < OWN_MOST; i++)
        vkvm_event_update_timeout(i, -1, NULL);
    vkvm_conn_free(conn);
    /* It takes one. */
    for (int turns = 0; handles("domain") && turns < 100; turns++)
        own_turn();
    return handles("conn") + handles("domain") + handles("value") == 0 && told == 1 ? 0 : 3;
}

/* In a child, which has no loop yet. */
static void check_freeing(const char *uri, const char *restart)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(free_before_it_is_told(uri, restart));
    waitpid(child, &status, 0);
    if (!ok(status == 0, "the domains that were to be told go with the connection"))
        diag("status %d", status);
}

/* Nobody waits for its registrations, which were made on an earlier connection, to end. */
static void free_on_a_stopped_daemon(vkvm_event_queue *queue, pid_t daemon)
{
    stop_for_a_while(daemon);
    vkvm_event_queue_free(queue);
    ok(!was_waited_for, "a queue is freed without waiting for a daemon that is stopped");
    continue_daemon();
}

int main(int argc, char **argv)
{
    struct told told = { 0 };
    int lifecycles = 0, callback, queued;
    vkvm_event_queue *queue;
    uint32_t limit = 0;
    vkvm_conn *conn;
    vkvm_domain *dom;
    vkvm_value *info;
    if (argc != 3) {
        printf("Bail out! usage: resume URI COMMAND\n");
        return 2;
    }
    check_freeing(argv[1], argv[2]);
    must(vkvm_event_register_default(&err), err, "the loop");
    conn = open_conn(argv[1], 0);
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    works(vkvm_conn_enable_resume(conn, 1000, on_resume, &told, count_destroy, &err), &err,
          "enable_resume");
    works(vkvm_conn_domain_event_register_any(conn, dom, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              on_lifecycle, &lifecycles, NULL, &callback, &err),
          &err, "a registration");
    must(vkvm_event_queue_new(10, &queue, &err), err, "a queue");
    works(vkvm_event_queue_domain_event_register_any(queue, conn, NULL, VKVM_DOMAIN_EVENT_ID_REBOOT,
                                                     &queued, &err),
          &err, "that of a queue");

    for (int round = 1; round <= 2; round++) {
        pid_t daemon = restarted(argv[2]);
        ok(turn_until(&told.found, round), "it is opened again");
        ok(told.lost == round && !told.wrong && told.domains == 1, "and all is told as documented");
        works(vkvm_domain_get_info(dom, &info, &err), &err, "a domain from before is usable");
        vkvm_value_free(info);
        works(vkvm_domain_suspend(dom, &err), &err, "it is suspended");
        works(vkvm_domain_resume(dom, &err), &err, "and resumed");
        ok(turn_until(&lifecycles, 2 * round), "events flow again");
        if (round == 1) {
            works(vkvm_conn_set_call_timeout(conn, 1000 * PATIENCE, &err), &err, "a limit is set");
            free_on_a_stopped_daemon(queue, daemon);
        }
    }
    works(vkvm_conn_get_call_timeout(conn, &limit, &err), &err, "the limit");
    is_int(limit, 1000 * PATIENCE, "is that of the connection before");

    works(vkvm_conn_domain_event_deregister_any(conn, callback, &err), &err,
          "the registration ends by its number");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    turn_until(&told.destroyed, 1);
    is_int(told.destroyed, 1, "the userdata is released once");
    no_handles_left();
    return done();
}
