/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times events with libvkvm's event loop against events with libvirt's own. A process
 * has one loop, so each runs in a process of its own, and they take turns, one batch
 * each. benches/run builds and calls it; README.md tells what the numbers are.
 *
 * usage: event-bench TRANSPORT URI ROUNDS REGEX
 *
 * Prints lines as c-bench does.
 */

#include <regex.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BENCH "event-bench"
#include "bench.h"

#define PEERS "C/libvirt"
#define BATCH 32 /* events; as many lie ready when a drain begins */

static const char *uri;
static long heard;

#define VIR_CALL(call) vir_check(#call, (call) >= 0)

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- a side: a domain that is changed on one connection and heard of on another --- */

struct side {
    const char *name; /* of the domain */
    void (*begin)(const char *xml);
    void (*change)(bool suspend);
    void (*turn)(void);
};

static vkvm_conn *sender, *listener;
static vkvm_domain *dom, *heard_dom;

static void hear(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args, (void)userdata;
    heard++;
}

static void begin(const char *xml)
{
    int id;
    vkvm_error *error = NULL;
    check("register_default", vkvm_event_register_default(&error), error);
    CALL(vkvm_conn_open, uri, 0, &sender);
    CALL(vkvm_conn_open, uri, 0, &listener);
    CALL(vkvm_conn_create_domain, sender, xml, 0, &dom);
    CALL(vkvm_conn_get_domain_by_name, listener, "bench-ours", &heard_dom);
    CALL(vkvm_conn_domain_event_register_any, listener, heard_dom,
         VKVM_DOMAIN_EVENT_ID_LIFECYCLE, hear, NULL, NULL, &id);
}

static void change(bool suspend)
{
    vkvm_error *error = NULL;
    int result = suspend ? vkvm_domain_suspend(dom, &error) : vkvm_domain_resume(dom, &error);
    check("suspend and resume", result, error);
}

static void turn(void)
{
    if (vkvm_event_run_default(NULL) < 0)
        die("run_default", "failed");
}

static virDomainPtr vir_dom;

static int vir_hear(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *opaque)
{
    (void)conn, (void)domain, (void)event, (void)detail, (void)opaque;
    heard++;
    return 0;
}

static void ignore_error(void *userdata, virErrorPtr error)
{
    (void)userdata, (void)error;
}

static void vir_listen(const char *xml, const char *name)
{
    virConnectPtr vir_sender, vir_listener;
    virDomainPtr domain;
    virSetErrorFunc(NULL, ignore_error);
    vir_check("virConnectOpen", (vir_sender = virConnectOpen(uri)) != NULL);
    vir_check("virConnectOpen", (vir_listener = virConnectOpen(uri)) != NULL);
    vir_check("virDomainCreateXML", (vir_dom = virDomainCreateXML(vir_sender, xml, 0)) != NULL);
    vir_check("virDomainLookupByName",
              (domain = virDomainLookupByName(vir_listener, name)) != NULL);
    VIR_CALL(virConnectDomainEventRegisterAny(vir_listener, domain, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                              VIR_DOMAIN_EVENT_CALLBACK(vir_hear), NULL, NULL));
}

static void vir_begin(const char *xml)
{
    VIR_CALL(virEventRegisterDefaultImpl());
    vir_listen(xml, "bench-theirs");
}

static void vir_change(bool suspend)
{
    VIR_CALL(suspend ? virDomainSuspend(vir_dom) : virDomainResume(vir_dom));
}

static void vir_turn(void)
{
    VIR_CALL(virEventRunDefaultImpl());
}

/* libvirt's functions with libvkvm's loop: what differs is the loop alone. */
static void mixed_begin(const char *xml)
{
    if (vkvm_event_register_default(NULL) < 0)
        die("register_default", "failed");
    vir_listen(xml, "bench-mixed");
}

static const struct side ours = { "bench-ours", begin, change, turn };
static const struct side mixed = { "bench-mixed", mixed_begin, vir_change, turn };
static const struct side theirs = { "bench-theirs", vir_begin, vir_change, vir_turn };

/* --- what is timed: BATCH events each ---------------------------------------------- */

/* From the change until the callback. */
static double latency(const struct side *side)
{
    double start = now();
    for (int i = 0; i < BATCH; i++) {
        long before = heard;
        side->change(i % 2 == 0);
        while (heard == before)
            side->turn();
    }
    return now() - start;
}

/* Events that lie ready, until the last callback. */
static double drain(const struct side *side)
{
    long before = heard;
    for (int i = 0; i < BATCH; i++)
        side->change(i % 2 == 0);
    double start = now();
    while (heard < before + BATCH)
        side->turn();
    return now() - start;
}

static const struct row {
    const char *call;
    double (*run)(const struct side *side);
    const struct side *ours;
    double aim;
} rows[] = {
    { "loop: an event's way", latency, &mixed, 1.0 },
    { "loop: events that wait", drain, &mixed, 1.0 },
    { "an event's way", latency, &ours, 0 },
    { "events that wait", drain, &ours, 0 },
};

/* --- a process for each side --------------------------------------------------------- */

struct worker {
    int to, from;
};

static void serve(const struct side *side, int in, int out)
{
    char xml[300];
    unsigned char row;
    snprintf(xml, sizeof xml,
             "<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os>"
             "</domain>", side->name);
    side->begin(xml);
    while (read(in, &row, 1) == 1) {
        double seconds = rows[row].run(side);
        if (write(out, &seconds, sizeof seconds) != sizeof seconds)
            break;
    }
}

static struct worker start(const struct side *side)
{
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0)
        die("pipe", "no descriptors");
    if (fork() == 0) {
        close(to[1]);
        close(from[0]);
        serve(side, to[0], from[1]);
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    return (struct worker){ to[1], from[0] };
}

static double seconds_of(const struct worker *worker, size_t row)
{
    unsigned char number = (unsigned char)row;
    double seconds = 0;
    if (write(worker->to, &number, 1) != 1 ||
        read(worker->from, &seconds, sizeof seconds) != sizeof seconds)
        die("a batch", "its process has ended");
    return seconds;
}

static void measure(size_t row, const struct worker *us, const struct worker *them,
                    const char *transport, int rounds)
{
    double *our = calloc((size_t)rounds, sizeof *our);
    double *their = calloc((size_t)rounds, sizeof *their);
    double *ratio = calloc((size_t)rounds, sizeof *ratio);
    for (int i = 0; i < rounds; i++) {
        /* By chance, so that nothing else on the machine can keep step. */
        bool first = random() & 1;
        if (!first)
            their[i] = seconds_of(them, row);
        our[i] = seconds_of(us, row);
        if (first)
            their[i] = seconds_of(them, row);
        ratio[i] = our[i] / their[i];
    }
    print_row(rows[row].call, PEERS, transport, &(struct times){rounds, BATCH, our, their, ratio},
              rows[row].aim);
    free(our);
    free(their);
    free(ratio);
}

int main(int argc, char **argv)
{
    regex_t wanted;
    if (argc != 5 || atoi(argv[3]) < 1 ||
        regcomp(&wanted, argv[4], REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "usage: event-bench TRANSPORT URI ROUNDS REGEX\n");
        return 2;
    }
    uri = argv[2];
    struct worker us = start(&ours), loop = start(&mixed), them = start(&theirs);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char what[200];
        snprintf(what, sizeof what, "%s %s %s", rows[i].call, PEERS, argv[1]);
        if (regexec(&wanted, what, 0, NULL, 0) == 0)
            measure(i, rows[i].ours == &ours ? &us : &loop, &them, argv[1], atoi(argv[3]));
    }
    regfree(&wanted);
    return 0;
}
