"""The queue of what there may be to ask a model about, what comes there from the bus, and where waits what failed."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.ingest import DELIVERIES, queue
from infra.stages import Stage
from infra.without_content import NAMED, WithoutContent

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
                detail=NAMED,
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters, message=WithoutContent())],
        )
