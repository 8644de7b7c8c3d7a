"""Texts of the tab cloud, and of the access data that are kept apart."""

from onetrainer_web.config.texts.base import ADVANCED, COMMON, EXPERT, Section, Text, When, is_on, is_one_of

_CREATES: When = is_on("cloud.create")
_DETACHED: When = is_on("cloud.detach_trainer")
_RUNPOD: When = is_one_of("cloud.type", "RUNPOD")

CLOUD = Section(
    "cloud",
    "Remote training",
    {
        "cloud": Text("Cloud", "Where and how a run is trained on another machine.", EXPERT),
        "secrets": Text(
            "Access data",
            "Tokens and passwords. They are kept in secrets.json of the workspace and never leave it with a "
            "configuration.",
            ADVANCED,
        ),
    },
)

CLOUD_TEXTS = {
    "enabled": Text("Train remotely", "Send the run to a rented or another machine instead of training here.", EXPERT),
    "type": Text("Kind of machine", "A RunPod pod that can be rented, or any Linux machine that SSH reaches.", EXPERT),
    "file_sync": Text(
        "File transfer",
        "How files are copied: SFTP needs nothing installed, the system's SCP is faster.",
        EXPERT,
    ),
    "create": Text("Rent a machine", "Rent a new pod when the run starts instead of using a given one.", EXPERT),
    "name": Text("Name of the machine", "What a rented pod is called in its provider's list.", EXPERT, when=_CREATES),
    "sub_type": Text("Cloud kind", "Which pool of machines a pod is rented from.", EXPERT, when=_RUNPOD + _CREATES),
    "gpu_type": Text("GPU", "Which card a rented pod shall have.", EXPERT, when=_RUNPOD + _CREATES),
    "volume_size": Text("Disk", "Size of the rented disk.", EXPERT, unit="GB", when=_CREATES),
    "min_download": Text(
        "Least download speed",
        "Take only machines whose network is at least this fast.",
        EXPERT,
        unit="Mbps",
        when=_CREATES,
    ),
    "tensorboard_tunnel": Text(
        "Show the remote TensorBoard",
        "Make the TensorBoard of the remote run reachable here through the SSH connection.",
        EXPERT,
    ),
    "remote_dir": Text("Remote folder", "Where files of the run lie on the other machine.", EXPERT),
    "huggingface_cache_dir": Text(
        "Remote Hugging Face cache",
        "Where the other machine keeps downloaded models; put it on a disk that stays.",
        EXPERT,
    ),
    "onetrainer_dir": Text("Remote program folder", "Where OneTrainer is installed on the other machine.", EXPERT),
    "install_cmd": Text(
        "Installation command", "The command that fetches OneTrainer there when it is missing.", EXPERT
    ),
    "install_onetrainer": Text("Install when missing", "Run that command when the folder does not exist.", EXPERT),
    "update_onetrainer": Text("Update first", "Bring the remote OneTrainer up to date before each run.", EXPERT),
    "detach_trainer": Text(
        "Go on without connection",
        "Let the remote run continue when this machine is turned off or loses the connection.",
        EXPERT,
    ),
    "run_id": Text(
        "Name of the remote run", "By which a run that goes on alone is found again.", EXPERT, when=_DETACHED
    ),
    "download_samples": Text("Fetch samples", "Copy sample pictures here while the run goes on.", EXPERT),
    "download_output_model": Text("Fetch the model", "Copy the finished model here at the end.", EXPERT),
    "download_saves": Text("Fetch saves", "Copy models that are saved during the run.", EXPERT),
    "download_backups": Text("Fetch backups", "Copy complete backups, which are large.", EXPERT),
    "download_tensorboard": Text("Fetch logs", "Copy the TensorBoard logs while the run goes on.", EXPERT),
    "delete_workspace": Text("Delete remote files", "Remove the remote folder of the run after a success.", EXPERT),
    "on_finish": Text("After success", "What happens to the machine when the run has finished.", EXPERT),
    "on_error": Text("After an error", "What happens to the machine when the run has failed.", EXPERT),
    "on_detached_finish": Text(
        "After success, alone",
        "What happens to the machine when a run finishes without a connection.",
        EXPERT,
        when=_DETACHED,
    ),
    "on_detached_error": Text(
        "After an error, alone",
        "What happens to the machine when a run fails without a connection.",
        EXPERT,
        when=_DETACHED,
    ),
}

SECRET_TEXTS = {
    "huggingface_token": Text(
        "Hugging Face token",
        "Needed for base models whose licence must be accepted on Hugging Face first.",
        COMMON,
    ),
    "cloud": Text("Machine access", "How the rented or remote machine is reached.", EXPERT),
}

CLOUD_SECRET_TEXTS = {
    "api_key": Text("API key", "Key of the provider's account, for renting machines.", EXPERT, when=_RUNPOD),
    "id": Text("Machine number", "Which of the rented machines is used.", EXPERT, when=_RUNPOD),
    "host": Text("Address", "Host name or IP address of the machine.", EXPERT),
    "port": Text("SSH port", "Network port on which SSH answers.", EXPERT),
    "user": Text("User name", "The account to log in with.", EXPERT),
    "key_file": Text("Key file", "Private SSH key that the machine accepts.", EXPERT),
    "password": Text("Password", "For machines that accept no key; a key is safer.", EXPERT),
}

SECTIONS = (CLOUD,)
