/** Every section, in the order of the report. A further one is a further entry. */
import { coldStart } from "./cold_start.ts";
import { connect } from "./connect.ts";
import { delivery } from "./delivery.ts";
import { documents } from "./documents.ts";
import { echo } from "./echo.ts";
import { instances } from "./instances.ts";
import { memory } from "./memory.ts";
import { pauses } from "./pauses.ts";
import { roundTrips } from "./round_trips.ts";
import { scale } from "./scale.ts";
import type { Section } from "./section.ts";
import { streams } from "./streams.ts";
import { sweepSection } from "./sweep.ts";

export const SECTIONS: readonly Section[] = [
  delivery,
  echo,
  connect,
  memory,
  ...streams,
  pauses,
  instances,
  scale,
  sweepSection,
  roundTrips,
  coldStart,
  ...documents,
];
