"""The tiny llama of a folder, trained by PyTorch's autograd and AdamW: losses of all steps, gradients of the first.

    python3 torch_reference.py FOLDER

FOLDER/job.json names shape, hyper-parameters and tensors; parameters.f32 has the tensors one after the
other, tokens.i32 is [steps, micro_batches, samples, positions]. Writes losses.f64 [steps] and gradients.f32
(of the mean loss of step 0, before clipping, in the tensors' order). Everything is float32 on one thread.
The model follows Touvron et al., Llama 2, with Hugging Face's half rotation and shifted labels.
"""
import json
import sys
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F


def normalised(x, weight, epsilon):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon))


def rotated(x, theta):
    """x [samples, heads, positions, d]: element i is paired with element i + d/2."""
    half = x.shape[-1] // 2
    frequency = theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(x.shape[-2], dtype=torch.float64)[:, None] * frequency
    cosine, sine = angle.cos().float(), angle.sin().float()
    low, high = x[..., :half], x[..., half:]
    return torch.cat([low * cosine - high * sine, high * cosine + low * sine], -1)


def attention(x, w, shape):
    samples, positions, _ = x.shape
    heads, kv_heads, d = shape["heads"], shape["kv_heads"], shape["head_size"]

    def split(weight, count):
        return F.linear(x, weight).view(samples, positions, count, d).transpose(1, 2)

    q, k = rotated(split(w["wq"], heads), shape["rope_theta"]), rotated(split(w["wk"], kv_heads), shape["rope_theta"])
    v = split(w["wv"], kv_heads)
    k, v = (t.repeat_interleave(heads // kv_heads, 1) for t in (k, v))
    scores = q @ k.transpose(-1, -2) / d**0.5
    hidden_from = torch.ones(positions, positions, dtype=torch.bool).triu(1)
    probabilities = scores.masked_fill(hidden_from, float("-inf")).softmax(-1)
    return F.linear((probabilities @ v).transpose(1, 2).reshape(samples, positions, heads * d), w["wo"])


def loss_of(tokens, units, shape):
    """Mean cross-entropy of tokens [samples, positions] over all positions but each sample's last."""
    x = units["embedding"]["embedding"][tokens]
    for layer in range(shape["layers"]):
        w = units[f"layer{layer}"]
        x = x + attention(normalised(x, w["attention_norm"][0], shape["rms_epsilon"]), w, shape)
        y = normalised(x, w["ffn_norm"][0], shape["rms_epsilon"])
        x = x + F.linear(F.silu(F.linear(y, w["w_gate"])) * F.linear(y, w["w_up"]), w["w_down"])
    head = units["head"]
    logits = F.linear(normalised(x, head["norm"][0], shape["rms_epsilon"]), head["lm_head"])
    return F.cross_entropy(logits[:, :-1].reshape(-1, shape["vocabulary"]), tokens[:, 1:].reshape(-1))


def main(folder):
    torch.set_num_threads(1)
    job = json.loads((folder / "job.json").read_text())
    values = torch.from_numpy(numpy.fromfile(folder / "parameters.f32", numpy.float32))
    tokens = torch.from_numpy(numpy.fromfile(folder / "tokens.i32", numpy.int32)).long()
    tokens = tokens.view(job["steps"], job["micro_batches"], job["samples"], job["positions"])
    units, parameters, first = {}, [], 0
    for tensor in job["tensors"]:
        size = tensor["rows"] * tensor["columns"]
        parameter = values[first : first + size].view(tensor["rows"], tensor["columns"]).clone().requires_grad_()
        units.setdefault(tensor["unit"], {})[tensor["name"]] = parameter
        parameters.append(parameter)
        first += size
    adamw = job["adamw"]
    optimizer = torch.optim.AdamW(parameters, lr=job["learning_rate"], betas=(adamw["beta1"], adamw["beta2"]),
                                  eps=adamw["epsilon"], weight_decay=adamw["weight_decay"])
    losses = []
    for step in range(job["steps"]):
        optimizer.zero_grad(set_to_none=True)
        each = [loss_of(batch, units, job["shape"]) for batch in tokens[step]]
        (sum(each) / len(each)).backward()
        losses.append(sum(loss.item() for loss in each) / len(each))
        if step == 0:
            numpy.concatenate([p.grad.numpy().ravel() for p in parameters]).tofile(folder / "gradients.f32")
        torch.nn.utils.clip_grad_norm_(parameters, job["clip"])
        optimizer.step()
    numpy.array(losses, numpy.float64).tofile(folder / "losses.f64")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
