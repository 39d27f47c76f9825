/*
 * From an object to its connection, domain or network: new handles that live by
 * themselves. And the calls for one hypervisor, where it is another one.
 *
 * tests: parents parents.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

/* Checks a connection that came from an object, and frees it. */
static void is_same(vkvm_conn *parent, const char *name)
{
    char *uri = NULL;
    works(vkvm_conn_get_uri(parent, &uri, &err), &err, "get_uri");
    is_own_str(uri, TEST_URI, name);
    vkvm_conn_free(parent);
}

static void of_domains(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL, *disk = NULL, *again = NULL;
    vkvm_domain_snapshot *snapshot = NULL;
    vkvm_domain_checkpoint *checkpoint = NULL;
    vkvm_conn *parent = NULL;
    char *text = NULL;

    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    works(vkvm_domain_get_conn(dom, &parent, &err), &err, "domain_get_conn");
    ok(parent != conn, "a handle of its own");
    is_same(parent, "of the same connection");

    must(vkvm_domain_create_snapshot(dom, "<domainsnapshot/>", 0, &snapshot, &err), err,
         "a snapshot");
    works(vkvm_domain_snapshot_get_conn(snapshot, &parent, &err), &err, "snapshot_get_conn");
    is_same(parent, "of the same connection");
    works(vkvm_domain_snapshot_get_domain(snapshot, &again, &err), &err, "snapshot_get_domain");
    vkvm_domain_free(dom);
    vkvm_domain_snapshot_free(snapshot);
    works(vkvm_domain_get_name(again, &text, &err), &err, "it lives by itself");
    is_own_str(text, "test", "the domain");
    vkvm_domain_free(again);

    must(vkvm_conn_define_domain(conn,
                                 "<domain type='test'><name>disk</name><memory>9</memory>"
                                 "<os><type>hvm</type></os><devices><disk type='file'>"
                                 "<driver type='qcow2'/><source file='/x'/><target dev='vda'/>"
                                 "</disk></devices></domain>",
                                 0, &disk, &err),
         err, "a domain with a disk");
    must(vkvm_domain_create(disk, 0, &err), err, "start it");
    must(vkvm_domain_create_checkpoint(disk, "<domaincheckpoint/>", 0, &checkpoint, &err), err,
         "a checkpoint");
    works(vkvm_domain_checkpoint_get_conn(checkpoint, &parent, &err), &err,
          "checkpoint_get_conn");
    is_same(parent, "of the same connection");
    works(vkvm_domain_checkpoint_get_domain(checkpoint, &again, &err), &err,
          "checkpoint_get_domain");
    works(vkvm_domain_get_name(again, &text, &err), &err, "get_name");
    is_own_str(text, "disk", "the domain");
    vkvm_domain_free(again);
    vkvm_domain_checkpoint_free(checkpoint);
    works(vkvm_domain_destroy(disk, 0, &err), &err, "destroy");
    vkvm_domain_free(disk);
}

static void of_others(vkvm_conn *conn)
{
    vkvm_network *net = NULL;
    vkvm_interface *iface = NULL;
    vkvm_storage_pool *pool = NULL;
    vkvm_storage_vol *vol = NULL;
    vkvm_conn *parent = NULL;

    must(vkvm_conn_get_network_by_name(conn, "default", &net, &err), err, "a network");
    works(vkvm_network_get_conn(net, &parent, &err), &err, "network_get_conn");
    is_same(parent, "of the same connection");
    vkvm_network_free(net);
    must(vkvm_conn_get_interface_by_name(conn, "eth1", &iface, &err), err, "an interface");
    works(vkvm_interface_get_conn(iface, &parent, &err), &err, "interface_get_conn");
    is_same(parent, "of the same connection");
    vkvm_interface_free(iface);
    must(vkvm_conn_get_storage_pool_by_name(conn, "default-pool", &pool, &err), err, "a pool");
    works(vkvm_storage_pool_get_conn(pool, &parent, &err), &err, "storage_pool_get_conn");
    is_same(parent, "of the same connection");
    must(vkvm_storage_pool_create_volume(
             pool, "<volume><name>v</name><capacity>9</capacity></volume>", &vol, &err),
         err, "a volume");
    works(vkvm_storage_vol_get_conn(vol, &parent, &err), &err, "storage_vol_get_conn");
    vkvm_storage_vol_free(vol);
    vkvm_storage_pool_free(pool);
    is_same(parent, "of the same connection");
}

static void ignore(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args, (void)userdata;
}

static void count(void *userdata)
{
    ++*(int *)userdata;
}

/* The test driver is neither QEMU's nor that for containers. */
static void of_other_hypervisors(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL, *attached = NULL;
    char *text = NULL;
    int *fds = NULL;
    size_t len = 0;
    int id = -1, released = 0;

    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    fails(vkvm_domain_qemu_monitor_command(dom, "{}", 0, &text, &err), &err,
          VKVM_ERROR_ERR_NO_SUPPORT, NULL, "qemu_monitor_command");
    fails(vkvm_domain_qemu_agent_command(dom, "{}", 1, 0, &text, &err), &err,
          VKVM_ERROR_ERR_NO_SUPPORT, NULL, "qemu_agent_command");
    ok(vkvm_domain_qemu_monitor_command_with_files(dom, "{}", NULL, 0, 0, &text, &fds, &len,
                                                   &err) == -1,
       "qemu_monitor_command_with_files");
    forget(&err);
    fails(vkvm_conn_qemu_attach(conn, 1, 0, &attached, &err), &err, VKVM_ERROR_ERR_NO_SUPPORT,
          NULL, "qemu_attach");
    fails(vkvm_conn_qemu_monitor_event_register(conn, dom, "STOP", ignore, &released, count, 0,
                                                &id, &err),
          &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, "qemu_monitor_event_register");
    is_int(released, 1, "what could not be registered is released, once");
    fails(vkvm_conn_qemu_monitor_event_register(conn, dom, "STOP", NULL, &released, count, 0, &id,
                                                &err),
          &err, VKVM_ERROR_OWN_NULL, "callback", "without a callback");
    is_int(released, 2, "likewise");
    vkvm_event_queue *queue = NULL;
    must(vkvm_event_queue_new(1, &queue, &err), err, "a queue");
    fails(vkvm_event_queue_qemu_monitor_event_register(queue, conn, dom, "STOP", 0, &id, &err),
          &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, "qemu_monitor_event_register of a queue");
    vkvm_event_queue_free(queue);
    ok(vkvm_conn_qemu_monitor_event_deregister(conn, 4711, &err) == -1, "deregister");
    forget(&err);
    ok(vkvm_domain_lxc_open_namespace(dom, 0, &fds, &len, &err) == -1, "lxc_open_namespace");
    forget(&err);
    is_int(id, -1, "no output was touched");
    ok(!text && !fds && !attached, "none of them");
    vkvm_domain_free(dom);
}

int main(void)
{
    vkvm_error *none = NULL;
    must(vkvm_event_register_default(&none), none, "event_register_default");
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    of_domains(conn);
    of_others(conn);
    of_other_hypervisors(conn);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
