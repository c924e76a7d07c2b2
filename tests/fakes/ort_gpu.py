"""A stand-in for ONNX Runtime on a GPU, by the names that its Python API has.

`nodes` are (provider, operator) as the session records them; `providers` what the session then has.
A session answers by `tests.fakes.net.infer`, and its device is done only after a wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from tests.fakes.net import infer

CUDA, CPU, RTX = "CUDAExecutionProvider", "CPUExecutionProvider", "NvTensorRTRTXExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"


class Options:
    """Session or run options; `entries` are the entries of their configuration."""

    def __init__(self) -> None:
        self.intra_op_num_threads = self.inter_op_num_threads = 0
        self.graph_optimization_level = self.log_severity_level = 0
        self.entries: dict[str, str] = {}
        self.devices: list[Any] = []

    def add_session_config_entry(self, name: str, value: str) -> None:
        self.entries[name] = value

    add_run_config_entry = add_session_config_entry

    def add_provider_for_devices(self, devices: Sequence[Any], options: Mapping[str, str]) -> None:
        assert options == {}
        self.devices = list(devices)


class Binding:
    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}
        self.outputs: list[tuple[str, str, int]] = []
        self.synchronized = 0

    def bind_ortvalue_input(self, name: str, value: Any) -> None:
        self.inputs[name] = value

    def bind_output(self, name: str, device_type: str, device_id: int) -> None:
        self.outputs.append((name, device_type, device_id))

    def synchronize_outputs(self) -> None:
        self.synchronized += 1


class FakeSession:
    def __init__(self, ort: FakeOrt, options: Options, providers: Sequence[Any]) -> None:
        self._ort, self.options, self.asked = ort, options, providers
        self.falls_back = True
        self.binding = Binding()
        self.bound_runs: list[Options | None] = []

    def __getattr__(self, name: str) -> Any:
        if name == "get_provider_graph_assignment_info" and self._ort.tells_nodes:
            return self._assignment
        raise AttributeError(name)

    def _assignment(self) -> list[Any]:
        assert self.options.entries["session.record_ep_graph_assignment_info"] == "1"
        return [
            SimpleNamespace(ep_name=name, get_nodes=lambda kind=kind: [_node(kind)])
            for name, kind in self._ort.nodes
        ]

    def disable_fallback(self) -> None:
        self.falls_back = False

    def get_providers(self) -> list[str]:
        return self._ort.providers

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return self._ort.provider_options

    def get_session_options(self) -> Options:
        return self.options

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="x", type="tensor(float)")]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name="logits", type="tensor(float)")]

    def run(self, names: None, feeds: Mapping[str, Any]) -> list[Any]:
        assert names is None
        return [infer(feeds["x"])]

    def io_binding(self) -> Binding:
        return self.binding

    def run_with_iobinding(self, binding: Binding, options: Options | None = None) -> None:
        assert binding is self.binding
        self.bound_runs.append(options)


def _node(kind: str) -> Any:
    return SimpleNamespace(name=f"{kind}.0", op_type=kind)


class FakeOrt:
    """The module onnxruntime, `sessions` those that were made."""

    __version__ = "1.31.1"
    SessionOptions = RunOptions = Options
    GraphOptimizationLevel = SimpleNamespace(ORT_ENABLE_ALL=99)

    def __init__(
        self,
        *,
        providers: Sequence[str] = (CUDA, CPU),
        nodes: Sequence[tuple[str, str]] = ((CUDA, "Conv"), (CUDA, "Relu")),
        provider_options: Mapping[str, Mapping[str, str]] | None = None,
        tells_nodes: bool = True,
        devices: Sequence[str] = (CPU, RTX),
    ) -> None:
        self.providers, self.nodes, self.tells_nodes = list(providers), nodes, tells_nodes
        options = {CUDA: {"use_tf32": "0"}} if provider_options is None else provider_options
        self.provider_options = {name: dict(it) for name, it in options.items()}
        self.sessions: list[FakeSession] = []
        self.registered: list[str] = []
        self._devices = devices
        self.OrtValue = SimpleNamespace(ortvalue_from_numpy=lambda *place: place)

    def InferenceSession(  # noqa: N802 - ONNX Runtime's name
        self, path: str, options: Options, providers: Sequence[Any] = ()
    ) -> FakeSession:
        assert path.endswith(".onnx")
        self.sessions.append(FakeSession(self, options, providers))
        return self.sessions[-1]

    def register_execution_provider_library(self, name: str, path: str) -> None:
        assert path.endswith(".so")
        self.registered.append(name)

    def unregister_execution_provider_library(self, name: str) -> None:
        self.registered.remove(name)

    def get_ep_devices(self) -> list[Any]:
        names = [name for name in self._devices if name == CPU or name in self.registered]
        return [SimpleNamespace(ep_name=name) for name in names]


PLUGIN = SimpleNamespace(
    __version__="0.5.0", get_ep_name=lambda: RTX, get_library_path=lambda: "/p/librtx.so"
)
