"""Training on a rented or remote machine, as OneTrainer describes it."""

from onetrainer_web.config.base import ConfigModel, Count
from onetrainer_web.config.enums import CloudAction, CloudFileSync, CloudType


class CloudConfig(ConfigModel):
    """Where a remote run happens, what is copied, and what becomes of the machine."""

    enabled: bool = False
    type: CloudType = CloudType.RUNPOD
    file_sync: CloudFileSync = CloudFileSync.NATIVE_SCP
    create: bool = False
    name: str = "OneTrainer"
    tensorboard_tunnel: bool = True
    sub_type: str = ""
    gpu_type: str = ""
    volume_size: Count = 100
    min_download: Count = 0
    remote_dir: str = "/workspace"
    huggingface_cache_dir: str = "/workspace/huggingface_cache"
    onetrainer_dir: str = "/workspace/OneTrainer"
    install_cmd: str = "git clone https://github.com/Nerogar/OneTrainer"
    install_onetrainer: bool = True
    update_onetrainer: bool = True
    detach_trainer: bool = False
    run_id: str = "job1"
    download_samples: bool = True
    download_output_model: bool = True
    download_saves: bool = True
    download_backups: bool = False
    download_tensorboard: bool = False
    delete_workspace: bool = False
    on_finish: CloudAction = CloudAction.NONE
    on_error: CloudAction = CloudAction.NONE
    on_detached_finish: CloudAction = CloudAction.NONE
    on_detached_error: CloudAction = CloudAction.NONE
