import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from infra.stack import LeadMemoryStack
from infra.stages import PROD, Stage
from lead_memory.adapters import keys
from lead_memory.adapters.metrics import NAMESPACE
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.derivations import touched
from lead_memory.domain.recall.text import recalled
from lead_memory_client.privacy import UPDATERS_SETTLE_SECONDS
from tests.events import all_samples
from tests.infra.conftest import new_app

pytestmark = pytest.mark.xdist_group("infra")

KEEPS_DATA = {"local": False, "dev": False, "staging": True, "prod": True}
LOG_DAYS = {"local": 1, "dev": 7, "staging": 30, "prod": 90}
ARCHIVE_DAYS = {"dev": 7, "staging": 14, "prod": 30}
BATCHES = {"local": (10, 0, 2), "dev": (100, 1, 5), "staging": (100, 1, 10), "prod": (100, 1, 100)}
"""Of the updater: at most how many messages, after how many seconds, and how many batches at once."""
ON_AWS = {"local": False, "dev": True, "staging": True, "prod": True}
COUNTED = ("Errors", "Throttles", "leads_profile_refused", "jobs_failed")
"""Metrics that each call adds to; the others are measured."""
FUNCTIONS = ("Updater", "Resolver", "Context", "Recall", "Extractor", "Embedder", "Cleanup", "Rebuilder", "Privacy")
ON_X86 = ("Recall", "Embedder")
"""On AWS."""
JOBS = {"local": (0, 0, 2), "dev": (10, 1, 2), "staging": (10, 1, 2), "prod": (10, 1, 50)}
"""Of the extractor: seconds before a job is taken, seconds to fill a batch, and how many batches at once."""
VECTORS = {"local": (1, 10, 0, 2), "dev": (10, 100, 1, 2), "staging": (10, 100, 1, 2), "prod": (10, 100, 1, 20)}
"""Of the embedder: seconds before an event is looked at, how many in a batch, seconds to fill it, how many at once."""
USES_WINDOW_SECONDS = {"local": 1, "dev": 60, "staging": 60, "prod": 60}
EXTRACTION_METRICS = {
    *(f"jobs_{became}" for became in ("processed", "batched", "skipped", "failed", "retried")),
    *("job_ms", "input_tokens", "output_tokens", "cost_micros", "gate_over_budget"),
    *("statements_kept", "statements_dropped", "invalid_answers"),
    *("entities_updated", "duplicates", "relations_broken"),
}
SLOW = {"IngestQueue": 300, "ExtractionQueue": 3600, "RecallQueuesVectorsQueue": 900}
"""Seconds after which a queue is."""


def only(template: Template, resource_type: str) -> dict[str, Any]:
    (resource,) = template.find_resources(resource_type).values()
    return dict(resource)


def logical_id(template: Template, resource_type: str, prefix: str) -> str:
    (name,) = (name for name in template.find_resources(resource_type) if name.startswith(prefix))
    return name


def touches(template: Template) -> dict[str, Any]:
    (rule,) = (
        each["Properties"]
        for name, each in template.find_resources("AWS::Events::Rule").items()
        if name.startswith("RecallQueues")
    )
    return dict(rule)


def test_nothing_is_asked_of_aws_to_synthesize(assembly: Path, stage: Stage) -> None:
    manifest = json.loads((assembly / "manifest.json").read_text())
    assert "missing" not in manifest
    stack = manifest["artifacts"][f"LeadMemory-{stage.name}"]
    assert stack["environment"] == "aws://unknown-account/unknown-region"


def test_the_table_has_the_keys_index_and_ttl_that_the_code_names(template: Template) -> None:
    template.has_resource_properties(
        "AWS::DynamoDB::GlobalTable",
        {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                {"AttributeName": keys.PK, "KeyType": "HASH"},
                {"AttributeName": keys.SK, "KeyType": "RANGE"},
            ],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": keys.GSI1,
                    "KeySchema": [
                        {"AttributeName": keys.GSI1_PK, "KeyType": "HASH"},
                        {"AttributeName": keys.GSI1_SK, "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [keys.TOUCHES]},
                }
            ],
            "TimeToLiveSpecification": {"AttributeName": keys.TTL, "Enabled": True},
        },
    )


def test_data_is_kept_in_staging_and_prod_and_goes_with_the_stack_elsewhere(template: Template, stage: Stage) -> None:
    kept = KEEPS_DATA[stage.name]
    table = only(template, "AWS::DynamoDB::GlobalTable")
    (replica,) = table["Properties"]["Replicas"]
    assert replica["DeletionProtectionEnabled"] is kept
    assert replica["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is kept
    for resource_type in (
        "AWS::DynamoDB::GlobalTable",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::Logs::LogGroup",
        "AWS::Events::Archive",
        "AWS::KMS::Key",
    ):
        for resource in template.find_resources(resource_type).values():
            assert resource["DeletionPolicy"] == ("Retain" if kept else "Delete")


def test_a_stack_that_keeps_data_cannot_be_deleted_by_mistake(assembly: Path, stage: Stage) -> None:
    manifest = json.loads((assembly / "manifest.json").read_text())
    stack = manifest["artifacts"][f"LeadMemory-{stage.name}"]["properties"]
    assert stack.get("terminationProtection", False) is KEEPS_DATA[stage.name]


def test_everything_on_the_bus_reaches_the_queue_or_the_dead_letters(template: Template) -> None:
    queue = logical_id(template, "AWS::SQS::Queue", "IngestQueue")
    dead_letters = {"Fn::GetAtt": [logical_id(template, "AWS::SQS::Queue", "IngestDeadLetters"), "Arn"]}
    template.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {"source": [{"prefix": ""}]},
            "Targets": [
                Match.object_like({"Arn": {"Fn::GetAtt": [queue, "Arn"]}, "DeadLetterConfig": {"Arn": dead_letters}})
            ],
        },
    )
    properties = template.find_resources("AWS::SQS::Queue")[queue]["Properties"]
    assert properties["RedrivePolicy"] == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 5}


def test_what_a_model_may_be_asked_about_reaches_the_extractor_without_its_content(template: Template) -> None:
    queue = logical_id(template, "AWS::SQS::Queue", "ExtractionQueue")
    dead_letters = {"Fn::GetAtt": [logical_id(template, "AWS::SQS::Queue", "ExtractionDeadLetters"), "Arn"]}
    (rule,) = (
        each["Properties"]
        for name, each in template.find_resources("AWS::Events::Rule").items()
        if name.startswith("Extraction")
    )
    assert rule["EventBusName"] == {"Ref": logical_id(template, "AWS::Events::EventBus", "IngestBus")}
    assert rule["EventPattern"] == {
        "source": [{"anything-but": ["cleanup", "extractor"]}],
        "detail-type": [
            "conversation.message_received",
            "conversation.reply_sent",
            "thread.extraction_requested",
            "thread.summary_requested",
            "memories.summary_requested",
        ],
        "detail": {"metadata": {"event_id": [{"exists": True}]}},
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": dead_letters}
    assert set(target["InputTransformer"]["InputPathsMap"].values()) == {
        "$.source",
        "$.detail-type",
        "$.detail.metadata",
    }
    properties = template.find_resources("AWS::SQS::Queue")[queue]["Properties"]
    assert properties["RedrivePolicy"] == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 5}


def test_the_extractor_takes_jobs_as_late_and_as_many_at_once_as_the_stage_says(
    template: Template, stage: Stage
) -> None:
    delay, window_seconds, at_once = JOBS[stage.name]
    queue = template.find_resources("AWS::SQS::Queue")[logical_id(template, "AWS::SQS::Queue", "ExtractionQueue")]
    assert queue["Properties"]["DelaySeconds"] == delay
    mappings = template.find_resources("AWS::Lambda::EventSourceMapping")
    (mapping,) = (each["Properties"] for name, each in mappings.items() if name.startswith("Extractor"))
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (10, window_seconds)
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": at_once}


def test_what_may_change_a_memory_reaches_the_embedder_without_its_content(template: Template) -> None:
    queue = logical_id(template, "AWS::SQS::Queue", "RecallQueuesVectorsQueue")
    dead_letters = {"Fn::GetAtt": [logical_id(template, "AWS::SQS::Queue", "RecallQueuesVectorsDeadLetters"), "Arn"]}
    rule = touches(template)
    assert rule["EventBusName"] == {"Ref": logical_id(template, "AWS::Events::EventBus", "IngestBus")}
    assert set(rule["EventPattern"]) == {"detail-type", "detail"}
    assert rule["EventPattern"]["detail"] == {"metadata": {"event_id": [{"exists": True}]}}
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": dead_letters}
    assert set(target["InputTransformer"]["InputPathsMap"].values()) == {
        "$.source",
        "$.detail-type",
        "$.detail.metadata",
    }
    properties = template.find_resources("AWS::SQS::Queue")[queue]["Properties"]
    assert properties["RedrivePolicy"] == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 5}


def test_the_embedder_is_told_of_exactly_those_events_that_touch_a_memory_of_a_kind_that_is_recalled(
    template: Template,
) -> None:
    samples = all_samples()
    touching = {each.event_type for each in samples if any(map(recalled, touched(each)))}
    (ignored,) = touches(template)["EventPattern"]["detail-type"]
    assert set(ignored["anything-but"]) == {each.event_type for each in samples} - touching


def test_what_the_embedder_publishes_never_asks_it_again_without_end(template: Template) -> None:
    """What it asks of the extractor is not sent to it. That a memory is hot again it says of uses alone, and these
    come from recalls and from no rule.
    """
    (ignored,) = touches(template)["EventPattern"]["detail-type"]
    assert "memories.summary_requested" in ignored["anything-but"]
    uses = {"Fn::GetAtt": [logical_id(template, "AWS::SQS::Queue", "RecallQueuesUsesQueue"), "Arn"]}
    targets = [each["Properties"]["Targets"] for each in template.find_resources("AWS::Events::Rule").values()]
    assert uses not in [target["Arn"] for some in targets for target in some]
    senders = {
        name
        for name, policy in template.find_resources("AWS::IAM::Policy").items()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "sqs:SendMessage" in statement["Action"] and statement["Resource"] == uses
    }
    assert [name[: len("RecallRole")] for name in senders] == ["RecallRole"]


def test_the_embedder_takes_events_and_uses_as_late_and_as_many_at_once_as_the_stage_says(
    template: Template, stage: Stage
) -> None:
    delay, batch_size, window_seconds, at_once = VECTORS[stage.name]
    vectors = logical_id(template, "AWS::SQS::Queue", "RecallQueuesVectorsQueue")
    uses = logical_id(template, "AWS::SQS::Queue", "RecallQueuesUsesQueue")
    assert template.find_resources("AWS::SQS::Queue")[vectors]["Properties"]["DelaySeconds"] == delay
    mappings = template.find_resources("AWS::Lambda::EventSourceMapping")
    taken = {
        each["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]: (
            each["Properties"]["BatchSize"],
            each["Properties"]["MaximumBatchingWindowInSeconds"],
            each["Properties"]["ScalingConfig"]["MaximumConcurrency"],
        )
        for name, each in mappings.items()
        if name.startswith("Embedder")
    }
    assert taken == {
        vectors: (batch_size, window_seconds, at_once),
        uses: (1_000, USES_WINDOW_SECONDS[stage.name], 2),
    }


@pytest.mark.parametrize(
    ("queue", "function"),
    [
        ("IngestQueue", "Updater"),
        ("RebuildQueue", "Rebuilder"),
        ("ExtractionQueue", "Extractor"),
        ("RecallQueuesVectorsQueue", "Embedder"),
        ("RecallQueuesUsesQueue", "Embedder"),
    ],
)
def test_a_message_stays_hidden_for_six_times_the_time_that_its_function_has(
    template: Template, stage: Stage, queue: str, function: str
) -> None:
    functions, queues = (template.find_resources(f"AWS::{kind}") for kind in ("Lambda::Function", "SQS::Queue"))
    reader = functions[logical_id(template, "AWS::Lambda::Function", f"{function}Function")]
    hidden = queues[logical_id(template, "AWS::SQS::Queue", queue)]["Properties"]["VisibilityTimeout"]
    times = 6 if queue == "RebuildQueue" else stage.timeouts_hidden
    window = USES_WINDOW_SECONDS[stage.name] if queue == "RecallQueuesUsesQueue" else 0
    assert hidden == times * reader["Properties"]["Timeout"] + window
    assert times == 6 or not ON_AWS[stage.name]


def test_rebuilding_is_bounded_and_what_fails_each_time_waits_for_a_person(template: Template, stage: Stage) -> None:
    mappings = template.find_resources("AWS::Lambda::EventSourceMapping")
    (mapping,) = (each["Properties"] for name, each in mappings.items() if name.startswith("Rebuilder"))
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": stage.rebuilders}
    queue = template.find_resources("AWS::SQS::Queue")[logical_id(template, "AWS::SQS::Queue", "RebuildQueue")]
    dead_letters = {"Fn::GetAtt": [logical_id(template, "AWS::SQS::Queue", "RebuildDeadLetters"), "Arn"]}
    assert queue["Properties"]["RedrivePolicy"] == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 5}


def test_every_queue_takes_a_mebibyte_keeps_it_for_two_weeks_and_is_encrypted(template: Template) -> None:
    template.all_resources_properties(
        "AWS::SQS::Queue",
        {
            "MaximumMessageSize": 1024 * 1024,
            "MessageRetentionPeriod": 14 * 24 * 3600,
            "SqsManagedSseEnabled": True,
        },
    )
    template.resource_count_is("AWS::SQS::Queue", 11)


def test_the_content_key_rotates_each_year_and_waits_the_longest_before_it_is_deleted(template: Template) -> None:
    template.all_resources_properties(
        "AWS::KMS::Key", {"EnableKeyRotation": True, "RotationPeriodInDays": 365, "PendingWindowInDays": 30}
    )
    template.resource_count_is("AWS::KMS::Key", 1)


def test_the_bucket_is_encrypted_and_nobody_outside_can_be_let_in(template: Template) -> None:
    bucket = only(template, "AWS::S3::Bucket")["Properties"]
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }


def test_the_bus_is_archived_on_aws_only(template: Template, stage: Stage) -> None:
    archives = template.find_resources("AWS::Events::Archive").values()
    days = ARCHIVE_DAYS.get(stage.name)
    assert [archive["Properties"]["RetentionDays"] for archive in archives] == ([days] if days else [])


def test_an_erasure_is_verified_after_the_time_that_an_updater_has(template: Template) -> None:
    functions = template.find_resources("AWS::Lambda::Function")
    updater = functions[logical_id(template, "AWS::Lambda::Function", "UpdaterFunction")]["Properties"]
    assert updater["Timeout"] == UPDATERS_SETTLE_SECONDS


def test_receipts_name_the_backups_that_the_stage_has(template: Template, stage: Stage) -> None:
    functions = template.find_resources("AWS::Lambda::Function")
    told = functions[logical_id(template, "AWS::Lambda::Function", "PrivacyFunction")]["Properties"]["Environment"]
    assert told["Variables"]["LEAD_MEMORY_POINT_IN_TIME_RECOVERY"] == str(KEEPS_DATA[stage.name])
    days = ARCHIVE_DAYS.get(stage.name)
    assert told["Variables"].get("LEAD_MEMORY_ARCHIVE_DAYS") == (str(days) if days else None)


def test_functions_start_from_snapshots_on_aws_only(template: Template, stage: Stage) -> None:
    on_aws = ON_AWS[stage.name]
    for name, function in template.find_resources("AWS::Lambda::Function").items():
        properties = function["Properties"]
        assert ("SnapStart" in properties) is on_aws
        assert not on_aws or properties["Architectures"] == ["x86_64" if name.startswith(ON_X86) else "arm64"]
        assert properties["Runtime"] == "python3.13"
        assert properties["LoggingConfig"]["LogFormat"] == "JSON"


def test_every_function_has_its_own_log_group_that_is_kept_as_long_as_the_stage_says(
    template: Template, stage: Stage
) -> None:
    groups = template.find_resources("AWS::Logs::LogGroup")
    functions = template.find_resources("AWS::Lambda::Function").values()
    assert {each["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for each in functions} == set(groups)
    assert len(groups) == len(FUNCTIONS)
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {LOG_DAYS[stage.name]}


def test_the_queues_and_the_schedule_call_the_alias(template: Template) -> None:
    mappings = template.find_resources("AWS::Lambda::EventSourceMapping")
    for reader, queues in (("Updater", 1), ("Rebuilder", 1), ("Extractor", 1), ("Embedder", 2)):
        its = [each["Properties"] for name, each in mappings.items() if name.startswith(reader)]
        assert len(its) == queues
        alias = logical_id(template, "AWS::Lambda::Alias", reader)
        for mapping in its:
            assert {"Ref": alias} in mapping["FunctionName"]["Fn::Join"][1][0]["Fn::Select"][1]["Fn::Split"]
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    schedule = only(template, "AWS::Scheduler::Schedule")["Properties"]
    assert schedule["Target"]["Arn"] == {"Ref": logical_id(template, "AWS::Lambda::Alias", "Cleanup")}
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"


def test_the_updater_takes_batches_as_large_and_as_many_at_once_as_the_stage_says(
    template: Template, stage: Stage
) -> None:
    mappings = template.find_resources("AWS::Lambda::EventSourceMapping")
    (mapping,) = (each["Properties"] for name, each in mappings.items() if name.startswith("Updater"))
    batch_size, window_seconds, at_once = BATCHES[stage.name]
    assert mapping["BatchSize"] == batch_size
    assert mapping["MaximumBatchingWindowInSeconds"] == window_seconds
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": at_once}


def test_the_alias_changes_with_every_version(template: Template) -> None:
    """Or the local stack would lose it when a function is deployed again."""
    versions = template.find_resources("AWS::Lambda::Version")
    aliases = template.find_resources("AWS::Lambda::Alias").values()
    assert {alias["Properties"]["Description"] for alias in aliases} == set(versions)


def test_each_alarm_watches_one_trouble(template: Template, stage: Stage) -> None:
    alarms = template.find_resources("AWS::CloudWatch::Alarm").values()
    assert sorted(_watched(alarm["Properties"]) for alarm in alarms) == [
        ("ApproximateAgeOfOldestMessage", "ExtractionQueue"),
        ("ApproximateAgeOfOldestMessage", "IngestQueue"),
        ("ApproximateAgeOfOldestMessage", "RecallQueuesVectorsQueue"),
        ("ApproximateNumberOfMessagesVisible", "ExtractionDeadLetters"),
        ("ApproximateNumberOfMessagesVisible", "IngestDeadLetters"),
        ("ApproximateNumberOfMessagesVisible", "IngestRejected"),
        ("ApproximateNumberOfMessagesVisible", "RebuildDeadLetters"),
        ("ApproximateNumberOfMessagesVisible", "RecallQueuesUsesDeadLetters"),
        ("ApproximateNumberOfMessagesVisible", "RecallQueuesVectorsDeadLetters"),
        ("Errors", "CleanupFunction"),
        ("Errors", "ContextFunction"),
        ("Errors", "EmbedderFunction"),
        ("Errors", "ExtractorFunction"),
        ("Errors", "PrivacyFunction"),
        ("Errors", "RebuilderFunction"),
        ("Errors", "RecallFunction"),
        ("Errors", "ResolverFunction"),
        ("Errors", "UpdaterFunction"),
        ("Throttles", "CleanupFunction"),
        ("Throttles", "ContextFunction"),
        ("Throttles", "EmbedderFunction"),
        ("Throttles", "ExtractorFunction"),
        ("Throttles", "PrivacyFunction"),
        ("Throttles", "RebuilderFunction"),
        ("Throttles", "RecallFunction"),
        ("Throttles", "ResolverFunction"),
        ("Throttles", "UpdaterFunction"),
        ("jobs_failed", f"{stage.name} extractor"),
        ("leads_profile_refused", f"{stage.name} resolver"),
    ]
    template.resource_count_is("AWS::CloudWatch::Dashboard", 1)


def test_the_dashboard_shows_what_contexts_are_made_of_and_who_returns(template: Template, stage: Stage) -> None:
    shown = {(name, *named[1::2]) for name, *named in _drawn(template) if "context" in named}
    of_full = {(f"l{number}_tokens", "full") for number in range(1, 6)}
    of_each = {(name, cohort) for name in ("is_reactivation", "reactivation_engaged") for cohort in Cohort}
    assert shown == {(name, cohort, "context", stage.name) for name, cohort in of_full | of_each}


def test_the_dashboard_shows_how_well_how_fast_and_at_which_cost_conversations_are_read(
    template: Template, stage: Stage
) -> None:
    shown = {(name, *named[1::2]) for name, *named in _drawn(template) if "extractor" in named}
    assert shown == {(name, "extractor", stage.name) for name in EXTRACTION_METRICS}


def test_the_dashboard_shows_how_fast_memories_are_recalled_and_what_keeps_that_right(
    template: Template, stage: Stage
) -> None:
    shown = {(*named[1::2], name) for name, *named in _drawn(template) if {"recall", "embedder"} & set(named)}
    assert shown == {
        *(("recall", stage.name, name) for name in ("recall_ms", "without_similarity", "uses_lost", "vectors_waiting")),
        *(("embedder", stage.name, name) for name in ("embedded", "written", "removed", "put_off", "left")),
    }


def _drawn(template: Template) -> list[list[str]]:
    """The name of each of our own metrics, and its dimensions."""
    body = only(template, "AWS::CloudWatch::Dashboard")["Properties"]["DashboardBody"]["Fn::Join"][1]
    widgets = json.loads("".join(part if isinstance(part, str) else "-" for part in body))["widgets"]
    metrics = [metric for widget in widgets for metric in widget["properties"]["metrics"] if metric[0] == NAMESPACE]
    return [[part for part in metric[1:] if isinstance(part, str)] for metric in metrics]


def test_an_alarm_rings_within_a_minute_of_the_first_trouble_and_not_where_nothing_happens(template: Template) -> None:
    for alarm in (each["Properties"] for each in template.find_resources("AWS::CloudWatch::Alarm").values()):
        metric, of = _watched(alarm)
        assert alarm["Threshold"] == (SLOW[of] if metric == "ApproximateAgeOfOldestMessage" else 0)
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        assert alarm["Statistic"] == ("Sum" if metric in COUNTED else "Maximum")
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, 1)
        assert alarm["TreatMissingData"] == "notBreaching"


def test_alarms_tell_the_topic_that_the_stage_names(tmp_path: Path) -> None:
    topic = "arn:aws:sns:us-east-1:000000000000:on-call"
    stack = LeadMemoryStack(new_app(tmp_path), stage=replace(PROD, alarm_topic_arn=topic))
    Template.from_stack(stack).all_resources_properties("AWS::CloudWatch::Alarm", {"AlarmActions": [topic]})


def _watched(alarm: dict[str, Any]) -> tuple[str, str]:
    """The metric, and the resource without the hash in its logical id; of our own, the stage and function it names."""
    if alarm["Namespace"] == NAMESPACE:
        named = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        return alarm["MetricName"], f"{named['stage']} {named['function']}"
    (dimension,) = alarm["Dimensions"]
    value = dimension["Value"]
    name = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    return alarm["MetricName"], name[:-8]


def test_the_outputs_are_what_the_client_looks_for(template: Template, stage: Stage) -> None:
    outputs = template.to_json()["Outputs"]
    assert set(outputs) == {
        "TableName",
        "PayloadBucket",
        "ContentKey",
        "BusName",
        "IngestQueueUrl",
        "DeadLetterQueueUrl",
        "RejectedQueueUrl",
        "UpdaterFunction",
        "ResolverFunction",
        "ContextFunction",
        "ExtractorFunction",
        "CleanupFunction",
        "ExtractionQueueUrl",
        "ExtractionDeadLetterQueueUrl",
        "VectorsQueueUrl",
        "VectorsDeadLetterQueueUrl",
        "UsesQueueUrl",
        "UsesDeadLetterQueueUrl",
        "RecallFunction",
        "EmbedderFunction",
        "RebuildQueueUrl",
        "RebuildDeadLetterQueueUrl",
        "RebuilderFunction",
        "PrivacyFunction",
        "ProfileFields",
    }
    content_key = {"Fn::GetAtt": [logical_id(template, "AWS::KMS::Key", "StorageContentKey"), "Arn"]}
    assert outputs["ContentKey"]["Value"] == content_key
    for function in template.find_resources("AWS::Lambda::Function").values():
        assert function["Properties"]["Environment"]["Variables"]["LEAD_MEMORY_CONTENT_KEY"] == content_key
    for name in FUNCTIONS:
        alias = logical_id(template, "AWS::Lambda::Alias", name)
        assert outputs[f"{name}Function"]["Value"] == {"Ref": alias}
    fields = "name,first_name,email,phone,city,country,locale"
    assert outputs["ProfileFields"]["Value"] == (fields if stage.name == "local" else "-")
