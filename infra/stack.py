"""One stage of Lead Memory."""

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from infra import functions, recall_functions
from infra.extraction import Extraction
from infra.ingest import Ingest
from infra.observability import Observability
from infra.rebuild import Rebuild
from infra.recall import RecallQueues
from infra.stages import Stage
from infra.storage import Storage


class LeadMemoryStack(Stack):
    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope,
            f"LeadMemory-{stage.name}",
            description=f"Lead Memory, {stage.name}",
            termination_protection=stage.keeps_data,
            analytics_reporting=False,
            tags={"product": "lead-memory", "stage": stage.name},
        )
        storage = Storage(self, "Storage", stage=stage)
        ingest = Ingest(
            self,
            "Ingest",
            stage=stage,
            visibility_timeout=Duration.seconds(stage.timeouts_hidden * functions.UPDATER_TIMEOUT.to_seconds()),
        )
        updater = functions.updater(self, stage=stage, storage=storage, ingest=ingest)
        resolver = functions.resolver(self, stage=stage, storage=storage)
        context = functions.context(self, stage=stage, storage=storage)
        extraction = Extraction(
            self,
            "Extraction",
            stage=stage,
            bus=ingest.bus,
            visibility_timeout=Duration.seconds(stage.timeouts_hidden * functions.EXTRACTOR_TIMEOUT.to_seconds()),
        )
        extractor = functions.extractor(self, stage=stage, storage=storage, ingest=ingest, extraction=extraction)
        cleanup = functions.cleanup(self, stage=stage, storage=storage, ingest=ingest, extraction=extraction)
        rebuild = Rebuild(
            self,
            "Rebuild",
            stage=stage,
            visibility_timeout=Duration.seconds(6 * functions.REBUILDER_TIMEOUT.to_seconds()),
        )
        queues = RecallQueues(
            self,
            "RecallQueues",
            stage=stage,
            bus=ingest.bus,
            visibility_timeout=Duration.seconds(stage.timeouts_hidden * recall_functions.EMBEDDER_TIMEOUT.to_seconds()),
        )
        recall = recall_functions.recall(self, stage=stage, storage=storage, queues=queues)
        embedder = recall_functions.embedder(self, stage=stage, storage=storage, ingest=ingest, queues=queues)
        rebuilder = functions.rebuilder(self, stage=stage, storage=storage, rebuild=rebuild, recall=queues)
        privacy = functions.privacy(
            self, stage=stage, storage=storage, ingest=ingest, rebuild=rebuild, extraction=extraction, recall=queues
        )
        Observability(
            self,
            "Observability",
            stage=stage,
            ingest=ingest,
            rebuild=rebuild,
            extraction=extraction,
            recall=queues,
            table=storage.table,
            functions=[updater, resolver, context, recall, extractor, embedder, cleanup, rebuilder, privacy],
        )
        outputs = {
            "TableName": storage.table.table_name,
            "PayloadBucket": storage.payloads.bucket_name,
            "ContentKey": storage.content_key.key_arn,
            "BusName": ingest.bus.event_bus_name,
            "IngestQueueUrl": ingest.queue.queue_url,
            "DeadLetterQueueUrl": ingest.dead_letters.queue_url,
            "RejectedQueueUrl": ingest.rejected.queue_url,
            "RebuildQueueUrl": rebuild.queue.queue_url,
            "RebuildDeadLetterQueueUrl": rebuild.dead_letters.queue_url,
            "ExtractionQueueUrl": extraction.queue.queue_url,
            "ExtractionDeadLetterQueueUrl": extraction.dead_letters.queue_url,
            "VectorsQueueUrl": queues.vectors.queue_url,
            "VectorsDeadLetterQueueUrl": queues.vectors_dead_letters.queue_url,
            "UsesQueueUrl": queues.uses.queue_url,
            "UsesDeadLetterQueueUrl": queues.uses_dead_letters.queue_url,
            "UpdaterFunction": updater.alias.function_arn,
            "ResolverFunction": resolver.alias.function_arn,
            "ContextFunction": context.alias.function_arn,
            "RecallFunction": recall.alias.function_arn,
            "ExtractorFunction": extractor.alias.function_arn,
            "EmbedderFunction": embedder.alias.function_arn,
            "CleanupFunction": cleanup.alias.function_arn,
            "RebuilderFunction": rebuilder.alias.function_arn,
            "PrivacyFunction": privacy.alias.function_arn,
            # An output cannot be empty.
            "ProfileFields": ",".join(stage.profiles.fields) if stage.profiles else "-",
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
