/*
 * The host facade: the specification's calls of storage pools, volumes, domains and
 * snapshots, in its order, with a QEMU daemon and JSON.
 *
 * usage: facade_page URI
 *
 * bed: qemu-daemon URI
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

#include <regex.h>
#include <time.h>
#include <unistd.h>

#define SIZE "\"[0-9.]+ [KMGT]?i?B\""
#define NUMBER "\"[0-9]+\""

static vkvm_error *err;
static vkvm_host *host;
/* Where pools, images and files are. */
static char dir[] = "/tmp/vkvm-page-XXXXXX";

/* Text of which each @ is the directory. */
static char *in_dir(const char *text)
{
    size_t length = strlen(text) + 1;
    for (const char *at = text; (at = strchr(at, '@')); at++)
        length += strlen(dir);
    char *whole = calloc(1, length), *to = whole;
    for (; *text; text++) {
        if (*text == '@' && (text[1] == '/' || text[1] == '"'))
            to = stpcpy(to, dir);
        else
            *to++ = *text;
    }
    return whole;
}

/* Runs a command; its result matches the pattern, both as JSON. Returns the result. */
static char *gives(const char *command, const char *args, const char *pattern)
{
    vkvm_value *value = NULL, *result = NULL;
    char *json = NULL, *given = in_dir(args), *wanted = in_dir(pattern);
    regex_t regex;
    must(vkvm_value_from_json(given, &value, &err), err, given);
    must(vkvm_host_call(host, command, value, &result, &err), err, command);
    must(vkvm_value_to_json(result, 0, &json, &err), err, "to_json");
    must(regcomp(&regex, wanted, REG_EXTENDED | REG_NOSUB) ? -1 : 0, err, wanted);
    ok(regexec(&regex, json, 0, NULL, 0) == 0, "%s %s gives %s", command, given, json);
    regfree(&regex);
    free(given);
    free(wanted);
    vkvm_value_free(result);
    vkvm_value_free(value);
    return json;
}

static void check(const char *command, const char *args, const char *pattern)
{
    vkvm_string_free(gives(command, args, pattern));
}

/* A command that changes something, and what it prints. */
static void does(const char *command, const char *args, const char *out)
{
    char pattern[300];
    snprintf(pattern, sizeof pattern, "^\\[true,\"%s\",\"\"\\]$", out);
    check(command, args, pattern);
}

static void pools(void)
{
    static const char pool[] = "[{\"@type\":\"dir\",\"name\":\"default\",\"source\":true,"
                               "\"target\":{\"path\":\"@/disk\"}}]";
    static const char row[] = "^\\{\"default\":\\{\"state\":\"running\",\"autostart\":false,"
                              "\"persistent\":%s,\"capacity\":" SIZE ",\"allocation\":" SIZE
                              ",\"available\":" SIZE "\\}\\}$";
    char pattern[300];
    check("list_pools", "{\"all\":true}", "^\\{\\}$");
    does("pool.define", pool, "Pool default defined from document");
    check("list_pools", "{\"all\":true,\"details\":true}",
          "\"capacity\":\"- -\",\"allocation\":\"-\",\"available\":\"\"");
    does("pool.build", "[\"default\"]", "Pool default built");
    does("pool.start", "[\"default\"]", "Pool default started");
    snprintf(pattern, sizeof pattern, row, "true");
    check("list_pools", "{\"all\":true,\"details\":true}", pattern);
    does("pool.autostart", "[\"default\"]", "Pool default marked as autostarted");
    check("list_pools", "{\"all\":true}",
          "^\\{\"default\":\\{\"state\":\"active\",\"autostart\":true\\}\\}$");
    does("pool.autostart", "{\"args\":[\"default\"],\"disable\":true}",
          "Pool default unmarked as autostarted");
    check("pool.info", "[\"default\"]",
          "^\\{\"name\":\"default\",\"uuid\":\"[0-9a-f-]{36}\",\"state\":\"running\","
          "\"persistent\":true,\"autostart\":false,\"capacity\":" SIZE ",\"allocation\":" SIZE
          ",\"available\":" SIZE "\\}$");
    check("pool.conf", "[\"default\"]",
          "^\\{\"@type\":\"dir\",\"name\":\"default\",\"uuid\":\"[0-9a-f-]{36}\",\"capacity\":\\{"
          "\"@unit\":\"bytes\",\"#text\":" NUMBER "\\},.*\"source\":true,\"target\":\\{\"path\":");
    char *uuid = gives("pool.uuid", "[\"default\"]", "^\"[0-9a-f-]{36}\"$");
    snprintf(pattern, sizeof pattern, "[%s]", uuid);
    check("pool.name", pattern, "^\"default\"$");
    vkvm_string_free(uuid);
    does("pool.destroy", "[\"default\"]", "Pool default destroyed");
    does("pool.undefine", "[\"default\"]", "Pool default has been undefined");
    does("pool.create", pool, "Pool default created from document");
    snprintf(pattern, sizeof pattern, row, "false");
    check("list_pools", "{\"all\":true,\"details\":true}", pattern);
}

static void volumes(void)
{
    does("volume.create_as", "{\"args\":[\"default\",\"disk.qcow2\",\"2G\"],\"format\":\"qcow2\"}",
          "Vol disk.qcow2 created");
    check("list_volumes", "{\"args\":[\"default\"],\"details\":true}",
          "^\\{\"disk.qcow2\":\\{\"path\":\"@/disk/disk.qcow2\",\"type\":\"file\",\"capacity\":"
          "\"2.00 GiB\",\"allocation\":" SIZE "\\}\\}$");
    does("volume.create",
          "[\"default\",{\"@type\":\"file\",\"capacity\":{\"#text\":\"5368709120\",\"@unit\":"
          "\"bytes\"},\"name\":\"disk3.qcow2\",\"source\":true,\"target\":{\"format\":{\"@type\":"
          "\"qcow2\"}}}]",
          "Vol disk3.qcow2 created from document");
    does("volume.delete", "{\"args\":[\"disk3.qcow2\"],\"pool\":\"default\"}",
          "Vol disk3.qcow2 deleted");
    check("volume.info", "{\"args\":[\"disk.qcow2\"],\"pool\":\"default\"}",
          "^\\{\"name\":\"disk.qcow2\",\"type\":\"file\",\"capacity\":\"2.00 GiB\",\"allocation\":"
          SIZE "\\}$");
    check("volume.conf", "[\"disk.qcow2\",\"default\"]",
          "^\\{\"@type\":\"file\",\"name\":\"disk.qcow2\",\"key\":\"@/disk/disk.qcow2\"");
    does("volume.clone",
          "{\"args\":[\"disk.qcow2\",\"disk2.qcow2\"],\"pool\":\"default\",\"prealloc_metadata\":"
          "true}",
          "Vol disk2.qcow2 cloned from disk.qcow2");
    does("volume.resize", "{\"args\":[\"disk.qcow2\",\"5GiB\"],\"pool\":\"default\"}",
          "Size of volume 'disk.qcow2' successfully changed to 5GiB");
    does("volume.create_as", "[\"default\",\"trusty.qcow2\",\"1GiB\"]",
          "Vol trusty.qcow2 created");
    does("volume.upload",
          "{\"pool\":\"default\",\"file\":\"@/disk/disk.qcow2\",\"vol\":\"trusty.qcow2\"}", "");
    does("volume.download",
          "{\"pool\":\"default\",\"file\":\"@/new.qcow2\",\"vol\":\"trusty.qcow2\"}", "");
    does("volume.wipe", "[\"disk2.qcow2\",\"default\"]", "Vol disk2.qcow2 wiped");
}

/* The name in "Domain snapshot NAME created". */
static void created(char *name)
{
    char *json = gives("snapshot.create_as", "[\"trusty\"]", "^\\[true,\"Domain snapshot [0-9]+ ");
    if (sscanf(json, "[true,\"Domain snapshot %29[0-9]", name) != 1)
        strcpy(name, "0");
    vkvm_string_free(json);
}

static void domains_and_snapshots(void)
{
    char first[30], second[30], args[100], pattern[300];
    does("pool.refresh", "[\"default\"]", "Pool default refreshed");
    does("domain.define",
          "[{\"@type\":\"qemu\",\"name\":\"trusty\",\"title\":\"Ubuntu 14.04\",\"memory\":{"
          "\"@unit\":\"MiB\",\"#text\":32},\"os\":{\"type\":{\"@arch\":\"x86_64\",\"#text\":"
          "\"hvm\"}},\"features\":{\"acpi\":null},\"devices\":{\"disk\":[{\"@type\":\"volume\","
          "\"@device\":\"disk\",\"driver\":{\"@name\":\"qemu\",\"@type\":\"qcow2\"},\"source\":{"
          "\"@pool\":\"default\",\"@volume\":\"trusty.qcow2\"},\"target\":{\"@dev\":\"vda\","
          "\"@bus\":\"virtio\"}}]}}]",
          "Domain 'trusty' defined from document");
    does("domain.start", "[\"trusty\"]", "Domain 'trusty' started");
    check("list_domains", "[]", "^\\{\"trusty\":\\{\"id\":[0-9]+,\"state\":\"running\"\\}\\}$");
    created(first);
    snprintf(args, sizeof args, "[\"trusty\",\"%s\"]", first);
    snprintf(pattern, sizeof pattern,
             "^\\{\"name\":%s,\"domain\":\"trusty\",\"current\":true,\"state\":\"running\","
             "\"location\":\"internal\",\"parent\":\"-\",\"children\":0,\"descendants\":0,"
             "\"metadata\":true\\}$",
             first);
    check("snapshot.info", args, pattern);
    /* Its name is the second that it is taken in. */
    while (time(NULL) <= atol(first))
        usleep(100000);
    created(second);
    check("snapshot.info", args, "\"current\":false.*\"children\":1,\"descendants\":1");
    snprintf(args, sizeof args, "[\"trusty\",\"%s\"]", second);
    snprintf(pattern, sizeof pattern, "\"current\":true.*\"parent\":%s,", first);
    check("snapshot.info", args, pattern);
    check("snapshot.conf", args, "\"title\":\"Ubuntu 14.04\"");
    does("domain.destroy", "[\"trusty\"]", "Domain 'trusty' destroyed");
    does("domain.undefine", "{\"args\":[\"trusty\"],\"snapshots_metadata\":true}",
          "Domain 'trusty' has been undefined");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: facade_page URI\n");
        return 2;
    }
    must(mkdtemp(dir) ? 0 : -1, err, dir);
    must(vkvm_host_open(argv[1], &host, &err), err, argv[1]);
    pools();
    volumes();
    domains_and_snapshots();
    for (const char *const *name = (const char *const[]){ "disk", "disk2", "trusty", NULL }; *name;
         name++) {
        char args[100], out[100];
        snprintf(args, sizeof args, "[\"%s.qcow2\",\"default\"]", *name);
        snprintf(out, sizeof out, "Vol %s.qcow2 deleted", *name);
        does("volume.delete", args, out);
    }
    does("pool.destroy", "[\"default\"]", "Pool default destroyed");
    char *rest = in_dir("@/new.qcow2\""), *disk = in_dir("@/disk\"");
    rest[strlen(rest) - 1] = disk[strlen(disk) - 1] = '\0';
    ok(unlink(rest) == 0 && rmdir(disk) == 0 && rmdir(dir) == 0, "nothing is left");
    free(rest);
    free(disk);
    vkvm_host_free(host);
    return done();
}
