"""The choices of a setting: how each is called, and for which models and methods it is offered."""

from collections.abc import Iterable, Mapping

from onetrainer_web.config.base import NamedEnum
from onetrainer_web.config.enums import DataType, LossWeight, ModelFormat, ModelType, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.model_facts import Formulation
from onetrainer_web.config.settings.base import Option, When, method, models_with

_LABELS: Mapping[str, str] = {
    "SDP": "PyTorch scaled dot product",
    "FLASH": "FlashAttention",
    "CUDNN": "cuDNN",
    "FLEX": "FlexAttention",
    "FLOAT_8": "float8",
    "FLOAT_16": "float16",
    "FLOAT_32": "float32",
    "BFLOAT_16": "bfloat16",
    "TFLOAT_32": "tfloat32",
    "INT_8": "int8",
    "NFLOAT_4": "nfloat4",
    "FLOAT_W8A8": "float8, computed in 8 bits",
    "INT_W8A8": "int8, computed in 8 bits",
    "FLOAT_W8A8_COMPRESSED": "float8, computed in 8 bits, compressed",
    "INT_W8A8_COMPRESSED": "int8, computed in 8 bits, compressed",
    "GGUF": "GGUF",
    "GGUF_A8_FLOAT": "GGUF, computed in float8",
    "GGUF_A8_INT": "GGUF, computed in int8",
    "FINE_TUNE": "Fine-tuning",
    "LORA": "LoRA",
    "EMBEDDING": "Embedding",
    "FINE_TUNE_VAE": "Fine-tuning of the VAE",
    "LOHA": "LoHa",
    "LOKR": "LoKr",
    "OFT_2": "OFT v2",
    "DIFFUSERS": "Diffusers folder",
    "ORIGINAL_SINGLE_FILE": "Original, single file",
    "ORIGINAL_TRANSFORMER": "Original, transformer only",
    "COMFY_TRANSFORMER": "ComfyUI, transformer only",
    "LEGACY_SAFETENSORS": "Safetensors of earlier versions",
    "DIFFUSERS_LORA": "Diffusers",
    "KOHYA_LORA": "Kohya",
    "ORIGINAL_LORA": "Original",
    "COMFY_LORA": "ComfyUI",
    "LEGACY_LORA": "LoRA of earlier versions",
    "SAFETENSORS": "Safetensors",
    "INTERNAL": "Backup",
    "GPU": "On the GPU",
    "CPU": "On the CPU",
    "OFF": "Off",
    "P2": "P2",
    "MIN_SNR_GAMMA": "Min-SNR-gamma",
    "DEBIASED_ESTIMATION": "Debiased estimation",
    "REX": "REX",
    "DDIM": "DDIM",
    "EULER": "Euler",
    "EULER_A": "Euler ancestral",
    "DPMPP": "DPM++",
    "DPMPP_SDE": "DPM++ SDE",
    "UNIPC": "UniPC",
    "EULER_KARRAS": "Euler, Karras",
    "DPMPP_KARRAS": "DPM++, Karras",
    "DPMPP_SDE_KARRAS": "DPM++ SDE, Karras",
    "UNIPC_KARRAS": "UniPC, Karras",
    "PNG": "PNG",
    "JPG": "JPEG",
    "MP4": "MP4",
    "MP3": "MP3",
    "PNG_IMAGE_SEQUENCE": "PNG, one file a frame",
    "JPG_IMAGE_SEQUENCE": "JPEG, one file a frame",
    "RUNPOD": "RunPod",
    "LINUX": "Linux machine",
    "FABRIC_SFTP": "SFTP",
    "NATIVE_SCP": "SCP of the system",
    "sample": "Text file beside each picture",
    "concept": "One text file for the concept",
    "filename": "Name of the picture file",
    "WEIGHT_DTYPE": "As the weights",
    "WEIGHT_DTYPE_STOCHASTIC": "As the weights, rounded by chance",
    "FLOAT_32_STOCHASTIC": "float32, rounded by chance",
    "COS_MAP": "Cosine map",
    "ADAFACTOR": "Adafactor",
    "ADAMW": "AdamW",
    "ADAMW_8BIT": "AdamW 8-bit",
    "ADAMW_ADV": "AdamW ADV",
    "SCHEDULE_FREE_ADAMW": "Schedule-free AdamW",
    "SCHEDULE_FREE_SGD": "Schedule-free SGD",
    "ADABELIEF": "AdaBelief",
    "ADAGRAD": "Adagrad",
    "ADAMUON_ADV": "AdaMuon ADV",
    "SIGNSGD_ADV": "SignSGD ADV",
    "RMSPROP": "RMSprop",
    "RMSPROP_8BIT": "RMSprop 8-bit",
    "PRODIGY_PLUS_SCHEDULE_FREE": "Prodigy Plus Schedule-free",
    "DADAPT_ADA_GRAD": "D-Adapt Adagrad",
    "DADAPT_ADAM": "D-Adapt Adam",
    "DADAPT_ADAN": "D-Adapt Adan",
    "DADAPT_LION": "D-Adapt Lion",
    "DADAPT_SGD": "D-Adapt SGD",
}

_UPPER_CASE_WORDS = {"SGD", "CAME", "LAMB", "LARS", "ADV", "AIDA", "ADOPT"}


def label_of_value(value: str) -> str:
    """How a choice is called on the page."""
    if value in _LABELS:
        return _LABELS[value]
    if value in MODEL_TYPES:
        return MODEL_TYPES[ModelType(value)].label
    if not value.isupper():
        return value.replace("_8BIT", " 8-bit")
    words = value.replace("8BIT", "8-bit").split("_")
    shown = [word if word in _UPPER_CASE_WORDS else word.lower() for word in words]
    return " ".join([shown[0] if shown[0].isupper() else shown[0].capitalize(), *shown[1:]])


def choices(values: Iterable[str], when: When = ()) -> tuple[Option, ...]:
    """Options for `values`, all offered under the same conditions."""
    return tuple(Option(str(value), label_of_value(str(value)), when) for value in values)


def all_of(kind: type[NamedEnum]) -> tuple[Option, ...]:
    """Every member of an enumeration."""
    return choices(member.value for member in kind)


def training_methods() -> tuple[Option, ...]:
    """Methods, each for the models that offer it."""
    return tuple(
        Option(value, label_of_value(value), models_with(lambda facts, value=value: value in facts.methods))
        for value in TrainingMethod
    )


def output_formats() -> tuple[Option, ...]:
    """File formats, each for the models and methods that can write it."""
    options: list[Option] = []
    for value in ModelFormat:
        methods = {m for facts in MODEL_TYPES.values() for m, formats in facts.formats.items() if value in formats}
        if methods:
            fits = models_with(lambda facts, value=value: any(value in formats for formats in facts.formats.values()))
            options.append(Option(value, label_of_value(value), method(*sorted(methods)) + fits))
    return tuple(options)


def loss_weights() -> tuple[Option, ...]:
    """Loss weights, each for the kind of prediction that it is made for."""
    diffusion = models_with(lambda facts: facts.formulation == Formulation.DIFFUSION)
    flow = models_with(lambda facts: facts.formulation == Formulation.FLOW)
    needs = {LossWeight.CONSTANT: (), LossWeight.SIGMA: flow}
    return tuple(Option(value, label_of_value(value), needs.get(value, diffusion)) for value in LossWeight)


def layer_presets() -> tuple[Option, ...]:
    """Named choices of layers, each for the models that have it."""
    names = dict.fromkeys(name for facts in MODEL_TYPES.values() for name in facts.layer_presets)
    presets = [Option(name, name, models_with(lambda facts, name=name: name in facts.layer_presets)) for name in names]
    return (*presets, Option("custom", "custom"))


PLAIN_DTYPES = frozenset({"FLOAT_32", "TFLOAT_32", "BFLOAT_16", "FLOAT_16"})
"""Number formats in which can be computed, and in which weights can learn."""
BASE_DTYPES = (
    DataType.FLOAT_32,
    DataType.BFLOAT_16,
    DataType.FLOAT_16,
    DataType.FLOAT_8,
    DataType.NFLOAT_4,
)
_DENOISER_DTYPES = (DataType.FLOAT_W8A8, DataType.INT_W8A8)
_COMPRESSED_DTYPES = (DataType.FLOAT_W8A8_COMPRESSED, DataType.INT_W8A8_COMPRESSED)
_GGUF_DTYPES = (DataType.GGUF, DataType.GGUF_A8_FLOAT, DataType.GGUF_A8_INT)


def weight_dtypes(part: str) -> tuple[Option, ...]:
    """Number formats in which the weights of a model part can be kept."""
    options = choices(BASE_DTYPES)
    if part in ("unet", "transformer"):
        compressed = models_with(lambda facts: facts.has_compressed_dtypes)
        options += choices(_DENOISER_DTYPES) + choices(_COMPRESSED_DTYPES, compressed)
    if part == "transformer":
        options += choices(_GGUF_DTYPES)
    return options
