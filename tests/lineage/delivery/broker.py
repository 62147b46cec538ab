"""A real Kafka broker for tests, from the jars beside the repository."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
JARS = ROOT.parent / "shared" / "kafka"
# Few threads and no optimising compiler: a test of seconds does not earn them back.
_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:CICompilerCount=1", "-Xshare:auto")


class Broker:
    """One broker on this machine that keeps its data when it is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port, controller = _free_port(), _free_port()
        template = (JARS / "server.properties.template").read_text()
        for name, value in (("DATA", folder / "data"), ("PORT", self.port), ("CONTROLLER_PORT", controller)):
            template = template.replace(f"__{name}__", str(value))
        (folder / "server.properties").write_text(template)
        (folder / "log4j2.properties").write_text("rootLogger.level=off\n")
        id_ = self._java("kafka.tools.StorageTool", "random-uuid").strip().splitlines()[-1]
        self._java("kafka.tools.StorageTool", "format", "-t", id_, "-c", str(folder / "server.properties"))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = self._command("kafka.Kafka", str(self._folder / "server.properties"))
        with (self._folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, (self._folder / "out.log").read_text()
            time.sleep(0.1)
        raise AssertionError("the broker did not start within a minute")

    def kill(self) -> None:
        """Kill it as a crash of the machine would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _java(self, *words: str) -> str:
        return subprocess.run(
            self._command(*words), capture_output=True, text=True, check=True, cwd=self._folder, timeout=120
        ).stdout

    def _command(self, *words: str) -> list[str]:
        java = shutil.which("java")
        assert java is not None
        log = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}"
        return [java, *_JVM, log, "-cp", os.path.join(JARS, "lib", "*"), *words]


def require_kafka() -> None:
    """Skip the test where Java, the broker's jars or the client are absent."""
    if shutil.which("java") is None:
        pytest.skip("needs Java: apt install openjdk-17-jre-headless")
    if not (JARS / "lib").is_dir():
        pytest.skip(f"needs the broker's jars in {JARS}")
    pytest.importorskip("confluent_kafka", reason="needs the package confluent-kafka")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
