#!/bin/sh
# Nothing is started: gantry has no mappings yet. After an update a running one goes on
# with the old binary until its owner restarts it, because that drains what is in flight.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
