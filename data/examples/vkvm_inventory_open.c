const char *const uris[] = { "test:///default" };
vkvm_inventory *inventory;
vkvm_value *snapshot;
char *text;

if (vkvm_inventory_open(uris, 1, NULL, &inventory, &error) < 0 ||
    vkvm_inventory_get_snapshot(inventory, NULL, &snapshot, &error) < 0 ||
    vkvm_value_to_json(snapshot, true, &text, &error) < 0)
    goto failed;
printf("%s\n", text);
vkvm_string_free(text);
vkvm_value_free(snapshot);
vkvm_inventory_free(inventory);
