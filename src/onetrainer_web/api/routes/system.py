"""The machine: what it is, how busy it is, and the process that trains on it."""

import asyncio

from fastapi import Request
from pydantic import BaseModel, Field

from onetrainer_web.api.dependencies import GuardDependency, MachineDependency
from onetrainer_web.api.routing import new_router
from onetrainer_web.api.security import OPEN_TO_THE_MACHINE
from onetrainer_web.app.examination import Examination
from onetrainer_web.app.finding import Finding
from onetrainer_web.system.machine import MachineInfo, Reading, Resources
from onetrainer_web.system.processes import ProcessInfo

router = new_router("/api/system", "system")


class DoctorReport(BaseModel):
    """What the machine has, and what is missing for training."""

    is_fine: bool = Field(description="Whether nothing needs attention.")
    findings: list[Finding] = Field(description="All that was looked at.")


class ResourceHistory(BaseModel):
    """How busy the machine was."""

    readings: list[Reading] = Field(description="Oldest first; 300 at most.")


@router.get("/info", response_model_exclude_none=True)
def get_system_info(machine: MachineDependency) -> MachineInfo:
    """What the machine is; GB are 2^30 bytes."""
    return machine.info()


@router.get("/resources")
def get_system_resources(machine: MachineDependency) -> Resources:
    """How busy the machine is."""
    return machine.resources()


@router.get("/history")
def get_system_history(machine: MachineDependency) -> ResourceHistory:
    """How busy the machine was in the last ten minutes, read every two seconds."""
    return ResourceHistory(readings=machine.readings())


@router.get("/processes")
def get_process(machine: MachineDependency) -> ProcessInfo:
    """The trainer's process with its children while one lives, else the server's."""
    return machine.process()


@router.get("/doctor")
async def get_doctor_report(request: Request, guard: GuardDependency) -> DoctorReport:
    """What the machine has and what is missing for training, as `onetrainer-web doctor` says it; takes seconds."""
    examination: Examination = request.app.state.examination
    findings = list(await asyncio.shield(asyncio.wrap_future(examination.ask())))
    if guard.is_open_through_a_proxy:
        findings.append(Finding(subject="access", is_fine=False, text=OPEN_TO_THE_MACHINE))
    return DoctorReport(is_fine=all(finding.is_fine for finding in findings), findings=findings)
