/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SIGPIPE in callbacks: a program whose own output nobody reads ends by it there, as
 * anywhere, and its handler is called. Each kind of callback is tried in a process with the
 * signal's default effect and in one with a handler. Only on the library's own thread
 * signals are blocked.
 *
 * usage: sigpipe SOCKET DIR
 *
 * SOCKET is that of a daemon with the test driver and the QEMU driver, in DIR the volumes of
 * a pool are made. VKVM_LOOP says which loop there is: events.h.
 *
 * bed: qemu-daemon SOCKET pool
 * tests: sigpipe sigpipe.own sigpipe.thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sigpipe.h"
#include "streams.h"

static char qemu_uri[256];

/* --- what a callback does --------------------------------------------------------------- */

/* How often the callback was called that the part is about, and what it found. */
static int called;
static bool was_blocked;

/* Only the first call writes, so that a handler is called once. */
static void as_a_program(void)
{
    if (called++)
        return;
    was_blocked = sigpipe_is_blocked();
    write_to_nobody();
}

static void on_end(void *userdata)
{
    (void)userdata;
    as_a_program();
}

static void on_event(vkvm_conn *of, void *object, int id, vkvm_value *args, void *userdata)
{
    (void)of, (void)object, (void)id, (void)args, (void)userdata;
    as_a_program();
}

static void ignore_event(vkvm_conn *of, void *object, int id, vkvm_value *args, void *userdata)
{
    (void)of, (void)object, (void)id, (void)args, (void)userdata;
}

/* --- values ----------------------------------------------------------------------------- */

static union {
    vkvm_value_visitor visitor;
    void (*members[sizeof(vkvm_value_visitor) / sizeof(void (*)(void))])(void);
} visitor;

static vkvm_value *some_value(void)
{
    vkvm_value *value = NULL;
    for (size_t i = 0; i < sizeof visitor.members / sizeof *visitor.members; i++)
        visitor.members[i] = as_a_program;
    must(vkvm_value_from_json("[1]", &value, &err), err, "a value");
    return value;
}

static void visit(void)
{
    vkvm_value *value = some_value();
    must(vkvm_value_visit(value, NULL, &visitor.visitor, NULL, &err), err, "visit");
    vkvm_value_free(value);
}

static void visit_and_free(void)
{
    must(vkvm_value_visit_and_free(some_value(), &visitor.visitor, NULL, &err), err,
         "visit_and_free");
}

static void visit_xml(void)
{
    vkvm_value_free(some_value());
    must(vkvm_value_visit_xml("<a/>", &visitor.visitor, NULL, &err), err, "visit_xml");
}

/* Over a socket, so that the signal is blocked while libvirt is asked. */
static void visit_stats(void)
{
    vkvm_value_free(some_value());
    conn = open_conn(line.uri, 0);
    must(vkvm_conn_visit_all_domain_stats(conn, 0, NULL, 0, 0, &visitor.visitor, NULL, &err), err,
         "visit_all_domain_stats");
    vkvm_conn_free(conn);
}

/* --- opening ---------------------------------------------------------------------------- */

static int answer(vkvm_value *requests, void *userdata)
{
    (void)userdata;
    as_a_program();
    return vkvm_value_set_string(requests, "0.result", "alice", NULL);
}

static void open_with_credentials(vkvm_destroy_callback destroy)
{
    static const int types[] = { VKVM_CRED_AUTHNAME };
    static const char xml[] = "<node><auth><user>alice</user></auth></node>";
    char uri[4200];
    vkvm_conn *asking = NULL;
    int fd = open(path_of("auth.xml"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd < 0 || write(fd, xml, sizeof xml - 1) < 0 || close(fd) < 0, NULL, "auth.xml");
    /* From here on the process has a socket, and every open blocks the signal. */
    conn = open_conn(line.uri, 0);
    snprintf(uri, sizeof uri, "test://%s", path_of("auth.xml"));
    must(vkvm_conn_open_auth(uri, 0, types, 1, answer, NULL, destroy, &asking, &err), err, uri);
    vkvm_conn_free(asking);
    vkvm_conn_free(conn);
}

static void credentials(void)
{
    open_with_credentials(NULL);
}

/* --- transfers -------------------------------------------------------------------------- */

/* Which of the handlers of a transfer is tried. */
static enum { DATA, SECTION, HOLE } tried;

static vkvm_storage_vol *volume(void)
{
    vkvm_storage_vol *vol = NULL;
    conn = open_conn(qemu_uri, 0);
    must(vkvm_conn_get_storage_pool_by_name(conn, "streams", &pool, &err), err, "the pool");
    must(vkvm_storage_pool_get_volume_by_name(pool, "volume", &vol, &err), err, "the volume");
    return vol;
}

static void end_volume(vkvm_storage_vol *vol)
{
    vkvm_storage_vol_free(vol);
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(conn);
}

static int data_left, section;

static int fill(vkvm_stream *stream, uint8_t *room, size_t len, void *userdata)
{
    (void)stream, (void)userdata;
    if (tried == DATA)
        as_a_program();
    int count = data_left < (int)len ? data_left : (int)len;
    memset(room, 'x', (size_t)count);
    data_left -= count;
    return count;
}

/* Data, a hole, and the end. */
static int next_section(vkvm_stream *stream, bool *in_data, int64_t *length, void *userdata)
{
    (void)stream, (void)userdata;
    if (tried == SECTION)
        as_a_program();
    *in_data = section == 0;
    *length = section == 0 ? 4096 : section == 1 ? 8192 : 0;
    section++;
    return 0;
}

static int take(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    (void)stream, (void)data, (void)userdata;
    if (tried == DATA)
        as_a_program();
    return (int)len;
}

static int hole(vkvm_stream *stream, int64_t length, void *userdata)
{
    (void)stream, (void)length, (void)userdata;
    if (tried == HOLE)
        as_a_program();
    return 0;
}

static void send_all(bool sparse, vkvm_destroy_callback destroy)
{
    vkvm_storage_vol *vol = volume();
    vkvm_stream *stream = new_stream(0);
    data_left = 4096;
    must(vkvm_storage_vol_upload(vol, stream, 0, 0, sparse ? SPARSE_UP : 0, &err), err, "upload");
    if (sparse)
        must(vkvm_stream_sparse_send_all(stream, fill, next_section, hole, NULL, destroy, &err), err,
             "sparse_send_all");
    else
        must(vkvm_stream_send_all(stream, fill, NULL, destroy, &err), err, "send_all");
    must(vkvm_stream_finish(stream, &err), err, "finish");
    vkvm_stream_free(stream);
    end_volume(vol);
}

static void recv_all(bool sparse)
{
    vkvm_storage_vol *vol = volume();
    vkvm_stream *stream = new_stream(0);
    must(vkvm_storage_vol_download(vol, stream, 0, 0, sparse ? SPARSE_DOWN : 0, &err), err,
         "download");
    if (sparse)
        must(vkvm_stream_sparse_recv_all(stream, take, hole, NULL, NULL, &err), err,
             "sparse_recv_all");
    else
        must(vkvm_stream_recv_all(stream, take, NULL, NULL, &err), err, "recv_all");
    must(vkvm_stream_finish(stream, &err), err, "finish");
    vkvm_stream_free(stream);
    end_volume(vol);
}

static void source(void) { send_all(false, NULL); }
static void sparse_source(void) { send_all(true, NULL); }
static void sparse_section(void) { tried = SECTION; send_all(true, NULL); }
static void sparse_skip(void) { tried = HOLE; send_all(true, NULL); }
static void sink(void) { recv_all(false); }
static void sparse_sink(void) { recv_all(true); }
static void sparse_hole(void) { tried = HOLE; recv_all(true); }

static int on_progress(uint64_t moved, uint64_t total, void *userdata)
{
    (void)moved, (void)total, (void)userdata;
    as_a_program();
    return 0;
}

static void transfer(bool up, bool by_name)
{
    uint64_t bytes = 0;
    vkvm_storage_vol *vol = volume();
    const char *path = path_of(up ? "source" : "copy");
    int fd = open(path, O_RDWR | O_CREAT, 0600), returned;
    if (up)
        returned = by_name ? vkvm_storage_vol_upload_file(vol, path, 0, 0, 0, on_progress, NULL, NULL,
                                                          &bytes, &err)
                           : vkvm_storage_vol_upload_fd(vol, fd, 0, 0, 0, on_progress, NULL, NULL,
                                                        &bytes, &err);
    else
        returned = by_name ? vkvm_storage_vol_download_file(vol, path, 0, 0, 0, on_progress, NULL,
                                                            NULL, &bytes, &err)
                           : vkvm_storage_vol_download_fd(vol, fd, 0, 0, 0, on_progress, NULL, NULL,
                                                          &bytes, &err);
    must(returned, err, "the transfer");
    close(fd);
    end_volume(vol);
}

static void upload_file(void) { transfer(true, true); }
static void upload_fd(void) { transfer(true, false); }
static void download_file(void) { transfer(false, true); }
static void download_fd(void) { transfer(false, false); }

static int on_host_progress(uint64_t moved, uint64_t total, const char *unit, void *userdata)
{
    (void)moved, (void)total, (void)unit, (void)userdata;
    as_a_program();
    return 0;
}

static void command(void)
{
    char json[4200];
    vkvm_host *host = NULL;
    vkvm_value *args = NULL, *result = NULL;
    vkvm_storage_vol *vol = volume();
    snprintf(json, sizeof json, "[\"volume\", \"%s\", \"streams\"]", path_of("source"));
    must(vkvm_value_from_json(json, &args, &err), err, "the arguments");
    must(vkvm_host_new(conn, &host, &err), err, "the host");
    must(vkvm_host_call_with_progress(host, "volume.upload", args, on_host_progress, NULL, NULL,
                                      &result, &err), err, "volume.upload");
    vkvm_value_free(args);
    vkvm_value_free(result);
    vkvm_host_free(host);
    end_volume(vol);
}

/* --- the loop --------------------------------------------------------------------------- */

static void on_timer(int timer, void *userdata)
{
    (void)timer, (void)userdata;
    as_a_program();
}

static void on_watch(int watch, int fd, int events, void *userdata)
{
    (void)watch, (void)fd, (void)events, (void)userdata;
    as_a_program();
}

static void timer(void)
{
    int number = -1;
    start_loop();
    must(vkvm_event_add_timeout(0, on_timer, NULL, NULL, &number, &err), err, "the timer");
    wait_for(&called, 1);
}

static void watch(void)
{
    int number = -1, fd = open("/dev/zero", O_RDONLY);
    start_loop();
    must(vkvm_event_add_handle(fd, VKVM_EVENT_HANDLE_READABLE, on_watch, NULL, NULL, &number, &err),
         err, "the watch");
    wait_for(&called, 1);
}

static void destroy_of_timer(void)
{
    int number = -1;
    start_loop();
    must(vkvm_event_add_timeout(-1, no_op, NULL, on_end, &number, &err), err, "the timer");
    must(vkvm_event_remove_timeout(number, &err), err, "remove_timeout");
    wait_for(&called, 1);
}

static int register_event(vkvm_event_callback callback, vkvm_destroy_callback destroy)
{
    int number = -1;
    start_loop();
    conn = open_conn(line.uri, 0);
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, callback,
                                             NULL, destroy, &number, &err), err, "register_any");
    return number;
}

static void event(void)
{
    register_event(on_event, NULL);
    vkvm_domain_free(define_probe(conn));
    wait_for(&called, 1);
    vkvm_conn_free(conn);
}

static void destroy_of_event(void)
{
    int number = register_event(ignore_event, on_end);
    must(vkvm_conn_domain_event_deregister_any(conn, number, &err), err, "deregister_any");
    wait_for(&called, 1);
    vkvm_conn_free(conn);
}

static void destroy_by_close(void)
{
    register_event(ignore_event, on_end);
    vkvm_conn_free(conn);
    wait_for(&called, 1);
}

static void end_of_connection(void)
{
    start_loop();
    conn = open_conn(line.uri, 0);
    must(vkvm_conn_register_close_callback(conn, on_event, NULL, NULL, &err), err, "register");
    cut_line();
    wait_for(&called, 1);
    vkvm_conn_free(conn);
}

/* Told by the call that finds it out. */
static void end_without_loop(void)
{
    char *name = NULL;
    conn = open_conn(line.uri, 0);
    must(vkvm_conn_register_close_callback(conn, on_event, NULL, NULL, &err), err, "register");
    cut_line();
    expect(vkvm_conn_get_hostname(conn, &name, NULL) < 0, "the call fails");
    vkvm_conn_free(conn);
}

static void resumed(void)
{
    start_loop();
    conn = open_conn(line.uri, 0);
    must(vkvm_conn_enable_resume(conn, 1000, on_event, NULL, NULL, &err), err, "enable_resume");
    cut_line();
    wait_for(&called, 2); /* disconnected, and reconnected */
    vkvm_conn_free(conn);
}

static void on_stream(vkvm_stream *stream, int events, void *userdata)
{
    (void)stream, (void)events, (void)userdata;
    as_a_program();
}

static void stream_event(void)
{
    start_loop();
    vkvm_storage_vol *vol = volume();
    vkvm_stream *stream = new_stream(VKVM_STREAM_NONBLOCK);
    must(vkvm_storage_vol_download(vol, stream, 0, 0, 0, &err), err, "download");
    must(vkvm_stream_add_callback(stream, VKVM_STREAM_EVENT_READABLE, on_stream, NULL, NULL, &err),
         err, "add_callback");
    wait_for(&called, 1);
    must(vkvm_stream_abort(stream, &err), err, "abort");
    vkvm_stream_free(stream);
    end_volume(vol);
}

static void destroy_of_transfer(void)
{
    tried = SECTION; /* which a dense transfer has not */
    send_all(false, on_end);
}

/* Each function of a loop of the program's own is called for a connection. */
static int which_of_own;

static int add_handle(void *userdata, int fd, int events, vkvm_watch_callback callback, void *data,
                      vkvm_destroy_callback destroy)
{
    if (which_of_own == 0)
        as_a_program();
    return own_add_handle(userdata, fd, events, callback, data, destroy);
}

static int add_timeout(void *userdata, int frequency, vkvm_timeout_callback callback, void *data,
                       vkvm_destroy_callback destroy)
{
    if (which_of_own == 1)
        as_a_program();
    return own_add_timeout(userdata, frequency, callback, data, destroy);
}

static void update_handle(void *userdata, int number, int events)
{
    if (which_of_own == 2)
        as_a_program();
    own_update_handle(userdata, number, events);
}

static void update_timeout(void *userdata, int number, int frequency)
{
    if (which_of_own == 3)
        as_a_program();
    own_update_timeout(userdata, number, frequency);
}

static int remove_one(void *userdata, int number)
{
    if (which_of_own == 4)
        as_a_program();
    return own_remove(userdata, number);
}

static void with_own_loop(int which)
{
    static const vkvm_event_impl functions = { add_handle, update_handle, remove_one,
                                               add_timeout, update_timeout, remove_one };
    static int calls;
    int number = -1;
    char *name = NULL;
    which_of_own = which;
    must(vkvm_event_register_impl(&functions, &calls, NULL, &err), err, "register_impl");
    conn = open_conn(line.uri, 0);
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             ignore_event, NULL, NULL, &number, &err), err,
         "register_any");
    must(vkvm_conn_set_keep_alive(conn, 1, 5, &err), err, "set_keep_alive");
    must(vkvm_conn_get_hostname(conn, &name, &err), err, "get_hostname");
    vkvm_string_free(name);
    for (int i = 0; i < 3; i++)
        own_turn();
    vkvm_conn_free(conn);
    own_turn();
}

static void own_add_a_handle(void) { with_own_loop(0); }
static void own_add_a_timeout(void) { with_own_loop(1); }
static void own_update_a_handle(void) { with_own_loop(2); }
static void own_update_a_timeout(void) { with_own_loop(3); }
static void own_remove_one(void) { with_own_loop(4); }

/* --- all of them ------------------------------------------------------------------------ */

static const struct part {
    const char *name;
    void (*run)(void);
    enum { ANYWHERE, ON_LOOP, BY_LOOP_OR_CALL, ON_OWN_LOOP } where;
} parts[] = {
    { "value_visit", visit, ANYWHERE },
    { "value_visit_and_free", visit_and_free, ANYWHERE },
    { "value_visit_xml", visit_xml, ANYWHERE },
    { "conn_visit_all_domain_stats", visit_stats, ANYWHERE },
    { "credentials", credentials, ANYWHERE },
    { "the source of send_all", source, ANYWHERE },
    { "the source of sparse_send_all", sparse_source, ANYWHERE },
    { "the sections of sparse_send_all", sparse_section, ANYWHERE },
    { "the holes of sparse_send_all", sparse_skip, ANYWHERE },
    { "the sink of recv_all", sink, ANYWHERE },
    { "the sink of sparse_recv_all", sparse_sink, ANYWHERE },
    { "the holes of sparse_recv_all", sparse_hole, ANYWHERE },
    { "the progress of upload_file", upload_file, ANYWHERE },
    { "the progress of upload_fd", upload_fd, ANYWHERE },
    { "the progress of download_file", download_file, ANYWHERE },
    { "the progress of download_fd", download_fd, ANYWHERE },
    { "the progress of a command", command, ANYWHERE },
    { "the destroy notify of a transfer", destroy_of_transfer, ANYWHERE },
    { "the end of a connection, without a loop", end_without_loop, ANYWHERE },
    { "a timer", timer, ON_LOOP },
    { "a watch", watch, ON_LOOP },
    { "an event", event, ON_LOOP },
    { "the end of a connection", end_of_connection, ON_LOOP },
    { "a connection that resumes", resumed, ON_LOOP },
    { "a stream", stream_event, ON_LOOP },
    { "the destroy notify of a timer", destroy_of_timer, BY_LOOP_OR_CALL },
    { "the destroy notify of an event", destroy_of_event, BY_LOOP_OR_CALL },
    { "the destroy notify of a connection's event", destroy_by_close, BY_LOOP_OR_CALL },
    { "an own loop's add_handle", own_add_a_handle, ON_OWN_LOOP },
    { "an own loop's add_timeout", own_add_a_timeout, ON_OWN_LOOP },
    { "an own loop's update_handle", own_update_a_handle, ON_OWN_LOOP },
    { "an own loop's update_timeout", own_update_a_timeout, ON_OWN_LOOP },
    { "an own loop's remove", own_remove_one, ON_OWN_LOOP },
};

static const struct part *part;

static void run_part(void)
{
    part->run();
    expect(called > 0, "the callback was called");
    expect(!was_blocked, "the signal was not blocked in it");
    expect(sigpipes == 1, "the program's handler was called for its write, once");
    expect(!sigpipe_is_blocked() && !sigpipe_is_pending(), "nothing is left");
}

/* All signals are blocked on the library's thread, so that no handler runs there. */
static void run_on_librarys_thread(void)
{
    part->run();
    expect(called > 0, "the callback was called");
    expect(was_blocked, "the signal was blocked in it");
    expect(sigpipes == 0, "no handler was called");
    expect(!sigpipe_is_blocked() && !sigpipe_is_pending(), "nothing is left on this thread");
}

static void make_volume(void)
{
    make_pool(qemu_uri);
    vkvm_storage_vol *vol = new_volume("volume", MIB);
    vkvm_storage_vol_free(vol);
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(conn);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: sigpipe SOCKET DIR\n");
        return 2;
    }
    dir = argv[2];
    lay_line(argv[1]);
    snprintf(qemu_uri, sizeof qemu_uri, "qemu+unix:///system?socket=%s", line.path);
    make_file("source", MIB, 2, 0);
    must(status_of(make_volume, false), NULL, "making the volume");
    for (part = parts; part < parts + sizeof parts / sizeof *parts; part++) {
        bool in_call = part->where == ANYWHERE, on_own = part->where == ON_OWN_LOOP;
        if (loop_is("thread") && part->where == ON_LOOP) {
            int handled = status_of(run_on_librarys_thread, true);
            int status = status_of(run_on_librarys_thread, false);
            if (!ok(handled == 0 && status == 0, "%s: nothing happens", part->name))
                show_status(handled | status);
        } else if (in_call ? loop_is("default") : on_own ? loop_is("own") : !loop_is("thread")) {
            int handled = status_of(run_part, true), status = status_of(run_part, false);
            if (!ok(handled == 0, "%s: a handler is called", part->name))
                show_status(handled);
            if (!ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "%s: it ends the program",
                    part->name))
                show_status(status);
        }
    }
    remove_line();
    return done();
}
