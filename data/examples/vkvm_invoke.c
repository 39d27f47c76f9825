vkvm_value *args, *result;
char *json;

if (vkvm_value_new_map(&args, &error) < 0
    || vkvm_value_set_handle(args, "dom", dom, &error) < 0
    || vkvm_invoke("vkvm_domain_get_state", args, &result, &error) < 0
    || vkvm_value_to_json(result, false, &json, &error) < 0)
    goto failed;
printf("%s\n", json);
vkvm_string_free(json);
vkvm_value_free(result);
vkvm_value_free(args);
