/*
 * Secrets: how the calls fail where there are none, as with the test driver,
 * and all of them with a daemon that has the secret driver.
 *
 * usage: secrets [URI]
 *
 * bed: qemu-daemon URI
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

#define UUID "99999999-8888-7777-6666-555555555555"
#define USAGE "vkvm-test"

static vkvm_error *err;

static void is_unsupported(int returned, const char *name)
{
    fails(returned, &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, name);
}

static void without_driver(vkvm_conn *conn)
{
    vkvm_secret **secrets = NULL;
    vkvm_secret *secret = NULL;
    char **uuids = NULL;
    size_t len = 0;
    int count = -1;
    is_unsupported(vkvm_conn_list_all_secrets(conn, 0, &secrets, &len, &err), "list_all_secrets");
    is_unsupported(vkvm_conn_num_of_secrets(conn, &count, &err), "num_of_secrets");
    is_unsupported(vkvm_conn_list_secret_uuids(conn, 10, &uuids, &len, &err), "list_secret_uuids");
    is_unsupported(vkvm_conn_get_secret_by_uuid(conn, UUID, 36, &secret, &err),
                   "get_secret_by_uuid");
    is_unsupported(vkvm_conn_get_secret_by_usage(conn, VKVM_SECRET_USAGE_TYPE_CEPH, USAGE, &secret,
                                                 &err),
                   "get_secret_by_usage");
    is_unsupported(vkvm_conn_define_secret(conn, "<secret/>", 0, &secret, &err), "define_secret");

    fails(vkvm_conn_list_secret_uuids(conn, -1, &uuids, &len, &err), &err, VKVM_ERROR_OWN_INVALID,
          "maxuuids", "less than no uuids");
    fails(vkvm_conn_get_secret_by_uuid(conn, "x", 1, &secret, &err), &err, VKVM_ERROR_OWN_INVALID,
          "uuid", "what is no uuid");
    fails(vkvm_conn_get_secret_by_usage(conn, 1, NULL, &secret, &err), &err, VKVM_ERROR_OWN_NULL,
          "id", "no id");
    fails(vkvm_secret_undefine(NULL, &err), &err, VKVM_ERROR_OWN_NULL, "secret", "no secret");
    ok(!secret && !secrets && !uuids && count == -1, "no result was touched");
    vkvm_secret_free(NULL);
    vkvm_secret_list_free(NULL, 0);
    ok(!vkvm_secret_ref(NULL), "no secret to hold");
}

static vkvm_secret *define(vkvm_conn *conn, const char *usage)
{
    char xml[512];
    vkvm_secret *secret = NULL;
    snprintf(xml, sizeof xml, "<secret ephemeral='yes' private='no'><uuid>" UUID "</uuid>%s</secret>",
             usage);
    must(vkvm_conn_define_secret(conn, xml, 0, &secret, &err), err, "define_secret");
    return secret;
}

static void value(vkvm_secret *secret)
{
    static const uint8_t bytes[] = { 's', 0, 0xff, 't' };
    uint8_t *got = NULL;
    size_t len = 0;
    fails(vkvm_secret_get_value(secret, 0, &got, &len, &err), &err, VKVM_ERROR_ERR_NO_SECRET, NULL,
          "it has no value yet");
    works(vkvm_secret_set_value(secret, bytes, sizeof bytes, 0, &err), &err, "set_value");
    works(vkvm_secret_get_value(secret, 0, &got, &len, &err), &err, "get_value");
    ok(len == sizeof bytes && memcmp(got, bytes, len) == 0, "any bytes");
    vkvm_bytes_free(got);
    fails(vkvm_secret_set_value(secret, "", 0, 0, &err), &err, VKVM_ERROR_ERR_INVALID_ARG, NULL,
          "no value is none that a daemon takes");
}

static void with_driver(vkvm_conn *conn)
{
    vkvm_secret *secret =
        define(conn, "<usage type='ceph'><name>" USAGE "</name></usage>");
    vkvm_secret *found = NULL;
    vkvm_secret **secrets = NULL;
    char **uuids = NULL;
    char *text = NULL;
    uint8_t *uuid = NULL;
    size_t len = 0;
    int number = -1;

    works(vkvm_conn_num_of_secrets(conn, &number, &err), &err, "num_of_secrets");
    is_int(number, 1, "one");
    works(vkvm_conn_list_secret_uuids(conn, 10, &uuids, &len, &err), &err, "list_secret_uuids");
    ok(len == 1 && strcmp(uuids[0], UUID) == 0, "its uuid");
    vkvm_string_list_free(uuids, len);
    works(vkvm_conn_list_all_secrets(conn, VKVM_SECRET_LIST_EPHEMERAL, &secrets, &len, &err), &err,
          "list_all_secrets");
    is_int((int64_t)len, 1, "the secret");
    vkvm_secret_list_free(secrets, len);
    works(vkvm_conn_get_secret_by_usage(conn, VKVM_SECRET_USAGE_TYPE_CEPH, USAGE, &found, &err),
          &err, "get_secret_by_usage");
    works(vkvm_secret_get_uuid_string(found, &text, &err), &err, "get_uuid_string");
    is_own_str(text, UUID, "the secret");
    vkvm_secret_free(found);
    works(vkvm_conn_get_secret_by_uuid(conn, UUID, 36, &found, &err), &err, "get_secret_by_uuid");
    works(vkvm_secret_get_uuid(found, &uuid, &len, &err), &err, "get_uuid");
    ok(len == 16 && uuid[0] == 0x99 && uuid[15] == 0x55, "the uuid as bytes");
    vkvm_bytes_free(uuid);
    vkvm_secret_free(found);

    works(vkvm_secret_get_usage_type(secret, &number, &err), &err, "get_usage_type");
    is_int(number, VKVM_SECRET_USAGE_TYPE_CEPH, "the type");
    works(vkvm_secret_get_usage_id(secret, &text, &err), &err, "get_usage_id");
    is_own_str(text, USAGE, "the id");
    works(vkvm_secret_get_xml_description(secret, 0, &text, &err), &err, "get_xml_description");
    has_text(text, UUID, "its uuid is in it");
    vkvm_string_free(text);
    value(secret);
    works(vkvm_secret_undefine(secret, &err), &err, "undefine");
    vkvm_secret_free(secret);

    secret = define(conn, "");
    works(vkvm_secret_get_usage_type(secret, &number, &err), &err, "without a usage type");
    is_int(number, VKVM_SECRET_USAGE_TYPE_NONE, "it is none");
    works(vkvm_secret_get_usage_id(secret, &text, &err), &err, "get_usage_id");
    is_own_str(text, "", "no id");
    works(vkvm_secret_undefine(secret, &err), &err, "undefine");
    vkvm_secret_free(secret);
}

int main(int argc, char **argv)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    without_driver(conn);
    vkvm_conn_free(conn);
    if (argc > 1) {
        conn = open_conn(argv[1], 0);
        with_driver(conn);
        vkvm_conn_free(conn);
    } else {
        skip("secrets", "no URI was given");
    }
    is_int((int64_t)handles("secret"), 0, "no secret handle is left");
    no_handles_left();
    return done();
}
