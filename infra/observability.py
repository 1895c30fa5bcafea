"""What wakes a person, and the page they look at then."""

import re
from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.extraction import Extraction
from infra.ingest import Ingest
from infra.lambda_function import Function
from infra.rebuild import Rebuild
from infra.recall import RecallQueues
from infra.stages import Stage
from lead_memory.adapters.metrics import NAMESPACE
from lead_memory.domain.conversation.layers import Layer
from lead_memory.domain.conversation.settings import Cohort

OLDEST_MESSAGE_SECONDS = 300
OLDEST_JOB_SECONDS = 3600
OLDEST_VECTOR_SECONDS = 900
_OPERATIONS = ("GetItem", "BatchGetItem", "Query", "TransactWriteItems")
_PERIOD = Duration.minutes(1)


class Observability(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        ingest: Ingest,
        rebuild: Rebuild,
        extraction: Extraction,
        recall: RecallQueues,
        table: dynamodb.TableV2,
        functions: Sequence[Function],
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = (
            sns.Topic.from_topic_arn(self, "AlarmTopic", stage.alarm_topic_arn) if stage.alarm_topic_arn else None
        )
        dead = ingest.dead_letters.metric_approximate_number_of_messages_visible(period=_PERIOD)
        rejected = ingest.rejected.metric_approximate_number_of_messages_visible(period=_PERIOD)
        oldest = ingest.queue.metric_approximate_age_of_oldest_message(period=_PERIOD)
        not_rebuilt = rebuild.dead_letters.metric_approximate_number_of_messages_visible(period=_PERIOD)
        not_extracted = extraction.dead_letters.metric_approximate_number_of_messages_visible(period=_PERIOD)
        oldest_job = extraction.queue.metric_approximate_age_of_oldest_message(period=_PERIOD)
        not_embedded = recall.vectors_dead_letters.metric_approximate_number_of_messages_visible(period=_PERIOD)
        not_counted = recall.uses_dead_letters.metric_approximate_number_of_messages_visible(period=_PERIOD)
        oldest_vector = recall.vectors.metric_approximate_age_of_oldest_message(period=_PERIOD)
        jobs_failed = _of_function(stage, "extractor", "jobs_failed")
        profile_refused = _of_function(stage, "resolver", "leads_profile_refused")
        errors = [function.function.metric_errors(period=_PERIOD) for function in functions]
        throttles = [function.function.metric_throttles(period=_PERIOD) for function in functions]

        self._alarm("DeadLetters", dead, "Events that failed every delivery wait in the dead-letter queue")
        self._alarm("Rejected", rejected, "Low severity: rejected events wait, each with its reason")
        self._alarm("NotRebuilt", not_rebuilt, "Low severity: leads that no delivery rebuilt wait for a person")
        self._alarm("NotExtracted", not_extracted, "Conversations that could not be read wait for a person")
        self._alarm("JobsFailed", jobs_failed, "Low severity: a model gave no answer, and again when asked later")
        self._alarm("OldestJob", oldest_job, "Low severity: conversations are not read in time", OLDEST_JOB_SECONDS)
        self._alarm("NotEmbedded", not_embedded, "Memories that recalls may not find wait for a person")
        self._alarm("NotCounted", not_counted, "Low severity: uses of memories that were not counted wait")
        self._alarm("OldestVector", oldest_vector, "Low severity: recalls miss what is new", OLDEST_VECTOR_SECONDS)
        self._alarm("ProfileRefused", profile_refused, "Low severity: the profile database refuses reads")
        self._alarm("OldestMessage", oldest, "Events are not recorded in time", OLDEST_MESSAGE_SECONDS)
        for function, failed, throttled in zip(functions, errors, throttles, strict=True):
            name = function.node.id
            self._alarm(f"{name}Errors", failed, f"{name} failed")
            self._alarm(f"{name}Throttles", throttled, f"{name} was throttled")

        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.hours(3))
        dashboard.add_widgets(
            _graph("Waiting", ingest.queue.metric_approximate_number_of_messages_visible(period=_PERIOD)),
            _graph("Oldest message, seconds", oldest),
            _graph("Dead and rejected", dead, rejected),
        )
        dashboard.add_widgets(
            _graph("Errors", *errors),
            _graph("Throttles", *throttles),
            _graph("Duration, p95", *(f.function.metric_duration(statistic="p95") for f in functions)),
        )
        dashboard.add_widgets(
            _graph(
                "Context tokens by layer, full cohort",
                *(_of_contexts(stage, f"{layer.lower()}_tokens", Cohort.FULL, "Average") for layer in Layer),
            ),
            _graph(
                "Leads who returned, and who then answered",
                *(
                    _of_contexts(stage, name, cohort, "Sum")
                    for name in ("is_reactivation", "reactivation_engaged")
                    for cohort in Cohort
                ),
            ),
        )
        dashboard.add_widgets(*_extraction(stage))
        dashboard.add_widgets(*_recalls(stage))
        dashboard.add_widgets(
            _graph("Read units", table.metric_consumed_read_capacity_units(period=_PERIOD)),
            _graph("Write units", table.metric_consumed_write_capacity_units(period=_PERIOD)),
            _graph("Table latency, ms", *(_latency(table, operation) for operation in _OPERATIONS)),
        )

    def _alarm(self, construct_id: str, metric: cloudwatch.Metric, description: str, threshold: int = 0) -> None:
        alarm = metric.create_alarm(
            self,
            construct_id,
            alarm_description=description,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if self._topic:
            alarm.add_alarm_action(actions.SnsAction(self._topic))


def _extraction(stage: Stage) -> Sequence[cloudwatch.IWidget]:
    """How well, how fast and at which cost conversations are read."""

    def of(name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        return _of_function(stage, "extractor", name, statistic)

    def computed(label: str, expression: str) -> cloudwatch.MathExpression:
        metrics = {name: of(name) for name in re.findall(r"\w+", expression)}
        return cloudwatch.MathExpression(expression=expression, using_metrics=metrics, label=label, period=_PERIOD)

    return [
        _graph("Jobs", *(of(f"jobs_{name}") for name in ("processed", "batched", "skipped", "failed", "retried"))),
        _graph("Jobs that succeed, of 1", computed("succeeded", "jobs_processed / (jobs_processed + jobs_failed)")),
        _graph("A job's time", of("job_ms", "p50"), of("job_ms", "p95")),
        _graph(
            "A job's tokens",
            computed("input", "input_tokens / jobs_processed"),
            computed("output", "output_tokens / jobs_processed"),
        ),
        _graph(
            "Cost, in millionths of a US dollar",
            of("cost_micros"),
            computed("of a job", "cost_micros / jobs_processed"),
        ),
        _graph("Jobs over budget", of("gate_over_budget")),
        _graph(
            "Statements that were dropped, of 1",
            computed("dropped", "statements_dropped / (statements_dropped + statements_kept)"),
        ),
        _graph("What broke a rule", of("invalid_answers"), of("relations_broken")),
        _graph("Entities", of("entities_updated"), of("duplicates")),
    ]


def _recalls(stage: Stage) -> Sequence[cloudwatch.IWidget]:
    """How fast memories are recalled, and what keeps that right."""

    def of(function: str, *names: str) -> list[cloudwatch.Metric]:
        return [_of_function(stage, function, name) for name in names]

    times = [_of_function(stage, "recall", "recall_ms", statistic) for statistic in ("p50", "p95")]
    return [
        _graph("A recall's time, ms", *times),
        _graph("Recalls without their best", *of("recall", "without_similarity", "uses_lost", "vectors_waiting")),
        _graph("Vectors", *of("embedder", "embedded", "written", "removed", "put_off", "left")),
    ]


def _of_function(stage: Stage, function: str, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"stage": stage.name, "function": function},
        statistic=statistic,
        period=_PERIOD,
    )


def _latency(table: dynamodb.TableV2, operation: str) -> cloudwatch.Metric:
    return table.metric_successful_request_latency(
        dimensions_map={"TableName": table.table_name, "Operation": operation},
        label=operation,
        statistic="p95",
        period=_PERIOD,
    )


def _of_contexts(stage: Stage, name: str, cohort: Cohort, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"stage": stage.name, "function": "context", "cohort": cohort},
        label=f"{name}, {cohort}",
        statistic=statistic,
        period=_PERIOD,
    )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)
