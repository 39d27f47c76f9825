vkvm_value *info;
uint64_t kib;

if (vkvm_domain_get_info(dom, &info, &error) < 0
    || vkvm_value_get_uint64(info, "memory", &kib, &error) < 0)
    goto failed;
printf("%llu KiB\n", (unsigned long long)kib);
vkvm_value_free(info);
