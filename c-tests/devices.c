/*
 * The host's network interfaces and devices: lists and lookups, their life,
 * and which calls the test driver lacks.
 *
 * tests: devices devices.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static const char eth2_xml[] =
    "<interface type='ethernet' name='eth2'><start mode='onboot'/>"
    "<mac address='aa:bb:cc:dd:ee:f2'/></interface>";

static const char hba_xml[] =
    "<device><parent>scsi_host1</parent><capability type='scsi_host'>"
    "<capability type='fc_host'><wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn>"
    "</capability></capability></device>";

static vkvm_error *err;

static void lacks(int returned, const char *name)
{
    fails(returned, &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, name);
}

/* Newer test drivers have these. */
static void holds_or_lacks(int returned, bool truth, const char *name)
{
    if (returned < 0)
        lacks(returned, name);
    else
        ok(truth, name);
}

/* --- interfaces --------------------------------------------------------- */

static void interface_lookups(vkvm_conn *conn)
{
    vkvm_interface *iface = NULL;
    char *text = NULL;

    works(vkvm_conn_get_interface_by_mac(conn, "aa:bb:cc:dd:ee:ff", &iface, &err), &err,
          "get_interface_by_mac");
    works(vkvm_interface_get_name(iface, &text, &err), &err, "get_name");
    is_own_str(text, "eth1", "the name");
    vkvm_interface_free(iface);
    works(vkvm_conn_get_interface_by_name(conn, "eth1", &iface, &err), &err,
          "get_interface_by_name");
    works(vkvm_interface_get_mac(iface, &text, &err), &err, "get_mac");
    is_own_str(text, "aa:bb:cc:dd:ee:ff", "the address");
    works(vkvm_interface_get_xml_description(iface, 0, &text, &err), &err, "get_xml_description");
    has_text(text, "<interface type='ethernet' name='eth1'>", "the document");
    vkvm_string_free(text);
    ok(vkvm_interface_ref(iface) == iface, "a second hold");
    vkvm_interface_free(iface);
    vkvm_interface_free(iface);
    fails(vkvm_conn_get_interface_by_name(conn, "none", &iface, &err), &err,
          VKVM_ERROR_ERR_NO_INTERFACE, NULL, "no such name");
    fails(vkvm_conn_get_interface_by_mac(conn, "\xff", &iface, &err), &err,
          VKVM_ERROR_OWN_NOT_UTF8, "mac", "no UTF-8");
}

static void interface_life(vkvm_conn *conn)
{
    vkvm_interface *iface = NULL, **all = NULL;
    char **names = NULL;
    size_t length = 0;
    int count = -1;
    bool active = true;

    must(vkvm_conn_define_interface(conn, eth2_xml, 0, &iface, &err), err, "define_interface");
    works(vkvm_interface_is_active(iface, &active, &err), &err, "is_active");
    ok(!active, "it is down");
    works(vkvm_conn_num_of_interfaces(conn, &count, &err), &err, "num_of_interfaces");
    is_int(count, 1, "one is up");
    works(vkvm_conn_num_of_defined_interfaces(conn, &count, &err), &err,
          "num_of_defined_interfaces");
    is_int(count, 1, "one is down");
    works(vkvm_conn_list_interface_names(conn, 9, &names, &length, &err), &err,
          "list_interface_names");
    ok(length == 1 && strcmp(names[0], "eth1") == 0, "the one that is up");
    vkvm_string_list_free(names, length);
    works(vkvm_conn_list_defined_interface_names(conn, 9, &names, &length, &err), &err,
          "list_defined_interface_names");
    ok(length == 1 && strcmp(names[0], "eth2") == 0, "the one that is down");
    vkvm_string_list_free(names, length);
    works(vkvm_conn_list_all_interfaces(conn, 0, &all, &length, &err), &err, "list_all_interfaces");
    is_int((int64_t)length, 2, "both");
    vkvm_interface_list_free(all, length);

    works(vkvm_interface_create(iface, 0, &err), &err, "create");
    works(vkvm_interface_is_active(iface, &active, &err), &err, "is_active");
    ok(active, "it is up");
    works(vkvm_interface_destroy(iface, 0, &err), &err, "destroy");
    fails(vkvm_interface_destroy(iface, 0, &err), &err, VKVM_ERROR_ERR_OPERATION_INVALID, NULL,
          "it is down already");
    works(vkvm_interface_undefine(iface, &err), &err, "undefine");
    vkvm_interface_free(iface);
    fails(vkvm_conn_create_interface(conn, "<interface", &iface, &err), &err,
          VKVM_ERROR_ERR_XML_DETAIL, "xml", "malformed XML");
}

static void interface_changes(vkvm_conn *conn)
{
    vkvm_interface *iface = NULL;

    works(vkvm_conn_interface_change_begin(conn, 0, &err), &err, "interface_change_begin");
    must(vkvm_conn_create_interface(conn, eth2_xml, &iface, &err), err, "create_interface");
    vkvm_interface_free(iface);
    works(vkvm_conn_interface_change_rollback(conn, 0, &err), &err, "interface_change_rollback");
    fails(vkvm_conn_get_interface_by_name(conn, "eth2", &iface, &err), &err,
          VKVM_ERROR_ERR_NO_INTERFACE, NULL, "it is undone");
    works(vkvm_conn_interface_change_begin(conn, 0, &err), &err, "interface_change_begin");
    works(vkvm_conn_interface_change_commit(conn, 0, &err), &err, "interface_change_commit");
    fails(vkvm_conn_interface_change_commit(conn, 0, &err), &err,
          VKVM_ERROR_ERR_OPERATION_INVALID, NULL, "nothing to keep");
}

/* --- devices ------------------------------------------------------------ */

static void device_lists(vkvm_conn *conn)
{
    vkvm_node_device **devices = NULL;
    char **names = NULL;
    size_t length = 0;
    int count = -1;

    works(vkvm_conn_num_of_node_devices(conn, NULL, 0, &count, &err), &err, "num_of_node_devices");
    is_int(count, 4, "all");
    works(vkvm_conn_num_of_node_devices(conn, "scsi_host", 0, &count, &err), &err,
          "with a capability");
    is_int(count, 3, "those with it");
    works(vkvm_conn_list_node_device_names(conn, "system", 9, 0, &names, &length, &err), &err,
          "list_node_device_names");
    ok(length == 1 && strcmp(names[0], "computer") == 0, "those with it");
    vkvm_string_list_free(names, length);
    works(vkvm_conn_list_node_device_names(conn, NULL, 9, 0, &names, &length, &err), &err,
          "list_node_device_names of any kind");
    is_int((int64_t)length, 4, "all");
    vkvm_string_list_free(names, length);
    works(vkvm_conn_list_all_node_devices(conn, VKVM_NODE_DEVICE_LIST_CAP_SYSTEM, &devices, &length,
                                          &err),
          &err, "list_all_node_devices");
    is_int((int64_t)length, 1, "those with it");
    vkvm_node_device_list_free(devices, length);
}

static void device_life(vkvm_conn *conn)
{
    vkvm_node_device *dev = NULL;
    char *text = NULL, **names = NULL;
    size_t length = 0;

    must(vkvm_conn_create_node_device(conn, hba_xml, 0, &dev, &err), err, "create_node_device");
    works(vkvm_node_device_get_parent(dev, &text, &err), &err, "get_parent");
    is_own_str(text, "scsi_host1", "the parent");
    works(vkvm_node_device_list_capabilities(dev, &names, &length, &err), &err,
          "list_capabilities");
    ok(length >= 1 && strcmp(names[0], "scsi_host") == 0, "the capability");
    vkvm_string_list_free(names, length);
    works(vkvm_node_device_get_xml_description(dev, 0, &text, &err), &err, "get_xml_description");
    has_text(text, "2000000012341234", "the document");
    vkvm_string_free(text);
    works(vkvm_node_device_destroy(dev, &err), &err, "destroy");
    vkvm_node_device_free(dev);

    works(vkvm_conn_get_node_device_by_name(conn, "computer", &dev, &err), &err,
          "get_node_device_by_name");
    works(vkvm_node_device_get_name(dev, &text, &err), &err, "get_name");
    is_own_str(text, "computer", "the name");
    /* This driver does not say "none", but fails. */
    fails(vkvm_node_device_get_parent(dev, &text, &err), &err, VKVM_ERROR_ERR_INTERNAL_ERROR, NULL,
          "a device without a parent");
    vkvm_node_device_free(dev);
    fails(vkvm_conn_get_node_device_by_name(conn, "none", &dev, &err), &err,
          VKVM_ERROR_ERR_NO_NODE_DEVICE, NULL, "no such name");
}

static void device_unsupported(vkvm_conn *conn)
{
    vkvm_node_device *dev = NULL, *other;
    bool truth = false;
    int returned;

    must(vkvm_conn_get_node_device_by_name(conn, "scsi_host1", &dev, &err), err, "scsi_host1");
    lacks(vkvm_node_device_create(dev, 0, &err), "create");
    lacks(vkvm_node_device_undefine(dev, 0, &err), "undefine");
    lacks(vkvm_node_device_update(dev, "<device/>", 0, &err), "update");
    returned = vkvm_node_device_is_active(dev, &truth, &err);
    holds_or_lacks(returned, truth, "is_active");
    returned = vkvm_node_device_is_persistent(dev, &truth, &err);
    holds_or_lacks(returned, truth, "is_persistent");
    lacks(vkvm_node_device_get_autostart(dev, &truth, &err), "get_autostart");
    lacks(vkvm_node_device_set_autostart(dev, 1, &err), "set_autostart");
    lacks(vkvm_node_device_dettach(dev, NULL, 0, &err), "dettach");
    lacks(vkvm_node_device_dettach(dev, "vfio", 0, &err), "dettach with a driver");
    lacks(vkvm_node_device_reattach(dev, &err), "reattach");
    lacks(vkvm_node_device_reset(dev, &err), "reset");
    lacks(vkvm_conn_define_node_device(conn, "<device/>", 0, &other, &err), "define_node_device");
    lacks(vkvm_conn_get_node_device_scsihost_by_wwn(conn, "1", "2", 0, &other, &err),
          "get_node_device_scsihost_by_wwn");
    fails(vkvm_node_device_update(dev, NULL, 0, &err), &err, VKVM_ERROR_OWN_NULL, "xml",
          "update with nothing");
    vkvm_node_device_free(dev);
    fails(vkvm_node_device_reset(dev, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "dev",
          "it is freed");
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    interface_lookups(conn);
    interface_life(conn);
    interface_changes(conn);
    device_lists(conn);
    device_life(conn);
    device_unsupported(conn);
    vkvm_conn_free(conn);
    is_int((int64_t)handles("interface"), 0, "no interface handle is left");
    is_int((int64_t)handles("node_device"), 0, "no node_device handle is left");
    no_handles_left();
    return done();
}
