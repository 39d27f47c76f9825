/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A first program: shows a host and its domains, defines a domain of the test driver,
 * runs it, and prints the events of that.
 *
 * usage: first URI
 */

#include <stdio.h>
#include <stdlib.h>

#include <vkvm.h>

static const char *XML =
    "<domain type='test'>"
    "  <name>first</name>"
    "  <memory unit='MiB'>256</memory>"
    "  <vcpu>2</vcpu>"
    "  <os><type arch='x86_64'>hvm</type></os>"
    "</domain>";

struct seen {
    int events;
    bool stopped;
};

/* Prints the event: its name, and that of the domain. */
static void on_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    struct seen *seen = userdata;
    int64_t event = 0;
    char *name = NULL, *word = NULL;

    (void)conn, (void)event_id;
    if (vkvm_value_get_int64(args, "event", &event, NULL) == 0 &&
        vkvm_enum_get_name("domain_event_lifecycle", event, &word, NULL) == 0 &&
        vkvm_domain_get_name(object, &name, NULL) == 0)
        printf("event: %s %s\n", name, word);
    seen->events++;
    seen->stopped = event == VKVM_DOMAIN_EVENT_STOPPED;
    vkvm_string_free(name);
    vkvm_string_free(word);
}

/* Opens the connection with a limit of five seconds. */
static int open_host(const char *uri, vkvm_conn **conn, vkvm_error **error)
{
    vkvm_value *options = NULL;
    int status = -1;

    if (vkvm_value_new_map(&options, error) == 0 &&
        vkvm_value_set_string(options, "uri", uri, error) == 0 &&
        vkvm_value_set_uint64(options, "timeout_ms", 5000, error) == 0 &&
        vkvm_conn_open_with(options, conn, error) == 0)
        status = 0;
    vkvm_value_free(options);
    return status;
}

static int show_host(vkvm_conn *conn, vkvm_error **error)
{
    vkvm_value *info = NULL;
    char *hostname = NULL;
    uint64_t cpus, memory;
    int status = -1;

    if (vkvm_conn_get_hostname(conn, &hostname, error) == 0 &&
        vkvm_conn_get_node_info(conn, &info, error) == 0 &&
        vkvm_value_get_uint64(info, "cpus", &cpus, error) == 0 &&
        vkvm_value_get_uint64(info, "memory", &memory, error) == 0) {
        printf("host: %llu CPUs, %llu MiB\n", (unsigned long long)cpus, (unsigned long long)memory / 1024);
        status = 0;
    }
    vkvm_string_free(hostname);
    vkvm_value_free(info);
    return status;
}

static int show_domain(vkvm_domain *dom, vkvm_error **error)
{
    char *name = NULL, *word = NULL;
    int state, reason, status = -1;
    uint64_t kib;

    if (vkvm_domain_get_name(dom, &name, error) == 0 &&
        vkvm_domain_get_state(dom, 0, &state, &reason, error) == 0 &&
        vkvm_enum_get_name("domain_state", state, &word, error) == 0 &&
        vkvm_domain_get_max_memory(dom, &kib, error) == 0) {
        printf("domain: %s is %s and has %llu MiB\n", name, word, (unsigned long long)kib / 1024);
        status = 0;
    }
    vkvm_string_free(name);
    vkvm_string_free(word);
    return status;
}

static int show_domains(vkvm_conn *conn, vkvm_error **error)
{
    vkvm_domain **domains = NULL;
    size_t count = 0;
    int status = vkvm_conn_list_all_domains(conn, 0, &domains, &count, error);

    for (size_t i = 0; status == 0 && i < count; i++)
        status = show_domain(domains[i], error);
    vkvm_domain_list_free(domains, count);
    return status;
}

/* Defines a domain, runs it, and waits until the loop has reported its end. */
static int run_domain(vkvm_conn *conn, struct seen *seen, vkvm_error **error)
{
    vkvm_domain *dom = NULL;
    vkvm_value *params = NULL;
    int id = -1, status = -1;

    if (vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, on_event, seen,
                                            NULL, &id, error) < 0 ||
        vkvm_conn_define_domain(conn, XML, 0, &dom, error) < 0 ||
        vkvm_domain_create(dom, 0, error) < 0 ||
        vkvm_value_new_map(&params, error) < 0 ||
        vkvm_value_set_uint64(params, VKVM_DOMAIN_MEMORY_HARD_LIMIT, 524288, error) < 0 ||
        vkvm_domain_set_memory_parameters(dom, params, 0, error) < 0 ||
        show_domain(dom, error) < 0 ||
        vkvm_domain_destroy(dom, 0, error) < 0)
        goto out;
    while (!seen->stopped)
        if (vkvm_event_run_default(error) < 0)
            goto out;
    if (vkvm_domain_undefine(dom, 0, error) == 0)
        status = vkvm_conn_domain_event_deregister_any(conn, id, error);
out:
    vkvm_value_free(params);
    vkvm_domain_free(dom);
    return status;
}

int main(int argc, char **argv)
{
    vkvm_error *error = NULL;
    vkvm_conn *conn = NULL;
    vkvm_domain *none = NULL;
    struct seen seen = { 0 };
    int status = EXIT_FAILURE;

    if (argc != 2) {
        fprintf(stderr, "usage: first URI\n");
        return 2;
    }
    if (vkvm_event_register_default(&error) < 0 || open_host(argv[1], &conn, &error) < 0 ||
        show_host(conn, &error) < 0 || show_domains(conn, &error) < 0 ||
        run_domain(conn, &seen, &error) < 0)
        goto out;
    if (vkvm_conn_get_domain_by_name(conn, "nobody", &none, &error) < 0 &&
        vkvm_error_code(error) == VKVM_ERROR_ERR_NO_DOMAIN) {
        printf("nobody is no domain: %s\n", vkvm_error_message(error));
        vkvm_error_free(error);
        error = NULL;
        status = EXIT_SUCCESS;
    }
out:
    if (error)
        fprintf(stderr, "%s: %s\n", vkvm_error_function(error), vkvm_error_message(error));
    vkvm_error_free(error);
    vkvm_conn_free(conn);
    return status;
}
