/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A storm of restarts: threads register and deregister on connections that are opened
 * again and again, because the daemon is killed. Each destroy notify runs once, no event
 * between two restarts is lost or comes twice, and in the end there are as many
 * descriptors, threads and handles as in the beginning.
 *
 * usage: resume_storm URI SOCKET COMMAND (which restarts the daemon)
 *
 * VKVM_STORM_RESTARTS is how often it is restarted (20); 200 take about a minute.
 *
 * bed: test-daemon URI_UNIX SOCKET silent_restart
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile.h"

enum { THREADS = 8, CONNS = 4, HELD = 12, PAIRS = 5, MOST = 20000, SECONDS_EACH = PATIENCE };

static const char *uri, *restart;
static int restarts = 20;
static atomic_bool over;

/* --- the connections ------------------------------------------------------------------------ */

static struct connection {
    vkvm_conn *conn;
    atomic_int lost, found, disordered;
} connections[CONNS];

static struct witness ends_of_resume[CONNS];

/* They come in turn. */
static void on_resume(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    struct witness *end = userdata;
    struct connection *connection = &connections[end - ends_of_resume];
    (void)conn, (void)object, (void)args;
    if (event_id == VKVM_RESUME_DISCONNECTED)
        connection->lost++;
    else
        connection->found++;
    connection->disordered += connection->lost - connection->found !=
                              (event_id == VKVM_RESUME_DISCONNECTED);
    end->late += end->destroyed > 0;
}

static void open_connections(void)
{
    vkvm_error *err = NULL;
    for (int i = 0; i < CONNS; i++) {
        connections[i].conn = open_conn(uri, 0);
        must(vkvm_conn_enable_resume(connections[i].conn, 100, on_resume, &ends_of_resume[i],
                                     on_destroy, &err), err, "enable_resume");
    }
}

static bool all_found(int wanted)
{
    for (int i = 0; i < CONNS; i++)
        if (!wait_until(&connections[i].found, wanted, SECONDS_EACH))
            return expect(false, "connection %d is not opened again, the %dth time", i, wanted);
    return true;
}

/* --- those that register ----------------------------------------------------------------------- */

static struct registering {
    struct connection *connection;
    struct witness witnesses[MOST];
    int count, failed, kept; /* kept: those that could not be ended */
} registering[THREADS];

static int register_one(struct registering *mine, unsigned kind)
{
    int id = -1, returned;
    vkvm_conn *conn = mine->connection->conn;
    struct witness *witness = &mine->witnesses[mine->count++];
    if (kind % 3 == 0)
        returned = vkvm_conn_network_event_register_any(conn, NULL, VKVM_NETWORK_EVENT_ID_LIFECYCLE,
                                                        on_any_event, witness, on_destroy, &id, NULL);
    else if (kind % 3 == 1)
        returned = vkvm_conn_storage_pool_event_register_any(
            conn, NULL, VKVM_STORAGE_POOL_EVENT_ID_LIFECYCLE, on_any_event, witness, on_destroy, &id,
            NULL);
    else
        returned = vkvm_conn_domain_event_register_any(conn, NULL, (int)(kind % 20), on_any_event,
                                                       witness, on_destroy, &id, NULL);
    mine->failed += returned < 0;
    return returned < 0 ? -1 : id;
}

static void deregister_one(struct registering *mine, unsigned kind, int id)
{
    vkvm_conn *conn = mine->connection->conn;
    int returned = kind % 3 == 0   ? vkvm_conn_network_event_deregister_any(conn, id, NULL)
                   : kind % 3 == 1 ? vkvm_conn_storage_pool_event_deregister_any(conn, id, NULL)
                                   : vkvm_conn_domain_event_deregister_any(conn, id, NULL);
    mine->kept += returned < 0;
}

static void *register_all_the_time(void *data)
{
    struct registering *mine = data;
    struct { unsigned kind; int id; } held[HELD];
    unsigned seed = (unsigned)(mine - registering) + 1;
    for (int i = 0; i < HELD; i++)
        held[i].id = -1;
    while (!over && mine->count < MOST) {
        int i = rand_r(&seed) % HELD;
        if (held[i].id >= 0)
            deregister_one(mine, held[i].kind, held[i].id);
        held[i].kind = (unsigned)rand_r(&seed);
        held[i].id = register_one(mine, held[i].kind);
        usleep((useconds_t)(rand_r(&seed) % 20000));
    }
    return NULL;
}

/* --- the one that counts events ------------------------------------------------------------------ */

static struct {
    struct witness witness;
    atomic_int wrong; /* neither the suspending nor the resuming that was to come */
} counted;

static void on_lifecycle(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    int64_t event = -1;
    (void)conn, (void)object, (void)event_id, (void)userdata;
    if (vkvm_value_get_int64(args, "event", &event, NULL) < 0 ||
        event != (counted.witness.calls % 2 ? VKVM_DOMAIN_EVENT_RESUMED : VKVM_DOMAIN_EVENT_SUSPENDED))
        counted.wrong++;
    counted.witness.calls++;
}

/* Both of each pair come, in order, before the next restart; what comes twice is one too many
   for the next round. */
static bool events_flow(vkvm_domain *dom, int round)
{
    vkvm_error *err = NULL;
    int before = counted.witness.calls;
    if (!expect(before == 2 * PAIRS * round, "before round %d %d events had come, not %d", round,
                before, 2 * PAIRS * round))
        return false;
    for (int i = 0; i < PAIRS; i++) {
        if (vkvm_domain_suspend(dom, &err) < 0 || vkvm_domain_resume(dom, &err) < 0)
            return expect(false, "round %d: %s", round, vkvm_error_message(err));
    }
    return expect(wait_until(&counted.witness.calls, before + 2 * PAIRS, SECONDS_EACH),
                  "round %d: %d events came, not %d", round, counted.witness.calls - before,
                  2 * PAIRS);
}

static void storm(void)
{
    pthread_t threads[THREADS];
    vkvm_error *err = NULL;
    vkvm_domain *dom = NULL;
    int id = -1, total = 0, failed = 0, kept = 0;
    must(vkvm_event_start(&err), err, "the event thread");
    int files = open_files(), running = running_threads();
    open_connections();
    must(vkvm_conn_get_domain_by_name(connections[0].conn, "test", &dom, &err), err, "the domain");
    must(vkvm_conn_domain_event_register_any(connections[0].conn, NULL,
                                             VKVM_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle,
                                             &counted.witness, on_destroy, &id, &err), err,
         "the registration that stays");
    for (int i = 0; i < THREADS; i++) {
        registering[i].connection = &connections[i % CONNS];
        pthread_create(&threads[i], NULL, register_all_the_time, &registering[i]);
    }
    double begun = now();
    bool flows = events_flow(dom, 0);
    for (int round = 1; round <= restarts && flows; round++) {
        must(system(restart), NULL, "the daemon is restarted");
        flows = all_found(round) && events_flow(dom, round);
    }
    double seconds = now() - begun;
    over = true;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        total += registering[i].count;
        failed += registering[i].failed;
        kept += registering[i].kept;
    }
    diag("%d restarts in %.0f s, %d registrations", restarts, seconds, total);
    expect(!failed, "%d registrations were refused", failed);
    expect(!kept, "%d registrations could not be ended", kept);
    expect(!counted.wrong, "%d events came out of order", counted.wrong);
    expect(counted.witness.calls == 2 * PAIRS * (restarts + 1), "%d events came, not %d",
           counted.witness.calls, 2 * PAIRS * (restarts + 1));
    vkvm_domain_free(dom);
    for (int i = 0; i < CONNS; i++) {
        expect(!connections[i].disordered, "connection %d was found before it was lost", i);
        vkvm_conn_free(connections[i].conn);
    }
    for (int i = 0; i < THREADS; i++)
        expect_all_ended(registering[i].witnesses, registering[i].count, "registrations of a thread");
    expect_all_ended(&counted.witness, 1, "the registration that stays");
    expect_all_ended(ends_of_resume, CONNS, "enable_resume");
    files_fall_to(files + LOST * (1 + restarts / 100));
    expect(falls_to(running_threads, running), "%d threads run, %d did", running_threads(), running);
    expect(handles("conn") == 0 && handles("domain") == 0 && handles("value") == 0,
           "handles are left: %zu connections, %zu domains, %zu values", handles("conn"),
           handles("domain"), handles("value"));
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("VKVM_STORM_RESTARTS");
    if (argc != 4) {
        printf("Bail out! usage: resume_storm URI SOCKET COMMAND\n");
        return 2;
    }
    uri = argv[1];
    restart = argv[3];
    if (wanted && atoi(wanted) > 0)
        restarts = atoi(wanted);
    longest_case += 5 * restarts;
    survives("a storm of restarts loses, doubles and leaves nothing", storm);
    return done();
}
