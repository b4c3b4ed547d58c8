"""The program's own description of its API, and whether an answer fits it."""
import functools
import json
import re
import subprocess
from urllib.parse import unquote, urlsplit

import jsonschema


class Operation:
    def __init__(self, path, method, described, document):
        self.path, self.method, self.described, self.document = path, method, described, document
        self.parameters = described.get("parameters", [])
        self.responses = described["responses"]

    def __repr__(self):
        return f"{self.method} {self.path}"

    def response(self, status):
        """What is described for a status, references followed; None when nothing is."""
        found = self.responses.get(str(status))
        if found and "$ref" in found:
            found = self.document["components"]["responses"][found["$ref"].rsplit("/", 1)[1]]
        return found


class Description:
    def __init__(self, document):
        self.document = document
        self.operations = [Operation(path, method.upper(), described, document)
                           for path, item in document["paths"].items()
                           for method, described in item.items()]
        self.patterns = {}
        for operation in self.operations:
            rest = any(p.get("x-rest") for p in operation.parameters)
            numbers = {p["name"] for p in operation.parameters
                       if p["in"] == "path" and p["schema"]["type"] == "number"}
            self.patterns[operation.path] = [self._segment(s, numbers, rest)
                                             for s in operation.path[1:].split("/")]
        self._validators = {}

    @staticmethod
    def _segment(text, numbers, rest):
        """(rank, pattern): fixed segments are preferred; rank 0 takes all that is left."""
        variable = re.fullmatch(r"\{(\w+)\}", text)
        if not variable:
            return 2, re.compile(re.escape(text))
        if rest:
            return 0, None
        return 1, re.compile(r"\d+(\.\d+)?" if variable[1] in numbers else r"(?s:.+)")

    def _rank(self, pattern, segments):
        ranks = []
        for i, (rank, regex) in enumerate(pattern):
            if rank == 0:
                return (*ranks, 0) if i < len(segments) else None
            if i >= len(segments) or not regex.fullmatch(segments[i]):
                return None
            ranks.append(rank)
        return tuple(ranks) if len(pattern) == len(segments) else None

    def find(self, method, path):
        """(operation or None, whether the path has other methods)."""
        segments = [unquote(s, errors="replace") for s in urlsplit(path).path[1:].split("/")]
        ranks = {p: self._rank(pattern, segments) for p, pattern in self.patterns.items()}
        fitting = [o for o in self.operations if ranks[o.path] is not None]
        method = "GET" if method == "HEAD" else method
        same = [o for o in fitting if o.method == method]
        return max(same, key=lambda o: ranks[o.path], default=None), bool(fitting)

    def validator(self, name):
        if name not in self._validators:
            schema = {"$ref": f"#/components/schemas/{name}",
                      "components": self.document["components"]}
            self._validators[name] = jsonschema.Draft202012Validator(schema)
        return self._validators[name]

    def check(self, method, path, answer):
        """Fails when the answer is not one the description allows."""
        path = re.sub(r"^\w+://[^/]+", "", path)
        operation, known = self.find(method, path)
        where = f"{method} {path[:200]}: {answer.status_code}"
        if operation is None:
            expected = {200, 405, 400, 401, 413} if known else {200, 304, 400, 401, 404, 413}
            assert answer.status_code in expected, f"{where} of what is not described"
            return
        if method == "OPTIONS":
            return
        response = operation.response(answer.status_code)
        assert response is not None, f"{where} is not described for {operation}: {answer.text[:300]}"
        kind = answer.headers.get("Content-Type", "").split(";")[0].strip()
        content = response.get("content", {})
        if method == "HEAD" or not content:
            return
        media = content.get(kind, content.get("*/*"))
        assert media is not None, f"{where}: {kind} is not one of {sorted(content)} of {operation}"
        if kind == "application/json" and "schema" in media:
            name = media["schema"]["$ref"].rsplit("/", 1)[1]
            error = jsonschema.exceptions.best_match(self.validator(name).iter_errors(answer.json()))
            assert error is None, (f"{where} is no {name}: {error.message[:500]} at "
                                   f"{error.json_path}")


@functools.cache
def description(program):
    out = subprocess.run([program, "api-reference", "--openapi"], capture_output=True, check=True)
    return Description(json.loads(out.stdout))
