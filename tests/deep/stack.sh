#!/usr/bin/env bash
# Checks that calls need at most 128 KB of stack on the embedded database, over HTTP and over HTTPS.
#
#     tests/deep/stack.sh DIRECTORY OF THE LIBRARIES AND THE COMMAND
. "$(dirname "$0")/../lib.sh"
use_libraries "$1"

# Starts a program that prints its address, and writes the line to a file.
start() {
    local file=$1
    shift
    "$@" >"$file" &
    servers+=($!)
    until [ -s "$file" ]; do kill -0 $! || return 1; sleep 0.05; done
}

stop() {
    [ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null
    rm -rf "$work"
}

servers=()
trap stop EXIT
start "$work/url" "$libraries/postbox" --embedded-db "$work/db" serve --port 0 || exit 1
http=$(grep -o 'http://[0-9.:]*' "$work/url")
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
    -keyout "$work/key" -out "$work/certificate" 2>/dev/null
start "$work/port" python3 "$root/tests/deep/tls_proxy.py" "$work/certificate" "$work/key" "${http##*:}" || exit 1
# AWS_CA_BUNDLE would replace the certificate.
unset AWS_CA_BUNDLE
export SSL_CERT_FILE=$work/certificate
gcc -std=c11 -Wall -Wextra -Werror -pthread -I "$root/include" "$root/tests/deep/stack.c" "$libraries/libpostbox.so" -o "$work/stack" || exit 1

measured() {
    "$work/stack" "$@" | tee -a "$work/figures"
}

step "embedded" measured
step "HTTP" measured "$http"
step "HTTPS" measured "https://127.0.0.1:$(<"$work/port")"
cat "$work/figures"
finish
