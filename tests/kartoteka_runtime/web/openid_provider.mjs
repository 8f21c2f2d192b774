// An OpenID provider for tests, of certified code. Whoever signs in is who they say they are.
// node openid_provider.mjs '{"port": …, "clients": […], "keys": […], "people": {name: claims}}'
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { Provider } = await import(require.resolve("oidc-provider"));
const { port, clients, keys, people } = JSON.parse(process.argv[2]);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  jwks: { keys },
  cookies: { keys: ["only for tests"] },
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "given_name", "family_name", "preferred_username", "locale", "zoneinfo"],
    crm: ["department", "realm"],
  },
  scopes: ["openid", "email", "profile", "crm"],
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...(people[id] ?? {}) }),
  }),
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
