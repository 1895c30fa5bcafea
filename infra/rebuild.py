"""The queue of leads to rebuild, and where those wait that could not be."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.ingest import DELIVERIES, queue
from infra.stages import Stage


class Rebuild(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, visibility_timeout: Duration) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = queue(self, "DeadLetters", stage=stage)
        self.queue = queue(
            self,
            "Queue",
            stage=stage,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=DELIVERIES),
        )
