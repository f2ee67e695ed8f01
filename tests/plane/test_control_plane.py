import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from dev.plane.control_plane import ControlPlane, DirectoryInUseError
from dev.processes import ProcessExitedError
from tests.plane import manifests
from tests.support.waiting import eventually

PROGRAMS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}
PODS = "/api/v1/namespaces/default/pods"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_stopping_leaves_no_process_and_no_lock(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path)
    await plane.start()
    pids = plane.pids
    assert set(pids) == PROGRAMS

    await plane.stop()

    assert [name for name, pid in pids.items() if alive(pid)] == []
    assert plane.pids == {}


async def test_second_start_in_one_directory_is_refused_while_the_first_runs(plane: ControlPlane) -> None:
    with pytest.raises(DirectoryInUseError, match="is running in"):
        await ControlPlane(plane.directory).start()


async def test_state_survives_a_restart_in_the_same_directory(tmp_path: Path) -> None:
    async with ControlPlane(tmp_path, nodes=1) as first:
        await first.api.create(PODS, manifests.pod("web"))
        before = await eventually(
            lambda: first.api.get(f"{PODS}/web"),
            lambda seen: seen["status"]["phase"] == "Running",
        )

    async with ControlPlane(tmp_path, nodes=1) as second:
        assert (await second.api.get(f"{PODS}/web"))["metadata"]["uid"] == before["metadata"]["uid"]
        # And what plays the nodes goes on with them.
        assert "ready" in await second.api.text("GET", f"{PODS}/web/log")
        await second.api.delete(f"{PODS}/web")
        await eventually(lambda: second.api.get(PODS), lambda seen: not seen["items"])


async def test_death_of_a_program_is_noticed_and_an_api_server_killed_on_purpose_is_not(tmp_path: Path) -> None:
    async with ControlPlane(tmp_path, nodes=1) as plane:
        died = pytest.RaisesExc(ProcessExitedError, match="kube-scheduler was ended by SIGKILL")
        with pytest.RaisesGroup(died):
            async with asyncio.TaskGroup() as tasks:
                supervision = tasks.create_task(plane.supervise(), name="supervise")
                await plane.kill_apiserver()
                await plane.start_apiserver()
                assert not supervision.done()

                os.kill(plane.pids["kube-scheduler"], signal.SIGKILL)


async def test_controllers_go_on_after_the_api_server_was_restarted(tmp_path: Path) -> None:
    async with ControlPlane(tmp_path, nodes=1) as plane:
        await plane.kill_apiserver()
        await plane.start_apiserver()

        deployments = "/apis/apps/v1/namespaces/default/deployments"
        await plane.api.create(deployments, manifests.deployment("web"))

        await eventually(
            lambda: plane.api.get(f"{deployments}/web"),
            lambda seen: seen["status"]["availableReplicas"] == 1,
            within_s=60,
        )


async def test_kubeconfig_is_readable_by_its_owner_alone(plane: ControlPlane) -> None:
    assert plane.kubeconfig.stat().st_mode & 0o077 == 0


async def test_command_prints_the_kubeconfig_and_ends_with_sigterm(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "dev.plane", "up", "--dir", str(tmp_path), "--nodes", "1")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == f"{tmp_path / 'kubeconfig'}\n".encode()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    # Nobody holds the directory any more.
    async with ControlPlane(tmp_path, nodes=1):
        pass
