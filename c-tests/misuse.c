/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Misuse: every function of the header gets each of its parameters wrong in
 * turn, in every way that the conventions promise to notice: NULL, freed
 * handles, handles of another class, words that are no handle, text that is
 * not UTF-8, counts that cannot be true. It must return -1, blame that
 * parameter, and leave its outputs alone.
 *
 * The table of functions is generated: functions.h.
 *
 * bed: qemu-daemon? URI
 * tests: misuse misuse.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <limits.h>
#include <unistd.h>

#include "functions.h"

/* A freed handle of each class. */
static void *stale[CLASSES];

static unsigned char untouched[16];
static const char *not_utf8[] = { "a\xff" }, *no_text[] = { NULL };

/* Whether there is no object to call the function on. */
static bool lacks_object(const struct function *function)
{
    return function->count && function->params[0].shape == HANDLE &&
           !live[function->params[0].class];
}

/* A visitor is shown nothing, but where libvirt may take what it is given. */
static bool may_be_shown;

static void shown(void)
{
    if (!may_be_shown)
        never();
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

/* Where NULL may be passed, such as for a text that has a default, the library does not
 * refuse it, with whichever code: what libvirt says to it, counts. */
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
    may_be_shown = true;
    if (function->call(arguments, &err) == 0)
        free_outputs(function);
    may_be_shown = false;
    const char *blamed = vkvm_error_parameter(err);
    ok(!blamed || strcmp(blamed, param->name) != 0 ||
           vkvm_error_domain(err) != VKVM_ERROR_FROM_VKVM,
       "%s takes NULL for %s", function->name, param->name);
    vkvm_error_free(err);
}

/* Whether the outputs are what the API file says. */
static bool are_as_described(const struct function *function)
{
    bool right = true;
    for (size_t i = 0; i < function->count; i++) {
        static const int kinds[] = { [A_LIST] = VKVM_VALUE_LIST, [A_MAP] = VKVM_VALUE_MAP };
        enum result result = function->params[i].result;
        int kind = -1;
        vkvm_value *value;
        memcpy(&value, outputs[i], sizeof value);
        if (result >= A_POINTER && !value)
            right = complain(function->params[i].name, "is NULL");
        else if (result > A_POINTER && (vkvm_value_get_kind(value, NULL, &kind, NULL) < 0 ||
                                        kind != kinds[result]))
            right = complain(function->params[i].name, "is not the list or map that it should be");
    }
    return right;
}

/* On success *error stays what it was; on failure that does not matter. */
static void try_right(const struct function *function)
{
    union argument arguments[MOST_PARAMETERS];
    vkvm_error *sentinel = (vkvm_error *)0x5A5A, *err = sentinel;
    set_right(function, arguments);
    if (function->call(arguments, &err) == 0) {
        ok(err == sentinel, "%s leaves the error alone", function->name);
        ok(are_as_described(function), "%s gives what is described", function->name);
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
    may_be_shown = true;
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
    may_be_shown = false;
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
        visitor.members[i] = shown;
    make_fleet_host();
    make_handles(stale, daemon_uri);
    free_handles(stale);
    make_handles(live, daemon_uri);
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
