#!/bin/sh
# A tick every $INTERVAL seconds, until SIGTERM, SIGINT or SIGHUP. It is passed on: crontabber ends
# the running job, records it as failed, and the next container tries it again.
child='' stopping=''
stop() {
    stopping=yes
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap stop TERM INT HUP

# Waits for it to end, also when a signal interrupts the waiting.
await() {
    child=$1
    [ -z "$stopping" ] || stop # it came before we knew whom to pass it on to
    while kill -0 "$child" 2>/dev/null; do wait "$child"; done
    child=''
}

while [ -z "$stopping" ]; do
    crontabber "$@" &
    await $!
    [ -n "$stopping" ] && break
    sleep "${INTERVAL:-60}" &
    await $!
done
