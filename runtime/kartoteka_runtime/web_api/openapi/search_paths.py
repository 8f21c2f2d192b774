"""The addresses of search, which lie beside those of records."""

from __future__ import annotations

from kartoteka_runtime.web_api.openapi.answers import JSON, Json, answers, json_answer
from kartoteka_runtime.web_api.search.search_body import MOST_ENTITIES, MOST_FACETS, MOST_TOP
from kartoteka_runtime.web_api.search.search_text import LONGEST_SEARCH

SERVER = "/api/search"
_TEXT: Json = {"type": "string"}
_IN_TEXT: Json = {"type": "string", "description": "The JSON of a list or an object."}
_OBJECT: Json = {"type": "object"}
_VERSIONS = ("1.0", "2.0")
_ASKED = {
    "status": "Tell which record types can be searched",
    "statistics": "Count the records that can be found",
}
_SUMMARIES = {
    "query": "Find records of many types",
    "suggest": "Suggest records for what is typed",
    "autocomplete": "Complete the last word",
}


def search_paths() -> Json:
    """Return the addresses of both versions with what each of them takes and answers."""
    found: Json = {}
    for version in _VERSIONS:
        for verb, summary in _SUMMARIES.items():
            found[f"/v{version}/{verb}"] = {"post": _call(verb, version, summary)}
        for name, summary in _ASKED.items():
            found[f"/v{version}/{name}"] = {"get": _question(name, version, summary)}
    return {path: {"servers": [{"url": SERVER}], **said} for path, said in found.items()}


def _question(name: str, version: str, summary: str) -> Json:
    answer = _object(value=_OBJECT) if version == _VERSIONS[0] else _object(response=_IN_TEXT)
    return {
        "tags": ["search"],
        "operationId": f"search_{name}_{version[0]}",
        "summary": summary,
        "responses": answers(s200=json_answer("What there is.", answer)),
    }


def _call(verb: str, version: str, summary: str) -> Json:
    is_first = version == _VERSIONS[0]
    schema = _body(verb) if is_first else _body_of_texts(verb)
    answer = _answer(verb) if is_first else _object(response=_IN_TEXT)
    return {
        "tags": ["search"],
        "operationId": f"search_{verb}_{version[0]}",
        "summary": summary,
        "requestBody": {"required": True, "content": {JSON: {"schema": schema}}},
        "responses": answers(s200=json_answer("What was found.", answer)),
    }


def _body(verb: str) -> Json:
    names: Json = {"type": "array", "items": _TEXT}
    found = {
        "search": {"type": "string", "minLength": 1, "maxLength": LONGEST_SEARCH},
        "entities": {**names, "maxItems": MOST_ENTITIES},
        "filter": _TEXT,
    }
    top: Json = {"type": "integer", "minimum": 1, "maximum": MOST_TOP}
    match verb:
        case "query":
            found |= {
                "top": top,
                "skip": {"type": "integer", "minimum": 0},
                "orderBy": names,
                "facets": {**names, "maxItems": MOST_FACETS},
                "returnTotalRecordCount": {"type": "boolean"},
                "searchMode": {"type": "string", "enum": ["any", "all"]},
                "searchType": {"type": "string", "enum": ["simple", "full"]},
            }
        case "suggest":
            found |= {"top": top, "orderBy": names, "useFuzzy": {"type": "boolean"}}
        case _:
            found |= {"useFuzzy": {"type": "boolean"}}
    return {"type": "object", "required": ["search"], "properties": found}


def _body_of_texts(verb: str) -> Json:
    schema = _body(verb)
    found = {
        name: _IN_TEXT if value.get("type") == "array" else value
        for name, value in schema["properties"].items()
        if name not in ("returnTotalRecordCount", "searchMode", "searchType", "useFuzzy")
    }
    found["options"] = _IN_TEXT
    found |= {"count": {"type": "boolean"}} if verb == "query" else {"fuzzy": {"type": "boolean"}}
    return {**schema, "properties": found}


def _answer(verb: str) -> Json:
    any_context: Json = {"type": ["object", "null"]}
    if verb == "autocomplete":
        return _object(value={"type": ["string", "null"]}, querycontext=any_context)
    if verb == "suggest":
        item = _object(text=_TEXT, document=_OBJECT)
        return _object(value={"type": "array", "items": item}, querycontext=any_context)
    return _object(
        value={"type": "array", "items": _OBJECT},
        facets=_OBJECT,
        totalrecordcount={"type": "integer"},
        querycontext=any_context,
    )


def _object(**members: Json) -> Json:
    return {"type": "object", "required": list(members), "properties": members}
