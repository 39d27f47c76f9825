/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes, reverts to and deletes snapshots of a domain, and lists them; the current one
 * has a star.
 *
 * usage: snapshot URI DOMAIN [take|revert|delete NAME]
 */

#include "example.h"

/* The document that describes a new snapshot; values take care of < and & in it. */
static char *snapshot_xml(const char *name)
{
    vkvm_error *error = NULL;
    vkvm_value *document, *snapshot;
    char *xml;

    check(vkvm_value_new_map(&snapshot, &error), "new_map", &error);
    check(vkvm_value_set_string(snapshot, "name", name, &error), "set_string", &error);
    check(vkvm_value_new_map(&document, &error), "new_map", &error);
    check(vkvm_value_set(document, "domainsnapshot", snapshot, &error), "set", &error);
    check(vkvm_value_to_xml(document, &xml, &error), "to_xml", &error);
    vkvm_value_free(snapshot);
    vkvm_value_free(document);
    return xml;
}

static void take(vkvm_domain *domain, const char *name)
{
    vkvm_error *error = NULL;
    vkvm_domain_snapshot *snapshot;
    char *xml = snapshot_xml(name);

    check(vkvm_domain_create_snapshot(domain, xml, 0, &snapshot, &error), "create_snapshot",
          &error);
    vkvm_domain_snapshot_free(snapshot);
    vkvm_string_free(xml);
}

static void revert_or_delete(vkvm_domain *domain, const char *name, const char *command)
{
    vkvm_error *error = NULL;
    vkvm_domain_snapshot *snapshot;

    check(vkvm_domain_get_snapshot_by_name(domain, name, &snapshot, &error), name, &error);
    if (strcmp(command, "revert") == 0)
        check(vkvm_domain_snapshot_revert_to(snapshot, 0, &error), "revert_to", &error);
    else
        check(vkvm_domain_snapshot_delete(snapshot, 0, &error), "delete", &error);
    vkvm_domain_snapshot_free(snapshot);
}

static void list(vkvm_domain *domain)
{
    vkvm_error *error = NULL;
    vkvm_domain_snapshot **snapshots;
    size_t count;
    bool current;
    char *name = name_of(domain);

    printf("%s is %s\n", name, state_name(state_of(domain)));
    vkvm_string_free(name);
    check(vkvm_domain_list_all_snapshots(domain, VKVM_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL,
                                         &snapshots, &count, &error),
          "list_all_snapshots", &error);
    for (size_t i = 0; i < count; i++) {
        check(vkvm_domain_snapshot_get_name(snapshots[i], &name, &error), "get_name", &error);
        check(vkvm_domain_snapshot_is_current(snapshots[i], 0, &current, &error), "is_current",
              &error);
        printf("%c %s\n", current ? '*' : ' ', name);
        vkvm_string_free(name);
    }
    vkvm_domain_snapshot_list_free(snapshots, count);
}

int main(int argc, char **argv)
{
    const char *command = argc == 5 ? argv[3] : "";
    vkvm_error *error = NULL;
    vkvm_conn *conn;
    vkvm_domain *domain;

    if (argc != 3 && strcmp(command, "take") != 0 && strcmp(command, "revert") != 0 &&
        strcmp(command, "delete") != 0)
        usage("snapshot URI DOMAIN [take|revert|delete NAME]");
    check(vkvm_conn_open(argv[1], 0, &conn, &error), argv[1], &error);
    check(vkvm_conn_get_domain_by_name(conn, argv[2], &domain, &error), argv[2], &error);
    if (strcmp(command, "take") == 0)
        take(domain, argv[4]);
    else if (argc == 5)
        revert_or_delete(domain, argv[4], command);
    list(domain);

    vkvm_domain_free(domain);
    vkvm_conn_free(conn);
    return 0;
}
