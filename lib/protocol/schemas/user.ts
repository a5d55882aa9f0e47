import * as v from "valibot";

export const RoleSchema = v.picklist(["pending", "user", "admin"]);
