"""An event as a rule of the bus hands it on to those who read it where it is recorded."""

from aws_cdk import aws_events as events
from aws_cdk.interfaces.aws_events import IRuleRef

NAMED = {"metadata": {"event_id": events.Match.exists()}}
"""A pattern for `detail`: without metadata the template below would give no JSON. The updater rejects such an event."""


class WithoutContent(events.RuleTargetInput):
    """Only what names the event.

    AWS adds the quotes of a string where a template has none, and so the CDK's own inputs take them out of the
    template; the local AWS adds none, and AWS takes a template that has them. An object stands without quotes on both:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """

    def bind(self, _: IRuleRef) -> events.RuleTargetInputProperties:
        return events.RuleTargetInputProperties(
            input_paths_map={"source": "$.source", "type": "$.detail-type", "metadata": "$.detail.metadata"},
            input_template='{"source": "<source>", "detail-type": "<type>", "detail": {"metadata": <metadata>}}',
        )
