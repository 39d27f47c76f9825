/*
 * Texts, documents and bytes: by topic, some known from the start, others learned from
 * what functions return; and hostile ones.
 *
 * Names of files are only taken from here, and lie in the scratch folder: what a round
 * runs as may be allowed to write anywhere.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>

#include "fuzz.h"

enum { KNOWN = 24, LEARNED = 16, MOST_LENGTH = 20000, LENT = 512,
       DEPTHS = 5 };

bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

#define UUID "8f1e43a0-7d3a-4c57-9a0b-0000000000"
#define MAC "<mac address='52:54:00:aa:bb:cc'/>"
#define OWNER "<owner><name>d</name><uuid>" UUID "09</uuid></owner>"
#define DOMAIN(name, uuid, more)                                                             \
    "<domain type='@TYPE@'><name>" name "</name><uuid>" UUID uuid "</uuid>"                   \
    "<memory unit='KiB'>32768</memory>"                                                      \
    "<vcpu current='1'>2</vcpu><os><type>hvm</type></os><devices>"                           \
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"                       \
    "<source file='@DIR@/disk.raw'/><target dev='vda' bus='virtio'/></disk>" more            \
    "</devices></domain>"

/* Rows of a topic and a text; @DIR@ is the scratch folder, @TYPE@ the domains' type. With a
   uuid an object that is made again is the one that handles speak of. */
static const char *const seeds[][2] = {
    { "xml_domain", DOMAIN("fuzz", "01", "") },
    { "xml_domain", DOMAIN("fuzz2", "02", "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
                           "<source file='@DIR@/disk.qcow2'/><target dev='vdc' bus='virtio'/></disk>"
                           "<console type='pty'/><graphics type='vnc' port='-1'/>"
                           "<channel type='unix'><target type='virtio' name='fuzz'/></channel>") },
    { "xml_domain", DOMAIN("fuzz3", "03", "<interface type='network'>" MAC "<source network='fuzz'/>"
                           "<target dev='vnet9'/></interface><memballoon model='virtio'/>") },
    /* Each has an address: libvirt's test driver crashes on a domain's interface whose network
       has none, in virDomainInterfaceAddresses. */
    { "xml_network", "<network><name>fuzz</name><uuid>" UUID "31</uuid><bridge name='vkvm9'/>"
                     "<ip address='10.8.0.1' netmask='255.255.255.0'></ip></network>" },
    { "xml_network", "<network><name>fuzz2</name><uuid>" UUID "32</uuid><ip address='10.9.0.1' netmask='255.255.255.0'>"
                     "</ip></network>" },
    { "xml_network", "<network><name>fuzz3</name><uuid>" UUID "33</uuid><forward mode='bridge'/><bridge name='vkvm9'/>"
                     "</network>" }, /* no domain's, see above */
    { "xml_network_port", "<networkport><uuid>" UUID "11</uuid>" OWNER MAC "</networkport>" },
    { "xml_update", "<host mac='52:54:00:11:22:09' name='n' ip='10.9.0.9'/>" },
    { "xml_update", "<host mac='52:54:00:11:22:01' name='web' ip='10.7.0.10'/>" },
    { "xml_interface", "<interface type='ethernet' name='eth2'><start mode='none'/>"
                       "<mac address='52:54:00:aa:00:03'/></interface>" },
    { "xml_storage_pool", "<pool type='dir'><name>fuzz</name><uuid>" UUID "41</uuid><target><path>@DIR@/pool</path>"
                          "</target></pool>" },
    { "xml_storage_pool", "<pool type='dir'><name>fuzz2</name><uuid>" UUID "42</uuid><target><path>@DIR@/pool2</path>"
                          "</target></pool>" },
    { "xml_storage_vol", "<volume><name>v</name><capacity>9</capacity></volume>" },
    { "xml_storage_vol", "<volume><name>w.raw</name><capacity unit='KiB'>64</capacity>"
                         "<target><format type='raw'/></target></volume>" },
    { "xml_storage_vol", "<volume><name>w.qcow2</name><capacity unit='KiB'>64</capacity>"
                         "<target><format type='qcow2'/></target></volume>" },
    { "xml_node_device", "<device><parent>scsi_host5</parent><capability type='scsi_host'>"
                         "<capability type='fc_host'><wwnn>2000000012341234</wwnn>"
                         "<wwpn>1000000012341235</wwpn></capability></capability></device>" },
    { "xml_nwfilter", "<filter name='fuzz'><uuid>" UUID "12</uuid></filter>" },
    { "xml_nwfilter_binding", "<filterbinding>" OWNER "<portdev name='lo'/>" MAC
                              "<filterref filter='fuzz'/></filterbinding>" },
    { "xml_secret", "<secret><uuid>" UUID "13</uuid></secret>" },
    { "xml_secret", "<secret ephemeral='yes'><usage type='ceph'><name>fuzz</name></usage></secret>" },
    { "xml_domain_snapshot", "<domainsnapshot/>" },
    { "xml_domain_snapshot", "<domainsnapshot><name>snap</name></domainsnapshot>" },
    { "xml_domain_checkpoint", "<domaincheckpoint/>" },
    { "checkpointxml", "<domaincheckpoint/>" },
    { "backupxml", "<domainbackup/>" },
    { "xml_device", "<disk type='file' device='disk'><source file='@DIR@/other.raw'/>"
                    "<target dev='vdb' bus='virtio'/><alias name='ua-0'/></disk>" },
    { "xml_device", "<interface type='network'>" MAC "<source network='default'/></interface>" },
    { "xml_cpu", "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>" },
    { "destxml", "<disk type='file'><source file='@DIR@/copy.raw'/></disk>" },
    { "xml_value", "<a b='1'><c/>text<c>2</c></a>" },
    { "json", "{\"a\":[1,-2.5,\"x\\u00e9\",true,null,{\"b\":18446744073709551615}]}" },
    { "json", "[]" },
    { "json", "1" },
    { "path", "a" }, { "path", "" }, { "path", "a.0" }, { "path", "a.5.b" }, { "path", "0" },
    { "path", "a.99999999999999999999" }, { "path", "state" }, { "path", "\"a\".b" },
    { "key_value", "a" }, { "key_value", "b" }, { "item", "text" },
    { "name_domain", "test" }, { "name_domain", "web" }, { "name_domain", "off" },
    { "name_domain", "fuzz" }, { "newname", "fuzz4" }, { "newname", "fuzz5" }, { "dname", "fuzz6" },
    { "uuid_domain", "6695eb01-f6a4-8304-79aa-97f2502e193f" },
    { "name_network", "default" }, { "name_network", "front" }, { "name_network", "fuzz" },
    { "uuid_network", "21111111-2222-4333-8444-555555555501" },
    { "name_interface", "eth1" }, { "name_interface", "eth0" }, { "name_interface", "lo" },
    { "mac", "52:54:00:aa:00:01" }, { "mac", "52:54:00:11:22:01" }, { "mac", "aa:bb:cc:dd:ee:ff" },
    { "name_storage_pool", "default-pool" }, { "name_storage_pool", "images" },
    { "name_storage_pool", "fuzz" }, { "name_storage_vol", "web.qcow2" }, { "name_storage_vol", "v" },
    { "uuid_storage_pool", "31111111-2222-4333-8444-555555555501" },
    { "path_storage_pool", "@DIR@/pool" }, { "path_storage_pool", "/images" },
    { "path_storage_vol", "/images/web.qcow2" }, { "path_storage_vol", "@DIR@/pool/w.raw" },
    { "key_storage_vol", "/images/web.qcow2" }, { "key_storage_vol", "@DIR@/pool/w.raw" },
    { "name_node_device", "computer" }, { "name_node_device", "net_eth0" },
    { "wwnn", "2000000012341234" }, { "wwpn", "1000000012341234" },
    { "name_nwfilter", "fuzz" }, { "name_nwfilter_binding", "lo" },
    { "uuid_nwfilter", UUID "12" }, { "uuid_secret", UUID "13" }, { "uuid_network_port", UUID "11" },
    { "id", "fuzz" }, { "cap", "pci" }, { "cap", "system" }, { "cap", "net" }, { "driver", "vfio" },
    { "device", "vda" }, { "device", "vdb" }, { "device", "vdc" }, { "device", "hda" }, { "device", "ua-0" },
    { "device", "@DIR@/disk.raw" }, { "device", "" },
    { "interface", "vnet7" }, { "interface", "vnet9" }, { "interface", "testnet0" },
    { "interface", "52:54:00:11:22:01" }, { "interface", "52:54:00:aa:bb:cc" },
    { "file", "@DIR@/file" }, { "file", "@DIR@/file2" }, { "file", "@DIR@/saved" },
    { "file", "@DIR@/no/such/folder" }, { "file", "/nowhere/file" },
    { "uri", "@LOCAL@" }, { "uri", "@RICH@" }, { "uri", "@DAEMON@" }, { "uri", "@DAEMON@" },
    { "uri", "@DAEMON@" }, { "uri", "@DAEMON@" }, { "uri", "@DAEMON@" },
    { "uri", "test:///nowhere.xml" }, { "uri", "nothing" },
    { "uri_metadata", "http://example.org/app" },
    { "emulator", "/usr/bin/qemu-system-x86_64" }, { "arch", "x86_64" }, { "machine", "pc" },
    { "virttype", "test" }, { "virttype", "qemu" },
    { "configtype", "qemu-argv" }, { "configtype", "vmx" }, { "configdata", "qemu -m 32" },
    { "type", "dir" }, { "type", "qemu" }, { "type", "test" }, { "srcspec", "<source/>" },
    { "label", "label" }, { "event", "RESUME" }, { "event", "STOP" },
    { "user", "root" }, { "username", "root" }, { "password", "secret" }, { "keys", "ssh-rsa AAAA x" },
    { "group", "g" }, { "mountpoint", "/" }, { "mountpoints", "/" }, { "cpumap", "0" },
    { "cpumap", "0-1" },
    { "metadata", "<app:x xmlns:app='http://example.org/app'/>" }, { "metadata", "title" },
    { "key_domain", "app" }, { "key_network", "app" },
    { "cmd", "{\"execute\":\"query-status\"}" }, { "cmd", "info status" },
    { "cmd", "{\"execute\":\"guest-ping\"}" },
    /* A group of disks, or of constants; and names of constants. */
    { "group", "domain_state" }, { "group", "domain_start_flags" }, { "name_enum", "running" },
    { "name_enum", "paused|autodestroy" },
    { "class_name", "domain" }, { "class_name", "value" }, { "class_name", "conn" },
    { "value", "secret" }, { "mask", "\x01" }, { "mask", "\x03" }, { "data", "data" },
    /* Arguments of commands. */
    { "size", "1" }, { "size", "64K" }, { "size", "1M" }, { "capacity", "64K" }, { "domain", "test" },
    { "domain", "web" }, { "domain", "fuzz" }, { "domain", "off" }, { "network", "default" },
    { "network", "front" }, { "pool", "default-pool" }, { "pool", "images" }, { "pool", "fuzz" },
    { "vol", "web.qcow2" }, { "vol", "v" },     { "iface", "eth0" }, { "secret", UUID "13" }, { "snapshotname", "root" }, { "snapshotname", "child" },
    { "target", "vdb" }, { "f", "raw" }, { "O", "qcow2" }, { "states", "running" },
    { "name", "fuzz" }, { "name", "test" }, { "mode", "acpi" }, { "state", "up" }, { "state", "down" },
    { "keycode", "KEY_A" }, { "format", "raw" }, { "cpu", "0" },
};

/* Things that no text of its topic is. Names of files must not come of it. */
static const struct text odd[] = {
#define ODD(text) { text, sizeof(text) - 1 }
    ODD(""), ODD(" "), ODD("0"), ODD("-1"), ODD("a\xff"), ODD("\xed\xa0\x80"), ODD("\xc3"),
    ODD("ünïcode — \xf0\x9f\x90\xaa"), ODD("%s%n%s%n"), ODD("a\nb\rc"), ODD("<"), ODD("<a>"),
    ODD("<a/><b/>"), ODD("<a>&#0;</a>"), ODD("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), ODD("{"),
    ODD("[1,"), ODD("nan"), ODD("1e999"), ODD("99999999999999999999"), ODD("\x7f\x01"), ODD("a.b[0].c"),
    ODD("true"), ODD("null"),
};
enum { ODDS = sizeof odd / sizeof *odd };

static struct text long_text, long_document, deep_json, deep_document;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Arguments of commands have topics of their own where no parameter has their name. */
static const char *const more_topics[] = {
    "size", "capacity", "domain", "network", "pool", "vol", "interface", "iface", "secret",
    "snapshotname", "target", "f", "O", "states", "name", "mode", "state", "keycode", "format", "cpu",
    "volume", "snapshot", "device_name",
};
enum { MORE = sizeof more_topics / sizeof *more_topics };

static struct {
    struct text seeds[KNOWN], learned[LEARNED];
    int known, learned_count;
    unsigned next;
} topics[TOPICS + MORE];

int topic_named(const char *name)
{
    for (int i = 0; i < TOPICS; i++)
        if (strcmp(topic_names[i], name) == 0)
            return i;
    for (int i = 0; i < MORE; i++)
        if (strcmp(more_topics[i], name) == 0)
            return TOPICS + i;
    return -1;
}

void lock_texts(bool locked)
{
    (locked ? pthread_mutex_lock : pthread_mutex_unlock)(&lock);
}

/* --- making them ---------------------------------------------------------------------------- */

static char *replaced(char *text, const char *word, const char *by)
{
    char *at = strstr(text, word);
    if (!at)
        return text;
    size_t before = (size_t)(at - text);
    char *result = malloc(strlen(text) + strlen(by) + 1);
    memcpy(result, text, before);
    strcpy(result + before, by);
    strcat(result, at + strlen(word));
    free(text);
    return replaced(result, word, by);
}

static struct text expanded(const char *seed)
{
    char rich[4200];
    /* What is in this process is so much faster that little would come to the others. */
    bool daemon_only = the_round.target == TARGET_QEMU;
    snprintf(rich, sizeof rich, "test://%s", the_round.rich);
    char *text = replaced(strdup(seed), "@DIR@", the_round.scratch);
    text = replaced(text, "@TYPE@", the_round.target == TARGET_QEMU ? "qemu" : "test");
    text = replaced(text, "@LOCAL@", daemon_only ? uri_of_round() : "test:///default");
    text = replaced(text, "@RICH@", daemon_only ? uri_of_round() : rich);
    text = replaced(text, "@DAEMON@", uri_of_round());
    return (struct text){ text, strlen(text) };
}

static struct text repeated(const char *begin, const char *part, size_t times, const char *end)
{
    size_t length = strlen(part);
    char *text = malloc(strlen(begin) + length * times + strlen(end) + 1);
    char *at = stpcpy(text, begin);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, part);
    strcpy(at, end);
    return (struct text){ text, strlen(text) };
}

void make_texts(void)
{
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        int topic = topic_named(seeds[i][0]);
        /* Some are topics of commands only, which values.c asks for by name. */
        if (topic >= 0 && topics[topic].known < KNOWN)
            topics[topic].seeds[topics[topic].known++] = expanded(seeds[i][1]);
    }
    long_text = repeated("", "0123456789", 10000, "");
    long_document = repeated("<a>", "<b>1</b>", 2000, "</a>");
    deep_json = repeated("", "[", 5000, "");
    deep_document = repeated("", "<a>", 5000, "");
}

/* --- choosing ------------------------------------------------------------------------------- */

/* Others may replace what is learned, so that it is copied. A call that is made from
   within another one leaves that one's texts alone. */
static struct text lend(const char *data, size_t length)
{
    static _Thread_local struct {
        char *data;
        size_t size;
    } lent[DEPTHS][LENT], *place;
    static _Thread_local unsigned next[DEPTHS];
    int depth = call_depth < DEPTHS ? call_depth : DEPTHS - 1;
    place = &lent[depth][next[depth]++ % LENT];
    if (place->size < length + 1) {
        free(place->data);
        place->size = length + 64;
        place->data = malloc(place->size);
    }
    memcpy(place->data, data, length);
    place->data[length] = '\0';
    return (struct text){ place->data, length };
}

static struct text odd_text(struct chance *chance)
{
    uint64_t which = below(chance, ODDS + 4);
    return which < ODDS       ? odd[which]
           : which == ODDS     ? long_text
           : which == ODDS + 1 ? long_document
           : which == ODDS + 2 ? deep_json
                               : deep_document;
}

static struct text known_text(struct chance *chance, int topic)
{
    struct text text = { "", 0 };
    pthread_mutex_lock(&lock);
    int known = topics[topic].known, learned = topics[topic].learned_count;
    if (known && (!learned || once_in(chance, 2)))
        text = topics[topic].seeds[below(chance, (uint64_t)known)];
    else if (learned)
        text = topics[topic].learned[below(chance, (uint64_t)learned)];
    text = lend(text.data, text.length);
    pthread_mutex_unlock(&lock);
    return text;
}

/* One letter or tag wrong. Not for a name of a file, which would be another file's. */
static struct text damaged(struct chance *chance, struct text text)
{
    char *data = (char *)(uintptr_t)text.data;
    if (!text.length || *data == '/' || strstr(data, "://"))
        return text;
    uint64_t at = below(chance, text.length);
    if (once_in(chance, 3))
        data[at] = '\0';
    else if (data[at] != '/')
        data[at] = (char)(data[at] ^ (1 << below(chance, 7)));
    if (strchr(data, '/') && data[0] != '<')
        data[0] = 'x';
    text.length = strlen(data);
    return text;
}

/* A text of another topic may be the name of a program, and the function write to it. */
static bool lies_in_scratch(struct text text)
{
    return text.data[0] != '/' ||
           strncmp(text.data, the_round.scratch, strlen(the_round.scratch)) == 0;
}

struct text some_text(struct chance *chance, int topic)
{
    uint64_t how = below(chance, 32);
    if (topic < 0 || how == 0)
        return odd_text(chance);
    struct text text = known_text(chance, how < 3 ? (int)below(chance, TOPICS) : topic);
    if (how < 3 && !lies_in_scratch(text))
        return odd_text(chance);
    return how == 3 ? damaged(chance, text) : text;
}

struct text some_bytes(struct chance *chance, int topic)
{
    if (topic >= 0 && !once_in(chance, 6)) {
        struct text text = known_text(chance, topic);
        if (text.length)
            return text;
    }
    char bytes[64];
    size_t length = once_in(chance, 2) ? 16 : below(chance, sizeof bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)any_number(chance);
    return lend(bytes, length);
}

/* --- learning ------------------------------------------------------------------------------- */

/* Whether a text, given to a function that writes to a file, could do harm there. */
static bool is_harmless(const char *data, size_t length)
{
    if (memmem(data, length, "/dev/", 5) || memmem(data, length, "ssh", 3))
        return false;
    return data[0] != '/' || strncmp(data, the_round.scratch, strlen(the_round.scratch)) == 0 ||
           strncmp(data, "/images/", 8) == 0;
}

void learn(int topic, const char *data, size_t length)
{
    if (topic < 0 || !length || length > MOST_LENGTH || !is_harmless(data, length))
        return;
    char *copy = malloc(length + 1);
    memcpy(copy, data, length);
    copy[length] = '\0';
    pthread_mutex_lock(&lock);
    struct text *place = &topics[topic].learned[topics[topic].next++ % LEARNED];
    char *old = (char *)(uintptr_t)place->data;
    *place = (struct text){ copy, length };
    if (topics[topic].learned_count < LEARNED)
        topics[topic].learned_count++;
    pthread_mutex_unlock(&lock);
    free(old);
}
