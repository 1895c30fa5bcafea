"""What the client asks of the privacy function, and what people are told of its answers."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.memory_items import ERASED_AT
from lead_memory.domain.errors import Erased
from lead_memory.domain.memories import MemoryType
from lead_memory_client import AwsRefused, LeadMemory, NotDone
from lead_memory_client.answers import Rejection
from lead_memory_client.queues import Letter
from lead_memory_client.redrive import Watch
from tests.events import LEAD, NOW, ORGANIZATION, body, entry, event
from tests.unit.client.conftest import DeployedStage, Ran, lambda_of

type Command = Callable[..., Ran]

OF = ("--organization", ORGANIZATION)
BY = ("--asked-by", "the data protection officer")
ERASED_ON = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
BACKUP = {"name": "point-in-time recovery", "until": "2026-12-26T15:00:00Z", "note": "it ends by itself"}


def receipt(
    request: Any,
    removed: dict[str, int],
    *,
    before: Mapping[str, int] = {},
    found_again: int = 0,
    finished: bool = True,
) -> Any:
    made = {
        "what": request["operation"].removeprefix("erase_"),
        "organization_id": request["organization_id"],
        "lead_id": request.get("lead_id"),
        "event": request.get("ref"),
        "asked_by": request["asked_by"],
        "erased_at": ERASED_ON.isoformat(),
        "removed": removed,
        "removed_before": before,
        "found_again": found_again,
        "finished": finished,
        "dry_run": request["dry_run"],
        "backups": [BACKUP],
    }
    return {"receipt": made}


class Answers:
    """A privacy function that answers in turn, and with its last answer from then on."""

    def __init__(self, *answers: Callable[[Any], Any]) -> None:
        self.asked: list[Any] = []
        self._answers = list(answers)

    def __call__(self, request: Any) -> Any:
        self.asked.append(request)
        return (self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])(request)


@pytest.fixture
def privacy_function(environment: pytest.MonkeyPatch) -> Callable[..., Any]:
    @contextmanager
    def answering(*answers: Callable[[Any], Any], failing: bool = False) -> Iterator[Answers]:
        function = Answers(*answers)
        with lambda_of(function, failing=failing) as endpoint:
            environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
            yield function

    return answering


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stands for the clock: time passes only where the client waits."""
    waits: list[float] = []
    monkeypatch.setattr("lead_memory_client.privacy.time.sleep", waits.append)
    monkeypatch.setattr("lead_memory_client.privacy.time.monotonic", lambda: sum(waits))
    return waits


def test_a_lead_is_erased_looked_for_again_once_it_has_settled_and_both_are_one_receipt(
    client: LeadMemory, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    first = lambda request: receipt(request, {"events": 12, "objects": 1})  # noqa: E731
    straggler = lambda request: receipt(request, {"objects": 1})  # noqa: E731
    with privacy_function(first, straggler) as function:
        erasure = client.erase_lead(LEAD, ORGANIZATION, asked_by="me")
    assert waited == [30]
    assert erasure.verified
    assert erasure.receipt.removed == {"events": 12, "objects": 2}
    asked = {"organization_id": ORGANIZATION, "lead_id": LEAD, "asked_by": "me", "dry_run": False}
    assert function.asked == [{"operation": "erase_lead", **asked}] * 2


def test_what_the_last_look_still_found_is_not_verified(
    client: LeadMemory, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    with privacy_function(lambda request: receipt(request, {"events": 1}, found_again=1)):
        assert not client.erase_lead(LEAD, ORGANIZATION, asked_by="me").verified
        assert not client.erase_event(LEAD, "shop/1", ORGANIZATION, asked_by="me").verified


def test_an_organization_is_erased_call_by_call_until_it_is_finished(
    client: LeadMemory, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    some = lambda request: receipt(request, {"leads": 10}, finished=False)  # noqa: E731
    nothing = lambda request: receipt(request, {}, finished=False)  # noqa: E731
    done = lambda request: receipt(request, {"tombstones": 20})  # noqa: E731
    heard: list[int] = []
    with privacy_function(some, some, nothing, nothing, done):
        erasure = client.erase_organization(ORGANIZATION, asked_by="me", progress=heard.append)
    assert erasure.verified
    assert erasure.receipt.removed == {"leads": 20, "tombstones": 20}
    assert heard == [10, 20, 20, 20]
    assert waited == [330, 5]


@pytest.mark.parametrize(("settle_seconds", "at_least"), [(0, 0), (330, 330)])
def test_an_organization_that_does_not_settle_is_given_up_and_not_verified(
    client: LeadMemory,
    privacy_function: Callable[..., Any],
    waited: list[float],
    settle_seconds: float,
    at_least: float,
) -> None:
    with privacy_function(lambda request: receipt(request, {}, finished=False)):
        erasure = client.erase_organization(ORGANIZATION, asked_by="me", settle_seconds=settle_seconds)
    assert not erasure.verified
    assert at_least <= sum(waited) <= at_least + 20


def test_the_one_who_asks_is_the_caller_unless_another_is_named(
    client: LeadMemory, privacy_function: Callable[..., Any]
) -> None:
    with privacy_function(lambda request: receipt(request, {})) as function:
        client.erase_event(LEAD, "shop/1", ORGANIZATION, dry_run=True)
    [asked] = function.asked
    assert asked["asked_by"].startswith("arn:aws:")
    assert (asked["operation"], asked["ref"]) == ("erase_event", "shop/1")


def test_content_is_sealed_again_page_by_page_once_no_process_has_the_old_key(
    client: LeadMemory, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    pages = [
        {"leads": 200, "items": 900, "objects": 1, "unreadable": 0, "next": "lead-200"},
        {"leads": 7, "items": 30, "objects": 0, "unreadable": 1, "next": None},
    ]
    heard: list[int] = []
    with privacy_function(*(lambda _, page=page: {"page": page} for page in pages)) as function:
        resealed = client.reseal(ORGANIZATION, progress=heard.append)
    assert (resealed.leads, resealed.items, resealed.objects, resealed.unreadable) == (207, 930, 1, 1)
    assert ([each["after"] for each in function.asked], heard) == ([None, "lead-200"], [200, 207])
    assert waited == [300]


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("conflict", NotDone, "This was not done, because it has keys already (conflict)."),
        ("keys_unavailable", NotDone, "This was not done, because it has keys already (keys_unavailable)."),
        ("erased", Erased, "it has keys already"),
    ],
)
def test_a_refusal_says_why(
    client: LeadMemory, privacy_function: Callable[..., Any], code: str, error: type[Exception], said: str
) -> None:
    answer = {"error": {"code": code, "message": "it has keys already"}}
    with privacy_function(lambda _: answer), pytest.raises(error) as refusal:
        client.begin_organization(ORGANIZATION, hash_names=True)
    assert said in str(refusal.value)


def test_a_function_that_failed_is_named(client: LeadMemory, privacy_function: Callable[..., Any]) -> None:
    with (
        privacy_function(lambda _: {"errorType": "LeadMemoryError"}, failing=True),
        pytest.raises(AwsRefused, match="The privacy function failed with LeadMemoryError, and its log says why"),
    ):
        client.rotate_key(ORGANIZATION)


def test_nothing_is_erased_without_a_terminal_unless_yes_is_said(
    command: Command, privacy_function: Callable[..., Any]
) -> None:
    with privacy_function(lambda request: receipt(request, {})) as function:
        for arguments in (("lead", "--lead", LEAD, *OF), ("event", "shop/1", "--lead", LEAD, *OF)):
            ran = command("erase", *arguments)
            assert ran.code == 2
            assert "Give --yes to do so without a terminal" in ran.err
        assert command("erase", "organization", ORGANIZATION).code == 2
    assert function.asked == []


@pytest.mark.parametrize(("typed", "code"), [(f"{LEAD}\n", 0), ("yes\n", 2), ("", 2)])
def test_a_person_types_the_id_of_what_is_to_be_erased(
    command: Command,
    privacy_function: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    waited: list[float],
    typed: str,
    code: int,
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return typed

    monkeypatch.setattr("sys.stdin", Terminal())
    with privacy_function(lambda request: receipt(request, {"events": 1})) as function:
        ran = command("erase", "lead", "--lead", LEAD, *OF, *BY)
    assert (ran.code, bool(function.asked)) == (code, not code)
    assert f"Type {LEAD} to go on" in ran.err
    assert code == 0 or "nothing was erased" in ran.err


def test_a_receipt_says_what_was_removed_and_what_backups_still_hold(
    command: Command, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    with privacy_function(lambda request: receipt(request, {"events": 2, "waiting_messages": 1, "objects": 0})):
        shown = command("erase", "lead", "--lead", LEAD, *OF, *BY, "--yes").out
        told = command("erase", "lead", "--lead", LEAD, *OF, *BY, "--yes", "--json").json
    assert [line.split("  ")[-1].strip() for line in map(str.rstrip, shown.splitlines()) if "removed" in line] == [
        "events 4, waiting messages 2"
    ]
    assert "nothing was found" in shown
    assert "2026-11-21 15:00:00 UTC" in shown
    assert "point-in-time recovery, until 2026-12-26 15:00:00 UTC: it ends by itself" in shown
    assert (told["verified"], told["to_do"], told["receipt"]["asked_by"]) == (True, None, BY[1])


def test_a_receipt_tells_what_was_removed_before_from_what_never_was_there(
    command: Command, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    erase = ("erase", "lead", "--lead", LEAD, *OF, *BY, "--yes")
    there = {"events": 2, "memories": 3}
    first = lambda request: receipt(request, {}, before=there)  # noqa: E731
    second = lambda request: receipt(request, {}, before=there | {"events": 3})  # noqa: E731
    with privacy_function(first, second):
        done_before = command(*erase)
    with privacy_function(lambda request: receipt(request, {})):
        mistyped, tried = command(*erase), command(*erase, "--dry-run")
    assert ["and before", "events 2, memories 3"] in [
        line.strip().split("    ") for line in done_before.out.split("\n")
    ]
    assert "look at the ids" not in done_before.err
    assert (mistyped.code, "nothing: none of it is or was held" in mistyped.out) == (0, True)
    assert "Nothing of it is or was held: look at the ids." in mistyped.err
    assert "Nothing of it is held: look at the ids." in tried.err


@pytest.mark.parametrize(
    ("typed", "goes_on_with"),
    [
        (("erase", "lead", "--lead", LEAD, *OF, *BY, "--yes"), f"erase lead --lead {LEAD} --organization {OF[1]}"),
        (
            ("erase", "event", "shop/1", "--lead", LEAD, *OF, *BY, "--yes"),
            f"erase event shop/1 --lead {LEAD} --organization {OF[1]}",
        ),
        (("erase", "organization", ORGANIZATION, *BY, "--yes"), f"erase organization {ORGANIZATION}"),
        (("keys", "rotate", "--reseal", *OF), f"keys reseal --organization {ORGANIZATION}"),
    ],
)
def test_who_interrupts_the_wait_is_told_what_is_to_be_done_yet(
    command: Command,
    privacy_function: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    typed: tuple[str, ...],
    goes_on_with: str,
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    def answer(request: Any) -> Any:
        return {"version": 2} if request["operation"] == "rotate_key" else receipt(request, {}, finished=False)

    monkeypatch.setattr("lead_memory_client.privacy.time.sleep", interrupted)
    with privacy_function(answer):
        ran = command(*typed)
    assert ran.code == 130
    assert ran.err.endswith(f"It goes on with: lead-memory {goes_on_with} --stage dev\n")


def test_without_the_wait_the_receipt_names_the_command_that_verifies_it(
    command: Command, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    with privacy_function(lambda request: receipt(request, {"events": 2})):
        ran = command("erase", "lead", "--lead", LEAD, *OF, *BY, "--yes", "--no-wait", "--json")
    to_do = f"lead-memory erase lead --lead {LEAD} --organization {ORGANIZATION} --yes --stage dev"
    assert (ran.code, ran.json["verified"], ran.json["to_do"], waited) == (0, False, to_do, [])


def test_an_id_that_a_shell_would_obey_is_quoted_in_the_command_that_is_to_be_run(
    command: Command, privacy_function: Callable[..., Any]
) -> None:
    with privacy_function(lambda request: receipt(request, {})):
        ran = command("erase", "event", "shop/$(reboot)", "--lead", LEAD, *OF, *BY, "--yes", "--no-wait", "--json")
    assert ran.json["to_do"].startswith("lead-memory erase event 'shop/$(reboot)' --lead ")


def test_an_erasure_that_is_not_finished_fails_and_says_how_it_goes_on(
    command: Command, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    with privacy_function(lambda request: receipt(request, {}, finished=False)):
        ran = command("erase", "organization", ORGANIZATION, *BY, "--yes")
        not_waited = command("erase", "organization", ORGANIZATION, *BY, "--yes", "--no-wait")
    assert (ran.code, not_waited.code) == (1, 0)
    assert "it goes on where it stopped" in ran.err
    to_do = f"still to do: lead-memory erase organization {ORGANIZATION} --yes --stage dev\n"
    assert (to_do in ran.out, to_do in not_waited.out) == (True, True)


def test_a_dry_run_asks_nobody_and_waits_for_nothing(
    command: Command, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    with privacy_function(lambda request: receipt(request, {"events": 3})) as function:
        for arguments in (
            ("lead", "--lead", LEAD, *OF),
            ("event", "shop/1", "--lead", LEAD, *OF),
            ("organization", ORGANIZATION),
        ):
            ran = command("erase", *arguments, *BY, "--dry-run")
            assert (ran.code, "events 3" in ran.out, "nothing was changed" in ran.out) == (0, True, True)
    assert ([each["dry_run"] for each in function.asked], waited) == ([True] * 3, [])


@pytest.mark.parametrize("ref", ["1001", "/1001", "shop/"])
def test_an_event_is_named_by_its_source_and_id(command: Command, ref: str) -> None:
    ran = command("erase", "event", ref, "--lead", LEAD, *OF, "--yes")
    assert ran.code == 2
    assert "give its source and id" in ran.err


def test_a_rotation_gives_the_version_and_seals_again_where_it_is_asked_to(
    command: Command, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    page = {"leads": 2, "items": 9, "objects": 1, "unreadable": 0, "next": None}
    with privacy_function(lambda request: {"version": 2} if request["operation"] == "rotate_key" else {"page": page}):
        rotated = command("keys", "rotate", *OF, "--json")
        resealed = command("keys", "rotate", *OF, "--reseal", "--json")
        shown = command("keys", "reseal", *OF)
    assert rotated.json == {"version": 2, "resealed": None}
    assert resealed.json["resealed"] == {"leads": 2, "items": 9, "objects": 1, "unreadable": 0}
    assert "Sealed again: 9 items and 1 objects of 2 leads." in shown.out


def test_an_organization_without_leads_has_nothing_to_seal_again(
    command: Command, privacy_function: Callable[..., Any], waited: list[float]
) -> None:
    page = {"leads": 0, "items": 0, "objects": 0, "unreadable": 0, "next": None}
    with privacy_function(lambda _: {"page": page}):
        ran = command("keys", "reseal", *OF)
    assert (ran.code, ran.out) == (0, "The organization has no leads: look at its id.\n")


def test_names_are_hashed_before_the_first_event_and_refused_afterwards(
    command: Command, privacy_function: Callable[..., Any]
) -> None:
    refusal = {"error": {"code": "conflict", "message": "the organization has keys already"}}
    with privacy_function(lambda _: {"version": 1}, lambda _: refusal) as function:
        begun, again = command("keys", "hash-names", *OF), command("keys", "hash-names", *OF)
    assert function.asked[0] == {"operation": "begin_organization", "organization_id": ORGANIZATION, "hash_names": True}
    assert (begun.code, again.code) == (0, 1)
    assert again.err == "This was not done, because the organization has keys already (conflict).\n"


def test_what_was_erased_says_so_wherever_it_is_read(
    client: LeadMemory, command: Command, stage: DeployedStage
) -> None:
    stage.take_in(event("product.viewed", {"sku": "a"}))
    with stage.table.batch_writer() as batch:
        for item in stage.table.scan()["Items"]:
            if item[keys.PK] == LEAD:
                batch.delete_item(Key={name: item[name] for name in (keys.PK, keys.SK)})
    stage.table.put_item(Item=tombstone(keys.head_key(LEAD), ORGANIZATION, NOW))
    reads: list[Callable[[], Any]] = [
        lambda: client.memories(LEAD, ORGANIZATION),
        lambda: client.memories(LEAD, ORGANIZATION, as_of=NOW + timedelta(days=1)),
        lambda: client.events(LEAD, ORGANIZATION),
        lambda: client.explain(LEAD, MemoryType.INTEREST, "product:a", ORGANIZATION),
        lambda: client.lineage(LEAD, MemoryType.INTEREST, "product:a", ORGANIZATION),
    ]
    for read in reads:
        with pytest.raises(Erased, match="the lead was erased at"):
            read()
    ran = command("memories", "--lead", LEAD, *OF)
    assert ran.code == 1
    assert ran.err == f"The lead was erased at {NOW:%Y-%m-%d %H:%M:%S} UTC.\n"


def test_an_organization_that_was_erased_says_so(client: LeadMemory, stage: DeployedStage) -> None:
    gone = {**keys.organization_key(ORGANIZATION)._asdict(), ERASED_AT: NOW.isoformat()}
    stage.table.put_item(Item=gone)
    with pytest.raises(Erased, match="the organization was erased at"):
        client.memories(LEAD, ORGANIZATION)


def test_a_redriven_event_of_what_was_erased_is_rejected_again_though_its_content_is_gone() -> None:
    sent = body(entry("product.viewed", {"sku": "a"}, event_id="1"))
    without = {**json.loads(sent), "detail": {"metadata": json.loads(sent)["detail"]["metadata"]}}
    letter = Letter(message_id="m", receipt_handle="h", reason="r", detail="", sent_at=NOW, body=sent)
    watch = Watch([letter], NOW)
    watch.look(
        lambda _: {}, lambda: [Rejection("erased", "the lead was erased", NOW, json.dumps(without))], patience_seconds=0
    )
    assert (watch.rejected_again, watch.unseen) == ({"erased": 1}, 0)
