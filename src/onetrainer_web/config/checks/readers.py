"""Result files that other programs do not read, or read in part, where another choice would do."""

from collections.abc import Iterator

from onetrainer_web.config.checks.issue import Issue, Subject, warning
from onetrainer_web.config.enums import PACKED_TYPES, ModelFormat, PeftType, TrainingMethod
from onetrainer_web.config.fields import label_of
from onetrainer_web.config.output import has_text, kind_of, learning_parts, usual_format, written_format
from onetrainer_web.config.readers import ALL_OF_IT, faults_of, rank_of
from onetrainer_web.config.settings.options import label_of_value

_FORMAT = "output_model_format"
_WHOLE = (ModelFormat.DIFFUSERS, ModelFormat.ORIGINAL_SINGLE_FILE)
"""Formats that hold a model; all others of a fine-tuning hold its denoiser alone."""


def check_joined_layers(subject: Subject) -> Iterator[Issue]:
    """A format that joins layers, with a kind of adapter that cannot be joined."""
    config, facts = subject.config, subject.facts
    unfit = facts.unfit_formats(kind_of(config))
    if config.training_method == TrainingMethod.LORA and config.output_model_format in unfit:
        others = [known for known in facts.formats[TrainingMethod.LORA] if known not in unfit]
        message = (
            f"{label_of_value(config.output_model_format)} joins layers of {facts.label}, which a {kind_of(config)} "
            f"cannot follow. Choose one of: {', '.join(map(label_of_value, others))}."
        )
        yield subject.needed(_FORMAT, "format_joins_layers", message)


def check_text_in_file(subject: Subject) -> Iterator[Issue]:
    """A format that has no place for the text encoders that are trained."""
    config, written = subject.config, written_format(subject.config)
    is_offered = written in subject.facts.formats.get(config.training_method, ())
    lacks_text = {
        TrainingMethod.LORA: written is ModelFormat.ORIGINAL_LORA,
        TrainingMethod.FINE_TUNE: written not in _WHOLE,
    }
    if is_offered and has_text(config) and lacks_text.get(config.training_method):
        message = (
            f"{label_of_value(written)} holds no text encoder: what it learns is not in the file. "
            f"Choose {label_of_value(usual_format(config))}, or do not train the text encoder."
        )
        yield warning(_FORMAT, "format_without_text", message)


def check_rounded_parts(subject: Subject) -> Iterator[Issue]:
    """Parts that are kept in fewer bits than files have, and come into the file of a whole model as they are kept."""
    config, learning = subject.config, learning_parts(subject.config)
    if not learning or written_format(config) not in _WHOLE:
        return
    saved = [encoder.part for encoder in subject.facts.encoders] + ["vae"] * ("vae" in subject.facts.parts)
    for part in saved:
        dtype = getattr(config, part).weight_dtype
        if part not in learning and dtype in PACKED_TYPES:
            message = (
                f"{label_of((part,))} is kept in {label_of_value(dtype)} and goes into the saved model so rounded. "
                "Choose bfloat16 or more to keep it as it is."
            )
            yield warning(f"{part}.weight_dtype", "part_saved_rounded", message)


def check_readers(subject: Subject) -> Iterator[Issue]:
    """An adapter file that programs read worse than they would read another one."""
    config, facts = subject.config, subject.facts
    chosen = config.output_model_format
    if config.training_method is not TrainingMethod.LORA or chosen not in (*facts.readers, ModelFormat.SAFETENSORS):
        return
    usual = usual_format(config)
    if config.peft_type is PeftType.OFT_2:
        message = "Only OneTrainer and this program read OFT files. Choose LoRA, LoHa or LoKr to draw elsewhere."
        yield warning("peft_type", "adapter_read_by_few", message)
        return
    kind, trains_text = kind_of(config), has_text(config)
    readings = facts.readers_of(usual if chosen is ModelFormat.SAFETENSORS else chosen, kind)
    name, best = label_of_value(chosen), label_of_value(usual)
    if not readings and chosen not in (usual, ModelFormat.DIFFUSERS_LORA):
        message = f"Of {facts.label}, nothing but OneTrainer and this program reads {name} files. Choose {best}."
        yield warning(_FORMAT, "format_read_by_few", message)
        return
    rank, best_rank = (rank_of(own, has_text=trains_text) for own in (readings, facts.readers_of(usual, kind)))
    faults = "; ".join(faults_of(readings, has_text=trains_text))
    if faults and rank < best_rank:
        message = f"{name} file of {facts.label}: {faults}. {best} is read best."
        yield warning(_FORMAT, "format_read_in_part", message)
    elif faults and readings and rank_of(readings, has_text=False)[0] < ALL_OF_IT:
        message = f"No format of a {kind} of {facts.label} is read whole: {faults}. Train a LoRA or a LoHa."
        yield warning("peft_type", "adapter_read_in_part", message)


def check_lengths(subject: Subject) -> Iterator[Issue]:
    """Lengths that are learned along an axis of which a program does not know."""
    config = subject.config
    if config.training_method is not TrainingMethod.LORA:
        return
    is_dora = config.peft_type is PeftType.LORA and config.lora_decompose
    by_output = config.lora_decompose_output_axis if is_dora else config.lokr_dora_on_output
    path = "lora_decompose_output_axis" if is_dora else "lokr_dora_on_output"
    if is_dora and config.output_model_format is ModelFormat.DIFFUSERS_LORA:
        program = "ComfyUI passes over lengths" if by_output else "diffusers passes over lengths by input"
        message = f"In a Diffusers file, {program}, so it draws something else than was trained. Choose another format."
        yield warning(_FORMAT, "lengths_unread", message)
    elif by_output and (is_dora or config.peft_type is PeftType.LOKR and config.lokr_weight_decompose):
        message = "ComfyUI applies lengths by output wrong: pictures differ there. Lengths by input come out right."
        yield warning(path, "lengths_by_output", message)
