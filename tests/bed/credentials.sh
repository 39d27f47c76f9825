# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Passwords and certificates for a daemon that asks for them. Sourced by test-daemon.

# The one user that a daemon with SASL lets in. SASL's database knows users of a
# realm, and the realm belongs to the login name.
# shellcheck disable=SC2034 # test-daemon prints them
sasl_user=tester@vkvm sasl_password=correct-horse

# Makes DIR/sasl: the password database and the configuration that names it.
make_sasl() { # MECHANISM
    need_command saslpasswd2 sasl2-bin
    mkdir "$DIR/sasl"
    printf %s "$sasl_password" |
        saslpasswd2 -p -c -a libvirt -u "${sasl_user#*@}" -f "$DIR/sasl/passwd.db" "${sasl_user%@*}"
    cat >"$DIR/sasl/libvirt.conf" <<END
mech_list: $1
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $DIR/sasl/passwd.db
END
}

# Makes DIR/pki (what a client that is let in has), DIR/pki-other (what a client
# has whose certificate another authority signed) and DIR/pki-none (a client
# without certificate), each to be a URI's pkipath; and the server's files, which
# it prints as lines for libvirtd.conf.
make_pki() {
    need_command certtool gnutls-bin
    local authority
    mkdir "$DIR/pki" "$DIR/pki-other" "$DIR/pki-none"
    for authority in pki pki-other; do
        make_key "$DIR/$authority/cakey.pem"
        make_certificate "$DIR/$authority/cacert.pem" --generate-self-signed \
            --load-privkey "$DIR/$authority/cakey.pem" <<END
cn = "$authority"
ca
cert_signing_key
expiration_days = 2
END
        make_key "$DIR/$authority/clientkey.pem"
        sign "$authority" client <<END
cn = "client"
tls_www_client
encryption_key
signing_key
expiration_days = 2
END
    done
    make_key "$DIR/pki/serverkey.pem"
    sign pki server <<END
cn = "localhost"
dns_name = "localhost"
ip_address = "127.0.0.1"
tls_www_server
encryption_key
signing_key
expiration_days = 2
END
    # All trust the server; only its own authority's clients are trusted by it. A
    # client checks its own certificate too, so it needs both authorities.
    cp "$DIR/pki/cacert.pem" "$DIR/pki-none/"
    cat "$DIR/pki/cacert.pem" >>"$DIR/pki-other/cacert.pem"
    cat <<END
ca_file = "$DIR/pki/cacert.pem"
cert_file = "$DIR/pki/servercert.pem"
key_file = "$DIR/pki/serverkey.pem"
END
}

make_key() { # FILE
    # libvirt 9 refuses certificates with elliptic curves.
    certtool --generate-privkey --rsa --bits 2048 --outfile "$1" 2>>"$DIR/log"
}

make_certificate() { # FILE OPTION... <TEMPLATE
    local file=$1
    shift
    cat >"$DIR/template"
    certtool "$@" --template "$DIR/template" --outfile "$file" 2>>"$DIR/log"
}

sign() { # AUTHORITY NAME <TEMPLATE
    make_certificate "$DIR/$1/$2cert.pem" --generate-certificate --load-privkey "$DIR/$1/$2key.pem" \
        --load-ca-certificate "$DIR/$1/cacert.pem" --load-ca-privkey "$DIR/$1/cakey.pem"
}
