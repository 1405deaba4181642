#!/bin/sh
# The same as ../first-mapping, through Lambda's own API, with the unmodified aws CLI.
# First, in another terminal: gantry serve. It prints the two export lines wanted here.
#
#   BROKERS=localhost:9092 TOPIC=orders sh examples/aws-cli/create-mapping.sh
set -eu
: "${AWS_ENDPOINT_URL_LAMBDA:?take the export lines that gantry serve prints}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m zipfile -c "$work/function.zip" "$here/../first-mapping/order_totals/app.py"

aws lambda create-function --function-name order-totals --runtime python3.12 --handler app.handler \
    --role arn:aws:iam::000000000000:role/none --zip-file "fileb://$work/function.zip"

aws lambda create-event-source-mapping --function-name order-totals \
    --topics "${TOPIC:-orders}" --starting-position TRIM_HORIZON \
    --self-managed-event-source "{\"Endpoints\":{\"KAFKA_BOOTSTRAP_SERVERS\":[\"${BROKERS:-localhost:9092}\"]}}"
