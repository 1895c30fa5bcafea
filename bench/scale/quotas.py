"""AWS's limits, the default ones of an account in a region, and where it documents them."""

READ_ON = "2026-11-21"

_DOCS = "https://docs.aws.amazon.com"

BUS_CALLS, BUS_DELIVERIES = 10_000, 18_750
"""A second, in us-east-1, us-west-2 and eu-west-1; others have less."""
BUS_PAGE = f"{_DOCS}/eventbridge/latest/userguide/eb-quota.html"

IN_FLIGHT = 120_000
"""Messages of a standard queue that were received and not yet deleted."""
QUEUE_PAGE = f"{_DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"

POLLED, POLLED_AT_FIRST, POLLED_MORE_A_MINUTE = 1_250, 5, 300
"""Functions at once that one queue's mapping calls."""
POLLING_PAGE = f"{_DOCS}/lambda/latest/dg/services-sqs-scaling.html"

CONCURRENCY, PAYLOAD_BYTES = 1_000, 6_000_000
FUNCTIONS_PAGE = f"{_DOCS}/lambda/latest/dg/gettingstarted-limits.html"
CALLS_A_CONCURRENCY = 10
"""A second, for each of the functions that may run at once."""
SCALING_PAGE = f"{_DOCS}/lambda/latest/dg/scaling-behavior.html"

TABLE_UNITS = 40_000
"""Of reading, and as many of writing, of a table and of each index."""
TABLE_PAGE = f"{_DOCS}/amazondynamodb/latest/developerguide/ServiceQuotas.html"
NEW_TABLE_WRITES = 4_000
WARM_PAGE = f"{_DOCS}/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html"
WRITES_A_PARTITION, READS_A_PARTITION = 1_000, 3_000
PARTITION_PAGE = f"{_DOCS}/amazondynamodb/latest/developerguide/bp-partition-key-design.html"

QUERY_BYTES = 1_048_576
QUERY_PAGE = f"{_DOCS}/amazondynamodb/latest/developerguide/Query.Pagination.html"

KMS_REQUESTS = 10_000
"""Symmetric ones of all keys together; six regions have 20,000, and us-east-1, us-west-2 and eu-west-1 have 100,000."""
KEYS_PAGE = f"{_DOCS}/kms/latest/developerguide/requests-per-second.html"

DATA_API_ANSWER_BYTES = 1_048_576
DATA_API_PAGE = f"{_DOCS}/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html"
