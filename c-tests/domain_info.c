/*
 * What a domain tells about itself besides its state, and what can be done with
 * it as a whole: metadata, another name, saved states.
 *
 * tests: domain_info domain_info.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

static void lacks(int returned, const char *name)
{
    fails(returned, &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, name);
}

static void needs_running(int returned, const char *name)
{
    fails(returned, &err, VKVM_ERROR_ERR_OPERATION_INVALID, NULL, name);
}

/* --- a domain that is off ----------------------------------------------- */

static void information(vkvm_domain *dom)
{
    vkvm_value *info = NULL;
    char *text = NULL;
    bool truth = true;

    works(vkvm_domain_get_os_type(dom, &text, &err), &err, "get_os_type");
    ok(text && *text, "there is one");
    vkvm_string_free(text);
    needs_running(vkvm_domain_get_hostname(dom, 0, &text, &err), "get_hostname");
    needs_running(vkvm_domain_get_control_info(dom, 0, &info, &err), "get_control_info");
    works(vkvm_domain_is_updated(dom, &truth, &err), &err, "is_updated");
    ok(!truth, "it is not");
    works(vkvm_domain_set_lifecycle_action(dom, VKVM_DOMAIN_LIFECYCLE_CRASH,
                                           VKVM_DOMAIN_LIFECYCLE_ACTION_PRESERVE, 0, &err),
          &err, "set_lifecycle_action");
    works(vkvm_domain_get_xml_description(dom, 0, &text, &err), &err, "get_xml_description");
    has_text(text, "<on_crash>preserve</on_crash>", "it is set");
    vkvm_string_free(text);
}

static void metadata(vkvm_domain *dom)
{
    static const char uri[] = "http://example.org/vkvm";
    char *text = NULL;

    fails(vkvm_domain_get_metadata(dom, VKVM_DOMAIN_METADATA_TITLE, NULL, 0, &text, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN_METADATA, NULL, "there is no title");
    works(vkvm_domain_set_metadata(dom, VKVM_DOMAIN_METADATA_TITLE, "a title", NULL, NULL, 0, &err),
          &err, "set_metadata: a title");
    works(vkvm_domain_get_metadata(dom, VKVM_DOMAIN_METADATA_TITLE, NULL, 0, &text, &err), &err,
          "get_metadata");
    is_own_str(text, "a title", "the title is the one that was set");
    works(vkvm_domain_set_metadata(dom, VKVM_DOMAIN_METADATA_TITLE, NULL, NULL, NULL, 0, &err),
          &err, "set_metadata: no title");
    fails(vkvm_domain_get_metadata(dom, VKVM_DOMAIN_METADATA_TITLE, NULL, 0, &text, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN_METADATA, NULL, "it is gone");

    works(vkvm_domain_set_metadata(dom, VKVM_DOMAIN_METADATA_ELEMENT, "<owner>me</owner>", "vkvm",
                                   uri, VKVM_DOMAIN_AFFECT_CONFIG, &err),
          &err, "set_metadata: an element");
    works(vkvm_domain_get_metadata(dom, VKVM_DOMAIN_METADATA_ELEMENT, uri, 0, &text, &err), &err,
          "get_metadata");
    is_own_str(text, "<owner>me</owner>", "the element is the one that was set");
    fails(vkvm_domain_set_metadata(dom, VKVM_DOMAIN_METADATA_ELEMENT, "\xff", NULL, NULL, 0, &err),
          &err, VKVM_ERROR_OWN_NOT_UTF8, "metadata", "no UTF-8");
}

static void another_name(vkvm_conn *conn, vkvm_domain *dom)
{
    vkvm_domain *renamed = NULL;
    char *text = NULL;

    works(vkvm_domain_rename(dom, "other", 0, &err), &err, "rename");
    works(vkvm_conn_get_domain_by_name(conn, "other", &renamed, &err), &err, "it is there");
    works(vkvm_domain_get_uuid_string(renamed, &text, &err), &err, "get_uuid_string");
    is_own_str(text, PROBE_UUID, "it is the same");
    works(vkvm_domain_rename(renamed, "probe", 0, &err), &err, "rename it back");
    vkvm_domain_free(renamed);
    fails(vkvm_domain_rename(dom, NULL, 0, &err), &err, VKVM_ERROR_OWN_NULL, "newname",
          "no name");
}

/* --- one that runs ------------------------------------------------------- */

static void running(vkvm_domain *dom)
{
    vkvm_value *info = NULL;
    char *text = NULL;

    must(vkvm_domain_create(dom, 0, &err), err, "create");
    works(vkvm_domain_get_hostname(dom, 0, &text, &err), &err, "get_hostname");
    is_own_str(text, "probehost", "the test driver's");
    works(vkvm_domain_get_control_info(dom, 0, &info, &err), &err, "get_control_info");
    is_int(int_at(info, "state"), VKVM_DOMAIN_CONTROL_OK, "state");
    is_int(int_at(info, "details"), VKVM_DOMAIN_CONTROL_ERROR_REASON_NONE, "details");
    is_int(int_at(info, "stateTime"), 0, "stateTime");
    vkvm_value_free(info);
    works(vkvm_domain_reset(dom, 0, &err), &err, "reset");
    works(vkvm_domain_inject_nmi(dom, 0, &err), &err, "inject_nmi");
    works(vkvm_domain_set_user_password(dom, "root", "secret", 0, &err), &err,
          "set_user_password");
    needs_running(vkvm_domain_rename(dom, "other", 0, &err), "it cannot be renamed");
    fails(vkvm_domain_core_dump(dom, "/nowhere/dump", 0, &err), &err, VKVM_ERROR_ERR_SYSTEM_ERROR,
          NULL, "core_dump to nowhere");
    works(vkvm_domain_core_dump(dom, "/dev/null", 0, &err), &err, "core_dump");
    works(vkvm_domain_core_dump_format(dom, "/dev/null", VKVM_DOMAIN_CORE_DUMP_FORMAT_RAW, 0, &err),
          &err, "core_dump_format");
}

static void saved_states(vkvm_domain *dom)
{
    bool truth = true;
    char *text = NULL;
    vkvm_value *empty = NULL;

    /* libvirt's QEMU driver would not unlock the domain. */
    must(vkvm_value_new_map(&empty, &err), err, "new_map");
    fails(vkvm_domain_save(dom, NULL, NULL, empty, 0, &err), &err, VKVM_ERROR_OWN_NULL, "to",
          "save without a file");
    vkvm_value_free(empty);
    works(vkvm_domain_has_managed_save_image(dom, 0, &truth, &err), &err,
          "has_managed_save_image");
    ok(!truth, "there is none");
    works(vkvm_domain_managed_save(dom, 0, &err), &err, "managed_save");
    works(vkvm_domain_is_active(dom, &truth, &err), &err, "is_active");
    ok(!truth, "it is off");
    works(vkvm_domain_has_managed_save_image(dom, 0, &truth, &err), &err,
          "has_managed_save_image");
    ok(truth, "there is one");
    lacks(vkvm_domain_managed_save_get_xml_description(dom, 0, &text, &err),
          "managed_save_get_xml_description");
    lacks(vkvm_domain_managed_save_define_xml(dom, probe_xml, 0, &err), "managed_save_define_xml");
    works(vkvm_domain_managed_save_remove(dom, 0, &err), &err, "managed_save_remove");
    works(vkvm_domain_has_managed_save_image(dom, 0, &truth, &err), &err,
          "has_managed_save_image");
    ok(!truth, "it is gone");
    needs_running(vkvm_domain_managed_save(dom, 0, &err), "managed_save while it is off");
}

/* --- what is missing ----------------------------------------------------- */

static void power_management(vkvm_domain *dom)
{
    lacks(vkvm_domain_pm_suspend_for_duration(dom, VKVM_NODE_SUSPEND_TARGET_MEM, 0, 0, &err),
          "pm_suspend_for_duration");
    lacks(vkvm_domain_pm_wakeup(dom, 0, &err), "pm_wakeup");
}

static void newer_calls(vkvm_domain *dom)
{
    uint64_t version = 0;
    char **messages = NULL;
    size_t length = 9;
    bool truth = true;

    must(vkvm_library_get_libvirt_version(&version, &err), err, "get_libvirt_version");
    if (version >= 7001000) {
        works(vkvm_domain_get_messages(dom, 0, &messages, &length, &err), &err, "get_messages");
        is_int((int64_t)length, 0, "none");
        vkvm_string_list_free(messages, length);
    } else {
        lacks(vkvm_domain_get_messages(dom, 0, &messages, &length, &err), "get_messages");
    }
    if (version >= 11002000) {
        if (vkvm_domain_set_autostart_once(dom, 1, &err) < 0) {
            lacks(-1, "set_autostart_once: not with this driver");
        } else {
            works(vkvm_domain_get_autostart_once(dom, &truth, &err), &err, "get_autostart_once");
            ok(truth, "it is set");
        }
        return;
    }
    lacks(vkvm_domain_get_autostart_once(dom, &truth, &err), "get_autostart_once");
    ok(vkvm_domain_set_autostart_once(dom, 1, &err) == -1, "set_autostart_once");
    has_text(vkvm_error_message(err), "11.2.0", "the error says which libvirt has it");
    forget(&err);
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = define_probe(conn);
    information(dom);
    metadata(dom);
    another_name(conn, dom);
    running(dom);
    saved_states(dom);
    power_management(dom);
    newer_calls(dom);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
