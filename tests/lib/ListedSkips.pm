# SPDX-License-Identifier: LGPL-2.1-or-later
# A harness for prove: with CI set in the environment, what is skipped and not on the list
# (tests/skips) fails the run; otherwise such skips are only told. A test that is always
# skipped where it matters proves nothing.
#
# usage: perl -Itests/lib -S prove --harness ListedSkips ...
package ListedSkips;

use strict;
use warnings;

use parent 'TAP::Harness';
use Cwd ();
use File::Basename qw(dirname);

# When this file is loaded: prove may run in another folder.
my $list = Cwd::abs_path(dirname(__FILE__) . '/../skips');

# Rows of the list: a pattern for the name of the test, one for the reason.
sub listed {
    open(my $file, '<', $list) or die "$list: $!\n";
    my @rows;
    while (my $line = <$file>) {
        chomp $line;
        next if $line =~ /^\s*(?:#|$)/;
        my ($test, $reason, $more) = split /\t+/, $line;
        die "$list: line $.: not two columns: $line\n" if !defined $reason || defined $more;
        push @rows, [ qr/$test/, qr/$reason/ ];
    }
    return @rows;
}

sub make_parser {
    my ($self, $job) = @_;
    my ($parser, $session) = $self->SUPER::make_parser($job);
    my $name = $job->description;
    # Subtests come as lines that the parser does not look into.
    $parser->callback(ALL => sub {
        my ($line) = $_[0]->raw =~ /^\s*(?:ok|1\.\.0)\b(.*?#\s*skip.*)/i or return;
        my ($what, $reason) = $line =~ /^(.*?)\s*#\s*skip\S*\s*(.*)/i;
        push @{ $self->{skips} }, [ $name, $what, $reason ];
    });
    return ($parser, $session);
}

sub runtests {
    my ($self, @tests) = @_;
    my $aggregate = $self->SUPER::runtests(@tests);
    my @rows = listed();
    my %unlisted;
    for my $skip (@{ $self->{skips} // [] }) {
        my ($name, $what, $reason) = @$skip;
        next if grep { $name =~ $_->[0] && $reason =~ $_->[1] } @rows;
        $unlisted{"$name:$what: $reason"}++;
    }
    return $aggregate unless %unlisted;
    my $text = join '', map { "  $_ ($unlisted{$_} times)\n" } sort keys %unlisted;
    die "skipped, and not on the list in tests/skips:\n$text" if $ENV{CI};
    print "Skipped (an error where CI is set):\n$text";
    return $aggregate;
}

1;
