"""The estimator process: a configuration comes in, and how much memory its training will hold goes out.

It asks nothing of a card and leaves alone what trains there: all are hidden from torch. It ends with whoever asked,
whose pipe its standard input is.
"""

import os
import sys
import threading
from pathlib import Path

from onetrainer_web.config.files import parse_config
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.protocol.estimates import EstimateAnswer, EstimateQuestion


def main() -> int:
    """Answer the question on standard input, one line for each answer."""
    question = EstimateQuestion.model_validate_json(sys.stdin.readline())
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    threading.Thread(target=_end_with_asker, daemon=True).start()
    from onetrainer_web.engine.loop.estimating import estimate
    from onetrainer_web.engine.loop.savings import with_savings

    config, folder = parse_config(question.config).config, Path(question.workspace)

    def resolve(name: str) -> Path:
        return folder / Path(name).expanduser()

    try:
        _say(EstimateAnswer(estimate=estimate(config, resolve)))
        if question.with_switches:
            for switch in with_savings(config, resolve):
                _say(EstimateAnswer(switch=switch))
    except OneTrainerWebError as error:
        _say(EstimateAnswer(error=str(error)))
    return 0


def _say(answer: EstimateAnswer) -> None:
    sys.stdout.write(f"{answer.model_dump_json(exclude_none=True)}\n")
    sys.stdout.flush()


def _end_with_asker() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
