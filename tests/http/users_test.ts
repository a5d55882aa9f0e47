import assert from "node:assert/strict";
import { signUp, startServer } from "../support/server.ts";
import { bearer, openApi, PASSWORD, post, refusal } from "./fixture.ts";

type Api = Awaited<ReturnType<typeof openApi>>;
interface Listed {
  users: { id: string; name: string }[];
  cursor: string | null;
}

const FIELDS = "id email name role profile_image_url last_active_at created_at updated_at".split(
  " ",
);

/** Signs `count` people up; the first is the admin. */
async function people(api: Api, count: number) {
  const all: { id: string; token: string; email: string; role: string }[] = [];
  for (let n = 0; n < count; n++) {
    const body = { name: `n${n}`, email: `n${n}@example.com`, password: PASSWORD };
    all.push(await (await post(`${api.url}/api/v1/auths/signup`, body)).json());
  }
  return all;
}

const call = (api: Api, token: string, method: string, path: string, body?: unknown) =>
  fetch(`${api.url}/api/v1/users/${path}`, {
    method,
    headers: bearer(token),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

Deno.test("an admin lists, changes and deletes users, in the protocol's shapes", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url, "Ada");
  const eve = await signUp(app.url, "Eve");
  for (const path of ["/api/v1/users/", "/api/v1/users"]) {
    const { users, cursor } = await ada.json<Listed>("GET", path);
    assert.deepEqual(new Set(users.map(({ id }) => id)), new Set([ada.id, eve.id]));
    assert.deepEqual(Object.keys(users[0] ?? {}).sort(), [...FIELDS].sort(), "and no hash");
    assert.equal(cursor, null);
  }
  const changed = await ada.json<Record<string, unknown>>(
    "POST",
    `/api/v1/users/${eve.id}/update`,
    { role: "admin", name: " Eva ", profile_image_url: "https://example.com/eva.png" },
  );
  assert.deepEqual(Object.keys(changed).sort(), [...FIELDS].sort());
  assert.deepEqual(
    [changed.role, changed.name, changed.profile_image_url],
    ["admin", "Eva", "https://example.com/eva.png"],
  );
  assert.equal(await ada.json("DELETE", `/api/v1/users/${eve.id}`), true);
  await refusal(await eve.call("GET", "/api/v1/auths/"), 401, "unauthenticated");
  await refusal(await eve.call("GET", "/api/v1/chats/"), 401, "unauthenticated");
  await refusal(await ada.call("DELETE", `/api/v1/users/${eve.id}`), 404, "not_found");
  await refusal(await ada.call("DELETE", `/api/v1/users/${ada.id}`), 409, "conflict");
});

Deno.test("who is no admin can do none of it, not even to themselves", async () => {
  await using api = await openApi();
  const [ada, eve] = await people(api, 2);
  assert.ok(ada && eve);
  for (const id of [ada.id, eve.id]) {
    const role = { role: "admin" };
    await refusal(await call(api, eve.token, "POST", `${id}/update`, role), 403, "forbidden");
    await refusal(await call(api, eve.token, "DELETE", id), 403, "forbidden");
  }
  await refusal(await call(api, eve.token, "GET", ""), 403, "forbidden");
  await refusal(await call(api, "", "GET", ""), 401, "unauthenticated");
  assert.equal((await api.users.get(eve.id))?.role, "user");
});

Deno.test("pages by number and by cursor show everybody once", async () => {
  await using api = await openApi();
  const everybody = await people(api, 103);
  const token = everybody[0]?.token ?? "";
  const list = async (query: string): Promise<Listed> =>
    await (await call(api, token, "GET", query)).json();
  const pages = await Promise.all([list("?page=1"), list("?page=2"), list("?page=3")]);
  assert.deepEqual(pages.map(({ users }) => users.length), [50, 50, 3]);
  const ids = pages.flatMap(({ users }) => users.map(({ id }) => id));
  assert.deepEqual(new Set(ids), new Set(everybody.map(({ id }) => id)));
  assert.deepEqual(await list(`?cursor=${pages[0]?.cursor}`), pages[1]);
  assert.deepEqual(await list(`?page=2&cursor=${pages[0]?.cursor}`), pages[2]);
  assert.deepEqual(await list("?page=4"), { users: [], cursor: null });
  for (
    const query of ["page=0", "page=-1", "page=1.5", "page=x", "page=1001", "cursor=x"]
  ) {
    await refusal(await call(api, token, "GET", `?${query}`), 400, "invalid_payload");
  }
  await refusal(
    await call(api, token, "GET", `?cursor=${"A".repeat(4_000)}`),
    400,
    "invalid_payload",
  );
});

Deno.test("a new password ends all sign-ins with the old one", async () => {
  await using api = await openApi();
  const [ada, eve] = await people(api, 2);
  assert.ok(ada && eve);
  const signIn = (password: string) =>
    post(`${api.url}/api/v1/auths/signin`, { email: "eve@example.com", password });
  const change = { email: "Eve@Example.com", password: "another horse" };
  const changed = await (await call(api, ada.token, "POST", `${eve.id}/update`, change)).json();
  assert.equal(changed.email, "eve@example.com");
  assert.ok(!JSON.stringify(changed).includes("scrypt"));
  await refusal(
    await fetch(`${api.url}/api/v1/auths/`, { headers: bearer(eve.token) }),
    401,
    "unauthenticated",
  );
  await refusal(await signIn(PASSWORD), 401, "unauthenticated");
  const again = await (await signIn("another horse")).json();
  const me = await fetch(`${api.url}/api/v1/auths/`, { headers: bearer(again.token) });
  assert.equal((await me.json()).id, eve.id);
  // Open WebUI's form sends an empty password when it is to stay.
  const rest = { name: "Eva", password: "" };
  const renamed = await (await call(api, ada.token, "POST", `${eve.id}/update`, rest)).json();
  assert.equal(renamed.name, "Eva");
  assert.ok(await api.users.authenticate("eve@example.com", "another horse"));
  assert.ok(await api.tokens.verify(again.token));
});

Deno.test("a deleted user's tokens stay void if the id comes back", async () => {
  await using api = await openApi();
  const [ada, eve] = await people(api, 2);
  assert.ok(ada && eve);
  assert.equal(await (await call(api, ada.token, "DELETE", eve.id)).json(), true);
  const back = { id: eve.id, name: "Eve", email: "new@example.com", password: PASSWORD };
  await api.users.create(back);
  await assert.rejects(api.tokens.verify(eve.token), { code: "unauthenticated" });
});

Deno.test("what a user can't be is refused, and nothing changes", async () => {
  await using api = await openApi();
  const [ada, eve] = await people(api, 2);
  assert.ok(ada && eve);
  const faults: [unknown, number, string][] = [
    [{ role: "root" }, 400, "invalid_payload"],
    [{ name: "" }, 400, "invalid_payload"],
    [{ email: "x" }, 400, "invalid_payload"],
    [{ password: "short" }, 400, "invalid_payload"],
    ["text", 400, "invalid_payload"],
    [{ email: "n0@example.com" }, 409, "conflict"],
  ];
  const before = await api.users.get(eve.id);
  for (const [body, status, code] of faults) {
    await refusal(await call(api, ada.token, "POST", `${eve.id}/update`, body), status, code);
  }
  api.users.forgetAll();
  assert.deepEqual(await api.users.get(eve.id), before);
  // What no admin may set is not taken, whatever it is called.
  const sly = { id: "x", password_hash: "x", created_at: 1, ["__proto__"]: { role: "admin" } };
  const after = await (await call(api, ada.token, "POST", `${eve.id}/update`, sly)).json();
  assert.deepEqual({ ...after, updated_at: 0 }, { ...before, updated_at: 0 });
  await refusal(
    await call(api, ada.token, "POST", `${ada.id}/update`, { role: "user" }),
    409,
    "conflict",
  );
  await refusal(await call(api, ada.token, "POST", "nobody/update", {}), 404, "not_found");
});

Deno.test("a picture is http(s), an image or a path: nothing that runs, no other host in disguise", async () => {
  await using api = await openApi();
  const [ada] = await people(api, 1);
  assert.ok(ada);
  const set = (profile_image_url: string) =>
    call(api, ada.token, "POST", `${ada.id}/update`, { profile_image_url });
  const good = [
    "",
    "/user.png",
    "user.png",
    "/a?b=c",
    "https://example.com/a",
    "HTTP://example.com",
  ];
  for (const url of [...good, "data:image/png;base64,iVBORw0KGgo="]) {
    const answer = await set(url);
    assert.equal(answer.status, 200, url);
    assert.equal((await answer.json()).profile_image_url, url);
  }
  for (
    const url of [
      "javascript:alert(1)",
      "JavaScript:alert(1)",
      "java\nscript:alert(1)",
      " javascript:alert(1)",
      "\u0000javascript:alert(1)",
      "data:text/html;base64,PHNjcmlwdD4=",
      "data:image/svg+xml;base64,PHN2Zz4=",
      "data:image/png,<svg>",
      "//example.com/a",
      "/\\example.com/a",
      "\\\\example.com",
      "ftp://example.com/a",
      "blob:https://example.com/1",
      "http://",
      "x".repeat(500_001),
    ]
  ) await refusal(await set(url), 400, "invalid_payload");
});

Deno.test("people are found by name by everybody who may enter, without their addresses", async () => {
  await using app = await startServer({ DEFAULT_USER_ROLE: "user" });
  const ada = await signUp(app.url, "Ada Lovelace");
  await signUp(app.url, "Émile Adam");
  const bob = await signUp(app.url, "Bob");
  const waiting = await signUp(app.url, "Adamant");
  await ada.json("POST", `/api/v1/users/${waiting.id}/update`, { role: "pending" });
  const search = async (query: string) =>
    (await bob.json<Listed>("GET", `/api/v1/users/search?query=${encodeURIComponent(query)}`))
      .users;
  const found = await search("ADA");
  assert.deepEqual(found.map(({ name }) => name), ["Ada Lovelace", "Émile Adam"]);
  assert.deepEqual(found[0], { id: ada.id, name: "Ada Lovelace", role: "admin" });
  assert.deepEqual((await search("emi")).map(({ name }) => name), ["Émile Adam"]);
  assert.equal((await search("")).length, 3);
  await refusal(await waiting.call("GET", "/api/v1/users/search"), 403, "forbidden");
  await refusal(
    await bob.call("GET", `/api/v1/users/search?query=${"x".repeat(300)}`),
    400,
    "invalid_payload",
  );
});
