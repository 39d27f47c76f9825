/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams: whole files, parts and pieces, and what happens to streams that are used
 * wrongly, ended from within their callbacks, or lose their daemon. That each way
 * takes a large volume, is in stream_modes.c.
 *
 * usage: streams URI DIR PID
 *
 * DIR is empty; PID is the daemon's, which is killed in the end.
 *
 * bed: qemu-daemon URI pool PID
 * tests: streams streams.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <signal.h>

#include "streams.h"

/* --- whole files ----------------------------------------------------------------- */

struct progress {
    int calls, destroyed;
    uint64_t first, last, total, stop_at;
    bool backwards;
};

static int follow(uint64_t done, uint64_t total, void *userdata)
{
    struct progress *progress = userdata;
    if (progress->calls++ == 0)
        progress->first = done;
    progress->backwards |= done < progress->last;
    progress->last = done;
    progress->total = total;
    return progress->stop_at && done >= progress->stop_at ? -1 : 0;
}

static void progress_released(void *userdata)
{
    ((struct progress *)userdata)->destroyed++;
}

static void is_complete(const struct progress *progress, int64_t size)
{
    ok(progress->calls > 2 && progress->first == 0 && !progress->backwards,
       "progress was told, from 0 on");
    is_int((int64_t)progress->last, size, "up to the end");
    is_int((int64_t)progress->total, size, "of the size");
    is_int(progress->destroyed, 1, "its userdata is released once");
}

static void whole_files(void)
{
    struct progress up = { 0 }, down = { 0 }, stopped = { .stop_at = 5 * MIB };
    uint64_t bytes = 0;
    int64_t before = most_memory();
    vkvm_storage_vol *vol = new_volume("whole", GIB);

    works(vkvm_storage_vol_upload_file(vol, path_of("source"), 0, 0, SPARSE_UP, follow, &up,
                                       progress_released, &bytes, &err), &err, "upload_file");
    is_int((int64_t)bytes, GIB, "all of it");
    is_complete(&up, GIB);
    ok(same_files("source", "whole"), "the volume has the content");
    ok(allocated("whole") <= allocated("source") + MIB, "and the holes");
    works(vkvm_storage_vol_download_file(vol, path_of("copy"), 0, 0, SPARSE_DOWN, follow, &down,
                                         progress_released, &bytes, &err), &err, "download_file");
    is_int((int64_t)bytes, GIB, "all of it");
    is_complete(&down, GIB);
    ok(same_files("source", "copy"), "the file has the content");
    ok(allocated("copy") <= allocated("source") + MIB, "and the holes");

    /* Over an old file. */
    make_file("copy", 2 * GIB, 3, 1);
    works(vkvm_storage_vol_download_file(vol, path_of("copy"), 0, 0, SPARSE_DOWN, NULL, NULL, NULL,
                                         &bytes, &err), &err, "download_file over another file");
    ok(same_files("source", "copy"), "nothing of the old one is left");
    int fd = open(path_of("copy"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 8; i++)
        if (pwrite(fd, piece, sizeof piece, 10 * MIB + i * (int)sizeof piece) < 0)
            exit(1);
    works(vkvm_storage_vol_download_fd(vol, fd, 0, 0, SPARSE_DOWN, NULL, NULL, NULL, &bytes, &err),
          &err, "download_fd into a file with content");
    ok(same_files("source", "copy"), "what was where a hole is now is gone");
    ok(lseek(fd, 0, SEEK_CUR) == GIB, "the descriptor is open, and at the end");
    lseek(fd, MIB, SEEK_SET);
    works(vkvm_storage_vol_upload_fd(vol, fd, MIB, 3 * MIB, 0, NULL, NULL, NULL, &bytes, &err),
          &err, "upload_fd of a part");
    is_int((int64_t)bytes, 3 * MIB, "so much");
    ok(same_files("source", "whole"), "to the right place");
    close(fd);

    /* Pipes have no holes and no size. */
    int ends[2];
    if (pipe(ends) < 0 || write(ends[1], piece, 50000) != 50000)
        exit(1);
    close(ends[1]);
    works(vkvm_storage_vol_upload_fd(vol, ends[0], 0, 0, SPARSE_UP, NULL, NULL, NULL, &bytes, &err),
          &err, "upload_fd from a pipe");
    is_int((int64_t)bytes, 50000, "all that was in it");
    close(ends[0]);
    if (pipe(ends) < 0)
        exit(1);
    works(vkvm_storage_vol_download_fd(vol, ends[1], 400 * MIB - 20000, 40000, SPARSE_DOWN, NULL,
                                       NULL, NULL, &bytes, &err), &err, "download_fd to a pipe");
    is_int(read(ends[0], piece, sizeof piece), 40000, "holes are zeros there");
    close(ends[0]);
    close(ends[1]);

    fails(vkvm_storage_vol_download_file(vol, path_of("stopped"), 0, 0, SPARSE_DOWN, follow,
                                         &stopped, progress_released, &bytes, &err),
          &err, VKVM_ERROR_ERR_OPERATION_ABORTED, NULL, "progress can end it");
    ok(access(path_of("stopped"), F_OK) < 0, "the file is gone");
    is_int(stopped.destroyed, 1, "the userdata is released");
    fails(vkvm_storage_vol_upload_file(vol, path_of("source"), 0, 0, 0, follow, &stopped,
                                       progress_released, &bytes, &err),
          &err, VKVM_ERROR_ERR_OPERATION_ABORTED, NULL, "the other way, too");
    fails(vkvm_storage_vol_upload_file(vol, path_of("nothing"), 0, 0, 0, NULL, NULL, NULL, &bytes,
                                       &err), &err, VKVM_ERROR_OWN_FILE, "path", "no file");
    fails(vkvm_storage_vol_download_file(vol, "/proc/none", 0, 0, 0, NULL, NULL, NULL, &bytes,
                                         &err), &err, VKVM_ERROR_OWN_FILE, "path", "no such place");
    fails(vkvm_storage_vol_download_fd(vol, -1, 0, 0, 0, NULL, NULL, NULL, &bytes, &err), &err,
          VKVM_ERROR_OWN_INVALID, "fd", "no descriptor");
    fails(vkvm_storage_vol_upload_fd(vol, 987, 0, 0, 0, NULL, NULL, NULL, &bytes, &err), &err,
          VKVM_ERROR_OWN_INVALID, "fd", "one that is not open");
    works(vkvm_storage_vol_download_file(vol, path_of("beyond"), 5 * GIB, 0, 0, NULL, NULL, NULL,
                                         &bytes, &err), &err, "beyond the end of the volume");
    is_int((int64_t)bytes, 0, "is nothing");
    if (getenv("VKVM_UNDER_VALGRIND") || getenv("VKVM_UNDER_SANITIZER"))
        skip("memory does not grow", "who looks after the memory has its own");
    else if (!ok(most_memory() - before < 12 * MIB, "memory does not grow"))
        diag("by %" PRId64 " KiB", (most_memory() - before) / 1024);
    vkvm_storage_vol_free(vol);
}

/* --- piece by piece --------------------------------------------------------------- */

/* A file at the other end of handlers. */
struct end {
    int fd, calls, destroyed, answer;
};

static int fill(vkvm_stream *stream, uint8_t *data, size_t len, void *userdata)
{
    struct end *end = userdata;
    (void)stream;
    end->calls++;
    return end->answer ? end->answer : (int)read(end->fd, data, len);
}

static int take(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    struct end *end = userdata;
    (void)stream;
    end->calls++;
    return end->answer ? end->answer : (int)write(end->fd, data, len > 70000 ? 70000 : len);
}

/* Takes nothing of what it gets, at first. */
static int take_none(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    struct end *end = userdata;
    (void)stream, (void)data, (void)len;
    return end->calls++ ? -1 : 0;
}

static int look(vkvm_stream *stream, bool *in_data, int64_t *length, void *userdata)
{
    struct end *end = userdata;
    off_t at = lseek(end->fd, 0, SEEK_CUR), data = lseek(end->fd, at, SEEK_DATA);
    (void)stream;
    *in_data = data == at;
    off_t next = *in_data ? lseek(end->fd, at, SEEK_HOLE)
                          : data < 0 ? lseek(end->fd, 0, SEEK_END) : data;
    *length = next - at;
    lseek(end->fd, at, SEEK_SET);
    return end->answer;
}

static int pass(vkvm_stream *stream, int64_t length, void *userdata)
{
    struct end *end = userdata;
    (void)stream;
    return lseek(end->fd, length, SEEK_CUR) < 0 || end->answer ? -1 : 0;
}

static void end_released(void *userdata)
{
    ((struct end *)userdata)->destroyed++;
}

static void loops(void)
{
    vkvm_storage_vol *vol = new_volume("loop", 32 * MIB);
    vkvm_stream *stream = new_stream(0);
    int64_t count = 0, total = 0;
    int fd = open(path_of("dense"), O_RDONLY);
    bool right = true;
    works(vkvm_storage_vol_upload(vol, stream, 0, 0, 0, &err), &err, "upload");
    fails(vkvm_storage_vol_upload(vol, stream, 0, 0, 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "stream", "a stream carries one thing at a time");
    for (ssize_t got; right && (got = read(fd, piece, sizeof piece)) > 0;) {
        right = vkvm_stream_send(stream, piece, (size_t)got, &count, &err) == 0 && count == got;
        total += count;
    }
    ok(right && total == 32 * MIB, "send in a loop");
    close(fd);
    works(vkvm_stream_finish(stream, &err), &err, "finish");
    ok(same_files("dense", "loop"), "it is there");
    ok(vkvm_stream_finish(stream, NULL) < 0, "finish again");
    ok(vkvm_stream_send(stream, piece, 1, &count, NULL) < 0, "send after that");

    works(vkvm_storage_vol_download(vol, stream, 0, 0, 0, &err), &err, "download, same stream");
    fd = open(path_of("copy"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (total = 0; vkvm_stream_recv(stream, 0, (uint8_t *)piece, sizeof piece, &count, &err) == 0 &&
                    count > 0; total += count)
        if (write(fd, piece, (size_t)count) != count)
            break;
    is_int(total, 32 * MIB, "recv in a loop");
    is_int(count, 0, "the end");
    works(vkvm_stream_recv(stream, 0, NULL, 0, &count, &err), &err, "recv without room");
    close(fd);
    works(vkvm_stream_finish(stream, &err), &err, "finish");
    ok(same_files("dense", "copy"), "it is all here");
    vkvm_stream_free(stream);
    vkvm_storage_vol_free(vol);
}

static void handlers(bool sparse)
{
    const char *source = sparse ? "source" : "dense", *name = sparse ? "sparse" : "all";
    vkvm_storage_vol *vol = new_volume(name, sparse ? GIB : 32 * MIB);
    vkvm_stream *stream = new_stream(0);
    struct end end = { .fd = open(path_of(source), O_RDONLY) };
    works(vkvm_storage_vol_upload(vol, stream, 0, 0, sparse ? SPARSE_UP : 0, &err), &err, "upload");
    works(sparse ? vkvm_stream_sparse_send_all(stream, fill, look, pass, &end, end_released, &err)
                 : vkvm_stream_send_all(stream, fill, &end, end_released, &err), &err, "send_all");
    works(vkvm_stream_finish(stream, &err), &err, "finish");
    vkvm_stream_free(stream);
    close(end.fd);
    is_int(end.destroyed, 1, "userdata is released");
    ok(same_files(source, name), "it is there");
    ok(allocated(name) <= allocated(source) + MIB, "with its holes");

    end.fd = open(path_of("copy"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    stream = new_stream(0);
    works(vkvm_storage_vol_download(vol, stream, 0, 0, sparse ? SPARSE_DOWN : 0, &err), &err,
          "download");
    works(sparse ? vkvm_stream_sparse_recv_all(stream, take, pass, &end, end_released, &err)
                 : vkvm_stream_recv_all(stream, take, &end, end_released, &err), &err, "recv_all");
    works(vkvm_stream_finish(stream, &err), &err, "finish");
    vkvm_stream_free(stream);
    if (sparse && ftruncate(end.fd, GIB) < 0)
        exit(1);
    close(end.fd);
    is_int(end.destroyed, 2, "userdata is released");
    ok(same_files(source, "copy"), "it is here");
    vkvm_storage_vol_free(vol);
}

static void handlers_that_fail(void)
{
    struct { int answer, code; const char *parameter; } cases[] = {
        { -1, VKVM_ERROR_ERR_SYSTEM_ERROR, NULL },
        { 1 << 30, VKVM_ERROR_OWN_INVALID, "handler" },
    };
    vkvm_storage_vol *vol = new_volume("fail", 32 * MIB);
    struct end end = { 0 };
    for (size_t i = 0; i < 2; i++) {
        vkvm_stream *stream = new_stream(0);
        end.answer = cases[i].answer;
        must(vkvm_storage_vol_upload(vol, stream, 0, 0, 0, &err), err, "upload");
        fails(vkvm_stream_send_all(stream, fill, &end, end_released, &err), &err, cases[i].code,
              cases[i].parameter, "a source that fails");
        ok(vkvm_stream_finish(stream, NULL) < 0, "the stream was aborted");
        vkvm_stream_free(stream);
    }
    end.answer = -1;
    vkvm_stream *stream = new_stream(0);
    must(vkvm_storage_vol_download(vol, stream, 0, 0, 0, &err), err, "download");
    fails(vkvm_stream_recv_all(stream, take, &end, end_released, &err), &err,
          VKVM_ERROR_ERR_SYSTEM_ERROR, NULL, "a sink that fails");
    int fd = open(path_of("fail"), O_WRONLY);
    must(write(fd, "data", 4) == 4 ? 0 : -1, NULL, "data in the volume");
    close(fd);
    for (int sparse = 0; sparse < 2; sparse++) {
        vkvm_stream_free(stream);
        stream = new_stream(0);
        end.calls = 0;
        must(vkvm_storage_vol_download(vol, stream, 0, 0, sparse ? SPARSE_DOWN : 0, &err), err,
             "download");
        int result = sparse ? vkvm_stream_sparse_recv_all(stream, take_none, pass, &end,
                                                          end_released, &err)
                            : vkvm_stream_recv_all(stream, take_none, &end, end_released, &err);
        has_text(err ? vkvm_error_message(err) : NULL, "handler: took none of ", "it says so");
        fails(result, &err, VKVM_ERROR_OWN_INVALID, "handler", "a sink that takes nothing");
        ok(vkvm_stream_finish(stream, NULL) < 0, "the stream was aborted");
    }
    fails(vkvm_stream_recv_all(NULL, take, &end, end_released, &err), &err, VKVM_ERROR_OWN_NULL,
          "stream", "no stream");
    is_int(end.destroyed, 6, "userdata is released each time");
    int64_t count;
    fails(vkvm_stream_send_hole(stream, -1, 0, &err), &err, VKVM_ERROR_OWN_INVALID, "length",
          "a hole of less than nothing");
    fails(vkvm_stream_recv(stream, 0, NULL, 1, &count, &err), &err, VKVM_ERROR_OWN_NULL, "data",
          "no room");
    vkvm_stream_free(stream);
    vkvm_storage_vol_free(vol);
}

/* --- without waiting ---------------------------------------------------------------- */

struct ready {
    int fd, calls, destroyed, done;
    int64_t total;
    enum { TRANSFER, REMOVE, FINISH, ABORT, FREE } what;
};

static void ready_released(void *userdata)
{
    ((struct ready *)userdata)->destroyed++;
}

static void can_write(vkvm_stream *stream, int events, void *userdata)
{
    struct ready *ready = userdata;
    int64_t count = 0;
    ready->calls += (events & VKVM_STREAM_EVENT_WRITABLE) != 0;
    ssize_t got = pread(ready->fd, piece, sizeof piece, ready->total);
    if (got > 0 && vkvm_stream_send(stream, piece, (size_t)got, &count, NULL) == 0 && count > 0)
        ready->total += count;
    if (got <= 0 || count == 0)
        ready->done = 1 + vkvm_stream_finish(stream, NULL);
}

static void can_read(vkvm_stream *stream, int events, void *userdata)
{
    struct ready *ready = userdata;
    int64_t count = -9;
    (void)events;
    ready->calls++;
    switch (ready->what) {
    case TRANSFER:
        while (vkvm_stream_recv(stream, 0, (uint8_t *)piece, sizeof piece, &count, NULL) == 0 &&
               count > 0)
            if (write(ready->fd, piece, (size_t)count) == count)
                ready->total += count;
        if (count != VKVM_STREAM_WOULD_BLOCK)
            ready->done = 1 + vkvm_stream_finish(stream, NULL);
        break;
    case REMOVE: ready->done = 1 + vkvm_stream_remove_callback(stream, NULL); break;
    case FINISH: ready->done = 1 + vkvm_stream_finish(stream, NULL); break;
    case ABORT: ready->done = 1 + vkvm_stream_abort(stream, NULL); break;
    case FREE: vkvm_stream_free(stream); ready->done = 1; break;
    }
}

static void by_callback(void)
{
    vkvm_storage_vol *vol = new_volume("callback", 32 * MIB);
    struct ready up = { .fd = open(path_of("dense"), O_RDONLY) };
    struct ready down = { .fd = open(path_of("copy"), O_RDWR | O_CREAT | O_TRUNC, 0600) };
    vkvm_stream *stream = new_stream(VKVM_STREAM_NONBLOCK);
    int64_t count = 0;
    fails(vkvm_stream_add_callback(stream, 1, can_read, &up, ready_released, &err), &err,
          VKVM_ERROR_OWN_INVALID, "stream", "a stream that carries nothing has no callback");
    is_int(up.destroyed, 1, "userdata is released");
    up.destroyed = 0;
    must(vkvm_storage_vol_upload(vol, stream, 0, 0, 0, &err), err, "upload");
    works(vkvm_stream_add_callback(stream, VKVM_STREAM_EVENT_WRITABLE, can_write, &up,
                                   ready_released, &err), &err, "add_callback");
    ok(wait_for(&up.done, 1), "sent by callback");
    is_int(up.destroyed, 1, "finish has removed the callback");
    vkvm_stream_free(stream);
    ok(same_files("dense", "callback"), "it is there");

    stream = new_stream(VKVM_STREAM_NONBLOCK);
    must(vkvm_storage_vol_download(vol, stream, 0, 0, 0, &err), err, "download");
    works(vkvm_stream_recv(stream, 0, (uint8_t *)piece, 10, &count, &err), &err, "recv");
    is_int(count, VKVM_STREAM_WOULD_BLOCK, "would block");
    works(vkvm_stream_add_callback(stream, VKVM_STREAM_EVENT_READABLE, can_read, &down,
                                   ready_released, &err), &err, "add_callback");
    ok(wait_for(&down.done, 1), "received by callback");
    vkvm_stream_free(stream);
    ok(same_files("dense", "copy"), "it is here");
    close(up.fd);
    close(down.fd);

    static const char *const names[] = { "", "removes itself", "finishes", "aborts", "frees" };
    for (int what = REMOVE; what <= FREE; what++) {
        struct ready ready = { .what = what };
        stream = new_stream(VKVM_STREAM_NONBLOCK);
        must(vkvm_storage_vol_download(vol, stream, 0, 0, 0, &err), err, "download");
        must(vkvm_stream_add_callback(stream, VKVM_STREAM_EVENT_READABLE, can_read, &ready,
                                      ready_released, &err), err, "add_callback");
        wait_for(&ready.done, 1);
        ok(ready.done == 1, "a callback that %s", names[what]);
        settle();
        ok(ready.calls == 1 && ready.destroyed == 1, "is called once and released once");
        if (what != FREE)
            vkvm_stream_free(stream);
    }
    struct ready never = { 0 };
    stream = new_stream(0);
    must(vkvm_storage_vol_download(vol, stream, 0, 0, 0, &err), err, "download");
    must(vkvm_stream_add_callback(stream, 0, can_read, &never, ready_released, &err), err, "add");
    fails(vkvm_stream_add_callback(stream, 0, can_read, &never, ready_released, &err), &err,
          VKVM_ERROR_OWN_INVALID, "stream", "a second callback is refused");
    is_int(never.destroyed, 1, "and released");
    vkvm_stream_free(stream);
    is_int(never.destroyed, 2, "_free releases the first one");
    vkvm_storage_vol_free(vol);
}

/* --- the daemon is killed ------------------------------------------------------------- */

static pid_t daemon_pid;

static int kill_it(uint64_t done, uint64_t total, void *userdata)
{
    (void)total, (void)userdata;
    if (done > 2 * MIB && daemon_pid) {
        kill(daemon_pid, SIGKILL);
        daemon_pid = 0;
    }
    return 0;
}

static void killed(void)
{
    vkvm_storage_vol *vol = NULL;
    vkvm_stream *stream = new_stream(0);
    uint64_t bytes = 0;
    int64_t count = 0;
    double begin = now();
    must(vkvm_storage_pool_get_volume_by_name(pool, "whole", &vol, &err), err, "the volume");
    must(vkvm_storage_vol_download(vol, stream, 0, 0, 0, &err), err, "download");
    ok(vkvm_storage_vol_upload_file(vol, path_of("source"), 0, 0, 0, kill_it, NULL, NULL, &bytes,
                                    &err) < 0, "upload_file fails when the daemon is killed");
    diag("%s", err ? vkvm_error_message(err) : "no error");
    forget(&err);
    int returned;
    while ((returned = vkvm_stream_recv(stream, 0, (uint8_t *)piece, sizeof piece, &count, NULL)) ==
           0 && count > 0) {
    }
    ok(returned < 0, "so does another stream, after what had come already");
    vkvm_stream_free(stream);
    vkvm_storage_vol_free(vol);
    ok(now() - begin < PATIENCE, "in bounded time");
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    dir = argv[2];
    daemon_pid = atoi(argv[3]);
    start_loop();
    make_pool(argv[1]);
    make_file("source", GIB, 3, 8);
    make_file("dense", 32 * MIB, 3, 11);
    whole_files();
    loops();
    handlers(false);
    handlers(true);
    handlers_that_fail();
    by_callback();
    killed();
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(conn);
    settle();
    no_handles_left();
    return done();
}
