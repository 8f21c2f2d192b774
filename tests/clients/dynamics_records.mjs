// What a program does with dynamics-web-api to records and files.
import assert from "node:assert/strict";
import { another, api, refused, step } from "./dynamics_steps.mjs";

const annotated = { includeAnnotations: "*" };

// --- records -------------------------------------------------------------------------------------

const depot = await step("create", () => api.create({ collection: "depots", data: { name: "North", city: "Łódź" } }));
const crate = await step("create with a lookup, and have it back", async () => {
  const made = await api.create({
    collection: "crates",
    data: { name: "A", code: "A'1", weight: 5, price: 12.5, kind: 2, seen: "2031-05-06T07:08:09+02:00",
      "depot@odata.bind": `/depots(${depot})` },
    returnRepresentation: true,
    select: ["name", "weight", "seen", "price", "kind", "_depot_value"],
    ...annotated,
  });
  assert.equal(made.weight, 5);
  assert.equal(made._depot_value, depot);
  assert.equal(made._depot_value_Formatted, "North");
  assert.equal(made._depot_value_LogicalName, "depot");
  assert.equal(made.kind_Formatted, "Steel");
  assert.equal(new Date(made.seen).toISOString(), "2031-05-06T05:08:09.000Z");
  return made;
});
const id = crate?.crateid;
await step("a list with what belongs to it", async () => {
  const read = await api.retrieveMultiple({
    collection: "depots", select: ["name"], filter: "depot_crates/any(c:c/weight eq 5)",
    expand: [{ property: "depot_crates", select: ["code"] }],
  });
  assert.deepEqual(read.value.map((one) => [one.name, one.depot_crates.map((inner) => inner.code)]), [["North", ["A'1"]]]);
});
await step("deep insert", async () => {
  const made = await api.create({
    collection: "depots",
    data: { name: "Deep", depot_crates: [{ name: "D1", code: "D1" }, { name: "D2", code: "D2" }] },
  });
  const read = await api.retrieve({
    collection: "depots", key: made,
    expand: [{ property: "depot_crates", select: ["name"], orderBy: ["name desc"], filter: "startswith(name,'D')" }],
  });
  assert.deepEqual(read.depot_crates.map((one) => one.name), ["D2", "D1"]);
});
await step("retrieve by alternate key", async () => {
  const read = await api.retrieve({ collection: "crates", key: "code='A''1'", select: ["name"] });
  assert.equal(read.crateid, id);
});
await step("retrieve what is not there", () => refused(404, () => api.retrieve({ collection: "crates", key: "00000000-0000-4000-8000-000000000000" })));
await step("retrieve only when changed", async () => {
  const read = await api.retrieve({ collection: "crates", key: id });
  const again = { collection: "crates", key: id, ifnonematch: read["@odata.etag"] };
  assert.equal(await api.retrieve(again), undefined);
  await api.update({ collection: "crates", key: id, data: { code: "A'2" } });
  assert.equal((await api.retrieve(again)).code, "A'2");
});
await step("update", () => api.update({ collection: "crates", key: id, data: { weight: 6 } }));
await step("update of what is not there creates nothing", () =>
  refused(404, () => api.update({ collection: "crates", key: "00000000-0000-4000-8000-000000000000", data: { weight: 6 } })));
await step("update with an old ETag", async () => {
  const read = await api.retrieve({ collection: "crates", key: id });
  await api.update({ collection: "crates", key: id, data: { weight: 7 }, ifmatch: read["@odata.etag"] });
  const done = await api.update({ collection: "crates", key: id, data: { weight: 8 }, ifmatch: read["@odata.etag"] });
  assert.equal(done, false);
});
await step("update of one property", async () => {
  await api.updateSingleProperty({ collection: "crates", key: id, fieldValuePair: { name: "B" } });
  assert.equal((await api.retrieve({ collection: "crates", key: id })).name, "B");
});
await step("delete of one property", async () => {
  await api.deleteRecord({ collection: "crates", key: id, property: "seen" });
  assert.equal((await api.retrieve({ collection: "crates", key: id })).seen, null);
});
await step("upsert by key creates and updates", async () => {
  await api.upsert({ collection: "crates", key: "code='U1'", data: { name: "U", weight: 1 } });
  await api.upsert({ collection: "crates", key: "code='U1'", data: { weight: 2 } });
  const read = await api.retrieve({ collection: "crates", key: "code='U1'" });
  assert.deepEqual([read.name, read.weight, read.code], ["U", 2, "U1"]);
  assert.equal(await api.upsert({ collection: "crates", key: "code='U1'", data: { weight: 3 }, ifnonematch: "*" }), null);
  assert.equal(await api.upsert({ collection: "crates", key: "code='U2'", data: { weight: 3 }, ifmatch: "*" }), null);
});
await step("links", async () => {
  const other = await api.create({ collection: "depots", data: { name: "South" } });
  await api.associateSingleValued({ collection: "crates", primaryKey: id, navigationProperty: "depot", relatedCollection: "depots", relatedKey: other });
  assert.equal((await api.retrieve({ collection: "crates", key: id }))._depot_value, other);
  await api.disassociateSingleValued({ collection: "crates", primaryKey: id, navigationProperty: "depot" });
  assert.equal((await api.retrieve({ collection: "crates", key: id }))._depot_value, null);
  await api.associate({ collection: "depots", primaryKey: depot, relationshipName: "depot_crates", relatedCollection: "crates", relatedKey: id });
  assert.equal((await api.retrieve({ collection: "crates", key: id, expand: [{ property: "depot", select: ["city"] }] })).depot.city, "Łódź");
  await api.disassociate({ collection: "depots", primaryKey: depot, relationshipName: "depot_crates", relatedKey: id });
  assert.equal((await api.retrieve({ collection: "crates", key: id }))._depot_value, null);
});
await step("a wrong property is named", async () => {
  const error = await refused(400, () => api.create({ collection: "crates", data: { nosuch: 1 } }));
  assert.match(error.message, /nosuch/);
});

// --- lists ---------------------------------------------------------------------------------------

await step("fill", async () => {
  for (let n = 0; n < 12; n++) {
    await api.create({ collection: "crates", data: { name: `n${n}`, code: `n${n}`, weight: n, "depot@odata.bind": `depots(${depot})` } });
  }
});
await step("pages", async () => {
  const first = await api.retrieveMultiple({ collection: "crates", select: ["name"], filter: "startswith(code,'n')", orderBy: ["weight desc"], maxPageSize: 5, count: true });
  assert.equal(first.value.length, 5);
  assert.equal(first.oDataCount, 12);
  const second = await api.retrieveMultiple({ collection: "crates", maxPageSize: 5 }, first.oDataNextLink);
  assert.deepEqual(second.value.map((one) => one.name), ["n6", "n5", "n4", "n3", "n2"]);
  const all = await api.retrieveAll({ collection: "crates", select: ["name"], filter: "startswith(code,'n')" });
  assert.equal(all.value.length, 12);
});
await step("count", async () => {
  assert.equal(await api.count({ collection: "crates", filter: "weight ge 10" }), 2);
  assert.equal(await api.countAll({ collection: "crates", filter: "weight ge 10" }), 2);
});
await step("conditions", async () => {
  const read = await api.retrieveMultiple({
    collection: "crates",
    filter: `_depot_value eq ${depot} and (Microsoft.Dynamics.CRM.In(PropertyName='code',PropertyValues=['n1','n2']) or depot/city eq 'x')`,
    expand: [{ property: "depot", select: ["name"] }],
    orderBy: ["code"],
  });
  assert.deepEqual(read.value.map((one) => [one.code, one.depot.name]), [["n1", "North"], ["n2", "North"]]);
});
await step("aggregates", async () => {
  const read = await api.retrieveMultiple({ collection: "crates", apply: `filter(_depot_value eq ${depot})/aggregate(weight with sum as total,$count as n)` });
  assert.deepEqual([read.value[0].total, read.value[0].n], [66, 12]);
});
const fetchXml = `<fetch count="5"><entity name="crate"><attribute name="name"/><order attribute="code"/><filter><condition attribute="code" operator="begins-with" value="n"/></filter><link-entity name="depot" from="depotid" to="depot" alias="d"><attribute name="city"/></link-entity></entity></fetch>`;
await step("FetchXML and its pages", async () => {
  const first = await api.fetch({ collection: "crates", fetchXml, ...annotated });
  assert.equal(first.value.length, 5);
  assert.equal(first.value[0]["d.city"], "Łódź");
  const second = await api.fetch({ collection: "crates", fetchXml, pageNumber: first.PagingInfo.nextPage, pagingCookie: first.PagingInfo.cookie });
  assert.equal(second.value.length, 5);
  assert.notEqual(second.value[0].crateid, first.value[0].crateid);
  assert.equal((await api.fetchAll({ collection: "crates", fetchXml, ...annotated })).value.length, 12);
});
await step("a very long query", async () => {
  const filter = Array.from({ length: 120 }, (_, n) => `code eq 'n${n}'`).join(" or ");
  assert.equal((await api.retrieveMultiple({ collection: "crates", select: ["code"], filter })).value.length, 12);
});
await step("changes", async () => {
  const first = await api.retrieveMultiple({ collection: "crates", select: ["name"], trackChanges: true });
  const link = first.oDataDeltaLink;
  assert.ok(link);
  const gone = await api.retrieve({ collection: "crates", key: "code='n11'" });
  await api.deleteRecord({ collection: "crates", key: gone.crateid });
  await api.update({ collection: "crates", key: id, data: { name: "changed" } });
  const next = await api.retrieveMultiple({ collection: "crates", trackChanges: true }, link);
  assert.deepEqual(next.value.map((one) => one.name ?? one.reason).sort(), ["changed", "deleted"]);
});

// --- operations and batches ----------------------------------------------------------------------

await step("a function", async () => {
  const who = await api.callFunction("WhoAmI");
  assert.match(who.UserId, /^[0-9a-f-]{36}$/);
  assert.ok(who.BusinessUnitId && who.OrganizationId);
});
await step("a function with parameters", async () => {
  const told = await api.callFunction({ name: "RetrieveTotalRecordCount", parameters: { EntityNames: ["crate"] } });
  assert.equal(told.EntityRecordCountCollection.Keys[0], "crate");
});
await step("many at once", async () => {
  const targets = [1, 2, 3].map((n) => ({ "@odata.type": "Microsoft.Dynamics.CRM.crate", name: `m${n}`, code: `m${n}` }));
  const made = await api.callAction({ collection: "crates", actionName: "Microsoft.Dynamics.CRM.CreateMultiple", action: { Targets: targets } });
  assert.equal(made.Ids.length, 3);
});
await step("an action of a plugin", async () => {
  const deal = await api.create({ collection: "opportunities", data: { name: "Deal" } });
  await api.callAction({ actionName: "WinOpportunity", action: {
    Status: 3,
    OpportunityClose: { "@odata.type": "Microsoft.Dynamics.CRM.opportunityclose", subject: "Won", "opportunityid@odata.bind": `/opportunities(${deal})` },
  } });
  assert.equal((await api.retrieve({ collection: "opportunities", key: deal, select: ["statecode"] })).statecode, 1);
});
await step("a batch", async () => {
  api.startBatch();
  api.retrieveMultiple({ collection: "depots", select: ["name"], filter: "name eq 'North'", inChangeSet: false });
  api.create({ collection: "depots", data: { name: "Batch" }, contentId: "1" });
  api.create({ collection: "crates", data: { name: "In batch", code: "b1", "depot@odata.bind": "$1" } });
  const answers = await api.executeBatch();
  assert.equal(answers[0].value[0].name, "North");
  const made = await api.retrieve({ collection: "crates", key: "code='b1'", expand: [{ property: "depot", select: ["name"] }] });
  assert.equal(made.depot.name, "Batch");
});
await step("a change set that fails leaves nothing", async () => {
  api.startBatch();
  api.create({ collection: "depots", data: { name: "Never" } });
  api.create({ collection: "crates", data: { weight: "heavy" } });
  await assert.rejects(api.executeBatch());
  assert.equal(await api.count({ collection: "depots", filter: "name eq 'Never'" }), 0);
});
await step("a batch that goes on", async () => {
  api.startBatch();
  api.retrieve({ collection: "crates", key: "00000000-0000-4000-8000-000000000000", inChangeSet: false });
  api.retrieveMultiple({ collection: "depots", select: ["name"], top: 1, inChangeSet: false });
  const answers = await api.executeBatch({ continueOnError: true });
  assert.deepEqual([answers.length, answers[0].status, answers[1].value.length], [2, 404, 1]);
});

// --- search --------------------------------------------------------------------------------------

const found = { search: "zulu", entities: ["account"], filter: "revenue eq null", orderBy: ["name desc"] };
await step("search", async () => {
  for (const name of ["Zulu Mills", "Zulu"]) await api.create({ collection: "accounts", data: { name } });
  const { value, totalrecordcount, facets } = await api.query({
    query: { ...found, returnTotalRecordCount: true, facets: ["ownerid,count:3"], searchMode: "all", top: 5 },
  });
  assert.deepEqual([value.map((one) => one.name), totalrecordcount], [["Zulu Mills", "Zulu"], 2]);
  assert.equal(value[1]["@search.highlights"].name[0], "{crmhit}Zulu{/crmhit}");
  assert.equal(facets.ownerid[0].count, 2);
  assert.equal((await api.query("zulu")).value[0].name, "Zulu"); // the best comes first
  const suggested = await api.suggest({ query: { search: "zulu mi", entities: ["account"] } });
  assert.equal(suggested.value[0].document.name, "Zulu Mills");
  assert.equal((await api.autocomplete("zulu mi")).value, "zulu Mills");
  await refused(400, () => api.query({ query: { search: "zulu", filter: "nothing eq 1" } }));
});
await step("search in its second version", async () => {
  const second = another({ searchApi: { version: "2.0", options: { escapeSpecialCharacters: true } } });
  const { response } = await second.query({
    query: { ...found, count: true, facets: ["@search.entityname,count:3"], options: { searchMode: "all" } },
  });
  assert.deepEqual([response.Value.map((one) => one.Attributes.name), response.Count], [["Zulu Mills", "Zulu"], 2]);
  assert.equal(response.Facets["@search.entityname"][0].value, "account");
  const suggested = await second.suggest({ query: { search: "zulu", entities: [{ name: "account", filter: "name ne 'Zulu'" }] } });
  assert.deepEqual(suggested.response.Value.map((one) => one.Document.name), ["Zulu Mills"]);
  assert.equal((await second.autocomplete("zulu mi")).response.Value, "zulu Mills");
});

// --- files ---------------------------------------------------------------------------------------

await step("files", async () => {
  const content = Buffer.alloc(5 * 1024 * 1024, "kartoteka ");
  await api.uploadFile({ collection: "crates", key: id, fieldName: "paper", fileName: "paper.txt", data: content });
  const read = await api.downloadFile({ collection: "crates", key: id, property: "paper" });
  assert.equal(read.fileName, "paper.txt");
  assert.equal(Buffer.compare(Buffer.from(read.data), content), 0);
  await api.deleteRecord({ collection: "crates", key: id, property: "paper" });
  assert.equal((await api.retrieve({ collection: "crates", key: id })).paper, null);
});
await step("a file that ends with its last part", async () => {
  const content = Buffer.alloc(4 * 1024 * 1024, 7); // of one part, behind which an empty one comes
  await api.uploadFile({ collection: "crates", key: id, fieldName: "paper", fileName: "paper.bin", data: content });
  const read = await api.downloadFile({ collection: "crates", key: id, property: "paper" });
  assert.deepEqual([read.fileName, read.fileSize, Buffer.compare(Buffer.from(read.data), content)], ["paper.bin", content.length, 0]);
});
await step("delete", () => api.deleteRecord({ collection: "crates", key: id }));
await step("delete again", () => refused(404, () => api.deleteRecord({ collection: "crates", key: id })));
