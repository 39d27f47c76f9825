/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a host has, and what happens on it: prints the host, its domains and
 * one domain's definition as JSON; with --write it suspends and resumes that
 * domain and prints the events as they come.
 *
 * usage: demo [--write] URI
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vkvm.h>

/* Ends the program with the reason when a call failed. It gets a pointer, because C may
   look at an argument before it evaluates the one with the call. */
static void check(int result, const char *what, vkvm_error **error)
{
    if (result == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, vkvm_error_message(*error));
    exit(1);
}

static uint64_t number(vkvm_value *map, const char *key)
{
    vkvm_error *error = NULL;
    uint64_t result;
    check(vkvm_value_get_uint64(map, key, &result, &error), key, &error);
    return result;
}

static void print_version(const char *what, uint64_t version)
{
    printf("%-12s %d.%d.%d\n", what, (int)(version / 1000000), (int)(version / 1000 % 1000),
           (int)(version % 1000));
}

static void print_host(vkvm_conn *conn)
{
    vkvm_error *error = NULL;
    vkvm_value *info;
    char *uri, *type, *hostname, *model;
    uint64_t version;

    check(vkvm_conn_get_uri(conn, &uri, &error), "get_uri", &error);
    check(vkvm_conn_get_type(conn, &type, &error), "get_type", &error);
    check(vkvm_conn_get_hostname(conn, &hostname, &error), "get_hostname", &error);
    check(vkvm_conn_get_node_info(conn, &info, &error), "get_node_info", &error);
    check(vkvm_value_get_string(info, "model", &model, &error), "model", &error);
    printf("%-12s %s\n%-12s %s\n%-12s %s\n", "uri", uri, "driver", type, "host", hostname);
    check(vkvm_conn_get_version(conn, &version, &error), "get_version", &error);
    print_version("hypervisor", version);
    check(vkvm_conn_get_library_version(conn, &version, &error), "get_library_version", &error);
    print_version("libvirt", version);
    printf("%-12s %d x %s, %d MHz\n", "cpus", (int)number(info, "cpus"), model,
           (int)number(info, "mhz"));
    printf("%-12s %lu KiB\n", "memory", (unsigned long)number(info, "memory"));

    vkvm_string_free(uri);
    vkvm_string_free(type);
    vkvm_string_free(hostname);
    vkvm_string_free(model);
    vkvm_value_free(info);
}

static void print_domain(vkvm_domain *domain)
{
    vkvm_error *error = NULL;
    vkvm_value *info;
    char *name, *uuid;
    int id;

    check(vkvm_domain_get_id(domain, &id, &error), "get_id", &error);
    check(vkvm_domain_get_name(domain, &name, &error), "get_name", &error);
    check(vkvm_domain_get_uuid_string(domain, &uuid, &error), "get_uuid_string", &error);
    check(vkvm_domain_get_info(domain, &info, &error), "get_info", &error);
    printf("%4d  %-20s %-36s %5d %5d %12lu\n", id, name, uuid, (int)number(info, "state"),
           (int)number(info, "nrVirtCpu"), (unsigned long)number(info, "memory"));
    vkvm_string_free(name);
    vkvm_string_free(uuid);
    vkvm_value_free(info);
}

static void print_definition(vkvm_domain *domain)
{
    vkvm_error *error = NULL;
    vkvm_value *document;
    char *xml, *json;

    check(vkvm_domain_get_xml_description(domain, 0, &xml, &error), "get_xml_description", &error);
    check(vkvm_value_from_xml(xml, &document, &error), "from_xml", &error);
    check(vkvm_value_to_json(document, 1, &json, &error), "to_json", &error);
    printf("\n%s\n", json);
    vkvm_string_free(xml);
    vkvm_string_free(json);
    vkvm_value_free(document);
}

static void on_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    int *seen = userdata;
    vkvm_error *error = NULL;
    char *name;

    (void)conn;
    (void)event_id;
    check(vkvm_domain_get_name(object, &name, &error), "get_name", &error);
    printf("event: %s %s\n", name,
           number(args, "event") == VKVM_DOMAIN_EVENT_SUSPENDED ? "suspended" : "resumed");
    vkvm_string_free(name);
    (*seen)++;
}

static void suspend_and_resume(vkvm_conn *conn, vkvm_domain *domain)
{
    vkvm_error *error = NULL;
    int seen = 0, callback;

    printf("\n");
    check(vkvm_conn_domain_event_register_any(conn, domain, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              on_event, &seen, NULL, &callback, &error),
          "domain_event_register_any", &error);
    check(vkvm_domain_suspend(domain, &error), "suspend", &error);
    check(vkvm_domain_resume(domain, &error), "resume", &error);
    while (seen < 2)
        check(vkvm_event_run_default(&error), "run_default", &error);
    check(vkvm_conn_domain_event_deregister_any(conn, callback, &error),
          "domain_event_deregister_any", &error);
}

int main(int argc, char **argv)
{
    int write = argc > 1 && strcmp(argv[1], "--write") == 0;
    const char *uri = argc > 1 + write ? argv[1 + write] : "test:///default";
    vkvm_error *error = NULL;
    vkvm_conn *conn;
    vkvm_domain **domains;
    size_t count;

    setvbuf(stdout, NULL, _IOLBF, 0);
    check(vkvm_event_register_default(&error), "register_default", &error);
    check(vkvm_conn_open(uri, write ? 0 : VKVM_CONNECT_RO, &conn, &error), uri, &error);
    print_host(conn);

    check(vkvm_conn_list_all_domains(conn, 0, &domains, &count, &error), "list_all_domains", &error);
    printf("\n%4s  %-20s %-36s %5s %5s %12s\n", "id", "name", "uuid", "state", "vcpus",
           "memory KiB");
    for (size_t i = 0; i < count; i++)
        print_domain(domains[i]);
    if (count > 0)
        print_definition(domains[0]);
    if (count > 0 && write)
        suspend_and_resume(conn, domains[0]);

    vkvm_domain_list_free(domains, count);
    vkvm_conn_free(conn);
    return 0;
}
