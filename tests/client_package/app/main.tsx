import { Editor } from "@tiptap/core";
import Collaboration from "@tiptap/extension-collaboration";
import CollaborationCaret from "@tiptap/extension-collaboration-caret";
import StarterKit from "@tiptap/starter-kit";
import { StrictMode, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import {
  RealtimeProvider,
  useChannel,
  useChannels,
  useChat,
  useConnection,
  useDocument,
  usePresence,
} from "webui-realtime-client/react";

const asked = new URLSearchParams(location.search);
const say = (name: string): string => asked.get(name) ?? "";

function Light() {
  const { status } = useConnection();
  return <p id="light">{status.state}</p>;
}

function Chat() {
  const { messages, status, ask, stop, regenerate, edit } = useChat({ model: "stand-in" });
  const [question, answer] = messages;
  return (
    <section id="chat">
      <p className="status">{status}</p>
      {messages.map(({ id, role, content }) => <p key={id} className={role}>{content}</p>)}
      <button onClick={() => void ask("First question")}>Ask</button>
      <button onClick={() => void stop()}>Stop</button>
      {answer && <button onClick={() => void regenerate(answer.id)}>Again</button>}
      {question && <button onClick={() => void edit(question.id, "Other question")}>Edit</button>}
    </section>
  );
}

function Channel() {
  const { posts, channel, post, typing } = useChannel(say("channel"));
  const { unread } = useChannels();
  const [text, setText] = useState("");
  return (
    <section id="channel">
      <h2>{channel?.name} ({unread.get(say("channel")) ?? "?"} unread)</h2>
      {posts?.map(({ id, content }) => <p key={id}>{content}</p>)}
      <input
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          typing();
        }}
      />
      <button onClick={() => void post(text)}>Say it</button>
    </section>
  );
}

function Note() {
  const place = useRef<HTMLDivElement>(null);
  const { provider, status } = useDocument(`note:${say("note")}`);
  const people = usePresence(provider);
  useEffect(() => {
    if (!provider || !place.current) return;
    const editor = new Editor({
      element: place.current,
      extensions: [
        StarterKit.configure({ undoRedo: false }),
        Collaboration.configure({ fragment: provider.doc.getXmlFragment("prosemirror") }),
        CollaborationCaret.configure({ provider, user: { name: "Ada", color: "#1f6f5c" } }),
      ],
    });
    return () => editor.destroy();
  }, [provider]);
  return (
    <section id="note">
      <p className="status">{status.state}, {people.length} here</p>
      <div ref={place} />
    </section>
  );
}

createRoot(document.querySelector("#root") as HTMLElement).render(
  <StrictMode>
    <RealtimeProvider url={say("url")} token={say("token")}>
      <Light />
      <Chat />
      <Channel />
      <Note />
    </RealtimeProvider>
  </StrictMode>,
);
