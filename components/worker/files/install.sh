#!/bin/sh
# Installs Java, Kafka Connect and the S3 connector, then enables the service: last, so that a failed boot leaves no
# service. A failed step ends the script, and with it cloud-init, with an error that names the step. The service that the
# loader enabled then runs both again: a download may have failed because its server was out of reach for a while.
set -eu

# shellcheck source=/dev/null
. /etc/s3-auditlog-sink/loader.env
# shellcheck source=/dev/null
. /etc/s3-auditlog-sink/install.env
# For the watchdog, which reports the success.
export VM_NUMBER STATUS_PARAMETER
export DEBIAN_FRONTEND=noninteractive
# Ubuntu's needrestart would restart services during this run. It checks all of them after the next run of apt.
export NEEDRESTART_SUSPEND=1

step="start"
begin() {
  step=$1
  echo "install: $step"
  # The loader reports the step that fails.
  echo "$step" >/run/s3-auditlog-sink-step
}
finish() {
  code=$?
  rm -rf "$work"
  if [ "$code" -eq 0 ]; then
    # Without the marker, the watchdog repeats the report.
    if python3 -I /usr/local/lib/s3-auditlog-sink/watchdog installed; then
      date --utc +%FT%TZ >"$marker"
    fi
    return
  fi
  echo "install: FAILED in step: $step (exit code $code)" >&2
}
# Exists after an installation that succeeded and was reported.
marker=/etc/s3-auditlog-sink/installed
rm -f "$marker"
work=$(mktemp -d)
trap finish EXIT

# retry COMMAND...: up to 8 attempts, with growing pauses (about 2.5 minutes in all).
retry() {
  attempt=1
  until "$@"; do
    if [ "$attempt" -ge 8 ]; then
      return 1
    fi
    sleep $((attempt * 5))
    attempt=$((attempt + 1))
  done
}
apt() {
  # Keeps the configuration files that existed before the package. Without Error-Mode, apt does not fail when it cannot
  # fetch an index, and there would be no second attempt.
  retry apt-get -q -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any \
    -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@"
}
download() {
  # http is for mirrors on loopback (the settings allow no others); no redirect may lead to it.
  retry curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https' \
    --connect-timeout 15 --max-time 600 --output "$2" "$1"
}

begin "no SSH"
# Ubuntu's image listens on port 22 through the socket, Debian's through the service. Session Manager gives a shell.
# The socket is stopped first, because it would start the service again. A unit that does not exist can be masked, too.
for unit in ssh.socket ssh.service; do
  if systemctl is-active --quiet $unit; then
    systemctl stop $unit
  fi
  systemctl mask --quiet $unit
done

begin "time of reboots"
sed -i "s/@REBOOT_TIME@/$REBOOT_TIME/" /etc/apt/apt.conf.d/60s3-auditlog-sink

begin "system user"
systemd-sysusers /etc/sysusers.d/s3-auditlog-sink.conf

begin "tools"
# An earlier run may have been interrupted in the middle of a package.
retry dpkg --force-confold --configure -a
apt update
# What the image has is left to unattended-upgrades: an upgrade of ca-certificates alone takes seconds.
apt install --no-install-recommends --no-upgrade \
  ca-certificates curl gpg python3-boto3 unattended-upgrades unzip

begin "package repository's key"
download "$REPOSITORY_KEY_URL" "$work/archive.key"
mkdir -m 0700 "$work/gnupg"
keyring() {
  gpg --homedir "$work/gnupg" --batch --no-tty "$@"
}
# While the owner changes the key, the file has the former and the next key. A key that gpg cannot read must not stop
# the import of the others.
keyring --import "$work/archive.key" || true
found=$(keyring --with-colons --list-keys |
  awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { printf " %s", $10; primary = 0 }')
set --
for fingerprint in $REPOSITORY_KEY_FINGERPRINTS; do
  case "$found " in *" $fingerprint "*) set -- "$@" "$fingerprint" ;; esac
done
if [ "$#" -eq 0 ]; then
  echo "install: the key of $REPOSITORY_KEY_URL is${found:- none}, expected $REPOSITORY_KEY_FINGERPRINTS" >&2
  exit 1
fi
# Only these: apt would trust every key of the file.
keyring --armor --export "$@" >"$work/accepted.asc"
install -D -m 0644 "$work/accepted.asc" /etc/apt/keyrings/confluent.asc

begin "package repository"
cat >/etc/apt/sources.list.d/confluent.sources <<SOURCES
Types: deb
URIs: $REPOSITORY_URL/$PLATFORM_VERSION
Suites: stable
Components: main
Signed-By: /etc/apt/keyrings/confluent.asc
SOURCES
apt update

begin "Java and Kafka Connect"
# The image may have a later version than the requested one.
apt install --no-install-recommends --allow-downgrades \
  "$JAVA_PACKAGE" ${JDK_PACKAGE:+"$JDK_PACKAGE"} "$PLATFORM_PACKAGE"
# The image may have another Java, too. The package of Java 8 has two paths: jre/bin/java, and a link to it.
java=$(dpkg-query --listfiles "$JAVA_PACKAGE" | grep '/bin/java$' | head -n 1)
"$java" -version
echo "JAVA_HOME=${java%/bin/java}" >/etc/s3-auditlog-sink/java.env

begin "S3 connector"
download "$CONNECTOR_URL" "$work/connector.zip"
if [ -n "$CONNECTOR_SHA256" ]; then
  echo "$CONNECTOR_SHA256  $work/connector.zip" | sha256sum --check --strict -
fi
unzip -q "$work/connector.zip" -d "$work/connector"
if ! test -f "$work"/connector/*/manifest.json || ! test -d "$work"/connector/*/lib; then
  echo "install: $CONNECTOR_URL is not a connector: expected a folder with manifest.json and lib" >&2
  exit 1
fi
rm -rf "$PLUGIN_FOLDER/confluentinc-kafka-connect-s3"
mkdir -p "$PLUGIN_FOLDER"
mv "$work"/connector/* "$PLUGIN_FOLDER/confluentinc-kafka-connect-s3"
# Connect scans no class (plugin.discovery): a file in one of the jars says which class is a connector.
libraries=$PLUGIN_FOLDER/confluentinc-kafka-connect-s3/lib
mkdir -p "$work/manifest/META-INF/services"
echo "$CONNECTOR_CLASS" >"$work/manifest/META-INF/services/org.apache.kafka.connect.sink.SinkConnector"
(cd "$work/manifest" && python3 -m zipfile -c "$libraries/service-manifest.jar" META-INF)
chmod -R u=rwX,go=rX "$PLUGIN_FOLDER"

begin "partitioner"
if [ -n "$JDK_PACKAGE" ]; then
  # Compiled by the Java that will run it (8 has no --release), against the installed connector and Connect.
  javac=$(dpkg-query --listfiles "$JDK_PACKAGE" | grep '/bin/javac$' | head -n 1)
  mkdir "$work/classes"
  # For one class, the JVM's second compiler and a collector with several threads cost more than they save.
  "$javac" -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC -proc:none -encoding UTF-8 \
    -cp "$libraries/*:/usr/share/java/kafka/*" -d "$work/classes" \
    /usr/local/lib/s3-auditlog-sink/OrderedPartitioner.java
  # Connect loads a connector's classes from its own folder.
  (cd "$work/classes" && python3 -m zipfile -c "$libraries/ordered-partitioner.jar" ./*)
  chmod 0644 "$libraries/ordered-partitioner.jar"
fi

begin "service"
systemctl daemon-reload
systemctl restart systemd-journald.service
# The image has one of these services; it reads its time sources when it starts.
systemctl try-restart chrony.service systemd-timesyncd.service || true
systemctl enable s3-auditlog-sink.service s3-auditlog-sink-watchdog.timer
# From here on the service retries by itself.
systemctl disable --quiet s3-auditlog-sink-install.service
systemctl --quiet stop s3-auditlog-sink-install-later.timer || true

begin "first start"
systemctl start s3-auditlog-sink.service s3-auditlog-sink-watchdog.timer
status() {
  curl --fail --silent --max-time 5 "http://127.0.0.1:$REST_PORT/connectors/$1/status"
}
running() {
  if [ -n "$CONNECT_CLUSTER" ]; then
    # A standalone worker has files of its connectors; the members of a cluster agree on them.
    python3 -I /usr/local/lib/s3-auditlog-sink/watchdog connectors || return 1
  fi
  for connector in $CONNECTOR_NAMES; do
    status "$connector" | python3 -c 'import json, sys
status = json.load(sys.stdin)
states = [status["connector"]["state"], *(task["state"] for task in status["tasks"])]
sys.exit(0 if len(states) > 1 and set(states) == {"RUNNING"} else 1)' 2>/dev/null || return 1
  done
}
waited=0
until running; do
  if [ "$waited" -ge 300 ]; then
    # Everything is installed, so the service stays enabled and retries. The boot counts as failed until the
    # watchdog sees the connectors run.
    systemctl status --no-pager --lines=30 s3-auditlog-sink.service >&2 || true
    for connector in $CONNECTOR_NAMES; do
      status "$connector" >&2 || true
    done
    exit 1
  fi
  sleep 1
  waited=$((waited + 1))
done
echo "install: done"
