vkvm_host *host;
vkvm_value *args, *result;

if (vkvm_host_new(conn, &host, &error) < 0 || vkvm_value_new_map(&args, &error) < 0
    || vkvm_value_set_string(args, "pool", "default-pool", &error) < 0
    || vkvm_host_call(host, "pool.info", args, &result, &error) < 0)
    goto failed;
vkvm_value_free(result);
vkvm_value_free(args);
vkvm_host_free(host);
