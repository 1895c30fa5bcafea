"""What every payload is."""

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


ARRIVING = "arriving"
"""The context in which an event is validated that is not recorded yet."""
