/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a scenario through the C functions.
 *
 * usage: runner vkvm-api.json SCENARIO.json [NAME=TEXT ...]
 *
 * harness/README.md says what scenarios and transcripts are. VKVM_LIBRARY names
 * the library. The exit status is 1 when something was not as the scenario expects. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_object *saved;
static int wrong;

/* --- what the scenario says ----------------------------------------------------- */

/* A saved result: NAME for the first, NAME.2 for the third. */
static json_object *saved_result(const char *reference)
{
    char *name = strdup(reference), *dot = strchr(name, '.');
    size_t index = dot ? strtoul(dot + 1, NULL, 10) : 0;
    if (dot)
        *dot = '\0';
    if (!has(saved, name))
        give_up("nothing is saved as %s", name);
    json_object *found = json_object_array_get_idx(member(saved, name), index);
    free(name);
    return json_object_get(found);
}

static json_object *resolve_text(json_object *data)
{
    const char *from = json_object_get_string(data);
    json_object *constant = member_of_list(member(api, "constants"), "c_name", from);
    struct text text = {0};
    if (constant)
        return json_object_get(member(constant, "value"));
    add(&text, "%s", "");
    while (*from) {
        const struct name *found = NULL;
        for (size_t i = 0; i < names_count && !found && strncmp(from, "${", 2) == 0; i++) {
            size_t length = strlen(names[i].name);
            if (strncmp(from + 2, names[i].name, length) == 0 && from[2 + length] == '}')
                found = &names[i];
        }
        add(&text, found ? "%s" : "%.1s", found ? found->value : from);
        from += found ? strlen(found->name) + 3 : 1;
    }
    json_object *result = json_object_new_string(text.data);
    free(text.data);
    return result;
}

static json_object *bytes_of(const char *hex)
{
    char bytes[256];
    size_t length = strlen(hex) / 2;
    if (length > sizeof bytes)
        give_up("too many bytes");
    for (size_t i = 0; i < length; i++) {
        char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (char)strtol(digits, NULL, 16);
    }
    return json_object_new_string_len(bytes, (int)length);
}

static json_object *resolve(json_object *data)
{
    json_object *copy;
    if (has(data, "$"))
        return saved_result(member_text(data, "$"));
    if (has(data, "$bytes"))
        return bytes_of(member_text(data, "$bytes"));
    if (has(data, "$callback")) {
        if (!has(events, member_text(data, "$callback")))
            json_object_object_add(events, member_text(data, "$callback"), json_object_new_array());
        return json_object_get(data);
    }
    switch (json_object_get_type(data)) {
    case json_type_string:
        return resolve_text(data);
    case json_type_array:
        copy = json_object_new_array();
        for (size_t i = 0; i < json_object_array_length(data); i++)
            json_object_array_add(copy, resolve(json_object_array_get_idx(data, i)));
        return copy;
    case json_type_object:
        copy = json_object_new_object();
        json_object_object_foreach(data, key, item) json_object_object_add(copy, key, resolve(item));
        return copy;
    default:
        return json_object_get(data);
    }
}

/* --- steps ------------------------------------------------------------------------ */

static bool compare_event(struct text *text, json_object *event, json_object *wanted)
{
    bool fits = !wanted || json_object_array_length(wanted) == json_object_array_length(event);
    add(text, "[");
    for (size_t i = 0; i < json_object_array_length(event); i++) {
        const char *found = json_object_get_string(json_object_array_get_idx(event, i));
        json_object *item = wanted ? json_object_array_get_idx(wanted, i) : NULL;
        const char *pattern = member_text(item, "$like"), *class = member_text(item, "$any");
        add(text, i ? ", " : "");
        if (pattern && matches(pattern, found)) {
            add(text, "like ");
            add_quoted(text, pattern, strlen(pattern));
            continue;
        }
        add(text, "%s", found);
        if (class) {
            fits &= found[0] == '<' && strncmp(found + 1, class, strlen(class)) == 0 &&
                    strcmp(found + 1 + strlen(class), ">") == 0;
        } else if (wanted) {
            json_object *resolved = resolve(item);
            char *other = shown(resolved);
            fits &= strcmp(other, found) == 0;
            free(other);
            json_object_put(resolved);
        }
    }
    add(text, "]");
    return fits;
}

static bool compare_events(struct text *text, json_object *noted, json_object *wanted)
{
    bool fits = !wanted || json_object_array_length(wanted) == json_object_array_length(noted);
    add(text, "[");
    for (size_t i = 0; i < json_object_array_length(noted); i++) {
        add(text, i ? ", " : "");
        fits &= compare_event(text, json_object_array_get_idx(noted, i),
                              wanted ? json_object_array_get_idx(wanted, i) : NULL);
    }
    add(text, "]");
    return fits;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool compare_error(struct text *text, json_object *error, json_object *wanted)
{
    json_object *fields = resolve(wanted);
    bool fits = wanted != NULL;
    const char *keys[64];
    size_t count = 0;
    json_object_object_foreach(error, name, value) {
        (void)value;
        keys[count++] = name;
    }
    if (fields) {
        json_object_object_foreach(fields, key, other) {
            (void)other;
            if (!has(error, key))
                keys[count++] = key;
        }
    }
    qsort(keys, count, sizeof *keys, by_text);
    add(text, "{");
    for (size_t i = 0; i < count; i++) {
        add(text, "%s%s: ", i ? ", " : "", keys[i]);
        fits &= compare(text, member(error, keys[i]), member(fields, keys[i]), has(fields, keys[i]));
    }
    add(text, "}");
    json_object_put(fields);
    return fits;
}

static int by_look(const void *a, const void *b)
{
    char *one = shown(*(json_object *const *)a), *other = shown(*(json_object *const *)b);
    int order = strcmp(one, other);
    free(one);
    free(other);
    return order;
}

/* Calls what the step says; true with results or false with an error. */
static bool call_once(json_object *step, json_object **results, json_object **error)
{
    json_object *function = function_named(member_text(step, "call"));
    json_object *self = has(step, "on") ? saved_result(member_text(step, "on")) : NULL;
    json_object *given = resolve(member(step, "with"));
    bool done = call(function, self, given, results, error);
    json_object_put(self);
    json_object_put(given);
    return done;
}

static bool enough_events(json_object *until)
{
    json_object *noted = member(events, member_text(until, "events"));
    return json_object_array_length(noted) >=
           (size_t)json_object_get_int(member(until, "count"));
}

static bool do_call(struct text *text, json_object *step)
{
    json_object *results = NULL, *error = NULL, *until = member(step, "until"), *again = NULL;
    bool fits;
    add(text, "%s ", member_text(step, "call"));
    if (!call_once(step, &results, &error)) {
        add(text, "fails ");
        fits = compare_error(text, error, member(step, "fails"));
        json_object_put(error);
        json_object_put(results);
        return fits;
    }
    while (until && !enough_events(until)) {
        if (!call_once(step, &again, &error))
            give_up("%s: %s", member_text(step, "call"), json_object_to_json_string(error));
        release(again);
    }
    if (has(step, "sorted"))
        json_object_array_sort(results, by_look);
    if (has(step, "save")) {
        const char *name = member_text(step, "save");
        if (has(saved, name))
            release(json_object_get(member(saved, name)));
        json_object_object_add(saved, name, json_object_get(results));
    }
    json_object *wanted = resolve(member(step, "gives"));
    add(text, "gives ");
    fits = compare(text, results, wanted, has(step, "gives")) && !has(step, "fails");
    json_object_put(wanted);
    if (has(step, "save"))
        json_object_put(results);
    else
        release(results);
    return fits;
}

static void do_step(size_t number, json_object *step)
{
    struct text text = {0};
    bool fits = true;
    if (has(step, "free")) {
        const char *name = member_text(step, "free");
        release(json_object_get(member(saved, name)));
        json_object_object_del(saved, name);
        add(&text, "free %s", name);
    } else if (has(step, "events")) {
        const char *name = member_text(step, "events");
        add(&text, "events of %s are ", name);
        fits = compare_events(&text, member(events, name), member(step, "gives"));
        json_object *noted = member(events, name);
        json_object_array_del_idx(noted, 0, json_object_array_length(noted));
    } else {
        fits = do_call(&text, step);
    }
    printf("%zu %s%s\n", number, text.data, fits ? "" : "  <-- NOT AS EXPECTED");
    fflush(stdout);
    free(text.data);
    wrong += !fits;
}

int main(int argc, char **argv)
{
    const char *library = getenv("VKVM_LIBRARY");
    if (argc < 3)
        give_up("usage: runner vkvm-api.json SCENARIO.json [NAME=TEXT ...]");
    load(argv[1], library ? library : "libvkvm.so.0");
    json_object *steps = member(read_json(argv[2]), "steps");
    names = calloc((size_t)argc, sizeof *names);
    for (int i = 3; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            give_up("%s is not NAME=TEXT", argv[i]);
        *equals = '\0';
        names[names_count++] = (struct name){argv[i], equals + 1};
    }
    saved = json_object_new_object();
    events = json_object_new_object();
    for (size_t i = 0; i < json_object_array_length(steps); i++)
        do_step(i + 1, json_object_array_get_idx(steps, i));
    release(saved);
    json_object *left = handles_left();
    char *text = shown(left);
    printf("handles left: %s\n", text);
    if (!destroyed_once()) {
        fputs("runner: not every userdata was destroyed exactly once\n", stderr);
        wrong++;
    }
    return wrong || json_object_object_length(left) ? 1 : 0;
}
