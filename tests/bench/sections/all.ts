/** Every section, in the order of the report. A further one is a further entry. */
import { connect } from "./connect.ts";
import { delivery } from "./delivery.ts";
import { echo } from "./echo.ts";
import { memory } from "./memory.ts";
import type { Section } from "./section.ts";
import { streams } from "./streams.ts";

export const SECTIONS: readonly Section[] = [delivery, echo, connect, memory, streams];
