/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints what happens on a host: to its domains, networks and storage pools. It ends
 * after COUNT events, when it is interrupted, or when the host has gone.
 *
 * usage: watch URI [COUNT]
 */

#define _POSIX_C_SOURCE 200809L

#include <signal.h>

#include "example.h"

static const char *const domain_lifecycle[] = {"defined", "undefined", "started",
                                               "suspended", "resumed", "stopped",
                                               "shut down", "suspended by itself", "crashed"};
static const char *const network_lifecycle[] = {"defined", "undefined", "started", "stopped"};
static const char *const pool_lifecycle[] = {"defined", "undefined", "started",
                                             "stopped", "created", "deleted"};

/* The other events of domains; their arguments are printed as they are. */
static const struct kind {
    int id;
    const char *name;
} kinds[] = {
    {VKVM_DOMAIN_EVENT_ID_REBOOT, "rebooted"},
    {VKVM_DOMAIN_EVENT_ID_RTC_CHANGE, "changed its clock"},
    {VKVM_DOMAIN_EVENT_ID_BALLOON_CHANGE, "has memory (KiB)"},
    {VKVM_DOMAIN_EVENT_ID_DEVICE_ADDED, "got a device"},
    {VKVM_DOMAIN_EVENT_ID_DEVICE_REMOVED, "lost a device"},
    {VKVM_DOMAIN_EVENT_ID_METADATA_CHANGE, "has other metadata"},
    {VKVM_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, "has an agent"},
};

static volatile sig_atomic_t stop;
static unsigned long seen, wanted;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

/* One event may bring several of them in one turn of the loop; so it may be too late. */
static int too_late(void)
{
    return wanted > 0 && seen++ >= wanted;
}

static void print_lifecycle(const char *class, char *name, vkvm_value *args,
                            const char *const *names, size_t count)
{
    uint64_t event = number(args, "event", count);

    printf("%s %s %s\n", class, name, event < count ? names[event] : "has changed");
    vkvm_string_free(name);
}

static void on_domain(vkvm_conn *conn, void *object, int id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)id, (void)userdata;
    if (!too_late())
        print_lifecycle("domain", name_of(object), args, domain_lifecycle,
                        sizeof domain_lifecycle / sizeof *domain_lifecycle);
}

static void on_network(vkvm_conn *conn, void *object, int id, vkvm_value *args, void *userdata)
{
    vkvm_error *error = NULL;
    char *name;

    (void)conn, (void)id, (void)userdata;
    if (too_late())
        return;
    check(vkvm_network_get_name(object, &name, &error), "get_name", &error);
    print_lifecycle("network", name, args, network_lifecycle,
                    sizeof network_lifecycle / sizeof *network_lifecycle);
}

static void on_pool(vkvm_conn *conn, void *object, int id, vkvm_value *args, void *userdata)
{
    vkvm_error *error = NULL;
    char *name;

    (void)conn, (void)id, (void)userdata;
    if (too_late())
        return;
    check(vkvm_storage_pool_get_name(object, &name, &error), "get_name", &error);
    print_lifecycle("pool", name, args, pool_lifecycle,
                    sizeof pool_lifecycle / sizeof *pool_lifecycle);
}

static void on_other(vkvm_conn *conn, void *object, int id, vkvm_value *args, void *userdata)
{
    const struct kind *kind = userdata;
    vkvm_error *error = NULL;
    char *name, *key, *text;
    size_t count;
    int64_t integer;

    (void)conn, (void)id;
    if (too_late())
        return;
    name = name_of(object);
    printf("domain %s %s", name, kind->name);
    vkvm_string_free(name);
    check(vkvm_value_get_length(args, NULL, &count, &error), "get_length", &error);
    for (size_t i = 0; i < count; i++) {
        check(vkvm_value_get_key(args, NULL, i, &key, &error), "get_key", &error);
        if (vkvm_value_get_int64(args, key, &integer, NULL) == 0) {
            printf(" %" PRId64, integer);
        } else if (vkvm_value_get_string(args, key, &text, NULL) == 0) {
            printf(" %s", text);
            vkvm_string_free(text);
        } else {
            printf(" -");
        }
        vkvm_string_free(key);
    }
    printf("\n");
}

/* Drivers that have no events of some kind are watched for the others. */
static void check_supported(int result, const char *what, vkvm_error **error)
{
    if (result != 0 && vkvm_error_code(*error) == VKVM_ERROR_ERR_NO_SUPPORT)
        vkvm_error_free(*error);
    else
        check(result, what, error);
}

static void watch(vkvm_conn *conn)
{
    vkvm_error *error = NULL;
    int callback;

    check_supported(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                                        on_domain, NULL, NULL, &callback, &error),
                    "domain_event_register_any", &error);
    check_supported(
        vkvm_conn_network_event_register_any(conn, NULL, VKVM_NETWORK_EVENT_ID_LIFECYCLE,
                                             on_network, NULL, NULL, &callback, &error),
        "network_event_register_any", &error);
    check_supported(
        vkvm_conn_storage_pool_event_register_any(conn, NULL, VKVM_STORAGE_POOL_EVENT_ID_LIFECYCLE,
                                                  on_pool, NULL, NULL, &callback, &error),
        "storage_pool_event_register_any", &error);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        check_supported(vkvm_conn_domain_event_register_any(conn, NULL, kinds[i].id, on_other,
                                                            (void *)&kinds[i], NULL, &callback,
                                                            &error),
                        kinds[i].name, &error);
}

/* A signal does not end run_default; a timer lets the program look at what it said. */
static void on_timer(int timer, void *userdata)
{
    (void)timer, (void)userdata;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    vkvm_error *error = NULL;
    vkvm_conn *conn;
    bool alive = true;
    int timer;

    if (argc != 2 && argc != 3)
        usage("watch URI [COUNT]");
    wanted = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    check(vkvm_event_register_default(&error), "register_default", &error);
    check(vkvm_event_add_timeout(200, on_timer, NULL, NULL, &timer, &error), "add_timeout",
          &error);
    check(vkvm_conn_open(argv[1], VKVM_CONNECT_RO, &conn, &error), argv[1], &error);
    watch(conn);
    printf("watching %s\n", argv[1]);
    while (alive && !stop && (wanted == 0 || seen < wanted)) {
        check(vkvm_event_run_default(&error), "run_default", &error);
        check(vkvm_conn_is_alive(conn, &alive, &error), "is_alive", &error);
    }
    if (!alive)
        printf("%s has gone\n", argv[1]);

    vkvm_conn_free(conn); /* and with it what was registered */
    check(vkvm_event_remove_timeout(timer, &error), "remove_timeout", &error);
    return alive ? 0 : 1;
}
