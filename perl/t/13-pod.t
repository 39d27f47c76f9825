# SPDX-License-Identifier: LGPL-2.1-or-later
# The documentation: well formed, and everything public is in it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

need_module('Test::Pod',           'libtest-pod-perl');
need_module('Test::Pod::Coverage', 'libtest-pod-coverage-perl');

my $blib = (grep { !ref && -e "$_/VKVM.pm" } @INC)[0];
my @files = Test::Pod::all_pod_files($blib);
@files = grep { m{/VKVM(?:\.|/)} } @files;
cmp_ok(scalar @files, '>', 4, 'there are files');
Test::Pod::pod_file_ok($_, $_ =~ s{.*/(?=VKVM)}{}r) for @files;

my @modules = map { s{^\Q$blib\E/}{}r =~ s{/}{::}gr =~ s/\.pm\z//r }
  "$blib/VKVM.pm", glob "$blib/VKVM/*.pm";
for my $module (@modules) {
    my $pod = "$blib/" . $module =~ s{::}{/}gr . '.pod';
    Test::Pod::Coverage::pod_coverage_ok(
        $module,
        {
            -e $pod ? (pod_from => $pod) : (),
            # Constants are documented in groups of a page.
            also_private => [qr/^(?:CLONE|CLONE_SKIP|DESTROY|bootstrap)$/],
        },
        "$module is documented"
    );
}

# Each constant that the documentation speaks of is there under that name; one
# with * or <...> stands for several.
my ($spoken_of, @unknown) = (0);
for my $file (grep { /\.pod\z/ } @files) {
    open(my $pod, '<', $file) or die "cannot read $file: $!";
    my $text = do { local $/; <$pod> };
    while ($text =~ /C<(?:<\s*)?(VKVM(?:::[A-Za-z]+)*)::([A-Z][A-Z0-9_]*)(?![A-Za-z])([*<]?)/g) {
        my ($package, $name, $open) = ($1, $2, $3);
        $spoken_of++;
        no strict 'refs';
        my $is_known = $open ? grep { /^\Q$name\E/ } keys %{"${package}::"} : $package->can($name);
        push @unknown, "$file: ${package}::$name$open" if !$is_known;
    }
}
cmp_ok($spoken_of, '>', 50, 'constants are spoken of');
is_deeply(\@unknown, [], 'and they exist');

done_testing;
