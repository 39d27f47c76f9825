# SPDX-License-Identifier: LGPL-2.1-or-later
# Daemons on the network that ask for credentials: SASL over TCP, TLS with
# certificates, and SASL over TLS.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my @types = (VKVM::CRED_AUTHNAME, VKVM::CRED_PASSPHRASE);

# A callback that answers with name and password, and notes what it was asked.
sub answers {
    my ($name, $password, $asked) = @_;
    my %answer = (VKVM::CRED_AUTHNAME, $name, VKVM::CRED_PASSPHRASE, $password);
    return sub {
        my ($requests) = @_;
        push @$asked, map { $_->{type} } @$requests;
        $_->{result} = $answer{ $_->{type} } for @$requests;
        return 0;
    };
}

sub with_callback { return (auth => 1, credlist => \@types, callback => $_[0]) }

sub works {
    my ($name, @args) = @_;
    my $conn;
    is(thrown { $conn = VKVM->new(@args) }, undef, "$name: let in") or return;
    is($conn->get_domain_by_name('test')->get_id, 1, "$name: the connection can be used");
    return $conn;
}

sub refused {
    my ($name, $code, @args) = @_;
    my $conn;
    my $error = thrown { $conn = VKVM->new(@args) };
    is($conn, undef, "$name: not let in");
    isa_ok($error, 'VKVM::Error', "$name: the exception") or return;
    is($error->code, $code, "$name: its code") or diag $error;
    return $error;
}

# Name and password, asked for at this URI.
sub passwords {
    my ($bed, $uri) = @_;
    my ($name, $password) = @$bed{qw(SASL_USER SASL_PASSWORD)};
    my @asked;
    my $conn = works('right', uri => $uri, with_callback(answers($name, $password, \@asked)));
    is_deeply([ sort @asked ], \@types, 'asked once for the name and once for the password');
    undef $conn;
    works('read-only', uri => $uri, readonly => 1, with_callback(answers($name, $password)));

    my $failed = VKVM::Error::ERR_AUTH_FAILED;
    for (
        [ 'a wrong password',  $name,                'battery-staple' ],
        [ 'an empty password', $name,                '' ],
        [ 'an unknown user',   'nobody@vkvm',        $password ],
        [ 'no realm',          $name =~ s/@.*//r,    $password ],
    ) {
        my ($what, @answer) = @$_;
        my $error = refused($what, $failed, uri => $uri, with_callback(answers(@answer)));
        unlike("$error", qr/battery-staple|\Q$password/, "$what: no secret is in the message");
    }
    refused('a callback that gives up', $failed, uri => $uri, with_callback(sub { -1 }));
    refused('no callback', $failed, uri => $uri);
    my $error = thrown { VKVM->new(uri => $uri, with_callback(sub { die "not today\n" })) };
    is($error, "not today\n", 'a callback that dies: its exception');
    works('after all that', uri => $uri, with_callback(answers($name, $password)));
    return;
}

subtest 'SASL over TCP' => sub {
    my $bed = TestBed->daemon('test-daemon', '--sasl', 'digest-md5') or plan(skip_all => TestBed->reason);
    passwords($bed, $bed->{URI_TCP});
    my $conn = VKVM->new(uri => $bed->{URI_TCP},
        with_callback(answers(@$bed{qw(SASL_USER SASL_PASSWORD)})));
    is($conn->is_encrypted, 1, 'digest-md5 encrypts');
    is($conn->is_secure,    1, 'so it is secure');
};

subtest 'TLS' => sub {
    my $bed = TestBed->daemon('test-daemon', '--tls') or plan(skip_all => TestBed->reason);
    my $conn = works('a client with certificate', uri => "$bed->{URI_TLS}?pkipath=$bed->{PKI}");
    is($conn->is_encrypted, 1, 'encrypted');
    is($conn->is_secure,    1, 'and secure');
    (my $by_name = $bed->{URI_TLS}) =~ s/127\.0\.0\.1/localhost/;
    works('the server by its other name', uri => "$by_name?pkipath=$bed->{PKI}");
    refused($_, VKVM::Error::ERR_SYSTEM_ERROR, uri => "$bed->{URI_TLS}?pkipath=$bed->{$_}")
      for qw(PKI_OTHER PKI_NONE);
    my $error = refused('a directory without certificates', VKVM::Error::ERR_SYSTEM_ERROR,
        uri => "$bed->{URI_TLS}?pkipath=$bed->{DIR}/drivers");
    like("$error", qr/cacert\.pem/, 'the message names what is missing');
};

subtest 'SASL over TLS' => sub {
    my $bed = TestBed->daemon('test-daemon', '--tls', '--sasl', 'scram-sha-256')
      or plan(skip_all => TestBed->reason);
    my $uri = "$bed->{URI_TLS}?pkipath=$bed->{PKI}";
    passwords($bed, $uri);
    my $conn = VKVM->new(uri => $uri, with_callback(answers(@$bed{qw(SASL_USER SASL_PASSWORD)})));
    is($conn->is_encrypted, 1, 'encrypted');
    is($conn->is_secure,    1, 'and secure');
    my $error = thrown {
        VKVM->new(
            uri => "$bed->{URI_TLS}?pkipath=$bed->{PKI_OTHER}",
            with_callback(answers(@$bed{qw(SASL_USER SASL_PASSWORD)}))
        );
    };
    isa_ok($error, 'VKVM::Error', 'the password does not make up for the certificate');
};

handles_are({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');

done_testing;
