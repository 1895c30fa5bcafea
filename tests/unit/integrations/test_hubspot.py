from typing import Any

from tests.unit.integrations.samples import body, canonical_data


def _contact(**values: str) -> Any:
    """The captured contact with more properties, each with an older value in its history."""
    raw = body("hubspot/lead.identified")
    for name, value in values.items():
        raw["properties"][name] = {"value": value, "versions": [{"value": "older", "source-type": "CRM_UI"}]}
    return canonical_data("hubspot", "lead.identified", raw)


def test_the_captured_contact_is_known_by_its_number_and_its_job() -> None:
    lead = _contact()
    assert (lead.external_id, lead.job_title, lead.company) == ("251", "Writer", None)
    assert lead.address.model_dump(exclude_none=True) == {}


def test_a_property_is_its_value_and_not_its_history() -> None:
    lead = _contact(city="Lisboa", country="Portugal", zip="1100-148", company="Casa")
    assert (lead.address.city, lead.address.country, lead.address.postal_code) == (
        "Lisboa",
        "Portugal",
        "1100-148",
    )
    assert lead.company == "Casa"


def test_a_property_that_was_cleared_says_nothing() -> None:
    assert _contact(jobtitle="").job_title is None


def test_an_opt_out_is_a_refusal_and_its_absence_is_not_consent() -> None:
    assert _contact(hs_email_optout="true").consents == {"email": False}
    assert _contact(hs_email_optout="false").consents == {}
    assert _contact().consents == {}


def test_a_merged_contact_is_known_by_the_contact_that_is_left() -> None:
    raw = body("hubspot/lead.identified")
    raw |= {"canonical-vid": 301, "merged-vids": [251]}
    assert canonical_data("hubspot", "lead.identified", raw).external_id == "301"
