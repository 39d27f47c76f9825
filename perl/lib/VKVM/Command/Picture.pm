# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Picture;

use strict;
use warnings;

use Encode qw(encode_utf8);

our $VERSION = '0.002000';

# A picture of lines and texts: SVG, or PNG where Cairo is installed (libcairo-perl). Colours are
# "#rrggbb"; a text is left of, around or right of its point: "end", "middle", "start".

# The size of texts.
use constant FONT => 12;

sub new {
    my ($class, $width, $height) = @_;
    return bless { width => $width, height => $height, parts => [] }, $class;
}

# Whether there can be a picture in such a file, or why not.
sub refusal {
    my ($path) = @_;
    return if $path =~ /[.]svg\z/;
    return 'a file whose name ends in .svg or .png is needed' if $path !~ /[.]png\z/;
    return eval { require Cairo; 1 } ? () : 'for a PNG the Perl module Cairo is needed (Debian package libcairo-perl)';
}

# A line through points.
sub line {
    my ($self, $colour, $width, @points) = @_;
    push @{ $self->{parts} }, { colour => $colour, width => $width, points => \@points };
    return;
}

sub text {
    my ($self, $colour, $anchor, $x, $y, $text) = @_;
    push @{ $self->{parts} }, { colour => $colour, anchor => $anchor, x => $x, y => $y, text => $text };
    return;
}

# Writes it into a file that is open, as the name says.
sub write {    ## no critic (ProhibitBuiltinHomonyms) - of a picture
    my ($self, $file, $path) = @_;
    binmode $file;
    print {$file} $path =~ /[.]png\z/ ? $self->_png : $self->_svg;
    close $file or die "$path: $!\n";
    return;
}

sub _svg {
    my ($self) = @_;
    my ($width, $height) = @$self{qw(width height)};
    my $svg = qq{<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" font-family="sans-serif" font-size="}
      . FONT . qq{">\n<rect width="$width" height="$height" fill="white"/>\n};
    for my $part (@{ $self->{parts} }) {
        if (my $points = $part->{points}) {
            $svg .= sprintf qq{<polyline fill="none" stroke="%s" stroke-width="%s" points="%s"/>\n}, @$part{qw(colour width)},
              join ' ', map { sprintf '%.1f,%.1f', @$_ } @$points;
            next;
        }
        my $text = $part->{text} =~ s/([<>&"])/'&#' . ord($1) . ';'/ger;
        $svg .= sprintf qq{<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>\n}, @$part{qw(x y anchor colour)}, $text;
    }
    return encode_utf8("$svg</svg>\n");
}

sub _png {
    my ($self) = @_;
    my $surface = Cairo::ImageSurface->create('rgb24', @$self{qw(width height)});
    my $cairo   = Cairo::Context->create($surface);
    $cairo->set_source_rgb(1, 1, 1);
    $cairo->paint;
    $cairo->select_font_face('sans-serif', 'normal', 'normal');
    $cairo->set_font_size(FONT);
    for my $part (@{ $self->{parts} }) {
        $cairo->set_source_rgb(map { hex($_) / 255 } $part->{colour} =~ /(\w\w)/g);
        if (my $points = $part->{points}) {
            $cairo->set_line_width($part->{width});
            $cairo->new_path;    # a text has left its end
            $cairo->line_to(@$_) for @$points;
            $cairo->stroke;
            next;
        }
        my $share = { end => 1, middle => 0.5, start => 0 }->{ $part->{anchor} };
        $cairo->move_to($part->{x} - $share * $cairo->text_extents($part->{text})->{x_advance}, $part->{y});
        $cairo->show_text($part->{text});
    }
    my $png = '';
    $surface->write_to_png_stream(sub { $png .= $_[1] });
    return $png;
}

1;
