/*
 * What is counted has a limit, and what goes beyond it is an error: references to a
 * handle. And values that would hold themselves are refused.
 *
 * tests: bounds bounds.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

/* --- references ---------------------------------------------------------------------- */

enum { LIMIT = 524287 };

static void references(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_value *holder = NULL, *copy = NULL;
    char *name = NULL;
    int count = 1;
    while (vkvm_conn_ref(conn) == conn)
        count++;
    is_int(count, LIMIT, "a handle has so many references, and _ref returns NULL beyond them");
    ok(!vkvm_conn_ref(conn), "again");
    works(vkvm_conn_get_type(conn, &name, &err), &err, "the handle can be used");
    vkvm_string_free(name);
    must(vkvm_value_new_map(&holder, &err), err, "a value");
    fails(vkvm_value_set_handle(holder, "conn", conn, &err), &err, VKVM_ERROR_OWN_TOO_LARGE,
          "item", "a value that would have one more reference");
    vkvm_conn_free(conn);
    works(vkvm_value_set_handle(holder, "conn", conn, &err), &err, "when one is free it can");
    fails(vkvm_value_get(holder, "", &copy, &err), &err, VKVM_ERROR_OWN_TOO_LARGE, "path",
          "a copy of that value would have another");
    vkvm_value_free(holder);
    for (int i = 0; i < LIMIT - 2; i++)
        vkvm_conn_free(conn);
    is_int((int64_t)handles("conn"), 1, "the last reference keeps the handle");
    vkvm_conn_free(conn);
    is_int((int64_t)handles("conn"), 0, "and ends it");
}

/* --- values that hold each other -------------------------------------------------------- */

static void cycles(void)
{
    vkvm_value *a = NULL, *b = NULL, *c = NULL, *list = NULL;
    must(vkvm_value_new_map(&a, &err), err, "a");
    must(vkvm_value_new_map(&b, &err), err, "b");
    must(vkvm_value_new_map(&c, &err), err, "c");
    must(vkvm_value_new_list(&list, &err), err, "a list");
    fails(vkvm_value_set_handle(a, "a", a, &err), &err, VKVM_ERROR_OWN_INVALID, "item",
          "a value cannot hold itself");
    works(vkvm_value_set_handle(a, "b", b, &err), &err, "it can hold another");
    works(vkvm_value_set_handle(b, "list.0", c, &err), &err, "which holds a third");
    fails(vkvm_value_set_handle(b, "a", a, &err), &err, VKVM_ERROR_OWN_INVALID, "item",
          "which cannot hold the first");
    fails(vkvm_value_set_handle(c, "a", a, &err), &err, VKVM_ERROR_OWN_INVALID, "item",
          "nor can the third");
    works(vkvm_value_set_handle(list, "0", a, &err), &err, "a list holds the first");
    fails(vkvm_value_set(c, "list", list, &err), &err, VKVM_ERROR_OWN_INVALID, "item",
          "a copy of it does, too");
    works(vkvm_value_set_handle(c, "other", list, &err) == -1 ? 0 : -1, &(vkvm_error *){ NULL },
          "and by its handle");
    forget(&err);
    works(vkvm_value_set_handle(a, "c", c, &err), &err, "two ways to the same are no circle");
    vkvm_value_free(a);
    vkvm_value_free(b);
    vkvm_value_free(c);
    vkvm_value_free(list);
    is_int((int64_t)handles("value"), 0, "all are freed");
}

int main(void)
{
    references();
    cycles();
    no_handles_left();
    return done();
}
