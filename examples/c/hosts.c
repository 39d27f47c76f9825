/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists hosts and their domains. A host that fails is reported, and the others are
 * shown.
 *
 * usage: hosts URI...
 */

#include "example.h"

/* Prints one domain; -1 with *error when it has gone away in the meantime. */
static int print_domain(vkvm_domain *domain, vkvm_error **error)
{
    vkvm_value *info;
    char *name;
    int id;

    if (vkvm_domain_get_name(domain, &name, error) != 0)
        return -1;
    if (vkvm_domain_get_id(domain, &id, error) != 0 ||
        vkvm_domain_get_info(domain, &info, error) != 0) {
        vkvm_string_free(name);
        return -1;
    }
    if (id < 0) /* it is not active */
        printf("  %4s", "-");
    else
        printf("  %4d", id);
    printf("  %-20s %-10s %3" PRIu64 " CPUs %8" PRIu64 " MiB\n", name,
           state_name((int)number(info, "state", 0)), number(info, "nrVirtCpu", 0),
           number(info, "maxMem", 0) / 1024);
    vkvm_value_free(info);
    vkvm_string_free(name);
    return 0;
}

static int print_host(const char *uri, vkvm_error **error)
{
    vkvm_conn *conn;
    vkvm_domain **domains;
    size_t count;
    char *hostname;
    int result;

    if (vkvm_conn_open(uri, VKVM_CONNECT_RO, &conn, error) != 0)
        return -1;
    result = vkvm_conn_get_hostname(conn, &hostname, error);
    if (result == 0) {
        printf("%s (%s)\n", uri, hostname);
        vkvm_string_free(hostname);
        result = vkvm_conn_list_all_domains(conn, 0, &domains, &count, error);
    }
    if (result == 0) {
        for (size_t i = 0; i < count && result == 0; i++)
            result = print_domain(domains[i], error);
        vkvm_domain_list_free(domains, count);
    }
    vkvm_conn_free(conn);
    return result;
}

int main(int argc, char **argv)
{
    int failed = 0;

    if (argc < 2)
        usage("hosts URI...");
    for (int i = 1; i < argc; i++) {
        vkvm_error *error = NULL;

        if (print_host(argv[i], &error) == 0)
            continue;
        fflush(stdout);
        fprintf(stderr, "%s: %s\n", argv[i], vkvm_error_message(error));
        vkvm_error_free(error);
        failed = 1;
    }
    return failed;
}
