import assert from "node:assert/strict";
import { connect, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { bearer, openApi, PASSWORD, post, refusal } from "./fixture.ts";

const FIELDS = "token token_type expires_at id email name role profile_image_url permissions".split(
  " ",
);
const signIn = (url: string, email: string, password = PASSWORD, headers = {}) =>
  post(`${url}/api/v1/auths/signin`, { email, password }, headers);
const whoAmI = (url: string, token: string) =>
  fetch(`${url}/api/v1/auths/`, { headers: bearer(token) });

Deno.test("signing up, signing in and asking who I am have the shape of the protocol", async () => {
  await using app = await startServer();
  const before = Math.floor(Date.now() / 1000);
  const asked = { name: " Ada ", email: "Ada@Example.com", password: PASSWORD };
  const up = await (await post(`${app.url}/api/v1/auths/signup`, asked)).json();
  const signedIn = await signIn(app.url, " ADA@example.com ");
  assert.equal(signedIn.status, 200);
  assert.match(signedIn.headers.get("content-type") ?? "", /^application\/json/);
  const into = await signedIn.json();
  const me = await (await whoAmI(app.url, into.token)).json();
  for (const answer of [up, into, me]) {
    assert.deepEqual(Object.keys(answer), FIELDS);
    const { token, expires_at, id, permissions: _, ...rest } = answer;
    assert.equal(token.split(".").length, 3);
    assert.ok(Math.abs(expires_at - before - 28 * 86_400) < 60, "four weeks");
    assert.equal(id, up.id);
    assert.deepEqual(rest, {
      token_type: "Bearer",
      email: "ada@example.com",
      name: "Ada",
      role: "admin",
      profile_image_url: "/user.png",
    });
  }
  assert.equal(me.token, into.token);
  await refusal(await signIn(app.url, "ada@example.com", "wrong"), 401, "unauthenticated");
  await refusal(await signIn(app.url, "eve@example.com"), 401, "unauthenticated");
  await refusal(await post(`${app.url}/api/v1/auths/signup`, asked), 409, "conflict");
});

Deno.test("what can't sign up is refused, and the field at fault is named", async () => {
  await using api = await openApi();
  const good = { name: "Ada", email: "ada@example.com", password: PASSWORD };
  const faults: [Record<string, unknown>, RegExp][] = [
    [{ ...good, name: "  " }, /^name: /],
    [{ ...good, name: "n".repeat(101) }, /^name: /],
    [{ ...good, email: "ada" }, /^email: must be an address/],
    [{ ...good, email: "ada@example" }, /^email: must be an address/],
    [{ ...good, email: "ada @example.com" }, /^email: must be an address/],
    [{ ...good, email: `${"a".repeat(250)}@example.com` }, /^email: /],
    [{ ...good, password: "short" }, /^password: must have at least 8 characters/],
    [{ ...good, password: "p".repeat(1025) }, /^password: /],
    [{ ...good, email: undefined }, /email/],
    [{ ...good, password: 12345678 }, /^password: /],
  ];
  for (const [body, detail] of faults) {
    const answer = await post(`${api.url}/api/v1/auths/signup`, body);
    assert.match((await refusal(answer, 400, "invalid_payload")).detail, detail);
  }
  assert.equal((await api.users.page()).users.length, 0);
});

Deno.test("whatever address Open WebUI takes can sign up, and sign in in any case", async () => {
  await using api = await openApi();
  for (const email of ["Pat.O'Brien+x@example.com", "jörg@bücher.example", "a:b%3A@c.d"]) {
    const body = { name: "Pat", email, password: PASSWORD };
    assert.equal(
      (await (await post(`${api.url}/api/v1/auths/signup`, body)).json()).email,
      email.toLowerCase(),
    );
    const answer = await signIn(api.url, email.toUpperCase());
    assert.equal((await answer.json()).email, email.toLowerCase());
  }
});

Deno.test("without a token that counts nobody is anybody", async () => {
  await using api = await openApi();
  for (const authorization of ["", "Bearer", "Bearer ", "Bearer x", "Basic x", "Bearer a.b.c"]) {
    const headers = { authorization };
    await refusal(await fetch(`${api.url}/api/v1/auths/`, { headers }), 401, "unauthenticated");
    await refusal(
      await post(`${api.url}/api/v1/auths/signout`, {}, headers),
      401,
      "unauthenticated",
    );
  }
});

Deno.test("who is pending signs in and sees who they are, and nothing else", async () => {
  await using app = await startServer({ DEFAULT_USER_ROLE: "pending" });
  await signUp(app.url);
  const eve = await signUp(app.url);
  assert.equal(eve.role, "pending");
  const me = await eve.json<{ role: string; email: string }>("GET", "/api/v1/auths/");
  assert.equal(me.role, "pending");
  assert.equal((await (await signIn(app.url, me.email)).json()).role, "pending");
  for (const path of ["/api/v1/chats/", "/api/models", "/api/tasks", "/api/v1/users/"]) {
    await refusal(await eve.call("GET", path), 403, "forbidden");
  }
  assert.deepEqual(await eve.json("POST", "/api/v1/auths/signout"), { status: true });
  await refusal(await eve.call("GET", "/api/v1/auths/"), 401, "unauthenticated");
});

Deno.test("signing out voids this token at once, for HTTP and its sockets, and no other", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const { email } = await ada.json<{ email: string }>("GET", "/api/v1/auths/");
  const other = await (await signIn(app.url, email)).json();
  const { socket } = await connect(app.url, ada.token, { reconnection: false });
  assert.deepEqual(await ada.json("POST", "/api/v1/auths/signout"), { status: true });
  await refusal(await ada.call("GET", "/api/v1/auths/"), 401, "unauthenticated");
  await refusal(await ada.call("GET", "/api/v1/chats/"), 401, "unauthenticated");
  await until(() => socket.io.engine.readyState === "closed", { what: "the end of the socket" });
  const still = await whoAmI(app.url, other.token);
  assert.equal(still.status, 200);
  await still.body?.cancel();
});

Deno.test("of 20 who sign up at once exactly one becomes the admin", async () => {
  await using api = await openApi();
  const roles = await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const body = { name: `n${n}`, email: `n${n}@example.com`, password: PASSWORD };
    return (await (await post(`${api.url}/api/v1/auths/signup`, body)).json()).role;
  }));
  assert.equal(roles.filter((role) => role === "admin").length, 1);
  assert.equal(roles.filter((role) => role === "user").length, 19);
});

Deno.test("of 20 who sign up at once with one address one is let in", async () => {
  await using api = await openApi();
  await post(`${api.url}/api/v1/auths/signup`, {
    name: "first",
    email: "first@example.com",
    password: PASSWORD,
  }).then((response) => response.body?.cancel());
  const statuses = await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const email = n % 2 ? "ada@example.com" : "ADA@Example.com";
    const body = { name: `n${n}`, email, password: `password of ${n}` };
    const response = await post(`${api.url}/api/v1/auths/signup`, body);
    if (response.ok) await response.body?.cancel();
    else await refusal(response, 409, "conflict");
    return response.status;
  }));
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  assert.equal((await api.users.page()).users.length, 2);
});

Deno.test("with signing up closed the first still gets in, and nobody else", async () => {
  await using app = await startServer({ ENABLE_SIGNUP: "false" });
  assert.equal((await signUp(app.url)).role, "admin");
  const body = { name: "Eve", email: "eve@example.com", password: PASSWORD };
  await refusal(await post(`${app.url}/api/v1/auths/signup`, body), 403, "forbidden");
  await refusal(await signIn(app.url, "eve@example.com"), 401, "unauthenticated");
});

Deno.test("while the store is away nobody is let in, by no route", async () => {
  await using api = await openApi();
  const body = { name: "Ada", email: "ada@example.com", password: PASSWORD };
  const { token } = await (await post(`${api.url}/api/v1/auths/signup`, body)).json();
  api.faulty.down = true;
  const other = { ...body, email: "eve@example.com" };
  await refusal(await signIn(api.url, body.email), 503, "unavailable");
  await refusal(await signIn(api.url, body.email, "wrong"), 503, "unavailable");
  await refusal(await post(`${api.url}/api/v1/auths/signup`, other), 503, "unavailable");
  await refusal(await whoAmI(api.url, token), 503, "unavailable");
  await refusal(
    await post(`${api.url}/api/v1/auths/signout`, {}, bearer(token)),
    503,
    "unavailable",
  );
  api.faulty.down = false;
  const back = await whoAmI(api.url, token);
  assert.equal(back.status, 200, "a sign-out that failed has not half happened");
  await back.body?.cancel();
});

Deno.test("a stranger who guesses is shut out, and the owner is not", async () => {
  await using app = await startServer({ SIGNIN_RATE_LIMIT: "3", TRUSTED_PROXIES: "1" });
  const ada = await signUp(app.url);
  const { email } = await ada.json<{ email: string }>("GET", "/api/v1/auths/");
  // Only the last entry is our proxy's word; what stands before it anybody can write.
  const from = (address: string, n = 0) => ({ "x-forwarded-for": `10.9.9.${n}, ${address}` });
  const guesses = [0, 1, 2].map((n) => signIn(app.url, email, "wrong", from("192.0.2.1", n)));
  for (const answer of await Promise.all(guesses)) await refusal(answer, 401, "unauthenticated");
  for (let n = 0; n < 8; n++) {
    const shut = await signIn(app.url, email, PASSWORD, from("192.0.2.1", n));
    assert.equal(shut.headers.get("retry-after"), "180");
    await refusal(shut, 429, "rate_limited");
  }
  const owner = await signIn(app.url, email.toUpperCase(), PASSWORD, from("192.0.2.2"));
  assert.equal(owner.status, 200);
  await owner.body?.cancel();
  // An address is shut out for all accounts after four times as many.
  await refusal(
    await signIn(app.url, "a@example.com", "x", from("192.0.2.1")),
    401,
    "unauthenticated",
  );
  await refusal(
    await signIn(app.url, "b@example.com", "x", from("192.0.2.1")),
    429,
    "rate_limited",
  );
});

Deno.test("many addresses together do reach the limit of one account", async () => {
  await using app = await startServer({ SIGNIN_RATE_LIMIT: "1", TRUSTED_PROXIES: "1" });
  const guess = (n: number) =>
    signIn(app.url, "ada@example.com", "wrong", { "x-forwarded-for": `192.0.2.${n}` });
  const first = await Promise.all([0, 1, 2, 3].map(guess));
  for (const answer of first) await refusal(answer, 401, "unauthenticated");
  await refusal(await guess(4), 429, "rate_limited");
});

Deno.test("without trusted proxies X-Forwarded-For hides nobody; sign-ups count for themselves", async () => {
  await using app = await startServer({ SIGNIN_RATE_LIMIT: "1" });
  const guess = (n: number) =>
    signIn(app.url, `n${n}@example.com`, "wrong", { "x-forwarded-for": `192.0.2.${n}` });
  const first = await Promise.all([0, 1, 2, 3].map(guess));
  for (const answer of first) await refusal(answer, 401, "unauthenticated");
  await refusal(await guess(4), 429, "rate_limited");
  await Promise.all([0, 1, 2, 3].map(() => signUp(app.url)));
  const body = { name: "Eve", email: "eve@example.com", password: PASSWORD };
  await refusal(await post(`${app.url}/api/v1/auths/signup`, body), 429, "rate_limited");
});

Deno.test("X17: addresses that look alike are one account, and what can't be seen is refused", async () => {
  await using app = await startServer();
  const signUpAs = async (email: string) => {
    const response = await fetch(`${app.url}/api/v1/auths/signup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "Ada", email, password: "correct horse" }),
    });
    const { code } = await response.json();
    return `${response.status} ${code ?? ""}`.trim();
  };
  assert.equal(await signUpAs("ada@example.com"), "200");
  for (
    const alike of ["ａｄａ@example.com", "Ada@ｅｘａｍｐｌｅ．ｃｏｍ", "\u3000ada@example.com"]
  ) {
    assert.equal(await signUpAs(alike), "409 conflict", JSON.stringify(alike));
  }
  for (const hidden of ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u{e0061}"]) {
    const refused = await signUpAs(`a${hidden}da@example.com`);
    assert.equal(refused, "400 invalid_payload", JSON.stringify(hidden));
  }
});

Deno.test("X8: who signed in from here before gets in while others guess, by address and by device", async () => {
  await using app = await startServer({ SIGNIN_RATE_LIMIT: "2", TRUSTED_PROXIES: "1" });
  const from = (address: string) => ({ "x-forwarded-for": address });
  const ada = await signUp(app.url);
  const { email } = await ada.json<{ email: string }>("GET", "/api/v1/auths/");
  const home = await signIn(app.url, email, PASSWORD, from("192.0.2.100"));
  const cookie = home.headers.get("set-cookie") ?? "";
  assert.match(cookie, /^rt_device=[^;]+;.*HttpOnly.*SameSite=Strict/i);
  await home.body?.cancel();
  const device = { cookie: cookie.split(";")[0] ?? "" };
  const guess = async (address: string, headers = {}) => {
    const answer = await signIn(app.url, email, "wrong", { ...from(address), ...headers });
    await answer.body?.cancel();
    return answer.status;
  };
  const enter = async (address: string, headers = {}, account = email) => {
    const answer = await signIn(app.url, account, PASSWORD, { ...from(address), ...headers });
    await answer.body?.cancel();
    return answer.status;
  };
  for (let n = 0; n < 12; n++) await guess(`192.0.2.${n}`);
  assert.equal(await enter("192.0.2.200"), 429, "the attack has closed the account to strangers");
  assert.equal(await enter("192.0.2.100"), 200, "a known address");
  assert.equal(await enter("192.0.2.201", device), 200, "a known device elsewhere");
  // An address that others have used up, even its account, is open to the device.
  for (let n = 0; n < 12; n++) await guess("192.0.2.100");
  assert.equal(await enter("192.0.2.100"), 429);
  assert.equal(await enter("192.0.2.100", device), 200);
  // A device that guesses is bounded as well, and one of another account, or a forged one, is a stranger.
  const forged = { cookie: device.cookie.replace(/.$/, (last) => last === "A" ? "B" : "A") };
  assert.equal(await enter("192.0.2.202", forged), 429);
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push(await guess("192.0.2.203", device));
  assert.equal(statuses.at(-1), 429);
});

Deno.test("X8: a password is changed with the old one; everybody else is out, this session goes on", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const { email } = await ada.json<{ email: string }>("GET", "/api/v1/auths/");
  const other = await (await signIn(app.url, email)).json();
  await using client = await connect(app.url, other.token);
  const at = "/api/v1/auths/update/password";
  const new_password = "a longer password";
  await refusal(
    await ada.call("POST", at, { password: "wrong", new_password }),
    400,
    "invalid_payload",
  );
  await refusal(
    await ada.call("POST", at, { password: PASSWORD, new_password: "short" }),
    400,
    "invalid_payload",
  );
  const { token } = await ada.json<{ token: string }>("POST", at, {
    password: PASSWORD,
    new_password,
  });
  for (const old of [ada.token, other.token]) {
    await refusal(await whoAmI(app.url, old), 401, "unauthenticated");
  }
  await until(() => !client.socket.connected, { what: "the other device to be out" });
  const me = await whoAmI(app.url, token);
  assert.equal(me.status, 200);
  await me.body?.cancel();
  await refusal(await signIn(app.url, email), 401, "unauthenticated");
  const again = await signIn(app.url, email, new_password);
  assert.equal(again.status, 200);
  const { token: third } = await again.json();

  const everywhere = await post(`${app.url}/api/v1/auths/signout/everywhere`, {}, bearer(token));
  assert.deepEqual(await everywhere.json(), { status: true });
  for (const old of [token, third]) {
    await refusal(await whoAmI(app.url, old), 401, "unauthenticated");
  }
});
