vkvm_domain_snapshot *snapshot;
const char *xml = "<domainsnapshot><name>before</name></domainsnapshot>";

if (vkvm_domain_create_snapshot(dom, xml, 0, &snapshot, &error) < 0)
    goto failed;
vkvm_domain_snapshot_free(snapshot);
