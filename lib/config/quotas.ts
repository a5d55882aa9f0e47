/** How much one user may have, and do. */
import * as as from "./parsers.ts";
import { preset } from "./variable.ts";

const BYTES = as.integer(1_000_000, 1_099_511_627_776);
const COUNT = as.integer(1, 1_000_000_000);

export const QUOTAS = {
  quotaDocumentBytes: preset(
    "QUOTA_DOCUMENT_BYTES",
    "67108864",
    as.integer(1_000_000, 1_073_741_824),
    "What one open document may take in memory: some hundred bytes a letter typed alone, two in a text",
  ),
  quotaOpenDocuments: preset(
    "QUOTA_OPEN_DOCUMENTS",
    "20",
    as.integer(1, 100_000),
    "Documents that one session may have open",
  ),
  quotaOpenDocumentBytes: preset(
    "QUOTA_OPEN_DOCUMENT_BYTES",
    "268435456",
    as.integer(1_000_000, 17_179_869_184),
    "What the open documents of one user may take in memory, on one instance",
  ),
  quotaChats: preset("QUOTA_CHATS", "20000", COUNT, "Chats of one user"),
  quotaMessages: preset("QUOTA_MESSAGES", "500000", COUNT, "Messages in all chats of one user"),
  quotaChatBytes: preset("QUOTA_CHAT_BYTES", "536870912", BYTES, "Bytes of all chats of one user"),
  quotaNotes: preset("QUOTA_NOTES", "10000", COUNT, "Notes of one user"),
  quotaNoteBytes: preset("QUOTA_NOTE_BYTES", "536870912", BYTES, "Bytes of all notes of one user"),
  quotaChannels: preset("QUOTA_CHANNELS", "500", COUNT, "Channels that one user has made"),
  quotaPosts: preset("QUOTA_POSTS", "500000", COUNT, "Posts of one user in all channels"),
  quotaPostBytes: preset("QUOTA_POST_BYTES", "536870912", BYTES, "Bytes of all posts of one user"),
  quotaAnswerBytes: preset(
    "QUOTA_ANSWER_BYTES",
    "67108864",
    BYTES,
    "Text of the answers of one user that are under way, or kept for who comes back, on one instance",
  ),
  quotaWritesPerSecond: preset(
    "QUOTA_WRITES_PER_SECOND",
    "100",
    as.integer(1, 100_000),
    "HTTP requests of one user that change something, on one instance; twenty times as many at once",
  ),
  quotaWriteBytesPerSecond: preset(
    "QUOTA_WRITE_BYTES_PER_SECOND",
    "4194304",
    BYTES,
    "Bytes of such requests; twenty times as many at once",
  ),
  quotaSocketBytesPerSecond: preset(
    "QUOTA_SOCKET_BYTES_PER_SECOND",
    "8388608",
    BYTES,
    "Bytes that one socket may send; who sends far more is cut",
  ),
};
