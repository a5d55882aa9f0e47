import * as as from "./parsers.ts";
import { optional, preset } from "./variable.ts";

/** What is set where this server is the real-time layer of an Open WebUI; the names are its own. */
export const OPEN_WEBUI_VARIABLES = {
  openWebUiDatabaseUrl: optional(
    "OPEN_WEBUI_DATABASE_URL",
    as.databaseUrl,
    "Open WebUI's own database (its `DATABASE_URL`): this server becomes its real-time layer",
    { isSecret: true },
  ),
  openWebUiSchema: optional(
    "DATABASE_SCHEMA",
    as.text("a name of letters, digits and `_`", /^\w{1,63}$/),
    "Schema of Open WebUI's tables in Postgres",
  ),
  openWebUiUrl: optional(
    "OPEN_WEBUI_URL",
    as.url(["https", "http"]),
    "Where Open WebUI itself answers; asked once at the start, if set",
  ),
  isAdminChatAccess: preset(
    "ENABLE_ADMIN_CHAT_ACCESS",
    "true",
    as.boolean,
    "Whether Open WebUI's admins may open everybody's chats",
  ),
  mayUseChannels: preset(
    "USER_PERMISSIONS_FEATURES_CHANNELS",
    "true",
    as.boolean,
    "Whether Open WebUI's users have channels, where its settings don't say",
  ),
  mayUseNotes: preset(
    "USER_PERMISSIONS_FEATURES_NOTES",
    "true",
    as.boolean,
    "Whether Open WebUI's users have notes, where its settings don't say",
  ),
  isConfigPersistent: preset(
    "ENABLE_PERSISTENT_CONFIG",
    "true",
    as.boolean,
    "Whether the settings in Open WebUI's database count",
  ),
};
