/*
 * Memory that there is not: whatever a caller's sizes, documents and values ask for, the
 * answer is an error that names the parameter and the size. Each case runs in a child
 * whose address space is limited. And chains of values of any length end.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

enum { MIB = 1 << 20 };

static vkvm_error *err;

/* --- what the children do ---------------------------------------------------------- */

/* Text of `size` bytes between two others. */
static char *filled(const char *before, char filling, size_t size, const char *after)
{
    size_t start = strlen(before), end = strlen(after);
    char *text = malloc(start + size + end + 1);
    memcpy(text, before, start);
    memset(text + start, filling, size);
    memcpy(text + start + size, after, end + 1);
    return text;
}

/* Some text again and again between two others. */
static char *repeated(const char *before, const char *piece, size_t times, const char *after)
{
    size_t start = strlen(before), len = strlen(piece);
    char *text = filled(before, ' ', len * times, after);
    for (size_t i = 0; i < times; i++)
        memcpy(text + start + i * len, piece, len);
    return text;
}

/* What is left to be had, of the address space. */
static void leave(size_t spare)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%ld", &pages) != 1)
        _exit(9);
    fclose(statm);
    size_t limit = (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) + spare;
    struct rlimit as = { limit, RLIM_INFINITY };
    if (setrlimit(RLIMIT_AS, &as) != 0)
        _exit(9);
}

static vkvm_value *value_of(const char *json)
{
    vkvm_value *value = NULL;
    must(vkvm_value_from_json(json, &value, &err), err, "a value");
    return value;
}

/* A map with a text under "text" and bytes under "bytes". */
static vkvm_value *large(void)
{
    vkvm_value *value = value_of("{}");
    char *text = filled("", 'x', 24 * MIB, "");
    must(vkvm_value_set_string(value, "text", text, &err), err, "a text");
    must(vkvm_value_set_bytes(value, "bytes", text, 24 * MIB, &err), err, "bytes");
    free(text);
    return value;
}

static int read_xml(char *text)
{
    vkvm_value *value = NULL;
    leave(20 * MIB);
    return vkvm_value_from_xml(text, &value, &err);
}

static int read_json(char *text)
{
    vkvm_value *value = NULL;
    leave(20 * MIB);
    return vkvm_value_from_json(text, &value, &err);
}

static int xml_text(void) { return read_xml(filled("<a>", 'x', 31 * MIB, "</a>")); }
static int xml_joined(void) { return read_xml(filled("<a>&amp;", 'x', 31 * MIB, "</a>")); }
static int xml_cdata(void) { return read_xml(filled("<a>\r<![CDATA[", '\r', 31 * MIB, "]]></a>")); }
static int xml_returns(void) { return read_xml(filled("<a>", '\r', 31 * MIB, "x</a>")); }
static int xml_attribute(void) { return read_xml(filled("<a b='&lt;", 'x', 31 * MIB, "'/>")); }
static int xml_name(void) { return read_xml(filled("<", 'x', 31 * MIB, "/>")); }
static int xml_open(void) { return read_xml(filled("<", 'x', 31 * MIB, "></a>")); }
static int xml_elements(void) { return read_xml(repeated("<a>", "<b/>", 4 * MIB, "</a>")); }
static int xml_attributes(void)
{
    char *text = repeated("<a", " a0000000=''", MIB, "/>"), number[10];
    for (size_t i = 0; i < MIB; i++) {
        snprintf(number, sizeof number, "%07zu", i);
        memcpy(text + 2 + 12 * i + 2, number, 7);
    }
    return read_xml(text);
}

static int json_text(void) { return read_json(filled("\"", 'x', 31 * MIB, "\"")); }
static int json_escapes(void) { return read_json(filled("[1,\"\\n", 'x', 31 * MIB, "\"]")); }
static int json_open(void) { return read_json(filled("[1,\"\\n", 'x', 31 * MIB, "")); }
static int json_key(void) { return read_json(filled("{\"", 'x', 31 * MIB, "\":1}")); }
static int json_bytes(void) { return read_json(filled("{\"$bytes\":\"", 'A', 16 * MIB, "\"}")); }
static int json_list(void) { return read_json(repeated("[0", ",1", 4 * MIB, "]")); }
static int json_texts(void) { return read_json(repeated("[0", ",\"some text\"", MIB, "]")); }
static int json_maps(void) { return read_json(repeated("[0", ",{\"a\":[]}", MIB, "]")); }
static int json_map(void)
{
    char *text = repeated("{\"\":0", ",\"0000000\":1", MIB, "}"), number[10];
    for (size_t i = 0; i < MIB; i++) {
        snprintf(number, sizeof number, "%07zu", i);
        memcpy(text + 5 + 12 * i + 2, number, 7);
    }
    return read_json(text);
}

/* Text that is long, then values until there is no memory for the text's buffer. */
static int json_late_escapes(void)
{
    char *list = repeated("[0", ",[\"abc\"]", 64 << 10, ""), *text = filled(",\"\\n", 'x', 3 * MIB, "\"]");
    char *all = malloc(strlen(list) + strlen(text) + 1);
    strcat(strcpy(all, list), text);
    return read_json(all);
}

static int set_string(void)
{
    vkvm_value *value = value_of("{}");
    char *text = filled("", 'x', 24 * MIB, "");
    leave(20 * MIB);
    return vkvm_value_set_string(value, "a", text, &err);
}

static int set_bytes(void)
{
    vkvm_value *value = value_of("{}");
    char *text = filled("", 'x', 24 * MIB, "");
    leave(20 * MIB);
    return vkvm_value_set_bytes(value, "a", text, 24 * MIB, &err);
}

static int put_key(void)
{
    vkvm_value *value = value_of("{}");
    char *text = filled("", 'x', 24 * MIB, "");
    leave(20 * MIB);
    return vkvm_value_put(value, NULL, text, value, &err);
}

static int append_until(void)
{
    vkvm_value *value = value_of("[]"), *item = value_of("1");
    int result;
    leave(20 * MIB);
    while ((result = vkvm_value_append(value, NULL, item, &err)) == 0)
        ;
    return result;
}

/* Many small pieces instead of a large one: there is nothing left for the error, either. */
static int put_until(void)
{
    vkvm_value *value = value_of("{}"), *item = value_of("\"some text\"");
    int result = 0;
    char key[24];
    leave(20 * MIB);
    for (size_t i = 0; result == 0; i++) {
        snprintf(key, sizeof key, "some key %zu", i);
        result = vkvm_value_put(value, NULL, key, item, &err);
    }
    return result;
}

static int new_until(void)
{
    vkvm_value *value = NULL;
    int result = 0;
    leave(20 * MIB);
    while (result == 0)
        result = vkvm_value_new_map(&value, &err);
    return result;
}

static int append_copy(void)
{
    vkvm_value *list = value_of("[]"), *item = large();
    leave(20 * MIB);
    return vkvm_value_append(list, NULL, item, &err);
}

static int get_part(void)
{
    vkvm_value *value = large(), *part = NULL;
    leave(20 * MIB);
    return vkvm_value_get(value, "text", &part, &err);
}

static int get_list(void)
{
    char *json = repeated("[0", ",1", MIB, "]");
    vkvm_value *value = value_of(json), *part = NULL;
    leave(20 * MIB);
    return vkvm_value_get(value, NULL, &part, &err);
}

static int get_string(void)
{
    vkvm_value *value = large();
    char *text = NULL;
    leave(20 * MIB);
    return vkvm_value_get_string(value, "text", &text, &err);
}

static int get_bytes(void)
{
    vkvm_value *value = large();
    uint8_t *bytes = NULL;
    size_t len = 0;
    leave(20 * MIB);
    return vkvm_value_get_bytes(value, "bytes", &bytes, &len, &err);
}

static int to_json(void)
{
    vkvm_value *value = large();
    char *json = NULL;
    leave(40 * MIB);
    return vkvm_value_to_json(value, 0, &json, &err);
}

static int to_xml(void)
{
    vkvm_value *value = value_of("{\"a\":{}}");
    char *text = filled("", '&', 24 * MIB, ""), *xml = NULL;
    must(vkvm_value_set_string(value, "a.b", text, &err), err, "a text");
    free(text);
    leave(40 * MIB);
    return vkvm_value_to_xml(value, &xml, &err);
}

static int are_equal(void)
{
    vkvm_value *value = large();
    bool equal = false;
    leave(20 * MIB);
    return vkvm_value_equal(value, value, &equal, &err);
}

static vkvm_domain *a_domain(vkvm_conn **conn)
{
    vkvm_domain *dom = NULL;
    *conn = open_conn(TEST_URI, 0);
    must(vkvm_conn_get_domain_by_name(*conn, "test", &dom, &err), err, "the domain");
    return dom;
}

static int memory_peek(void)
{
    vkvm_conn *conn;
    vkvm_domain *dom = a_domain(&conn);
    uint8_t *data = NULL;
    size_t len = 0;
    leave(20 * MIB);
    return vkvm_domain_memory_peek(dom, 0, 64 * MIB, VKVM_DOMAIN_MEMORY_PHYSICAL, &data, &len, &err);
}

static int block_peek(void)
{
    vkvm_conn *conn;
    vkvm_domain *dom = a_domain(&conn);
    uint8_t *data = NULL;
    size_t len = 0;
    leave(20 * MIB);
    return vkvm_domain_block_peek(dom, "vda", 0, 64 * MIB, 0, &data, &len, &err);
}

static int names(void)
{
    vkvm_conn *conn;
    char **list = NULL;
    size_t len = 0;
    a_domain(&conn);
    leave(4 * MIB);
    return vkvm_conn_list_network_names(conn, MIB, &list, &len, &err);
}

static int ids(void)
{
    vkvm_conn *conn;
    int *list = NULL;
    size_t len = 0;
    a_domain(&conn);
    leave(2 * MIB);
    return vkvm_conn_list_domain_ids(conn, MIB, &list, &len, &err);
}

static int parameters(void)
{
    vkvm_conn *conn;
    vkvm_domain *dom = a_domain(&conn);
    vkvm_value *value = large();
    leave(20 * MIB);
    return vkvm_domain_set_scheduler_parameters(dom, value, 0, &err);
}

/* --- a queue of events -------------------------------------------------------------- */

enum { FILLED = 16000, BATCH = 100 };

static struct {
    vkvm_event_queue *queue;
    vkvm_domain *dom;
    uint64_t made;
} events;

/* All that were made: those in the queue, and those that it has counted. */
static uint64_t arrived(uint64_t *lost)
{
    size_t length = 0;
    must(vkvm_event_queue_get_length(events.queue, &length, &err), err, "the queue's length");
    must(vkvm_event_queue_get_overflow(events.queue, lost, &err), err, "the queue's overflow");
    return length + *lost;
}

/* Some more events. How many were lost so far. */
static uint64_t make_events(void)
{
    uint64_t lost = 0;
    for (int i = 0; i < BATCH / 2; i++) {
        must(vkvm_domain_suspend(events.dom, &err), err, "suspend");
        must(vkvm_domain_resume(events.dom, &err), err, "resume");
    }
    events.made += BATCH;
    for (double deadline = now() + PATIENCE; arrived(&lost) < events.made;) {
        if (now() > deadline)
            _exit(7);
        usleep(100);
    }
    return lost;
}

static void fill_queue(void)
{
    vkvm_conn *conn = NULL;
    int id = -1;
    must(vkvm_event_start(&err), err, "the event thread");
    must(vkvm_conn_open(TEST_URI, 0, &conn, &err), err, TEST_URI);
    must(vkvm_conn_get_domain_by_name(conn, "test", &events.dom, &err), err, "the domain");
    must(vkvm_event_queue_new(1 << 20, &events.queue, &err), err, "a queue");
    must(vkvm_event_queue_domain_event_register_any(
             events.queue, conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &id, &err), err, "listen");
    while (events.made < FILLED)
        make_events();
}

static int drain_queue(void)
{
    vkvm_value *all = NULL;
    fill_queue();
    leave(MIB);
    return vkvm_event_queue_drain(events.queue, SIZE_MAX, &all, &err);
}

/* A queue that cannot grow counts what it loses, and goes on when there is memory. */
static int grow_queue(void)
{
    const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
    uint64_t lost = 0;
    /* What is large comes from nowhere but the address space that is left: not from what
       malloc has reserved for each thread. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    fill_queue();
    leave(MIB);
    while ((lost = make_events()) == 0)
        if (events.made > 4 * FILLED)
            return 1;
    if (setrlimit(RLIMIT_AS, &unlimited) != 0)
        return 2;
    return make_events() == lost ? 0 : 3;
}

/* --- an event that gets no handles --------------------------------------------------- */

static void count_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args;
    ++*(int *)userdata;
}

static void make_event(vkvm_domain *dom, int (*make)(vkvm_domain *, vkvm_error **))
{
    must(make(dom, &err), err, "what makes an event");
    must(vkvm_event_run_default(&err), err, "a turn of the loop");
}

static void no_event(int timer, void *userdata)
{
    (void)timer, (void)userdata;
}

/* There is no memory for more handles of values: then the event is lost, but nothing that
   it was to be told with is left. */
static int lose_event(void)
{
    enum { MOST = 8 << 20 };
    const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
    vkvm_value **values = calloc(MOST, sizeof *values);
    vkvm_conn *conn = NULL;
    vkvm_domain *dom = NULL;
    int id = -1, timer = -1, told = 0, count = 0;
    must(vkvm_event_register_default(&err), err, "the loop");
    must(vkvm_event_add_timeout(1, no_event, NULL, NULL, &timer, &err), err, "a timer that ends turns");
    must(vkvm_conn_open(TEST_URI, 0, &conn, &err), err, TEST_URI);
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    must(vkvm_conn_domain_event_register_any(conn, dom, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, count_event,
                                             &told, NULL, &id, &err), err, "listen");
    make_event(dom, vkvm_domain_suspend);
    if (told != 1)
        return 1;
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    leave(8 * MIB);
    while (count < MOST && vkvm_value_new_null(&values[count], NULL) == 0)
        count++;
    make_event(dom, vkvm_domain_resume);
    if (told != 1 || setrlimit(RLIMIT_AS, &unlimited) != 0)
        return 2;
    while (count > 0)
        vkvm_value_free(values[--count]);
    make_event(dom, vkvm_domain_suspend);
    if (told != 2)
        return 3;
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    return handles("conn") + handles("domain") + handles("value") == 0 ? 0 : 4;
}

/* Runs what answers 0 if all is as it should be in a child. */
static void check_child(int (*run)(void), const char *name)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(run());
    waitpid(child, &status, 0);
    if (!ok(status == 0, "%s", name))
        diag("status %d", status);
}

/* --- threads --------------------------------------------------------------------------- */

static bool says_no_thread(int returned)
{
    bool says = returned < 0 && vkvm_error_code(err) == VKVM_ERROR_ERR_SYSTEM_ERROR
                && vkvm_error_domain(err) == VKVM_ERROR_FROM_VKVM
                && vkvm_error_int1(err) == EAGAIN
                && strstr(vkvm_error_message(err), "could not be started");
    if (!says)
        printf("# %s\n", err ? vkvm_error_message(err) : "it worked");
    fflush(stdout);
    forget(&err);
    return says;
}

/* There is no room for their stacks. */
static int start_threads(void)
{
    const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
    const char *const uris[] = { TEST_URI, TEST_URI };
    vkvm_fleet *fleet = NULL;
    leave(MIB);
    if (!says_no_thread(vkvm_event_start(&err)))
        return 1;
    if (!says_no_thread(vkvm_fleet_open(uris, 2, 10000, &fleet, &err)))
        return 2;
    if (setrlimit(RLIMIT_AS, &unlimited) != 0)
        return 3;
    must(vkvm_event_start(&err), err, "the event thread");
    must(vkvm_fleet_open(uris, 2, 10000, &fleet, &err), err, "a fleet");
    vkvm_fleet_free(fleet);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
    const char *parameter; /* NULL if that depends on which piece is the last */
} cases[] = {
    { "a text in XML", xml_text, "xml" },
    { "a text of several pieces in XML", xml_joined, "xml" },
    { "CDATA with ends of lines", xml_cdata, "xml" },
    { "a text with ends of lines", xml_returns, "xml" },
    { "an attribute with references", xml_attribute, "xml" },
    { "a name in XML", xml_name, "xml" },
    { "a name that is not closed", xml_open, "xml" },
    { "elements", xml_elements, "xml" },
    { "attributes", xml_attributes, "xml" },
    { "a text in JSON", json_text, "json" },
    { "a text with escapes", json_escapes, "json" },
    { "a text with escapes that is not closed", json_open, "json" },
    { "a text with escapes behind many values", json_late_escapes, "json" },
    { "a key in JSON", json_key, "json" },
    { "bytes in JSON", json_bytes, "json" },
    { "a list", json_list, "json" },
    { "texts", json_texts, "json" },
    { "maps", json_maps, "json" },
    { "a map of many keys", json_map, "json" },
    { "set_string", set_string, "item" },
    { "set_bytes", set_bytes, "item" },
    { "put", put_key, "key" },
    { "append, again and again", append_until, "item" },
    { "put, again and again", put_until, NULL },
    { "new_map, again and again", new_until, "value" },
    { "append of a copy", append_copy, "item" },
    { "get", get_part, "path" },
    { "get of a list", get_list, "path" },
    { "get_string", get_string, "path" },
    { "get_bytes", get_bytes, "result" },
    { "to_json", to_json, "value" },
    { "to_xml", to_xml, "value" },
    { "equal", are_equal, "other" },
    { "memory_peek", memory_peek, "size" },
    { "block_peek", block_peek, "size" },
    { "names of networks", names, "maxnames" },
    { "ids of domains", ids, "maxids" },
    { "parameters", parameters, "newparams" },
    { "draining a queue", drain_queue, "events" },
};

/* Runs a case in a child, which tells its error's code and message. */
static void check_case(size_t number)
{
    char said[400] = "", expected[60];
    const char *parameter = cases[number].parameter;
    int ends[2], status = 0;
    size_t size = 0;
    if (pipe(ends) != 0)
        _exit(9);
    pid_t child = fork();
    if (child == 0) {
        int result = cases[number].run();
        if (dprintf(ends[1], "%d %.300s", result < 0 ? vkvm_error_code(err) : result,
                    result < 0 ? vkvm_error_message(err) : "it worked") < 0)
            _exit(8);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], said + size, sizeof said - 1 - size)) > 0;)
        size += (size_t)got;
    close(ends[0]);
    waitpid(child, &status, 0);
    snprintf(expected, sizeof expected, "%d %s", VKVM_ERROR_ERR_NO_MEMORY,
             parameter ? parameter : "");
    if (!ok(status == 0 && strncmp(said, expected, strlen(expected)) == 0
                && strstr(said, ": there is no memory for "),
            "%s without memory: an error that names %s", cases[number].name,
            parameter ? parameter : "a parameter"))
        diag("status %d, said: %s", status, said);
}

/* --- chains ------------------------------------------------------------------------ */

/* A value that holds a value that holds a value, and so on. */
static vkvm_value *chain(long links)
{
    vkvm_value *last = value_of("{}"), *next = NULL;
    for (long i = 1; i < links; i++) {
        must(vkvm_value_new_map(&next, &err), err, "a map");
        must(vkvm_value_set_handle(next, "held", last, &err), err, "hold it");
        vkvm_value_free(last);
        last = next;
    }
    return last;
}

static void chains(void)
{
    enum { LINKS = 300000 };
    vkvm_value *value = chain(LINKS), *copy = NULL, *list = NULL;
    char *json = NULL;
    bool equal = false;
    is_int((int64_t)handles("value"), LINKS, "a chain of values through handles");
    works(vkvm_value_to_json(value, 0, &json, &err), &err, "is written");
    vkvm_string_free(json);
    works(vkvm_value_get(value, NULL, &copy, &err), &err, "is copied");
    works(vkvm_value_equal(value, copy, &equal, &err), &err, "is compared");
    ok(equal, "equals its copy");
    vkvm_value_free(copy);
    vkvm_value_free(value);
    is_int((int64_t)handles("value"), 0, "and is freed as a whole");

    value = chain(LINKS);
    vkvm_value_wipe_and_free(value);
    is_int((int64_t)handles("value"), 0, "another one is wiped and freed as a whole");

    /* In a list, with a value that has another hold in its middle. */
    must(vkvm_value_new_list(&list, &err), err, "a list");
    value = chain(LINKS);
    copy = chain(1000);
    must(vkvm_value_set_handle(copy, "other", value, &err), err, "hold it, too");
    must(vkvm_value_set_handle(list, "0", copy, &err), err, "the first item");
    must(vkvm_value_set_handle(list, "1", value, &err), err, "the second item");
    vkvm_value_free(copy);
    vkvm_value_free(list);
    is_int((int64_t)handles("value"), LINKS, "what is held from elsewhere stays");
    must(vkvm_value_remove(value, "held", &err), err, "remove the rest of the chain");
    is_int((int64_t)handles("value"), 1, "what is removed ends as a whole, too");
    vkvm_value_free(value);
    no_handles_left();
}

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(i);
    check_child(grow_queue, "a queue that cannot grow counts what it loses, and goes on later");
    check_child(lose_event, "an event that gets no handles is lost, and leaves none behind");
    check_child(start_threads, "a thread that cannot be started is an error of the system");
    chains();
    return done();
}
