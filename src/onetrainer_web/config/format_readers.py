"""What is said beside each format of a LoRA's file: who reads it, from the table of readers."""

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described

from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.model_facts import ModelFacts
from onetrainer_web.config.readers import ALL_OF_IT, faults_of, rank_of


class FormatReaders(BaseModel):
    """Who reads a LoRA in one format."""

    model_config = ConfigDict(frozen=True)

    format: ModelFormat = Described(description="Value of `output_model_format`.")
    short: str = Described(description="Names of the programs that read it, as behind the format's own.")
    sentence: str = Described(description="What each program makes of it.")


class ModelReaders(BaseModel):
    """Who reads a plain LoRA of a model, by format; the best read format, which is the default, comes first."""

    model_config = ConfigDict(frozen=True)

    text_parts: list[str] = Described(description="Text encoders that can be trained: keys of their settings.")
    without_text: list[FormatReaders] = Described(description="Of a file that holds none of them.")
    with_text: list[FormatReaders] = Described(description="Of a file that holds some of them.")


def model_readers(model_type: ModelType) -> ModelReaders:
    """Who reads the LoRAs of a model; no format at all for a model that is not trained."""
    known = facts(model_type)
    encoders = [encoder.part for encoder in known.encoders if encoder.can_train]
    return ModelReaders(
        text_parts=encoders,
        without_text=_by_rank(known, has_text=False),
        with_text=_by_rank(known, has_text=True) if encoders else [],
    )


def _by_rank(known: ModelFacts, *, has_text: bool) -> list[FormatReaders]:
    names = sorted(known.readers, key=lambda name: rank_of(known.readers[name], has_text=has_text), reverse=True)
    return [_said_of(name, known, has_text=has_text) for name in names]


def _said_of(name: ModelFormat, known: ModelFacts, *, has_text: bool) -> FormatReaders:
    readings = known.readers[name]
    ranks = {program: reading.rank(has_text=has_text) for program, reading in readings.items()}
    whole = [program for program, rank in ranks.items() if rank == ALL_OF_IT]
    in_part = [program for program, rank in ranks.items() if 0 < rank < ALL_OF_IT]
    if not whole and not in_part:
        others = ["diffusers"] * (name is ModelFormat.DIFFUSERS_LORA) + ["OneTrainer"] * known.is_in_onetrainer
        sentence = f"Read by nothing but {' and '.join([*others, 'this program'])}."
        return FormatReaders(format=name, short=", ".join(others) or "this program", sentence=sentence)
    unread = [program for program, reading in readings.items() if reading.is_unread]
    said = [f"Read whole by {', '.join(whole)}"] if whole else []
    said += faults_of({one: reading for one, reading in readings.items() if one not in unread}, has_text=has_text)
    said += [f"not read by {', '.join(unread)}"] if unread else []
    short = [*whole, *(f"{program} in part" for program in in_part)]
    return FormatReaders(format=name, short=", ".join(short), sentence=f"{'; '.join(said)}.")
