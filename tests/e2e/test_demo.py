import os
import re
import signal
import subprocess
from pathlib import Path

import psutil

from lead_memory_client.demo import MESSAGE
from lead_memory_client.demo_recall import QUESTIONS
from local.stack import LocalStack, find

WIDTH = 100
JOBS = {"facts", "entities", "summary", "reactivation"}


def test_the_demo_prints_every_leads_message_and_leaves_a_stack_up_that_was_up(stack: LocalStack) -> None:
    ran = subprocess.run(
        ["lead-memory", "demo"], capture_output=True, text=True, env=os.environ | {"COLUMNS": str(WIDTH)}, check=False
    )
    assert ran.returncode == 0, ran.stderr
    printed = " ".join(ran.stdout.split())
    for message in (
        MESSAGE,
        "Hi John, your IPod Nano - 8GB order of $388.00 is on its way.",
        "Martin, your Training plan was renewed on April 3, 2023.",
        "Laura, you rated Sydney's weather 5 of 5, and yet your favourite is London!",
        "Hi Rose, your ticket \"Unclear user message 'erf' with pending email response\" is open.",
        "Kovat, how is life as a writer?",
        "Oi Bruno, você pagou R$ 193,91 em 20/08/2026.",
    ):
        assert message in printed
    assert [line for line in ran.stdout.splitlines() if len(line) > WIDTH] == []
    assert find() == stack

    before, after = printed.split(" Before the silence ")[1].split(" days of silence ")
    assert "REACTIVATION ALERT" not in before
    assert after.lstrip("\u2500 ").startswith("--- ⚠️ **REACTIVATION ALERT**")
    assert "Half-year price first" in before
    assert "Half-year price first" in after
    assert "Boa semana" in before
    assert "Boa semana" not in after
    _, asked = after.split("What was asked of the offline extractor")
    asked, answered = asked.split(" memories answer, ")
    for question, name in QUESTIONS.items():
        _, best = answered.split(f"{question} score memory text when ")
        assert re.match(rf"\d\.\d\d {name} ", best)
    assert {job for job in JOBS if f" {job} processed " in asked} == JOBS
    for told, absent in ((before, ["L5"]), (after, [])):
        assert "Known accounts: Box Maré Alta" in told
        assert "Budget: R$ 1,500 to 2,000 a month" in told
        bars = dict(re.findall(r"(L[1-5]) \w+ ([\u2580-\u259f]*) ?\d", told))
        assert bars.keys() == {"L1", "L2", "L3", "L4", "L5"}
        assert [layer for layer, bar in bars.items() if not bar] == absent
        [total] = re.findall(r"([\d,]+) of 3,500 tokens", told)
        assert 500 < int(total.replace(",", "")) <= 3500


def test_an_interrupted_demo_takes_down_what_it_started(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    with subprocess.Popen(
        ["lead-memory", "demo"],
        env=os.environ | {"LEAD_MEMORY_LOCAL_DIR": str(directory)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stderr is not None
        for line in demo.stderr:
            if re.match(r"Publishing \d", line):
                demo.send_signal(signal.SIGINT)
        assert demo.wait() == 130
    assert not directory.exists()
    assert not [process for process in psutil.process_iter(["cmdline"]) if str(directory) in str(process.cmdline())]
