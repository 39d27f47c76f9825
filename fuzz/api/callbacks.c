/*
 * Callbacks that call back, deregister themselves, free what they were given, and fork;
 * and destroy notifies, each of which must run once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sys/mman.h>

#include "fuzz.h"

enum { TICKETS = 1 << 18, RECENT = 64 };

static struct ticket *tickets;
static _Atomic int used;

/* The numbers that were given last, to deregister with. */
static struct {
    _Atomic int number;
    void *_Atomic object; /* the connection, or NULL */
    const char *_Atomic function;
} recent[RECENT];

_Thread_local int visiting;
static void (*call_something)(struct chance *), (*fork_here)(struct chance *);

void make_tickets(void (*call)(struct chance *), void (*fork)(struct chance *))
{
    call_something = call;
    fork_here = fork;
    tickets = mmap(NULL, TICKETS * sizeof *tickets, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (tickets == MAP_FAILED)
        fail("there is no memory for the userdata of callbacks");
}

struct ticket *new_ticket(const struct function *function)
{
    if (used >= TICKETS - SLOTS) {
        shared->stop = true;
        return NULL;
    }
    struct ticket *ticket = &tickets[used++];
    ticket->function = function;
    ticket->number = -1;
    return ticket;
}

bool is_ticket(const void *userdata)
{
    const struct ticket *ticket = userdata;
    return ticket >= tickets && ticket < tickets + TICKETS;
}

static bool is_of_loop(const char *function)
{
    return strstr(function, "add_timeout") || strstr(function, "add_handle");
}

/* How many of the program's own timers and watches there may be: each calls back. */
static bool too_many(const struct ticket *ticket)
{
    return is_of_loop(ticket->function->name) && used % 512 > 128;
}

/* Whether a number that one function has given is one for the other. */
static bool is_kind_of(const char *giver, const char *taker)
{
    static const char *const kinds[] = { "domain_event", "network_event", "storage_pool_event",
                                         "node_device_event", "secret_event", "monitor_event" };
    if (strstr(taker, "timeout"))
        return strstr(giver, "timeout");
    if (strstr(taker, "handle"))
        return strstr(giver, "handle");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strstr(taker, kinds[i]))
            return strstr(giver, kinds[i]);
    return false;
}

int some_registration(struct chance *chance, const char *taker, void **object)
{
    for (int tries = 0; tries < RECENT; tries++) {
        uint64_t i = below(chance, RECENT);
        const char *giver = recent[i].function;
        if (!giver || !is_kind_of(giver, taker))
            continue;
        if (object)
            *object = recent[i].object;
        return recent[i].number;
    }
    return (int)below(chance, 6);
}

void note_registration(struct ticket *ticket, int number)
{
    ticket->number = number;
    ticket->accepted = true;
}

void note_number(const struct function *function, int number, void *object)
{
    uint64_t i = below(my_chance(), RECENT);
    recent[i].number = number;
    recent[i].object = object;
    recent[i].function = function->name;
}

/* The callbacks that this thread is in. */
enum { MOST_INSIDE = 16 };
static _Thread_local const struct ticket *own_inside[MOST_INSIDE];
static _Thread_local int inside_count;

static int inside_here(const struct ticket *ticket)
{
    int count = 0;
    for (int i = 0; i < inside_count && i < MOST_INSIDE; i++)
        count += own_inside[i] == ticket;
    return count;
}

/* A callback that deregisters itself may see its notify before it returns, but no other
   thread may run it meanwhile. */
void destroy_ticket(void *userdata)
{
    struct ticket *ticket = userdata;
    if (!ticket)
        return;
    if (!is_ticket(ticket))
        fail("a destroy notify got the userdata %p, which nobody gave", userdata);
    if (++ticket->destroyed > 1)
        fail("the destroy notify of a callback of %s ran twice", ticket->function->name);
    if (ticket->inside > inside_here(ticket))
        fail("the destroy notify of a callback of %s ran while the callback was running",
             ticket->function->name);
    if (!shared->stop && once_in(my_chance(), 4))
        call_something(my_chance());
}

/* --- what all callbacks do ------------------------------------------------------------------ */

static void deregister(struct ticket *ticket)
{
    const char *name = ticket->function->name;
    int number = ticket->number;
    if (strstr(name, "add_timeout"))
        vkvm_event_remove_timeout(number, NULL);
    else if (strstr(name, "add_handle"))
        vkvm_event_remove_handle(number, NULL);
    else if (strstr(name, "domain_event_register_any"))
        vkvm_conn_domain_event_deregister_any(ticket->object, number, NULL);
    else if (strstr(name, "network_event"))
        vkvm_conn_network_event_deregister_any(ticket->object, number, NULL);
    else if (strstr(name, "storage_pool_event"))
        vkvm_conn_storage_pool_event_deregister_any(ticket->object, number, NULL);
    else if (strstr(name, "node_device_event"))
        vkvm_conn_node_device_event_deregister_any(ticket->object, number, NULL);
    else if (strstr(name, "secret_event"))
        vkvm_conn_secret_event_deregister_any(ticket->object, number, NULL);
    else if (strstr(name, "domain_event_register"))
        vkvm_conn_domain_event_deregister(ticket->object, NULL);
    else if (strstr(name, "close_callback"))
        vkvm_conn_unregister_close_callback(ticket->object, NULL);
    else if (strstr(name, "enable_resume"))
        vkvm_conn_disable_resume(ticket->object, NULL);
    else if (strstr(name, "stream_add_callback"))
        vkvm_stream_remove_callback(ticket->object, NULL);
}

/* `object` is borrowed: what is done to it is done to the library's own hold. */
static void act(struct ticket *ticket, enum class class, void *object)
{
    struct chance *chance = my_chance();
    note_given(object);
    shared->callbacks++;
    if (ticket && !is_ticket(ticket))
        fail("a callback got the userdata %p, which nobody gave", (void *)ticket);
    if (ticket && ticket->has_destroy && ticket->destroyed)
        fail("a callback of %s ran after its destroy notify", ticket->function->name);
    if (inside_count < MOST_INSIDE)
        own_inside[inside_count] = ticket;
    inside_count++;
    if (ticket) {
        ticket->inside++;
        ticket->calls++;
    }
    /* When a round ends, nothing more is made. */
    uint64_t what = shared->stop ? 15 : below(chance, 16);
    if (what < 6) {
        for (uint64_t calls = 1 + below(chance, 3); calls; calls--) {
            if (object && once_in(chance, 2))
                focus_on(class, object);
            call_something(chance);
        }
    } else if (what == 6 && ticket && ticket->object && once_in(chance, 4)) {
        vkvm_handle_free(ticket->object);
    } else if (what == 7 && !visiting && once_in(chance, 50)) {
        fork_here(chance);
    }
    if (ticket && (what == 8 || too_many(ticket)))
        deregister(ticket);
    if (ticket)
        ticket->inside--;
    inside_count--;
}

/* Goes on, gives up, or returns nonsense. */
static int answer(void)
{
    static const int answers[] = { -1, -2, 1, 70000, INT32_MAX, INT32_MIN };
    struct chance *chance = my_chance();
    return once_in(chance, 8) ? answers[below(chance, 6)] : 0;
}

static void on_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)event_id;
    note_given(object);
    if (once_in(my_chance(), 2))
        act(userdata, CLASS_CONN, conn);
    else if (object && once_in(my_chance(), 2))
        act(userdata, CLASS_DOMAIN, object);
    else
        act(userdata, CLASS_VALUE, args);
}

static int on_auth(vkvm_value *credentials, void *userdata)
{
    act(userdata, CLASS_VALUE, credentials);
    return answer();
}

static void on_watch(int watch, int fd, int events, void *userdata)
{
    (void)watch, (void)fd, (void)events;
    act(userdata, CLASS_CONN, NULL);
}

static void on_timeout(int timer, void *userdata)
{
    (void)timer;
    act(userdata, CLASS_CONN, NULL);
}

static int on_host_progress(uint64_t done, uint64_t total, const char *unit, void *userdata)
{
    (void)done, (void)total;
    if (!unit)
        fail("a progress callback of a host got no unit");
    act(userdata, CLASS_HOST, NULL);
    return answer();
}

static int on_progress(uint64_t done, uint64_t total, void *userdata)
{
    (void)done, (void)total;
    act(userdata, CLASS_STORAGE_VOL, NULL);
    return answer();
}

/* The data end some time: a source without an end would be sent for ever. */
static bool has_ended(const struct ticket *ticket)
{
    return ticket ? ticket->calls > 20 : !once_in(my_chance(), 3);
}

static int on_source(vkvm_stream *stream, uint8_t *data, size_t data_len, void *userdata)
{
    act(userdata, CLASS_STREAM, stream);
    int other = answer();
    if (other || has_ended(userdata))
        return other;
    size_t length = 1 + below(my_chance(), data_len);
    memset(data, 0x5A, length);
    return (int)length;
}

static int on_sink(vkvm_stream *stream, const void *data, size_t data_len, void *userdata)
{
    unsigned sum = 0;
    for (size_t i = 0; i < data_len; i++)
        sum += ((const unsigned char *)data)[i];
    act(userdata, CLASS_STREAM, stream);
    int other = answer();
    return other ? other : (int)(data_len - (sum == 1));
}

static int on_section(vkvm_stream *stream, bool *in_data, int64_t *length, void *userdata)
{
    struct chance *chance = my_chance();
    static const int64_t odd[] = { -1, INT64_MAX, INT64_MIN };
    act(userdata, CLASS_STREAM, stream);
    *in_data = once_in(chance, 2);
    *length = has_ended(userdata) ? 0 : once_in(chance, 8) ? odd[below(chance, 3)]
                                                           : (int64_t)below(chance, 5000);
    return answer();
}

static int on_hole(vkvm_stream *stream, int64_t length, void *userdata)
{
    (void)length;
    act(userdata, CLASS_STREAM, stream);
    return answer();
}

static void on_stream(vkvm_stream *stream, int events, void *userdata)
{
    (void)events;
    act(userdata, CLASS_STREAM, stream);
}

void (*callback_for(const char *parameter, const char *function, bool destroy))(void)
{
    typedef void (*any)(void);
    bool sparse_receive = strstr(function, "recv_all");
    if (destroy)
        return (any)destroy_ticket;
    if (strcmp(parameter, "progress") == 0)
        return (any)on_progress;
    if (strcmp(parameter, "hole_handler") == 0)
        return sparse_receive ? (any)on_hole : (any)on_section;
    if (strcmp(parameter, "skip_handler") == 0)
        return (any)on_hole;
    if (strcmp(parameter, "handler") == 0)
        return sparse_receive ? (any)on_sink : (any)on_source;
    if (strstr(function, "host_call"))
        return (any)on_host_progress;
    if (strstr(function, "open_auth"))
        return (any)on_auth;
    if (strstr(function, "add_handle"))
        return (any)on_watch;
    if (strstr(function, "add_timeout"))
        return (any)on_timeout;
    if (strstr(function, "stream_add_callback"))
        return (any)on_stream;
    return (any)on_event;
}

/* --- visitors ------------------------------------------------------------------------------- */

static void visit(void *userdata)
{
    visiting++;
    if (once_in(my_chance(), 200))
        act(is_ticket(userdata) ? userdata : NULL, CLASS_VALUE, NULL);
    visiting--;
}

static unsigned read_all(const void *data, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += ((const unsigned char *)data)[i];
    return sum;
}

static void visit_null(void *userdata) { visit(userdata); }
static void visit_bool(void *userdata, bool value) { (void)value; visit(userdata); }
static void visit_int64(void *userdata, int64_t value) { (void)value; visit(userdata); }
static void visit_uint64(void *userdata, uint64_t value) { (void)value; visit(userdata); }
static void visit_real(void *userdata, double value) { (void)value; visit(userdata); }
static void visit_count(void *userdata, size_t count) { (void)count; visit(userdata); }

static void visit_text(void *userdata, const char *text, size_t len)
{
    read_all(text, len);
    visit(userdata);
}

static void visit_bytes(void *userdata, const uint8_t *data, size_t len)
{
    read_all(data, len);
    visit(userdata);
}

static void visit_handle(void *userdata, void *handle, const char *class_name, size_t len)
{
    read_all(class_name, len);
    if (!handle)
        fail("a visitor got NULL as a handle");
    visit(userdata);
}

const vkvm_value_visitor *some_visitor(struct chance *chance)
{
    static const vkvm_value_visitor whole = {
        visit_null, visit_bool, visit_int64, visit_uint64, visit_real, visit_text, visit_bytes,
        visit_handle, visit_count, visit_count, visit_text, visit_null,
    };
    static const vkvm_value_visitor empty;
    return once_in(chance, 20) ? &empty : &whole;
}

/* --- the end of a round --------------------------------------------------------------------- */

void remove_timers(void)
{
    for (int i = 0; i < used; i++)
        if (is_of_loop(tickets[i].function->name) && tickets[i].accepted && !tickets[i].destroyed)
            deregister(&tickets[i]);
}

/* Runs once, even when the registration failed. */
static bool is_owed(const struct ticket *ticket)
{
    /* The functions of a loop are kept for as long as the process lives. */
    bool kept = ticket->accepted && strcmp(ticket->function->name, "vkvm_event_register_impl") == 0;
    return ticket->has_destroy && ticket->destroyed != 1 && !kept;
}

/* Says which, or NULL. */
const char *owed_tickets(void)
{
    static char text[400];
    int owed = 0, first = 0;
    for (int i = used - 1; i >= 0; i--) {
        if (is_owed(&tickets[i])) {
            owed++;
            first = i;
        }
    }
    if (!owed)
        return NULL;
    snprintf(text, sizeof text,
             "%d of %d destroy notifies never ran; the first is that of a callback of %s, %s, handle %p"
             " (%s), number %d, called %d times", owed, (int)used, tickets[first].function->name,
             tickets[first].accepted ? "which succeeded" : "which failed", tickets[first].object,
             vkvm_handle_class_name(tickets[first].object) ? "live" : "ended", tickets[first].number,
             tickets[first].calls);
    return text;
}
