/*
 * An inventory in a program that runs the event loop itself: the library's or its own.
 *
 * usage: inventory_loops URI RESTART
 *
 * bed: test-daemon URI_UNIX silent_restart
 * tests: inventory_loops inventory_loops.own inventory_loops.thread
 * by name: inventory_loops.own.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "events.h"

static vkvm_error *err;

/* The next entry; NULL when none comes. */
static vkvm_value *next_entry(vkvm_event_queue *queue, const char *name)
{
    vkvm_value *entry = NULL;
    for (double end = now() + PATIENCE; now() < end && !entry;) {
        turn();
        must(vkvm_event_queue_next(queue, 0, &entry, &err), err, name);
    }
    ok(entry != NULL, "%s", name);
    return entry;
}

static void tells(vkvm_event_queue *queue, const char *change, const char *path, const char *wanted, const char *name)
{
    vkvm_value *entry = next_entry(queue, name);
    if (entry) {
        is_str_at(entry, "change", change, change);
        is_str_at(entry, path, wanted, wanted);
    }
    vkvm_value_free(entry);
}

/* Turns the loop until a condition is met, on another thread. */
static bool comes(vkvm_inventory *inventory, const char *text)
{
    vkvm_value *args = NULL, *condition = from_json(text);
    vkvm_call *call = NULL;
    bool is_done = false;
    must(vkvm_value_new_map(&args, &err), err, "new_map");
    must(vkvm_value_put(args, "", "condition", condition, &err), err, "the condition");
    must(vkvm_value_set_handle(args, "inventory", inventory, &err), err, "the inventory");
    must(vkvm_value_set_int64(args, "timeout", PATIENCE * 1000, &err), err, "the timeout");
    must(vkvm_call_start("vkvm_inventory_wait", args, 0, NULL, 0, &call, &err), err, "start");
    while (!is_done) {
        turn();
        must(vkvm_call_wait(call, 0, &is_done, &err), err, "wait");
    }
    vkvm_value *result = NULL;
    bool is_met = vkvm_call_get_result(call, &result, &err) == 0;
    if (!is_met)
        diag("%s: %s", text, vkvm_error_message(err));
    forget(&err);
    vkvm_value_free(result);
    vkvm_value_free(condition);
    vkvm_value_free(args);
    vkvm_call_free(call);
    return is_met;
}

/* --- a loop that is stopped ------------------------------------------------------------------ */

static int is_held_up, may_stop;

/* Holds the loop up, and stops it. */
static void stop_when_told(int timer, void *userdata)
{
    (void)userdata;
    vkvm_error *error = NULL;
    must(vkvm_event_remove_timeout(timer, &error), error, "remove_timeout");
    __atomic_store_n(&is_held_up, 1, __ATOMIC_SEQ_CST);
    for (double end = now() + PATIENCE; !__atomic_load_n(&may_stop, __ATOMIC_SEQ_CST) && now() < end;)
        usleep(1000);
    must(vkvm_event_stop(&error), error, "the loop is stopped");
}

/* How long ago the host's rows were compared. */
static int64_t age(vkvm_inventory *inventory)
{
    vkvm_value *hosts = NULL;
    must(vkvm_inventory_get_hosts(inventory, &hosts, &err), err, "the hosts");
    int64_t ms = int_at(hosts, "0.age");
    vkvm_value_free(hosts);
    return ms;
}

/* A refresh waits for events that were read, but not for a loop that tells of none any more. */
static void stopping(vkvm_inventory *inventory)
{
    vkvm_value *args = NULL, *result = NULL;
    vkvm_call *call = NULL;
    int timer = -1;
    bool is_done = false;
    works(vkvm_event_add_timeout(0, stop_when_told, NULL, NULL, &timer, &err), &err, "a timer");
    for (double end = now() + PATIENCE; !__atomic_load_n(&is_held_up, __ATOMIC_SEQ_CST) && now() < end;)
        usleep(1000);
    must(vkvm_value_new_map(&args, &err), err, "new_map");
    must(vkvm_value_set_handle(args, "inventory", inventory, &err), err, "the inventory");
    must(vkvm_value_set_int64(args, "timeout", PATIENCE * 1000, &err), err, "the timeout");
    double begin = now();
    must(vkvm_call_start("vkvm_inventory_refresh", args, 0, NULL, 0, &call, &err), err, "start");
    vkvm_value_free(args);
    while (age(inventory) > (now() - begin) * 1000 && now() < begin + PATIENCE / 2)
        usleep(1000);
    __atomic_store_n(&may_stop, 1, __ATOMIC_SEQ_CST);
    works(vkvm_call_wait(call, PATIENCE * 500, &is_done, &err), &err, "wait");
    ok(is_done, "a refresh ends when the loop is stopped");
    works(is_done ? vkvm_call_get_result(call, &result, &err) : -1, &err, "as without a loop");
    vkvm_value_free(result);
    vkvm_call_free(call);
    works(vkvm_inventory_refresh(inventory, NULL, PATIENCE * 1000, &err), &err, "another refresh");
    works(vkvm_event_start(&err), &err, "the loop goes on");
    works(vkvm_inventory_refresh(inventory, NULL, PATIENCE * 1000, &err), &err, "a refresh with it");
}

int main(int argc, char **argv)
{
    must(argc == 3 ? 0 : -1, NULL, "usage: inventory_loops URI RESTART");
    const char *const uris[] = { argv[1] };
    vkvm_inventory *inventory = NULL;
    vkvm_event_queue *queue = NULL;
    vkvm_value *options = from_json("{\"refresh\": 0}");
    start_loop();
    works(vkvm_inventory_open(uris, 1, options, &inventory, &err), &err, "an inventory");
    vkvm_value_free(options);
    must(vkvm_inventory_refresh(inventory, NULL, PATIENCE * 1000, &err), err, "a refresh");
    must(vkvm_event_queue_new(100, &queue, &err), err, "a queue");
    works(vkvm_inventory_watch(inventory, queue, 0, &err), &err, "watch");

    vkvm_conn *conn = open_conn(argv[1], 0);
    vkvm_domain *dom = define_probe(conn);
    tells(queue, "added", "name", "probe", "a domain is defined");
    must(vkvm_domain_create(dom, 0, &err), err, "create");
    tells(queue, "changed", "after.state", "running", "it is started");
    ok(comes(inventory, "{\"name\": \"probe\", \"state\": \"running\"}"), "who waits sees it");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);

    must(system(argv[2]), NULL, "the daemon is killed and started again");
    tells(queue, "changed", "after.state", "down", "which is noticed");
    tells(queue, "removed", "name", "probe", "it comes back without what was only in its memory");
    tells(queue, "changed", "after.state", "up", "and is up");

    conn = open_conn(argv[1], 0);
    dom = define_probe(conn);
    tells(queue, "added", "name", "probe", "there are events from then on");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    vkvm_event_queue_free(queue);
    if (loop_is("thread"))
        stopping(inventory);
    vkvm_inventory_free(inventory);
    /* A call lets go of its arguments when its thread is back. */
    for (double end = now() + PATIENCE; now() < end && handles("inventory") + handles("value") > 0;)
        turn();
    no_handles_left();
    return done();
}
