#!/bin/sh
# Starts the broker and, once it runs, tells it the policies. Queues declare what never changes; what operators tune is here.
set -eu
(
  until rabbitmqctl -q await_startup --timeout 60 >/dev/null 2>&1; do sleep 1; done
  # After so many deliveries without an answer a message goes to <service>.dead: the last net, far above what a crash needs.
  rabbitmqctl -q set_policy timeblu-delivery-limit \
    '^(scheduling|clients|payments|notifications)\.(events|email|sms)$' '{"delivery-limit": 20}' --apply-to queues
) &
exec docker-entrypoint.sh rabbitmq-server
