// What a program does with dynamics-web-api to definitions.
import assert from "node:assert/strict";
import { another, api, refused, step } from "./dynamics_steps.mjs";

const crm = "Microsoft.Dynamics.CRM.";
const label = (text) => ({ LocalizedLabels: [{ Label: text, LanguageCode: 1033 }] });
const told = (definition) => definition.DisplayName.UserLocalizedLabel.Label;

await step("read definitions", async () => {
  const found = await api.retrieveEntities({ select: ["LogicalName", "EntitySetName"], filter: "LogicalName eq 'crate'" });
  assert.equal(found.value[0].EntitySetName, "crates");
  const kind = await api.retrieveAttribute({
    entityKey: "LogicalName='crate'", attributeKey: "LogicalName='kind'",
    castType: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata", expand: [{ property: "OptionSet", select: ["Options"] }],
  });
  assert.deepEqual(kind.OptionSet.Options.map((one) => one.Value), [1, 2]);
  const relations = await api.retrieveRelationships({ filter: "SchemaName eq 'depot_crates'" });
  assert.equal(relations.value.length, 1);
});
await step("$metadata", async () => assert.match(await api.retrieveCsdlMetadata(), /EntityType Name="crate"/));
await step("record types by their own names", async () => {
  const byName = another({ useEntityNames: true });
  const depot = await byName.create({ collection: "depot", data: { name: "By name" } });
  const crate = await byName.create({ collection: "crate", data: { name: "C", "depot@odata.bind": `depot(${depot})` } });
  assert.equal((await api.retrieve({ collection: "crates", key: crate }))._depot_value, depot);
});
await step("what is not there", async () => {
  await refused(404, () => api.retrieveEntity({ key: "LogicalName='nosuch'" }));
  await refused(404, () => api.retrieveAttribute({ entityKey: "LogicalName='crate'", attributeKey: "LogicalName='nosuch'" }));
  assert.deepEqual((await api.retrieveEntities({ filter: "LogicalName eq 'nosuch'" })).value, []);
});

const table = await step("create a table", () => api.createEntity({ data: {
  "@odata.type": `${crm}EntityMetadata`, SchemaName: "new_Barrel", DisplayName: label("Barrel"), DisplayCollectionName: label("Barrels"),
  Description: label("A barrel"), OwnershipType: "UserOwned", HasActivities: false, HasNotes: false, IsActivity: false,
  Attributes: [{ "@odata.type": `${crm}StringAttributeMetadata`, SchemaName: "new_Name", IsPrimaryName: true, MaxLength: 100,
    FormatName: { Value: "Text" }, RequiredLevel: { Value: "None" }, DisplayName: label("Name") }],
} }));
await step("a table cannot be made twice", async () => {
  const same = await api.retrieveEntity({ key: table });
  const error = await refused(409, () => api.createEntity({ data: { ...same, Attributes: [] } }));
  assert.match(error.message, /new_barrel/i);
});
await step("columns: create, use and change", async () => {
  const type = `${crm}IntegerAttributeMetadata`;
  const column = await api.createAttribute({ entityKey: table, data: {
    "@odata.type": type, SchemaName: "new_Size", MinValue: 0, MaxValue: 99,
    RequiredLevel: { Value: "None" }, DisplayName: label("Size") } });
  const made = await api.create({ collection: "new_barrels", data: { new_name: "B", new_size: 7 }, returnRepresentation: true });
  assert.equal(made.new_size, 7);
  await refused(400, () => api.create({ collection: "new_barrels", data: { new_name: "B", new_size: 100 } }));
  const size = await api.retrieveAttribute({ entityKey: table, attributeKey: "LogicalName='new_size'", castType: type });
  assert.equal(size.MetadataId, column);
  size.DisplayName.LocalizedLabels[0].Label = "How big";
  size.MaxValue = 100;
  await api.updateAttribute({ entityKey: table, data: size, castType: type, mergeLabels: true });
  const again = await api.retrieveAttribute({ entityKey: table, attributeKey: column, castType: type });
  assert.deepEqual([told(again), again.MaxValue], ["How big", 100]);
  const all = await api.retrieveAttributes({ entityKey: table, castType: type, select: ["LogicalName"] });
  assert.ok(all.value.some((one) => one.LogicalName === "new_size"));
});
await step("a table is renamed", async () => {
  const barrel = await api.retrieveEntity({ key: table });
  barrel.DisplayName.LocalizedLabels[0].Label = "Cask";
  await api.updateEntity({ data: barrel, mergeLabels: true });
  assert.equal(told(await api.retrieveEntity({ key: table })), "Cask");
});
await step("relationships: create, use, read and delete", async () => {
  const type = `${crm}OneToManyRelationshipMetadata`;
  const made = await api.createRelationship({ data: {
    "@odata.type": type, SchemaName: "new_depot_barrels", ReferencedEntity: "depot", ReferencedAttribute: "depotid", ReferencingEntity: "new_barrel",
    Lookup: { "@odata.type": `${crm}LookupAttributeMetadata`, SchemaName: "new_DepotId", DisplayName: label("Depot"), RequiredLevel: { Value: "None" } } } });
  const depot = await api.create({ collection: "depots", data: { name: "D" } });
  const barrel = await api.create({ collection: "new_barrels", data: { new_name: "R", "new_DepotId@odata.bind": `depots(${depot})` } });
  const read = await api.retrieve({ collection: "new_barrels", key: barrel, expand: [{ property: "new_DepotId", select: ["name"] }] });
  assert.equal(read.new_DepotId.name, "D");
  const relation = await api.retrieveRelationship({ key: made, castType: type });
  assert.deepEqual([relation.ReferencingAttribute, relation.ReferencingEntityNavigationPropertyName], ["new_depotid", "new_DepotId"]);
  await api.deleteRelationship({ key: made });
  await refused(404, () => api.retrieveRelationship({ key: made }));
});
await step("option sets: create, read, change and delete", async () => {
  const option = (Value, text) => ({ Value, Label: label(text) });
  const made = await api.createGlobalOptionSet({ data: {
    "@odata.type": `${crm}OptionSetMetadata`, Name: "new_colour", DisplayName: label("Colour"), OptionSetType: "Picklist", IsGlobal: true,
    Options: [option(1, "Red"), option(2, "Blue")] } });
  const castType = `${crm}OptionSetMetadata`;
  const read = await api.retrieveGlobalOptionSet({ key: made, castType });
  assert.deepEqual(read.Options.map((one) => one.Label.UserLocalizedLabel.Label), ["Red", "Blue"]);
  read.DisplayName.LocalizedLabels[0].Label = "Paint";
  await api.updateGlobalOptionSet({ data: read, mergeLabels: true });
  assert.equal(told(await api.retrieveGlobalOptionSet({ key: "Name='new_colour'" })), "Paint");
  assert.ok((await api.retrieveGlobalOptionSets()).value.some((one) => one.Name === "new_colour"));
  await api.deleteGlobalOptionSet({ key: made });
  await refused(404, () => api.retrieveGlobalOptionSet({ key: made }));
});
await step("delete a table", async () => {
  await api.deleteRecord({ collection: "EntityDefinitions", key: table });
  await refused(404, () => api.retrieveEntity({ key: table }));
  await refused(404, () => api.retrieveMultiple({ collection: "new_barrels" }));
});
