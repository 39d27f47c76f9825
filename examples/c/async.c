/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shows the memory of all domains of several hosts, all of them at once and without
 * waiting: one thread, and poll(2) on the descriptor of an event queue. A host that does
 * not answer in time costs nobody else anything.
 *
 * usage: async SECONDS URI...
 */

#define _POSIX_C_SOURCE 200809L

#include <poll.h>

#include "example.h"

enum { ROOM = 10000 }; /* calls at once */

struct domain {
    char *name;
    uint64_t memory; /* KiB */
};

/* A host is opened, then asked for its domains, then for what each of them is. */
struct host {
    const char *uri;
    vkvm_conn *conn;
    struct domain *domains;
    size_t count;
    bool failed;
};

static struct host *hosts;
static size_t host_count, in_flight;
static uint32_t timeout_ms;
static vkvm_event_queue *queue;
static vkvm_error *error;

/* The tag of a call says what its answer is for: the host, and the number of the domain
   or one of these. */
static const uint32_t OPENED = UINT32_MAX, LISTED = UINT32_MAX - 1;

static void start(const char *function, vkvm_value *args, size_t host, uint32_t what)
{
    vkvm_call *call;

    check(vkvm_call_start(function, args, timeout_ms, queue, (uint64_t)host << 32 | what, &call,
                          &error),
          function, &error);
    vkvm_call_free(call);
    vkvm_value_free(args);
    in_flight++;
}

static vkvm_value *arguments(const char *key, void *handle)
{
    vkvm_value *args;

    check(vkvm_value_new_map(&args, &error), "new_map", &error);
    if (handle)
        check(vkvm_value_set_handle(args, key, handle, &error), key, &error);
    return args;
}

static void open_host(size_t number)
{
    vkvm_value *args = arguments(NULL, NULL), *options;

    check(vkvm_value_new_map(&options, &error), "new_map", &error);
    check(vkvm_value_set_string(options, "uri", hosts[number].uri, &error), "uri", &error);
    check(vkvm_value_set_uint64(options, "timeout_ms", timeout_ms, &error), "timeout", &error);
    check(vkvm_value_put(args, NULL, "options", options, &error), "options", &error);
    vkvm_value_free(options);
    start("vkvm_conn_open_with", args, number, OPENED);
}

static void is_opened(size_t number, vkvm_value *result)
{
    struct host *host = &hosts[number];

    check(vkvm_value_get_handle(result, "", (void **)&host->conn, &error), host->uri, &error);
    start("vkvm_conn_list_all_domains", arguments("conn", host->conn), number, LISTED);
}

static void is_listed(size_t number, vkvm_value *result)
{
    struct host *host = &hosts[number];

    check(vkvm_value_get_length(result, "", &host->count, &error), host->uri, &error);
    host->domains = calloc(host->count + 1, sizeof *host->domains);
    for (size_t i = 0; i < host->count; i++) {
        vkvm_domain *domain;
        char path[30];
        snprintf(path, sizeof path, "%zu", i);
        check(vkvm_value_get_handle(result, path, (void **)&domain, &error), path, &error);
        host->domains[i].name = name_of(domain);
        start("vkvm_domain_get_info", arguments("dom", domain), number, (uint32_t)i);
        vkvm_domain_free(domain); /* the call has a reference */
    }
}

/* Goes on with a call that is done. */
static void take(vkvm_value *entry)
{
    vkvm_call *call;
    vkvm_value *result;
    int64_t tag;

    check(vkvm_value_get_int64(entry, "tag", &tag, &error), "tag", &error);
    check(vkvm_value_get_handle(entry, "call", (void **)&call, &error), "call", &error);
    size_t of = (size_t)((uint64_t)tag >> 32);
    uint32_t what = (uint32_t)tag;
    in_flight--;
    if (vkvm_call_get_result(call, &result, &error) < 0) {
        /* Of a host that is stuck, once for all its domains. */
        if (!hosts[of].failed)
            fprintf(stderr, "%s: %s\n", hosts[of].uri, vkvm_error_message(error));
        hosts[of].failed = true;
        vkvm_error_free(error);
        error = NULL;
    } else {
        if (what == OPENED)
            is_opened(of, result);
        else if (what == LISTED)
            is_listed(of, result);
        else
            hosts[of].domains[what].memory = number(result, "memory", 0);
        vkvm_value_free(result);
    }
    vkvm_call_free(call);
}

int main(int argc, char **argv)
{
    double seconds = argc > 2 ? strtod(argv[1], NULL) : 0;
    int fd, failures = 0;

    if (!(seconds > 0 && seconds < 1e6))
        usage("async SECONDS URI...");
    timeout_ms = (uint32_t)(seconds * 1000) + 1;
    host_count = (size_t)argc - 2;
    hosts = calloc(host_count, sizeof *hosts);
    check(vkvm_event_queue_new(ROOM, &queue, &error), "queue", &error);
    check(vkvm_event_queue_get_fd(queue, &fd, &error), "queue", &error);
    for (size_t i = 0; i < host_count; i++) {
        hosts[i].uri = argv[2 + i];
        open_host(i);
    }

    while (in_flight > 0) {
        /* A server would poll its sockets here, too. */
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        vkvm_value *entry;
        poll(&readable, 1, -1);
        while (check(vkvm_event_queue_next(queue, 0, &entry, &error), "next", &error), entry) {
            take(entry);
            vkvm_value_free(entry);
        }
    }

    for (struct host *host = hosts; host < hosts + host_count; host++) {
        if (!host->failed)
            printf("%s\n", host->uri);
        for (size_t i = 0; i < host->count; i++) {
            if (!host->failed)
                printf("  %s: %" PRIu64 " MiB\n", host->domains[i].name,
                       host->domains[i].memory / 1024);
            vkvm_string_free(host->domains[i].name);
        }
        failures += host->failed;
        free(host->domains);
        vkvm_conn_free(host->conn);
    }
    vkvm_event_queue_free(queue);
    free(hosts);
    return failures > 0;
}
