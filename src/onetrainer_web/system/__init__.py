"""Facts about the machine: processor, memory, disk, GPUs, and the processes that train on it."""
