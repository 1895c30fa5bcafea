"""Synthesizes one stage: `cdk synth -c stage=dev`."""

import sys

from aws_cdk import App

from infra.assets import AssetError
from infra.stack import LeadMemoryStack
from infra.stages import UnknownStage, stage_named

app = App()
try:
    LeadMemoryStack(app, stage=stage_named(app.node.try_get_context("stage") or "local"))
except (AssetError, UnknownStage) as error:
    sys.exit(str(error))
app.synth()
