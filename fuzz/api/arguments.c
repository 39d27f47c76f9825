/*
 * What a parameter gets: mostly something that is right, so that calls get anywhere, and
 * one in a while NULL, a freed handle, one of another class, a word that is no handle, a
 * number at a bound, text that is none.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

enum { BUFFER_SIZE = 65536, DESCRIPTORS = 7 };

/* --- what is not called, or not with everything ------------------------------------------------ */

/* Only with arguments that cannot do it. */
static const struct {
    const char *function;
    enum { ALWAYS, ON_REAL, WITH_THREADS } when; /* the test driver has nothing to harm */
    const char *reason;
} excluded[] = {
    { "vkvm_conn_node_suspend_for_duration", ON_REAL, "suspends the machine" },
    { "vkvm_conn_node_alloc_pages", ON_REAL, "takes the machine's memory" },
    { "vkvm_conn_set_node_memory_parameters", ON_REAL, "changes the machine's memory sharing" },
    { "vkvm_node_device_dettach", ON_REAL, "takes a device from the machine" },
    { "vkvm_node_device_reattach", ON_REAL, "the same" },
    { "vkvm_node_device_reset", ON_REAL, "the same" },
    { "vkvm_node_device_create", ON_REAL, "makes devices of the machine" },
    { "vkvm_node_device_destroy", ON_REAL, "removes them" },
    { "vkvm_conn_create_node_device", ON_REAL, "makes devices of the machine" },
    { "vkvm_conn_define_node_device", ON_REAL, "the same" },
    { "vkvm_domain_send_process_signal", ON_REAL, "ends processes" },
    /* libvirt 9.0's test driver frees its list of interfaces under those who read it. */
    { "vkvm_conn_interface_change_begin", WITH_THREADS, "crashes in plain libvirt" },
    { "vkvm_conn_interface_change_commit", WITH_THREADS, "the same" },
    { "vkvm_conn_interface_change_rollback", WITH_THREADS, "the same" },
    { "vkvm_domain_lxc_enter_cgroup", ALWAYS, "moves this process to the cgroup of another one" },
    { "vkvm_domain_lxc_enter_namespace", ALWAYS, "moves this thread into another namespace" },
};

bool is_excluded(const struct function *function)
{
    for (size_t i = 0; i < sizeof excluded / sizeof *excluded; i++)
        if (strcmp(excluded[i].function, function->name) == 0)
            return excluded[i].when == ALWAYS ||
                   (excluded[i].when == ON_REAL ? the_round.target == TARGET_QEMU
                                                : the_round.threads > 1);
    return false;
}

/* --- descriptors -------------------------------------------------------------------------------- */

/* Only these are given: any other one may be the library's own, or this program's. None of
   them makes a reader wait. */
static int descriptors[DESCRIPTORS];

void make_files(void)
{
    static const char *const disks[] = { "disk.raw", "other.raw", "copy.raw" };
    char name[4200];
    int ends[2];
    for (size_t i = 0; i < sizeof disks / sizeof *disks; i++) {
        snprintf(name, sizeof name, "%s/%s", the_round.scratch, disks[i]);
        int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, 1 << 20) < 0 || close(fd) < 0)
            fail("the files of a round cannot be made");
    }
    snprintf(name, sizeof name, "%s/descriptor", the_round.scratch);
    descriptors[0] = -1;
    descriptors[1] = INT32_MAX;
    descriptors[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
    descriptors[3] = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 || descriptors[2] < 0 || descriptors[3] < 0)
        fail("the files of a round cannot be made");
    descriptors[4] = ends[1];
    if (pipe2(ends, O_CLOEXEC) < 0)
        fail("the files of a round cannot be made");
    close(ends[1]);
    descriptors[5] = ends[0]; /* ends at once */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        fail("the files of a round cannot be made");
    close(ends[1]);
    descriptors[6] = ends[0];
}

static int some_descriptor(struct chance *chance)
{
    return descriptors[below(chance, DESCRIPTORS)];
}

/* --- handles ------------------------------------------------------------------------------------ */

static void *no_handle(struct chance *chance, struct arguments *a, bool nullable)
{
    static int local;
    a->right = false;
    switch (below(chance, nullable ? 5 : 7)) {
    case 0: return (void *)1;
    case 1: return (void *)-1;
    case 2: return &local;
    case 3: return (void *)(uintptr_t)any_number(chance);
    case 4: { /* a live one with a bit wrong */
        uintptr_t word = (uintptr_t)live_handle(chance, (enum class)below(chance, CLASSES), NULL);
        return (void *)(word ^ (uintptr_t)1 << below(chance, 64));
    }
    default: return NULL;
    }
}

/* One that is not open, of that connection, for a function that opens it. */
static void *new_stream(void *conn)
{
    vkvm_stream *stream = NULL;
    if (vkvm_conn_new_stream(conn, 0, &stream, NULL) < 0)
        return NULL;
    add_handle(CLASS_STREAM, stream, conn);
    return stream;
}

static void *some_handle(struct chance *chance, const struct parameter *p, struct arguments *a)
{
    uint64_t how = below(chance, 40);
    enum class class = p->class == CLASSES ? (enum class)below(chance, CLASSES) : p->class;
    if (p->nullable && how >= 30)
        return NULL;
    if (how == 0)
        return no_handle(chance, a, p->nullable);
    if (how == 1) {
        a->right = false;
        return freed_handle(chance);
    }
    if (how == 2) {
        a->right = false;
        class = (enum class)below(chance, CLASSES);
    }
    void *handle = live_handle(chance, class, once_in(chance, 12) ? NULL : a->origin);
    if (class == CLASS_STREAM && a->origin && once_in(chance, 2))
        handle = new_stream(a->origin);
    a->right &= handle != NULL;
    return handle;
}

/* --- numbers ------------------------------------------------------------------------------------ */

static uint64_t bound(struct chance *chance)
{
    static const uint64_t bounds[] = {
        0, 1, 2, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN, UINT32_MAX, INT32_MAX,
        (uint64_t)(int64_t)INT32_MIN, 0x100000000u, 65535, 65536, 16777216, 16777217, UINT64_MAX / 1024,
    };
    return bounds[below(chance, sizeof bounds / sizeof *bounds)];
}

static uint64_t some_flags(struct chance *chance)
{
    uint64_t how = below(chance, 16);
    return how < 11   ? 0
           : how < 13 ? (uint64_t)1 << below(chance, 12)
           : how < 15 ? below(chance, 16)
                      : any_number(chance);
}

/* Numbers that mean something, by the names of their parameters. */
static uint64_t some_number(struct chance *chance, const struct function *function, const char *name)
{
    static const char *const waits[] = { "timeout", "duration", "holdtime", NULL };
    static const char *const descriptor[] = { "fd", NULL };
    static const char *const sizes[] = { "capacity", "size", "val", "bandwidth", "length", "offset",
                                         "threshold", "cache_size", "minimum", NULL };
    bool huge = once_in(chance, 12);
    if (strcmp(name, "flags") == 0)
        return some_flags(chance);
    if (is_one_of(name, waits)) /* -1 is for ever */
        return below(chance, 8) * (strstr(function->name, "fleet") ? 100 : 1);
    if (is_one_of(name, descriptor))
        return (uint64_t)some_descriptor(chance);
    if (strcmp(name, "watch") == 0 && !huge)
        return (uint64_t)some_registration(chance, function->name, NULL);
    if (strcmp(name, "timer") == 0) {
        int timer = huge ? (int)bound(chance) : some_registration(chance, function->name, NULL);
        return (uint64_t)(timer == permanent_timer() ? -1 : timer);
    }
    if (strcmp(name, "section") == 0 && once_in(chance, 2))
        return VKVM_NETWORK_SECTION_IP_DHCP_HOST;
    if (strcmp(name, "event_id") == 0 && !huge)
        return below(chance, strstr(function->name, "domain_event") ? 28 : 3);
    if (strcmp(name, "max_delay") == 0 && !huge)
        return 100 + below(chance, 200);
    if (strncmp(name, "max", 3) == 0 && !huge)
        return below(chance, 100);
    /* A volume of a terabyte would take a day to download. */
    if (is_one_of(name, sizes))
        return huge ? (strcmp(name, "capacity") == 0 || strcmp(name, "length") == 0 ? UINT64_MAX - below(chance, 3)
                                                                                   : bound(chance))
                    : below(chance, 3) ? below(chance, 70000) : below(chance, 4);
    if (strcmp(name, "pid") == 0)
        return 0x7FFFFFFF;
    return huge ? bound(chance) : below(chance, once_in(chance, 3) ? 64 : 4);
}

/* --- lists -------------------------------------------------------------------------------------- */

/* A length that cannot be true: so many items are larger than any memory. */
static size_t some_length(struct chance *chance, struct arguments *a, size_t real, size_t item)
{
    if (!once_in(chance, 40))
        return real;
    a->right = false;
    return once_in(chance, 2) ? SIZE_MAX : SIZE_MAX / 2 / item + 2;
}

/* What follows has its length. */
static void choose_list(struct chance *chance, const struct function *function, int i,
                        struct arguments *a)
{
    const struct parameter *p = &function->params[i];
    size_t length = below(chance, MOST_LIST);
    a->words[i].pointer = a->list[i];
    for (size_t j = 0; j < length; j++) {
        if (p->shape == HANDLE_LIST)
            a->list[i][j] = some_handle(chance, &(struct parameter){ .class = p->class }, a);
        else if (p->shape == STRING_LIST)
            a->list[i][j] = once_in(chance, 40)
                                ? NULL
                                : (void *)(uintptr_t)some_text(chance, p->topic).data;
    }
    if (p->shape == INT_LIST) {
        bool files = strstr(p->name, "fd") || strstr(p->name, "files");
        for (size_t j = 0; j < MOST_LIST; j++)
            a->numbers[j] = files ? some_descriptor(chance) : (int)below(chance, 60);
        a->words[i].pointer = a->numbers;
    }
    if (once_in(chance, 20))
        a->words[i].pointer = NULL;
    a->words[i + 1].integer = some_length(chance, a, length, p->shape == INT_LIST ? 4 : 8);
}

static void choose_bytes(struct chance *chance, const struct function *function, int i,
                         struct arguments *a)
{
    struct text text = some_bytes(chance, function->params[i].topic);
    bool none = once_in(chance, 40);
    a->words[i].pointer = none ? NULL : (void *)(uintptr_t)text.data;
    a->words[i + 1].integer = some_length(chance, a, text.length, 1);
}

/* Memory that the function frees. */
static void choose_given(struct chance *chance, const struct function *function, int i,
                         struct arguments *a)
{
    const struct parameter *p = &function->params[i];
    size_t length = below(chance, MOST_LIST);
    void **list = NULL;
    a->words[i].pointer = NULL;
    if (i + 1 < function->count && function->params[i + 1].shape == LENGTH)
        a->words[i + 1].integer = length;
    if (once_in(chance, 4))
        return;
    list = calloc(MOST_LIST, sizeof *list);
    for (size_t j = 0; j < length; j++) {
        if (p->shape == GIVEN_HANDLE_LIST)
            list[j] = some_handle(chance, &(struct parameter){ .class = p->class }, a);
        else if (p->shape == GIVEN_STRING_LIST)
            list[j] = once_in(chance, 8) ? NULL : strdup("text");
    }
    a->words[i].pointer = list;
}

/* --- each parameter ----------------------------------------------------------------------------- */

/* What else is known of it is known when all arguments are chosen. */
static void choose_userdata(const struct function *function, int i, struct arguments *a)
{
    a->ticket = new_ticket(function);
    a->words[i].pointer = a->ticket;
}

static void choose(struct chance *chance, const struct function *function, int i, struct arguments *a)
{
    const struct parameter *p = &function->params[i];
    union word *word = &a->words[i];
    switch (p->shape) {
    case HANDLE: case ANY_HANDLE: case GIVEN_HANDLE: case GIVEN_ANY_HANDLE:
        word->pointer = p->class == CLASS_VALUE && p->shape == HANDLE && !once_in(chance, 16)
                            ? some_value(chance, function, p)
                            : some_handle(chance, p, a);
        if (p->nullable && p->class == CLASS_VALUE && once_in(chance, 4))
            word->pointer = NULL;
        break;
    case HANDLE_LIST: case STRING_LIST: case INT_LIST:
        choose_list(chance, function, i, a);
        break;
    case BYTES:
        choose_bytes(chance, function, i, a);
        break;
    case STRING:
        word->pointer = (void *)(uintptr_t)some_text(chance, p->topic).data;
        if (once_in(chance, p->nullable ? 3 : 40)) {
            word->pointer = NULL;
            a->right &= p->nullable;
        }
        break;
    case GIVEN_STRING: case GIVEN_BYTES: case GIVEN_HANDLE_LIST: case GIVEN_STRING_LIST:
    case GIVEN_INT_LIST:
        choose_given(chance, function, i, a);
        break;
    case INT: case UINT: case INT64: case UINT64: case SIZE:
        word->integer = some_number(chance, function, p->name);
        break;
    case DOUBLE:
        word->real = (double)(int64_t)any_number(chance) / 1e9;
        break;
    case CALLBACK:
        word->function = callback_for(p->name, function->name, strcmp(p->name, "destroy") == 0);
        if (once_in(chance, p->nullable ? 6 : 40))
            word->function = NULL;
        break;
    case USERDATA:
        choose_userdata(function, i, a);
        break;
    case VISITOR:
        word->pointer = once_in(chance, 40) ? NULL : (void *)(uintptr_t)some_visitor(chance);
        break;
    case FUNCTIONS_OF_LOOP:
        word->pointer = once_in(chance, 4) ? NULL : (void *)(uintptr_t)&own_loop;
        break;
    case BUFFER:
        a->buffer = malloc(BUFFER_SIZE);
        word->pointer = once_in(chance, 40) ? NULL : a->buffer;
        a->words[i + 1].integer = below(chance, 3) ? below(chance, 2000) : BUFFER_SIZE;
        break;
    case LENGTH: /* chosen with what it measures */
        break;
    default: /* outputs */
        word->pointer = a->outputs[i];
        if (once_in(chance, 100)) {
            word->pointer = NULL;
            a->right = false;
        }
    }
}

/* Arguments with which it can do nothing. */
static void disarm(struct chance *chance, struct arguments *a)
{
    a->words[0].pointer = no_handle(chance, a, true);
    if (vkvm_handle_class_name(a->words[0].pointer))
        a->words[0].pointer = (void *)1;
}

void choose_arguments(struct chance *chance, const struct function *function, enum class focus,
                      void *focused, struct arguments *a)
{
    static const char *const with_command[] = { "vkvm_host_call", "vkvm_host_call_with_progress",
                                                "vkvm_fleet_call", NULL };
    static const char *const with_function[] = { "vkvm_invoke", "vkvm_call_start", NULL };
    memset(a, 0, offsetof(struct arguments, buffer));
    memset(a->outputs, 0xA5, sizeof a->outputs);
    a->buffer = NULL;
    a->ticket = NULL;
    a->origin = NULL;
    a->right = true;
    for (int i = 0; i < function->count; i++) {
        const struct parameter *p = &function->params[i];
        bool is_handle = p->shape == HANDLE || p->shape == GIVEN_HANDLE;
        if (i == 0 && focused && is_handle && p->class == focus)
            a->words[i].pointer = focused;
        else
            choose(chance, function, i, a);
        if (is_handle && !a->origin)
            a->origin = origin_of(p->class, a->words[i].pointer);
    }
    if (is_one_of(function->name, with_command) && !once_in(chance, 16)) {
        a->words[1].pointer = (void *)(uintptr_t)some_command(chance);
        if (a->words[1].pointer)
            a->words[2].pointer = some_command_arguments(chance, a->words[1].pointer);
    }
    if (is_one_of(function->name, with_function) && !once_in(chance, 16)) {
        void *arguments = NULL;
        const char *name = some_named(chance, &arguments);
        if (name) {
            a->words[0].pointer = (void *)(uintptr_t)name;
            a->words[1].pointer = arguments;
        }
    }
    if (a->ticket) {
        a->ticket->object = a->words[0].pointer;
        for (int i = 0; i < function->count; i++)
            if (strcmp(function->params[i].name, "destroy") == 0)
                a->ticket->has_destroy = a->words[i].function != NULL;
    }
    /* A number is one of the connection's. */
    if (function->count > 1 && strcmp(function->params[1].name, "callback_id") == 0 &&
        function->params[1].shape == INT && !once_in(chance, 8))
        a->words[1].integer = (uint64_t)some_registration(chance, function->name,
                                                          once_in(chance, 4) ? NULL : &a->words[0].pointer);
    /* A device without a name crashes libvirt 9.0's daemon, which looks it up with strcmp. */
    if (the_round.target == TARGET_QEMU && strcmp(function->name, "vkvm_domain_set_block_threshold") == 0 &&
        a->words[1].pointer && !*(const char *)a->words[1].pointer)
        a->words[1].pointer = NULL;
    if (is_excluded(function))
        disarm(chance, a);
}
