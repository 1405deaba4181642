#!/bin/sh
# The user that gantry runs as owns its configuration, so it is made before the files are.
set -e
if ! getent group gantry >/dev/null 2>&1; then
	groupadd --system gantry
fi
if ! getent passwd gantry >/dev/null 2>&1; then
	useradd --system --gid gantry --home-dir /var/lib/gantry --no-create-home \
		--shell /usr/sbin/nologin --comment gantry gantry
fi
