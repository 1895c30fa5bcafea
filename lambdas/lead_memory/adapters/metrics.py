"""Metrics in CloudWatch's embedded metric format: one line of JSON on standard output, no request.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import time
from collections.abc import Mapping

NAMESPACE = "LeadMemory"


def emit_metrics(
    stage: str, function: str, cohort: str | None = None, about: Mapping[str, str] = {}, /, **values: float
) -> None:
    """Counts without a unit, and durations where the name ends in `_ms`; by cohort where there is one.

    `about` is in the line for those who read it, and no dimension.
    """
    dimensions = {"stage": stage, "function": function} | ({"cohort": cohort} if cohort else {})
    metrics = [{"Name": name, "Unit": "Milliseconds" if name.endswith("_ms") else "Count"} for name in values]
    line = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": metrics}],
        },
        **dimensions,
        **about,
        # CloudWatch takes no booleans.
        **{name: +value for name, value in values.items()},
    }
    print(json.dumps(line))
