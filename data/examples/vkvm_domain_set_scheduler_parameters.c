vkvm_value *params;

if (vkvm_value_new_map(&params, &error) < 0
    || vkvm_value_set_uint64(params, VKVM_DOMAIN_SCHEDULER_WEIGHT, 60, &error) < 0
    || vkvm_domain_set_scheduler_parameters(dom, params, 0, &error) < 0)
    goto failed;
vkvm_value_free(params);
