vkvm_domain **doms;
size_t count;

if (vkvm_conn_list_all_domains(conn, VKVM_DOMAIN_LIST_ACTIVE, &doms, &count, &error) < 0)
    goto failed;
for (size_t i = 0; i < count; i++) {
    char *name;
    if (vkvm_domain_get_name(doms[i], &name, &error) < 0)
        goto failed;
    printf("%s\n", name);
    vkvm_string_free(name);
}
vkvm_domain_list_free(doms, count);
