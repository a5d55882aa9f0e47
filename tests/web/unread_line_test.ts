import assert from "node:assert/strict";
import type { Post } from "../../lib/client/channel_model.ts";
import { unreadLine } from "../../lib/web/channels/unread_line.ts";

const said = (position: number, user_id = "ada") =>
  ({ id: `at ${position}`, position, user_id }) as Post;
const line = (posts: Post[], readTo: number, hasMore = false) =>
  unreadLine({ posts, hasMore, meId: "bob" }, readTo);

Deno.test("the line of what is unread stands behind the position that was read, whatever came since", () => {
  const posts = [said(1), said(2), said(3)];
  assert.equal(line(posts, 1), "at 2");
  assert.equal(line([...posts, said(4)], 1), "at 2", "one that came after the mark was told");
  assert.equal(line(posts.slice(2), 1), "at 3", "the first of them was deleted");
  assert.equal(line(posts, 0), "at 1", "nothing was read");
  assert.equal(line(posts, 3), undefined, "all was read");
  assert.equal(line([said(1), said(2, "bob"), said(3)], 1), "at 3", "one's own words are known");
});

Deno.test("there is no line as long as what stands below it may not be loaded", () => {
  assert.equal(line([said(4), said(5)], 1, true), undefined);
  assert.equal(line([said(2), said(3), said(4), said(5)], 2, true), "at 3");
});
