import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import { type ChannelClient, connectToChannels, makeGroup, post } from "../channels/fixture.ts";
import { say } from "../support/say.ts";
import { signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { inModes } from "../support/instances.ts";

const POSTS = 10;

inModes(
  ["redis"],
  "S3: a post at A to a channel of 50 costs A and B no more round trips than one to 2",
  async ({ a, b }) => {
    const people = await Promise.all(Array.from({ length: 5 }, () => signUp(a.url)));
    const [ada, bob] = people;
    assert.ok(ada && bob);
    const small = await makeGroup(ada, [bob], "small");
    const large = await makeGroup(ada, people, "large");
    const others = Array.from({ length: 45 }, () => crypto.randomUUID());
    await a.services.channels.members.add(large.id, others, { by: ada.id, now: large.created_at });
    await using clients = new AsyncDisposableStack();
    const listeners: ChannelClient[] = [];
    for (const { url } of [a, b]) {
      for (const { token } of people) {
        listeners.push(clients.use(await connectToChannels(url, token)));
      }
    }
    const heardIn = (channelId: string) =>
      listeners.map(({ heard }) =>
        heard.filter(({ channel_id, data }) => channel_id === channelId && data.type === "message")
          .length
      );
    const trips = ({ services }: App) => services.store.stats().roundTrips;
    /** What runs beside it (leases, sweeps) costs trips too: the least of several tries counts. */
    const costsOf = async (channelId: string, members: number) => {
      const costs: [number, number][] = [];
      for (let posts = 1; posts <= POSTS; posts++) {
        const before = [trips(a), trips(b)] as const;
        await post(ada, channelId, "hello");
        await until(
          () => heardIn(channelId).filter((count) => count === posts).length === members,
          {
            what: "the post to be heard on both instances",
          },
        );
        costs.push([trips(a) - before[0], trips(b) - before[1]]);
      }
      return [
        Math.min(...costs.map(([here]) => here)),
        Math.min(...costs.map(([, there]) => there)),
      ];
    };
    const toSmall = await costsOf(small.id, 2 * 2);
    const toLarge = await costsOf(large.id, 2 * people.length);
    say(`S3: round trips of a post (at A, at B): ${toSmall} to 2 members, ${toLarge} to 50`);
    assert.deepEqual(toLarge, toSmall);
    assert.ok((toLarge[0] ?? 0) <= 12 && toLarge[1] === 0, `${toLarge}`);
  },
);
