/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connects the terminal with the serial console of a guest; Ctrl-] ends it.
 *
 * usage: console URI DOMAIN
 */

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <termios.h>
#include <unistd.h>

#include "example.h"

#define CTRL_BRACKET 0x1d

static struct termios saved;
static vkvm_stream *console;
static int keyboard; /* the watch of standard input */
static bool ended;

static struct {
    char data[4096];
    size_t length;
} typed; /* and not sent yet */

static void leave_terminal(void)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
}

/* Everything that is typed goes to the guest, which also shows it. */
static void enter_terminal(void)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &saved) != 0) {
        perror("standard input");
        exit(1);
    }
    raw = saved;
    raw.c_iflag &= (tcflag_t) ~(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    raw.c_oflag &= (tcflag_t)~OPOST;
    raw.c_lflag &= (tcflag_t) ~(ECHO | ICANON | IEXTEN | ISIG);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    atexit(leave_terminal);
}

/* Listens to the guest, to what is typed while there is room for it, and for when the
   guest can take more while there is something for it. */
static void update_watches(void)
{
    vkvm_error *error = NULL;
    int write = typed.length > 0 ? VKVM_STREAM_EVENT_WRITABLE : 0;
    int read = typed.length < sizeof typed.data ? VKVM_EVENT_HANDLE_READABLE : 0;

    check(vkvm_stream_update_callback(console, VKVM_STREAM_EVENT_READABLE | write, &error),
          "update_callback", &error);
    check(vkvm_event_update_handle(keyboard, read, &error), "update_handle", &error);
}

static void on_typed(int watch, int fd, int events, void *userdata)
{
    ssize_t count = read(fd, typed.data + typed.length, sizeof typed.data - typed.length);
    char *end;

    (void)watch, (void)events, (void)userdata;
    if (count < 0 && errno == EINTR)
        return;
    if (count <= 0) {
        ended = true;
        return;
    }
    end = memchr(typed.data + typed.length, CTRL_BRACKET, (size_t)count);
    if (end != NULL) {
        ended = true;
        return;
    }
    typed.length += (size_t)count;
    update_watches();
}

static void receive(void)
{
    vkvm_error *error = NULL;
    uint8_t data[4096];
    int64_t count;

    check(vkvm_stream_recv(console, 0, data, sizeof data, &count, &error), "recv", &error);
    if (count == VKVM_STREAM_WOULD_BLOCK)
        return;
    if (count == 0)
        ended = true;
    if (fwrite(data, 1, (size_t)count, stdout) != (size_t)count || fflush(stdout) != 0) {
        perror("standard output");
        exit(1);
    }
}

static void send_typed(void)
{
    vkvm_error *error = NULL;
    int64_t count;

    check(vkvm_stream_send(console, typed.data, typed.length, &count, &error), "send", &error);
    if (count == VKVM_STREAM_WOULD_BLOCK)
        return;
    typed.length -= (size_t)count;
    memmove(typed.data, typed.data + count, typed.length);
    update_watches();
}

static void on_console(vkvm_stream *stream, int events, void *userdata)
{
    (void)stream, (void)userdata;
    if (events & VKVM_STREAM_EVENT_READABLE)
        receive();
    if (events & VKVM_STREAM_EVENT_WRITABLE && typed.length > 0 && !ended)
        send_typed();
    if (events & (VKVM_STREAM_EVENT_ERROR | VKVM_STREAM_EVENT_HANGUP))
        ended = true;
}

int main(int argc, char **argv)
{
    vkvm_error *error = NULL;
    vkvm_conn *conn;
    vkvm_domain *domain;

    if (argc != 3)
        usage("console URI DOMAIN");
    check(vkvm_event_register_default(&error), "register_default", &error);
    check(vkvm_conn_open(argv[1], 0, &conn, &error), argv[1], &error);
    check(vkvm_conn_get_domain_by_name(conn, argv[2], &domain, &error), argv[2], &error);
    check(vkvm_conn_new_stream(conn, VKVM_STREAM_NONBLOCK, &console, &error), "new_stream",
          &error);
    check(vkvm_domain_open_console(domain, console, NULL, VKVM_DOMAIN_OPEN_CONSOLE_SAFE, &error),
          "open_console", &error);
    enter_terminal(); /* forgets what was typed before, so it comes before the words */
    printf("Connected to %s; Ctrl-] ends it.\r\n", argv[2]);
    fflush(stdout);
    check(vkvm_stream_add_callback(console, VKVM_STREAM_EVENT_READABLE, on_console, NULL, NULL,
                                   &error),
          "add_callback", &error);
    check(vkvm_event_add_handle(STDIN_FILENO, VKVM_EVENT_HANDLE_READABLE, on_typed, NULL, NULL,
                                &keyboard, &error),
          "add_handle", &error);
    while (!ended)
        check(vkvm_event_run_default(&error), "run_default", &error);
    printf("\r\nDisconnected.\r\n");

    check(vkvm_event_remove_handle(keyboard, &error), "remove_handle", &error);
    vkvm_stream_free(console); /* and with it its callback */
    vkvm_domain_free(domain);
    vkvm_conn_free(conn);
    return 0;
}
