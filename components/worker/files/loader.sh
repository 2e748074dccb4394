#!/bin/sh
# Fetches the VM's files and runs the install script among them; after a failed run, a service repeats that. The image has
# neither boto3 nor the AWS CLI, so curl signs the requests.
set -eu

# shellcheck source=/dev/null
. /etc/s3-auditlog-sink/loader.env
metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest
repeat=s3-auditlog-sink-install
object=s3://$BUCKET/$KEY
# Has the SHA-256 of the files, as $KEY has it.
unpacked=/etc/s3-auditlog-sink/unpacked
work=$(mktemp -d)
seen="not tried"

finish() {
  code=$?
  if [ "$code" -ne 0 ]; then
    echo "loader: FAILED: $seen" >&2
    # Disabled once the sink is installed, which retries by itself.
    ! systemctl is-enabled --quiet $repeat ||
      systemd-run --quiet --unit=$repeat-later --on-active=10min systemctl start $repeat || true
    report || echo "loader: not reported: $seen" >&2
  fi
  rm -rf "$work"
}
trap finish EXIT
# First, so that an interrupted run is repeated at the next boot.
systemctl enable --quiet $repeat

# With HTTP/2, some versions of curl sign another Host than they send (curl issue 9550).
request() {
  curl --silent --show-error --http1.1 --proto '=https,http' --connect-timeout 15 --max-time 300 "$@"
}
# Secrets go to curl's standard input: every process can see its arguments.
ask_metadata() {
  printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$token" | request --fail --config - "$metadata/meta-data/$1"
}
log_in() {
  seen="no credentials of a role from $metadata"
  token=$(request --fail --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token") &&
    domain=$(ask_metadata services/domain) &&
    role=$(ask_metadata iam/security-credentials/) &&
    login=$(ask_metadata "iam/security-credentials/$role" | python3 -I -c 'import json, sys
print("""user = "{AccessKeyId}:{SecretAccessKey}"
header = "x-amz-security-token: {Token}" """.format(**json.load(sys.stdin)))')
}
# signed SERVICE OPTION...: the answer is in $work/answer. Fails, with `seen`, unless the status is 200.
signed() {
  service=$1
  shift
  code=0
  status=$(printf '%s\n' "$login" | request --config - --aws-sigv4 "aws:amz:$REGION:$service" \
    --output "$work/answer" --write-out '%{http_code}' "$@") || code=$?
  [ "$status $code" != "200 0" ] || return 0
  # Only the error's name: after a wrong signature, the answer repeats the token.
  error=$(sed -n 's/.*<Code>\([A-Za-z0-9.]*\)<.*/\1/p' "$work/answer" 2>/dev/null | head -n 1)
  seen="HTTP status $status${error:+ $error} (exit code $code of curl)"
  return 1
}
fetch() {
  seen="curl cannot be installed"
  command -v curl >/dev/null ||
    { apt-get -q update && NEEDRESTART_SUSPEND=1 apt-get -q -y install ca-certificates curl; } || return 1
  # S3 requires the SHA-256 of the (empty) body, and curl 7.88 does not send it.
  log_in && url=${S3_ENDPOINT:+$S3_ENDPOINT/$BUCKET} &&
    signed s3 "${url:-https://$BUCKET.s3.$REGION.$domain}/$KEY" \
      --header "x-amz-content-sha256: $(sha256sum </dev/null | cut -c -64)"
}
# For the alarm, and for `pulumi up`.
report() {
  says="$(cat /var/lib/cloud/data/instance-id) FAILED $(date -u +%FT%TZ) $seen"
  metric=MetricData.member.1
  log_in || return 1
  [ -z "$NAMESPACE" ] || signed monitoring "${CLOUDWATCH_ENDPOINT:-https://monitoring.$REGION.$domain}/" \
    --data 'Action=PutMetricData&Version=2010-08-01' --data-urlencode "Namespace=$NAMESPACE" \
    --data "$metric.MetricName=BootFailed&$metric.Value=1&$metric.Unit=Count" \
    --data "$metric.Dimensions.member.1.Name=Vm&$metric.Dimensions.member.1.Value=$VM_NUMBER" ||
    echo "loader: no BootFailed: $seen" >&2
  signed ssm "${SSM_ENDPOINT:-https://ssm.$REGION.$domain}/" \
    --header 'Content-Type: application/x-amz-json-1.1' --header 'X-Amz-Target: AmazonSSM.PutParameter' \
    --data "{\"Name\": \"$STATUS_PARAMETER\", \"Overwrite\": true, \"Value\": \"$says\"}"
}

sha256=${KEY##*/} sha256=${sha256%%.*}
if [ "$(cat $unpacked 2>/dev/null)" != "$sha256" ]; then
  # Within about 2.5 minutes: a new role's rights take effect after a while.
  attempt=1
  until fetch; do
    echo "loader: attempt $attempt of 8: $seen" >&2
    seen="$object: $seen"
    [ "$attempt" -lt 8 ] || exit 1
    sleep $((attempt * 5))
    attempt=$((attempt + 1))
  done
  # Everybody who may write to the bucket could put another archive there.
  sum=$(sha256sum "$work/answer")
  seen="$object: SHA-256 is ${sum%% *}"
  [ "${sum%% *}" = "$sha256" ]
  seen="$object: cannot be unpacked"
  python3 -I -W ignore -m tarfile --extract "$work/answer" /
  echo "$sha256" >$unpacked
fi
if ! /usr/local/sbin/install-s3-auditlog-sink; then
  seen="installation: step $(cat /run/s3-auditlog-sink-step) failed"
  exit 1
fi
