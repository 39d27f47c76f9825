/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times calls that threads of the library's make against calls that the program's own
 * threads make. benches/run builds and calls it; README.md tells what the numbers are.
 *
 * usage: call-bench TRANSPORT URI URI-OF-1000-DOMAINS ROUNDS REGEX
 *        call-bench --threads URI N
 *
 * Prints lines as c-bench does. With --threads it is a peer of perl-bench.pl's: for each byte
 * that it reads, 64 threads make N calls, and it writes the seconds that they took, as a double.
 */

#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BENCH "call-bench"
#include "bench.h"

enum {
    IN_FLIGHT = 64,
    SHORT = 256,       /* calls of a batch, one after the other */
    LONG = 4096,       /* calls of a batch, many at once */
    DOMAINS = 1000,
    TEXTS = 8, /* calls of a batch that each give a long text */
    MOST_ROUNDS = 101, /* of rows with long batches */
};

static vkvm_conn *conn, *bounded, *many;
static vkvm_domain *dom, *bounded_dom;
static vkvm_value *info_args, *bounded_args, *xml_args[DOMAINS];
static vkvm_event_queue *queue;
static int queue_fd;
static vkvm_fleet *fleet;
static virConnectPtr vir_conn, vir_many;
static virDomainPtr vir_dom, *vir_domains;

/* --- what is timed: N calls each ---------------------------------------------------- */

static void direct(long n)
{
    while (n--) {
        vkvm_value *value;
        CALL(vkvm_domain_get_info, dom, &value);
        vkvm_value_free(value);
    }
}

static void invoke(vkvm_value *args, long n)
{
    while (n--) {
        vkvm_value *value;
        CALL(vkvm_invoke, "vkvm_domain_get_info", args, &value);
        vkvm_value_free(value);
    }
}

static void by_name(long n)
{
    invoke(info_args, n);
}

static void with_limit(long n)
{
    invoke(bounded_args, n);
}

static void start(const char *function, vkvm_value *args, long tag)
{
    vkvm_call *call;
    CALL(vkvm_call_start, function, args, 0, queue, (uint64_t)tag, &call);
    vkvm_call_free(call);
}

/* Takes the results of calls that are done. How many there were. */
static long take(void)
{
    vkvm_value *entries;
    size_t count;
    struct pollfd readable = {.fd = queue_fd, .events = POLLIN};
    poll(&readable, 1, -1);
    CALL(vkvm_event_queue_drain, queue, IN_FLIGHT, &entries);
    CALL(vkvm_value_get_length, entries, "", &count);
    for (size_t i = 0; i < count; i++) {
        char path[30];
        int64_t tag;
        vkvm_call *call;
        vkvm_value *result;
        snprintf(path, sizeof path, "%d.tag", (int)i);
        CALL(vkvm_value_get_int64, entries, path, &tag);
        snprintf(path, sizeof path, "%d.call", (int)i);
        CALL(vkvm_value_get_handle, entries, path, (void **)&call);
        CALL(vkvm_call_get_result, call, &result);
        vkvm_value_free(result);
        vkvm_call_free(call);
    }
    vkvm_value_free(entries);
    return (long)count;
}

/* N calls, as many at once as are in flight; the arguments are of N objects, or of one. */
static void in_flight(const char *function, vkvm_value **args, bool one, long n)
{
    long started = 0, done = 0;
    while (done < n) {
        for (; started < n && started < done + IN_FLIGHT; started++)
            start(function, args[one ? 0 : started], started);
        done += take();
    }
}

static void from_one_thread(long n)
{
    in_flight("vkvm_domain_get_info", &info_args, true, n);
}

static void all_xml(long n)
{
    in_flight("vkvm_domain_get_xml_description", xml_args, false, n);
}

static void vir_all_xml(long n)
{
    for (long i = 0; i < n; i++) {
        char *text = virDomainGetXMLDesc(vir_domains[i], 0);
        vir_check("virDomainGetXMLDesc", text != NULL);
        free(text);
    }
}

/* What the metrics are made of: one bulk call. */
static void vir_bulk(long n)
{
    unsigned groups = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON |
                      VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE | VIR_DOMAIN_STATS_BLOCK |
                      VIR_DOMAIN_STATS_PERF;
    while (n--) {
        virDomainStatsRecordPtr *records;
        vir_check("virConnectGetAllDomainStats",
                  virConnectGetAllDomainStats(vir_many, groups, &records,
                                              VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT) >= DOMAINS);
        virDomainStatsRecordListFree(records);
    }
}

static void metrics(long n)
{
    while (n--) {
        vkvm_value *value;
        CALL(vkvm_fleet_get_metrics, fleet, NULL, 60000, &value);
        vkvm_value_free(value);
    }
}

/* The program's own threads, which wait at the barrier between batches. */
static pthread_barrier_t barrier;
static long each;

static void *vir_thread(void *unused)
{
    (void)unused;
    while (1) {
        pthread_barrier_wait(&barrier);
        for (long i = 0; i < each; i++) {
            virDomainInfo value;
            vir_check("virDomainGetInfo", virDomainGetInfo(vir_dom, &value) == 0);
        }
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static void vir_from_threads(long n)
{
    static bool begun;
    if (!begun) {
        pthread_barrier_init(&barrier, NULL, IN_FLIGHT + 1);
        for (int i = 0; i < IN_FLIGHT; i++) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, vir_thread, NULL) != 0)
                die("pthread_create", "no thread");
        }
        begun = true;
    }
    each = n / IN_FLIGHT;
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
}

/* An aim of 0 is none. What is timed is the processor's time of all threads, or real time. */
static const struct row {
    const char *call;
    const char *peers;
    void (*ours)(long n);
    void (*theirs)(long n);
    long batch;
    clockid_t clock;
    double aim_rpc;
} rows[] = {
    {"get_info by its name", "C/direct", by_name, direct, SHORT, CLOCK_MONOTONIC, 0},
    {"get_info with a limit", "C/direct", with_limit, direct, SHORT, CLOCK_MONOTONIC, 1.50},
    {"get_info, 64 at once", "C/64 threads", from_one_thread, vir_from_threads, LONG,
     CLOCK_MONOTONIC, 1.15},
    {"get_info, 64 at once (CPU)", "C/64 threads", from_one_thread, vir_from_threads, LONG,
     CLOCK_PROCESS_CPUTIME_ID, 0},
    {"get_info, 64 at once (CPU)", "C/direct", from_one_thread, direct, LONG,
     CLOCK_PROCESS_CPUTIME_ID, 0},
    {"get_xml_description of 1000", "C/serial loop", all_xml, vir_all_xml, DOMAINS,
     CLOCK_MONOTONIC, 0},
    {"metrics of 1000 domains", "C/bulk call", metrics, vir_bulk, TEXTS, CLOCK_MONOTONIC, 0},
};

/* --- timing --------------------------------------------------------------------------- */

static double seconds_of(const struct row *row, void (*run)(long n))
{
    struct timespec begin, end;
    clock_gettime(row->clock, &begin);
    run(row->batch);
    clock_gettime(row->clock, &end);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static void measure(const struct row *row, const char *transport, int rounds)
{
    double ours[MOST_ROUNDS], theirs[MOST_ROUNDS], ratio[MOST_ROUNDS];
    double aim = strcmp(transport, "in-process") ? row->aim_rpc : 0;
    rounds = rounds < MOST_ROUNDS ? rounds : MOST_ROUNDS;
    row->ours(row->batch);
    row->theirs(row->batch);
    for (int i = 0; i < rounds; i++) {
        bool first = random() & 1;
        if (!first)
            theirs[i] = seconds_of(row, row->theirs);
        ours[i] = seconds_of(row, row->ours);
        if (first)
            theirs[i] = seconds_of(row, row->theirs);
        ratio[i] = ours[i] / theirs[i];
    }
    struct times times = {rounds, row->batch, ours, theirs, ratio};
    print_row(row->call, row->peers, transport, &times, aim);
}

static void open_peer(const char *uri)
{
    vir_check("virConnectOpen", (vir_conn = virConnectOpen(uri)) != NULL);
    vir_check("virDomainLookupByName", (vir_dom = virDomainLookupByName(vir_conn, "test")) != NULL);
}

static int serve_threads(const char *uri, long n)
{
    const struct row row = {.theirs = vir_from_threads, .batch = n, .clock = CLOCK_MONOTONIC};
    char asked;
    open_peer(uri);
    row.theirs(row.batch);
    while (read(STDIN_FILENO, &asked, 1) == 1) {
        double seconds = seconds_of(&row, row.theirs);
        if (write(STDOUT_FILENO, &seconds, sizeof seconds) != sizeof seconds)
            return 1;
    }
    return 0;
}

static vkvm_value *arguments(vkvm_domain *of)
{
    vkvm_value *args;
    CALL(vkvm_value_new_map, &args);
    CALL(vkvm_value_set_handle, args, "dom", of);
    return args;
}

static void ignore_error(void *userdata, virErrorPtr error)
{
    (void)userdata;
    (void)error;
}

static void open_all(const char *uri, const char *uri_of_many)
{
    vkvm_domain **domains;
    size_t count;
    virSetErrorFunc(NULL, ignore_error);
    CALL(vkvm_conn_open, uri, 0, &conn);
    CALL(vkvm_conn_open, uri, 0, &bounded);
    CALL(vkvm_conn_set_call_timeout, bounded, 60000);
    CALL(vkvm_conn_open, uri_of_many, 0, &many);
    CALL(vkvm_conn_get_domain_by_name, conn, "test", &dom);
    CALL(vkvm_conn_get_domain_by_name, bounded, "test", &bounded_dom);
    info_args = arguments(dom);
    bounded_args = arguments(bounded_dom);
    CALL(vkvm_conn_list_all_domains, many, 0, &domains, &count);
    if (count < DOMAINS)
        die(uri_of_many, "has not enough domains");
    for (int i = 0; i < DOMAINS; i++)
        xml_args[i] = arguments(domains[i]);
    vkvm_domain_list_free(domains, count);
    CALL(vkvm_fleet_open, &uri_of_many, 1, 60000, &fleet);
    CALL(vkvm_event_queue_new, IN_FLIGHT, &queue);
    CALL(vkvm_event_queue_get_fd, queue, &queue_fd);

    open_peer(uri);
    vir_check("virConnectOpen", (vir_many = virConnectOpen(uri_of_many)) != NULL);
    vir_check("virConnectListAllDomains",
              virConnectListAllDomains(vir_many, &vir_domains, 0) >= DOMAINS);
}

int main(int argc, char **argv)
{
    regex_t wanted;
    if (argc == 4 && strcmp(argv[1], "--threads") == 0 && atol(argv[3]) > 0)
        return serve_threads(argv[2], atol(argv[3]));
    if (argc != 6) {
        fprintf(stderr, "usage: call-bench TRANSPORT URI URI-OF-1000-DOMAINS ROUNDS REGEX\n"
                        "       call-bench --threads URI N\n");
        return 2;
    }
    int rounds = atoi(argv[4]);
    if (rounds < 1 || regcomp(&wanted, argv[5], REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "call-bench: '%s' is no number of rounds, or '%s' no regular expression\n",
                argv[4], argv[5]);
        return 2;
    }
    open_all(argv[2], argv[3]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char what[200];
        snprintf(what, sizeof what, "%s %s %s", rows[i].call, rows[i].peers, argv[1]);
        if (regexec(&wanted, what, 0, NULL, 0) == 0)
            measure(&rows[i], argv[1], rounds);
    }
    /* The threads wait at their barrier; what there is ends with the process. */
    return 0;
}
