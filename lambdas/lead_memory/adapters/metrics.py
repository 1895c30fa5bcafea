"""Metrics in CloudWatch's embedded metric format: one line of JSON on standard output, no request.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import time

NAMESPACE = "LeadMemory"


def emit_metrics(stage: str, function: str, **values: float) -> None:
    """Counts without a unit, and durations where the name ends in `_ms`."""
    metrics = [{"Name": name, "Unit": "Milliseconds" if name.endswith("_ms") else "Count"} for name in values]
    line = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["stage", "function"]], "Metrics": metrics}],
        },
        "stage": stage,
        "function": function,
        **values,
    }
    print(json.dumps(line))
