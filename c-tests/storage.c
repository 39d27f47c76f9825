/*
 * Storage pools and volumes: finding them, what they tell about themselves,
 * and their life from definition to undefinition.
 *
 * tests: storage storage.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

#define POOL_UUID "dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566"
#define DATA_UUID "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static const char data_xml[] =
    "<pool type='dir'><name>data</name><uuid>" DATA_UUID "</uuid>"
    "<target><path>/data-pool</path></target></pool>";

static vkvm_error *err;

/* Checks that the driver cannot do it. */
static void is_unsupported(int returned, const char *name)
{
    fails(returned, &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, name);
}

static bool is_pool(vkvm_storage_pool *pool, const char *wanted, const char *name)
{
    char *text = NULL;
    works(vkvm_storage_pool_get_name(pool, &text, &err), &err, "get_name");
    vkvm_storage_pool_free(pool);
    return is_own_str(text, wanted, name);
}

static bool is_volume(vkvm_storage_vol *vol, const char *wanted, const char *name)
{
    char *text = NULL;
    works(vkvm_storage_vol_get_name(vol, &text, &err), &err, "get_name");
    vkvm_storage_vol_free(vol);
    return is_own_str(text, wanted, name);
}

static void lists(vkvm_conn *conn, int active, int inactive)
{
    vkvm_storage_pool **pools = NULL;
    char **names = NULL;
    size_t len = 0;
    int count = -1;

    works(vkvm_conn_num_of_storage_pools(conn, &count, &err), &err, "num_of_storage_pools");
    is_int(count, active, "pools that are started");
    works(vkvm_conn_num_of_defined_storage_pools(conn, &count, &err), &err,
          "num_of_defined_storage_pools");
    is_int(count, inactive, "pools that are not");

    works(vkvm_conn_list_storage_pool_names(conn, 10, &names, &len, &err), &err,
          "list_storage_pool_names");
    is_int((int64_t)len, active, "as many names");
    vkvm_string_list_free(names, len);
    works(vkvm_conn_list_defined_storage_pool_names(conn, 10, &names, &len, &err), &err,
          "list_defined_storage_pool_names");
    is_int((int64_t)len, inactive, "as many names");
    if (len)
        is_str(names[0], "data", "the name");
    vkvm_string_list_free(names, len);
    works(vkvm_conn_list_storage_pool_names(conn, 0, &names, &len, &err), &err, "no more than 0");
    ok(len == 0 && names, "an empty list");
    vkvm_string_list_free(names, len);
    fails(vkvm_conn_list_storage_pool_names(conn, -1, &names, &len, &err), &err,
          VKVM_ERROR_OWN_INVALID, "maxnames", "less than none");

    works(vkvm_conn_list_all_storage_pools(conn, 0, &pools, &len, &err), &err,
          "list_all_storage_pools");
    is_int((int64_t)len, active + inactive, "all pools");
    vkvm_storage_pool_list_free(pools, len);
    works(vkvm_conn_list_all_storage_pools(conn, VKVM_STORAGE_POOL_LIST_INACTIVE, &pools, &len,
                                           &err),
          &err, "those that are not started");
    is_int((int64_t)len, inactive, "as many");
    vkvm_storage_pool_list_free(pools, len);
}

static void finding_pools(vkvm_conn *conn)
{
    static const uint8_t bytes[16] = { 0xdf, 0xe2, 0x24, 0xcb, 0x28, 0xfb, 0x8d, 0xd0,
                                       0xc4, 0xb2, 0x64, 0xeb, 0x3f, 0x0f, 0x45, 0x66 };
    vkvm_storage_pool *pool = NULL;
    uint8_t *uuid = NULL;
    size_t len = 0;
    char *text = NULL;

    works(vkvm_conn_get_storage_pool_by_uuid(conn, bytes, 16, &pool, &err), &err, "by its uuid");
    works(vkvm_storage_pool_get_uuid(pool, &uuid, &len, &err), &err, "get_uuid");
    ok(len == 16 && memcmp(uuid, bytes, 16) == 0, "the uuid as bytes");
    vkvm_bytes_free(uuid);
    works(vkvm_storage_pool_get_uuid_string(pool, &text, &err), &err, "get_uuid_string");
    is_own_str(text, POOL_UUID, "the uuid as text");
    is_pool(pool, "default-pool", "the pool");
    works(vkvm_conn_get_storage_pool_by_uuid(conn, POOL_UUID, 36, &pool, &err), &err,
          "by its uuid as text");
    is_pool(pool, "default-pool", "the pool");
    works(vkvm_conn_get_storage_pool_by_name(conn, "default-pool", &pool, &err), &err,
          "by its name");
    is_pool(pool, "default-pool", "the pool");
    is_unsupported(vkvm_conn_get_storage_pool_by_target_path(conn, "/default-pool", &pool, &err),
                   "by its path");

    pool = (vkvm_storage_pool *)&len;
    fails(vkvm_conn_get_storage_pool_by_name(conn, "none", &pool, &err), &err,
          VKVM_ERROR_ERR_NO_STORAGE_POOL, NULL, "one that is not there");
    ok(pool == (vkvm_storage_pool *)&len, "the result is left alone");
    fails(vkvm_conn_get_storage_pool_by_uuid(conn, "x", 1, &pool, &err), &err,
          VKVM_ERROR_OWN_INVALID, "uuid", "what is no uuid");
}

static void pool_life(vkvm_conn *conn)
{
    vkvm_storage_pool *pool = NULL;
    vkvm_value *info = NULL;
    size_t keys = 0;
    char *xml = NULL;
    bool yes = false;

    fails(vkvm_conn_define_storage_pool(conn, "<pool", 0, &pool, &err), &err,
          VKVM_ERROR_ERR_XML_DETAIL, "xml", "malformed XML");
    works(vkvm_conn_define_storage_pool(conn, data_xml, 0, &pool, &err), &err, "define");
    lists(conn, 1, 1);
    works(vkvm_storage_pool_is_active(pool, &yes, &err), &err, "is_active");
    ok(!yes, "it is not started");
    works(vkvm_storage_pool_is_persistent(pool, &yes, &err), &err, "is_persistent");
    ok(yes, "it is persistent");
    works(vkvm_storage_pool_build(pool, VKVM_STORAGE_POOL_BUILD_NEW, &err), &err, "build");

    works(vkvm_storage_pool_set_autostart(pool, 1, &err), &err, "set_autostart");
    works(vkvm_storage_pool_get_autostart(pool, &yes, &err), &err, "get_autostart");
    ok(yes, "it is set");
    works(vkvm_storage_pool_set_autostart(pool, 0, &err), &err, "set_autostart");
    works(vkvm_storage_pool_get_autostart(pool, &yes, &err), &err, "get_autostart");
    ok(!yes, "it is not");

    works(vkvm_storage_pool_create(pool, &err), &err, "create");
    lists(conn, 2, 0);
    fails(vkvm_storage_pool_create(pool, &err), &err, VKVM_ERROR_ERR_OPERATION_INVALID, NULL,
          "it cannot be started twice");
    works(vkvm_storage_pool_refresh(pool, 0, &err), &err, "refresh");
    works(vkvm_storage_pool_get_info(pool, &info, &err), &err, "get_info");
    works(vkvm_value_get_length(info, NULL, &keys, &err), &err, "count its keys");
    is_int((int64_t)keys, 4, "it has four");
    is_int(int_at(info, "state"), VKVM_STORAGE_POOL_STATE_RUNNING, "state");
    is_int(int_at(info, "capacity"), INT64_C(100) << 30, "capacity");
    is_int(int_at(info, "allocation"), 0, "allocation");
    is_int(int_at(info, "available"), INT64_C(100) << 30, "available");
    vkvm_value_free(info);
    works(vkvm_storage_pool_get_xml_description(pool, 0, &xml, &err), &err,
          "get_xml_description");
    has_text(xml, "<path>/data-pool</path>", "its path is in it");
    vkvm_string_free(xml);

    fails(vkvm_storage_pool_undefine(pool, &err), &err, VKVM_ERROR_ERR_OPERATION_INVALID, NULL,
          "a started pool cannot be undefined");
    works(vkvm_storage_pool_destroy(pool, &err), &err, "destroy");
    works(vkvm_storage_pool_delete(pool, 0, &err), &err, "delete");
    works(vkvm_storage_pool_undefine(pool, &err), &err, "undefine");
    lists(conn, 1, 0);
    vkvm_storage_pool_free(pool);

    works(vkvm_conn_create_storage_pool(conn, data_xml, &pool, &err), &err, "create_storage_pool");
    works(vkvm_storage_pool_is_persistent(pool, &yes, &err), &err, "is_persistent");
    ok(!yes, "it is not persistent");
    works(vkvm_storage_pool_destroy(pool, &err), &err, "destroy");
    lists(conn, 1, 0);
    vkvm_storage_pool_free(pool);
}

static const char volume_xml[] =
    "<volume><name>disk.img</name><capacity unit='GiB'>2</capacity>"
    "<allocation unit='GiB'>1</allocation></volume>";

static void volumes_of(vkvm_storage_pool *pool, int wanted)
{
    vkvm_storage_vol **volumes = NULL;
    char **names = NULL;
    size_t len = 0;
    int count = -1;
    works(vkvm_storage_pool_num_of_storage_volumes(pool, &count, &err), &err,
          "num_of_storage_volumes");
    is_int(count, wanted, "so many volumes");
    works(vkvm_storage_pool_list_storage_vol_names(pool, 10, &names, &len, &err), &err,
          "list_storage_vol_names");
    is_int((int64_t)len, wanted, "as many names");
    vkvm_string_list_free(names, len);
    works(vkvm_storage_pool_list_all_volumes(pool, 0, &volumes, &len, &err), &err,
          "list_all_volumes");
    is_int((int64_t)len, wanted, "as many volumes");
    vkvm_storage_vol_list_free(volumes, len);
}

static void finding_volumes(vkvm_conn *conn, vkvm_storage_pool *pool, vkvm_storage_vol *vol)
{
    vkvm_storage_vol *found = NULL;
    vkvm_storage_pool *its_pool = NULL;
    char *text = NULL;
    works(vkvm_storage_vol_get_key(vol, &text, &err), &err, "get_key");
    works(vkvm_conn_get_storage_volume_by_key(conn, text, &found, &err), &err, "by its key");
    is_volume(found, "disk.img", "the volume");
    vkvm_string_free(text);
    works(vkvm_storage_vol_get_path(vol, &text, &err), &err, "get_path");
    is_str(text, "/default-pool/disk.img", "its path");
    works(vkvm_conn_get_storage_volume_by_path(conn, text, &found, &err), &err, "by its path");
    is_volume(found, "disk.img", "the volume");
    vkvm_string_free(text);
    works(vkvm_storage_pool_get_volume_by_name(pool, "disk.img", &found, &err), &err,
          "by its name");
    is_volume(found, "disk.img", "the volume");
    fails(vkvm_storage_pool_get_volume_by_name(pool, "none", &found, &err), &err,
          VKVM_ERROR_ERR_NO_STORAGE_VOL, NULL, "one that is not there");
    works(vkvm_conn_get_storage_pool_by_volume(conn, vol, &its_pool, &err), &err,
          "the pool by its volume");
    is_pool(its_pool, "default-pool", "the pool");
    fails(vkvm_conn_get_storage_pool_by_volume(conn, (vkvm_storage_vol *)pool, &its_pool, &err),
          &err, VKVM_ERROR_OWN_WRONG_CLASS, "volume", "a pool is no volume");
}

static void volumes(vkvm_conn *conn)
{
    vkvm_storage_pool *pool = NULL;
    vkvm_storage_vol *vol = NULL, *copy = NULL;
    vkvm_value *info = NULL;
    char *xml = NULL;
    must(vkvm_conn_get_storage_pool_by_name(conn, "default-pool", &pool, &err), err, "the pool");
    volumes_of(pool, 0);

    fails(vkvm_storage_pool_create_volume(pool, "<volume><name>", &vol, &err), &err,
          VKVM_ERROR_ERR_XML_DETAIL, "xml", "malformed XML");
    works(vkvm_storage_pool_create_volume(pool, volume_xml, &vol, &err), &err, "create_volume");
    volumes_of(pool, 1);
    finding_volumes(conn, pool, vol);

    works(vkvm_storage_vol_get_info(vol, 0, &info, &err), &err, "get_info");
    is_int(int_at(info, "type"), VKVM_STORAGE_VOL_TYPE_FILE, "type");
    is_int(int_at(info, "capacity"), INT64_C(2) << 30, "capacity");
    is_int(int_at(info, "allocation"), INT64_C(1) << 30, "allocation");
    vkvm_value_free(info);
    works(vkvm_storage_vol_get_xml_description(vol, 0, &xml, &err), &err, "get_xml_description");
    has_text(xml, "<name>disk.img</name>", "its name is in it");
    vkvm_string_free(xml);

    works(vkvm_storage_pool_clone_volume(
              pool,
              "<volume><name>copy.img</name><capacity unit='GiB'>2</capacity></volume>", vol,
              &copy, &err),
          &err, "clone_volume");
    volumes_of(pool, 2);
    fails(vkvm_storage_pool_clone_volume(pool, volume_xml, NULL, &copy, &err), &err,
          VKVM_ERROR_OWN_NULL, "clone", "nothing to clone");
    works(vkvm_storage_vol_delete(copy, 0, &err), &err, "delete");
    volumes_of(pool, 1);
    is_volume(copy, "copy.img", "the handle is still one");

    is_unsupported(vkvm_storage_vol_get_info(vol, VKVM_STORAGE_VOL_GET_PHYSICAL, &info, &err),
                   "get_info with flags");
    is_unsupported(vkvm_storage_vol_resize(vol, 1, 0, &err), "resize");
    is_unsupported(vkvm_storage_vol_wipe(vol, 0, &err), "wipe");
    is_unsupported(vkvm_storage_vol_wipe_pattern(vol, VKVM_STORAGE_VOL_WIPE_ALG_DOD, 0, &err),
                   "wipe_pattern");

    works(vkvm_storage_vol_delete(vol, 0, &err), &err, "delete");
    volumes_of(pool, 0);
    vkvm_storage_pool_free(pool);

    ok(vkvm_storage_vol_ref(vol) == vol, "another hold");
    vkvm_storage_vol_free(vol);
    is_volume(vol, "disk.img", "it is still there");
    ok(!vkvm_storage_vol_ref(vol), "now it is gone");
}

static void host(vkvm_conn *conn)
{
    char *xml = NULL;
    works(vkvm_conn_find_storage_pool_sources(conn, "logical", NULL, 0, &xml, &err), &err,
          "find_storage_pool_sources");
    has_text(xml, "<sources>", "what they are");
    vkvm_string_free(xml);
    works(vkvm_conn_find_storage_pool_sources(
              conn, "netfs", "<source><host name='nfs'/></source>", 0, &xml, &err),
          &err, "where to look");
    has_text(xml, "<host name='nfs'/>", "there");
    vkvm_string_free(xml);
    ok(vkvm_conn_find_storage_pool_sources(conn, "sandbox", NULL, 0, &xml, &err) == -1,
       "an unknown type");
    forget(&err);
    fails(vkvm_conn_find_storage_pool_sources(conn, NULL, NULL, 0, &xml, &err), &err,
          VKVM_ERROR_OWN_NULL, "type", "no type");
    is_unsupported(vkvm_conn_get_storage_pool_capabilities(conn, 0, &xml, &err),
                   "get_storage_pool_capabilities");
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    lists(conn, 1, 0);
    finding_pools(conn);
    pool_life(conn);
    volumes(conn);
    host(conn);
    vkvm_conn_free(conn);
    is_int((int64_t)handles("storage_pool"), 0, "no storage_pool handle is left");
    is_int((int64_t)handles("storage_vol"), 0, "no storage_vol handle is left");
    no_handles_left();
    return done();
}
