terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "AKIDRECORDING"
  secret_key                  = "of-the-recording"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
  max_retries                 = 1
  endpoints { lambda = "http://127.0.0.1:19400" }
}

resource "aws_lambda_function" "full" {
  function_name                  = "orders"
  description                    = "Prices orders and more"
  role                           = "arn:aws:iam::000000000000:role/orders"
  filename                       = "two.zip"
  source_code_hash               = filebase64sha256("two.zip")
  handler                        = "app.handler"
  runtime                        = "python3.12"
  architectures                  = ["x86_64"]
  memory_size                    = 256
  timeout                        = 5
  reserved_concurrent_executions = 9
  ephemeral_storage { size = 512 }
  tracing_config { mode = "PassThrough" }
  logging_config { log_format = "Text" }
  environment {
    variables = {
      STAGE = "two"
      MORE  = "yes"
    }
  }
  tags = {
    team = "b"
    cost = "7"
  }
}
resource "aws_lambda_function" "plain" {
  function_name = "payments"
  role          = "arn:aws:iam::000000000000:role/payments"
  filename      = "one.zip"
  handler       = "app.handler"
  runtime       = "python3.12"
}
resource "aws_lambda_permission" "bucket" {
  statement_id   = "AllowBucket"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.full.function_name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::bucket"
  source_account = "111111111111"
}
resource "aws_lambda_permission" "account" {
  action        = "lambda:InvokeFunction"
  statement_id  = "AllowAccount"
  function_name = aws_lambda_function.plain.arn
  principal     = "arn:aws:iam::222222222222:root"
}
resource "aws_lambda_event_source_mapping" "full" {
  function_name                      = aws_lambda_function.full.arn
  topics                             = ["orders"]
  starting_position                  = "TRIM_HORIZON"
  enabled                            = true
  batch_size                         = 200
  maximum_batching_window_in_seconds = 0
  maximum_retry_attempts             = 4
  maximum_record_age_in_seconds      = 1200
  bisect_batch_on_function_error     = false
  function_response_types            = ["ReportBatchItemFailures"]
  self_managed_event_source { endpoints = { KAFKA_BOOTSTRAP_SERVERS = "localhost:19092" } }
  self_managed_kafka_event_source_config { consumer_group_id = "orders-group" }
  source_access_configuration {
    type = "SASL_SCRAM_512_AUTH"
    uri  = "secret:login"
  }
  source_access_configuration {
    type = "SERVER_ROOT_CA_CERTIFICATE"
    uri  = "secret:ca"
  }
  filter_criteria {
    filter { pattern = jsonencode({ value = { total = [{ numeric = [">", 200] }] } }) }
    filter { pattern = jsonencode({ value = { tier = ["gold"] } }) }
  }
  destination_config {
    on_failure { destination_arn = "arn:aws:sns:eu-west-1:000000000000:orders-dead" }
  }
}
resource "aws_lambda_event_source_mapping" "plain" {
  function_name     = aws_lambda_function.plain.function_name
  topics            = ["payments"]
  starting_position = "LATEST"
  self_managed_event_source { endpoints = { KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:19093" } }
}
resource "aws_lambda_event_source_mapping" "msk" {
  function_name     = aws_lambda_function.plain.function_name
  event_source_arn  = "arn:aws:kafka:eu-west-1:000000000000:cluster/orders/11111111-2222-3333-4444-555555555555-1"
  topics            = ["orders"]
  starting_position = "LATEST"
  batch_size        = 200
  filter_criteria {
    filter { pattern = jsonencode({ value = { total = [{ numeric = [">", 200] }] } }) }
    filter { pattern = jsonencode({ value = { tier = ["gold"] } }) }
  }
  amazon_managed_kafka_event_source_config { consumer_group_id = "msk-group" }
}
resource "aws_lambda_event_source_mapping" "at" {
  function_name               = aws_lambda_function.full.function_name
  topics                      = ["payments"]
  starting_position           = "AT_TIMESTAMP"
  starting_position_timestamp = "2026-11-01T00:00:00Z"
  enabled                     = false
  self_managed_event_source { endpoints = { KAFKA_BOOTSTRAP_SERVERS = "localhost:19093,127.0.0.1:19093" } }
}
resource "aws_lambda_permission" "org" {
  action           = "lambda:InvokeFunction"
  statement_id     = "AllowOrganisation"
  function_name    = aws_lambda_function.plain.function_name
  principal        = "*"
  principal_org_id = "o-1234567890"
}
resource "aws_lambda_permission" "token" {
  action             = "lambda:InvokeFunction"
  statement_id       = "AllowSkill"
  function_name      = aws_lambda_function.plain.function_name
  principal          = "alexa-appkit.amazon.com"
  event_source_token = "amzn1.ask.skill.x"
}
data "aws_lambda_function" "plain" {
  function_name = aws_lambda_function.plain.function_name
}

resource "aws_lambda_function_event_invoke_config" "full" {
  function_name                = aws_lambda_function.full.function_name
  maximum_event_age_in_seconds = 120
  maximum_retry_attempts       = 1
}
