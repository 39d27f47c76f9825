/*
 * Streams: one volume of 1 GiB that is mostly holes goes up and down in every way
 * there is. The content is the same, holes stay holes where the way knows of them,
 * and no way keeps in memory what passes.
 *
 * usage: stream_modes URI DIR
 *
 * DIR is empty. VKVM_STREAM_MIB makes it another size, of 64 MiB at least.
 *
 * tests: stream_modes stream_modes.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "streams.h"

/* More than any way needs, and far less than passes. */
#define MOST_GROWTH (12 * MIB)

static int64_t size = GIB;

/* --- the file that is sent ------------------------------------------------------ */

struct source {
    int fd;
    int64_t at;
};

/* How long the data or the hole is that begin here; 0 at the end. */
static int64_t section(const struct source *source, bool *in_data)
{
    off_t data = lseek(source->fd, source->at, SEEK_DATA);
    *in_data = data == source->at;
    if (source->at == size)
        return 0;
    return (*in_data ? lseek(source->fd, data, SEEK_HOLE) : data < 0 ? size : data) - source->at;
}

static ssize_t next_piece(const struct source *source, size_t room)
{
    return pread(source->fd, piece, room < sizeof piece ? room : sizeof piece, source->at);
}

static int give(vkvm_stream *stream, uint8_t *data, size_t len, void *userdata)
{
    struct source *source = userdata;
    ssize_t got = pread(source->fd, data, len, source->at);
    (void)stream;
    source->at += got;
    return (int)got;
}

static int tell_section(vkvm_stream *stream, bool *in_data, int64_t *length, void *userdata)
{
    (void)stream;
    *length = section(userdata, in_data);
    return 0;
}

static int skip_hole(vkvm_stream *stream, int64_t length, void *userdata)
{
    (void)stream;
    ((struct source *)userdata)->at += length;
    return 0;
}

/* --- what comes ------------------------------------------------------------------ */

/* Without holes, what comes is compared at once: nobody needs another GiB on the disk. */
struct sink {
    int fd;      /* where it is written, or else */
    int source;  /* what it must be equal to */
    int64_t at;
    bool same;
};

static void put(struct sink *sink, const void *data, size_t len)
{
    static char wanted[sizeof piece];
    const char *bytes = data;
    for (size_t done = 0; done < len;) {
        size_t part = len - done < sizeof wanted ? len - done : sizeof wanted;
        off_t at = sink->at + (off_t)done;
        sink->same = sink->same &&
            (sink->fd >= 0 ? pwrite(sink->fd, bytes + done, part, at) == (ssize_t)part
                           : pread(sink->source, wanted, part, at) == (ssize_t)part &&
                             memcmp(wanted, bytes + done, part) == 0);
        done += part;
    }
    sink->at += (int64_t)len;
}

static int take(vkvm_stream *stream, const uint8_t *data, size_t len, void *userdata)
{
    (void)stream;
    put(userdata, data, len);
    return (int)len;
}

static int take_hole(vkvm_stream *stream, int64_t length, void *userdata)
{
    (void)stream;
    ((struct sink *)userdata)->at += length;
    return 0;
}

/* --- the ways -------------------------------------------------------------------- */

/* Each returns whether all its calls did well. */
typedef bool sends(vkvm_stream *stream, struct source *source);
typedef bool receives(vkvm_stream *stream, struct sink *sink);

static bool send_by_hand(vkvm_stream *stream, struct source *source)
{
    ssize_t got;
    int64_t count;
    while ((got = next_piece(source, SIZE_MAX)) > 0) {
        if (vkvm_stream_send(stream, piece, (size_t)got, &count, &err) < 0)
            return false;
        source->at += count;
    }
    return true;
}

static bool recv_by_hand(vkvm_stream *stream, struct sink *sink)
{
    int64_t count;
    int returned;
    while ((returned = vkvm_stream_recv(stream, 0, (uint8_t *)piece, sizeof piece, &count, &err)) ==
               0 && count > 0)
        put(sink, piece, (size_t)count);
    return returned == 0 && count == 0;
}

static bool send_holes_by_hand(vkvm_stream *stream, struct source *source)
{
    bool in_data;
    for (int64_t length; (length = section(source, &in_data)) > 0;) {
        if (!in_data) {
            if (vkvm_stream_send_hole(stream, length, 0, &err) < 0)
                return false;
        } else {
            ssize_t got = next_piece(source, (size_t)length);
            if (vkvm_stream_send(stream, piece, (size_t)got, &length, &err) < 0)
                return false;
        }
        source->at += length;
    }
    return true;
}

/* Receives what there is, data or a hole: 1, or what ends it, as `recv` says it. */
static int64_t receive_one(vkvm_stream *stream, struct sink *sink)
{
    int64_t count, hole;
    if (vkvm_stream_recv(stream, VKVM_STREAM_RECV_STOP_AT_HOLE, (uint8_t *)piece, sizeof piece,
                         &count, &err) < 0)
        return -1;
    if (count == VKVM_STREAM_AT_HOLE) {
        if (vkvm_stream_recv_hole(stream, 0, &hole, &err) < 0)
            return -1;
        sink->at += hole;
    } else if (count > 0) {
        put(sink, piece, (size_t)count);
    } else {
        return count;
    }
    return 1;
}

static bool recv_holes_by_hand(vkvm_stream *stream, struct sink *sink)
{
    int64_t got;
    while ((got = receive_one(stream, sink)) > 0) {
    }
    return got == 0;
}

static bool send_all(vkvm_stream *stream, struct source *source)
{
    return vkvm_stream_send_all(stream, give, source, NULL, &err) == 0;
}

static bool recv_all(vkvm_stream *stream, struct sink *sink)
{
    return vkvm_stream_recv_all(stream, take, sink, NULL, &err) == 0;
}

static bool sparse_send_all(vkvm_stream *stream, struct source *source)
{
    return vkvm_stream_sparse_send_all(stream, give, tell_section, skip_hole, source, NULL,
                                       &err) == 0;
}

static bool sparse_recv_all(vkvm_stream *stream, struct sink *sink)
{
    return vkvm_stream_sparse_recv_all(stream, take, take_hole, sink, NULL, &err) == 0;
}

/* --- by callbacks ------------------------------------------------------------------ */

struct transfer {
    struct source *source;
    struct sink *sink;
    bool holes;
    int calls, done; /* done: 1 well, 2 not */
};

static void over(struct transfer *transfer, vkvm_stream *stream, bool well)
{
    vkvm_stream_remove_callback(stream, NULL);
    transfer->done = well ? 1 : 2;
}

static void writable(vkvm_stream *stream, int events, void *userdata)
{
    struct transfer *transfer = userdata;
    struct source *source = transfer->source;
    bool in_data = true;
    int64_t length = transfer->holes ? section(source, &in_data) : size - source->at;
    (void)events;
    transfer->calls++;
    if (length == 0) {
        over(transfer, stream, true);
    } else if (!in_data) {
        if (vkvm_stream_send_hole(stream, length, 0, &err) < 0)
            over(transfer, stream, false);
        else
            source->at += length;
    } else {
        ssize_t got = next_piece(source, (size_t)length);
        if (vkvm_stream_send(stream, piece, (size_t)got, &length, &err) < 0)
            over(transfer, stream, false);
        else if (length != VKVM_STREAM_WOULD_BLOCK)
            source->at += length;
    }
}

static void readable(vkvm_stream *stream, int events, void *userdata)
{
    struct transfer *transfer = userdata;
    int64_t got;
    (void)events;
    transfer->calls++;
    /* All there is, for libvirt keeps whatever comes until it is fetched. */
    if (transfer->holes) {
        while ((got = receive_one(stream, transfer->sink)) > 0) {
        }
    } else {
        int returned;
        while ((returned = vkvm_stream_recv(stream, 0, (uint8_t *)piece, sizeof piece, &got,
                                            &err)) == 0 && got > 0)
            put(transfer->sink, piece, (size_t)got);
        if (returned < 0)
            got = -1;
    }
    if (got != VKVM_STREAM_WOULD_BLOCK)
        over(transfer, stream, got == 0);
}

static bool by_callback(vkvm_stream *stream, int event, vkvm_stream_callback callback,
                        struct transfer transfer)
{
    if (vkvm_stream_add_callback(stream, event, callback, &transfer, NULL, &err) < 0)
        return false;
    wait_for(&transfer.done, 1);
    return ok(transfer.calls > 0, "the callback was called") && transfer.done == 1;
}

static bool send_by_callback(vkvm_stream *stream, struct source *source)
{
    struct transfer transfer = { .source = source };
    return by_callback(stream, VKVM_STREAM_EVENT_WRITABLE, writable, transfer);
}

static bool recv_by_callback(vkvm_stream *stream, struct sink *sink)
{
    struct transfer transfer = { .sink = sink };
    return by_callback(stream, VKVM_STREAM_EVENT_READABLE, readable, transfer);
}

static bool send_holes_by_callback(vkvm_stream *stream, struct source *source)
{
    struct transfer transfer = { .source = source, .holes = true };
    return by_callback(stream, VKVM_STREAM_EVENT_WRITABLE, writable, transfer);
}

static bool recv_holes_by_callback(vkvm_stream *stream, struct sink *sink)
{
    struct transfer transfer = { .sink = sink, .holes = true };
    return by_callback(stream, VKVM_STREAM_EVENT_READABLE, readable, transfer);
}

static const struct mode {
    const char *name;
    bool sparse, waits;
    sends *up;
    receives *down;
} modes[] = {
    { "send and recv", false, true, send_by_hand, recv_by_hand },
    { "send_hole and recv_hole", true, true, send_holes_by_hand, recv_holes_by_hand },
    { "send_all and recv_all", false, true, send_all, recv_all },
    { "sparse_send_all and sparse_recv_all", true, true, sparse_send_all, sparse_recv_all },
    { "callbacks", false, false, send_by_callback, recv_by_callback },
    { "callbacks, with holes", true, false, send_holes_by_callback, recv_holes_by_callback },
    { "whole files", true, true, NULL, NULL },
};

/* --- up and down ------------------------------------------------------------------- */

static void flat(int64_t before, const char *name, const char *way)
{
    int64_t growth = most_memory() - before;
    if (getenv("VKVM_UNDER_VALGRIND") || getenv("VKVM_UNDER_SANITIZER"))
        skip("memory does not grow", "who looks after the memory has its own");
    else
        ok(growth < MOST_GROWTH, "%s, %s: memory does not grow", name, way);
    diag("%s, %s: the most memory grew by %" PRId64 " KiB, to %" PRId64 " KiB", name, way,
         growth / 1024, most_memory() / 1024);
}

static int follow(uint64_t done, uint64_t total, void *userdata)
{
    uint64_t *last = userdata;
    if (done >= *last && total == (uint64_t)size)
        *last = done;
    return 0;
}

static void go_up(const struct mode *mode, vkvm_storage_vol *vol)
{
    struct source source = { .fd = open(path_of("source"), O_RDONLY) };
    uint64_t bytes = 0, told = 0;
    forget_most_memory();
    int64_t before = most_memory();
    if (!mode->up) {
        works(vkvm_storage_vol_upload_file(vol, path_of("source"), 0, 0, SPARSE_UP, follow, &told,
                                           NULL, &bytes, &err), &err, mode->name);
        source.at = (int64_t)bytes;
        is_int((int64_t)told, size, "progress was told");
    } else {
        vkvm_stream *stream = new_stream(mode->waits ? 0 : VKVM_STREAM_NONBLOCK);
        must(vkvm_storage_vol_upload(vol, stream, 0, (uint64_t)size, mode->sparse ? SPARSE_UP : 0,
                                     &err), err, "upload");
        works(mode->up(stream, &source) ? 0 : -1, &err, mode->name);
        works(vkvm_stream_finish(stream, &err), &err, "finish");
        vkvm_stream_free(stream);
    }
    flat(before, mode->name, "up");
    is_int(source.at, size, "all of it");
    close(source.fd);
    ok(same_files("source", "volume"), "the volume has the content");
    if (mode->sparse)
        ok(allocated("volume") <= allocated("source") + MIB, "and the holes");
}

static void go_down(const struct mode *mode, vkvm_storage_vol *vol)
{
    struct sink sink = { .fd = -1, .source = open(path_of("source"), O_RDONLY), .same = true };
    uint64_t bytes = 0, told = 0;
    forget_most_memory();
    int64_t before = most_memory();
    if (!mode->down) {
        works(vkvm_storage_vol_download_file(vol, path_of("copy"), 0, 0, SPARSE_DOWN, follow,
                                             &told, NULL, &bytes, &err), &err, mode->name);
        sink.at = (int64_t)bytes;
        is_int((int64_t)told, size, "progress was told");
    } else {
        vkvm_stream *stream = new_stream(mode->waits ? 0 : VKVM_STREAM_NONBLOCK);
        if (mode->sparse)
            sink.fd = open(path_of("copy"), O_RDWR | O_CREAT | O_EXCL, 0600);
        must(vkvm_storage_vol_download(vol, stream, 0, 0, mode->sparse ? SPARSE_DOWN : 0, &err),
             err, "download");
        works(mode->down(stream, &sink) ? 0 : -1, &err, mode->name);
        works(vkvm_stream_finish(stream, &err), &err, "finish");
        vkvm_stream_free(stream);
    }
    flat(before, mode->name, "down");
    is_int(sink.at, size, "all of it");
    if (sink.fd >= 0)
        ok(ftruncate(sink.fd, sink.at) == 0 && close(sink.fd) == 0, "the file is complete");
    if (mode->sparse) {
        ok(sink.same && same_files("source", "copy"), "the file has the content");
        ok(allocated("copy") <= allocated("source") + MIB, "and the holes");
        unlink(path_of("copy"));
    } else {
        ok(sink.same, "the content is the same");
    }
    close(sink.source);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    if (getenv("VKVM_STREAM_MIB"))
        size = atoi(getenv("VKVM_STREAM_MIB")) * MIB;
    dir = argv[2];
    start_loop();
    make_pool(argv[1]);
    make_file("source", size, 12, 3);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        double begin = now();
        vkvm_storage_vol *vol = new_volume("volume", size);
        go_up(&modes[i], vol);
        go_down(&modes[i], vol);
        /* Some are a whole GiB; never two of them at once. */
        works(vkvm_storage_vol_delete(vol, 0, &err), &err, "delete");
        vkvm_storage_vol_free(vol);
        diag("%s: %.1f s", modes[i].name, now() - begin);
    }
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(conn);
    settle();
    no_handles_left();
    return done();
}
