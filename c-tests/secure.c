/*
 * A daemon on the network that asks for a name and a password, a certificate,
 * or both.
 *
 * usage: secure URI USER PASSWORD (empty where none is asked for) [BAD-URI...]
 *        BAD-URI: one that lets nobody in, whatever the password
 *
 * tests: secure secure_tcp secure_tls secure.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

static const int types[] = { VKVM_CRED_AUTHNAME, VKVM_CRED_PASSPHRASE };

struct login {
    const char *user, *password;
    int result, destroyed;
};

static int answer(vkvm_value *credentials, void *userdata)
{
    struct login *login = userdata;
    size_t count = 0;
    must(vkvm_value_get_length(credentials, NULL, &count, &err), err, "the requests");
    for (size_t i = 0; i < count; i++) {
        char path[32];
        snprintf(path, sizeof path, "%zu.type", i);
        bool name = int_at(credentials, path) == VKVM_CRED_AUTHNAME;
        snprintf(path, sizeof path, "%zu.result", i);
        must(vkvm_value_set_string(credentials, path, name ? login->user : login->password, &err),
             err, "an answer");
    }
    return login->result;
}

static void count_destroy(void *userdata)
{
    ((struct login *)userdata)->destroyed++;
}

static int open_as(const char *uri, struct login *login, vkvm_conn **conn)
{
    return vkvm_conn_open_auth(uri, 0, types, 2, answer, login, count_destroy, conn, &err);
}

static void let_in(const char *uri, struct login login, const char *name)
{
    vkvm_conn *conn = NULL;
    vkvm_domain *dom = NULL;
    bool encrypted = false, secure = false;
    if (!works(open_as(uri, &login, &conn), &err, name))
        return;
    is_int(login.destroyed, 1, "the userdata is released");
    works(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), &err, "it can be used");
    works(vkvm_conn_is_encrypted(conn, &encrypted, &err), &err, "is_encrypted");
    works(vkvm_conn_is_secure(conn, &secure, &err), &err, "is_secure");
    ok(encrypted && secure, "nobody can listen");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

static void keep_out(const char *uri, struct login login, int code, const char *name)
{
    vkvm_conn *conn = NULL;
    int returned = open_as(uri, &login, &conn);
    ok(!conn, "%s: no connection", name);
    is_int(login.destroyed, 1, "the userdata is released");
    if (login.password && *login.password && err)
        ok(!strstr(vkvm_error_message(err), login.password), "the message keeps the secret");
    fails(returned, &err, code, NULL, name);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        printf("Bail out! usage: secure URI USER PASSWORD [BAD-URI...]\n");
        return 2;
    }
    const char *uri = argv[1], *user = argv[2], *password = argv[3];
    struct login right = { .user = user, .password = password };

    let_in(uri, right, "the right credentials");
    if (*user) {
        struct login wrong = { .user = user, .password = "battery-staple" };
        struct login unknown = { .user = "nobody@vkvm", .password = password };
        struct login gives_up = { .user = user, .password = password, .result = -1 };
        vkvm_conn *conn = NULL;
        keep_out(uri, wrong, VKVM_ERROR_ERR_AUTH_FAILED, "a wrong password");
        keep_out(uri, unknown, VKVM_ERROR_ERR_AUTH_FAILED, "an unknown user");
        keep_out(uri, gives_up, VKVM_ERROR_ERR_AUTH_FAILED, "a callback that gives up");
        fails(vkvm_conn_open(uri, 0, &conn, &err), &err, VKVM_ERROR_ERR_AUTH_FAILED, NULL,
              "no credentials");
    }
    for (int i = 4; i < argc; i++)
        keep_out(argv[i], right, VKVM_ERROR_ERR_SYSTEM_ERROR, argv[i]);
    let_in(uri, right, "and once more");
    no_handles_left();
    return done();
}
