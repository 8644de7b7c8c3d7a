"""Texts of the tabs general, model and data."""

from onetrainer_web.config.enums import DataType
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.settings.base import (
    ADVANCED,
    COMMON,
    ESSENTIAL,
    EXPERT,
    NOT_MEASURED,
    Section,
    Setting,
    is_on,
    models_where,
    models_with,
)
from onetrainer_web.config.settings.options import choices, output_formats, training_methods

_NO_DEBUG = "No debug files are written; the journal and the log tell what happens."
_OWN_BOARD = "The server shows TensorBoard over all runs, on its own address."
_OUTPUT_DTYPES = (DataType.FLOAT_16, DataType.FLOAT_32, DataType.BFLOAT_16, DataType.FLOAT_8, DataType.NFLOAT_4)

RUN = Section(
    "general",
    "What to train",
    {
        "model_type": Setting(
            "Model type",
            "The family of the base model. It decides which parts, methods and formats exist; it must be the one that "
            "the base model really is.",
            ESSENTIAL,
            known=frozenset(models_where(lambda facts: bool(facts.trained_here))),
        ),
        "training_method": Setting(
            "Training method",
            "LoRA trains a small file that is added to the base model: quick, little memory, right for most subjects "
            "and styles. Fine-tuning changes the whole model and needs several times the memory. An embedding only "
            "learns new words.",
            ESSENTIAL,
            options=training_methods(),
            known=frozenset(method for facts in MODEL_TYPES.values() for method in facts.trained_here),
        ),
    },
)

FOLDERS = Section(
    "general",
    "Folders",
    {
        "workspace_dir": Setting(
            "Workspace folder",
            "Where samples, backups, saves and logs of the run go. Left as it is, every run has a folder of its own.",
            ADVANCED,
        ),
        "cache_dir": Setting(
            "Cache folder",
            "Where encoded pictures and captions are kept, so that they are computed once. Left as it is, all runs of "
            "a workspace share one; choose another disk when space is short.",
            ADVANCED,
        ),
        "only_cache": Setting(
            "Only fill the cache",
            "Encode all pictures and captions and stop before training. Useful to prepare a run while the device that "
            "will train is still busy.",
            EXPERT,
        ),
        "debug_mode": Setting(
            "Debug mode",
            "Writes decoded batches and predictions of every step to the debug folder. Slow; for finding out what the "
            "model really sees.",
            EXPERT,
            no_effect=_NO_DEBUG,
        ),
        "debug_dir": Setting(
            "Debug folder",
            "Where debug mode writes its pictures and texts.",
            EXPERT,
            when=is_on("debug_mode"),
            no_effect=_NO_DEBUG,
        ),
    },
)

RESUMING = Section(
    "general",
    "Starting and resuming",
    {
        "continue_last_backup": Setting(
            "Continue from the last backup",
            "Start from the newest backup in the workspace folder instead of the base model. Use it to go on with a "
            "run that was stopped.",
            ADVANCED,
        ),
        "prevent_overwrites": Setting(
            "Refuse to overwrite",
            "Do not start when the output file exists already. Turn it on when the output path is fixed and earlier "
            "results matter.",
            ADVANCED,
        ),
    },
)

TENSORBOARD = Section(
    "general",
    "TensorBoard",
    {
        "tensorboard": Setting(
            "Write TensorBoard logs",
            "Record loss and learning rate in TensorBoard's format too, for looking at several runs with that tool.",
            ADVANCED,
        ),
        "tensorboard_always_on": Setting(
            "Keep TensorBoard running",
            "Run the TensorBoard program also while nothing is trained.",
            EXPERT,
            no_effect=_OWN_BOARD,
        ),
        "tensorboard_expose": Setting(
            "Open TensorBoard to the network",
            "Lets other machines reach the TensorBoard program, which asks for no password. Only for trusted networks.",
            EXPERT,
            no_effect=_OWN_BOARD,
        ),
        "tensorboard_port": Setting(
            "TensorBoard port",
            "Network port of the TensorBoard program; change it when another program uses this one.",
            EXPERT,
            no_effect=_OWN_BOARD,
        ),
    },
)

VALIDATION = Section(
    "general",
    "Validation",
    {
        "validation": Setting(
            "Measure validation loss",
            "Every now and then, compute the loss on concepts of the type validation, which are never trained. When it "
            "rises while the training loss falls, the model only memorises: stop earlier or add pictures.",
            ADVANCED,
        ),
        "validate_after": Setting(
            "Validate every",
            "How often the validation loss is measured. Each time costs about a step for every validation picture.",
            ADVANCED,
            unit_path="validate_after_unit",
            when=is_on("validation"),
        ),
        "validate_after_unit": Setting(
            "Unit of the validation interval",
            "What the validation interval counts: epochs, steps or time. Never turns measuring off.",
            ADVANCED,
            when=is_on("validation"),
        ),
        "keep_best": Setting(
            "Keep the best model",
            "Save the model whenever the validation loss is lower than ever before, as best.safetensors beside the "
            "other saves, replacing the one before. The end of the run still saves the last weights. OneTrainer does "
            "not have this.",
            ADVANCED,
            when=is_on("validation"),
        ),
        "early_stopping_patience": Setting(
            "Stop early after",
            "End the run when this many measurements in a row brought no lower validation loss: from there on the "
            "model only memorises. 0 trains to the end. OneTrainer does not have this.",
            ADVANCED,
            unit="measurements",
            when=is_on("validation"),
        ),
    },
)

MACHINE = Section(
    "general",
    "Devices",
    {
        "train_device": Setting(
            "Training device",
            "Where the model is trained: cuda for an NVIDIA or AMD card that is free, cuda:1 for the second one, mps "
            "for a Mac, cpu for none. When the machine lacks it, training falls back to what there is and says so.",
            ADVANCED,
        ),
        "temp_device": Setting(
            "Parking device",
            "Where parts of the model wait while they are not needed. cpu keeps the training device free for others.",
            EXPERT,
            no_effect="The model stays on the training device while it trains.",
        ),
        "dataloader_threads": Setting(
            "Loader threads",
            "How many pictures are read and encoded at the same time while the cache is filled. More helps with slow "
            "disks and many cores; each one needs memory.",
            EXPERT,
        ),
        "async_offloading": Setting(
            "Move layers ahead of time",
            "Copy layers that wait outside the device while others still compute. Faster, for a little more memory; "
            "only matters where a part keeps layers outside.",
            EXPERT,
            no_effect="Layers outside the device are fetched when they are needed.",
        ),
        "multi_gpu": Setting(
            "Several GPUs",
            "Train on several cards of this machine, each with its own copy of the model and its own batches. A "
            "gradient is the mean over the batches of all cards.",
            EXPERT,
            caveat=NOT_MEASURED,
        ),
        "device_indexes": Setting(
            "GPU numbers",
            "Which cards take part, as numbers with commas (0,1). Empty means all of them. On a CPU each number is a "
            "process, so that two numbers train in two processes.",
            EXPERT,
            when=is_on("multi_gpu"),
        ),
        "keep_effective_batch": Setting(
            "Train as one GPU does",
            "Share the gradient accumulation steps out among the cards instead of doing them on each: the same "
            "training as on one card, only faster. Their number must divide the accumulation steps. OneTrainer does "
            "not have this.",
            EXPERT,
            when=is_on("multi_gpu"),
        ),
        "gradient_reduce_precision": Setting(
            "Precision of shared gradients",
            "Number format in which gradients travel between cards. float32 is exact; the weight format halves the "
            "traffic; stochastic rounding keeps most of what that loses.",
            EXPERT,
            when=is_on("multi_gpu"),
        ),
        "fused_gradient_reduce": Setting(
            "Share gradients during the backward pass",
            "Send each gradient to the other cards as soon as it is known, which needs less memory than doing it all "
            "at the end.",
            EXPERT,
            when=is_on("multi_gpu"),
        ),
        "async_gradient_reduce": Setting(
            "Share gradients in the background",
            "Let computing go on while gradients travel between cards.",
            EXPERT,
            when=is_on("multi_gpu"),
        ),
        "async_gradient_reduce_buffer": Setting(
            "Buffer for shared gradients",
            "Upper limit for gradients that are on their way between cards at one time.",
            EXPERT,
            unit="MB",
            when=is_on("multi_gpu"),
        ),
    },
)

MODEL = Section(
    "model",
    "Base model",
    {
        "base_model_name": Setting(
            "Base model",
            "The model to start from: a name on Hugging Face, a folder, a safetensors file, or the folder of a backup. "
            "tiny is the small model that comes with the program.",
            ESSENTIAL,
        ),
        "huggingface_cache_dir": Setting(
            "Hugging Face cache",
            "Where downloaded models are kept. Empty means the usual folder of the huggingface_hub library.",
            EXPERT,
        ),
        "offline_mode": Setting(
            "Offline",
            "Do not contact Hugging Face: only models that are already on this machine are used.",
            EXPERT,
        ),
        "compile": Setting(
            "Compile the model",
            "Let torch.compile translate the model for the device. Steps get faster after several minutes of "
            "preparation, so it pays only for long runs on a GPU.",
            EXPERT,
        ),
    },
)

OUTPUT = Section(
    "model",
    "Result",
    {
        "output_model_destination": Setting(
            "Output path",
            "Where the finished model is written: a file, which gets the ending .safetensors, or a folder for the "
            "Diffusers format. Left as it is, each run writes into its own folder and never over an earlier result.",
            ESSENTIAL,
        ),
        "output_model_format": Setting(
            "Output format",
            "How the file is arranged inside. A new configuration has the format that ComfyUI and most other programs "
            "read whole; what they make of another one is said beside it. Diffusers is for Python.",
            COMMON,
            options=output_formats(),
        ),
        "output_dtype": Setting(
            "Output precision",
            "Number format of the saved weights. float16 halves the file against float32, with no visible difference "
            "for most uses.",
            COMMON,
            options=choices(_OUTPUT_DTYPES),
        ),
        "include_train_config": Setting(
            "Configuration inside the file",
            "Whether the settings of this run are stored in the metadata of the saved model, so that one can later see "
            "how it was made. All also contains concepts and sample prompts.",
            ADVANCED,
        ),
        "describe_output": Setting(
            "Description inside the file",
            "What model browsers show: the run's name, base model, size of the adapter, epochs, number of pictures, "
            "how often each tag stands in the captions, trigger words. Off writes none of it, not even the settings "
            "of the run. OneTrainer does not have this setting.",
            ADVANCED,
        ),
    },
)

DATA = Section(
    "data",
    "Pictures",
    {
        "resolution": Setting(
            "Resolution",
            "Size that pictures are scaled to, as the side of a square with the same area: 512. Several with commas "
            "(512,768) are mixed; 1024x768 fixes width and height. Higher shows finer detail and costs memory and time "
            "with the area.",
            ESSENTIAL,
            unit="px",
        ),
        "aspect_ratio_bucketing": Setting(
            "Keep aspect ratios",
            "Sort pictures into groups of similar shape instead of cutting all to squares. Keep it on unless all "
            "pictures are square; batches are filled from one group only.",
            COMMON,
        ),
        "latent_caching": Setting(
            "Cache encoded pictures",
            "Encode every picture and caption once and keep the result on disk. Much faster from the second epoch on; "
            "turn it off only when the disk is too small.",
            ADVANCED,
        ),
        "clear_cache_before_training": Setting(
            "Empty the cache first",
            "Delete what was encoded by earlier runs before this one starts. Not needed for correctness here: changed "
            "pictures, captions or sizes are noticed by themselves.",
            EXPERT,
        ),
        "concept_file_name": Setting(
            "Concepts file",
            "A JSON file with the list of concepts, used when the configuration itself contains none.",
            ADVANCED,
        ),
        "concepts": Setting(
            "Concepts",
            "The folders of training pictures, each with its own settings. At least one must be enabled.",
            ESSENTIAL,
        ),
        "frames": Setting(
            "Frames",
            "How many frames of a video are trained at once; pictures count as one frame.",
            COMMON,
            unit="frames",
            when=models_with(lambda facts: facts.is_video or facts.family == "hi_dream"),
        ),
    },
)

SECTIONS = (RUN, MODEL, OUTPUT, DATA, FOLDERS, RESUMING, VALIDATION, TENSORBOARD, MACHINE)
