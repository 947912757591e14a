"""The operations of the API and their description: one declaration registers the route, answers it and documents it.

Refuses to answer with anything but the declared model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

from flask import Blueprint, Response, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fundflow import __doc__ as about
from fundflow.api import schemas

pages = Blueprint("api", __name__, url_prefix="/api/v1")
OPERATIONS: list[Operation] = []
_ALWAYS = (401, 403, 404, 405, 429, 500, 503)
_COMMANDS = (400, 409, 412, 413, 415, 422, 428)
_ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask or to do."""

    method: str
    path: str
    name: str
    summary: str
    answer: type[BaseModel]
    body: type[BaseModel] | None = None

    @property
    def problems(self) -> tuple[int, ...]:
        return _ALWAYS + (_COMMANDS if self.body else ())

    @property
    def template(self) -> str:
        """The address with its arguments in braces."""
        return str(pages.url_prefix) + _ARGUMENT.sub(r"{\2}", self.path)


def operation(
    method: str, path: str, answer: type[BaseModel], body: type[BaseModel] | None = None
) -> Callable[[Callable[..., BaseModel]], Callable[..., Response]]:
    """Serve a view that returns an `answer`; what it declared about who may use it stays."""

    def register(view: Callable[..., BaseModel]) -> Callable[..., Response]:
        @wraps(view)
        def respond(**given: Any) -> Response:
            said = view(**given)
            if type(said) is not answer:
                raise TypeError(f"{view.__name__} answers {type(said).__name__}, not {answer.__name__}")
            made: Response = current_app.response_class(said.model_dump_json(), mimetype="application/json")
            made.headers["Cache-Control"] = "no-store"
            if method == "GET" and isinstance(said, schemas.Application | schemas.Decisions):
                made.set_etag(str(said.revision))
            return made

        summary = (view.__doc__ or "").partition("\n")[0]
        OPERATIONS.append(Operation(method, path, view.__name__, summary, answer, body))
        pages.add_url_rule(path, view.__name__, respond, methods=[method])
        return respond

    return register


@cache
def description() -> dict[str, Any]:
    """The OpenAPI 3.1 document of everything that is served."""
    models: set[type[BaseModel]] = {
        schemas.Problem,
        *(each.answer for each in OPERATIONS),
        *(each.body for each in OPERATIONS if each.body),
    }
    named: Any = [
        (model, "validation" if any(each.body is model for each in OPERATIONS) else "serialization")
        for model in sorted(models, key=lambda model: model.__name__)
    ]
    _references, found = models_json_schema(named, ref_template="#/components/schemas/{model}")
    paths: dict[str, Any] = {}
    for each in OPERATIONS:
        paths.setdefault(each.template, {})[each.method.lower()] = _described(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "fundflow", "version": "1", "description": (about or "").strip()},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": found["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(each: Operation) -> Mapping[str, Any]:
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", **({"format": "uuid"} if kind == "uuid" else {})},
        }
        for kind, name in _ARGUMENT.findall(each.path)
    ]
    found: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": _schema(each.answer)}}},
            **{
                str(status): {
                    "description": "Not done",
                    "content": {"application/problem+json": {"schema": _schema(schemas.Problem)}},
                }
                for status in sorted(each.problems)
            },
        },
    }
    if each.body is not None:
        parameters += [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "New for each command, the same when one is sent again.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 100},
            },
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "description": "The revision that was decided on, in quotes.",
                "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
            },
        ]
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(each.body)}}}
    return found


def _schema(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
