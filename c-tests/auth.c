/*
 * Credentials: a host of the test driver that lets only one user in, and a
 * callback that answers its questions, or does not.
 *
 * usage: auth DIRECTORY (in which the host's file is written)
 *
 * tests: auth auth.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"
#include "hostile.h"
#include "opening.h"
#include "started.h"

static vkvm_error *err;

/* The test driver asks for the name, then, where there is one, for the password. */
static const int types[] = { VKVM_CRED_AUTHNAME, VKVM_CRED_PASSPHRASE };

static const char host_xml[] =
    "<node>"
    "<domain type='test'><name>behind</name><memory>8192</memory><os><type>hvm</type></os>"
    "</domain>"
    "<cpu><mhz>6000</mhz><model>i986</model></cpu>"
    "<auth><user password='123456'>bob</user><user>alice</user></auth>"
    "</node>";

/* What a callback answers, and what it was asked. */
struct answers {
    const char *name, *password;
    int result;
    int calls, destroyed;
    bool wrong; /* a request that is not as documented */
};

static void answer_one(vkvm_value *credentials, size_t i, struct answers *answers)
{
    char path[32], *prompt = NULL;
    int kind = -1;
    snprintf(path, sizeof path, "%zu.type", i);
    const char *answer =
        int_at(credentials, path) == VKVM_CRED_AUTHNAME ? answers->name : answers->password;
    snprintf(path, sizeof path, "%zu.prompt", i);
    answers->wrong |= vkvm_value_get_string(credentials, path, &prompt, NULL) < 0 || !*prompt;
    vkvm_string_free(prompt);
    snprintf(path, sizeof path, "%zu.challenge", i);
    answers->wrong |= vkvm_value_get_kind(credentials, path, &kind, NULL) < 0;
    snprintf(path, sizeof path, "%zu.result", i);
    answers->wrong |= vkvm_value_get_kind(credentials, path, &kind, NULL) < 0;
    if (answer)
        answers->wrong |= vkvm_value_set_string(credentials, path, answer, NULL) < 0;
}

static int answer(vkvm_value *credentials, void *userdata)
{
    struct answers *answers = userdata;
    size_t count = 0;
    answers->calls++;
    if (vkvm_value_get_length(credentials, NULL, &count, NULL) < 0 || count == 0)
        answers->wrong = true;
    for (size_t i = 0; i < count; i++)
        answer_one(credentials, i, answers);
    return answers->result;
}

/* Answers whatever it is asked, without anything of its own. */
static int answer_alone(vkvm_value *credentials, void *userdata)
{
    struct answers alice = { .name = "alice" };
    return userdata ? -1 : answer(credentials, &alice);
}

static void count_destroy(void *userdata)
{
    ((struct answers *)userdata)->destroyed++;
}

/* Opens with these answers, which may be asked for in `calls` calls. */
static int open_with(const char *uri, struct answers *answers, int calls, const char *name)
{
    vkvm_conn *conn = NULL;
    int returned = vkvm_conn_open_auth(uri, 0, types, 2, answer, answers, count_destroy, &conn,
                                       &err);
    ok((returned == 0) == (conn != NULL) && (returned == 0) == (err == NULL), "%s", name);
    is_int(answers->calls, calls, "the callback was called as often as needed");
    ok(!answers->wrong, "with requests as documented");
    is_int(answers->destroyed, 1, "its userdata is released once");
    if (conn) {
        vkvm_domain *dom = NULL;
        works(vkvm_conn_get_domain_by_name(conn, "behind", &dom, &err), &err, "it can be used");
        vkvm_domain_free(dom);
    }
    vkvm_conn_free(conn);
    return returned;
}

static void is_in(const char *uri, struct answers *answers, int calls, const char *name)
{
    works(open_with(uri, answers, calls, name), &err, "opens the connection");
}

static void is_out(const char *uri, struct answers *answers, int calls, const char *name)
{
    fails(open_with(uri, answers, calls, name), &err, VKVM_ERROR_ERR_AUTH_FAILED, NULL,
          "fails for that reason");
}

static void with_answers(const char *uri)
{
    struct answers right = { .name = "bob", .password = "123456" };
    struct answers open_door = { .name = "alice" };
    struct answers wrong = { .name = "bob", .password = "654321" };
    struct answers unknown = { .name = "eve", .password = "123456" };
    struct answers silent = { .name = NULL };
    struct answers gives_up = { .name = "bob", .password = "123456", .result = -1 };

    is_in(uri, &right, 2, "the right password");
    is_in(uri, &open_door, 1, "a user who needs none");
    is_out(uri, &wrong, 2, "a wrong password");
    is_out(uri, &unknown, 2, "an unknown user");
    is_out(uri, &gives_up, 1, "a callback that gives up");
    /* For this libvirt has no reason. */
    ok(open_with(uri, &silent, 1, "no answer") == -1, "fails for whatever reason");
    forget(&err);
}

static void without(const char *uri)
{
    vkvm_conn *conn = NULL;
    struct answers unused = { .name = "bob", .password = "123456" };
    works(vkvm_conn_open_auth(uri, 0, types, 2, answer_alone, NULL, NULL, &conn, &err), &err,
          "a callback without userdata and destroy");
    vkvm_conn_free(conn);
    conn = NULL;
    ok(vkvm_conn_open(uri, 0, &conn, &err) == -1 && !conn, "nobody enters without credentials");
    has_text(vkvm_error_message(err), "auth", "the error says so");
    forget(&err);
    ok(vkvm_conn_open_auth(uri, 0, NULL, 0, answer, &unused, count_destroy, &conn, &err) == -1,
       "nor with a callback that can give nothing");
    forget(&err);
    ok(unused.calls == 0 && unused.destroyed == 1, "which is not called, but released");
    works(vkvm_conn_open_auth(TEST_URI, 0, types, 2, answer, &unused, count_destroy, &conn, &err),
          &err, "a host that does not ask");
    ok(unused.calls == 0 && unused.destroyed == 2, "does not call it either");
    vkvm_conn_free(conn);
}

/* Starts an opening that asks for a name and a password. */
static vkvm_call *asking(const char *uri, uint32_t timeout_ms, vkvm_event_queue *queue)
{
    char json[4300];
    snprintf(json, sizeof json, "{\"options\": {\"uri\": \"%s\", \"credtypes\": [%d, %d]}}", uri, types[0],
             types[1]);
    return start("vkvm_conn_open_with", from_json(json), timeout_ms, queue, 11);
}

static bool next_is(vkvm_event_queue *queue, const char *class)
{
    vkvm_value *entry = NULL;
    char *is = NULL;
    must(vkvm_event_queue_next(queue, PATIENCE * 1000, &entry, &err), err, "next");
    must(vkvm_value_get_string(entry, "class", &is, &err), err, "class");
    bool right = strcmp(is, class) == 0 && int_at(entry, "tag") == 11;
    vkvm_string_free(is);
    vkvm_value_free(entry);
    return right;
}

/* What it asks for, once it does. */
static vkvm_value *asked_by(vkvm_call *call)
{
    vkvm_value *credentials = NULL;
    must(vkvm_call_get_credentials(call, &credentials, &err), err, "what it asks for");
    return credentials;
}

static bool is_null(vkvm_value *value)
{
    int kind = -1;
    must(vkvm_value_get_kind(value, NULL, &kind, &err), err, "kind");
    vkvm_value_free(value);
    return kind == VKVM_VALUE_NULL;
}

/* Answers in place of a callback. */
static void answer_call(vkvm_call *call, struct answers *answers)
{
    vkvm_value *credentials = asked_by(call);
    answer(credentials, answers);
    works(vkvm_call_set_credentials(call, answers->result < 0 ? NULL : credentials, &err), &err,
          "it is answered");
    vkvm_value_wipe_and_free(credentials);
}

static void in_a_queue(const char *uri)
{
    struct answers bob = { .name = "bob", .password = "123456" };
    struct answers wrong = { .name = "bob", .password = "654321" };
    struct answers none = { .result = -1 };
    vkvm_event_queue *queue;
    vkvm_conn *conn = NULL;
    must(vkvm_event_queue_new(10, &queue, &err), err, "a queue");

    vkvm_call *call = asking(uri, 0, queue);
    for (int i = 0; i < 2; i++) {
        ok(next_is(queue, "credentials"), "the queue is told that the call asks");
        answer_call(call, &bob);
    }
    ok(next_is(queue, "call"), "and that it is done");
    ok(!bob.wrong && bob.calls == 2, "the requests are those of a callback");
    ok(is_null(asked_by(call)), "a call that is done asks for nothing");
    fails(vkvm_call_set_credentials(call, NULL, &err), &err, VKVM_ERROR_OWN_INVALID, "call",
          "nor is it answered");
    vkvm_value *result = result_of(call, "the opening");
    works(vkvm_value_get_handle(result, NULL, (void **)&conn, &err), &err, "a connection");
    vkvm_value_free(result);
    vkvm_conn_free(conn);

    call = asking(uri, 0, NULL);
    while (!is_done(call, 0)) {
        vkvm_value *credentials = asked_by(call);
        answer(credentials, &wrong);
        /* Nothing may be asked just now. */
        if (vkvm_call_set_credentials(call, credentials, &err) < 0)
            forget(&err);
        vkvm_value_free(credentials);
        usleep(1000);
    }
    ends_with(call, VKVM_ERROR_ERR_AUTH_FAILED, "a wrong password, without a queue");

    call = asking(uri, 0, queue);
    ok(next_is(queue, "credentials"), "it asks");
    answer_call(call, &none);
    ends_with(call, VKVM_ERROR_ERR_AUTH_FAILED, "credentials that are refused");
    ok(next_is(queue, "call"), "it is done");

    call = asking(uri, 100, queue);
    ok(next_is(queue, "credentials") && next_is(queue, "call"), "nobody answers in time");
    ends_with(call, VKVM_ERROR_OWN_TIMEOUT, "nobody answers");
    call = asking(uri, 0, queue);
    ok(next_is(queue, "credentials"), "it asks");
    works(vkvm_call_cancel(call, &err), &err, "it is cancelled");
    ends_with(call, VKVM_ERROR_OWN_CANCELLED, "a call that asks");
    ok(next_is(queue, "call"), "it is done");
    descriptors_after_all("credentials that nobody gives");
    vkvm_event_queue_free(queue);
}

/* What cannot be an answer, and openings that have nobody to ask. */
static void wrong_answers(const char *uri)
{
    static const char *const wrong[] = { "{}", "[1]", "[{\"result\": 5}]" };
    vkvm_event_queue *queue;
    vkvm_value *value;
    vkvm_conn *conn;
    must(vkvm_event_queue_new(10, &queue, &err), err, "a queue");
    vkvm_call *call = asking(uri, 0, queue);
    ok(next_is(queue, "credentials"), "it asks");
    for (int i = 0; i < 3; i++) {
        value = from_json(wrong[i]);
        fails(vkvm_call_set_credentials(call, value, &err), &err, VKVM_ERROR_OWN_INVALID,
              "credentials", wrong[i]);
        vkvm_value_free(value);
    }
    ok(!is_null(asked_by(call)), "it still asks");
    value = from_json("[]");
    works(vkvm_call_set_credentials(call, value, &err), &err, "fewer answers than requests");
    vkvm_value_free(value);
    ok(is_done(call, PATIENCE * 1000), "are too few");
    vkvm_call_free(call);
    vkvm_event_queue_free(queue);

    static const char *const options[] = {
        "{\"credtypes\": [2]}", "{\"credtypes\": [2], \"username\": \"bob\"}", "{\"credtypes\": 2}",
        "{\"credtypes\": [\"2\"]}", "{\"credtypes\": [99999999999]}",
    };
    for (int i = 0; i < 5; i++) {
        value = from_json(options[i]);
        fails(vkvm_conn_open_with(value, &conn, &err), &err, VKVM_ERROR_OWN_INVALID, "options",
              options[i]);
        vkvm_value_free(value);
    }
}

static void refusals(const char *uri)
{
    vkvm_conn *conn = NULL;
    struct answers unused = { .name = NULL };
    fails(vkvm_conn_open_auth("\xff", 0, types, 2, answer, &unused, count_destroy, &conn, &err),
          &err, VKVM_ERROR_OWN_NOT_UTF8, "uri", "a URI that is no text");
    fails(vkvm_conn_open_auth(uri, 0, NULL, 2, answer, &unused, count_destroy, &conn, &err), &err,
          VKVM_ERROR_OWN_NULL, "credtypes", "two types, but no array");
    fails(vkvm_conn_open_auth(uri, 0, types, 2, answer, &unused, count_destroy, NULL, &err), &err,
          VKVM_ERROR_OWN_NULL, "conn", "no place for the connection");
    ok(unused.calls == 0 && unused.destroyed == 3, "each userdata is released, unused");
}

int main(int argc, char **argv)
{
    char path[4096], uri[4200];
    if (argc != 2 || argv[1][0] != '/') {
        printf("Bail out! usage: auth DIRECTORY (an absolute path)\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/host.xml", argv[1]);
    snprintf(uri, sizeof uri, "test://%s", path);
    FILE *file = fopen(path, "w");
    must(file ? 0 : -1, NULL, path);
    fputs(host_xml, file);
    fclose(file);

    with_answers(uri);
    without(uri);
    refusals(uri);
    in_a_queue(uri);
    wrong_answers(uri);
    no_handles_left();
    return done();
}
