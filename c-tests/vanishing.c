/*
 * Lists of the host facade while another thread creates and deletes what they list: what
 * vanishes meanwhile is left out, what stays is there.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <stdatomic.h>

#include "common.h"

/* How many objects stay: so many that a list takes longer than a coming and going. And how
   many others there are at a time, each of them not for long. */
enum { STAYING = 200, PASSING = 10 };

static vkvm_host *host;
static vkvm_conn *conn;
static vkvm_domain *domain;
static vkvm_storage_pool *pool;

static atomic_bool stop;
static atomic_int rounds; /* of the other thread */

/* One of a kind of object: made under a name, and deleted again. */
typedef void make(const char *name);
typedef void delete(const char *name);

static void make_volume(const char *name)
{
    char xml[200];
    vkvm_error *err = NULL;
    vkvm_storage_vol *vol = NULL;
    snprintf(xml, sizeof xml, "<volume><name>%s</name><capacity>4096</capacity></volume>", name);
    must(vkvm_storage_pool_create_volume(pool, xml, &vol, &err), err, xml);
    vkvm_storage_vol_free(vol);
}

static void delete_volume(const char *name)
{
    vkvm_error *err = NULL;
    vkvm_storage_vol *vol = NULL;
    must(vkvm_storage_pool_get_volume_by_name(pool, name, &vol, &err), err, name);
    must(vkvm_storage_vol_delete(vol, 0, &err), err, name);
    vkvm_storage_vol_free(vol);
}

static void make_pool(const char *name)
{
    char xml[200];
    vkvm_error *err = NULL;
    vkvm_storage_pool *made = NULL;
    snprintf(xml, sizeof xml,
             "<pool type='dir'><name>%s</name><target><path>/%s</path></target></pool>", name, name);
    must(vkvm_conn_define_storage_pool(conn, xml, 0, &made, &err), err, xml);
    vkvm_storage_pool_free(made);
}

static void delete_pool(const char *name)
{
    vkvm_error *err = NULL;
    vkvm_storage_pool *made = NULL;
    must(vkvm_conn_get_storage_pool_by_name(conn, name, &made, &err), err, name);
    must(vkvm_storage_pool_undefine(made, &err), err, name);
    vkvm_storage_pool_free(made);
}

static void make_domain(const char *name)
{
    char xml[300];
    vkvm_error *err = NULL;
    vkvm_domain *made = NULL;
    snprintf(xml, sizeof xml,
             "<domain type='test'><name>%s</name><title>of %s</title><memory>1024</memory>"
             "<os><type>hvm</type></os></domain>",
             name, name);
    must(vkvm_conn_define_domain(conn, xml, 0, &made, &err), err, xml);
    vkvm_domain_free(made);
}

static void delete_domain(const char *name)
{
    vkvm_error *err = NULL;
    vkvm_domain *made = NULL;
    must(vkvm_conn_get_domain_by_name(conn, name, &made, &err), err, name);
    must(vkvm_domain_undefine(made, 0, &err), err, name);
    vkvm_domain_free(made);
}

static void make_snapshot(const char *name)
{
    char xml[200];
    vkvm_error *err = NULL;
    vkvm_domain_snapshot *made = NULL;
    snprintf(xml, sizeof xml, "<domainsnapshot><name>%s</name></domainsnapshot>", name);
    must(vkvm_domain_create_snapshot(domain, xml, 0, &made, &err), err, xml);
    vkvm_domain_snapshot_free(made);
}

static void delete_snapshot(const char *name)
{
    vkvm_error *err = NULL;
    vkvm_domain_snapshot *made = NULL;
    must(vkvm_domain_get_snapshot_by_name(domain, name, &made, &err), err, name);
    must(vkvm_domain_snapshot_delete(made, 0, &err), err, name);
    vkvm_domain_snapshot_free(made);
}

/* What a list shows, and how it comes and goes. */
struct kind {
    const char *command, *args;
    make *make;
    delete *delete;
    int others; /* of this kind, which the host has from the start */
};

static const struct kind kinds[] = {
    { "list_volumes", "{\"pool\":\"default-pool\"}", make_volume, delete_volume, 0 },
    { "list_volumes", "{\"pool\":\"default-pool\",\"details\":true}", make_volume, delete_volume, 0 },
    { "list_pools", "{\"all\":true}", make_pool, delete_pool, 1 },
    { "list_pools", "{\"all\":true,\"details\":true}", make_pool, delete_pool, 1 },
    { "list_domains", "{\"all\":true}", make_domain, delete_domain, 2 },
    { "list_domains", "{\"all\":true,\"title\":true}", make_domain, delete_domain, 2 },
    { "list_snapshots", "{\"domain\":\"probe\"}", make_snapshot, delete_snapshot, 0 },
};

/* The other thread: one comes, another goes, with names between those of the others. A pause
   after each: libvirt's locks are not fair, and who asks again at once gets them again and
   again, while a list that asks about each of its objects waits for each. */
static void *come_and_go(void *userdata)
{
    const struct kind *kind = userdata;
    char name[40];
    int first = 0, next = 0;
    while (!stop || first < next) {
        if (!stop) {
            snprintf(name, sizeof name, "staying%03d-not", next++ * 7 % STAYING);
            kind->make(name);
        }
        if (stop || next - first == PASSING) {
            snprintf(name, sizeof name, "staying%03d-not", first++ * 7 % STAYING);
            kind->delete(name);
        }
        rounds++;
        usleep(10);
    }
    return NULL;
}

static void lists(const struct kind *kind, int times)
{
    vkvm_error *err = NULL;
    vkvm_value *args = NULL;
    char name[40];
    int failures = 0, wrong = 0;
    pthread_t thread;

    for (int i = 0; i < STAYING; i++) {
        snprintf(name, sizeof name, "staying%03d", i);
        kind->make(name);
    }
    must(vkvm_value_from_json(kind->args, &args, &err), err, kind->args);
    stop = false;
    rounds = 0;
    must(-pthread_create(&thread, NULL, come_and_go, (void *)kind), NULL, "a thread");
    /* Until both have done enough. Each list lets the other thread come to its turn, for the
       same reason. */
    for (int i = 0, seen = 0; i < times || rounds < times; i++, seen = rounds) {
        vkvm_value *result = NULL;
        size_t count = 0;
        while (rounds == seen)
            usleep(10);
        if (vkvm_host_call(host, kind->command, args, &result, &err) < 0) {
            if (failures++ == 0)
                diag("%s", vkvm_error_message(err));
            forget(&err);
            continue;
        }
        must(vkvm_value_get_length(result, NULL, &count, &err), err, "length");
        size_t least = (size_t)(STAYING + kind->others);
        vkvm_value *last = NULL;
        if (count < least || count > least + 2 * PASSING ||
            vkvm_value_get(result, "staying199", &last, &err) < 0)
            wrong++;
        forget(&err);
        vkvm_value_free(last);
        vkvm_value_free(result);
    }
    stop = true;
    pthread_join(thread, NULL);
    is_int(failures, 0, kind->command);
    is_int(wrong, 0, "... has what stays");
    vkvm_value_free(args);
    for (int i = 0; i < STAYING; i++) {
        snprintf(name, sizeof name, "staying%03d", i);
        kind->delete(name);
    }
}

int main(void)
{
    vkvm_error *err = NULL;
    conn = open_conn(TEST_URI, 0);
    must(vkvm_host_new(conn, &host, &err), err, "host");
    must(vkvm_conn_get_storage_pool_by_name(conn, "default-pool", &pool, &err), err, "pool");
    domain = define_probe(conn);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        lists(&kinds[i], 200);

    vkvm_domain_free(domain);
    vkvm_storage_pool_free(pool);
    vkvm_host_free(host);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
