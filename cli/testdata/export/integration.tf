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

variable "open_subnet_one" {
  description = "A subnet from which the brokers are reached"
  type        = string
}

variable "open_subnet_two" {
  description = "A subnet from which the brokers are reached"
  type        = string
}

variable "open_security_group" {
  description = "A security group that may reach the brokers"
  type        = string
}

resource "aws_cloudwatch_log_group" "ship_function_log" {
  name              = "/aws/lambda/ship"
  retention_in_days = 30
}

# not in AWS: integration (function ship). Here: integration http inside of gantry. There: the same as a function of its own: ship.zip is what gantry integration package makes
resource "aws_lambda_function" "ship_function" {
  function_name    = "ship"
  filename         = "${path.module}/ship.zip"
  source_code_hash = filebase64sha256("${path.module}/ship.zip")
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  memory_size      = 512
  timeout          = 60
  role             = aws_iam_role.ship_role.arn
  environment {
    variables = {
      GANTRY_INTEGRATION                   = "http"
      GANTRY_SETTING_HEADER__AUTHORIZATION = "secret:api"
      GANTRY_SETTING_URL                   = "https://api.example.com/orders"
    }
  }
  depends_on = [aws_cloudwatch_log_group.ship_function_log]
}

data "aws_iam_policy_document" "ship_role" {
  statement {
    sid       = "WriteItsLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.ship_function_log.arn}:*"]
  }
  statement {
    sid       = "BeInTheVPC"
    actions   = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    resources = ["*"]
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
resource "aws_lambda_event_source_mapping" "orders_to_ship_mapping" {
  function_name = aws_lambda_function.ship_function.arn
  enabled       = var.enabled
  topics        = ["orders"]
  # only for partitions that the group has committed nothing of: AWS goes on where the group is
  starting_position       = "TRIM_HORIZON"
  batch_size              = 100
  function_response_types = ["ReportBatchItemFailures"]
  self_managed_event_source {
    endpoints = {
      KAFKA_BOOTSTRAP_SERVERS = "kafka-1.example:9092"
    }
  }
  self_managed_kafka_event_source_config {
    consumer_group_id = "gantry.orders-to-ship"
  }
  # the pollers run in this VPC; without provisioned mode they need its ways to Lambda, STS, Secrets Manager and the destination
  source_access_configuration {
    type = "VPC_SUBNET"
    uri  = "subnet:${var.open_subnet_one}"
  }
  source_access_configuration {
    type = "VPC_SUBNET"
    uri  = "subnet:${var.open_subnet_two}"
  }
  source_access_configuration {
    type = "VPC_SECURITY_GROUP"
    uri  = "security_group:${var.open_security_group}"
  }
  # AWS has retries, age, bisecting, partial answers, event logs and Kafka destinations in provisioned mode alone; it is billed by the hour
  provisioned_poller_config {
    minimum_pollers = 1
    maximum_pollers = 200
  }
  depends_on = [aws_iam_role_policy.ship_role]
}

output "orders_to_ship_mapping_uuid" {
  description = "UUID of the mapping that goes on with group gantry.orders-to-ship"
  value       = aws_lambda_event_source_mapping.orders_to_ship_mapping.uuid
}

# without MaximumBatchingWindowInSeconds AWS waits 500 ms, as gantry does; once set it can't be unset
resource "aws_lambda_event_source_mapping" "returns_to_ship_mapping" {
  function_name = aws_lambda_function.ship_function.arn
  enabled       = var.enabled
  topics        = ["returns"]
  # only for partitions that the group has committed nothing of: AWS goes on where the group is
  starting_position       = "TRIM_HORIZON"
  batch_size              = 100
  function_response_types = ["ReportBatchItemFailures"]
  self_managed_event_source {
    endpoints = {
      KAFKA_BOOTSTRAP_SERVERS = "kafka-1.example:9092"
    }
  }
  self_managed_kafka_event_source_config {
    consumer_group_id = "gantry.returns-to-ship"
  }
  # the pollers run in this VPC; without provisioned mode they need its ways to Lambda, STS, Secrets Manager and the destination
  source_access_configuration {
    type = "VPC_SUBNET"
    uri  = "subnet:${var.open_subnet_one}"
  }
  source_access_configuration {
    type = "VPC_SUBNET"
    uri  = "subnet:${var.open_subnet_two}"
  }
  source_access_configuration {
    type = "VPC_SECURITY_GROUP"
    uri  = "security_group:${var.open_security_group}"
  }
  # AWS has retries, age, bisecting, partial answers, event logs and Kafka destinations in provisioned mode alone; it is billed by the hour
  provisioned_poller_config {
    minimum_pollers = 1
    maximum_pollers = 200
  }
  depends_on = [aws_iam_role_policy.ship_role]
}

output "returns_to_ship_mapping_uuid" {
  description = "UUID of the mapping that goes on with group gantry.returns-to-ship"
  value       = aws_lambda_event_source_mapping.returns_to_ship_mapping.uuid
}
