/*
 * Networks, their ports, and network filters: lists and lookups, the life of a
 * network, and which calls the test driver lacks.
 *
 * tests: networks networks.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

#define DEFAULT_UUID "dd8fe884-6c02-601e-7551-cca97df1c5df"

static vkvm_error *err;

static vkvm_network *lookup(vkvm_conn *conn)
{
    vkvm_network *net = NULL;
    must(vkvm_conn_get_network_by_name(conn, "default", &net, &err), err, "the default network");
    return net;
}

static void is_count(vkvm_conn *conn, int running, int defined)
{
    int count = -1;
    works(vkvm_conn_num_of_networks(conn, &count, &err), &err, "num_of_networks");
    is_int(count, running, "as many run");
    works(vkvm_conn_num_of_defined_networks(conn, &count, &err), &err, "num_of_defined_networks");
    is_int(count, defined, "as many do not");
}

static void lookups(vkvm_conn *conn)
{
    vkvm_network *net = NULL;
    vkvm_network *const untouched = (vkvm_network *)&err;
    uint8_t *uuid = NULL;
    size_t length = 0;
    char *text = NULL;

    works(vkvm_conn_get_network_by_uuid(conn, DEFAULT_UUID, 36, &net, &err), &err,
          "get_network_by_uuid with text");
    works(vkvm_network_get_uuid(net, &uuid, &length, &err), &err, "get_uuid");
    is_int((int64_t)length, 16, "16 bytes");
    vkvm_network_free(net);
    works(vkvm_conn_get_network_by_uuid(conn, uuid, length, &net, &err), &err,
          "get_network_by_uuid with bytes");
    vkvm_bytes_free(uuid);
    works(vkvm_network_get_name(net, &text, &err), &err, "get_name");
    is_own_str(text, "default", "the name");
    works(vkvm_network_get_uuid_string(net, &text, &err), &err, "get_uuid_string");
    is_own_str(text, DEFAULT_UUID, "the uuid");
    works(vkvm_network_get_bridge_name(net, &text, &err), &err, "get_bridge_name");
    is_own_str(text, "virbr0", "the bridge");
    ok(vkvm_network_ref(net) == net, "a second hold");
    vkvm_network_free(net);
    works(vkvm_network_get_name(net, &text, &err), &err, "it is still there");
    vkvm_string_free(text);
    vkvm_network_free(net);
    fails(vkvm_network_get_name(net, &text, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "net",
          "now it is not");

    net = untouched;
    fails(vkvm_conn_get_network_by_name(conn, "none", &net, &err), &err,
          VKVM_ERROR_ERR_NO_NETWORK, NULL, "no such name");
    ok(net == untouched, "the output is not touched");
    fails(vkvm_conn_get_network_by_uuid(conn, "abc", 3, &net, &err), &err, VKVM_ERROR_OWN_INVALID,
          "uuid", "no uuid");
    fails(vkvm_conn_get_network_by_name(conn, NULL, &net, &err), &err, VKVM_ERROR_OWN_NULL, "name",
          "no name");
    fails(vkvm_conn_get_network_by_name(conn, "default", NULL, &err), &err, VKVM_ERROR_OWN_NULL,
          "network", "no place for it");
}

static void lists(vkvm_conn *conn)
{
    vkvm_network *extra = NULL, **networks = NULL;
    char **names = NULL;
    size_t count = 0;

    must(vkvm_conn_define_network(conn, "<network><name>extra</name></network>", 0, &extra, &err),
         err, "define_network");
    is_count(conn, 1, 1);
    works(vkvm_conn_list_all_networks(conn, 0, &networks, &count, &err), &err, "list_all_networks");
    is_int((int64_t)count, 2, "both");
    vkvm_network_list_free(networks, count);
    works(vkvm_conn_list_all_networks(conn, VKVM_NETWORK_LIST_AUTOSTART, &networks, &count, &err),
          &err, "with a flag");
    ok(count == 0 && networks != NULL, "an empty list is no NULL");
    vkvm_network_list_free(networks, count);

    works(vkvm_conn_list_network_names(conn, 10, &names, &count, &err), &err, "list_network_names");
    ok(count == 1 && strcmp(names[0], "default") == 0, "what runs");
    vkvm_string_list_free(names, count);
    works(vkvm_conn_list_defined_network_names(conn, 10, &names, &count, &err), &err,
          "list_defined_network_names");
    ok(count == 1 && strcmp(names[0], "extra") == 0, "what does not");
    vkvm_string_list_free(names, count);
    works(vkvm_conn_list_network_names(conn, 0, &names, &count, &err), &err, "at most none");
    ok(count == 0 && names != NULL, "an empty list is no NULL");
    vkvm_string_list_free(names, count);
    vkvm_string_list_free(NULL, 0);
    fails(vkvm_conn_list_network_names(conn, -1, &names, &count, &err), &err,
          VKVM_ERROR_OWN_INVALID, "maxnames", "less than 0");
    fails(vkvm_conn_list_network_names(conn, 1, &names, NULL, &err), &err, VKVM_ERROR_OWN_NULL,
          "names_len", "no place for the length");
    works(vkvm_network_undefine(extra, &err), &err, "undefine");
    vkvm_network_free(extra);
    is_count(conn, 1, 0);
}

static void life(vkvm_conn *conn)
{
    vkvm_network *net = NULL;
    bool truth = true;
    char *xml = NULL;

    fails(vkvm_conn_define_network(conn, "<network>", 0, &net, &err), &err,
          VKVM_ERROR_ERR_XML_DETAIL, "xml", "malformed XML");
    must(vkvm_conn_define_network(conn, "<network><name>life</name></network>", 0, &net, &err), err,
         "define_network");
    works(vkvm_network_is_active(net, &truth, &err), &err, "is_active");
    ok(!truth, "it does not run");
    works(vkvm_network_is_persistent(net, &truth, &err), &err, "is_persistent");
    ok(truth, "it stays");
    works(vkvm_network_create(net, &err), &err, "create");
    works(vkvm_network_is_active(net, &truth, &err), &err, "is_active");
    ok(truth, "it runs");
    fails(vkvm_network_create(net, &err), &err, VKVM_ERROR_ERR_OPERATION_INVALID, NULL,
          "it cannot start twice");
    works(vkvm_network_set_autostart(net, 1, &err), &err, "set_autostart");
    works(vkvm_network_get_autostart(net, &truth, &err), &err, "get_autostart");
    ok(truth, "it starts with the host, as set");
    fails(vkvm_network_get_bridge_name(net, &xml, &err), &err, VKVM_ERROR_ERR_INTERNAL_ERROR, NULL,
          "it has no bridge");
    works(vkvm_network_get_xml_description(net, 0, &xml, &err), &err, "get_xml_description");
    has_text(xml, "<name>life</name>", "it is a document");
    vkvm_string_free(xml);
    works(vkvm_network_destroy(net, &err), &err, "destroy");
    works(vkvm_network_undefine(net, &err), &err, "undefine");
    vkvm_network_free(net);

    must(vkvm_conn_create_network(conn, "<network><name>short</name></network>", 0, &net, &err),
         err, "create_network");
    works(vkvm_network_is_persistent(net, &truth, &err), &err, "is_persistent");
    ok(!truth, "it does not stay");
    works(vkvm_network_destroy(net, &err), &err, "destroy");
    vkvm_network_free(net);
}

static void update(vkvm_conn *conn)
{
    static const char host[] = "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>";
    vkvm_network *net = lookup(conn);
    char *xml = NULL;

    works(vkvm_network_update(net, VKVM_NETWORK_UPDATE_COMMAND_ADD_LAST,
                              VKVM_NETWORK_SECTION_IP_DHCP_HOST, -1, host, 0, &err),
          &err, "update");
    works(vkvm_network_get_xml_description(net, 0, &xml, &err), &err, "get_xml_description");
    has_text(xml, "192.168.122.9", "it is there");
    vkvm_string_free(xml);
    fails(vkvm_network_update(net, VKVM_NETWORK_UPDATE_COMMAND_ADD_LAST,
                              VKVM_NETWORK_SECTION_IP_DHCP_HOST, -1, NULL, 0, &err),
          &err, VKVM_ERROR_OWN_NULL, "xml", "nothing to add");
    works(vkvm_network_update(net, VKVM_NETWORK_UPDATE_COMMAND_DELETE,
                              VKVM_NETWORK_SECTION_IP_DHCP_HOST, 0, host, 0, &err),
          &err, "delete");
    vkvm_network_free(net);
}

static void metadata(vkvm_conn *conn)
{
    vkvm_network *net = lookup(conn);
    uint64_t version = 0;
    char *text = NULL;

    must(vkvm_library_get_libvirt_version(&version, &err), err, "get_libvirt_version");
    if (version < 9007000) {
        fails(vkvm_network_get_metadata(net, VKVM_NETWORK_METADATA_TITLE, NULL, 0, &text, &err),
              &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, "get_metadata: this libvirt is too old");
        fails(vkvm_network_set_metadata(net, VKVM_NETWORK_METADATA_TITLE, "x", NULL, NULL, 0, &err),
              &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, "set_metadata: this libvirt is too old");
    } else {
        works(vkvm_network_set_metadata(net, VKVM_NETWORK_METADATA_TITLE, "x", NULL, NULL, 0, &err),
              &err, "set_metadata");
        works(vkvm_network_get_metadata(net, VKVM_NETWORK_METADATA_TITLE, NULL, 0, &text, &err),
              &err, "get_metadata");
        is_own_str(text, "x", "the text is the one that was set");
    }
    vkvm_network_free(net);
}

static void lacks(int returned, const char *name)
{
    fails(returned, &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, name);
}

static void unsupported(vkvm_conn *conn)
{
    vkvm_network *net = lookup(conn);
    vkvm_network_port *port, **ports;
    vkvm_nwfilter *filter, **filters;
    vkvm_nwfilter_binding *binding, **bindings;
    vkvm_value *leases;
    char **names;
    size_t count;
    int number;

    lacks(vkvm_network_list_all_ports(net, 0, &ports, &count, &err), "list_all_ports");
    lacks(vkvm_network_create_port(net, "<networkport/>", 0, &port, &err), "create_port");
    lacks(vkvm_network_get_port_by_uuid(net, DEFAULT_UUID, 36, &port, &err), "get_port_by_uuid");
    lacks(vkvm_network_get_dhcp_leases(net, NULL, 0, &leases, &err), "get_dhcp_leases");
    lacks(vkvm_conn_list_all_nwfilters(conn, 0, &filters, &count, &err), "list_all_nwfilters");
    lacks(vkvm_conn_num_of_nwfilters(conn, &number, &err), "num_of_nwfilters");
    lacks(vkvm_conn_list_nwfilter_names(conn, 1, &names, &count, &err), "list_nwfilter_names");
    lacks(vkvm_conn_get_nwfilter_by_name(conn, "x", &filter, &err), "get_nwfilter_by_name");
    lacks(vkvm_conn_get_nwfilter_by_uuid(conn, DEFAULT_UUID, 36, &filter, &err),
          "get_nwfilter_by_uuid");
    lacks(vkvm_conn_define_nwfilter(conn, "<filter name='x'/>", 0, &filter, &err),
          "define_nwfilter");
    lacks(vkvm_conn_list_all_nwfilter_bindings(conn, 0, &bindings, &count, &err),
          "list_all_nwfilter_bindings");
    lacks(vkvm_conn_get_nwfilter_binding_by_port_dev(conn, "vnet0", &binding, &err),
          "get_nwfilter_binding_by_port_dev");
    lacks(vkvm_conn_create_nwfilter_binding(conn, "<filterbinding/>", 0, &binding, &err),
          "create_nwfilter_binding");
    vkvm_network_free(net);
}

int main(void)
{
    static const char *const classes[] = { "network", "network_port", "nwfilter",
                                           "nwfilter_binding" };
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    lookups(conn);
    lists(conn);
    life(conn);
    update(conn);
    metadata(conn);
    unsupported(conn);
    vkvm_conn_free(conn);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        is_int((int64_t)handles(classes[i]), 0, classes[i]);
    no_handles_left();
    return done();
}
