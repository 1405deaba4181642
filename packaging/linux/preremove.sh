#!/bin/sh
# Stops the service when the package goes, not when it is replaced: dpkg says "remove",
# rpm says 0.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now gantry.service || true
	fi
	;;
esac
