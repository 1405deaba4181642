terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "enabled" {
  description = "Whether the mappings read at once; gantry export handover enables them when gantry has let go"
  type        = bool
  default     = false
}

variable "plant_root_ca_secret" {
  description = "ARN of a secret of Secrets Manager, in the region of the function, {\"certificate\": \"PEM of the root that signed the brokers' certificates\"}"
  type        = string
}

variable "plant_subnet_one" {
  description = "A subnet from which the brokers are reached"
  type        = string
}

variable "plant_subnet_two" {
  description = "A subnet from which the brokers are reached"
  type        = string
}

variable "plant_security_group" {
  description = "A security group that may reach the brokers"
  type        = string
}

variable "odd_login_secret" {
  description = "ARN of a secret of Secrets Manager, in the region of the function, {\"username\": …, \"password\": …} for group gantry.laned"
  type        = string
}

variable "legacy_role_name" {
  description = "Name of the role of function legacy, to which what the mapping needs is added"
  type        = string
}

variable "legacy_function_arn" {
  description = "ARN of the function that does the work of legacy, which is a service behind HTTP here"
  type        = string
}

variable "cloud_login_secret" {
  description = "ARN of a secret of Secrets Manager, in the region of the function, {\"oauthTokenEndpointUrl\", \"oauthClientId\", and \"oauthClientSecret\" or \"oauthPrivateKey\" with \"oauthClientEmail\"}"
  type        = string
}

resource "aws_cloudwatch_log_group" "enrich_function_log" {
  name              = "/aws/lambda/enrich"
  retention_in_days = 30
}

# not in AWS: produce (function enrich). Here: writes to audit through gantry. There: its own Kafka client, or this gantry over the network with a key of its own (docs/produce.md)
# not in AWS: user (function enrich). Here: runs as nobody. There: AWS isolates functions itself
# not in AWS: processes (function enrich). Here: at most 4 processes. There: as many as there are partitions at work; reserve concurrency to bound it
# not in AWS: async-destination (function enrich). Here: asynchronous events go to kafka://plant/enrich.failed. There: no destination; AWS has SQS, SNS, Lambda, S3 and EventBridge
# as gantry knows it; lambda.amazonaws.com has to be allowed to assume it
# not in AWS: roles (function enrich). Here: no AWS credentials: the configuration has no roles: (arn:aws:iam::123456789012:role/local). There: the role itself, with what it is granted there
resource "aws_lambda_function" "enrich_function" {
  function_name    = "enrich"
  filename         = "${path.module}/enrich.zip"
  source_code_hash = filebase64sha256("${path.module}/enrich.zip")
  runtime          = "python3.12"
  handler          = "app.handler"
  memory_size      = 128
  timeout          = 3
  role             = "arn:aws:iam::123456789012:role/local"
  depends_on       = [aws_cloudwatch_log_group.enrich_function_log]
}

resource "aws_cloudwatch_log_group" "ship_function_log" {
  name              = "/aws/lambda/ship"
  retention_in_days = 30
}

# not in AWS: function-networks (function ship). Here: goes through plant. There: outside of a VPC; give it a VpcConfig where it must reach private addresses
# not in AWS: integration (function ship). Here: integration http inside of gantry. There: the same as a function of its own: ship.zip is what gantry integration package makes
resource "aws_lambda_function" "ship_function" {
  function_name    = "ship"
  filename         = "${path.module}/ship.zip"
  source_code_hash = filebase64sha256("${path.module}/ship.zip")
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  memory_size      = 512
  timeout          = 3
  role             = aws_iam_role.ship_role.arn
  environment {
    variables = {
      GANTRY_INTEGRATION = "http"
      GANTRY_SETTING_URL = "https://api.example.com/orders"
    }
  }
  depends_on = [aws_cloudwatch_log_group.ship_function_log]
}

# a secret under a key of your own needs kms:Decrypt on that key as well
data "aws_iam_policy_document" "enrich_policy" {
  statement {
    sid       = "WriteItsLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.enrich_function_log.arn}:*"]
  }
  statement {
    sid       = "ReadTheSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["${var.plant_root_ca_secret}*"]
  }
  statement {
    sid       = "BeInTheVPC"
    actions   = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "enrich_policy" {
  role   = "local"
  policy = data.aws_iam_policy_document.enrich_policy.json
}

# a secret under a key of your own needs kms:Decrypt on that key as well
# not in AWS: http (function legacy). Here: a service behind HTTP. There: AWS invokes functions alone: the template asks for the ARN of one
data "aws_iam_policy_document" "legacy_policy" {
  statement {
    sid       = "WriteDeadLetters"
    actions   = ["sns:Publish"]
    resources = ["arn:aws:sns:eu-west-1:123456789012:dead"]
  }
  statement {
    sid       = "ReadTheSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["${var.odd_login_secret}*"]
  }
}

resource "aws_iam_role_policy" "legacy_policy" {
  role   = var.legacy_role_name
  policy = data.aws_iam_policy_document.legacy_policy.json
}

# a secret under a key of your own needs kms:Decrypt on that key as well
data "aws_iam_policy_document" "ship_role" {
  statement {
    sid       = "WriteItsLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.ship_function_log.arn}:*"]
  }
  statement {
    sid       = "ReadTheSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["${var.cloud_login_secret}*"]
  }
}

data "aws_iam_policy_document" "ship_role_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "ship_role" {
  name_prefix        = "ship-"
  assume_role_policy = data.aws_iam_policy_document.ship_role_trust.json
}

resource "aws_iam_role_policy" "ship_role" {
  role   = aws_iam_role.ship_role.id
  policy = data.aws_iam_policy_document.ship_role.json
}

# without MaximumBatchingWindowInSeconds AWS waits 500 ms, as gantry does; once set it can't be unset
# not in AWS: output (mapping enrich-x). Here: answers become records of x.enriched. There: answers are thrown away; let the function write them itself
# not in AWS: transactional (mapping enrich-x). Here: answers and offsets are one transaction. There: at least once; what the function writes may be there twice
# not in AWS: oversize (mapping enrich-x). Here: a partition stands at a record of over 6 MB until somebody decides (oversize: hold). There: the record is dropped; with onFailure its place is told
# not in AWS: isolation (mapping enrich-x). Here: reads records of open transactions (isolation: read_uncommitted). There: no such setting
# not in AWS: session-timeout (mapping enrich-x). Here: a session timeout of 20s. There: AWS's own
resource "aws_lambda_event_source_mapping" "enrich_x_mapping" {
  function_name = aws_lambda_function.enrich_function.arn
  enabled       = var.enabled
  # not in AWS: topic-name (mapping enrich-x). Here: reads topic x. There: AWS's API wants two characters or more and no dot in front: the template will be refused until the topic has another name
  topics = ["x"]
  # only for partitions that the group has committed nothing of: AWS goes on where the group is
  starting_position = "TRIM_HORIZON"
  batch_size        = 100
  self_managed_event_source {
    endpoints = {
      KAFKA_BOOTSTRAP_SERVERS = "kafka-1.example:9094"
    }
  }
  self_managed_kafka_event_source_config {
    consumer_group_id = "gantry.enrich-x"
  }
  # the pollers run in this VPC; without provisioned mode they need its ways to Lambda, STS, Secrets Manager and the destination
  # not in AWS: tls-options (mapping enrich-x). Here: anyHostname, protocols or cipherSuites of TLS. There: AWS checks names of brokers and has its own protocols
  # not in AWS: kerberos (mapping enrich-x). Here: logs in with Kerberos. There: no login: give the brokers a listener with SCRAM, mTLS or OAUTHBEARER and name its secret here
  # not in AWS: networks (mapping enrich-x). Here: reaches the brokers through plant. There: AWS reaches the brokers over the internet or in the subnets and security group that the template asks for
  source_access_configuration {
    type = "SERVER_ROOT_CA_CERTIFICATE"
    uri  = var.plant_root_ca_secret
  }
  source_access_configuration {
    type = "VPC_SUBNET"
    uri  = "subnet:${var.plant_subnet_one}"
  }
  source_access_configuration {
    type = "VPC_SUBNET"
    uri  = "subnet:${var.plant_subnet_two}"
  }
  source_access_configuration {
    type = "VPC_SECURITY_GROUP"
    uri  = "security_group:${var.plant_security_group}"
  }
  # not in AWS: filter-count (mapping enrich-x). Here: 6 filters. There: 5 until AWS has raised the quota of the account, 10 at most
  # not in AWS: filter-operators (mapping enrich-x). Here: filters with anything-but prefix, cidr, wildcard. There: AWS's guide does not have them; it may refuse the filter
  filter_criteria {
    filter {
      pattern = "{\"value\":{\"name\":[{\"wildcard\":\"a*b\"}]}}"
    }
    filter {
      pattern = "{\"value\":{\"ip\":[{\"cidr\":\"10.0.0.0/8\"}]}}"
    }
    filter {
      pattern = "{\"value\":{\"code\":[{\"anything-but\":{\"prefix\":\"x\"}}]}}"
    }
    filter {
      pattern = "{\"value\":{\"a\":[1]}}"
    }
    filter {
      pattern = "{\"value\":{\"a\":[2]}}"
    }
    filter {
      pattern = "{\"value\":{\"a\":[3]}}"
    }
  }
  depends_on = [aws_iam_role_policy.enrich_policy]
}

output "enrich_x_mapping_uuid" {
  description = "UUID of the mapping that goes on with group gantry.enrich-x"
  value       = aws_lambda_event_source_mapping.enrich_x_mapping.uuid
}

# without MaximumBatchingWindowInSeconds AWS waits 500 ms, as gantry does; once set it can't be unset
# not in AWS: lanes (mapping laned). Here: 8 lanes a partition, order by key. There: one invocation at a time for each partition: give the topic more partitions
resource "aws_lambda_event_source_mapping" "laned_mapping" {
  function_name = var.legacy_function_arn
  enabled       = var.enabled
  topics        = ["orders"]
  # only for partitions that the group has committed nothing of: AWS goes on where the group is
  starting_position = "TRIM_HORIZON"
  batch_size        = 100
  # not in AWS: broker-address (mapping laned). Here: brokers [::1]:9092, kafka_2:9092. There: AWS's API refuses IPv6 addresses and underscores: give them other names
  # not in AWS: loopback (mapping laned). Here: brokers [::1]:9092. There: AWS does not reach them: name brokers that it does
  self_managed_event_source {
    endpoints = {
      KAFKA_BOOTSTRAP_SERVERS = "[::1]:9092,kafka_2:9092"
    }
  }
  self_managed_kafka_event_source_config {
    consumer_group_id = "gantry.laned"
  }
  # not in AWS: plaintext-login (mapping laned). Here: a SASL login without TLS. There: AWS logs in over TLS alone: give the brokers such a listener
  # not in AWS: delegation-token (mapping laned). Here: a delegation token. There: a user and a password
  source_access_configuration {
    type = "SASL_SCRAM_256_AUTH"
    uri  = var.odd_login_secret
  }
  # not in AWS: destination-failure (mapping laned). Here: a dead letter that can't be delivered is tried again (onDestinationFailure: retry). There: counted in DestinationDeliveryFailures, and the records are dropped
  destination_config {
    on_failure {
      destination_arn = "arn:aws:sns:eu-west-1:123456789012:dead"
    }
  }
  depends_on = [aws_iam_role_policy.legacy_policy]
}

output "laned_mapping_uuid" {
  description = "UUID of the mapping that goes on with group gantry.laned"
  value       = aws_lambda_event_source_mapping.laned_mapping.uuid
}

# without MaximumBatchingWindowInSeconds AWS waits 500 ms, as gantry does; once set it can't be unset
# not in AWS: oversize (mapping shipped). Here: a partition stands at a record of over 6 MB until somebody decides (oversize: hold). There: the record is dropped; with onFailure its place is told
resource "aws_lambda_event_source_mapping" "shipped_mapping" {
  function_name = aws_lambda_function.ship_function.arn
  enabled       = var.enabled
  topics        = ["orders"]
  # only for partitions that the group has committed nothing of: AWS goes on where the group is
  starting_position = "TRIM_HORIZON"
  batch_size        = 100
  self_managed_event_source {
    endpoints = {
      KAFKA_BOOTSTRAP_SERVERS = "broker.example:9093"
    }
  }
  self_managed_kafka_event_source_config {
    consumer_group_id = "gantry.shipped"
  }
  # not in AWS: client-certificate (mapping shipped). Here: a client certificate beside the SASL login. There: one of the two: the login
  # not in AWS: oauth (mapping shipped). Here: a ready token or assertion. There: a client secret or a private key, in a secret
  # not in AWS: oauth (mapping shipped). Here: extensions traceparent. There: logicalCluster and identityPoolId alone
  source_access_configuration {
    type = "OAUTHBEARER_AUTH"
    uri  = var.cloud_login_secret
  }
  source_access_configuration {
    type = "OAUTHBEARER_LOGICAL_CLUSTER"
    uri  = "lkc-1"
  }
  depends_on = [aws_iam_role_policy.ship_role]
}

output "shipped_mapping_uuid" {
  description = "UUID of the mapping that goes on with group gantry.shipped"
  value       = aws_lambda_event_source_mapping.shipped_mapping.uuid
}
