/*
 * Waiting for the block job of a disk, directly and as a call: its progress, and that it is aborted
 * when the call is given up.
 *
 * usage: block_jobs URI SCRATCH
 *
 * bed: qemu-daemon URI scratch
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdint.h>

#include "common.h"
#include "hostile.h"

enum { MIB = 1 << 20, SIZE = 32 * MIB };

static vkvm_error *err;
static vkvm_domain *dom;
static char copy_xml[700];

/* Begins a copy of the disk; with a limit it takes for ever. */
static void begin_copy(bool is_limited)
{
    vkvm_value *params;
    must(vkvm_value_new_map(&params, &err), err, "parameters");
    if (is_limited)
        must(vkvm_value_set_uint64(params, "bandwidth", 65536, &err), err, "bandwidth");
    works(vkvm_domain_block_copy(dom, "vda", copy_xml, params,
                                 VKVM_DOMAIN_BLOCK_COPY_REUSE_EXT |
                                     VKVM_DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
                                 &err),
          &err, "a copy begins");
    vkvm_value_free(params);
}

static int64_t job_type(void)
{
    vkvm_value *info = NULL;
    must(vkvm_domain_get_block_job_info(dom, "vda", 0, &info, &err), err, "the job");
    int64_t type = int_at(info, "type");
    vkvm_value_free(info);
    return type;
}

static vkvm_call *start_waiting(uint32_t timeout_ms)
{
    vkvm_value *args;
    vkvm_call *call = NULL;
    must(vkvm_value_new_map(&args, &err), err, "arguments");
    must(vkvm_value_set_handle(args, "dom", dom, &err), err, "dom");
    must(vkvm_value_set_string(args, "path", "vda", &err), err, "path");
    works(vkvm_call_start("vkvm_domain_wait_for_block_job", args, timeout_ms, NULL, 0, &call, &err),
          &err, "waiting is started");
    vkvm_value_free(args);
    return call;
}

static void gives_up(vkvm_call *call, int code, const char *name)
{
    bool is_done = false;
    vkvm_value *result = NULL;
    works(vkvm_call_wait(call, PATIENCE * 1000, &is_done, &err), &err, name);
    fails(vkvm_call_get_result(call, &result, &err), &err, code, NULL, name);
    vkvm_call_free(call);
    for (double end = now() + PATIENCE; job_type() != 0 && now() < end; usleep(10000))
        ;
    is_int(job_type(), 0, name);
}

/* The progress of a call that waits: part of what there is. */
static void has_progress(vkvm_call *call)
{
    int64_t done = 0, total = 0, kind = 0;
    for (double end = now() + PATIENCE; done == 0 && now() < end; usleep(10000)) {
        vkvm_value *progress = NULL;
        int found = VKVM_VALUE_NULL;
        must(vkvm_call_get_progress(call, &progress, &err), err, "progress");
        must(vkvm_value_get_kind(progress, "", &found, &err), err, "its kind");
        if (found != VKVM_VALUE_NULL) {
            kind = found;
            done = int_at(progress, "done");
            total = int_at(progress, "total");
        }
        vkvm_value_free(progress);
    }
    is_int(kind, VKVM_VALUE_MAP, "it has a progress");
    ok(done > 0 && done < total, "which is part of all there is");
}

int main(int argc, char **argv)
{
    char xml[1500], path[300];
    static char data[MIB];
    bool ready = true;
    must(argc == 3 ? 0 : -1, NULL, "usage: block_jobs URI SCRATCH");
    int threads = running_threads();
    memset(data, 'x', sizeof data);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/disk%d", argv[2], i);
        FILE *file = fopen(path, "w");
        must(file ? 0 : -1, NULL, path);
        for (int done = 0; done < SIZE; done += MIB)
            must(fwrite(data, 1, MIB, file) == MIB ? 0 : -1, NULL, path);
        fclose(file);
    }
    snprintf(copy_xml, sizeof copy_xml,
             "<disk type='file'><source file='%s'/><driver type='raw'/></disk>", path);
    snprintf(xml, sizeof xml,
             "<domain type='qemu'><name>disks</name><memory unit='MiB'>16</memory>"
             "<vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><devices>"
             "<disk type='file'><driver type='raw'/><source file='%s/disk0'/>"
             "<target dev='vda' bus='virtio'/></disk>"
             "<memballoon model='none'/><controller type='usb' model='none'/></devices></domain>",
             argv[2]);
    vkvm_conn *conn = open_conn(argv[1], 0);
    must(vkvm_conn_create_domain(conn, xml, 0, &dom, &err), err, "the domain");

    works(vkvm_domain_wait_for_block_job(dom, "vda", &ready, &err), &err, "waiting without a job");
    ok(!ready, "there is none");
    fails(vkvm_domain_wait_for_block_job(dom, "vdz", &ready, &err), &err,
          VKVM_ERROR_ERR_INVALID_ARG, NULL, "waiting for a disk that there is not");

    begin_copy(true);
    vkvm_call *call = start_waiting(0);
    has_progress(call);
    works(vkvm_call_cancel(call, &err), &err, "waiting is cancelled");
    gives_up(call, VKVM_ERROR_OWN_CANCELLED, "the job is aborted when waiting is cancelled");

    begin_copy(true);
    call = start_waiting(300);
    gives_up(call, VKVM_ERROR_OWN_TIMEOUT, "the job is aborted after the deadline");

    begin_copy(true);
    call = start_waiting(0);
    has_progress(call);
    works(vkvm_call_stop(call, &err), &err, "waiting is stopped");
    gives_up(call, VKVM_ERROR_ERR_OPERATION_ABORTED, "the job is aborted when waiting is stopped");

    begin_copy(false);
    works(vkvm_domain_wait_for_block_job(dom, "vda", &ready, &err), &err, "a copy is waited for");
    ok(ready, "it is ready");
    is_int(job_type(), VKVM_DOMAIN_BLOCK_JOB_TYPE_COPY, "and goes on");
    works(vkvm_domain_abort_block_job(dom, "vda", 0, &err), &err, "it is ended");
    works(vkvm_domain_wait_for_block_job(dom, "vda", &ready, &err), &err, "it is waited for");
    ok(!ready, "it is over");

    works(vkvm_domain_destroy(dom, 0, &err), &err, "the domain ends");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    ok(falls_to(running_threads, threads), "the threads end");
    no_handles_left();
    return done();
}
