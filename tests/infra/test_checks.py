"""The rules that others wrote down: cdk-nag's AwsSolutions and cfn-lint."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from aws_cdk import Stack, Validations
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from infra.stack import LeadMemoryStack
from infra.stages import PROD, ModelChoice, Stage
from tests.infra.conftest import new_app

pytestmark = pytest.mark.xdist_group("infra")


def test_cdk_nag_finds_nothing(stage: Stage, tmp_path: Path) -> None:
    app = new_app(tmp_path)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    LeadMemoryStack(app, stage=stage)
    app.synth()  # Raises when there is a finding, as the next test shows.


def test_cdk_nag_finds_nothing_where_a_model_is_asked_in_several_regions(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    LeadMemoryStack(app, stage=replace(PROD, model=ModelChoice(name="bedrock:us.amazon.nova-lite-v1:0")))
    app.synth()


def test_cdk_nag_would_find_a_queue_without_dead_letters(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    sqs.Queue(Stack(app, "Careless"), "Queue", enforce_ssl=True)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert "AwsSolutions-SQS3" in (tmp_path / "validation-report.json").read_text()


def test_cfn_lint_finds_nothing(template_file: Path) -> None:
    command = Path(sys.executable).with_name("cfn-lint")
    ran = subprocess.run([str(command), str(template_file)], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "")
