"""The OpenAPI document as others read it: validators, linters, and a TypeScript compiler."""

import json
import subprocess

import pytest
from jsonschema import Draft202012Validator
from support.client import app_fixture, fast_clock
from support.openapi import find, follow, operations
from support.openapi_requests import TABLE
from support.scenes import ORIGIN, scene_in
from webtest import TestApp

app = app_fixture(rate_limit="100000/1", cors_origin=ORIGIN, clock=fast_clock())


@pytest.fixture(scope="module")
def document(app):
    return TestApp(app).get("/openapi.json").json


def validator(document, schema):
    Draft202012Validator.check_schema(schema)
    root = {**schema, "components": document["components"]}
    return Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER)


# --- responses and examples


@pytest.mark.parametrize("ask", TABLE, ids=repr)
def test_a_response_fits_its_schema(app, document, ask):
    with scene_in(app) as scene:
        path, answer = ask.run(scene)
    for operation in find(document, ask.method, path):
        response = follow(document, operation["responses"][str(answer.status_int)])
        content = {} if ask.method == "HEAD" else response.get("content", {})
        assert bool(answer.body) is bool(content)
        for media_type, media in content.items():
            assert answer.content_type == media_type
            value = answer.json if media_type == "application/json" else answer.text
            validator(document, media["schema"]).validate(value)
        for name, reference in response["headers"].items():
            header = follow(document, reference)
            schema = follow(document, header["schema"])
            assert name in answer.headers or not header.get("required")
            if name in answer.headers:
                text = answer.headers[name]
                validator(document, schema).validate(int(text) if schema["type"] == "integer" else text)


def test_every_example_fits_its_schema(document):
    parts = document["components"]
    named = [each for _, _, operation in operations(document) for each in operation["parameters"]]
    named += parts["headers"].values()
    schemas = [each["schema"] for each in named]
    for schema in parts["schemas"].values():
        schemas += [schema, *schema.get("properties", {}).values()]
    for schema in schemas:
        for example in [schema["default"]] if "default" in schema else schema.get("examples", []):
            validator(document, schema).validate(example)


# --- programs that read it

OPTIONS = "--strict --noEmit --skipLibCheck --moduleResolution bundler --target es2022 --module esnext"

USE = """
import type { components, operations } from "./document";

type Answers = operations["updateClient"]["responses"];
type Failure<Status extends keyof Answers> =
  Answers[Status] extends { content: { "application/json": { error: infer Failure } } } ? Failure : never;

export function explain(error: Failure<400 | 401 | 403 | 404 | 405 | 409 | 412 | 429 | 431 | 503>): string {
  if (error.code === "VALIDATION_ERROR") return error.details.map((problem) => problem.field).join();
  if (error.code === "VERSION_CONFLICT") return `now at ${error.details.currentVersion}`;
  if (error.code === "RATE_LIMIT_EXCEEDED") return `wait ${error.details.retryAfter} s`;
  if (error.code === "UnauthorizedError" && error.details.reason === "expired") return "expired";
  // @ts-expect-error a misspelt code
  if (error.code === "VERSION_CONFLIKT") return "";
  // @ts-expect-error a misspelt reason
  if (error.code === "UnauthorizedError" && error.details.reason === "expried") return "";
  // @ts-expect-error a code of another operation
  if (error.code === "CURSOR_EXPIRED") return "";
  return error.message;
}

export function apply(change: components["schemas"]["Change"]): string {
  if (change.client === null) return change.removedAt;
  // @ts-expect-error a client that was not removed has no such time
  return change.client.first_name || change.removedAt;
}
"""


@pytest.fixture(scope="module")
def run(document, programs, tmp_path_factory):
    """Runs one of the programs in a folder with the document."""
    folder = tmp_path_factory.mktemp("document")
    (folder / "openapi.json").write_text(json.dumps(document, indent=1), "utf-8")

    def run(program, *arguments):
        line = [programs / program, *arguments]
        ended = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=180)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    run.folder = folder
    return run


def test_a_misspelt_code_does_not_compile(run):
    run("openapi-typescript", "openapi.json", "-o", "document.d.ts")
    (run.folder / "use.ts").write_text(USE, "utf-8")
    run("tsc", *OPTIONS.split(), "use.ts")


def test_redocly_and_spectral_have_nothing_that_could_be_mended(run):
    (run.folder / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n', "utf-8")
    (run.folder / "redocly.yaml").write_text("extends: [recommended]\nrules: {info-license: off}\n", "utf-8")
    assert '"warnings": 0' in run("redocly", "lint", "openapi.json", "--format=json")
    run("spectral", "lint", "openapi.json", "--fail-severity=warn")
