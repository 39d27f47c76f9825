# SPDX-License-Identifier: LGPL-2.1-or-later
package SysVirtShow;

# For programs that call Sys::Virt and print what it gives, a line for each call:
# NAME = VALUE, and for an error further lines that begin with spaces. What is
# another number each time is printed as "a number".

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(show show_error call text);

$| = 1;
# Sys::Virt takes undef where it may stand, but warns.
$SIG{__WARN__} = sub { warn @_ if $_[0] !~ /^Use of uninitialized value/ };
$SIG{ALRM} = sub { die "this took longer than two minutes\n" };
alarm 120;

# What is another number each time, by the name of the call or key it is in.
my %changes = map { $_ => 1 } qw(
  cpuTime kernel user idle iowait intr utilization free buffers cached cpu.time cpu.user cpu.system
  get_id list_domain_ids
  errs rd_bytes rd_req wr_bytes wr_req rx_bytes rx_packets rx_errs rx_drop tx_bytes tx_packets
  tx_errs tx_drop cpu_time vcpu_time user_time system_time flush_req
  rss major_fault minor_fault unused usable disk_caches last_update
  availabl get_time get_node_free_memory get_node_cells_free_memory 4 cpu
);
my $changes = qr/^(?:vcpu\.\d+\.(?:time|wait|delay|halted)|dirtyrate|perf\.|balloon\.(?!maximum)|net\.\d+\.[rt]x
                 |load\.\d+m|block\.\d+\.(?:rd|wr|fl|allocation|physical))/x;

# An object by its class, whatever that is called, and its name.
sub object {
    my ($object) = @_;
    my ($class)  = (ref $object) =~ /(\w+)\z/;
    my ($name)   = grep { $object->can($_) } qw(get_name get_port_dev get_uuid_string);
    return lcfirst($class) . ($name ? ' ' . $object->$name : '');
}

# Junk, such as Sys::Virt's hashes of nothing have for keys, must not end a line.
sub printable {
    my ($text) = @_;
    return $text =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ger;
}

sub text {
    my ($name, $value) = @_;
    return 'undef' unless defined $value;
    if (ref $value eq 'HASH') {
        # docs/DIFFERENCES.md: the key is there under its right name as well.
        my @keys = grep { $_ ne 'available' || !exists $value->{availabl} } sort keys %$value;
        return '{' . join(', ', map { printable($_) . ' => ' . text($_, $value->{$_}) } @keys) . '}';
    }
    return '[' . join(', ', map { text($name, $_) } @$value) . ']' if ref $value eq 'ARRAY';
    return 'code' if ref $value eq 'CODE';
    return 'reference to ' . text($name, $$value) if ref $value eq 'REF' || ref $value eq 'SCALAR';
    # It is a number as well, which Sys::Virt's is not.
    return 'reference to ' . text($name, $$value) if ref $value eq 'VKVM::SysVirt::JobType';
    return object($value) if ref $value;
    return 'a number' if $value =~ /^\d[\d.]*\z/ && ($changes{$name} || $name =~ $changes);
    $value =~ s/(<domain [^>]*)id='\d+'/$1id='ID'/;
    $value =~ s/domain-\d+-/domain-ID-/g;
    $value =~ s{/channel/\d+-}{/channel/ID-}g;
    $value =~ s{/dev/pts/\d+}{/dev/pts/N}g;
    return "'" . printable($value) . "'";
}

# Shows values that a method of this name gave.
sub show_of {
    my ($method, $name, @values) = @_;
    return print "$name = ", text($method, \@values), "\n";
}

sub show { my ($name, @values) = @_; return print "$name = ", text($name, \@values), "\n" }

sub show_error {
    my ($name, $error) = @_;
    if (!ref $error) {
        $error =~ s/ at \S+ line \d+\.?$//;
        return show($name, $error);
    }
    show($name, "$error", map { $error->$_ } qw(code domain message));
    show('  isa',   $error->isa('Sys::Virt::Error') ? 1 : 0);
    show('  {level}', $error->{level});
    return show('  level()', $error->level);
}

# Stands before the names of calls.
our $prefix = '';

# A method in list context and, if that changes nothing, in scalar context.
sub call {
    my ($object, $method, @args) = @_;
    my $name = $prefix . join ' ', $method, map { text('', $_) } @args;
    # The value of the call is to be masked by the method's name alone.
    $name = $method if $changes{$method} && !@args;
    # libvirt keeps domains in a hash: which comes last is another each time.
    my $is_list = $method =~ /^(?:list_|get_all_)/;

    my @result = eval { $object->$method(@args) };
    my $last   = @result ? text($method, $result[-1]) : '';
    # Sys::Virt has a text for it, we an error that names the parameter.
    return show($name, 'wrong usage') if $@ =~ /^Usage: |: (?:is missing: )?Sys::Virt::[\w:]+\(.*\) got \d/;
    if ($@) { show_error($name, $@) }
    else {
        @result = sort { text('', $a) cmp text('', $b) } @result if $is_list;
        show_of($method, $name, @result);
    }
    return unless $method =~ /^(?:get|is|list|num)_/;
    my $one = eval { $object->$method(@args) };
    $one = 'an exception' if $@;
    $one = 'the last'     if $is_list && defined $one && text($method, $one) eq $last;
    return show_of($method, "$name: scalar", $one);
}

1;
