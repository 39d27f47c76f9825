/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shows which domains of several hosts use how much CPU time, again and again; q ends
 * it. Asks each host once per turn. Can plot what it saw.
 *
 * usage: top [-n COUNT] [-d SECONDS] [--plot FILE.svg] URI...
 *   -n COUNT         end after so many turns
 *   -d SECONDS       how long a turn is (2)
 *   --plot FILE.svg  at the end, draw the CPU use over time
 */

#define _POSIX_C_SOURCE 200809L

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "example.h"

struct host {
    const char *uri;
    vkvm_conn *conn; /* NULL while it cannot be reached */
    char *failure;   /* why; to be freed */
};

struct sample {
    double time;    /* seconds from the first turn */
    double percent; /* of one CPU */
};

struct guest {
    const struct host *host;
    char *uuid, *name;
    int turn;          /* the last one that saw it */
    double seen;       /* that turn's time */
    uint64_t cpu_time; /* ns, up to then */
    int state;
    uint64_t cpus, memory; /* memory in KiB; 0: not known */
    double percent;        /* negative: not known yet */
    struct sample *samples;
    size_t count;
};

static struct guest *guests;
static size_t guest_count;
static struct termios saved;
static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static double now(void)
{
    static struct timespec first;
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    if (first.tv_sec == 0)
        first = time;
    return (double)(time.tv_sec - first.tv_sec) + (double)(time.tv_nsec - first.tv_nsec) / 1e9;
}

/* An array with room for one more. */
static void *grown(void *array, size_t count, size_t size)
{
    array = realloc(array, (count + 1) * size);
    if (array == NULL) {
        perror("realloc");
        exit(1);
    }
    return array;
}

/* The guest with a domain's UUID on a host, a new one if there was none. */
static struct guest *guest_of(const struct host *host, vkvm_domain *domain)
{
    vkvm_error *error = NULL;
    char *uuid;

    check(vkvm_domain_get_uuid_string(domain, &uuid, &error), "get_uuid_string", &error);
    for (size_t i = 0; i < guest_count; i++)
        if (guests[i].host == host && strcmp(guests[i].uuid, uuid) == 0) {
            vkvm_string_free(uuid);
            return &guests[i];
        }
    guests = grown(guests, guest_count, sizeof *guests);
    guests[guest_count] =
        (struct guest){.host = host, .uuid = uuid, .name = name_of(domain)};
    return &guests[guest_count++];
}

/* Takes over what a host says about a domain. */
static void look_at(const struct host *host, vkvm_value *record, int turn)
{
    vkvm_error *error = NULL;
    void *domain;
    struct guest *guest;
    uint64_t cpu_time = number(record, "data.cpu.time", 0); /* 0: not known */
    double time = now();

    check(vkvm_value_get_handle(record, "dom", &domain, &error), "dom", &error);
    guest = guest_of(host, domain);
    vkvm_domain_free(domain);
    guest->percent = -1;
    if (guest->turn == turn - 1 && guest->cpu_time > 0 && cpu_time >= guest->cpu_time) {
        guest->percent = (double)(cpu_time - guest->cpu_time) / 1e7 / (time - guest->seen);
        guest->samples = grown(guest->samples, guest->count, sizeof *guest->samples);
        guest->samples[guest->count++] = (struct sample){time, guest->percent};
    }
    guest->cpu_time = cpu_time;
    guest->seen = time;
    guest->turn = turn;
    guest->state = (int)number(record, "data.state.state", 0);
    guest->cpus = number(record, "data.vcpu.current", 0);
    guest->memory = number(record, "data.balloon.current", 0);
}

/* Asks a host, after connecting to it if need be; -1 with *error when it fails. */
static int ask(struct host *host, int turn, vkvm_error **error)
{
    const uint32_t groups = VKVM_DOMAIN_STATS_STATE | VKVM_DOMAIN_STATS_CPU_TOTAL |
                            VKVM_DOMAIN_STATS_VCPU | VKVM_DOMAIN_STATS_BALLOON;
    vkvm_value *records, *record;
    size_t count;

    if (host->conn == NULL && vkvm_conn_open(host->uri, VKVM_CONNECT_RO, &host->conn, error) != 0)
        return -1;
    if (vkvm_conn_get_all_domain_stats(host->conn, groups, NULL, 0,
                                       VKVM_DOMAIN_GET_ALL_STATS_ACTIVE, &records, error) != 0)
        return -1;
    check(vkvm_value_get_length(records, NULL, &count, error), "get_length", error);
    for (size_t i = 0; i < count; i++) {
        char path[32];

        snprintf(path, sizeof path, "%zu", i);
        check(vkvm_value_get(records, path, &record, error), "get", error);
        look_at(host, record, turn);
        vkvm_value_free(record);
    }
    vkvm_value_free(records);
    return 0;
}

/* Asks a host; one that fails is closed, and opened again in the next turn. */
static void ask_or_close(struct host *host, int turn)
{
    vkvm_error *error = NULL;
    const char *message;

    free(host->failure);
    host->failure = NULL;
    if (ask(host, turn, &error) == 0)
        return;
    message = vkvm_error_message(error);
    host->failure = grown(NULL, strlen(message), 1);
    strcpy(host->failure, message);
    vkvm_error_free(error);
    vkvm_conn_free(host->conn);
    host->conn = NULL;
}

/* The busiest guest comes first, then by host and name. */
static int compare(const void *left, const void *right)
{
    const struct guest *a = *(struct guest *const *)left, *b = *(struct guest *const *)right;
    int order = (a->percent < b->percent) - (a->percent > b->percent);

    if (order == 0)
        order = (a->host > b->host) - (a->host < b->host);
    return order != 0 ? order : strcmp(a->name, b->name);
}

static void print_guest(const struct guest *guest)
{
    char percent[32] = "-", cpus[32] = "-", memory[32] = "-";

    if (guest->percent >= 0)
        snprintf(percent, sizeof percent, "%.1f", guest->percent);
    if (guest->cpus > 0)
        snprintf(cpus, sizeof cpus, "%" PRIu64, guest->cpus);
    if (guest->memory > 0)
        snprintf(memory, sizeof memory, "%" PRIu64, guest->memory / 1024);
    printf("%6s %5s %8s  %-9s %-20s %s", percent, cpus, memory, state_name(guest->state),
           guest->name, guest->host->uri);
}

/* Draws over the last turn, no more lines than the screen has. */
static void show(const struct host *hosts, int host_count, int turn, int terminal)
{
    const char *end = terminal ? "\033[K\n" : "\n";
    struct guest **shown = grown(NULL, guest_count, sizeof *shown);
    struct winsize size = {0};
    size_t count = 0;
    int left = INT_MAX;

    if (terminal) {
        left = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
        left--;
        printf("\033[H");
    }
    for (size_t i = 0; i < guest_count; i++)
        if (guests[i].turn == turn)
            shown[count++] = &guests[i];
    qsort(shown, count, sizeof *shown, compare);

    if (left-- > 0)
        printf("turn %d, %d hosts, %zu domains%s", turn, host_count, count, end);
    for (int i = 0; i < host_count; i++)
        if (hosts[i].failure != NULL && left-- > 0)
            printf("%s: %s%s", hosts[i].uri, hosts[i].failure, end);
    if (left-- > 0)
        printf("%6s %5s %8s  %-9s %-20s %s%s", "%CPU", "CPUS", "MEM MiB", "STATE", "NAME", "HOST",
               end);
    for (size_t i = 0; i < count && left-- > 0; i++) {
        print_guest(shown[i]);
        printf("%s", end);
    }
    if (terminal)
        printf("\033[J");
    fflush(stdout);
    free(shown);
}

static void leave_terminal(void)
{
    printf("\033[?7h\033[?1049l"); /* long lines are wrapped again; the old screen */
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
}

/* Keys come at once and are not shown; long lines are cut; a screen of its own. */
static void enter_terminal(void)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &saved) != 0) {
        perror("tcgetattr");
        exit(1);
    }
    raw = saved;
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    printf("\033[?1049h\033[?7l");
    atexit(leave_terminal);
}

/* Waits for the next turn; stop is set when it is the last one. */
static void wait_until(double time, int terminal)
{
    struct pollfd keys = {.fd = terminal ? STDIN_FILENO : -1, .events = POLLIN};
    double left;

    while (!stop && (left = time - now()) > 0) {
        char key;

        if (poll(&keys, 1, (int)(left * 1000) + 1) > 0 &&
            (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q'))
            stop = 1;
    }
}

/* Prints text with what means something in XML written otherwise. */
static void print_escaped(FILE *file, const char *text)
{
    for (; *text != '\0'; text++)
        if (strchr("<>&", *text) != NULL)
            fprintf(file, "&#%d;", *text);
        else
            fputc(*text, file);
}

/* A line for each guest, in a picture of 800 x 400. */
static int plot(const char *path)
{
    static const char *const colours[] = {"#1f77b4", "#d62728", "#2ca02c", "#ff7f0e",
                                          "#9467bd", "#8c564b", "#e377c2", "#17becf"};
    double seconds = 1, percent = 100;
    int drawn = 0;
    FILE *file = fopen(path, "w");

    if (file == NULL)
        return -1;
    for (size_t i = 0; i < guest_count; i++)
        for (size_t j = 0; j < guests[i].count; j++) {
            if (guests[i].samples[j].time > seconds)
                seconds = guests[i].samples[j].time;
            if (guests[i].samples[j].percent > percent)
                percent = guests[i].samples[j].percent;
        }
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"400\""
            " font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"800\" height=\"400\" fill=\"white\"/>\n"
            "<path d=\"M60 20V360H600\" fill=\"none\" stroke=\"black\"/>\n"
            "<text x=\"55\" y=\"25\" text-anchor=\"end\">%.0f %%</text>\n"
            "<text x=\"55\" y=\"364\" text-anchor=\"end\">0 %%</text>\n"
            "<text x=\"600\" y=\"380\" text-anchor=\"end\">%.0f s</text>\n",
            percent, seconds);
    for (size_t i = 0; i < guest_count; i++) {
        const char *colour = colours[drawn % 8];

        if (guests[i].count == 0)
            continue;
        fprintf(file, "<polyline fill=\"none\" stroke=\"%s\" points=\"", colour);
        for (size_t j = 0; j < guests[i].count; j++)
            fprintf(file, "%s%.1f,%.1f", j > 0 ? " " : "",
                    60 + 540 * guests[i].samples[j].time / seconds,
                    360 - 340 * guests[i].samples[j].percent / percent);
        fprintf(file, "\"/>\n<text x=\"610\" y=\"%d\" fill=\"%s\">", 32 + 16 * drawn, colour);
        print_escaped(file, guests[i].name);
        fprintf(file, "</text>\n");
        drawn++;
    }
    fprintf(file, "</svg>\n");
    return ferror(file) | fclose(file);
}

int main(int argc, char **argv)
{
    const char *synopsis = "top [-n COUNT] [-d SECONDS] [--plot FILE.svg] URI...";
    struct sigaction action = {.sa_handler = on_signal};
    const char *path = NULL;
    int turns = 0, first = 1, terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int host_count, result = 0;
    double delay = 2;
    struct host *hosts;

    for (; first + 1 < argc && argv[first][0] == '-'; first += 2)
        if (strcmp(argv[first], "-n") == 0)
            turns = atoi(argv[first + 1]);
        else if (strcmp(argv[first], "-d") == 0)
            delay = atof(argv[first + 1]);
        else if (strcmp(argv[first], "--plot") == 0)
            path = argv[first + 1];
        else
            usage(synopsis);
    host_count = argc - first;
    if (host_count <= 0 || argv[first][0] == '-')
        usage(synopsis);
    hosts = grown(NULL, (size_t)host_count, sizeof *hosts);
    for (int i = 0; i < host_count; i++)
        hosts[i] = (struct host){.uri = argv[first + i]};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (terminal)
        enter_terminal();
    for (int turn = 1; !stop; turn++) {
        for (int i = 0; i < host_count && !stop; i++)
            ask_or_close(&hosts[i], turn);
        show(hosts, host_count, turn, terminal);
        if (turn == turns)
            break;
        wait_until(now() + delay, terminal);
    }

    if (path != NULL && plot(path) != 0) {
        perror(path);
        result = 1;
    }
    for (size_t i = 0; i < guest_count; i++) {
        vkvm_string_free(guests[i].uuid);
        vkvm_string_free(guests[i].name);
        free(guests[i].samples);
    }
    free(guests);
    for (int i = 0; i < host_count; i++) {
        vkvm_conn_free(hosts[i].conn);
        free(hosts[i].failure);
    }
    free(hosts);
    return result;
}
