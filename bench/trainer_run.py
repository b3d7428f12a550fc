"""One run of the trainer on a case that is changed: its rate, its ledger's bytes and what the system saw of it."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WARM_UP, TIMED = 2, 3


def trained(trainer, case, arguments, timed=TIMED):
    """Tokens a second (median of the timed steps), HFU, bytes by part and the process's peak resident bytes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.json"
        file.write_text(json.dumps(case))
        command = [trainer, "--case", str(file), "--out", folder, "--steps", str(WARM_UP + timed), *arguments]
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                output.seek(0)
                sys.exit(f"the trainer was to end with 0, it ended with {process.returncode}: {output.read().decode()}")
        steps = [json.loads(line) for line in (Path(folder) / "steps.jsonl").read_text().splitlines()]
        report = json.loads((Path(folder) / "report.json").read_text())
    bytes_by_part = {part: quantity["value"] for part, quantity in report["memory"]["by_part"].items()}
    seconds = statistics.median(step["time"] for step in steps[WARM_UP:])
    hfu = next(iter(report["hfu"].values()))
    return {"tokens_per_second": steps[-1]["tokens"] / seconds, "seconds": seconds, "tokens": steps[-1]["tokens"],
            "hfu": hfu["value"] if hfu else None, "flop_per_token": hfu["flop_per_token"]["value"] if hfu and hfu["value"] else None,
            "bytes_by_part": bytes_by_part, "resident_bytes": usage.ru_maxrss * 1024, "loss": steps[-1]["loss"]}


def arguments(rounds, precision):
    """TRAINER CASE RESULT.json [--rounds N] [--precision P], to which a script may add its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("trainer")
    parser.add_argument("case", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--precision", default=precision)
    return parser


def write(result, content):
    """The content as JSON into the file `result`, whose folder may not be there yet."""
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(content, indent=1) + "\n")
