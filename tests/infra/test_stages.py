import pytest

from infra.stages import STAGES, UnknownStage, stage_named


def test_every_stage_is_found_by_its_name() -> None:
    assert [stage_named(name).name for name in STAGES] == ["local", "dev", "staging", "prod"]


def test_an_unknown_stage_is_refused_with_the_nearest_name_and_all_names() -> None:
    with pytest.raises(UnknownStage, match=r"no stage 'prd'.*meant 'prod'.*local, dev, staging, prod"):
        stage_named("prd")
