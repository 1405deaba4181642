# Installs a package over an overlay of this system: install.sh FOLDER [DEB]
set -e
mount -t tmpfs none "$1"
mkdir "$1/up" "$1/work" "$1/over"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/over"
[ -n "$2" ] || exit 0
cp "$2" "$1/over/gantry.deb"
mount --bind /dev "$1/over/dev"
mount -t proc proc "$1/over/proc"
cat >"$1/over/inside.sh" <<'INSIDE'
set -e
dpkg -i /gantry.deb
dpkg --verify gantry
gantry version -o json
stat -c 'config %a %U %G' /etc/gantry/gantry.yaml
bash -c 'source /usr/share/bash-completion/completions/gantry && complete -p gantry' >/dev/null && echo bash reads it
man -w gantry >/dev/null && man -w gantry-serve >/dev/null && echo man finds it

# As the unit starts it: the same user, folder and command line.
install -d -m 0700 -o gantry -g gantry /var/lib/gantry
exec 3>&2
setpriv --reuid gantry --regid gantry --clear-groups --no-new-privs --bounding-set -all \
	sh -c 'umask 0077; exec /usr/bin/gantry serve -c /etc/gantry/gantry.yaml --data-dir /var/lib/gantry --listen 127.0.0.1:0' >/log 2>&1 &
pid=$!
for _ in $(seq 100); do
	grep -q 'serves on' /log && break
	sleep 0.1
done
stat -c 'mode of the data %a %U' /var/lib/gantry
kill -TERM $pid
code=0
wait $pid || code=$?
cat /log
echo "stopped with $code"

if command -v systemd-analyze >/dev/null; then
	systemd-analyze verify --man=no /usr/lib/systemd/system/gantry.service
	systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/gantry.service | tail -1
	# With the drop-in for functions that have a user of their own.
	cp /usr/lib/systemd/system/gantry.service /usr/lib/systemd/system/gantry-users.service
	mkdir -p /etc/systemd/system/gantry-users.service.d
	cp /usr/share/doc/gantry/functions-as-users.conf /etc/systemd/system/gantry-users.service.d/
	systemd-analyze security --offline=true --threshold=40 gantry-users.service | tail -1
fi
code=0
dpkg --purge gantry || code=$?
[ ! -e /usr/bin/gantry ] && echo "package gone with $code"
INSIDE
chroot "$1/over" sh /inside.sh
