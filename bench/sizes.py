"""What a step costs against layers, width, sequence length and micro-batch, each changed alone on one rank.

    sizes.py TRAINER CASE RESULT.json [--rounds N] [--precision P]

By turns, so that what else the machine does meets all alike. A row's `cost` is its seconds a token over those of
the unchanged case in the same round, `work` its FLOP a token over the unchanged case's (recomputation included):
where the two agree, the trainer runs as close to the machine's limit there as here. Memory: what the plan says a rank
holds, and with it the code's own (the unchanged case's resident bytes that the plan does not know), against
the process's peak resident bytes.
"""
import json
import statistics

from trainer_run import arguments, trained, write

CHANGES = {
    "unchanged": {},
    "layers 2": {"num_hidden_layers": 2}, "layers 16": {"num_hidden_layers": 16},
    "width 256": {"hidden_size": 256, "intermediate_size": 688, "num_attention_heads": 4, "num_key_value_heads": 4},
    "width 1024": {"hidden_size": 1024, "intermediate_size": 2752, "num_attention_heads": 16, "num_key_value_heads": 16},
    "sequence 128": {"sequence_length": 128}, "sequence 2048": {"sequence_length": 2048},
    "batch 1": {"micro_batch_size": 1}, "batch 16": {"micro_batch_size": 16},
}


def changed(case, changes):
    of_model = {key: value for key, value in changes.items() if key in case["model"]}
    return case | {key: value for key, value in changes.items() if key not in of_model} | {"model": case["model"] | of_model}


def main():
    given = arguments(rounds=3, precision="bf16").parse_args()
    case = json.loads(given.case.read_text())
    rounds = [{name: trained(given.trainer, changed(case, changes), ["--precision", given.precision])
               for name, changes in CHANGES.items()} for _ in range(given.rounds)]
    beside = rounds[0]["unchanged"]["resident_bytes"] - sum(rounds[0]["unchanged"]["bytes_by_part"].values())
    print(f"{'change':<14} {'token/s':>9} {'HFU %':>6} {'cost':>7} {'work':>7} {'cost/work':>9} {'planned MB':>11} {'resident MB':>12} {'ratio':>6}")
    result = []
    for name in CHANGES:
        cost = statistics.median(r["unchanged"]["tokens_per_second"] / r[name]["tokens_per_second"] for r in rounds)
        one = rounds[0][name]
        work = one["flop_per_token"] / rounds[0]["unchanged"]["flop_per_token"]
        planned, resident = sum(one["bytes_by_part"].values()), statistics.median(r[name]["resident_bytes"] for r in rounds)
        rate = statistics.median(r[name]["tokens_per_second"] for r in rounds)
        hfu = statistics.median(r[name]["hfu"] for r in rounds)
        ratio = (planned + beside) / resident
        result.append({"change": name, "tokens_per_second": rate, "hfu": hfu, "cost": cost, "work": work, "planned_bytes": planned,
                       "bytes_beside_the_plan": beside, "resident_bytes": resident, "memory_ratio": ratio})
        print(f"{name:<14} {rate:>9.1f} {100 * hfu:>6.1f} {cost:>7.3f} {work:>7.3f} {cost / work:>9.3f} {planned / 1e6:>11.1f} "
              f"{resident / 1e6:>12.1f} {ratio:>6.3f}")
    write(given.result, {"precision": given.precision, "rounds": given.rounds, "sizes": result})


if __name__ == "__main__":
    main()
