// What the scripts for dynamics-web-api share: the client, and a line of JSON for each step.
// Arguments: the address of the app, and a token.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/package.json");
const { DynamicsWebApi } = require("dynamics-web-api");
const [serverUrl, token] = process.argv.slice(2);

export const settings = { serverUrl, dataApi: { version: "9.2" }, onTokenRefresh: async () => token };
export const api = new DynamicsWebApi(settings);
export const another = (more) => new DynamicsWebApi({ ...settings, ...more });

export async function step(name, work) {
  try {
    const value = await work();
    console.log(JSON.stringify({ name, ok: true }));
    return value;
  } catch (error) {
    const said = { message: error.message, status: error.status, code: error.code };
    console.log(JSON.stringify({ name, ok: false, ...said, at: (error.stack ?? "").split("\n")[1] }));
    return undefined;
  }
}

export async function refused(status, work) {
  try {
    await work();
  } catch (error) {
    assert.equal(error.status, status, error.message);
    assert.ok(error.message);
    return error;
  }
  assert.fail(`expected ${status}`);
}
