# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage pools, volumes, domains and snapshots next to the real python-kvm.

tests/python-kvm calls these functions with its Test, which runs each command by both.
"""

# What differs, and why; as in tests/python-kvm.
EXCEPTIONS = {
    'volume.clone print_xml': 'the same document in another notation',
    'domain.desc': "python-kvm takes the words of a description for keys and values",
    'domain.desc set': 'python-kvm reads what virsh prints as keys and values',
    'domain.save': 'virsh begins a line where it would show the progress',
    'snapshot.create': "python-kvm misspells the name of virsh's command",
    'domain.blkstat': 'measured at two times: only the shape can be equal',
    'domain.cpustats': 'measured at two times: only the shape can be equal',
    'domain.memstat': 'measured at two times: only the shape can be equal',
    'domain.blkinfo all': 'python-kvm does not read the table: it gives nothing',
    'domain.info': 'measured at two times: only the shape can be equal',
    'pool.info': 'measured at two times: only the shape can be equal',
    'pool.info bytes': 'measured at two times: only the shape can be equal',
    'pool.name by name': 'the library refuses what is no uuid, in its own words',
    'domain.info of no domain': "virsh drops libvirt's reason, which is here",
    'domain.conf of no domain': "virsh drops libvirt's reason, which is here",
    'domain.state of no domain': "virsh drops libvirt's reason, which is here",
    'domain.uuid of no domain': "virsh drops libvirt's reason, which is here",
    'domain.id of no domain': "virsh drops libvirt's reason, which is here",
    'domain.name of no domain': "virsh drops libvirt's reason, which is here",
    'snapshot.info of no domain': "virsh drops libvirt's reason, which is here",
}

# As in tests/python-kvm.
SAYS_MORE = {
    'volume.wipe with water',
    'domain.attach_disk at vdb junk',
    "domain.attach_interface vhostuser {'source_mode': 'x'}",
    'domain.attach_interface of a wrong type',
}

# Commands that python-kvm cannot run here, and why.
NOT_COMPARED = {
    'domain.inject_nmi': 'python-kvm calls a command that virsh does not have',
    'domain.stop': 'python-kvm waits with a signal of the whole process',
    'domain.time': 'python-kvm gives an object of Python',
    'domain.ttyconsole': 'python-kvm fails without a message where there is none',
    'domain.managedsave': 'it is domain.save with another place',
}

def pools(test):
    both, folder = test.both, test.folder
    file = test.write('q.xml', "<pool type='dir'><name>q</name><uuid>"
                      "28d614d5-7e17-40fc-b866-cc4bd26eab47</uuid><target><path>%s/q</path>"
                      "</target></pool>" % folder)
    both('pool.define', file)
    both('pool.define', test.write('bad.xml', '<pool/>'), case='of a wrong document')
    both('pool.define', '/nonexistent', case='without a file')
    both('pool.info', 'q', case='inactive')
    both('pool.start', 'q', case='before build')
    both('pool.build', 'q')
    both('pool.build', 'q', case='in two ways', overwrite=True, no_overwrite=True)
    both('pool.start', 'q', between=[('pool.destroy', 'q')])
    both('pool.info', 'q')
    both('pool.info', 'q', case='bytes', bytes=True)
    both('pool.conf', 'q', case='inactive', inactive=True)
    both('pool.refresh', 'q')
    both('pool.autostart', 'q')
    both('pool.autostart', 'q', case='disabled', disable=True)
    uuid = both('pool.uuid', 'q')
    both('pool.name', uuid)
    both('pool.name', 'q', case='by name')
    both('pool.delete', 'q', case='that runs')
    both('pool.undefine', 'q', case='that runs')
    both('pool.destroy', 'q', between=[('pool.start', 'q')])
    both('pool.delete', 'q', between=[('pool.build', 'q')])
    both('pool.undefine', 'q', between=[('pool.define', file)])
    test.library.call('pool.build', test.library.call('pool.define', file) and 'q')
    test.library.call('pool.undefine', 'q')
    both('pool.create', file, between=[('pool.destroy', 'q')])
    test.library.call('pool.destroy', 'q')
    both('pool.create_as', 'q', 'dir', target=folder + '/q', between=[('pool.destroy', 'q')])
    test.library.call('pool.destroy', 'q')
    both('pool.define_as', 'q', 'dir', target=folder + '/q', between=[('pool.undefine', 'q')])
    both('pool.define_as', 'q', 'nothing', case='of a wrong type')
    both('pool.define_as', 'r', 'iscsi', case='print_xml', source_host='h', source_dev='d',
         target='/t', auth_type='chap', auth_username='u', secret_usage='s', print_xml=True)
    for command in ('start', 'build', 'destroy', 'undefine', 'delete', 'refresh', 'info', 'uuid',
                    'conf', 'autostart'):
        both('pool.' + command, 'nope', case='of no pool')
    test.library.call('pool.start', 'q')

def volumes(test):
    both, folder = test.both, test.folder
    gone = [('volume.delete', 'a', 'q')]
    both('volume.create_as', 'q', 'a', '20M', format='qcow2', between=gone)
    both('volume.create_as', 'q', 'a', '20M', case='that is there')
    both('volume.create_as', 'q', 'b', '20M', case='print_xml', allocation='1M', backing_vol='a',
         backing_vol_format='qcow2', print_xml=True)
    both('volume.create_as', 'q', 'b', '20M', case='on nothing', backing_vol='nope')
    file = test.write('v.xml', '<volume><name>v</name><capacity>1048576</capacity></volume>')
    both('volume.create', 'q', file, between=[('volume.delete', 'v', 'q')])
    both('volume.create', 'q', '/nonexistent', case='without a file')
    for case, options in (('', {}), ('bytes', {'bytes': True}), ('physical', {'physical': True})):
        both('volume.info', 'a', case=case, pool='q', **options)
    both('volume.conf', 'a', pool='q')
    path = both('volume.path', 'a', pool='q')
    both('volume.key', 'a', pool='q')
    both('volume.name', path)
    for command in ('info', 'conf', 'path', 'key', 'delete', 'wipe'):
        both('volume.' + command, 'nope', case='of no volume', pool='q')
        both('volume.' + command, 'nope', case='of no volume in no pool')
        both('volume.' + command, 'nope', case='in a pool that is not there', pool='nope')
    both('volume.name', 'nope', case='of no volume')
    both('volume.clone', 'v', 'w', pool='q', between=[('volume.delete', 'w', 'q')])
    both('volume.clone', 'v', 'w', case='that is there', pool='q')
    both('volume.resize', 'v', '2MiB', pool='q')
    both('volume.resize', 'v', '1M', case='by', pool='q', delta=True)
    both('volume.resize', 'v', '1M', case='to less', pool='q')
    file = test.write('x.xml', '<volume><name>x</name><capacity>1048576</capacity></volume>')
    both('volume.create_from', 'q', file, 'w', inputpool='q',
         between=[('volume.delete', 'x', 'q')])
    both('volume.create_from', 'q', file, 'w', case='without its pool')
    both('volume.wipe', 'w', pool='q')
    both('volume.wipe', 'w', case='with water', pool='q', algorithm='water')
    data = test.write('data', 'x' * 100000)
    both('volume.upload', 'w', data, pool='q')
    both('volume.upload', 'w', '/nonexistent', case='of no file', pool='q')
    both('volume.download', 'w', folder + '/back', pool='q')
    both('volume.download', 'w', '/nonexistent/x', case='to no folder', pool='q')
    both('volume.delete', 'w', pool='q', between=[('volume.create_as', 'q', 'w', '1M')])

def guests(test):
    both, folder = test.both, test.folder
    test.library.call('volume.create_as', 'q', 'disk.qcow2', '20M', format='qcow2')
    file = test.write('g.xml', (
        "<domain type='qemu'><name>g</name><uuid>6d14f73a-1087-4180-892d-8d80fc6b55ed</uuid>"
        "<memory unit='MiB'>32</memory><os><type arch='x86_64'>hvm</type></os><features><acpi/>"
        "</features><devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
        "<source file='%s/q/disk.qcow2'/><target dev='vda' bus='virtio'/></disk>"
        "<interface type='user'><mac address='52:54:00:00:00:09'/></interface>"
        "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/></devices></domain>") % folder)
    both('domain.define', file)
    both('domain.define', '/nonexistent', case='without a file')
    both('domain.info', 'g', case='inactive')
    both('domain.start', 'g', between=[('domain.destroy', 'g')])
    both('domain.start', 'g', case='that runs')
    both('domain.info', 'g')
    both('domain.name', '6d14f73a-1087-4180-892d-8d80fc6b55ed')
    for command in ('conf', 'control', 'display', 'id', 'state', 'uuid', 'blklist',
                    'iflist', 'memtune', 'numatune', 'blkiotune'):
        both('domain.' + command, 'g')
    both('domain.conf', 'g', case='inactive', inactive=True)
    both('domain.state', 'g', case='with the reason', reason=True)
    both('domain.blklist', 'g', case='in detail', details=True)
    both('domain.blkinfo', 'g', 'vda')
    both('domain.blkinfo', 'g', case='all', all=True)
    both('domain.blkdeviotune', 'g', 'vda')
    both('domain.blkdeviotune', 'g', 'vda', case='set', read_iops_sec=7)
    both('domain.blkdeviotune', 'g', 'vdz', case='of no disk', read_iops_sec=7)
    both('domain.desc', 'g', 'a text', case='set', title=True)
    both('domain.suspend', 'g')
    both('domain.resume', 'g', between=[('domain.suspend', 'g')])
    both('domain.reset', 'g')
    both('domain.reboot', 'g')
    both('domain.reboot', 'g', case='in a wrong mode', mode='kindly')
    both('domain.shutdown', 'g', case='in a wrong mode', mode='kindly')
    both('domain.autostart', 'g')
    both('domain.autostart', 'g', case='disabled', disable=True)
    both('domain.pmsuspend', 'g', 'mem', case='without an agent')
    both('domain.pmwakeup', 'g', case='that is awake')
    both('domain.setmem', 'g', 32768)
    both('domain.setvcpus', 'g', 99, case='too many')
    both('domain.send_key', 'g', 'KEY_A')
    both('domain.managedsave_remove', 'g')
    both('domain.attach_device', 'g', '/nonexistent', case='without a file')
    both('domain.detach_disk', 'g', 'vdz', case='of no disk')
    both('domain.detach_interface', 'g', 'bridge', case='of no interface')
    both('domain.attach_disk', 'g', '/x', 'vdb', case='print_xml', targetbus='virtio',
         subdriver='raw', mode='readonly', print_xml=True)
    for address, target in (('pci:0000.00.1f.a', 'vdb'), ('ccw:0xfe.0.1', 'vdb'), ('scsi:0.1.10', 'sdb'),
                            ('usb:1.2', 'sdb'), ('ide:0.1.2', 'hdb'), ('junk', 'vdb'),
                            ('pci:0.0.1.0', 'sdb'), ('ide:0.0.0', 'vdb'), ('usb:1.2', 'hdb')):
        both('domain.attach_disk', 'g', '/x', target, case='at %s %s' % (target, address),
             address=address, multifunction=True, print_xml=True)
    for host in ({}, {'source_host_name': 'h'}, {'source_host_name': 'h:1'},
                 {'source_host_name': 'h', 'source_host_socket': '/s'}, {'source_host_socket': '/s'},
                 {'source_host_name': 'h', 'source_host_socket': '/s',
                  'source_host_transport': 'unix'},
                 {'source_host_socket': '/s', 'source_host_transport': 'unix'}):
        both('domain.attach_disk', 'g', 'v', 'vdb', case='of %s' % sorted(host.items()),
             source_protocol='nbd', print_xml=True, **host)
    both('domain.attach_disk', 'g', 'v', 'vdb', case='without a protocol', source_host_name='h')
    both('domain.attach_disk', 'g', 'v', 'vdb', case='of a wrong type', source_protocol='nbd',
         sourcetype='file')
    both('domain.attach_interface', 'g', 'hostdev', '0000:0a:1f.7', case='hostdev', managed=True,
         model='virtio', print_xml=True)
    both('domain.attach_interface', 'g', 'hostdev', '0a:1f.7', case='of a wrong hostdev')
    for mode in ({'source_mode': 'server'}, {'source_mode': 'client'}, {'source_mode': 'x'}, {}):
        both('domain.attach_interface', 'g', 'vhostuser', '/s', case='vhostuser %s' % mode,
             print_xml=True, **mode)
    both('domain.if_getlink', 'g', '52:54:00:00:00:09')
    both('domain.if_setlink', 'g', 'nope', 'down', case='of no interface')
    both('domain.blkstat', 'g', 'vda')
    both('domain.cpustats', 'g')
    both('domain.memstat', 'g')
    both('domain.ifstat', 'g', 'nope', case='of no interface')
    both('domain.iftune', 'g', 'nope', case='of no interface')
    both('domain.schedinfo', 'g', case='without control groups')
    both('domain.setmaxmem', 'g', '64M', case='while it runs', live=True)
    for command in ('detach_device', 'update_device'):
        both('domain.' + command, 'g', '/nonexistent', case='without a file')
    both('domain.attach_interface', 'g', 'x', 'y', case='of a wrong type')
    both('domain.coredump', 'g', '/nonexistent/x', case='to no folder', format='elf')
    both('domain.save_define', '/nonexistent', '/nonexistent', case='without a file')
    both('domain.screenshot', 'g', folder + '/shot')
    definition = test.write('s.xml', '<domainsnapshot><name>s0</name></domainsnapshot>')
    both('snapshot.create', 'g', definition, between=[('snapshot.delete', 'g', 's0')])
    test.library.call('snapshot.delete', 'g', 's0')
    both('domain.blockresize', 'g', 'vda', '30M')
    both('domain.save', 'g', folder + '/saved', between=[('domain.restore', folder + '/saved')])
    both('domain.save_conf', folder + '/saved')
    both('domain.restore', folder + '/saved', between=[('domain.destroy', 'g')])
    both('snapshot.create_as', 'g', 's1', between=[('snapshot.delete', 'g', 's1')])
    both('snapshot.create_as', 'g', 's1', case='that is there')
    both('snapshot.create_as', 'g', 's2', case='print_xml', diskspec='vda,snapshot=external',
         print_xml=True)
    test.library.call('snapshot.create_as', 'g', '7')
    both('snapshot.info', 'g', 's1')
    both('snapshot.info', 'g', '7', case='with a parent')
    both('snapshot.info', 'g', case='of none')
    both('snapshot.conf', 'g', 's1')
    both('snapshot.current', 'g')
    both('snapshot.current', 'g', case='by name', name=True)
    both('snapshot.parent', 'g', '7')
    both('snapshot.parent', 'g', 's1', case='of the first')
    both('snapshot.revert', 'g', 's1')
    both('snapshot.delete', 'g', 'nope', case='of none')
    both('snapshot.delete', 'g', '7', between=[('snapshot.create_as', 'g', '7')])
    both('snapshot.delete', 'g', 's1', case='and its children', children_only=True)
    both('domain.destroy', 'g', between=[('domain.start', 'g')])
    both('domain.destroy', 'g', case='that is off')
    both('domain.undefine', 'g', case='with a snapshot')
    test.library.call('snapshot.delete', 'g', 's1')
    both('domain.undefine', 'g', between=[('domain.define', file)])
    both('domain.create', file, between=[('domain.destroy', 'g')])
    test.library.call('domain.destroy', 'g')
    for command in ('start', 'destroy', 'suspend', 'resume', 'reset', 'reboot', 'shutdown',
                    'undefine', 'info', 'conf', 'state', 'uuid', 'id', 'name', 'autostart'):
        both('domain.' + command, 'nope', case='of no domain')
    both('snapshot.info', 'nope', 's', case='of no domain')


PARTS = (pools, volumes, guests)
