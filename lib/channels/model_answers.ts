import { STOPPED } from "../common/stopped.ts";
import { AppError, errorText, toAppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { untilAborted } from "../common/pause.ts";
import type { AnswerOutcome } from "../protocol/answer_outcome.ts";
import type { Channel, ChannelMessage } from "../protocol/channel.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { Dictionary } from "../state/state_store.ts";
import type { Conversation } from "./conversation.ts";
import type { RunningAnswer } from "./answer_sweep.ts";
import { SLOWDOWN, TrailingThrottle } from "./trailing_throttle.ts";
import { mentionedModels, withoutMentions } from "./mentions.ts";

/** Somebody who runs a model, as far as channels need one. */
export interface ChannelModel {
  stream(
    request: { model: string; messages: { role: string; content: string }[] },
    signal: AbortSignal,
  ): AsyncIterable<ModelPart>;
}

/** What a model says next, and what is known of the answer's end from then on. */
export interface ModelPart {
  content?: string;
  /** All content before this was a thought. */
  wasReasoning?: true;
  end?: AnswerOutcome & { files?: { type: "image"; url: string }[] };
}

export interface ModelAnswersOptions {
  conversation: Pick<
    Conversation,
    "say" | "rewrite" | "show" | "keep" | "thread" | "enterToDelete"
  >;
  /** Which answers are being written where, for the sweep and for stops. */
  running: Pick<Dictionary<RunningAnswer>, "get" | "set" | "delete">;
  instanceId: string;
  /** Throws `not_found` when nobody runs the model. */
  findModel(modelId: string): Promise<{ name: string; model: ChannelModel }>;
  /** Runs work that can be stopped from anywhere. */
  runTask(
    subject: { itemId: string; userId: string; kind: string },
    work: (signal: AbortSignal, taskId: string) => Promise<void>,
  ): Promise<string>;
  /** Stops such work, wherever it runs; says whether there was any. */
  stopTask(taskId: string): Promise<boolean>;
  logger: Logger;
}

/** How often the room sees an answer grow (docs/protocol.md, section 6). */
const PREVIEW_MS = 150;
/** How often what there is of an answer is stored, for the case that its instance dies. */
const CHECKPOINT_MS = 1_000;
/** How much of a thread a model is told. */
const HISTORY = 50;
/** An answer beyond this is cut off. */
const MAX_LENGTH = 200_000;
/** Pictures of an answer, in all, in UTF-16 units. */
const MAX_PICTURES = 4 * 1024 * 1024;

/**
 * Models that are mentioned in a channel, or replied to, answer in the thread of the message that
 * called them. An answer is a task, and a message of the user who asked, marked by `meta.model_id`.
 * How it ended stands in its `meta`, as in a chat's message; its pictures in `data.files`.
 */
export class ModelAnswers {
  readonly #options: ModelAnswersOptions;

  constructor(options: ModelAnswersOptions) {
    this.#options = options;
  }

  /** Starts the answers that the message calls for; resolves when their tasks run. Never throws. */
  async answer(channel: Channel, message: ChannelMessage, user: PublicUser): Promise<void> {
    const repliedTo = message.reply_to_message?.meta?.model_id;
    const ids = new Set(mentionedModels(message.content));
    if (typeof repliedTo === "string") ids.add(repliedTo);
    for (const id of ids) {
      try {
        await this.#start(channel, message, user, id);
      } catch (thrown) {
        if (thrown instanceof AppError && thrown.code === "not_found") continue;
        this.#options.logger.warn("a model can't answer in a channel", {
          channel: channel.id,
          error: errorText(thrown),
        });
      }
    }
  }

  /**
   * Stops an answer that is being written, on whichever instance; what there is of it stays. Says
   * whether there was one. Who may delete it may stop it.
   *
   * @throws {AppError} `not_found`, `forbidden`
   */
  async stop(user: PublicUser, channelId: string, messageId: string): Promise<boolean> {
    const { conversation, running, stopTask } = this.#options;
    await conversation.enterToDelete(user, channelId, messageId);
    const answer = await running.get(messageId);
    if (answer?.channel_id !== channelId || answer.task_id === undefined) return false;
    return await stopTask(answer.task_id);
  }

  async #start(
    channel: Channel,
    question: ChannelMessage,
    user: PublicUser,
    modelId: string,
  ): Promise<void> {
    const { conversation, running, instanceId, findModel, runTask } = this.#options;
    const { name, model } = await findModel(modelId);
    const messages = await this.#prompt(channel, question, user, name);
    const answer = await conversation.say(user, channel, {
      content: "",
      parent_id: question.parent_id ?? question.id,
      meta: { model_id: modelId, model_name: name, done: false },
    });
    try {
      const record = { channel_id: channel.id, user_id: user.id, instance_id: instanceId };
      await running.set(answer.id, record);
      await runTask(
        { itemId: `channel:${channel.id}`, userId: user.id, kind: "completion" },
        async (signal, task_id) => {
          await running.set(answer.id, { ...record, task_id });
          await this.#stream(channel, user, answer, model, { model: modelId, messages }, signal);
        },
      );
    } catch (thrown) {
      const { code, message: content } = toAppError(thrown);
      const meta = { done: true, error: { code, content } };
      await conversation.rewrite(channel, user, answer.id, { content: "", meta });
      await running.delete(answer.id);
    }
  }

  /** What the model is told: the thread so far, then the question. */
  async #prompt(channel: Channel, question: ChannelMessage, user: PublicUser, name: string) {
    const { conversation } = this.#options;
    const { messages: thread } = question.parent_id === null
      ? { messages: [] }
      : await conversation.thread(user, channel.id, question.parent_id, { limit: HISTORY });
    const history = thread.reverse()
      .filter(({ id, content }) => id !== question.id && content !== "")
      .map(({ user, meta, content }) => {
        const speaker = meta?.model_name ?? user?.name ?? "Somebody";
        return `${speaker}: ${withoutMentions(content)}`;
      });
    const rules = `You are ${name}, in a conversation of several people in the channel ` +
      `"${channel.name}". ${user.name} has called you. Be concise.`;
    const content = [rules, ...(history.length > 0 ? ["The thread so far:", ...history] : [])];
    return [
      { role: "system", content: content.join("\n") },
      { role: "user", content: withoutMentions(question.content) },
    ];
  }

  async #stream(
    channel: Channel,
    user: PublicUser,
    answer: ChannelMessage,
    model: ChannelModel,
    request: Parameters<ChannelModel["stream"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    const { conversation, running, logger } = this.#options;
    let content = "";
    let end: NonNullable<ModelPart["end"]> = {};
    using previews = new TrailingThrottle<string>({
      everyMs: PREVIEW_MS,
      slowdown: SLOWDOWN,
      send: (text) =>
        conversation.show(channel, user, answer.id, text).catch((thrown) =>
          logger.warn("a part of an answer is not shown", { error: errorText(thrown) })
        ),
    });
    using checkpoints = new TrailingThrottle<string>({
      everyMs: CHECKPOINT_MS,
      send: (text) =>
        conversation.keep(channel.id, answer.id, text).catch((thrown) =>
          logger.warn("a part of an answer is not stored", { error: errorText(thrown) })
        ),
    });
    try {
      for await (const chunk of untilAborted(model.stream(request, signal), signal)) {
        // Only the end of a thought was marked: it was no part of the answer.
        if (chunk.wasReasoning) content = "";
        if (chunk.end) end = chunk.end;
        if (lengthOfPictures(end) > MAX_PICTURES) {
          end = { ...end, files: [] };
          throw new AppError("too_large", "The answer's pictures are too large for a channel.");
        }
        if (!chunk.content) continue;
        content += chunk.content;
        if (content.length > MAX_LENGTH) throw new AppError("too_large", "The answer is too long.");
        previews.push(content);
        checkpoints.push(content);
      }
      if (isEmpty(content, end)) {
        throw new AppError("empty_answer", "The model's answer was empty.");
      }
    } catch (thrown) {
      if (!signal.aborted) {
        const { code, message } = toAppError(thrown);
        logger.warn("a model failed in a channel", { code, error: errorText(thrown) });
        end = { ...end, error: { code, content: message } };
      }
    }
    if (signal.aborted) end = { ...end, interrupted: true };
    if (signal.reason === STOPPED) end = { ...end, stopped: true };
    await Promise.all([previews.quiet(), checkpoints.drop()]);
    const { files = [], ...outcome } = end;
    try {
      const change = { content, meta: { done: true, ...outcome } };
      const data = files.length > 0 ? { data: { files } } : {};
      await conversation.rewrite(channel, user, answer.id, { ...change, ...data });
    } catch (thrown) {
      // Somebody has deleted the answer while it was written.
      if (!(thrown instanceof AppError) || thrown.code !== "not_found") throw thrown;
    }
    await running.delete(answer.id);
  }
}

const lengthOfPictures = ({ files = [] }: NonNullable<ModelPart["end"]>) =>
  files.reduce((sum, { url }) => sum + url.length, 0);

/** An answer without a word, a picture or a call, whose end does not say why. */
function isEmpty(content: string, end: NonNullable<ModelPart["end"]>): boolean {
  const { finish_reason: reason = "stop", refusal, tool_calls, files } = end;
  return content.trim() === "" && !["length", "content_filter"].includes(reason) &&
    refusal === undefined && !tool_calls && !files;
}
