/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of a call by name, from those of the C function, and its results into the
 * places of that. */

#include "vkvm_perl.h"

/* --- arguments -------------------------------------------------------------------------- */

typedef struct {
    vkvm_value *map;
    vkvm_error **error;
    const char *name; /* of the parameter */
} loader;

typedef int add_item(vkvm_value *list, const void *items, size_t i, vkvm_error **error);

static int add_int(vkvm_value *list, const void *items, size_t i, vkvm_error **error)
{
    return vkvm_value_set_int64(list, "+", ((const int *)items)[i], error);
}

static int add_text(vkvm_value *list, const void *items, size_t i, vkvm_error **error)
{
    return vkvm_value_set_string(list, "+", ((const char *const *)items)[i], error);
}

static int add_handle(vkvm_value *list, const void *items, size_t i, vkvm_error **error)
{
    return vkvm_value_set_handle(list, "+", ((void *const *)items)[i], error);
}

static int load_list(loader *to, const void *items, size_t count, add_item *add)
{
    vkvm_value *list;
    if (!items && count == 0)
        return 0;
    int result = vkvm_value_new_list(&list, to->error);
    if (result < 0)
        return result;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = add(list, items, i, to->error);
    if (result == 0)
        result = vkvm_value_set(to->map, to->name, list, to->error);
    vkvm_value_wipe_and_free(list);
    return result;
}

static int load_bytes(loader *to, const void *bytes, size_t count)
{
    if (!bytes && count == 0)
        bytes = "";
    return vkvm_value_set_bytes(to->map, to->name, bytes, count, to->error);
}

static int load_text(loader *to, const char *text)
{
    return text ? vkvm_value_set_string(to->map, to->name, text, to->error) : 0;
}

static int load_handle(loader *to, void *handle)
{
    return handle ? vkvm_value_set_handle(to->map, to->name, handle, to->error) : 0;
}

/* Arrays are followed by their lengths. */
static int load(loader *to, char kind, va_list *given)
{
    switch (kind) {
    case 'h':
    case 'v':
        return load_handle(to, va_arg(*given, void *));
    case 't':
        return load_text(to, va_arg(*given, const char *));
    case 'i':
        return vkvm_value_set_int64(to->map, to->name, va_arg(*given, int), to->error);
    case 'u':
        return vkvm_value_set_uint64(to->map, to->name, va_arg(*given, uint32_t), to->error);
    case 'l':
        return vkvm_value_set_int64(to->map, to->name, va_arg(*given, int64_t), to->error);
    case 'n':
        return vkvm_value_set_uint64(to->map, to->name, va_arg(*given, uint64_t), to->error);
    case 'z':
        return vkvm_value_set_uint64(to->map, to->name, va_arg(*given, size_t), to->error);
    case 'd':
        return vkvm_value_set_double(to->map, to->name, va_arg(*given, double), to->error);
    }
    const void *items = va_arg(*given, const void *);
    size_t count = va_arg(*given, size_t);
    switch (kind) {
    case 'y':
        return load_bytes(to, items, count);
    case 'a':
        return load_list(to, items, count, add_int);
    case 's':
        return load_list(to, items, count, add_text);
    default: /* 'o' */
        return load_list(to, items, count, add_handle);
    }
}

/* --- results ---------------------------------------------------------------------------- */

typedef struct {
    vkvm_value *result;
    vkvm_error **error;
    const char *path; /* of the output in it; NULL if it is the only one */
    size_t room;      /* of the caller's buffer */
} unloader;

static int text_at(const unloader *from, const char *path, char **text)
{
    int kind;
    uint8_t *bytes;
    size_t len;
    *text = NULL;
    if (vkvm_value_get_kind(from->result, path, &kind, from->error) < 0)
        return -1;
    if (kind == VKVM_VALUE_NULL)
        return 0;
    if (kind != VKVM_VALUE_BYTES)
        return vkvm_value_get_string(from->result, path, text, from->error);
    /* Text that is not UTF-8. */
    if (vkvm_value_get_bytes(from->result, path, &bytes, &len, from->error) < 0)
        return -1;
    *text = malloc(len + 1);
    if (*text) {
        memcpy(*text, bytes, len);
        (*text)[len] = '\0';
    }
    vkvm_bytes_free(bytes);
    return *text ? 0 : -1;
}

typedef int get_item(const unloader *from, const char *path, void *items, size_t i);

static int get_int(const unloader *from, const char *path, void *items, size_t i)
{
    int64_t number = 0;
    int result = vkvm_value_get_int64(from->result, path, &number, from->error);
    ((int *)items)[i] = (int)number;
    return result;
}

static int get_text(const unloader *from, const char *path, void *items, size_t i)
{
    return text_at(from, path, &((char **)items)[i]);
}

static int get_handle(const unloader *from, const char *path, void *items, size_t i)
{
    return vkvm_value_get_handle(from->result, path, &((void **)items)[i], from->error);
}

typedef void free_items(void *items, size_t count);

static void free_ints(void *items, size_t count)
{
    vkvm_int_list_free(items, count);
}

static void free_texts(void *items, size_t count)
{
    vkvm_string_list_free(items, count);
}

static void free_handles(void *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vkvm_handle_free(((void **)items)[i]);
    free(items);
}

static int unload_list(const unloader *from, va_list *places, size_t size, get_item *get,
                       free_items *free_all)
{
    void **items = va_arg(*places, void **);
    size_t *count = va_arg(*places, size_t *);
    char path[64];
    if (vkvm_value_get_length(from->result, from->path, count, from->error) < 0)
        return -1;
    void *all = calloc(*count ? *count : 1, size);
    if (!all)
        return -1;
    for (size_t i = 0; i < *count; i++) {
        snprintf(path, sizeof path, "%s%s%zu", from->path ? from->path : "",
                 from->path ? "." : "", i);
        if (get(from, path, all, i) < 0) {
            free_all(all, i);
            return -1;
        }
    }
    *items = all;
    return 0;
}

/* What was received, in the caller's buffer. */
static int unload_room(const unloader *from, uint8_t *room)
{
    uint8_t *bytes;
    size_t len;
    if (vkvm_value_get_bytes(from->result, from->path, &bytes, &len, from->error) < 0)
        return -1;
    memcpy(room, bytes, len < from->room ? len : from->room);
    vkvm_bytes_free(bytes);
    return 0;
}

static int unload_value(const unloader *from, vkvm_value **place)
{
    if (from->path)
        return vkvm_value_get(from->result, from->path, place, from->error);
    /* It is the whole result. */
    *place = vkvm_value_ref(from->result);
    return *place ? 0 : -1;
}

#define NUMBER(type, get)                                                                \
    {                                                                                    \
        get##_t number = 0;                                                              \
        int result = vkvm_value_get_##get(from->result, from->path, &number, from->error); \
        *va_arg(*places, type *) = (type)number;                                         \
        return result;                                                                   \
    }

static int unload(unloader *from, char kind, va_list *places)
{
    switch (kind) {
    case 'I':
        NUMBER(int, int64)
    case 'U':
        NUMBER(uint32_t, uint64)
    case 'L':
        NUMBER(int64_t, int64)
    case 'N':
        NUMBER(uint64_t, uint64)
    case 'Z':
        NUMBER(size_t, uint64)
    case 'D':
        return vkvm_value_get_double(from->result, from->path, va_arg(*places, double *),
                                     from->error);
    case 'B':
        return vkvm_value_get_bool(from->result, from->path, va_arg(*places, bool *), from->error);
    case 'T':
        return text_at(from, from->path, va_arg(*places, char **));
    case 'V':
        return unload_value(from, va_arg(*places, vkvm_value **));
    case 'H':
        return get_handle(from, from->path, va_arg(*places, void **), 0);
    case 'A':
        return unload_list(from, places, sizeof(int), get_int, free_ints);
    case 'S':
        return unload_list(from, places, sizeof(char *), get_text, free_texts);
    case 'O':
        return unload_list(from, places, sizeof(void *), get_handle, free_handles);
    case 'Y': {
        uint8_t **bytes = va_arg(*places, uint8_t **);
        size_t *len = va_arg(*places, size_t *);
        return vkvm_value_get_bytes(from->result, from->path, bytes, len, from->error);
    }
    default: { /* 'R' */
        uint8_t *room = va_arg(*places, uint8_t *);
        from->room = va_arg(*places, size_t);
        return unload_room(from, room);
    }
    }
}

/* --- the parameters of a function --------------------------------------------------------- */

/* The next one: its kind, 0 at the end. */
char vkvm_perl_next_param(const char **params, char name[VKVM_PERL_PARAM])
{
    const char *param = *params;
    param += *param == '-' || *param == '+' || *param == ' ';
    if (!*param)
        return 0;
    size_t len = strcspn(param, " ");
    size_t kept = len - 1 < VKVM_PERL_PARAM - 1 ? len - 1 : VKVM_PERL_PARAM - 1;
    memcpy(name, param + 1, kept);
    name[kept] = '\0';
    *params = param + len;
    return *param;
}

static bool is_output(char kind)
{
    return isUPPER_A(kind);
}

/* Passes over the values of a parameter. */
void vkvm_perl_skip_param(char kind, va_list *given)
{
    switch (kind) {
    case 'i':
    case 'u':
        (void)va_arg(*given, int);
        return;
    case 'l':
    case 'n':
        (void)va_arg(*given, int64_t);
        return;
    case 'z':
        (void)va_arg(*given, size_t);
        return;
    case 'd':
        (void)va_arg(*given, double);
        return;
    case 'y':
    case 'a':
    case 's':
    case 'o':
    case 'R':
        (void)va_arg(*given, void *);
        (void)va_arg(*given, size_t);
        return;
    case 'A':
    case 'S':
    case 'O':
    case 'Y':
        (void)va_arg(*given, void *);
        (void)va_arg(*given, void *);
        return;
    default:
        (void)va_arg(*given, void *);
    }
}

/* The number of outputs; *callback is the callback that was given. */
int vkvm_perl_count_outputs(const char *params, va_list *given,
                            vkvm_perl_given_callback *callback)
{
    char kind, name[VKVM_PERL_PARAM];
    int count = 0;
    Zero(callback, 1, vkvm_perl_given_callback);
    while ((kind = vkvm_perl_next_param(&params, name))) {
        count += is_output(kind);
        if (kind == 'p') {
            callback->userdata = va_arg(*given, void *);
        } else if (kind == 'c' && strEQ(name, "destroy")) {
            callback->destroy = va_arg(*given, vkvm_destroy_callback);
        } else if (kind == 'c') {
            callback->function = va_arg(*given, void *);
            memcpy(callback->name, name, sizeof name);
        } else {
            vkvm_perl_skip_param(kind, given);
        }
    }
    return count;
}

int vkvm_perl_load(const char *params, vkvm_value *map, vkvm_error **error, va_list *given)
{
    char kind, name[VKVM_PERL_PARAM];
    loader to = { .map = map, .error = error, .name = name };
    int result = 0;
    while (result == 0 && (kind = vkvm_perl_next_param(&params, name))) {
        if (kind == 'R') {
            /* How much room there is is an argument, too. */
            (void)va_arg(*given, void *);
            strcat(name, "_len");
            result = vkvm_value_set_uint64(map, name, va_arg(*given, size_t), error);
        } else if (is_output(kind) || kind == 'c' || kind == 'p') {
            vkvm_perl_skip_param(kind, given);
        } else {
            result = load(&to, kind, given);
        }
    }
    return result;
}

int vkvm_perl_unload(const char *params, vkvm_value *result, int outputs, vkvm_error **error,
                      va_list *places)
{
    char kind, name[VKVM_PERL_PARAM];
    unloader from = { .result = result, .error = error, .path = outputs > 1 ? name : NULL };
    int status = 0;
    while (status == 0 && (kind = vkvm_perl_next_param(&params, name))) {
        if (is_output(kind))
            status = unload(&from, kind, places);
        else
            vkvm_perl_skip_param(kind, places);
    }
    return status;
}
