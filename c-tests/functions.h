/*
 * All functions of the header, an object of each class to call them on, and parameters
 * that are right. The table of functions is generated: make-misuse writes misuse-table.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef FUNCTIONS_H
#define FUNCTIONS_H

#include <unistd.h>

#include "common.h"

#define MOST_PARAMETERS 16

union argument {
    void *pointer;
    void (*function)(void);
    uint64_t integer;
    double real;
};

/* What a parameter is. LENGTH is that of the parameter before it. */
enum shape {
    HANDLE, ANY_HANDLE, HANDLES, TEXT, BYTES, INTS, TEXTS, CALLBACK, USERDATA, VISITOR, INTEGER,
    DOUBLE, LENGTH, OUT
};

/* What is in an output after a successful call. */
enum result { ANY_RESULT, MAYBE_NULL, A_POINTER, A_LIST, A_MAP };

/* What a function returns: 0 or -1, nothing, or its result. */
enum returns { STATUS, NOTHING, DIRECT };

struct parameter;

struct function {
    const char *name;
    int (*call)(union argument *arguments, vkvm_error **error);
    const struct parameter *params;
    size_t count;
    enum returns returns;
    bool harmless; /* may be called with right parameters */
    bool blocks;   /* may wait for a daemon or an event */
};

#include "misuse-table.h"

enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* A handle of each class. The test driver has nothing of some classes; they are a
 * daemon's, if there is one. */
static void *live[CLASSES];

/* The host of the test driver that the others are of. */
static const char *host_uri = TEST_URI;

/* The URI of a private daemon, or NULL. */
static const char *daemon_uri;

/* A fleet ends its connections behind its caller's back, and as long as one is open
   all of test:///default share their objects. So it has a host of its own. */
static char fleet_uri[64];
static char fleet_host[] = "/tmp/vkvm-misuse-XXXXXX";

static inline void make_fleet_host(void)
{
    static const char node[] = "<node/>";
    int fd = mkstemp(fleet_host);
    must(fd < 0 || write(fd, node, sizeof node - 1) < 0 || close(fd) != 0, NULL, fleet_host);
    snprintf(fleet_uri, sizeof fleet_uri, "test://%s", fleet_host);
}

#define SOME_UUID "8f1e43a0-7d3a-4c57-9a0b-000000000009"
#define OWNER "<owner><name>d</name><uuid>" SOME_UUID "</uuid></owner>"
#define MAC "<mac address='52:54:00:aa:bb:cc'/>"

#define CHECKPOINTED                                                                        \
    "<domain type='test'><name>with-disk</name><memory>8192</memory><os><type>hvm</type></os>" \
    "<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"           \
    "<source file='/nowhere/disk.qcow2'/><target dev='vda' bus='virtio'/></disk></devices>" \
    "</domain>"

static inline void make_storage_and_network(void **into, vkvm_conn *conn)
{
    vkvm_error *err = NULL;
    vkvm_storage_pool *pool = NULL;
    vkvm_storage_vol *vol = NULL;
    vkvm_network *net = NULL;
    vkvm_interface *iface = NULL;
    vkvm_node_device *dev = NULL;
    const char *xml = "<volume><name>v</name><capacity>9</capacity></volume>";
    must(vkvm_conn_get_storage_pool_by_name(conn, "default-pool", &pool, &err), err, "the pool");
    must(vkvm_storage_pool_create_volume(pool, xml, &vol, &err), err, "the volume");
    must(vkvm_conn_get_network_by_name(conn, "default", &net, &err), err, "the network");
    must(vkvm_conn_get_interface_by_name(conn, "eth1", &iface, &err), err, "the interface");
    must(vkvm_conn_get_node_device_by_name(conn, "computer", &dev, &err), err, "the device");
    into[CLASS_STORAGE_POOL] = pool;
    into[CLASS_STORAGE_VOL] = vol;
    into[CLASS_NETWORK] = net;
    into[CLASS_INTERFACE] = iface;
    into[CLASS_NODE_DEVICE] = dev;
}

static inline void make_snapshots(void **into, vkvm_conn *conn, vkvm_domain *dom)
{
    vkvm_error *err = NULL;
    vkvm_domain_snapshot *snapshot = NULL;
    vkvm_domain_checkpoint *checkpoint = NULL;
    vkvm_domain *disked = NULL;
    must(vkvm_domain_create_snapshot(dom, "<domainsnapshot/>", 0, &snapshot, &err), err,
         "the snapshot");
    must(vkvm_conn_create_domain(conn, CHECKPOINTED, 0, &disked, &err), err, "the other domain");
    must(vkvm_domain_create_checkpoint(disked, "<domaincheckpoint/>", 0, &checkpoint, &err), err,
         "the checkpoint");
    vkvm_domain_free(disked);
    into[CLASS_DOMAIN_SNAPSHOT] = snapshot;
    into[CLASS_DOMAIN_CHECKPOINT] = checkpoint;
}

static inline void make_on_daemon(void **into)
{
    vkvm_error *err = NULL;
    vkvm_conn *conn = open_conn(daemon_uri, 0);
    vkvm_network *net = NULL;
    vkvm_network_port *port = NULL;
    vkvm_nwfilter *filter = NULL;
    vkvm_nwfilter_binding *binding = NULL;
    vkvm_secret *secret = NULL;
    must(vkvm_conn_define_secret(conn, "<secret><uuid>" SOME_UUID "</uuid></secret>", 0, &secret,
                                 &err), err, "the secret");
    must(vkvm_conn_define_nwfilter(conn, "<filter name='vk'><uuid>" SOME_UUID "</uuid></filter>", 0,
                                   &filter, &err), err, "the filter");
    if (vkvm_conn_create_nwfilter_binding(conn, "<filterbinding>" OWNER "<portdev name='lo'/>" MAC
                                          "<filterref filter='vk'/></filterbinding>",
                                          0, &binding, NULL) < 0)
        must(vkvm_conn_get_nwfilter_binding_by_port_dev(conn, "lo", &binding, &err), err,
             "the binding");
    if (vkvm_conn_create_network(conn, "<network><name>vk</name><forward mode='bridge'/>"
                                 "<bridge name='vkvm9'/></network>", 0, &net, NULL) < 0)
        must(vkvm_conn_get_network_by_name(conn, "vk", &net, &err), err, "the daemon's network");
    if (vkvm_network_create_port(net, "<networkport><uuid>" SOME_UUID "</uuid>" OWNER MAC
                                 "</networkport>", 0, &port, NULL) < 0)
        must(vkvm_network_get_port_by_uuid(net, SOME_UUID, 36, &port, &err), err, "the port");
    vkvm_network_free(net);
    vkvm_conn_free(conn);
    into[CLASS_SECRET] = secret;
    into[CLASS_NWFILTER] = filter;
    into[CLASS_NWFILTER_BINDING] = binding;
    into[CLASS_NETWORK_PORT] = port;
}

static inline void make_handles(void **into, bool on_daemon)
{
    vkvm_error *err = NULL;
    vkvm_conn *conn = open_conn(host_uri, 0);
    vkvm_domain *dom = NULL;
    vkvm_value *value = NULL;
    vkvm_stream *stream = NULL;
    vkvm_host *host = NULL;
    vkvm_fleet *fleet = NULL;
    vkvm_inventory *inventory = NULL;
    vkvm_event_queue *queue = NULL;
    vkvm_call *call = NULL;
    const char *const uris[] = { fleet_uri };
    must(vkvm_event_queue_new(8, &queue, &err), err, "the queue");
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    must(vkvm_value_from_json("{\"text\":[1]}", &value, &err), err, "the value");
    must(vkvm_conn_new_stream(conn, 0, &stream, &err), err, "the stream");
    must(vkvm_host_new(conn, &host, &err), err, "the host");
    must(vkvm_fleet_open(uris, 1, 20000, &fleet, &err), err, "the fleet");
    must(vkvm_inventory_open(uris, 1, NULL, &inventory, &err), err, "the inventory");
    must(vkvm_call_start("vkvm_library_get_version", NULL, 0, NULL, 0, &call, &err), err,
         "the call");
    vkvm_domain_get_name(NULL, NULL, &err);
    into[CLASS_CONN] = conn;
    into[CLASS_DOMAIN] = dom;
    into[CLASS_VALUE] = value;
    into[CLASS_ERROR] = err;
    into[CLASS_STREAM] = stream;
    into[CLASS_EVENT_QUEUE] = queue;
    into[CLASS_CALL] = call;
    into[CLASS_HOST] = host;
    into[CLASS_FLEET] = fleet;
    into[CLASS_INVENTORY] = inventory;
    make_storage_and_network(into, conn);
    make_snapshots(into, conn, dom);
    if (on_daemon)
        make_on_daemon(into);
}

static inline void free_handles(void **handles)
{
    vkvm_conn_free(handles[CLASS_CONN]);
    vkvm_domain_free(handles[CLASS_DOMAIN]);
    vkvm_stream_free(handles[CLASS_STREAM]);
    vkvm_event_queue_free(handles[CLASS_EVENT_QUEUE]);
    vkvm_call_free(handles[CLASS_CALL]);
    vkvm_host_free(handles[CLASS_HOST]);
    vkvm_fleet_free(handles[CLASS_FLEET]);
    vkvm_inventory_free(handles[CLASS_INVENTORY]);
    vkvm_value_free(handles[CLASS_VALUE]);
    vkvm_error_free(handles[CLASS_ERROR]);
    vkvm_storage_pool_free(handles[CLASS_STORAGE_POOL]);
    vkvm_storage_vol_free(handles[CLASS_STORAGE_VOL]);
    vkvm_network_free(handles[CLASS_NETWORK]);
    vkvm_interface_free(handles[CLASS_INTERFACE]);
    vkvm_node_device_free(handles[CLASS_NODE_DEVICE]);
    vkvm_domain_snapshot_free(handles[CLASS_DOMAIN_SNAPSHOT]);
    vkvm_domain_checkpoint_free(handles[CLASS_DOMAIN_CHECKPOINT]);
    vkvm_secret_free(handles[CLASS_SECRET]);
    vkvm_nwfilter_free(handles[CLASS_NWFILTER]);
    vkvm_nwfilter_binding_free(handles[CLASS_NWFILTER_BINDING]);
    vkvm_network_port_free(handles[CLASS_NETWORK_PORT]);
}

/* --- right parameters ------------------------------------------------------ */

static unsigned char outputs[MOST_PARAMETERS][16];
static uint8_t sixteen[16];
static int integers[1];
static const char *texts[] = { "text" };

static inline void never(void)
{
    printf("Bail out! a callback was called\n");
    exit(1);
}

/* A visitor is nothing but function pointers, as many as it has members. */
static union {
    vkvm_value_visitor visitor;
    void (*members[sizeof(vkvm_value_visitor) / sizeof(void (*)(void))])(void);
} visitor;

static inline void set_right(const struct function *function, union argument *arguments)
{
    memset(outputs, 0xA5, sizeof outputs);
    for (size_t i = 0; i < function->count; i++) {
        const struct parameter *param = &function->params[i];
        union argument *argument = &arguments[i];
        memset(argument, 0, sizeof *argument);
        switch (param->shape) {
        case HANDLE: argument->pointer = live[param->class]; break;
        case ANY_HANDLE: argument->pointer = live[CLASS_DOMAIN]; break;
        case HANDLES: argument->pointer = &live[param->class]; break;
        case TEXT: argument->pointer = "/nowhere/text"; break;
        case BYTES: argument->pointer = sixteen; break;
        case INTS: argument->pointer = integers; break;
        case TEXTS: argument->pointer = texts; break;
        case CALLBACK: argument->function = param->nullable ? NULL : never; break;
        case VISITOR: argument->pointer = &visitor; break;
        case OUT: argument->pointer = outputs[i]; break;
        case LENGTH: argument->integer = param[-1].shape == BYTES ? sizeof sixteen : 1; break;
        case INTEGER: case DOUBLE: case USERDATA: break; /* 0, 0.0, NULL */
        }
    }
}

#endif
