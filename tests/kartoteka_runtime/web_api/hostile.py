"""Hostile requests: what a fuzzer sends to the whole API, made from a seed.

They are valid requests of every kind with something broken in them: in the path, a query option, a
header, the body, XML, a token, or a batch of such requests. Nothing of it may break the server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from urllib.parse import quote, unquote

ROOT = "/api/data/v9.2/"
KNOWN = "0190a000-0000-7000-8000-000000000041"
NOBODY = "00000000-0000-4000-8000-000000000000"
CRM = "Microsoft.Dynamics.CRM."

_TEXTS = (
    "", " ", "'", "''", '"', "\\", "/", "//", "..", "../..", "%", "%%", "%00", "%zz", "%ff%fe",
    "\x00",
    "\x1f", "\x7f", "\ud7ff", "\ufeff", "\u202e", "Łódź", "😀", "𝕏", "e\u0301", "(", ")", "((",
    "))", "()",
    "[", "]", "{", "}", "{}", "[]", ",", ";", ":", "=", "&", "?", "#", "$", "@", "+", "-", "*",
    "|", "~",
    "null", "true", "NaN", "Infinity", "-Infinity", "1e999", "-0", "0x10", "1_000", "٣", "9" * 40,
    "9" * 5000, "-" + "9" * 19, "9223372036854775808", "2147483648", "1.0000000000000000000001",
    "x" * 5000, "(" * 300, "not " * 300, "a/" * 300, "$" * 50, "x eq x and " * 300, "0001-01-01",
    "9999-12-31T23:59:59Z", "2031-02-30", "2031-05-06T25:00:00Z", "24:00", NOBODY, KNOWN,
    KNOWN.upper(),
    "{" + KNOWN + "}", KNOWN[:-1], "<", "<a>", "<!--", "]]>", "&amp;", "&x;", "<?xml?>", "--",
    ";--",
    "' or 1=1 --", "1;drop table vessel", "$1", "$batch", "$metadata", "*", "%25", "_", "\r\n",
    "\n\n",
    "Content-Type: x", "kt_" + "A" * 43, "\u2028", "name", "crew", "boss", "_boss_value",
    "vesselid",
)  # fmt: skip
_NAMES = ("name", "code", "crew", "tons", "price", "speed", "armed", "kind", "flags", "built",
"seen",
          "opens", "boss", "_boss_value", "unit", "payer", "payer_account", "ownerid", "createdon",
          "versionnumber", "vesselid", "statecode", "vessel_voyages", "vessel_berths", "boss/name",
          "exchangerate", "Name", "nome")  # fmt: skip
_RIGHT = {
    "name": "fuzz", "code": "c", "crew": 3, "tons": 1.25, "price": 9.5, "speed": 1.5,
    "armed": True, "kind": 1,
    "flags": "1,2", "built": "2031-05-06", "seen": "2031-05-06T07:08:09Z",
    "opens": "2031-05-06T07:08:09Z",
    "spoken": 1033, "boss@odata.bind": f"/vessels({KNOWN})", "statecode": 0, "statuscode": 1,
    "payer_account@odata.bind": None, "unit": None,
}  # fmt: skip
_SETS = ("vessels", "voyages", "berths", "accounts", "contacts", "systemusers", "teams", "roles",
"tasks",
         "emails", "activitypointers", "annotations", "businessunits", "organizations",
         "savedqueries",
         "webhooks", "asyncoperations", "sdkmessagefilters", "transactioncurrencies", "nothings",
         "securityevents", "queues", "principalobjectaccessset")  # fmt: skip
_KEYS = ("", KNOWN, NOBODY, f"vesselid={KNOWN}", "name='x'", "accountnumber='A''1'", "@p1",
"a=1,b=2",
         "name=", "'x", f"{{{KNOWN}}}", "1", "$1", "null", "name='x',name='y'")  # fmt: skip
_TAILS = ("$count", "$ref", "$value", "name", "name/$value", "crew", "boss", "boss/$ref",
"boss/name",
          "vessel_voyages", "vessel_voyages/$count", "vessel_voyages/$ref",
          f"vessel_voyages({KNOWN})",
          f"vessel_voyages({KNOWN})/$ref", "vessel_berths/$ref", "boss/boss/boss/name", "oops",
          "entityimage", "entityimage/$value",
          "paper", "paper/$value", "photo", "photo/$value", CRM + "CreateMultiple",
          CRM + "UpdateMultiple",
          CRM + "UpsertMultiple", CRM + "DeleteMultiple", CRM +
          "RetrievePrincipalAccess(Target=@p1)",
          CRM + "vessel", CRM + "Oops()", "$links/boss", "$all", "name/name", "$batch")  # fmt: skip
_OPERATIONS = ("WhoAmI", "WhoAmI()", "RetrieveVersion()",
"RetrieveTotalRecordCount(EntityNames=@p1)",
               "RetrieveMetadataChanges(Query=@p1)", "RetrieveAvailableLanguages()", "GrantAccess",
               "RevokeAccess", "ModifyAccess", "BulkDelete", "Merge",
               "CalculateRollupField(Target=@p1,"
               "FieldName=@p2)", "RetrieveCurrentOrganization(AccessType=@p1)", "ExecuteWorkflow",
               "Oops(", "IsValidStateTransition(Entity=@p1,NewState='x',NewStatus=1)",
               "Associate",
               "InitializeFrom(EntityMoniker=@p1,TargetEntityName='vessel')")  # fmt: skip
_DEFINITIONS = ("", "$metadata", "EntityDefinitions", f"EntityDefinitions({NOBODY})",
                "EntityDefinitions(LogicalName='vessel')", "EntityDefinitions(LogicalName='x')",
                "EntityDefinitions(LogicalName='vessel')/Attributes",
                "EntityDefinitions(LogicalName='vessel')/Attributes(LogicalName='kind')/" + CRM
                + "PicklistAttributeMetadata",
                "EntityDefinitions(LogicalName='vessel')/Attributes/" + CRM
                + "Oops", "EntityDefinitions(LogicalName='vessel')/Keys", "RelationshipDefinitions",
                "EntityDefinitions(LogicalName='vessel')/OneToManyRelationships",
                "RelationshipDefinitions(SchemaName='vessel_voyages')",
                "GlobalOptionSetDefinitions",
                "GlobalOptionSetDefinitions(Name='x')", "EntityDefinitions/$count")  # fmt: skip
_FILTERS = (
    "name eq 'Alfa'", "crew gt 5 and armed eq true", "contains(name,'l')", "startswith(name, 'A')",
    "not (crew eq null)", f"_boss_value eq {KNOWN}", "boss/name eq 'Alfa'",
    "tons ge 1.5 or price lt 10",
    "vessel_voyages/any(v:v/miles gt 10)", "vessel_berths/any()",
    "vessel_voyages/all(v:v/miles ne 1)",
    CRM + "In(PropertyName='crew',PropertyValues=['1','2'])", "built eq 2031-05-14",
    CRM + "LastXDays(PropertyName='seen',PropertyValue=3)", CRM +
    "EqualUserId(PropertyName='ownerid')",
    CRM + "ContainValues(PropertyName='flags',PropertyValues=['1'])",
    "seen lt 2031-05-14T09:00:00Z",
    CRM + "Above(PropertyName='vesselid',PropertyValue='" + KNOWN + "')", "kind eq 1",
    "name in ('a','b')",
    "IsCustomEntity eq true", "LogicalName eq 'vessel'", "AttributeType eq 'String'", "name eq @p1",
    "year(seen) eq 2031", "length(name) gt 3", "crew add 1 eq 2", "cast(name,Edm.Int32) eq 1",
)  # fmt: skip
_EXPANDS = ("boss", "boss($select=name)",
"vessel_voyages($filter=miles gt 1;$orderby=name desc;$top=1)",
            "boss($expand=boss($expand=boss($expand=boss)))", "payer_account", "Attributes",
            "vessel_berths($count=true)", "boss($select=name),boss")  # fmt: skip
_APPLIES = ("aggregate(crew with sum as total,$count as n)",
"groupby((kind),aggregate($count as n))",
            "filter(crew gt 1)/groupby((boss/name))", "groupby((kind,armed))",
            "aggregate(price with average as a)", "groupby((seen),aggregate(crew with max as m))",
            "compute(crew add 1 as x)")  # fmt: skip
_FETCHES = (
    "<fetch><entity name='vessel'><attribute name='name'/><order "
    "attribute='name'/></entity></fetch>",
    "<fetch top='3'><entity name='vessel'><all-attributes/><filter><condition attribute='crew' "
    "operator="
    "'in'><value>1</value><value>2</value></condition></filter></entity></fetch>",
    "<fetch aggregate='true'><entity name='vessel'><attribute name='crew' alias='c' "
    "aggregate='sum'/>"
    "<attribute name='kind' alias='k' groupby='true'/></entity></fetch>",
    "<fetch page='2' count='2' paging-cookie='&lt;cookie page=&quot;1&quot;/&gt;'><entity "
    "name='vessel'>"
    "<attribute name='name'/></entity></fetch>",
    "<fetch><entity name='vessel'><link-entity name='voyage' from='vessel' to='vesselid' alias='v' "
    "link-type='outer'><attribute name='miles'/><filter type='or'><condition attribute='miles' "
    "operator="
    "'last-x-days' value='3'/></filter></link-entity></entity></fetch>",
    "<!DOCTYPE f [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;'>]><fetch><entity "
    "name='&b;'/>"
    "</fetch>",
    "<!DOCTYPE f [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><fetch><entity name='&x;'/></fetch>",
    "<fetch>" + "<filter>" * 500 + "</filter>" * 500 + "</fetch>",
)  # fmt: skip
_SQLS = ("SELECT name FROM vessel",
"SELECT TOP 3 v.name, COUNT(*) AS n FROM vessel v JOIN voyage w ON "
         "w.vessel = v.vesselid WHERE v.crew > 1 GROUP BY v.name ORDER BY n DESC",
         "SELECT name FROM vessel WHERE name LIKE '%a' AND crew IN (1,2) OFFSET 1 ROWS FETCH "
         "NEXT 2 ROWS "
         "ONLY", "SELECT * FROM vessel", "DROP TABLE vessel",
         "SELECT name FROM vessel; DELETE FROM vessel",
         "SELECT name FROM (SELECT name FROM vessel) x", "SELECT 1")  # fmt: skip
_PREFERS = ('odata.include-annotations="*"', "odata.include-annotations=OData.*",
"odata.maxpagesize=2",
            "return=representation", "odata.track-changes", "odata.continue-on-error",
            "respond-async",
            'odata.include-annotations="' + "a," * 900 + '"', "odata.maxpagesize=0", "=,;=",
            '"')  # fmt: skip
_KINDS = ("application/json", "application/json; charset=utf-8", "application/json;type=entry", "",
          "text/plain", "application/xml", "multipart/mixed", "multipart/mixed; boundary=b",
          "application/octet-stream", "application/json; charset=utf-16", "x", "/", ";;",
          "application/x-www-form-urlencoded")  # fmt: skip
_HEADERS = ("If-Match", "If-None-Match", "Accept", "MSCRMCallerID", "CallerObjectId", "Range",
            "Content-Range", "x-ms-file-name", "x-ms-transfer-mode", "Consistency",
            "Content-Encoding",
            "MSCRM.SuppressDuplicateDetection", "MSCRM.BypassCustomPluginExecution", "Host",
            "Accept-Language",
            "Accept-Encoding", "OData-Version", "MSCRM.SolutionUniqueName",
            "X-HTTP-Method-Override",
            "Authorization", "Transfer-Encoding", "Content-Length", "Cookie",
            "X-Forwarded-For")  # fmt: skip
_VALUES = ("*", "null", 'W/"1"', '"1"', 'W/"', "W/" + "9" * 400, "bytes=0-5", "bytes 0-5/6",
"bytes=-1",
           "chunked", "bytes 5-0/3", "gzip", "Strong", "true", "Bearer", "Bearer x", "Basic eA==",
           "text/html", "application/json;odata.metadata=full", "image/*;q=x", "-1", "a" * 3000,
           KNOWN, NOBODY, "identity;q=0, *;q=0")  # fmt: skip
_METHODS = (
    ("GET",) * 10
    + ("POST",) * 6
    + ("PATCH",) * 4
    + ("DELETE", "PUT", "PUT", "HEAD", "OPTIONS", "OOPS")
)


_DEFINED = ("EntityDef", "Relationship", "GlobalOption")


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request, as bytes on the wire would carry it."""

    method: str
    target: str  # path and query, percent-encoded
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        """Return the path as a server decodes it."""
        return unquote(self.target.partition("?")[0])


class Fuzzer:
    """Makes hostile requests; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        """Begin with a seed."""
        self._random = Random(seed)

    def request(self) -> Hostile:
        """Return the next request; none alters definitions, which takes seconds each."""
        pick = self._random
        method = pick.choice(_METHODS)
        path = self._path(method)
        method = "GET" if path.startswith(_DEFINED) else self._method(path, method)
        if pick.random() < 0.12:
            return self._batch()
        prefix = ROOT
        if pick.random() < 0.03:
            prefix = pick.choice(
                ("/api/", "/api/data/", "/api/data/v9.0/", "/api/data/v8.0/", "/api/search/v1.0/")
            )
        target = (
            quote(prefix + path, safe="/()='$,;:@!*+-._~")
            if pick.random() < 0.9
            else _ascii(prefix + path)
        )
        if query := self._query(path):
            target += "?" + query
        return Hostile(method, target, self._headers(method, path), self._body(method, path))

    def _some(self, texts: Sequence[str], *, broken: float = 0.25) -> str:
        """Return one of the texts, now and then with something wrong in it."""
        text = self._random.choice(texts)
        return self._broken(text) if self._random.random() < broken else text

    def _broken(self, text: str) -> str:
        """Return a text in which something is cut, doubled, exchanged or put in."""
        pick = self._random
        at, to = sorted((pick.randint(0, len(text)), pick.randint(0, len(text))))
        return pick.choice(
            (
                lambda: text[:at] + pick.choice(_TEXTS) + text[at:],
                lambda: text[:at] + text[to:],
                lambda: text[:to] + text[at:],
                lambda: text[:at],
                lambda: pick.choice(_TEXTS),
                lambda: text[:at] + text[at:to].swapcase() + text[to:],
                lambda: text + text,
                lambda: (
                    text[:at]
                    + chr(pick.choice((0, 9, 10, 34, 39, 92, 127, 160, 0x1F600)))
                    + text[to:]
                ),
            )
        )()

    def _path(self, method: str) -> str:
        pick = self._random
        kind = pick.random()
        if kind < 0.1 and method == "GET":
            return self._some(_DEFINITIONS, broken=0.3)
        if kind < 0.2:
            return self._some(_OPERATIONS)
        name = self._some(_SETS, broken=0.05) if pick.random() < 0.4 else "vessels"
        if method == "POST" and pick.random() < 0.6:
            return name + pick.choice(("", "", f"/{CRM}CreateMultiple", f"/{CRM}UpsertMultiple"))
        if method == "GET" and pick.random() < 0.35:
            return name
        key = KNOWN if pick.random() < 0.6 else self._some(_KEYS, broken=0.2)
        path = f"{name}({key})"
        if method == "DELETE" and key == KNOWN:
            path += "/boss/$ref"  # so that it stays, for others to be sent to
        while pick.random() < (0.4 if name == "vessels" else 0.1):
            path += "/" + self._some(_TAILS, broken=0.1)
        return path

    def _method(self, path: str, method: str) -> str:
        """Return mostly a method that suits a path."""
        pick = self._random
        if pick.random() < 0.15 or path.endswith(("paper", "photo")):
            return method
        if "/" not in path and method == "PUT":
            return "PATCH"
        if method == "POST" and "(" in path and "$ref" not in path and "CRM" not in path:
            return pick.choice(("GET", "PATCH"))
        if method == "PATCH" and ("(" not in path or "/" in path):
            return "POST" if "$ref" in path or "CRM" in path or "(" not in path else "GET"
        return method

    def _query(self, path: str) -> str:
        pick = self._random
        options: dict[str, Callable[[], str]] = {
            "$filter": lambda: self._some(_FILTERS, broken=0.4),
            "$select": lambda: ",".join(self._some(_NAMES,
            broken=0.1) for _ in range(pick.randint(1, 4))),
            "$orderby": lambda: self._some(_NAMES) + pick.choice(("", " desc", " asc", " oops",
            ",name")),
            "$expand": lambda: self._some(_EXPANDS, broken=0.4),
            "$apply": lambda: self._some(_APPLIES, broken=0.4),
            "$top": lambda: self._some(("0", "1", "5", "5000", "-1", "x"), broken=0.3),
            "$skip": lambda: "1",
            "$count": lambda: self._some(("true", "false")),
            "$skiptoken": lambda: self._some(("x", "eyJhIjoxfQ", "AAAA", "%3Ccookie/%3E"),
            broken=0.5),
            "$deltatoken": lambda: self._some(("1", "eyJhIjoxfQ", "AAAA"), broken=0.5),
            "$search": lambda: "x", "$format": lambda: "json",
            "$id": lambda: self._some((f"berths({KNOWN})",)),
            "fetchXml": lambda: self._some(_FETCHES, broken=0.5),
            "sql": lambda: self._some(_SQLS, broken=0.5),
            "savedQuery": lambda: self._some((NOBODY, KNOWN)),
            "userQuery": lambda: self._some((NOBODY,)),
            "@p1": lambda: self._some(("'x'", "1", "null", '{"@odata.id":"vessels(' + KNOWN +
            ')"}', "['vessel']",
                                       '{"Criteria":{"Conditions":[]}}', "[" * 500), broken=0.4),
            "@p2": lambda: self._some(("'crew'", "''")),
            "size": lambda: "full", "sessiontoken": lambda: self._some(("x", KNOWN)),
            "tag": lambda: "x",
            "annotations": lambda: "true", "UnMaskedData": lambda: "true", "$oops": lambda: "1",
            "x-ms-file-name": lambda: self._some(("a.txt", "../a", "")),
        }  # fmt: skip
        names = list(options)
        if "(" in path and "/" not in path and "Definitions" not in path and pick.random() < 0.8:
            names = ["$select", "$expand", "@p1"]
        found = []
        if "@p1" in path and pick.random() < 0.8:
            found.append(("@p1", options["@p1"]()))
        while pick.random() < 0.55:
            name = pick.choice(names[:10] if pick.random() < 0.5 else names)
            found.append((self._broken(name) if pick.random() < 0.05 else name, options[name]()))
        if pick.random() < 0.05:
            return _ascii(self._some(_TEXTS))
        safe = pick.choice(("", "$'(),/:;=", "$'(),/:;= +&#"))
        return "&".join(
            f"{quote(name, safe='$@')}={_ascii(quote(value, safe=safe))}" for name, value in found
        )

    def _headers(self, method: str, path: str) -> tuple[tuple[str, str], ...]:
        pick = self._random
        found = []
        if method in ("POST", "PATCH", "PUT"):
            found.append(
                ("Content-Type", self._some(_KINDS[:2] if pick.random() < 0.8 else _KINDS))
            )
        if pick.random() < 0.3:
            found.append(
                ("Prefer", ",".join(self._some(_PREFERS) for _ in range(pick.randint(1, 3))))
            )
        more = 0.5 if path.endswith(("paper", "photo", "$value")) else 0.2
        while pick.random() < more:
            found.append((pick.choice(_HEADERS), self._some(_VALUES)))
        return tuple((name, _header(value)) for name, value in found)

    def _value(self, depth: int = 0) -> object:
        pick = self._random
        kind = pick.random()
        if depth < 4 and kind < 0.12:
            return [self._value(depth + 1) for _ in range(pick.randint(0, 3))]
        if depth < 4 and kind < 0.25:
            return {pick.choice((*_NAMES, *_TEXTS[:30], "@odata.type",
            "@odata.id")): self._value(depth + 1)
                    for _ in range(pick.randint(0, 3))}  # fmt: skip
        if kind < 0.4:
            return pick.choice(
                (0, -1, 1, 2**31, 2**53, 2**63, -(2**63) - 1, 10**30, 1.5, 1e308, True, None)
            )
        if kind < 0.5:
            return pick.choice(
                (
                    f"vessels({KNOWN})",
                    f"/berths({NOBODY})",
                    "$1",
                    "http://x/api/data/v9.2/vessels(1)",
                )
            )
        return self._some(_TEXTS)

    def _object(self) -> dict[str, object]:
        pick = self._random
        found: dict[str, object] = {"name": "fuzz"} if pick.random() < 0.7 else {}
        while pick.random() < 0.6:
            names = tuple(_RIGHT) if pick.random() < 0.7 else _NAMES
            name = self._some(names, broken=0.05)
            if pick.random() < 0.25:
                name += pick.choice(
                    ("@odata.bind", "@odata.type", "@odata.etag", "@oops", "@odata.bind@odata.bind")
                )
            found[name] = _RIGHT[name] if name in _RIGHT and pick.random() < 0.6 else self._value()
        return found

    def _body(self, method: str, path: str) -> bytes:
        pick = self._random
        if method in ("GET", "HEAD", "DELETE", "OPTIONS") and pick.random() < 0.95:
            return b""
        if path.endswith(("paper", "photo")) and pick.random() < 0.7:
            return pick.choice((b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"x" * 50, b"\x00" * 3000))
        data: object = self._object()
        if "Multiple" in path:
            data = {
                "Targets": [
                    {"@odata.type": CRM + "vessel", **self._object()}
                    for _ in range(pick.randint(0, 3))
                ]
            }
        elif "$ref" in path:
            data = {"@odata.id": self._value()}
        elif path.endswith(_NAMES):
            data = {"value": self._value()}
        elif pick.random() < 0.3:
            data = {
                key: self._value() for key in ("Target", "QuerySet", "PrincipalAccess", "JobName")
            }
        if pick.random() < 0.1:
            data = self._value()
        text = json.dumps(data, ensure_ascii=pick.random() < 0.5)
        if pick.random() < 0.15:
            text = self._broken(text)
        if pick.random() < 0.03:
            text = pick.choice(
                ('{"name":' * 3000, "[" * 100_000, '{"name":"x","name":"y"}', '{"name":"\\ud800"}')
            )
        body = text.encode("utf-8", "surrogatepass")
        return body[: pick.randint(0, len(body))] + b"\xff" if pick.random() < 0.04 else body

    def _batch(self) -> Hostile:
        """Return a batch of requests, in either form, itself now and then broken."""
        pick = self._random
        parts = [self.request() for _ in range(pick.randint(0, 3))]
        prefer = (("Prefer", "odata.continue-on-error"),) if pick.random() < 0.7 else ()
        if pick.random() < 0.3:
            requests = [
                {"id": str(number), "method": part.method, "url": part.target,
                "headers": dict(part.headers),
                 "body": _json_or_text(part.body),
                 **({"atomicityGroup": "g"} if pick.random() < 0.5 else {})}
                for number, part in enumerate(parts)
            ]  # fmt: skip
            text = json.dumps({"requests": requests})
            kind = "application/json"
        else:
            text = self._multipart(parts)
            kind = "multipart/mixed; boundary=b"
        if pick.random() < 0.3:
            text = self._broken(text)
        body = text.encode("utf-8", "surrogatepass")
        return Hostile("POST", ROOT + "$batch", (("Content-Type", kind), *prefer), body)

    def _multipart(self, parts: Sequence[Hostile]) -> str:
        pick = self._random
        end = pick.choice(("\r\n", "\n"))

        def written(part: Hostile, number: int) -> str:
            head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
            if pick.random() < 0.5:
                head.append(f"Content-ID: {number}")
            target = pick.choice(
                (part.target, unquote(part.target), f"$1/{part.target[len(ROOT) :]}", "$1")
            )
            inner = [
                f"{part.method} {target} HTTP/1.1",
                *(f"{name}: {value}" for name, value in part.headers),
            ]
            return end.join((*head, "", *inner, "", part.body.decode("utf-8", "replace"), ""))

        texts = [written(part, number) for number, part in enumerate(parts)]
        if pick.random() < 0.5:
            inside = "".join(f"--c{end}{text}" for text in texts) + f"--c--{end}"
            texts = [f"Content-Type: multipart/mixed; boundary=c{end}{end}{inside}"]
        return "".join(f"--b{end}{text}" for text in texts) + f"--b--{end}"


def _json_or_text(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    except RecursionError:
        return "deep"


def _ascii(text: str) -> str:
    return "".join(
        sign if " " < sign < "\x7f" else quote(sign.encode("utf-8", "replace")) for sign in text
    )


def _header(value: str) -> str:
    """Return what a server lets through in a header: no line ends, Latin-1."""
    return (
        "".join(sign for sign in value if sign >= " ")
        .encode("utf-8", "replace")
        .decode("latin-1")[:8000]
    )
