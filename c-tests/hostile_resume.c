/*
 * Registrations that are made and ended while their connection is being opened again.
 *
 * usage: hostile_resume URI SOCKET COMMAND (which restarts the daemon)
 *
 * bed: test-daemon URI_UNIX SOCKET silent_restart
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile.h"

enum { ROUNDS = 80, KINDS = 6, RECONNECTS = 30, SECONDS_EACH = PATIENCE };

static atomic_int reconnected;

static void on_resume(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)args, (void)userdata;
    reconnected += event_id == VKVM_RESUME_RECONNECTED;
}

/* A connection over the line, which is opened again when it is cut. */
static vkvm_conn *open_resumed(void)
{
    vkvm_error *err = NULL;
    must(vkvm_event_start(&err), err, "the event thread");
    vkvm_conn *conn = open_conn(line.uri, 0);
    must(vkvm_conn_enable_resume(conn, 100, on_resume, NULL, NULL, &err), err, "enable_resume");
    return conn;
}

static void cut_and_wait(void)
{
    int before = reconnected;
    cut_line();
    expect(wait_until(&reconnected, before + 1, SECONDS_EACH), "it is not opened again");
}

static void make_events(vkvm_conn *conn, int pairs)
{
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    for (int i = 0; i < pairs; i++) {
        must(vkvm_domain_suspend(dom, &err), err, "suspend");
        must(vkvm_domain_resume(dom, &err), err, "resume");
    }
    vkvm_domain_free(dom);
}

/* --- ending a registration at any moment of a reconnect --------------------------------- */

static struct witness witnesses[ROUNDS * KINDS];

static int registered;

static int listen_to(vkvm_conn *conn, int event_id)
{
    int id = -1;
    if (vkvm_conn_domain_event_register_any(conn, NULL, event_id, on_any_event,
                                            &witnesses[registered++], on_destroy, &id, NULL) < 0)
        return -1;
    return id;
}

/* Lets two pairs of events come, and all that is told of them. Who still listens to them has
   begun before this listener. */
static void let_events_come(vkvm_conn *conn)
{
    static struct witness last;
    vkvm_error *err = NULL;
    int id = -1, before = last.calls;
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             on_any_event, &last, on_destroy, &id, &err),
         err, "a listener that stays");
    make_events(conn, 2);
    expect(wait_until(&last.calls, before + 4, SECONDS_EACH), "the events do not come");
    must(vkvm_conn_domain_event_deregister_any(conn, id, &err), err, "ending it");
}

static void deregister_during_reconnect(void)
{
    vkvm_conn *conn = open_resumed();
    int files = open_files(), calls = 0, again = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int ids[KINDS], before = reconnected, kept = 0;
        for (int kind = 0; kind < KINDS; kind++)
            ids[kind] = listen_to(conn, kind);
        for (int kind = 0; kind < KINDS; kind++)
            expect(ids[kind] >= 0, "round %d: registration %d failed", round, kind);
        cut_line();
        usleep((useconds_t)(rand() % 4000));
        for (int kind = 0; kind < KINDS; kind++)
            kept += ids[kind] >= 0 && vkvm_conn_domain_event_deregister_any(conn, ids[kind], NULL) < 0;
        expect(!kept, "round %d: %d of %d registrations cannot be ended", round, kept, KINDS);
        expect(wait_until(&reconnected, before + 1, SECONDS_EACH), "it is not opened again");
        if (case_failed)
            break;
    }
    expect_all_ended(witnesses, registered, "registrations that ended during a reconnect");
    for (int i = 0; i < registered; i++)
        calls += witnesses[i].calls;
    let_events_come(conn);
    for (int i = 0; i < registered; i++)
        again += witnesses[i].calls;
    expect(again == calls, "%d events came though all is deregistered", again - calls);
    files_fall_to(files + LOST);
    vkvm_conn_free(conn);
}

/* --- whose number it is -------------------------------------------------------------------- */

static struct witness stays, goes[RECONNECTS], whole;

/* A registration made after a reconnect has a number of its own: ending it ends no other. */
static void numbers_are_their_own(void)
{
    vkvm_conn *conn = open_resumed();
    vkvm_error *err = NULL;
    int stays_id = -1, ids[RECONNECTS];
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             on_any_event, &stays, on_destroy, &stays_id, &err),
         err, "a registration");
    for (int i = 0; i < RECONNECTS; i++) {
        cut_and_wait();
        must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_REBOOT,
                                                 on_any_event, &goes[i], on_destroy, &ids[i], &err),
             err, "a registration after a reconnect");
        for (int j = 0; j < i; j++)
            expect(ids[i] != ids[j], "two registrations had the number %d", ids[i]);
        expect(ids[i] != stays_id, "the number %d is another registration's", ids[i]);
        must(vkvm_conn_domain_event_deregister_any(conn, ids[i], &err), err, "ending it");
        int before = stays.calls;
        make_events(conn, 1);
        expect(wait_until(&stays.calls, before + 2, SECONDS_EACH),
               "the listener that stays has lost events after reconnect %d", i + 1);
        if (case_failed)
            break;
    }
    expect(stays.calls == 2 * RECONNECTS, "%d events came, not %d", stays.calls, 2 * RECONNECTS);
    expect(!stays.destroyed, "the listener that stays was ended");
    vkvm_conn_free(conn);
    expect_all_ended(&stays, 1, "the listener that stays");
    expect_all_ended(goes, RECONNECTS, "those that were ended");
}

/* --- nothing is left of connections that were --------------------------------------------- */

static void nothing_is_left(void)
{
    vkvm_conn *conn = open_resumed();
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    vkvm_value *info = NULL;
    int id = -1;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    must(vkvm_conn_domain_event_register_any(conn, dom, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             on_any_event, &whole, on_destroy, &id, &err),
         err, "a registration");
    cut_and_wait();
    int files = open_files(), threads = running_threads();
    for (int i = 0; i < RECONNECTS && !case_failed; i++) {
        cut_and_wait();
        must(vkvm_domain_get_info(dom, &info, &err), err, "a domain from before");
        vkvm_value_free(info);
    }
    files_fall_to(files + LOST);
    expect(falls_to(running_threads, threads), "%d threads run, %d did", running_threads(), threads);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    expect_all_ended(&whole, 1, "the registration");
    expect(handles("conn") == 0 && handles("domain") == 0, "handles are left");
}

/* --- ending the connection while it is opened again ----------------------------------------- */

static void freed_during_reconnect(void)
{
    vkvm_error *err = NULL;
    must(vkvm_event_start(&err), err, "the event thread");
    int files = open_files();
    for (int round = 0; round < ROUNDS; round++) {
        int id = -1;
        vkvm_conn *conn = open_conn(line.uri, 0);
        must(vkvm_conn_enable_resume(conn, 100, on_resume, &witnesses[registered++], on_destroy, &err),
             err, "enable_resume");
        must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                                 on_any_event, &witnesses[registered++], on_destroy,
                                                 &id, &err), err, "a registration");
        cut_line();
        usleep((useconds_t)(rand() % 6000));
        if (round % 2)
            vkvm_conn_disable_resume(conn, NULL);
        vkvm_conn_free(conn);
    }
    expect_all_ended(witnesses, registered, "registrations of freed connections");
    files_fall_to(files + 1 + LOST);
    expect(handles("conn") == 0, "%zu connections are left", handles("conn"));
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        printf("Bail out! usage: hostile_resume URI SOCKET COMMAND\n");
        return 2;
    }
    lay_line(argv[2]);
    survives("registrations end once, whenever during a reconnect", deregister_during_reconnect);
    survives("the number of a registration is its own, whatever was reconnected",
             numbers_are_their_own);
    survives("nothing is left of the connections before", nothing_is_left);
    survives("a connection is freed while it is opened again", freed_during_reconnect);
    remove_line();
    return done();
}
