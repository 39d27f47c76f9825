# SPDX-License-Identifier: LGPL-2.1-or-later
# The words of the documentation are English, or in xt/stopwords: when this fails for a word
# that is right, add it there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";
use Test::More;
use TestVKVM;

need_module('Test::Spelling', 'libtest-spelling-perl');
plan(skip_all => 'aspell with an English dictionary is not here (aspell, aspell-en)')
  if system('aspell --lang=en list </dev/null >/dev/null 2>&1') != 0;

my $top = "$FindBin::Bin/..";
open(my $handle, '<', "$top/xt/stopwords") or die "cannot read the words: $!";
Test::Spelling::add_stopwords(grep { !/^#/ } map { split } <$handle>);
close $handle or die "cannot read the words: $!";

my @files = sort(Test::Spelling::all_pod_files("$top/lib"));

# Names of libvirt's, keys of maps and abbreviations are no words.
for my $file (@files) {
    open(my $pod, '<', $file) or die "cannot read $file: $!";
    my $text = do { local $/; <$pod> };
    Test::Spelling::add_stopwords($text =~ /\b([a-z]+[A-Z]\w*|[A-Z][A-Z0-9]+s?)\b/g);
}

Test::Spelling::set_spell_cmd('aspell list --lang=en_US --encoding=utf-8');
Test::Spelling::pod_file_spelling_ok($_, $_ =~ s{^\Q$top/\E}{}r) for @files;

done_testing;
