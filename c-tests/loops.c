/*
 * The library's own event loop, run by the program and by the library's thread: many
 * threads run, stop and start it at once; what is watched is removed, changed, closed
 * and reused while it runs; signals. Each part runs in a process of its own, for a
 * process has one loop, and has PATIENCE.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"

static vkvm_error *err;
static int others_threads;
static int threads_of_this_process(void);

static void *tell_number(void *number)
{
    *(pid_t *)number = gettid();
    return NULL;
}

/* Whether there are so many threads, once those are gone that have ended: a thread is listed
   a little longer than it lives. */
static bool threads_are(int wanted)
{
    double end = now() + PATIENCE;
    while (threads_of_this_process() > wanted && now() < end)
        usleep(1000);
    return threads_of_this_process() == wanted;
}

/* Waits until the library's thread is gone, so that nothing can come of it any more. */
static bool is_alone(void)
{
    return threads_are(1);
}

/* ThreadSanitizer has a thread of its own once there is another one, and so has QEMU. */
static void count_others(void)
{
    pthread_t thread;
    pid_t number;
    if (!getenv("VKVM_UNDER_SANITIZER") && !getenv("VKVM_EMULATOR"))
        return;
    must(pthread_create(&thread, NULL, tell_number, &number), NULL, "pthread_create");
    pthread_join(thread, NULL);
    while (thread_state(getpid(), number))
        usleep(1000);
    others_threads = threads_of_this_process() - 1;
}

/* Runs a part in a child, whose exit status is 0 when all went well. */
static void in_time(int (*part)(void), const char *name)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        count_others();
        _exit(part());
    }
    must(child < 0, NULL, "fork");
    waitpid(child, &status, 0);
    if (!ok(status == 0, "%s", name))
        diag(WIFSIGNALED(status) ? "signal %d (%d is the time limit)" : "status %d",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), SIGALRM);
}

/* In a part: false is the line that is the exit status. */
#define expect(condition) \
    do { \
        if (!(condition)) { \
            diag("line %d: %s", __LINE__, #condition); \
            return __LINE__ % 255 + 1; \
        } \
    } while (0)

static void use_default(void)
{
    must(vkvm_event_register_default(&err), err, "register_default");
}

static int add_timer(int frequency, vkvm_timeout_callback callback, void *userdata)
{
    int timer = -1;
    must(vkvm_event_add_timeout(frequency, callback, userdata, NULL, &timer, &err), err,
         "add_timeout");
    return timer;
}

static void run(void)
{
    must(vkvm_event_run_default(&err), err, "run_default");
}

static void nothing_ready(int watch, int fd, int events, void *userdata)
{
    (void)watch, (void)fd, (void)events, (void)userdata;
}

static int cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int)(usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
                 usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000);
}

static int threads_of_this_process(void)
{
    int count = -others_threads;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* --- what is not the program's -------------------------------------------------------- */

static void count_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args;
    ++*(int *)userdata;
}

/* Ends and changes all but its own, by their numbers. How many of them it could end. */
static int end_all_others(int timer, int watch)
{
    int ended = 0;
    for (int i = 0; i < 1000; i++) {
        if (i != timer)
            ended += vkvm_event_remove_timeout(i, NULL) == 0;
        if (i != watch)
            ended += vkvm_event_remove_handle(i, NULL) == 0;
        if (i != timer)
            vkvm_event_update_timeout(i, -1, NULL);
        if (i != watch)
            vkvm_event_update_handle(i, 0, NULL);
    }
    return ended;
}

/* libvirt's timers and watches, and the library's, are in the same loop. */
static int numbers_of_others(int (*choose)(vkvm_error **), void (*run_once)(void))
{
    vkvm_conn *conn = NULL;
    vkvm_domain *dom = NULL;
    int ends[2], events = 0, closed = 0, id = -1, timer, watch = -1;
    must(choose(&err), err, "choosing the event loop");
    timer = add_timer(10, no_op, NULL);
    must(pipe(ends), NULL, "pipe");
    must(vkvm_event_add_handle(ends[0], 0, nothing_ready, NULL, NULL, &watch, &err), err, "add_handle");
    must(vkvm_conn_open("test:///default", 0, &conn, &err), err, "open");
    must(vkvm_conn_register_close_callback(conn, count_event, &closed, NULL, &err), err,
         "register_close_callback");
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, count_event,
                                             &events, NULL, &id, &err), err, "register_any");
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "get_domain_by_name");
    expect(end_all_others(timer, watch) == 0);
    must(vkvm_domain_suspend(dom, &err), err, "suspend");
    /* Those that there are while an event waits for the loop. */
    expect(end_all_others(timer, watch) == 0);
    for (int i = 0; i < 100 && !events; i++)
        run_once();
    expect(events == 1);
    /* Its own ones it can end, once. */
    expect(vkvm_event_remove_handle(watch, NULL) == 0 && vkvm_event_remove_handle(watch, NULL) == -1);
    expect(vkvm_event_remove_timeout(timer, NULL) == 0 && vkvm_event_remove_timeout(timer, NULL) == -1);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    return 0;
}

static int numbers_in_default(void)
{
    return numbers_of_others(vkvm_event_register_default, run);
}

static int numbers_in_own(void)
{
    return numbers_of_others(own_register, own_turn);
}

/* --- what is watched -------------------------------------------------------------- */

struct watched {
    int watch, other, fd, calls, events, destroyed;
    bool removing, destroyed_at_once;
};

static void note_ready(int watch, int fd, int events, void *userdata)
{
    struct watched *it = userdata;
    (void)watch, (void)fd;
    it->events = events;
    it->calls++;
}

static void note_destroyed(void *userdata)
{
    struct watched *it = userdata;
    it->destroyed++;
    it->destroyed_at_once |= it->removing;
}

static int watch(int fd, int events, vkvm_watch_callback callback, struct watched *it)
{
    it->fd = fd;
    must(vkvm_event_add_handle(fd, events, callback, it, note_destroyed, &it->watch, &err), err,
         "add_handle");
    return it->watch;
}

static void unwatch(struct watched *it)
{
    it->removing = true;
    must(vkvm_event_remove_handle(it->watch, &err), err, "remove_handle");
    it->removing = false;
}

static int descriptor_twice(void)
{
    struct watched in = { 0 }, also = { 0 }, out = { 0 };
    int ends[2];
    use_default();
    add_timer(10, no_op, NULL);
    must(pipe(ends), NULL, "pipe");
    watch(ends[0], VKVM_EVENT_HANDLE_READABLE, note_ready, &in);
    watch(ends[0], VKVM_EVENT_HANDLE_READABLE, note_ready, &also);
    watch(ends[0], VKVM_EVENT_HANDLE_WRITABLE, note_ready, &out);
    must(write(ends[1], "x", 1) == 1 ? 0 : -1, NULL, "write");
    run();
    expect(in.calls == 1 && also.calls == 1 && out.calls == 0);
    run(); /* it still is readable */
    expect(in.calls == 2 && also.calls == 2);
    unwatch(&in);
    expect(in.destroyed == 0);
    run();
    expect(in.calls == 2 && also.calls == 3);
    expect(in.destroyed == 1 && !in.destroyed_at_once);
    must(vkvm_event_update_handle(also.watch, 0, &err), err, "update_handle");
    run();
    expect(also.calls == 3 && also.destroyed == 0 && out.calls == 0);
    return 0;
}

static void remove_other(int watch, int fd, int events, void *userdata)
{
    struct watched *it = userdata;
    note_ready(watch, fd, events, it);
    if (it->other) {
        must(vkvm_event_remove_handle(it->other, &err), err, "remove_handle");
        must(vkvm_event_remove_handle(it->watch, &err), err, "remove_handle");
    }
}

static int removed_in_the_same_turn(void)
{
    struct watched first = { 0 }, second = { 0 };
    int ends[2];
    use_default();
    must(pipe(ends), NULL, "pipe");
    must(write(ends[1], "x", 1) == 1 ? 0 : -1, NULL, "write");
    watch(ends[0], VKVM_EVENT_HANDLE_READABLE, remove_other, &first);
    watch(ends[0], VKVM_EVENT_HANDLE_READABLE, remove_other, &second);
    first.other = second.watch;
    second.other = first.watch;
    run();
    expect(first.calls + second.calls == 1);
    add_timer(1, no_op, NULL);
    run();
    run();
    expect(first.calls + second.calls == 1);
    expect(first.destroyed == 1 && second.destroyed == 1);
    return 0;
}

static int regular_file(void)
{
    struct watched file = { 0 };
    use_default();
    int fd = open("/proc/self/exe", O_RDONLY);
    expect(fd >= 0);
    watch(fd, VKVM_EVENT_HANDLE_READABLE, note_ready, &file);
    for (int i = 0; i < 5; i++)
        run();
    expect(file.calls == 5 && file.events == VKVM_EVENT_HANDLE_READABLE);
    return 0;
}

static int closed_descriptor(void)
{
    struct watched closed = { 0 };
    int ends[2], turns = 0, before;
    use_default();
    must(pipe(ends), NULL, "pipe");
    watch(ends[0], VKVM_EVENT_HANDLE_READABLE, note_ready, &closed);
    close(ends[0]);
    run();
    expect(closed.calls == 1 && closed.events == VKVM_EVENT_HANDLE_ERROR);
    add_timer(50, no_op, NULL);
    before = cpu_ms();
    for (double end = now() + 1; now() < end; turns++)
        run();
    expect(closed.calls == 1);
    expect(turns < 200 && cpu_ms() - before < 500); /* it does not spin */
    must(vkvm_event_update_handle(closed.watch, VKVM_EVENT_HANDLE_READABLE, &err), err, "update");
    run();
    expect(closed.calls == 2);
    must(pipe(ends), NULL, "pipe"); /* takes the number over */
    expect(ends[0] == closed.fd);
    must(write(ends[1], "x", 1) == 1 ? 0 : -1, NULL, "write");
    must(vkvm_event_update_handle(closed.watch, VKVM_EVENT_HANDLE_READABLE, &err), err, "update");
    run();
    expect(closed.calls == 3 && closed.events == VKVM_EVENT_HANDLE_READABLE);
    return 0;
}

/* More watches than a process may have descriptors, which poll would refuse. */
static int many_watches(void)
{
    static struct watched all[3000];
    int ends[2];
    struct rlimit limit = { 256, 256 };
    must(setrlimit(RLIMIT_NOFILE, &limit), NULL, "setrlimit");
    use_default();
    must(pipe(ends), NULL, "pipe");
    for (int i = 0; i < 3000; i++)
        watch(ends[0], VKVM_EVENT_HANDLE_READABLE, note_ready, &all[i]);
    must(write(ends[1], "x", 1) == 1 ? 0 : -1, NULL, "write");
    run();
    for (int i = 0; i < 3000; i++)
        expect(all[i].calls == 1);
    return 0;
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static int signal_ends_a_turn(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    use_default();
    sigaction(SIGUSR1, &action, NULL);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        for (;;) {
            usleep(20000);
            kill(parent, SIGUSR1);
        }
    }
    while (signals < 3)
        run(); /* nothing else ends it */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

struct chain {
    int timer, calls, late;
};

static void count_timer(int timer, void *userdata)
{
    struct chain *it = userdata;
    it->timer = timer;
    count_one(&it->calls);
}

static void update_itself(int timer, void *userdata)
{
    struct chain *it = userdata;
    it->calls++;
    must(vkvm_event_update_timeout(timer, it->calls < 3 ? 0 : -1, &err), err, "update_timeout");
}

static int timers_updated_in_their_call(void)
{
    struct chain it = { 0 }, other = { 0 };
    use_default();
    add_timer(1, count_timer, &other);
    add_timer(5, update_itself, &it);
    while (other.calls < 50)
        run();
    expect(it.calls == 3);
    return 0;
}

/* A callback that runs the loop is not called within itself. */
static int depth, deepest, inner;

static void nest(int timer, void *userdata)
{
    (void)timer;
    deepest = ++depth > deepest ? depth : deepest;
    for (int before = inner; inner < before + 3;)
        run();
    depth--;
    ++*(int *)userdata;
}

static void count_inner(int timer, void *userdata)
{
    (void)timer, (void)userdata;
    inner++;
}

static int nested_turns(void)
{
    int calls = 0;
    use_default();
    add_timer(0, nest, &calls);
    add_timer(1, count_inner, NULL);
    while (calls < 5)
        run();
    expect(deepest == 1);
    return 0;
}

/* The state of a thread as the file says it that the kernel has for it. */
static char state_in(int stat_file)
{
    char line[256] = "";
    const char *name_end = NULL;
    if (pread(stat_file, line, sizeof line - 1, 0) > 0)
        name_end = strrchr(line, ')');
    return name_end ? name_end[2] : 0;
}

/* A timer that another thread is to update, when the one that runs the loop sleeps in it. */
struct update {
    int timer, stat_file, running;
};

static void *update_in_sleep(void *userdata)
{
    struct update *update = userdata;
    while (!read_count(&update->running) || state_in(update->stat_file) != 'S')
        usleep(100);
    must(vkvm_event_update_timeout(update->timer, 0, NULL), NULL, "update_timeout");
    return NULL;
}

/* Runs the loop, which sleeps until another thread updates the timer. */
static int is_woken_up(int stat_file)
{
    struct chain it = { 0 };
    struct update update = { add_timer(-1, count_timer, &it), stat_file, 0 };
    pthread_t thread;
    pthread_create(&thread, NULL, update_in_sleep, &update);
    count_one(&update.running);
    while (!it.calls)
        run();
    pthread_join(thread, NULL);
    return 0;
}

static int own_stat_file(void)
{
    int file = open("/proc/thread-self/stat", O_RDONLY);
    must(file < 0, NULL, "the state of this thread");
    return file;
}

static int other_thread_wakes(void)
{
    use_default();
    return is_woken_up(own_stat_file());
}

/* A program that becomes a daemon closes everything. */
static int all_closed(void)
{
    enum { MOST = 256 };
    int stat_file = fcntl(own_stat_file(), F_DUPFD, MOST);
    expect(stat_file >= MOST);
    use_default();
    int timer = add_timer(1, no_op, NULL);
    run();
    for (int fd = 3; fd < MOST; fd++)
        close(fd);
    must(vkvm_event_remove_timeout(timer, &err), err, "remove_timeout");
    return is_woken_up(stat_file);
}

/* --- many threads run it ---------------------------------------------------------- */

enum { RUNNERS = 4 };

static int at_once, most_at_once, ticks, over;

static void begin_call(void)
{
    int count = __atomic_add_fetch(&at_once, 1, __ATOMIC_SEQ_CST);
    if (count > read_count(&most_at_once))
        __atomic_store_n(&most_at_once, count, __ATOMIC_SEQ_CST);
}

static void end_call(void)
{
    __atomic_sub_fetch(&at_once, 1, __ATOMIC_SEQ_CST);
}

static void tick(int timer, void *userdata)
{
    (void)timer, (void)userdata;
    begin_call();
    count_one(&ticks);
    end_call();
}

static void on_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args, void *userdata)
{
    (void)conn, (void)object, (void)event_id, (void)args;
    begin_call();
    count_one(userdata);
    end_call();
}

static void hung_up(int watch, int fd, int events, void *userdata)
{
    (void)watch, (void)fd, (void)events, (void)userdata;
    begin_call();
    end_call();
}

static void *run_until_over(void *argument)
{
    while (!read_count(&over))
        must(vkvm_event_run_default(NULL), NULL, "run_default");
    return argument;
}

static void *register_until_over(void *argument)
{
    static int events; /* it may be called until the loop has let go of it */
    vkvm_conn *conn = argument;
    while (!read_count(&over)) {
        int id = -1, timer = -1, watch = -1, ends[2];
        must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                                 on_event, &events, NULL, &id, NULL),
             NULL, "register_any");
        must(vkvm_event_add_timeout(0, tick, NULL, NULL, &timer, NULL), NULL, "add_timeout");
        must(pipe(ends), NULL, "pipe");
        close(ends[1]);
        must(vkvm_event_add_handle(ends[0], VKVM_EVENT_HANDLE_READABLE, hung_up, NULL, NULL, &watch,
                                   NULL),
             NULL, "add_handle");
        vkvm_event_update_timeout(timer, 1, NULL);
        must(vkvm_event_remove_timeout(timer, NULL), NULL, "remove_timeout");
        must(vkvm_conn_domain_event_deregister_any(conn, id, NULL), NULL, "deregister_any");
        must(vkvm_event_remove_handle(watch, NULL), NULL, "remove_handle");
        close(ends[0]);
        usleep(200); /* libvirt keeps what is deregistered until it has nothing to deliver */
    }
    return NULL;
}

static int threads_run_it(void)
{
    pthread_t runners[RUNNERS], others[2];
    vkvm_conn *conns[2];
    vkvm_domain *dom = NULL;
    int events = 0, id = -1;
    use_default();
    add_timer(1, tick, NULL);
    for (int i = 0; i < 2; i++)
        conns[i] = open_conn(TEST_URI, 0);
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    must(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, on_event,
                                             &events, NULL, &id, &err),
         err, "register_any");
    for (int i = 0; i < RUNNERS; i++)
        pthread_create(&runners[i], NULL, run_until_over, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&others[i], NULL, register_until_over, conns[i]);
    int sent = 0;
    for (double end = now() + 2; now() < end || read_count(&ticks) < 100;) {
        must(vkvm_domain_suspend(dom, &err), err, "suspend");
        must(vkvm_domain_resume(dom, &err), err, "resume");
        sent += 2;
        usleep(200);
    }
    for (double end = now() + PATIENCE; read_count(&events) < sent && now() < end;)
        usleep(1000);
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < RUNNERS; i++)
        pthread_join(runners[i], NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(others[i], NULL);
    expect(events == sent);
    expect(most_at_once == 1);
    return 0;
}

/* --- the library's thread --------------------------------------------------------- */

/* The first call lasts until the loop has been started again. */
struct slow {
    int begun, started;
};

static void slow_once(int timer, void *userdata)
{
    struct slow *slow = userdata;
    begin_call();
    (void)timer;
    if (__atomic_fetch_add(&ticks, 1, __ATOMIC_SEQ_CST) == 0) {
        count_one(&slow->begun);
        while (!read_count(&slow->started))
            usleep(1000);
    }
    end_call();
}

static void *stop(void *number)
{
    __atomic_store_n((pid_t *)number, gettid(), __ATOMIC_SEQ_CST);
    must(vkvm_event_stop(NULL), NULL, "event_stop");
    return NULL;
}

/* A stops it while a callback runs, and B starts it meanwhile. */
static int start_while_it_stops(void)
{
    struct slow slow = { 0 };
    pid_t stopping = 0;
    pthread_t thread;
    must(vkvm_event_start(&err), err, "event_start");
    add_timer(1, slow_once, &slow);
    while (!read_count(&slow.begun))
        usleep(1000);
    pthread_create(&thread, NULL, stop, &stopping);
    wait_for_sleep(&stopping);
    must(vkvm_event_start(&err), err, "event_start");
    count_one(&slow.started);
    pthread_join(thread, NULL);
    int before = read_count(&ticks);
    while (read_count(&ticks) < before + 5)
        usleep(1000); /* B's start came last */
    expect(most_at_once == 1);
    expect(threads_are(2));
    must(vkvm_event_stop(&err), err, "event_stop");
    must(vkvm_event_stop(&err), err, "event_stop, again");
    before = ticks;
    expect(is_alone());
    expect(ticks == before);
    return 0;
}

static void stop_here(int timer, void *userdata)
{
    (void)timer;
    count_one(&ticks);
    must(vkvm_event_stop(NULL), NULL, "event_stop");
    count_one(userdata);
}

static int stop_in_a_callback(void)
{
    int stopped = 0;
    bool started = true;
    must(vkvm_event_start(&err), err, "event_start");
    for (int i = 0; i < 3; i++)
        add_timer(1, stop_here, &stopped);
    while (!read_count(&stopped))
        usleep(1000);
    expect(is_alone());
    expect(read_count(&stopped) == 1); /* it was the last one */
    must(vkvm_event_is_started(&started, &err), err, "is_started");
    expect(!started);
    must(vkvm_event_start(&err), err, "event_start");
    while (read_count(&stopped) < 2)
        usleep(1000);
    return 0;
}

static void restart_here(int timer, void *userdata)
{
    (void)timer;
    must(vkvm_event_stop(NULL), NULL, "event_stop");
    must(vkvm_event_start(NULL), NULL, "event_start");
    count_one(userdata);
}

static int restart_in_a_callback(void)
{
    static int restarted; /* the last start may come after the last stop */
    must(vkvm_event_start(&err), err, "event_start");
    add_timer(0, restart_here, &restarted);
    while (read_count(&restarted) < 100)
        usleep(1000);
    expect(threads_are(2));
    return 0;
}

static void *stop_and_start(void *argument)
{
    for (unsigned i = 0; !read_count(&over); i++)
        must(i % 3 ? vkvm_event_start(NULL) : vkvm_event_stop(NULL), NULL, "stop and start");
    return argument;
}

static int all_stop_and_start(void)
{
    static int restarted; /* as above */
    pthread_t threads[RUNNERS];
    must(vkvm_event_start(&err), err, "event_start");
    add_timer(0, tick, NULL);
    add_timer(1, restart_here, &restarted);
    for (int i = 0; i < RUNNERS; i++)
        pthread_create(&threads[i], NULL, stop_and_start, NULL);
    for (double end = now() + 2; now() < end || read_count(&restarted) < 20;) {
        /* One may be about to end for each that waits for it. */
        expect(threads_of_this_process() <= 1 + RUNNERS + 1 + RUNNERS);
        usleep(1000);
    }
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < RUNNERS; i++)
        pthread_join(threads[i], NULL);
    expect(most_at_once == 1);
    must(vkvm_event_start(&err), err, "event_start");
    int before = read_count(&ticks);
    while (read_count(&ticks) < before + 5)
        usleep(1000);
    return 0;
}

static void stop_at_exit(void)
{
    if (vkvm_event_stop(NULL) == 0)
        _exit(0);
    _exit(1);
}

static int stopped_at_exit(void)
{
    must(vkvm_event_start(&err), err, "event_start");
    add_timer(0, tick, NULL);
    while (!read_count(&ticks))
        usleep(1000);
    atexit(stop_at_exit);
    exit(2);
}

int main(void)
{
    in_time(numbers_in_default, "the numbers of libvirt's timers and watches are not the program's");
    in_time(numbers_in_own, "with a loop of the program's own, too");
    in_time(descriptor_twice, "several watches of one descriptor are each called");
    in_time(removed_in_the_same_turn, "a watch that a callback removed is not called any more");
    in_time(regular_file, "a regular file is ready on each turn");
    in_time(closed_descriptor, "a descriptor that was closed is an error, once");
    in_time(many_watches, "there can be more watches than descriptors");
    in_time(signal_ends_a_turn, "a signal ends the turn, so that the program sees its own");
    in_time(timers_updated_in_their_call, "a timer's last update counts, also in its callback");
    in_time(nested_turns, "a callback that runs the loop is not called within itself");
    in_time(other_thread_wakes, "another thread's change ends the sleep");
    in_time(all_closed, "also after the program has closed all descriptors");
    in_time(threads_run_it, "threads run it at once: one callback at a time, each event once");
    in_time(start_while_it_stops, "a start while the thread stops: both return, one thread");
    in_time(stop_in_a_callback, "a callback that stops the thread is the last one");
    in_time(restart_in_a_callback, "a callback that stops and starts goes on with one thread");
    in_time(all_stop_and_start, "threads and callbacks stop and start it in any order");
    in_time(stopped_at_exit, "it is stopped at exit");
    return done();
}
