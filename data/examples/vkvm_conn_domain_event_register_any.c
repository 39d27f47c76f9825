static void print_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                        void *userdata)
{
    int64_t event;
    if (vkvm_value_get_int64(args, "event", &event, NULL) == 0)
        printf("event %d\n", (int)event);
    *(int *)userdata = 1;
    (void)conn, (void)object, (void)event_id;
}

int number, seen = 0;

/* vkvm_event_register_default was called before conn was opened. */
if (vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                        print_event, &seen, NULL, &number, &error) < 0
    || vkvm_domain_suspend(dom, &error) < 0)
    goto failed;
while (!seen)
    if (vkvm_event_run_default(&error) < 0)
        goto failed;
