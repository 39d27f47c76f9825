vkvm_value *document;
char *xml, *path;

if (vkvm_conn_get_capabilities(conn, &xml, &error) < 0
    || vkvm_value_from_xml(xml, &document, &error) < 0
    || vkvm_value_get_string(document, "capabilities.host.cpu.arch", &path, &error) < 0)
    goto failed;
printf("%s\n", path);
vkvm_string_free(path);
vkvm_string_free(xml);
vkvm_value_free(document);
