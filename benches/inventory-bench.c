/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times an inventory against the calls that it is made of. benches/run builds and calls it;
 * README.md tells what the numbers are.
 *
 * usage: inventory-bench TRANSPORT URI URI-OF-MANY-DOMAINS ROUNDS REGEX
 *
 * In URI-OF-MANY-DOMAINS %d stands for how many. Prints lines as c-bench does.
 */

#include <malloc.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define BENCH "inventory-bench"
#include "bench.h"

enum {
    MANY = 10000,
    FEW = 1000,
    BATCH = 32,       /* events */
    PATIENCE = 300000 /* ms */
};

static const double extra = 100e-6; /* what an event may take more, in seconds */
static const double row_size = 2048;

static const char *transport, *uri, *uri_many;
static regex_t wanted;
static int rounds;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static const char *many(int domains)
{
    static char text[1000];
    const char *place = strstr(uri_many, "%d");
    if (!place)
        die("URI-OF-MANY-DOMAINS", "has no %d");
    snprintf(text, sizeof text, "%.*s%d%s", (int)(place - uri_many), uri_many, domains, place + 2);
    return text;
}

static vkvm_value *options(const char *json)
{
    vkvm_value *map;
    CALL(vkvm_value_from_json, json, &map);
    return map;
}

static vkvm_inventory *inventory_of(vkvm_conn *conn, const char *json)
{
    vkvm_inventory *inventory;
    vkvm_value *map = options(json);
    CALL(vkvm_inventory_open_conns, &conn, 1, map, &inventory);
    vkvm_value_free(map);
    return inventory;
}

/* For a file of 10,000 domains that takes the daemon seconds: it is opened once. */
static vkvm_conn *many_domains(void)
{
    static vkvm_conn *conn;
    if (!conn)
        CALL(vkvm_conn_open, many(MANY), 0, &conn);
    return conn;
}

/* --- what is timed ----------------------------------------------------------------------------- */

static const char bare[] = "{\"kinds\": [\"domain\"], \"details\": false, \"refresh\": 0}";

static double fill(void)
{
    vkvm_conn *conn = many_domains();
    double start = now();
    vkvm_inventory *inventory = inventory_of(conn, bare);
    double seconds = now() - start;
    vkvm_inventory_free(inventory);
    return seconds;
}

/* The calls that it makes, bare. */
static double bulk_calls(void)
{
    static const unsigned flags[] = {
        VIR_CONNECT_LIST_DOMAINS_AUTOSTART,
        VIR_CONNECT_LIST_DOMAINS_TRANSIENT,
        VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE,
        VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT,
    };
    static virConnectPtr conn;
    virDomainStatsRecordPtr *records;
    if (!conn)
        vir_check("virConnectOpen", (conn = virConnectOpen(many(MANY))) != NULL);
    double start = now();
    vir_check("virConnectGetAllDomainStats",
              virConnectGetAllDomainStats(conn,
                                          VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_VCPU |
                                              VIR_DOMAIN_STATS_BALLOON,
                                          &records, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT) >= 0);
    virDomainStatsRecordListFree(records);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        virDomainPtr *domains;
        int count = virConnectListAllDomains(conn, &domains, flags[i]);
        vir_check("virConnectListAllDomains", count >= 0);
        for (int k = 0; k < count; k++)
            virDomainFree(domains[k]);
        free(domains);
    }
    return now() - start;
}

static vkvm_inventory *big, *small;

static double snapshot(vkvm_inventory *inventory, int times)
{
    double start = now();
    for (int i = 0; i < times; i++) {
        vkvm_value *rows;
        CALL(vkvm_inventory_get_snapshot, inventory, NULL, &rows);
        vkvm_value_free(rows);
    }
    return now() - start;
}

static double snapshot_of_many(void) { return snapshot(big, 1); }
static double snapshots_of_few(void) { return snapshot(small, MANY / FEW); }

static struct way {
    vkvm_event_queue *queue;
    vkvm_domain *dom;
} changes, events;

static double way_to(const struct way *to)
{
    vkvm_value *entry;
    double start = now();
    for (int i = 0; i < BATCH; i++) {
        vkvm_error *error = NULL;
        int result = i % 2 ? vkvm_domain_resume(to->dom, &error) : vkvm_domain_suspend(to->dom, &error);
        check("suspend and resume", result, error);
        CALL(vkvm_event_queue_next, to->queue, PATIENCE, &entry);
        vkvm_value_free(entry);
    }
    return now() - start;
}

/* A domain that is changed on another connection. */
static void begin_way(struct way *way, const char *xml)
{
    vkvm_conn *sender;
    CALL(vkvm_conn_open, uri, 0, &sender);
    CALL(vkvm_conn_create_domain, sender, xml, 0, &way->dom);
    CALL(vkvm_event_queue_new, 1000, &way->queue);
}

#define XML(name) \
    "<domain type='test'><name>" name "</name><memory>1024</memory><os><type>hvm</type></os></domain>"

static void begin_events(vkvm_conn *conn)
{
    int id;
    begin_way(&events, XML("bench-event"));
    CALL(vkvm_event_queue_domain_event_register_any, events.queue, conn, NULL,
         VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &id);
}

static void begin_changes(vkvm_conn *conn)
{
    begin_way(&changes, XML("bench-change"));
    vkvm_inventory *inventory = inventory_of(conn, "{\"kinds\": [\"domain\"], \"refresh\": 0}");
    CALL(vkvm_inventory_refresh, inventory, NULL, PATIENCE);
    CALL(vkvm_inventory_watch, inventory, changes.queue, 0);
}

/* --- rows ---------------------------------------------------------------------------------------- */

struct row {
    const char *call, *peers;
    double (*ours)(void), (*theirs)(void);
    int most;
    double aim;
};

static bool is_wanted(const char *call, const char *peers)
{
    char what[200];
    snprintf(what, sizeof what, "%s %s %s", call, peers, transport);
    return regexec(&wanted, what, 0, NULL, 0) == 0;
}

static void measure(const struct row *row)
{
    int count = rounds < row->most ? rounds : row->most;
    double *our = calloc((size_t)count, sizeof *our);
    double *their = calloc((size_t)count, sizeof *their);
    double *ratio = calloc((size_t)count, sizeof *ratio);
    for (int i = 0; i < count; i++) {
        /* By chance, so that nothing else on the machine can keep step. */
        bool first = random() & 1;
        if (!first)
            their[i] = row->theirs();
        our[i] = row->ours();
        if (first)
            their[i] = row->theirs();
        ratio[i] = our[i] / their[i];
    }
    print_row(row->call, row->peers, transport,
              &(struct times){ count, 1, our, their, ratio }, row->aim);
    free(our);
    free(their);
    free(ratio);
}

/* What a change takes more than an event alone, which is timed before there is an inventory that
 * works for each event. */
static void measure_changes(const char *call, const char *peers)
{
    int count = rounds < 101 ? rounds : 101;
    double *our = calloc((size_t)count, sizeof *our);
    double *their = calloc((size_t)count, sizeof *their);
    double *ratio = calloc((size_t)count, sizeof *ratio);
    vkvm_conn *conn;
    CALL(vkvm_conn_open, uri, 0, &conn);
    begin_events(conn);
    for (int i = 0; i < count; i++)
        their[i] = way_to(&events);
    begin_changes(conn);
    for (int i = 0; i < count; i++)
        our[i] = way_to(&changes);
    for (int i = 0; i < count; i++)
        ratio[i] = (our[i] - their[i]) / BATCH / extra;
    print_row(call, peers, transport, &(struct times){ count, BATCH, our, their, ratio }, 1.0);
    free(our);
    free(their);
    free(ratio);
}

static size_t allocated(void)
{
    malloc_trim(0);
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* What is allocated for each of many domains, with title, description and OS type. */
static void memory(const char *call)
{
    vkvm_conn *conn = many_domains();
    size_t before = allocated();
    vkvm_inventory *inventory =
        inventory_of(conn, "{\"kinds\": [\"domain\"], \"refresh\": 0, \"timeout_ms\": 60000}");
    CALL(vkvm_inventory_refresh, inventory, NULL, PATIENCE);
    double bytes = (double)(allocated() - before) / MANY;
    vkvm_inventory_free(inventory);
    printf("%s\tC/2 KiB\t%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%d\t%.2f\n", call, transport,
           bytes / row_size, bytes / row_size, bytes / row_size, bytes, row_size, MANY, 1.0);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct row filled = { "inventory filled in (10000)", "C/libvirt", fill, bulk_calls,
                                       51, 1.3 };
    static const struct row linear = { "inventory snapshot (10000)", "C/10 of 1000",
                                       snapshot_of_many, snapshots_of_few, 101, 1.2 };
    static const char change[] = "an event's way to a change", change_peers[] = "C/event + 100 us";
    static const char per_domain[] = "inventory, memory of a domain";
    if (argc != 6 || atoi(argv[4]) < 1 ||
        regcomp(&wanted, argv[5], REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "usage: inventory-bench TRANSPORT URI URI-OF-MANY-DOMAINS ROUNDS REGEX\n");
        return 2;
    }
    transport = argv[1];
    uri = argv[2];
    uri_many = argv[3];
    rounds = atoi(argv[4]);
    vkvm_error *error = NULL;
    check("vkvm_event_start", vkvm_event_start(&error), error);
    if (is_wanted(per_domain, "C/2 KiB"))
        memory(per_domain);
    if (is_wanted(filled.call, filled.peers))
        measure(&filled);
    if (is_wanted(linear.call, linear.peers)) {
        vkvm_conn *few;
        CALL(vkvm_conn_open, many(FEW), 0, &few);
        big = inventory_of(many_domains(), bare);
        small = inventory_of(few, bare);
        measure(&linear);
        vkvm_inventory_free(big);
        vkvm_inventory_free(small);
    }
    if (is_wanted(change, change_peers))
        measure_changes(change, change_peers);
    regfree(&wanted);
    return 0;
}
