# Net::SIP's own client registers once for each number of seconds, with a password if one is given:
#   perl register.pl udp 127.0.0.1 127.0.0.1:5060 alice@example.com 60,120,0 [USER PASSWORD]
# Over tls it trusts the certificate in the file that REGISTRAR_CA names, which must be for localhost.
# For each it prints what was granted. At the first failure it says so and exits with 1.

use strict;
use warnings;
use IO::Socket::IP;
use Net::SIP;

my ( $proto, $here, $registrar, $address, $seconds, @auth ) = @ARGV;

# For TLS a leg wants a certificate of its own, since it listens, too: it is given the registrar's.
my $ca = $ENV{REGISTRAR_CA} // '';
my %tls = (
    SSL_ca_file => $ca, SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'http',
    SSL_cert_file => $ca, SSL_key_file => $ca =~ s/pem$/key/r,
);

# A leg would take port 5060 if it is free.
my $socket = IO::Socket::IP->new(
    Proto     => $proto eq 'udp' ? 'udp' : 'tcp',
    LocalAddr => $here,
    LocalPort => 0,
    $proto eq 'udp' ? () : ( Listen => 5 ),
) or die "no socket: $@";

my $leg    = Net::SIP::Leg->new( sock => $socket, $proto eq 'tls' ? ( proto => 'tls', tls => \%tls ) : () );
my $phone  = Net::SIP::Simple->new( leg => $leg, outgoing_proxy => "sip:$registrar;transport=$proto" );
my $domain = $address =~ s/.*@//r;

$| = 1;
for my $wanted ( split /,/, $seconds ) {
    my $said = '';
    $phone->register(
        registrar => "sip:$domain",
        leg       => $leg,
        from      => "sip:$address",
        contact   => 'sip:netsip@127.0.0.1:7777',
        expires   => $wanted,
        @auth ? ( auth => \@auth ) : (),
        cb_final => sub { my ( $what, %more ) = @_; $said = $what . ' ' . ( $more{expires} // $more{code} // '' ) },
    );
    $phone->loop( 15, \$said );
    print "$wanted: ", ( $said || 'no answer' ), "\n";
    exit 1 if $said !~ /^OK/;
}
