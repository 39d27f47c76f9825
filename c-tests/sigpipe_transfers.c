/*
 * SIGPIPE and transfers whose daemon goes while they are under way: in each of their
 * callbacks the line to it is cut, and at last it is killed.
 *
 * usage: sigpipe_transfers SOCKET DIR PID
 *
 * SOCKET is that of a daemon with the QEMU driver, in DIR its volumes are made, PID is
 * killed at the end.
 *
 * bed: qemu-daemon SOCKET pool PID
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sigpipe.h"
#include "streams.h"

static char qemu_uri[256], socket_uri[256];
static const char *used_uri = qemu_uri;
static pid_t daemon_pid;

/* How the daemon goes, in the first callback. */
static bool is_gone;

static void let_go(void)
{
    if (is_gone)
        return;
    is_gone = true;
    if (!daemon_pid)
        cut_line();
    else if (kill(daemon_pid, SIGKILL) < 0)
        expect(false, "the daemon is killed");
}

/* To download, a small one: who carries the line must not wait for the reader, which waits
   for the line to be cut. */
static vkvm_storage_vol *volume(bool up)
{
    vkvm_storage_vol *vol = NULL;
    conn = open_conn(used_uri, 0);
    must(vkvm_conn_get_storage_pool_by_name(conn, "streams", &pool, &err), err, "the pool");
    must(vkvm_storage_pool_get_volume_by_name(pool, up ? "volume" : "small", &vol, &err), err,
         "the volume");
    return vol;
}

static void end_volume(vkvm_storage_vol *vol)
{
    vkvm_storage_vol_free(vol);
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(conn);
}

static vkvm_stream *open_stream(vkvm_storage_vol *vol, bool up, bool sparse)
{
    vkvm_stream *stream = new_stream(0);
    if (up)
        must(vkvm_storage_vol_upload(vol, stream, 0, 0, sparse ? SPARSE_UP : 0, &err), err, "upload");
    else
        must(vkvm_storage_vol_download(vol, stream, 0, 0, sparse ? SPARSE_DOWN : 0, &err), err,
             "download");
    return stream;
}

static int fill(vkvm_stream *stream, uint8_t *room, size_t len, void *userdata)
{
    (void)stream, (void)userdata;
    let_go();
    memset(room, 'x', len);
    return (int)len;
}

static int section(vkvm_stream *stream, bool *in_data, int64_t *length, void *userdata)
{
    (void)stream, (void)userdata;
    let_go();
    *in_data = false;
    *length = 4096;
    return 0;
}

static int take(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    (void)stream, (void)data, (void)len, (void)userdata;
    let_go();
    return -1;
}

static int hole(vkvm_stream *stream, int64_t length, void *userdata)
{
    (void)stream, (void)length, (void)userdata;
    let_go();
    return -1;
}

static int progress(uint64_t moved, uint64_t total, void *userdata)
{
    (void)moved, (void)total, (void)userdata;
    let_go();
    return 0;
}

/* One call with a stream, after which the stream ends. */
static void with_stream(bool up, bool sparse, int (*call)(vkvm_stream *stream))
{
    vkvm_storage_vol *vol = volume(up);
    vkvm_stream *stream = open_stream(vol, up, sparse);
    expect(call(stream) < 0, "the call fails");
    vkvm_stream_free(stream);
    end_volume(vol);
}

static int call_send_all(vkvm_stream *stream)
{
    return vkvm_stream_send_all(stream, fill, NULL, NULL, NULL);
}

static int call_sparse_send_all(vkvm_stream *stream)
{
    return vkvm_stream_sparse_send_all(stream, fill, section, hole, NULL, NULL, NULL);
}

static int call_recv_all(vkvm_stream *stream)
{
    return vkvm_stream_recv_all(stream, take, NULL, NULL, NULL);
}

static int call_sparse_recv_all(vkvm_stream *stream)
{
    return vkvm_stream_sparse_recv_all(stream, take, hole, NULL, NULL, NULL);
}

static int call_send(vkvm_stream *stream)
{
    int64_t sent;
    let_go();
    return vkvm_stream_send(stream, "x", 1, &sent, NULL);
}

static int call_send_hole(vkvm_stream *stream)
{
    let_go();
    return vkvm_stream_send_hole(stream, 4096, 0, NULL);
}

static int call_finish(vkvm_stream *stream)
{
    let_go();
    return vkvm_stream_finish(stream, NULL);
}

static int call_abort(vkvm_stream *stream)
{
    let_go();
    return vkvm_stream_abort(stream, NULL);
}

static int call_nothing(vkvm_stream *stream)
{
    (void)stream;
    let_go();
    return -1;
}

static void send_all(void) { with_stream(true, false, call_send_all); }
static void sparse_send_all(void) { with_stream(true, true, call_sparse_send_all); }
static void recv_all(void) { with_stream(false, false, call_recv_all); }
static void sparse_recv_all(void) { with_stream(false, true, call_sparse_recv_all); }
static void send_one(void) { with_stream(true, false, call_send); }
static void send_hole(void) { with_stream(true, true, call_send_hole); }
static void finish(void) { with_stream(true, false, call_finish); }
static void abort_it(void) { with_stream(true, false, call_abort); }
static void free_it(void) { with_stream(true, false, call_nothing); }

static void upload_file(void)
{
    uint64_t bytes = 0;
    vkvm_storage_vol *vol = volume(true);
    expect(vkvm_storage_vol_upload_file(vol, path_of("source"), 0, 0, 0, progress, NULL, NULL, &bytes,
                                        NULL) < 0, "upload_file fails");
    end_volume(vol);
}

static void download_file(void)
{
    uint64_t bytes = 0;
    vkvm_storage_vol *vol = volume(false);
    expect(vkvm_storage_vol_download_file(vol, path_of("copy"), 0, 0, 0, progress, NULL, NULL, &bytes,
                                          NULL) < 0, "download_file fails");
    end_volume(vol);
}

/* The program's pipe is written to by the library, too. */
static void download_to_nobody(void)
{
    uint64_t bytes = 0;
    int ends[2];
    vkvm_storage_vol *vol = volume(false);
    must(pipe(ends), NULL, "a pipe");
    close(ends[0]);
    expect(vkvm_storage_vol_download_fd(vol, ends[1], 0, 0, 0, NULL, NULL, NULL, &bytes, NULL) < 0,
           "download_fd fails");
    close(ends[1]);
    end_volume(vol);
}

static void make_volume(void)
{
    make_pool(qemu_uri);
    vkvm_storage_vol_free(new_volume("volume", 64 * MIB));
    vkvm_storage_vol_free(new_volume("small", 65536));
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(conn);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: sigpipe_transfers SOCKET DIR PID\n");
        return 2;
    }
    dir = argv[2];
    lay_line(argv[1]);
    snprintf(qemu_uri, sizeof qemu_uri, "qemu+unix:///system?socket=%s", line.path);
    snprintf(socket_uri, sizeof socket_uri, "qemu+unix:///system?socket=%s", argv[1]);
    make_file("source", 64 * MIB, 2, 16);
    must(status_of(make_volume, false), NULL, "making the volume");
    try_broken("send_all", send_all);
    try_broken("sparse_send_all", sparse_send_all);
    try_broken("recv_all", recv_all);
    try_broken("sparse_recv_all", sparse_recv_all);
    try_broken("send", send_one);
    try_broken("send_hole", send_hole);
    try_broken("finish", finish);
    try_broken("abort", abort_it);
    try_broken("free of an open stream", free_it);
    try_broken("upload_file", upload_file);
    try_broken("download_file", download_file);
    try_broken("download_fd to a pipe that nobody reads", download_to_nobody);
    used_uri = socket_uri;
    daemon_pid = atoi(argv[3]);
    broken_part = upload_file;
    *survived = false;
    int status = status_of(run_broken_part, false);
    if (!ok(*survived && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE,
            "upload_file to a daemon that is killed"))
        show_status(status);
    remove_line();
    return done();
}
