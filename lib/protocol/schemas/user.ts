import * as v from "valibot";
import { ROLES } from "../user.ts";

export const RoleSchema = v.picklist(ROLES);
