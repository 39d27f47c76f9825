/*
 * A real guest under QEMU: from its definition to its end, by its own
 * shutdown the first time, by force the second.
 *
 * usage: guest URI XML-FILE CONSOLE-LOG
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */


#include <unistd.h>

#include "events.h"

static vkvm_error *err;

/* Reads a file of at most 64 KiB; "" when there is none. */
static const char *contents(const char *path)
{
    static char buffer[65536];
    size_t length = 0;
    FILE *file = fopen(path, "r");
    if (file) {
        length = fread(buffer, 1, sizeof buffer - 1, file);
        fclose(file);
    }
    buffer[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (buffer[i] == '\0')
            buffer[i] = ' ';
    return buffer;
}

/* Waits for text on the guest's console, and lets the loop run meanwhile. */
static bool wait_for_console(const char *log, const char *text)
{
    double end = now() + PATIENCE;
    while (now() < end) {
        if (strstr(contents(log), text))
            return true;
        turn();
    }
    diag("the console has: %.500s", contents(log));
    return false;
}

static int state_of(vkvm_domain *dom, int *reason)
{
    int state = -1;
    works(vkvm_domain_get_state(dom, 0, &state, reason, &err), &err, "get_state");
    return state;
}

/* All events so far, as bits by their numbers. */
struct history {
    unsigned events;
    int last_detail[16];
    int count, destroyed;
};

static void remember(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                     void *userdata)
{
    struct history *history = userdata;
    int event = (int)int_at(args, "event");
    (void)conn, (void)object, (void)event_id;
    history->count++;
    if (event < 0 || event >= 16)
        return;
    history->events |= 1u << event;
    history->last_detail[event] = (int)int_at(args, "detail");
}

static void released(void *userdata)
{
    ((struct history *)userdata)->destroyed++;
}

static bool wait_for_event(struct history *history, int event)
{
    double end = now() + PATIENCE;
    while (!(history->events >> event & 1) && now() < end)
        turn();
    return history->events >> event & 1;
}

static void about_guest(vkvm_conn *conn, vkvm_domain *dom)
{
    vkvm_value *value = NULL;
    uint64_t kib = 0;
    int number = -1;
    char *text = NULL;

    works(vkvm_domain_get_info(dom, &value, &err), &err, "get_info");
    is_int(int_at(value, "maxMem"), 131072, "its memory");
    is_int(int_at(value, "nrVirtCpu"), 1, "its virtual CPU");
    ok(int_at(value, "cpuTime") > 0, "it has worked");
    vkvm_value_free(value);
    works(vkvm_domain_get_max_memory(dom, &kib, &err), &err, "get_max_memory");
    is_int((int64_t)kib, 131072, "as defined");
    works(vkvm_domain_get_max_vcpus(dom, &number, &err), &err, "get_max_vcpus");
    is_int(number, 1, "as defined");
    works(vkvm_domain_get_vcpus(dom, VKVM_DOMAIN_VCPU_LIVE, &number, &err), &err, "get_vcpus");
    is_int(number, 1, "as defined");
    works(vkvm_domain_get_id(dom, &number, &err), &err, "get_id");
    ok(number > 0, "it has one");
    works(vkvm_conn_get_type(conn, &text, &err), &err, "get_type");
    is_own_str(text, "QEMU", "the hypervisor");
    works(vkvm_domain_get_xml_description(dom, 0, &text, &err), &err, "get_xml_description");
    has_text(text, "type='qemu'", "the definition");
    vkvm_string_free(text);
    works(vkvm_conn_get_all_domain_stats(conn, VKVM_DOMAIN_STATS_STATE | VKVM_DOMAIN_STATS_VCPU,
                                         &dom, 1, 0, &value, &err),
          &err, "get_all_domain_stats");
    is_int(int_at(value, "0.data.vcpu.current"), 1, "the statistics have its virtual CPU");
    vkvm_value_free(value);
}

/* What QEMU's monitor has said. */
struct monitor {
    int count, destroyed;
    char last[64];
    bool right_conn, right_domain, right_time;
};

static void heard(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    struct monitor *monitor = userdata;
    char *name = NULL, *domain = NULL, *type = NULL;
    (void)event_id;
    monitor->count++;
    if (vkvm_value_get_string(args, "event", &name, NULL) == 0)
        snprintf(monitor->last, sizeof monitor->last, "%s", name);
    monitor->right_domain =
        vkvm_domain_get_name(object, &domain, NULL) == 0 && strcmp(domain, "guest") == 0;
    monitor->right_conn = vkvm_conn_get_type(conn, &type, NULL) == 0;
    monitor->right_time = llabs(int_at(args, "seconds") - (int64_t)time(NULL)) < 600 &&
                          int_at(args, "micros") < 1000000;
    vkvm_string_free(name);
    vkvm_string_free(domain);
    vkvm_string_free(type);
}

static void forgotten(void *userdata)
{
    ((struct monitor *)userdata)->destroyed++;
}

/* A command that takes a file along. */
static void monitor_files(vkvm_conn *conn, vkvm_domain *dom)
{
    char *text = NULL;
    int *fds = NULL;
    size_t len = 9;
    int ends[2] = { -1, -1 };
    char byte;

    if (libvirt_version(conn) < 8002000) {
        skip("qemu_monitor_command_with_files", "libvirt has it from 8.2 on");
        return;
    }
    ok(pipe(ends) == 0, "a pipe");
    works(vkvm_domain_qemu_monitor_command_with_files(
              dom, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}", &ends[1], 1, 0,
              &text, &fds, &len, &err),
          &err, "qemu_monitor_command_with_files");
    is_int((int64_t)len, 0, "no file comes back");
    vkvm_string_free(text);
    vkvm_int_list_free(fds, len);
    ok(close(ends[1]) == 0, "the file is still ours");
    works(vkvm_domain_qemu_monitor_command(
              dom, "{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"x\"}}", 0, &text, &err),
          &err, "closefd");
    vkvm_string_free(text);
    is_int(read(ends[0], &byte, 1), 0, "QEMU had one, too, and it is closed");
    close(ends[0]);
}

static void monitor(vkvm_conn *conn, vkvm_domain *dom)
{
    struct monitor monitor = { 0 };
    char *text = NULL;
    int id = -1;

    works(vkvm_domain_qemu_monitor_command(dom, "{\"execute\":\"query-name\"}", 0, &text, &err),
          &err, "qemu_monitor_command");
    has_text(text, "\"name\":\"guest\"", "the answer");
    vkvm_string_free(text);
    monitor_files(conn, dom);

    works(vkvm_conn_qemu_monitor_event_register(conn, dom, "^(stop|resume)$", heard, &monitor,
                                                forgotten,
                                                VKVM_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX |
                                                    VKVM_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE,
                                                &id, &err),
          &err, "qemu_monitor_event_register");
    vkvm_event_queue *queue = NULL;
    vkvm_value *event = NULL;
    char *class = NULL;
    int queued = -1;
    must(vkvm_event_queue_new(10, &queue, &err), err, "a queue");
    works(vkvm_event_queue_qemu_monitor_event_register(queue, conn, dom, "STOP", 0, &queued, &err),
          &err, "a queue is registered, too");
    works(vkvm_domain_suspend(dom, &err), &err, "suspend");
    ok(wait_for(&monitor.count, 1), "an event comes");
    is_str(monitor.last, "STOP", "its name");
    ok(monitor.right_conn && monitor.right_domain && monitor.right_time, "from where, and when");
    works(vkvm_domain_resume(dom, &err), &err, "resume");
    ok(wait_for(&monitor.count, 2), "another one");
    is_str(monitor.last, "RESUME", "its name");
    size_t length = 0;
    for (double end = now() + PATIENCE; length == 0 && now() < end; turn())
        must(vkvm_event_queue_get_length(queue, &length, &err), err, "the queue's length");
    works(vkvm_event_queue_next(queue, 0, &event, &err), &err, "the queue has it");
    works(vkvm_value_get_string(event, "class", &class, &err), &err, "its class");
    is_own_str(class, "qemu_monitor", "tells that it is the monitor's");
    is_str_at(event, "args.event", "STOP", "its name");
    vkvm_value_free(event);
    works(vkvm_event_queue_get_length(queue, &length, &err), &err, "the queue's length");
    is_int((int64_t)length, 0, "and no event of another name");
    works(vkvm_conn_qemu_monitor_event_deregister(conn, queued, &err), &err, "deregister");
    vkvm_event_queue_free(queue);
    works(vkvm_conn_qemu_monitor_event_deregister(conn, id, &err), &err, "deregister");
    settle();
    is_int(monitor.destroyed, 1, "the userdata is released once");
}

/* Waits until the agent runs: it comes up later than the guest says it is up. */
static void agent(vkvm_domain *dom)
{
    double end = now() + PATIENCE;
    vkvm_value *value = NULL;
    char *text = NULL;
    while (vkvm_domain_qemu_agent_command(dom, "{\"execute\":\"guest-ping\"}", 5, 0, &text, NULL) <
               0 &&
           now() < end)
        turn();
    is_own_str(text, "{\"return\":{}}", "the agent answers");
    works(vkvm_domain_get_guest_info(dom, VKVM_DOMAIN_GUEST_INFO_HOSTNAME, 0, &value, &err), &err,
          "get_guest_info");
    is_str_at(value, "hostname", "guest", "the name it has");
    vkvm_value_free(value);
    works(vkvm_domain_get_fs_info(dom, 0, &value, &err), &err, "get_fs_info");
    vkvm_value_free(value);
    works(vkvm_domain_get_interface_addresses(dom, VKVM_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, 0,
                                              &value, &err),
          &err, "get_interface_addresses");
    is_str_at(value, "0.name", "lo", "an interface");
    is_str_at(value, "0.addrs.0.addr", "127.0.0.1", "its address");
    vkvm_value_free(value);
    works(vkvm_domain_fs_freeze(dom, NULL, 0, 0, &err), &err, "fs_freeze");
    works(vkvm_domain_fs_thaw(dom, NULL, 0, 0, &err), &err, "fs_thaw");
}

static vkvm_domain *start(vkvm_conn *conn, const char *xml, struct history *history)
{
    vkvm_domain *dom = NULL;
    int reason = -1;
    must(vkvm_conn_define_domain(conn, xml, 0, &dom, &err), err, "define the guest");
    ok(wait_for_event(history, VKVM_DOMAIN_EVENT_DEFINED), "it is defined");
    must(vkvm_domain_create(dom, 0, &err), err, "start the guest");
    ok(wait_for_event(history, VKVM_DOMAIN_EVENT_STARTED), "it has started");
    is_int(history->last_detail[VKVM_DOMAIN_EVENT_STARTED], VKVM_DOMAIN_EVENT_STARTED_BOOTED,
           "by booting");
    is_int(state_of(dom, &reason), VKVM_DOMAIN_STATE_RUNNING, "it runs");
    is_int(reason, VKVM_DOMAIN_STATE_RUNNING_BOOTED, "because it was booted");
    return dom;
}

static void pause_and_go_on(vkvm_domain *dom, struct history *history)
{
    int reason = -1;
    works(vkvm_domain_suspend(dom, &err), &err, "suspend");
    ok(wait_for_event(history, VKVM_DOMAIN_EVENT_SUSPENDED), "it is suspended");
    is_int(state_of(dom, &reason), VKVM_DOMAIN_STATE_PAUSED, "it is paused");
    is_int(reason, VKVM_DOMAIN_STATE_PAUSED_USER, "by a user");
    works(vkvm_domain_resume(dom, &err), &err, "resume");
    ok(wait_for_event(history, VKVM_DOMAIN_EVENT_RESUMED), "it goes on");
}

/* Asks it to end; one that does not hear is ended by force. */
static void shut_down(vkvm_domain *dom, struct history *history)
{
    int reason = -1;
    double begin = now();
    works(vkvm_domain_shutdown(dom, VKVM_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, &err), &err, "shutdown");
    if (ok(wait_for_event(history, VKVM_DOMAIN_EVENT_STOPPED), "it stops")) {
        diag("after %.1f s", now() - begin);
        is_int(history->last_detail[VKVM_DOMAIN_EVENT_STOPPED],
               VKVM_DOMAIN_EVENT_STOPPED_SHUTDOWN, "by its own shutdown");
        is_int(state_of(dom, &reason), VKVM_DOMAIN_STATE_SHUTOFF, "it is off");
        is_int(reason, VKVM_DOMAIN_STATE_SHUTOFF_SHUTDOWN, "because it shut down");
    } else {
        works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    }
}

static void destroy(vkvm_domain *dom, struct history *history)
{
    int reason = -1;
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    ok(wait_for_event(history, VKVM_DOMAIN_EVENT_STOPPED), "it stops");
    is_int(history->last_detail[VKVM_DOMAIN_EVENT_STOPPED], VKVM_DOMAIN_EVENT_STOPPED_DESTROYED,
           "by force");
    is_int(state_of(dom, &reason), VKVM_DOMAIN_STATE_SHUTOFF, "it is off");
    is_int(reason, VKVM_DOMAIN_STATE_SHUTOFF_DESTROYED, "because it was destroyed");
}

static void run_guest(vkvm_conn *conn, const char *xml, const char *log, bool gently)
{
    struct history history = { 0 };
    int id = -1;
    works(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                              remember, &history, released, &id, &err),
          &err, gently ? "register_any" : "register_any, for the second run");
    vkvm_domain *dom = start(conn, xml, &history);
    if (gently) {
        ok(wait_for_console(log, "VKVM-GUEST-READY"), "it reports on its console");
        about_guest(conn, dom);
        pause_and_go_on(dom, &history);
        monitor(conn, dom);
        agent(dom);
        shut_down(dom, &history);
    } else {
        destroy(dom, &history);
    }
    works(vkvm_domain_undefine(dom, 0, &err), &err, "undefine");
    ok(wait_for_event(&history, VKVM_DOMAIN_EVENT_UNDEFINED), "it is undefined");
    vkvm_domain_free(dom);
    works(vkvm_conn_domain_event_deregister_any(conn, id, &err), &err, "deregister_any");
    settle();
    is_int(history.destroyed, 1, "the userdata is released once");
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        printf("Bail out! usage: guest URI XML-FILE CONSOLE-LOG\n");
        return 2;
    }
    char *xml = strdup(contents(argv[2]));
    start_loop();
    vkvm_conn *conn = open_conn(argv[1], 0);
    run_guest(conn, xml, argv[3], true);
    run_guest(conn, xml, argv[3], false);
    vkvm_conn_free(conn);
    free(xml);
    settle();
    no_handles_left();
    return done();
}
