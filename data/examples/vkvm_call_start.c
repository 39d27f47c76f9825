vkvm_value *args, *result;
vkvm_call *call;
bool done;

if (vkvm_value_new_map(&args, &error) < 0
    || vkvm_value_set_handle(args, "dom", dom, &error) < 0
    || vkvm_call_start("vkvm_domain_get_info", args, 5000, NULL, 0, &call, &error) < 0
    || vkvm_call_wait(call, -1, &done, &error) < 0
    || vkvm_call_get_result(call, &result, &error) < 0)
    goto failed;
vkvm_value_free(result);
vkvm_call_free(call);
vkvm_value_free(args);
