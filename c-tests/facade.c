/*
 * The host facade: how commands are called and fail, and the specification's calls
 * of networks and secrets, in its order, with a daemon.
 *
 * usage: facade [URI]
 *
 * tests: facade facade_daemon facade.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

#define UUID "6d14f73a-1087-4180-892d-8d80fc6b55ec"

static vkvm_error *err;

/* Runs a command and compares its result, as JSON. */
static void gives(vkvm_host *host, const char *command, const char *args, const char *wanted)
{
    vkvm_value *value = NULL, *result = NULL;
    char *json = NULL;
    if (args)
        must(vkvm_value_from_json(args, &value, &err), err, args);
    if (works(vkvm_host_call(host, command, value, &result, &err), &err, command)) {
        must(vkvm_value_to_json(result, 0, &json, &err), err, "to_json");
        is_str(json, wanted, command);
        vkvm_string_free(json);
    }
    vkvm_value_free(result);
    vkvm_value_free(value);
}

/* A call that is refused, with a reason that has this in it. */
static void refuses(vkvm_host *host, const char *command, const char *args, const char *reason)
{
    vkvm_value *value = NULL, *result = NULL;
    if (args)
        must(vkvm_value_from_json(args, &value, &err), err, args);
    ok(vkvm_host_call(host, command, value, &result, &err) < 0, "%s %s is refused", command,
       args ? args : "");
    has_text(vkvm_error_message(err), reason, "... with a reason");
    ok(!result, "... and no result");
    forget(&err);
    vkvm_value_free(value);
}

static int never(uint64_t done, uint64_t total, const char *unit, void *userdata)
{
    (void)done, (void)total, (void)unit;
    ok(false, "a short command told its progress");
    ++*(int *)userdata;
    return 0;
}

static void count(void *userdata)
{
    ++*(int *)userdata;
}

static void calls(vkvm_host *host)
{
    vkvm_value *result = NULL, *args = NULL;
    int destroyed = 0;

    gives(host, "hypervisor.uri", NULL, "\"test:///default\"");
    gives(host, "list_domains", NULL, "{\"test\":{\"id\":1,\"state\":\"running\"}}");
    gives(host, "list_interfaces", "[]",
          "{\"eth1\":{\"state\":\"active\",\"mac\":\"aa:bb:cc:dd:ee:ff\"}}");
    gives(host, "hypervisor.freecell", "{\"cellno\":0}", "{\"0\":\"2048 KiB\"}");
    gives(host, "hypervisor.freecell", "[\"0\"]", "{\"0\":\"2048 KiB\"}");
    gives(host, "hypervisor.freecell", "{\"args\":[0],\"raw\":true}", "{\"0\":2097152}");
    gives(host, "net.destroy", "[\"default\"]", "[true,\"Network default destroyed\",\"\"]");
    gives(host, "network.start", "{\"network\":\"default\"}",
          "[true,\"Network default started\",\"\"]");
    gives(host, "network.start", "[\"nope\"]",
          "[false,\"\",\"error: failed to get network 'nope'\\nerror: Network not found: no network "
          "with matching name 'nope'\"]");
    gives(host, "network.define", "[{\"name\":\"c\"}]",
          "[true,\"Network c defined from document\",\"\"]");
    gives(host, "network.define", "[\"<network><name>c2</name></network>\"]",
          "[true,\"Network c2 defined from document\",\"\"]");

    refuses(host, "network.strat", NULL, "define, destroy, info");
    refuses(host, "netwrk.start", NULL, "hypervisor, ");
    refuses(host, "", NULL, "list_domains");
    refuses(host, "network.start", NULL, "needs \"network\"");
    refuses(host, "network.start", "7", "a list of arguments, or a map");
    refuses(host, "network.start", "{\"netwrk\":\"x\"}", "it has network, raw");
    refuses(host, "network.start", "[[\"x\"]]", "text is needed");
    refuses(host, "network.start", "[1,2]", "at most 1 positional");
    refuses(host, "network.info", "[\"nope\"]", "Network not found");
    refuses(host, "hypervisor.freecell", "{\"all\":\"maybe\"}", "true or false is needed");
    refuses(host, "hypervisor.freecell", "{\"cellno\":99999999999}", "cell number must be");
    refuses(host, "network.start", "[1,2]", "at most 1 positional argument; 2 were given");
    refuses(host, "hypervisor.uri", "[1]", "no positional arguments; 1 was given; it has raw");
    gives(host, "hypervisor.freecell", "[\" 0e0 \"]", "{\"0\":\"2048 KiB\"}");
    gives(host, "hypervisor.freecell", "[0.5]", "{\"0\":\"2048 KiB\"}");
    refuses(host, "hypervisor.freecell", "[\"0x\"]", "\"cellno\" is \"0x\"; a whole number");
    refuses(host, "hypervisor.freecell", "[1e30]", "\"cellno\" is 1e+30; a 64-bit integer");
    refuses(host, "list_pools", "{\"type\":\"dri\"}", "'dri'; it must be dir, fs, netfs, ");
    refuses(host, "list_domains", "{\"states\":[\"runing\"]}", "it must be no state, running, ");
    gives(host, "hypervisor.nodesuspend", "[\"nowhere\",1]",
          "[false,\"\",\"error: Invalid target 'nowhere'; it must be mem, disk or hybrid\"]");
    fails(vkvm_host_call(host, NULL, NULL, &result, &err), &err, VKVM_ERROR_OWN_NULL, "command",
          "no command");
    fails(vkvm_host_call(host, "hypervisor.uri", NULL, NULL, &err), &err, VKVM_ERROR_OWN_NULL,
          "result", "no place for the result");

    works(vkvm_host_call_with_progress(host, "hypervisor.uri", NULL, never, &destroyed, count,
                                       &result, &err),
          &err, "a short command with a callback");
    is_int(destroyed, 1, "its userdata is released");
    vkvm_value_free(result);
    result = NULL;
    must(vkvm_value_new_list(&args, &err), err, "a list");
    ok(vkvm_host_call_with_progress(host, "network.nope", args, never, &destroyed, count, &result,
                                    &err) < 0,
       "a wrong command with a callback");
    forget(&err);
    is_int(destroyed, 2, "its userdata is released, too");
    fails(vkvm_host_call_with_progress(host, "hypervisor.uri", args, NULL, &destroyed, count,
                                       &result, &err),
          &err, VKVM_ERROR_OWN_NULL, "callback", "no callback");
    is_int(destroyed, 3, "and here");
    vkvm_value_free(args);
}

static void descriptions(void)
{
    vkvm_value *commands = NULL, *part = NULL;
    char *text = NULL;
    works(vkvm_host_commands(&commands, &err), &err, "commands");
    works(vkvm_value_get(commands, "commands.network.start", &part, &err), &err, "network.start");
    works(vkvm_value_get_string(part, "arguments.0.name", &text, &err), &err, "its argument");
    is_str(text, "network", "... is called network");
    vkvm_string_free(text);
    vkvm_value_free(part);
    works(vkvm_value_get_string(commands, "objects.network.aliases.0", &text, &err), &err,
          "the alias of network");
    is_str(text, "net", "... is net");
    vkvm_string_free(text);
    vkvm_value_free(commands);

    works(vkvm_host_gen_uuid(&text, &err), &err, "gen_uuid");
    ok(strlen(text) == 36 && text[14] == '4', "a uuid of version 4: %s", text);
    vkvm_string_free(text);
    works(vkvm_host_gen_mac(&text, &err), &err, "gen_mac");
    ok(strlen(text) == 17 && !strncmp(text, "54:52:00:", 9), "an address: %s", text);
    vkvm_string_free(text);
}

/* The specification's calls. */
static void with_daemon(vkvm_host *host)
{
    gives(host, "list_networks", "{\"all\":true}", "{}");
    gives(host, "network.define",
          "[{\"name\":\"br0\",\"forward\":{\"@mode\":\"bridge\"},\"bridge\":{\"@name\":\"br0\"}}]",
          "[true,\"Network br0 defined from document\",\"\"]");
    gives(host, "network.autostart", "[\"br0\"]",
          "[true,\"Network br0 marked as autostarted\",\"\"]");
    gives(host, "network.start", "[\"br0\"]", "[true,\"Network br0 started\",\"\"]");
    gives(host, "list_networks", NULL,
          "{\"br0\":{\"state\":\"active\",\"autostart\":true,\"persistent\":true}}");
    gives(host, "net.destroy", "[\"br0\"]", "[true,\"Network br0 destroyed\",\"\"]");
    gives(host, "list_networks", "{\"all\":true}",
          "{\"br0\":{\"state\":\"inactive\",\"autostart\":true,\"persistent\":true}}");
    gives(host, "net.undefine", "[\"br0\"]", "[true,\"Network br0 has been undefined\",\"\"]");
    gives(host, "secret.define",
          "[{\"@ephemeral\":\"no\",\"@private\":\"no\",\"uuid\":\"" UUID "\",\"usage\":{"
          "\"@type\":\"volume\",\"volume\":\"/vm/disk/encrypted.qcow2\"}}]",
          "[true,\"Secret " UUID " created\",\"\"]");
    gives(host, "list_secrets", NULL, "{\"" UUID "\":\"volume /vm/disk/encrypted.qcow2\"}");
    gives(host, "secret.conf", "[\"" UUID "\"]",
          "{\"@ephemeral\":\"no\",\"@private\":\"no\",\"uuid\":\"" UUID "\",\"usage\":{"
          "\"@type\":\"volume\",\"volume\":\"/vm/disk/encrypted.qcow2\"}}");
    gives(host, "secret.set_value", "[\"" UUID "\",\"cGFzc3BocmFzZQ==\"]",
          "[true,\"Secret value set\",\"\"]");
    gives(host, "secret.get_value", "[\"" UUID "\"]", "\"cGFzc3BocmFzZQ==\"");
    gives(host, "secret.undefine", "[\"" UUID "\"]", "[true,\"Secret " UUID " deleted\",\"\"]");
    gives(host, "list_secrets", NULL, "{}");
}

int main(int argc, char **argv)
{
    vkvm_host *host = NULL, *other = NULL;
    vkvm_conn *conn = NULL;
    const char *uri = argc > 1 ? argv[1] : "test:///default";

    if (argc > 1) {
        must(vkvm_host_open(uri, &host, &err), err, uri);
        with_daemon(host);
        vkvm_host_free(host);
        return done();
    }
    works(vkvm_host_open(uri, &host, &err), &err, "open");
    descriptions();
    calls(host);
    works(vkvm_host_get_conn(host, &conn, &err), &err, "get_conn");
    vkvm_host_free(host);
    works(vkvm_host_new(conn, &other, &err), &err, "a host of a connection");
    vkvm_conn_free(conn);
    gives(other, "hypervisor.uri", NULL, "\"test:///default\"");
    ok(vkvm_host_ref(other) == other, "a hold");
    vkvm_host_free(other);
    vkvm_host_free(other);
    fails(vkvm_host_call(other, "hypervisor.uri", NULL, (vkvm_value **)&host, &err), &err,
          VKVM_ERROR_OWN_STALE_HANDLE, "host", "a host that was freed");
    host = NULL;
    ok(vkvm_host_open("test:///nonexistent/host.xml", &host, &err) < 0 && !host,
       "a host that is not there");
    forget(&err);
    return done();
}
