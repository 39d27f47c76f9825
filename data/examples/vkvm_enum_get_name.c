char *name;

if (vkvm_enum_get_name("domain_state", VKVM_DOMAIN_STATE_RUNNING, &name, &error) < 0)
    goto failed;
printf("%s\n", name);
vkvm_string_free(name);
