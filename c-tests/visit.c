/*
 * The visitor: a value walked in one call, which is how other languages turn
 * it into their own data. Here it becomes a line of text.
 *
 * tests: visit visit.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

struct transcript {
    char text[1024];
    size_t length;
};

__attribute__((format(printf, 2, 3)))
static void add(void *userdata, const char *format, ...)
{
    struct transcript *t = userdata;
    va_list arguments;
    va_start(arguments, format);
    t->length += (size_t)vsnprintf(t->text + t->length, sizeof t->text - t->length, format,
                                   arguments);
    va_end(arguments);
}

static void on_null(void *to)
{
    add(to, "null ");
}

static void on_boolean(void *to, bool value)
{
    add(to, "%s ", value ? "true" : "false");
}

static void on_int64(void *to, int64_t value)
{
    add(to, "i%" PRId64 " ", value);
}

static void on_uint64(void *to, uint64_t value)
{
    add(to, "u%" PRIu64 " ", value);
}

static void on_real(void *to, double value)
{
    add(to, "%g ", value);
}

static void on_string(void *to, const char *text, size_t len)
{
    add(to, "'%.*s' ", (int)len, text);
}

static void on_bytes(void *to, const uint8_t *data, size_t len)
{
    add(to, "<");
    for (size_t i = 0; i < len; i++)
        add(to, "%02x", data[i]);
    add(to, "> ");
}

static void on_handle(void *to, void *handle, const char *class_name, size_t len)
{
    char *name = NULL;
    if (vkvm_domain_get_name(handle, &name, NULL) == 0)
        add(to, "%.*s:%s ", (int)len, class_name, name);
    vkvm_string_free(name);
}

static void on_list(void *to, size_t count)
{
    add(to, "list%zu ", count);
}

static void on_map(void *to, size_t count)
{
    add(to, "map%zu ", count);
}

static void on_key(void *to, const char *text, size_t len)
{
    add(to, "%.*s= ", (int)len, text);
}

static void on_end(void *to)
{
    add(to, "end ");
}

static const vkvm_value_visitor visitor = {
    on_null, on_boolean, on_int64, on_uint64, on_real, on_string,
    on_bytes, on_handle, on_list, on_map, on_key, on_end,
};

static void is_visited(vkvm_value *value, const char *path, const char *wanted, const char *name)
{
    struct transcript to = { "", 0 };
    works(vkvm_value_visit(value, path, &visitor, &to, &err), &err, "visit");
    is_str(to.text, wanted, name);
}

static void all_kinds(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = NULL;
    vkvm_value *value = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "a domain");
    must(vkvm_value_from_json("{\"n\":null,\"l\":[true,-1,1.5,[],{}],\"s\":\"\"}", &value, &err),
         err, "a value");
    works(vkvm_value_set_uint64(value, "u", UINT64_MAX, &err), &err, "set_uint64");
    works(vkvm_value_set_bytes(value, "b", "\0\xff", 2, &err), &err, "set_bytes");
    works(vkvm_value_set_handle(value, "d", dom, &err), &err, "set_handle");
    is_visited(value, NULL,
               "map6 n= null l= list5 true i-1 1.5 list0 end map0 end end s= '' "
               "u= u18446744073709551615 b= <00ff> d= domain:test end ",
               "every kind, in order");
    is_visited(value, "l.3", "list0 end ", "a part of it");
    is_visited(value, "s", "'' ", "an empty text");
    vkvm_value_free(value);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

static void long_text(void)
{
    vkvm_value *value = NULL;
    must(vkvm_value_from_json("\"a\\u0000b\"", &value, &err), err, "a value");
    struct transcript to = { "", 0 };
    works(vkvm_value_visit(value, NULL, &visitor, &to, &err), &err, "visit text with a NUL");
    is_int((int64_t)to.length, 4, "printf ends there, but the length tells");
    vkvm_value_free(value);
}

/* A visitor may read the value that it is shown, and free the last hold on it. */
struct meddler {
    vkvm_value *value;
    int items;
};

static void reads_again(void *userdata, int64_t number)
{
    struct meddler *it = userdata;
    int64_t first = 0;
    it->items++;
    ok(vkvm_value_get_int64(it->value, "0", &first, &err) == 0 && first == -1,
       "the value can be read at item %" PRId64, number);
    forget(&err);
}

static void frees(void *userdata, int64_t number)
{
    struct meddler *it = userdata;
    (void)number;
    it->items++;
    vkvm_value_free(it->value);
}

static void meddling(void)
{
    vkvm_value_visitor special = visitor;
    struct meddler it = { NULL, 0 };
    special.list = (void (*)(void *, size_t))0;
    must(vkvm_value_from_json("[-1,-2,-3]", &it.value, &err), err, "a value");
    fails(vkvm_value_visit(it.value, NULL, &special, &it, &err), &err, VKVM_ERROR_OWN_NULL,
          "visitor", "a visitor without list");
    is_int(it.items, 0, "nothing was shown to it");
    vkvm_value_free(it.value);
}

/* These do not look at lists. */
static void no_list(void *userdata, size_t count)
{
    (void)userdata, (void)count;
}

static void no_end(void *userdata)
{
    (void)userdata;
}

static void in_the_middle(void)
{
    vkvm_value_visitor special = visitor;
    struct meddler it = { NULL, 0 };
    special.list = no_list;
    special.end = no_end;
    special.int64 = reads_again;
    must(vkvm_value_from_json("[-1,-2,-3]", &it.value, &err), err, "a value");
    works(vkvm_value_visit(it.value, NULL, &special, &it, &err), &err, "a visitor that reads");
    special.int64 = frees;
    it.items = 0;
    works(vkvm_value_visit(it.value, NULL, &special, &it, &err), &err, "a visitor that frees");
    is_int(it.items, 3, "it is shown the value to its end");
    is_int((int64_t)handles("value"), 0, "which is gone then");
}

static void missing_members(void)
{
    union {
        vkvm_value_visitor visitor;
        void (*members[sizeof visitor / sizeof(void (*)(void))])(void);
    } holey;
    vkvm_value *value = NULL;
    struct transcript to = { "", 0 };
    must(vkvm_value_new_null(&value, &err), err, "a value");
    for (size_t i = 0; i < sizeof holey.members / sizeof *holey.members; i++) {
        char name[32];
        holey.visitor = visitor;
        holey.members[i] = NULL;
        snprintf(name, sizeof name, "without member %zu", i);
        fails(vkvm_value_visit(value, NULL, &holey.visitor, &to, &err), &err, VKVM_ERROR_OWN_NULL,
              "visitor", name);
    }
    fails(vkvm_value_visit(value, "x", &visitor, &to, &err), &err, VKVM_ERROR_OWN_NOT_FOUND, "path",
          "a path that leads nowhere");
    is_str(to.text, "", "nothing was shown");
    vkvm_value_free(value);
}

static void and_free(void)
{
    vkvm_value *value = NULL;
    struct transcript to = { "", 0 };
    must(vkvm_value_from_json("[1,{\"a\":null}]", &value, &err), err, "a value");
    ok(vkvm_value_ref(value) == value, "a second hold");
    works(vkvm_value_visit_and_free(value, &visitor, &to, &err), &err, "visit_and_free");
    is_str(to.text, "list2 u1 map1 a= null end end ", "every part was shown");
    is_visited(value, "0", "u1 ", "the second hold keeps the value");
    to = (struct transcript){ "", 0 };
    works(vkvm_value_visit_and_free(value, &visitor, &to, &err), &err, "visit_and_free, the last");
    is_str(to.text, "list2 u1 map1 a= null end end ", "every part was shown again");
    is_int((int64_t)handles("value"), 0, "then it was freed");
    to = (struct transcript){ "", 0 };
    fails(vkvm_value_visit_and_free(value, &visitor, &to, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE,
          "value", "visit_and_free of what was freed");
    is_str(to.text, "", "nothing was shown");
    must(vkvm_value_new_null(&value, &err), err, "a value");
    fails(vkvm_value_visit_and_free(value, NULL, &to, &err), &err, VKVM_ERROR_OWN_NULL, "visitor",
          "visit_and_free without a visitor");
    is_int((int64_t)handles("value"), 0, "the value was freed all the same");
}

static void a_document(void)
{
    static const char xml[] = "<a x='1'>t<b/>u<c y='&lt;'>1&amp;2</c><b> 3 </b></a>";
    vkvm_value *value = NULL;
    struct transcript to = { "", 0 };
    vkvm_value_visitor special = visitor;
    works(vkvm_value_visit_xml(xml, &visitor, &to, &err), &err, "visit_xml");
    is_str(to.text,
           "map1 a= map5 @x= '1' #text= list2 't' 'u' end b= list2 true '3' end "
           "c= map2 @y= '<' #text= '1&2' end #order= list5 '#text' 'b' '#text' 'c' 'b' end "
           "end end ",
           "attributes, text, children, lists of siblings");
    must(vkvm_value_from_xml(xml, &value, &err), err, "a value");
    is_visited(value, NULL, to.text, "the value of the document is shown the same");
    vkvm_value_free(value);

    to = (struct transcript){ "", 0 };
    fails(vkvm_value_visit_xml("<a><b>", &visitor, &to, &err), &err, VKVM_ERROR_OWN_XML_SYNTAX,
          "xml", "visit_xml of what is no document");
    fails(vkvm_value_visit_xml("<a>\xff</a>", &visitor, &to, &err), &err,
          VKVM_ERROR_OWN_NOT_UTF8, "xml", "visit_xml of what is no UTF-8");
    special.key = NULL;
    fails(vkvm_value_visit_xml(xml, &special, &to, &err), &err, VKVM_ERROR_OWN_NULL, "visitor",
          "visit_xml with a visitor without key");
    is_str(to.text, "", "nothing was shown");
}

/* Statistics are shown as their value would be. */
static void domain_stats(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_value *records = NULL;
    vkvm_domain *dom = NULL, *wrong = NULL;
    struct transcript to = { "", 0 };
    must(vkvm_conn_get_all_domain_stats(conn, 0, NULL, 0, 0, &records, &err), err, "a value");
    works(vkvm_conn_visit_all_domain_stats(conn, 0, NULL, 0, 0, &visitor, &to, &err), &err,
          "visit_all_domain_stats");
    is_visited(records, NULL, to.text, "the value of the records is shown the same");
    is_str(to.text,
           "list1 map2 dom= domain:test data= map2 state.state= i1 state.reason= i0 end end end ",
           "every part of them");
    vkvm_value_free(records);
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "a domain");
    to = (struct transcript){ "", 0 };
    works(vkvm_conn_visit_all_domain_stats(conn, 0, &dom, 1, 0, &visitor, &to, &err), &err,
          "visit_all_domain_stats of one domain");
    ok(strstr(to.text, "domain:test") != NULL, "it is shown");
    is_int((int64_t)handles("domain"), 1, "the handles that were shown are gone");
    to = (struct transcript){ "", 0 };
    fails(vkvm_conn_visit_all_domain_stats(conn, 0, &wrong, 1, 0, &visitor, &to, &err), &err,
          VKVM_ERROR_OWN_NULL, "doms", "visit_all_domain_stats of no domain");
    fails(vkvm_conn_visit_all_domain_stats(conn, 0, NULL, 0, 0, NULL, &to, &err), &err,
          VKVM_ERROR_OWN_NULL, "visitor", "visit_all_domain_stats without a visitor");
    is_str(to.text, "", "nothing was shown");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

int main(void)
{
    all_kinds();
    domain_stats();
    a_document();
    long_text();
    meddling();
    in_the_middle();
    missing_members();
    and_free();
    no_handles_left();
    return done();
}
