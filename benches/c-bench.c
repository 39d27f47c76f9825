/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times libvkvm against libvirt, both called from C in this one process.
 * benches/run builds and calls it; README.md tells what the numbers are.
 *
 * usage: c-bench TRANSPORT URI URI-OF-100-DOMAINS ROUNDS REGEX
 *
 * Prints a line per row, with tabs between: call, peers, transport, the least,
 * median and greatest ratio, both medians in ns per call, calls per batch,
 * and the aim (or "-").
 */

#include <regex.h>
#include <string.h>
#include <time.h>

#define BENCH "c-bench"
#include "bench.h"

#define PEERS "C/libvirt"
#define BATCH_NS 1e6 /* how long a batch is to take: less than a time slice */

static const char *uri;
static vkvm_conn *conn, *many;
static vkvm_domain *dom;
static virConnectPtr vir_conn, vir_many;
static virDomainPtr vir_dom;

/* Keeps the compiler from dropping what is read and not used. */
static volatile unsigned long long sink;

/* --- what is timed: N calls each ---------------------------------------- */

static void name(long n)
{
    while (n--) {
        char *text;
        CALL(vkvm_domain_get_name, dom, &text);
        vkvm_string_free(text);
    }
}

/* A user of libvirt needs no copy: the name lives as long as the domain. */
static void vir_name(long n)
{
    while (n--) {
        const char *text = virDomainGetName(vir_dom);
        vir_check("virDomainGetName", text != NULL);
    }
}

static void uuid_string(long n)
{
    while (n--) {
        char *text;
        CALL(vkvm_domain_get_uuid_string, dom, &text);
        vkvm_string_free(text);
    }
}

static void vir_uuid_string(long n)
{
    while (n--) {
        char text[VIR_UUID_STRING_BUFLEN];
        vir_check("virDomainGetUUIDString", virDomainGetUUIDString(vir_dom, text) == 0);
    }
}

static void info(long n)
{
    while (n--) {
        vkvm_value *value;
        CALL(vkvm_domain_get_info, dom, &value);
        vkvm_value_free(value);
    }
}

/* By name; the peer is the direct call, on the same connection. */
static void invoke_info(long n)
{
    static vkvm_value *args;
    if (!args) {
        CALL(vkvm_value_new_map, &args);
        CALL(vkvm_value_set_handle, args, "dom", dom);
    }
    while (n--) {
        vkvm_value *value;
        CALL(vkvm_invoke, "vkvm_domain_get_info", args, &value);
        vkvm_value_free(value);
    }
}

static void info_numbers(long n)
{
    while (n--) {
        int state;
        uint64_t max_mem, memory, cpu_time;
        uint32_t nr_virt_cpu;
        CALL(vkvm_domain_get_info_numbers, dom, &state, &max_mem, &memory, &nr_virt_cpu,
             &cpu_time);
        sink = max_mem + memory + nr_virt_cpu + cpu_time + (uint64_t)state;
    }
}

static void vir_info(long n)
{
    while (n--) {
        virDomainInfo value;
        vir_check("virDomainGetInfo", virDomainGetInfo(vir_dom, &value) == 0);
    }
}

static void info_fields(long n)
{
    static const char *const keys[] = {"state", "maxMem", "memory", "nrVirtCpu", "cpuTime"};
    while (n--) {
        vkvm_value *value;
        CALL(vkvm_domain_get_info, dom, &value);
        for (int i = 0; i < 5; i++) {
            uint64_t number;
            CALL(vkvm_value_get_uint64, value, keys[i], &number);
            sink = number;
        }
        vkvm_value_free(value);
    }
}

static void vir_info_fields(long n)
{
    while (n--) {
        virDomainInfo value;
        vir_check("virDomainGetInfo", virDomainGetInfo(vir_dom, &value) == 0);
        sink = value.state;
        sink = value.maxMem;
        sink = value.memory;
        sink = value.nrVirtCpu;
        sink = value.cpuTime;
    }
}

static void xml(long n)
{
    while (n--) {
        char *text;
        CALL(vkvm_domain_get_xml_description, dom, 0, &text);
        vkvm_string_free(text);
    }
}

static void vir_xml(long n)
{
    while (n--) {
        char *text = virDomainGetXMLDesc(vir_dom, 0);
        vir_check("virDomainGetXMLDesc", text != NULL);
        free(text);
    }
}

static void connection(long n)
{
    while (n--) {
        vkvm_conn *one;
        CALL(vkvm_conn_open, uri, 0, &one);
        vkvm_conn_free(one);
    }
}

static void vir_connection(long n)
{
    while (n--) {
        virConnectPtr one = virConnectOpen(uri);
        vir_check("virConnectOpen", one != NULL);
        virConnectClose(one);
    }
}

static void list(long n)
{
    while (n--) {
        vkvm_domain **domains;
        size_t count;
        CALL(vkvm_conn_list_all_domains, many, 0, &domains, &count);
        vkvm_domain_list_free(domains, count);
    }
}

static void vir_list(long n)
{
    while (n--) {
        virDomainPtr *domains;
        int count = virConnectListAllDomains(vir_many, &domains, 0);
        vir_check("virConnectListAllDomains", count >= 0);
        for (int i = 0; i < count; i++)
            virDomainFree(domains[i]);
        free(domains);
    }
}

/* An aim of 0 is none. */
static const struct row {
    const char *call;
    void (*ours)(long n);
    void (*theirs)(long n);
    double aim_in_process;
    double aim_rpc;
} rows[] = {
    {"get_name", name, vir_name, 0, 0},
    {"get_uuid_string", uuid_string, vir_uuid_string, 0, 0},
    {"get_info", info, vir_info, 1.10, 1.02},
    {"get_info by its name, direct", invoke_info, info, 0, 0},
    {"get_info + read 5 fields", info_fields, vir_info_fields, 0, 0},
    {"get_info_numbers", info_numbers, vir_info_fields, 1.10, 1.02},
    {"get_xml_description", xml, vir_xml, 1.10, 1.02},
    {"connect + close", connection, vir_connection, 0, 0},
    {"list_all_domains (100)", list, vir_list, 0, 0},
};

/* --- timing --------------------------------------------------------------- */

static double seconds_of(void (*run)(long n), long n)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    run(n);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

/* How many calls make a batch: both sides do the same number. */
static long batch_of(const struct row *row)
{
    for (long n = 1;; n *= 2) {
        double ours = seconds_of(row->ours, n), theirs = seconds_of(row->theirs, n);
        double each = (ours + theirs) / 2 * 1e9;
        if (each >= BATCH_NS / 4)
            return (long)((double)n * BATCH_NS / each) + 1;
    }
}

static void measure(const struct row *row, const char *transport, int rounds, double aim)
{
    double *ours = calloc((size_t)rounds, sizeof *ours);
    double *theirs = calloc((size_t)rounds, sizeof *theirs);
    double *ratio = calloc((size_t)rounds, sizeof *ratio);
    long n = batch_of(row);
    for (int i = 0; i < rounds; i++) {
        /* By chance, so that nothing else on the machine can keep step. */
        bool first = random() & 1;
        if (!first)
            theirs[i] = seconds_of(row->theirs, n);
        ours[i] = seconds_of(row->ours, n);
        if (first)
            theirs[i] = seconds_of(row->theirs, n);
        ratio[i] = ours[i] / theirs[i];
    }
    print_row(row->call, PEERS, transport, &(struct times){rounds, n, ours, theirs, ratio}, aim);
    free(ours);
    free(theirs);
    free(ratio);
}

static void ignore_error(void *userdata, virErrorPtr error)
{
    (void)userdata;
    (void)error;
}

int main(int argc, char **argv)
{
    regex_t wanted;
    if (argc != 6) {
        fprintf(stderr, "usage: c-bench TRANSPORT URI URI-OF-100-DOMAINS ROUNDS REGEX\n");
        return 2;
    }
    const char *transport = argv[1];
    uri = argv[2];
    int rounds = atoi(argv[4]);
    if (rounds < 1 || regcomp(&wanted, argv[5], REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "c-bench: '%s' is no number of rounds, or '%s' no regular expression\n",
                argv[4], argv[5]);
        return 2;
    }

    virSetErrorFunc(NULL, ignore_error);
    CALL(vkvm_conn_open, uri, 0, &conn);
    CALL(vkvm_conn_open, argv[3], 0, &many);
    CALL(vkvm_conn_get_domain_by_name, conn, "test", &dom);
    vir_check("virConnectOpen", (vir_conn = virConnectOpen(uri)) != NULL);
    vir_check("virConnectOpen", (vir_many = virConnectOpen(argv[3])) != NULL);
    vir_check("virDomainLookupByName",
              (vir_dom = virDomainLookupByName(vir_conn, "test")) != NULL);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char what[200];
        snprintf(what, sizeof what, "%s %s %s", rows[i].call, PEERS, transport);
        if (regexec(&wanted, what, 0, NULL, 0) == 0)
            measure(&rows[i], transport, rounds,
                    strcmp(transport, "in-process") ? rows[i].aim_rpc : rows[i].aim_in_process);
    }

    vkvm_domain_free(dom);
    vkvm_conn_free(many);
    vkvm_conn_free(conn);
    virDomainFree(vir_dom);
    virConnectClose(vir_many);
    virConnectClose(vir_conn);
    regfree(&wanted);
    return 0;
}
