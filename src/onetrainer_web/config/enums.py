"""OneTrainer's enumerations; the value of each member is the name its files hold."""

from onetrainer_web.config.base import NamedEnum


class AttentionMechanism(NamedEnum):
    """Which implementation computes attention."""

    SDP = "SDP"
    FLASH = "FLASH"
    CUDNN = "CUDNN"
    FLEX = "FLEX"


class AudioFormat(NamedEnum):
    """File format of audio samples."""

    MP3 = "MP3"


class BalancingStrategy(NamedEnum):
    """How the balancing number of a concept is meant."""

    REPEATS = "REPEATS"
    SAMPLES = "SAMPLES"


class CloudAction(NamedEnum):
    """What happens to a rented machine after a run."""

    NONE = "NONE"
    STOP = "STOP"
    DELETE = "DELETE"


class CloudFileSync(NamedEnum):
    """How files travel to and from a remote machine."""

    FABRIC_SFTP = "FABRIC_SFTP"
    NATIVE_SCP = "NATIVE_SCP"


class CloudType(NamedEnum):
    """What kind of remote machine trains."""

    RUNPOD = "RUNPOD"
    LINUX = "LINUX"


class ConceptType(NamedEnum):
    """What a concept is used for."""

    STANDARD = "STANDARD"
    VALIDATION = "VALIDATION"
    PRIOR_PREDICTION = "PRIOR_PREDICTION"


class ConfigPart(NamedEnum):
    """How much of the configuration is written into model files."""

    NONE = "NONE"
    SETTINGS = "SETTINGS"
    ALL = "ALL"


class DataType(NamedEnum):
    """Number format of weights or of computation."""

    NONE = "NONE"
    FLOAT_8 = "FLOAT_8"
    FLOAT_16 = "FLOAT_16"
    FLOAT_32 = "FLOAT_32"
    BFLOAT_16 = "BFLOAT_16"
    TFLOAT_32 = "TFLOAT_32"
    INT_8 = "INT_8"
    NFLOAT_4 = "NFLOAT_4"
    FLOAT_W8A8 = "FLOAT_W8A8"
    INT_W8A8 = "INT_W8A8"
    FLOAT_W8A8_COMPRESSED = "FLOAT_W8A8_COMPRESSED"
    INT_W8A8_COMPRESSED = "INT_W8A8_COMPRESSED"
    GGUF = "GGUF"
    GGUF_A8_FLOAT = "GGUF_A8_FLOAT"
    GGUF_A8_INT = "GGUF_A8_INT"


KEPT_AS = {
    DataType.FLOAT_W8A8: DataType.FLOAT_8,
    DataType.FLOAT_W8A8_COMPRESSED: DataType.FLOAT_8,
    DataType.INT_W8A8: DataType.INT_8,
    DataType.INT_W8A8_COMPRESSED: DataType.INT_8,
}
"""Types whose products OneTrainer computes in 8 bits, too, and how their weights are kept here."""
PACKED_TYPES = frozenset({DataType.FLOAT_8, DataType.INT_8, DataType.NFLOAT_4, *KEPT_AS})
"""In which frozen linear layers can be kept here; the rest of such a part has the type of the forward pass."""


class EMAMode(NamedEnum):
    """Whether and where an average of the weights is kept."""

    OFF = "OFF"
    GPU = "GPU"
    CPU = "CPU"


class GradientReducePrecision(NamedEnum):
    """Number format in which gradients of several devices are averaged."""

    WEIGHT_DTYPE = "WEIGHT_DTYPE"
    FLOAT_32 = "FLOAT_32"
    WEIGHT_DTYPE_STOCHASTIC = "WEIGHT_DTYPE_STOCHASTIC"
    FLOAT_32_STOCHASTIC = "FLOAT_32_STOCHASTIC"


class ImageFormat(NamedEnum):
    """File format of picture samples."""

    PNG = "PNG"
    JPG = "JPG"


class LearningRateScaler(NamedEnum):
    """What the learning rate is scaled by."""

    NONE = "NONE"
    BATCH = "BATCH"
    GLOBAL_BATCH = "GLOBAL_BATCH"
    GRADIENT_ACCUMULATION = "GRADIENT_ACCUMULATION"
    BOTH = "BOTH"
    GLOBAL_BOTH = "GLOBAL_BOTH"


class LearningRateScheduler(NamedEnum):
    """How the learning rate changes over a run."""

    CONSTANT = "CONSTANT"
    LINEAR = "LINEAR"
    COSINE = "COSINE"
    COSINE_WITH_RESTARTS = "COSINE_WITH_RESTARTS"
    COSINE_WITH_HARD_RESTARTS = "COSINE_WITH_HARD_RESTARTS"
    REX = "REX"
    ADAFACTOR = "ADAFACTOR"
    CUSTOM = "CUSTOM"


class LossScaler(NamedEnum):
    """What the loss is scaled by."""

    NONE = "NONE"
    BATCH = "BATCH"
    GLOBAL_BATCH = "GLOBAL_BATCH"
    GRADIENT_ACCUMULATION = "GRADIENT_ACCUMULATION"
    BOTH = "BOTH"
    GLOBAL_BOTH = "GLOBAL_BOTH"


class LossWeight(NamedEnum):
    """How the loss is weighted by the noise level."""

    CONSTANT = "CONSTANT"
    P2 = "P2"
    MIN_SNR_GAMMA = "MIN_SNR_GAMMA"
    DEBIASED_ESTIMATION = "DEBIASED_ESTIMATION"
    SIGMA = "SIGMA"


class ModelFormat(NamedEnum):
    """File format of a saved model."""

    DIFFUSERS = "DIFFUSERS"
    ORIGINAL_SINGLE_FILE = "ORIGINAL_SINGLE_FILE"
    ORIGINAL_TRANSFORMER = "ORIGINAL_TRANSFORMER"
    COMFY_TRANSFORMER = "COMFY_TRANSFORMER"
    LEGACY_SAFETENSORS = "LEGACY_SAFETENSORS"
    DIFFUSERS_LORA = "DIFFUSERS_LORA"
    KOHYA_LORA = "KOHYA_LORA"
    ORIGINAL_LORA = "ORIGINAL_LORA"
    COMFY_LORA = "COMFY_LORA"
    LEGACY_LORA = "LEGACY_LORA"
    SAFETENSORS = "SAFETENSORS"
    INTERNAL = "INTERNAL"


class ModelType(NamedEnum):
    """Which model is trained."""

    STABLE_DIFFUSION_15 = "STABLE_DIFFUSION_15"
    STABLE_DIFFUSION_15_INPAINTING = "STABLE_DIFFUSION_15_INPAINTING"
    STABLE_DIFFUSION_20 = "STABLE_DIFFUSION_20"
    STABLE_DIFFUSION_20_BASE = "STABLE_DIFFUSION_20_BASE"
    STABLE_DIFFUSION_20_INPAINTING = "STABLE_DIFFUSION_20_INPAINTING"
    STABLE_DIFFUSION_20_DEPTH = "STABLE_DIFFUSION_20_DEPTH"
    STABLE_DIFFUSION_21 = "STABLE_DIFFUSION_21"
    STABLE_DIFFUSION_21_BASE = "STABLE_DIFFUSION_21_BASE"
    STABLE_DIFFUSION_3 = "STABLE_DIFFUSION_3"
    STABLE_DIFFUSION_35 = "STABLE_DIFFUSION_35"
    STABLE_DIFFUSION_XL_10_BASE = "STABLE_DIFFUSION_XL_10_BASE"
    STABLE_DIFFUSION_XL_10_BASE_INPAINTING = "STABLE_DIFFUSION_XL_10_BASE_INPAINTING"
    WUERSTCHEN_2 = "WUERSTCHEN_2"
    STABLE_CASCADE_1 = "STABLE_CASCADE_1"
    PIXART_ALPHA = "PIXART_ALPHA"
    PIXART_SIGMA = "PIXART_SIGMA"
    FLUX_DEV_1 = "FLUX_DEV_1"
    FLUX_FILL_DEV_1 = "FLUX_FILL_DEV_1"
    FLUX_KONTEXT_DEV_1 = "FLUX_KONTEXT_DEV_1"
    FLUX_2 = "FLUX_2"
    SANA = "SANA"
    HUNYUAN_VIDEO = "HUNYUAN_VIDEO"
    HI_DREAM_FULL = "HI_DREAM_FULL"
    CHROMA_1 = "CHROMA_1"
    QWEN = "QWEN"
    ANIMA = "ANIMA"
    KREA_2 = "KREA_2"
    Z_IMAGE = "Z_IMAGE"
    ERNIE = "ERNIE"
    IDEOGRAM_4 = "IDEOGRAM_4"
    # OneTrainer has no names for these.
    LUMINA_2 = "LUMINA_2"
    AURA_FLOW = "AURA_FLOW"
    COGVIEW_4 = "COGVIEW_4"
    PRX = "PRX"
    OVIS_IMAGE = "OVIS_IMAGE"
    KANDINSKY_5 = "KANDINSKY_5"
    KANDINSKY_5_VIDEO = "KANDINSKY_5_VIDEO"
    WAN_21 = "WAN_21"
    LTX_VIDEO = "LTX_VIDEO"

    @classmethod
    def aliases(cls) -> dict[str, str]:
        """Short names, as scripts and the API examples use them."""
        return MODEL_TYPE_ALIASES


class NoiseScheduler(NamedEnum):
    """Which sampler draws pictures."""

    DDIM = "DDIM"
    EULER = "EULER"
    EULER_A = "EULER_A"
    DPMPP = "DPMPP"
    DPMPP_SDE = "DPMPP_SDE"
    UNIPC = "UNIPC"
    EULER_KARRAS = "EULER_KARRAS"
    DPMPP_KARRAS = "DPMPP_KARRAS"
    DPMPP_SDE_KARRAS = "DPMPP_SDE_KARRAS"
    UNIPC_KARRAS = "UNIPC_KARRAS"


class Optimizer(NamedEnum):
    """Which algorithm changes the weights."""

    ADAGRAD = "ADAGRAD"
    ADAGRAD_8BIT = "ADAGRAD_8BIT"
    ADAM = "ADAM"
    ADAM_8BIT = "ADAM_8BIT"
    ADAMW = "ADAMW"
    ADAMW_8BIT = "ADAMW_8BIT"
    ADAMW_ADV = "ADAMW_ADV"
    AdEMAMix = "AdEMAMix"
    AdEMAMix_8BIT = "AdEMAMix_8BIT"
    ADOPT = "ADOPT"
    ADOPT_ADV = "ADOPT_ADV"
    LAMB = "LAMB"
    LAMB_8BIT = "LAMB_8BIT"
    LARS = "LARS"
    LARS_8BIT = "LARS_8BIT"
    LION = "LION"
    LION_8BIT = "LION_8BIT"
    LION_ADV = "LION_ADV"
    RMSPROP = "RMSPROP"
    RMSPROP_8BIT = "RMSPROP_8BIT"
    SGD = "SGD"
    SGD_8BIT = "SGD_8BIT"
    SIGNSGD_ADV = "SIGNSGD_ADV"
    SCHEDULE_FREE_ADAMW = "SCHEDULE_FREE_ADAMW"
    SCHEDULE_FREE_SGD = "SCHEDULE_FREE_SGD"
    DADAPT_ADA_GRAD = "DADAPT_ADA_GRAD"
    DADAPT_ADAM = "DADAPT_ADAM"
    DADAPT_ADAN = "DADAPT_ADAN"
    DADAPT_LION = "DADAPT_LION"
    DADAPT_SGD = "DADAPT_SGD"
    PRODIGY = "PRODIGY"
    PRODIGY_PLUS_SCHEDULE_FREE = "PRODIGY_PLUS_SCHEDULE_FREE"
    PRODIGY_ADV = "PRODIGY_ADV"
    ADAFACTOR = "ADAFACTOR"
    CAME = "CAME"
    CAME_8BIT = "CAME_8BIT"
    MUON = "MUON"
    MUON_ADV = "MUON_ADV"
    ADAMUON_ADV = "ADAMUON_ADV"
    ADABELIEF = "ADABELIEF"
    TIGER = "TIGER"
    AIDA = "AIDA"
    YOGI = "YOGI"


class PeftType(NamedEnum):
    """Which kind of adapter is trained."""

    LORA = "LORA"
    LOHA = "LOHA"
    OFT_2 = "OFT_2"
    LOKR = "LOKR"


class TimeUnit(NamedEnum):
    """Unit of an interval or a limit."""

    EPOCH = "EPOCH"
    STEP = "STEP"
    SECOND = "SECOND"
    MINUTE = "MINUTE"
    HOUR = "HOUR"
    NEVER = "NEVER"
    ALWAYS = "ALWAYS"


SECONDS = {TimeUnit.SECOND: 1.0, TimeUnit.MINUTE: 60.0, TimeUnit.HOUR: 3600.0}
"""How long the units that are times last."""


class TimestepDistribution(NamedEnum):
    """How noise levels are drawn in training."""

    UNIFORM = "UNIFORM"
    SIGMOID = "SIGMOID"
    LOGIT_NORMAL = "LOGIT_NORMAL"
    HEAVY_TAIL = "HEAVY_TAIL"
    COS_MAP = "COS_MAP"
    INVERTED_PARABOLA = "INVERTED_PARABOLA"
    BETA = "BETA"


class TrainingMethod(NamedEnum):
    """What is trained."""

    FINE_TUNE = "FINE_TUNE"
    LORA = "LORA"
    EMBEDDING = "EMBEDDING"
    FINE_TUNE_VAE = "FINE_TUNE_VAE"

    @classmethod
    def aliases(cls) -> dict[str, str]:
        """Names that other trainers use."""
        return TRAINING_METHOD_ALIASES


class VideoFormat(NamedEnum):
    """File format of video samples."""

    PNG_IMAGE_SEQUENCE = "PNG_IMAGE_SEQUENCE"
    JPG_IMAGE_SEQUENCE = "JPG_IMAGE_SEQUENCE"
    MP4 = "MP4"


class PromptSource(NamedEnum):
    """Where the captions of a concept come from."""

    SAMPLE = "sample"
    CONCEPT = "concept"
    FILENAME = "filename"


class TagDropoutMode(NamedEnum):
    """Which tags are dropped from a caption."""

    FULL = "FULL"
    RANDOM = "RANDOM"
    RANDOM_WEIGHTED = "RANDOM WEIGHTED"


class SpecialTagsMode(NamedEnum):
    """How the special tags of a concept are meant when tags are dropped."""

    NONE = "NONE"
    BLACKLIST = "BLACKLIST"
    WHITELIST = "WHITELIST"


MODEL_TYPE_ALIASES = {
    "stable_diffusion": "STABLE_DIFFUSION_15",
    "stable-diffusion": "STABLE_DIFFUSION_15",
    "stable_diffusion_1.5": "STABLE_DIFFUSION_15",
    "stable-diffusion-1.5": "STABLE_DIFFUSION_15",
    "stable-diffusion-v1-5": "STABLE_DIFFUSION_15",
    "sd": "STABLE_DIFFUSION_15",
    "sd1": "STABLE_DIFFUSION_15",
    "sd15": "STABLE_DIFFUSION_15",
    "sd1.5": "STABLE_DIFFUSION_15",
    "sd_1.5": "STABLE_DIFFUSION_15",
    "sd15_inpainting": "STABLE_DIFFUSION_15_INPAINTING",
    "sd1.5_inpainting": "STABLE_DIFFUSION_15_INPAINTING",
    "sd2": "STABLE_DIFFUSION_20",
    "sd20": "STABLE_DIFFUSION_20",
    "sd2.0": "STABLE_DIFFUSION_20",
    "sd21": "STABLE_DIFFUSION_21",
    "sd2.1": "STABLE_DIFFUSION_21",
    "sd3": "STABLE_DIFFUSION_3",
    "sd35": "STABLE_DIFFUSION_35",
    "sd3.5": "STABLE_DIFFUSION_35",
    "sdxl": "STABLE_DIFFUSION_XL_10_BASE",
    "sdxl_1.0": "STABLE_DIFFUSION_XL_10_BASE",
    "stable_diffusion_xl": "STABLE_DIFFUSION_XL_10_BASE",
    "stable-diffusion-xl": "STABLE_DIFFUSION_XL_10_BASE",
    "sdxl_inpainting": "STABLE_DIFFUSION_XL_10_BASE_INPAINTING",
    "wuerstchen": "WUERSTCHEN_2",
    "wuerstchen_v2": "WUERSTCHEN_2",
    "stable_cascade": "STABLE_CASCADE_1",
    "cascade": "STABLE_CASCADE_1",
    "pixart": "PIXART_ALPHA",
    "flux": "FLUX_DEV_1",
    "flux1": "FLUX_DEV_1",
    "flux_1": "FLUX_DEV_1",
    "flux.1": "FLUX_DEV_1",
    "flux_dev": "FLUX_DEV_1",
    "flux-dev": "FLUX_DEV_1",
    "flux_fill": "FLUX_FILL_DEV_1",
    "flux_kontext": "FLUX_KONTEXT_DEV_1",
    "flux2": "FLUX_2",
    "flux.2": "FLUX_2",
    "hunyuan": "HUNYUAN_VIDEO",
    "hidream": "HI_DREAM_FULL",
    "hi_dream": "HI_DREAM_FULL",
    "chroma": "CHROMA_1",
    "chroma1": "CHROMA_1",
    "qwen_image": "QWEN",
    "qwen-image": "QWEN",
    "krea": "KREA_2",
    "krea2": "KREA_2",
    "z-image": "Z_IMAGE",
    "zimage": "Z_IMAGE",
    "ernie_image": "ERNIE",
    "ideogram": "IDEOGRAM_4",
    "ideogram4": "IDEOGRAM_4",
    "wuerstchen_3": "STABLE_CASCADE_1",  # the same model under its first name in OneTrainer
}

TRAINING_METHOD_ALIASES = {
    "full": "FINE_TUNE",
    "finetune": "FINE_TUNE",
    "fine-tune": "FINE_TUNE",
    "full_finetune": "FINE_TUNE",
    "textual_inversion": "EMBEDDING",
    "finetune_vae": "FINE_TUNE_VAE",
}
