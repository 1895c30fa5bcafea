"""The queues of what keeps recalls right: which memories to look at again, and which were recalled."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.ingest import DELIVERIES, queue
from infra.stages import Stage
from infra.without_content import NAMED, WithoutContent

NEVER_RECALLED = (
    "conversation.intent_classified",
    "conversation.message_received",
    "conversation.reply_sent",
    "conversation.thread_resolved",
    "intelligence.evaluated",
    "memories.summary_requested",
    "note.edited",
    "note.pinned",
    "note.removed",
    "thread.extraction_requested",
    "thread.reactivation_prepared",
    "thread.summarized",
    "thread.summary_requested",
)
"""Event types that touch no memory that is recalled. All others go to the queue, those of tomorrow too."""


class RecallQueues(Construct):
    """What the embedder publishes does not come back to it without end: a request for a summary is not sent here, and
    that a memory is hot again is published of what comes from the queue of uses alone, which the bus does not reach.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, bus: events.EventBus, visibility_timeout: Duration
    ) -> None:
        super().__init__(scope, construct_id)
        self.vectors_dead_letters = queue(self, "VectorsDeadLetters", stage=stage)
        self.vectors = queue(
            self,
            "VectorsQueue",
            stage=stage,
            visibility_timeout=visibility_timeout,
            delivery_delay=Duration.seconds(stage.vectors_delay_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.vectors_dead_letters, max_receive_count=DELIVERIES),
        )
        self.uses_dead_letters = queue(self, "UsesDeadLetters", stage=stage)
        self.uses = queue(
            self,
            "UsesQueue",
            stage=stage,
            # A batch is hidden while it fills up, too.
            visibility_timeout=visibility_timeout.plus(Duration.seconds(stage.uses_window_seconds)),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.uses_dead_letters, max_receive_count=DELIVERIES),
        )
        events.Rule(
            self,
            "Touches",
            event_bus=bus,
            description="What may change a memory that is recalled, without its content",
            event_pattern=events.EventPattern(
                detail_type=events.Match.anything_but(*NEVER_RECALLED),
                detail=NAMED,
            ),
            targets=[
                targets.SqsQueue(self.vectors, dead_letter_queue=self.vectors_dead_letters, message=WithoutContent())
            ],
        )
