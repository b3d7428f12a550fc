"""Cost of more ranks on the same cores: total tokens a second and bytes a rank on 1, 2, 4 and 8 thread ranks.

    ranks.py TRAINER CASE RESULT.json [--rounds N] [--ranks 1,2,4,8] [--precision P]

Every run trains the same global batch, one sample a micro-batch: ranks x accumulation steps stay the largest
number of ranks. By turns, so that what else the machine does meets all alike; the ratio of a round is to its
run on one rank, the result the median of the rounds. Bytes are the ledger's, exact.
"""
import json
import statistics

from trainer_run import arguments, trained, write

STATE = ("parameters", "gradients", "optimizer_state")


def run(trainer, case, ranks, most, precision):
    done = trained(trainer, case | {"processors_per_node": ranks, "gradient_accumulation_steps": most // ranks,
                                    "micro_batch_size": 1}, ["--precision", precision])
    parts = done["bytes_by_part"]
    return {"tokens_per_second": done["tokens_per_second"], "state_bytes_of_a_rank": sum(parts[part] for part in STATE),
            "bytes_of_a_rank": sum(parts.values()), "loss": done["loss"]}


def main():
    parser = arguments(rounds=5, precision="fp32")
    parser.add_argument("--ranks", default="1,2,4,8")
    given = parser.parse_args()
    case = json.loads(given.case.read_text())
    numbers = [int(n) for n in given.ranks.split(",")]
    rounds = [{n: run(given.trainer, case, n, max(numbers), given.precision) for n in numbers} for _ in range(given.rounds)]
    result = []
    print(f"{'ranks':>5} {'token/s':>10} {'of 1 rank':>10} {'state MB/rank':>14} {'of 1 rank':>10} {'all MB/rank':>12}")
    for n in numbers:
        rate = statistics.median(r[n]["tokens_per_second"] for r in rounds)
        ratio = statistics.median(r[n]["tokens_per_second"] / r[numbers[0]]["tokens_per_second"] for r in rounds)
        one, state = rounds[0][numbers[0]]["state_bytes_of_a_rank"], rounds[0][n]["state_bytes_of_a_rank"]
        result.append({"ranks": n, "tokens_per_second": rate, "ratio": ratio, "state_bytes_of_a_rank": state, "state_ratio": state / one,
                       "bytes_of_a_rank": rounds[0][n]["bytes_of_a_rank"], "losses": [r[n]["loss"] for r in rounds]})
        print(f"{n:>5} {rate:>10.1f} {ratio:>10.3f} {state / 1e6:>14.1f} {state / one:>10.4f} {rounds[0][n]['bytes_of_a_rank'] / 1e6:>12.1f}")
    write(given.result, {"precision": given.precision, "rounds": given.rounds, "ranks": result})


if __name__ == "__main__":
    main()
