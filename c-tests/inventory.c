/*
 * Inventories: rows of daemons that other clients change, that stop, die and come back.
 *
 * usage: inventory URI PID OTHER-URI OTHER-PID OTHER-KILL OTHER-RESTART SCRATCH
 *
 * tests: inventory inventory.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "daemons.h"

enum { SHORT_MS = 1000 };

static vkvm_error *err;
static const char *uri, *other_uri, *kill_other, *restart_other, *scratch;
static pid_t other_pid;

/* --- values ---------------------------------------------------------------------------------- */

/* A value of text like JSON, with ' in place of ". */
__attribute__((format(printf, 1, 2)))
static vkvm_value *json(const char *format, ...)
{
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *at = text; *at; at++)
        if (*at == '\'')
            *at = '"';
    return from_json(text);
}

static size_t length_at(vkvm_value *value, const char *path)
{
    size_t length = 0;
    must(vkvm_value_get_length(value, path, &length, &err), err, path);
    return length;
}

static bool bool_at(vkvm_value *value, const char *path)
{
    bool truth = false;
    must(vkvm_value_get_bool(value, path, &truth, &err), err, path);
    return truth;
}

static bool is_null_at(vkvm_value *value, const char *path)
{
    int kind = -1;
    must(vkvm_value_get_kind(value, path, &kind, &err), err, path);
    return kind == VKVM_VALUE_NULL;
}

static void is_bool_at(vkvm_value *value, const char *path, bool wanted, const char *name)
{
    ok(bool_at(value, path) == wanted, "%s", name);
}

static void show(vkvm_value *value)
{
    char *text = NULL;
    must(vkvm_value_to_json(value, 0, &text, &err), err, "to JSON");
    diag("%.900s", text);
    vkvm_string_free(text);
}

/* --- inventories ----------------------------------------------------------------------------- */

static vkvm_inventory *open_with(const char *options)
{
    const char *const uris[] = { uri };
    vkvm_inventory *inventory = NULL;
    vkvm_value *map = json("%s", options);
    works(vkvm_inventory_open(uris, 1, map, &inventory, &err), &err, "an inventory");
    vkvm_value_free(map);
    return inventory;
}

static vkvm_inventory *open_both(const char *options)
{
    const char *const uris[] = { uri, other_uri };
    vkvm_inventory *inventory = NULL;
    vkvm_value *map = json("%s", options);
    works(vkvm_inventory_open(uris, 2, map, &inventory, &err), &err, "an inventory of two hosts");
    vkvm_value_free(map);
    return inventory;
}

static vkvm_value *snapshot(vkvm_inventory *inventory, const char *filter)
{
    vkvm_value *map = json("%s", filter), *value = NULL;
    must(vkvm_inventory_get_snapshot(inventory, map, &value, &err), err, filter);
    vkvm_value_free(map);
    return value;
}

static vkvm_value *wait_rows(vkvm_inventory *inventory, const char *condition, const char *name)
{
    vkvm_value *map = json("%s", condition), *value = NULL;
    bool worked = works(vkvm_inventory_wait(inventory, map, PATIENCE * 1000, &value, &err), &err, name);
    vkvm_value_free(map);
    if (!worked) {
        must(vkvm_inventory_get_hosts(inventory, &value, &err), err, "the hosts");
        show(value);
        vkvm_value_free(value);
        value = NULL;
    }
    return value;
}

static void waits(vkvm_inventory *inventory, const char *condition, const char *name)
{
    vkvm_value_free(wait_rows(inventory, condition, name));
}

static void refresh(vkvm_inventory *inventory)
{
    must(vkvm_inventory_refresh(inventory, NULL, PATIENCE * 1000, &err), err, "a refresh");
}

/* All that is known, but for how old it is. */
static const char *const everything =
    "{'fields': ['host', 'kind', 'name', 'uuid', 'id', 'state', 'reason', 'persistent', 'autostart',"
    " 'title', 'description', 'vcpus', 'memory', 'max_memory', 'managed_save', 'has_snapshots',"
    " 'os_type', 'capacity', 'allocation', 'available', 'model', 'cpus', 'driver', 'version',"
    " 'path', 'type', 'pool']}";

static vkvm_value *rows_of(vkvm_inventory *inventory)
{
    vkvm_value *all = snapshot(inventory, everything), *rows = NULL;
    must(vkvm_value_get(all, "rows", &rows, &err), err, "the rows");
    vkvm_value_free(all);
    return rows;
}

/* What an inventory has is what one has that is opened now. */
static void is_like_new(vkvm_inventory *inventory, const char *options, const char *name)
{
    vkvm_inventory *fresh = open_with(options);
    refresh(fresh);
    vkvm_value *here = rows_of(inventory), *there = rows_of(fresh);
    bool is_equal = false;
    must(vkvm_value_equal(here, there, &is_equal, &err), err, "compared");
    if (!ok(is_equal, "%s", name)) {
        show(here);
        show(there);
    }
    vkvm_value_free(here);
    vkvm_value_free(there);
    vkvm_inventory_free(fresh);
}

static const char all_kinds[] = "{'kinds': ['node', 'domain', 'network', 'pool', 'volume'], 'refresh': 0}";

/* The state of a host, by its place. */
static char *state_of(vkvm_inventory *inventory, int place)
{
    char path[40], *state = NULL;
    vkvm_value *hosts = NULL;
    must(vkvm_inventory_get_hosts(inventory, &hosts, &err), err, "the hosts");
    snprintf(path, sizeof path, "%d.state", place);
    must(vkvm_value_get_string(hosts, path, &state, &err), err, path);
    vkvm_value_free(hosts);
    return state;
}

static bool is_in_state(vkvm_inventory *inventory, int place, const char *wanted)
{
    char *state = state_of(inventory, place);
    bool is = strcmp(state, wanted) == 0;
    vkvm_string_free(state);
    return is;
}

static bool comes_to(vkvm_inventory *inventory, int place, const char *wanted)
{
    for (double end = now() + PATIENCE; now() < end; usleep(5000))
        if (is_in_state(inventory, place, wanted))
            return true;
    return false;
}

/* --- what is refused --------------------------------------------------------------------------- */

static void refuses_option(const char *options, int code, const char *name)
{
    const char *const uris[] = { uri };
    vkvm_inventory *inventory = NULL;
    vkvm_value *map = json("%s", options);
    fails(vkvm_inventory_open(uris, 1, map, &inventory, &err), &err, code, "options", name);
    ok(!inventory, "there is no inventory");
    vkvm_value_free(map);
}

static void refuses_filter(vkvm_inventory *inventory, const char *filter, int code, const char *name)
{
    vkvm_value *map = json("%s", filter), *value = NULL;
    fails(vkvm_inventory_get_snapshot(inventory, map, &value, &err), &err, code, "filter", name);
    vkvm_value_free(map);
}

static void refusals(void)
{
    const char *const twice[] = { uri, uri };
    vkvm_inventory *inventory = NULL;
    vkvm_event_queue *queue = NULL;
    vkvm_value *value = NULL, *map;
    char *text = NULL;
    fails(vkvm_inventory_open(NULL, 0, NULL, &inventory, &err), &err, VKVM_ERROR_OWN_INVALID, "uris",
          "an inventory of no hosts is refused");
    fails(vkvm_inventory_open(twice, 2, NULL, &inventory, &err), &err, VKVM_ERROR_OWN_INVALID, "uris",
          "a host is there once");
    refuses_option("{'kind': 'domain'}", VKVM_ERROR_OWN_NOT_FOUND, "an unknown option");
    refuses_option("{'kinds': ['domains']}", VKVM_ERROR_OWN_NOT_FOUND, "an unknown kind");
    refuses_option("{'timeout_ms': 'long'}", VKVM_ERROR_OWN_INVALID, "a timeout that is no number");
    refuses_option("{'refresh': 0}", VKVM_ERROR_OWN_INVALID, "events only, without an event loop");
    inventory = open_with("{}");
    refuses_filter(inventory, "{'states': 'running'}", VKVM_ERROR_OWN_NOT_FOUND, "an unknown key");
    refuses_filter(inventory, "{'state': 'runing'}", VKVM_ERROR_OWN_NOT_FOUND, "an unknown state");
    refuses_filter(inventory, "{'kind': 'volume'}", VKVM_ERROR_OWN_NOT_FOUND, "a kind that is not kept");
    refuses_filter(inventory, "{'fields': ['nam']}", VKVM_ERROR_OWN_NOT_FOUND, "an unknown field");
    refuses_filter(inventory, "{'sort': ['-nam']}", VKVM_ERROR_OWN_NOT_FOUND, "an unknown field to sort by");
    refuses_filter(inventory, "{'uuid': 'nonesuch'}", VKVM_ERROR_OWN_INVALID, "what is no UUID");
    fails(vkvm_inventory_get(inventory, "domain", NULL, "nonesuch", &value, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "name", "a domain that is not there");
    fails(vkvm_inventory_get(inventory, "domain", "nonesuch", "test", &value, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "host", "a host that is not there");
    fails(vkvm_inventory_get(inventory, "volume", NULL, "test", &value, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "kind", "a kind that is not kept");
    fails(vkvm_inventory_get_xml(inventory, "domain", NULL, "nonesuch", 1000, &text, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "name", "the XML of a domain that is not there");
    fails(vkvm_inventory_refresh(inventory, "nonesuch", 1000, &err), &err, VKVM_ERROR_OWN_NOT_FOUND,
          "host", "a refresh of a host that is not there");
    map = json("{'absent': true, 'count': 1}");
    fails(vkvm_inventory_wait(inventory, map, 1000, &value, &err), &err, VKVM_ERROR_OWN_INVALID,
          "condition", "a condition that contradicts itself");
    vkvm_value_free(map);
    map = json("{'name': 'nonesuch'}");
    fails(vkvm_inventory_wait(inventory, map, 20, &value, &err), &err, VKVM_ERROR_OWN_TIMEOUT, NULL,
          "a condition that is not met in time");
    vkvm_value_free(map);
    map = json("{'host': 'nonesuch', 'absent': true}");
    fails(vkvm_inventory_wait(inventory, map, 20, &value, &err), &err, VKVM_ERROR_OWN_TIMEOUT, NULL,
          "what is absent of a host that is not known");
    vkvm_value_free(map);
    map = json("{'kind': ['domain', 'domain'], 'count': 2}");
    fails(vkvm_inventory_wait(inventory, map, 20, &value, &err), &err, VKVM_ERROR_OWN_TIMEOUT, NULL,
          "a domain whose kind is named twice counts once");
    vkvm_value_free(map);
    must(vkvm_event_queue_new(8, &queue, &err), err, "a queue");
    fails(vkvm_inventory_unwatch(inventory, queue, &err), &err, VKVM_ERROR_OWN_INVALID, "queue",
          "a queue that does not watch");
    works(vkvm_inventory_watch(inventory, queue, 1, &err), &err, "watch");
    fails(vkvm_inventory_watch(inventory, queue, 2, &err), &err, VKVM_ERROR_OWN_INVALID, "queue",
          "a queue that watches already");
    works(vkvm_inventory_unwatch(inventory, queue, &err), &err, "unwatch");
    works(vkvm_inventory_close(inventory, &err), &err, "close");
    works(vkvm_inventory_close(inventory, &err), &err, "close once more");
    fails(vkvm_inventory_get_snapshot(inventory, NULL, &value, &err), &err,
          VKVM_ERROR_OWN_STALE_HANDLE, "inventory", "a snapshot of one that is closed");
    fails(vkvm_inventory_watch(inventory, queue, 1, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE,
          "inventory", "watching one that is closed");
    vkvm_inventory_free(inventory);
    vkvm_event_queue_free(queue);
}

/* --- what is known ------------------------------------------------------------------------------- */

static void fill(void)
{
    vkvm_inventory *inventory = open_with("{'kinds': ['node', 'domain', 'network', 'pool', 'volume']}");
    vkvm_value *value, *row = NULL;
    char *xml = NULL;
    refresh(inventory);
    value = snapshot(inventory, "{'kind': 'domain'}");
    is_int((int64_t)length_at(value, "rows"), 1, "one domain");
    is_str_at(value, "rows.0.host", uri, "its host");
    is_str_at(value, "rows.0.kind", "domain", "its kind");
    is_str_at(value, "rows.0.name", "test", "its name");
    is_str_at(value, "rows.0.uuid", TEST_UUID, "its uuid");
    is_int(int_at(value, "rows.0.id"), 1, "its id");
    is_str_at(value, "rows.0.state", "running", "its state");
    is_str_at(value, "rows.0.reason", "unknown", "its reason");
    is_bool_at(value, "rows.0.persistent", true, "it is persistent");
    is_bool_at(value, "rows.0.autostart", false, "it does not start with its host");
    is_str_at(value, "rows.0.title", "", "its title");
    is_str_at(value, "rows.0.os_type", "hvm", "its OS type");
    is_int(int_at(value, "rows.0.memory"), 2097152, "its memory");
    is_int(int_at(value, "rows.0.max_memory"), 8388608, "its maximum memory");
    is_int(int_at(value, "rows.0.vcpus"), 2, "its vCPUs");
    is_bool_at(value, "rows.0.managed_save", false, "it has no managed save image");
    is_bool_at(value, "rows.0.has_snapshots", false, "and no snapshots");
    ok(int_at(value, "rows.0.age") < PATIENCE * 1000, "its age");
    is_bool_at(value, "rows.0.stale", false, "it is current");
    vkvm_value_free(value);
    value = snapshot(inventory, "{'kind': 'domain', 'raw': true, 'fields': 'state'}");
    is_int(int_at(value, "rows.0.state"), VKVM_DOMAIN_STATE_RUNNING, "a state as a number");
    vkvm_value_free(value);
    value = snapshot(inventory, "{'kind': 'pool'}");
    is_str_at(value, "rows.0.name", "default-pool", "a pool");
    is_str_at(value, "rows.0.state", "running", "its state");
    ok(int_at(value, "rows.0.capacity") > 0, "its size");
    vkvm_value_free(value);
    works(vkvm_inventory_get(inventory, "network", NULL, "default", &row, &err), &err, "a network");
    is_str_at(row, "state", "active", "its state");
    vkvm_value_free(row);
    value = snapshot(inventory, "{'kind': ['node', 'network'], 'sort': '-kind', 'fields': ['kind']}");
    is_str_at(value, "rows.0.kind", "network", "rows are sorted");
    is_str_at(value, "rows.1.kind", "node", "the other way round");
    vkvm_value_free(value);
    works(vkvm_inventory_get(inventory, "domain", uri, TEST_UUID, &row, &err), &err, "by uuid");
    vkvm_value_free(row);
    works(vkvm_inventory_get_xml(inventory, "domain", NULL, "test", 10000, &xml, &err), &err, "its XML");
    has_text(xml, "<name>test</name>", "is its description");
    vkvm_string_free(xml);
    must(vkvm_inventory_get_hosts(inventory, &value, &err), err, "the hosts");
    is_str_at(value, "0.uri", uri, "the host");
    is_str_at(value, "0.state", "up", "is up");
    is_int(int_at(value, "0.counts.domain"), 1, "it has a domain");
    is_int(int_at(value, "0.pending"), 0, "all is known");
    is_bool_at(value, "0.events", false, "without an event loop there are no events");
    vkvm_value_free(value);
    /* Somebody runs the event loop now. */
    must(vkvm_event_start(&err), err, "the event loop");
    refresh(inventory);
    must(vkvm_inventory_get_hosts(inventory, &value, &err), err, "the hosts");
    is_bool_at(value, "0.events", true, "with one the connection is replaced");
    vkvm_value_free(value);
    vkvm_inventory_free(inventory);
}

/* --- what others change ----------------------------------------------------------------------- */

struct watcher {
    vkvm_event_queue *queue;
    int64_t generation;
};

static struct watcher watch(vkvm_inventory *inventory, size_t capacity)
{
    struct watcher watcher = { NULL, 0 };
    must(vkvm_event_queue_new(capacity, &watcher.queue, &err), err, "a queue");
    must(vkvm_inventory_watch(inventory, watcher.queue, 42, &err), err, "watch");
    vkvm_value *value = snapshot(inventory, "{}");
    watcher.generation = int_at(value, "generation");
    vkvm_value_free(value);
    return watcher;
}

/* The next change, which has the next number. */
static vkvm_value *next_change(struct watcher *watcher, const char *change, const char *name)
{
    vkvm_value *entry = NULL;
    must(vkvm_event_queue_next(watcher->queue, PATIENCE * 1000, &entry, &err), err, name);
    if (!ok(entry != NULL, "%s", name))
        return NULL;
    char *text = NULL;
    must(vkvm_value_get_string(entry, "change", &text, &err), err, "change");
    if (!is_own_str(text, change, change) || int_at(entry, "generation") != watcher->generation + 1)
        show(entry);
    is_int(int_at(entry, "generation"), ++watcher->generation, "it has the next number");
    return entry;
}

static void no_more_changes(struct watcher *watcher, const char *name)
{
    vkvm_value *entry = NULL;
    must(vkvm_event_queue_next(watcher->queue, 0, &entry, &err), err, name);
    if (!ok(!entry, "%s", name))
        show(entry);
    vkvm_value_free(entry);
}

static void changes(void)
{
    vkvm_inventory *inventory = open_with(all_kinds);
    vkvm_conn *conn = open_conn(uri, 0);
    vkvm_value *entry, *row = NULL;
    char *xml = NULL;
    refresh(inventory);
    struct watcher watcher = watch(inventory, 1000);

    vkvm_domain *dom = define_probe(conn);
    entry = next_change(&watcher, "added", "a domain is defined");
    is_str_at(entry, "class", "inventory", "the class of the entry");
    is_int(int_at(entry, "tag"), 42, "its tag");
    is_str_at(entry, "kind", "domain", "its kind");
    is_str_at(entry, "host", uri, "its host");
    is_str_at(entry, "name", "probe", "its name");
    is_str_at(entry, "uuid", PROBE_UUID, "its uuid");
    ok(is_null_at(entry, "before"), "it was not there before");
    is_str_at(entry, "after.state", "shutoff", "its state");
    is_str_at(entry, "after.title", "", "its title is known");
    is_str_at(entry, "after.os_type", "hvm", "and its OS type");
    is_int(int_at(entry, "after.id"), -1, "it has no id");
    vkvm_value_free(entry);

    must(vkvm_domain_create(dom, 0, &err), err, "create");
    entry = next_change(&watcher, "changed", "it is started");
    is_str_at(entry, "before.state", "shutoff", "it was off");
    is_str_at(entry, "after.state", "running", "it runs");
    is_str_at(entry, "after.reason", "booted", "why");
    ok(int_at(entry, "after.id") > 0, "it has an id");
    vkvm_value_free(entry);

    must(vkvm_domain_suspend(dom, &err), err, "suspend");
    entry = next_change(&watcher, "changed", "it is suspended");
    is_int((int64_t)length_at(entry, "after"), 2, "state and reason have changed");
    is_str_at(entry, "after.state", "paused", "it is paused");
    vkvm_value_free(entry);

    must(vkvm_domain_set_metadata(dom, VKVM_DOMAIN_METADATA_TITLE, "R&D <1>", NULL, NULL, 0, &err), err,
         "set_metadata");
    entry = next_change(&watcher, "changed", "it has a title");
    is_str_at(entry, "before.title", "", "it had none");
    is_str_at(entry, "after.title", "R&D <1>", "the title");
    vkvm_value_free(entry);

    works(vkvm_inventory_get_xml(inventory, "domain", NULL, PROBE_UUID, 10000, &xml, &err), &err, "its XML");
    has_text(xml, "R&amp;D &lt;1&gt;", "has the title");
    vkvm_string_free(xml);
    must(vkvm_domain_set_metadata(dom, VKVM_DOMAIN_METADATA_TITLE, "other", NULL, NULL, 0, &err), err,
         "set_metadata");
    vkvm_value_free(next_change(&watcher, "changed", "it has another title"));
    works(vkvm_inventory_get_xml(inventory, "domain", NULL, "probe", 10000, &xml, &err), &err, "its XML");
    has_text(xml, "<title>other</title>", "is not the one that was kept");
    vkvm_string_free(xml);

    must(vkvm_domain_set_autostart(dom, 1, &err), err, "set_autostart");
    refresh(inventory);
    entry = next_change(&watcher, "changed", "a refresh finds what has no event");
    is_bool_at(entry, "after.autostart", true, "it starts with its host");
    vkvm_value_free(entry);
    is_like_new(inventory, all_kinds, "all is as it is");

    vkvm_domain_snapshot *point = NULL;
    must(vkvm_domain_create_snapshot(dom, "<domainsnapshot><name>s</name></domainsnapshot>", 0, &point, &err),
         err, "create_snapshot");
    refresh(inventory);
    entry = next_change(&watcher, "changed", "so it does a snapshot");
    is_bool_at(entry, "after.has_snapshots", true, "it has one");
    vkvm_value_free(entry);
    must(vkvm_domain_snapshot_delete(point, 0, &err), err, "delete");
    vkvm_domain_snapshot_free(point);
    refresh(inventory);
    vkvm_value_free(next_change(&watcher, "changed", "and that it is gone"));

    must(vkvm_domain_resume(dom, &err), err, "resume");
    vkvm_value_free(next_change(&watcher, "changed", "it goes on"));
    must(vkvm_domain_managed_save(dom, 0, &err), err, "managed_save");
    entry = next_change(&watcher, "changed", "it is saved");
    is_str_at(entry, "after.state", "shutoff", "it is off");
    is_str_at(entry, "after.reason", "saved", "why");
    is_bool_at(entry, "after.managed_save", true, "and its memory is kept");
    vkvm_value_free(entry);
    must(vkvm_domain_create(dom, 0, &err), err, "create");
    entry = next_change(&watcher, "changed", "it is restored");
    is_bool_at(entry, "after.managed_save", false, "from that");
    vkvm_value_free(entry);

    must(vkvm_domain_destroy(dom, 0, &err), err, "destroy");
    entry = next_change(&watcher, "changed", "it is destroyed");
    is_str_at(entry, "after.reason", "destroyed", "why it is off");
    vkvm_value_free(entry);
    must(vkvm_domain_rename(dom, "other", 0, &err), err, "rename");
    entry = next_change(&watcher, "changed", "it is renamed");
    is_int((int64_t)length_at(entry, "after"), 1, "nothing else has changed");
    is_str_at(entry, "before.name", "probe", "what it was called");
    is_str_at(entry, "name", "other", "what it is called");
    vkvm_value_free(entry);
    must(vkvm_domain_rename(dom, "probe", 0, &err), err, "rename");
    vkvm_value_free(next_change(&watcher, "changed", "it is renamed back"));
    must(vkvm_domain_undefine(dom, 0, &err), err, "undefine");
    entry = next_change(&watcher, "removed", "it is undefined");
    is_str_at(entry, "before.name", "probe", "what it was");
    ok(is_null_at(entry, "after"), "it is not there any more");
    vkvm_value_free(entry);
    vkvm_domain_free(dom);
    fails(vkvm_inventory_get(inventory, "domain", NULL, "probe", &row, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "name", "nor in the inventory");

    vkvm_network *net = NULL;
    must(vkvm_conn_define_network(conn, "<network><name>second</name></network>", 0, &net, &err), err,
         "define_network");
    entry = next_change(&watcher, "added", "a network is defined");
    is_str_at(entry, "kind", "network", "its kind");
    is_str_at(entry, "after.state", "inactive", "it is not active");
    vkvm_value_free(entry);
    must(vkvm_network_create(net, &err), err, "create");
    entry = next_change(&watcher, "changed", "it is started");
    is_str_at(entry, "after.state", "active", "it is active");
    vkvm_value_free(entry);
    must(vkvm_network_destroy(net, &err), err, "destroy");
    vkvm_value_free(next_change(&watcher, "changed", "it is stopped"));
    must(vkvm_network_undefine(net, &err), err, "undefine");
    vkvm_value_free(next_change(&watcher, "removed", "it is undefined"));
    vkvm_network_free(net);

    vkvm_storage_pool *pool = NULL;
    vkvm_storage_vol *vol = NULL;
    char target[300];
    snprintf(target, sizeof target,
             "<pool type='dir'><name>second</name><target><path>%s</path></target></pool>", scratch);
    must(vkvm_conn_define_storage_pool(conn, target, 0, &pool, &err), err, "define_storage_pool");
    vkvm_value_free(next_change(&watcher, "added", "a pool is defined"));
    must(vkvm_storage_pool_create(pool, &err), err, "create");
    entry = next_change(&watcher, "changed", "it is started");
    is_str_at(entry, "after.state", "running", "it runs");
    vkvm_value_free(entry);
    must(vkvm_storage_pool_create_volume(pool,
                                         "<volume><name>disk</name><capacity>1048576</capacity></volume>",
                                         &vol, &err),
         err, "create_volume");
    refresh(inventory);
    waits(inventory, "{'kind': 'volume', 'name': 'disk'}", "a volume is there after a refresh");
    is_like_new(inventory, all_kinds, "all is as it is");
    must(vkvm_storage_vol_delete(vol, 0, &err), err, "delete");
    must(vkvm_storage_pool_destroy(pool, &err), err, "destroy");
    must(vkvm_storage_pool_undefine(pool, &err), err, "undefine");
    vkvm_storage_vol_free(vol);
    vkvm_storage_pool_free(pool);
    waits(inventory, "{'kind': 'pool', 'name': 'second', 'absent': true}", "the pool is gone");
    refresh(inventory);
    is_like_new(inventory, all_kinds, "and its volume");
    works(vkvm_inventory_unwatch(inventory, watcher.queue, &err), &err, "unwatch");
    vkvm_event_queue_free(watcher.queue);
    vkvm_conn_free(conn);
    vkvm_inventory_free(inventory);
}

/* --- metrics -------------------------------------------------------------------------------------- */

static void metrics(void)
{
    vkvm_inventory *inventory = open_with("{'kinds': ['domain'], 'refresh': 0}");
    char *text = NULL;
    refresh(inventory);
    works(vkvm_inventory_get_metrics(inventory, NULL, &text, &err), &err, "metrics");
    ok(strstr(text, "\nlibvirt_domains{host=") != NULL, "how many domains there are");
    ok(strstr(text, "\nlibvirt_inventory_age_seconds{host=") != NULL, "how old that is");
    ok(strstr(text, "libvirt_node") == NULL, "nothing of kinds that it has not");
    ok(strcmp(text + strlen(text) - 6, "# EOF\n") == 0, "to the end");
    vkvm_string_free(text);
    fails(vkvm_inventory_get_metrics(inventory, "xml", &text, &err), &err, VKVM_ERROR_OWN_INVALID, "format",
          "another format");
    vkvm_inventory_close(inventory, &err);
    fails(vkvm_inventory_get_metrics(inventory, NULL, &text, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE,
          "inventory", "of an inventory that has ended");
    vkvm_inventory_free(inventory);
}

/* --- events that are late ------------------------------------------------------------------------ */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool is_shut, is_open;
};

/* Keeps the event loop until the gate is open. */
static void hold_loop(vkvm_conn *conn, void *net, int id, vkvm_value *args, void *user_data)
{
    struct gate *gate = user_data;
    (void)conn, (void)net, (void)id, (void)args;
    pthread_mutex_lock(&gate->lock);
    gate->is_shut = true;
    pthread_cond_broadcast(&gate->moved);
    while (!gate->is_open)
        pthread_cond_wait(&gate->moved, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void *open_gate(void *user_data)
{
    struct gate *gate = user_data;
    usleep(300000);
    pthread_mutex_lock(&gate->lock);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->moved);
    pthread_mutex_unlock(&gate->lock);
    return NULL;
}

struct refresher {
    vkvm_inventory *inventory;
    int result;
    bool is_over;
};

static void *refresh_aside(void *user_data)
{
    struct refresher *refresher = user_data;
    refresher->result = vkvm_inventory_refresh(refresher->inventory, NULL, 60000, NULL);
    __atomic_store_n(&refresher->is_over, true, __ATOMIC_SEQ_CST);
    return NULL;
}

/* A title is only asked for after an event. One that a busy event loop has not told yet counts,
 * for it is of before the refresh. */
static void late_events(void)
{
    struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false };
    vkvm_inventory *inventory = open_with("{'kinds': ['domain'], 'refresh': 0}");
    vkvm_conn *conn = open_conn(uri, 0), *held = open_conn(uri, 0);
    vkvm_domain *dom = define_probe(conn);
    vkvm_network *net = NULL;
    vkvm_value *row = NULL;
    struct refresher refresher = { inventory, -1, false };
    pthread_t opener, first;
    int id = -1;
    refresh(inventory);
    must(vkvm_conn_network_event_register_any(held, NULL, VKVM_NETWORK_EVENT_ID_LIFECYCLE, hold_loop, &gate,
                                              NULL, &id, &err),
         err, "events of networks");
    must(vkvm_conn_create_network(conn, "<network><name>gate</name></network>", 0, &net, &err), err,
         "a network");
    pthread_mutex_lock(&gate.lock);
    while (!gate.is_shut)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    must(vkvm_domain_set_metadata(dom, VKVM_DOMAIN_METADATA_TITLE, "late", NULL, NULL, 0, &err), err,
         "a title");
    must(pthread_create(&first, NULL, refresh_aside, &refresher), NULL, "a thread");
    /* One of them begins when the first one waits for events only. */
    for (int i = 0; i < 5; i++)
        fails(vkvm_inventory_refresh(inventory, NULL, 200, &err), &err, VKVM_ERROR_OWN_TIMEOUT, NULL,
              "a refresh waits for the loop");
    ok(!__atomic_load_n(&refresher.is_over, __ATOMIC_SEQ_CST), "the comparison of one does not end another one");
    must(pthread_create(&opener, NULL, open_gate, &gate), NULL, "a thread");
    refresh(inventory);
    must(vkvm_inventory_get(inventory, "domain", NULL, "probe", &row, &err), err, "a domain");
    is_str_at(row, "title", "late", "a refresh has the events of what was done before it");
    vkvm_value_free(row);
    pthread_join(opener, NULL);
    pthread_join(first, NULL);
    is_int(refresher.result, 0, "the other one is over then, too");
    must(vkvm_conn_network_event_deregister_any(held, id, &err), err, "no more events");
    must(vkvm_network_destroy(net, &err), err, "the network ends");
    must(vkvm_domain_undefine(dom, 0, &err), err, "the domain ends");
    vkvm_network_free(net);
    vkvm_domain_free(dom);
    vkvm_conn_free(held);
    vkvm_conn_free(conn);
    vkvm_inventory_free(inventory);
}

/* More happens than a queue has room for. */
static void overflow(void)
{
    enum { DOMAINS = 200, ROOM = 16 };
    vkvm_inventory *inventory = open_with("{'refresh': 0, 'kinds': ['domain'], 'max_delay_ms': 20}");
    vkvm_conn *conn = open_conn(uri, 0);
    refresh(inventory);
    struct watcher watcher = watch(inventory, ROOM);
    vkvm_domain *doms[DOMAINS];
    for (int i = 0; i < DOMAINS; i++) {
        char xml[500];
        snprintf(xml, sizeof xml,
                 "<domain type='test'><name>many%03d</name><title>title %d</title><memory>1024</memory>"
                 "<os><type>hvm</type></os></domain>",
                 i, i);
        must(vkvm_conn_define_domain(conn, xml, 0, &doms[i], &err), err, "define");
    }
    waits(inventory, "{'name': 'many*', 'count': 200}", "all are noticed");
    refresh(inventory);
    vkvm_value *value = snapshot(inventory, "{'name': 'many*', 'fields': ['name', 'title']}");
    is_str_at(value, "rows.7.name", "many007", "in their order");
    is_str_at(value, "rows.7.title", "title 7", "with their titles");
    int64_t generation = int_at(value, "generation");
    vkvm_value_free(value);
    uint64_t lost = 0;
    must(vkvm_event_queue_get_overflow(watcher.queue, &lost, &err), err, "get_overflow");
    is_int((int64_t)lost + ROOM, generation - watcher.generation, "what is lost is counted");
    must(vkvm_event_queue_drain(watcher.queue, ROOM, &value, &err), err, "drain");
    is_int((int64_t)length_at(value, NULL), ROOM, "the rest is there");
    vkvm_value_free(value);
    is_like_new(inventory, "{'kinds': ['domain']}", "and a snapshot has all");
    watcher.generation = generation;
    for (int i = 0; i < DOMAINS; i++) {
        must(vkvm_domain_undefine(doms[i], 0, &err), err, "undefine");
        vkvm_domain_free(doms[i]);
    }
    vkvm_value_free(next_change(&watcher, "removed", "from there on it goes on"));
    waits(inventory, "{'name': 'many*', 'absent': true}", "all are gone");
    vkvm_event_queue_free(watcher.queue);
    vkvm_conn_free(conn);
    vkvm_inventory_free(inventory);
}

/* A program's own connections. */
static void shared(void)
{
    vkvm_conn *conns[] = { open_conn(uri, 0) };
    vkvm_inventory *inventory = NULL;
    works(vkvm_inventory_open_conns(conns, 1, NULL, &inventory, &err), &err,
          "an inventory of a connection");
    vkvm_conn_free(conns[0]);
    refresh(inventory);
    ok(is_in_state(inventory, 0, "up"), "it outlives the program's handle");
    vkvm_inventory_free(inventory);
}

/* --- faults ------------------------------------------------------------------------------------ */

static void stopped_host(void)
{
    kill(other_pid, SIGSTOP);
    double begin = now();
    vkvm_inventory *inventory = open_both("{'timeout_ms': 2000, 'refresh': 0}");
    ok(now() - begin < PATIENCE, "who opens does not wait for a host that is stopped");
    ok(comes_to(inventory, 0, "up"), "the other one is up");
    ok(comes_to(inventory, 1, "down"), "it is down");
    kill(other_pid, SIGCONT);
    ok(comes_to(inventory, 1, "up"), "it comes back by itself");
    waits(inventory, "{'kind': 'domain', 'count': 2}", "with its rows");

    /* It stops while it is asked. */
    kill(other_pid, SIGSTOP);
    fails(vkvm_inventory_refresh(inventory, other_uri, PATIENCE * 1000, &err), &err,
          VKVM_ERROR_OWN_INVALID, NULL, "a refresh of a host that is stopped");
    ok(is_in_state(inventory, 1, "down"), "it is down");
    vkvm_value *value = snapshot(inventory, "{'kind': 'domain', 'sort': 'stale'}");
    is_int((int64_t)length_at(value, "rows"), 2, "its rows stay");
    is_bool_at(value, "rows.0.stale", false, "those of the other one are current");
    is_bool_at(value, "rows.1.stale", true, "its own may not be");
    is_str_at(value, "rows.1.host", other_uri, "and that is its own");
    vkvm_value_free(value);
    works(vkvm_inventory_refresh(inventory, uri, PATIENCE * 1000, &err), &err,
          "the other host is asked meanwhile");
    works(vkvm_inventory_refresh(inventory, NULL, PATIENCE * 1000, &err), &err,
          "and both of them, without waiting for ever");
    /* With calls under way. */
    vkvm_inventory_free(inventory);
    kill(other_pid, SIGCONT);
}

static void killed_host(void)
{
    vkvm_inventory *inventory = open_both("{'timeout_ms': 5000, 'refresh': 0}");
    vkvm_conn *conn = open_conn(other_uri, 0);
    vkvm_domain_free(define_probe(conn));
    vkvm_conn_free(conn);
    waits(inventory, "{'kind': 'domain', 'name': 'probe'}", "a domain is noticed");
    refresh(inventory);
    struct watcher watcher = watch(inventory, 1000);
    must(system(kill_other), NULL, kill_other);
    vkvm_value *entry = next_change(&watcher, "changed", "the end of a daemon is noticed");
    is_str_at(entry, "kind", "host", "a host has changed");
    is_str_at(entry, "host", other_uri, "which");
    is_str_at(entry, "before.state", "up", "it was up");
    is_str_at(entry, "after.state", "down", "it is down");
    vkvm_value_free(entry);
    vkvm_value *value = snapshot(inventory, "{'name': 'probe'}");
    is_bool_at(value, "rows.0.stale", true, "its rows stay, and are stale");
    vkvm_value_free(value);
    must(vkvm_inventory_get_hosts(inventory, &value, &err), err, "the hosts");
    is_bool_at(value, "1.events", false, "none of its events arrive");
    vkvm_value_free(value);
    no_more_changes(&watcher, "nothing else has changed");
    other_pid = restarted(restart_other);
    ok(comes_to(inventory, 1, "up"), "a daemon that is started again is found");
    waits(inventory, "{'name': 'probe', 'absent': true}", "what it has forgotten is gone");
    entry = next_change(&watcher, "removed", "which is told");
    is_str_at(entry, "name", "probe", "what is gone");
    vkvm_value_free(entry);
    entry = next_change(&watcher, "changed", "before it is up");
    is_str_at(entry, "after.state", "up", "it is up");
    vkvm_value_free(entry);
    refresh(inventory);
    no_more_changes(&watcher, "and nothing else has changed");
    vkvm_event_queue_free(watcher.queue);
    vkvm_inventory_free(inventory);
}

/* --- the end ------------------------------------------------------------------------------------- */

static void *wait_for_nothing(void *inventory)
{
    vkvm_value *map = json("{'name': 'nonesuch'}"), *value = NULL;
    vkvm_error *error = NULL;
    int64_t code = 0;
    if (vkvm_inventory_wait(inventory, map, PATIENCE * 1000, &value, &error) < 0)
        code = vkvm_error_code(error);
    vkvm_error_free(error);
    vkvm_value_free(map);
    return (void *)(intptr_t)code;
}

static void ends(void)
{
    vkvm_inventory *inventory = open_both("{'refresh': 0}");
    pthread_t thread;
    void *code = NULL;
    must(pthread_create(&thread, NULL, wait_for_nothing, inventory), NULL, "a thread");
    usleep(20000);
    vkvm_inventory_close(inventory, &err);
    pthread_join(thread, &code);
    is_int((intptr_t)code, VKVM_ERROR_OWN_STALE_HANDLE, "who waits is told of the end");
    vkvm_inventory_free(inventory);

    /* Opened and closed at once, with all that begins. */
    for (int i = 0; i < 30; i++) {
        const char *const uris[] = { uri, other_uri };
        vkvm_value *options = json("{'timeout_ms': %d, 'refresh': 0}", 1 + i % 8);
        if (vkvm_inventory_open(uris, 2, options, &inventory, NULL) == 0)
            vkvm_inventory_free(inventory);
        vkvm_value_free(options);
    }
    ok(true, "inventories end at any time");

    /* A wait by name is given up. */
    inventory = open_with("{}");
    vkvm_value *args = json("{'condition': {'name': 'nonesuch'}, 'timeout': 200000}");
    must(vkvm_value_set_handle(args, "inventory", inventory, &err), err, "the inventory");
    vkvm_call *call = NULL;
    must(vkvm_call_start("vkvm_inventory_wait", args, 100, NULL, 0, &call, &err), err, "start");
    bool is_done = false;
    works(vkvm_call_wait(call, PATIENCE * 1000, &is_done, &err), &err, "it is waited for");
    ok(is_done, "it is over at its deadline");
    vkvm_call_free(call);
    vkvm_value_free(args);
    vkvm_inventory_free(inventory);
}

/* A child of fork has none of the connections, and none of the threads. */
static void forked(void)
{
    vkvm_inventory *inventory = open_with("{'refresh': 0}");
    vkvm_value *value = NULL;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        bool is_refused = vkvm_inventory_get_snapshot(inventory, NULL, &value, &err) == -1 &&
                          vkvm_error_code(err) == VKVM_ERROR_ERR_SYSTEM_ERROR;
        vkvm_inventory_free(inventory);
        /* At an exit valgrind takes for lost what the parent's threads have. */
        raise(is_refused ? SIGKILL : SIGABRT);
    }
    must(child < 0, NULL, "fork");
    waitpid(child, &status, 0);
    is_int(WIFSIGNALED(status) ? WTERMSIG(status) : -1, SIGKILL,
           "a child is refused its parent's inventory, and may free it");
    refresh(inventory);
    ok(is_in_state(inventory, 0, "up"), "its parent goes on with it");
    vkvm_inventory_free(inventory);
}

int main(int argc, char **argv)
{
    must(argc == 8 ? 0 : -1, NULL,
         "usage: inventory URI PID OTHER-URI OTHER-PID OTHER-KILL OTHER-RESTART SCRATCH");
    uri = argv[1];
    other_uri = argv[3];
    other_pid = atoi(argv[4]);
    kill_other = argv[5];
    restart_other = argv[6];
    scratch = argv[7];
    refusals();
    fill();
    changes();
    late_events();
    metrics();
    overflow();
    shared();
    stopped_host();
    killed_host();
    forked();
    ends();
    must(vkvm_event_stop(&err), err, "the event loop ends");
    /* A call that was given up lets go of its arguments when its thread is back. */
    for (double end = now() + PATIENCE; now() < end && handles("inventory") > 0;)
        usleep(1000);
    no_handles_left();
    return done();
}
