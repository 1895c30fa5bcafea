"""A HubSpot contact as a workflow's webhook sends it: a property has a value and the history of its values."""

from collections.abc import Mapping
from typing import Any


def _lead_identified(contact: Mapping[str, Any]) -> dict[str, Any]:
    current = {name: said["value"] or None for name, said in contact["properties"].items()}
    return {
        # After a merge `vid` is still the contact that was asked for, `canonical-vid` the one that is left.
        "external_id": contact["canonical-vid"],
        "address": {
            "street": current.get("address"),
            "city": current.get("city"),
            "region": current.get("state"),
            "country": current.get("country"),
            "postal_code": current.get("zip"),
        },
        "company": current.get("company"),
        "job_title": current.get("jobtitle"),
        "language": current.get("hs_language"),
        # Not having opted out is not consent.
        "consents": {"email": False} if current.get("hs_email_optout") == "true" else {},
    }


MAPPINGS = {"lead.identified": _lead_identified}
