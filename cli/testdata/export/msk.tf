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

variable "order_score_role_name" {
  description = "Name of the role of function order-score, to which what the mapping needs is added"
  type        = string
}

resource "aws_cloudwatch_log_group" "order_archive_function_log" {
  name              = "/aws/lambda/order-archive"
  retention_in_days = 30
}

# as gantry knows it; lambda.amazonaws.com has to be allowed to assume it
resource "aws_lambda_function" "order_archive_function" {
  function_name    = "order-archive"
  filename         = "${path.module}/order-archive.zip"
  source_code_hash = filebase64sha256("${path.module}/order-archive.zip")
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  memory_size      = 128
  timeout          = 3
  role             = "arn:aws:iam::123456789012:role/app/orders"
  depends_on       = [aws_cloudwatch_log_group.order_archive_function_log]
}

data "aws_iam_policy_document" "order_score_policy" {
  statement {
    sid       = "ConnectToTheCluster"
    actions   = ["kafka-cluster:Connect"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"]
  }
  statement {
    sid       = "ReadTheTopic"
    actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:topic/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2/orders"]
  }
  statement {
    sid       = "BeAMemberOfTheGroup"
    actions   = ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:group/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2/gantry.orders-to-score"]
  }
  statement {
    sid       = "WriteDeadLetters"
    actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:topic/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2/orders.dead"]
  }
  statement {
    sid       = "WriteEachDeadLetterOnce"
    actions   = ["kafka-cluster:WriteDataIdempotently"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"]
  }
  statement {
    sid       = "FindTheCluster"
    actions   = ["kafka:DescribeCluster", "kafka:DescribeClusterV2"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"]
  }
  statement {
    sid       = "FindItsBrokers"
    actions   = ["kafka:GetBootstrapBrokers"]
    resources = ["*"]
  }
  statement {
    sid       = "BeInTheVPC"
    actions   = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "order_score_policy" {
  role   = var.order_score_role_name
  policy = data.aws_iam_policy_document.order_score_policy.json
}

data "aws_iam_policy_document" "order_archive_policy" {
  statement {
    sid       = "WriteItsLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.order_archive_function_log.arn}:*"]
  }
  statement {
    sid       = "WriteDeadLetters"
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::orders-dead/aws/lambda/*/*"]
  }
  statement {
    sid       = "ConnectToTheCluster"
    actions   = ["kafka-cluster:Connect"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"]
  }
  statement {
    sid       = "ReadTheTopic"
    actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:topic/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2/orders"]
  }
  statement {
    sid       = "BeAMemberOfTheGroup"
    actions   = ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:group/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2/gantry.orders-to-archive"]
  }
  statement {
    sid       = "ListTheBucket"
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::orders-dead"]
  }
  statement {
    sid       = "FindTheCluster"
    actions   = ["kafka:DescribeCluster", "kafka:DescribeClusterV2"]
    resources = ["arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"]
  }
  statement {
    sid       = "FindItsBrokers"
    actions   = ["kafka:GetBootstrapBrokers"]
    resources = ["*"]
  }
  statement {
    sid       = "BeInTheVPC"
    actions   = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "order_archive_policy" {
  role   = "orders"
  policy = data.aws_iam_policy_document.order_archive_policy.json
}

# without MaximumBatchingWindowInSeconds AWS waits 500 ms, as gantry does; once set it can't be unset
resource "aws_lambda_event_source_mapping" "orders_to_score_mapping" {
  function_name = "arn:aws:lambda:eu-west-1:123456789012:function:score:live"
  enabled       = var.enabled
  topics        = ["orders"]
  # only for partitions that the group has committed nothing of: AWS goes on where the group is
  # with LATEST such a partition misses what is written until AWS polls it, minutes after this is deployed
  starting_position = "LATEST"
  batch_size        = 100
  event_source_arn  = "arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"
  # needs a version of the provider that knows logging_config
  logging_config {
    system_log_level = "INFO"
  }
  amazon_managed_kafka_event_source_config {
    consumer_group_id = "gantry.orders-to-score"
  }
  # needs a version of the provider that takes kafka:// here
  destination_config {
    on_failure {
      destination_arn = "kafka://orders.dead"
    }
  }
  # AWS has retries, age, bisecting, partial answers, event logs and Kafka destinations in provisioned mode alone; it is billed by the hour
  provisioned_poller_config {
    minimum_pollers = 1
    maximum_pollers = 200
  }
  depends_on = [aws_iam_role_policy.order_score_policy]
}

output "orders_to_score_mapping_uuid" {
  description = "UUID of the mapping that goes on with group gantry.orders-to-score"
  value       = aws_lambda_event_source_mapping.orders_to_score_mapping.uuid
}

# without MaximumBatchingWindowInSeconds AWS waits 500 ms, as gantry does; once set it can't be unset
resource "aws_lambda_event_source_mapping" "orders_to_archive_mapping" {
  function_name = aws_lambda_function.order_archive_function.arn
  enabled       = var.enabled
  topics        = ["orders"]
  # only for partitions that the group has committed nothing of: AWS goes on where the group is
  starting_position           = "AT_TIMESTAMP"
  starting_position_timestamp = "2026-01-01T00:00:00Z"
  batch_size                  = 100
  event_source_arn            = "arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"
  amazon_managed_kafka_event_source_config {
    consumer_group_id = "gantry.orders-to-archive"
  }
  destination_config {
    on_failure {
      destination_arn = "arn:aws:s3:::orders-dead"
    }
  }
  provisioned_poller_config {
    minimum_pollers = 2
    maximum_pollers = 10
  }
  depends_on = [aws_iam_role_policy.order_archive_policy]
}

output "orders_to_archive_mapping_uuid" {
  description = "UUID of the mapping that goes on with group gantry.orders-to-archive"
  value       = aws_lambda_event_source_mapping.orders_to_archive_mapping.uuid
}
