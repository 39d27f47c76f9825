/*
 * Asynchronous calls that take long: both directions of a stream at once, the progress of
 * transfers and their end, and the limits of objects.
 *
 * usage: async URI DIR
 *
 * bed: qemu-daemon URI scratch
 * tests: async async.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"
#include "hostile.h"
#include "started.h"

static vkvm_conn *conn;
static vkvm_error *err;
static vkvm_event_queue *queue;
static const char *dir;

static vkvm_call *begin(const char *function, vkvm_value *args, uint64_t tag)
{
    return start(function, args, 0, queue, tag);
}

/* Takes all entries out; how many of this class and tag there were. */
static int entries(const char *class, int64_t tag)
{
    vkvm_value *entry;
    int count = 0;
    for (;;) {
        must(vkvm_event_queue_next(queue, 0, &entry, &err), err, "next");
        if (!entry)
            return count;
        char *is;
        must(vkvm_value_get_string(entry, "class", &is, &err), err, "class");
        count += strcmp(is, class) == 0 && int_at(entry, "tag") == tag;
        vkvm_string_free(is);
        vkvm_value_free(entry);
    }
}

/* --- both directions --------------------------------------------------------------------- */

static vkvm_call *receive(vkvm_stream *stream)
{
    vkvm_value *args = with("stream", stream);
    must(vkvm_value_set_int64(args, "data_len", 100, &err), err, "data_len");
    return begin("vkvm_stream_recv", args, 1);
}

static vkvm_call *send_text(vkvm_stream *stream, const char *text)
{
    vkvm_value *args = with("stream", stream);
    must(vkvm_value_set_bytes(args, "data", text, strlen(text), &err), err, "data");
    return begin("vkvm_stream_send", args, 2);
}

/* How many calls were given up and go on. */
static int abandoned(void)
{
    vkvm_value *calls;
    must(vkvm_conn_get_calls(conn, &calls, &err), err, "the calls");
    int count = (int)int_at(calls, "abandoned");
    vkvm_value_free(calls);
    return count;
}

/* The daemon connects to our socket, as QEMU has before. */
static void both_directions(void)
{
    char path[300], xml[1000], text[100];
    vkvm_domain *dom = NULL;
    vkvm_stream *stream = NULL;
    snprintf(path, sizeof path, "%s/channel", dir);
    int listener = listen_at(path);
    snprintf(xml, sizeof xml,
             "<domain type='qemu'><name>quiet</name><memory unit='MiB'>16</memory>"
             "<os><type>hvm</type></os><devices><channel type='unix'>"
             "<source mode='connect' path='%s'/><target type='virtio' name='c'/></channel>"
             "</devices></domain>",
             path);
    must(vkvm_conn_create_domain(conn, xml, 0, &dom, &err), err, "a guest");
    int qemu = accept(listener, NULL, NULL);
    must(vkvm_conn_new_stream(conn, 0, &stream, &err), err, "a stream");
    must(vkvm_domain_open_channel(dom, stream, NULL, 0, &err), err, "the channel");
    int peer = accept(listener, NULL, NULL);
    must(peer < 0, NULL, "the other end");

    vkvm_call *receiving = receive(stream);
    int rounds = getenv("VKVM_UNDER_VALGRIND") ? 5 : 100, right = 0, waits = 0;
    for (int i = 0; i < rounds; i++) {
        vkvm_call *first = send_text(stream, "a"), *second = send_text(stream, "b");
        vkvm_value_free(result_of(first, "what is sent"));
        vkvm_value_free(result_of(second, "what is sent after that"));
        size_t got = 0;
        while (got < 2)
            got += (size_t)read(peer, text + got, sizeof text - got);
        right += memcmp(text, "ab", 2) == 0;
        /* Other calls go on as well. */
        vkvm_value_free(result_of(begin("vkvm_conn_get_hostname", with("conn", conn), 3), "a call"));
        waits += !is_done(receiving, 0);
    }
    ok(right == rounds, "what is sent while it is received arrives, in order");
    ok(waits == rounds, "the receiver waits meanwhile");
    vkvm_error *refusal = NULL;
    fails(vkvm_stream_finish(stream, &refusal), &refusal, VKVM_ERROR_OWN_INVALID, "stream",
          "while it is received it is not finished");
    must(write(peer, "hello", 5) == 5 ? 0 : -1, NULL, "writing");
    vkvm_value *result = result_of(receiving, "the receiver");
    is_int(int_at(result, "received"), 5, "it has received");
    vkvm_value_free(result);

    /* Those that give up keep one thread, and the next one gets what comes. */
    for (int i = 0; i < 20; i++) {
        vkvm_value *few = with("stream", stream);
        must(vkvm_value_set_int64(few, "data_len", 3, &err), err, "data_len");
        ends_with(start("vkvm_stream_recv", few, 20, NULL, 0), VKVM_ERROR_OWN_TIMEOUT,
                  "a receiver gives up");
    }
    ok(falls_to(abandoned, 1), "one of them still receives");
    must(write(peer, "later", 5) == 5 ? 0 : -1, NULL, "writing");
    char late[6] = "";
    for (size_t got = 0; got < 5;) {
        uint8_t *bytes;
        size_t length;
        result = result_of(receive(stream), "a receiver after those that gave up");
        must(vkvm_value_get_bytes(result, "data", &bytes, &length, &err), err, "data");
        must(length > 0 && got + length < sizeof late ? 0 : -1, NULL, "a part of the data");
        memcpy(late + got, bytes, length);
        got += length;
        vkvm_bytes_free(bytes);
        vkvm_value_free(result);
    }
    is_str(late, "later", "what came for one that gave up");
    ok(falls_to(abandoned, 0), "none receives any more");

    /* Opened once more, it ends for who waits. */
    vkvm_stream *other = NULL;
    receiving = receive(stream);
    must(vkvm_conn_new_stream(conn, 0, &other, &err), err, "another stream");
    vkvm_value *args = with("dom", dom);
    must(vkvm_value_set_handle(args, "stream", other, &err), err, "stream");
    must(vkvm_value_set_int64(args, "flags", VKVM_DOMAIN_OPEN_CHANNEL_FORCE, &err), err, "flags");
    vkvm_value_free(result_of(begin("vkvm_domain_open_channel", args, 4), "a forced opening"));
    ok(is_done(receiving, PATIENCE * 1000), "who waits is done");
    vkvm_call_free(receiving);
    vkvm_stream_abort(other, NULL);
    vkvm_stream_free(other);
    vkvm_stream_free(stream);
    must(vkvm_domain_destroy(dom, 0, &err), err, "destroy");
    vkvm_domain_free(dom);
    close(qemu);
    close(peer);
    close(listener);
    entries("", 0);
}

/* --- progress ------------------------------------------------------------------------------ */

static vkvm_storage_vol *vol;

static void make_volume(void)
{
    vkvm_storage_pool *pool = NULL;
    char xml[500];
    snprintf(xml, sizeof xml,
             "<pool type='dir'><name>async</name><target><path>%s</path></target></pool>", dir);
    must(vkvm_conn_create_storage_pool(conn, xml, &pool, &err), err, "a pool");
    must(vkvm_storage_pool_create_volume(
             pool, "<volume><name>v</name><capacity>1000000</capacity></volume>", &vol, &err),
         err, "a volume");
    vkvm_storage_pool_free(pool);
}

/* Uploads what comes through a pipe, and so is where the test wants it to be. */
static vkvm_call *upload(int *pipe_end, uint64_t tag)
{
    int ends[2];
    must(pipe(ends), NULL, "a pipe");
    vkvm_value *args = with("vol", vol);
    must(vkvm_value_set_int64(args, "fd", ends[0], &err), err, "fd");
    vkvm_call *call = begin("vkvm_storage_vol_upload_fd", args, tag);
    close(ends[0]);
    *pipe_end = ends[1];
    return call;
}

static int64_t done_of(vkvm_call *call)
{
    vkvm_value *progress;
    int kind;
    must(vkvm_call_get_progress(call, &progress, &err), err, "the progress");
    must(vkvm_value_get_kind(progress, "", &kind, &err), err, "its kind");
    int64_t done = kind == VKVM_VALUE_NULL ? -1 : int_at(progress, "done");
    vkvm_value_free(progress);
    return done;
}

static bool is_told(const char *class, int64_t tag)
{
    for (double end = now() + PATIENCE; now() < end; usleep(1000))
        if (entries(class, tag) > 0)
            return true;
    return false;
}

static void push(int pipe_end, size_t count)
{
    static const char zeros[1000];
    must(write(pipe_end, zeros, count) == (ssize_t)count ? 0 : -1, NULL, "writing");
}

static void progress(void)
{
    int pipe_end;
    vkvm_call *call = upload(&pipe_end, 7);
    works(vkvm_call_watch_progress(call, &err), &err, "progress is wanted");
    ok(is_told("progress", 7), "the queue is told");
    push(pipe_end, 1000);
    usleep(1000);
    is_int(entries("progress", 7), 0, "but once, until somebody looks");
    for (double end = now() + PATIENCE; now() < end && done_of(call) < 1000;)
        usleep(1000);
    is_int(done_of(call), 1000, "how far it is");
    entries("", 0);
    push(pipe_end, 500);
    ok(is_told("progress", 7), "after that it is told again");
    ok(!is_done(call, 0), "it is not done");
    close(pipe_end);
    vkvm_value *result = result_of(call, "the upload");
    int64_t through = 0;
    works(vkvm_value_get_int64(result, "", &through, &err), &err, "its result");
    is_int(through, 1500, "all is through");
    vkvm_value_free(result);
    ok(is_told("call", 7), "the queue is told that it is done");

    call = begin("vkvm_conn_get_hostname", with("conn", conn), 8);
    works(vkvm_call_watch_progress(call, &err), &err, "a call that tells nothing");
    is_int(done_of(call), -1, "has no progress");
    works(vkvm_call_stop(call, &err), &err, "asking it to end");
    vkvm_value_free(result_of(call, "it goes on, and"));
    entries("", 0);
}

/* What the queue had no room for is told when there is some again. */
static void full_queue(void)
{
    vkvm_event_queue *large = queue;
    int pipe_end, unread = 1;
    must(vkvm_event_queue_new(2, &queue, &err), err, "a queue for two");
    vkvm_call *call = upload(&pipe_end, 1);
    vkvm_value_free(result_of(begin("vkvm_conn_get_hostname", with("conn", conn), 2), "another call"));
    must(vkvm_call_watch_progress(call, &err), err, "progress");
    push(pipe_end, 1000);
    while (ioctl(pipe_end, FIONREAD, &unread) == 0 && unread > 0)
        usleep(1000);
    ok(is_told("call", 2), "a full queue has a place for what is done");
    push(pipe_end, 500);
    ok(is_told("progress", 1), "and is told of progress when it has room again");
    close(pipe_end);
    vkvm_value_free(result_of(call, "the one"));
    entries("", 0);
    vkvm_event_queue_free(queue);
    queue = large;
}

/* The thread of the transfer reads from the pipe, and sees it with what comes next. */
static void ending(bool cancel)
{
    int pipe_end;
    const char *name = cancel ? "a transfer that is cancelled" : "a transfer that is stopped";
    vkvm_call *call = upload(&pipe_end, 9);
    works(vkvm_call_watch_progress(call, &err), &err, "progress");
    push(pipe_end, 1000);
    ok(is_told("progress", 9), "it has begun");
    works(cancel ? vkvm_call_cancel(call, &err) : vkvm_call_stop(call, &err), &err, name);
    ok(is_done(call, 0) == cancel, "%s is done at once: %d", name, cancel);
    while (!is_done(call, 1)) /* the reader may have gone just now */
        must(write(pipe_end, "", 1) == 1 || errno == EPIPE ? 0 : -1, NULL, "writing");
    vkvm_value *result = NULL;
    int returned = vkvm_call_get_result(call, &result, &err);
    fails(returned, &err,
          cancel ? VKVM_ERROR_OWN_CANCELLED : VKVM_ERROR_ERR_OPERATION_ABORTED, NULL, name);
    vkvm_call_free(call);
    close(pipe_end);
    entries("", 0);
}

/* --- limits ---------------------------------------------------------------------------------- */

static void limits(const char *uri)
{
    vkvm_conn *limited = open_conn(uri, 0);
    vkvm_storage_pool *pool = NULL;
    vkvm_storage_vol *volume = NULL;
    vkvm_stream *stream = NULL;
    vkvm_host *host = NULL;
    must(vkvm_conn_get_storage_pool_by_name(limited, "async", &pool, &err), err, "the pool");
    must(vkvm_storage_pool_get_volume_by_name(pool, "v", &volume, &err), err, "the volume");
    must(vkvm_conn_new_stream(limited, 0, &stream, &err), err, "a stream");
    must(vkvm_host_new(limited, &host, &err), err, "a host");
    void *objects[] = { limited, pool, volume, stream, host };
    enum { COUNT = sizeof objects / sizeof *objects };
    for (int i = 0; i < COUNT; i++)
        is_int(vkvm_handle_call_timeout(objects[i]), 0, vkvm_handle_class_name(objects[i]));
    must(vkvm_conn_set_call_timeout(limited, 300, &err), err, "a limit");
    for (int i = 0; i < COUNT; i++)
        is_int(vkvm_handle_call_timeout(objects[i]), 300, vkvm_handle_class_name(objects[i]));
    is_int(vkvm_handle_call_timeout(conn), 0, "another connection has none");
    is_int(vkvm_handle_call_timeout(vol), 0, "nor have its objects");
    is_int(vkvm_handle_call_timeout(queue), 0, "nor has what belongs to no connection");
    is_int(vkvm_handle_call_timeout(NULL), 0, "nor has NULL");
    is_int(vkvm_handle_call_timeout((void *)1), 0, "nor has what is no handle");

    /* The error names the function that was late, and not the one that tells. */
    int ends[2];
    must(pipe(ends), NULL, "a pipe");
    vkvm_value *args = with("vol", volume), *result = NULL;
    must(vkvm_value_set_int64(args, "fd", ends[0], &err), err, "fd");
    int returned = vkvm_invoke("vkvm_storage_vol_upload_fd", args, &result, &err);
    ok(returned < 0 && err != NULL, "a call that takes too long");
    has_text(vkvm_error_function(err), "vkvm_storage_vol_upload_fd", "its function");
    has_text(vkvm_error_mentions(err), "vkvm_storage_vol_upload_fd", "its message mentions it");
    fails(returned, &err, VKVM_ERROR_OWN_TIMEOUT, NULL, "the code");
    vkvm_value_free(args);
    close(ends[0]);
    close(ends[1]);
    vkvm_host_free(host);
    vkvm_stream_free(stream);
    vkvm_storage_vol_free(volume);
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(limited);
}

int main(int argc, char **argv)
{
    must(argc == 3 ? 0 : -1, NULL, "usage: async URI DIR");
    dir = argv[2];
    signal(SIGPIPE, SIG_IGN);
    int threads = running_threads();
    /* libvirt keeps some of the first connection's. */
    vkvm_conn_free(open_conn(argv[1], 0));
    int files = open_files();
    conn = open_conn(argv[1], 0);
    must(vkvm_event_queue_new(10000, &queue, &err), err, "a queue");
    make_volume();
    progress();
    full_queue();
    ending(false);
    ending(true);
    limits(argv[1]);
    both_directions();
    vkvm_storage_vol_free(vol);
    vkvm_event_queue_free(queue);
    vkvm_conn_free(conn);
    ok(falls_to(running_threads, threads), "the threads end");
    is_int(open_files(), files, "the descriptors are as before");
    no_handles_left();
    return done();
}
