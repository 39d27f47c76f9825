/*
 * Waiting for the asynchronous jobs of a storage pool, which refuses to be refreshed meanwhile.
 *
 * usage: pool_jobs URI SCRATCH
 *
 * bed: qemu-daemon URI scratch
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"
#include "hostile.h"
#include "started.h"

static vkvm_error *err;
static vkvm_storage_pool *pool;

/* A volume that takes seconds to copy, for all of it is read, and hardly any room. */
static vkvm_storage_vol *make_source(void)
{
    vkvm_storage_vol *source = NULL;
    must(vkvm_storage_pool_create_volume(pool,
                                         "<volume><name>source</name><capacity unit='MiB'>1500</capacity>"
                                         "<allocation>0</allocation></volume>",
                                         &source, &err),
         err, "a volume");
    return source;
}

static vkvm_call *begin_to_copy(vkvm_storage_vol *source, const char *name)
{
    char xml[200];
    snprintf(xml, sizeof xml,
             "<volume><name>%s</name><capacity unit='MiB'>1500</capacity><allocation>0</allocation></volume>",
             name);
    vkvm_value *args = with_text(with("pool", pool), "xml", xml);
    must(vkvm_value_set_handle(args, "clone", source, &err), err, "clone");
    return start("vkvm_storage_pool_clone_volume", args, 0, NULL, 0);
}

/* Waits until the pool refuses for the job's sake. */
static bool gets_busy(vkvm_call *copy)
{
    for (bool is_busy = false; !is_busy; usleep(1000)) {
        if (is_done(copy, 0))
            return false;
        is_busy = vkvm_storage_pool_refresh(pool, 0, &err) < 0;
        if (is_busy)
            has_text(vkvm_error_message(err), "asynchronous jobs", "the pool is busy");
        forget(&err);
    }
    return true;
}

static vkvm_call *wait_later(uint32_t timeout_ms)
{
    return start("vkvm_storage_pool_wait_for_jobs", with("pool", pool), timeout_ms, NULL, 0);
}

static void waits(vkvm_storage_vol *source)
{
    vkvm_call *copy = begin_to_copy(source, "first");
    if (ok(gets_busy(copy), "a copy is under way")) {
        ends_with(wait_later(50), VKVM_ERROR_OWN_TIMEOUT, "a wait with a limit");
        vkvm_call *cancelled = wait_later(0), *waiting = wait_later(0);
        ok(!is_done(waiting, 150), "it waits");
        works(vkvm_call_cancel(cancelled, &err), &err, "one is cancelled");
        ends_with(cancelled, VKVM_ERROR_OWN_CANCELLED, "a wait that is cancelled");
        ok(!is_done(copy, 0), "which does not end the job");
        vkvm_value_free(result_of(waiting, "the other one"));
    }
    works(vkvm_storage_pool_wait_for_jobs(pool, &err), &err, "waiting on this thread");
    vkvm_value_free(result_of(copy, "the copy"));

    copy = begin_to_copy(source, "second");
    ok(gets_busy(copy), "another copy is under way");
    works(vkvm_storage_pool_wait_for_jobs(pool, &err), &err, "waiting for it");
    works(vkvm_storage_pool_refresh(pool, 0, &err), &err, "then the pool is idle");
    vkvm_value_free(result_of(copy, "the second copy"));
}

static void without_jobs(vkvm_conn *conn)
{
    vkvm_conn *reader = NULL;
    vkvm_storage_pool *its = NULL;
    works(vkvm_storage_pool_wait_for_jobs(pool, &err), &err, "a pool without jobs");
    char *uri = NULL;
    must(vkvm_conn_get_uri(conn, &uri, &err), err, "the URI");
    must(vkvm_conn_open(uri, VKVM_CONNECT_RO, &reader, &err), err, uri);
    vkvm_string_free(uri);
    must(vkvm_conn_get_storage_pool_by_name(reader, "jobs", &its, &err), err, "the pool");
    fails(vkvm_storage_pool_wait_for_jobs(its, &err), &err, VKVM_ERROR_ERR_OPERATIONED_DENIED, NULL,
          "a connection that may not refresh");
    vkvm_storage_pool_free(its);
    vkvm_conn_free(reader);
    works(vkvm_storage_pool_destroy(pool, &err), &err, "the pool is stopped");
    works(vkvm_storage_pool_wait_for_jobs(pool, &err), &err, "a pool that is not active");
    works(vkvm_storage_pool_undefine(pool, &err), &err, "the pool goes");
    fails(vkvm_storage_pool_wait_for_jobs(pool, &err), &err, VKVM_ERROR_ERR_NO_STORAGE_POOL, NULL,
          "a pool that has gone");
}

int main(int argc, char **argv)
{
    char xml[600];
    vkvm_conn *conn = NULL;
    must(argc == 3 ? 0 : -1, NULL, "usage: pool_jobs URI SCRATCH");
    must(vkvm_conn_open(argv[1], 0, &conn, &err), err, argv[1]);
    snprintf(xml, sizeof xml,
             "<pool type='dir'><name>jobs</name><target><path>%s</path></target></pool>", argv[2]);
    must(vkvm_conn_define_storage_pool(conn, xml, 0, &pool, &err), err, "a pool");
    must(vkvm_storage_pool_create(pool, &err), err, "it starts");
    vkvm_storage_vol *source = make_source();
    waits(source);
    vkvm_storage_vol_free(source);
    without_jobs(conn);
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
