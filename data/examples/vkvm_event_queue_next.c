vkvm_event_queue *queue;
vkvm_value *event;
int number;

if (vkvm_event_start(&error) < 0 /* before the connection is opened */
    || vkvm_conn_open("test:///default", 0, &conn, &error) < 0
    || vkvm_conn_get_domain_by_name(conn, "test", &dom, &error) < 0
    || vkvm_event_queue_new(1000, &queue, &error) < 0
    || vkvm_event_queue_domain_event_register_any(
           queue, conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &number, &error) < 0
    || vkvm_domain_suspend(dom, &error) < 0
    || vkvm_event_queue_next(queue, 1000, &event, &error) < 0)
    goto failed;
if (event == NULL)
    puts("no event within a second");
vkvm_value_free(event);
vkvm_event_queue_free(queue);
