import json
from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.assets import ROOT
from infra.stack import LeadMemoryStack
from infra.stages import STAGES, Stage


def new_app(directory: Path) -> App:
    """An app with the project's own context, which leaves the assets where they are built."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    return App(outdir=str(directory), context={**context, "aws:cdk:disable-asset-staging": True})


@pytest.fixture(scope="session", params=STAGES)
def stage(request: pytest.FixtureRequest) -> Stage:
    return STAGES[request.param]


@pytest.fixture(scope="session")
def assembly(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the stage is synthesized to."""
    app = new_app(tmp_path_factory.mktemp(stage.name))
    LeadMemoryStack(app, stage=stage)
    return Path(app.synth().directory)


@pytest.fixture(scope="session")
def template_file(assembly: Path, stage: Stage) -> Path:
    return assembly / f"LeadMemory-{stage.name}.template.json"


@pytest.fixture(scope="session")
def template(template_file: Path) -> Template:
    return Template.from_string(template_file.read_text())
