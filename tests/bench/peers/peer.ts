/** How a server is started. */
export interface Launch {
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd?: string;
}

/** One column of the tables: a server that is measured. */
export interface Peer {
  /** As in `--peers` and in the machine-readable output. */
  id: string;
  /** As in the tables. */
  title: string;
  /** Installs what it needs and says how to start it; throws when that can't be had here. */
  prepare(): Promise<Launch>;
  /** The sections it takes part in. Default: all. */
  sections?: readonly string[];
}
