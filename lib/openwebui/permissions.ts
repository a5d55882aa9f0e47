import * as v from "valibot";
import { JsonColumn, TextColumn } from "./columns.ts";
import type { Database } from "./database.ts";
import { memberships } from "./grants.ts";
import type { Schema } from "./schema.ts";
import type { Settings } from "./settings.ts";

/** What an admin may allow to some and not to others. */
export type Feature = "channels" | "notes";

const RowSchema = v.object({ user_id: TextColumn, permissions: JsonColumn });

export interface PermissionsOptions {
  database: Database;
  schema: Schema;
  settings: Settings;
  /** `USER_PERMISSIONS_FEATURES_…`: what counts where neither a group nor the settings say. */
  defaults: Readonly<Record<Feature, boolean>>;
}

/** Who may use which feature: by any of their groups, else by the settings, else by default. */
export class Permissions {
  readonly #options: PermissionsOptions;
  readonly #select: string;

  constructor(options: PermissionsOptions) {
    this.#options = options;
    const users = options.database.dialect.list("$1");
    this.#select = `WITH RECURSIVE ${memberships(options.schema, users)}
      SELECT m.user_id, g.permissions FROM membership m JOIN "group" g ON g.id = m.group_id`;
  }

  /** Those of the users who may use the feature; an admin always may, which is not asked here. */
  async allowed(userIds: readonly string[], feature: Feature): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const { database, settings, defaults } = this.#options;
    const general = allows(await settings.get("user.permissions"), feature) ?? defaults[feature];
    if (general) return new Set(userIds);
    const rows = await database.query(this.#select, [JSON.stringify(userIds)]);
    const granted = rows
      .map((row) => v.parse(RowSchema, row))
      .filter(({ permissions }) => allows(permissions, feature) === true);
    return new Set(granted.map(({ user_id }) => user_id));
  }
}

/** What the permissions say of the feature; `undefined`: nothing. */
function allows(permissions: unknown, feature: Feature): boolean | undefined {
  const features = (permissions as { features?: Record<string, unknown> } | null)?.features;
  const value = features?.[feature];
  return value === undefined ? undefined : Boolean(value);
}
