"""/api/openapi.json: a sound OpenAPI 3.1 document. That answers fit it is checked with every request of
every test (support/corvette.py)."""
import collections
import re

import jsonschema
import pytest

import openapi
from corvette import PROGRAM


@pytest.fixture(scope="module")
def document():
    return openapi.description(PROGRAM).document


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_it_is_served(system, document):
    answer = system.get("/api/openapi.json")
    assert answer.json() == document
    assert answer.json()["info"]["version"] == system.get("/api/version").text


def test_references_lead_somewhere(document):
    for reference in references(document):
        target = document
        for key in reference.removeprefix("#/").split("/"):
            target = target[key]


def test_nothing_is_described_in_vain(document):
    used = {reference.rsplit("/", 1)[1] for reference in references(document)}
    assert set(document["components"]["schemas"]) - {"Any"} <= used


@pytest.mark.parametrize("name", openapi.description(PROGRAM).document["components"]["schemas"])
def test_schemas_are_schemas(document, name):
    schema = document["components"]["schemas"][name]
    jsonschema.Draft202012Validator.check_schema(schema)


def test_operations_are_whole(document):
    ids = collections.Counter(o["operationId"] for _, _, o in operations(document))
    assert not [i for i, count in ids.items() if count > 1]
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations(document):
        assert operation["summary"] and set(operation["tags"]) <= tags
        declared = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        assert declared == re.findall(r"\{(\w+)\}", path), path
        names = [(p["in"], p["name"]) for p in operation.get("parameters", [])]
        assert len(names) == len(set(names)), path
        for parameter in operation.get("parameters", []):
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])
            assert parameter["in"] == "path" or parameter["description"]
        assert {"400", "401", "413", "500", "503"} <= set(operation["responses"])
        assert [status for status in operation["responses"] if status < "400"]


def test_the_checker_checks(document):
    """What every other test relies on: an answer that does not fit fails."""
    class Answer:
        def __init__(self, status, kind, body):
            self.status_code, self.headers, self.body = status, {"Content-Type": kind}, body
            self.text = str(body)

        def json(self):
            return self.body

    described = openapi.Description(document)
    described.check("GET", "/api/labels", Answer(200, "application/json", ["person"]))
    for wrong in (Answer(200, "application/json", [1]), Answer(200, "text/plain", ""),
                  Answer(418, "application/json", []), Answer(200, "application/json", {})):
        with pytest.raises(AssertionError):
            described.check("GET", "/api/labels", wrong)


@pytest.mark.parametrize("path, found", [
    ("/api/events", "/api/events"), ("/api/events/summary", "/api/events/summary"),
    ("/api/back", "/api/{camera}"), ("/api/back/recordings", "/api/{camera}/recordings"),
    ("/api/recordings/storage", "/api/recordings/storage"),
    ("/api/vod/back/start/1/end/2.5", "/api/vod/{camera}/start/{start}/end/{end}"),
    ("/api/vod/2024-01/01/01/back", "/api/vod/{month}/{day}/{hour}/{camera}"),
    ("/clips/a/b.jpg", "/clips/{path}"),
])
def test_the_checker_finds_operations(document, path, found):
    operation, _ = openapi.Description(document).find("GET", path)
    assert operation.path == found
