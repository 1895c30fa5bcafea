"""What a function that reads a table with the SDK does before its first request."""

import boto3

client = boto3.client("dynamodb")
