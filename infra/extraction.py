"""The queue of what there may be to ask a model about, what comes there from the bus, and where waits what failed."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk.interfaces.aws_events import IRuleRef
from constructs import Construct

from infra.ingest import DELIVERIES, queue
from infra.stages import Stage

ASKS = (
    "conversation.message_received",
    "conversation.reply_sent",
    "thread.extraction_requested",
    "thread.summary_requested",
    "memories.summary_requested",
)
"""Event types."""
NEVER_ASK = ("cleanup", "extractor")
"""Sources: an answer would ask again."""


class Extraction(Construct):
    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, bus: events.EventBus, visibility_timeout: Duration
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = queue(self, "DeadLetters", stage=stage)
        self.queue = queue(
            self,
            "Queue",
            stage=stage,
            visibility_timeout=visibility_timeout,
            delivery_delay=Duration.seconds(stage.extraction_delay_seconds),
            # The function sends there what failed, and why; this is for what it could not even send.
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=DELIVERIES),
        )
        events.Rule(
            self,
            "Asks",
            event_bus=bus,
            description="What a model may be asked about, without its content",
            event_pattern=events.EventPattern(
                source=events.Match.anything_but(*NEVER_ASK),
                detail_type=list(ASKS),
                # Without metadata the template below would give no JSON. The updater rejects such an event.
                detail={"metadata": {"event_id": events.Match.exists()}},
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters, message=_WithoutContent())],
        )


class _WithoutContent(events.RuleTargetInput):
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
