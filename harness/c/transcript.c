/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How results are written, and whether they are what a scenario wants. */

#include "harness.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

struct name *names;
size_t names_count;

/* A text, with those of the command line by their names. */
static void show_text(struct text *text, json_object *data)
{
    const char *from = json_object_get_string(data);
    size_t length = (size_t)json_object_get_string_len(data);
    struct text replaced = {0};
    add(&replaced, "%s", "");
    for (size_t i = 0; i < length;) {
        const struct name *found = NULL;
        for (size_t n = 0; n < names_count && !found; n++)
            if (length - i >= strlen(names[n].value) &&
                memcmp(from + i, names[n].value, strlen(names[n].value)) == 0)
                found = &names[n];
        if (found) {
            add(&replaced, "${%s}", found->name);
            i += strlen(found->value);
        } else {
            replaced.data = realloc(replaced.data, replaced.length + 2);
            replaced.data[replaced.length++] = from[i++];
            replaced.data[replaced.length] = '\0';
        }
    }
    add_quoted(text, replaced.data, replaced.length);
    free(replaced.data);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of a map in the order of their bytes; free the array, not the keys. */
static const char **sorted_keys(json_object *map, size_t *count)
{
    const char **keys = calloc((size_t)json_object_object_length(map) + 1, sizeof *keys);
    *count = 0;
    json_object_object_foreach(map, key, item) {
        (void)item;
        keys[(*count)++] = key;
    }
    qsort(keys, *count, sizeof *keys, by_text);
    return keys;
}

/* Shows the items of a list or map, compared with those that are wanted if
 * there are any; returns whether they fit. */
static bool show_items(struct text *text, json_object *data, json_object *wanted)
{
    bool fits = true;
    if (json_object_is_type(data, json_type_array)) {
        add(text, "[");
        for (size_t i = 0; i < json_object_array_length(data); i++) {
            add(text, i ? ", " : "");
            fits &= compare(text, json_object_array_get_idx(data, i),
                            wanted ? json_object_array_get_idx(wanted, i) : NULL, wanted != NULL);
        }
        add(text, "]");
        return fits;
    }
    size_t count;
    const char **keys = sorted_keys(data, &count);
    add(text, "{");
    for (size_t i = 0; i < count; i++) {
        add(text, i ? ", " : "");
        add_quoted(text, keys[i], strlen(keys[i]));
        add(text, ": ");
        fits &= compare(text, member(data, keys[i]), member(wanted, keys[i]), wanted != NULL);
    }
    add(text, "}");
    free(keys);
    return fits;
}

void show(struct text *text, json_object *data)
{
    if (has(data, "$handle")) {
        add(text, "<%s>", member_text(data, "$handle"));
        return;
    }
    switch (json_object_get_type(data)) {
    case json_type_null:
        add(text, "null");
        break;
    case json_type_boolean:
        add(text, "%d", json_object_get_boolean(data));
        break;
    case json_type_double:
        add(text, "%.17g", json_object_get_double(data));
        break;
    case json_type_int:
        add(text, "%s", json_object_get_string(data));
        break;
    case json_type_string:
        show_text(text, data);
        break;
    default:
        show_items(text, data, NULL);
    }
}

char *shown(json_object *data)
{
    struct text text = {0};
    show(&text, data);
    return text.data;
}

static const char *kind_of(json_object *data)
{
    if (has(data, "$handle"))
        return member_text(data, "$handle");
    switch (json_object_get_type(data)) {
    case json_type_null:
        return "null";
    case json_type_string:
        return "text";
    case json_type_array:
        return "list";
    case json_type_object:
        return "map";
    default:
        return "number";
    }
}

bool matches(const char *pattern, const char *text)
{
    regex_t compiled;
    bool found;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        give_up("the pattern %s is malformed", pattern);
    found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

static bool same_size(json_object *data, json_object *wanted)
{
    if (json_object_get_type(data) != json_object_get_type(wanted) || has(data, "$handle"))
        return false;
    if (json_object_is_type(data, json_type_array))
        return json_object_array_length(data) == json_object_array_length(wanted);
    if (!json_object_is_type(data, json_type_object) ||
        json_object_object_length(data) != json_object_object_length(wanted))
        return false;
    json_object_object_foreach(data, key, item) {
        (void)item;
        if (!has(wanted, key))
            return false;
    }
    return true;
}

/* Adds the part of a map that is wanted. */
static bool compare_part(struct text *text, json_object *data, json_object *part)
{
    json_object *found = json_object_new_object();
    struct text inner = {0};
    bool fits = json_object_is_type(data, json_type_object);
    json_object_object_foreach(part, key, item) {
        (void)item;
        fits &= has(data, key);
        json_object_object_add(found, key, json_object_get(member(data, key)));
    }
    fits = fits && compare(&inner, found, part, true);
    if (fits)
        add(text, "has %s", inner.data);
    else
        show(text, data);
    free(inner.data);
    json_object_put(found);
    return fits;
}

bool compare(struct text *text, json_object *data, json_object *wanted, bool is_wanted)
{
    const char *pattern = member_text(wanted, "$like"), *kind = member_text(wanted, "$any");
    char *literal, *other;
    bool fits;
    if (!is_wanted) {
        show(text, data);
        return true;
    }
    if (has(wanted, "$has"))
        return compare_part(text, data, member(wanted, "$has"));
    if (!pattern && !kind && same_size(data, wanted))
        return show_items(text, data, wanted);
    literal = shown(data);
    if (pattern) {
        bool is_text = json_object_is_type(data, json_type_string);
        fits = matches(pattern, is_text ? json_object_get_string(data) : literal);
        if (fits) {
            add(text, "like ");
            add_quoted(text, pattern, strlen(pattern));
        }
    } else if (kind) {
        fits = strcmp(kind, kind_of(data)) == 0;
        if (fits)
            add(text, "any %s", kind);
    } else {
        other = shown(wanted);
        fits = strcmp(literal, other) == 0;
        free(other);
        if (fits)
            add(text, "%s", literal);
    }
    if (!fits)
        add(text, "%s", literal);
    free(literal);
    return fits;
}
