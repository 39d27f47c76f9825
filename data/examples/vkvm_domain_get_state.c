int state, reason;

if (vkvm_domain_get_state(dom, 0, &state, &reason, &error) < 0)
    goto failed;
if (state == VKVM_DOMAIN_STATE_RUNNING)
    printf("running\n");
