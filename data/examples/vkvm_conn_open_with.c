vkvm_value *options = NULL;
vkvm_conn *other;

if (vkvm_value_new_map(&options, &error) < 0
    || vkvm_value_set_string(options, "uri", "test:///default", &error) < 0
    || vkvm_value_set_uint64(options, "timeout_ms", 5000, &error) < 0
    || vkvm_conn_open_with(options, &other, &error) < 0)
    goto failed;
vkvm_value_free(options);
vkvm_conn_free(other);
