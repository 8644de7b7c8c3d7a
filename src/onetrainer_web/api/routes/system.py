"""The machine: what it is, how busy it is, and the process that trains on it."""

from onetrainer_web.api.machine import MachineDependency
from onetrainer_web.api.routing import new_router
from onetrainer_web.system.machine import MachineInfo, Resources
from onetrainer_web.system.processes import ProcessInfo

router = new_router("/api/system", "system")


@router.get("/info")
def get_system_info(machine: MachineDependency) -> MachineInfo:
    """What the machine is; GB are 2^30 bytes."""
    return machine.info()


@router.get("/resources")
def get_system_resources(machine: MachineDependency) -> Resources:
    """How busy the machine is."""
    return machine.resources()


@router.get("/processes")
def get_process(machine: MachineDependency) -> ProcessInfo:
    """The trainer's process with its children while one lives, else the server's."""
    return machine.process()
