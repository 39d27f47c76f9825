/*
 * An inventory of a host with a guest whose QEMU does not answer: that costs what QEMU knows of
 * this guest, and nothing else.
 *
 * bed: qemu-daemon URI
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <signal.h>

#include "common.h"

static vkvm_error *err;

/* The process of a guest; 0 if it has none. */
static pid_t process_of(const char *name)
{
    char wanted[100], path[300], line[4096];
    pid_t found = 0;
    snprintf(wanted, sizeof wanted, "guest=%s,", name);
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; !found && (entry = readdir(processes));) {
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        int fd = open(path, O_RDONLY);
        ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
        if (fd >= 0)
            close(fd);
        for (char *word = line; length > 0 && word < line + length; word += strlen(word) + 1) {
            line[length] = 0;
            if (strncmp(word, wanted, strlen(wanted)) == 0)
                found = atoi(entry->d_name);
        }
    }
    closedir(processes);
    return found;
}

static vkvm_domain *start(vkvm_conn *conn, const char *name, const char *uuid)
{
    char xml[1000];
    vkvm_domain *dom = NULL;
    snprintf(xml, sizeof xml,
             "<domain type='qemu'><name>%s</name><uuid>%s</uuid><title>guest %s</title>"
             "<memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>",
             name, uuid, name);
    must(vkvm_conn_create_domain(conn, xml, VKVM_DOMAIN_START_PAUSED, &dom, &err), err, name);
    return dom;
}

static vkvm_value *wait_for(vkvm_inventory *inventory, const char *condition, const char *name)
{
    vkvm_value *map = from_json(condition), *value = NULL;
    works(vkvm_inventory_wait(inventory, map, PATIENCE * 1000, &value, &err), &err, name);
    vkvm_value_free(map);
    return value;
}

int main(int argc, char **argv)
{
    must(argc == 2 ? 0 : -1, NULL, "usage: inventory_stuck URI");
    vkvm_inventory *inventory = NULL;
    vkvm_value *options = from_json("{\"timeout_ms\": 2000, \"refresh\": 0}"), *value = NULL;
    must(vkvm_event_start(&err), err, "the event loop");
    vkvm_conn *conn = open_conn(argv[1], 0);
    vkvm_domain *stuck = start(conn, "stuck", "11111111-2222-3333-4444-000000000001");
    vkvm_domain *well = start(conn, "well", "11111111-2222-3333-4444-000000000002");
    pid_t process = process_of("stuck");
    must(process > 0 ? 0 : -1, NULL, "the guest's process");
    works(vkvm_inventory_open((const char *const[]){ argv[1] }, 1, options, &inventory, &err), &err,
          "an inventory");
    vkvm_value_free(options);
    /* A busy machine may take longer than a visit; then there is another one. */
    vkvm_value_free(wait_for(inventory, "{\"name\": \"stuck\", \"state\": \"paused\"}",
                             "the host is known"));
    must(vkvm_inventory_refresh(inventory, NULL, PATIENCE * 1000, &err), err, "a refresh");
    works(vkvm_inventory_get(inventory, "domain", NULL, "stuck", &value, &err), &err, "a guest");
    is_str_at(value, "state", "paused", "its state");
    is_str_at(value, "title", "guest stuck", "its title");
    is_int(int_at(value, "vcpus"), 1, "its vCPUs");
    is_int(int_at(value, "memory"), 65536, "its memory");
    vkvm_value_free(value);

    kill(process, SIGSTOP);
    /* The first call waits for it until it is late; the next one leaves it out. */
    vkvm_inventory_refresh(inventory, NULL, PATIENCE * 1000, &err);
    forget(&err);
    vkvm_value_free(wait_for(inventory, "{\"name\": \"nonesuch\", \"absent\": true}",
                             "the host is up with a guest that is stuck"));
    works(vkvm_inventory_refresh(inventory, argv[1], PATIENCE * 1000, &err), &err,
          "it is asked as before");
    must(vkvm_domain_resume(well, &err), err, "resume");
    vkvm_value_free(wait_for(inventory, "{\"name\": \"well\", \"state\": \"running\"}",
                             "what happens to the other guest is noticed"));
    works(vkvm_inventory_get(inventory, "domain", NULL, "stuck", &value, &err), &err, "the guest");
    is_str_at(value, "state", "paused", "its state");
    is_int(int_at(value, "memory"), 65536, "its memory");
    vkvm_value_free(value);

    kill(process, SIGCONT);
    must(vkvm_domain_destroy(stuck, 0, &err), err, "destroy");
    vkvm_value_free(wait_for(inventory, "{\"name\": \"stuck\", \"absent\": true}",
                             "a guest that ends is gone"));
    works(vkvm_inventory_refresh(inventory, argv[1], PATIENCE * 1000, &err), &err, "all is well");
    must(vkvm_domain_destroy(well, 0, &err), err, "destroy");
    vkvm_domain_free(stuck);
    vkvm_domain_free(well);
    vkvm_inventory_free(inventory);
    vkvm_conn_free(conn);
    must(vkvm_event_stop(&err), err, "the event loop ends");
    no_handles_left();
    return done();
}
