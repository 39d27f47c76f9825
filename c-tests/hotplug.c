/*
 * A machine under QEMU that is being rebuilt: disks, network cards, virtual
 * CPUs and I/O threads come and go, its memory and disks are looked into, its
 * display is opened. It has no operating system and stays paused.
 *
 * usage: hotplug URI DIRECTORY
 *
 * bed: qemu-daemon URI scratch
 * tests: hotplug hotplug.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

#define MIB (1 << 20)

static vkvm_error *err;
static char disk_path[300], hot_path[300], media_path[300], socket_path[300];

static const char machine[] =
    "<domain type='qemu'><name>hotplug</name><memory unit='MiB'>64</memory>"
    "<vcpu current='1'>2</vcpu>"
    "<vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>"
    "<vcpu id='1' enabled='no' hotpluggable='yes'/></vcpus>"
    "<iothreads>1</iothreads><os><type arch='x86_64' machine='pc'>hvm</type></os>"
    "<features><acpi/></features><devices>"
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/>"
    "<target dev='vda' bus='virtio'/></disk>"
    "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>"
    "<target dev='sda' bus='scsi'/><readonly/></disk><controller type='scsi' model='virtio-scsi'/>"
    "<controller type='usb' model='none'/><memballoon model='virtio'/>"
    "<graphics type='vnc' passwd='secret'><listen type='socket' socket='%s'/></graphics>"
    "</devices></domain>";

static const char cdrom[] =
    "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='%s'/>"
    "<target dev='sda' bus='scsi'/><readonly/></disk>";

static const char hot_disk[] =
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/>"
    "<target dev='vdb' bus='virtio'/><alias name='ua-hot'/></disk>";

static const char card[] = "<interface type='user'><mac address='52:54:00:12:34:56'/>"
                           "<model type='virtio'/>%s<alias name='ua-card'/></interface>";

/* A document with one or two texts filled in. */
static const char *filled(const char *document, const char *first, const char *second)
{
    static char buffer[4096];
    snprintf(buffer, sizeof buffer, document, first, second);
    return buffer;
}

static void make_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(content, file) < 0 || fclose(file) || truncate(path, MIB)) {
        printf("Bail out! cannot write %s: %s\n", path, strerror(errno));
        exit(1);
    }
}

/* Checks whether the definition, of what runs or of the next start, has a text. */
static void defines(vkvm_domain *dom, uint32_t flags, const char *text, bool wanted)
{
    char *xml = NULL;
    works(vkvm_domain_get_xml_description(dom, flags, &xml, &err), &err, "get_xml_description");
    if (!ok((xml && strstr(xml, text)) == wanted, "%s is %sthere", text, wanted ? "" : "not "))
        diag("%.3000s", xml ? xml : "(NULL)");
    vkvm_string_free(xml);
}

static void disks(vkvm_domain *dom)
{
    vkvm_value *info = NULL;
    uint8_t *data = NULL;
    size_t length = 0;
    works(vkvm_domain_attach_device(dom, filled(hot_disk, hot_path, ""), 0, &err), &err,
          "attach a disk");
    defines(dom, 0, "ua-hot", true);
    defines(dom, VKVM_DOMAIN_XML_INACTIVE, "ua-hot", false);
    works(vkvm_domain_attach_device(dom, filled(hot_disk, hot_path, ""),
                                    VKVM_DOMAIN_DEVICE_MODIFY_CONFIG, &err),
          &err, "attach it for the next start");
    defines(dom, VKVM_DOMAIN_XML_INACTIVE, "ua-hot", true);

    works(vkvm_domain_block_resize(dom, "vdb", 3072, 0, &err), &err, "block_resize in KiB");
    works(vkvm_domain_get_block_info(dom, "vdb", 0, &info, &err), &err, "get_block_info");
    is_int(int_at(info, "capacity"), 3 * MIB, "as large as that");
    vkvm_value_free(info);
    works(vkvm_domain_block_resize(dom, "vdb", 2 * MIB, VKVM_DOMAIN_BLOCK_RESIZE_BYTES, &err),
          &err, "block_resize in bytes");
    works(vkvm_domain_get_block_info(dom, "vdb", 0, &info, &err), &err, "get_block_info");
    is_int(int_at(info, "capacity"), 2 * MIB, "as large as that");
    vkvm_value_free(info);

    works(vkvm_domain_block_peek(dom, "vda", 7, 5, 0, &data, &length, &err), &err, "block_peek");
    ok(length == 5 && memcmp(data, "sector", 5) == 0, "what is in the file");
    vkvm_bytes_free(data);
    ok(vkvm_domain_block_peek(dom, "vda", 0, 8 << 20, 0, &data, &length, &err) == -1,
       "8 MiB at once are too much for libvirt");
    forget(&err);
    ok(vkvm_domain_block_peek(dom, "vdz", 0, 1, 0, &data, &length, &err) == -1, "no such disk");
    has_text(vkvm_error_message(err), "vdz", "the error names it");
    forget(&err);
    works(vkvm_domain_set_block_threshold(dom, "vda", 4096, 0, &err), &err,
          "set_block_threshold");
    works(vkvm_domain_set_block_threshold(dom, "vda", 0, 0, &err), &err, "and no more");

    works(vkvm_domain_detach_device(dom, filled(hot_disk, hot_path, ""),
                                    VKVM_DOMAIN_DEVICE_MODIFY_CONFIG, &err),
          &err, "detach it from the next start");
    defines(dom, VKVM_DOMAIN_XML_INACTIVE, "ua-hot", false);
}

/* An operating system would let go of the card; here it is asked in vain. */
static void cards_and_media(vkvm_domain *dom)
{
    works(vkvm_domain_attach_device(dom, filled(card, "", ""), VKVM_DOMAIN_DEVICE_MODIFY_LIVE,
                                    &err),
          &err, "attach a network card");
    defines(dom, 0, "ua-card", true);
    works(vkvm_domain_update_device(dom, filled(card, "<link state='down'/>", ""), 0, &err), &err,
          "update it");
    defines(dom, 0, "<link state='down'/>", true);
    works(vkvm_domain_detach_device_alias(dom, "ua-card", 0, &err), &err, "detach it by alias");
    ok(vkvm_domain_detach_device_alias(dom, "ua-none", 0, &err) == -1, "no such alias");
    has_text(vkvm_error_message(err), "ua-none", "the error names it");
    forget(&err);

    works(vkvm_domain_update_device(dom, filled(cdrom, media_path, ""), 0, &err), &err,
          "put a medium in a drive");
    defines(dom, 0, media_path, true);
    ok(vkvm_domain_attach_device(dom, "<disk>\n<source></disk>", 0, &err) == -1,
       "a document that is not well-formed");
    is_str(vkvm_error_parameter(err), "xml", "is named");
    is_int(vkvm_error_line(err), 2, "with its line");
    forget(&err);
    ok(vkvm_domain_update_device(dom, "<disk", 0, &err) == -1, "update_device: another one");
    is_str(vkvm_error_parameter(err), "xml", "is named");
    forget(&err);
    ok(vkvm_domain_detach_device(dom, "<disk", 0, &err) == -1, "detach_device: another one");
    is_str(vkvm_error_parameter(err), "xml", "is named");
    forget(&err);
}

static void processors(vkvm_domain *dom)
{
    vkvm_value *list = NULL, *settings = NULL;
    uint8_t *mask = NULL;
    size_t length = 0;
    works(vkvm_domain_set_vcpu(dom, "1", 1, 0, &err), &err, "plug a virtual CPU in");
    works(vkvm_domain_pin_vcpu(dom, 1, "\x01", 1, 0, &err), &err, "pin_vcpu");
    works(vkvm_domain_pin_vcpu(dom, 0, "\x01", 1, VKVM_DOMAIN_AFFECT_CONFIG, &err), &err,
          "pin_vcpu for the next start");
    works(vkvm_domain_get_vcpu_info(dom, 0, &list, &err), &err, "get_vcpu_info");
    is_int(int_at(list, "1.number"), 1, "it is there");
    is_int(int_at(list, "1.state"), VKVM_DOMAIN_VCPU_RUNNING, "and runs");
    works(vkvm_value_get_bytes(list, "1.affinity", &mask, &length, &err), &err, "its affinity");
    ok(length >= 1 && mask[0] == 1, "is as set");
    vkvm_bytes_free(mask);
    vkvm_value_free(list);
    works(vkvm_domain_pin_emulator(dom, "\x01", 1, 0, &err), &err, "pin_emulator");
    works(vkvm_domain_get_emulator_pin_info(dom, 0, &mask, &length, &err), &err,
          "get_emulator_pin_info");
    ok(length >= 1 && mask[0] == 1, "is as set");
    vkvm_bytes_free(mask);

    works(vkvm_domain_add_iothread(dom, 5, 0, &err), &err, "add_iothread");
    must(vkvm_value_from_json("{\"poll_max_ns\": 1000, \"poll_grow\": 2, \"poll_shrink\": 3}",
                              &settings, &err),
         err, "from_json");
    works(vkvm_domain_set_iothread(dom, 5, settings, 0, &err), &err, "set_iothread");
    vkvm_value_free(settings);
    works(vkvm_domain_pin_iothread(dom, 5, "\x01", 1, 0, &err), &err, "pin_iothread");
    works(vkvm_domain_get_iothread_info(dom, 0, &list, &err), &err, "get_iothread_info");
    works(vkvm_value_get_length(list, NULL, &length, &err), &err, "its length");
    is_int((int64_t)length, 2, "there are two");
    vkvm_value_free(list);
    works(vkvm_domain_del_iothread(dom, 5, 0, &err), &err, "del_iothread");
}

static void memory_and_keys(vkvm_domain *dom)
{
    const int keys[] = { 29, 56, 111 };
    uint8_t *data = NULL;
    size_t length = 0;
    works(vkvm_domain_memory_peek(dom, 0xffff0, 16, VKVM_DOMAIN_MEMORY_PHYSICAL, &data, &length,
                                  &err),
          &err, "memory_peek");
    ok(length == 16 && data[0] == 0xea, "at its first instruction it jumps");
    vkvm_bytes_free(data);
    ok(vkvm_domain_memory_peek(dom, 0, 1, 0, &data, &length, &err) == -1,
       "the kind of the address must be said");
    forget(&err);
    works(vkvm_domain_send_key(dom, VKVM_DOMAIN_KEYCODE_SET_LINUX, 1, keys, 3, 0, &err), &err,
          "send_key");
    works(vkvm_domain_set_memory_stats_period(dom, 2, 0, &err), &err, "set_memory_stats_period");
    defines(dom, 0, "<stats period='2'/>", true);
}

static void security(vkvm_domain *dom)
{
    vkvm_value *value = NULL;
    size_t length = 0;
    works(vkvm_domain_get_security_label(dom, &value, &err), &err, "get_security_label");
    is_int(int_at(value, "enforcing"), 0, "nothing is enforced here");
    vkvm_value_free(value);
    works(vkvm_domain_get_security_label_list(dom, &value, &err), &err,
          "get_security_label_list");
    works(vkvm_value_get_length(value, NULL, &length, &err), &err, "its length");
    ok(length >= 1, "there is one at least");
    is_int(int_at(value, "0.enforcing"), 0, "nothing is enforced here, either");
    vkvm_value_free(value);
    works(vkvm_domain_get_launch_security_info(dom, 0, &value, &err), &err,
          "get_launch_security_info");
    works(vkvm_value_get_length(value, NULL, &length, &err), &err, "its length");
    is_int((int64_t)length, 0, "there is none");
    vkvm_value_free(value);
}

/* Checks that a display speaks at the other end of a socket. */
static void speaks(int fd, const char *name)
{
    char text[13] = "";
    size_t length = 0;
    ssize_t got = 1;
    while (length < 12 && (got = read(fd, text + length, 12 - length)) > 0)
        length += (size_t)got;
    ok(strncmp(text, "RFB 003.", 8) == 0, "%s: the display says its version", name);
}

static void displays(vkvm_domain *dom)
{
    int fd = -1, pair[2];
    works(vkvm_domain_open_graphics_fd(dom, 0, VKVM_DOMAIN_OPEN_GRAPHICS_SKIPAUTH, &fd, &err),
          &err, "open_graphics_fd");
    speaks(fd, "open_graphics_fd");
    ok(close(fd) == 0, "the descriptor is ours to close");
    ok(vkvm_domain_open_graphics_fd(dom, 1, 0, &fd, &err) == -1, "there is one display only");
    forget(&err);
    if (ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "a pair of sockets")) {
        works(vkvm_domain_open_graphics(dom, 0, pair[1], 0, &err), &err, "open_graphics");
        ok(fcntl(pair[1], F_GETFD) >= 0, "the socket was only borrowed");
        close(pair[1]);
        speaks(pair[0], "open_graphics");
        close(pair[0]);
    }
}

/* A disk whose file only we have opened; it can be there from the start only. */
static void associated_files(vkvm_domain *dom)
{
    static const char document[] =
        "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
        "<source file='/nowhere' fdgroup='ours'/><target dev='vdc' bus='virtio'/></disk>";
    int fd = open(hot_path, O_RDWR);
    int returned = vkvm_domain_fd_associate(dom, "ours", &fd, 1, 0, &err);
    if (returned < 0 && vkvm_error_code(err) == VKVM_ERROR_ERR_NO_SUPPORT) {
        has_text(vkvm_error_message(err), "9.0.0", "fd_associate: the version is named");
        forget(&err);
    } else {
        works(returned, &err, "fd_associate");
        ok(fcntl(fd, F_GETFD) >= 0, "the file was only borrowed");
        works(vkvm_domain_attach_device(dom, document, VKVM_DOMAIN_DEVICE_MODIFY_CONFIG, &err),
              &err, "attach it as a disk");
        works(vkvm_domain_create(dom, VKVM_DOMAIN_START_PAUSED, &err), &err, "start the machine");
        defines(dom, 0, "fdgroup='ours'", true);
        works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    }
    close(fd);
}

/* While it is off, a virtual CPU can be pulled out, too. */
static void processors_of_the_next_start(vkvm_domain *dom)
{
    works(vkvm_domain_set_vcpu(dom, "1", 1, VKVM_DOMAIN_AFFECT_CONFIG, &err), &err,
          "plug a virtual CPU in for the next start");
    defines(dom, 0, "<vcpu id='1' enabled='yes'", true);
    works(vkvm_domain_set_vcpu(dom, "1", 0, VKVM_DOMAIN_AFFECT_CONFIG, &err), &err,
          "and pull it out");
    defines(dom, 0, "<vcpu id='1' enabled='no'", true);
}

int main(int argc, char **argv)
{
    vkvm_domain *dom = NULL;
    if (argc != 3) {
        printf("Bail out! usage: hotplug URI DIRECTORY\n");
        return 2;
    }
    snprintf(disk_path, sizeof disk_path, "%s/disk.img", argv[2]);
    snprintf(hot_path, sizeof hot_path, "%s/hot.img", argv[2]);
    snprintf(socket_path, sizeof socket_path, "%s/vnc", argv[2]);
    make_file(disk_path, "in the sector");
    snprintf(media_path, sizeof media_path, "%s/media.img", argv[2]);
    make_file(hot_path, "");
    make_file(media_path, "");
    vkvm_conn *conn = open_conn(argv[1], 0);
    must(vkvm_conn_define_domain(conn, filled(machine, disk_path, socket_path), 0, &dom, &err),
         err, "define the machine");
    must(vkvm_domain_create(dom, VKVM_DOMAIN_START_PAUSED, &err), err, "start it");
    disks(dom);
    cards_and_media(dom);
    processors(dom);
    memory_and_keys(dom);
    security(dom);
    displays(dom);
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    processors_of_the_next_start(dom);
    associated_files(dom);
    works(vkvm_domain_undefine(dom, 0, &err), &err, "undefine");
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
