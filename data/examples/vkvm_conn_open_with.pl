my $other = VKVM->new(uri => 'test:///default', timeout => 5);
