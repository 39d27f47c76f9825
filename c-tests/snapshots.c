/*
 * Snapshots and checkpoints of a domain: making, finding, listing and removing
 * them, and going back to a snapshot.
 *
 * tests: snapshots snapshots.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

static vkvm_domain_snapshot *take(vkvm_domain *dom, const char *name)
{
    char xml[200];
    vkvm_domain_snapshot *snapshot = NULL;
    snprintf(xml, sizeof xml, "<domainsnapshot><name>%s</name></domainsnapshot>", name);
    must(vkvm_domain_create_snapshot(dom, xml, 0, &snapshot, &err), err, "create_snapshot");
    return snapshot;
}

/* Checks the name of a snapshot, and frees it. */
static void is_snapshot(vkvm_domain_snapshot *snapshot, const char *wanted, const char *name)
{
    char *text = NULL;
    works(vkvm_domain_snapshot_get_name(snapshot, &text, &err), &err, "get_name");
    is_own_str(text, wanted, name);
    vkvm_domain_snapshot_free(snapshot);
}

static void has_snapshots(vkvm_domain *dom, uint32_t flags, int wanted)
{
    vkvm_domain_snapshot **snapshots = NULL;
    char **names = NULL;
    size_t len = 0;
    int count = -1;
    works(vkvm_domain_num_of_snapshots(dom, flags, &count, &err), &err, "num_of_snapshots");
    is_int(count, wanted, "so many snapshots");
    works(vkvm_domain_list_snapshot_names(dom, 10, flags, &names, &len, &err), &err,
          "list_snapshot_names");
    is_int((int64_t)len, wanted, "as many names");
    vkvm_string_list_free(names, len);
    works(vkvm_domain_list_all_snapshots(dom, flags, &snapshots, &len, &err), &err,
          "list_all_snapshots");
    is_int((int64_t)len, wanted, "as many snapshots");
    vkvm_domain_snapshot_list_free(snapshots, len);
}

static void children(vkvm_domain_snapshot *root, vkvm_domain_snapshot *leaf)
{
    vkvm_domain_snapshot **list = NULL;
    vkvm_domain_snapshot *parent = NULL;
    char **names = NULL;
    size_t len = 0;
    int count = -1;
    works(vkvm_domain_snapshot_num_of_child_snapshots(root, 0, &count, &err), &err,
          "num_of_child_snapshots");
    is_int(count, 1, "the root has a child");
    works(vkvm_domain_snapshot_list_child_snapshot_names(root, 10, 0, &names, &len, &err), &err,
          "list_child_snapshot_names");
    ok(len == 1 && strcmp(names[0], "second") == 0, "its name");
    vkvm_string_list_free(names, len);
    works(vkvm_domain_snapshot_list_all_children(root, VKVM_DOMAIN_SNAPSHOT_LIST_DESCENDANTS,
                                                 &list, &len, &err),
          &err, "list_all_children");
    is_int((int64_t)len, 2, "two with the children's children");
    vkvm_domain_snapshot_list_free(list, len);
    fails(vkvm_domain_snapshot_list_child_snapshot_names(root, 2000000, 0, &names, &len, &err),
          &err, VKVM_ERROR_OWN_INVALID, "maxnames", "too many");

    works(vkvm_domain_snapshot_get_parent(leaf, 0, &parent, &err), &err, "get_parent");
    is_snapshot(parent, "second", "the parent");
    fails(vkvm_domain_snapshot_get_parent(root, 0, &parent, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN_SNAPSHOT, NULL, "the root has none");
}

static void snapshots(vkvm_domain *dom)
{
    vkvm_domain_snapshot *first, *second, *third, *found = NULL;
    char *xml = NULL;
    bool yes = true;

    has_snapshots(dom, 0, 0);
    works(vkvm_domain_has_current_snapshot(dom, 0, &yes, &err), &err, "has_current_snapshot");
    ok(!yes, "none is current");
    fails(vkvm_domain_current_snapshot(dom, 0, &found, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN_SNAPSHOT, NULL, "so there is none to get");
    fails(vkvm_domain_create_snapshot(dom, "<domainsnapshot>", 0, &found, &err), &err,
          VKVM_ERROR_ERR_XML_DETAIL, "xml", "malformed XML");

    first = take(dom, "first");
    works(vkvm_domain_create(dom, 0, &err), &err, "start the domain");
    second = take(dom, "second");
    third = take(dom, "third");
    has_snapshots(dom, 0, 3);
    has_snapshots(dom, VKVM_DOMAIN_SNAPSHOT_LIST_INACTIVE, 1);
    children(first, third);

    works(vkvm_domain_has_current_snapshot(dom, 0, &yes, &err), &err, "has_current_snapshot");
    ok(yes, "one is current");
    works(vkvm_domain_current_snapshot(dom, 0, &found, &err), &err, "current_snapshot");
    is_snapshot(found, "third", "the last");
    works(vkvm_domain_snapshot_is_current(third, 0, &yes, &err), &err, "is_current");
    ok(yes, "it says so, too");
    works(vkvm_domain_snapshot_has_metadata(third, 0, &yes, &err), &err, "has_metadata");
    ok(yes, "libvirt keeps its definition");
    works(vkvm_domain_get_snapshot_by_name(dom, "second", &found, &err), &err,
          "get_snapshot_by_name");
    is_snapshot(found, "second", "the one");
    fails(vkvm_domain_get_snapshot_by_name(dom, "none", &found, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN_SNAPSHOT, NULL, "one that is not there");
    works(vkvm_domain_snapshot_get_xml_description(second, VKVM_DOMAIN_SNAPSHOT_XML_SECURE, &xml,
                                                   &err),
          &err, "get_xml_description");
    has_text(xml, "<name>second</name>", "its name is in it");
    vkvm_string_free(xml);

    works(vkvm_domain_snapshot_revert_to(first, 0, &err), &err, "revert_to");
    works(vkvm_domain_is_active(dom, &yes, &err), &err, "is_active");
    ok(!yes, "the domain is as it was, not running");
    works(vkvm_domain_snapshot_is_current(first, 0, &yes, &err), &err, "is_current");
    ok(yes, "the first is the current one");

    works(vkvm_domain_snapshot_delete(second, 0, &err), &err, "delete");
    has_snapshots(dom, 0, 2);
    works(vkvm_domain_snapshot_delete(first, VKVM_DOMAIN_SNAPSHOT_DELETE_CHILDREN, &err), &err,
          "delete with the children");
    has_snapshots(dom, 0, 0);
    vkvm_domain_snapshot_free(first);
    vkvm_domain_snapshot_free(second);
    ok(vkvm_domain_snapshot_ref(third) == third, "another hold");
    vkvm_domain_snapshot_free(third);
    is_snapshot(third, "third", "it is still there");
}

static vkvm_domain_checkpoint *mark(vkvm_domain *dom, const char *name)
{
    char xml[200];
    vkvm_domain_checkpoint *checkpoint = NULL;
    snprintf(xml, sizeof xml, "<domaincheckpoint><name>%s</name></domaincheckpoint>", name);
    must(vkvm_domain_create_checkpoint(dom, xml, 0, &checkpoint, &err), err, "create_checkpoint");
    return checkpoint;
}

static void is_checkpoint(vkvm_domain_checkpoint *checkpoint, const char *wanted, const char *name)
{
    char *text = NULL;
    works(vkvm_domain_checkpoint_get_name(checkpoint, &text, &err), &err, "get_name");
    is_own_str(text, wanted, name);
    vkvm_domain_checkpoint_free(checkpoint);
}

static void has_checkpoints(vkvm_domain *dom, int wanted)
{
    vkvm_domain_checkpoint **checkpoints = NULL;
    size_t len = 99;
    works(vkvm_domain_list_all_checkpoints(dom, 0, &checkpoints, &len, &err), &err,
          "list_all_checkpoints");
    is_int((int64_t)len, wanted, "so many checkpoints");
    vkvm_domain_checkpoint_list_free(checkpoints, len);
}

static const char with_disk_xml[] =
    "<domain type='test'><name>with-disk</name><memory>8192</memory><os><type>hvm</type></os>"
    "<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
    "<source file='/nowhere/disk.qcow2'/><target dev='vda' bus='virtio'/></disk></devices>"
    "</domain>";

static void checkpoints(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL;
    vkvm_domain_checkpoint *first, *second, *found = NULL;
    vkvm_domain_checkpoint **list = NULL;
    size_t len = 0;
    char *xml = NULL;
    must(vkvm_conn_create_domain(conn, with_disk_xml, 0, &dom, &err), err, "the domain");

    has_checkpoints(dom, 0);
    fails(vkvm_domain_create_checkpoint(dom, "<domaincheckpoint>", 0, &found, &err), &err,
          VKVM_ERROR_ERR_XML_DETAIL, "xml", "malformed XML");
    first = mark(dom, "first");
    second = mark(dom, "second");
    has_checkpoints(dom, 2);
    works(vkvm_domain_get_checkpoint_by_name(dom, "second", &found, &err), &err,
          "get_checkpoint_by_name");
    is_checkpoint(found, "second", "the one");
    fails(vkvm_domain_get_checkpoint_by_name(dom, "none", &found, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN_CHECKPOINT, NULL, "one that is not there");
    works(vkvm_domain_checkpoint_get_parent(second, 0, &found, &err), &err, "get_parent");
    is_checkpoint(found, "first", "the parent");
    fails(vkvm_domain_checkpoint_get_parent(first, 0, &found, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN_CHECKPOINT, NULL, "the first has none");
    works(vkvm_domain_checkpoint_list_all_children(first, 0, &list, &len, &err), &err,
          "list_all_children");
    is_int((int64_t)len, 1, "one child");
    vkvm_domain_checkpoint_list_free(list, len);
    works(vkvm_domain_checkpoint_get_xml_description(
              second, VKVM_DOMAIN_CHECKPOINT_XML_NO_DOMAIN, &xml, &err),
          &err, "get_xml_description");
    has_text(xml, "<parent>", "its parent is in it");
    vkvm_string_free(xml);
    works(vkvm_domain_checkpoint_delete(first, VKVM_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY, &err),
          &err, "delete the children");
    has_checkpoints(dom, 1);
    works(vkvm_domain_checkpoint_delete(first, 0, &err), &err, "delete");
    has_checkpoints(dom, 0);
    vkvm_domain_free(dom);
    ok(vkvm_domain_checkpoint_ref(second) == second, "another hold");
    vkvm_domain_checkpoint_free(second);
    is_checkpoint(second, "second", "it is still there, without the domain's handle");
    vkvm_domain_checkpoint_free(first);
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = define_probe(conn);
    snapshots(dom);
    vkvm_domain_free(dom);
    checkpoints(conn);
    vkvm_conn_free(conn);
    is_int((int64_t)handles("domain_snapshot"), 0, "no domain_snapshot handle is left");
    is_int((int64_t)handles("domain_checkpoint"), 0, "no domain_checkpoint handle is left");
    no_handles_left();
    return done();
}
