/*
 * What a domain uses and the limits of it: statistics of disks, interfaces,
 * memory and CPUs, and the parameters that can be set.
 *
 * tests: domain_stats domain_stats.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

static void lacks(int returned, const char *name)
{
    fails(returned, &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, name);
}

static size_t length_of(vkvm_value *value)
{
    size_t length = SIZE_MAX;
    must(vkvm_value_get_length(value, NULL, &length, &err), err, "get_length");
    return length;
}

static vkvm_value *map_of(const char *json)
{
    vkvm_value *map = NULL;
    must(vkvm_value_from_json(json, &map, &err), err, json);
    return map;
}

static void statistics(vkvm_domain *dom)
{
    vkvm_value *map = NULL;

    works(vkvm_domain_block_stats(dom, "vda", 0, &map, &err), &err, "block_stats");
    is_int((int64_t)length_of(map), 5, "what the test driver knows");
    ok(int_at(map, "rd_req") > 0 && int_at(map, "wr_bytes") > 0 && int_at(map, "errs") > 0,
       "the numbers");
    vkvm_value_free(map);
    lacks(vkvm_domain_block_stats(dom, "vda", 1, &map, &err), "block_stats with flags");
    fails(vkvm_domain_block_stats(dom, "none", 0, &map, &err), &err, VKVM_ERROR_ERR_INVALID_ARG,
          NULL, "no such disk");

    works(vkvm_domain_interface_stats(dom, "testnet0", &map, &err), &err, "interface_stats");
    is_int((int64_t)length_of(map), 8, "all of it");
    ok(int_at(map, "rx_bytes") > 0 && int_at(map, "tx_drop") > 0, "the numbers");
    vkvm_value_free(map);

    works(vkvm_domain_memory_stats(dom, 0, &map, &err), &err, "memory_stats");
    is_int(int_at(map, "available"), 2097152, "the memory in KiB");
    is_int(int_at(map, "unused"), 1048576, "half of it");
    vkvm_value_free(map);

    works(vkvm_domain_get_block_info(dom, "vda", 0, &map, &err), &err, "get_block_info");
    is_int((int64_t)length_of(map), 3, "three sizes");
    is_int(int_at(map, "allocation"), INT64_C(1) << 40, "in bytes");
    vkvm_value_free(map);

    works(vkvm_domain_get_disk_errors(dom, 0, &map, &err), &err, "get_disk_errors");
    is_int((int64_t)length_of(map), 1, "one disk");
    is_str_at(map, "0.path", "vda", "its name");
    is_int(int_at(map, "0.error"), VKVM_DOMAIN_DISK_ERROR_UNSPEC, "its error");
    vkvm_value_free(map);
}

static void cpu_statistics(vkvm_domain *dom)
{
    vkvm_value *list = NULL;

    works(vkvm_domain_get_cpu_stats(dom, -1, 1, 0, &list, &err), &err, "get_cpu_stats: the sum");
    is_int((int64_t)length_of(list), 1, "one map");
    ok(int_at(list, "0." VKVM_DOMAIN_CPU_STATS_CPUTIME) > 0, "the time");
    vkvm_value_free(list);
    works(vkvm_domain_get_cpu_stats(dom, 0, 0, 0, &list, &err), &err, "get_cpu_stats: all");
    is_int((int64_t)length_of(list), 2, "two CPUs");
    ok(int_at(list, "1." VKVM_DOMAIN_CPU_STATS_VCPUTIME) > 0, "the time");
    vkvm_value_free(list);
    fails(vkvm_domain_get_cpu_stats(dom, 0, 65537, 0, &list, &err), &err, VKVM_ERROR_OWN_INVALID,
          "ncpus", "too many");
    ok(vkvm_domain_get_cpu_stats(dom, -1, 2, 0, &list, &err) == -1, "there is one sum only");
    forget(&err);
}

static void limits(vkvm_domain *dom)
{
    vkvm_value *map = NULL;

    map = map_of("{\"total_bytes_sec\":1000000,\"total_bytes_sec_max\":2000000}");
    works(vkvm_domain_set_block_iotune(dom, "vda", map, 0, &err), &err, "set_block_iotune");
    vkvm_value_free(map);
    works(vkvm_domain_get_block_iotune(dom, "vda", 0, &map, &err), &err, "get_block_iotune");
    is_int(int_at(map, VKVM_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC), 1000000, "the limit of bytes is the one that was set");
    is_int(int_at(map, VKVM_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC), 0, "no limit");
    vkvm_value_free(map);

    map = map_of("{\"inbound.average\":100}");
    works(vkvm_domain_set_interface_parameters(dom, "testnet0", map, 0, &err), &err,
          "set_interface_parameters");
    vkvm_value_free(map);
    works(vkvm_domain_get_interface_parameters(dom, "testnet0", 0, &map, &err), &err,
          "get_interface_parameters");
    is_int((int64_t)length_of(map), 7, "all of them");
    vkvm_value_free(map);

    map = map_of("{\"weight\":500}");
    works(vkvm_domain_set_blkio_parameters(dom, map, 0, &err), &err, "set_blkio_parameters");
    vkvm_value_free(map);
    works(vkvm_domain_get_blkio_parameters(dom, 0, &map, &err), &err, "get_blkio_parameters");
    is_int(int_at(map, VKVM_DOMAIN_BLKIO_WEIGHT), 500, "the weight is the one that was set");
    vkvm_value_free(map);

    map = map_of("{\"numa_nodeset\":\"0\"}");
    works(vkvm_domain_set_numa_parameters(dom, map, 0, &err), &err, "set_numa_parameters");
    vkvm_value_free(map);
    works(vkvm_domain_get_numa_parameters(dom, 0, &map, &err), &err, "get_numa_parameters");
    is_str_at(map, VKVM_DOMAIN_NUMA_NODESET, "0", "the nodes are those that were set");
    vkvm_value_free(map);

    map = map_of("{\"cmt\":true}");
    works(vkvm_domain_set_perf_events(dom, map, 0, &err), &err, "set_perf_events");
    vkvm_value_free(map);
    works(vkvm_domain_get_perf_events(dom, 0, &map, &err), &err, "get_perf_events");
    is_int(int_at(map, VKVM_DOMAIN_PERF_PARAM_CMT), 1, "the perf event is on, as set");
    is_int(int_at(map, VKVM_DOMAIN_PERF_PARAM_MBMT), 0, "nothing else is");
    vkvm_value_free(map);
}

static void typing_errors(vkvm_domain *dom)
{
    vkvm_value *map = map_of("{\"wieght\":1}");
    fails(vkvm_domain_set_block_iotune(dom, "vda", map, 0, &err), &err, VKVM_ERROR_OWN_NOT_FOUND,
          "newparams", "set_block_iotune");
    fails(vkvm_domain_set_interface_parameters(dom, "testnet0", map, 0, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "newparams", "set_interface_parameters");
    fails(vkvm_domain_set_blkio_parameters(dom, map, 0, &err), &err, VKVM_ERROR_OWN_NOT_FOUND,
          "newparams", "set_blkio_parameters");
    fails(vkvm_domain_set_numa_parameters(dom, map, 0, &err), &err, VKVM_ERROR_OWN_NOT_FOUND,
          "newparams", "set_numa_parameters");
    fails(vkvm_domain_set_perf_events(dom, map, 0, &err), &err, VKVM_ERROR_OWN_NOT_FOUND,
          "newparams", "set_perf_events");
    vkvm_value_free(map);
}

static void jobs(vkvm_domain *dom)
{
    vkvm_value *map = NULL;
    int type = -1;
    lacks(vkvm_domain_get_job_info(dom, &map, &err), "get_job_info");
    lacks(vkvm_domain_get_job_stats(dom, 0, &type, &map, &err), "get_job_stats");
    lacks(vkvm_domain_abort_job(dom, 0, &err), "abort_job");
    lacks(vkvm_domain_abort_job(dom, VKVM_DOMAIN_DOMAIN_ABORT_JOB_POSTCOPY, &err), "with a flag");
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    statistics(dom);
    cpu_statistics(dom);
    limits(dom);
    typing_errors(dom);
    jobs(dom);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
