# SPDX-License-Identifier: LGPL-2.1-or-later
# Network filters and bindings. libvirt's test driver has none, so here is only
# what can be seen without: that each call reaches libvirt's function.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $conn = VKVM->new(uri => 'test:///default');
my $uuid = '11111111-2222-3333-4444-555555555555';

my @calls = (
    [ virConnectListAllNWFilters       => 'list_all_nwfilters' ],
    [ virConnectListAllNWFilters       => 'list_all_nwfilters', 0 ],
    [ virConnectListAllNWFilters       => 'list_nwfilters' ],
    [ virConnectNumOfNWFilters         => 'num_of_nwfilters' ],
    [ virConnectListNWFilters          => 'list_nwfilter_names', 10 ],
    [ virNWFilterLookupByName          => 'get_nwfilter_by_name', 'clean-traffic' ],
    [ virNWFilterLookupByUUID          => 'get_nwfilter_by_uuid', $uuid ],
    [ virNWFilterDefineXML             => 'define_nwfilter', '<filter name="x"/>' ],
    [ virNWFilterDefineXML             => 'define_nwfilter', '<filter name="x"/>', undef ],
    [ virConnectListAllNWFilterBindings => 'list_all_nwfilter_bindings' ],
    [ virNWFilterBindingLookupByPortDev => 'get_nwfilter_binding_by_port_dev', 'vnet0' ],
    [ virNWFilterBindingCreateXML       => 'create_nwfilter_binding', '<filterbinding/>', 0 ],
);
push @calls, [ virNWFilterDefineXMLFlags => 'define_nwfilter', '<filter name="x"/>', 1 ]
  if VKVM->get_version >= 7_007_000;

for my $call (@calls) {
    my ($function, $method, @args) = @$call;
    my $error = thrown { my @results = $conn->$method(@args) };
    is($error->code,     VKVM::Error::ERR_NO_SUPPORT, "$method is not supported");
    is($error->function, $function, "$method calls $function");
}

own_error { $conn->get_nwfilter_by_uuid('x') } VKVM::Error::OWN_INVALID, 'uuid', 'no uuid';
own_error { $conn->list_nwfilter_names(-1) } VKVM::Error::OWN_INVALID, 'maxnames', 'less than 0';
is(thrown { $conn->define_nwfilter('<filter') }->parameter, undef,
    'where nothing is read, no document is to blame');

# An object of another class is refused before libvirt is asked.
for my $method (qw(get_name get_uuid get_uuid_string get_xml_description undefine)) {
    own_error { VKVM::NWFilter->can($method)->($conn) } VKVM::Error::OWN_WRONG_CLASS, 'nwfilter',
      "NWFilter::$method of a connection";
}
for my $method (qw(get_port_dev get_filter_name get_xml_description delete)) {
    own_error { VKVM::NWFilterBinding->can($method)->($conn) } VKVM::Error::OWN_WRONG_CLASS,
      'binding', "NWFilterBinding::$method of a connection";
}

undef $conn;
handles_are({ conn => 0, nwfilter => 0, nwfilter_binding => 0, error => 0 }, 'no handle is left');

done_testing;
