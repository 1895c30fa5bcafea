"""The resolver's handler over a DynamoDB that answers over HTTP."""

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from aiodynamo.operations import Put

from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import memory_item
from lead_memory.adapters.profiles import RdsProfiles
from lead_memory.adapters.table import DynamoTable
from lead_memory.services.resolve import Profile, ProfilesRefused, ProfilesTooLarge
from lead_memory.settings import ResolverSettings
from tests.unit.resolve.fakes import ANA, BRUNO, ORGANIZATION, memory

type Handler = Callable[[object, object], dict[str, Any]]

MEMORIES = [
    memory(ANA, "purchase", "last_transaction", {"amount": Decimal("189.90"), "product_name": "Whey Protein 1kg"}),
    memory(ANA, "form", "sat_survey_2026:how_did_you_find_us", {"answer": "Instagram"}),
]


@pytest.fixture
async def settings(
    table: DynamoTable, keyrings: Keyrings, table_name: str, content_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = await keyrings.of_or_new(ORGANIZATION)
    await table.transact([Put(table_name, memory_item(remembered, 1, keyring)) for remembered in MEMORIES])
    use(monkeypatch, ResolverSettings(stage="local", table_name=table_name, content_key=content_key))


@pytest.fixture
def handler(settings: None, import_handler: Callable[[str], ModuleType]) -> Handler:
    return import_handler("resolver").handler  # type: ignore[no-any-return]


@pytest.fixture
def with_profiles(settings: None, table_name: str, content_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(
        monkeypatch,
        ResolverSettings(
            stage="local",
            table_name=table_name,
            content_key=content_key,
            profile_cluster_arn="arn:aws:rds:us-east-1:000000000000:cluster:leads",
            profile_secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:leads",
            profile_database="leads",
            profile_table="leads",
            profile_id_column="id",
            profile_organization_column="organization_id",
            profile_fields="name,city",
        ),
    )


def use(monkeypatch: pytest.MonkeyPatch, settings: ResolverSettings) -> None:
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)


def profiles_fail(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    async def profiles(_: RdsProfiles, *asked: Sequence[str]) -> Mapping[str, Profile]:
        raise failure

    monkeypatch.setattr(RdsProfiles, "profiles", profiles)


def test_the_handler_answers_each_lead_in_plain_json_call_after_call(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "You purchased {{purchase.last_transaction.product_name}} for R${{purchase.last_transaction.amount}}. "
        "You found us through {{form.sat_survey_2026:how_did_you_find_us.answer}}, right?"
    )
    asked = {"organization_id": ORGANIZATION, "leads": [ANA, BRUNO], "template": text}
    answer = handler(asked, None)
    assert json.loads(json.dumps(answer)) == answer
    ana, bruno = answer["leads"]
    assert ana["text"] == "You purchased Whey Protein 1kg for R$189.90. You found us through Instagram, right?"
    assert (bruno["status"], bruno["text"]) == ("missing", None)
    assert {missing["reason"] for missing in bruno["missing"]} == {"never_seen"}
    assert answer["reads"] == {"get_item": 5, "sql": 0}
    assert handler(asked, None)["leads"][0]["text"] == ana["text"]
    metrics, _ = map(json.loads, capsys.readouterr().out.splitlines())
    assert (metrics["leads"], metrics["leads_missing"], metrics["get_items"]) == (2, 1, 5)


def test_a_mistake_is_an_answer_and_a_plan_reads_nothing(handler: Handler) -> None:
    mistake = handler({"plan": True, "template": "Hi {{leed.name}}"}, None)["error"]
    assert (mistake["code"], mistake["column"], mistake["nearest"]) == ("unknown_namespace", 6, "lead")
    plan = handler({"plan": True, "template": "Hi {{lead.name}} {{fact.pet.name}}"}, None)["plan"]
    assert plan["reads"] == {"get_item": 1, "sql": 0}


@pytest.mark.usefixtures("with_profiles")
def test_only_the_stages_profile_fields_are_taken(handler: Handler) -> None:
    assert handler({"plan": True, "template": "{{lead.city}}"}, None)["plan"]["reads"] == {"get_item": 0, "sql": 1}
    assert handler({"plan": True, "template": "{{lead.phone}}"}, None)["error"]["code"] == "unknown_field"


@pytest.mark.usefixtures("with_profiles")
def test_a_stage_whose_profiles_have_no_field_does_not_start(
    import_handler: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAD_MEMORY_PROFILE_FIELDS", "")
    with pytest.raises(ValueError, match="without a field"):
        import_handler("resolver")


@pytest.mark.usefixtures("with_profiles")
def test_refused_profiles_are_counted_for_operators_and_profiles_too_large_are_an_error(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"organization_id": ORGANIZATION, "leads": [ANA, BRUNO], "template": "{{lead.name}}"}
    profiles_fail(monkeypatch, ProfilesRefused("AccessDeniedException"))
    answer = handler(asked, None)
    assert {missing["reason"] for lead in answer["leads"] for missing in lead["missing"]} == {"profile_refused"}
    assert json.loads(capsys.readouterr().out)["leads_profile_refused"] == 2
    profiles_fail(monkeypatch, ProfilesTooLarge())
    assert handler(asked, None)["error"] == {
        "code": "answer_too_large",
        "message": "The profiles of these 2 leads are more than the Data API's 1 MB: ask for fewer at a time.",
    }
