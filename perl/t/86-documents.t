# SPDX-License-Identifier: LGPL-2.1-or-later
# Documents as Perl's structures: what is read is written as it was, with the order of its
# elements; booleans; what is no value; and errors in characters.

use strict;
use warnings;
use utf8;

use Config;
use File::Find qw(find);
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;
use BothFaces;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $root = "$FindBin::Bin/../..";

# --- there and back ------------------------------------------------------------------

my %character = (lt => '<', gt => '>', amp => '&', quot => '"', apos => "'");

sub unescaped {
    my ($text) = @_;
    $text =~ s/\r\n?/\n/g;
    $text =~ s{&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(\w+));}
              {defined $1 ? chr hex $1 : defined $2 ? chr $2 : $character{$3}}ge;
    return $text;
}

# What a document says, without the rules for structures: tags with their attributes, whose
# order says nothing, and text, in order. White space around text counts only where there is text behind a child.
sub parts_of {
    my ($xml) = @_;
    my @stack = ({ content => [] });
    my $add = sub {
        my ($text) = @_;
        my $content = $stack[-1]{content};
        return if $text eq '';
        @$content && !ref $content->[-1] ? ($content->[-1] .= $text) : push @$content, $text;
    };
    my $end = sub {
        my $element = pop @stack;
        my @content = @{ $element->{content} };
        my ($first) = grep { ref $content[$_] } 0 .. $#content;
        if (!defined $first || !grep { !ref && /[^ \t\r\n]/ } @content[$first .. $#content]) {
            @content = grep { ref || /[^ \t\r\n]/ } @content;
            s/^[ \t\r\n]+|[ \t\r\n]+\z//g for grep { !ref } @content;
        }
        push @{ $stack[-1]{content} }, [$element->{start}, \@content];
    };
    $xml =~ s/\A<\?xml .*?\?>//s;
    while ($xml =~ /\G(?:(<!--.*?-->|<!DOCTYPE[^>]*>)|<\?(\S+?)(?:\s+([^?]*?))?\s*\?>|<!\[CDATA\[(.*?)\]\]>|<\/([^\s>]+)\s*>|<([^\s\/>]+)((?:"[^"]*"|'[^']*'|[^"'>])*?)(\/?)>|([^<]+))/gcs) {
        my ($other, $target, $data, $cdata, $closed, $opened, $attributes, $empty, $text) = ($1, $2, $3, $4, $5, $6, $7, $8, $9);
        next if defined $other;
        if (defined $target) {
            push @{ $stack[-1]{content} }, [ "?$target", $data // '' ];
            next;
        }
        if (defined $opened) {
            my @attributes;
            while ($attributes =~ /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g) {
                my ($name, $value) = ($1, $2 // $3);
                $value =~ s/\r\n|[\r\n\t]/ /g;
                push @attributes, "$name=" . unescaped($value);
            }
            push @stack, { start => join("\n", $opened, sort @attributes), content => [] };
            $end->() if $empty;
        }
        elsif (defined $closed) { $end->() }
        elsif (defined $cdata)  { $cdata =~ s/\r\n?/\n/g; $add->($cdata) }
        else                    { $add->(unescaped($text)) }
    }
    die "not at the end: $xml" if (pos($xml) // 0) < length $xml || @stack > 1;
    return [grep { ref } @{ $stack[0]{content} }];
}

# Every document in the files of the project, whatever they are written in.
my @documents;
find(
    {
        no_chdir => 1,
        wanted   => sub {
            return if !-f || -s _ > 1 << 20;
            open my $file, '<:encoding(UTF-8)', $_ or die "$_: $!";
            local ($SIG{__WARN__}, $/) = (sub { });
            my $text = <$file> // '';
            for my $tag (qw(domain network pool volume secret filter interface device
                domainsnapshot disk)) {
                while ($text =~ /(?=(<$tag\b.*?<\/$tag>))/gs) {
                    my $xml = $1;
                    push @documents, $xml if eval { Face::from_xml($xml); 1 };
                }
            }
        },
    },
    grep { -d } map { "$root/$_" } qw(benches c-tests docs examples harness perl/t tests)
);
SKIP: {
    skip("c-tests is not here: this is not the project's tree", 1) unless -d "$root/c-tests";
    cmp_ok(scalar @documents, '>', 30, 'documents were found: ' . @documents);
}
my @changed;
for my $xml (@documents) {
    my $written = Face::to_xml(Face::from_xml($xml));
    next if eq_array(parts_of($written), parts_of($xml));
    push @changed, "$xml became $written";
}
is("@changed", '', 'each of them comes back as it was');

sub any_of { return $_[rand @_] }

sub any_element {
    my ($depth) = @_;
    my $name = any_of(qw(a b c q:d é x1), map { "n$_" } 1 .. 40);
    my %attributes = map { any_of(qw(x y z type é), map { "t$_" } 1 .. 40) => 1 } 1 .. rand 4;
    my $tag = join ' ', $name, map { qq($_="@{[any_of('', 1, 'ü&lt;', ' a ', '&#10;')]}") } keys %attributes;
    my $content = '';
    if ($depth) {
        my $text = rand() < 0.2;
        for (1 .. rand(rand() < 0.05 ? 60 : 6)) {
            $content .= any_of("\n", ' ') if rand() < 0.3;
            $content .= any_of('t', ' t&amp;ü ', '<![CDATA[<]]>', '1', '<!-- c -->') if $text && rand() < 0.5;
            $content .= any_of('<?p?>', '<?p &lt; ü="<>"?>', '<?p  q ?>', '<?ü 1?>') if rand() < 0.1;
            $content .= any_element($depth - 1);
        }
    }
    $content .= any_of('', '', 'text', "\n 5 \n", 'é', '0', '1') if rand() < 0.5;
    return $content eq '' ? "<$tag/>" : "<$tag>$content</$name>";
}
my $seed = $ENV{VKVM_SEED} // time;
srand $seed;
@changed = ();
for (1 .. $ENV{VKVM_CALLS} // 200) {
    my $xml = any_element(4);
    my $written = Face::to_xml(Face::from_xml($xml));
    push @changed, "$xml became $written" if !eq_array(parts_of($written), parts_of($xml));
}
is("@changed", '', "random ones, too (VKVM_SEED=$seed)");

# --- the order, and changes ----------------------------------------------------------

my $order = '<o z="1" a="2"><z/><m x="1"><c/><b/></m><a/><l/><l/></o>';
my $flat = sub { my $xml = Face::to_xml(@_); $xml =~ s/\n\s*//g; $xml };
my $doc = Face::from_xml($order);
is($flat->($doc), $order, 'elements and attributes have the order of the document');
is(join(' ', sort keys %{ $doc->{o} }), '@a @z a l m z', 'without a key of its own');
delete $doc->{o}{m};
$doc->{o}{n}   = { '@k' => 5 };
$doc->{o}{b}   = 'new';
$doc->{o}{z}   = 'set';
$doc->{o}{'@'. 'c'} = 3;
is($flat->($doc), '<o z="1" a="2" c="3"><z>set</z><a/><l/><l/><b>new</b><n k="5"/></o>',
    'what is gone is gone, what is new comes behind, by name');
is($flat->({ o => { %{ Face::from_xml($order)->{o} } } }),
    '<o a="2" z="1"><a/><l/><l/><m x="1"><c/><b/></m><z/></o>', 'a copy of a hash is in the order of names');
is($flat->(o => { c => 1, a => [1, 2], b => { d => 3 }, '#order' => [qw(b a c a)] }),
    '<o><b><d>3</d></b><a>1</a><c>1</c><a>2</a></o>', 'a program gives an order of its own');
my $mixed = Face::from_xml('<o>x <b/>y<c/><b/></o>');
is_deeply($mixed, { o => { '#text' => ['x ', 'y'], b => [1, 1], c => 1, '#order' => ['#text', 'b', '#text', 'c', 'b'] } },
    'text between elements is kept, and where it was');
is($flat->($mixed), '<o>x <b/>y<c/><b/></o>', 'and written there');
my $instructed = Face::from_xml('<o><?p a="1"?><b/><?p?></o>');
is_deeply($instructed, { o => { '?p' => [ 'a="1"', 1 ], b => 1, '#order' => [qw(?p b ?p)] } },
    'processing instructions are children with a question mark');
is($flat->($instructed), '<o><?p a="1"?><b/><?p?></o>', 'and written where they were');
is($flat->(o => { '?p' => 'x' }), '<o><?p x?></o>', 'also those of a program');
like(thrown { Face::from_xml("<?p x?>\n<o/>") },
    qr/line 1, column 1: a processing instruction outside the root element cannot be kept: remove it/,
    'but there is no place for one outside the root element');
my %tied;
{
    package Backwards;
    require Tie::Hash;
    our @ISA = 'Tie::StdHash';
    sub FIRSTKEY { my @keys = reverse sort keys %{ $_[0] }; return $keys[0] }
    sub NEXTKEY { my @keys = grep { $_ lt $_[1] } reverse sort keys %{ $_[0] }; return $keys[0] }
}
tie %tied, 'Backwards';
%tied = (a => 1, c => 2, b => 3);
is($flat->(o => \%tied), '<o><c>2</c><b>3</b><a>1</a></o>', 'a tied hash has the order that it tells');
$doc = Face::from_xml("<o>@{[map { qq(<é$_/><n$_ x='1'/>) } 1 .. 60]}</o>");
is_deeply([$flat->($doc) =~ /<([én]\d+)/g], [map { ("é$_", "n$_") } 1 .. 60], 'many keys, not all ASCII');
%{ $doc->{o} } = (b => 1, a => 2);
is($flat->($doc), '<o><a>2</a><b>1</b></o>', 'a hash that was emptied');

SKIP: {
    skip 'this Perl has no threads', 2 if !$Config{useithreads};
    require threads;
    my $shared = Face::from_xml($order);
    is(threads->create(sub { $flat->($shared) })->join, $order, 'the order goes into a thread');
    is($flat->($shared), $order, 'and stays');
}

# --- booleans ------------------------------------------------------------------------

$doc = Face::from_xml('<f><acpi/><one>1</one></f>');
is("$doc->{f}{acpi} @{[ $doc->{f}{acpi} + 1 ]}", '1 2', 'true is 1 for a program');
is($doc->{f}{acpi}, $doc->{f}{one}, 'as the text is');
is($flat->($doc), '<f><acpi/><one>1</one></f>', 'but they are not written the same');
my $copy = $doc->{f}{acpi};
my @copies = map { $_ } $copy;
is($flat->(f => { acpi => $copies[0] }), '<f><acpi/></f>', 'a copy of it, too');
is($flat->(f => { a => JSON::PP::true(), b => JSON::PP::false(), c => 1, d => 0, e => '', g => undef }),
    '<f><a/><c>1</c><d>0</d><e></e><g/></f>', 'booleans of JSON, which 1 and 0 are not');
is($flat->(f => { a => [JSON::PP::true(), JSON::PP::false(), 'x'] }), '<f><a/><a>x</a></f>', 'in a list');
SKIP: {
    skip 'before Perl 5.36, booleans are not told from text', 1 if $] < 5.036;
    is($flat->(f => { a => !!1, b => !!0, c => 1 == 1, d => 1 == 2 }), '<f><a/><c/></f>',
        "Perl's own booleans");
}
{
    package Types::Serialiser::Boolean;
    sub new { my ($class, $truth) = @_; return bless \$truth, $class }
}
is($flat->(f => { a => Types::Serialiser::Boolean->new(1), b => Types::Serialiser::Boolean->new(0) }),
    '<f><a/></f>', 'those of Types::Serialiser');
my $one = 1;
my $text = '1';
my $sum = $text + 1 + sqrt($text);
is($flat->(f => { a => $one, b => $text, c => 1.0 }), '<f><a>1</a><b>1</b><c>1</c></f>', 'numbers and text are not');

# --- documents of the facade ---------------------------------------------------------

my $facade = VKVM::Host->new(uri => 'test:///default');
my $conf   = $facade->domain->conf('test');
my $dumped = Face->new(uri => 'test:///default')->get_domain_by_name('test')->get_xml_description;
is_deeply(parts_of(Face::to_xml(domain => $conf)), parts_of($dumped), 'a document of a command, as it was');
my $network = $facade->network->info('default');
is(JSON::PP->new->canonical->encode([ @$network{qw(active autostart)} ]), '[1,0]',
    'the flags of other results are numbers');

# --- what is no value ----------------------------------------------------------------

sub refusal {
    my ($what) = @_;
    eval { Face::to_xml($what); 1 } and return 'nothing';
    return ref $@ ? $@->message : "no object: $@";
}
my $disk = sub { return { domain => { devices => { disk => [{}, $_[0]] } } } };
like(refusal($disk->(\1)), qr/^document: "domain\.devices\.disk\.1" is a reference to a scalar, which is no value; text, /,
    'a reference to a scalar');
like(refusal($disk->(sub { })), qr/^document: "domain\.devices\.disk\.1" is a code reference, which is no value/, 'code');
like(refusal($disk->(\*STDOUT)), qr/"domain\.devices\.disk\.1" is a reference to a file handle or glob/, 'a handle');
like(refusal($disk->(\\1)), qr/"domain\.devices\.disk\.1" is a reference to a reference/, 'a reference to one');
like(refusal($disk->(bless {}, 'Some::Class')), qr/"domain\.devices\.disk\.1" is an object of the class Some::Class/,
    'an object');
like(refusal($disk->("a\0b")), qr/^document: "domain\.devices\.disk\.1" has a NUL byte at offset 1/, 'text with NUL');
like(refusal({ 'ü' => { 'ö' => \1 } }), qr/^document: "ü\.ö" is a reference to a scalar/, 'a path in characters');
like(refusal({ a => { '@b' => JSON::PP::true() } }), qr/"a\.\@b": it is a boolean, for which documents have different words: write the text that is meant, such as "yes" or "on"/,
    'a boolean for an attribute');
like(refusal({ a => { '#text' => JSON::PP::false() } }), qr/"a\.#text": it is a boolean/, 'and for a text');
like(refusal({ a => { '?p' => 'x?>' } }), qr/"a\.\?p": "\?>" would end the processing instruction/,
    'the end of a processing instruction in it');
like(refusal(\1), qr/^document: is a reference to a scalar, which is no value/, 'the document itself');
like(refusal({ a => { "b\0" => 1 } }), qr/^document: "a\.b.*" has a NUL byte/, 'a key');
my $dom = Face->new(uri => 'test:///default')->get_domain_by_name('test');
ok(!eval { $dom->set_scheduler_parameters({ weight => [1, { x => \1 }] }); 1 }, 'in parameters of a method');
like($@->message, qr/"weight\.1\.x" is a reference to a scalar/, 'with its path');
is($@->parameter, 'newparams', 'and the name of the parameter');
my $loop = {};
$loop->{a} = $loop;
like(refusal($loop), qr/nested more than 100 levels deep, or contains itself/, 'a structure that contains itself');
delete $loop->{a};

# --- errors in characters ------------------------------------------------------------

ok(!eval { Face::from_xml('<ä>&nö;</ä>'); 1 }, 'a document with an unknown entity');
like($@->message, qr/the entity &nö; is unknown/, 'the error of from_xml is characters');
ok(!eval { Face::to_xml({ a => { 'ö b' => 1 } }); 1 }, 'a name that is none');
like($@->message, qr/"ö b" cannot be the name/, 'the error of to_xml is characters');
my $host = VKVM::Host->new(uri => 'test:///default');
ok(!eval { $host->domain->define({ 'größe' => \1 }); 1 }, 'a document for the facade that is none');
like($@->message, qr/größe/, 'the error about an argument is characters');
ok(!eval { VKVM::Host->new(uri => 'größe:///x'); 1 }, 'a connection of no kind');
like($@->message, qr/größe/, 'the error of the facade is characters');
ok(!eval { $host->domain->nosuch('ä'); 1 } && "$@" !~ /Ã/, 'and of an unknown command');
utf8::encode(my $bytes = 'größe');
ok(!eval { $dom->set_scheduler_parameters({ weight => $bytes }); 1 }, 'bytes for another class');
like($@->message, qr/\Q$bytes\E/, 'come back as bytes');

done_testing;
