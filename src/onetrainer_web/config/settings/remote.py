"""Texts of the tab cloud, and of the access data that are kept apart."""

from onetrainer_web.config.settings.base import (
    ADVANCED,
    COMMON,
    EXPERT,
    Section,
    Setting,
    When,
    Widget,
    is_on,
    is_one_of,
)

_ELSEWHERE = "A machine elsewhere runs a server of its own; this one starts no other machines."
_CREATES: When = is_on("cloud.create")
_DETACHED: When = is_on("cloud.detach_trainer")
_RUNPOD: When = is_one_of("cloud.type", "RUNPOD")

CLOUD = Section(
    "cloud",
    "Remote training",
    {
        "cloud": Setting(
            "Cloud",
            "Where and how a run is trained on another machine.",
            EXPERT,
            no_effect=_ELSEWHERE,
        ),
        "secrets": Setting(
            "Access data",
            "Tokens and passwords. They are kept in secrets.json of the workspace and never leave it with a "
            "configuration.",
            ADVANCED,
        ),
    },
)

CLOUD_SETTINGS = {
    "enabled": Setting(
        "Train remotely", "Send the run to a rented or another machine instead of training here.", EXPERT
    ),
    "type": Setting(
        "Kind of machine", "A RunPod pod that can be rented, or any Linux machine that SSH reaches.", EXPERT
    ),
    "file_sync": Setting(
        "File transfer",
        "How files are copied: SFTP needs nothing installed, the system's SCP is faster.",
        EXPERT,
    ),
    "create": Setting("Rent a machine", "Rent a new pod when the run starts instead of using a given one.", EXPERT),
    "name": Setting(
        "Name of the machine", "What a rented pod is called in its provider's list.", EXPERT, when=_CREATES
    ),
    "sub_type": Setting("Cloud kind", "Which pool of machines a pod is rented from.", EXPERT, when=_RUNPOD + _CREATES),
    "gpu_type": Setting("GPU", "Which card a rented pod shall have.", EXPERT, when=_RUNPOD + _CREATES),
    "volume_size": Setting("Disk", "Size of the rented disk.", EXPERT, unit="GB", when=_CREATES),
    "min_download": Setting(
        "Least download speed",
        "Take only machines whose network is at least this fast.",
        EXPERT,
        unit="Mbps",
        when=_CREATES,
    ),
    "tensorboard_tunnel": Setting(
        "Show the remote TensorBoard",
        "Make the TensorBoard of the remote run reachable here through the SSH connection.",
        EXPERT,
    ),
    "remote_dir": Setting("Remote folder", "Where files of the run lie on the other machine.", EXPERT),
    "huggingface_cache_dir": Setting(
        "Remote Hugging Face cache",
        "Where the other machine keeps downloaded models; put it on a disk that stays.",
        EXPERT,
    ),
    "onetrainer_dir": Setting("Remote program folder", "Where OneTrainer is installed on the other machine.", EXPERT),
    "install_cmd": Setting(
        "Installation command",
        "The command that fetches OneTrainer there when it is missing.",
        EXPERT,
        widget=Widget.LINES,
    ),
    "install_onetrainer": Setting("Install when missing", "Run that command when the folder does not exist.", EXPERT),
    "update_onetrainer": Setting("Update first", "Bring the remote OneTrainer up to date before each run.", EXPERT),
    "detach_trainer": Setting(
        "Go on without connection",
        "Let the remote run continue when this machine is turned off or loses the connection.",
        EXPERT,
    ),
    "run_id": Setting(
        "Name of the remote run", "By which a run that goes on alone is found again.", EXPERT, when=_DETACHED
    ),
    "download_samples": Setting("Fetch samples", "Copy sample pictures here while the run goes on.", EXPERT),
    "download_output_model": Setting("Fetch the model", "Copy the finished model here at the end.", EXPERT),
    "download_saves": Setting("Fetch saves", "Copy models that are saved during the run.", EXPERT),
    "download_backups": Setting("Fetch backups", "Copy complete backups, which are large.", EXPERT),
    "download_tensorboard": Setting("Fetch logs", "Copy the TensorBoard logs while the run goes on.", EXPERT),
    "delete_workspace": Setting("Delete remote files", "Remove the remote folder of the run after a success.", EXPERT),
    "on_finish": Setting("After success", "What happens to the machine when the run has finished.", EXPERT),
    "on_error": Setting("After an error", "What happens to the machine when the run has failed.", EXPERT),
    "on_detached_finish": Setting(
        "After success, alone",
        "What happens to the machine when a run finishes without a connection.",
        EXPERT,
        when=_DETACHED,
    ),
    "on_detached_error": Setting(
        "After an error, alone",
        "What happens to the machine when a run fails without a connection.",
        EXPERT,
        when=_DETACHED,
    ),
}

SECRET_SETTINGS = {
    "huggingface_token": Setting(
        "Hugging Face token",
        "Needed for base models whose licence must be accepted on Hugging Face first.",
        COMMON,
    ),
    "cloud": Setting(
        "Machine access",
        "How the rented or remote machine is reached.",
        EXPERT,
        no_effect=_ELSEWHERE,
    ),
}

CLOUD_SECRET_SETTINGS = {
    "api_key": Setting("API key", "Key of the provider's account, for renting machines.", EXPERT, when=_RUNPOD),
    "id": Setting("Machine number", "Which of the rented machines is used.", EXPERT, when=_RUNPOD),
    "host": Setting("Address", "Host name or IP address of the machine.", EXPERT),
    "port": Setting("SSH port", "Network port on which SSH answers.", EXPERT),
    "user": Setting("User name", "The account to log in with.", EXPERT),
    "key_file": Setting("Key file", "Private SSH key that the machine accepts.", EXPERT),
    "password": Setting("Password", "For machines that accept no key; a key is safer.", EXPERT),
}

SECTIONS = (CLOUD,)
