"""The trainer against PyTorch: the same llama2 of 58 M parameters, by turns in one invocation, and the ratio.

    vs_torch.py TRAINER CASE RESULT.json [--rounds N] [--precisions bf16,fp32] [--threads N]

Each round runs the trainer, then PyTorch, each in a process of its own: two steps to warm up, then four that
are timed. Both recompute every layer in backward, clip the norm of the gradient and update by AdamW; PyTorch
multiplies q, k, v and gate, up as one matrix each, as the trainer does. The ratio of a round is of its two
rates, the result the median of the rounds; a rate alone says little on a machine that others use.
PyTorch's bf16 is pure (parameters and AdamW too), which spares it the trainer's fp32 master copy.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WARM_UP, TIMED = 2, 4


def torch_rate(case, precision, threads):
    """Tokens a second of PyTorch: the median of the timed steps."""
    import torch
    import torch.nn.functional as F
    from torch.utils.checkpoint import checkpoint

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    number = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    model = case["model"]
    h, f, heads = model["hidden_size"], model["intermediate_size"], model["num_attention_heads"]
    d, vocabulary, samples, positions = h // heads, model["vocab_size"], case["micro_batch_size"], case["sequence_length"]
    angle = torch.arange(positions)[:, None] * model["rope_theta"] ** (-torch.arange(d // 2) / (d // 2))
    cosine, sine = angle.cos().to(number), angle.sin().to(number)
    hidden_from = torch.ones(positions, positions, dtype=torch.bool).triu(1)

    def parameter(*size):
        return torch.nn.Parameter((torch.randn(*size) * 0.02).to(number))

    def norm_weight():
        return torch.nn.Parameter(torch.ones(h, dtype=number))

    def normalised(x, weight):
        return weight * (x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + model["rms_norm_eps"]).to(x.dtype))

    def rotated(x):
        low, high = x[..., : d // 2], x[..., d // 2 :]
        return torch.cat([low * cosine - high * sine, high * cosine + low * sine], -1)

    def layer(x, attention_norm, qkv, wo, ffn_norm, gate_up, down):
        q, k, v = F.linear(normalised(x, attention_norm), qkv).view(samples, positions, 3, heads, d).permute(2, 0, 3, 1, 4)
        scores = (rotated(q) @ rotated(k).transpose(-1, -2)) * d**-0.5
        attended = scores.masked_fill(hidden_from, float("-inf")).softmax(-1) @ v
        x = x + F.linear(attended.transpose(1, 2).reshape(samples, positions, h), wo)
        gate, up = F.linear(normalised(x, ffn_norm), gate_up).split(f, -1)
        return x + F.linear(F.silu(gate) * up, down)

    embedding, head_norm, head = parameter(vocabulary, h), norm_weight(), parameter(vocabulary, h)
    layers = [
        (norm_weight(), parameter(3 * h, h), parameter(h, h), norm_weight(), parameter(2 * f, h), parameter(h, f))
        for _ in range(model["num_hidden_layers"])
    ]
    parameters = [embedding, head_norm, head] + [weight for weights in layers for weight in weights]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    tokens = torch.randint(0, vocabulary, (samples, positions))

    def step():
        optimizer.zero_grad(set_to_none=True)
        x = embedding[tokens]
        for weights in layers:
            x = checkpoint(layer, x, *weights)
        logits = F.linear(normalised(x, head_norm), head)
        loss = F.cross_entropy(logits[:, :-1].reshape(-1, vocabulary), tokens[:, 1:].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss.item()

    seconds = []
    for _ in range(WARM_UP + TIMED):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return {"tokens_per_second": samples * positions / statistics.median(seconds[WARM_UP:]),
            "version": torch.__version__, "blas": torch.__config__.show().replace("\n", "; ")}


def trainer_rate(trainer, case_file, precision, threads):
    """The same of the trainer, with what its report says of the peak and of HFU."""
    with tempfile.TemporaryDirectory() as folder:
        command = [trainer, "--case", case_file, "--out", folder, "--precision", precision, "--threads", str(threads),
                   "--fc-tuning", "cache", "--steps", str(WARM_UP + TIMED)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit("vs_torch: the trainer was to end with 0, it ended with " + str(done.returncode) + ": " + done.stderr)
        steps = [json.loads(line) for line in (Path(folder) / "steps.jsonl").read_text().splitlines()]
        report = json.loads((Path(folder) / "report.json").read_text())
    seconds = statistics.median(step["time"] for step in steps[WARM_UP:])
    tokens = steps[-1]["tokens"]
    return {"tokens_per_second": tokens / seconds, "hfu_palm": report["hfu"]["palm"]["value"],
            "peak_gflop_per_second": report["peak"]["value"] / 1e9, "fc_gain": report["fc_tuning"]["gain"]["value"],
            "environment": report["environment"]}


def in_a_process(case_file, precision, threads):
    command = [sys.executable, __file__, "--torch", case_file, precision, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("vs_torch: PyTorch was to end with 0, it ended with " + str(done.returncode) + ": " + done.stderr)
    return json.loads(done.stdout)


def main():
    if sys.argv[1:2] == ["--torch"]:
        case = json.loads(Path(sys.argv[2]).read_text())
        print(json.dumps(torch_rate(case, sys.argv[3], int(sys.argv[4]))))
        return
    arguments = argparse.ArgumentParser()
    arguments.add_argument("trainer")
    arguments.add_argument("case")
    arguments.add_argument("result", type=Path)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--precisions", default="bf16,fp32")
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    result = {}
    for precision in given.precisions.split(","):
        rounds = []
        for _ in range(given.rounds):
            ours = trainer_rate(given.trainer, given.case, precision, given.threads)
            theirs = in_a_process(given.case, precision, given.threads)
            rounds.append({"trainer": ours, "torch": theirs, "ratio": ours["tokens_per_second"] / theirs["tokens_per_second"]})
            print(f"{precision}  trainer {ours['tokens_per_second']:7.1f} token/s, HFU(palm) "
                  f"{'-' if ours['hfu_palm'] is None else format(100 * ours['hfu_palm'], '.1f') + ' %'} of {ours['peak_gflop_per_second']:.1f} GFLOP/s;  "
                  f"torch {theirs['tokens_per_second']:7.1f} token/s;  ratio {rounds[-1]['ratio']:.3f}", flush=True)
        result[precision] = {"threads": given.threads, "rounds": rounds, "median_ratio": statistics.median(r["ratio"] for r in rounds)}
        print(f"{precision}  median ratio of {given.rounds} rounds: {result[precision]['median_ratio']:.3f}", flush=True)
    given.result.parent.mkdir(parents=True, exist_ok=True)
    given.result.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
