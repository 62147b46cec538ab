"""Adam without PyTorch's compiler, which the classes of `torch.optim` import when the first of them is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

_BETAS, _EPSILON = (0.9, 0.999), 1e-8


class Adam:
    """Adam by PyTorch's fused kernel (Kingma & Ba 2015, "Adam: A method for stochastic optimization").

    Parameters and state have the same bits as those of `torch.optim.Adam(fused=True)`, and each can load the other's
    state. That class imports `torch._dynamo`: 1.3 CPU seconds and 71 MB in every process that fits.

    Args:
        parameters: float32 tensors that learn, all alike.
        lr: learning rate.

    Attributes:
        param_groups: one group, whose "lr" can be set anew between steps.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], lr: float) -> None:
        self._parameters = list(parameters)
        self.param_groups: list[dict[str, Any]] = [{"lr": lr, "params": self._parameters}]
        self._state: dict[int, dict[str, torch.Tensor]] = {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or with `set_to_none=False` set them to zero."""
        for parameter in self._parameters:
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = torch.zeros_like(parameter.grad)

    @torch.no_grad()
    def step(self) -> None:
        """Follow the gradients; a parameter without one stays as it is."""
        for number, parameter in enumerate(self._parameters):
            if parameter.grad is None:
                continue
            if number not in self._state:
                self._state[number] = {
                    "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
            state = self._state[number]
            state["step"] += 1
            torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]
                [parameter], [parameter.grad], [state["exp_avg"]], [state["exp_avg_sq"]], [], [state["step"]],
                lr=self.param_groups[0]["lr"], beta1=_BETAS[0], beta2=_BETAS[1], weight_decay=0.0, eps=_EPSILON,
                amsgrad=False, maximize=False,
            )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """The state by number of the parameter, `step`, `exp_avg` and `exp_avg_sq`, as `torch.optim` gives it."""
        groups = [{"lr": self.param_groups[0]["lr"], "params": list(range(len(self._parameters)))}]
        return {
            "state": {number: dict(state) for number, state in self._state.items()},
            "param_groups": groups,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.param_groups[0]["lr"] = state_dict["param_groups"][0]["lr"]
        self._state = {
            number: {
                name: value.to(self._parameters[number].device, torch.float32, copy=True)
                for name, value in state.items()
            }
            for number, state in state_dict["state"].items()
        }
