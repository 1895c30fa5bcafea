"""From the bus to the queue that the updater reads, and the two places where events wait for a person."""

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stages import Stage

DELIVERIES = 5
WAITING_DAYS = 14
MESSAGE_MAX_BYTES = 1024 * 1024


class Ingest(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, visibility_timeout: Duration) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = queue(self, "DeadLetters", stage=stage)
        self.rejected = queue(self, "Rejected", stage=stage)
        Validations.of(self.rejected).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SQS3",
                reason="It is an end of the line, as a dead-letter queue is: nothing goes on from there by itself.",
            )
        )
        self.queue = queue(
            self,
            "Queue",
            stage=stage,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=DELIVERIES),
        )
        self.bus = events.EventBus(self, "Bus", description=f"Events about leads, {stage.name}")
        events.Rule(
            self,
            "Everything",
            event_bus=self.bus,
            description="Everything, so that what is malformed is rejected with a reason and not lost",
            event_pattern=events.EventPattern(source=events.Match.prefix("")),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)],
        )
        if stage.archive_days is not None:
            events.Archive(
                self,
                "Archive",
                source_event_bus=self.bus,
                event_pattern=events.EventPattern(source=events.Match.prefix("")),
                retention=Duration.days(stage.archive_days),
            ).apply_removal_policy(stage.removal_policy)


def queue(
    scope: Construct,
    construct_id: str,
    *,
    stage: Stage,
    visibility_timeout: Duration | None = None,
    delivery_delay: Duration | None = None,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        max_message_size_bytes=MESSAGE_MAX_BYTES,
        retention_period=Duration.days(WAITING_DAYS),
        visibility_timeout=visibility_timeout,
        delivery_delay=delivery_delay,
        dead_letter_queue=dead_letter_queue,
        removal_policy=stage.removal_policy,
    )
