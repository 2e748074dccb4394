#!/bin/sh
# Fetches the VM's files from the bucket, checks and unpacks them, and runs the install script among them. cloud-init
# runs this once; after a failed run, a timer repeats it. The image has neither boto3 nor the AWS CLI, so curl signs the
# requests.
set -eu

# shellcheck source=/dev/null
. /etc/s3-auditlog-sink/loader.env
metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest
timer=s3-auditlog-sink-install.timer
# Contains the SHA-256 of the unpacked bundle.
unpacked=/etc/s3-auditlog-sink/unpacked
work=$(mktemp -d)
seen="not tried"

finish() {
    code=$?
    if [ "$code" -ne 0 ]; then
        echo "loader: FAILED: s3://$BUCKET/$KEY: $seen" >&2
        systemctl start $timer || true
        [ "$METRICS" = false ] || report_boot_failed || echo "loader: BootFailed was not sent: $seen" >&2
    fi
    rm -rf "$work"
}
trap finish EXIT
# Enabled first, so that an interrupted run is retried at the next boot.
systemctl enable --quiet $timer

# HTTP/1.1: with HTTP/2, some versions of curl sign another Host than the one they send (curl issue 9550).
request() {
    curl --silent --show-error --http1.1 --proto '=https,http' --connect-timeout 15 --max-time 300 "$@"
}
# Secrets go to curl's standard input, because its arguments are visible in the list of processes.
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
# signed SERVICE OPTION...: writes the answer to $work/answer. Fails unless the status is 200; `seen` then says why.
signed() {
    service=$1
    shift
    code=0
    status=$(printf '%s\n' "$login" | request --config - --aws-sigv4 "aws:amz:$REGION:$service" \
        --output "$work/answer" --write-out '%{http_code}' "$@") || code=$?
    [ "$status $code" != "200 0" ] || return 0
    # Only the error's name: if the signature is wrong, S3's answer repeats the request with the token.
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
        signed s3 "${url:-https://$BUCKET.s3.$REGION.$domain}/$KEY" --header \
            'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
}
report_boot_failed() {
    log_in && signed monitoring "${CLOUDWATCH_ENDPOINT:-https://monitoring.$REGION.$domain}/" \
        --data 'Action=PutMetricData&Version=2010-08-01' --data-urlencode "Namespace=$NAMESPACE" \
        --data 'MetricData.member.1.MetricName=BootFailed&MetricData.member.1.Unit=Count' \
        --data 'MetricData.member.1.Value=1'
}

if [ "$(cat $unpacked 2>/dev/null)" != "$SHA256" ]; then
    # Up to 8 attempts, with growing pauses (about 2.5 minutes in all): a new role's rights take effect after a while.
    attempt=1
    until fetch; do
        echo "loader: attempt $attempt of 8: $seen" >&2
        [ "$attempt" -lt 8 ] || exit 1
        sleep $((attempt * 5))
        attempt=$((attempt + 1))
    done
    # Everybody who may write to the bucket could put another archive there.
    sum=$(sha256sum "$work/answer")
    seen="SHA-256 is ${sum%% *}, expected $SHA256"
    [ "${sum%% *}" = "$SHA256" ]
    seen="cannot be unpacked"
    python3 -I -W ignore -m tarfile --extract "$work/answer" /
    echo "$SHA256" >$unpacked
fi
rm -rf "$work"
exec /usr/local/sbin/install-s3-auditlog-sink
