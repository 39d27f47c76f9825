/*
 * The host, its CPUs and memory, saved domains, and which calls the test
 * driver lacks.
 *
 * tests: host host.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static const char cpu_xml[] = "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>";

static vkvm_error *err;

static void lacks(int returned, const char *name)
{
    fails(returned, &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, name);
}

static void domains(vkvm_conn *conn)
{
    vkvm_domain *dom = define_probe(conn);
    char **names = NULL;
    size_t length = 0;
    int count = -1;

    works(vkvm_conn_num_of_defined_domains(conn, &count, &err), &err, "num_of_defined_domains");
    is_int(count, 1, "one does not run");
    works(vkvm_conn_list_defined_domain_names(conn, 9, &names, &length, &err), &err,
          "list_defined_domain_names");
    ok(length == 1 && strcmp(names[0], "probe") == 0, "its name");
    vkvm_string_list_free(names, length);
    fails(vkvm_conn_list_defined_domain_names(conn, -1, &names, &length, &err), &err,
          VKVM_ERROR_OWN_INVALID, "maxnames", "less than none");
    vkvm_domain_free(dom);
}

static void cpus(vkvm_conn *conn)
{
    const char *xml[] = { cpu_xml, cpu_xml };
    char **names = NULL, *text = NULL;
    uint8_t *map = NULL;
    size_t length = 0;
    uint32_t online = 0;
    int count = -1;

    works(vkvm_conn_get_max_vcpus(conn, "test", &count, &err), &err, "get_max_vcpus");
    is_int(count, 32, "how many");
    count = -1;
    works(vkvm_conn_get_max_vcpus(conn, NULL, &count, &err), &err,
          "get_max_vcpus of the usual type of domain");
    is_int(count, 32, "how many these may have");
    works(vkvm_conn_get_node_cpu_map(conn, 0, &count, &map, &length, &online, &err), &err,
          "get_node_cpu_map");
    is_int(count, 8, "all CPUs");
    is_int(online, 3, "those that are online");
    ok(length == 1 && map[0] == 0x15, "which these are");
    vkvm_bytes_free(map);
    works(vkvm_conn_get_cpu_model_names(conn, "x86_64", 0, &names, &length, &err), &err,
          "get_cpu_model_names");
    ok(length > 10 && names[length] == NULL, "there are some");
    vkvm_string_list_free(names, length);
    works(vkvm_conn_baseline_cpu(conn, xml, 2, 0, &text, &err), &err, "baseline_cpu");
    has_text(text, ">qemu64</model>", "the CPU of both");
    vkvm_string_free(text);
    fails(vkvm_conn_baseline_cpu(conn, NULL, 0, 0, &text, &err), &err, VKVM_ERROR_ERR_INVALID_ARG,
          NULL, "of none");
    xml[1] = NULL;
    fails(vkvm_conn_baseline_cpu(conn, xml, 2, 0, &text, &err), &err, VKVM_ERROR_OWN_NULL, "xml",
          "of one that is NULL");
    lacks(vkvm_conn_baseline_hypervisor_cpu(conn, NULL, NULL, NULL, NULL, xml, 1, 0, &text, &err),
          "no baseline_hypervisor_cpu");
    lacks(vkvm_conn_compare_cpu(conn, cpu_xml, 0, &count, &err), "no compare_cpu");
    lacks(vkvm_conn_compare_hypervisor_cpu(conn, NULL, NULL, NULL, NULL, cpu_xml, 0, &count, &err),
          "no compare_hypervisor_cpu");
    if (vkvm_conn_get_domain_capabilities(conn, NULL, "x86_64", NULL, "test", 0, &text, &err) < 0) {
        lacks(-1, "no get_domain_capabilities");
    } else { /* newer test drivers */
        has_text(text, "<domainCapabilities>", "get_domain_capabilities");
        vkvm_string_free(text);
    }
}

static void memory(vkvm_conn *conn)
{
    const int sizes[] = { 4, 2048 };
    vkvm_value *value = NULL;
    uint64_t bytes = 0;
    size_t length = 0;

    works(vkvm_conn_get_node_free_memory(conn, &bytes, &err), &err, "get_node_free_memory");
    ok(bytes > 1 << 20, "in bytes");
    works(vkvm_conn_get_node_cells_free_memory(conn, 0, 1, &value, &err), &err,
          "get_node_cells_free_memory");
    works(vkvm_value_get_length(value, NULL, &length, &err), &err, "its length");
    is_int((int64_t)length, 2, "two cells");
    vkvm_value_free(value);
    fails(vkvm_conn_get_node_cells_free_memory(conn, 1, 0, &value, &err), &err,
          VKVM_ERROR_OWN_INVALID, "end", "the end before the start");
    works(vkvm_conn_get_node_free_pages(conn, sizes, 2, 0, 1, 0, &value, &err), &err,
          "get_node_free_pages");
    is_int(int_at(value, "1.cell"), 1, "the second cell");
    ok(int_at(value, "1.pages.2048") >= 0, "its large pages");
    vkvm_value_free(value);
    value = from_json("[[2048, 16]]");
    lacks(vkvm_conn_node_alloc_pages(conn, value, 1, 1, VKVM_NODE_ALLOC_PAGES_ADD, &err),
          "no node_alloc_pages");
    vkvm_value_free(value);
    value = from_json("[[2048]]");
    fails(vkvm_conn_node_alloc_pages(conn, value, 0, 0, 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "pages", "no pair");
    vkvm_value_free(value);
    lacks(vkvm_conn_get_node_memory_parameters(conn, 0, &value, &err),
          "no get_node_memory_parameters");
    value = from_json("{\"shm_pages_to_scan\": 1}");
    lacks(vkvm_conn_set_node_memory_parameters(conn, value, 0, &err),
          "no set_node_memory_parameters");
    vkvm_value_free(value);
}

static void saved(vkvm_conn *conn)
{
    vkvm_value *params = from_json("{\"parallel.chanels\": 2}");
    char *text = NULL;

    fails(vkvm_conn_restore_domain(conn, NULL, NULL, NULL, 0, &err), &err, VKVM_ERROR_OWN_NULL,
          "from", "restore_domain from nothing");
    fails(vkvm_conn_restore_domain(conn, "/none", NULL, params, 0, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "params", "a wrong key");
    fails(vkvm_conn_restore_domain(conn, "/none", NULL, NULL, 0, &err), &err,
          VKVM_ERROR_ERR_SYSTEM_ERROR, NULL, "no such file");
    fails(vkvm_conn_get_save_image_xml_description(conn, "/none", 0, &text, &err), &err,
          VKVM_ERROR_ERR_SYSTEM_ERROR, NULL, "nor has it XML");
    fails(vkvm_conn_define_save_image_xml(conn, "/none", "<domain/>", 0, &err), &err,
          VKVM_ERROR_ERR_SYSTEM_ERROR, NULL, "nor can it have some");
    vkvm_value_free(params);
}

static void others(vkvm_conn *conn)
{
    vkvm_value *value = NULL;
    char *text = NULL;

    works(vkvm_conn_get_sysinfo(conn, 0, &text, &err), &err, "get_sysinfo");
    has_text(text, "<sysinfo type='smbios'>", "the document");
    vkvm_string_free(text);
    works(vkvm_conn_get_node_security_model(conn, &value, &err), &err, "get_node_security_model");
    is_str_at(value, "doi", "", "it has none");
    vkvm_value_free(value);
    lacks(vkvm_conn_get_node_sev_info(conn, 0, &value, &err), "no get_node_sev_info");
    lacks(vkvm_conn_node_suspend_for_duration(conn, VKVM_NODE_SUSPEND_TARGET_MEM, 60, 0, &err),
          "no node_suspend_for_duration");
    lacks(vkvm_conn_domain_xml_from_native(conn, "qemu-argv", "qemu", 0, &text, &err),
          "no domain_xml_from_native");
    lacks(vkvm_conn_domain_xml_to_native(conn, "qemu-argv", "<domain/>", 0, &text, &err),
          "no domain_xml_to_native");
    value = from_json("{\"user-name\": \"me\", \"process-id\": 1}");
    lacks(vkvm_conn_set_identity(conn, value, 0, &err), "no set_identity");
    vkvm_value_free(value);
    value = from_json("{\"user-nmae\": \"me\"}");
    fails(vkvm_conn_set_identity(conn, value, 0, &err), &err, VKVM_ERROR_OWN_NOT_FOUND, "newident",
          "a wrong key");
    vkvm_value_free(value);
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    domains(conn);
    cpus(conn);
    memory(conn);
    saved(conn);
    others(conn);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
