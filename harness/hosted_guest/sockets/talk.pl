# Sockets from perl: pairs, servers, datagrams, select. The same lines natively.
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IO::Socket::UNIX;
use Socket;

$| = 1;

# A pair and a child.
socketpair(my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
$_->autoflush(1) for $here, $there;
my $child = fork();
if (!$child) {
    close $here;
    while (my $line = <$there>) {
        print $there scalar reverse(substr $line, 0, -1), "\n";
    }
    exit 5;
}
close $there;
for my $word (qw(hello stressed x)) {
    print $here "$word\n";
    print scalar <$here>;
}
shutdown $here, 1;
print "end: ", defined(<$here>) ? "more" : "none", "\n";
waitpid $child, 0;
print "status ", $? >> 8, "\n";

# A server with children, by its path.
my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "server", Listen => 5) or die "server: $!";
print "name ", $server->hostpath, ", a socket: ", -S "server" ? "yes" : "no", "\n";
my @clients = map {
    my $number = $_;
    my $pid = fork();
    if (!$pid) {
        my $client = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "server") or exit 1;
        print $client "client $number\n";
        my $answer = <$client>;
        exit($answer eq "welcome client $number\n" ? 0 : 2);
    }
    $pid;
} 1 .. 4;
my @seen;
for (1 .. 4) {
    my $one = $server->accept or die "accept: $!";
    my $line = <$one>;
    chomp $line;
    push @seen, $line;
    print $one "welcome $line\n";
}
print join(", ", sort @seen), "\n";
print join(" ", map { waitpid $_, 0; $? } @clients), "\n";
close $server;
print "refused: $!\n" unless IO::Socket::UNIX->new(Peer => "server");
unlink "server";
print "gone: $!\n" unless IO::Socket::UNIX->new(Peer => "server");

# Datagrams.
my $one = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "one") or die "one: $!";
my $two = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "two", Peer => "one") or die "two: $!";
$two->send("message $_") for 1 .. 3;
for (1 .. 3) {
    my $from = $one->recv(my $text, 100);
    print "$text from ", unpack_sockaddr_un($from), "\n";
}

# select.
my @pairs = map { [IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, PF_UNSPEC)] } 1 .. 5;
my $select = IO::Select->new(map { $_->[0] } @pairs);
print "ready: ", scalar(() = $select->can_read(0)), "\n";
$pairs[$_]->[1]->syswrite("from $_") for 1, 3;
for my $ready ($select->can_read(20)) {
    $ready->sysread(my $text, 100);
    print "$text\n";
}
close $pairs[4]->[1];
print "ended: ", scalar(() = $select->can_read(20)), "\n";
local $SIG{PIPE} = sub { print "SIGPIPE\n" };
print "write: ", defined($pairs[4]->[0]->syswrite("x")) ? "went" : $!, "\n";
print "options: ", unpack("i", getsockopt($one, SOL_SOCKET, SO_TYPE)), " ", unpack("i", getsockopt($one, SOL_SOCKET, SO_ERROR)), "\n";
