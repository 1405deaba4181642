// Package clients holds gantry's Lambda API against AWS's own clients: one script of
// calls with what each must answer, run by aws-sdk-go-v2, by boto3 and by the aws CLI,
// unmodified and with nothing set but the endpoint URL, credentials and a region. The
// requests pass gantry's own door, so their signatures are verified too.
//
// The SDK for Go runs always. boto3 and the CLI are looked for in the folder venv-aws of
// GANTRY_CACHE (default ~/.cache/gantry), then on PATH, and skipped where neither has them.
package clients
