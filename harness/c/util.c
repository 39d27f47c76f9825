/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts, JSON, giving up. */

#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    char *piece;
    int length;
    va_start(arguments, format);
    length = vasprintf(&piece, format, arguments);
    va_end(arguments);
    if (length < 0)
        give_up("no memory");
    text->data = realloc(text->data, text->length + (size_t)length + 1);
    if (!text->data)
        give_up("no memory");
    memcpy(text->data + text->length, piece, (size_t)length + 1);
    text->length += (size_t)length;
    free(piece);
}

void add_quoted(struct text *text, const char *data, size_t length)
{
    add(text, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)data[i];
        if (byte == '"' || byte == '\\')
            add(text, "\\%c", byte);
        else if (byte >= 0x20 && byte < 0x7f)
            add(text, "%c", byte);
        else
            add(text, "\\x%02x", byte);
    }
    add(text, "\"");
}

void give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fputs("runner: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

json_object *read_json(const char *file)
{
    json_object *data = json_object_from_file(file);
    if (!data)
        give_up("%s", json_util_get_last_err());
    return data;
}

json_object *member(json_object *map, const char *key)
{
    json_object *found = NULL;
    if (json_object_is_type(map, json_type_object))
        json_object_object_get_ex(map, key, &found);
    return found;
}

const char *member_text(json_object *map, const char *key)
{
    json_object *found = member(map, key);
    return found ? json_object_get_string(found) : NULL;
}

bool has(json_object *map, const char *key)
{
    return json_object_is_type(map, json_type_object) && json_object_object_get_ex(map, key, NULL);
}

json_object *member_of_list(json_object *list, const char *key, const char *text)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *item = json_object_array_get_idx(list, i);
        const char *found = member_text(item, key);
        if (found && strcmp(found, text) == 0)
            return item;
    }
    return NULL;
}
