# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Completion;

use strict;
use warnings;

use VKVM::Command::Options;
use VKVM::Command::Table;
use VKVM::Command::Usage;
use VKVM::Host;

our $VERSION = '0.002000';

# vkvm completion: what bash and zsh need to complete commands, their arguments, and the words
# that an argument can be. It is made from the library's table of commands.

my $SCRIPT = <<'END';
_vkvm_arguments() {
    case $1 in
@ARGUMENTS@
    esac
}
_vkvm_values() {
    case $1 in
@VALUES@
    esac
}
_vkvm_takes_files() {
    case $1 in
@FILES@) return 0 ;;
    *) return 1 ;;
    esac
}
_vkvm_object() {
    case $1 in
@OBJECTS@
    *) echo "$1" ;;
    esac
}
# zsh has no mapfile.
_vkvm_offer() {
    local line
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$@")
}
_vkvm() {
    local object command='' i words files='' typed=() last=-1 glue='' word before
    COMPREPLY=()
    # bash takes URIs and --NAME=VALUE apart, at each : and =.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ -n "$glue" ] || [[ $i -gt 0 && $word == [:=]* ]]; then
            typed[last]+=$word
        else
            typed[++last]=$word
        fi
        glue=''
        [[ $word != *[:=] || $word == -* ]] || glue=yes
    done
    for ((i = 1; i < last; i++)); do
        case ${typed[i]} in
        -c | --connect | --hosts | -t | --timeout) ((i++)) || : ;;
        -*) ;;
        *) command=${typed[i]//-/_}; break ;;
        esac
    done
    if [[ $command == *.* ]]; then command=$(_vkvm_object "${command%%.*}").${command#*.}; fi
    word=${typed[last]} before=${typed[last-1]}
    if [[ $word == --*=* ]]; then
        before=${word%%=*} word=${word#*=}
    fi
    case $before in
    -c | --connect) return ;;
    --hosts) files=yes ;;
    esac
    if [ -n "$files" ]; then
        _vkvm_offer -f -- "$word"
        return
    fi
    if [ -z "$command" ]; then
        words=' @NAMES@'
        if [[ $word == -* ]]; then words='@GLOBAL@'; else word=${word//-/_}; fi
        if [[ $word == *.* ]]; then
            object=${word%%.*}
            words=${words// "$(_vkvm_object "$object")."/ "$object."}
        fi
    elif [ "$command" = completion ]; then
        words='bash zsh'
    elif [ "$command" = help ]; then
        words='@NAMES@'
    elif [[ $word == -* ]]; then
        words="$(_vkvm_arguments "$command") @GLOBAL@"
    else
        words=$(_vkvm_values "$command.$before")
        # Names of objects are not asked for; a file is what an option may want, or a document.
        if [ -z "$words" ]; then
            [[ $before != --* ]] && ! _vkvm_takes_files "$command" || _vkvm_offer -f -- "$word"
            return
        fi
    fi
    _vkvm_offer -W "$words" -- "$word"
}
complete -o filenames -F _vkvm vkvm
END

sub run {
    my ($options, @words) = @_;
    my ($shell, @more) = @words;
    VKVM::Command::Usage::fail('completion needs the name of a shell: bash or zsh')
      if @more || ($shell // '') !~ /\A(?:bash|zsh)\z/;
    print "# Completion of vkvm for $shell; load it with: source <(vkvm completion $shell)\n";
    print "autoload -U +X bashcompinit && bashcompinit\n" if $shell eq 'zsh';
    print _script();
    return VKVM::Command::Table::DONE;
}

sub _script {
    my $all      = VKVM::Host->commands;
    my $commands = $all->{commands};
    my @objects  = map { my $object = $_; map { "    $_) echo $object ;;\n" } @{ $all->{objects}{$object}{aliases} } } sort keys %{ $all->{objects} };
    my @files    = grep { _takes_files($commands->{$_}) } sort keys %$commands;
    my @names    = sort keys %$commands, keys %VKVM::Command::Table::OWN;
    my (@arguments, @values);
    for my $name (sort keys %$commands) {
        my @all = @{ $commands->{$name}{arguments} };
        push @arguments, "        $name) echo '" . join(' ', map { "--$_->{name}" } @all) . "' ;;\n" if @all;
        # Words with spaces in them cannot be completed like this.
        for my $argument (grep { @{ $_->{words} } } @all) {
            push @values, "        $name.--$argument->{name}) echo '" . join(' ', grep { !/[\s']/ } @{ $argument->{words} }) . "' ;;\n";
        }
    }
    for my $name (sort keys %VKVM::Command::Table::OWN) {
        my %words = %{ $VKVM::Command::Table::OWN{$name}{options} };
        push @arguments, "        $name) echo '" . join(' ', map { "--$_" } sort keys %words) . "' ;;\n" if %words;
        push @values, map { "        $name.--$_) echo '@{ $words{$_} }' ;;\n" } grep { $words{$_} && @{ $words{$_} } } sort keys %words;
    }
    my %part = (NAMES => "@names", OBJECTS => join('', @objects), FILES => '    ' . join('|', @files), GLOBAL => join(' ', map { "--$_" } VKVM::Command::Options::names()), ARGUMENTS => join('', @arguments), VALUES => join '', @values);
    return $SCRIPT =~ s/\@(\w+)\@\n?/$part{$1}/gr;
}

# Whether one of the values of a command is the name of a file.
sub _takes_files {
    my ($about) = @_;
    return ($about->{object} // '') eq 'image'
      || grep { $_->{kind} eq 'document' || $_->{name} =~ /(?:file|path|paths)\z/ } @{ $about->{arguments} };
}

1;
