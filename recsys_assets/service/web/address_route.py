"""AddressRoute: a route whose path and query parameters are read by one compiled validator."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError, create_model

from recsys_assets.service.web.body_route import BodyRoute
from recsys_lineage.errors import did_you_mean


class AddressRoute(BodyRoute):
    """A route of FastAPI that validates its address as a whole, not parameter by parameter.

    The OpenAPI description is FastAPI's own, and a request that the validator refuses is handled by FastAPI from the
    beginning. Unlike FastAPI, it refuses unknown parameters, because nobody would notice a misspelt one. Routes that
    take anything besides parameters of path and query, under their own names, are left to FastAPI.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a request."""
        otherwise = super().get_route_handler()
        takes = self.dependant
        if self.body_field is not None or not _is_of_address_alone(takes):
            return otherwise
        endpoint = self.endpoint
        fields: dict[str, Any] = {
            each.name: (each.field_info.annotation, each.field_info)
            for each in (*takes.path_params, *takes.query_params)
        }
        model: type[BaseModel] = create_model("Address", **fields)
        in_path = [each.name for each in takes.path_params]
        in_query = {each.name for each in takes.query_params}
        lists = {name for name in in_query if isinstance(model.model_fields[name].default, list)}

        async def handler(request: Request) -> Response:
            parameters: dict[str, Any] = {name: request.path_params[name] for name in in_path}
            query = request.scope["query_string"].decode("latin-1")
            for name, value in parse_qsl(query, keep_blank_values=True) if query else ():
                if name in lists:
                    parameters.setdefault(name, []).append(value)
                elif name in in_query:
                    parameters[name] = value
                else:
                    raise RequestValidationError([_unknown(name, in_query)])
            try:
                values = model.model_validate(parameters)
            except ValidationError:
                return await otherwise(request)
            return await endpoint(**vars(values))

        return handler


def _unknown(name: str, known: Collection[str]) -> dict[str, Any]:
    """Error for an unknown parameter, in pydantic's form."""
    near = did_you_mean(name[:100], known) or f"There are {', '.join(sorted(known))}."
    return {
        "type": "extra_forbidden",
        "loc": ("query", name[:100]),
        "msg": f"there is no such parameter. {near}",
    }


def _is_of_address_alone(takes: Dependant) -> bool:
    """Whether an endpoint takes nothing but parameters of path and query."""
    parameters = (*takes.path_params, *takes.query_params)
    others = (takes.header_params, takes.cookie_params, takes.body_params, takes.dependencies)
    special = (
        takes.request_param_name, takes.websocket_param_name, takes.http_connection_param_name,
        takes.response_param_name, takes.background_tasks_param_name, takes.security_scopes_param_name,
    )  # fmt: skip
    named = all(each.alias == each.name for each in parameters)
    return bool(parameters) and named and not any(others) and not any(special)
