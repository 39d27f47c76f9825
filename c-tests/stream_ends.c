/*
 * Streams that are not open, that carry data the other way, or that are ended where
 * nobody expects it: in a handler of a whole transfer, or by another thread. Each call is
 * an error then. With the test driver of this process, where libvirt itself does not look.
 *
 * usage: stream_ends [URI DIR] (of a daemon with storage, and an empty directory for a pool)
 *
 * bed: qemu-daemon? URI pool
 * tests: stream_ends stream_ends.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <signal.h>

#include "streams.h"

/* --- all that can be done with an open stream --------------------------------------- */

static uint8_t room[64];

static int source_ends(vkvm_stream *stream, uint8_t *data, size_t len, void *userdata)
{
    (void)stream, (void)data, (void)len, (void)userdata;
    return 0;
}

static int sink_takes(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    (void)stream, (void)data, (void)userdata;
    return (int)len;
}

static int section_ends(vkvm_stream *stream, bool *in_data, int64_t *length, void *userdata)
{
    (void)stream, (void)userdata;
    *in_data = true;
    *length = 0;
    return 0;
}

static int hole_passes(vkvm_stream *stream, int64_t length, void *userdata)
{
    (void)stream, (void)length, (void)userdata;
    return 0;
}

static void never(vkvm_stream *stream, int events, void *userdata)
{
    (void)stream, (void)events, (void)userdata;
}

static int64_t count;

static int do_send(vkvm_stream *s) { return vkvm_stream_send(s, "abc", 3, &count, &err); }
static int do_hole(vkvm_stream *s) { return vkvm_stream_send_hole(s, 5, 0, &err); }
static int do_send_all(vkvm_stream *s)
{
    return vkvm_stream_send_all(s, source_ends, NULL, NULL, &err);
}
static int do_sparse_send_all(vkvm_stream *s)
{
    return vkvm_stream_sparse_send_all(s, source_ends, section_ends, hole_passes, NULL, NULL, &err);
}
static int do_recv(vkvm_stream *s)
{
    return vkvm_stream_recv(s, 0, room, sizeof room, &count, &err);
}
static int do_recv_flags(vkvm_stream *s)
{
    return vkvm_stream_recv(s, VKVM_STREAM_RECV_STOP_AT_HOLE, room, sizeof room, &count, &err);
}
static int do_recv_hole(vkvm_stream *s) { return vkvm_stream_recv_hole(s, 0, &count, &err); }
static int do_recv_all(vkvm_stream *s)
{
    return vkvm_stream_recv_all(s, sink_takes, NULL, NULL, &err);
}
static int do_sparse_recv_all(vkvm_stream *s)
{
    return vkvm_stream_sparse_recv_all(s, sink_takes, hole_passes, NULL, NULL, &err);
}
static int do_add(vkvm_stream *s)
{
    return vkvm_stream_add_callback(s, VKVM_STREAM_EVENT_READABLE, never, NULL, NULL, &err);
}
static int do_update(vkvm_stream *s) { return vkvm_stream_update_callback(s, 0, &err); }
static int do_remove(vkvm_stream *s) { return vkvm_stream_remove_callback(s, &err); }
static int do_finish(vkvm_stream *s) { return vkvm_stream_finish(s, &err); }
static int do_abort(vkvm_stream *s) { return vkvm_stream_abort(s, &err); }

static const struct operation {
    const char *name;
    int (*call)(vkvm_stream *stream);
    enum { SENDS = 1, RECEIVES = 2 } way;
} operations[] = {
    { "send", do_send, SENDS },
    { "send_hole", do_hole, SENDS },
    { "send_all", do_send_all, SENDS },
    { "sparse_send_all", do_sparse_send_all, SENDS },
    { "recv", do_recv, RECEIVES },
    { "recv with a flag", do_recv_flags, RECEIVES },
    { "recv_hole", do_recv_hole, RECEIVES },
    { "recv_all", do_recv_all, RECEIVES },
    { "sparse_recv_all", do_sparse_recv_all, RECEIVES },
    { "add_callback", do_add, 0 },
    { "update_callback", do_update, 0 },
    { "remove_callback", do_remove, 0 },
    { "finish", do_finish, 0 },
    { "abort", do_abort, 0 },
};
#define OPERATIONS (sizeof operations / sizeof *operations)

static bool is_refused(int returned, const char *why)
{
    bool right = returned == -1 && vkvm_error_code(err) == VKVM_ERROR_OWN_INVALID &&
                 strcmp(vkvm_error_parameter(err), "stream") == 0 &&
                 strstr(vkvm_error_message(err), why);
    if (!right)
        diag("returned %d: %s", returned, err ? vkvm_error_message(err) : "(without an error)");
    forget(&err);
    return right;
}

static void nothing_works(vkvm_stream *stream, const char *when)
{
    for (size_t i = 0; i < OPERATIONS; i++)
        ok(is_refused(operations[i].call(stream), "is not open"), "%s, %s is an error", when,
           operations[i].name);
}

/* --- a stream of the test driver ------------------------------------------------------ */

static vkvm_conn *local;
static vkvm_domain *screen;

static int open_screen(vkvm_stream *stream)
{
    char *type = NULL;
    int returned = vkvm_domain_screenshot(screen, stream, 0, 0, &type, &err);
    vkvm_string_free(returned == 0 ? type : NULL);
    return returned;
}

static vkvm_stream *picture(uint32_t flags)
{
    vkvm_stream *stream = NULL;
    must(vkvm_conn_new_stream(local, flags, &stream, &err), err, "new_stream");
    must(open_screen(stream), err, "screenshot");
    return stream;
}

static void in_this_process(uint32_t flags, const char *kind)
{
    vkvm_stream *stream = NULL;
    char when[100];
    must(vkvm_conn_new_stream(local, flags, &stream, &err), err, "new_stream");
    snprintf(when, sizeof when, "%s, never opened", kind);
    nothing_works(stream, when);
    for (int abort = 0; abort < 2; abort++) {
        works(open_screen(stream), &err, "the same stream can carry a screenshot");
        fails(open_screen(stream), &err, VKVM_ERROR_OWN_INVALID, "stream", "but one at a time");
        for (size_t i = 0; i < OPERATIONS; i++)
            if (operations[i].way == SENDS)
                ok(is_refused(operations[i].call(stream), "from the other end only"),
                   "%s, %s on a screenshot is an error", kind, operations[i].name);
        works(do_recv(stream), &err, "it can be received after that");
        works(abort ? do_abort(stream) : do_finish(stream), &err, abort ? "abort" : "finish");
        snprintf(when, sizeof when, "%s, %s", kind, abort ? "aborted" : "finished");
        nothing_works(stream, when);
    }
    vkvm_stream_free(stream);
}

static void to_the_end(void)
{
    vkvm_stream *stream = picture(0);
    int64_t total = 0;
    while (vkvm_stream_recv(stream, 0, (uint8_t *)piece, sizeof piece, &count, &err) == 0 &&
           count > 0)
        total += count;
    ok(!err && total > 100 && memcmp(piece, "\x89PNG", 4) == 0, "a screenshot is received whole");
    is_int(count, 0, "0 is its end");
    works(do_recv(stream), &err, "which can be received again");
    works(do_finish(stream), &err, "and it can be finished");
    works(open_screen(stream), &err, "the stream takes another screenshot");
    works(do_recv_all(stream), &err, "recv_all");
    works(do_recv(stream), &err, "after which the stream is still open");
    works(do_finish(stream), &err, "finish");
    vkvm_stream_free(stream);
}

/* --- handlers that end the stream ------------------------------------------------------- */

struct ender {
    enum { FINISH, ABORT, FREE, REOPEN, ENDINGS } how;
    int (*open)(vkvm_stream *);
    int calls, at, ended;
};
static const char *const endings[] = { "finishes", "aborts", "frees", "opens anew" };

static void end_it(vkvm_stream *stream, struct ender *ender)
{
    if (ender->calls++ != ender->at)
        return;
    switch (ender->how) {
    case FINISH: ender->ended = vkvm_stream_finish(stream, NULL) == 0; break;
    case ABORT: ender->ended = vkvm_stream_abort(stream, NULL) == 0; break;
    case FREE: vkvm_stream_free(stream); ender->ended = 1; break;
    default:
        ender->ended = vkvm_stream_abort(stream, NULL) == 0 && ender->open(stream) == 0;
    }
}

static int sink_end(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    (void)data;
    end_it(stream, userdata);
    return (int)len;
}

static int source_end(vkvm_stream *stream, uint8_t *data, size_t len, void *userdata)
{
    end_it(stream, userdata);
    memset(data, 'x', len < 1000 ? len : 1000);
    return len < 1000 ? (int)len : 1000;
}

/* Sections take turns: a hole, data, a hole. */
static int section_end(vkvm_stream *stream, bool *in_data, int64_t *length, void *userdata)
{
    struct ender *ender = userdata;
    *in_data = ender->calls % 2 != 0;
    *length = 500;
    end_it(stream, userdata);
    return 0;
}

static int hole_end(vkvm_stream *stream, int64_t length, void *userdata)
{
    (void)length;
    end_it(stream, userdata);
    return 0;
}

static int source_fills(vkvm_stream *stream, uint8_t *data, size_t len, void *userdata)
{
    (void)stream, (void)userdata;
    memset(data, 'y', len);
    return (int)len;
}

static int section_goes_on(vkvm_stream *stream, bool *in_data, int64_t *length, void *userdata)
{
    (void)stream, (void)userdata;
    *in_data = false;
    *length = 500;
    return 0;
}

/* What came of a transfer whose handler ended the stream; frees it. */
static void was_ended(vkvm_stream *stream, int returned, struct ender *ender, const char *name)
{
    const char *how = endings[ender->how];
    ok(ender->ended, "%s: a handler %s the stream", name, how);
    if (ender->how == FREE) {
        /* What is being used lives until that is over, and goes on. */
        forget(&err);
        fails(do_recv(stream), &err, VKVM_ERROR_OWN_STALE_HANDLE, "stream", "its handle is gone");
        return;
    }
    ok(is_refused(returned, "was finished or aborted"), "%s: the call says so", name);
    if (ender->how == REOPEN)
        works(do_abort(stream), &err, "what the handler opened is still open");
    nothing_works(stream, "after that");
    vkvm_stream_free(stream);
}

static void local_handlers(void)
{
    for (int how = 0; how < ENDINGS; how++) {
        struct ender ender = { .how = how, .open = open_screen };
        vkvm_stream *stream = picture(0);
        int returned = vkvm_stream_recv_all(stream, sink_end, &ender, NULL, &err);
        was_ended(stream, returned, &ender, "recv_all on a screenshot");
    }
}

/* --- with a daemon's volumes ------------------------------------------------------------- */

static vkvm_storage_vol *vol;

static int open_sparse_upload(vkvm_stream *stream)
{
    return vkvm_storage_vol_upload(vol, stream, 0, 0, SPARSE_UP, &err);
}

static int open_upload(vkvm_stream *stream)
{
    return vkvm_storage_vol_upload(vol, stream, 0, 0, 0, &err);
}

static int open_sparse_download(vkvm_stream *stream)
{
    return vkvm_storage_vol_download(vol, stream, 0, 0, SPARSE_DOWN, &err);
}

static int open_download(vkvm_stream *stream)
{
    return vkvm_storage_vol_download(vol, stream, 0, 0, 0, &err);
}

static int end_send(vkvm_stream *stream, struct ender *ender)
{
    return vkvm_stream_send_all(stream, source_end, ender, NULL, &err);
}

static int end_recv(vkvm_stream *stream, struct ender *ender)
{
    return vkvm_stream_recv_all(stream, sink_end, ender, NULL, &err);
}

static int end_in_section(vkvm_stream *stream, struct ender *ender)
{
    return vkvm_stream_sparse_send_all(stream, source_fills, section_end, hole_passes, ender, NULL,
                                       &err);
}

static int end_in_skip(vkvm_stream *stream, struct ender *ender)
{
    return vkvm_stream_sparse_send_all(stream, source_fills, section_goes_on, hole_end, ender, NULL,
                                       &err);
}

static int end_in_data(vkvm_stream *stream, struct ender *ender)
{
    return vkvm_stream_sparse_recv_all(stream, sink_end, hole_passes, ender, NULL, &err);
}

static int end_in_hole(vkvm_stream *stream, struct ender *ender)
{
    return vkvm_stream_sparse_recv_all(stream, sink_takes, hole_end, ender, NULL, &err);
}

static void remote_handlers(void)
{
    const struct {
        const char *name;
        int (*open)(vkvm_stream *);
        int (*transfer)(vkvm_stream *, struct ender *);
        int at;
        bool ends_by_itself; /* when the stream goes on */
    } ways[] = {
        { "recv_all", open_download, end_recv, 1, true },
        { "sparse_recv_all, in data", open_sparse_download, end_in_data, 0, true },
        { "sparse_recv_all, in a hole", open_sparse_download, end_in_hole, 0, true },
        /* A hole that is sent truncates the volume behind it. */
        { "send_all", open_upload, end_send, 1, false },
        { "sparse_send_all, in a section before a hole", open_sparse_upload, end_in_section, 0,
          false },
        { "sparse_send_all, in a section of data", open_sparse_upload, end_in_section, 1, false },
        { "sparse_send_all, behind a hole", open_sparse_upload, end_in_skip, 1, false },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (int how = 0; how < ENDINGS; how++) {
            struct ender ender = { .how = how, .at = ways[i].at, .open = ways[i].open };
            if (how == FREE && !ways[i].ends_by_itself)
                continue;
            vkvm_stream *stream = new_stream(0);
            must(ways[i].open(stream), err, ways[i].name);
            was_ended(stream, ways[i].transfer(stream, &ender), &ender, ways[i].name);
        }
}

static void remote_ways(void)
{
    vkvm_stream *stream = new_stream(VKVM_STREAM_NONBLOCK);
    nothing_works(stream, "a daemon's stream, never opened");
    must(open_upload(stream), err, "upload");
    for (size_t i = 0; i < OPERATIONS; i++)
        if (operations[i].way == RECEIVES)
            ok(is_refused(operations[i].call(stream), "to the other end only"),
               "%s on an upload is an error", operations[i].name);
    works(do_send(stream), &err, "it can be sent after that");
    works(do_finish(stream), &err, "and finished");
    nothing_works(stream, "a daemon's stream, finished");
    must(open_sparse_download(stream), err, "download");
    for (size_t i = 0; i < OPERATIONS; i++)
        if (operations[i].way == SENDS)
            ok(is_refused(operations[i].call(stream), "from the other end only"),
               "%s on a download is an error", operations[i].name);
    works(do_abort(stream), &err, "abort");
    nothing_works(stream, "a daemon's stream, aborted");
    vkvm_stream_free(stream);
}

/* A callback and a whole transfer at once: when that fails, the callback goes, too. */
static void released(void *userdata)
{
    count_one(userdata);
}

static int source_gives_up(vkvm_stream *stream, uint8_t *data, size_t len, void *userdata)
{
    (void)stream, (void)data, (void)len, (void)userdata;
    return -1;
}

static void failed_with_a_callback(void)
{
    int gone = 0;
    vkvm_stream *stream = new_stream(0);
    must(open_upload(stream), err, "upload");
    must(vkvm_stream_add_callback(stream, 0, never, &gone, released, &err), err, "add_callback");
    ok(vkvm_stream_send_all(stream, source_gives_up, NULL, NULL, NULL) < 0, "a source that fails");
    is_int(gone, 1, "the stream was aborted, and its callback removed");
    must(open_upload(stream), err, "upload");
    works(vkvm_stream_add_callback(stream, 0, never, &gone, released, &err), &err,
          "the stream can carry another upload, with a callback");
    vkvm_stream_free(stream);
    is_int(gone, 2, "which ends with the stream");
}

/* --- two threads ---------------------------------------------------------------------- */

struct other {
    vkvm_stream *stream;
    int in_handler, go_on, returned;
    bool said;
};

static int sink_waits(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    struct other *other = userdata;
    (void)stream, (void)data;
    count_one(&other->in_handler);
    while (!read_count(&other->go_on))
        usleep(100);
    return (int)len;
}

static void *receives_all(void *argument)
{
    struct other *other = argument;
    vkvm_error *error = NULL;
    other->returned = vkvm_stream_recv_all(other->stream, sink_waits, other, NULL, &error);
    other->said = error && strstr(vkvm_error_message(error), "was finished or aborted");
    forget(&error);
    return NULL;
}

static void ended_by_another(void)
{
    for (int abort = 0; abort < 2; abort++) {
        struct other other = { .stream = picture(0) };
        pthread_t thread;
        pthread_create(&thread, NULL, receives_all, &other);
        while (!read_count(&other.in_handler))
            usleep(100);
        works(abort ? do_abort(other.stream) : do_finish(other.stream), &err,
              "another thread may end a stream while a handler runs");
        count_one(&other.go_on);
        pthread_join(thread, NULL);
        ok(other.returned == -1 && other.said, "the transfer fails, and says why");
        vkvm_stream_free(other.stream);
    }
}

/* All at once on the same streams; what each call answers is left to chance. */
static vkvm_stream *shared[2];
static int over, storm_opens;

static int storm_call(vkvm_stream *stream, unsigned what, struct ender *ender, vkvm_error **error)
{
    static __thread uint8_t data[1000];
    int64_t moved;
    switch (what) {
    case 0: return vkvm_stream_finish(stream, error);
    case 1: return vkvm_stream_abort(stream, error);
    case 2: return vkvm_stream_send_hole(stream, 5, 0, error);
    case 3: return vkvm_stream_send(stream, "abc", 3, &moved, error);
    case 4: return vkvm_stream_recv(stream, 0, data, sizeof data, &moved, error);
    case 5: return vkvm_stream_recv_all(stream, sink_end, ender, NULL, error);
    case 6: return vkvm_stream_sparse_recv_all(stream, sink_end, hole_end, ender, NULL, error);
    default: return vkvm_stream_send_all(stream, source_end, ender, NULL, error);
    }
}

static void *storms(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    while (!read_count(&over)) {
        vkvm_stream *stream = shared[rand_r(&seed) % 2];
        vkvm_error *error = NULL;
        struct ender ender = { .how = rand_r(&seed) % 2, .at = rand_r(&seed) % 3 };
        unsigned what = rand_r(&seed) % 8;
        if (storm_call(stream, what, &ender, &error) < 0 && !error) {
            puts("Bail out! a failure without an error");
            exit(1);
        }
        forget(&error);
    }
    return NULL;
}

/* Screenshots of this process only, and without callbacks: libvirt itself is not safe when
   such a stream ends on one thread while the loop looks at its callback on another, and two
   receivers of one stream of a daemon may wait for an end that only one of them is told. */
static void storm(void)
{
    pthread_t threads[4];
    double end = now() + (getenv("VKVM_UNDER_VALGRIND") ? 5 : 2);
    shared[0] = picture(0);
    shared[1] = picture(VKVM_STREAM_NONBLOCK);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, storms, (void *)(i + 1));
    for (storm_opens = 0; now() < end || (storm_opens <= 5 && now() < end + PATIENCE); turn())
        for (int i = 0; i < 2; i++) {
            storm_opens += open_screen(shared[i]) == 0;
            forget(&err);
        }
    count_one(&over);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ok(storm_opens > 5, "streams live through four threads that do with them what they like");
    diag("they were opened %d times", storm_opens);
    for (int i = 0; i < 2; i++)
        vkvm_stream_free(shared[i]);
}

int main(int argc, char **argv)
{
    alarm(20 * PATIENCE); /* rather than to hang */
    start_loop();
    local = open_conn(TEST_URI, 0);
    must(vkvm_conn_get_domain_by_name(local, "test", &screen, &err), err, "the domain");
    in_this_process(0, "a stream of this process");
    in_this_process(VKVM_STREAM_NONBLOCK, "one that does not block");
    to_the_end();
    local_handlers();
    ended_by_another();
    storm();
    vkvm_domain_free(screen);
    vkvm_conn_free(local);
    if (argc > 2) {
        dir = argv[2];
        make_pool(argv[1]);
        make_file("v", 16 * MIB, 2, 3);
        must(vkvm_storage_pool_refresh(pool, 0, &err), err, "refresh");
        must(vkvm_storage_pool_get_volume_by_name(pool, "v", &vol, &err), err, "the volume");
        remote_ways();
        remote_handlers();
        failed_with_a_callback();
        vkvm_storage_vol_free(vol);
        vkvm_storage_pool_free(pool);
        vkvm_conn_free(conn);
    } else {
        skip("a daemon's streams", "no URI was given");
    }
    settle();
    no_handles_left();
    return done();
}
