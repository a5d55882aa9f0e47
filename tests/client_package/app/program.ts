import { chatEventHandler, connect, createApi } from "webui-realtime-client";
import { isClientError } from "webui-realtime-client/errors";

declare const process: { argv: string[] };
declare const console: { log(text: string): void };

const [url = "", email = "", password = ""] = process.argv.slice(2);
const refused = await createApi({ url }).signIn({ email, password: "another" }).catch((thrown) => thrown);
if (!isClientError(refused, "unauthenticated")) throw refused;
const { token } = await createApi({ url }).signIn({ email, password });
const connection = connect({ url, token: () => Promise.resolve(token) });
await connection.ready;
const chats = chatEventHandler(connection);
const answer = await chats.ask({ model: "stand-in", messages: "Hello there" });
let text = "";
for await (const { content } of answer) text += content;
console.log(`${connection.user?.name}: ${text} (${answer.snapshot.state})`);
chats.close();
connection.close();
