/*
 * Calls that run long jobs: how far they are, and that giving them up aborts the job.
 *
 * usage: jobs URI SCRATCH OTHER-URI
 *
 * by name: jobs.memory
 *
 * The guest has no system: what is saved of its memory is small, and goes slowly.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "hostile.h"
#include "started.h"

enum { PIECE = 256 * 1024, PIECES = 8 };

static const char xml[] = "<domain type='qemu'><name>slow</name>"
                          "<memory unit='GiB'>4</memory><vcpu>1</vcpu>"
                          "<os><type arch='x86_64' machine='pc'>hvm</type></os>"
                          "<devices><memballoon model='none'/>"
                          "<controller type='usb' model='none'/></devices></domain>";

static vkvm_conn *conn;
static vkvm_domain *dom;

/* The same on a connection on which nothing else waits for an answer: libvirt's client before 10.1
   may send a call only when the one that waits is answered. */
static vkvm_domain *watched;

static vkvm_error *err;

static vkvm_value *with_number(vkvm_value *args, const char *key, int64_t number)
{
    must(vkvm_value_set_int64(args, key, number, &err), err, key);
    return args;
}

static vkvm_call *begin(const char *function, vkvm_value *args, uint32_t timeout_ms)
{
    return start(function, args, timeout_ms, NULL, 0);
}

static int64_t count_calls(const char *which)
{
    vkvm_value *calls;
    must(vkvm_conn_get_calls(conn, &calls, &err), err, "the calls");
    int64_t count = int_at(calls, which);
    vkvm_value_free(calls);
    return count;
}

/* Waits until no more than so many calls are with libvirt. One that is given up may count as
   running for a moment. */
static bool falls_to_calls(int wanted)
{
    double end = now() + PATIENCE;
    while (count_calls("running") + count_calls("abandoned") > wanted && now() < end)
        usleep(1000);
    return count_calls("running") + count_calls("abandoned") <= wanted;
}

/* --- a file that takes what is saved, but slowly --------------------------------------------- */

/* Slowly: at most 512 KiB in a second, so that what is saved takes 20 s. What is aborted takes up
   to 4 s: libvirt's helper still writes what it has. */
struct reader {
    char path[300];
    pthread_t thread;
    atomic_int taken;
    atomic_bool reads, is_fast;
};

/* What the library's calls write to, and what other dumps do. */
static struct reader own, others;

static void *take(void *userdata)
{
    char buffer[8192];
    struct reader *reader = userdata;
    int fd = open(reader->path, O_RDONLY | O_NONBLOCK);
    while (reader->reads) {
        struct pollfd readable = { .fd = fd, .events = POLLIN };
        ssize_t count = poll(&readable, 1, 10) == 1 ? read(fd, buffer, sizeof buffer) : 0;
        if (count > 0)
            reader->taken += (int)count;
        if (!reader->is_fast || count <= 0)
            usleep(16000);
    }
    close(fd);
    return NULL;
}

static void begin_reading(struct reader *reader)
{
    unlink(reader->path);
    must(mkfifo(reader->path, 0666), NULL, "a FIFO");
    reader->taken = 0;
    reader->is_fast = false;
    reader->reads = true;
    must(pthread_create(&reader->thread, NULL, take, reader), NULL, "a thread");
}

static void end_reading(struct reader *reader)
{
    reader->reads = false;
    pthread_join(reader->thread, NULL);
}

/* Waits until the job is really at it. */
static void wait_for_job(int operation)
{
    int64_t now_at = -1;
    for (double end = now() + PATIENCE; now_at != operation && now() < end; usleep(10000)) {
        int type = 0;
        vkvm_value *stats = NULL;
        if (vkvm_domain_get_job_stats(watched, 0, &type, &stats, &err) == 0)
            vkvm_value_get_int64(stats, VKVM_DOMAIN_JOB_OPERATION, &now_at, NULL);
        vkvm_value_free(stats);
        forget(&err);
    }
    is_int(now_at, operation, "the job runs");
}

/* Whether the domain's last job was completed. */
static bool is_completed(void)
{
    int type = -1;
    vkvm_value *stats = NULL;
    works(vkvm_domain_get_job_stats(watched, VKVM_DOMAIN_JOB_STATS_COMPLETED, &type, &stats, &err), &err,
          "the statistics of the last job");
    vkvm_value_free(stats);
    return type == VKVM_DOMAIN_JOB_COMPLETED;
}

/* The domain runs, without a job. */
static void is_over(const char *name)
{
    double begin = now();
    bool has_ended = falls_to_calls(0);
    printf("# %s: libvirt has ended it %.2f s after it was given up; %d bytes were written\n", name,
           now() - begin, own.taken);
    ok(has_ended, "libvirt has ended what was given up");
    int type = -1, state = -1, reason = -1;
    vkvm_value *stats = NULL;
    works(vkvm_domain_get_job_stats(watched, 0, &type, &stats, &err), &err, "the job's statistics");
    vkvm_value_free(stats);
    is_int(type, VKVM_DOMAIN_JOB_NONE, "there is no job");
    works(vkvm_domain_get_state(watched, 0, &state, &reason, &err), &err, "the state");
    is_int(state, VKVM_DOMAIN_STATE_RUNNING, "the domain runs");
}

static void is_aborted(const char *name)
{
    is_over(name);
    ok(!is_completed(), "%s: the job was aborted", name);
}

/* --- how far a call is ---------------------------------------------------------------------- */

/* Whether a number is known. */
static bool is_known(vkvm_value *progress, const char *key)
{
    int kind = VKVM_VALUE_NULL;
    must(vkvm_value_get_kind(progress, key, &kind, &err), err, key);
    return kind != VKVM_VALUE_NULL;
}

/* Waits until so much is done, and it is known how fast. */
static void wait_for_progress(vkvm_call *call, int64_t wanted, bool has_total)
{
    int64_t done = -1;
    bool is_right = true, is_complete = false;
    for (double end = now() + PATIENCE; !is_complete && now() < end; usleep(1000)) {
        vkvm_value *progress = NULL;
        must(vkvm_call_get_progress(call, &progress, &err), err, "progress");
        if (is_known(progress, "")) {
            int64_t before = done;
            done = int_at(progress, "done");
            is_right &= done >= before && (!has_total || int_at(progress, "total") >= done);
            is_complete = done >= wanted && (wanted == 0 || is_known(progress, "rate")) &&
                          (!has_total || is_known(progress, "remaining_ms"));
        }
        if (is_complete)
            is_str_at(progress, "unit", "bytes", "the unit");
        vkvm_value_free(progress);
    }
    ok(is_complete, "%lld bytes are done", (long long)wanted);
    ok(is_right, "it never goes back, nor above all there is");
}

/* --- jobs of a domain --------------------------------------------------------------------------- */

static void cancelled_save(void)
{
    begin_reading(&own);
    vkvm_call *call = begin("vkvm_domain_save", with_text(with("dom", dom), "to", own.path), 0);
    wait_for_job(VKVM_DOMAIN_JOB_OPERATION_SAVE);
    wait_for_progress(call, 1, true);
    works(vkvm_call_cancel(call, &err), &err, "a save is cancelled");
    ends_with(call, VKVM_ERROR_OWN_CANCELLED, "a save that was cancelled");
    is_aborted("a save that was cancelled");
    end_reading(&own);
}

static void late_dump(void)
{
    begin_reading(&own);
    vkvm_call *call = begin("vkvm_domain_core_dump", with_text(with("dom", dom), "to", own.path), 1000);
    ends_with(call, VKVM_ERROR_OWN_TIMEOUT, "a dump after its deadline");
    is_aborted("a dump after its deadline");
    end_reading(&own);
}

static void cancelled_at_once(void)
{
    begin_reading(&own);
    vkvm_call *call = begin("vkvm_domain_core_dump", with_text(with("dom", dom), "to", own.path), 0);
    while (count_calls("running") == 0)
        usleep(100);
    works(vkvm_call_cancel(call, &err), &err, "a dump is cancelled when it has just begun");
    ends_with(call, VKVM_ERROR_OWN_CANCELLED, "a dump that has just begun");
    is_aborted("a dump that has just begun");
    end_reading(&own);
}

/* A call that waits for the job of another one of this process, and is given up, never begins. */
static void behind_own_job(void)
{
    begin_reading(&own);
    vkvm_value *result = NULL;
    bool is_done = true;
    vkvm_call *dump = begin("vkvm_domain_core_dump", with_text(with("dom", dom), "to", own.path), 0);
    wait_for_job(VKVM_DOMAIN_JOB_OPERATION_DUMP);
    vkvm_call *save = begin("vkvm_domain_save", with_text(with("dom", dom), "to", own.path), 500);
    ends_with(save, VKVM_ERROR_OWN_TIMEOUT, "a save that waits for a dump");
    ok(falls_to_calls(1), "it ends at once, for libvirt has not begun it");
    works(vkvm_call_wait(dump, 200, &is_done, &err), &err, "the dump is waited for");
    ok(!is_done, "the dump was not aborted");
    works(vkvm_call_cancel(dump, &err), &err, "the dump is cancelled");
    fails(vkvm_call_get_result(dump, &result, &err), &err, VKVM_ERROR_OWN_CANCELLED, NULL,
          "its result");
    vkvm_call_free(dump);
    is_aborted("the dump");
    end_reading(&own);
}

static vkvm_domain *others_dom;
static atomic_int others_code;

/* Somebody else's: the library does not know of it. */
static void *dump_directly(void *unused)
{
    vkvm_error *error = NULL;
    (void)unused;
    others_code = vkvm_domain_core_dump(others_dom, others.path, 0, &error) == 0 ? 0 : vkvm_error_code(error);
    vkvm_error_free(error);
    return NULL;
}

static pthread_t begin_direct_dump(void)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, dump_directly, NULL), NULL, "a thread");
    return thread;
}

/* A call that waits for somebody else's job of the same kind does not take that for its own; when
   its own begins, it is aborted. */
static void behind_job_of_another(void)
{
    begin_reading(&own);
    begin_reading(&others);
    pthread_t other = begin_direct_dump();
    wait_for_job(VKVM_DOMAIN_JOB_OPERATION_DUMP);
    vkvm_call *dump = begin("vkvm_domain_core_dump", with_text(with("dom", dom), "to", own.path), 0);
    while (count_calls("running") == 0)
        usleep(1000);
    /* Long enough for it to come to libvirt, nearly always. */
    usleep(200000);
    works(vkvm_call_cancel(dump, &err), &err, "a dump that waits for another one's is cancelled");
    ends_with(dump, VKVM_ERROR_OWN_CANCELLED, "a dump that waits for another one's");
    others.is_fast = true;
    pthread_join(other, NULL);
    is_int(others_code, 0, "the other one's is not aborted");
    is_over("a dump that has waited for another one's");
    ok(own.taken < others.taken / 2, "it was aborted when it had its turn");
    end_reading(&own);
    end_reading(&others);
}

/* What begins when a job that was given up ends is not aborted. */
static void before_job_of_another(void)
{
    begin_reading(&own);
    begin_reading(&others);
    vkvm_call *dump = begin("vkvm_domain_core_dump", with_text(with("dom", dom), "to", own.path), 0);
    wait_for_job(VKVM_DOMAIN_JOB_OPERATION_DUMP);
    works(vkvm_call_cancel(dump, &err), &err, "a dump is cancelled");
    ends_with(dump, VKVM_ERROR_OWN_CANCELLED, "a dump that another one follows");
    pthread_t other = begin_direct_dump();
    ok(falls_to_calls(0), "it ends");
    others.is_fast = true;
    pthread_join(other, NULL);
    is_int(others_code, 0, "the next dump is not aborted");
    ok(is_completed(), "it is complete");
    end_reading(&own);
    end_reading(&others);
}

/* Its progress goes up to all there is; the guest ends. */
static void complete_managed_save(void)
{
    bool is_done = false;
    vkvm_value *result = NULL;
    vkvm_call *call = begin("vkvm_domain_managed_save", with("dom", dom), 0);
    int64_t done = 0, total = 0;
    bool is_right = true;
    while (!is_done) {
        vkvm_value *progress = NULL;
        must(vkvm_call_wait(call, 1, &is_done, &err), err, "it is waited for");
        must(vkvm_call_get_progress(call, &progress, &err), err, "progress");
        if (is_known(progress, "")) {
            is_right &= int_at(progress, "done") >= done;
            done = int_at(progress, "done");
            total = int_at(progress, "total");
            is_right &= done <= total;
        }
        vkvm_value_free(progress);
    }
    ok(is_right, "the progress of a managed save never goes back, nor above all there is");
    works(vkvm_call_get_result(call, &result, &err), &err, "its result");
    vkvm_value_free(result);
    vkvm_call_free(call);
    ok(is_completed(), "a job is complete");
    works(vkvm_domain_managed_save_remove(dom, 0, &err), &err, "the saved image is removed");
}

/* The connection that a migration was started on is freed. */
static void freed_connection(const char *uri, const char *other_uri)
{
    vkvm_conn *mine = open_conn(uri, 0);
    vkvm_domain *mover;
    vkvm_value *params;
    own.taken = 0;
    must(vkvm_conn_get_domain_by_name(mine, "slow", &mover, &err), err, "the domain");
    must(vkvm_value_new_map(&params, &err), err, "parameters");
    with_number(with_text(params, VKVM_DOMAIN_MIGRATE_PARAM_URI, "tcp://127.0.0.1"),
                VKVM_DOMAIN_MIGRATE_PARAM_BANDWIDTH, 1);
    with_text(params, VKVM_DOMAIN_MIGRATE_PARAM_LISTEN_ADDRESS, "127.0.0.1");
    vkvm_value *args = with_text(with("dom", mover), "desturi", other_uri);
    with_number(args, "flags", VKVM_DOMAIN_MIGRATE_LIVE | VKVM_DOMAIN_MIGRATE_PEER2PEER);
    must(vkvm_value_set_handle(args, "params", params, &err), err, "params");
    vkvm_value_free(params);
    vkvm_call *call = begin("vkvm_domain_migrate_to_uri", args, 0);
    wait_for_job(VKVM_DOMAIN_JOB_OPERATION_MIGRATION_OUT);
    wait_for_progress(call, 1, true);
    vkvm_domain_free(mover);
    double begin = now();
    vkvm_conn_free(mine);
    ends_with(call, VKVM_ERROR_OWN_CANCELLED, "a migration whose connection is freed");
    int type = -1;
    while (type != VKVM_DOMAIN_JOB_NONE && now() < begin + PATIENCE) {
        vkvm_value *stats = NULL;
        if (vkvm_domain_get_job_stats(watched, 0, &type, &stats, NULL) == 0)
            vkvm_value_free(stats);
        usleep(10000);
    }
    printf("# the migration has ended %.2f s after its connection was freed\n", now() - begin);
    is_aborted("a migration whose connection was freed");
}

/* --- the host's commands, and transfers ----------------------------------------------------------- */

static void host_command(void)
{
    begin_reading(&own);
    vkvm_host *host;
    vkvm_value *words, *progress = (vkvm_value *)&conn;
    must(vkvm_host_new(conn, &host, &err), err, "a host");
    must(vkvm_value_new_map(&words, &err), err, "arguments");
    with_text(with_text(words, "domain", "slow"), "file", own.path);
    vkvm_value *args = with_text(with("host", host), "command", "domain.save");
    must(vkvm_value_set_handle(args, "args", words, &err), err, "args");
    vkvm_value_free(words);
    vkvm_call *call = begin("vkvm_host_call", args, 0);
    wait_for_job(VKVM_DOMAIN_JOB_OPERATION_SAVE);
    wait_for_progress(call, 1, true);
    works(vkvm_call_cancel(call, &err), &err, "the command domain.save is cancelled");
    ends_with(call, VKVM_ERROR_OWN_CANCELLED, "a command that was cancelled");
    is_aborted("a command that was cancelled");
    end_reading(&own);
    vkvm_host_free(host);

    call = begin("vkvm_conn_get_hostname", with("conn", conn), 0);
    works(vkvm_call_get_progress(call, &progress, &err), &err, "progress of what does not say it");
    int kind = -1;
    works(vkvm_value_get_kind(progress, "", &kind, &err), &err, "its kind");
    is_int(kind, VKVM_VALUE_NULL, "it is null");
    vkvm_value_free(progress);
    vkvm_call_free(call);
    fails(vkvm_call_get_progress(NULL, &progress, &err), &err, VKVM_ERROR_OWN_NULL, "call",
          "progress of no call");
}

static void transfer(const char *scratch)
{
    static char piece[PIECE];
    vkvm_storage_pool *pool;
    vkvm_storage_vol *vol;
    char text[600];
    int ends[2];
    snprintf(text, sizeof text, "%s/pool", scratch);
    must(mkdir(text, 0777), NULL, text);
    snprintf(text, sizeof text,
             "<pool type='dir'><name>p</name><target><path>%s/pool</path></target></pool>", scratch);
    must(vkvm_conn_create_storage_pool(conn, text, &pool, &err), err, "a pool");
    must(vkvm_storage_pool_create_volume(
             pool, "<volume><name>v</name><capacity>4194304</capacity></volume>", &vol, &err),
         err, "a volume");
    must(pipe(ends), NULL, "a pipe");
    vkvm_value *args = with_number(with("vol", vol), "fd", ends[0]);
    vkvm_call *call = begin("vkvm_storage_vol_upload_fd", with_number(args, "length", PIECES * PIECE), 0);
    close(ends[0]);
    wait_for_progress(call, 0, false);
    for (int i = 1; i <= 2; i++)
        must(write(ends[1], piece, PIECE) == PIECE ? 0 : -1, NULL, "a piece");
    wait_for_progress(call, 2 * PIECE, false);
    works(vkvm_call_cancel(call, &err), &err, "an upload is cancelled");
    ends_with(call, VKVM_ERROR_OWN_CANCELLED, "an upload that was cancelled");
    signal(SIGPIPE, SIG_IGN);
    ok(write(ends[1], piece, PIECE) < PIECE, "it takes no piece any more");
    ok(falls_to_calls(0), "it ends with the next one, though there are more");
    close(ends[1]);
    vkvm_storage_vol_free(vol);
    works(vkvm_storage_pool_destroy(pool, &err), &err, "the pool ends");
    vkvm_storage_pool_free(pool);
}

int main(int argc, char **argv)
{
    must(argc == 4 ? 0 : -1, NULL, "usage: jobs URI SCRATCH OTHER-URI");
    snprintf(own.path, sizeof own.path, "%s/own", argv[2]);
    snprintf(others.path, sizeof others.path, "%s/others", argv[2]);
    int threads = running_threads();
    conn = open_conn(argv[1], 0);
    must(vkvm_conn_define_domain(conn, xml, 0, &dom, &err), err, "the domain");
    must(vkvm_domain_create(dom, 0, &err), err, "it starts");
    vkvm_conn *other = open_conn(argv[1], 0), *watch = open_conn(argv[1], 0);
    must(vkvm_conn_get_domain_by_name(other, "slow", &others_dom, &err), err, "the domain");
    must(vkvm_conn_get_domain_by_name(watch, "slow", &watched, &err), err, "the domain");
    transfer(argv[2]);
    cancelled_save();
    late_dump();
    cancelled_at_once();
    behind_own_job();
    behind_job_of_another();
    before_job_of_another();
    host_command();
    freed_connection(argv[1], argv[3]);
    complete_managed_save();
    works(vkvm_domain_undefine(dom, 0, &err), &err, "the domain is undefined");
    vkvm_domain_free(dom);
    vkvm_domain_free(others_dom);
    vkvm_domain_free(watched);
    vkvm_conn_free(other);
    vkvm_conn_free(watch);
    vkvm_conn_free(conn);
    ok(falls_to(running_threads, threads), "the threads end");
    no_handles_left();
    return done();
}
