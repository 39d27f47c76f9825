/*
 * Values: those that functions have returned, and made-up ones; and the commands of the
 * host facade with their arguments.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdarg.h>

#include "fuzz.h"

enum { MOST_COMMANDS = 256, MOST_COMMAND_ARGUMENTS = 64, JSON = 4000 };

/* --- text that is JSON ----------------------------------------------------------------------- */

struct buffer {
    char text[JSON];
    size_t length;
};

__attribute__((format(printf, 2, 3)))
static void put(struct buffer *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = JSON - to->length;
    int written = vsnprintf(to->text + to->length, room, format, arguments);
    va_end(arguments);
    to->length += written < (int)room ? (size_t)written : room - 1;
}

static void put_string(struct buffer *to, const char *text)
{
    put(to, "\"");
    for (size_t i = 0; text[i] && i < 600; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c == '"' || c == '\\')
            put(to, "\\u%04x", c);
        else
            put(to, "%c", c);
    }
    put(to, "\"");
}

static const char *const keys[] = {
    "cpu_shares", "vcpu_period", "vcpu_quota", "hard_limit", "soft_limit", "swap_hard_limit", "weight",
    "numa_mode", "numa_nodeset", "total_bytes_sec", "read_iops_sec", "inbound.average",
    "outbound.average", "destination_xml", "bandwidth", "uri", "file", "dxml", "granularity", "buf_size",
    "shm_pages_to_scan", "user_name", "process_id", "poll_max_ns", "4", "2048", "raw", "args", "a", "",
    "memory", "device_weight", "timeout_ms", "call_timeout_ms", "max_calls", "keepalive", "resume",
};

static void put_scalar(struct chance *chance, struct buffer *to)
{
    static const char *const scalars[] = {
        "null", "true", "false", "0", "1", "-1", "2", "100", "1024", "2147483647", "-2147483648",
        "9223372036854775807", "18446744073709551615", "0.5", "-1e300", "\"\"", "\"1\"", "\"text\"",
        "\"0-1\"", "[]", "{}",
    };
    if (once_in(chance, 4))
        put_string(to, some_text(chance, (int)below(chance, TOPICS)).data);
    else
        put(to, "%s", scalars[below(chance, sizeof scalars / sizeof *scalars)]);
}

static void put_tree(struct chance *chance, struct buffer *to, int depth);

static void put_items(struct chance *chance, struct buffer *to, bool list, int depth)
{
    put(to, list ? "[" : "{");
    for (uint64_t i = 0, items = below(chance, 4); i < items; i++) {
        put(to, i ? "," : "");
        if (!list)
            put(to, "\"%s\":", keys[below(chance, sizeof keys / sizeof *keys)]);
        put_tree(chance, to, depth + 1);
    }
    put(to, list ? "]" : "}");
}

static void put_tree(struct chance *chance, struct buffer *to, int depth)
{
    uint64_t kind = below(chance, depth ? 4 : 8);
    if (kind < 2 || depth > 3)
        put_scalar(chance, to);
    else
        put_items(chance, to, kind == 2, depth);
}

static void *value_of(struct buffer *text)
{
    vkvm_value *value = NULL;
    if (vkvm_value_from_json(text->text, &value, NULL) < 0)
        return NULL; /* texts that are not UTF-8, and too long ones */
    add_handle(CLASS_VALUE, value, NULL);
    return value;
}

/* --- what functions have returned ------------------------------------------------------------- */

static void *_Atomic last_value[FUNCTIONS];

void note_value(const struct function *function, void *value)
{
    last_value[function - functions] = value;
}

void *some_value(struct chance *chance, const struct function *function, const struct parameter *p)
{
    struct buffer text = { .length = 0 };
    bool settings = strcmp(p->name, "newparams") == 0 || strcmp(p->name, "params") == 0;
    if (settings && function->getter >= 0 && !once_in(chance, 3)) {
        void *value = last_value[function->getter];
        if (value && vkvm_handle_class_name(value))
            return value;
        focus_on(function->class, NULL);
    }
    if (strcmp(p->name, "value") == 0 || strcmp(p->name, "item") == 0 || once_in(chance, 3)) {
        void *value = live_handle(chance, CLASS_VALUE, NULL);
        if (value)
            return value;
    }
    if (settings && !once_in(chance, 8))
        put_items(chance, &text, false, 1);
    else
        put_tree(chance, &text, 0);
    return value_of(&text);
}

/* --- commands -------------------------------------------------------------------------------- */

static struct command {
    char *name;
    int count;
    struct {
        char *name, *kind;
        bool required;
    } arguments[MOST_COMMAND_ARGUMENTS];
} commands[MOST_COMMANDS];

static int command_count;

static char *text_at(vkvm_value *value, const char *path)
{
    char *text = NULL;
    if (vkvm_value_get_string(value, path, &text, NULL) < 0)
        fail("vkvm_host_commands has no text at %s", path);
    return text;
}

static void make_command(vkvm_value *description, const char *key, struct command *command)
{
    char path[300];
    size_t count = 0;
    vkvm_value *own = NULL;
    snprintf(path, sizeof path, "commands.%s", key);
    if (vkvm_value_get(description, path, &own, NULL) < 0)
        fail("vkvm_host_commands has nothing at %s", path);
    command->name = strdup(key);
    vkvm_value_get_length(own, "arguments", &count, NULL);
    for (size_t i = 0; i < count && i < MOST_COMMAND_ARGUMENTS; i++) {
        snprintf(path, sizeof path, "arguments.%zu.name", i);
        command->arguments[i].name = text_at(own, path);
        snprintf(path, sizeof path, "arguments.%zu.kind", i);
        command->arguments[i].kind = text_at(own, path);
        snprintf(path, sizeof path, "arguments.%zu.required", i);
        vkvm_value_get_bool(own, path, &command->arguments[i].required, NULL);
        command->count++;
    }
    vkvm_value_free(own);
}

/* Not to be tried: each leaves a device or a state of the machine behind, or crashes in plain
   libvirt (arguments.c tells why). */
static bool harms(const char *command)
{
    static const char *const always[] = { "image.load", "image.unload", NULL };
    static const char *const real[] = { "hypervisor.nodesuspend", "hypervisor.allocpages",
                                        "hypervisor.node_memory_tune", "virsh", NULL };
    static const char *const threads[] = { "interface.begin", "interface.commit",
                                           "interface.rollback", NULL };
    return is_one_of(command, always) || (the_round.target == TARGET_QEMU && is_one_of(command, real)) ||
           (the_round.threads > 1 && is_one_of(command, threads));
}

void make_commands(void)
{
    vkvm_value *description = NULL;
    size_t count = 0;
    if (vkvm_host_commands(&description, NULL) < 0 ||
        vkvm_value_get_length(description, "commands", &count, NULL) < 0)
        fail("vkvm_host_commands gives no commands");
    for (size_t i = 0; i < count && command_count < MOST_COMMANDS; i++) {
        char *key = NULL;
        if (vkvm_value_get_key(description, "commands", i, &key, NULL) < 0)
            fail("vkvm_host_commands has no key %zu of %zu", i, count);
        if (!harms(key))
            make_command(description, key, &commands[command_count++]);
        vkvm_string_free(key);
    }
    vkvm_value_free(description);
}

const char *some_command(struct chance *chance)
{
    if (once_in(chance, 16))
        return some_text(chance, -1).data;
    return commands[below(chance, (uint64_t)command_count)].name;
}

static void put_argument(struct chance *chance, struct buffer *to, const char *command,
                         const char *name, const char *kind)
{
    char document[80];
    int topic = topic_named(name);
    bool file = strcmp(name, "path") == 0 || strstr(name, "_path") || strcmp(name, "file") == 0 ||
                strcmp(name, "paths") == 0 || strcmp(name, "source") == 0;
    bool waits = strcmp(name, "timeout") == 0 || strcmp(name, "duration") == 0;
    if (strcmp(name, "name") == 0 || strcmp(name, "uuid") == 0) {
        snprintf(document, sizeof document, "%s_%.*s", name, (int)strcspn(command, "."), command);
        topic = topic_named(document);
    }
    if (strcmp(kind, "bool") == 0) {
        put(to, once_in(chance, 3) ? "false" : "true");
    } else if (strcmp(kind, "int") == 0) {
        put(to, "%d", (int)below(chance, waits ? 2 : once_in(chance, 4) ? 100000 : 4));
    } else if (strcmp(kind, "document") == 0) {
        snprintf(document, sizeof document, "xml_%s%.*s", strstr(command, "net.") ? "network" : "",
                 (int)strcspn(command, "."), command);
        topic = topic_named(strstr(command, "device") ? "xml_device"
                            : strstr(command, "pool") ? "xml_storage_pool"
                            : strstr(command, "volume") ? "xml_storage_vol"
                            : strstr(command, "snapshot") ? "xml_domain_snapshot" : document);
        put_string(to, some_text(chance, topic).data);
    } else {
        struct text text = some_text(chance, file ? topic_named("file") : topic);
        put(to, strcmp(kind, "strings") == 0 ? "[" : "");
        put_string(to, text.data);
        put(to, strcmp(kind, "strings") == 0 ? "]" : "");
    }
}

/* All that it needs, and sometimes more. */
void *some_command_arguments(struct chance *chance, const char *name)
{
    struct buffer text = { .length = 0 };
    const struct command *command = NULL;
    for (int i = 0; i < command_count && !command; i++)
        if (strcmp(commands[i].name, name) == 0)
            command = &commands[i];
    put(&text, "{");
    for (int i = 0; command && i < command->count; i++) {
        /* Without a limit it waits for a guest for as long as that takes. */
        bool limit = strcmp(command->arguments[i].name, "timeout") == 0;
        if (!limit && (command->arguments[i].required ? once_in(chance, 20) : !once_in(chance, 12)))
            continue;
        put(&text, text.length > 1 ? "," : "");
        put_string(&text, command->arguments[i].name);
        put(&text, ":");
        put_argument(chance, &text, name, command->arguments[i].name, command->arguments[i].kind);
    }
    put(&text, "}");
    return value_of(&text);
}

/* --- calls by name ---------------------------------------------------------------------------- */

static const struct {
    const char *function, *key;
    enum class class;
} named[] = {
    { "vkvm_conn_get_hostname", "conn", CLASS_CONN },
    { "vkvm_conn_list_all_domains", "conn", CLASS_CONN },
    { "vkvm_conn_new_stream", "conn", CLASS_CONN },
    { "vkvm_domain_get_info", "dom", CLASS_DOMAIN },
    { "vkvm_domain_get_xml_description", "dom", CLASS_DOMAIN },
    { "vkvm_domain_suspend", "dom", CLASS_DOMAIN },
    { "vkvm_domain_resume", "dom", CLASS_DOMAIN },
    { "vkvm_storage_vol_get_info", "vol", CLASS_STORAGE_VOL },
    { "vkvm_stream_abort", "stream", CLASS_STREAM },
};

/* A function that has a name, and a value with its arguments; NULL where there is no object. */
const char *some_named(struct chance *chance, void **arguments)
{
    uint64_t i = below(chance, sizeof named / sizeof *named);
    void *object = live_handle(chance, named[i].class, NULL);
    vkvm_value *value = NULL;
    if (!object || vkvm_value_new_map(&value, NULL) < 0)
        return NULL;
    /* It may have ended meanwhile: then the argument is missing. */
    vkvm_value_set_handle(value, named[i].key, object, NULL);
    add_handle(CLASS_VALUE, value, NULL);
    *arguments = value;
    return named[i].function;
}
