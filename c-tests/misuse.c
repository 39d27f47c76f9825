/*
 * Misuse: every function of the header gets each of its parameters wrong in
 * turn, in every way that the conventions promise to notice: NULL, freed
 * handles, handles of another class, words that are no handle, text that is
 * not UTF-8, counts that cannot be true. It must return -1, blame that
 * parameter, and leave its outputs alone.
 *
 * The table of functions is generated: make-misuse writes misuse-table.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <limits.h>
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
};

#include "misuse-table.h"

enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* A handle of each class that is live, and one that was freed. The test driver
 * has nothing of some classes; they are a daemon's, if there is one, or of their
 * functions only the object is tried. */
static void *live[CLASSES], *stale[CLASSES];

/* The URI of a private daemon, or NULL. */
static const char *daemon_uri;

/* A fleet ends its connections behind its caller's back, and as long as one is open
   all of test:///default share their objects. So it has a host of its own. */
static char fleet_uri[64];
static char fleet_host[] = "/tmp/vkvm-misuse-XXXXXX";

static void make_fleet_host(void)
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

static void make_storage_and_network(void **into, vkvm_conn *conn)
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

static void make_snapshots(void **into, vkvm_conn *conn, vkvm_domain *dom)
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

static void make_on_daemon(void **into)
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

static void make_handles(void **into)
{
    vkvm_error *err = NULL;
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = NULL;
    vkvm_value *value = NULL;
    vkvm_stream *stream = NULL;
    vkvm_host *host = NULL;
    vkvm_fleet *fleet = NULL;
    vkvm_event_queue *queue = NULL;
    const char *const uris[] = { fleet_uri };
    must(vkvm_event_queue_new(8, &queue, &err), err, "the queue");
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    must(vkvm_value_from_json("{\"text\":[1]}", &value, &err), err, "the value");
    must(vkvm_conn_new_stream(conn, 0, &stream, &err), err, "the stream");
    must(vkvm_host_new(conn, &host, &err), err, "the host");
    must(vkvm_fleet_open(uris, 1, 20000, &fleet, &err), err, "the fleet");
    vkvm_domain_get_name(NULL, NULL, &err);
    into[CLASS_CONN] = conn;
    into[CLASS_DOMAIN] = dom;
    into[CLASS_VALUE] = value;
    into[CLASS_ERROR] = err;
    into[CLASS_STREAM] = stream;
    into[CLASS_EVENT_QUEUE] = queue;
    into[CLASS_HOST] = host;
    into[CLASS_FLEET] = fleet;
    make_storage_and_network(into, conn);
    make_snapshots(into, conn, dom);
    if (daemon_uri)
        make_on_daemon(into);
}

static void free_handles(void **handles)
{
    vkvm_conn_free(handles[CLASS_CONN]);
    vkvm_domain_free(handles[CLASS_DOMAIN]);
    vkvm_stream_free(handles[CLASS_STREAM]);
    vkvm_event_queue_free(handles[CLASS_EVENT_QUEUE]);
    vkvm_host_free(handles[CLASS_HOST]);
    vkvm_fleet_free(handles[CLASS_FLEET]);
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

/* Whether there is no object to call the function on. */
static bool lacks_object(const struct function *function)
{
    return function->count && function->params[0].shape == HANDLE &&
           !live[function->params[0].class];
}

/* --- right parameters ------------------------------------------------------ */

static unsigned char outputs[MOST_PARAMETERS][16], untouched[16];
static uint8_t sixteen[16];
static int integers[1];
static const char *texts[] = { "text" }, *not_utf8[] = { "a\xff" }, *no_text[] = { NULL };

static void never(void)
{
    printf("Bail out! a callback was called\n");
    exit(1);
}

/* A visitor is nothing but function pointers, as many as it has members. */
static union {
    vkvm_value_visitor visitor;
    void (*members[sizeof(vkvm_value_visitor) / sizeof(void (*)(void))])(void);
} visitor;

static void set_right(const struct function *function, union argument *arguments)
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

/* --- one parameter wrong ---------------------------------------------------- */

static bool complain(const char *what, const char *happened)
{
    diag("%s: %s", what, happened);
    return false;
}

/* Calls with what has been prepared, and checks what the failure looks like. */
static bool is_refused(const struct function *function, union argument *arguments, size_t wrong,
                       int code, const char *what)
{
    vkvm_error *err = NULL;
    const char *blamed, *name = function->params[wrong].name;
    bool right = true;
    if (function->call(arguments, &err) != -1)
        return complain(what, "was accepted");
    if (!err)
        return complain(what, "gave no error");
    blamed = vkvm_error_parameter(err);
    if (!blamed || strcmp(blamed, name) != 0)
        right = complain(what, blamed ? blamed : "no parameter was blamed");
    if (strncmp(vkvm_error_message(err), name, strlen(name)) != 0)
        right = complain(what, "the message does not begin with the parameter");
    if (vkvm_error_code(err) != code || vkvm_error_domain(err) != VKVM_ERROR_FROM_VKVM)
        right = complain(what, vkvm_error_message(err));
    if (!vkvm_error_function(err) || strcmp(vkvm_error_function(err), function->name) != 0)
        right = complain(what, "the error does not name the function");
    vkvm_error_free(err);
    for (size_t i = 0; i < function->count; i++)
        if (memcmp(outputs[i], untouched, sizeof untouched) != 0)
            right = complain(what, "an output was touched");
    if (function->call(arguments, NULL) != -1)
        right = complain(what, "was accepted without a place for the error");
    return right;
}

/* As is_refused, with one pointer replaced. */
static bool pointer_refused(const struct function *function, size_t wrong, void *pointer, int code,
                            const char *what)
{
    union argument arguments[MOST_PARAMETERS];
    set_right(function, arguments);
    arguments[wrong].pointer = pointer;
    return is_refused(function, arguments, wrong, code, what);
}

/* As is_refused, with the length of a parameter that is in order replaced. */
static bool length_refused(const struct function *function, size_t wrong, uint64_t length,
                           const char *what)
{
    union argument arguments[MOST_PARAMETERS];
    set_right(function, arguments);
    arguments[wrong + 1].integer = length;
    return is_refused(function, arguments, wrong, VKVM_ERROR_OWN_TOO_LARGE, what);
}

/* Wrong words where a handle belongs; `list`: in the list of handles. */
static bool handles_refused(const struct function *function, size_t wrong, bool list)
{
    const struct parameter *param = &function->params[wrong];
    int local = 0;
    struct { void *word; int code; const char *what; } cases[] = {
        { &local, VKVM_ERROR_OWN_FOREIGN_HANDLE, "the address of a variable" },
        { (void *)1, VKVM_ERROR_OWN_FOREIGN_HANDLE, "1" },
        { (void *)-1, VKVM_ERROR_OWN_FOREIGN_HANDLE, "-1" },
        { NULL, VKVM_ERROR_OWN_NULL, "NULL" },
    };
    bool right = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!cases[i].word && param->nullable && !list)
            continue;
        right &= pointer_refused(function, wrong, list ? (void *)&cases[i].word : cases[i].word,
                                 cases[i].code, cases[i].what);
    }
    for (int class = 0; class < CLASSES; class++) {
        if (!live[class])
            continue;
        bool same = class == (int)param->class || param->shape == ANY_HANDLE;
        int code = same ? VKVM_ERROR_OWN_STALE_HANDLE : VKVM_ERROR_OWN_WRONG_CLASS;
        right &= pointer_refused(function, wrong, list ? (void *)&stale[class] : stale[class],
                                 code, "a freed handle");
        if (!same)
            right &= pointer_refused(function, wrong, list ? (void *)&live[class] : live[class],
                                     code, class_names[class]);
    }
    return right;
}

static void try_wrong(const struct function *function, size_t i)
{
    const struct parameter *param = &function->params[i];
    bool right = true;
    switch (param->shape) {
    case HANDLE:
    case ANY_HANDLE:
        right = handles_refused(function, i, false);
        break;
    case HANDLES:
        right = pointer_refused(function, i, NULL, VKVM_ERROR_OWN_NULL, "NULL for one") &
                handles_refused(function, i, true) &
                length_refused(function, i, SIZE_MAX, "2^64 - 1 handles") &
                length_refused(function, i, SIZE_MAX / sizeof(void *) + 2, "a wrapped length");
        break;
    case TEXT:
        right = pointer_refused(function, i, "a\xff", VKVM_ERROR_OWN_NOT_UTF8, "not UTF-8") &
                pointer_refused(function, i, "\xed\xa0\x80", VKVM_ERROR_OWN_NOT_UTF8,
                                "a surrogate") &
                (param->nullable ||
                 pointer_refused(function, i, NULL, VKVM_ERROR_OWN_NULL, "NULL"));
        break;
    case TEXTS:
        right = pointer_refused(function, i, not_utf8, VKVM_ERROR_OWN_NOT_UTF8, "not UTF-8") &
                pointer_refused(function, i, no_text, VKVM_ERROR_OWN_NULL, "NULL for one") &
                pointer_refused(function, i, NULL, VKVM_ERROR_OWN_NULL, "NULL for some") &
                length_refused(function, i, SIZE_MAX, "2^64 - 1 texts") &
                length_refused(function, i, SIZE_MAX / sizeof(char *) + 2, "a wrapped length");
        break;
    case BYTES:
    case INTS:
        right = pointer_refused(function, i, NULL, VKVM_ERROR_OWN_NULL, "NULL for some") &
                length_refused(function, i, SIZE_MAX, "2^64 - 1 items");
        break;
    case CALLBACK:
    case VISITOR:
    case OUT:
        if (param->nullable)
            return;
        right = pointer_refused(function, i, NULL, VKVM_ERROR_OWN_NULL, "NULL");
        break;
    case USERDATA: case INTEGER: case DOUBLE: case LENGTH:
        return; /* whatever it is, it is right or up to libvirt; see extremes() */
    }
    ok(right, "%s: %s", function->name, param->name);
}

/* Functions that return no status give nothing for a wrong handle. */
static void try_direct(const struct function *function)
{
    union argument arguments[MOST_PARAMETERS];
    bool right = true;
    int local = 0;
    set_right(function, arguments);
    arguments[0].pointer = NULL;
    right &= function->call(arguments, NULL) == 0;
    if (function->params[0].shape == HANDLE) {
        void *words[] = { &local, (void *)1, (void *)-1 };
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            arguments[0].pointer = words[i];
            right &= function->call(arguments, NULL) == 0;
        }
        for (int class = 0; class < CLASSES; class++) {
            arguments[0].pointer = stale[class];
            right &= function->call(arguments, NULL) == 0;
            arguments[0].pointer = live[class];
            if (class != (int)function->params[0].class)
                right &= function->call(arguments, NULL) == 0;
        }
    }
    ok(right, "%s: whatever it gets", function->name);
}

/* What frees says so: its first parameter is consumed, and NULL is nothing to free. */
static void frees_as_said(const struct function *function)
{
    union argument nothing[MOST_PARAMETERS];
    size_t length = strlen(function->name);
    bool frees = length > 5 && strcmp(function->name + length - 5, "_free") == 0;
    for (size_t i = 0; i < function->count; i++) {
        const struct parameter *param = &function->params[i];
        if (!frees && !param->consumed)
            continue;
        if (i > 0)
            ok(!param->consumed, "%s: %s is not consumed", function->name, param->name);
        else if (ok(frees && param->consumed, "%s: %s is consumed", function->name, param->name) &&
                 function->returns == NOTHING) {
            memset(nothing, 0, sizeof nothing);
            ok(param->nullable && function->call(nothing, NULL) == 0, "%s ignores NULL",
               function->name);
        }
    }
}

/* --- all parameters right ---------------------------------------------------- */

static void free_outputs(const struct function *function)
{
    for (size_t i = 0; i < function->count; i++) {
        void *thing;
        size_t length = 0;
        if (!function->params[i].release)
            continue;
        memcpy(&thing, outputs[i], sizeof thing);
        if (i + 1 < function->count)
            memcpy(&length, outputs[i + 1], sizeof length);
        function->params[i].release(thing, length);
    }
}

/* Where NULL may be passed it is not refused: what libvirt says to it, counts. */
static void try_null(const struct function *function, size_t i)
{
    const struct parameter *param = &function->params[i];
    union argument arguments[MOST_PARAMETERS];
    vkvm_error *err = NULL;
    if (!param->nullable || param->shape == OUT || param->shape == CALLBACK ||
        param->shape == USERDATA)
        return;
    set_right(function, arguments);
    arguments[i].pointer = NULL;
    if (i + 1 < function->count && function->params[i + 1].shape == LENGTH)
        arguments[i + 1].integer = 0;
    if (function->call(arguments, &err) == 0)
        free_outputs(function);
    ok(!err || vkvm_error_code(err) != VKVM_ERROR_OWN_NULL, "%s takes NULL for %s",
       function->name, param->name);
    vkvm_error_free(err);
}

/* On success *error stays what it was; on failure that does not matter. */
static void try_right(const struct function *function)
{
    union argument arguments[MOST_PARAMETERS];
    vkvm_error *sentinel = (vkvm_error *)0x5A5A, *err = sentinel;
    set_right(function, arguments);
    if (function->call(arguments, &err) == 0) {
        ok(err == sentinel, "%s leaves the error alone", function->name);
        if (strcmp(function->name, "vkvm_value_get_handle") != 0)
            free_outputs(function);
        return;
    }
    ok(err != sentinel && vkvm_error_code(err) != 0, "%s fails with an error", function->name);
    vkvm_error_free(err);
    bool touched = false;
    for (size_t i = 0; i < function->count; i++)
        touched |= memcmp(outputs[i], untouched, sizeof untouched) != 0;
    ok(!touched, "%s then leaves its outputs alone", function->name);
}

/* Numbers that make no sense are refused or not, but never bring it down. */
static void extremes(const struct function *function)
{
    static const uint64_t numbers[] = { UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN, UINT32_MAX,
                                        INT32_MAX, (uint32_t)INT32_MIN, 4711 };
    union argument arguments[MOST_PARAMETERS];
    bool any = false;
    for (size_t i = 0; i < function->count; i++) {
        if (function->params[i].shape != INTEGER)
            continue;
        any = true;
        for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++) {
            set_right(function, arguments);
            arguments[i].integer = numbers[j];
            if (function->call(arguments, NULL) == 0)
                free_outputs(function);
        }
    }
    if (any)
        ok(true, "%s survives any number", function->name);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What needs a callback is in events.c. */
static bool needs_callback(const struct function *function)
{
    for (size_t i = 0; i < function->count; i++)
        if (function->params[i].shape == CALLBACK && !function->params[i].nullable)
            return true;
    return false;
}

/* Not for numbers of the event loop, which would be used later. */
static bool takes_extremes(const struct function *function)
{
    for (size_t i = 0; i < function->count; i++)
        if (function->params[i].shape == CALLBACK)
            return false;
    return function->returns == STATUS && !has_prefix(function->name, "vkvm_event_");
}

/* Each function has a line of its own here, so that none is left out. */
static void nothing_wrong(const struct function *function, int before)
{
    if (tap_count == before)
        ok(true, "%s: nothing can be wrong", function->name);
}

int main(int argc, char **argv)
{
    daemon_uri = argc > 1 ? argv[1] : NULL;
    memset(untouched, 0xA5, sizeof untouched);
    for (size_t i = 0; i < sizeof visitor.members / sizeof *visitor.members; i++)
        visitor.members[i] = never;
    make_fleet_host();
    make_handles(stale);
    free_handles(stale);
    make_handles(live);
    for (int class = 0; daemon_uri && class < CLASSES; class++)
        ok(live[class] != NULL, "there is an object: %s", class_names[class]);
    for (size_t f = 0; f < FUNCTIONS; f++) {
        int before = tap_count;
        if (functions[f].returns != STATUS)
            try_direct(&functions[f]);
        size_t count = lacks_object(&functions[f]) ? 1 : functions[f].count;
        for (size_t i = 0; functions[f].returns == STATUS && i < count; i++)
            try_wrong(&functions[f], i);
        nothing_wrong(&functions[f], before);
    }
    for (size_t f = 0; f < FUNCTIONS; f++)
        frees_as_said(&functions[f]);
    for (size_t f = 0; f < FUNCTIONS; f++)
        if (functions[f].harmless && !lacks_object(&functions[f]))
            try_right(&functions[f]);
    setenv("LIBVIRT_DEFAULT_URI", fleet_uri, 1); /* that is NULL to who opens */
    for (size_t f = 0; f < FUNCTIONS; f++)
        for (size_t i = 0; i < functions[f].count; i++)
            if (functions[f].returns == STATUS && !lacks_object(&functions[f]) &&
                !needs_callback(&functions[f]))
                try_null(&functions[f], i);
    for (size_t f = 0; f < FUNCTIONS; f++)
        if (takes_extremes(&functions[f]) && !lacks_object(&functions[f]))
            extremes(&functions[f]);
    free_handles(live);
    no_handles_left();
    unlink(fleet_host);
    return done();
}
