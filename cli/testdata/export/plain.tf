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

variable "order_validate_db_password_secret" {
  description = "ARN of the secret of Secrets Manager that DB_PASSWORD of function order-validate is"
  type        = string
}

resource "aws_cloudwatch_log_group" "order_validate_function_log" {
  name              = "/aws/lambda/order-validate"
  retention_in_days = 30
}

data "aws_secretsmanager_secret_version" "api_key_zy98xw" {
  secret_id = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api-key-Zy98Xw"
}

data "aws_secretsmanager_secret_version" "order_validate_db_password_secret" {
  secret_id = var.order_validate_db_password_secret
}

# API_KEY is the content of a secret when this is deployed; deploy again when it was rotated
# DB_PASSWORD is the content of a secret when this is deployed; deploy again when it was rotated
resource "aws_lambda_function" "order_validate_function" {
  function_name                  = "order-validate"
  filename                       = "${path.module}/order-validate.zip"
  source_code_hash               = filebase64sha256("${path.module}/order-validate.zip")
  runtime                        = "python3.12"
  handler                        = "app.handler"
  memory_size                    = 256
  timeout                        = 30
  role                           = aws_iam_role.order_validate_role.arn
  reserved_concurrent_executions = 20
  tags = {
    team = "orders"
  }
  environment {
    variables = {
      API_KEY     = data.aws_secretsmanager_secret_version.api_key_zy98xw.secret_string
      DB_PASSWORD = data.aws_secretsmanager_secret_version.order_validate_db_password_secret.secret_string
      GREETING    = "costs $${5} and {{more}}"
      LEVEL       = "info"
    }
  }
  depends_on = [aws_cloudwatch_log_group.order_validate_function_log]
}

resource "aws_lambda_function_event_invoke_config" "order_validate_function_async" {
  function_name                = aws_lambda_function.order_validate_function.function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 3600
}

# a secret under a key of your own needs kms:Decrypt on that key as well
data "aws_iam_policy_document" "order_validate_role" {
  statement {
    sid       = "WriteItsLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.order_validate_function_log.arn}:*"]
  }
  statement {
    sid       = "WriteDeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = ["arn:aws:sqs:eu-west-1:123456789012:orders-dead"]
  }
  statement {
    sid       = "ReadTheSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka-user-Ab12Cd"]
  }
}

data "aws_iam_policy_document" "order_validate_role_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "order_validate_role" {
  name_prefix        = "order-validate-"
  assume_role_policy = data.aws_iam_policy_document.order_validate_role_trust.json
}

resource "aws_iam_role_policy" "order_validate_role" {
  role   = aws_iam_role.order_validate_role.id
  policy = data.aws_iam_policy_document.order_validate_role.json
}

resource "aws_lambda_event_source_mapping" "orders_to_validate_mapping" {
  function_name = aws_lambda_function.order_validate_function.arn
  enabled       = var.enabled
  topics        = ["orders"]
  # only for partitions that the group has committed nothing of: AWS goes on where the group is
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 500
  maximum_batching_window_in_seconds = 1
  maximum_retry_attempts             = 3
  maximum_record_age_in_seconds      = 3600
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]
  tags = {
    team = "orders"
  }
  self_managed_event_source {
    endpoints = {
      KAFKA_BOOTSTRAP_SERVERS = "kafka-1.example:9094,kafka-2.example:9094"
    }
  }
  self_managed_kafka_event_source_config {
    consumer_group_id = "orders-service"
  }
  source_access_configuration {
    type = "SASL_SCRAM_512_AUTH"
    uri  = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka-user-Ab12Cd"
  }
  filter_criteria {
    filter {
      pattern = "{\"value\":{\"total\":[{\"numeric\":[\"\\u003e\",100]}]}}"
    }
  }
  # not in AWS: destination-failure (mapping orders-to-validate). Here: a dead letter that can't be delivered is tried again (onDestinationFailure: retry). There: counted in DestinationDeliveryFailures, and the records are dropped
  destination_config {
    on_failure {
      destination_arn = "arn:aws:sqs:eu-west-1:123456789012:orders-dead"
    }
  }
  # AWS has retries, age, bisecting, partial answers, event logs and Kafka destinations in provisioned mode alone; it is billed by the hour
  provisioned_poller_config {
    minimum_pollers = 1
    maximum_pollers = 200
  }
  depends_on = [aws_iam_role_policy.order_validate_role]
}

output "orders_to_validate_mapping_uuid" {
  description = "UUID of the mapping that goes on with group orders-service"
  value       = aws_lambda_event_source_mapping.orders_to_validate_mapping.uuid
}
