# SPDX-License-Identifier: LGPL-2.1-or-later
# VKVM::Error: fields, text, overloading.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Host;

my $conn = VKVM->new(uri => 'test:///default');

# How a wrong document is reported depends on where its mistake is.
sub error_of { my ($xml) = @_; return thrown { $conn->define_domain($xml) } }

subtest "libvirt's errors" => sub {
    my $error = thrown { $conn->get_domain_by_name('nope') };
    isa_ok($error, 'VKVM::Error', 'the exception');
    is($error->code,      VKVM::Error::ERR_NO_DOMAIN, 'code');
    is($error->domain,    VKVM::Error::FROM_TEST,     'domain');
    is($error->level,     VKVM::Error::LEVEL_ERROR,   'level');
    is($error->message,   'Domain not found',         'message');
    is($error->function,  'virDomainLookupByName',    'function');
    is($error->str1,      'Domain not found',         'str1');
    is($error->str2,      undef,                      'str2');
    is($error->str3,      undef,                      'str3');
    is($error->int1,      -1,                         'int1');
    is($error->int2,      -1,                         'int2');
    is($error->parameter, undef,                      'no parameter is to blame');
    is($error->line,      undef,                      'nor a line');
    is($error->column,    undef,                      'nor a column');
    is_deeply(
        {%$error},
        {
            map { $_ => $error->$_ }
              qw(level code domain message str1 int1 int2 function)
        },
        'a hash of what is known'
    );
    is("$error", "libvirt error code: 42, message: Domain not found\n", 'text');
    is($error->stringify, "$error", 'stringify');
    thrown { $conn->get_hostname(1) }; thrown { $conn->get_domain_by_id(undef) };
    is($error->message, 'Domain not found', 'later errors leave it alone');
};

subtest "libvkvm's own errors" => sub {
    my $error = thrown { $conn->get_domain_by_name(undef) };
    is($error->code,      VKVM::Error::OWN_INVALID, 'code');
    is($error->domain,    VKVM::Error::FROM_VKVM,   'domain');
    is($error->level,     VKVM::Error::LEVEL_ERROR, 'level');
    is($error->message,   'name: is undef; a string is needed', 'message');
    is($error->parameter, 'name', 'parameter');
    is("$error", "libvirt error code: 10009, message: name: is undef; a string is needed\n",
        'text');
    $error = thrown { $conn->get_domain_by_uuid('short') };
    is($error->parameter, 'uuid', 'parameter of an error from the library');
    is($error->domain, VKVM::Error::FROM_VKVM, 'domain of it');
    is($error->function, 'vkvm_conn_get_domain_by_uuid', 'function of the library that was called');
    $error = thrown { VKVM::Host->new(conn => $conn)->network->destroy };
    is($error->function, 'vkvm_host_call', 'that of a command of the facade');
};

subtest 'text' => sub {
    my $of = sub { return '' . bless { code => 7, message => $_[0] }, 'VKVM::Error' };
    is($of->('x'),      "libvirt error code: 7, message: x\n",      'a newline is added');
    is($of->("x\n"),    "libvirt error code: 7, message: x\n",      'none to one');
    is($of->("x\n\n"),  "libvirt error code: 7, message: x\n\n",    'nor to two');
    is($of->("x\ny"),   "libvirt error code: 7, message: x\ny\n",   'lines');
    is($of->(''),       "libvirt error code: 7, message: \n",       'nothing to say');
    is($of->("\xc3\xa4"), "libvirt error code: 7, message: \xc3\xa4\n", 'bytes');
    my ($status, $output, $errors) =
      run_perl('-MVKVM', '-e', 'VKVM->new(uri => "test:///default")->get_domain_by_name("nope")');
    is($errors, "libvirt error code: 42, message: Domain not found\n", 'of a program that dies');
    isnt($status, 0, 'its status');
};

subtest 'overloading' => sub {
    my $error = thrown { $conn->get_domain_by_name('nope') };
    my $same  = $error;
    my $text  = "libvirt error code: 42, message: Domain not found\n";
    ok($error,         'it is true');
    ok(!!$error,       'twice negated, too');
    ok($error eq $text, 'eq');
    ok($error ne 'x',   'ne');
    ok($error eq $same, 'eq itself');
    is($error cmp $text, 0, 'cmp');
    like($error, qr/not found/, 'a pattern');
    is($error . '!', "$text!", 'concatenation');
    is('!' . $error, "!$text", 'on the other side');
    is(length $error, length $text, 'length');
    is(join('-', $error, $error), "$text-$text", 'join');
    is(sprintf('%s', $error), $text, 'sprintf');
    $same .= 'more';
    is($same,         "${text}more", '.= makes text');
    is(ref $same,     '',            'which is no object');
    is(ref $error,    'VKVM::Error', 'and leaves the object alone');
    is(ref \$error->code, 'SCALAR', 'fields are plain');
    my %seen = ($error => 1);
    is($seen{$text}, 1, 'as a key');
    is_deeply([ sort { $a cmp $b } 'z', $error ], [ $error, 'z' ], 'sort');
    ok(bless({ code => 0, message => '' }, 'VKVM::Error') ? 1 : 0, 'always true');
};

subtest 'places in documents' => sub {
    my $error = error_of("<domain type='test'>\n  <name>x</nam>\n</domain>\n");
    is($error->code,      VKVM::Error::ERR_XML_DETAIL, 'code');
    is($error->parameter, 'xml', 'parameter');
    is($error->line,      2,     'line');
    cmp_ok($error->column, '>', 1, 'column');
    # The second is that of newer libvirts.
    like($error->message, qr/^(?:\(domain_definition\):2: |at line 2: )/, 'the message agrees');

    my %line = ('' => 1, '<' => 1, "\n\n<domain>" => 3, "<domain>\n<a></b>" => 2, 'text' => 1);
    for my $xml (sort keys %line) {
        $error = error_of($xml);
        isa_ok($error, 'VKVM::Error', 'the exception');
        is($error->parameter, 'xml', 'parameter');
        is($error->line, $line{$xml}, 'line') or diag("of <<<$xml>>>: $error");
        cmp_ok($error->column, '>=', 1, 'column');
    }

    $error = error_of("<domain type='test'><name>x</name></domain>");
    is($error->line, undef, 'a document that only lacks something');
    is(thrown { $conn->create_domain('<a>') }->parameter, 'xml', 'create_domain');
    my $ro = VKVM->new(uri => 'test:///default', readonly => 1);
    $error = thrown { $ro->define_domain('<a>') };
    is($error->code, VKVM::Error::ERR_OPERATIONED_DENIED, 'where nothing may be written');
    is($error->parameter, undef, 'the document is not to blame');
    is($error->line,      undef, 'nor a line of it');
};

subtest 'what failed is the same for a caller without eval' => sub {
    local $@ = 'before';
    my $text;
    local $SIG{__DIE__} = sub { $text = $_[0] };
    thrown { $conn->get_domain_by_id(4711) };
    isa_ok($text, 'VKVM::Error', '$SIG{__DIE__} gets');
    is($@, 'before', 'an exception inside leaves $@ outside alone');
};

done_testing;
